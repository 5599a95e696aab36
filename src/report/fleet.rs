//! `fwgate.fleet/1` and `fwgate.drift/1`, and the same for people: where the devices of a fleet stand.

use super::human::{counted, finding_human, packet_words, severities};
use super::{Colour, WrittenFinding, visible};
use crate::finding::{Finding, Severity};
use crate::fleet::RouteDifference;
use crate::gate::fleet::{Convergence, DeviceStatus};
use crate::gate::{InForce, Instant, ResultKind};
use crate::packet::{Packet, packet_to_json};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Where a fleet stands.
#[derive(Clone, Debug, Serialize)]
pub struct FleetDocument {
    /// `fwgate.fleet/1`.
    pub schema: &'static str,
    /// The instant.
    pub at: String,
    /// How many devices are in which state.
    pub states: BTreeMap<&'static str, usize>,
    /// The devices, in order of name.
    pub devices: Vec<WrittenStatus>,
    /// What speaks against the fleet being where it should be.
    pub findings: Vec<WrittenFinding>,
}

/// One device.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenStatus {
    /// Its name.
    pub device: String,
    /// `production` or `lab`.
    pub environment: &'static str,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its groups.
    pub groups: Vec<String>,
    /// `converged`, `pending`, `rolled-back`, `pushing`, `partial`, `never-read`, `gone`.
    pub state: &'static str,
    /// The change of a push that is going on or left it behind.
    pub change: Option<String>,
    /// What is in force.
    pub in_force: Option<WrittenInForce>,
    /// Until when it is in quarantine.
    pub quarantine: Option<WrittenQuarantine>,
}

/// What is in force on a device.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenInForce {
    /// The change that brought it.
    pub change: String,
    /// Since when.
    pub since: String,
    /// `applied` or `rolled-back`.
    pub result: &'static str,
    /// The digest of its bytes.
    pub bytes: String,
    /// The commit that holds them.
    pub head: String,
}

/// A quarantine.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenQuarantine {
    /// Until when.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Who put it there.
    pub by: String,
}

impl WrittenInForce {
    fn of(known: &InForce) -> WrittenInForce {
        WrittenInForce {
            change: known.change.clone(),
            since: known.at.to_string(),
            result: known.result.name(),
            bytes: known.bytes.to_string(),
            head: known.head.clone(),
        }
    }
}

impl WrittenStatus {
    fn of(status: &DeviceStatus) -> WrittenStatus {
        let groups = status.roles.iter().filter_map(|r| r.strip_prefix("group:"));
        WrittenStatus {
            device: status.device.clone(),
            environment: status.environment.name(),
            roles: status.roles.iter().filter(|r| !r.starts_with("group:")).cloned().collect(),
            groups: groups.map(str::to_owned).collect(),
            state: status.convergence.name(),
            change: change_of(&status.convergence).map(str::to_owned),
            in_force: status.in_force.as_ref().map(WrittenInForce::of),
            quarantine: status.quarantine.as_ref().map(|q| WrittenQuarantine {
                until: q.until.to_string(),
                reason: q.reason.clone(),
                by: q.by.clone(),
            }),
        }
    }
}

fn change_of(convergence: &Convergence) -> Option<&str> {
    match convergence {
        Convergence::Pushing(change) | Convergence::Partial(change) => Some(change),
        _ => None,
    }
}

fn states(fleet: &[DeviceStatus]) -> BTreeMap<&'static str, usize> {
    let mut out = BTreeMap::new();
    fleet.iter().for_each(|status| *out.entry(status.convergence.name()).or_insert(0) += 1);
    out
}

impl FleetDocument {
    /// The document of these devices.
    pub fn of(fleet: &[DeviceStatus], findings: &[Finding], at: Instant) -> FleetDocument {
        FleetDocument {
            schema: "fwgate.fleet/1",
            at: at.to_string(),
            states: states(fleet),
            devices: fleet.iter().map(WrittenStatus::of).collect(),
            findings: WrittenFinding::all(findings),
        }
    }
}

/// Most devices that are listed one by one; of larger fleets, only those that are not where they should be.
const LISTED: usize = 200;

