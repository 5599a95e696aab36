//! The house keeps its own rules: what may import what, what a file opens with, what must be documented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a folder, but build output, git's own and hidden local ones.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            match path.is_dir() {
                true if name == "target" || name == ".git" || name == "__pycache__" => {}
                true => open.push(path),
                false if name == ".git" || name.ends_with(".snap.new") || name == ".pending-snap" => {}
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/")
}

fn sources() -> Vec<(String, String)> {
    let rust = files("src").into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs"));
    rust.map(|p| (relative(&p), std::fs::read_to_string(&p).unwrap())).collect()
}

/// The floors of `src`, by how high they lie. A floor imports only lower ones.
const FLOORS: &[(&str, u32)] = &[
    ("packet", 0),
    ("vcs", 0),
    ("ruleset", 1),
    ("document", 2),
    ("dialect", 3),
    ("diff", 3),
    ("query", 3),
    ("finding", 3),
    ("inventory", 3),
    ("names", 3),
    ("policy", 4),
    ("routes", 4),
    ("fleet", 5),
    ("check", 5),
    ("gate", 6),
    ("report", 7),
    ("cli", 8),
];

fn height(floor: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == floor).map(|(_, height)| *height)
}

/// The floor of a file: `src/packet/cell.rs` is on `packet`. None for `lib.rs` and `main.rs`.
fn floor_of(path: &str) -> Option<&str> {
    path.strip_prefix("src/")?.split_once('/').map(|(floor, _)| floor)
}

/// The text without its tests, which may use anything.
fn without_tests(text: &str) -> &str {
    text.split_once("#[cfg(test)]").map_or(text, |(code, _)| code)
}

/// The names behind every `crate::`.
fn imports(text: &str) -> BTreeSet<&str> {
    let name = |rest: &'_ str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    without_tests(text).split("crate::").skip(1).map(|rest| &rest[..name(rest)]).collect()
}

#[test]
fn lower_floors_do_not_import_higher_ones() {
    let mut checked = 0;
    for (path, text) in sources() {
        let Some(floor) = floor_of(&path) else { continue };
        let own = height(floor).unwrap_or_else(|| panic!("{path}: `{floor}` is on no floor"));
        for import in imports(&text) {
            assert!(!import.is_empty(), "{path}: name the floor behind `crate::`");
            if import == floor {
                continue;
            }
            let other = height(import).unwrap_or_else(|| panic!("{path}: `{import}` is on no floor"));
            assert!(other < own, "{path} ({floor}, {own}) imports {import} ({other})");
            checked += 1;
        }
    }
    assert!(checked > 100, "imports were found: {checked}");
}

/// Files, processes, the environment, the clock and the network are touched at the edge only.
#[test]
fn only_the_edge_touches_the_world() {
    const WORLD: &[&str] = &[
        "std::fs",
        "std::env",
        "std::process",
        "std::net::Tcp",
        "std::net::Udp",
        "SystemTime",
        "Instant::now",
        "std::io::std",
    ];
    const EDGE: &[&str] = &["cli", "vcs"];
    const TRANSPORTS: &[&str] = &["src/fleet/transport/", "src/fleet/namespace/"];
    for (path, text) in sources() {
        let is_transport = TRANSPORTS.iter().any(|t| path.starts_with(t));
        if is_transport || floor_of(&path).is_none_or(|floor| EDGE.contains(&floor)) {
            continue;
        }
        for word in WORLD {
            assert!(!without_tests(&text).contains(word), "{path} uses {word}");
        }
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{path} opens with no `//!`");
    }
}

/// What somebody's machine is like is nobody else's business.
#[test]
fn no_file_knows_a_machine_or_a_registry() {
    let homes = ["/work", "/root", "/home", "/tmp", "/Users"].map(|folder| format!("{folder}/"));
    let registry = ["crates", ".io"].concat();
    for path in files("") {
        let name = relative(&path);
        let bytes = std::fs::read(&path).unwrap();
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        for (at, line) in text.lines().enumerate() {
            let place = format!("{name}:{}: {line}", at + 1);
            assert!(!homes.iter().any(|home| line.contains(home.as_str())), "a path of one machine\n{place}");
            let is_lock = name == "Cargo.lock" && line.starts_with("source = ");
            assert!(is_lock || !line.contains(&registry), "the address of a registry\n{place}");
            let index = ["registry+https://github.com/rust-lang/", &registry, "-index"].concat();
            assert!(!is_lock || line.contains(&index), "a registry of one's own\n{place}");
        }
    }
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (mut is_dependencies, mut before, mut count) = (false, "", 0);
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_dependencies = line.ends_with("dependencies]");
        } else if is_dependencies && line.contains('=') && !line.starts_with('#') {
            assert!(before.starts_with("# "), "no comment above `{line}`");
            count += 1;
        }
        before = line;
    }
    assert!(count > 10, "dependencies were found: {count}");
}

#[test]
fn every_finding_is_explained_and_documented() {
    let rows = std::fs::read_to_string(root().join("docs/findings.md")).unwrap();
    for code in fwgate::finding::all_codes() {
        let page = &code.page;
        for (name, text) in [
            ("what", page.what),
            ("why", page.why),
            ("before", page.before),
            ("after", page.after),
            ("mend", page.mend),
        ] {
            assert!(!text.trim().is_empty(), "{}: `{name}` is empty", code.id);
        }
        assert!(
            rows.contains(&format!("| {} | [{}]", code.id, code.name)),
            "{} has no row in docs/findings.md",
            code.id
        );
    }
}

