//! Cells of flows: the small steps from which conversations and coverage are built.

use super::flow::Flow;
use super::service::Service;
use crate::finding::Direction;
use crate::packet::{Cell, Family, Field, Ranges, Values};

/// Some packets of a flow, as one cell.
///
/// The cell says nothing of interfaces: their classes belong to a device. Those of the request hold for
/// `Direction::Request` and are exchanged for `Direction::Reply`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowCell {
    /// Which half of the conversation the packets belong to.
    pub direction: Direction,
    /// What the packets are, in a word or two: `SYN`, `data`, `request`.
    pub name: &'static str,
    /// The service of the flow that they carry.
    pub service: Service,
    /// The packets.
    pub cell: Cell,
}

/// Addresses of the flow in this direction.
pub(super) fn ends(flow: &Flow, direction: Direction) -> Cell {
    let (src, dst) = match direction {
        Direction::Request => (&flow.src, &flow.dst),
        Direction::Reply => (&flow.dst, &flow.src),
    };
    let cell = restrict(Cell::whole(), Field::Src, src.clone(), flow.family);
    restrict(cell, Field::Dst, dst.clone(), flow.family)
}

/// The cell with a field restricted, unless to everything. A restriction is never empty here: flows have no
/// empty ends, services no empty ports.
pub(super) fn restrict(cell: Cell, field: Field, ranges: Ranges, family: Family) -> Cell {
    put(cell, field, Values::Ranges(ranges), family)
}

pub(super) fn put(cell: Cell, field: Field, values: Values, family: Family) -> Cell {
    if values.is_full(field, family) { cell } else { cell.with(field, values) }
}