/// Where a fleet stands, for people.
pub fn fleet_human(fleet: &[DeviceStatus], findings: &[Finding], colour: Colour) -> String {
    let counts: Vec<String> = states(fleet).iter().map(|(state, count)| format!("{count} {state}")).collect();
    let confined = fleet.iter().filter(|s| s.quarantine.is_some()).count();
    let confined = if confined > 0 { format!(", {confined} of them in quarantine") } else { String::new() };
    let mut out = format!("{}: {}{confined}\n\n", counted(fleet.len(), "device"), counts.join(", "));
    let is_plain = |s: &&DeviceStatus| s.convergence == Convergence::Converged && s.quarantine.is_none();
    let shown: Vec<&DeviceStatus> = match fleet.len() > LISTED {
        true => fleet.iter().filter(|s| !is_plain(s)).collect(),
        false => fleet.iter().collect(),
    };
    let rows: Vec<[String; 5]> = shown.iter().take(LISTED).map(|s| row(s)).collect();
    out += &table(["device", "environment", "roles", "in force", "state"], &rows);
    if shown.len() > LISTED {
        let _ = writeln!(out, "and {} more that are not converged (--format json lists all)", shown.len() - LISTED);
    }
    if !findings.is_empty() {
        let _ = write!(out, "\n{}: {}\n", counted(findings.len(), "finding"), severities(findings));
    }
    for finding in findings.iter().take(LISTED) {
        let _ = write!(out, "\n{}", finding_human(finding, colour));
    }
    out
}

/// What is in force, since when: what a change brought, or what was there before it was taken back.
fn in_force_words(known: &InForce) -> String {
    let before = if known.result == ResultKind::RolledBack { "before " } else { "" };
    format!("{before}{} since {}", known.change, known.at)
}

fn row(status: &DeviceStatus) -> [String; 5] {
    let sign = match (&status.convergence, &status.quarantine) {
        (_, Some(_)) => '!',
        (Convergence::Converged, _) => '=',
        (Convergence::Partial(_), _) => '!',
        _ => '~',
    };
    let in_force = match &status.in_force {
        Some(known) => in_force_words(known),
        None => "nobody knows".to_owned(),
    };
    let state = match &status.convergence {
        Convergence::Converged => "converged".to_owned(),
        Convergence::Pending => "main differs: push it, or merge what is in force".to_owned(),
        Convergence::RolledBack => "rolled back: main differs from what is in force".to_owned(),
        Convergence::Pushing(change) => format!("{change} is being pushed"),
        Convergence::Partial(change) => format!("PARTIAL after {change}"),
        Convergence::NeverRead => "never read".to_owned(),
        Convergence::Gone => "gone from main".to_owned(),
    };
    let quarantine = status.quarantine.as_ref().map(|q| format!(", quarantined until {}", q.until)).unwrap_or_default();
    let roles = if status.roles.is_empty() { "-".to_owned() } else { status.roles.join(" ") };
    [format!("{sign} {}", status.device), status.environment.name().to_owned(), roles, in_force, state + &quarantine]
}

/// Rows under a head, each column as wide as its widest cell.
fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let shown: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| visible(cell).into_owned())).collect();
    let mut head = head;
    // Below it stands a sign in front of each name.
    let first = format!("  {}", head.first().copied().unwrap_or_default());
    if let Some(cell) = head.first_mut() {
        *cell = &first;
    }
    let mut widths = head.map(|cell| cell.chars().count());
    for row in &shown {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut out = line(head);
    shown.iter().for_each(|row| out += &line(row.each_ref().map(String::as_str)));
    out
}

/// Against what a device was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// What the ledger, or an adoption, says is in force.
    Ledger,
    /// The protected branch stands in: the ledger does not know the device.
    Protected,
    /// A tree that somebody named.
    Tree,
}

impl Against {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Against::Ledger => "ledger",
            Against::Protected => "protected",
            Against::Tree => "tree",
        }
    }
}

/// One device that was looked at, or could not be.
#[derive(Clone, Debug)]
pub struct DriftView {
    /// Its name.
    pub device: String,
    /// Against what it was held; `None` where nobody knows what it should run.
    pub against: Option<Against>,
    /// What is in force by the ledger.
    pub in_force: Option<InForce>,
    /// What was found.
    pub state: DriftState,
    /// Devices of one number were compared in one go.
    pub comparison: Option<usize>,
}

/// What was found of one device.
#[derive(Clone, Debug)]
pub enum DriftState {
    /// It runs what it should.
    Same,
    /// It does not: it filters otherwise, or sends packets elsewhere.
    Drifted(Vec<DriftDifference>, Vec<RouteDifference>),
    /// It could not be read or compared, in words.
    Unread(String),
    /// Nobody knows such a device.
    Unknown,
}

