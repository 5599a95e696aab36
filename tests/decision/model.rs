//! Orders of commands against a plain model of the gate: what people and machines can do to one change, in any order, and what
//! must come of it.
//!
//! The model knows nothing of the gate's code: a few lists, counted by hand. It says whether a permit may be given, the state,
//! which codes there must be and which there must not be.

use super::scene::*;
use fwgate::gate::*;
use fwgate::policy::Environment;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Who may approve as what: alice writes the change.
const VOICES: [(&str, &str); 6] = [
    ("alice", "network"),
    ("bob", "network"),
    ("carol", "network"),
    ("dave", "security"),
    ("erin", "network"),
    ("erin", "security"),
];

/// 2026-11-30T12:00:00Z, a Monday: the windows of the policy are Tuesday and Thursday 22:00 to 02:00 in Toronto, which is 03:00 to
/// 07:00 of the next day in UTC.
const BEGIN: &str = "2026-11-30T12:00:00Z";
const HOUR: i64 = 3600;

#[derive(Clone, Copy, Debug)]
enum Command {
    New,
    Vet,
    Approve(usize),
    Reject(usize),
    /// Takes back an own record: the how manieth of all records.
    Revoke(usize, usize),
    Override(usize, usize),
    Hold(usize, i64),
    Withdraw(usize),
    /// Moves the window to so many hours from now.
    Schedule(usize, i64),
    /// Hours.
    Forward(i64),
    /// The author changes what the change does.
    Edit,
    /// The base moves: other bytes, same meaning.
    Rebase,
    /// A colleague leaves the roster.
    Leave(usize),
    Push,
    PushThatTakesItselfBack,
    Rollback,
    Freeze,
}

fn command() -> impl Strategy<Value = Command> {
    let who = 0..VOICES.len();
    let which = 0..14usize;
    prop_oneof![
        2 => Just(Command::New),
        3 => Just(Command::Vet),
        10 => who.clone().prop_map(Command::Approve),
        1 => who.clone().prop_map(Command::Reject),
        2 => (who.clone(), which.clone()).prop_map(|(p, r)| Command::Revoke(p, r)),
        2 => (who.clone(), which).prop_map(|(p, r)| Command::Override(p, r)),
        1 => (who.clone(), prop_oneof![Just(1), Just(100)]).prop_map(|(p, hours)| Command::Hold(p, hours)),
        1 => who.clone().prop_map(Command::Withdraw),
        1 => (who.clone(), -3..30i64).prop_map(|(p, hours)| Command::Schedule(p, hours)),
        6 => prop_oneof![Just(2), Just(15), Just(24), Just(240)].prop_map(Command::Forward),
        1 => Just(Command::Edit),
        1 => Just(Command::Rebase),
        1 => who.prop_map(Command::Leave),
        1 => Just(Command::Push),
        1 => Just(Command::PushThatTakesItselfBack),
        1 => Just(Command::Rollback),
        1 => Just(Command::Freeze),
    ]
}

/// What the proposal is: an edit changes both numbers, a base that moves only the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Proposal {
    bytes: u32,
    meaning: u32,
}

#[derive(Clone, Debug)]
enum Said {
    Announced(Proposal),
    Approved { voice: usize, of: Proposal, receipt: Option<(usize, Proposal)> },
    Rejected,
    Revoked(usize),
    Overrode { voice: usize, record: usize },
    Held { until: i64 },
    Withdrew,
    Scheduled { start: i64, end: i64 },
}

/// The model, and beside it the scene in which the same happens.
struct World {
    scene: Scene,
    now: i64,
    proposal: Proposal,
    edits: u32,
    /// What was said, in order: by whom, when, what.
    said: Vec<(&'static str, i64, Said)>,
    /// Vetting receipts: of what, and how much had been said before.
    receipts: Vec<(Proposal, usize)>,
    gone: BTreeSet<&'static str>,
    progress: Progress,
    taken_back: bool,
}

impl World {
    fn new() -> World {
        let mut scene = Scene::good();
        scene.testimony.records.clear();
        scene.testimony.receipts.clear();
        let mut world = World {
            now: at(BEGIN).0,
            scene,
            proposal: Proposal::default(),
            edits: 0,
            said: Vec::new(),
            receipts: Vec::new(),
            gone: BTreeSet::new(),
            progress: Progress::None,
            taken_back: false,
        };
        world.settle();
        world
    }

