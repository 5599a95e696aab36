//! FW206: a change that lets every source in. It is the widest opening there is, and often a source was left out.

use super::Check;
use super::address_space::ordinary_public;
use super::report::CheckError;
use super::scene::{Filter, Pair};
use super::tally::Tally;
use super::undeclared::{Closed, opened};
use super::view::View;
use super::words::{condition_names, culprit, packet_text, shown_packet};
use crate::finding::{Finding, OPENED_TO_ANY};
use crate::packet::{Cell, Field, Values, coalesce};
use crate::ruleset::{Place, Side};
use std::collections::BTreeSet;

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&OPENED_TO_ANY], on_scene: run };

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    for filter in view.filters.compared() {
        for (pairs, cells) in opened(view, filter) {
            check(filter, &pairs, &cells, tally)?;
        }
    }
    Ok(())
}

/// One finding for each rule that opens something to every source.
fn check(filter: &Filter<'_>, pairs: &[&Pair<'_>], cells: &[Closed<'_>], tally: &mut Tally) -> Result<(), CheckError> {
    let mut told: BTreeSet<Option<Place>> = BTreeSet::new();
    for wide in wide_regions(filter, cells) {
        let own = |closed: &Closed<'_>| closed.cell.intersect(&wide, filter.space.family);
        for (closed, part) in cells.iter().filter_map(|c| own(c).map(|part| (c, part))) {
            if told.insert(Some(closed.change.new.place)) {
                tally.report(pairs.iter().copied(), &finding(filter, closed, &part)?);
            }
        }
    }
    Ok(())
}

/// Opened regions that begin something and whose source is everything or all public space. Cells of several rules
/// are put together first: how the set was cut carries no meaning.
fn wide_regions(filter: &Filter<'_>, cells: &[Closed<'_>]) -> Vec<Cell> {
    let beginning = super::reach::beginning(filter);
    let public = ordinary_public(filter.space.family);
    let new = cells.iter().filter_map(|c| c.cell.intersect(&beginning, filter.space.family)).collect();
    let is_wide = |cell: &Cell| {
        let every_bit = cell.get(Field::SrcBits).is_none();
        every_bit && cell.get(Field::Src).and_then(Values::as_ranges).is_none_or(|src| public.is_subset(src))
    };
    coalesce(new).into_iter().filter(is_wide).collect()
}

fn finding(filter: &Filter<'_>, closed: &Closed<'_>, part: &Cell) -> Result<Finding, CheckError> {
    let change = closed.change;
    let packet = shown_packet(filter, part, &[(Side::Old, &change.old), (Side::New, &change.new)])?;
    let message = format!("every source may now begin this: {}", packet_text(&packet));
    let new = culprit(filter, Side::New, change.new.place);
    let mut finding = Finding::without_place(&OPENED_TO_ANY, message);
    finding.location = filter.location(Side::New, change.new.place);
    Ok(finding
        .in_filter(filter.space.hook, filter.space.family, filter.name())
        .shown_by(packet)
        .under(condition_names(filter, part.conds()))
        .helped_by(format!("name the sources in {new}, or declare the opening in a change request")))
}