/// One way in which a device does something else.
#[derive(Clone, Debug)]
pub struct DriftDifference {
    /// `input`, `forward` or `output`.
    pub hook: &'static str,
    /// 4 or 6.
    pub family: u8,
    /// What becomes of packets: `opened`, `closed`, `refusal`, `translated`; `None` where the device says nothing of the family.
    pub effect: Option<&'static str>,
    /// One such packet.
    pub witness: Option<Packet>,
}

impl DriftState {
    /// As reports write it.
    pub fn name(&self) -> &'static str {
        match self {
            DriftState::Same => "same",
            DriftState::Drifted(..) => "drifted",
            DriftState::Unread(_) => "unread",
            DriftState::Unknown => "unknown",
        }
    }
}

/// What came of a look at a fleet.
#[derive(Clone, Debug, Serialize)]
pub struct DriftDocument {
    /// `fwgate.drift/1`.
    pub schema: &'static str,
    /// `same`, `drifted`, or `unknown` where some device could not be judged and none drifted.
    pub verdict: &'static str,
    /// `live` or `folder`.
    pub read: &'static str,
    /// How many comparisons it took.
    pub comparisons: usize,
    /// How many devices are in which state.
    pub states: BTreeMap<&'static str, usize>,
    /// The devices, in order of name.
    pub devices: Vec<WrittenDrift>,
    /// The findings.
    pub findings: Vec<WrittenFinding>,
}

/// One device.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenDrift {
    /// Its name.
    pub device: String,
    /// `same`, `drifted`, `unread`, `unknown`.
    pub state: &'static str,
    /// `ledger`, `protected`, `tree`, or null.
    pub against: Option<&'static str>,
    /// The change that brought what is in force.
    pub change: Option<String>,
    /// Since when it is in force.
    pub since: Option<String>,
    /// Where it does something else.
    pub differences: Vec<WrittenDifference>,
    /// Where it sends packets elsewhere.
    pub routes: Vec<WrittenRoute>,
    /// Why it could not be judged.
    pub message: Option<String>,
}

/// One difference.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenDifference {
    /// `input`, `forward` or `output`.
    pub hook: &'static str,
    /// 4 or 6.
    pub family: u8,
    /// `opened`, `closed`, `refusal`, `translated`, or null where the device says nothing of the family.
    pub effect: Option<&'static str>,
    /// One such packet.
    pub witness: Option<Value>,
}

/// Destinations that go another way than they should.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenRoute {
    /// 4 or 6.
    pub family: u8,
    /// The table, where no rule asks it; null for what the rules make of all tables.
    pub table: Option<String>,
    /// `lost`, `blackholed`, `captured`, `rerouted`, `restored`, `gained`, `altered`.
    pub effect: &'static str,
    /// The destinations, and what else packets must be.
    pub to: String,
    /// Where they should go.
    pub expected: String,
    /// Where they go.
    pub seen: String,
}

impl WrittenRoute {
    fn of(route: &RouteDifference) -> WrittenRoute {
        let RouteDifference { family, table, kind, to, expected, seen } = route.clone();
        WrittenRoute { family: family.number(), table, effect: kind, to, expected, seen }
    }
}

impl DriftDocument {
    /// The document of a look.
    pub fn of(read: &'static str, comparisons: usize, devices: &[DriftView], findings: &[Finding]) -> DriftDocument {
        let mut states = BTreeMap::new();
        devices.iter().for_each(|d| *states.entry(d.state.name()).or_insert(0) += 1);
        let verdict = match () {
            () if states.contains_key("drifted") => "drifted",
            () if states.contains_key("unread") => "unknown",
            () => "same",
        };
        DriftDocument {
            schema: "fwgate.drift/1",
            verdict,
            read,
            comparisons,
            states,
            devices: devices.iter().map(WrittenDrift::of).collect(),
            findings: WrittenFinding::all(findings),
        }
    }
}

impl WrittenDrift {
    fn of(view: &DriftView) -> WrittenDrift {
        let written = |d: &DriftDifference| WrittenDifference {
            hook: d.hook,
            family: d.family,
            effect: d.effect,
            witness: d.witness.as_ref().map(packet_to_json),
        };
        let (differences, routes) = match &view.state {
            DriftState::Drifted(all, routes) => {
                (all.iter().map(written).collect(), routes.iter().map(WrittenRoute::of).collect())
            }
            _ => (Vec::new(), Vec::new()),
        };
        let message = match &view.state {
            DriftState::Unread(why) => Some(why.clone()),
            _ => None,
        };
        WrittenDrift {
            device: view.device.clone(),
            state: view.state.name(),
            against: view.against.map(Against::name),
            change: view.in_force.as_ref().map(|k| k.change.clone()),
            since: view.in_force.as_ref().map(|k| k.at.to_string()),
            differences,
            routes,
            message,
        }
    }
}

