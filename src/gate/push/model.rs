//! The push against a world in which every step can fail, before or after it had its effect, and every run can die:
//! whatever the order, no device ends elsewhere than at the baseline or the permitted proposal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::gate::permit::{Permit, PermitFile, PermitTrust, PermittedDevice, VerifiedPermit};
use crate::gate::{Reason, ReasonCode, ResultKind, State};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const DEVICES: [&str; 3] = ["edge1", "edge2", "edge3"];
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
    fn read(&mut self, device: &str, nonce: &str) -> Result<Seen, Reason> {
        let mut sim = self.0.borrow_mut();
        assert!(!sim.nonces.contains(&nonce.to_owned()), "a nonce came twice");
        sim.nonces.push(nonce.to_owned());
        sim.step("read", |_| {}).map_err(|t| Reason::new(ReasonCode::ReadbackInvalid, t.0, ""))?;
        let config = sim.configs[device];
        let (is_baseline, is_proposal) = (config == Config::Baseline, config == Config::Proposal);
        Ok(Seen { is_baseline, is_proposal, differs: "something else".into(), identity: device.into() })
    }

    fn apply(&mut self, device: &str, timer: Duration) -> Result<(), Trouble> {
        let mut sim = self.0.borrow_mut();
        assert!(sim.is_cleared, "applied while the gate has something against it");
        let started = |e: &LedgerEntry| matches!(e, LedgerEntry::Result(r) if r.device == device && r.result == ResultKind::Started);
        assert!(sim.entries.iter().any(started), "applied before the ledger knows");
        assert!(sim.entries.iter().any(|e| matches!(e, LedgerEntry::Claim(_))), "applied without a claim");
        let name = Sim::name(device);
        sim.step("apply", |sim| {
            sim.applied += 1;
            sim.configs.insert(name, Config::Proposal);
            sim.timers.insert(name, sim.now + timer.as_secs() as i64);
        })
    }

    fn probe(&mut self, _: &str) -> Result<(), Trouble> {
        self.0.borrow_mut().step("probe", |_| {})
    }

    fn confirm(&mut self, device: &str) -> Result<(), Trouble> {
        let name = Sim::name(device);
        self.0.borrow_mut().step("confirm", |sim| {
            sim.timers.remove(name);
        })
    }

    fn roll_back(&mut self, device: &str) -> Result<(), Trouble> {
        let name = Sim::name(device);
        self.0.borrow_mut().step("roll back", |sim| {
            sim.timers.remove(name);
            sim.configs.insert(name, Config::Baseline);
        })
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

fn run(sim: &Rc<RefCell<Sim>>, permit: &VerifiedPermit, run: &str, when_stopped: WhenStopped) -> PushReport {
    sim.borrow_mut().dead = false;
    sim.borrow_mut().is_cleared = false;
    let mut ends = [0; 5].map(|_| End(sim.clone()));
    let [gate, ledger, port, receipts, clock] = &mut ends;
    let orders = Orders {
        permit,
        holder: "runner",
        run,
        mode: Mode::Immediate,
        when_stopped,
        lease: Duration::from_secs(300),
        order: &[],
        baseline_heads: &[],
    };
    push(&orders, &mut World { gate, ledger, port, receipts, clock })
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
    assert_eq!(sim.borrow().applied, 3);
    assert!(sim.borrow().timers.is_empty());
    let again = run(&sim, &permit, "b", WhenStopped::Leave);
    assert_eq!(codes(&again), ["PERMIT_SPENT"]);
    assert_eq!(sim.borrow().applied, 3);
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
        assert_eq!(is_late, applied < 3, "{seed}");
        assert!(!is_late || applied == 0 || report.state == State::Partial, "{seed}");
    }
}

#[test]
fn a_holder_without_the_permit_applies_nothing() {
    let (sim, permit) = (Sim::new(1, Faults::default()), permit(100_000));
    let mut ends = [0; 5].map(|_| End(sim.clone()));
    let [gate, ledger, port, receipts, clock] = &mut ends;
    let orders = Orders {
        permit: &permit,
        holder: "mallory",
        run: "a",
        mode: Mode::Immediate,
        when_stopped: WhenStopped::Leave,
        lease: Duration::from_secs(300),
        order: &[],
        baseline_heads: &[],
    };
    let report = push(&orders, &mut World { gate, ledger, port, receipts, clock });
    assert_eq!(codes(&report), ["PERMIT_WRONG_HOLDER"]);
    assert!(sim.borrow().entries.is_empty());
}

/// Faults at every step, runs that die, resumption; then the end, when all timers have run out.
#[test]
fn every_device_ends_at_the_baseline_or_the_proposal_and_the_report_says_which() {
    let (mut applied, mut partial, mut back) = (0, 0, 0);
    for seed in 1..6_000u64 {
        let faults = Faults { step: seed % 17, death: seed % 5, objection: seed % 13, moved: seed % 31 };
        let when_stopped = if seed % 2 == 0 { WhenStopped::Leave } else { WhenStopped::RollBack };
        let (sim, permit) = (Sim::new(seed, faults), permit(100_000));
        for attempt in 0..1 + seed % 4 {
            let report = run(&sim, &permit, &format!("run-{attempt}"), when_stopped);
            sim.borrow_mut().now += 400;
            sim.borrow_mut().run_out();
            check_truth(&report, &sim.borrow(), seed);
            applied += usize::from(report.state == State::Applied);
            partial += usize::from(report.state == State::Partial);
            back += usize::from(report.state == State::RolledBack);
        }
    }
    assert!(applied > 200 && partial > 500 && back > 100, "all ends occur: {applied} {partial} {back}");
}

fn check_truth(report: &PushReport, sim: &Sim, seed: u64) {
    assert!(sim.configs.values().all(|c| *c != Config::Foreign));
    assert!(sim.timers.is_empty());
    for device in &report.devices {
        let config = sim.configs[device.device.as_str()];
        let said = match device.running {
            Running::Baseline => config == Config::Baseline,
            Running::Proposal => config == Config::Proposal,
            Running::Unknown => !report.reasons.is_empty() && report.state == State::Partial,
        };
        assert!(said, "seed {seed}: {device:?} runs {config:?}\n{report:#?}");
    }
    let all = report.devices.len() == 3 && sim.configs.values().all(|c| *c == Config::Proposal);
    assert!(report.state != State::Applied || all, "seed {seed}");
}
