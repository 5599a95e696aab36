//! Histories: steps drawn from a seed, done for real and in the model, and looked at after each.

use crate::config::Config;
use crate::model::{Change, Class, Content, DEVICES, Kept, Known, Model, PERSONS, Progress, Said, Spoken, Staging};
use crate::scene::LEDGER;
use crate::stage::oid;
use crate::ways::{Dice, Step, step};
use crate::world::{Answer, World, branch, freeze};
use fwgate::gate::LedgerEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// Steps of the shortest history, and how many more the longest has.
const STEPS: (usize, usize) = (15, 11);

/// Histories of each kind, where nobody says how many.
const HISTORIES: u64 = 8;

/// Histories at the same time, of each kind.
const AT_ONCE: usize = 3;

/// A permit that lies in a file.
struct Permit {
    content: Content,
    is_spent: bool,
}

/// One history that goes on.
struct History {
    world: World,
    model: Model,
    /// The files of permits, by change.
    permits: BTreeMap<String, Permit>,
    /// What the gate said last of each change.
    granted: BTreeMap<usize, bool>,
    heads: BTreeMap<String, String>,
    /// A port that nobody has opened yet.
    port: u16,
    pushes: usize,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Whatever one history of a seed comes to: how many pushes it had, or why it failed.
fn tried(staging: Staging, seed: u64) -> std::thread::Result<usize> {
    let mut history = History::new(staging);
    let run = std::panic::AssertUnwindSafe(|| history.run(seed));
    let ended = std::panic::catch_unwind(run);
    if ended.is_err() || std::env::var_os("FWGATE_ORDERS_SHOW").is_some() {
        eprintln!("seed {seed}, {} pushes:\n{}\n", history.pushes, history.world.told());
    }
    if ended.is_err() {
        let test = match staging {
            Staging::Nowhere => "without_staging",
            Staging::Device => "with_a_staging_device",
            Staging::Namespace => "with_the_kernel",
        };
        eprintln!("again: FWGATE_ORDERS_SEED={seed} FWGATE_ORDERS=1 cargo test --test orders orders_{test}");
    }
    ended.map(|()| history.pushes)
}

/// Several at the same time: they mostly wait, for programs and for leases.
fn histories(staging: Staging) {
    let (first, count) = (setting("FWGATE_ORDERS_SEED", 1), setting("FWGATE_ORDERS", HISTORIES));
    let next = AtomicU64::new(first);
    let work = || {
        let mut pushes = 0;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return pushes;
            }
            match tried(staging, seed) {
                Ok(more) => pushes += more,
                Err(why) => std::panic::resume_unwind(why),
            }
        }
    };
    let pushes: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let ends: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        ends.into_iter().map(|end| end.unwrap_or_else(|why| std::panic::resume_unwind(why))).sum()
    });
    assert!(pushes > 0 || count < 4, "nothing was ever pushed");
}

#[test]
fn orders_without_staging() {
    histories(Staging::Nowhere);
}

#[test]
fn orders_with_a_staging_device() {
    histories(Staging::Device);
}

#[test]
#[cfg(target_os = "linux")]
fn orders_with_the_kernel() {
    if kernel_can_be_asked() {
        histories(Staging::Namespace);
    }
}

/// Whether rulesets can be loaded in a namespace here; a refusal of one is an answer too.
#[cfg(target_os = "linux")]
fn kernel_can_be_asked() -> bool {
    let mut history = History::new(Staging::Namespace);
    history.begin(0, Class::Normal);
    history.announce(0);
    let answer = history.world.fwgate("people", &["vet", "CHG-1"]);
    if answer.exit != 0 {
        assert_ne!(
            std::env::var("FWGATE_REQUIRE_KERNEL").as_deref(),
            Ok("1"),
            "the kernel must be asked: {}",
            answer.text
        );
        eprintln!("SKIPPED: {}", answer.text);
    }
    answer.exit == 0
}

