//! `fwgate schedule`: the calendar of everything that is on its way, and what stands in each other's way.

use super::answer::Format;
use super::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{Agenda, OpenChange, RootArguments, Session, now};
use super::ledger::listed;
use super::screen::Screen;
use crate::diff::Bounds;
use crate::gate::{Calendar, Clash, ClashKind, Instant, Library, Period, Planned, Terms, calendar, clashes};
use crate::policy::{Date, Policy};
use crate::report::{ScheduleDay, ScheduleDocument, ScheduleRow, json_text, schedule_human};
use clap::Args;

/// The arguments of `fwgate schedule`.
#[derive(Debug, Args)]
#[command(
    after_help = "Changes that are not over, with their windows, the windows and freezes of policy, and every pair that touches the same device \
                  proved beside each other.\n\nExit codes: 0 nothing stands in each other's way, 1 something does, 2 no verdict.\n\nExamples:\n  \
                  fwgate schedule --root root.toml\n  fwgate schedule --root root.toml --from 2026-12-14 --weeks 4 --format json"
)]
pub struct Arguments {
    /// Where trust comes from
    #[command(flatten)]
    pub root: RootArguments,
    /// The week that is shown first: any day of it; else this one
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub from: Option<Date>,
    /// How many weeks are shown
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=53))]
    pub weeks: u32,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

fn parse_date(text: &str) -> Result<Date, String> {
    crate::policy::date(text).ok_or_else(|| "write a date as `2026-12-14`".to_owned())
}

/// Shows the schedule.
///
/// # Errors
/// There is no repository.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open_root(&arguments.root)?;
    let agenda = session.agenda(now());
    let Some(policy) = agenda.policy.clone().filter(|_| agenda.obstacles.is_empty()) else {
        screen.answer(&format!("no schedule can be told\n{}", listed(&agenda.obstacles)))?;
        return Ok(NO_VERDICT);
    };
    let found = found(&agenda, &policy);
    let rows: Vec<ScheduleRow> = agenda.changes.iter().map(row).collect();
    let calendar = calendar(&policy).0;
    let days = days(arguments, &calendar, agenda.now);
    let text = match arguments.format {
        Format::Json => json_text(&ScheduleDocument::of(agenda.now, calendar.zone_name(), &days, &rows, &found))?,
        Format::Human => schedule_human(calendar.zone_name(), &days, &rows, &found),
    };
    screen.answer(&text)?;
    Ok(match () {
        () if found.iter().any(|c| c.kind == ClashKind::Unproved) => NO_VERDICT,
        () if found.is_empty() => PASSED,
        () => REFUSED,
    })
}

/// Every clash of what is on its way.
fn found(agenda: &Agenda, policy: &Policy) -> Vec<Clash> {
    let planned: Vec<Planned<'_>> = agenda.changes.iter().filter_map(planned).collect();
    let terms = Terms { policy, bounds: Bounds::default(), now: agenda.now };
    clashes(&planned, terms, &mut Library::default())
}

fn planned(change: &OpenChange) -> Option<Planned<'_>> {
    let trees = change.trees.as_ref()?;
    Some(Planned {
        id: &change.id,
        window: change.decision.window.map(|w| (w.start, w.end)),
        baseline: &trees.baseline,
        proposal: &trees.proposal,
        beside: &trees.beside,
        request: change.request.as_ref()?,
    })
}

fn row(change: &OpenChange) -> ScheduleRow {
    ScheduleRow {
        id: change.id.clone(),
        title: change.request.as_ref().map(|r| r.title.clone()).unwrap_or_default(),
        class: change.decision.class.name(),
        state: change.decision.state.name(),
        devices: change.targets.iter().map(|t| t.device.clone()).collect(),
        window: change.decision.window,
        announced: change.announced,
        ready: change.ready,
        is_approved: change.decision.missing.is_empty(),
        says: change.says.clone(),
    }
}

/// The days that are shown, from a Monday on, with what policy says of each.
fn days(arguments: &Arguments, calendar: &Calendar, now: Instant) -> Vec<ScheduleDay> {
    let from = arguments.from.and_then(|date| calendar.day(date)).map_or(now, |day| day.start);
    let shown = calendar.week_days(from, arguments.weeks);
    let ahead = match (shown.first(), shown.last()) {
        (Some(first), Some(last)) => Period { start: first.2.start, end: last.2.end },
        _ => return Vec::new(),
    };
    let (windows, freezes) = (calendar.all_openings(ahead), calendar.all_freezes(ahead));
    let day = |(date, name, period): (Date, &'static str, Period)| ScheduleDay {
        date,
        name,
        period,
        windows: windows.iter().copied().filter(|w| w.meets(period)).collect(),
        freezes: freezes
            .iter()
            .filter(|(_, at)| at.meets(period))
            .map(|(freeze, at)| (freeze.reason.clone(), *at))
            .collect(),
    };
    shown.into_iter().map(day).collect()
}
