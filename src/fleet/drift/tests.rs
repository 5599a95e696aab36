//! Equal work is done once, and the number of threads changes nothing.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::policy::{PolicyFiles, read_policy};

fn rules(ports: &[u16]) -> Vec<InputFile> {
    let lines: String = ports.iter().map(|p| format!("-A INPUT -p tcp -m tcp --dport {p} -j ACCEPT\n")).collect();
    let text = format!("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{lines}COMMIT\n");
    vec![InputFile { name: "rules.v4".to_owned(), bytes: text.into_bytes().into() }]
}

fn subject(device: &str, expected: usize, seen: usize) -> Subject {
    Subject { device: device.to_owned(), roles: Vec::new(), expected, seen }
}

fn states(drift: &Drift) -> Vec<bool> {
    drift.compared.iter().map(|c| c.as_ref().as_ref().is_ok_and(Converged::is_equal)).collect()
}

#[test]
fn devices_of_the_same_sides_are_compared_once() {
    let configuration = |ports: &[u16]| Configuration { files: rules(ports).into(), options: ReadOptions::default() };
    let expected = [configuration(&[22, 80]), configuration(&[443])];
    let seen = [
        rules(&[80, 22]),
        rules(&[22]),
        vec![InputFile { name: "rules.v4".into(), bytes: b"nonsense".to_vec().into() }],
    ];
    let mut subjects = vec![subject("odd", 1, 0), subject("gone", 0, 2), subject("short", 0, 1)];
    subjects.extend((0..50).map(|at| subject(&format!("edge{at}"), 0, 0)));
    let policy = "version = 1\n[[unmanaged]]\ndevices = [\"edge7\"]\nchains = [\"DOCKER*\"]\n";
    let policy = read_policy(&PolicyFiles::single("fwgate.toml", policy)).unwrap_or_else(|e| panic!("{e:?}"));
    let bounds = Bounds::default();
    let fleet = Fleet { subjects: &subjects, expected: &expected, seen: &seen, unmanaged: &policy.unmanaged, bounds };
    let one = drift(&fleet, 1);
    assert_eq!(one.distinct, 5, "odd, gone, short, the others, and edge7 with its containers");
    let mut wanted = vec![true; 53];
    wanted[..3].fill(false);
    assert_eq!(states(&one), wanted);
    assert!(one.compared[1].as_ref().as_ref().is_err_and(|e| matches!(e, ReadbackError::Seen(_))));
    for threads in [2, 7] {
        let many = drift(&fleet, threads);
        assert_eq!(format!("{:?}", many.compared), format!("{:?}", one.compared));
    }
}

/// The inventory tells devices apart whose files are the same: they are one comparison, and one each only where a rule asks for facts.
#[test]
fn facts_tell_devices_apart_only_where_rules_ask_for_them() {
    let facts = |at: u8| ReadOptions {
        facts: crate::ruleset::DeviceFacts {
            addresses: Some(vec![format!("10.0.0.{at}/24").parse().unwrap()]),
            interfaces: Some(vec![format!("eth{at}")]),
            ..Default::default()
        },
        ..ReadOptions::default()
    };
    let line = |line: &str| {
        let text = format!("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{line}COMMIT\n");
        vec![InputFile { name: "rules.v4".to_owned(), bytes: text.into_bytes().into() }]
    };
    let compared = |own: Vec<InputFile>, seen: &[Vec<InputFile>]| {
        let files: Arc<[InputFile]> = own.into();
        let expected: Vec<Configuration> =
            (1..=20).map(|at| Configuration { files: files.clone(), options: facts(at) }).collect();
        let subjects: Vec<Subject> =
            (0..20).map(|at| subject(&format!("edge{at:02}"), at, at.min(seen.len() - 1))).collect();
        let fleet = Fleet { subjects: &subjects, expected: &expected, seen, unmanaged: &[], bounds: Bounds::default() };
        let found = drift(&fleet, 2);
        (found.distinct, states(&found).into_iter().filter(|same| *same).count())
    };
    let local = "-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT\n";
    assert_eq!(compared(rules(&[22]), &[rules(&[22])]), (1, 20));
    assert_eq!(compared(rules(&[22]), &[rules(&[23]), rules(&[22])]), (2, 19), "one was edited by hand");
    assert_eq!(compared(line(local), &[line(local)]), (20, 20));
    assert_eq!(compared(rules(&[22]), &[line(local), rules(&[22])]), (2, 19), "only the first one asks for facts");
    let own = line("-A INPUT -d 10.0.0.1 -j ACCEPT\n-A INPUT -d 127.0.0.0/8 -j ACCEPT\n");
    assert_eq!(compared(own, &[line(local)]).0, 20, "what the device says may ask for them as well");
}
