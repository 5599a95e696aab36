//! Which rules of a chain packets can reach and be touched by.

use crate::ruleset::hull::Hull;
use crate::ruleset::nearby::Near;
use crate::ruleset::program::{Block, Ends, Line};
use smallvec::SmallVec;

/// A list of rules that is long enough to ask an index about.
const LONG: usize = 1024;

impl Block {
    /// The rules that packets within `seen` can reach and be touched by, and whether the last one stops them all.
    pub(super) fn reachable(&self, seen: &Hull) -> (SmallVec<[u32; 64]>, bool) {
        match self.near(seen) {
            Some(near) => reachable(&self.lines, near.into_iter(), seen, None),
            None => reachable(&self.lines, 0..self.lines.len() as u32, seen, None),
        }
    }

    /// Those of a long list of rules that packets within `seen` can meet; `None` where all have to be looked at.
    pub(super) fn near_among(&self, rules: &[u32], seen: &Hull) -> Option<Near> {
        let mut near = Some(()).filter(|()| rules.len() >= LONG).and_then(|()| self.near(seen))?;
        near.retain(|rule| rules.binary_search(rule).is_ok());
        Some(near)
    }
}

/// The rules that packets within `seen` can reach and be touched by, and whether the last one stops them all.
/// Behind a rule that changes what rules see, every rule stays.
/// `sure` is the rule being taken: it stays whatever its hull says.
pub(super) fn reachable(
    lines: &[Line],
    rules: impl Iterator<Item = u32>,
    seen: &Hull,
    sure: Option<u32>,
) -> (SmallVec<[u32; 64]>, bool) {
    let mut kept = SmallVec::new();
    let (mut leaves, mut shifted) = (false, false);
    for index in rules {
        let line = &lines[index as usize];
        if shifted {
            kept.push(index);
            continue;
        }
        if !line.hull.meets(seen) && Some(index) != sure {
            continue;
        }
        kept.push(index);
        leaves |= line.leaves;
        shifted |= line.shifts;
        if !shifted && line.exact && line.ends != Ends::Nothing && Some(index) != sure && line.hull.covers(seen) {
            return (kept, line.ends == Ends::Walk && !leaves);
        }
    }
    (kept, false)
}
