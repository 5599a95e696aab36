//! HTML: one file for an approver who would rather look than read. It needs nothing else and runs nothing: no script, no
//! font, no picture from anywhere, which its content security policy says as well. It prints, follows the reader's choice of
//! light or dark, and fits a telephone.
//!
//! Signs and words carry every meaning; colours repeat it.

mod change;
mod check;
mod diff;
mod effect;
mod finding;
mod holds;
mod lint;
mod strip;
mod zones;

use super::format::Format;
use super::markup::escaped;
use crate::check::CheckReport;
use crate::diff::DevicePair;
use crate::policy::Policy;
use crate::report::FilterView;
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "html",
    about: "One page to look at, for approvers",
    is_commands: false,
    check: |view| Ok(check::check(view)),
    diff: |view| Ok(diff::diff(view)),
    lint: |view| Ok(lint::lint(view)),
    change: Some(|page| Ok(change::change(page))),
};

const STYLE: &str = include_str!("style.css");

/// What the parts about effect and findings are made of.
#[derive(Clone, Copy)]
struct Evidence<'a> {
    report: &'a CheckReport,
    effects: &'a [FilterView<'a>],
    pairs: &'a [DevicePair<'a>],
    policy: Option<&'a Policy>,
    most_regions: usize,
}

impl<'a> Evidence<'a> {
    /// The device of this name; `pairs` are in order of name.
    fn pair(&self, name: &str) -> Option<&'a DevicePair<'a>> {
        self.pairs.binary_search_by(|p| p.name.cmp(name)).ok().and_then(|at| self.pairs.get(at))
    }
}

/// How the page's answer is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Bad,
    Neutral,
}

impl Mood {
    fn class(self) -> &'static str {
        match self {
            Mood::Good => "good",
            Mood::Bad => "bad",
            Mood::Neutral => "neutral",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Mood::Good => "\u{2713}",
            Mood::Bad => "\u{2715}",
            Mood::Neutral => "~",
        }
    }
}

/// One part of a page.
struct Section {
    /// The anchor.
    id: &'static str,
    title: &'static str,
    /// How much is in it: `8`.
    count: Option<usize>,
    /// HTML.
    body: String,
}

impl Section {
    fn new(id: &'static str, title: &'static str, count: Option<usize>, body: String) -> Section {
        Section { id, title, count, body }
    }
}

/// A page.
struct Page {
    /// Of the window, as text.
    title: String,
    mood: Mood,
    /// The answer, as text.
    answer: String,
    /// What belongs to it, HTML.
    under: String,
    sections: Vec<Section>,
}

impl Page {
    fn text(&self) -> String {
        let style = Base64::encode_string(&Sha256::digest(STYLE.as_bytes()));
        let shown: Vec<&Section> = self.sections.iter().filter(|s| !s.body.is_empty()).collect();
        let links: String = shown.iter().map(|s| link(s)).collect();
        let body: String = shown.iter().map(|s| section(s)).collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
             base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">Skip to the report</a>\n{PATTERNS}\
             <header class=\"top {}\">\n<p class=\"mark\">fwgate</p>\n\
             <h1><span class=\"seal\" aria-hidden=\"true\">{}</span> {}</h1>\n{}</header>\n\
             <nav aria-label=\"Parts of this report\"><ul>{links}</ul></nav>\n<main id=\"main\">\n{body}</main>\n\
             <footer><p>Written by fwgate {}. This page runs no script and loads nothing.</p></footer>\n</body>\n</html>\n",
            escaped(&self.title),
            self.mood.class(),
            self.mood.sign(),
            prose(&self.answer),
            self.under,
            env!("CARGO_PKG_VERSION"),
        )
    }
}

/// Hatching for what is refused, so that strips can be read without colour.
const PATTERNS: &str = "<svg class=\"patterns\" aria-hidden=\"true\" width=\"0\" height=\"0\"><defs>\
    <pattern id=\"hatch\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
    <rect class=\"hatch-ground\" width=\"8\" height=\"8\"/><rect class=\"hatch-line\" width=\"4\" height=\"8\"/></pattern>\
    </defs></svg>\n";

fn link(section: &Section) -> String {
    let count = section.count.map(|n| format!(" <span class=\"n\">{n}</span>")).unwrap_or_default();
    format!("<li><a href=\"#{}\">{}{count}</a></li>", section.id, section.title)
}

fn section(section: &Section) -> String {
    let Section { id, title, body, .. } = section;
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{body}</section>\n"
    )
}

/// A sentence: what stands in backticks as code.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        1 => format!("<code>{}</code>", escaped(part)),
        _ => escaped(part),
    };
    parts.iter().enumerate().map(part).collect()
}

/// Names and values; the values are HTML.
fn facts<'f>(rows: impl IntoIterator<Item = (&'f str, String)>) -> String {
    let row = |(name, value): (&str, String)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>");
    let rows: String = rows.into_iter().filter(|(_, value)| !value.is_empty()).map(row).collect();
    format!("<dl class=\"facts\">{rows}</dl>\n")
}

/// A number with its word, as a tile: `3 closed`. That nothing is opened or closed is worth saying; of the rest it is not.
fn tile(class: &str, sign: &str, n: usize, word: &str) -> String {
    if n == 0 && !["opened", "closed"].contains(&class) {
        return String::new();
    }
    let word = if n == 1 { word.trim_end_matches('s') } else { word };
    let quiet = if n == 0 { " zero" } else { "" };
    format!(
        "<li class=\"tile {class}{quiet}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span>\
         <b>{n}</b> <span>{}</span></li>",
        escaped(word)
    )
}

/// A region that scrolls sideways, and that a keyboard reaches.
fn scrolling(label: &str, body: &str) -> String {
    format!("<div class=\"scroll\" role=\"group\" aria-label=\"{}\" tabindex=\"0\">{body}</div>\n", escaped(label))
}
