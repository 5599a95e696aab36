//! One change, read out of the repository and analysed, in a world that is the same for every change.

use super::commits::Commits;
use super::device::target;
use super::session::{Session, of_vcs};
use super::world::World;
use crate::check::Goes;
use crate::cli::input::{ChangeTrees, InputError, PinnedChange, Reader, bytes_of, reasons};
use crate::diff::Bounds;
use crate::finding::RENUMBERED_TOO_EARLY;
use crate::fleet::tree::Beside;
use crate::gate::{
    Analysis, BesideDevices, BranchVoices, Case, Change, Decision, DeviceBytes, Digest, Dossier, InForce, Instant,
    Library, Log, Neighbour, Outcome, Pending, Period, Progress, Reason, ReasonCode, Record, ResultKind, Standing,
    TargetDevice, Testimony, analyse_within, decide, in_force_for, inventory_of, judge_pending, read_request,
    taken_back, with_adoptions,
};
use crate::policy::{ChangeRequest, Date, Environment, Policy};
use crate::vcs::CommitId;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// How many announcements of one change are compared: an approval of an older one is not carried over.
const MOST_ANNOUNCEMENTS: usize = 20;

/// What was read of a change, and from what.
pub(super) struct KnownChange {
    key: ChangeKey,
    found: FoundChange,
}

/// Everything that the trees of a change and their analysis depend on, but the root.
#[derive(PartialEq, Eq)]
struct ChangeKey {
    tip: CommitId,
    base: String,
    head: String,
    policy: Option<Digest>,
    in_force: BTreeMap<String, InForce>,
    today: Date,
    /// Where something of it grows old.
    now: Option<Instant>,
}

/// The trees of a change and what it does.
#[derive(Clone)]
struct FoundChange {
    trees: Arc<ChangeTrees>,
    fleet: Vec<TargetDevice>,
    request: ChangeRequest,
    analysis: Result<Arc<Analysis>, Vec<Reason>>,
}

/// One change, as far as it could be read.
#[derive(Default)]
pub(super) struct Read {
    pub testimony: Rc<Testimony>,
    pub announced: Option<Change>,
    pub trees: Option<Arc<ChangeTrees>>,
    pub request: Option<ChangeRequest>,
    pub analysis: Option<Arc<Analysis>>,
    pub pending: Option<Pending>,
    pub contributors: Vec<String>,
    /// What the author of each announcement edited, by its place on the branch.
    pub edits: BTreeMap<usize, Digest>,
    /// A commit of the range whose message looks like an approval.
    pub looks_approved: Option<String>,
    pub fleet: Vec<TargetDevice>,
    pub targets: Vec<TargetDevice>,
    pub obstacles: Vec<Reason>,
}

/// Reads changes in one world.
pub(super) struct Changes<'a> {
    pub session: &'a Session,
    pub world: &'a World,
    pub tip: Option<CommitId>,
}

