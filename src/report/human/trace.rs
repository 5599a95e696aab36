//! The trace of a packet for people.

use super::paint::Paint;
use super::{packet_words, place_words, rule_words};
use crate::packet::Packet;
use crate::report::{Colour, WrittenTrace, visible};
use std::fmt::Write;

/// One packet: the verdict first, then the way.
pub fn trace_human(packet: &Packet, trace: &WrittenTrace, colour: Colour) -> String {
    let paint = Paint(colour);
    let id = if trace.id.is_null() { String::new() } else { format!("{}: ", visible(&trace.id.to_string())) };
    let mut verdict = trace.verdict.to_owned();
    if let Some(kind) = &trace.reject_with {
        let _ = write!(verdict, " with {}", visible(kind));
    }
    let mut out = format!("{id}{}  {}\n", paint.bold(&verdict), packet_words(packet));
    let _ = writeln!(out, "    by  {}  {}", paint.faint(&place_words(&trace.rule)), rule_words(&trace.rule));
    for condition in &trace.depends_on {
        let _ = writeln!(out, "    depends on `{}`", visible(condition));
    }
    if let Some(translation) = &trace.translation {
        let _ = writeln!(out, "    translated {}", visible(&translation.words()));
    }
    for condition in &trace.translation_depends_on {
        let _ = writeln!(out, "    the translation depends on `{}`", visible(condition));
    }
    let width = trace.path.iter().map(|s| s.chain.chars().count()).max().unwrap_or(0);
    for step in &trace.path {
        let chain = visible(&step.chain);
        let place = place_words(&step.rule);
        let _ = writeln!(
            out,
            "    {chain:<width$}  {:<7}  {}  {}",
            step.verdict,
            paint.faint(&place),
            rule_words(&step.rule)
        );
    }
    out
}
