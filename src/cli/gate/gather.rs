//! From the root's remote to a decision.

use super::commits::Commits;
use super::device::target;
use super::world::{World, change_of};
use super::{GateArguments, RootArguments};
use crate::check::Goes;
use crate::cli::failure::Failure;
use crate::cli::input::{ChangeTrees, InputError, PinnedChange, Reader, Surroundings, bytes_of, reasons};
use crate::cli::rulesets::is_ruleset;
use crate::dialect::nearest;
use crate::diff::Bounds;
use crate::finding::RENUMBERED_TOO_EARLY;
use crate::fleet::tree::Beside;
use crate::gate::{
    Analysis, BesideDevices, BranchVoices, Case, Chain, Change, Decision, DeviceBytes, Digest, Dossier, InForce,
    Instant, Ledger, Library, Log, Neighbour, Outcome, Pending, Period, Proven, Reason, ReasonCode, Record, ResultKind,
    Root, Roster, Standing, TargetDevice, Testimony, analyse_within, decide, device_digest, in_force_for, inventory_of,
    judge_pending, read_request, taken_back, with_adoptions,
};
use crate::inventory::Inventory;
use crate::policy::{ChangeRequest, Date, Environment, Policy};
use crate::vcs::{Branch, CommitId, EvidenceSource, RawCommit, Remote, RemoteError, Repository, VcsError};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// How many announcements of one change are compared: an approval of an older one is not carried over.
const MOST_ANNOUNCEMENTS: usize = 20;

/// A repository with the root that somebody gave, before anything is asked.
pub struct Session {
    /// Where the process stands.
    pub surroundings: Surroundings,
    /// The repository.
    pub repository: Repository,
    /// The bytes of the root file, or why there is none.
    pub root_bytes: Result<Vec<u8>, Reason>,
    /// What it says, where it can be read.
    pub root: Option<Root>,
    devices: String,
    /// Changes as they were read last, by id: evidence is fetched and judged at every call, and what depends on nothing that has
    /// changed is not computed again.
    known: RefCell<BTreeMap<String, KnownChange>>,
    /// Signatures that were verified.
    pub(super) proven: Proven,
    branches_read: Cell<usize>,
}

/// How much work a session did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Objects of the repository that were read, each time that one was.
    pub objects: usize,
    /// Signatures that were verified.
    pub signatures: usize,
    /// Branches of changes that were read for the last answer.
    pub branches: usize,
}

/// What was read of a change, and from what.
struct KnownChange {
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

/// Everything that was gathered about one change, and what the gate says of it.
pub struct Gathered {
    /// The one clock reading.
    pub now: Instant,
    /// The policy chain.
    pub chain: Chain,
    /// Who may do what.
    pub roster: Roster,
    /// The ledger.
    pub ledger: Ledger,
    /// What is kept of changes that came to an end.
    pub log: Log,
    /// The branches of evidence.
    pub branches: BTreeMap<String, Branch>,
    /// What is on the change's branch.
    pub testimony: Testimony,
    /// The announcement that counts.
    pub announced: Option<Change>,
    /// The bytes of both sides.
    pub trees: Option<Arc<ChangeTrees>>,
    /// The change file.
    pub request: Option<ChangeRequest>,
    /// What the change does.
    pub analysis: Option<Arc<Analysis>>,
    /// Every device of the protected branch, and those that are new.
    pub fleet: Vec<TargetDevice>,
    /// The devices that the change touches.
    pub targets: Vec<TargetDevice>,
    /// What is in force on each device that the ledger, or a quorum that adopted it, knows.
    pub in_force: BTreeMap<String, InForce>,
    /// The answer.
    pub decision: Decision,
}

impl Gathered {
    /// The policy that the decision used.
    pub fn policy(&self) -> Option<&Policy> {
        self.chain.policy()
    }

    /// The roles of a device of the change, as the protected branch gives them.
    pub fn roles_of(&self, device: &str) -> &[String] {
        let target = self.targets.iter().find(|t| t.device == device);
        target.map(|t| t.roles.as_slice()).unwrap_or_default()
    }

    /// The inventories of the protected branch and of the proposal, where there are any that can be read; what cannot be read
    /// refuses the change in its analysis.
    pub fn inventories(&self) -> [Option<Inventory>; 2] {
        let (Some(trees), Some(policy)) = (&self.trees, self.policy()) else { return [None, None] };
        trees.beside.each_ref().map(|files| inventory_of(policy, files).ok().flatten())
    }
}

impl Session {
    /// Opens the repository around the working directory.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn open(arguments: &GateArguments) -> Result<Session, Failure> {
        Session::open_root(&arguments.root)
    }

