//! The effect as it is looked at: each change with its packets in the address space, and both rules side by side.

use super::strip::{Ends, strip};
use super::{Evidence, scrolling};
use crate::diff::Change;
use crate::packet::{Field, Ranges, Values};
use crate::report::human::{
    counted, effect_word, end_words, flows, least_flows, packet_words, place_words, region_rows, rule_words, sign,
};
use crate::report::markup::{escaped, shortened};
use crate::report::{FilterView, WrittenEnd};
use std::fmt::Write;

/// Most changes on a page; `fwgate diff` has all of them.
const MOST: usize = 200;

/// So many changes are open from the start; of the others the first line is seen.
const OPEN: usize = 6;

const LEAD: &str = "<p class=\"lead\">Each strip is the whole address space, cut at every border and not to scale: what changes is \
    coloured where it passes and hatched where it is refused; the rest is as it was.</p>\n";

/// Every change, by filter.
pub(super) fn effects(evidence: &Evidence<'_>) -> String {
    let mut room = MOST;
    let mut out = String::new();
    if evidence.effects.iter().any(|f| !f.diff.changes.is_empty()) {
        out += LEAD;
    }
    for filter in evidence.effects.iter().filter(|f| !f.diff.changes.is_empty() || !f.diff.complete) {
        out += &of_filter(evidence, filter, &mut room);
    }
    out
}

fn of_filter(evidence: &Evidence<'_>, filter: &FilterView<'_>, room: &mut usize) -> String {
    let shown = filter.diff.changes.len().min(*room);
    let hidden = filter.diff.changes.len() - shown;
    let first = MOST - *room;
    *room -= shown;
    let mut out = format!(
        "<h3>{} <span class=\"where\">{} ({}, {})</span></h3>\n",
        escaped(filter.pair.name),
        escaped(filter.name),
        filter.hook,
        filter.family
    );
    if !filter.diff.complete {
        out += "<p class=\"alarm\">Not complete: the bound was reached, so there may be more.</p>\n";
    }
    for (at, change) in filter.diff.changes.iter().take(shown).enumerate() {
        out += &of_change(evidence, filter, change, first + at < OPEN);
    }
    if hidden > 0 {
        let _ = writeln!(
            out,
            "<p class=\"more\">and {}, which <code>fwgate diff</code> shows</p>",
            counted(hidden, "more change")
        );
    }
    out
}

fn of_change(evidence: &Evidence<'_>, filter: &FilterView<'_>, change: &Change, is_open: bool) -> String {
    let [old, new] = filter.ends(change);
    let packets = change.packets.to_string();
    let count = if filter.diff.complete { flows(&packets) } else { least_flows(&packets) };
    let (rows, _) = region_rows(&filter.regions(change), 1);
    let first = rows.first().map(|[from, to, service, _]| format!("{from} {to}, {service}")).unwrap_or_default();
    format!(
        "<details class=\"change {}\"{}>\n<summary><span class=\"sign\" aria-hidden=\"true\">{}</span> <b>{}</b> <span>{}</span> \
         <small>{count}</small></summary>\n<div class=\"inside\">\n{}{}{}\
         <p class=\"packet\"><span>such as</span> <code>{}</code></p>\n</div>\n</details>\n",
        change.effect.name(),
        if is_open { " open" } else { "" },
        sign(change.effect).mark(),
        effect_word(change.effect),
        escaped(&shortened(&first, 160)),
        strips(evidence, filter, change, [&old, &new]),
        sides(&old, &new),
        regions(evidence, filter, change),
        escaped(&packet_words(&change.witness)),
    )
}

fn regions(evidence: &Evidence<'_>, filter: &FilterView<'_>, change: &Change) -> String {
    let (rows, more) = region_rows(&filter.regions(change), evidence.most_regions);
    let cell = |label: &str, text: &str| format!("<td data-label=\"{label}\">{}</td>", escaped(text));
    let row = |r: &[String; 4]| {
        let ends = [r[0].trim_start_matches("from "), r[1].trim_start_matches("to ")];
        let cells =
            [cell("from", ends[0]), cell("to", ends[1]), cell("service", &shortened(&r[2], 120)), cell("when", &r[3])];
        format!("<tr>{}</tr>", cells.concat())
    };
    let rows: String = rows.iter().map(row).collect();
    let more =
        if more > 0 { format!("<p class=\"more\">and {}</p>\n", counted(more, "more region")) } else { String::new() };
    let head = "<thead><tr><th scope=\"col\">from</th><th scope=\"col\">to</th><th scope=\"col\">service</th>\
                <th scope=\"col\">when</th></tr></thead>";
    scrolling("Packets of this change", &format!("<table class=\"regions\">{head}<tbody>{rows}</tbody></table>"))
        + &more
}

fn strips(evidence: &Evidence<'_>, filter: &FilterView<'_>, change: &Change, ends: [&WrittenEnd; 2]) -> String {
    let names = evidence.policy.map(|p| p.names.ranges());
    let verdicts = ends.map(|e| e.verdict);
    let draw = |field, word| {
        let addresses = addresses(change, field, filter.family.max_address());
        strip(&Ends { word, family: filter.family, addresses: &addresses, verdicts, names })
    };
    format!("<div class=\"strips\">{}{}</div>\n", draw(Field::Src, "from"), draw(Field::Dst, "to"))
}

/// Every address that some packet of the change has in a field.
pub(super) fn addresses(change: &Change, field: Field, max: u128) -> Ranges {
    let mut all = Vec::new();
    for cell in &change.cells {
        match cell.get(field).and_then(Values::as_ranges) {
            Some(ranges) => all.extend_from_slice(ranges.as_slice()),
            None => return Ranges::range(0, max),
        }
    }
    Ranges::from_unsorted(all)
}

/// Before and after, side by side.
pub(super) fn sides(old: &WrittenEnd, new: &WrittenEnd) -> String {
    let side = |word: &str, end: &WrittenEnd| {
        format!(
            "<div class=\"side\"><p class=\"label\">{word} <span class=\"verdict {}\">{}</span></p>\
             <p class=\"place\">{}</p><pre>{}</pre></div>",
            end.verdict,
            escaped(&end_words(end)),
            escaped(&place_words(&end.rule)),
            escaped(&rule_words(&end.rule))
        )
    };
    format!("<div class=\"sides\">{}{}</div>\n", side("before", old), side("after", new))
}
