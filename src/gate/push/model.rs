//! The push against a world in which every step can fail, before or after it had its effect, devices answer in any order, and every
//! run can die: whatever happens, no device ends elsewhere than at the baseline or the permitted proposal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::wave::Batch;
use super::*;
use crate::gate::permit::{Permit, PermitFile, PermitTrust, PermittedDevice, VerifiedPermit};
use crate::gate::{Reason, ReasonCode, ResultKind, State};
use crate::policy::Unreachable;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const DEVICES: [&str; 5] = ["edge1", "edge2", "edge3", "edge4", "edge5"];
const TIMER: u64 = 60;

struct Everybody;

impl PermitTrust for Everybody {
    fn permit_machine(&self, _: &[u8], _: &str) -> Result<String, Reason> {
        Ok("deployer".into())
    }
}

fn permit(expires: i64) -> VerifiedPermit {
    let device =
        |name: &&str| PermittedDevice { name: (*name).into(), proposal: Digest([1; 32]), rollback: Digest([2; 32]) };
    let permit = Permit {
        repository: "example/firewalls".into(),
        change: "CHG-1".into(),
        content: Digest([1; 32]),
        transport: Digest([2; 32]),
        head: "ab".repeat(20),
        holder: "runner".into(),
        window: (Instant(0), Instant(expires)),
        nonce: "0f".repeat(16),
        issued: Instant(0),
        expires: Instant(expires),
        confirm: Duration::from_secs(TIMER),
        devices: DEVICES.iter().map(device).collect(),
        approvals: Vec::new(),
    };
    let file = permit.file("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----");
    PermitFile::read(file.as_bytes()).unwrap().verify(&Everybody).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Config {
    Baseline,
    Proposal,
    Foreign,
}

/// How likely what goes wrong is, in percent.
#[derive(Clone, Copy, Default)]
struct Faults {
    step: u64,
    death: u64,
    objection: u64,
    moved: u64,
}

/// Everything outside of the machine.
struct Sim {
    seed: u64,
    now: i64,
    faults: Faults,
    dead: bool,
    configs: BTreeMap<&'static str, Config>,
    /// When an unconfirmed device goes back.
    timers: BTreeMap<&'static str, i64>,
    entries: Vec<LedgerEntry>,
    objections: Vec<Reason>,
    is_cleared: bool,
    applied: usize,
    nonces: Vec<String>,
    calls: Vec<String>,
    /// What the port is at.
    going: Vec<(&'static str, Task)>,
    /// The most that it was at, at the same time.
    most: usize,
    /// Devices that the gate let go in this run.
    cleared: BTreeSet<&'static str>,
    /// Where devices take their time: what arrives at them, and when.
    arrivals: Option<BTreeMap<&'static str, (i64, Config)>>,
}

impl Sim {
    fn new(seed: u64, faults: Faults) -> Rc<RefCell<Sim>> {
        let configs = DEVICES.iter().map(|d| (*d, Config::Baseline)).collect();
        Rc::new(RefCell::new(Sim {
            seed: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            now: 10,
            faults,
            dead: false,
            configs,
            timers: BTreeMap::new(),
            entries: Vec::new(),
            objections: Vec::new(),
            is_cleared: false,
            applied: 0,
            nonces: Vec::new(),
            calls: Vec::new(),
            going: Vec::new(),
            most: 0,
            cleared: BTreeSet::new(),
            arrivals: None,
        }))
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 20) % 100 < percent
    }

    /// Time passes, the run may die, timers run out.
    fn tick(&mut self, what: &str) {
        self.calls.push(what.to_owned());
        self.now += i64::from(self.chance(40)) * 3;
        self.dead |= self.chance(self.faults.death);
        self.run_out();
    }

    fn run_out(&mut self) {
        let due: Vec<&str> = self.timers.iter().filter(|(_, at)| **at <= self.now).map(|(d, _)| *d).collect();
        for device in due {
            self.timers.remove(device);
            self.configs.insert(device, Config::Baseline);
        }
        let now = self.now;
        for (device, (at, config)) in self.arrivals.iter().flatten().filter(|(_, (at, _))| *at <= now) {
            let _ = at;
            self.configs.insert(device, *config);
        }
        self.arrivals.iter_mut().for_each(|all| all.retain(|_, (at, _)| *at > now));
    }

    /// A device gets a configuration: at once, or after a while.
    fn get(&mut self, device: &'static str, config: Config) {
        let delay = i64::from(self.chance(70)) * 35;
        match &mut self.arrivals {
            Some(arrivals) => drop(arrivals.insert(device, (self.now + delay, config))),
            None => drop(self.configs.insert(device, config)),
        }
    }

    /// One of the tasks ends.
    fn end(&mut self, device: &'static str, task: Task) -> Done {
        match task {
            Task::Read { .. } => Done::Seen(self.seen(device)),
            Task::Apply { timer } => Done::Step(self.step("apply", |sim| {
                sim.applied += 1;
                sim.get(device, Config::Proposal);
                if sim.arrivals.is_none() {
                    sim.timers.insert(device, sim.now + timer.as_secs() as i64);
                }
            })),
            Task::Probe => Done::Step(self.step("probe", |_| {})),
            Task::Confirm => Done::Step(self.step("confirm", |sim| {
                sim.timers.remove(device);
            })),
            Task::RollBack => Done::Step(self.step("roll back", |sim| {
                sim.timers.remove(device);
                sim.get(device, Config::Baseline);
            })),
        }
    }

    fn seen(&mut self, device: &'static str) -> Result<Seen, Reason> {
        self.step("read", |_| {}).map_err(|t| Reason::new(ReasonCode::ReadbackInvalid, t.0, ""))?;
        let config = self.configs[device];
        let (is_baseline, is_proposal) = (config == Config::Baseline, config == Config::Proposal);
        Ok(Seen { is_baseline, is_proposal, differs: "something else".into(), identity: device.into() })
    }

    /// A step on a device: it fails before, after, or not at all.
    fn step(&mut self, what: &str, effect: impl FnOnce(&mut Sim)) -> Result<(), Trouble> {
        self.tick(what);
        let before = self.chance(self.faults.step);
        if self.dead || before {
            return Err(Trouble("before".into()));
        }
        effect(self);
        let after = self.chance(self.faults.step);
        if after { Err(Trouble("after".into())) } else { Ok(()) }
    }

    fn name(device: &str) -> &'static str {
        DEVICES.iter().find(|d| **d == device).unwrap()
    }
}

