//! Every row of the threat list has a test: a function in this folder whose name begins with the row, or another file that holds it.

use std::collections::BTreeSet;
use std::path::Path;

/// Row, codes that it ends in (none where it is a control that goes through), and the test elsewhere that stages it where none
/// in this folder does.
type Row = (&'static str, &'static [&'static str], Option<&'static str>);

const ROWS: &[Row] = &[
    ("A01", &["SELF_APPROVAL"], None),
    ("A02", &["DUPLICATE_PRINCIPAL"], None),
    ("A03", &["POLICY_INVALID"], None),
    ("A04", &["CONTRIBUTOR_APPROVAL"], None),
    ("A05", &["APPROVAL_MISSING", "SELF_APPROVAL"], None),
    ("A06", &["APPROVAL_STALE"], None),
    ("A07", &["WRONG_TARGET"], None),
    ("A08", &["WRONG_STAGE"], None),
    ("A09", &["WRONG_CONTEXT"], None),
    ("A10", &["APPROVAL_STALE"], None),
    ("A11", &["APPROVAL_STALE"], None),
    ("A12", &[], None),
    ("A13", &["APPROVAL_STALE"], None),
    ("A14", &["POLICY_CHANGE_MIXED"], None),
    ("A15", &["SIGNER_UNKNOWN"], None),
    ("A16", &["POLICY_MISSING"], None),
    ("A17", &["POLICY_ROLLBACK"], None),
    ("A18", &["POLICY_VERSION_GAP"], None),
    ("A19", &["POLICY_INVALID"], None),
    ("A20", &["POLICY_INVALID"], None),
    ("A21", &["BAD_NAMESPACE"], None),
    ("A22", &["KEY_EXPIRED"], None),
    ("A23", &["KEY_EXPIRED"], None),
    ("A24", &["REVOCATION_UNAVAILABLE"], None),
    ("A25", &["KEY_REVOKED"], None),
    ("A26", &["CLOCK_SKEW", "NOT_YET_VALID"], None),
    ("A27", &["TIME_NOT_MONOTONIC"], None),
    ("A28", &["APPROVAL_EXPIRED", "PERMIT_EXPIRED"], None),
    ("A29", &["HISTORY_REWRITTEN"], None),
    ("A30", &["REJECTED"], None),
    ("A31", &["APPROVAL_MISSING"], None),
    ("A32", &["EVIL_MERGE"], None),
    ("A33", &["MERGE_UNSUPPORTED"], None),
    ("A34", &["COMMIT_GRAPH"], None),
    ("A35", &["REPLACE_REFS_PRESENT"], None),
    ("A36", &["HISTORY_INCOMPLETE"], None),
    ("A37", &["HISTORY_UNVERIFIABLE"], None),
    ("A38", &["PATH_NOT_REGULAR"], None),
    ("A39", &["PATH_COLLISION"], None),
    ("A40", &["PATH_INVALID"], None),
    ("A41", &[], None),
    ("A42", &["SIGNER_UNKNOWN"], None),
    ("A43", &["NOT_AN_APPROVAL"], None),
    ("A44", &["POLICY_INVALID"], None),
    ("A45", &["COMMIT_MALFORMED"], None),
    ("A46", &[], None),
    ("A47", &[], None),
    ("A48", &["APPROVAL_MISSING"], None),
    ("A49", &["PERMIT_UNTRUSTED"], None),
    ("A50", &["EMPTY_CHANGE"], None),
];

/// Names and texts of the files of this folder, this one left out.
fn sources() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let others = files.filter(|path| path.file_name().is_some_and(|name| name != "coverage.rs"));
    others.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The text of every test function whose name begins so, up to the next one.
fn tests<'s>(sources: &'s [String], prefix: &str) -> Vec<&'s str> {
    let start = format!("#[test]\nfn {prefix}_");
    sources.iter().flat_map(|text| text.match_indices(&start).map(|(at, _)| &text[at..])).collect()
}

#[test]
fn every_row_has_a_test() {
    let sources = sources();
    for (row, codes, elsewhere) in ROWS {
        match elsewhere {
            Some(place) => {
                let (path, name) = place.split_once("::").unwrap();
                let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
                assert!(text.contains(&format!("#[test]\nfn {name}(")), "{row}: there is no {place}");
            }
            None => assert!(!tests(&sources, &row.to_lowercase()).is_empty(), "{row} has no test"),
        }
        for code in *codes {
            let known = fwgate::gate::ReasonCode::ALL.iter().any(|c| c.name() == *code);
            assert!(known, "{row}: {code} is no code");
            let quoted = format!("\"{code}\"");
            assert!(
                elsewhere.is_some() || sources.iter().any(|text| text.contains(&quoted)),
                "{row}: nobody expects {code}"
            );
        }
    }
}

#[test]
fn every_row_is_listed_once_and_in_order() {
    let names: Vec<&str> = ROWS.iter().map(|(row, ..)| *row).collect();
    let expected: Vec<String> = (1..=names.len()).map(|n| format!("A{n:02}")).collect();
    assert_eq!(names, expected);
    assert!(BTreeSet::from_iter(&names).len() >= 50);
}
