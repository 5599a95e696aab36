//! What the gate judges: trees out of objects, the in-process merge, and refusals with their codes.

use crate::scene::Scene;
use fwgate::cli::input::{ChangeTrees, PinnedChange, Reader};
use fwgate::diff::Bounds;
use fwgate::gate::{
    Analysis, BesideDevices, Case, DeviceBytes, Library, Reason, ReasonCode, analyse, analyse_within, device_digest,
    read_request,
};
use fwgate::policy::{Date, PolicyFiles, read_policy};
use fwgate::vcs::{CommitId, Repository};
use git2::Oid;
use std::collections::BTreeMap;

const BASE: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp --dport 25 -j ACCEPT\n-A INPUT -p tcp --dport 53 -j ACCEPT\nCOMMIT\n";
const FILE: &str = "id = \"CHG-1\"\ntitle = \"t\"\nclass = \"normal\"\nreason = \"r\"\ndevices = [\"edge1\"]\n[[intent]]\neffect = \"opened\"\nfrom = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/443\"]\nhook = \"input\"\n";

fn opened() -> String {
    BASE.replace("COMMIT", "-A INPUT -p tcp --dport 443 -j ACCEPT\nCOMMIT")
}

fn id(s: &Scene, oid: Oid) -> CommitId {
    repository(s).resolve(&oid.to_string()).unwrap().commit
}

fn repository(s: &Scene) -> Repository {
    Repository::discover(&s.path()).unwrap().unwrap()
}

fn trees(s: &Scene, [base, tip, head]: [Oid; 3], in_force: &[DeviceBytes]) -> Result<ChangeTrees, Vec<Reason>> {
    let surroundings = s.surroundings();
    let reader = Reader::new(&surroundings, &fwgate::cli::rulesets::is_ruleset);
    let pinned = PinnedChange { id: "CHG-1", protected: id(s, tip), base: id(s, base), head: id(s, head) };
    let in_force: BTreeMap<String, DeviceBytes> = in_force.iter().map(|d| (d.device.clone(), d.clone())).collect();
    reader.change_trees(&repository(s), &pinned, &in_force)
}

fn analysis(trees: &ChangeTrees, library: &mut Library) -> Result<Analysis, Vec<Reason>> {
    let policy = read_policy(&PolicyFiles::single("fwgate.toml", "version = 1\n")).unwrap();
    let (request, canonical) = read_request(&trees.request.path, &trees.request.bytes, &policy)?;
    let case = Case {
        repository: "example/firewalls",
        baseline: &trees.baseline,
        proposal: &trees.proposal,
        base: &trees.base,
        policy: &policy,
        request: &request,
        canonical_request: &canonical,
        bounds: Bounds::default(),
        today: Date { year: 2026, month: 12, day: 1 },
    };
    analyse(&case, library)
}

fn codes<T>(result: Result<T, Vec<Reason>>) -> Vec<ReasonCode> {
    result.map_or_else(|reasons| reasons.iter().map(|r| r.code).collect(), |_| Vec::new())
}

#[test]
fn the_proposal_is_the_merge_and_other_devices_are_no_targets() {
    let s = Scene::new();
    let other = [("devices/edge2/rules.v4", BASE)];
    let base = s.commit(None, &[], &[&[("devices/edge1/rules.v4", BASE)][..], &other].concat());
    let moved = BASE.replace("--dport 22", "--dport 2222");
    let tip = s.commit(Some("main"), &[base], &[&[("devices/edge1/rules.v4", moved.as_str())][..], &other].concat());
    let new = opened();
    let files = [("devices/edge1/rules.v4", new.as_str()), ("changes/CHG-1.toml", FILE)];
    let head = s.commit(Some("topic"), &[base], &[&files[..], &other].concat());
    let found = trees(&s, [base, tip, head], &[]).unwrap();
    assert_eq!(found.touched, ["changes/CHG-1.toml", "devices/edge1/rules.v4"]);
    assert_eq!(found.assumed, ["edge1", "edge2"]);
    let mut library = Library::default();
    let first = analysis(&found, &mut library).unwrap();
    assert_eq!(first.devices.iter().map(|d| d.0.as_str()).collect::<Vec<_>>(), ["edge1"]);
    assert_eq!(first.says, "edge1 opens tcp/443 from any to any on input (IPv4); closes nothing");
    // Before the base moved, the same change has the same meaning and another content.
    let before = analysis(&trees(&s, [base, base, head], &[]).unwrap(), &mut library).unwrap();
    assert_eq!((before.meaning, before.says), (first.meaning, first.says.clone()));
    assert_ne!(before.content, first.content);
    // A squash of the merge is the same content.
    let merged = String::from_utf8(found.proposal[0].files[0].1.to_vec()).unwrap();
    let files = [("devices/edge1/rules.v4", merged.as_str()), ("changes/CHG-1.toml", FILE)];
    let squash = s.commit(Some("main"), &[tip], &[&files[..], &other].concat());
    let after = analysis(&trees(&s, [base, squash, head], &found.baseline).unwrap(), &mut library).unwrap();
    assert_eq!(after.content, first.content);
    assert_eq!(after.rollback[0].1, device_digest(Some(&found.baseline[0])));
}

