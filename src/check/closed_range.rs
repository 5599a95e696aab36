//! FW204 and FW205: ranges of one's own that a change shuts out without saying so. The range that everybody forgot
//! is in no requirement, so this asks of every private and every named address whether it can still talk.

use super::Check;
use super::address_space::{OwnSpace, PeerClass, peer_classes};
use super::reach::{ends, still_reach};
use super::report::CheckError;
use super::scene::{Filter, Pair};
use super::tally::Tally;
use super::undeclared::{Closed, closed};
use super::view::View;
use super::words::{condition_names, culprit, packet_text, range_text, shown_packet};
use crate::finding::{Code, Finding, RANGE_LOST, RANGE_NARROWED};
use crate::packet::{Cell, Field, Ranges, Values};
use crate::ruleset::Side;
use std::collections::BTreeMap;

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&RANGE_LOST, &RANGE_NARROWED], on_scene: run };

/// Most ranges of one filter that are reported one by one.
const MAX_RANGES: usize = 200;

/// How sentences write the class of all addresses.
const ANYBODY: &str = "anybody";

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    for filter in view.filters.compared() {
        for (pairs, cells) in closed(view, filter) {
            if !cells.is_empty() {
                ClosedRanges { view, filter, cells: &cells, pairs: &pairs }.check(tally)?;
            }
        }
    }
    Ok(())
}

/// What is closed in one filter, for the devices that share it.
struct ClosedRanges<'c, 'v> {
    view: &'c View<'c, 'v>,
    filter: &'c Filter<'c>,
    cells: &'c [Closed<'c>],
    pairs: &'c [&'c Pair<'c>],
}

impl ClosedRanges<'_, '_> {
    fn check(&self, tally: &mut Tally) -> Result<(), CheckError> {
        let input = self.view.scene.input;
        let family = self.filter.space.family;
        let own = OwnSpace::of(input, family);
        let mut lost: BTreeMap<(u128, u128), Vec<PeerClass>> = BTreeMap::new();
        for class in peer_classes(input, family) {
            let asked = self.candidates(&class, |addresses| own.particular(addresses));
            self.add_lost(asked, &class, &mut lost, tally);
        }
        // What was closed for everybody shuts a whole block out only where nobody is left for it to talk with.
        let anybody = PeerClass { name: ANYBODY.into(), addresses: Ranges::range(0, family.max_address()) };
        let asked = self.candidates(&anybody, |addresses| own.whole(addresses));
        self.add_lost(asked, &anybody, &mut lost, tally);
        let all_lost: Ranges = lost.keys().copied().collect();
        for (range, classes) in lost.iter().take(MAX_RANGES) {
            self.report(self.lost(*range, classes)?, tally);
        }
        self.rest_of(&RANGE_LOST, lost.len(), tally);
        self.narrowed(&own, &all_lost, tally)
    }

    /// Addresses that could begin something with a class, or it with them, and cannot begin all of that any more.
    fn candidates(&self, class: &PeerClass, of: impl Fn(&Ranges) -> Ranges) -> Ranges {
        let mut candidates = Ranges::empty();
        for cell in self.cells.iter().filter_map(|c| self.beginning(&c.cell)) {
            for &(mine, peer) in ends(self.filter.space.hook) {
                if self.addresses(&cell, peer).meets(&class.addresses) {
                    candidates = candidates.union(&of(&self.addresses(&cell, mine)));
                }
            }
        }
        candidates
    }

    /// Adds the addresses that the proposal does not let talk with a class at all.
    fn add_lost(
        &self,
        asked: Ranges,
        class: &PeerClass,
        lost: &mut BTreeMap<(u128, u128), Vec<PeerClass>>,
        tally: &mut Tally,
    ) {
        if asked.is_empty() {
            return;
        }
        let reach = still_reach(self.view.scene, self.filter, &asked, &class.addresses);
        tally.is_bounded |= reach.is_bounded;
        for range in asked.subtract(&reach.addresses).as_slice() {
            lost.entry(*range).or_default().push(class.clone());
        }
    }

    /// The packets of a cell that begin something, on other interfaces than `lo`.
    fn beginning(&self, cell: &Cell) -> Option<Cell> {
        cell.intersect(&super::reach::beginning(self.filter), self.filter.space.family)
    }

    fn addresses(&self, cell: &Cell, field: Field) -> Ranges {
        let full = || Ranges::range(0, self.filter.space.family.max_address());
        cell.get(field).and_then(Values::as_ranges).cloned().unwrap_or_else(full)
    }

