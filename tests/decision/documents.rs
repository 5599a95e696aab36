//! The codes of the gate and their pages say the same.

use fwgate::finding::{all_codes, code_by_name, explain};
use fwgate::gate::ReasonCode;

#[test]
fn every_reason_has_one_code_and_one_page_that_says_what_it_means() {
    for reason in ReasonCode::ALL {
        let code = code_by_name(reason.name()).unwrap_or_else(|| panic!("{reason} has no page"));
        let kebab = reason.name().to_lowercase().replace('_', "-");
        assert_eq!(code.name, kebab);
        let meaning = reason.meaning().trim().trim_end_matches('.');
        assert_eq!(code.summary.to_lowercase(), meaning.to_lowercase(), "{reason}");
        assert!(explain(reason.name()).is_some_and(|page| page.contains(code.id)));
    }
    let gate = all_codes().filter(|c| c.id.starts_with("FW5")).count();
    assert_eq!(gate, ReasonCode::ALL.len());
}

/// The example of `docs/root.md`.
#[test]
fn the_root_file_of_the_documentation_is_read() {
    let page = include_str!("../../docs/root.md");
    let example = page.split("```toml root\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let root = fwgate::gate::Root::read(example.as_bytes()).unwrap();
    assert_eq!(root.protected, "refs/heads/main");
    for line in example.lines() {
        let key = line.split(' ').next().unwrap();
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
}
