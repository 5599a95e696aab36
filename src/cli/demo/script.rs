//! The script of an incident: what is shown, and how each command must end.

use serde::Deserialize;

/// `demo.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// What happened, in a few words.
    pub title: String,
    /// What happened, in a few sentences.
    pub story: String,
    /// What has to be there first; shown only where it fails.
    #[serde(default)]
    pub prepare: Vec<Step>,
    /// What happens without the guard.
    pub without: Vec<Step>,
    /// What happens with it.
    pub with: Vec<Step>,
    /// What it comes to.
    pub moral: String,
}

/// One command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// What the command is for.
    #[serde(default)]
    pub says: String,
    /// The program, `fwgate`, `git` or `ssh-keygen`, and its arguments; `{scratch}` is the scratch folder.
    #[serde(default)]
    pub run: Vec<String>,
    /// In which folder, from that of the incident.
    #[serde(default)]
    pub within: String,
    /// Instead of a command: a file or folder that is copied, and where to.
    pub copy: Option<(String, String)>,
    /// How it must end.
    #[serde(default)]
    pub exit: i32,
    /// Most lines of its output that are shown; with 0 and nothing to say, the command is not shown either.
    #[serde(default = "most_lines")]
    pub lines: usize,
}

fn most_lines() -> usize {
    24
}

impl Script {
    /// Reads `demo.toml`.
    pub fn read(text: &str) -> Result<Script, toml::de::Error> {
        toml::from_str(text)
    }
}
