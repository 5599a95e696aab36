//! Who reaches whom with one service: addresses in classes that behave alike, and what each class may do to each.
//!
//! The walk gives disjoint cells of one fate. Their borders cut the addresses into elementary ranges; ranges with
//! equal rows (as sources) and equal columns (as destinations) of the table of fates are one class, so the classes
//! are the coarsest partition that tells the truth, however the walk cut.

use super::naming::class_names;
use super::reach::{Fate, ReachBounds, fates};
use super::select::{Addresses, InterfaceChoice, Selection};
use super::ways::TooManyConditions;
use crate::packet::{ByteSet, Cell, Family, Field, IfacePattern, IfaceSide, Ranges, Shape, State, TCP_SYN, Values};
use crate::ruleset::{Hook, Identities, Program, Ruleset, Side, Space, Walker};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// A service: a protocol and, where it has ports, the destination ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// As people write it: `tcp/22`.
    pub name: String,
    /// The protocol number.
    pub proto: u8,
    /// The destination ports; `None` is any, and for protocols without ports the only choice.
    pub ports: Option<Ranges>,
}

impl Service {
    /// The packets that set up such a conversation: state new, source port 1024 to 65535, a lone SYN for TCP, no
    /// mark.
    pub fn selection(&self, family: Family) -> Selection {
        let one = |field, value| (field, Values::one(field, value));
        let mut fields = vec![
            one(Field::Proto, u128::from(self.proto)),
            one(Field::State, State::New.value()),
            one(Field::Fragment, 0),
            one(Field::Mark, 0),
        ];
        let shape = Shape::of(family, self.proto);
        if shape.has_ports() {
            fields.push((Field::Sport, Values::Ranges(Ranges::range(1024, 65_535))));
            fields.extend(self.ports.clone().map(|ports| (Field::Dport, Values::Ranges(ports))));
        }
        if self.proto == 6 {
            fields.push((Field::TcpFlags, Values::Flags(ByteSet::from_fn(|v| v == TCP_SYN))));
        }
        Selection { fields, interfaces: Vec::new() }
    }
}

/// What one class may do to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entry {
    /// Every packet passes.
    Accept,
    /// None passes.
    Drop,
    /// It depends on opaque conditions, for every packet.
    Depends,
    /// It depends on something else, such as the interface or the port: some pass and some do not.
    Partly,
}

impl Entry {
    /// `accept`, `drop`, `depends` or `partly`.
    pub fn name(self) -> &'static str {
        match self {
            Entry::Accept => "accept",
            Entry::Drop => "drop",
            Entry::Depends => "depends",
            Entry::Partly => "partly",
        }
    }

    fn of(bits: u8) -> Entry {
        match bits {
            ACCEPTED => Entry::Accept,
            BLOCKED => Entry::Drop,
            DEPENDS => Entry::Depends,
            _ => Entry::Partly,
        }
    }
}

const ACCEPTED: u8 = 1;
const BLOCKED: u8 = 2;
const DEPENDS: u8 = 4;
const MIXED: u8 = ACCEPTED | BLOCKED | DEPENDS;

/// Addresses that behave alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// A short name: a name of the policy, a prefix, or `everything else`. No two classes share one.
    pub name: String,
    /// The addresses.
    pub addresses: Ranges,
}

/// The picture of one service at one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Where packets are judged.
    pub hook: Hook,
    /// Their family.
    pub family: Family,
    /// The service's name.
    pub service: String,
    /// The classes: a partition of all addresses, `everything else` last.
    pub classes: Vec<Class>,
    /// `entries[from][to]`.
    pub entries: Vec<Vec<Entry>>,
}

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// Opaque conditions.
    #[error(transparent)]
    TooManyConditions(#[from] TooManyConditions),
    /// The walk reached its bound of cells.
    #[error("the bound of {0} cells was reached")]
    TooManyCells(u64),
    /// Too many address ranges that are told apart.
    #[error("{0} x {1} address ranges are told apart, too many for a picture")]
    TooManyRanges(usize, usize),
}

