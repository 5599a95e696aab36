//! The text of the first policy, with the comments that somebody needs who has never seen one.

use super::ends::internal_name;
use super::{NamedEnd, Passing};
use crate::packet::{Family, address_texts};
use std::fmt::Write;

const HEAD: &str = "\
# What must hold on these firewalls, whatever a change does. `fwgate check` judges every change by the version of this file
# that is on the protected branch, so no change can judge itself.
version = 1
";

const REQUIREMENTS: &str = "
# Each requirement below was proposed from what the rulesets allowed on the day when fwgate was introduced, and each was
# proved to hold on them: every packet of the conversation, both directions. They say what is, not what ought to be. Read
# them, write the reason and the owner, delete what nobody needs, and widen what should hold for more.
";

const NO_REQUIREMENT: &str = "
# Nothing was found that passes in full between internal ranges. A requirement looks like this:
#
# [ranges]
# offices = [\"10.20.0.0/16\"]
# servers = [\"10.30.0.0/16\"]
#
# [[require]]
# id = \"offices-use-the-portal\"
# reason = \"everybody works with it\"
# from = [\"offices\"]
# to = [\"servers\"]
# service = [\"tcp/443\"]
# hook = \"forward\"
";

const TAIL: &str = "
# What must never be allowed. Try it: take the signs away, and run `fwgate check`.
#
# [[forbid]]
# id = \"no-telnet\"
# reason = \"clear-text logins\"
# from = [\"any\"]
# to = [\"any\"]
# service = [\"tcp/23\"]
# hook = \"input\"

# Shipped packs say what a service needs, in both directions: `include = [\"pack:dns-client\", \"pack:ntp-and-time\"]` under
# `version`, and the ranges for which they ask.
";

/// The whole file.
pub(super) fn policy(flows: &[Passing], ends: &[NamedEnd]) -> String {
    if flows.is_empty() {
        return format!("{HEAD}{NO_REQUIREMENT}{TAIL}");
    }
    let mut out = format!(
        "{HEAD}\n# Internal ranges (RFC 1918, RFC 6598, RFC 4193) that rules or sets name. Give them names that people use.\n[ranges]\n"
    );
    for end in named(flows, ends) {
        let texts = address_texts(&end.addresses, end.family);
        let list: Vec<String> = texts.iter().map(|t| format!("\"{t}\"")).collect();
        let _ = writeln!(out, "{} = [{}]", end.name, list.join(", "));
    }
    for family in Family::ALL.into_iter().filter(|f| mentions(flows, &internal_name(*f))) {
        let names: Vec<String> = ends.iter().filter(|e| e.family == family).map(|e| e.name.clone()).collect();
        let _ = writeln!(out, "{} = {}", internal_name(family), list(&names));
    }
    out += REQUIREMENTS;
    for (at, flow) in flows.iter().enumerate() {
        out += &requirement(at, flow);
    }
    out + TAIL
}

/// The ends that the policy gives names to.
pub(super) fn named<'e>(flows: &[Passing], ends: &'e [NamedEnd]) -> Vec<&'e NamedEnd> {
    ends.iter().filter(|e| mentions(flows, &e.name) || mentions(flows, &internal_name(e.family))).collect()
}

fn mentions(flows: &[Passing], name: &str) -> bool {
    flows.iter().any(|f| f.from.iter().chain(&f.to).any(|own| own == name))
}

/// `forward-2-offices-to-servers`.
pub(super) fn id(at: usize, flow: &Passing) -> String {
    let side = |names: &[String]| match names {
        [one] => one.clone(),
        several => format!("{}-ranges", several.len()),
    };
    format!("{}-{}-{}-to-{}", flow.hook, at + 1, side(&flow.from), side(&flow.to))
}

fn requirement(at: usize, flow: &Passing) -> String {
    let mut out = format!("\n[[require]]\nid = \"{}\"\n", id(at, flow));
    out += "reason = \"allowed when fwgate was introduced: say who needs it\"\n# owner = \"team\"\n";
    let mut line = |key: &str, values: &[String]| {
        if !values.is_empty() {
            let _ = writeln!(out, "{key} = {}", list(values));
        }
    };
    line("from", &flow.from);
    line("to", &flow.to);
    line("service", &flow.services);
    line("devices", &flow.devices);
    line("in", &flow.inputs);
    line("out", &flow.outputs);
    let _ = writeln!(out, "hook = \"{}\"", flow.hook);
    out
}

fn list(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|v| toml::Value::String(v.clone()).to_string()).collect();
    let one_line = format!("[{}]", quoted.join(", "));
    if one_line.len() <= 100 { one_line } else { format!("[\n    {},\n]", quoted.join(",\n    ")) }
}
