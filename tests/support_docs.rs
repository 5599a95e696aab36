//! The support tables of the documentation say what the registries say. `FWGATE_BLESS=1` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dialects/iptables.md");
const START: &str =
    "<!-- generated from the registries; rewritten by FWGATE_BLESS=1 cargo test --test support_docs -->\n";

#[test]
fn the_support_table_is_up_to_date() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (head, stated) = document.split_once(START).expect("the document has a generated part");
    let table = fwgate::dialect::iptables::support_table();
    if std::env::var_os("FWGATE_BLESS").is_some() {
        std::fs::write(DOCUMENT, format!("{head}{START}{table}")).unwrap();
    } else {
        assert_eq!(stated, table, "run with FWGATE_BLESS=1");
    }
}
