//! Rules as reports quote them: file, line and text.

use crate::packet::Ranges;
use crate::ruleset::{Decision, Place, Rewrite, Ruleset, Span, Translation};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A rule or policy, by its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuotedRule {
    /// The file's name as reports show it.
    pub file: String,
    /// The 1-based line, or 0 where no text declares the thing.
    pub line: u32,
    /// The text as it was written.
    pub text: String,
}

impl QuotedRule {
    /// The rule or policy at `place`.
    pub fn of(ruleset: &Ruleset, place: Place) -> QuotedRule {
        match place {
            Place::Rule(chain, at) => match ruleset.chain(chain).rules.get(at as usize) {
                Some(rule) => quoted(ruleset, rule.span),
                None => nothing(ruleset, "no rule"),
            },
            Place::Policy(base) => match ruleset.bases.get(base as usize) {
                Some(base) => policy(ruleset, base),
                None => nothing(ruleset, "no policy"),
            },
            Place::NoChain => nothing(ruleset, "no chain judges this hook: everything is accepted"),
        }
    }
}

fn quoted(ruleset: &Ruleset, span: Span) -> QuotedRule {
    let sources = &ruleset.sources;
    QuotedRule { file: sources.name(span).to_owned(), line: span.line, text: sources.text(span).to_owned() }
}

/// A policy without a text of its own is said in words.
fn policy(ruleset: &Ruleset, base: &crate::ruleset::Base) -> QuotedRule {
    let quoted = quoted(ruleset, base.policy_span);
    if !quoted.text.is_empty() {
        return quoted;
    }
    let verdict = if base.policy == crate::ruleset::Verdict::Drop { "drop" } else { "accept" };
    QuotedRule { text: format!("{}: policy {verdict}", ruleset.chain(base.chain).name), ..quoted }
}

fn nothing(ruleset: &Ruleset, text: &str) -> QuotedRule {
    let file = ruleset.sources.iter().next().map_or_else(String::new, |s| s.name.to_string());
    QuotedRule { file, line: 0, text: text.to_owned() }
}

/// The kind of answer where packets are rejected.
pub fn reject_with(decision: &Decision) -> Option<String> {
    match decision {
        Decision::Reject(kind) => Some(kind.to_string()),
        Decision::Accept | Decision::Drop => None,
    }
}

/// A translation as text: what the ends become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Default)]
pub struct WrittenTranslation {
    /// The new source: an address, `first-last`, or a prefix whose host part is kept from the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src: Option<String>,
    /// The new destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst: Option<String>,
    /// The new source port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sport: Option<String>,
    /// The new destination port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dport: Option<String>,
    /// What the ends cannot say: `masquerade`, `redirect`, `random`, `persistent`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

impl WrittenTranslation {
    /// The text of a translation of packets of this family.
    pub fn of(translation: &Translation, family: crate::packet::Family) -> WrittenTranslation {
        let address = |v: u128| match family {
            crate::packet::Family::V4 => IpAddr::V4(Ipv4Addr::from(v as u32)).to_string(),
            crate::packet::Family::V6 => IpAddr::V6(Ipv6Addr::from(v)).to_string(),
        };
        let port = |v: u128| v.to_string();
        let addresses = |r: &Option<Rewrite>| r.as_ref().map(|r| rewrite(r, family.bits(), &address));
        let ports = |r: &Option<Rewrite>| r.as_ref().map(|r| rewrite(r, 16, &port));
        WrittenTranslation {
            src: addresses(&translation.src),
            dst: addresses(&translation.dst),
            sport: ports(&translation.sport),
            dport: ports(&translation.dport),
            options: translation.options.iter().map(ToString::to_string).collect(),
        }
    }

    /// In one line: `to 10.0.0.5 port 8080`.
    pub fn words(&self) -> String {
        let mut out = Vec::new();
        let mut end = |name: &str, address: &Option<String>, port: &Option<String>| {
            if address.is_some() || port.is_some() {
                let parts = [name.to_owned(), address.clone().unwrap_or_default()];
                let port = port.as_ref().map(|p| format!("port {p}")).unwrap_or_default();
                let words: Vec<String> = parts.into_iter().chain([port]).filter(|p| !p.is_empty()).collect();
                out.push(words.join(" "));
            }
        };
        end("to", &self.dst, &self.dport);
        end("from", &self.src, &self.sport);
        out.extend(self.options.iter().cloned());
        out.join(", ")
    }
}

fn rewrite(rewrite: &Rewrite, bits: u32, value: &dyn Fn(u128) -> String) -> String {
    match rewrite {
        Rewrite::To(ranges) => range_list(ranges, value),
        Rewrite::Add(by) => format!("{by:+}"),
        Rewrite::Prefix { base, host } => match host.checked_add(1).filter(|n| n.is_power_of_two()) {
            Some(size) => format!("{}/{}", value(*base), bits.saturating_sub(size.trailing_zeros())),
            None => format!("{} with the bits {} kept", value(*base), value(*host)),
        },
        Rewrite::Masked { keep, xor } => format!("{xor:#x}/{keep:#x}"),
    }
}

fn range_list(ranges: &Ranges, value: &dyn Fn(u128) -> String) -> String {
    let one = |&(lo, hi): &(u128, u128)| if lo == hi { value(lo) } else { format!("{}-{}", value(lo), value(hi)) };
    ranges.as_slice().iter().map(one).collect::<Vec<_>>().join(",")
}
