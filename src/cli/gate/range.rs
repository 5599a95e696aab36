//! The commits of a change's range: who made what would be pushed, and what both ends of the range do not show.

use super::reading::{Changes, Read};
use super::session::{code, of_vcs};
use crate::cli::input::{ChangeTrees, Reader, reasons};
use crate::diff::Bounds;
use crate::fleet::tree::{Beside, TreeFile};
use crate::gate::{
    Analysis, BesideDevices, Case, DeviceBytes, InForce, Instant, Library, Passing, Reason, ReasonCode, contributions,
    device_digest, unsafe_passing,
};
use crate::policy::{ChangeRequest, Policy};
use crate::vcs::{CommitId, RawCommit, Tree, VcsError};
use std::collections::{BTreeMap, BTreeSet};

/// How many different states between both ends are judged.
const MOST_STATES: usize = 64;

impl Changes<'_> {
    /// Who has a part in the range, and what in its commits is wrong by itself.
    pub(super) fn range(&self, base: CommitId, head: CommitId, out: &mut Read) {
        match self.session.repository.range(base, head, &|_| true) {
            Err(error) => out.obstacles.push(of_vcs(&error)),
            Ok(range) => {
                out.looks_approved = self.contributors(&range.commits, out);
                let flaw = |f: &crate::vcs::RangeFlaw| Reason::new(code(f.code()), f.to_string(), f.help());
                out.obstacles.extend(range.flaws.iter().map(flaw));
            }
        }
    }

    /// Takes in who had a part in some commits; the first one whose message looks like an approval.
    fn contributors(&self, commits: &[RawCommit], out: &mut Read) -> Option<String> {
        let persons = self.world.chain.policy().map(|p| p.persons.as_slice()).unwrap_or_default();
        let all = contributions(commits, &self.world.roster, persons);
        let names: BTreeSet<String> =
            all.iter().flat_map(|c| c.persons.iter().chain(&c.unknown)).chain(&out.contributors).cloned().collect();
        out.contributors = names.into_iter().collect();
        all.iter().find(|c| c.looks_like_approval).map(|c| c.commit.clone())
    }

    /// A range that begins outside of the protected branch's history leaves out commits that nobody would look at.
    pub(super) fn hidden(&self, base: CommitId, tip: CommitId) -> Result<(), Vec<Reason>> {
        let is_known = self.session.repository.descends_from(tip, base).map_err(|e| vec![of_vcs(&e)])?;
        let message = format!(
            "the range begins at {}, which the protected branch does not have: what came before it would not be looked at",
            base.short()
        );
        let fix = "announce it again, from where the branch left the protected one: `fwgate change new`";
        let reason = || Reason::new(ReasonCode::CommitGraph, message, fix).detail("base");
        if is_known { Ok(()) } else { Err(vec![reason()]) }
    }

    /// Whoever made what would be pushed along: where a device's bytes at the beginning of the range are not those in force,
    /// commits of others before the range are part of the proposal, and their makers are contributors.
    pub(super) fn earlier(
        &self,
        base: CommitId,
        (trees, analysis): (&ChangeTrees, &Analysis),
        known: &BTreeMap<String, InForce>,
        out: &mut Read,
    ) {
        let at_base = |device: &str| device_digest(trees.base.iter().find(|d| d.device == device));
        let moved = analysis.devices.iter().filter_map(|(device, _)| known.get(device));
        let moved: Vec<&InForce> = moved.filter(|k| at_base(&k.device) != k.bytes).collect();
        for device in moved {
            match self.bringing(device, base, trees) {
                Ok(commits) => drop(self.contributors(&commits, out)),
                Err(reasons) => out.obstacles.extend(reasons),
            }
        }
    }

    fn bringing(&self, known: &InForce, base: CommitId, trees: &ChangeTrees) -> Result<Vec<RawCommit>, Vec<Reason>> {
        let (repo, reader) = (&self.session.repository, self.reader()?);
        let sides = trees.base.iter().chain(&trees.baseline).chain(&trees.proposal);
        let own = sides.filter(|d| d.device == known.device).flat_map(|d| &d.files);
        let paths: BTreeSet<String> = own.map(|(path, _)| reader.path_in_repository(path)).collect();
        let since = repo.commit_id(&known.head).map_err(|e| vec![of_vcs(&e)])?;
        repo.bringing(since, base, &paths).map_err(|e| vec![of_vcs(&e)])
    }

    fn reader(&self) -> Result<Reader<'_>, Vec<Reason>> {
        self.session.reader().map_err(|e| reasons(&e))
    }

    /// Takes in states between both ends that are not safe by themselves.
    pub fn passed(&self, read: &mut Read) {
        let (Some(announced), Some(request), Some(policy)) =
            (&read.announced, &read.request, self.world.chain.policy())
        else {
            return;
        };
        let judging = Judging { policy, request, now: self.world.now };
        let found = self.states(policy, &announced.base, &announced.head).map(|states| judging.reasons(&states));
        read.obstacles.extend(found.unwrap_or_else(|reasons| reasons));
    }

    /// The devices, with what stands beside them, at every commit before the head that changes either, each state once, and where
    /// the commit left other history.
    fn states(&self, policy: &Policy, base: &str, head: &str) -> Result<Vec<State>, Vec<Reason>> {
        let (repo, reader) = (&self.session.repository, self.reader()?.with_beside(Beside::of(policy)));
        let broken = |error: VcsError| vec![of_vcs(&error)];
        let (base, head) = (repo.commit_id(base).map_err(broken)?, repo.commit_id(head).map_err(broken)?);
        let tree = |commit: CommitId| repo.tree(commit).map_err(broken);
        let part = |tree: &Tree| tree.contents(|path| reader.is_judged(path));
        let devices = |tree: &Tree, commit: CommitId| {
            let read = reader.state_of(repo, tree, &commit.short());
            read.map_err(|e| reasons(&e).into_iter().next().map_or_else(String::new, |reason| reason.message))
        };
        let mut seen = BTreeSet::from([part(&tree(head)?)]);
        let mut out = Vec::new();
        for (from, commit) in repo.passed(base, head).map_err(broken)? {
            let (origin, own) = (tree(from)?, tree(commit)?);
            if part(&origin) == part(&own) || !seen.insert(part(&own)) {
                continue;
            }
            let from = devices(&origin, from).unwrap_or_default();
            out.push(State { commit, from, to: devices(&own, commit) });
        }
        Ok(out)
    }
}