    /// Lets the scene know of the model's proposal and clock.
    fn settle(&mut self) {
        let Proposal { bytes, meaning } = self.proposal;
        let analysis = self.scene.analysis.as_mut().unwrap();
        (analysis.content, analysis.meaning) =
            (digest(&format!("content {bytes}")), digest(&format!("meaning {meaning}")));
        analysis.devices = vec![("edge1".into(), digest(&format!("bytes {bytes}")))];
        (self.scene.now, self.scene.progress) = (Instant(self.now), self.progress);
        self.scene.taken_back = self.taken_back.then_some(Instant(self.now));
    }

    fn say(&mut self, by: &'static str, said: Said, record: Record) {
        self.scene.say(by, record);
        let believed = self.scene.testimony.records.last_mut().unwrap();
        (believed.at, believed.witnessed) = (Instant(self.now), Some(Instant(self.now)));
        if self.gone.contains(by) {
            believed.standing = Standing::Former;
        }
        self.said.push((by, self.now, said));
    }

    fn record(&self, which: usize) -> Digest {
        self.scene.testimony.records.get(which).map_or(digest("none"), |r| r.digest)
    }

    fn run(&mut self, command: Command) {
        let (change, reason) = (ID.to_owned(), "because".to_owned());
        let Proposal { bytes, meaning } = self.proposal;
        let (content, meant) = (digest(&format!("content {bytes}")), digest(&format!("meaning {meaning}")));
        match command {
            Command::New => {
                let record = Change { content, meaning: meant, ..super::scene::change() };
                self.say("alice", Said::Announced(self.proposal), Record::Change(record));
            }
            Command::Vet => {
                let mut receipt = self.scene.believed("stager", receipt());
                receipt.said.content = content;
                receipt.said.devices = vec![("edge1".into(), digest(&format!("bytes {bytes}")))];
                self.scene.testimony.receipts.push(receipt);
                self.receipts.push((self.proposal, self.said.len()));
            }
            Command::Approve(voice) => {
                let (by, role) = VOICES[voice];
                let vetting = self.scene.testimony.receipts.last().map(|r| r.digest);
                let not_after = Instant(self.now + 7 * 24 * HOUR);
                let record = Approve { content, meaning: meant, vetting, not_after, ..approval(role) };
                let receipt = self.receipts.len().checked_sub(1).map(|last| (last, self.receipts[last].0));
                self.say(by, Said::Approved { voice, of: self.proposal, receipt }, Record::Approve(record));
            }
            Command::Reject(voice) => {
                self.say(VOICES[voice].0, Said::Rejected, Record::Reject(Reject { change, reason }));
            }
            Command::Revoke(voice, which) => {
                let record = self.record(which);
                self.say(VOICES[voice].0, Said::Revoked(which), Record::Revoke(Revoke { change, record, reason }));
            }
            Command::Override(voice, which) => {
                let (by, role) = VOICES[voice];
                let record = self.record(which);
                let lifted = OverrideReject { change, record, role: role.to_owned(), reason };
                self.say(by, Said::Overrode { voice, record: which }, Record::OverrideReject(lifted));
            }
            Command::Hold(voice, hours) => {
                let until = self.now + hours * HOUR;
                let hold = Hold { scope: Scope::Change(change), until: Instant(until), reason };
                self.say(VOICES[voice].0, Said::Held { until }, Record::Hold(hold));
            }
            Command::Withdraw(voice) => {
                self.say(VOICES[voice].0, Said::Withdrew, Record::Withdraw(Withdraw { change, reason }));
            }
            Command::Schedule(voice, hours) => {
                let (start, end) = (self.now + hours * HOUR, self.now + (hours + 2) * HOUR);
                let record = Schedule { change, start: Instant(start), end: Instant(end) };
                self.say(VOICES[voice].0, Said::Scheduled { start, end }, Record::Schedule(record));
            }
            Command::Forward(hours) => self.now += hours * HOUR,
            Command::Edit => {
                self.edits += 1;
                self.proposal = Proposal { bytes: self.edits, meaning: self.edits };
            }
            Command::Rebase => {
                self.edits += 1;
                self.proposal.bytes = self.edits;
            }
            Command::Leave(voice) => self.leave(VOICES[voice].0),
            Command::Push if self.expect().granted => self.progress = Progress::Applied,
            Command::PushThatTakesItselfBack if self.expect().granted => self.take_back(),
            Command::Rollback if self.progress == Progress::Applied => self.take_back(),
            Command::Push | Command::PushThatTakesItselfBack | Command::Rollback => {}
            Command::Freeze => {
                // The policy's own freeze: the clock goes there, and never back.
                self.now = self.now.max(at("2026-12-20T12:00:00Z").0);
            }
        }
        self.settle();
    }

