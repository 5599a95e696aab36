//! What the rules passed so far have changed for all packets of a cell: marks bit by bit, rewritten fields,
//! conntrack exemption, the translation; and how tests read through it.

use super::environment::{ROUTED_TTL, translated_condition};
use super::interpret::Place;
use super::interpret::{merge_translation, translated_connection};
use super::lookup::{Tuple, Tuples};
use super::model::*;
use super::program::Stage;
use super::space::{Side, Space};
use super::steps::Test;
use crate::packet::{ByteSet, Cell, Cond, Cube, Field, InterfaceClasses, Ranges, Relation, State, Values};
use smallvec::SmallVec;
use std::rc::Rc;

/// The answer of a test for all packets of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds of every packet.
    Yes,
    /// It holds of none.
    No,
    /// Cutting the cell here brings the answer nearer.
    Cut(Cut),
}

/// Where to cut a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Into packets whose field is among the values, and the others.
    Field(Field, Values),
    /// Into packets inside the box, and those around it field by field: as several cuts, one after the other.
    Box(Vec<(Field, Values)>),
    /// Into the condition true, and false.
    Cond(Cond),
}

/// A mark as a function of the marks on arrival, bit by bit: each bit is the exclusive or of the arrival bits
/// that are selected and a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct MarkBits {
    mark: u32,
    connmark: u32,
    flip: u32,
}

/// Changes made so far. The default is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Env {
    mark: MarkBits,
    connmark: MarkBits,
    rewrites: SmallVec<[(Field, Rewrite); 2]>,
    /// Exempt from conntrack.
    pub untracked: bool,
    /// Routing has taken one off the TTL, where walks keep count of that.
    pub one_hop_on: bool,
    /// What has been translated of the connection that the packet sets up.
    pub translation: Option<Rc<Translation>>,
}

impl Default for Env {
    fn default() -> Env {
        Env {
            mark: MarkBits { mark: u32::MAX, connmark: 0, flip: 0 },
            connmark: MarkBits { mark: 0, connmark: u32::MAX, flip: 0 },
            rewrites: SmallVec::new(),
            untracked: false,
            one_hop_on: false,
            translation: None,
        }
    }
}

impl Env {
    /// Whether what rules see of the field differs from what the packet had on arrival.
    pub fn rewrites(&self, field: Field) -> bool {
        self.rewrites.iter().any(|(f, _)| *f == field)
    }

    /// The changes of a field, in order; more than one only where no single change says the same.
    fn changes_of(&self, field: Field) -> SmallVec<[&Rewrite; 2]> {
        self.rewrites.iter().filter(|(f, _)| *f == field).map(|(_, r)| r).collect()
    }

    /// The environment of a walk that begins inside a stage: fields are what its rules see.
    pub fn inside_a_stage() -> Env {
        Env { one_hop_on: true, ..Env::default() }
    }

    /// This environment after routing sent the packets on.
    pub fn routed(&self) -> Env {
        Env { one_hop_on: true, ..self.with_rewrite(Field::Ttl, &ROUTED_TTL) }
    }

    /// This environment after the packets were exempted from conntrack.
    pub fn untracked(&self) -> Env {
        Env { untracked: true, ..self.clone() }
    }

    /// This environment after a field was rewritten.
    pub fn with_rewrite(&self, field: Field, rewrite: &Rewrite) -> Env {
        let mut out = self.clone();
        if let (Field::Mark | Field::ConnMark, Some(value)) = (field, only_value(rewrite)) {
            return out.with_mark(field, 0, 0, value);
        }
        let mut changes: SmallVec<[Rewrite; 2]> = self.changes_of(field).into_iter().cloned().collect();
        let combined = match (changes.last(), rewrite) {
            (_, Rewrite::To(_)) | (None, _) => {
                changes.clear();
                rewrite.clone()
            }
            (Some(Rewrite::Add(a)), Rewrite::Add(b)) if a.signum() * b.signum() < 0 => {
                // Up and down again is not the sum where the one end is reached in between.
                changes.push(rewrite.clone());
                rewrite.clone()
            }
            (Some(Rewrite::To(old)), change) => Rewrite::To(image(old, change)),
            (Some(Rewrite::Add(a)), Rewrite::Add(b)) => Rewrite::Add(a.saturating_add(*b)),
            (Some(Rewrite::Masked { keep: k, xor: x }), Rewrite::Masked { keep, xor }) => {
                Rewrite::Masked { keep: k & keep, xor: (x & keep) ^ xor }
            }
            (Some(Rewrite::Prefix { base: b, host: h }), Rewrite::Prefix { base, host }) => {
                Rewrite::Prefix { base: base | (b & host), host: h & host }
            }
            // No dialect combines different kinds on one field; the full range claims nothing.
            (Some(_), _) => Rewrite::To(Ranges::range(0, u128::MAX)),
        };
        changes.pop();
        changes.push(combined);
        out.rewrites.retain(|(f, _)| *f != field);
        out.rewrites.extend(changes.into_iter().map(|change| (field, change)));
        out.rewrites.sort_by_key(|(f, _)| *f);
        out
    }

