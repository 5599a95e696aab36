//! What devices run: a ruleset that opens some ports, with some notes at its head that mean nothing.

use crate::model::Class;
use crate::scene::RULES;
use std::collections::BTreeSet;

/// The ruleset of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Config {
    /// The ports that it opens from one network to another.
    pub ports: BTreeSet<u16>,
    /// How many notes stand at its head.
    pub notes: u32,
}

impl Config {
    /// The ruleset in the order of a dump.
    pub fn text(&self) -> String {
        let notes: String = (0..self.notes).map(|at| format!("# note {at}\n")).collect();
        let rule =
            |port: &u16| format!("-A FORWARD -s 10.2.0.0/16 -d 10.1.0.0/24 -p tcp -m tcp --dport {port} -j ACCEPT\n");
        let rules: String = self.ports.iter().map(rule).collect();
        notes + &RULES.replace("COMMIT\n", &format!("{rules}COMMIT\n"))
    }

    /// With one port more.
    pub fn opening(&self, port: u16) -> Config {
        Config { ports: self.ports.iter().copied().chain([port]).collect(), notes: self.notes }
    }

    /// Without one port.
    pub fn closing(&self, port: u16) -> Config {
        Config { ports: self.ports.iter().copied().filter(|p| *p != port).collect(), notes: self.notes }
    }

    /// With one note more.
    pub fn noted(&self) -> Config {
        Config { notes: self.notes + 1, ..self.clone() }
    }
}

/// The change file of a change that opens these ports on one device, or closes them.
pub fn change_file(id: &str, device: &str, class: Class, ports: &BTreeSet<u16>) -> String {
    let (name, effect) = match class {
        Class::Normal => ("normal", "opened"),
        Class::Emergency => ("emergency", "closed"),
    };
    let services: Vec<String> = ports.iter().map(|port| format!("\"tcp/{port}\"")).collect();
    let head = format!(
        "id = \"{id}\"\ntitle = \"Open ports\"\nclass = \"{name}\"\nreason = \"launch\"\ndevices = [\"{device}\"]\n"
    );
    if ports.is_empty() {
        return head;
    }
    format!(
        "{head}\n[[intent]]\neffect = \"{effect}\"\nfrom = [\"10.2.0.0/16\"]\nto = [\"10.1.0.0/24\"]\nservice = [{}]\nhook = \"forward\"\n",
        services.join(", ")
    )
}