    /// The same for a command that is about no single change.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn open_root(arguments: &RootArguments) -> Result<Session, Failure> {
        Session::open_at(Surroundings::of_process()?, arguments)
    }

    /// The same for a process that stands somewhere else.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn open_at(surroundings: Surroundings, arguments: &RootArguments) -> Result<Session, Failure> {
        let found = Repository::discover(&surroundings.cwd).map_err(InputError::from)?;
        let repository =
            found.ok_or_else(|| Failure::new("this is no git repository").help("run this inside the repository"))?;
        let root_bytes = arguments.root_bytes(&surroundings, repository.root());
        let root = root_bytes.as_ref().ok().and_then(|bytes| Root::read(bytes).ok());
        Ok(Session {
            surroundings,
            repository,
            root_bytes,
            root,
            devices: arguments.devices.clone(),
            known: RefCell::default(),
            proven: Proven::default(),
            branches_read: Cell::default(),
        })
    }

    /// The remote that the root names.
    ///
    /// # Errors
    /// There is no root, or its remote is no address.
    pub fn remote(&self) -> Result<Remote<'_>, Reason> {
        let root = self.root.as_ref().ok_or_else(|| match &self.root_bytes {
            Err(reason) => reason.clone(),
            Ok(bytes) => root_flaw(bytes),
        })?;
        Remote::new(&self.repository, &root.remote).map_err(|e| of_remote(&e))
    }

    /// Fetches, reads, analyses and decides.
    pub fn gather(&self, id: &str, now: Instant) -> Gathered {
        let mut obstacles: Vec<Reason> = Vec::new();
        obstacles.extend(self.root_bytes.as_ref().err().cloned());
        obstacles.extend(self.fetch());
        self.judge(id, now, obstacles)
    }

    /// The same without asking the remote: by what was fetched last.
    pub fn judge(&self, id: &str, now: Instant, mut obstacles: Vec<Reason>) -> Gathered {
        let source = EvidenceSource::Fetched;
        obstacles.extend(self.conditions());
        let protected = self.root.as_ref().map(|r| r.protected.clone());
        let tip = protected
            .as_deref()
            .and_then(|name| self.said(self.repository.remote_branch(&source, name), &mut obstacles))
            .flatten();
        if let Some(name) = &protected {
            self.said(self.repository.refuse_shadows(&source, name), &mut obstacles);
        }
        let world = self.read_world(tip, now, &mut obstacles);
        obstacles.extend(world.ledger.refusals.iter().cloned());
        obstacles.extend(world.ledger.check_heads(&world.branches));
        let (read, mut decision, in_force) = Changes { session: self, world: &world, tip }.judged(id, obstacles);
        if self.root.is_none() {
            // Without a root nothing is known; that the rest is missing as well would only mislead.
            decision.reasons.retain(|r| r.code == ReasonCode::RootMissing);
        }
        self.branches_read.set(world.branches_read());
        let World { now, chain, roster, ledger, log, branches, .. } = world;
        let Read { testimony, announced, trees, request, analysis, fleet, targets, .. } = read;
        Gathered {
            now,
            chain,
            roster,
            ledger,
            log,
            branches,
            testimony: Rc::unwrap_or_clone(testimony),
            announced,
            trees,
            request,
            analysis,
            fleet,
            targets,
            in_force,
            decision,
        }
    }

    /// How much was done so far.
    pub fn effort(&self) -> Effort {
        Effort { objects: self.repository.reads(), signatures: self.proven.count(), branches: self.branches_read.get() }
    }

    /// The devices of a state of the repository's files.
    ///
    /// # Errors
    /// There are none, or some cannot be read.
    pub fn devices_at(&self, files: &crate::vcs::Tree) -> Result<crate::fleet::tree::ConfigTree, InputError> {
        Ok(self.reader()?.devices_of(&self.repository, files)?.accepted()?)
    }

    /// The inventory of a state of the repository's files, where the policy names one; what it says of devices completes their
    /// `device.toml`.
    ///
    /// # Errors
    /// Snapshots that cannot be read or are not understood.
    pub fn inventory_at(&self, policy: &Policy, files: &crate::vcs::Tree) -> Result<Option<Inventory>, Failure> {
        let reader = self.reader()?.with_beside(Beside::of(policy));
        Ok(inventory_of(policy, &reader.beside_of(&self.repository, files)?)?)
    }

    pub(super) fn reader(&self) -> Result<Reader<'_>, InputError> {
        Reader::new(&self.surroundings, &is_ruleset).with_devices(&self.devices)
    }

    pub(super) fn fetch(&self) -> Vec<Reason> {
        let Some(root) = &self.root else { return Vec::new() };
        let fetched = match self.remote() {
            Ok(remote) => remote.fetch(&root.protected).map_err(|e| of_remote(&e)),
            Err(reason) => Err(reason),
        };
        match fetched {
            Ok(fetched) => {
                self.fetch_pinned();
                fetched.rewritten.iter().map(|(branch, lost)| rewritten(branch, lost)).collect()
            }
            Err(reason) => vec![reason],
        }
    }

    /// Brings commits that announcements pin and that are not here: approvers need no checkout of the author's branch. What cannot be
    /// had is missed later, by name.
    fn fetch_pinned(&self) {
        let (Ok(remote), Ok(branches)) = (self.remote(), self.repository.evidence(&EvidenceSource::Fetched)) else {
            return;
        };
        let changes = branches.values().filter(|b| change_of(&b.name).is_some());
        let looked_at = |b: &'_ Branch| {
            let recent = || b.commits.iter().rev().take(MOST_LOOKED_AT);
            let announced = recent().find_map(pinned_by).into_iter().flatten();
            announced.chain(recent().filter_map(adopted_by)).collect::<Vec<String>>()
        };
        let is_missing = |id: &String| self.repository.commit_id(id).is_err();
        let missing: BTreeSet<String> = changes.flat_map(looked_at).filter(is_missing).take(MOST_FETCHED).collect();
        if !missing.is_empty() {
            let _ = remote.fetch_pinned(&missing);
        }
    }

    /// The protected branch along first parents, newest first, as far as bytes are looked for there.
    pub fn protected_line(&self, tip: Option<CommitId>) -> Vec<String> {
        let line = tip.and_then(|tip| self.repository.first_parents_of(tip, MOST_SOUGHT).ok());
        line.unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    fn conditions(&self) -> Vec<Reason> {
        match self.repository.conditions() {
            Ok(all) => all.iter().map(|c| Reason::new(code(c.code()), c.to_string(), c.help())).collect(),
            Err(error) => vec![of_vcs(&error)],
        }
    }

    /// The protected branch's tip, as it was fetched last.
    pub(super) fn tip(&self, obstacles: &mut Vec<Reason>) -> Option<CommitId> {
        let name = &self.root.as_ref()?.protected;
        self.said(self.repository.remote_branch(&EvidenceSource::Fetched, name), obstacles).flatten()
    }

    pub(super) fn said<T>(&self, result: Result<T, VcsError>, obstacles: &mut Vec<Reason>) -> Option<T> {
        result.map_err(|error| obstacles.push(of_vcs(&error))).ok()
    }
}