#[derive(Clone)]
struct End(Rc<RefCell<Sim>>);

impl Port for End {
    fn begin(&mut self, device: &str, task: Task) {
        let mut sim = self.0.borrow_mut();
        let device = Sim::name(device);
        assert!(sim.going.iter().all(|(busy, _)| *busy != device), "two tasks of one device");
        match &task {
            Task::Read { nonce } => {
                assert!(!sim.nonces.contains(nonce), "a nonce came twice");
                sim.nonces.push(nonce.clone());
                if sim.is_cleared {
                    sim.cleared.insert(device);
                }
            }
            Task::Apply { .. } => sim.may_apply(device),
            _ => {}
        }
        sim.going.push((device, task));
        sim.most = sim.most.max(sim.going.len());
    }

    fn next(&mut self, patience: Option<Duration>) -> Option<(String, Done)> {
        let mut sim = self.0.borrow_mut();
        let is_hasty = patience == Some(Duration::ZERO);
        if sim.going.is_empty() || (is_hasty && sim.chance(50)) {
            return None;
        }
        sim.chance(50);
        let at = (sim.seed >> 13) as usize % sim.going.len();
        let (device, task) = sim.going.remove(at);
        let done = sim.end(device, task);
        Some((device.to_owned(), done))
    }
}

impl Sim {
    fn may_apply(&self, device: &'static str) {
        assert!(self.objections.is_empty(), "applied while the gate has something against it");
        assert!(self.cleared.contains(device), "applied without asking the gate");
        let started = |e: &LedgerEntry| matches!(e, LedgerEntry::Result(r) if r.device == device && r.result == ResultKind::Started);
        assert!(self.entries.iter().any(started), "applied before the ledger knows");
        assert!(self.entries.iter().any(|e| matches!(e, LedgerEntry::Claim(_))), "applied without a claim");
    }
}

impl Ledger for End {
    fn view(&mut self) -> Result<LedgerView, LedgerTrouble> {
        let mut sim = self.0.borrow_mut();
        sim.step("view", |_| {}).map_err(|t| unreachable(&t.0))?;
        Ok(LedgerView { head: sim.entries.len().to_string(), entries: sim.entries.clone() })
    }