impl Changes<'_> {
    /// What is said about a change, without its bytes: enough to tell where one stands that has been permitted.
    pub fn glance(&self, id: &str) -> Read {
        let testimony = self.world.testimony(id);
        Read { announced: announcement(&testimony), testimony, ..Read::default() }
    }

    /// Where a change stands, in a decision by itself without the others. What it does is read only where that depends on it.
    pub fn standing(&self, id: &str) -> (Read, Decision) {
        if self.world.progress(id) != Progress::None {
            let read = self.glance(id);
            let decision = self.decide(id, &read, &[]);
            if decision.state.is_over() {
                return (read, decision);
            }
        }
        let read = self.read(id);
        let decision = self.decide(id, &read, &[]);
        (read, decision)
    }

    /// Everything about a change but what stands beside it.
    pub fn read(&self, id: &str) -> Read {
        let world = self.world;
        let mut out = self.glance(id);
        if let Err(reasons) = self.fill(id, &mut out) {
            out.obstacles.extend(reasons);
        }
        out.obstacles.extend(given_up(&world.log, id));
        out
    }

    pub(super) fn fill(&self, id: &str, out: &mut Read) -> Result<(), Vec<Reason>> {
        let (Some(announced), Some(tip), Some(policy)) = (out.announced.clone(), self.tip, self.world.chain.policy())
        else {
            return Ok(());
        };
        let repo = &self.session.repository;
        let commit = |id: &str| repo.commit_id(id).map_err(|e| vec![of_vcs(&e)]);
        let (base, head) = (commit(&announced.base)?, commit(&announced.head)?);
        self.hidden(base, tip)?;
        self.range(base, head, out);
        out.pending = self.pending(base, head)?;
        let in_force = self.known(id);
        let key = self.key(&announced, tip, policy, &in_force);
        let known = self.session.known.borrow().get(id).filter(|known| known.key == key).map(|k| k.found.clone());
        let found = match known {
            Some(found) => found,
            None => {
                let pinned = PinnedChange { id, protected: tip, base, head };
                self.found(&pinned, policy, &in_force, &mut out.obstacles)?
            }
        };
        if out.obstacles.is_empty() && key.policy.is_some() {
            self.session.known.borrow_mut().insert(id.to_owned(), KnownChange { key, found: found.clone() });
        }
        let reader = self.session.reader().map_err(|e| reasons(&e))?.with_beside(Beside::of(policy));
        out.edits = self.edits(id, &reader, &out.testimony);
        let trees = found.trees;
        (out.fleet, out.request, out.trees) = (found.fleet, Some(found.request), Some(trees.clone()));
        match found.analysis {
            Ok(analysis) => {
                out.targets = targets(&analysis, &out.fleet);
                self.earlier(base, (&*trees, &*analysis), &in_force, out);
                out.analysis = Some(analysis);
                Ok(())
            }
            Err(_) if out.pending.is_some() => Ok(()),
            Err(reasons) => Err(reasons),
        }
    }

    /// Everything that the trees of a change and their analysis depend on.
    fn key(
        &self,
        announced: &Change,
        tip: CommitId,
        policy: &Policy,
        in_force: &BTreeMap<String, InForce>,
    ) -> ChangeKey {
        // Snapshots beside the devices grow old from one second to the next.
        let is_dated = policy.inventory.is_some() || policy.name_service.is_some();
        ChangeKey {
            tip,
            base: announced.base.clone(),
            head: announced.head.clone(),
            policy: self.world.chain.in_force().map(|v| v.digest),
            in_force: in_force.clone(),
            today: self.world.now.date(),
            now: is_dated.then_some(self.world.now),
        }
    }

    /// Reads the trees of a change and analyses them.
    fn found(
        &self,
        pinned: &PinnedChange<'_>,
        policy: &Policy,
        known: &BTreeMap<String, InForce>,
        obstacles: &mut Vec<Reason>,
    ) -> Result<FoundChange, Vec<Reason>> {
        let reader = self.session.reader().map_err(|e| reasons(&e))?.with_beside(Beside::of(policy));
        let in_force = self.in_force(known, obstacles);
        let trees = reader.change_trees(&self.session.repository, pinned, &in_force)?;
        let fleet = self.fleet(&reader, policy, pinned.protected);
        let (request, canonical) = read_request(&trees.request.path, &trees.request.bytes, policy)?;
        let analysis = self.analysed(policy, &trees, (&request, &canonical), Goes::Unknown).map(Arc::new);
        Ok(FoundChange { trees: Arc::new(trees), fleet, request, analysis })
    }

    fn analysed(
        &self,
        policy: &Policy,
        trees: &ChangeTrees,
        (request, canonical): (&ChangeRequest, &str),
        goes: Goes,
    ) -> Result<Analysis, Vec<Reason>> {
        let repository = self.session.root.as_ref().map(|r| r.repository.clone()).unwrap_or_default();
        let case = Case {
            repository: &repository,
            baseline: &trees.baseline,
            proposal: &trees.proposal,
            base: &trees.base,
            policy,
            request,
            canonical_request: canonical,
            bounds: Bounds::default(),
            today: self.world.now.date(),
        };
        let [old, new] = &trees.beside;
        let around = BesideDevices { baseline: old, proposal: new, now: Some(self.world.now.0), goes };
        analyse_within(&case, &around, &mut Library::default())
    }

    /// Judges again what depends on when the change goes, once that is known: by the window that the gate computes, else by the
    /// one that the change file wishes. Whether anything was judged again.
    pub(super) fn timed(&self, read: &mut Read, window: Option<Period>) -> bool {
        let (Some(trees), Some(request), Some(analysis), Some(policy)) =
            (&read.trees, &read.request, &read.analysis, self.world.chain.policy())
        else {
            return false;
        };
        let wish = request.window.as_ref().and_then(|w| w.start.seconds());
        let Some(start) = window.map(|w| w.start.0).or(wish) else { return false };
        if !analysis.report.findings.iter().any(|f| f.code.id == RENUMBERED_TOO_EARLY.id) {
            return false;
        }
        let again = read_request(&trees.request.path, &trees.request.bytes, policy)
            .and_then(|(request, canonical)| self.analysed(policy, trees, (&request, &canonical), Goes::From(start)))
            .map(Arc::new);
        match again {
            Ok(analysis) => read.analysis = Some(analysis),
            Err(reasons) => read.obstacles.extend(reasons),
        }
        true
    }

    /// What the author of each announcement edited, by its place on the branch; of the last ones.
    fn edits(&self, id: &str, reader: &Reader<'_>, testimony: &Testimony) -> BTreeMap<usize, Digest> {
        let announced = testimony.records.iter().rev().filter_map(|r| match &r.said {
            Record::Change(change) => Some((r.order, change)),
            _ => None,
        });
        let read = |(order, change): (usize, &Change)| {
            let edits = reader.edits(&self.session.repository, id, &change.base, &change.head)?;
            Some((order, edits))
        };
        match announced.take(MOST_ANNOUNCEMENTS).collect::<Vec<_>>().as_slice() {
            // One is equal to itself, whatever it edits: no tree has to be read.
            [(order, change)] => BTreeMap::from([(*order, change.file)]),
            several => several.iter().copied().filter_map(read).collect(),
        }
    }

    fn pending(&self, base: CommitId, head: CommitId) -> Result<Option<Pending>, Vec<Reason>> {
        let at = |commit| self.session.repository.policy_at(commit).map_err(|e| vec![of_vcs(&e)]);
        let (before, after) = (at(base)?, at(head)?);
        if before.files == after.files && before.irregular == after.irregular {
            return Ok(None);
        }
        let world = self.world;
        let voices = BranchVoices::new(world.of_changes(), &world.ledger, world.now).proving(&self.session.proven);
        Ok(Some(judge_pending(&world.chain, &after, &voices)))
    }

    /// What is in force, as a change finds it, on every device that the ledger knows.
    fn known(&self, id: &str) -> BTreeMap<String, InForce> {
        with_adoptions(in_force_for(&self.world.ledger, id), self.world.adoptions())
    }

    /// The bytes of devices of which is known what is in force.
    fn in_force(
        &self,
        known: &BTreeMap<String, InForce>,
        obstacles: &mut Vec<Reason>,
    ) -> BTreeMap<String, DeviceBytes> {
        let mut out = BTreeMap::new();
        let mut commits = Commits::of(self.session);
        let mut line = None;
        let tip = self.tip.map(|tip| tip.to_string());
        for (device, known) in known {
            // Bytes of this digest are those bytes wherever they lie; the protected branch, which is read anyway, holds most.
            if let Some(bytes) = tip.as_deref().and_then(|tip| commits.at(tip, device, known.bytes).ok()) {
                out.insert(device.clone(), bytes);
                continue;
            }
            let held = match self.session.repository.commit_id(&known.head) {
                Ok(_) => commits.at(&known.head, device, known.bytes),
                // Squashed, and its branch taken away: the protected branch had the bytes at some time.
                Err(_) => {
                    let line = line.get_or_insert_with(|| self.session.protected_line(self.tip));
                    let places: Vec<String> = [&known.head].into_iter().chain(&*line).cloned().collect();
                    commits.held(&places, device, known.bytes).map(|(_, bytes)| bytes)
                }
            };
            match held {
                Ok(bytes) => drop(out.insert(device.clone(), bytes)),
                Err(reasons) => obstacles.extend(reasons),
            }
        }
        out
    }

    /// Every device of the protected branch with the facts that it and its inventory give there.
    fn fleet(&self, reader: &Reader<'_>, policy: &Policy, tip: CommitId) -> Vec<TargetDevice> {
        let repo = &self.session.repository;
        let tree = repo.tree(tip).map_err(InputError::from);
        let Ok(tree) = tree.and_then(|t| reader.devices_of(repo, &t)) else { return Vec::new() };
        // One that cannot be read refuses the change where it is analysed.
        let inventory = inventory_of(policy, &tree.beside).ok().flatten();
        tree.devices.iter().map(|d| target(&bytes_of(d), inventory.as_ref())).collect()
    }

    pub fn decide(&self, id: &str, read: &Read, neighbours: &[Neighbour]) -> Decision {
        let world = self.world;
        let holds = world.holds(id);
        let ids: Vec<String> = world.ids().map(str::to_owned).collect();
        let empty = Vec::new();
        decide(&Dossier {
            id,
            now: world.now,
            chain: &world.chain,
            obstacles: &read.obstacles,
            request: read.request.as_ref(),
            testimony: &read.testimony,
            analysis: read.analysis.as_deref(),
            pending: read.pending.as_ref(),
            targets: &read.targets,
            paths: read.trees.as_ref().map_or(&empty, |t| &t.touched),
            contributors: &read.contributors,
            edits: Some(&read.edits),
            holds: &holds,
            ids: &ids,
            neighbours,
            progress: world.progress(id),
            taken_back: taken_back(&world.ledger, id),
            restores: self.restores(read),
            unconverged: world.unconverged(),
            debts: world.debts(),
        })
    }

    /// Whether every device gets bytes that the ledger says it had before.
    fn restores(&self, read: &Read) -> bool {
        let Some(analysis) = &read.analysis else { return false };
        let had = |device: &str, bytes| {
            let mut results = self.world.ledger.results();
            results.any(|r| {
                r.device == device
                    && r.bytes == bytes
                    && matches!(r.result, ResultKind::Applied | ResultKind::RolledBack)
            })
        };
        !analysis.devices.is_empty() && analysis.devices.iter().all(|(device, bytes)| had(device, *bytes))
    }
}

