//! The answers of the API: what of them is read.

use crate::cli::failure::Failure;
use crate::fleet::tree::TreeFile;
use serde::Deserialize;
use serde_json::Value;

/// Everything that the files say.
#[derive(Debug, Default)]
pub(super) struct Export {
    pub rulesets: Vec<Ruleset>,
    /// The setting `delete_branch_on_merge`, where a file says it.
    pub deletes_after_merge: Option<bool>,
}

/// A ruleset with its rules.
#[derive(Debug)]
pub(super) struct Ruleset {
    pub name: String,
    pub target: String,
    pub enforcement: String,
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    /// Absent where whoever exported it may not see it.
    pub bypass_actors: Option<Vec<Actor>>,
    rules: Vec<String>,
}

/// Somebody who may pass over a ruleset.
#[derive(Debug, Deserialize)]
pub(super) struct Actor {
    pub actor_type: String,
}

impl Ruleset {
    /// Whether it has a rule of this type.
    pub fn has(&self, rule: &str) -> bool {
        self.rules.iter().any(|own| own == rule)
    }
}

#[derive(Deserialize)]
struct File {
    name: String,
    #[serde(default = "branch")]
    target: String,
    enforcement: String,
    conditions: Option<Conditions>,
    bypass_actors: Option<Vec<Actor>>,
    rules: Option<Vec<Rule>>,
}

fn branch() -> String {
    "branch".to_owned()
}

#[derive(Deserialize)]
struct Conditions {
    ref_name: Option<RefName>,
}

#[derive(Default, Deserialize)]
struct RefName {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
}

impl Export {
    /// Reads the files: rulesets, alone or in a list, and the repository.
    ///
    /// # Errors
    /// A file that is neither.
    pub fn read(files: &[TreeFile]) -> Result<Export, Failure> {
        let mut export = Export::default();
        for file in files {
            let value: Value = serde_json::from_slice(&file.bytes)
                .map_err(|e| Failure::new(format!("`{}` is no JSON: {e}", file.path)))?;
            let all = match value {
                Value::Array(all) => all,
                one => vec![one],
            };
            for one in all {
                export.add(one, &file.path)?;
            }
        }
        Ok(export)
    }

    fn add(&mut self, value: Value, path: &str) -> Result<(), Failure> {
        if let Some(setting) = value.get("delete_branch_on_merge") {
            self.deletes_after_merge = setting.as_bool();
            return Ok(());
        }
        let not_understood = |e: serde_json::Error| {
            Failure::new(format!("`{path}` holds no ruleset and no repository of GitHub: {e}"))
                .help("`fwgate doctor --help` has the commands that export them")
        };
        let file: File = serde_json::from_value(value).map_err(not_understood)?;
        let Some(rules) = file.rules else {
            let said = format!("`{path}` lists the ruleset `{}` without its rules", file.name);
            return Err(Failure::new(said).help("export each by its id: gh api repos/OWNER/REPO/rulesets/ID"));
        };
        let names = file.conditions.and_then(|c| c.ref_name).unwrap_or_default();
        self.rulesets.push(Ruleset {
            name: file.name,
            target: file.target,
            enforcement: file.enforcement,
            include: names.include,
            exclude: names.exclude,
            bypass_actors: file.bypass_actors,
            rules: rules.into_iter().map(|r| r.kind).collect(),
        });
        Ok(())
    }
}