    fn append(&mut self, head: &str, entry: LedgerEntry) -> Result<(), LedgerTrouble> {
        let mut sim = self.0.borrow_mut();
        let moved = sim.faults.moved;
        if sim.chance(moved) {
            let at = Instant(sim.now);
            let witness = crate::gate::Witness { previous: None, at, policy: 1, heads: Vec::new() };
            sim.entries.push(LedgerEntry::Witness(witness));
        }
        if head != sim.entries.len().to_string() {
            return Err(LedgerTrouble::Moved);
        }
        sim.step("append", |sim| sim.entries.push(entry)).map_err(|t| unreachable(&t.0))
    }
}

fn unreachable(why: &str) -> LedgerTrouble {
    LedgerTrouble::Refused(Reason::new(ReasonCode::LedgerUnreachable, why, ""))
}

impl Receipts for End {
    fn keep(&mut self, receipt: Receipt) -> Result<Digest, Trouble> {
        self.0.borrow_mut().step("receipt", |_| {}).map(|()| Digest([receipt.kind as u8; 32]))
    }
}

impl Gate for End {
    fn objections(&mut self) -> Vec<Reason> {
        let mut sim = self.0.borrow_mut();
        sim.tick("gate");
        let percent = sim.faults.objection;
        let objects = sim.dead || sim.chance(percent);
        sim.objections = if objects { vec![Reason::new(ReasonCode::Rejected, "", "")] } else { Vec::new() };
        sim.is_cleared = !objects;
        sim.objections.clone()
    }
}

impl Clock for End {
    fn now(&mut self) -> Instant {
        let mut sim = self.0.borrow_mut();
        sim.run_out();
        Instant(sim.now)
    }

    fn wait(&mut self, duration: Duration) {
        let mut sim = self.0.borrow_mut();
        sim.now += duration.as_secs() as i64;
        sim.run_out();
    }

    fn nonce(&mut self) -> Result<String, Trouble> {
        Ok(format!("{:032x}", self.0.borrow().nonces.len()))
    }
}

impl Watch for End {
    fn note(&mut self, _: Event<'_>) {}
}

fn wave(devices: &[&str], parallel: usize, wait: u64) -> Batch {
    let devices = devices.iter().map(|d| (*d).to_owned()).collect();
    Batch { devices, parallel, wait: Duration::from_secs(wait) }
}

/// How a run goes about it.
struct Manner {
    when_stopped: WhenStopped,
    unreachable: Unreachable,
    waves: Vec<Batch>,
    holder: &'static str,
}

impl Manner {
    fn one_by_one(when_stopped: WhenStopped) -> Manner {
        Manner { when_stopped, unreachable: Unreachable::Stop, waves: Vec::new(), holder: "runner" }
    }

    fn in_waves(when_stopped: WhenStopped, unreachable: Unreachable, parallel: usize) -> Manner {
        let waves = vec![wave(&["edge3"], 1, 40), wave(&["edge1", "edge2", "edge4", "edge5"], parallel, 0)];
        Manner { when_stopped, unreachable, waves, holder: "runner" }
    }
}

fn run(sim: &Rc<RefCell<Sim>>, permit: &VerifiedPermit, run: &str, when_stopped: WhenStopped) -> PushReport {
    run_as(sim, permit, run, &Manner::one_by_one(when_stopped))
}

fn run_as(sim: &Rc<RefCell<Sim>>, permit: &VerifiedPermit, run: &str, manner: &Manner) -> PushReport {
    let is_eventual = {
        let mut sim = sim.borrow_mut();
        (sim.dead, sim.is_cleared) = (false, false);
        sim.cleared.clear();
        sim.going.clear();
        sim.arrivals.is_some()
    };
    let mut ends = [0; 6].map(|_| End(sim.clone()));
    let [gate, ledger, port, receipts, clock, watch] = &mut ends;
    let late = Mode::Eventual { deadline: Duration::from_secs(100), every: Duration::from_secs(10) };
    let modes = DEVICES.iter().filter(|_| is_eventual).map(|d| ((*d).to_owned(), late)).collect();
    let orders = Orders {
        permit,
        holder: manner.holder,
        run,
        modes: &modes,
        when_stopped: manner.when_stopped,
        unreachable: manner.unreachable,
        lease: Duration::from_secs(300),
        waves: &manner.waves,
        baseline_heads: &[],
    };
    push(&orders, &mut World { gate, ledger, port, receipts, clock, watch })
}

fn codes(report: &PushReport) -> Vec<&'static str> {
    report.reasons.iter().map(|r| r.code.name()).collect()
}

