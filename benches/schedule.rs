//! What a full calendar costs: 200 scheduled changes on 40 devices of 1,000 rules each, every pair that shares a device put together and
//! proved in both orders.
//!
//!     cargo bench --bench schedule              # with criterion
//!     cargo bench --bench schedule -- --once    # once, with wall time
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod families;

use criterion::Criterion;
use families::{acl, iptables};
use fwgate::diff::Bounds;
use fwgate::gate::{DeviceBytes, Instant, Library, Planned, Terms, clashes, read_request};
use fwgate::policy::{ChangeRequest, PolicyFiles, read_policy};
use std::hint::black_box;
use std::time::Duration;

const CHANGES: usize = 200;
const DEVICES: usize = 40;
const RULES: usize = 1_000;

/// One change: its device before and after.
struct Change {
    id: String,
    baseline: [DeviceBytes; 1],
    proposal: [DeviceBytes; 1],
}

fn main() {
    let texts: Vec<String> = (0..DEVICES).map(|seed| iptables(&acl(RULES, seed as u64))).collect();
    let changes: Vec<Change> = (0..CHANGES).map(|at| change(at, &texts[at % DEVICES])).collect();
    if std::env::args().any(|a| a == "--once") {
        let begun = std::time::Instant::now();
        let found = proved(&changes);
        println!("{CHANGES} changes on {DEVICES} devices: {found} clashes, {:.2} s", begun.elapsed().as_secs_f64());
        return;
    }
    let mut criterion =
        Criterion::default().configure_from_args().sample_size(10).measurement_time(Duration::from_secs(60));
    criterion.bench_function("200 scheduled changes on 40 devices of 1,000 rules, proved beside each other", |b| {
        b.iter(|| black_box(proved(&changes)));
    });
    criterion.final_summary();
}

/// A rule of its own, far from those of the other changes of the device.
fn change(at: usize, text: &str) -> Change {
    let device = format!("fw{:03}", at % DEVICES);
    let place = (at / DEVICES + 1) * RULES / (CHANGES / DEVICES + 1);
    let rule =
        format!("-A FORWARD -s 198.51.100.{}/32 -d 203.0.113.9/32 -p tcp -m tcp --dport 443 -j ACCEPT", at % 256);
    let mut lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|l| l.starts_with("-A ")).unwrap();
    lines.insert(first + place.min(lines.len() - first - 2), &rule);
    let side = |text: String| {
        let files = vec![(format!("devices/{device}/rules.v4"), text.into_bytes().into())];
        [DeviceBytes { device: device.clone(), files }]
    };
    Change { id: format!("CHG-{at:03}"), baseline: side(text.to_owned()), proposal: side(lines.join("\n") + "\n") }
}

fn proved(changes: &[Change]) -> usize {
    let policy = read_policy(&PolicyFiles::single("fwgate.toml", "version = 1\n")).unwrap();
    let request = "id = \"CHG-1\"\ntitle = \"t\"\nclass = \"normal\"\nreason = \"r\"\ndevices = [\"fw*\"]\n";
    let (request, _): (ChangeRequest, String) =
        read_request("changes/CHG-1.toml", request.as_bytes(), &policy).unwrap();
    let beside = [Vec::new(), Vec::new()];
    let all: Vec<Planned<'_>> = changes
        .iter()
        .map(|c| Planned {
            id: &c.id,
            window: Some((Instant(0), Instant(7_200))),
            baseline: &c.baseline,
            proposal: &c.proposal,
            beside: &beside,
            request: &request,
        })
        .collect();
    let terms = Terms { policy: &policy, bounds: Bounds::default(), now: Instant(1_796_126_400) };
    clashes(&all, terms, &mut Library::default()).len()
}