    fn take_back(&mut self) {
        (self.progress, self.taken_back) = (Progress::RolledBack, true);
    }

    /// Alice stays: somebody has to be the author.
    fn leave(&mut self, who: &'static str) {
        if who == "alice" {
            return;
        }
        self.gone.insert(who);
        let own = self.scene.testimony.records.iter_mut().filter(|r| r.by == who);
        own.for_each(|r| r.standing = Standing::Former);
    }
}

/// What must come of it.
#[derive(Debug)]
struct Expected {
    granted: bool,
    is_approved: bool,
    must: BTreeSet<&'static str>,
    must_not: BTreeSet<&'static str>,
}

impl World {
    fn is_taken_back(&self, record: usize) -> bool {
        let by = self.said[record].0;
        let later = self.said.iter().skip(record + 1);
        later.into_iter().any(|(who, _, said)| *who == by && matches!(said, Said::Revoked(which) if *which == record))
    }

    /// Voices fill the places of a quorum of two of `network` and one of `security`; erin can take either, once.
    fn is_quorum(voices: &BTreeSet<usize>) -> bool {
        let has = |person: &str, role: &str| voices.iter().any(|v| VOICES[*v] == (person, role));
        let network = ["bob", "carol"].iter().filter(|p| has(p, "network")).count();
        let dave = has("dave", "security");
        let (erin_network, erin_security) = (has("erin", "network"), has("erin", "security"));
        network >= 2 && (dave || erin_security) || network + usize::from(erin_network) >= 2 && dave
    }

    fn latest_announcement(&self) -> Option<usize> {
        self.said.iter().rposition(|(_, _, said)| matches!(said, Said::Announced(_)))
    }

    /// Whether what was announced so is what is proposed now, for a class that carries approvals over.
    fn is_same(&self, of: Proposal) -> bool {
        of.bytes == self.proposal.bytes || of.meaning == self.proposal.meaning
    }

    fn counts(&self, record: usize) -> bool {
        let (by, when, said) = &self.said[record];
        let Said::Approved { of, receipt, .. } = said else { return false };
        let rejected_later =
            self.said.iter().skip(record + 1).any(|(who, _, s)| who == by && matches!(s, Said::Rejected));
        let is_young = self.now <= when + 7 * 24 * HOUR;
        // The receipt that it names is of what it approves.
        let is_vetted = receipt.is_some_and(|(_, vetted)| vetted.bytes == of.bytes);
        *by != "alice"
            && !self.gone.contains(by)
            && self.is_same(*of)
            && is_young
            && is_vetted
            && !rejected_later
            && !self.is_taken_back(record)
    }