#[test]
fn with_nothing_wrong_every_device_is_applied_once_and_the_permit_is_spent() {
    let (sim, permit) = (Sim::new(1, Faults::default()), permit(100_000));
    let report = run(&sim, &permit, "a", WhenStopped::Leave);
    assert_eq!((report.state, codes(&report)), (State::Applied, vec![]));
    assert!(report.devices.iter().all(|d| d.end == DeviceEnd::Applied && d.receipt.is_some()));
    assert_eq!(sim.borrow().applied, 5);
    assert!(sim.borrow().timers.is_empty());
    let again = run(&sim, &permit, "b", WhenStopped::Leave);
    assert_eq!(codes(&again), ["PERMIT_SPENT"]);
    assert_eq!(sim.borrow().applied, 5);
}

#[test]
fn a_live_claim_is_nobody_elses_and_a_dead_one_only_its_holders() {
    let (sim, permit) = (Sim::new(1, Faults::default()), permit(100_000));
    let entries = {
        run(&sim, &permit, "a", WhenStopped::Leave);
        sim.borrow().entries.first().cloned().unwrap()
    };
    let other = Sim::new(1, Faults::default());
    other.borrow_mut().entries.push(entries);
    assert_eq!(codes(&run(&other, &permit, "b", WhenStopped::Leave)), ["PERMIT_CLAIMED"]);
    assert_eq!(other.borrow().applied, 0);
    other.borrow_mut().now += 1_000;
    assert_eq!(run(&other, &permit, "b", WhenStopped::Leave).state, State::Applied);
}

#[test]
fn drift_stops_before_anything_is_applied() {
    let (sim, permit) = (Sim::new(1, Faults::default()), permit(100_000));
    sim.borrow_mut().configs.insert("edge1", Config::Foreign);
    let report = run(&sim, &permit, "a", WhenStopped::Leave);
    assert_eq!(codes(&report), ["DRIFT"]);
    assert_eq!(sim.borrow().applied, 0);
    let sim = Sim::new(1, Faults::default());
    sim.borrow_mut().configs.insert("edge2", Config::Proposal);
    let report = run(&sim, &permit, "a", WhenStopped::RollBack);
    assert_eq!(codes(&report), ["DRIFT"], "the proposal that nobody pushed is drift, too");
    assert_eq!(sim.borrow().configs["edge1"], Config::Baseline);
}

#[test]
fn a_window_that_closes_stops_before_the_next_device() {
    for seed in 1..200 {
        let (sim, permit) = (Sim::new(seed, Faults::default()), permit(90));
        let report = run(&sim, &permit, "a", WhenStopped::Leave);
        let is_late = codes(&report).contains(&"PERMIT_EXPIRED");
        let applied = report.devices.iter().filter(|d| d.end == DeviceEnd::Applied).count();
        assert_eq!(is_late, applied < 5, "{seed}");
        assert!(!is_late || applied == 0 || report.state == State::Partial, "{seed}");
    }
}

#[test]
fn a_holder_without_the_permit_applies_nothing() {
    let (sim, permit) = (Sim::new(1, Faults::default()), permit(100_000));
    let manner = Manner { holder: "mallory", ..Manner::one_by_one(WhenStopped::Leave) };
    let report = run_as(&sim, &permit, "a", &manner);
    assert_eq!(codes(&report), ["PERMIT_WRONG_HOLDER"]);
    assert!(sim.borrow().entries.is_empty());
}

#[test]
fn so_many_devices_of_a_wave_are_worked_on_at_the_same_time_and_no_more() {
    for (parallel, most) in [(1, 1), (2, 2), (3, 3), (9, 4)] {
        let (sim, permit) = (Sim::new(7, Faults::default()), permit(100_000));
        let manner = Manner::in_waves(WhenStopped::Leave, Unreachable::Stop, parallel);
        let report = run_as(&sim, &permit, "a", &manner);
        assert_eq!((report.state, sim.borrow().most), (State::Applied, most));
        assert_eq!(report.devices.iter().map(|d| d.wave).collect::<Vec<_>>(), [1, 2, 2, 2, 2]);
        assert_eq!(report.devices[0].device, "edge3");
    }
}

#[test]
fn a_canary_that_fails_stops_before_the_next_wave() {
    let (sim, permit) = (Sim::new(1, Faults::default()), permit(100_000));
    sim.borrow_mut().configs.insert("edge3", Config::Foreign);
    let report = run_as(&sim, &permit, "a", &Manner::in_waves(WhenStopped::Leave, Unreachable::GoOn, 4));
    assert_eq!((codes(&report), sim.borrow().applied), (vec!["DRIFT"], 0));
}

