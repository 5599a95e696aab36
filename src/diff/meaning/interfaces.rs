//! Interfaces: names that make no difference leave no trace.

use super::diagram::{Diagram, Node, NodeId, Piece, UNCHANGED};
use crate::packet::{IfacePattern, InterfaceClasses};

/// The node of an interface level whose classes have these children, in the fewest exceptions.
///
/// An exception is left out where its child is that of the longest other pattern that fits it, or of `other` where none
/// does. Leaving one out changes no name's child, so the order does not matter and what is left depends on the function only.
pub(super) fn node(
    diagram: &mut Diagram,
    level: u16,
    domain: (u128, u128),
    pieces: &[Piece],
    classes: &InterfaceClasses,
) -> NodeId {
    let child = |class: u128| {
        let at = pieces.partition_point(|p| p.1 < class);
        pieces.get(at).filter(|p| p.0 <= class).map_or(UNCHANGED, |p| p.2)
    };
    let has_none = domain.0 == InterfaceClasses::NONE;
    if domain.1 == InterfaceClasses::NONE {
        return child(InterfaceClasses::NONE);
    }
    let other = child(InterfaceClasses::OTHER);
    let mut named: Vec<(IfacePattern, NodeId)> =
        (2..=domain.1).filter_map(|n| classes.pattern(n).map(|pattern| (pattern, child(n)))).collect();
    // A prefix comes before everything that it fits, the exact name of the same letters included.
    named.sort_by(|(a, _), (b, _)| (&a.name, !a.prefix).cmp(&(&b.name, !b.prefix)));
    let exceptions = needed(named, other);
    let none = has_none.then(|| child(InterfaceClasses::NONE));
    if exceptions.is_empty() && none.is_none_or(|n| n == other) {
        return other;
    }
    diagram.add(Node::Interfaces { level, none, other, exceptions })
}

fn needed(named: Vec<(IfacePattern, NodeId)>, other: NodeId) -> Vec<(IfacePattern, NodeId)> {
    let mut around: Vec<(String, NodeId)> = Vec::new();
    let mut out = Vec::new();
    for (pattern, child) in named {
        while around.last().is_some_and(|(prefix, _)| !pattern.name.starts_with(prefix.as_str())) {
            around.pop();
        }
        let outer = around.last().map_or(other, |(_, child)| *child);
        if pattern.prefix {
            around.push((pattern.name.clone(), child));
        }
        if child != outer {
            out.push((pattern, child));
        }
    }
    out
}