    /// This environment after a mark was changed.
    pub fn with_mark(&self, field: Field, keep: u32, take: u32, xor: u32) -> Env {
        let (own, other) = if field == Field::Mark { (self.mark, self.connmark) } else { (self.connmark, self.mark) };
        let new = MarkBits {
            mark: (own.mark & keep) ^ (other.mark & take),
            connmark: (own.connmark & keep) ^ (other.connmark & take),
            flip: (own.flip & keep) ^ (other.flip & take) ^ xor,
        };
        let mut out = self.clone();
        *(if field == Field::Mark { &mut out.mark } else { &mut out.connmark }) = new;
        if keep == 0 && take == 0 {
            out.rewrites.retain(|(f, _)| *f != field);
        }
        out
    }

    /// This environment after the packet's connection was translated; `recorded` says whether it is the packet
    /// that sets up the connection.
    pub fn with_translation(&self, t: &Translation, recorded: Recorded) -> Env {
        let mut out = self.clone();
        for (field, rewrite) in
            [(Field::Src, &t.src), (Field::Dst, &t.dst), (Field::Sport, &t.sport), (Field::Dport, &t.dport)]
        {
            if let Some(rewrite) = rewrite {
                out = out.with_rewrite(field, rewrite);
            }
        }
        if recorded == Recorded::Yes {
            let mut merged = self.translation.as_deref().cloned().unwrap_or_default();
            merge_translation(&mut merged, t);
            out.translation = Some(Rc::new(merged));
        }
        out
    }
}

/// Whether a translation is part of the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The packet sets up the connection.
    Yes,
    /// It follows a connection that was translated before.
    No,
}

/// The value that a mark certainly has afterwards.
fn only_value(rewrite: &Rewrite) -> Option<u32> {
    match rewrite {
        Rewrite::To(to) => match to.as_slice() {
            [(lo, hi)] if lo == hi => u32::try_from(*lo).ok(),
            _ => None,
        },
        _ => None,
    }
}

/// All values that a change can give to one of `old`; only small domains reach this.
pub(super) fn image(old: &Ranges, change: &Rewrite) -> Ranges {
    let small = old.len() <= 256;
    let apply = |v: u128| match change {
        Rewrite::Add(by) => (v as i128 + i128::from(*by)).clamp(0, 255) as u128,
        Rewrite::Prefix { base, host } => base | (v & host),
        Rewrite::Masked { keep, xor } => (v & keep) ^ xor,
        Rewrite::To(_) => v,
    };
    match (small, change) {
        (_, Rewrite::To(to)) => to.clone(),
        (true, _) => Ranges::from_values(old.as_slice().iter().flat_map(|&(lo, hi)| lo..=hi).map(apply)),
        (false, Rewrite::Prefix { base, host }) => Ranges::range(*base, base | host),
        (false, _) => Ranges::range(0, 255),
    }
}

/// A test is read here: in this cell, at this stage, after these changes.
pub struct Reader<'a> {
    /// The space.
    pub space: &'a Space,
    /// Whose rules are read.
    pub side: Side,
    /// Whether fragments are put together before any chain.
    pub reassembles: bool,
    /// The stage whose rules are read.
    pub stage: &'a Stage,
    /// What has changed.
    pub env: &'a Env,
    /// The packets.
    pub cell: &'a Cell,
}

