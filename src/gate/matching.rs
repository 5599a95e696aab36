//! Filling the places of a quorum with persons: each person fills one place at most, and only one whose role is theirs.

use crate::policy::Quorum;
use std::collections::{BTreeMap, BTreeSet};

/// One place of a quorum: any one of these roles fills it.
pub type Seat = BTreeSet<String>;

/// The seats of several quorums together: for each role the largest count that one of them asks for, so that a further
/// quorum makes a class stricter without counting the same need twice.
pub fn seats<'a>(quorums: impl IntoIterator<Item = &'a [Quorum]>) -> Vec<Seat> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for quorum in quorums {
        let mut own: BTreeMap<&str, u32> = BTreeMap::new();
        for part in quorum {
            *own.entry(&part.role.value).or_default() += part.count;
        }
        for (role, count) in own {
            let most = counts.entry(role).or_default();
            *most = count.max(*most);
        }
    }
    counts.iter().flat_map(|(role, count)| (0..*count).map(|_| BTreeSet::from([(*role).to_owned()]))).collect()
}

/// Seats that are filled, by seat, each with the person who fills it: as many as can be at once.
pub fn fill(seats: &[Seat], persons: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<usize, String> {
    let mut filled: BTreeMap<usize, String> = BTreeMap::new();
    for person in persons.keys() {
        let mut tried = BTreeSet::new();
        seat(person, seats, persons, &mut filled, &mut tried);
    }
    filled
}

/// Seats a person, moving others where that makes room (an augmenting path).
fn seat(
    person: &str,
    seats: &[Seat],
    persons: &BTreeMap<String, BTreeSet<String>>,
    filled: &mut BTreeMap<usize, String>,
    tried: &mut BTreeSet<usize>,
) -> bool {
    let Some(roles) = persons.get(person) else { return false };
    let fits = |at: &usize| seats.get(*at).is_some_and(|seat| !seat.is_disjoint(roles));
    for at in (0..seats.len()).filter(fits) {
        if !tried.insert(at) {
            continue;
        }
        let free = match filled.get(&at).cloned() {
            None => true,
            Some(other) => seat(&other, seats, persons, filled, tried),
        };
        if free {
            filled.insert(at, person.to_owned());
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persons(list: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        list.iter().map(|(id, roles)| ((*id).into(), roles.iter().map(|r| (*r).into()).collect())).collect()
    }

    fn seat_list(roles: &[&str]) -> Vec<Seat> {
        roles.iter().map(|r| BTreeSet::from([(*r).to_owned()])).collect()
    }

    #[test]
    fn nobody_sits_twice_and_nobody_blocks_a_seat_that_another_could_take() {
        let seats = seat_list(&["network", "security"]);
        assert_eq!(fill(&seats, &persons(&[("erin", &["network", "security"])])).len(), 1);
        let two = persons(&[("alice", &["network"]), ("erin", &["network", "security"])]);
        assert_eq!(fill(&seats, &two).len(), 2);
        let moved = persons(&[("bea", &["network", "security"]), ("carl", &["network"]), ("dora", &["network"])]);
        assert_eq!(fill(&seats, &moved).len(), 2);
        assert_eq!(fill(&seat_list(&["network"; 3]), &moved).len(), 3);
        assert_eq!(fill(&seats, &persons(&[("carl", &["network"]), ("dora", &["network"])])).len(), 1);
    }
}
