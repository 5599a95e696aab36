//! By which interfaces the packets of a flow come and go: what the policy says, else what the device's facts give
//! for their addresses, else every interface but `lo`.

use super::scene::{Filter, Scene};
use crate::packet::{Cell, Family, Field, IfacePattern, Ranges, Values};
use crate::policy::{DeviceInterface, Place};

/// Which interface of a packet, and the address that decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Where it comes in: by its source.
    In,
    /// Where it goes out: by its destination.
    Out,
}

impl End {
    fn fields(self) -> (Field, Field) {
        match self {
            End::In => (Field::Iif, Field::Src),
            End::Out => (Field::Oif, Field::Dst),
        }
    }
}

/// The packets of `cell` on the interfaces that they take at one end. `named` is what the policy says; `target`
/// is the address after translation, where there is one.
pub(super) fn on_interfaces(
    scene: &Scene<'_>,
    filter: &Filter<'_>,
    cell: &Cell,
    end: End,
    named: Option<&[IfacePattern]>,
    target: Option<&Ranges>,
) -> Vec<Cell> {
    let (field, address) = end.fields();
    let space = &filter.space;
    let possible = space.possible();
    let Some(present) = possible.get(field).and_then(Values::as_ranges) else { return vec![cell.clone()] };
    if !space.interfaces.present().meets(present) {
        // The hook has no such interface.
        return vec![cell.clone()];
    }
    let put = |cell: &Cell, classes: Ranges| cell.meet(field, &Values::Ranges(classes), space.family);
    if let Some(patterns) = named {
        let classes = patterns.iter().fold(Ranges::empty(), |all, p| all.union(&space.interfaces.matching(p)));
        return put(cell, classes.intersect(present)).into_iter().collect();
    }
    let full = Ranges::range(0, space.family.max_address());
    let own = cell.get(address).and_then(Values::as_ranges).unwrap_or(&full);
    let asked = target.unwrap_or(own);
    let shares = shares(scene, filter, asked, present);
    let on_share = |(addresses, classes): (Ranges, Ranges)| {
        let part = match target {
            // All packets go to one of the translated addresses; which one is not told apart here.
            Some(_) => Some(cell.clone()),
            None => cell.meet(address, &Values::Ranges(addresses), space.family),
        };
        put(&part?, classes)
    };
    shares.into_iter().filter_map(on_share).collect()
}

/// The addresses by the interfaces behind which they are.
fn shares(scene: &Scene<'_>, filter: &Filter<'_>, asked: &Ranges, present: &Ranges) -> Vec<(Ranges, Ranges)> {
    let classes = &filter.space.interfaces;
    let class = |name: &str| classes.matching(&IfacePattern::exact(name)).intersect(present);
    let known: Vec<&DeviceInterface> = scene.interfaces.into_iter().flatten().filter(|i| i.name != "lo").collect();
    let mut rest = asked.clone();
    let mut out = Vec::new();
    for interface in &known {
        let behind = nearest(interface, &known, filter.space.family).intersect(asked);
        if !behind.is_empty() {
            rest = rest.subtract(&behind);
            out.push((behind, class(&interface.name)));
        }
    }
    if !rest.is_empty() {
        out.push((rest, elsewhere(&known, present.subtract(&class("lo")), class)));
    }
    out
}

/// Interfaces of addresses about which the facts say nothing: those whose networks nobody gave, else all.
fn elsewhere(known: &[&DeviceInterface], all: Ranges, class: impl Fn(&str) -> Ranges) -> Ranges {
    let union = |of: &mut dyn Iterator<Item = &&DeviceInterface>| -> Ranges {
        of.fold(Ranges::empty(), |sum, i| sum.union(&class(&i.name)))
    };
    if known.is_empty() {
        return all;
    }
    let open = union(&mut known.iter().filter(|i| i.networks.is_none()));
    if open.is_empty() { union(&mut known.iter()) } else { open }
}

/// The addresses for which no other interface has a network inside this one's.
fn nearest(interface: &DeviceInterface, known: &[&DeviceInterface], family: Family) -> Ranges {
    let Some(own) = interface.networks.as_ref().map(|n| n.of(family)) else { return Ranges::empty() };
    let others = known.iter().filter_map(|i| i.networks.as_ref()).map(|n| n.of(family));
    let inner = others.filter(|n| *n != own && n.is_subset(own));
    inner.fold(own.clone(), |left, n| left.subtract(n))
}

/// The packets of a cell on the interfaces and in the profiles that a place names, where it names any.
pub(super) fn on_named(place: &Place, filter: &Filter<'_>, cell: Cell) -> Option<Cell> {
    let family = filter.space.family;
    let mut cell = cell;
    for (field, patterns) in [(Field::Iif, &place.inputs), (Field::Oif, &place.outputs)] {
        if let Some(patterns) = patterns {
            let classes = &filter.space.interfaces;
            let named = patterns.iter().fold(Ranges::empty(), |all, p| all.union(&classes.matching(p)));
            cell = cell.meet(field, &Values::Ranges(named), family)?;
        }
    }
    match &place.profiles {
        Some(profiles) => cell.meet(Field::Profile, &Values::Ranges(profiles.clone()), family),
        None => Some(cell),
    }
}

/// What to write where nobody said which interfaces a flow uses: those by which the filter lets packets pass.
pub(super) fn proposal(filter: &Filter<'_>, passing: &[&Cell]) -> Option<String> {
    let possible = filter.space.possible();
    let entry = |key: &str, field: Field| {
        let all = possible.get(field).and_then(Values::as_ranges)?;
        let seen = passing.iter().filter_map(|c| c.get(field).and_then(Values::as_ranges));
        let seen = seen.fold(Ranges::empty(), |sum, r| sum.union(r));
        if seen.is_empty() || seen.contains(crate::packet::InterfaceClasses::OTHER) {
            return None;
        }
        let list = filter.space.interfaces.describe(&seen, all)?;
        let names: Vec<String> =
            list.into_iter().flatten().filter(|n| n != "!" && n != "lo").map(|n| format!("\"{n}\"")).collect();
        (!names.is_empty()).then(|| format!("`{key} = [{}]`", names.join(", ")))
    };
    let parts: Vec<String> = [entry("in", Field::Iif), entry("out", Field::Oif)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}