/// How many commits of a branch are looked at for its latest announcement.
const MOST_LOOKED_AT: usize = 200;

/// How many commits of the protected branch are searched for bytes whose own commit is gone.
const MOST_SOUGHT: usize = 100;

/// How many pinned commits one call fetches.
const MOST_FETCHED: usize = 100;

/// The commits that a commit of evidence would pin, whoever signed it.
fn pinned_by(commit: &RawCommit) -> Option<[String; 2]> {
    match said_by(commit)? {
        Record::Change(change) => Some([change.base, change.head]),
        _ => None,
    }
}

/// The change that may have been meant, where no branch is of one with this id.
pub fn neighbour<'b>(id: &str, branches: &'b BTreeMap<String, Branch>) -> Option<&'b str> {
    let known: Vec<&str> = branches.keys().filter_map(|name| change_of(name)).collect();
    if known.contains(&id) { None } else { nearest(id, known) }
}

/// The commit that holds what a commit of evidence would make a baseline, whoever signed it.
fn adopted_by(commit: &RawCommit) -> Option<String> {
    match said_by(commit)? {
        Record::Adopt(adopt) => Some(adopt.head),
        _ => None,
    }
}

fn said_by(commit: &RawCommit) -> Option<Record> {
    let text = std::str::from_utf8(&commit.bytes).ok()?;
    Record::read(text.split_once("\n\n")?.1).ok()
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
    /// A change, what the gate says of it, and what is in force on each device that is known.
    fn judged(&self, id: &str, obstacles: Vec<Reason>) -> (Read, Decision, BTreeMap<String, InForce>) {
        let mut read = self.read(id);
        read.obstacles.extend(obstacles);
        self.passed(&mut read);
        let neighbours = self.neighbours(id, &read);
        let mut decision = self.decide(id, &read, &neighbours);
        if self.timed(&mut read, decision.window) {
            decision = self.decide(id, &read, &neighbours);
        }
        if let Some(commit) = read.looks_approved.as_ref().filter(|_| !decision.missing.is_empty()) {
            let message =
                format!("the message of {} looks like an approval and is none", commit.get(..12).unwrap_or(commit));
            let fix = format!("whoever approves signs a record: `fwgate change approve {id}`");
            decision.reasons.push(Reason::new(ReasonCode::NotAnApproval, message, fix));
            decision.reasons.sort();
            decision.reasons.dedup();
        }
        decision.notes.extend(read.trees.iter().flat_map(|t| &t.attributes).map(|path| {
            format!("`{path}` has no part in this: files are judged and pushed as git holds them, whatever it says")
        }));
        let in_force = self.world.in_force();
        decision.notes.extend(self.left_over(id, &in_force));
        let near = neighbour(id, &self.world.branches).filter(|_| read.announced.is_none());
        decision.notes.extend(near.map(|near| format!("there is no change `{id}`: did you mean `{near}`?")));
        (read, decision, in_force)
    }

    /// Devices that were brought back while the protected branch kept what was taken from them: whatever comes next brings it
    /// along, unless it is the revert or the fix.
    fn left_over(&self, id: &str, in_force: &BTreeMap<String, InForce>) -> Vec<String> {
        let back: Vec<&InForce> =
            in_force.values().filter(|k| k.result == ResultKind::RolledBack && k.change != id).collect();
        if back.is_empty() {
            return Vec::new();
        }
        let tree = self.tip.and_then(|tip| self.session.repository.tree(tip).ok());
        let Some(devices) = tree.and_then(|tree| self.session.devices_at(&tree).ok()) else { return Vec::new() };
        let held = |name: &str| device_digest(devices.devices.iter().find(|d| d.name == name).map(bytes_of).as_ref());
        let note = |known: &InForce| {
            let InForce { device, change, .. } = known;
            format!(
                "`{device}` was brought back from {change}, which the protected branch still holds: the next change must be its revert or its fix"
            )
        };
        back.into_iter().filter(|known| held(&known.device) != known.bytes).map(note).collect()
    }

    /// Everything about a change but what stands beside it.
    pub fn read(&self, id: &str) -> Read {
        let world = self.world;
        let testimony = world.testimony(id);
        let mut out = Read { announced: announcement(&testimony), testimony, ..Read::default() };
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
        for (device, known) in known {
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

pub(super) fn code(name: &str) -> ReasonCode {
    ReasonCode::ALL.iter().copied().find(|c| c.name() == name).unwrap_or(ReasonCode::HistoryUnverifiable)
}

pub(super) fn of_vcs(error: &VcsError) -> Reason {
    let fix = error.help().unwrap_or_else(|| "mend the repository, and ask again".to_owned());
    Reason::new(code(error.permit_code()), error.to_string(), fix)
}

pub(super) fn of_remote(error: &RemoteError) -> Reason {
    let fix = error.help().unwrap_or_else(|| "fetch and try again".to_owned());
    Reason::new(error.code().map_or(ReasonCode::LedgerUnreachable, code), error.to_string(), fix)
}

fn rewritten(branch: &str, lost: &str) -> Reason {
    let is_ledger = branch == crate::gate::LEDGER_BRANCH;
    let code = if is_ledger { ReasonCode::LedgerFork } else { ReasonCode::HistoryRewritten };
    let short = lost.get(..12).unwrap_or(lost);
    let message = format!("`{branch}` does not hold {short} any more, which was there before");
    Reason::new(code, message, format!("let whoever has {short} push it again, and find out who took it away"))
}

fn root_flaw(bytes: &[u8]) -> Reason {
    let message = Root::read(bytes).err().map_or_else(String::new, |flaw| flaw.message);
    Reason::new(ReasonCode::RootMissing, message, "`fwgate init --root FILE` makes one")
}