/// The gate's reasons and the findings FW5xx are the same list, so that `fwgate explain` and its page know every reason.
#[test]
fn every_reason_of_the_gate_is_a_finding() {
    let of_gate: BTreeSet<String> = fwgate::finding::all_codes()
        .filter(|c| c.id.starts_with("FW5"))
        .map(|c| c.name.to_uppercase().replace('-', "_"))
        .collect();
    let reasons: BTreeSet<String> = fwgate::gate::ReasonCode::ALL.iter().map(|r| r.name().to_owned()).collect();
    assert_eq!(of_gate, reasons);
}

#[test]
fn every_dialect_has_specifications_and_a_page() {
    let mut count = 0;
    for entry in std::fs::read_dir(root().join("src/dialect")).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let specs = root().join("fixtures/dialects").join(&name);
        assert!(specs.is_dir() && files(&relative(&specs)).len() >= 10, "few specifications for {name}");
        assert!(root().join(format!("docs/dialects/{name}.md")).is_file(), "no page for {name}");
        count += 1;
    }
    assert!(count > 0, "no dialect was found");
}

/// The folder of packs and the list of shipped packs are the same. (That each is accepted is tested with policies.)
#[test]
fn every_pack_is_shipped() {
    let shipped: BTreeSet<String> =
        fwgate::policy::packs().iter().map(|p| format!("policies/{}.toml", p.name)).collect();
    let written: BTreeSet<String> = files("policies").iter().map(|p| relative(p)).collect();
    assert_eq!(shipped, written);
}

/// What the documentation calls a file or a test is one: `src/..`, `tests/..::name`.
#[test]
fn paths_in_the_documentation_exist() {
    const FOLDERS: &[&str] =
        &["src/", "tests/", "docs/", "fixtures/", "policies/", "schemas/", "benches/", ".ci/", ".github/"];
    let mut documents = files("docs");
    documents.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    let mut count = 0;
    for document in documents.iter().filter(|d| d.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(document).unwrap();
        let named =
            text.split('`').filter(|t| FOLDERS.iter().any(|f| t.starts_with(f)) && !t.contains([' ', '*', '<']));
        for token in named {
            let (path, test) = token.split_once("::").map_or((token, None), |(path, test)| (path, Some(test)));
            let path = root().join(path.trim_end_matches('/'));
            assert!(path.exists(), "{}: there is no `{token}`", relative(document));
            if let Some(test) = test {
                let source = std::fs::read_to_string(&path).unwrap();
                assert!(source.contains(&format!("fn {test}(")), "{}: there is no `{token}`", relative(document));
            }
            count += 1;
        }
    }
    assert!(count > 20, "paths were found: {count}");
}

/// Where the project can be found is not known yet. Every place that waits for it is listed, and one command fills all of them in.
#[cfg(unix)]
#[test]
fn every_place_of_the_public_address_is_listed_and_filled_in_by_one_command() {
    let placeholder = ["OWNER", "/fwgate"].concat();
    let text = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let waiting: BTreeSet<String> =
        files("").iter().filter(|p| text(p).contains(&placeholder)).map(|p| relative(p)).collect();
    let page = text(&root().join("docs/how-to/release.md"));
    let (_, rest) = page.split_once("The places:").unwrap();
    let (list, _) = rest.split_once("`tests/house.rs` finds").unwrap();
    let listed: BTreeSet<String> =
        list.split('`').skip(1).step_by(2).filter(|t| t.contains('.')).map(str::to_owned).collect();
    assert_eq!(waiting, listed, "docs/how-to/release.md lists every place");
    let folder = tempfile::tempdir().unwrap();
    for name in waiting.iter().map(String::as_str).chain([".ci/address"]) {
        let copy = folder.path().join(name);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(root().join(name), copy).unwrap();
    }
    let run = |address: &str| {
        std::process::Command::new(folder.path().join(".ci/address")).arg(address).output().unwrap().status.success()
    };
    assert!(!run("nobody") && run("example/firewall-gate"));
    for name in &waiting {
        let now = text(&folder.path().join(name));
        assert!(!now.contains(&placeholder) && now.contains("example/firewall-gate"), "{name}");
    }
    let manifest: toml::Table = text(&folder.path().join("Cargo.toml")).parse().unwrap();
    assert_eq!(manifest["package"]["repository"].as_str(), Some("https://github.com/example/firewall-gate"));
}

/// What the build includes is published with it.
#[test]
fn what_the_sources_include_is_in_the_package() {
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let published: Vec<&str> =
        manifest["package"]["include"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let is_published = |path: &str| {
        published.iter().any(|entry| match entry.trim_start_matches('/').split_once('*') {
            Some((start, end)) => path.starts_with(start) && path.ends_with(end.trim_start_matches('*')),
            None => entry.trim_start_matches('/') == path,
        })
    };
    assert!(published.iter().all(|entry| root().join(entry[1..].split('*').next().unwrap()).exists()), "{published:?}");
    let mut count = 0;
    for (path, source) in sources() {
        if path.ends_with("tests.rs") {
            continue;
        }
        let folder = path.rsplit_once('/').unwrap().0.to_owned();
        for named in without_tests(&source).split("include_str!(\"").skip(1).filter_map(|s| s.split('"').next()) {
            let mut parts: Vec<&str> = folder.split('/').collect();
            for part in named.split('/') {
                match part {
                    ".." => drop(parts.pop()),
                    part => parts.push(part),
                }
            }
            let included = parts.join("/");
            assert!(is_published(&included), "{path} includes {included}, which is not published");
            count += 1;
        }
        for named in source.split("include_dir!(\"$CARGO_MANIFEST_DIR/").skip(1).filter_map(|s| s.split('"').next()) {
            assert!(is_published(&format!("{named}/x")), "{path} includes {named}, which is not published");
            count += 1;
        }
    }
    assert!(count > 30, "included files were found: {count}");
}