impl Reader<'_> {
    /// Reads a test.
    pub fn answer(&self, test: &Test) -> Answer {
        match test {
            Test::Yes => Answer::Yes,
            Test::No => Answer::No,
            Test::In(field, values) => self.field(*field, values),
            Test::Cond(cond) => self.cond(*cond),
            Test::Translated(side) => self.translated(*side),
            Test::Lookup(tuples) => self.lookup(tuples),
            Test::All(all) => self.all(all.iter()),
            Test::Any(any) => {
                let mut first = None;
                for one in any {
                    match self.answer(one) {
                        Answer::Yes => return Answer::Yes,
                        Answer::No => {}
                        Answer::Cut(cut) => first = first.or(Some(cut)),
                    }
                }
                first.map_or(Answer::No, Answer::Cut)
            }
            Test::Not(inner) => match self.answer(inner) {
                Answer::Yes => Answer::No,
                Answer::No => Answer::Yes,
                cut => cut,
            },
        }
    }

    /// Undecided fields that stand side by side are cut out together.
    fn all<'t>(&self, tests: impl Iterator<Item = &'t Test>) -> Answer {
        let mut first = None;
        let mut sides: Vec<(Field, Values)> = Vec::new();
        for one in tests {
            match self.answer(one) {
                Answer::No => return Answer::No,
                Answer::Yes => {}
                Answer::Cut(Cut::Field(field, values)) if matches!(one, Test::In(..)) => sides.push((field, values)),
                Answer::Cut(cut) => first = first.or(Some(cut)),
            }
        }
        match (sides.len(), first) {
            (0, None) => Answer::Yes,
            (0, Some(cut)) => Answer::Cut(cut),
            (1, _) => sides.pop().map_or(Answer::Yes, |(field, values)| Answer::Cut(Cut::Field(field, values))),
            _ => Answer::Cut(Cut::Box(sides)),
        }
    }

    /// The first entry that matches decides.
    fn lookup(&self, tuples: &Tuples) -> Answer {
        let near = tuples.candidates(self.cell, |field| self.env.rewrites(field));
        match near {
            None => self.first_of(tuples.entries().iter()),
            Some(near) => self.first_of(near.iter().filter_map(|at| tuples.entries().get(*at as usize))),
        }
    }

    fn first_of<'t>(&self, entries: impl Iterator<Item = &'t Tuple>) -> Answer {
        for (fields, member) in entries {
            let mut first = None;
            let mut misses = false;
            for (field, values) in fields {
                match self.field(*field, values) {
                    Answer::No => {
                        misses = true;
                        break;
                    }
                    Answer::Yes => {}
                    Answer::Cut(cut) => first = first.or(Some(cut)),
                }
            }
            match (misses, first) {
                (true, _) => {}
                (false, Some(cut)) => return Answer::Cut(cut),
                (false, None) => return if *member { Answer::Yes } else { Answer::No },
            }
        }
        Answer::No
    }

    /// An opaque condition.
    pub fn cond(&self, cond: Cond) -> Answer {
        match self.cell.cond(cond) {
            Some(true) => Answer::Yes,
            Some(false) => Answer::No,
            None => Answer::Cut(Cut::Cond(cond)),
        }
    }

    /// Whether the cell's packets have one of these states where the rule stands.
    pub fn state_in(&self, states: &Ranges) -> Answer {
        let fixed = if self.env.untracked {
            Some(State::Untracked)
        } else if self.stage.view.before_conntrack {
            Some(State::Invalid)
        } else {
            None
        };
        match fixed {
            Some(state) if states.contains(state.value()) => Answer::Yes,
            Some(_) => Answer::No,
            None => self.arrival(Field::State, &Values::Ranges(states.clone())),
        }
    }

    /// Whether the cell's packets had one of these values on arrival.
    pub fn arrival(&self, field: Field, values: &Values) -> Answer {
        match self.cell.relation(field, values, self.space.family) {
            Relation::Covered => Answer::Yes,
            Relation::Missed => Answer::No,
            Relation::Cut => Answer::Cut(Cut::Field(field, values.clone())),
        }
    }

    fn field(&self, field: Field, values: &Values) -> Answer {
        match (field, values) {
            (Field::State, Values::Ranges(states)) => self.state_in(states),
            (Field::Iif, _) if !self.stage.view.sees_in => constant(values, InterfaceClasses::NONE),
            (Field::Oif, _) if !self.stage.view.sees_out => constant(values, InterfaceClasses::NONE),
            (Field::Fragment, _) if self.reassembles => constant(values, 0),
            (Field::Mark | Field::ConnMark, _) if self.env.rewrites(field) => {
                match self.env.changes_of(field).as_slice() {
                    [Rewrite::To(to)] => self.one_of(field, values, to),
                    _ => self.arrival(field, values),
                }
            }
            (Field::Mark, Values::Cube(cube)) => self.mark(self.env.mark, *cube),
            (Field::ConnMark, Values::Cube(cube)) => self.mark(self.env.connmark, *cube),
            _ => self.rewritten(field, values, &self.env.changes_of(plain(field))),
        }
    }

    fn rewritten(&self, field: Field, values: &Values, changes: &[&Rewrite]) -> Answer {
        let Some(last) = changes.last() else { return self.arrival(field, values) };
        match (*last, values) {
            (Rewrite::To(to), _) => self.one_of(field, values, to),
            (_, Values::Ranges(asked)) if field.max(self.space.family) <= 255 => {
                let max = field.max(self.space.family);
                let becomes = |v: u128| changes.iter().fold(Ranges::one(v), |at, change| image(&at, change));
                let sources = (0..=max).filter(|v| becomes(*v).is_subset(asked));
                self.arrival(field, &Values::Ranges(Ranges::from_values(sources)))
            }
            (change, Values::Flags(asked)) => {
                let lands = |v: u8| {
                    image(&Ranges::one(u128::from(v)), change).first().is_some_and(|to| asked.contains(to as u8))
                };
                self.arrival(field, &Values::Flags(ByteSet::from_fn(lands)))
            }
            (Rewrite::Prefix { base, host }, Values::Ranges(asked)) => self.renumbered(field, asked, *base, *host),
            (Rewrite::Prefix { base, host }, Values::Cube(cube)) => {
                // Bits outside the host part are the new network's, the others those of the arrival address.
                if (base ^ cube.value) & cube.mask & !host != 0 {
                    return Answer::No;
                }
                self.arrival(field, &Values::Cube(Cube::new(cube.value & host, cube.mask & host)))
            }
            (change, _) => {
                let possible = image(&Ranges::range(0, field.max(self.space.family)), change);
                self.one_of(field, values, &possible)
            }
        }
    }

    /// The field has one of `to`, nobody knows which.
    fn one_of(&self, field: Field, values: &Values, to: &Ranges) -> Answer {
        if let [(lo, hi)] = to.as_slice()
            && lo == hi
        {
            return constant(values, *lo);
        }
        if let Some(asked) = values.as_ranges() {
            if to.is_subset(asked) {
                return Answer::Yes;
            }
            if !to.meets(asked) {
                return Answer::No;
            }
        }
        let opaque = translated_condition(field, to, values, self.space.family);
        self.cond(self.space.cond(self.side, Place::NoChain, &opaque))
    }

    /// The address field is `base | (old & host)`: the asked values become values of the old host bits.
    fn renumbered(&self, field: Field, asked: &Ranges, base: u128, host: u128) -> Answer {
        let inside = asked.intersect(&Ranges::range(base, base | host));
        if inside.is_empty() {
            return Answer::No;
        }
        if inside == Ranges::range(base, base | host) {
            return Answer::Yes;
        }
        let max = self.space.family.max_address();
        let first = self.cell.address_from(field, 0, self.space.family).unwrap_or(0);
        let network = first & !host & max;
        let own = Values::Ranges(Ranges::range(network, network | host));
        if self.arrival(field, &own) == Answer::Yes {
            let shifted = inside.as_slice().iter().map(|&(lo, hi)| (network | (lo & host), network | (hi & host)));
            return self.arrival(field, &Values::Ranges(shifted.collect()));
        }
        // Addresses of many networks: what counts are the host bits, block by aligned block.
        let bits = if field == Field::Src { Field::SrcBits } else { Field::DstBits };
        let mut first_cut = None;
        for &(lo, hi) in inside.as_slice() {
            for (at, size) in aligned_blocks(lo & host, hi & host) {
                match self.arrival(bits, &Values::Cube(Cube::new(at, host & !(size - 1)))) {
                    Answer::Yes => return Answer::Yes,
                    Answer::No => {}
                    Answer::Cut(cut) => first_cut = first_cut.or(Some(cut)),
                }
            }
        }
        first_cut.map_or(Answer::No, Answer::Cut)
    }

    fn mark(&self, bits: MarkBits, asked: Cube) -> Answer {
        let mask = asked.mask as u32;
        let wanted = asked.value as u32 ^ (bits.flip & mask);
        let constant = mask & !bits.mark & !bits.connmark;
        if wanted & constant != 0 {
            return Answer::No;
        }
        let both = mask & bits.mark & bits.connmark;
        if both != 0 {
            // An exclusive or of two arrival bits: settle the mark's bit first.
            let bit = both & both.wrapping_neg();
            for value in [0, bit] {
                let cube = Values::Cube(Cube::new(u128::from(value), u128::from(bit)));
                match self.arrival(Field::Mark, &cube) {
                    Answer::Yes => {
                        let settled = MarkBits { mark: bits.mask_without(bit), flip: bits.flip ^ value, ..bits };
                        return self.mark(settled, asked);
                    }
                    Answer::Cut(cut) => return Answer::Cut(cut),
                    Answer::No => {}
                }
            }
        }
        let part = |select: u32| Cube::new(u128::from(wanted & select), u128::from(mask & select));
        let by_mark = match part(bits.mark) {
            cube if cube.mask == 0 => Answer::Yes,
            cube => self.arrival(Field::Mark, &Values::Cube(cube)),
        };
        let by_connmark = match part(bits.connmark) {
            cube if cube.mask == 0 => Answer::Yes,
            cube => self.arrival_connmark(cube),
        };
        match (by_mark, by_connmark) {
            (Answer::No, _) | (_, Answer::No) => Answer::No,
            (Answer::Yes, other) => other,
            (cut, _) => cut,
        }
    }

    /// The connection mark on arrival is 0 for packets that set up a connection.
    fn arrival_connmark(&self, cube: Cube) -> Answer {
        let new = Values::Ranges(Ranges::one(State::New.value()));
        match self.arrival(Field::State, &new) {
            Answer::Yes if cube.contains(0) => Answer::Yes,
            Answer::Yes => Answer::No,
            Answer::No => self.arrival(Field::ConnMark, &Values::Cube(cube)),
            cut => cut,
        }
    }

    fn translated(&self, side: TranslatedSide) -> Answer {
        let new = self.state_in(&Ranges::one(State::New.value()));
        if new == Answer::Yes {
            return self.env.translation.as_deref().map_or(Answer::No, |t| self.changes(t, side));
        }
        if let Answer::Cut(cut) = new {
            return Answer::Cut(cut);
        }
        match self.state_in(&Ranges::range(State::Established.value(), State::Related.value())) {
            Answer::Yes => self.cond(self.space.cond(self.side, Place::NoChain, &translated_connection(side))),
            other => other,
        }
    }
}