/// A permit rests on the zones that stand beside the devices: those of the protected branch, and those of the merge.
#[test]
fn zones_beside_the_devices_are_judged() {
    let s = Scene::new();
    let zone = "$TTL 1h\n@ SOA ns1 h 1 2h 1h 2w 10m\n@ NS ns.example.org.\nportal A 192.0.2.10\n";
    let beside = [("zones/example.net.zone", zone)];
    let old = BASE.replace("COMMIT", "-A FORWARD -d 192.0.2.10 -p tcp --dport 443 -j ACCEPT\nCOMMIT");
    let closes =
        FILE.replace("opened", "closed").replace("to = [\"any\"]", "to = [\"192.0.2.10\"]").replace("input", "forward");
    let base = s.commit(Some("main"), &[], &[&[("devices/edge1/rules.v4", old.as_str())][..], &beside].concat());
    let files = [("devices/edge1/rules.v4", BASE), ("changes/CHG-1.toml", closes.as_str())];
    let head = s.commit(Some("topic"), &[base], &[&files[..], &beside].concat());
    let found = trees(&s, [base, base, head], &[]).unwrap();
    let [old, new] = &found.beside;
    assert_eq!((old[0].path.as_str(), old), ("zones/example.net.zone", new));
    let policy = read_policy(&PolicyFiles::single("fwgate.toml", "version = 1\n")).unwrap();
    let (request, canonical) = read_request(&found.request.path, &found.request.bytes, &policy).unwrap();
    let case = Case {
        repository: "example/firewalls",
        baseline: &found.baseline,
        proposal: &found.proposal,
        base: &found.base,
        policy: &policy,
        request: &request,
        canonical_request: &canonical,
        bounds: Bounds::default(),
        today: Date { year: 2026, month: 12, day: 1 },
    };
    let blocked = |around: &BesideDevices<'_>| {
        let analysis = analyse_within(&case, around, &mut Library::default()).unwrap();
        let has_finding = analysis.report.findings.iter().any(|f| f.code.id == "FW702");
        (has_finding, analysis.is_refused)
    };
    assert_eq!(blocked(&BesideDevices::default()), (false, false));
    assert_eq!(
        blocked(&BesideDevices { baseline: old, proposal: new, now: Some(1_796_083_200), ..BesideDevices::default() }),
        (true, true)
    );
    let broken =
        vec![fwgate::fleet::tree::TreeFile { path: "zones/example.net.zone".into(), bytes: b"? ?".to_vec().into() }];
    let around = BesideDevices { baseline: old, proposal: &broken, ..BesideDevices::default() };
    assert_eq!(codes(analyse_within(&case, &around, &mut Library::default())), [ReasonCode::UnparsedInput]);
}

#[test]
fn what_stands_in_the_way_has_its_code() {
    let s = Scene::new();
    let base = s.commit(None, &[], &[("devices/edge1/rules.v4", BASE)]);
    let tip = s.commit(Some("main"), &[base], &[("devices/edge1/rules.v4", &BASE.replace("--dport 25", "--dport 26"))]);
    let proposed = |files: &[(&str, &str)]| s.commit(None, &[base], files);
    let conflict = BASE.replace("--dport 25", "--dport 27");
    let head = proposed(&[("devices/edge1/rules.v4", &conflict), ("changes/CHG-1.toml", FILE)]);
    let refused = trees(&s, [base, tip, head], &[]).unwrap_err();
    assert_eq!((refused[0].code, refused[0].detail.as_deref()), (ReasonCode::Conflict, Some("merge")));
    let cases = [
        (vec![("devices/edge1/rules.v4", BASE)], ReasonCode::UnparsedInput),
        (vec![("changes/CHG-1.toml", FILE)], ReasonCode::EmptyChange),
        (
            vec![("devices/edge1/rules.v4", BASE), ("devices/edge1/odd", "?"), ("changes/CHG-1.toml", FILE)],
            ReasonCode::UnparsedInput,
        ),
        (vec![("devices/Edge1/rules.v4", BASE), ("changes/CHG-1.toml", FILE)], ReasonCode::PathInvalid),
    ];
    for (files, code) in cases {
        let head = proposed(&files);
        assert_eq!(codes(trees(&s, [base, base, head], &[])), [code], "{files:?}");
    }
    let link = s.git.blob(b"rules").unwrap();
    let entry = |path, text: &str| (path, 0o100_644, s.git.blob(text.as_bytes()).unwrap());
    let entries = [
        entry("changes/CHG-1.toml", FILE),
        entry("devices/edge1/rules.v4", BASE),
        ("devices/edge1/more", 0o120_000, link),
    ];
    let head = s.commit_entries(None, &[base], &entries);
    assert_eq!(codes(trees(&s, [base, base, head], &[])), [ReasonCode::PathNotRegular]);
    let head = proposed(&[("devices/edge1/rules.v4", BASE), ("changes/CHG-1.toml", FILE)]);
    let same = trees(&s, [base, base, head], &[]).unwrap();
    assert_eq!(codes(analysis(&same, &mut Library::default())), [ReasonCode::EmptyChange]);
    let head = proposed(&[("devices/edge1/rules.v4", BASE), ("changes/CHG-1.toml", "id = 7\n")]);
    let odd = trees(&s, [base, base, head], &[]).unwrap();
    assert!(codes(analysis(&odd, &mut Library::default())).contains(&ReasonCode::UnparsedInput));
}

#[test]
fn bytes_that_a_ledger_names_are_found_at_their_commit_or_refused() {
    let s = Scene::new();
    let base = s.commit(Some("main"), &[], &[("devices/edge1/rules.v4", BASE)]);
    let surroundings = s.surroundings();
    let reader = Reader::new(&surroundings, &fwgate::cli::rulesets::is_ruleset);
    let bytes =
        DeviceBytes { device: "edge1".into(), files: vec![("devices/edge1/rules.v4".into(), BASE.as_bytes().into())] };
    let digest = device_digest(Some(&bytes));
    assert_eq!(reader.device_at(&repository(&s), id(&s, base), "edge1", digest), Ok(bytes));
    let other = device_digest(None);
    assert_eq!(
        codes(reader.device_at(&repository(&s), id(&s, base), "edge1", other)),
        [ReasonCode::HistoryUnverifiable]
    );
}
