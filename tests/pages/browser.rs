//! A headless browser that looks at pages: Chromium, driven by playwright-core, with axe-core for readers who do not see or
//! do not point. `.ci/run` installs the three. Where one is absent the test says so, and fails where
//! `FWGATE_REQUIRE_KERNEL=1` says that everything must be there.

use std::path::PathBuf;
use std::process::Command;

/// Looks at pages at two widths and on paper, light and dark. Pictures go to the folder `FWGATE_SHOTS`, where that is set.
pub fn look(pages: &[(&str, String)]) {
    let (modules, chromium) = match found() {
        Ok(found) => found,
        Err(why) => {
            eprintln!("SKIPPED: the pages were not looked at in a browser: {why}");
            assert!(std::env::var("FWGATE_REQUIRE_KERNEL").as_deref() != Ok("1"), "{why}");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = pages.iter().map(|(name, _)| folder.path().join(name)).collect();
    paths.iter().zip(pages).for_each(|(path, (_, text))| std::fs::write(path, text).unwrap());
    let shots = std::env::var("FWGATE_SHOTS").unwrap_or_else(|_| "-".to_owned());
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages/look.mjs")).arg(modules).args([chromium, shots]);
    let output = command.args(paths).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["looked"], pages.len() * 6);
    assert_eq!(answer["wrong"], serde_json::json!([]), "{told}");
}

/// A folder of modules and a browser, or why there is none.
fn found() -> Result<(PathBuf, String), String> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/browser/node_modules");
    let modules = std::env::var_os("FWGATE_BROWSER_MODULES").map_or_else(|| PathBuf::from(own), PathBuf::from);
    for module in ["playwright-core", "axe-core"] {
        if !modules.join(module).is_dir() {
            return Err(format!("no {module} in {} (FWGATE_BROWSER_MODULES)", modules.display()));
        }
    }
    place("node").ok_or("no node")?;
    let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(place);
    Ok((modules, chromium.ok_or("no chromium")?))
}

/// Where a program is, if it is anywhere.
fn place(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.into_iter().find(|p| p.is_file()).map(|p| p.to_string_lossy().into_owned())
}
