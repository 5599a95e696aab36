//! `docs/calendar.md` row by row, and the window of one change.

use fwgate::gate::*;
use fwgate::policy::*;
use std::time::Duration;

const PAGE: &str = include_str!("../../docs/calendar.md");

/// The rows of the table whose head begins with these columns.
fn rows(head: &str) -> Vec<Vec<String>> {
    let table = PAGE.split(&format!("\n| {head} |")).nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|l| l.starts_with('|'));
    rows.map(|l| l.split('|').skip(1).map(|c| c.trim().to_owned()).collect()).collect()
}

fn policy(text: &str) -> Policy {
    let text = format!("version = 1\n{text}");
    read_policy(&PolicyFiles::single("fwgate.toml", text)).unwrap_or_else(|e| panic!("{:?}", e.problems))
}

fn at(text: &str) -> Instant {
    Instant::read(text).unwrap_or_else(|| panic!("{text}"))
}

fn device(name: &str) -> TargetDevice {
    TargetDevice { device: name.into(), roles: vec!["border".into()], environment: Environment::Production }
}

fn window(days: &str, from: &str, to: &str, zone: &str, more: &str) -> String {
    let days: Vec<String> = days.split_whitespace().map(|d| format!("\"{d}\"")).collect();
    format!("[[window]]\ndays = [{}]\nfrom = \"{from}\"\nto = \"{to}\"\nzone = \"{zone}\"\n{more}\n", days.join(", "))
}

#[test]
fn windows_open_as_the_table_says() {
    let rows = rows("days | from | to | zone | instant | verdict | because");
    assert!(rows.len() >= 40, "{}", rows.len());
    for row in rows {
        let [days, from, to, zone, instant, verdict, ..] = row.as_slice() else { panic!("{row:?}") };
        let (calendar, reasons) = calendar(&policy(&window(days, from, to, zone, "")));
        assert_eq!(reasons, [], "{row:?}");
        let open = calendar.opening_at(&[device("edge1")], at(instant));
        assert_eq!(open.is_some(), verdict == "open", "{row:?}: {open:?}");
    }
}

#[test]
fn freezes_are_what_the_table_says() {
    let rows = rows("from | to | verdict | because");
    assert!(rows.len() >= 14);
    for row in rows {
        let [from, to, verdict, ..] = row.as_slice() else { panic!("{row:?}") };
        let text = format!("version = 1\n[[freeze]]\nfrom = \"{from}\"\nto = \"{to}\"\nreason = \"table\"");
        let seen = match read_policy(&PolicyFiles::single("fwgate.toml", text)) {
            Err(e) => {
                assert!(e.problems.iter().all(|p| subject_of(p) == Some(Topic::Time)), "{row:?}");
                "SCHEDULE_INVALID".to_owned()
            }
            Ok(policy) => {
                let (calendar, reasons) = calendar(&policy);
                let whole = Period { start: Instant(0), end: Instant::LAST };
                match calendar.freezes_in(&[device("edge1")], ChangeClass::Normal, whole).first() {
                    Some((_, period)) => period.to_string(),
                    None => reasons[0].code.to_string(),
                }
            }
        };
        assert_eq!(&seen, verdict, "{row:?}");
    }
}

#[test]
fn a_freeze_binds_its_devices_and_all_classes_but_those_it_allows() {
    let text = "[[freeze]]\nfrom = \"2026-12-18T00:00:00Z\"\nto = \"2027-01-04T00:00:00Z\"\nreason = \"year end\"\nallow = [\"emergency\"]\ndevices = [\"edge*\"]";
    let (calendar, _) = calendar(&policy(text));
    let moment = |text: &str| Period { start: at(text), end: Instant(at(text).0 + 1) };
    let frozen = |name: &str, class, text: &str| !calendar.freezes_in(&[device(name)], class, moment(text)).is_empty();
    assert!(frozen("edge1", ChangeClass::Normal, "2026-12-20T00:00:00Z"));
    assert!(!frozen("edge1", ChangeClass::Emergency, "2026-12-20T00:00:00Z"));
    assert!(!frozen("core1", ChangeClass::Normal, "2026-12-20T00:00:00Z"));
    assert!(frozen("edge1", ChangeClass::Normal, "2026-12-18T00:00:00Z"));
    assert!(!frozen("edge1", ChangeClass::Normal, "2026-12-17T23:59:59Z"));
    assert!(!frozen("edge1", ChangeClass::Normal, "2027-01-04T00:00:00Z"));
}

#[test]
fn windows_without_a_day_a_device_or_a_zone_are_refused() {
    for text in [
        window("", "22:00", "02:00", "UTC", ""),
        window("tue", "22:00", "02:00", "UTC", "devices = []"),
        window("tue", "22:00", "02:00", "Europe/Atlantis", ""),
        window("tue", "22:00", "02:00", "europe/berlin", ""),
    ] {
        let (calendar, reasons) = calendar(&policy(&text));
        assert_eq!(reasons.iter().map(|r| r.code).collect::<Vec<_>>(), [ReasonCode::ScheduleInvalid], "{text}");
        assert_eq!(calendar.opening_at(&[device("edge1")], at("2026-12-01T23:00:00Z")), None);
    }
}