impl History {
    fn new(staging: Staging) -> History {
        History {
            world: World::new(staging),
            model: Model::new(staging),
            permits: BTreeMap::new(),
            granted: BTreeMap::new(),
            heads: BTreeMap::new(),
            port: 8000,
            pushes: 0,
        }
    }

    fn run(&mut self, seed: u64) {
        let mut dice = Dice(seed);
        let steps = STEPS.0 + dice.roll(STEPS.1);
        for _ in 0..steps {
            let step = step(&self.model, &mut dice);
            self.world.tell(&format!("## {step:?}"));
            self.take(&step);
            self.look(&step);
        }
        self.look_back();
    }

    fn fresh_port(&mut self) -> u16 {
        self.port += 1;
        self.port
    }

    fn take(&mut self, step: &Step) {
        let current = |at: &usize| self.model.current(DEVICES[*at]);
        match *step {
            Step::Begin(at) if current(&at).is_none_or(|c| self.model.is_over(c)) => self.begin(at, Class::Normal),
            Step::BeginUrgent(at) if current(&at).is_none_or(|c| self.model.is_over(c)) => {
                self.begin(at, Class::Emergency)
            }
            Step::Begin(_) | Step::BeginUrgent(_) => {}
            Step::MoveOn => {
                let number = self.fresh_port();
                self.world.move_on(number);
            }
            Step::Witness => {
                let key = self.world.key("ledger");
                let answer = self.world.fwgate("people", &["ledger", "witness", "--key-ledger", &key]);
                assert_eq!(answer.exit, 0, "{}", answer.text);
            }
            Step::EditByHand(at) => {
                let port = self.fresh_port();
                let config = self.model.running[DEVICES[at]].opening(port);
                self.world.edit_by_hand(DEVICES[at], &config);
                self.model.running.insert(DEVICES[at], config);
            }
            Step::Adopt(at, voices, takes_in) => self.adopt(DEVICES[at], voices, takes_in),
            Step::RollBack(at, who) => self.roll_back(DEVICES[at], who),
            Step::Policy(freezes, usurps) => self.policy(freezes, usurps),
            Step::Quarantine(at, who) => self.quarantine(DEVICES[at], who),
            Step::Open(at)
            | Step::Note(at)
            | Step::Merge(at, _)
            | Step::Announce(at)
            | Step::Stage(at)
            | Step::Vet(at)
            | Step::Declare(at, _)
            | Step::Review(at, ..)
            | Step::Reissue(at, _)
            | Step::Approve(at, ..)
            | Step::Reject(at, _)
            | Step::Revoke(at, _)
            | Step::Override(at, ..)
            | Step::Hold(at, ..)
            | Step::Withdraw(at, _)
            | Step::Schedule(at, ..)
            | Step::Permit(at)
            | Step::Push(at, _)
            | Step::PushInVain(at)
            | Step::TakeBack(at, _)
            | Step::Close(at) => {
                if let Some(change) = current(&at) {
                    self.take_with(change, step);
                }
            }
        }
    }

