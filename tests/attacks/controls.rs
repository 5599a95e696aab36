//! What must go through: without these, every refusal would prove nothing.

use crate::stage::{APPROVERS, CHANGE, Stage};

#[test]
fn everything_in_place_is_granted() {
    let stage = Stage::new();
    stage.ready();
    let verdict = stage.permit().granted();
    assert!(verdict.permit.unwrap().contains(&format!("change: {CHANGE}")));
}

#[test]
fn one_approval_fewer_is_denied() {
    for left_out in 0..APPROVERS.len() {
        let stage = Stage::new();
        let facts = stage.announced();
        let others: Vec<_> = APPROVERS.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, a)| *a).collect();
        stage.approved_by(&others, &facts);
        stage.settle();
        stage.permit().denied_only(&["APPROVAL_MISSING"]);
    }
}
