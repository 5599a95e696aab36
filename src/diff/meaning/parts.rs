//! The function of a diagram as disjoint cells again: the same for every way in which the effect was cut, so that words can be
//! made of them.

use super::Function;
use super::diagram::{Diagram, Node, NodeId, Piece, UNCHANGED};
use super::level::{Level, Subject};
use crate::packet::{ByteSet, Cell, Cond, Cube, Field, IfacePattern, InterfaceClasses, Ranges, Values};

/// Most cells that are made of a diagram.
const MAX_PARTS: usize = 10_000;

/// Cells with their ends by index; `None` where they would be too many. Conditions are numbered by their place among the
/// levels' conditions.
pub(super) fn parts(
    function: &Function<'_>,
    levels: &[Level],
    diagram: &Diagram,
    root: NodeId,
) -> Option<Vec<(Cell, u32)>> {
    let fields = levels.iter().filter(|l| matches!(l.subject, Subject::Field(_))).count();
    let mut cutting = Cutting { function, levels, diagram, fields, out: Vec::new() };
    let start = function.space.possible();
    cutting.cut(root, start).then_some(cutting.out)
}

struct Cutting<'a> {
    function: &'a Function<'a>,
    levels: &'a [Level],
    diagram: &'a Diagram,
    /// How many levels decide fields; conditions follow.
    fields: usize,
    out: Vec<(Cell, u32)>,
}

impl Cutting<'_> {
    /// Adds the cells of a node. False where there are too many.
    fn cut(&mut self, id: NodeId, cell: Cell) -> bool {
        match self.diagram.nodes.get(id as usize) {
            None | Some(Node::Unchanged) => true,
            Some(Node::Ends(ends)) => {
                self.out.extend(ends.first().map(|end| (cell, *end)));
                self.out.len() <= MAX_PARTS
            }
            Some(Node::Values { level, pieces }) => {
                let (level, pieces) = (*level, pieces.clone());
                by_child(&pieces).into_iter().all(|(child, ranges)| {
                    self.with_values(level, &cell, &ranges).into_iter().all(|part| self.cut(child, part))
                })
            }
            Some(Node::Bit { level, bit, children }) => {
                let (level, bit, children) = (*level, *bit, *children);
                [0u128, 1].into_iter().zip(children).all(|(value, child)| {
                    let part = self.with_bit(level, &cell, Cube::new(value << bit, 1 << bit));
                    child == UNCHANGED || self.cut(child, part)
                })
            }
            Some(Node::Interfaces { level, none, other, exceptions }) => {
                let pieces = self.classes(*level, *none, *other, exceptions);
                let level = *level;
                by_child(&pieces).into_iter().all(|(child, ranges)| {
                    self.with_values(level, &cell, &ranges).into_iter().all(|part| self.cut(child, part))
                })
            }
        }
    }

    fn with_values(&self, level: u16, cell: &Cell, ranges: &Ranges) -> Vec<Cell> {
        let field = match self.levels.get(usize::from(level)).map(|l| &l.subject) {
            Some(Subject::Field(field)) => *field,
            Some(Subject::Condition(_)) => {
                let cond = Cond((usize::from(level) - self.fields) as u32);
                return vec![cell.with_cond(cond, ranges.contains(1))];
            }
            None => return vec![cell.clone()],
        };
        match field {
            Field::TcpFlags => {
                vec![cell.with(field, Values::Flags(ByteSet::from_fn(|v| ranges.contains(u128::from(v)))))]
            }
            Field::Mark | Field::ConnMark => {
                cubes(ranges).into_iter().map(|cube| cell.with(field, Values::Cube(cube))).collect()
            }
            _ => vec![cell.with(field, Values::Ranges(ranges.clone()))],
        }
    }

    fn with_bit(&self, level: u16, cell: &Cell, bit: Cube) -> Cell {
        let field = match self.levels.get(usize::from(level)).map(|l| &l.subject) {
            Some(Subject::Field(Field::Src)) => Field::SrcBits,
            Some(Subject::Field(Field::Dst)) => Field::DstBits,
            Some(Subject::Field(field)) => *field,
            _ => return cell.clone(),
        };
        let known = match cell.get(field) {
            Some(Values::Cube(known)) => known.intersect(bit).unwrap_or(bit),
            _ => bit,
        };
        cell.with(field, Values::Cube(known))
    }

    /// The children of the space's interface classes.
    fn classes(
        &self,
        level: u16,
        none: Option<NodeId>,
        other: NodeId,
        exceptions: &[(IfacePattern, NodeId)],
    ) -> Vec<Piece> {
        let classes = &self.function.space.interfaces;
        let domain = self.levels.get(usize::from(level)).map_or((0, 0), |l| l.domain);
        let child = |class: u128| match (class, classes.pattern(class)) {
            (InterfaceClasses::NONE, _) => none.unwrap_or(UNCHANGED),
            (_, None) => other,
            (_, Some(pattern)) => {
                let exact = exceptions.iter().find(|(own, _)| *own == pattern);
                let around = exceptions.iter().filter(|(own, _)| own.prefix && pattern.name.starts_with(&own.name));
                exact.or_else(|| around.max_by_key(|(own, _)| own.name.len())).map_or(other, |(_, child)| *child)
            }
        };
        (domain.0..=domain.1).map(|class| (class, class, child(class))).collect()
    }
}

/// The values of each child, in the order of the first value.
fn by_child(pieces: &[Piece]) -> Vec<(NodeId, Ranges)> {
    let mut out: Vec<(NodeId, Vec<(u128, u128)>)> = Vec::new();
    for (lo, hi, child) in pieces.iter().filter(|p| p.2 != UNCHANGED) {
        match out.iter_mut().find(|(known, _)| known == child) {
            Some((_, values)) => values.push((*lo, *hi)),
            None => out.push((*child, vec![(*lo, *hi)])),
        }
    }
    out.into_iter().map(|(child, values)| (child, Ranges::from_unsorted(values))).collect()
}

/// Values of 32 bits as masked values: the fewest aligned blocks.
fn cubes(ranges: &Ranges) -> Vec<Cube> {
    let mut out = Vec::new();
    for &(lo, hi) in ranges.as_slice() {
        let mut at = lo;
        while at <= hi {
            let mut size = if at == 0 { 1u128 << 32 } else { at & at.wrapping_neg() };
            while at + size - 1 > hi {
                size >>= 1;
            }
            out.push(Cube::new(at, u128::from(u32::MAX) & !(size - 1)));
            at += size;
        }
    }
    out
}