    fn lost(&self, range: (u128, u128), classes: &[PeerClass]) -> Result<Option<Finding>, CheckError> {
        let family = self.filter.space.family;
        let peers = classes.iter().fold(Ranges::empty(), |all, c| all.union(&c.addresses));
        let own = Values::Ranges(Ranges::range(range.0, range.1));
        let peers = Values::Ranges(peers);
        let part = |closed: &Closed<'_>| {
            let cell = self.beginning(&closed.cell)?;
            ends(self.filter.space.hook)
                .iter()
                .find_map(|(mine, peer)| cell.meet(*mine, &own, family)?.meet(*peer, &peers, family))
        };
        let Some((closed, cell)) = self.cells.iter().find_map(|c| part(c).map(|cell| (c, cell))) else {
            return Ok(None);
        };
        let names: Vec<&str> = match classes.iter().find(|c| c.name == ANYBODY) {
            Some(all) => vec![&all.name],
            None => classes.iter().map(|c| c.name.as_str()).collect(),
        };
        let text = range_text(family, range);
        let listing = self.listing(range);
        let message = format!("the range `{text}`{listing} can no longer talk with {}", listed(&names));
        Ok(Some(self.finding(&RANGE_LOST, closed, &cell, message)?.about_range(text)))
    }

    /// Where the inventory lists a range, in the middle of a sentence.
    fn listing(&self, range: (u128, u128)) -> String {
        let estate = self.view.scene.input.estate;
        let Some((inventory, prefix)) = estate.holder(self.filter.space.family, range) else { return String::new() };
        let place = format!("{}:{}", inventory.sources.name(prefix.span), prefix.span.line);
        match &prefix.site {
            Some(site) => format!(" (in the inventory as `{}` of `{site}`, {place})", prefix.net),
            None => format!(" (in the inventory as `{}`, {place})", prefix.net),
        }
    }

    /// Whatever else was closed and touches a range of one's own.
    fn narrowed(&self, own: &OwnSpace, lost: &Ranges, tally: &mut Tally) -> Result<(), CheckError> {
        let rest: Vec<(&Closed<'_>, Cell)> = self
            .cells
            .iter()
            .flat_map(|c| self.without(&c.cell, lost).into_iter().map(move |cell| (c, cell)))
            .collect();
        let mut all = Ranges::empty();
        let mut everybody = None;
        for (closed, cell) in &rest {
            let (src, dst) = (self.addresses(cell, Field::Src), self.addresses(cell, Field::Dst));
            let particular = own.particular(&src).union(&own.particular(&dst));
            if particular.is_empty() && own.is_touched(&src.union(&dst)) {
                everybody = everybody.or(Some((*closed, cell.clone())));
            }
            all = all.union(&particular);
        }
        for range in all.as_slice().iter().take(MAX_RANGES) {
            let finding = self.narrowed_range(&rest, *range)?;
            self.report(finding, tally);
        }
        self.rest_of(&RANGE_NARROWED, all.as_slice().len(), tally);
        if let Some((closed, cell)) = everybody {
            let message = "all private and named ranges can talk less than before".to_owned();
            self.report(Some(self.finding(&RANGE_NARROWED, closed, &cell, message)?), tally);
        }
        Ok(())
    }

    fn narrowed_range(&self, rest: &[(&Closed<'_>, Cell)], range: (u128, u128)) -> Result<Option<Finding>, CheckError> {
        let family = self.filter.space.family;
        let mine = Values::Ranges(Ranges::range(range.0, range.1));
        let part = |cell: &Cell| cell.meet(Field::Src, &mine, family).or_else(|| cell.meet(Field::Dst, &mine, family));
        let first = rest.iter().find_map(|(closed, cell)| part(cell).map(|c| (*closed, c)));
        let Some((closed, cell)) = first else { return Ok(None) };
        let message = format!("the range `{}` can talk less than before", range_text(family, range));
        self.finding(&RANGE_NARROWED, closed, &cell, message).map(Some)
    }

    /// The packets of a cell that neither come from nor go to lost ranges.
    fn without(&self, cell: &Cell, lost: &Ranges) -> Vec<Cell> {
        if lost.is_empty() {
            return vec![cell.clone()];
        }
        let family = self.filter.space.family;
        let lost = Values::Ranges(lost.clone());
        let sources = cell.minus(Field::Src, &lost, family);
        sources.into_iter().flat_map(|c| c.minus(Field::Dst, &lost, family)).collect()
    }

    fn finding(
        &self,
        code: &'static Code,
        closed: &Closed<'_>,
        cell: &Cell,
        message: String,
    ) -> Result<Finding, CheckError> {
        let (filter, change) = (self.filter, closed.change);
        let packet = shown_packet(filter, cell, &[(Side::Old, &change.old), (Side::New, &change.new)])?;
        let message = format!("{message}: {} passed and does not any more", packet_text(&packet));
        let old = culprit(filter, Side::Old, change.old.place);
        let new = culprit(filter, Side::New, change.new.place);
        let mut finding = Finding::without_place(code, message);
        finding.location = filter.location(Side::New, change.new.place);
        Ok(finding
            .in_filter(filter.space.hook, filter.space.family, filter.name())
            .shown_by(packet)
            .under(condition_names(filter, cell.conds()))
            .helped_by(format!(
                "it passed by {old} and is stopped by {new}: let the range pass, or declare its closing in a change request"
            )))
    }

    fn report(&self, finding: Option<Finding>, tally: &mut Tally) {
        if let Some(finding) = finding {
            tally.report(self.pairs.iter().copied(), &finding);
        }
    }

    /// Says how many ranges were not reported one by one.
    fn rest_of(&self, code: &'static Code, found: usize, tally: &mut Tally) {
        if found > MAX_RANGES {
            let message = format!("{} more ranges are affected in the same way", found - MAX_RANGES);
            let (hook, family) = (self.filter.space.hook, self.filter.space.family);
            let finding = Finding::without_place(code, message).in_filter(hook, family, self.filter.name());
            self.report(Some(finding.helped_by("`fwgate diff` shows all of them")), tally);
        }
    }
}

/// Names in a sentence, the first few of them.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] if names.len() <= SHOWN => format!("{} and {last}", head.join(", ")),
        _ => format!(
            "{} and {} more",
            names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", "),
            names.len() - SHOWN
        ),
    }
}
