//! The commented policy that `fwgate init` writes for a small team.

use super::roster::Purpose;

/// For how many persons it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StarterForm {
    /// Two: the author plus one.
    Two,
    /// Four: network and security apart.
    Four,
}

impl StarterForm {
    /// How many persons it names.
    pub fn persons(self) -> usize {
        match self {
            StarterForm::Two => 2,
            StarterForm::Four => 4,
        }
    }

    /// The roles of the person at this place.
    fn roles(self, at: usize) -> &'static str {
        match (self, at) {
            (StarterForm::Two, _) => "\"network\", \"operator\", \"scheduler\"",
            (StarterForm::Four, 0) => "\"network\", \"operator\"",
            (StarterForm::Four, 1) => "\"network\"",
            (StarterForm::Four, 2) => "\"network\", \"scheduler\"",
            (StarterForm::Four, _) => "\"security\"",
        }
    }

    fn classes(self) -> &'static str {
        match self {
            StarterForm::Two => TWO,
            StarterForm::Four => FOUR,
        }
    }
}

/// Somebody or something with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterKey<W> {
    /// The ASCII id.
    pub id: String,
    /// The public key, as in its `.pub` file, without a line break.
    pub key: String,
    /// What it is for.
    pub what: W,
}

/// The text of `fwgate.toml`. What persons have are the addresses under which they commit. Ids and keys are written as texts of TOML, whatever they hold; reading the result says
/// whether they are accepted.
pub fn starter(
    form: StarterForm,
    repository: &str,
    zone: &str,
    persons: &[StarterKey<Vec<String>>],
    machines: &[StarterKey<Purpose>],
) -> String {
    let mut out = format!(
        "# Who may let a firewall change through, and when. Every change of this file, and of any under policies/, is a change\n\
         # of the policy: `version` + 1, signed by the quorum before it and by its own.\n\
         version = 1\nrepository = {}\n",
        quoted(repository)
    );
    for (at, person) in persons.iter().enumerate() {
        let (id, key) = (quoted(&person.id), quoted(&person.key));
        out += &format!("\n[[person]]\nid = {id}\nroles = [{}]\nkeys = [{key}]\n", form.roles(at));
        out += &emails(&person.what, at == 0);
    }
    out += "\n# Machines never count to a quorum. Their private keys live in the deploy environment, never in this repository.\n";
    for machine in machines {
        let (id, key) = (quoted(&machine.id), quoted(&machine.key));
        out += &format!("\n[[machine]]\nid = {id}\npurpose = \"{}\"\nkey = {key}\n", machine.what.name());
    }
    if !machines.iter().any(|m| m.what == Purpose::Bundle) {
        out += BUNDLER;
    }
    out + "\n" + form.classes() + &CALENDAR.replace("ZONE", &quoted(zone))
}

/// The addresses of a person, or how to write them.
fn emails(addresses: &[String], explains: bool) -> String {
    let why = if explains {
        "      # under which they commit: whoever had a part in a change does not approve it"
    } else {
        ""
    };
    match addresses {
        [] if explains => format!("# emails = [\"...\"]{why}\n"),
        [] => String::new(),
        some => format!("emails = [{}]{why}\n", some.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(", ")),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What a team adds that keeps spare hardware loaded.
const BUNDLER: &str = r#"
# [[machine]]                                 # signs what spare hardware is loaded with (`fwgate bundle create`), where you keep spares
# id = "bundler"
# purpose = "bundle"
# key = "ssh-ed25519 ..."
"#;

const TWO: &str = r#"[class.normal]
quorum = [{ role = "network", count = 1 }]    # the author never counts: so it takes both of you
staging = "namespace"                         # the exact bytes are loaded in a kernel namespace first
lead_time = "4h"                              # from the ledger's first witness of the announcement
approval_lifetime = "14d"
permit_lifetime = "2h"
carry_over = true                             # approvals survive a rebase that keeps the meaning

[class.emergency]                             # only what closes or restores; no window, no staging
quorum = [{ role = "network", count = 1 }]
permit_lifetime = "1h"
review_due = "3d"                             # or nothing else goes any more
"#;

const FOUR: &str = r#"[class.normal]
quorum = [{ role = "network", count = 2 }, { role = "security", count = 1 }]   # the author never counts
staging = "namespace"                         # the exact bytes are loaded in a kernel namespace first
lead_time = "4h"                              # from the ledger's first witness of the announcement
approval_lifetime = "14d"
permit_lifetime = "2h"
carry_over = true                             # approvals survive a rebase that keeps the meaning

[[class.normal.also]]                         # more eyes where it is wider; raise it once there are more of you
when = "opened-to-any"
quorum = [{ role = "network", count = 2 }]

[class.emergency]                             # only what closes or restores; no window, no staging
quorum = [{ role = "network", count = 2 }]
permit_lifetime = "1h"
review_due = "3d"                             # or nothing else goes any more
"#;

const CALENDAR: &str = r#"
[[window]]                                    # when changes go
days = ["tue", "thu"]
from = "22:00"
to = "02:00"                                  # of the next day
zone = ZONE

# [[freeze]]                                  # when nothing goes, whatever was approved
# from = "2026-12-18T00:00:00Z"
# to = "2027-01-04T00:00:00Z"
# reason = "year end"
# allow = ["emergency"]

# [[transport]]                               # how devices are reached: programs as lists of arguments, never a shell
# id = "ssh-nft"                              # contrib/transports has the programs; docs/transports.md says where they go
# devices = ["edge*"]
# addresses = { edge1 = "fwgate@192.0.2.1" }
# credential = "deploy-key-of-production"     # a name of what it logs in with; staging has another one
# variables = ["SSH_AUTH_SOCK", "FWGATE_SSH_CONFIG"]
# identity = ["/usr/local/bin/fwgate-ssh", "{address}", "identity"]
# read = ["/usr/local/bin/fwgate-ssh", "{address}", "nft", "read", "{nonce}"]
# apply = ["/usr/local/bin/fwgate-ssh", "{address}", "nft", "apply", "{timer}", "{folder}"]
# confirm = ["/usr/local/bin/fwgate-ssh", "{address}", "nft", "confirm"]
# probe = ["nc", "-z", "-w", "5", "192.0.2.10", "443"]
# rollback = ["/usr/local/bin/fwgate-ssh", "{address}", "nft", "rollback", "{folder}"]
# replaces = "everything"                     # its files are the whole configuration: what they do not name is emptied
# confirm_timer = "2m"                        # the device takes the change back by itself unless it is confirmed

# [lab]                                       # where class test may have effects
# ranges = ["192.0.2.0/24"]
# devices = ["lab-*"]
"#;