    fn take_with(&mut self, at: usize, step: &Step) {
        let change = &self.model.changes[at];
        let said = change.said.len();
        let asks = matches!(
            step,
            Step::Stage(_)
                | Step::Vet(_)
                | Step::Declare(..)
                | Step::Approve(..)
                | Step::Permit(_)
                | Step::Push(..)
                | Step::PushInVain(_)
        );
        if asks && self.model.is_unsure(at) {
            return;
        }
        match *step {
            Step::Open(_) if !change.is_squashed => self.edit_rules(at),
            Step::Note(_) if !change.is_squashed => self.edit(at, Config::noted),
            Step::Merge(_, squashes) => self.merge(at, squashes),
            Step::Announce(_) => self.announce(at),
            Step::Stage(_) if change.class == Class::Normal => self.stage(at),
            Step::Declare(_, who) => self.declare(at, who),
            Step::Review(_, who, role) => self.review(at, who, role),
            Step::Vet(_) => self.vet(at),
            Step::Reissue(_, who) => self.say(at, who, &["reissue", "--becomes", "CHG-9999"], Said::Reissued),
            Step::Approve(_, who, role) => self.approve(at, who, role),
            Step::Reject(_, who) => self.say(at, who, &["reject"], Said::Rejected),
            Step::Revoke(_, which) if which < said => self.revoke(at, which),
            Step::Override(_, who, role, which) if which < said => {
                let record = change.said[which].digest.clone();
                let words = ["override-reject", "--role", role, "--record", &record];
                self.say(at, who, &words, Said::Overrode { role: role.to_owned(), record: which });
            }
            Step::Hold(_, who, all) => {
                let words: &[&str] = if all { &["hold", "--all"] } else { &["hold"] };
                self.say(at, who, words, Said::Held { all });
            }
            Step::Withdraw(_, who) => self.say(at, who, &["withdraw"], Said::Withdrew),
            Step::Schedule(_, who, now) => self.schedule(at, who, now),
            Step::Permit(_) => self.permit(at),
            Step::Push(_, by_file) => self.push(at, by_file, false),
            Step::PushInVain(_) => self.push(at, false, true),
            Step::TakeBack(_, who) => self.take_back(at, who),
            Step::Close(_) => self.close(at),
            _ => {}
        }
    }

    fn begin(&mut self, at: usize, class: Class) {
        if class == Class::Emergency && self.model.tip[DEVICES[at]].ports.is_empty() {
            return;
        }
        let (device, number) = (DEVICES[at], self.model.changes.len() + 1);
        // One author for each device: whoever builds on what another one wrote and nobody pushed has a co-author.
        let author = ["alice", "erin"][at];
        let begin = (self.model.tip[device].clone(), BTreeSet::new());
        self.model.changes.push(Change {
            id: format!("CHG-{number}"),
            device,
            author,
            class,
            edits: vec![begin],
            merged: 0,
            is_squashed: false,
            said: Vec::new(),
            progress: Progress::Ahead,
            before: None,
            taken_back: false,
            applied: None,
            kept: None,
        });
        self.edit_rules(self.model.changes.len() - 1);
    }

    /// One port more, or one less.
    fn edit_rules(&mut self, at: usize) {
        let change = &self.model.changes[at];
        let open = change.edits.last().unwrap().0.ports.first().copied();
        match change.class {
            Class::Normal => {
                let port = self.fresh_port();
                self.edit(at, |config| config.opening(port));
            }
            Class::Emergency => {
                if let Some(port) = open {
                    self.edit(at, |config| config.closing(port));
                }
            }
        }
    }

    /// The author edits what the device gets, and promises exactly what that opens or closes.
    fn edit(&mut self, at: usize, edit: impl FnOnce(&Config) -> Config) {
        let change = &self.model.changes[at];
        let config = edit(&change.edits.last().unwrap().0);
        let before = &self.model.in_force(change.device).ports;
        let promised = match change.class {
            Class::Normal => config.ports.difference(before).copied().collect(),
            Class::Emergency => before.difference(&config.ports).copied().collect(),
        };
        self.model.changes[at].edits.push((config, promised));
        self.world.commit(&self.model.changes[at]);
    }

    fn merge(&mut self, at: usize, squashes: bool) {
        let change = &mut self.model.changes[at];
        let last = change.edits.len() - 1;
        if change.merged < last && !change.is_squashed {
            self.world.merge(change, squashes);
            (change.merged, change.is_squashed) = (last, squashes);
            self.model.tip.insert(change.device, change.edits[last].0.clone());
        }
    }

    fn announce(&mut self, at: usize) {
        let change = &self.model.changes[at];
        let edit = change.edits.len() - 1;
        let base = if change.is_squashed { 0 } else { change.merged };
        let Some(content) = self.model.content_of(change, edit, base) else { return };
        let answer = self.world.announce(&change.id, &branch(change), change.author);
        self.wrote(at, change.author, Said::Announced { edit, base, content }, &answer);
    }

