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
