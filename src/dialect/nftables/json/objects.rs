//! Objects that rules name: counters, quotas, limits, helpers, timeouts, expectations, marks, proxies, flowtables, tunnels.

use super::value::Item;
use crate::dialect::Problem;
use crate::dialect::nftables::names;
use crate::dialect::nftables::syntax::{NamedKind, Object, Verb};
use serde_json::Value;

type Body = Vec<(String, String)>;

impl Item {
    /// An object where the word is a kind of them.
    pub fn named_object(self, verb: Verb, word: &str, value: &Value) -> Result<Option<Object>, Problem> {
        let Some(kind) = names::named_kind(word) else { return Ok(None) };
        let mut body = Body::new();
        if matches!(verb, Verb::Add | Verb::Create) {
            self.body(kind, value, &mut body)?;
            body.sort();
        }
        Ok(Some(Object::Named { table: self.table(value)?, kind, name: self.named(value)?, body }))
    }

    fn body(self, kind: NamedKind, value: &Value, body: &mut Body) -> Result<(), Problem> {
        match kind {
            NamedKind::Counter => {}
            NamedKind::Quota => {
                let word = if self.flag(value, "inv") { "over" } else { "until" };
                body.push((word.to_owned(), self.number_if(value, "bytes")?.unwrap_or(0).to_string()));
            }
            NamedKind::Limit => self.limit_body(value, body)?,
            NamedKind::CtHelper => self.copied(value, &["type", "protocol", "l3proto"], body),
            NamedKind::CtTimeout => {
                self.copied(value, &["protocol", "l3proto"], body);
                self.timeout_policy(value, body)?;
            }
            NamedKind::CtExpectation => {
                self.copied(value, &["protocol", "l3proto", "dport", "size"], body);
                // nft prints and reads this time in milliseconds.
                body.extend(self.number_if(value, "timeout")?.map(|n| ("timeout".to_owned(), (n / 1000).to_string())));
            }
            NamedKind::Secmark => self.copied(value, &["context"], body),
            NamedKind::Synproxy => {
                self.copied(value, &["mss", "wscale"], body);
                body.extend(self.texts(value, "flags")?.into_iter().map(|flag| (flag.to_owned(), String::new())));
            }
            NamedKind::Flowtable => self.flowtable(value, body)?,
            NamedKind::Tunnel => self.tunnel_body(value, body),
        }
        Ok(())
    }

    /// Members that are taken over as they are.
    fn copied(self, value: &Value, keys: &[&str], body: &mut Body) {
        for key in keys {
            body.extend(value.get(*key).and_then(plain).map(|text| ((*key).to_owned(), text)));
        }
    }

    fn limit_body(self, value: &Value, body: &mut Body) -> Result<(), Problem> {
        let unit = self.text_if(value, "rate_unit")?.unwrap_or("packets");
        let default = if unit == "packets" { "packets" } else { "bytes" };
        let burst_unit = self.text_if(value, "burst_unit")?.unwrap_or(default);
        let (rate, per) = (self.number(value, "rate")?, self.text(value, "per")?);
        body.push((if self.flag(value, "inv") { "over" } else { "until" }.to_owned(), String::new()));
        body.push(("rate".to_owned(), format!("{rate} {unit}/{per}")));
        let burst = self.number_if(value, "burst")?.filter(|n| *n != 0);
        body.extend(burst.map(|n| ("burst".to_owned(), format!("{n} {burst_unit}"))));
        Ok(())
    }

    fn timeout_policy(self, value: &Value, body: &mut Body) -> Result<(), Problem> {
        let Some(policy) = value.get("policy") else { return Ok(()) };
        let states = policy.as_object().ok_or_else(|| self.wrong(policy, "an object of states and times"))?;
        let mut words: Vec<String> =
            states.iter().map(|(state, time)| format!("{state} {}", plain(time).unwrap_or_default())).collect();
        words.sort();
        body.push(("policy".to_owned(), words.join(", ")));
        Ok(())
    }

    fn flowtable(self, value: &Value, body: &mut Body) -> Result<(), Problem> {
        self.copied(value, &["hook"], body);
        body.extend(value.get("prio").and_then(plain).map(|text| ("priority".to_owned(), text)));
        body.extend(self.texts(value, "dev")?.into_iter().map(|device| ("device".to_owned(), device.to_owned())));
        body.extend(self.texts(value, "flags")?.into_iter().map(|flag| ("flags".to_owned(), flag.to_owned())));
        Ok(())
    }

    fn tunnel_body(self, value: &Value, body: &mut Body) {
        let known = ["family", "name", "table", "handle", "comment", "type", "tunnel"];
        let members = value.as_object().into_iter().flatten().filter(|(key, _)| !known.contains(&key.as_str()));
        for (key, value) in members {
            let text = plain(value).unwrap_or_else(|| value.to_string());
            body.push(match key.as_str() {
                "src-ipv4" => ("ip".to_owned(), format!("saddr {text}")),
                "dst-ipv4" => ("ip".to_owned(), format!("daddr {text}")),
                "src-ipv6" => ("ip6".to_owned(), format!("saddr {text}")),
                "dst-ipv6" => ("ip6".to_owned(), format!("daddr {text}")),
                _ => (key.clone(), text),
            });
        }
        if let Some(kind) = value.get("type").and_then(Value::as_str) {
            let words = value.get("tunnel").map(tunnel_words).unwrap_or_default();
            body.push((kind.to_owned(), words));
        }
    }
}

/// What a tunnel carries with its packets, by the words of the language of `nft`.
fn tunnel_words(value: &Value) -> String {
    let parts: Vec<String> = match value {
        Value::Array(all) => all.iter().map(tunnel_words).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let word = match key.as_str() {
                    "dir" => "direction",
                    "hwid" => "id",
                    other => other,
                };
                format!("{word} {}", plain(value).unwrap_or_default())
            })
            .collect(),
        other => vec![plain(other).unwrap_or_default()],
    };
    parts.join(" ")
}

/// A text or number as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