/// Most entries of the table before ranges are joined to classes.
const MOST_ENTRIES: usize = 1 << 26;

/// Draws up the picture of one service. `more` restricts the packets further in fields other than addresses, for
/// example to an interface; where it names none, every interface but `lo` is meant;
/// `names` are address sets by which classes are called.
///
/// # Errors
/// Bounds.
pub fn matrix(
    ruleset: &Ruleset,
    hook: Hook,
    family: Family,
    service: &Service,
    more: &Selection,
    names: &BTreeMap<String, Addresses>,
) -> Result<Matrix, MatrixError> {
    let mut selection = service.selection(family);
    selection.fields.extend(more.fields.iter().cloned());
    selection.interfaces = ordinary_interfaces(more);
    let space = Space::new(hook, family, &[ruleset], &selection.patterns(), FxHashMap::default());
    let program = Program::new(ruleset, Side::Old, &space, &mut Identities::default());
    let bounds = ReachBounds::default();
    let (fates, complete) = match selection.cell(&space) {
        Some(cell) => fates(&Walker::new(&space, &program), cell, bounds)?,
        None => (FxHashMap::default(), true),
    };
    if !complete {
        return Err(MatrixError::TooManyCells(bounds.cells));
    }
    let cells: Vec<(&Cell, u8)> =
        fates.iter().flat_map(|(key, cells)| cells.iter().map(|c| (c, bits(&key.fate)))).collect();
    let (addresses, entries) = Table::of(&cells, family)?.classes(family);
    let names = class_names(&addresses, family, names);
    let classes = names.into_iter().zip(addresses).map(|(name, addresses)| Class { name, addresses }).collect();
    Ok(Matrix { hook, family, service: service.name.clone(), classes, entries })
}

/// The choice of interfaces, with every interface but `lo` where a side is not chosen: what the loopback may do
/// says nothing of who reaches whom.
fn ordinary_interfaces(more: &Selection) -> Vec<InterfaceChoice> {
    let mut out = more.interfaces.clone();
    for side in [IfaceSide::In, IfaceSide::Out] {
        if !out.iter().any(|c| c.side == side) {
            out.push(InterfaceChoice { side, patterns: vec![IfacePattern::exact("lo")], excluded: true });
        }
    }
    out
}

fn bits(fate: &Fate) -> u8 {
    match fate {
        Fate::Accepted => ACCEPTED,
        Fate::Dropped | Fate::Rejected(_) => BLOCKED,
        Fate::Depends => DEPENDS,
    }
}

/// What the elementary source ranges do to the elementary destination ranges.
struct Table {
    /// First addresses of the source ranges, ascending from 0.
    sources: Vec<u128>,
    /// First addresses of the destination ranges.
    targets: Vec<u128>,
    /// Row by row.
    bits: Vec<u8>,
}

impl Table {
    fn of(cells: &[(&Cell, u8)], family: Family) -> Result<Table, MatrixError> {
        let sources = borders(cells, Field::Src, family);
        let targets = borders(cells, Field::Dst, family);
        let (rows, columns) = (sources.len(), targets.len());
        if rows.saturating_mul(columns) > MOST_ENTRIES {
            return Err(MatrixError::TooManyRanges(rows, columns));
        }
        let mut table = Table { sources, targets, bits: vec![0; rows * columns] };
        for (cell, bits) in cells {
            table.add(cell, *bits, family);
        }
        // Mixtures of different kinds are one entry, and must not tell classes apart.
        for bits in table.bits.iter_mut().filter(|b| !b.is_power_of_two()) {
            *bits = if *bits == 0 { BLOCKED } else { MIXED };
        }
        Ok(table)
    }