#[test]
fn only_the_wave_that_failed_goes_back_where_policy_says_so() {
    for (when_stopped, expected) in
        [(WhenStopped::Leave, 4), (WhenStopped::RollBackWave, 1), (WhenStopped::RollBack, 0)]
    {
        let (sim, permit) = (Sim::new(3, Faults::default()), permit(100_000));
        sim.borrow_mut().configs.insert("edge5", Config::Foreign);
        let report = run_as(&sim, &permit, "a", &Manner::in_waves(when_stopped, Unreachable::Stop, 1));
        assert_eq!(codes(&report), ["DRIFT"]);
        let proposals = sim.borrow().configs.values().filter(|c| **c == Config::Proposal).count();
        assert_eq!(proposals, expected, "{when_stopped:?}");
    }
}

/// What speaks against a change while its run waits behind a wave stops it there.
#[test]
fn an_objection_stops_a_run_that_waits() {
    let (sim, permit) = (Sim::new(1, Faults::default()), permit(45));
    let report = run_as(&sim, &permit, "a", &Manner::in_waves(WhenStopped::Leave, Unreachable::Stop, 4));
    assert!(codes(&report).contains(&"PERMIT_EXPIRED"));
    assert_eq!(sim.borrow().applied, 0, "no time to confirm is left from the beginning");
    let sim = Sim::new(1, Faults { objection: 100, ..Faults::default() });
    let report = run_as(&sim, &permit, "b", &Manner::in_waves(WhenStopped::Leave, Unreachable::Stop, 4));
    assert_eq!((codes(&report).first(), sim.borrow().applied), (Some(&"REJECTED"), 0));
}

/// Faults at every step, runs that die, resumption; then the end, when all timers have run out.
#[test]
fn every_device_ends_at_the_baseline_or_the_proposal_and_the_report_says_which() {
    let (mut applied, mut partial, mut back, mut crowded) = (0, 0, 0, 0);
    for seed in 1..9_000u64 {
        let faults = Faults { step: seed % 17, death: seed % 5, objection: seed % 13, moved: seed % 31 };
        let when = [WhenStopped::Leave, WhenStopped::RollBack, WhenStopped::RollBackWave];
        let unreachable = if seed % 4 == 0 { Unreachable::GoOn } else { Unreachable::Stop };
        let manner = match seed % 2 {
            0 => Manner::one_by_one(when[seed as usize % 3]),
            _ => Manner::in_waves(when[seed as usize % 3], unreachable, 1 + seed as usize % 4),
        };
        let (sim, permit) = (Sim::new(seed, faults), permit(100_000));
        sim.borrow_mut().arrivals = (seed % 7 == 0).then(BTreeMap::new);
        for attempt in 0..1 + seed % 4 {
            let report = run_as(&sim, &permit, &format!("run-{attempt}"), &manner);
            sim.borrow_mut().die();
            check_truth(&report, &sim.borrow(), seed);
            applied += usize::from(report.state == State::Applied);
            partial += usize::from(report.state == State::Partial);
            back += usize::from(report.state == State::RolledBack);
        }
        crowded += usize::from(sim.borrow().most > 2);
    }
    let ends = format!("{applied} {partial} {back} {crowded}");
    assert!(applied > 200 && partial > 500 && back > 100 && crowded > 200, "all ends occur: {ends}");
}

impl Sim {
    /// What a dead run left behind may still have its effect; then every timer runs out, and everything arrives.
    fn die(&mut self) {
        for (device, task) in std::mem::take(&mut self.going) {
            if task == Task::RollBack && self.chance(50) {
                self.timers.remove(device);
                self.get(device, Config::Baseline);
            }
        }
        self.now += 400;
        self.run_out();
    }
}

fn check_truth(report: &PushReport, sim: &Sim, seed: u64) {
    assert!(sim.configs.values().all(|c| *c != Config::Foreign));
    assert!(sim.timers.is_empty());
    for device in &report.devices {
        let config = sim.configs[device.device.as_str()];
        let said = match device.running {
            Running::Baseline => config == Config::Baseline,
            Running::Proposal => config == Config::Proposal,
            Running::Other => device.end == DeviceEnd::Untouched && !report.reasons.is_empty(),
            Running::Unknown => !report.reasons.is_empty() && report.state == State::Partial,
        };
        assert!(said, "seed {seed}: {device:?} runs {config:?}\n{report:#?}");
    }
    let all = report.devices.len() == 5 && sim.configs.values().all(|c| *c == Config::Proposal);
    assert!(report.state != State::Applied || all, "seed {seed}");
}