    fn is_rejected(&self) -> bool {
        (0..self.said.len()).any(|at| {
            let (by, _, said) = &self.said[at];
            let is_lifted = || {
                let voices = self.said.iter().skip(at + 1).filter_map(|(who, _, s)| match s {
                    Said::Overrode { voice, record }
                        if *record == at && *who != "alice" && !self.gone.contains(who) =>
                    {
                        Some(*voice)
                    }
                    _ => None,
                });
                World::is_quorum(&voices.collect())
            };
            // Whoever left takes nothing back any more.
            let is_back = self.is_taken_back(at) && !self.gone.contains(by);
            matches!(said, Said::Rejected) && !is_back && !is_lifted()
        })
    }

    fn is_held(&self) -> bool {
        (0..self.said.len()).any(|at| {
            let (by, _, said) = &self.said[at];
            let is_back = self.is_taken_back(at) && !self.gone.contains(by);
            // Operators and schedulers may hold.
            ["alice", "carol"].contains(by) && matches!(said, Said::Held { until } if *until > self.now) && !is_back
        })
    }

    fn is_withdrawn(&self) -> bool {
        let last = self.latest_announcement();
        self.said
            .iter()
            .enumerate()
            .any(|(at, (by, _, s))| matches!(s, Said::Withdrew) && *by == "alice" && last.is_some_and(|last| at > last))
    }

    fn is_vetted(&self) -> bool {
        self.receipts.iter().any(|(of, _)| of.bytes == self.proposal.bytes)
    }

    /// Whether the permit may be spent now as far as the clock goes: by the schedule record that counts, else in a window.
    fn is_in_time(&self) -> bool {
        let announced = self
            .said
            .iter()
            .filter_map(|(_, when, s)| matches!(s, Said::Announced(of) if self.is_same(*of)).then_some(*when));
        let latest = self.latest_announcement().map(|at| self.said[at].1);
        let Some(first) = announced.min().or(latest) else { return false };
        let record = self.said.iter().rev().find_map(|(by, when, s)| match s {
            Said::Scheduled { start, end } if *by == "carol" && !self.gone.contains("carol") => {
                Some((*start, *end, *when))
            }
            _ => None,
        });
        match record {
            None => self.now >= first + 4 * HOUR && in_window(self.now),
            Some((start, end, when)) => {
                start >= first.max(when) + 4 * HOUR
                    && (start..end).contains(&self.now)
                    && in_window(start)
                    && in_window(end - 1)
            }
        }
    }

    fn expect(&self) -> Expected {
        let voices = (0..self.said.len()).filter(|at| self.counts(*at)).filter_map(|at| match &self.said[at].2 {
            Said::Approved { voice, .. } => Some(*voice),
            _ => None,
        });
        let is_approved = World::is_quorum(&voices.collect()) && self.latest_announcement().is_some();
        let is_frozen = (at("2026-12-18T05:00:00Z").0..at("2027-01-04T05:00:00Z").0).contains(&self.now);
        let rows = [
            ("APPROVAL_MISSING", !is_approved),
            ("NOT_VETTED", !self.is_vetted()),
            ("REJECTED", self.is_rejected()),
            ("HELD", self.is_held()),
            ("WITHDRAWN", self.is_withdrawn()),
            ("FROZEN", is_frozen),
        ];
        let must: BTreeSet<&str> = rows.iter().filter(|(_, is)| *is).map(|(code, _)| *code).collect();
        let must_not: BTreeSet<&str> = rows.iter().filter(|(_, is)| !*is).map(|(code, _)| *code).collect();
        let must_not = must_not.into_iter().filter(|code| *code != "NOT_VETTED").collect();
        Expected { granted: must.is_empty() && self.is_in_time() && !self.taken_back, is_approved, must, must_not }
    }

