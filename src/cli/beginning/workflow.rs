//! The workflow that a beginning writes: the same files as those of the example repositories.

use clap::ValueEnum;

const GITHUB: &str = include_str!("../../../examples/firewall-repo/.github/workflows/check.yml");
const GITLAB: &str = include_str!("../../../examples/gitlab/fwgate.gitlab-ci.yml");

/// What stands in the examples where somebody has to say which fwgate they trust. No such commit exists, so that a job
/// which was not finished fails.
pub const UNCHOSEN: &str = "OWNER/fwgate@0000000000000000000000000000000000000000";

/// Where pull requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Forge {
    /// GitHub: `fwgate.yml` among the workflows
    Github,
    /// GitLab: `.gitlab/fwgate.yml`, to be included
    Gitlab,
    /// Nowhere: no workflow is written
    None,
}

impl Forge {
    /// The path and the text of the workflow.
    pub(super) fn workflow(self, devices: &str, action: Option<&str>) -> Option<(&'static str, String)> {
        let (path, text) = match self {
            Forge::Github => (".github/workflows/fwgate.yml", GITHUB),
            Forge::Gitlab => (".gitlab/fwgate.yml", GITLAB),
            Forge::None => return None,
        };
        let text = text.replace("DEVICES: devices", &format!("DEVICES: {}", quoted(devices)));
        let text = text.replace("devices: devices", &format!("devices: {}", quoted(devices)));
        Some((path, action.map_or(text.clone(), |action| text.replace(UNCHOSEN, action))))
    }
}

/// A scalar of YAML.
fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain && begins { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// `--action`: only a full hash names bytes that stay the same.
///
/// # Errors
/// Anything else.
pub fn parse_action(text: &str) -> Result<String, String> {
    let (name, commit) = text.split_once('@').unwrap_or((text, ""));
    let full = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
    let named = name.split('/').count() >= 2
        && name.split('/').all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)));
    match named && full {
        true => Ok(text.to_owned()),
        false => {
            Err("write `OWNER/REPOSITORY@COMMIT` with the 40 digits of a commit; tags and branches can be moved"
                .to_owned())
        }
    }
}