/// The devices at a commit between both ends of a range.
struct State {
    commit: CommitId,
    /// Where it left history that is not the author's.
    from: Scenery,
    /// At the commit, or why they cannot be read.
    to: Result<Scenery, String>,
}

/// Devices, and what stands beside them.
type Scenery = (Vec<DeviceBytes>, Vec<TreeFile>);

struct Judging<'a> {
    policy: &'a Policy,
    request: &'a ChangeRequest,
    now: Instant,
}

impl Judging<'_> {
    fn reasons(&self, states: &[State]) -> Vec<Reason> {
        let fix = "squash the commits, so that nothing but the result can ever be pushed";
        if states.len() > MOST_STATES {
            let message = format!("the range has {} states between its ends, more than {MOST_STATES}", states.len());
            return vec![Reason::new(ReasonCode::CommitGraph, message, fix)];
        }
        let mut library = Library::default();
        let reason = |state: &State| {
            let why = self.fault(state, &mut library)?;
            let message =
                format!("the state at {} is not safe by itself, whatever the end is: {why}", state.commit.short());
            Some(Reason::new(ReasonCode::CommitGraph, message, fix).detail("state"))
        };
        states.iter().filter_map(reason).collect()
    }

    fn fault(&self, state: &State, library: &mut Library) -> Option<String> {
        let (from, beside) = &state.from;
        let (to, beside_then) = match &state.to {
            Ok(to) => to,
            Err(why) => return Some(why.clone()),
        };
        let case = Case {
            repository: "",
            baseline: from,
            proposal: to,
            base: from,
            policy: self.policy,
            request: self.request,
            canonical_request: "",
            bounds: Bounds::default(),
            today: self.now.date(),
        };
        let now = Some(self.now.0);
        let around = BesideDevices { baseline: beside, proposal: beside_then, now, ..BesideDevices::default() };
        unsafe_passing(&case, Passing { from, to, around }, library)
    }
}
