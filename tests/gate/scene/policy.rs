//! The text of `fwgate.toml`: persons, machines and what is put behind them.

use super::Scene;

/// A policy that can be changed before it is written.
#[derive(Clone, Debug)]
pub struct PolicyText {
    pub version: u64,
    pub repository: String,
    /// Id and roles; the key is the scene's key of that name.
    pub persons: Vec<(String, Vec<String>)>,
    /// Id and purpose; the key is the scene's key of that name.
    pub machines: Vec<(String, String)>,
    /// Everything behind: classes, windows, freezes, requirements.
    pub rest: String,
    /// What of the text is replaced at the end, and by what. Each must be found.
    pub edits: Vec<(String, String)>,
}

const REST: &str = r#"
[class.normal]
quorum = [{ role = "network", count = 2 }, { role = "security", count = 1 }]
staging = "namespace"
lead_time = "4h"
approval_lifetime = "14d"
permit_lifetime = "2h"
carry_over = true

[class.emergency]
quorum = [{ role = "network", count = 2 }]
permit_lifetime = "1h"
review_due = "3d"

[[window]]
days = ["tue", "thu"]
from = "22:00"
to = "02:00"
zone = "America/Toronto"
"#;

impl Default for PolicyText {
    fn default() -> PolicyText {
        let person = |id: &str, roles: &[&str]| (id.to_owned(), roles.iter().map(|r| (*r).to_owned()).collect());
        let machine = |id: &str, purpose: &str| (id.to_owned(), purpose.to_owned());
        PolicyText {
            version: 1,
            repository: "example/firewalls".to_owned(),
            persons: vec![
                person("alice", &["network", "operator"]),
                person("bob", &["network"]),
                person("carol", &["network", "scheduler"]),
                person("dave", &["security"]),
            ],
            machines: vec![
                machine("deployer", "permit"),
                machine("ledger", "ledger"),
                machine("stager", "receipt-staging"),
                machine("receiver", "receipt-production"),
            ],
            rest: REST.to_owned(),
            edits: Vec::new(),
        }
    }
}

impl PolicyText {
    /// The file.
    pub fn text(&self, scene: &Scene) -> String {
        let mut out = format!("version = {}\nrepository = \"{}\"\n", self.version, self.repository);
        for (id, roles) in &self.persons {
            let key = scene.key(id).public;
            let email = format!("{id}@example.net");
            out.push_str(&format!(
                "\n[[person]]\nid = \"{id}\"\nroles = {roles:?}\nkeys = [\"{key}\"]\nemails = [\"{email}\"]\n"
            ));
        }
        for (id, purpose) in &self.machines {
            let key = scene.key(id).public;
            out.push_str(&format!("\n[[machine]]\nid = \"{id}\"\npurpose = \"{purpose}\"\nkey = \"{key}\"\n"));
        }
        out += &self.rest;
        for (old, new) in &self.edits {
            assert!(out.contains(old), "there is no `{old}` in the policy");
            out = out.replacen(old, new, 1);
        }
        out
    }
}