    /// As the policy demands.
    fn stage(&mut self, at: usize) {
        match self.model.staging {
            Staging::Nowhere => self.try_out(at, "stage", Said::Staged, false),
            Staging::Device => self.try_out(at, "stage", Said::Staged, true),
            Staging::Namespace => self.try_out(at, "stage", Said::Vetted, true),
        }
    }

    /// Whatever the policy demands, the kernel can be asked.
    fn vet(&mut self, at: usize) {
        self.try_out(at, "vet", Said::Vetted, true);
    }

    fn try_out(&mut self, at: usize, command: &str, said: impl FnOnce(Content) -> Said, is_receipt: bool) {
        let id = self.model.changes[at].id.clone();
        let key = self.world.key("stager");
        let answer = self.world.fwgate("people", &[command, &id, "--key-staging", &key]);
        let content = self.model.content(at).filter(|c| is_receipt && !c.is_empty());
        assert_eq!(answer.text.contains("receipt sha256:"), content.is_some(), "{}", answer.text);
        if let Some(content) = content {
            let digest = answer.text.split("receipt ").last().unwrap().trim().to_owned();
            self.model.changes[at].said.push(Spoken { by: "stager", digest, said: said(content) });
        }
    }

    fn approve(&mut self, at: usize, who: &'static str, role: &'static str) {
        let id = self.model.changes[at].id.clone();
        let key = self.world.key(who);
        let words = ["change", "approve", &id, "--role", role, "--yes", "--key", &key];
        let answer = self.world.fwgate("people", &words);
        let content = self.model.content(at);
        let change = &self.model.changes[at];
        let is_author = change.said.iter().any(|s| s.by == who && matches!(s.said, Said::Announced { .. }));
        let is_something = content.as_ref().is_some_and(|content| !content.is_empty());
        let may = is_something && !is_author && self.model.has_role(who, role);
        assert_eq!(answer.written().is_some(), may, "{}", answer.text);
        let Some(content) = content else { return };
        let named = answer.text.lines().find_map(|l| l.trim().strip_prefix("vetting: "));
        let receipt = named.and_then(|digest| change.said.iter().position(|s| s.digest == digest));
        self.wrote(at, who, Said::Approved { role: role.to_owned(), content, receipt }, &answer);
    }

    fn declare(&mut self, at: usize, who: &'static str) {
        // There is no emergency about nothing.
        if let Some(content) = self.model.content(at).filter(|content| !content.is_empty()) {
            self.say(at, who, &["emergency"], Said::Declared(content));
        }
    }

    fn review(&mut self, at: usize, who: &'static str, role: &'static str) {
        let is_announced = self.model.changes[at].said.iter().any(|s| matches!(s.said, Said::Announced { .. }));
        if is_announced {
            self.say(at, who, &["review", "--role", role], Said::Reviewed { role: role.to_owned() });
        }
    }

    fn revoke(&mut self, at: usize, which: usize) {
        let spoken = self.model.changes[at].said[which].clone();
        if spoken.by != "stager" {
            self.say(at, spoken.by, &["revoke", "--record", &spoken.digest], Said::Revoked(which));
        }
    }

    /// One of the records that only need a reason.
    fn say(&mut self, at: usize, who: &'static str, words: &[&str], said: Said) {
        let id = self.model.changes[at].id.clone();
        let key = self.world.key(who);
        let tail = [id.as_str(), "--reason", "because", "--key", &key];
        let answer = self.world.fwgate("people", &[&["change", words[0]][..], &tail[..], &words[1..]].concat());
        let may = !self.model.gone.contains(who) || words[0] == "revoke";
        assert_eq!(answer.written().is_some(), may, "{}", answer.text);
        self.wrote(at, who, said, &answer);
    }

