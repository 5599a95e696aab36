//! Files of a guarded repository on GitHub, for whoever has the program and not its sources: the rulesets that keep evidence as it
//! is, and the workflows. They are those of the example repository.

/// A path in the repository, and what stands there.
type File = (&'static str, &'static str);

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../examples/firewall-repo/", $path)))),+]
    };
}

/// All of them.
pub(super) const FILES: &[File] = files![
    ".github/rulesets/protected-branch.json",
    ".github/rulesets/evidence.json",
    ".github/rulesets/ledger.json",
    ".github/rulesets/names.json",
    ".github/workflows/check.yml",
    ".github/workflows/state.yml",
    ".github/workflows/ledger.yml",
    ".github/workflows/deploy.yml",
];

/// The text of a file.
pub(super) fn text(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

/// The command that puts a ruleset in force.
pub(super) fn apply(name: &str) -> String {
    format!("fwgate doctor --print .github/rulesets/{name}.json | gh api repos/OWNER/REPO/rulesets --input -")
}
