//! Which named ranges reach which with one service, before a change and after it: the reach matrix of both sides, folded
//! to the ranges that people have names for.

use super::matrix::{Entry, Matrix, MatrixError, Service, matrix};
use super::select::Selection;
use crate::packet::{Family, Ranges};
use crate::ruleset::{Hook, Ruleset};
use std::collections::BTreeMap;

/// Addresses that somebody has a name for. Zones may overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The name.
    pub name: String,
    /// The addresses, of one family; not empty.
    pub addresses: Ranges,
}

/// What the zones may do to each other with one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonePicture {
    /// The service's name.
    pub service: String,
    /// `entries[from][to]`, before and after.
    pub entries: Vec<Vec<[Entry; 2]>>,
}

impl ZonePicture {
    /// Whether some entry is another one after the change.
    pub fn is_changed(&self) -> bool {
        self.entries.iter().flatten().any(|[before, after]| before != after)
    }
}

/// Draws up the picture of both sides. A side that is not there accepts everything.
///
/// # Errors
/// Bounds of the reach matrix.
pub fn zone_picture(
    sides: [Option<&Ruleset>; 2],
    hook: Hook,
    family: Family,
    service: &Service,
    zones: &[Zone],
) -> Result<ZonePicture, MatrixError> {
    let [before, after] = sides.map(|side| {
        let drawn = side.map(|r| matrix(r, hook, family, service, &Selection::default(), &BTreeMap::new()));
        drawn.transpose().map(|drawn| folded(drawn.as_ref(), zones))
    });
    let rows = before?.into_iter().zip(after?);
    let entries = rows.map(|(old, new)| old.into_iter().zip(new).map(|(a, b)| [a, b]).collect()).collect();
    Ok(ZonePicture { service: service.name.clone(), entries })
}

fn folded(drawn: Option<&Matrix>, zones: &[Zone]) -> Vec<Vec<Entry>> {
    let Some(drawn) = drawn else { return vec![vec![Entry::Accept; zones.len()]; zones.len()] };
    let met = |zone: &Zone| -> Vec<usize> {
        let classes = drawn.classes.iter().enumerate();
        classes.filter(|(_, class)| class.addresses.meets(&zone.addresses)).map(|(at, _)| at).collect()
    };
    let classes: Vec<Vec<usize>> = zones.iter().map(met).collect();
    let row = |from: &Vec<usize>| classes.iter().map(|to| one(drawn, from, to)).collect();
    classes.iter().map(row).collect()
}

/// The entry of all these classes together: that of each, where they agree.
fn one(drawn: &Matrix, from: &[usize], to: &[usize]) -> Entry {
    let mut entries = from.iter().flat_map(|f| to.iter().map(move |t| drawn.entries[*f][*t]));
    match entries.next() {
        Some(first) if entries.all(|e| e == first) => first,
        _ => Entry::Partly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Class;

    #[test]
    fn zones_are_what_all_their_classes_are() {
        let class = |lo, hi| Class { name: String::new(), addresses: Ranges::range(lo, hi) };
        let drawn = Matrix {
            hook: Hook::Forward,
            family: Family::V4,
            service: "tcp/22".into(),
            classes: vec![class(0, 9), class(10, 19), class(20, u128::from(u32::MAX))],
            entries: vec![
                vec![Entry::Drop, Entry::Accept, Entry::Accept],
                vec![Entry::Drop, Entry::Drop, Entry::Accept],
                vec![Entry::Drop, Entry::Drop, Entry::Drop],
            ],
        };
        let zone = |lo, hi| Zone { name: String::new(), addresses: Ranges::range(lo, hi) };
        let zones = [zone(2, 4), zone(12, 30), zone(5, 12)];
        let found = folded(Some(&drawn), &zones);
        assert_eq!(found[0], [Entry::Drop, Entry::Accept, Entry::Partly]);
        assert_eq!(found[1], [Entry::Drop, Entry::Partly, Entry::Drop]);
        assert_eq!(folded(None, &zones)[2][0], Entry::Accept);
    }
}
