//! A diagram as lines, children before parents.

use super::Function;
use super::diagram::{Diagram, Node, NodeId, UNCHANGED};
use super::level::{Level, Subject, value_text};
use super::outcome::quoted;
use std::collections::HashMap;
use std::fmt::Write;

/// The lines of the nodes below a root; none where nothing changes.
pub(super) fn lines(function: &Function<'_>, levels: &[Level], diagram: &Diagram, root: NodeId) -> String {
    let mut writer = Writer { function, levels, diagram, numbers: HashMap::new(), out: String::new() };
    writer.write(root);
    writer.out
}

struct Writer<'a> {
    function: &'a Function<'a>,
    levels: &'a [Level],
    diagram: &'a Diagram,
    numbers: HashMap<NodeId, usize>,
    out: String,
}

impl Writer<'_> {
    /// Writes everything below a root, each node once: a node follows its children, which come in the order of its line.
    fn write(&mut self, root: NodeId) {
        let mut open = vec![(root, false)];
        while let Some((id, are_children_written)) = open.pop() {
            if id == UNCHANGED || self.numbers.contains_key(&id) {
                continue;
            }
            if are_children_written {
                self.line(id);
                continue;
            }
            open.push((id, true));
            open.extend(children(self.node(id)).into_iter().rev().map(|child| (child, false)));
        }
    }

    fn node(&self, id: NodeId) -> &Node {
        self.diagram.nodes.get(id as usize).unwrap_or(&Node::Unchanged)
    }

    fn line(&mut self, id: NodeId) {
        let number = self.numbers.len();
        let text = self.text(self.node(id));
        self.numbers.insert(id, number);
        let _ = writeln!(self.out, "{number} {text}");
    }

    fn text(&self, node: &Node) -> String {
        match node {
            Node::Unchanged => String::new(),
            Node::Ends(ends) => {
                let texts: Vec<&str> =
                    ends.iter().filter_map(|e| self.function.ends.get(*e as usize)).map(String::as_str).collect();
                format!("end {}", texts.join(" or "))
            }
            Node::Values { level, pieces } => {
                let mut out = self.subject(*level);
                for (lo, hi, child) in pieces {
                    let (first, last) = (self.value(*level, *lo), self.value(*level, *hi));
                    let range = if lo == hi { first } else { format!("{first}-{last}") };
                    let _ = write!(out, " {range}>{}", self.child(*child));
                }
                out
            }
            Node::Bit { level, bit, children: [zero, one] } => {
                let subject = self.subject(*level);
                format!("{subject} bit {bit} 0>{} 1>{}", self.child(*zero), self.child(*one))
            }
            Node::Interfaces { level, none, other, exceptions } => {
                let mut out = self.subject(*level);
                let _ = none.map(|child| write!(out, " none>{}", self.child(child)));
                let _ = write!(out, " *>{}", self.child(*other));
                for (pattern, child) in exceptions {
                    let sign = if pattern.prefix { "+" } else { "" };
                    let _ = write!(out, " {}{sign}>{}", quoted(&pattern.name), self.child(*child));
                }
                out
            }
        }
    }

    fn child(&self, id: NodeId) -> String {
        self.numbers.get(&id).map_or_else(|| "-".to_owned(), usize::to_string)
    }

    fn subject(&self, level: u16) -> String {
        match self.levels.get(usize::from(level)).map(|l| &l.subject) {
            Some(Subject::Field(field)) => field.name().to_owned(),
            Some(Subject::Condition(named)) => match named.occurrence {
                Some(number) => format!("condition {} of rule {number}", quoted(&named.name)),
                None => format!("condition {}", quoted(&named.name)),
            },
            None => String::new(),
        }
    }

    fn value(&self, level: u16, value: u128) -> String {
        match self.levels.get(usize::from(level)).map(|l| &l.subject) {
            Some(Subject::Field(field)) => value_text(*field, self.function.space.family, value),
            _ => value.to_string(),
        }
    }
}

/// The children of a node, in the order of its line.
fn children(node: &Node) -> Vec<NodeId> {
    match node {
        Node::Unchanged | Node::Ends(_) => Vec::new(),
        Node::Values { pieces, .. } => pieces.iter().map(|p| p.2).collect(),
        Node::Bit { children, .. } => children.to_vec(),
        Node::Interfaces { none, other, exceptions, .. } => {
            none.iter().chain([other]).copied().chain(exceptions.iter().map(|e| e.1)).collect()
        }
    }
}
