//! What audits write has the published shape, and the page of controls is the table of the code.

use crate::desk::{Desk, NONCE};
use serde_json::Value;

fn assert_shape(desk: &Desk, document: &Value) {
    let schema: Value = serde_json::from_str(&desk.pass(&["schema", "audit"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn an_audit_has_the_published_shape() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.closed("CHG-1", 443, NONCE);
    let bob = format!("{}=2020-01-01", desk.scene.key("bob").fingerprint());
    assert_shape(&desk, &desk.audit(&["--compromised", &bob]));
    desk.scene.reset("refs/heads/fwgate/log", None);
    assert_shape(&desk, &desk.audit(&["--open"]));
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md");
const START: &str =
    "<!-- generated from the table in the code; rewritten by FWGATE_BLESS=1 cargo test --test audit -->\n";

#[test]
fn the_page_of_controls_is_the_table() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (head, stated) = page.split_once(START).expect("the page has a generated part");
    let table = fwgate::gate::audit::controls_table();
    match std::env::var_os("FWGATE_BLESS") {
        Some(_) => std::fs::write(PAGE, format!("{head}{START}{table}")).unwrap(),
        None => assert_eq!(stated, table, "run with FWGATE_BLESS=1"),
    }
}

#[test]
fn every_control_names_fields_that_a_change_has() {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/audit.json")).unwrap();
    let fields = schema["$defs"]["change"]["properties"].as_object().unwrap();
    for control in fwgate::gate::audit::CONTROLS {
        for field in control.shown_by {
            assert!(fields.contains_key(*field), "{} is shown by `{field}`", control.id);
        }
    }
}
