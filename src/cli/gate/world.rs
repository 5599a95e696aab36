//! What is the same for every change: chain, roster, ledger, log, and what is said on branches.

use crate::gate::{
    Believed, BranchVoices, Chain, Debt, FAR_REACHING, Hold, InForce, Instant, LEDGER_BRANCH, LOG_BRANCH, Ledger, Log,
    Progress, Proven, Record, ResultKind, Roster, Testimony, Unconverged, adoptions, claims, debt, judge_chain,
    progress, quarantined, read_branch, read_version, unconverged, with_adoptions,
};
use crate::policy::Policy;
use crate::vcs::{Branch, PolicyVersion};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is the same for every change. The branch of each is read at most once, when somebody asks what is said there.
pub(super) struct World {
    pub now: Instant,
    pub branches: BTreeMap<String, Branch>,
    pub chain: Chain,
    pub roster: Roster,
    pub ledger: Ledger,
    pub log: Log,
    said: RefCell<BTreeMap<String, Rc<Testimony>>>,
    abroad: OnceCell<Abroad>,
}

/// What branches say about more than their own change.
struct Abroad {
    /// The branches that say any of it, in order of name.
    testimonies: Vec<Rc<Testimony>>,
    adoptions: Vec<InForce>,
    unconverged: Vec<Unconverged>,
    debts: Vec<Debt>,
}

impl World {
    /// Everything by the branches that are there, and those of closed changes that are not any more.
    pub fn read(
        root: Option<&[u8]>,
        now: Instant,
        (branches, kept): (BTreeMap<String, Branch>, Vec<Branch>),
        versions: Vec<PolicyVersion>,
        proven: &Proven,
    ) -> World {
        let policies: Vec<Policy> =
            versions.iter().filter_map(|v| read_version(v).ok()).map(|(policy, _)| policy).collect();
        let ledger_branch = branches.get(LEDGER_BRANCH);
        let every = Roster::of_versions(&policies.iter().collect::<Vec<_>>()).proving(proven);
        let first = Ledger::read(ledger_branch, &every, now);
        let open = branches.values().filter(|b| change_of(&b.name).is_some());
        let voices = BranchVoices::new(open.chain(&kept), &first, now).proving(proven);
        let witnessed = first.last_witness().map(|w| (w.policy, w.at));
        let chain = judge_chain(root, &versions, &voices, witnessed);
        let mut counting: Vec<Policy> = chain.versions.iter().map(|v| v.policy.clone()).collect();
        if counting.is_empty() {
            counting.extend(chain.provisional.clone());
        }
        let roster = Roster::of_versions(&counting.iter().collect::<Vec<_>>()).proving(proven);
        let log = Log::read(branches.get(LOG_BRANCH), &roster);
        let ledger = if roster.is_same(&every) { first } else { Ledger::read(ledger_branch, &roster, now) };
        let (said, abroad) = (RefCell::default(), OnceCell::new());
        World { now, branches, chain, roster, ledger, log, said, abroad }
    }

    /// The branches of changes, in order of name.
    pub fn of_changes(&self) -> impl Iterator<Item = &Branch> {
        self.branches.values().filter(|b| change_of(&b.name).is_some())
    }

    /// The ids of all changes that have a branch, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.branches.keys().filter_map(|name| change_of(name))
    }

    /// What is said on the branch of a change; nothing where there is none.
    pub fn testimony(&self, id: &str) -> Rc<Testimony> {
        if let Some(known) = self.said.borrow().get(id) {
            return known.clone();
        }
        let branch = self.branches.get(&format!("refs/heads/fwgate/changes/{id}"));
        let empty = || Testimony { change: id.to_owned(), ..Testimony::default() };
        let read = branch.map_or_else(empty, |b| read_branch(b, &self.roster, &self.ledger, self.now));
        let read = Rc::new(read);
        self.said.borrow_mut().insert(id.to_owned(), read.clone());
        read
    }

    /// How many branches were read.
    pub fn branches_read(&self) -> usize {
        self.said.borrow().len()
    }

    /// How far a change has come: what is in the log is closed, unless it was taken back after that.
    pub fn progress(&self, id: &str) -> Progress {
        let by_ledger = progress(&self.ledger, id, self.now);
        match self.log.is_closed(id) {
            true if !self.log.knows_end(id, by_ledger) => by_ledger,
            true => Progress::Closed,
            false => by_ledger,
        }
    }

    /// The branches that say something about more than their own change.
    pub fn far_reaching(&self) -> &[Rc<Testimony>] {
        &self.abroad().testimonies
    }

    /// What devices run that nobody pushed and a quorum adopted.
    pub fn adoptions(&self) -> &[InForce] {
        &self.abroad().adoptions
    }

    /// What is in force on every device that the ledger, or a quorum that adopted it, knows.
    pub fn in_force(&self) -> BTreeMap<String, InForce> {
        with_adoptions(self.ledger.in_force(), self.adoptions())
    }

    /// Devices whose last push left them without a receipt.
    pub fn unconverged(&self) -> &[Unconverged] {
        &self.abroad().unconverged
    }

    /// The reviews that emergencies owe.
    pub fn debts(&self) -> &[Debt] {
        &self.abroad().debts
    }

    /// Holds on the branches of other changes.
    pub fn holds(&self, id: &str) -> Vec<Believed<Hold>> {
        let others = self.far_reaching().iter().filter(|t| t.change != id);
        let standing = |t: &Testimony| {
            let taken_back = t.stops_taken_back();
            t.records.iter().filter(|r| !taken_back.contains_key(&r.order)).filter_map(as_hold).collect::<Vec<_>>()
        };
        others.flat_map(|t| standing(t)).collect()
    }

    fn abroad(&self) -> &Abroad {
        self.abroad.get_or_init(|| {
            let saying = self.of_changes().filter(|branch| claims(branch, FAR_REACHING));
            let testimonies: Vec<Rc<Testimony>> =
                saying.filter_map(|branch| change_of(&branch.name)).map(|id| self.testimony(id)).collect();
            let (policy, now) = (self.chain.policy(), self.now);
            let said = || testimonies.iter().map(Rc::as_ref);
            let quarantined = quarantined(said(), policy, now);
            Abroad {
                adoptions: policy.map(|p| said().flat_map(|t| adoptions(t, p, now)).collect()).unwrap_or_default(),
                unconverged: unconverged(&self.ledger, &quarantined, now),
                debts: policy
                    .map(|p| said().filter_map(|t| debt(t, p, self.applied(&t.change)?)).collect())
                    .unwrap_or_default(),
                testimonies,
            }
        })
    }

    /// When a change was applied to the last of its devices.
    fn applied(&self, change: &str) -> Option<Instant> {
        let results = self.ledger.results().filter(|r| r.change == change && r.result == ResultKind::Applied);
        results.map(|r| r.at).max()
    }
}

/// The id of the change whose branch this is.
pub(super) fn change_of(branch: &str) -> Option<&str> {
    branch.strip_prefix("refs/heads/fwgate/changes/")
}

fn as_hold(record: &Believed<Record>) -> Option<Believed<Hold>> {
    let Record::Hold(hold) = &record.said else { return None };
    Some(Believed {
        said: hold.clone(),
        by: record.by.clone(),
        key: record.key.clone(),
        standing: record.standing,
        at: record.at,
        witnessed: record.witnessed,
        commit: record.commit.clone(),
        digest: record.digest,
        order: record.order,
    })
}