impl Reader<'_> {
    /// Whether a translation gives an end of the cell's packets another address or port than they arrived with.
    fn changes(&self, translation: &Translation, side: TranslatedSide) -> Answer {
        let mut open = translation.leaves_open(side);
        let mut cut = None;
        for (field, rewrite) in translation.parts(side) {
            let (to, only) = match rewrite {
                Rewrite::To(to) => (to.clone(), to.len() == 1),
                Rewrite::Prefix { base, host } if host & host.wrapping_add(1) == 0 => {
                    (Ranges::range(base & !host, base | host), true)
                }
                _ => (Ranges::range(0, u128::MAX), false),
            };
            match self.arrival(field, &Values::Ranges(to)) {
                Answer::No => return Answer::Yes,
                Answer::Yes => open |= !only,
                Answer::Cut(found) => cut = cut.or(Some(found)),
            }
        }
        match cut {
            Some(cut) => Answer::Cut(cut),
            None if open => self.cond(self.space.cond(self.side, Place::NoChain, &translated_connection(side))),
            None => Answer::No,
        }
    }
}

impl MarkBits {
    fn mask_without(self, bit: u32) -> u32 {
        self.mark & !bit
    }
}

/// The aligned blocks, as start and power-of-two size, that make up `lo..=hi`.
fn aligned_blocks(lo: u128, hi: u128) -> Vec<(u128, u128)> {
    let mut out = Vec::new();
    let mut at = lo;
    loop {
        let room = hi - at;
        let mut size: u128 = 1;
        while size.leading_zeros() > 0 && at & (2 * size - 1) == 0 && 2 * size - 1 <= room {
            size *= 2;
        }
        out.push((at, size));
        match at.checked_add(size) {
            Some(next) if next <= hi => at = next,
            _ => return out,
        }
    }
}

fn plain(field: Field) -> Field {
    match field {
        Field::SrcBits => Field::Src,
        Field::DstBits => Field::Dst,
        other => other,
    }
}

fn constant(values: &Values, value: u128) -> Answer {
    if values.contains(value) { Answer::Yes } else { Answer::No }
}
