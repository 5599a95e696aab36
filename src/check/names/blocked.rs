//! FW702, and FW720 for what only the baseline's zones say: addresses to which nothing passes any more, while a record points
//! at them.

use super::pointers::{Pointers, Wanted, not_icmp};
use super::{address, left_behind, of_family, place};
use crate::check::reach::{beginning, reach_along};
use crate::check::report::CheckError;
use crate::check::scene::Filter;
use crate::check::tally::Tally;
use crate::check::view::View;
use crate::check::words::{condition_names, culprit, packet_text, shown_packet};
use crate::check::{Check, CheckInput};
use crate::diff::{Change, EffectKind};
use crate::finding::{Finding, RECORD_BLOCKED, RENUMBERED_TOO_EARLY};
use crate::packet::{Cell, Family, Field, Ranges, Values};
use crate::ruleset::{Hook, Side};
use std::net::IpAddr;

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&RECORD_BLOCKED, &RENUMBERED_TOO_EARLY], on_scene: run };

/// Most addresses of one filter and service that are told one by one.
const MOST: usize = 50;

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    let is_of_clients = |f: &&Filter<'_>| matches!(f.space.hook, Hook::Forward | Hook::Input);
    let has_closed = |f: &Filter<'_>| f.changes.iter().any(|c| c.effect == EffectKind::Closed);
    if !view.filters.compared().filter(is_of_clients).any(has_closed) {
        return Ok(());
    }
    let estate = view.scene.input.estate;
    let (Some(old), new) = (estate.baseline.zones.or(estate.proposed.zones), estate.proposed.zones) else {
        return Ok(());
    };
    let (before, after) = (Pointers::of(old), Pointers::of(new.unwrap_or(old)));
    for filter in view.filters.compared().filter(is_of_clients) {
        Blocked { view, filter, before: &before, after: &after, told: Ranges::empty() }.check(tally)?;
    }
    Ok(())
}

struct Blocked<'b, 'v> {
    view: &'b View<'b, 'v>,
    filter: &'b Filter<'b>,
    before: &'b Pointers<'b>,
    after: &'b Pointers<'b>,
    /// Addresses to which nothing at all passes any more.
    told: Ranges,
}

impl Blocked<'_, '_> {
    fn check(&mut self, tally: &mut Tally) -> Result<(), CheckError> {
        let mut wanted = self.before.wanted();
        for (what, addresses) in self.after.wanted() {
            wanted.entry(what).or_default().extend(addresses);
        }
        for (what, addresses) in wanted {
            let asked = self.asked(&addresses).subtract(&self.told);
            let lost = self.lost(what, &asked, tally);
            for number in lost.as_slice().iter().flat_map(|(lo, hi)| *lo..=*hi).take(MOST) {
                if let Some(finding) = self.finding(what, number)? {
                    tally.report(self.view.scene.pairs.iter(), &finding);
                }
            }
            if what == Wanted::Anything {
                self.told = lost;
            }
        }
        Ok(())
    }

    /// The addresses that packets of this filter can be meant for: at input the device's own, where they are known.
    fn asked(&self, addresses: &[IpAddr]) -> Ranges {
        let family = self.filter.space.family;
        let all = of_family(addresses.iter().copied(), family);
        let known = [Side::Old, Side::New].map(|side| self.view.scene.ruleset(side).facts.addresses.as_ref());
        let own = known.into_iter().flatten().flatten().map(|net| net.addr());
        match self.filter.space.hook {
            Hook::Input if known_any(&known) => all.intersect(&of_family(own, family)),
            _ => all,
        }
    }

    /// The addresses that lost all of what is wanted of them.
    fn lost(&self, what: Wanted, asked: &Ranges, tally: &mut Tally) -> Ranges {
        let family = self.filter.space.family;
        let Some(start) = start(self.filter, what) else { return Ranges::empty() };
        let mut candidates = Ranges::empty();
        for (_, cell) in self.closed() {
            if let Some(part) = cell.intersect(&start, family) {
                let full = Ranges::range(0, family.max_address());
                let dst = part.get(Field::Dst).and_then(Values::as_ranges).cloned().unwrap_or(full);
                candidates = candidates.union(&dst.intersect(asked));
            }
        }
        if candidates.is_empty() {
            return candidates;
        }
        let reach = reach_along(self.view.scene, self.filter, start, Field::Dst, &candidates);
        tally.is_bounded |= reach.is_bounded;
        candidates.subtract(&reach.addresses)
    }

    fn closed(&self) -> impl Iterator<Item = (&Change, &Cell)> {
        let closed = self.filter.changes.iter().filter(|c| c.effect == EffectKind::Closed);
        closed.flat_map(|change| change.cells.iter().map(move |cell| (change, cell)))
    }

    fn finding(&self, what: Wanted, number: u128) -> Result<Option<Finding>, CheckError> {
        let filter = self.filter;
        let family = filter.space.family;
        let one = Values::Ranges(Ranges::one(number));
        let Some(start) = start(filter, what).and_then(|c| c.meet(Field::Dst, &one, family)) else { return Ok(None) };
        let found = self.closed().find_map(|(change, cell)| Some((change, cell.intersect(&start, family)?)));
        let Some((change, cell)) = found else { return Ok(None) };
        let packet = shown_packet(filter, &cell, &[(Side::Old, &change.old), (Side::New, &change.new)])?;
        let address = address(family, number);
        let packet_text = packet_text(&packet);
        let new = culprit(filter, Side::New, change.new.place);
        let finding = if self.after.has(address) {
            let leading = self.after.leading(address);
            let message = format!(
                "{} {} at `{address}`, and {} passes to it any more: {packet_text} passed; {}",
                leading.who(),
                leading.points(),
                nothing(what),
                leading.lives()
            );
            let help = format!(
                "let it pass in front of {new}, or change the record first and wait: `fwgate names plan` says how long"
            );
            let place = leading.records.first().map(|r| place(self.after.zones, r));
            Finding { location: place, ..Finding::without_place(&RECORD_BLOCKED, message) }.helped_by(help)
        } else {
            let told = left_behind::too_early(self.view.scene.input, self.before, address);
            let Some(told) = told else { return Ok(None) };
            told
        };
        Ok(Some(
            finding
                .in_filter(filter.space.hook, family, filter.name())
                .shown_by(packet)
                .under(condition_names(filter, cell.conds())),
        ))
    }
}

fn known_any(known: &[Option<&Vec<ipnet::IpNet>>; 2]) -> bool {
    known.iter().any(Option::is_some)
}

/// `nothing but ICMP`, or `nothing on tcp/25`.
fn nothing(what: Wanted) -> String {
    match what {
        Wanted::Anything => "nothing but ICMP".to_owned(),
        port @ Wanted::Port(..) => format!("nothing on {}", port.text()),
    }
}

/// Packets that begin what is wanted. None where the space has none.
pub(super) fn start(filter: &Filter<'_>, what: Wanted) -> Option<Cell> {
    let family: Family = filter.space.family;
    let cell = beginning(filter);
    match what {
        Wanted::Anything => cell.meet(Field::Proto, &Values::Ranges(not_icmp(family)), family),
        Wanted::Port(protocol, port) => cell
            .meet(Field::Proto, &Values::Ranges(Ranges::one(protocol.into())), family)?
            .meet(Field::Dport, &Values::Ranges(Ranges::one(port.into())), family),
    }
}

/// Nothing is asked of an estate without zones.
pub(super) fn has_zones(input: &CheckInput<'_>) -> bool {
    input.estate.proposed.zones.is_some_and(|z| !z.is_empty())
}
