//! Problems as people read them: the message, the place with the line quoted and marked, and what to do, in
//! the manner of cargo and rustc.

use super::visible::{push_visible, visible};
use crate::ruleset::{Problem, Source, Sources, Span};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::ops::Range;

/// Whether to write colours. They repeat what the text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// With escape sequences for a terminal.
    Always,
}

/// Most problems that are shown; the rest is counted.
const MAX_SHOWN: usize = 200;
/// Widest piece of a line that is quoted, in characters.
const WIDTH: usize = 120;
/// How much of it stands in front of the marked text, where the line is longer.
const LEAD: usize = 30;

/// All problems, each with its place, an empty line between them.
pub fn render_problems(problems: &[Problem], sources: &Sources, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(WIDTH + 40);
    let mut rendered: Vec<String> = problems.iter().take(MAX_SHOWN).map(|p| render(p, sources, &renderer)).collect();
    if problems.len() > MAX_SHOWN {
        rendered.push(format!("... and {} more", problems.len() - MAX_SHOWN));
    }
    let mut out = rendered.join("\n\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn render(problem: &Problem, sources: &Sources, renderer: &Renderer) -> String {
    let message = visible(&problem.message);
    let mut group = Group::with_title(Level::ERROR.primary_title(message));
    if let Some(source) = sources.get(problem.span.source) {
        let path = visible(&source.name).into_owned();
        group = match quote(source, problem.span) {
            Some(quote) => group.element(
                Snippet::source(quote.text)
                    .line_start(problem.span.line as usize)
                    .path(path)
                    .annotation(AnnotationKind::Primary.span(quote.marked)),
            ),
            None => group.element(Origin::path(path)),
        };
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    renderer.render(&[group])
}

/// One line as it is shown, and the bytes of it that are marked.
struct Quote {
    text: String,
    marked: Range<usize>,
}

/// The first line of a span, cut around it where it is long. `None` where no text stands there.
fn quote(source: &Source, span: Span) -> Option<Quote> {
    if span.line == 0 {
        return None;
    }
    let start = span.start as usize;
    let before = source.text.get(..start)?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = source.text.get(line_start..)?;
    let line = rest.split('\n').next().unwrap_or_default();
    let line = line.strip_suffix('\r').unwrap_or(line);
    let within = |at: usize| at.saturating_sub(line_start).min(line.len());
    let marked_start = within(start);
    Some(cut(line, marked_start..within(span.end as usize).max(marked_start)))
}

fn cut(line: &str, marked: Range<usize>) -> Quote {
    let long = line.chars().count() > WIDTH;
    let lead = line.get(..marked.start).map_or(0, |lead| lead.chars().count());
    let first = if long { lead.saturating_sub(LEAD) } else { 0 };
    let mut text = if first > 0 { "... ".to_owned() } else { String::new() };
    let (mut start, mut end) = (None, None);
    for (number, (at, letter)) in line.char_indices().enumerate() {
        if number < first {
            continue;
        }
        if number >= first + WIDTH {
            end = end.or(Some(text.len()));
            text.push_str(" ...");
            break;
        }
        if at >= marked.start {
            start = start.or(Some(text.len()));
        }
        if at >= marked.end {
            end = end.or(Some(text.len()));
        }
        push_visible(&mut text, if letter == '\t' { ' ' } else { letter });
    }
    let end = end.unwrap_or(text.len());
    Quote { marked: start.unwrap_or(end).min(end)..end, text }
}
