//! The book: every page is in its table of contents, every link and heading that a page names exists, and pages that are
//! generated are as they would be generated now.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page below a folder, from the repository's root.
fn pages(folder: &str) -> BTreeSet<PathBuf> {
    let (mut found, mut open) = (BTreeSet::new(), vec![root().join(folder)]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => found.extend(path.extension().is_some_and(|e| e == "md").then_some(path)),
            }
        }
    }
    found
}

/// The targets of Markdown links outside of code: `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        // Links inside of inline code are no links.
        let plain: String =
            line.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "code" }).collect();
        out.extend(
            plain.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()),
        );
    }
    out
}

/// Headings as the anchors that forges and mdBook make of them.
fn anchors(text: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    text.lines().filter(|l| l.starts_with('#')).map(heading).collect()
}

fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(out.pop()),
            part => out.push(part),
        }
    }
    out
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed: BTreeSet<PathBuf> = links(&summary).iter().map(|target| docs.join(target)).collect();
    let mut written = pages("docs");
    written.remove(&docs.join("SUMMARY.md"));
    let missing: Vec<&PathBuf> = written.symmetric_difference(&listed).collect();
    assert!(missing.is_empty(), "pages without a line, or lines without a page: {missing:#?}");
}

#[test]
fn every_link_leads_somewhere() {
    let mut all = pages("docs");
    all.extend(pages("fixtures/incidents"));
    all.extend(pages("examples"));
    all.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let mut count = 0;
    let mut broken = Vec::new();
    for page in &all {
        let text = fs::read_to_string(page).unwrap();
        for link in links(&text).iter().filter(|l| !l.contains("://") && !l.starts_with("mailto:")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { normal(&page.parent().unwrap().join(file)) };
            let leads = target.exists()
                && (anchor.is_empty() || anchors(&fs::read_to_string(&target).unwrap_or_default()).contains(anchor));
            if !leads {
                broken.push(format!("{}: {link}", page.strip_prefix(root()).unwrap().display()));
            }
            count += 1;
        }
    }
    assert!(count > 60, "links were found: {count}");
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

#[test]
fn the_book_is_where_its_manifest_says() {
    let manifest: toml::Table = fs::read_to_string(root().join("book.toml")).unwrap().parse().unwrap();
    assert_eq!(manifest["book"]["src"].as_str(), Some("docs"));
    let tutorial = fs::read_to_string(root().join("docs/tutorial/guarded-pull-request.md")).unwrap();
    assert!(tutorial.matches("```console").count() > 5, "the tutorial is run by the test of transcripts");
}