    fn state(&self, expected: &Expected) -> BTreeSet<State> {
        let has = |code| expected.must.contains(code);
        let all: &[State] = match () {
            () if self.progress == Progress::Applied => &[State::Applied],
            () if self.progress == Progress::RolledBack => &[State::RolledBack],
            () if has("WITHDRAWN") => &[State::Withdrawn],
            () if has("REJECTED") => &[State::Rejected],
            () if has("HELD") => &[State::Held],
            () if has("FROZEN") && expected.is_approved => &[State::Frozen],
            () if expected.is_approved && !has("NOT_VETTED") => &[State::Scheduled, State::Approved],
            () if expected.is_approved => &[State::Draft],
            () if has("NOT_VETTED") => &[State::Draft, State::Stale, State::Expired],
            () => &[State::Draft, State::Vetted, State::Stale, State::Expired],
        };
        all.iter().copied().collect()
    }
}

/// The windows of the policy, counted in weeks of UTC: Wednesday and Friday from 03:00 to 07:00. No zone changes its clocks here.
fn in_window(now: i64) -> bool {
    let week = (now - at("2026-11-30T00:00:00Z").0).rem_euclid(7 * 24 * HOUR);
    [2, 4].iter().any(|day| (day * 24 * HOUR + 3 * HOUR..day * 24 * HOUR + 7 * HOUR).contains(&week))
}

/// What is asked of every state that some order of commands leads to.
fn check(world: &World, history: &[Command]) -> Result<bool, TestCaseError> {
    let (decision, expected) = (world.scene.decide(), world.expect());
    let codes: BTreeSet<&str> = decision.reasons.iter().map(|r| r.code.name()).collect();
    prop_assert_eq!(decision.is_granted(), expected.granted, "{:?}\n{:?}\n{:#?}", history, expected, decision.reasons);
    prop_assert!(expected.must.is_subset(&codes), "{:?}\n{:?} of {:?}", history, expected.must, codes);
    prop_assert!(
        expected.must_not.is_disjoint(&codes),
        "{:?}\nnone of {:?} in {:?}",
        history,
        expected.must_not,
        codes
    );
    prop_assert_eq!(world.taken_back, decision.reasons.iter().any(|r| r.detail.as_deref() == Some("rolled-back")));
    let states = world.state(&expected);
    prop_assert!(states.contains(&decision.state), "{:?}\n{:?} is none of {:?}", history, decision.state, states);
    Ok(decision.is_granted())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// After every command of every order, the gate says what the model says.
    #[test]
    fn the_gate_says_what_a_plain_model_says(commands in proptest::collection::vec(command(), 0..26)) {
        let mut world = World::new();
        for at in 0..commands.len() {
            world.run(commands[at]);
            check(&world, &commands[..=at])?;
        }
    }

    /// The same from a change that is nearly there, so that permits are given and spent.
    #[test]
    fn orders_that_begin_with_everything_at_hand(commands in proptest::collection::vec(command(), 0..12)) {
        let mut world = World::new();
        let ready = [Command::New, Command::Vet, Command::Approve(1), Command::Approve(2), Command::Approve(3), Command::Forward(39)];
        ready.iter().for_each(|command| world.run(*command));
        prop_assert!(check(&world, &ready)?, "the change may go");
        for at in 0..commands.len() {
            world.run(commands[at]);
            check(&world, &commands[..=at])?;
        }
    }
}

/// The model is no excuse: what it says can go does go, and each of its commands can stop it.
#[test]
fn each_command_that_stops_stops() {
    let ready = || {
        let mut world = World::new();
        for command in [
            Command::New,
            Command::Vet,
            Command::Approve(1),
            Command::Approve(2),
            Command::Approve(3),
            Command::Forward(39),
        ] {
            world.run(command);
        }
        world
    };
    assert!(ready().scene.decide().is_granted());
    assert!(ready().scene.targets.iter().all(|t| t.environment == Environment::Production));
    for command in [
        Command::Reject(5),
        Command::Hold(2, 100),
        Command::Withdraw(0),
        Command::Schedule(2, 24),
        Command::Forward(24),
        Command::Edit,
        Command::Leave(3),
        Command::Revoke(1, 1),
        Command::PushThatTakesItselfBack,
        Command::Freeze,
    ] {
        let mut world = ready();
        world.run(command);
        assert!(!world.scene.decide().is_granted(), "{command:?}");
    }
}
