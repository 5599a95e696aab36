//! The fourth incident: the test that hit production, with the checks before it and the way back.

use crate::desk::Desk;
use crate::{Walk, walk};

const PAGE: &str = "fixtures/incidents/04-test-hit-production/preflight.md";

/// Brings its files.
pub fn bring(desk: &Desk) {
    let mut files = vec!["policy.toml".to_owned(), "changes/TEST-7.toml".to_owned()];
    for side in ["baseline", "proposed", "meant"] {
        files.extend(["policy-rules", "routes", "rules.v4"].map(|name| format!("{side}/core1/{name}")));
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    desk.bring("fixtures/incidents/04-test-hit-production", "incident4", &files);
}

const TEST: Walk = Walk { page: PAGE, change: "TEST-7", devices: &["core1"], quorum: 1, opens: "2026-12-08T22:00:00Z" };

#[test]
fn a_test_is_looked_at_before_it_goes_and_taken_back_by_itself() {
    walk(&TEST);
}
