//! How tests read through what has changed: the answer of a test for all packets of a cell, or where to cut it.

use super::env::{Env, MarkBits, image};
use super::environment::translated_condition;
use super::interpret::Place;
use super::interpret::translated_connection;
use super::lookup::{Tuple, Tuples};
use super::model::*;
use super::program::Stage;
use super::space::{Side, Space};
use super::steps::Test;
use crate::packet::{ByteSet, Cell, Cond, Cube, Field, InterfaceClasses, Ranges, Relation, State, Values};

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
