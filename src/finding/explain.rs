//! The pages of codes as Markdown: what `fwgate explain` prints and the documentation shows.

use super::{Code, Standing, all_codes, code_by_name};

/// The page of the code of this id or name.
pub fn explain(code_or_name: &str) -> Option<String> {
    code_by_name(code_or_name).map(page)
}

/// The pages of all codes, with a table of contents.
pub fn explain_all() -> String {
    let mut out = "# Findings\n\n| code | name | severity | what was found |\n|---|---|---|---|\n".to_owned();
    for code in all_codes() {
        out +=
            &format!("| {} | [{}](#{}) | {} | {} |\n", code.id, code.name, anchor(code), code.severity, code.summary);
    }
    for code in all_codes() {
        out += "\n";
        out += &page(code);
    }
    out
}

/// The anchor that Markdown renderers give to the heading of a page.
fn anchor(code: &Code) -> String {
    format!("{}-{}", code.id.to_lowercase(), code.name)
}

fn page(code: &Code) -> String {
    let standing = match code.standing {
        Standing::Fixed => "a policy can neither waive it nor change its severity",
        Standing::Adjustable if code.is_excusable() => "a policy can waive it or change its severity",
        Standing::Adjustable => "a policy can change its severity",
    };
    let Code { id, name, severity, summary, page, .. } = code;
    format!(
        "## {id} {name}\n\n{summary}. Severity: {severity}; {standing}.\n\n### What it does\n\n{}\n\n### Why it is bad\n\n{}\n\n\
         ### Example\n\n```text\n{}\n```\n\nInstead:\n\n```text\n{}\n```\n\n### How to mend it\n\n{}\n",
        page.what, page.why, page.before, page.after, page.mend
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_and_all_pages_agree() {
        let all = explain_all();
        for code in all_codes() {
            let one = explain(code.name);
            assert!(one.is_some_and(|p| all.contains(&p)), "{}", code.id);
        }
        assert!(explain("no-such-code").is_none());
    }
}