    fn add(&mut self, cell: &Cell, bits: u8, family: Family) {
        let columns = spans(&self.targets, &side(cell, Field::Dst, family));
        for (top, bottom) in spans(&self.sources, &side(cell, Field::Src, family)) {
            for row in top..bottom {
                let at = row * self.targets.len();
                for (left, right) in &columns {
                    self.bits[at + left..at + right].iter_mut().for_each(|b| *b |= bits);
                }
            }
        }
    }

    /// The classes of addresses, and the entries between them.
    fn classes(&self, family: Family) -> (Vec<Ranges>, Vec<Vec<Entry>>) {
        let width = self.targets.len();
        let (row_of, rows) = distinct((0..self.sources.len()).map(|r| self.bits[r * width..(r + 1) * width].to_vec()));
        let column = |c: usize| rows.iter().map(|r| self.bits[r * width + c]).collect::<Vec<u8>>();
        let (column_of, columns) = distinct((0..width).map(column));
        let mut parts: BTreeMap<(usize, usize), Vec<(u128, u128)>> = BTreeMap::new();
        let mut starts: Vec<u128> = self.sources.iter().chain(&self.targets).copied().collect();
        starts.sort_unstable();
        starts.dedup();
        for (at, &lo) in starts.iter().enumerate() {
            let hi = starts.get(at + 1).map_or(family.max_address(), |next| next - 1);
            let index = |list: &[u128]| list.partition_point(|s| *s <= lo) - 1;
            let key = (row_of[index(&self.sources)], column_of[index(&self.targets)]);
            parts.entry(key).or_default().push((lo, hi));
        }
        let mut classes: Vec<((usize, usize), Ranges)> =
            parts.into_iter().map(|(key, ranges)| (key, Ranges::from_unsorted(ranges))).collect();
        // The largest class is everything else and comes last.
        classes.sort_by_cached_key(|(_, r)| (r.len(), r.first()));
        if let Some(rest) = classes.pop() {
            classes.sort_by_cached_key(|(_, r)| r.first());
            classes.push(rest);
        }
        let entry = |r: usize, c: usize| Entry::of(self.bits[rows[r] * width + columns[c]]);
        let row = |from: &(usize, usize)| classes.iter().map(|(to, _)| entry(from.0, to.1)).collect();
        let entries = classes.iter().map(|(from, _)| row(from)).collect();
        (classes.into_iter().map(|(_, r)| r).collect(), entries)
    }
}

/// Numbers equal lists alike; gives each list's number and, by number, the first place of the list.
fn distinct(lists: impl Iterator<Item = Vec<u8>>) -> (Vec<usize>, Vec<usize>) {
    let mut known: FxHashMap<Vec<u8>, usize> = FxHashMap::default();
    let mut firsts = Vec::new();
    let mut numbers = Vec::new();
    for (at, list) in lists.enumerate() {
        let number = *known.entry(list).or_insert_with(|| {
            firsts.push(at);
            firsts.len() - 1
        });
        numbers.push(number);
    }
    (numbers, firsts)
}

/// The addresses of one side of a cell. Masks that are no prefixes are left out: what they tell apart inside the
/// ranges ends as `Partly`.
fn side(cell: &Cell, field: Field, family: Family) -> Ranges {
    cell.get(field).and_then(Values::as_ranges).cloned().unwrap_or_else(|| Ranges::range(0, family.max_address()))
}

/// The first addresses of the ranges that the cells' borders make.
fn borders(cells: &[(&Cell, u8)], field: Field, family: Family) -> Vec<u128> {
    let mut out = vec![0];
    for (cell, _) in cells {
        for &(lo, hi) in side(cell, field, family).as_slice() {
            out.push(lo);
            out.extend((hi < family.max_address()).then(|| hi + 1));
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// The index ranges that an address set covers; its borders are among `starts`.
fn spans(starts: &[u128], set: &Ranges) -> Vec<(usize, usize)> {
    let span = |&(lo, hi): &(u128, u128)| (starts.partition_point(|s| *s < lo), starts.partition_point(|s| *s <= hi));
    set.as_slice().iter().map(span).collect()
}
