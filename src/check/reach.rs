//! Which of some addresses can still begin something, with whom.

use super::scene::{Filter, Scene};
use crate::packet::{Cell, Family, Field, IfacePattern, Ranges, State, Values};
use crate::ruleset::{End, Explored, Guide, Hook, Side, Walker, Wanted, explore_by};
use std::ops::ControlFlow;

/// Addresses that can talk.
pub(super) struct Reach {
    pub addresses: Ranges,
    pub is_bounded: bool,
}

/// Packets that begin something, on other interfaces than `lo`. ICMP errors never do: conntrack calls them related
/// or invalid (`icmp_error_message` in `nf_conntrack_proto_icmp.c`), so a rule that lets them pass is no way to talk.
pub(super) fn beginning(filter: &Filter<'_>) -> Cell {
    let space = &filter.space;
    let lo = Values::Ranges(space.interfaces.matching(&IfacePattern::exact("lo")));
    let mut cell = space.possible().with(Field::State, Values::one(Field::State, State::New.value()));
    for field in [Field::Iif, Field::Oif] {
        // An interface is one class, so one part is left.
        if let Some(rest) = cell.minus(field, &lo, space.family).into_iter().next() {
            cell = rest;
        }
    }
    let errors: &[u128] = if space.family == Family::V4 { &[3, 4, 5, 11, 12] } else { &[1, 2, 3, 4] };
    let others = Ranges::from_values(errors.iter().copied()).complement(255);
    cell.with(Field::IcmpType, Values::Ranges(others))
}

/// Where an address and its peer stand in the packets of a hook. What a host's input and output say of the host's own
/// end says nothing about others: a range is the source of what comes in and the destination of what goes out.
pub(super) fn ends(hook: Hook) -> &'static [(Field, Field)] {
    match hook {
        Hook::Input | Hook::BridgeInput | Hook::ArpInput => &[(Field::Src, Field::Dst)],
        Hook::Output | Hook::BridgeOutput | Hook::ArpOutput => &[(Field::Dst, Field::Src)],
        Hook::Forward | Hook::BridgeForward => &[(Field::Src, Field::Dst), (Field::Dst, Field::Src)],
    }
}

/// The addresses among `asked` from which or to which the proposal lets some new packet pass, to or from `peers`,
/// whatever the conditions.
pub(super) fn still_reach(scene: &Scene<'_>, filter: &Filter<'_>, asked: &Ranges, peers: &Ranges) -> Reach {
    let family = filter.space.family;
    let mut reach = Reach { addresses: Ranges::empty(), is_bounded: false };
    for &(own, peer) in ends(filter.space.hook) {
        let open = asked.subtract(&reach.addresses);
        let Some(start) = beginning(filter).meet(peer, &Values::Ranges(peers.clone()), family) else { continue };
        let found = reach_along(scene, filter, start, own, &open);
        reach.addresses = reach.addresses.union(&found.addresses);
        reach.is_bounded |= found.is_bounded;
    }
    reach
}

/// The addresses among `asked` that stand in the field `own` of some packet of a cell which the proposal lets pass, whatever
/// the conditions.
pub(super) fn reach_along(scene: &Scene<'_>, filter: &Filter<'_>, cell: Cell, own: Field, asked: &Ranges) -> Reach {
    let family = filter.space.family;
    let walker = Walker::new(&filter.space, filter.program(Side::New));
    let mut reach = Reach { addresses: Ranges::empty(), is_bounded: false };
    let Some(start) = cell.meet(own, &Values::Ranges(asked.clone()), family) else { return reach };
    let mut seeker = Seeker { own, family, asked, reached: &mut reach.addresses };
    reach.is_bounded = explore_by(&walker, start, scene.input.bounds.cells, &mut seeker) == Explored::Bounded;
    reach
}

struct Seeker<'s> {
    own: Field,
    family: Family,
    asked: &'s Ranges,
    reached: &'s mut Ranges,
}

impl Guide for Seeker<'_> {
    /// Packets of addresses that are known to talk are left out, so that the walk shrinks as it learns.
    fn wants(&mut self, cell: &Cell) -> Wanted {
        let own = cell.get(self.own).and_then(Values::as_ranges).unwrap_or(self.asked);
        if !own.meets(self.reached) {
            return Wanted::All;
        }
        let rest = Values::Ranges(own.subtract(self.reached));
        cell.meet(self.own, &rest, self.family).map_or(Wanted::Nothing, |cell| Wanted::Only(Box::new(cell)))
    }

    fn visit(&mut self, end: End<'_>) -> ControlFlow<()> {
        if end.passes() {
            let own = end.cell.get(self.own).and_then(Values::as_ranges).unwrap_or(self.asked);
            *self.reached = self.reached.union(own);
        }
        if self.asked.is_subset(self.reached) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