#[test]
fn several_devices_go_while_a_window_is_open_for_each() {
    let text = window("tue", "20:00", "23:00", "UTC", "devices = [\"edge1\"]")
        + &window("tue", "22:00", "02:00", "UTC", "devices = [\"core1\"]");
    let (calendar, _) = calendar(&policy(&text));
    let open = |names: &[&str]| {
        let targets: Vec<TargetDevice> = names.iter().map(|n| device(n)).collect();
        calendar.openings(&targets, at("2026-12-01T00:00:00Z"), 3).first().map(Period::to_string)
    };
    assert_eq!(open(&["edge1", "core1"]).as_deref(), Some("2026-12-01T22:00:00Z to 2026-12-01T23:00:00Z"));
    assert_eq!(open(&["core1"]).as_deref(), Some("2026-12-01T22:00:00Z to 2026-12-02T02:00:00Z"));
    assert_eq!(open(&["edge1", "other"]), None);
    assert_eq!(open(&[]), None);
}

struct Moment {
    announced: Option<&'static str>,
    lead: u64,
    wish: Option<(&'static str, &'static str)>,
    record: Option<(&'static str, &'static str, Option<&'static str>)>,
    now: &'static str,
}

const MOMENT: Moment =
    Moment { announced: Some("2026-12-01T10:00:00Z"), lead: 4, wish: None, record: None, now: "2026-12-01T15:00:00Z" };

fn slot_of(moment: &Moment) -> Slot {
    let (calendar, _) = calendar(&policy(&window("tue thu", "22:00", "02:00", "UTC", "")));
    let period = |start: &str, end: &str| Period { start: at(start), end: at(end) };
    slot(
        &calendar,
        &Booking {
            targets: &[device("edge1")],
            announced: moment.announced.map(at),
            lead_time: Duration::from_secs(moment.lead * 3600),
            wish: moment.wish.map(|(start, end)| period(start, end)),
            record: moment.record.map(|(start, end, seen)| (period(start, end), seen.map(at))),
            now: at(moment.now),
        },
    )
}

fn window_of(moment: &Moment) -> String {
    slot_of(moment).period.map_or("none".into(), |p| p.to_string())
}

#[test]
fn a_change_schedules_itself_into_the_next_window_behind_its_lead_time() {
    let next = "2026-12-01T22:00:00Z to 2026-12-02T02:00:00Z";
    assert_eq!(window_of(&MOMENT), next);
    assert_eq!(window_of(&Moment { now: "2026-12-02T01:59:59Z", ..MOMENT }), next);
    let thursday = "2026-12-03T22:00:00Z to 2026-12-04T02:00:00Z";
    assert_eq!(window_of(&Moment { now: "2026-12-02T02:00:00Z", ..MOMENT }), thursday);
    let late = Moment { announced: Some("2026-12-01T20:30:00Z"), ..MOMENT };
    assert_eq!(window_of(&late), "2026-12-02T00:30:00Z to 2026-12-02T02:00:00Z");
    assert_eq!(window_of(&Moment { announced: Some("2026-12-01T22:00:00Z"), ..MOMENT }), thursday);
    assert_eq!(window_of(&Moment { announced: None, ..MOMENT }), "none");
    assert_eq!(window_of(&Moment { announced: None, lead: 0, ..MOMENT }), next);
}

#[test]
fn a_wish_holds_inside_a_window_and_a_record_holds_always() {
    let wish = Some(("2026-12-03T23:00:00Z", "2026-12-04T01:00:00Z"));
    assert_eq!(window_of(&Moment { wish, ..MOMENT }), "2026-12-03T23:00:00Z to 2026-12-04T01:00:00Z");
    let next = "2026-12-01T22:00:00Z to 2026-12-02T02:00:00Z";
    let outside = Moment { wish: Some(("2026-12-03T21:00:00Z", "2026-12-04T01:00:00Z")), ..MOMENT };
    assert_eq!((window_of(&outside).as_str(), slot_of(&outside).is_outside_policy), (next, true));
    let hasty = Some(("2026-12-01T22:00:00Z", "2026-12-01T23:00:00Z"));
    assert_eq!(window_of(&Moment { wish: hasty, lead: 13, ..MOMENT }), "2026-12-01T23:00:00Z to 2026-12-02T02:00:00Z");
    let record = Some(("2026-12-03T23:00:00Z", "2026-12-03T23:30:00Z", Some("2026-12-02T00:00:00Z")));
    let moved = Moment { wish: hasty, record, ..MOMENT };
    assert_eq!(window_of(&moved), "2026-12-03T23:00:00Z to 2026-12-03T23:30:00Z");
    assert_eq!(slot_of(&moved).ready, Some(at("2026-12-02T04:00:00Z")));
    let unseen = Moment { record: Some(("2026-12-03T23:00:00Z", "2026-12-03T23:30:00Z", None)), ..MOMENT };
    assert_eq!(slot_of(&unseen).ready, None);
}