    fn schedule(&mut self, at: usize, who: &'static str, now: bool) {
        let id = self.model.changes[at].id.clone();
        let key = self.world.key(who);
        let begin = crate::stage::now() + if now { -60 } else { 7200 };
        // A window is in one day of the policy's, whose days end at midnight.
        if begin / 86_400 != (begin + 3600) / 86_400 {
            return;
        }
        let [start, end] = [begin, begin + 3600].map(|at| fwgate::gate::Instant(at).to_string());
        let words = ["change", "schedule", &id, "--start", &start, "--end", &end, "--key", &key];
        let answer = self.world.fwgate("people", &words);
        self.wrote(at, who, Said::Scheduled { now }, &answer);
    }

    /// Keeps what stands on the branch now, if it does.
    fn wrote(&mut self, at: usize, by: &'static str, said: Said, answer: &Answer) {
        let written = answer.written();
        assert_eq!(answer.exit == 0, written.is_some(), "{}", answer.text);
        if let Some(digest) = written {
            self.model.changes[at].said.push(Spoken { by, digest, said });
        }
    }

    fn permit(&mut self, at: usize) {
        let id = self.model.changes[at].id.clone();
        let (out, key) = (self.world.permit(&id), self.world.key("deployer"));
        let words = ["permit", &id, "--holder", "runner", "--out", out.to_str().unwrap(), "--key-permit", &key];
        let answer = self.world.fwgate("people", &words);
        let expected = self.model.expect(at).granted;
        assert_eq!((answer.exit == 0, out.exists()), (expected, expected), "{}", answer.text);
        self.permits.remove(&id);
        if let (true, Some(content)) = (expected, self.model.content(at)) {
            self.permits.insert(id, Permit { content, is_spent: false });
        }
    }

    fn push(&mut self, at: usize, by_file: bool, in_vain: bool) {
        let change = self.model.changes[at].clone();
        let (id, device) = (change.id.as_str(), change.device);
        let content = self.model.content(at);
        let is_fit = match self.permits.get(id) {
            _ if !by_file => true,
            Some(permit) => !permit.is_spent && content.as_ref().is_some_and(|c| permit.content.is(c)),
            None => return,
        };
        let may = self.model.expect(at).granted && is_fit;
        let is_drifted = content.as_ref().is_some_and(|c| self.model.running[device].ports != c.baseline[device].ports);
        if may && content.as_ref().is_some_and(|c| c.targets() != [device]) {
            return;
        }
        if in_vain && may && !is_drifted {
            self.world.break_once(device, "probe");
        }
        self.world.next_second();
        let before = self.world.started().len();
        let answer = self.pushed(id, by_file);
        let started = self.world.started().split_off(before);
        match content.filter(|_| may) {
            None => {
                assert_ne!(answer.exit, 0, "{}", answer.text);
                assert!(started.is_empty(), "{started:?} for a push without all evidence: {}", answer.text);
            }
            Some(_) if is_drifted => {
                assert!(answer.exit != 0 && answer.text.contains("DRIFT"), "{}", answer.text);
                assert!(!started.iter().any(|call| call.starts_with("apply")), "{started:?}");
                self.world.lease_runs_out();
            }
            Some(content) => {
                assert_eq!(answer.exit == 0, !in_vain, "{}", answer.text);
                self.spend(at, &content, by_file, in_vain);
                self.world.next_second();
            }
        }
    }

    fn pushed(&self, id: &str, by_file: bool) -> Answer {
        let keys = ["deployer", "ledger", "receiver"].map(|name| self.world.key(name));
        let permit = self.world.permit(id);
        let means = match by_file {
            true => ["--permit", permit.to_str().unwrap()],
            false => ["--key-permit", &keys[0]],
        };
        let rest = ["--key-ledger", &keys[1], "--key-production", &keys[2]];
        self.world.fwgate("people", &[&["push", id, "--holder", "runner"][..], &means[..], &rest].concat())
    }

