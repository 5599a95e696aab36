//! The support tables of the documentation say what the registries say. `FWGATE_BLESS=1` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

const START: &str =
    "<!-- generated from the registries; rewritten by FWGATE_BLESS=1 cargo test --test support_docs -->\n";

fn check(dialect: &str, table: &str) {
    let document = format!("{}/docs/dialects/{dialect}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&document).unwrap();
    let (head, stated) = text.split_once(START).expect("the document has a generated part");
    if std::env::var_os("FWGATE_BLESS").is_some() {
        std::fs::write(&document, format!("{head}{START}{table}")).unwrap();
    } else {
        assert_eq!(stated, table, "run with FWGATE_BLESS=1");
    }
}

#[test]
fn the_support_tables_are_up_to_date() {
    check("iptables", &fwgate::dialect::iptables::support_table());
    check("nftables", &fwgate::dialect::nftables::support_table());
    check("windows", &fwgate::dialect::windows::support_table());
}