/// A change that the log keeps as given up or rejected begins again under another id only.
fn given_up(log: &Log, id: &str) -> Option<Reason> {
    let code = match log.last_of(id)?.said.outcome {
        Outcome::Withdrawn => ReasonCode::Withdrawn,
        Outcome::Rejected => ReasonCode::Rejected,
        _ => return None,
    };
    let message = format!("{id} is closed: the log keeps it as {}", code.name().to_lowercase());
    Some(Reason::new(code, message, "announce it under a new id: `fwgate change new`"))
}

/// The latest `change` record that counts.
pub(super) fn announcement(testimony: &Testimony) -> Option<Change> {
    let good = testimony.records.iter().rev().filter(|r| r.standing == Standing::Good);
    good.filter_map(|r| match &r.said {
        Record::Change(change) => Some(change.clone()),
        _ => None,
    })
    .next()
}

/// The devices that a change touches.
fn targets(analysis: &Analysis, fleet: &[TargetDevice]) -> Vec<TargetDevice> {
    analysis.devices.iter().map(|(device, _)| known_or_new(device, fleet)).collect()
}

/// A device as the protected branch knows it. A new one takes the strictest environment.
pub(super) fn known_or_new(device: &str, fleet: &[TargetDevice]) -> TargetDevice {
    let new = || TargetDevice { device: device.to_owned(), roles: Vec::new(), environment: Environment::Production };
    fleet.iter().find(|d| d.device == device).cloned().unwrap_or_else(new)
}
