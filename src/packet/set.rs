//! Exact sets of packets: lists of disjoint cells.

use super::{Cell, Family, coalesce, count_flows};
use num_bigint::BigUint;

/// A set of packets of one family. The cells are disjoint; how the set is cut into cells carries no meaning.
#[derive(Clone, Debug)]
pub struct PacketSet {
    /// The family of every packet in it.
    pub family: Family,
    cells: Vec<Cell>,
}

impl PacketSet {
    /// No packet.
    pub fn empty(family: Family) -> PacketSet {
        PacketSet { family, cells: Vec::new() }
    }

    /// Every packet.
    pub fn whole(family: Family) -> PacketSet {
        PacketSet { family, cells: vec![Cell::whole()] }
    }

    /// The packets of any cells, overlapping or not.
    pub fn from_cells(family: Family, cells: impl IntoIterator<Item = Cell>) -> PacketSet {
        let mut out = PacketSet::empty(family);
        for cell in cells {
            out.insert(cell);
        }
        out
    }

    /// The packets of cells that the caller knows to be disjoint.
    pub fn from_disjoint(family: Family, cells: Vec<Cell>) -> PacketSet {
        PacketSet { family, cells }
    }

    /// Adds the packets of a cell.
    pub fn insert(&mut self, cell: Cell) {
        let mut rest = vec![cell];
        for own in &self.cells {
            if rest.is_empty() {
                return;
            }
            rest = rest.iter().flat_map(|r| r.subtract(own, self.family)).collect();
        }
        self.cells.extend(rest);
    }

    /// The disjoint cells.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Whether no packet is in it.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The packets in either set.
    pub fn union(&self, other: &PacketSet) -> PacketSet {
        let mut out = self.clone();
        for cell in &other.cells {
            out.insert(cell.clone());
        }
        out
    }

    /// The packets in both sets.
    pub fn intersect(&self, other: &PacketSet) -> PacketSet {
        let both =
            self.cells.iter().flat_map(|a| other.cells.iter().filter_map(|b| a.intersect(b, self.family))).collect();
        PacketSet { family: self.family, cells: both }
    }

    /// The packets of this set that are not in `other`.
    pub fn subtract(&self, other: &PacketSet) -> PacketSet {
        let mut cells = self.cells.clone();
        for gone in &other.cells {
            if cells.is_empty() {
                break;
            }
            cells = cells.iter().flat_map(|c| c.subtract(gone, self.family)).collect();
        }
        PacketSet { family: self.family, cells }
    }

    /// The packets that are not in this set.
    pub fn complement(&self) -> PacketSet {
        PacketSet::whole(self.family).subtract(self)
    }

    /// Whether every packet of this set is in `other`.
    pub fn is_subset(&self, other: &PacketSet) -> bool {
        self.subtract(other).is_empty()
    }

    /// Whether both hold the same packets, however they are cut.
    pub fn same_packets(&self, other: &PacketSet) -> bool {
        self.is_subset(other) && other.is_subset(self)
    }

    /// How many (source, destination, protocol, layer-4 selector) tuples have some packet in the set.
    pub fn count_flows(&self) -> BigUint {
        count_flows(&self.cells, self.family)
    }

    /// The same packets in fewer cells where neighbours can be joined.
    pub fn coalesced(self) -> PacketSet {
        PacketSet { family: self.family, cells: coalesce(self.cells) }
    }
}
