//! Two changes beside each other.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::gate::analysis::tests::{device, policy, request};
use crate::gate::calendar::Period;

const SAME: [&str; 2] = [
    "-A FORWARD -s 10.2.0.0/16 -d 10.3.0.0/16 -p tcp --dport 22 -j ACCEPT\n",
    "-A FORWARD -s 10.0.0.0/8 -d 10.3.0.0/16 -p tcp --dport 22 -j ACCEPT\n",
];
const BETWEEN: &str = "-A FORWARD -s 10.5.0.0/16 -p udp --dport 53 -j ACCEPT\n";
const REQUIRE: &str = "[[require]]\nid = \"ssh\"\nreason = \"r\"\nfrom = [\"10.2.0.0/16\"]\nto = [\"10.3.0.0/16\"]\nservice = [\"tcp/22\"]\nhook = \"forward\"\n";
const ESTABLISHED: &str = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";

/// 2026-12-01, noon.
const NOW: Instant = Instant(1_796_126_400);
static NOTHING: [Vec<TreeFile>; 2] = [Vec::new(), Vec::new()];

fn window(from: i64, to: i64) -> Option<(Instant, Instant)> {
    Some((Instant(from), Instant(to)))
}

/// The codes, with details, against each of two changes of one device.
fn codes(base: &str, sides: [&str; 2], windows: [Option<(Instant, Instant)>; 2], more: &str) -> [Vec<String>; 2] {
    let policy = policy(more);
    let (request, _) = request("", &policy);
    let baseline = [device("edge1", base)];
    let proposals = sides.map(|rules| [device("edge1", rules)]);
    let planned = |at: usize, id| Planned {
        id,
        window: windows[at],
        baseline: &baseline,
        proposal: &proposals[at],
        beside: &NOTHING,
        request: &request,
    };
    let changes = [planned(0, "CHG-1"), planned(1, "CHG-2")];
    let terms = Terms { policy: &policy, bounds: Bounds::default(), now: NOW };
    let found = beside(&changes, None, terms, &mut Library::default());
    ["CHG-1", "CHG-2"].map(|id| {
        let all = found.get(id).into_iter().flatten();
        all.map(|r| format!("{}{}", r.code, r.detail.as_ref().map(|d| format!(" {d}")).unwrap_or_default())).collect()
    })
}

fn never() -> [Option<(Instant, Instant)>; 2] {
    [window(0, 10), window(10, 20)]
}

#[test]
fn changes_of_other_packets_and_lines_go_beside_each_other() {
    let one = format!("{BETWEEN}-A FORWARD -d 10.8.0.0/16 -p tcp --dport 80 -j ACCEPT\n");
    let other = format!("-A FORWARD -d 10.9.0.0/16 -p tcp --dport 81 -j ACCEPT\n{BETWEEN}");
    let longer = |rules: &str| rules.replace(BETWEEN, &format!("{BETWEEN}{}{BETWEEN}", SAME[0]));
    let found = codes(&longer(BETWEEN), [&longer(&one), &longer(&other)], [None, None], "");
    assert_eq!(found, [Vec::<String>::new(), Vec::new()]);
    let appended = |port: u32| format!("{BETWEEN}-A FORWARD -d 10.8.0.0/16 -p tcp --dport {port} -j ACCEPT\n");
    let [first, _] = codes(BETWEEN, [&appended(80), &appended(81)], never(), "");
    assert_eq!(first, ["CONFLICT text"], "git would not merge them");
}

#[test]
fn one_packet_in_one_window_is_a_conflict() {
    let base = format!("{BETWEEN}{}{BETWEEN}", SAME[0]);
    let one = format!("{base}-A FORWARD -d 10.8.0.0/16 -p tcp --dport 80 -j ACCEPT\n");
    let other = format!("-A FORWARD -d 10.8.0.0/24 -p tcp -j ACCEPT\n{base}");
    let [first, second] = codes(&base, [&one, &other], [window(0, 10), window(5, 15)], "");
    assert_eq!(first, ["CONFLICT packets", "PROOF_STALE"]);
    assert_eq!(second, first);
    let [first, _] = codes(&base, [&one, &other], never(), "");
    assert_eq!(first, ["PROOF_STALE"]);
}

#[test]
fn one_line_is_a_conflict_whenever() {
    let edit = |port: u32| BETWEEN.replace("53", &port.to_string());
    let [first, second] = codes(BETWEEN, [&edit(54), &edit(55)], never(), "");
    assert_eq!([first, second], [vec!["CONFLICT text"], vec!["CONFLICT text"]]);
}

