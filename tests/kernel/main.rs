//! The real kernel as judge: fwgate must say of every packet what Linux does with it.
//!
//! Needs root (or unprivileged user namespaces) and the distribution's iptables, nftables, ipset and iproute2;
//! without them the tests say so loudly and pass, unless `FWGATE_REQUIRE_KERNEL=1`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod judge;

use fwgate::packet::{Family, Field, IfaceSide, Interface, Packet};
use fwgate::ruleset::Hook;
use judge::{Backend, Judge, Texts, Verdict};

/// A judge, or nothing where there cannot be one and nobody insists.
fn start(slot: usize) -> Option<Judge> {
    match Judge::start(slot) {
        Ok(judge) => Some(judge),
        Err(judge::Unable(why)) => {
            assert!(std::env::var("FWGATE_REQUIRE_KERNEL").is_err_and(|_| true), "no kernel to ask: {why}");
            eprintln!("SKIPPED: no kernel to ask: {why}");
            None
        }
    }
}

#[test]
fn the_judge_sees_what_the_kernel_does() {
    let Some(mut judge) = start(0) else { return };
    let text = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp --dport 22 -j DROP\nCOMMIT\n";
    let mut packet = Packet::tcp(Family::V4, 0x0a00_0001, 1000, 0x0a01_0001, 22);
    packet.set_interface(IfaceSide::In, Interface::Named("eth0".into()));
    let mut other = packet.clone();
    other.set(Field::Dport, 23);
    for backend in judge.backends.clone() {
        let texts = Texts::of(Family::V4, text.into(), String::new());
        let judged = judge.judge(&texts, backend, Hook::Forward, Family::V4, &[packet.clone(), other.clone()]);
        let verdicts: Vec<Verdict> = judged.expect("loads").into_iter().map(|j| j.verdict).collect();
        assert_eq!(verdicts, [Verdict::Drop("forward".into()), Verdict::Accept], "{backend:?}");
    }
    let _ = Backend::Legacy;
}
