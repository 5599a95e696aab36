//! Which packets of a question pass, for people.

use super::count::flows;
use super::paint::Paint;
use super::region::region_lines;
use super::{Sign, place_words, rule_words};
use crate::report::{Colour, QueryDocument, WrittenGroup, visible};
use std::fmt::Write;

/// The answer, then the groups.
pub fn query_human(document: &QueryDocument, most_regions: usize, colour: Colour) -> String {
    let paint = Paint(colour);
    let mut out = headline(document, paint);
    for group in &document.groups {
        out += &group_text(group, most_regions, paint);
    }
    out
}

fn headline(document: &QueryDocument, paint: Paint) -> String {
    let mut fates: Vec<&str> = document.groups.iter().map(|g| g.fate).collect();
    fates.dedup();
    let place = format!("{}, {}", visible(&document.device), document.hook);
    let answer = match (fates.as_slice(), document.complete) {
        ([], true) => "no such packet".to_owned(),
        ([one], true) => format!("all {one}"),
        (several, true) => format!("some {}", several.join(", some ")),
        (several, false) => format!("NOT COMPLETE: the bound was reached; at least some {}", several.join(", some ")),
    };
    paint.bold(&format!("{answer} ({place})")) + "\n"
}

fn group_text(group: &WrittenGroup, most: usize, paint: Paint) -> String {
    let sign = match group.fate {
        "accepted" => Sign::Opened,
        "depends" => Sign::Altered,
        _ => Sign::Closed,
    };
    let mut fate = group.fate.to_owned();
    if let Some(kind) = &group.reject_with {
        let _ = write!(fate, " with {}", visible(kind));
    }
    let count = format!("(IPv{}, {})", group.family, flows(&group.packets));
    let mut out = format!("\n{} {}\n", paint.signed(sign, &fate), paint.faint(&count));
    let (lines, more) = region_lines(&group.regions, most);
    for line in lines {
        let _ = writeln!(out, "    {line}");
    }
    if more > 0 {
        let _ = writeln!(out, "    {}", paint.faint(&format!("and {more} more (--all-regions shows them)")));
    }
    let _ = writeln!(out, "  by {}  {}", paint.faint(&place_words(&group.rule)), rule_words(&group.rule));
    if let Some(translation) = &group.translation {
        let _ = writeln!(out, "  translated {}", visible(&translation.words()));
    }
    for condition in &group.depends_on {
        let _ = writeln!(out, "  depends on `{}`", visible(condition));
    }
    out
}