#[test]
fn two_good_changes_that_break_a_requirement_together_are_stale() {
    let [a, b] = SAME;
    let base = format!("{ESTABLISHED}{a}{BETWEEN}{BETWEEN}{b}");
    let sides = [format!("{ESTABLISHED}{BETWEEN}{BETWEEN}{b}"), format!("{ESTABLISHED}{a}{BETWEEN}{BETWEEN}")];
    // The second one closes what the first one relies on, and no packet is changed by both alone.
    let narrowed = sides.clone();
    let [first, second] = codes(&base, [&narrowed[0], &narrowed[1]], [None, None], REQUIRE);
    assert_eq!([first, second], [vec!["PROOF_STALE"], vec!["PROOF_STALE"]]);
    let adjacent = format!("{ESTABLISHED}{a}{b}");
    let sides = [format!("{ESTABLISHED}{b}"), format!("{ESTABLISHED}{a}")];
    let [first, _] = codes(&adjacent, [&sides[0], &sides[1]], [None, None], REQUIRE);
    assert_eq!(first, ["CONFLICT text", "PROOF_STALE"]);
}

#[test]
fn hundreds_of_changes_of_other_devices_cost_nothing() {
    let policy = policy("");
    let (request, _) = request("", &policy);
    let names: Vec<String> = (0..400).map(|n| format!("edge{n}")).collect();
    let sides: Vec<[Vec<DeviceBytes>; 2]> =
        names.iter().map(|n| [vec![device(n, BETWEEN)], vec![device(n, SAME[0])]]).collect();
    let planned = |(id, [baseline, proposal]): (&'_ String, &'_ [Vec<DeviceBytes>; 2])| {
        (id.clone(), baseline.clone(), proposal.clone())
    };
    let owned: Vec<_> = names.iter().zip(&sides).map(planned).collect();
    let changes: Vec<Planned<'_>> = owned
        .iter()
        .map(|(id, baseline, proposal)| Planned {
            id,
            window: None,
            baseline,
            proposal,
            beside: &NOTHING,
            request: &request,
        })
        .collect();
    assert!(pairs(&changes).is_empty());
    let terms = Terms { policy: &policy, bounds: Bounds::default(), now: NOW };
    assert!(beside(&changes, None, terms, &mut Library::default()).is_empty());
}

#[test]
fn a_clash_names_device_range_and_window() {
    let base = format!("{BETWEEN}{}{BETWEEN}", SAME[0]);
    let one = format!("{base}-A FORWARD -d 10.8.0.0/16 -p tcp --dport 80 -j ACCEPT\n");
    let other = format!("-A FORWARD -d 10.8.0.0/24 -p tcp -j ACCEPT\n{base}");
    let policy = policy("");
    let (request, _) = request("", &policy);
    let baseline = [device("edge1", &base)];
    let proposals = [[device("edge1", &one)], [device("edge1", &other)]];
    let terms = Terms { policy: &policy, bounds: Bounds::default(), now: NOW };
    let found = |windows: [Option<(Instant, Instant)>; 2]| {
        let planned = |at: usize, id| Planned {
            id,
            window: windows[at],
            baseline: &baseline,
            proposal: &proposals[at],
            beside: &NOTHING,
            request: &request,
        };
        clashes(&[planned(0, "CHG-1"), planned(1, "CHG-2")], terms, &mut Library::default())
    };
    let clashes = found([window(0, 10), window(5, 15)]);
    let packets = clashes.iter().find(|c| c.kind == ClashKind::Packets).unwrap();
    assert_eq!((&packets.changes, &packets.devices), (&["CHG-1".into(), "CHG-2".into()], &vec!["edge1".to_owned()]));
    let region = packets.region.as_ref().unwrap();
    assert_eq!(region.dst.as_deref(), Some(&["10.8.0.0/24".to_owned()][..]));
    assert_eq!(region.dport.as_deref(), Some(&["80".to_owned()][..]));
    assert!(packets.witness.is_some());
    assert_eq!(packets.both, Some(Period { start: Instant(5), end: Instant(10) }));
    // At different times the same packets are no clash; the proof of one beside the other still is.
    let kinds: Vec<ClashKind> = found(never()).iter().map(|c| c.kind).collect();
    assert!(!kinds.contains(&ClashKind::Packets) && kinds.contains(&ClashKind::Proof), "{kinds:?}");
}