/// How many names and differences of one kind are shown.
const SHOWN: usize = 8;

/// What came of a look at a fleet, for people: devices that differ in the same way stand together.
pub fn drift_human(document: &DriftDocument, devices: &[DriftView], findings: &[Finding], colour: Colour) -> String {
    let of = |state: &str| document.states.get(state).copied().unwrap_or_default();
    let (drifted, unread) = (of("drifted"), of("unread"));
    let scope = format!("{}, {}", counted(devices.len(), "device"), counted(document.comparisons, "comparison"));
    let mut out = match (drifted, unread) {
        (0, 0) => format!("= no drift ({scope})\n"),
        (0, n) => format!("no verdict: {} could not be judged ({scope})\n", counted(n, "device")),
        (n, 0) => format!("{} drifted ({scope})\n", counted(n, "device")),
        (n, more) => format!("{} drifted, {more} could not be judged ({scope})\n", counted(n, "device")),
    };
    let standing_in = devices.iter().filter(|d| d.against == Some(Against::Protected)).count();
    if standing_in > 0 {
        let _ = writeln!(
            out,
            "the protected branch stands in for {} that the ledger does not know",
            counted(standing_in, "device")
        );
    }
    for group in groups(devices) {
        let _ = write!(out, "\n{}", group_words(&group));
    }
    let others: Vec<&Finding> = findings.iter().filter(|f| f.code != &crate::finding::DEVICE_DRIFTED).collect();
    for finding in others.iter().take(LISTED) {
        let _ = write!(out, "\n{}", finding_human(finding, colour));
    }
    if others.len() > LISTED {
        let _ = writeln!(out, "\nand {} more findings (--format json lists all)", others.len() - LISTED);
    }
    out
}

/// Drifted devices that were compared in one go.
fn groups(devices: &[DriftView]) -> Vec<Vec<&DriftView>> {
    let mut out: BTreeMap<Option<usize>, Vec<&DriftView>> = BTreeMap::new();
    for device in devices.iter().filter(|d| matches!(d.state, DriftState::Drifted(..))) {
        out.entry(device.comparison).or_default().push(device);
    }
    out.into_values().collect()
}

fn group_words(group: &[&DriftView]) -> String {
    let names: Vec<String> = group.iter().take(SHOWN).map(|d| format!("`{}`", visible(&d.device))).collect();
    let more = if group.len() > SHOWN { format!(" and {} more", group.len() - SHOWN) } else { String::new() };
    let verb = if group.len() == 1 { "runs" } else { "run" };
    let mut out = format!(
        "{}[{}]: {}{more} {verb} something else than what is in force\n",
        Severity::Error,
        crate::finding::DEVICE_DRIFTED.id,
        names.join(", ")
    );
    let Some(DriftState::Drifted(all, routes)) = group.first().map(|d| &d.state) else { return out };
    for difference in all.iter().take(SHOWN) {
        let sign = match difference.effect {
            Some("opened") => '+',
            Some("closed") | None => '-',
            Some(_) => '~',
        };
        let effect = difference.effect.unwrap_or("nothing is said about the family");
        let packet = difference.witness.as_ref().map(|p| format!(": {}", packet_words(p))).unwrap_or_default();
        let _ = writeln!(out, "  {sign} {} IPv{} {effect}{packet}", difference.hook, difference.family);
    }
    for route in routes.iter().take(SHOWN) {
        let _ = writeln!(out, "  ~ routes {} {}: {}", route.family, route.kind, visible(&route.to_string()));
    }
    let hidden = all.len().saturating_sub(SHOWN) + routes.len().saturating_sub(SHOWN);
    if hidden > 0 {
        let _ = writeln!(out, "  and {} more", counted(hidden, "difference"));
    }
    let in_force = group.first().and_then(|d| d.in_force.as_ref());
    if let Some(known) = in_force {
        let _ = writeln!(out, "   = in force: {}", visible(&in_force_words(known)));
    }
    let name = group.first().map(|d| visible(&d.device).into_owned()).unwrap_or_default();
    let _ = writeln!(
        out,
        "   = help: `fwgate rollback {name}` brings it back, `fwgate adopt {name}` makes it the baseline"
    );
    out
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_stand_below_their_heads_however_short_the_names_are() {
        let rows = [["~ a1".to_owned(), "x".to_owned()]];
        assert_eq!(table(["device", "state"], &rows), "  device  state\n~ a1      x\n");
    }
}
