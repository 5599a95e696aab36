//! `fwgate.preflight/1`: the list before a maintenance, for machines, and the same for people.

use super::visible;
use crate::gate::{Instant, Item, Preflight, Reason, State, Tick};
use serde::Serialize;
use std::fmt::Write;

/// The name of the format.
pub const PREFLIGHT_SCHEMA: &str = "fwgate.preflight/1";

/// The whole document.
#[derive(Debug, Serialize)]
pub struct PreflightDocument<'a> {
    schema: &'static str,
    change: &'a str,
    verdict: &'static str,
    state: &'static str,
    at: String,
    window: Option<[String; 2]>,
    checks: Vec<WrittenItem<'a>>,
}

#[derive(Debug, Serialize)]
struct WrittenItem<'a> {
    check: &'static str,
    verdict: &'static str,
    says: &'a [String],
    reasons: Vec<WrittenReason<'a>>,
}

#[derive(Debug, Serialize)]
struct WrittenReason<'a> {
    code: &'static str,
    message: &'a str,
    fix: &'a str,
}

impl<'a> PreflightDocument<'a> {
    /// The list of one change.
    pub fn of(
        change: &'a str,
        state: State,
        window: Option<[String; 2]>,
        at: Instant,
        list: &'a Preflight,
    ) -> PreflightDocument<'a> {
        let reason = |r: &'a Reason| WrittenReason { code: r.code.name(), message: &r.message, fix: &r.fix };
        let item = |item: &'a Item| WrittenItem {
            check: item.check.name(),
            verdict: item.tick.name(),
            says: &item.says,
            reasons: item.reasons.iter().map(reason).collect(),
        };
        PreflightDocument {
            schema: PREFLIGHT_SCHEMA,
            change,
            verdict: list.tick().name(),
            state: state.name(),
            at: at.to_string(),
            window,
            checks: list.items.iter().map(item).collect(),
        }
    }
}

/// The list for people: the answer first, then a line for each check, and below it what was found.
pub fn preflight_human(change: &str, state: State, window: Option<[String; 2]>, list: &Preflight) -> String {
    let count = |tick| list.items.iter().filter(|item| item.tick == tick).count();
    let answer = match list.tick() {
        Tick::Passed => "ready".to_owned(),
        Tick::Waits => match window {
            Some([start, _]) => format!("ready when its window opens at {start}"),
            None => "ready when its time comes".to_owned(),
        },
        Tick::Failed => format!("not ready: {} of {} checks failed", count(Tick::Failed), list.items.len()),
        Tick::Unknown => format!(
            "no verdict: {} of {} checks could not be made, {} failed",
            count(Tick::Unknown),
            list.items.len(),
            count(Tick::Failed)
        ),
    };
    let mut out = format!("{change}: {answer} ({})\n", state.name());
    for item in &list.items {
        tell(item, &mut out);
    }
    out
}

fn tell(item: &Item, out: &mut String) {
    let sign = match item.tick {
        Tick::Passed => '✓',
        Tick::Waits => '~',
        Tick::Failed => '✗',
        Tick::Unknown => '?',
    };
    let words = if item.tick == Tick::Passed { item.check.words() } else { "" };
    let line = format!("{sign} {:<11}{words}", item.check.name());
    let _ = writeln!(out, "{}", line.trim_end());
    for line in &item.says {
        let _ = writeln!(out, "    {}", visible(line));
    }
    for reason in &item.reasons {
        let _ = writeln!(out, "    {}: {}", reason.code, visible(&reason.message));
        let _ = writeln!(out, "      = help: {}", visible(&reason.fix));
    }
}
