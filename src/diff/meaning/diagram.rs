//! Diagrams with equal nodes shared: two functions of the same levels are equal if and only if they have the same node.

use crate::packet::IfacePattern;
use rustc_hash::FxHashMap;

/// The number of a node.
pub(super) type NodeId = u32;

/// The node of packets that stay as they were.
pub(super) const UNCHANGED: NodeId = 0;

/// A piece of a field's domain with one child: first value, last value.
pub(super) type Piece = (u128, u128, NodeId);

/// A node. None has only one child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// The packets stay as they were.
    Unchanged,
    /// They end in these ways, by index, ascending; more than one only where conditions were left out.
    Ends(Vec<u32>),
    /// Maximal pieces, ascending; what lies in none is unchanged.
    Values { level: u16, pieces: Vec<Piece> },
    /// One bit of the value: where pieces would be too many.
    Bit { level: u16, bit: u32, children: [NodeId; 2] },
    /// Interfaces: the child of `none` where that is possible, of every name that no exception names, and the exceptions;
    /// the longest one that fits a name counts.
    Interfaces { level: u16, none: Option<NodeId>, other: NodeId, exceptions: Vec<(IfacePattern, NodeId)> },
}

/// Nodes, each once.
pub(super) struct Diagram {
    pub nodes: Vec<Node>,
    known: FxHashMap<Node, NodeId>,
}

impl Diagram {
    /// Only the unchanged node.
    pub fn new() -> Diagram {
        Diagram { nodes: vec![Node::Unchanged], known: FxHashMap::from_iter([(Node::Unchanged, UNCHANGED)]) }
    }

    /// The number of a node.
    pub fn add(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.known.get(&node) {
            return *id;
        }
        let id = self.nodes.len() as NodeId;
        self.nodes.push(node.clone());
        self.known.insert(node, id);
        id
    }

    /// A node that decides one bit, or the child where the bit decides nothing.
    pub fn bit(&mut self, level: u16, bit: u32, children: [NodeId; 2]) -> NodeId {
        match children {
            [zero, one] if zero == one => zero,
            _ => self.add(Node::Bit { level, bit, children }),
        }
    }
}

/// Adds a piece behind the last one, joined where it is the same; unchanged pieces are left out.
pub(super) fn push_piece(pieces: &mut Vec<Piece>, lo: u128, hi: u128, child: NodeId) {
    match pieces.last_mut() {
        _ if child == UNCHANGED => {}
        Some(last) if last.2 == child && last.1.checked_add(1) == Some(lo) => last.1 = hi,
        _ => pieces.push((lo, hi, child)),
    }
}