    fn spend(&mut self, at: usize, content: &Content, by_file: bool, in_vain: bool) {
        self.pushes += 1;
        let change = &mut self.model.changes[at];
        let (before, after) = (&content.baseline[change.device], &content.proposal[change.device]);
        let config = if in_vain { before.clone() } else { after.clone() };
        if let Some(permit) = self.permits.get_mut(&change.id).filter(|_| by_file) {
            permit.is_spent = true;
        }
        self.model.allowed.get_mut(change.device).unwrap().insert(after.clone());
        self.model.running.insert(change.device, config.clone());
        change.before.get_or_insert_with(|| before.clone());
        change.applied = (!in_vain).then_some(change.said.len()).or(change.applied);
        let is_owing = !in_vain && change.said.iter().any(|s| matches!(s.said, Said::Declared(_)));
        change.kept = Some(if is_owing { Kept::Owing } else { Kept::Pushed });
        change.progress = if in_vain { Progress::RolledBack } else { Progress::Applied };
        change.taken_back |= in_vain;
        let (device, id) = (change.device, Some(change.id.clone()));
        self.model.known.push(Known { device, change: id, config, is_applied: !in_vain });
    }

    fn operated(&self, words: &[&str], who: &str) -> (Answer, Vec<String>) {
        let keys = [who, "ledger", "receiver"].map(|name| self.world.key(name));
        let tail = ["--key", &keys[0], "--key-ledger", &keys[1], "--key-production", &keys[2]];
        self.world.next_second();
        let before = self.world.started().len();
        let answer = self.world.fwgate("people", &[words, &tail[..]].concat());
        self.world.next_second();
        (answer, self.world.started().split_off(before))
    }

    /// A change is taken back by an operator.
    fn take_back(&mut self, at: usize, who: &'static str) {
        let change = self.model.changes[at].clone();
        let (answer, started) = self.operated(&["push", &change.id, "--rollback"], who);
        let last = self.model.known.iter().rev().find(|k| k.device == change.device);
        let is_last = last.is_some_and(|k| k.change.as_deref() == Some(&change.id));
        let before = change.before.clone().filter(|_| is_last && who == "alice");
        assert_eq!(answer.exit == 0, before.is_some(), "{}", answer.text);
        match before {
            None => assert!(started.is_empty(), "{started:?}: {}", answer.text),
            Some(before) => self.brought_back(change.device, Some(change.id), before),
        }
    }

    /// A device is brought back to what is in force.
    fn roll_back(&mut self, device: &'static str, who: &'static str) {
        let (answer, started) = self.operated(&["rollback", device], who);
        let last = self.model.known.iter().rev().find(|k| k.device == device).cloned();
        let last = last.filter(|_| who == "alice");
        assert_eq!(answer.exit == 0, last.is_some(), "{}", answer.text);
        match last {
            None => assert!(started.is_empty(), "{started:?}: {}", answer.text),
            Some(known) => self.brought_back(device, known.change, known.config),
        }
    }

    fn brought_back(&mut self, device: &'static str, of: Option<String>, config: Config) {
        let applied_by = |change: &Change, model: &Model| {
            let own = |k: &Known| k.is_applied && k.change.as_deref() == Some(&change.id) && k.config == config;
            model.known.iter().any(own)
        };
        if self.model.running[device].ports != config.ports {
            self.model.running.insert(device, config.clone());
        }
        let last_pushed = self.model.changes.iter().rposition(|c| c.device == device && c.before.is_some());
        if let Some(at) = last_pushed {
            let is_own = applied_by(&self.model.changes[at], &self.model);
            let change = &mut self.model.changes[at];
            change.taken_back |= !is_own;
            if of.as_deref() == Some(&change.id) && !is_own {
                change.progress = Progress::RolledBack;
            }
        }
        self.model.known.push(Known { device, change: of, config, is_applied: false });
    }

