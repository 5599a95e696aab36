//! What can be done next: drawn from a seed, half of it at random, half of it what brings a change nearer to its devices.

use crate::model::{Change, DEVICES, Model, PERSONS, Progress, Said, Staging};

/// One step of a history. Changes are named by the device that they are about.
#[derive(Clone, Debug)]
pub enum Step {
    /// Somebody begins a change that opens a port, where none is open on the device.
    Begin(usize),
    /// The same for a change that closes one, as an emergency.
    BeginUrgent(usize),
    Declare(usize, &'static str),
    Review(usize, &'static str, &'static str),
    Open(usize),
    Note(usize),
    Merge(usize, bool),
    MoveOn,
    Announce(usize),
    Stage(usize),
    /// The kernel loads the bytes.
    Vet(usize),
    /// It shall go on under another id; until that is announced, nothing changes.
    Reissue(usize, &'static str),
    Approve(usize, &'static str, &'static str),
    Reject(usize, &'static str),
    /// Takes back an own record: the how manieth of all.
    Revoke(usize, usize),
    Override(usize, &'static str, &'static str, usize),
    Hold(usize, &'static str, bool),
    Withdraw(usize, &'static str),
    Schedule(usize, &'static str, bool),
    Witness,
    Permit(usize),
    /// With the permit that was taken, or one that is taken on the way.
    Push(usize, bool),
    /// The probe fails, so that it takes itself back.
    PushInVain(usize),
    TakeBack(usize, &'static str),
    RollBack(usize, &'static str),
    EditByHand(usize),
    /// By so many persons; the protected branch takes it in as well.
    Adopt(usize, usize, bool),
    Quarantine(usize, &'static str),
    Close(usize),
    /// The next version of the policy: a freeze begins or ends, or a colleague leaves or comes back; merged before it is signed, or
    /// after that.
    Policy(bool, bool),
}

/// Numbers that are the same for one seed on every machine (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(sides.max(1)).unwrap()).unwrap()
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())]
    }
}

/// The next step.
pub fn step(model: &Model, dice: &mut Dice) -> Step {
    let device = dice.roll(DEVICES.len());
    if dice.roll(100) < 65 { helpful(model, dice, device) } else { any(model, dice, device) }
}

fn person(dice: &mut Dice) -> &'static str {
    dice.one(&PERSONS).0
}

fn voice(dice: &mut Dice) -> (&'static str, &'static str) {
    let (person, roles) = dice.one(&PERSONS);
    // Once in a while somebody signs for a role that they do not have.
    if dice.roll(12) == 0 { (person, "security") } else { (person, dice.one(roles)) }
}

fn any(model: &Model, dice: &mut Dice, at: usize) -> Step {
    let said = model.current(DEVICES[at]).map_or(0, |c| model.changes[c].said.len());
    let (who, role) = voice(dice);
    match dice.roll(37) {
        0 => Step::Open(at),
        1 => Step::Note(at),
        2 | 3 => Step::Merge(at, dice.roll(3) == 0),
        4 => Step::MoveOn,
        5 => Step::Announce(at),
        6 => Step::Stage(at),
        7 | 8 => Step::Approve(at, who, role),
        9 => Step::Reject(at, person(dice)),
        10 | 11 => Step::Revoke(at, dice.roll(said)),
        12 => Step::Override(at, who, role, dice.roll(said)),
        13 => Step::Hold(at, person(dice), dice.roll(3) == 0),
        14 => Step::Withdraw(at, person(dice)),
        15 => Step::Schedule(at, person(dice), dice.roll(2) == 0),
        16 => Step::Witness,
        17 => Step::Permit(at),
        18..=20 => Step::Push(at, dice.roll(2) == 0),
        21 => Step::PushInVain(at),
        22 => Step::TakeBack(at, dice.one(&["alice", "alice", "bob"])),
        23 => Step::RollBack(at, dice.one(&["alice", "alice", "carol"])),
        24 => Step::EditByHand(at),
        25 => Step::Adopt(at, 2 + dice.roll(3), dice.roll(3) > 0),
        26 => Step::Quarantine(at, person(dice)),
        27 => Step::Close(at),
        30 => Step::Vet(at),
        31 => Step::Reissue(at, person(dice)),
        32 | 33 => Step::BeginUrgent(at),
        34 => Step::Declare(at, person(dice)),
        35 => Step::Review(at, who, role),
        28 => Step::Policy(dice.roll(2) == 0, dice.roll(3) == 0),
        _ => Step::Begin(at),
    }
}

/// Somebody who may still approve, mostly.
fn fresh_voice(change: &Change, dice: &mut Dice) -> Option<(&'static str, &'static str)> {
    let has_spoken = |who: &str| change.said.iter().any(|s| s.by == who && matches!(s.said, Said::Approved { .. }));
    let fresh = PERSONS.iter().filter(|(who, _)| *who != change.author && !has_spoken(who));
    let voices: Vec<_> = fresh.flat_map(|(who, roles)| roles.iter().map(move |role| (*who, *role))).collect();
    let voices: Vec<_> = voices.into_iter().filter(|(_, role)| ["network", "security"].contains(role)).collect();
    (!voices.is_empty() && dice.roll(5) > 0).then(|| dice.one(&voices))
}

/// What the change of a device needs most.
fn helpful(model: &Model, dice: &mut Dice, at: usize) -> Step {
    let device = DEVICES[at];
    // What was applied goes on under its id, once in a while.
    let goes_on = dice.roll(2) == 0;
    let is_open = |c: &usize| !model.is_over(*c) || goes_on && model.changes[*c].progress == Progress::Applied;
    // Pushed and not merged: every other change would take it back.
    let unmerged = |at: &usize| {
        let current = model.current(DEVICES[*at]).map(|c| &model.changes[c]);
        current.is_some_and(|c| c.progress == Progress::Applied && c.merged + 1 < c.edits.len() && !c.is_squashed)
    };
    if let Some(at) = (0..DEVICES.len()).find(unmerged).filter(|_| dice.roll(3) > 0) {
        return Step::Merge(at, false);
    }
    let (who, role) = voice(dice);
    let owes = |at: &usize| model.current(DEVICES[*at]).is_some_and(|c| model.owes_review(&model.changes[c]));
    if let Some(at) = (0..DEVICES.len()).find(owes).filter(|_| dice.roll(4) > 0) {
        return Step::Review(at, who, role);
    }
    let Some(current) = model.current(device).filter(is_open) else {
        return if dice.roll(3) == 0 { Step::BeginUrgent(at) } else { Step::Begin(at) };
    };
    let change = &model.changes[current];
    if model.is_unsure(current) && dice.roll(2) == 0 {
        return Step::Withdraw(at, change.author);
    }
    let expected = model.expect(current);
    let has = |code: &str| expected.must.contains(code);
    let latest = change.said.iter().rev().find_map(|s| match s.said {
        Said::Announced { edit, .. } => Some(edit),
        _ => None,
    });
    let last = |wanted: fn(&Said) -> bool| change.said.iter().rposition(|s| wanted(&s.said));
    match () {
        () if model.running[device].ports != model.in_force(device).ports => match dice.roll(2) {
            0 => Step::Adopt(at, 4, true),
            _ => Step::RollBack(at, "alice"),
        },
        () if has("FROZEN") => Step::Policy(true, false),
        () if has("CHECK_REFUSED") => Step::Open(at),
        () if latest.is_none_or(|edit| edit + 1 < change.edits.len()) || has("WITHDRAWN") => Step::Announce(at),
        () if has("EMPTY_CHANGE") => Step::Open(at),
        () if has("REJECTED") && dice.roll(2) == 0 => {
            Step::Revoke(at, last(|s| matches!(s, Said::Rejected)).unwrap_or_default())
        }
        () if has("REJECTED") => {
            Step::Override(at, who, role, last(|s| matches!(s, Said::Rejected)).unwrap_or_default())
        }
        () if has("HELD") => Step::Revoke(at, last(|s| matches!(s, Said::Held { .. })).unwrap_or_default()),
        () if has("OUTSIDE_WINDOW") => Step::Schedule(at, "carol", true),
        () if model.staging == Staging::Device && has("NOT_VETTED") => Step::Stage(at),
        () if has("NOT_VETTED") => Step::Vet(at),
        () if has("EMERGENCY_INVALID") && !has("APPROVAL_MISSING") => Step::Declare(at, who),
        () if has("APPROVAL_MISSING") => {
            let (who, role) = fresh_voice(change, dice).unwrap_or((who, role));
            Step::Approve(at, who, role)
        }
        () if expected.granted => match dice.roll(4) {
            0 => Step::Permit(at),
            1 => Step::PushInVain(at),
            _ => Step::Push(at, dice.roll(2) == 0),
        },
        () => Step::Merge(at, false),
    }
}