    /// So many persons sign that what a device runs becomes its baseline: the author and three more are a quorum, or two.
    fn adopt(&mut self, device: &'static str, voices: usize, takes_in: bool) {
        self.world.next_second();
        let id = format!("ADP-{}", self.fresh_port());
        let (head, file) = self.world.commit_running(device, &id);
        let voices =
            [("alice", "network"), ("carol", "network"), ("dave", "security"), ("erin", "network")].iter().take(voices);
        for (who, role) in voices.clone() {
            let key = self.world.key(who);
            let file = file.to_str().unwrap();
            let words = ["adopt", device, "--change", &id, "--role", role, "--reason", "by hand", "--file", file];
            let answer = self.world.fwgate("people", &[&words[..], &["--head", &head, "--key", &key]].concat());
            assert_eq!(answer.exit, 0, "{}", answer.text);
        }
        let wanted = if self.model.staging == Staging::Nowhere { 4 } else { 3 };
        if voices.count() >= wanted {
            let config = self.model.running[device].clone();
            self.model.allowed.get_mut(device).unwrap().insert(config.clone());
            self.model.known.push(Known { device, change: None, config: config.clone(), is_applied: true });
            // The protected branch takes it as well, as it should: else every change would take it back.
            if takes_in {
                self.world.take_in(device, &config);
                self.model.tip.insert(device, config);
            }
        }
        self.world.next_second();
    }

    fn quarantine(&mut self, device: &str, who: &str) {
        let id = format!("QUA-{}", self.fresh_port());
        let key = self.world.key(who);
        let words = ["quarantine", device, "--change", &id, "--for", "1d", "--reason", "no power", "--key", &key];
        let answer = self.world.fwgate("people", &words);
        assert_eq!(answer.exit == 0, who == "alice", "{}", answer.text);
    }

    fn close(&mut self, at: usize) {
        let change = self.model.changes[at].clone();
        let (key, permit) = (self.world.key("ledger"), self.world.permit(&change.id));
        let mut words = vec!["change", "close", &change.id, "--key-ledger", &key];
        if permit.exists() {
            words.extend(["--permit", permit.to_str().unwrap()]);
        }
        let answer = self.world.fwgate("people", &words);
        let must = self.model.expect(at).must;
        let ended = [("WITHDRAWN", Kept::Withdrawn), ("REJECTED", Kept::Rejected)];
        let kept = ended.into_iter().find(|(code, _)| must.contains(code)).map(|(_, kept)| kept);
        let kept = kept.filter(|_| change.kept.is_none());
        // An emergency that has been looked at since is closed at last.
        let is_paid = change.progress == Progress::Applied && change.kept == Some(Kept::Owing);
        let kept = kept.or((is_paid && !self.model.owes_review(&change)).then_some(Kept::Pushed));
        assert_eq!(answer.exit == 0, kept.is_some(), "{}", answer.text);
        self.model.changes[at].kept = kept.or(change.kept);
    }

    fn policy(&mut self, freezes: bool, usurps: bool) {
        let (frozen, is_bob_gone) = (self.model.frozen ^ freezes, self.model.gone.contains("bob") ^ !freezes);
        let (id, name) = self.world.propose_policy(|text| {
            text.rest = text.rest.split("\n[[freeze]]").next().unwrap().to_owned();
            text.rest.push_str(&if frozen { freeze() } else { String::new() });
            text.persons.retain(|(id, _)| id != "bob");
            if !is_bob_gone {
                text.persons.push(("bob".to_owned(), vec!["network".to_owned()]));
            }
        });
        let announced = self.world.announce(&id, &name, "alice");
        assert_eq!(announced.exit, 0, "{}", announced.text);
        if usurps {
            self.world.merge_policy(&id, &name);
            self.model.usurped = true;
            self.look(&Step::Policy(freezes, usurps));
            for at in 0..DEVICES.len() {
                self.take(&Step::Push(at, false));
            }
        }
        for (who, role) in [("carol", "network"), ("dave", "security")] {
            let key = self.world.key(who);
            let words = ["change", "approve", &id, "--role", role, "--yes", "--key", &key];
            let answer = self.world.fwgate("people", &words);
            assert_eq!(answer.exit, 0, "{}", answer.text);
        }
        if !usurps {
            self.look(&Step::Policy(freezes, usurps));
            self.world.merge_policy(&id, &name);
        }
        (self.model.usurped, self.model.frozen) = (false, frozen);
        self.model.gone = is_bob_gone.then_some("bob").into_iter().collect();
        let told = self.world.fwgate("people", &["policy", "change", &id]);
        assert!(told.exit == 0 && told.text.contains("in force"), "{}", told.text);
    }

    /// What must hold after every step.
    fn look(&mut self, step: &Step) {
        for device in DEVICES {
            let (running, model) = (self.world.running(device), &self.model.running[device]);
            assert_eq!(running, model.text(), "{device} runs something else than the model says");
        }
        for device in DEVICES {
            let Some(at) = self.model.current(device) else { continue };
            let shown = self.world.shown(&self.model.changes[at].id);
            if !self.model.is_unsure(at) {
                self.compare(at, &shown);
            }
            let granted = shown["granted"].as_bool().unwrap();
            let before = self.granted.insert(at, granted);
            let only_stops =
                matches!(step, Step::Reject(..) | Step::Hold(..) | Step::Withdraw(..) | Step::Policy(true, _))
                    && !matches!(step, Step::Policy(..) if !self.model.frozen);
            assert!(!(only_stops && granted && before == Some(false)), "{step:?} turned a refusal into a permit");
        }
        self.look_at_branches();
    }

    fn compare(&self, at: usize, shown: &serde_json::Value) {
        let expected = self.model.expect(at);
        let reasons = shown["reasons"].as_array().unwrap();
        let codes: BTreeSet<&str> = reasons.iter().map(|r| r["code"].as_str().unwrap()).collect();
        let change = &self.model.changes[at];
        let all = || format!("{expected:?}\n{change:#?}\n{shown:#}");
        assert!(expected.must.is_subset(&codes), "{} must have {:?}: {}", change.id, expected.must, all());
        assert!(expected.must_not.is_disjoint(&codes), "{} has {codes:?}: {}", change.id, all());
        assert_eq!(shown["granted"], expected.granted, "{}: {}", change.id, all());
        let state = shown["state"].as_str().unwrap();
        assert!(expected.states.contains(state), "{} is {state}: {}", change.id, all());
    }

    /// No branch of evidence ever loses a commit.
    fn look_at_branches(&mut self) {
        let remote = self.world.stage.scene.remote();
        for reference in remote.references_glob("refs/heads/fwgate/*").unwrap() {
            let reference = reference.unwrap();
            let (name, head) = (reference.name().unwrap().to_owned(), reference.target().unwrap());
            if let Some(before) = self.heads.insert(name.clone(), head.to_string()) {
                let is_ahead = || remote.graph_descendant_of(head, oid(&before)).unwrap();
                assert!(head == oid(&before) || is_ahead(), "{name} was rewritten");
            }
        }
    }

    /// What must hold of the whole: each permit was spent by one run and came to one end, and an audit finds nothing.
    fn look_back(&self) {
        let key = self.world.key("ledger");
        let answer = self.world.fwgate("people", &["ledger", "witness", "--key-ledger", &key]);
        assert_eq!(answer.exit, 0, "{}", answer.text);
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.entries() {
            if let LedgerEntry::Finish(finish) = entry {
                *ends.entry(finish.nonce).or_default() += 1;
            }
        }
        assert!(ends.values().all(|times| *times == 1), "{ends:?}");
        let audit = self.world.fwgate("people", &["audit", "--format", "json"]);
        assert_eq!(audit.exit, 0, "{}", audit.text);
        assert!(PERSONS.len() == 5);
    }

    fn entries(&self) -> Vec<LedgerEntry> {
        let scene = &self.world.stage.scene;
        let mut walk = scene.remote().revwalk().unwrap();
        walk.push(oid(&scene.head_of(LEDGER).unwrap())).unwrap();
        let message = |id: git2::Oid| scene.remote().find_commit(id).unwrap().message().unwrap().to_owned();
        walk.filter_map(|id| LedgerEntry::read(&message(id.unwrap())).ok()).collect()
    }
}
