//! Statements: objects with one key that says what they do.

use super::value::{Item, shortened};
use crate::dialect::Problem;
use crate::dialect::nftables::spell;
use crate::dialect::nftables::syntax::{
    BinaryOp, Element, ExprKind, LimitSpec, NatKind, NatSpec, RelationOp, Statement, StatementKind,
};
use crate::dialect::nftables::text::{any_of, changed};
use serde_json::Value;

const STATEMENTS: &[&str] = &[
    "accept",
    "drop",
    "continue",
    "jump",
    "goto",
    "return",
    "match",
    "counter",
    "mangle",
    "quota",
    "last",
    "limit",
    "flow",
    "fwd",
    "notrack",
    "dup",
    "snat",
    "dnat",
    "masquerade",
    "redirect",
    "reject",
    "set",
    "map",
    "log",
    "ct helper",
    "ct timeout",
    "ct expectation",
    "meter",
    "queue",
    "ct count",
    "tproxy",
    "synproxy",
    "reset",
    "secmark",
    "tunnel",
    "vmap",
    "xt",
];

const RELATIONS: &[(&str, RelationOp)] = &[
    ("in", RelationOp::Implicit),
    ("==", RelationOp::Equal),
    ("!=", RelationOp::NotEqual),
    ("<", RelationOp::Less),
    ("<=", RelationOp::LessOrEqual),
    (">", RelationOp::Greater),
    (">=", RelationOp::GreaterOrEqual),
    ("!", RelationOp::Unset),
];

impl Item {
    /// One statement.
    pub fn statement(self, value: &Value) -> Result<Statement, Problem> {
        // Some versions print `notrack` and the like as texts.
        if let Some(word) = value.as_str() {
            return self.worded(word, &Value::Null);
        }
        let (word, inner) = self.only(value, "a statement")?;
        self.worded(word, inner)
    }

    /// A statement by its word.
    pub fn worded(self, word: &str, value: &Value) -> Result<Statement, Problem> {
        let kind = self.statement_kind(word, value)?;
        Ok(Statement { kind, span: self.span })
    }

    fn statement_kind(self, word: &str, value: &Value) -> Result<StatementKind, Problem> {
        if let Some(verdict) = self.verdict(word, value)? {
            return Ok(StatementKind::Verdict(verdict));
        }
        match word {
            "match" => self.comparison(value),
            "vmap" => self.key_and_data(value).map(|(key, data)| StatementKind::Vmap { key, data }),
            "mangle" => {
                let key = self.expr(self.member(value, "key")?)?;
                Ok(changed(key, self.expr(self.member(value, "value")?)?))
            }
            "counter" if value.is_null() || value.get("packets").is_some() => Ok(silent(["counter"])),
            "counter" => Ok(silent(["counter", "name", &self.reference(value)?])),
            "last" => Ok(silent(["last"])),
            "quota" => self.quota(value),
            "limit" => self.limit(value),
            "ct count" => {
                Ok(StatementKind::ConnCount { over: self.flag(value, "inv"), count: self.number(value, "val")? })
            }
            "notrack" => Ok(StatementKind::Notrack),
            "dup" => self.member(value, "addr").map(|_| StatementKind::Dup),
            "fwd" => self.fwd(value),
            "flow" => {
                let name = self.text(value, "flowtable")?;
                Ok(StatementKind::FlowAdd(self.name(name.trim_start_matches('@'))))
            }
            "snat" => self.nat(NatKind::Snat, value),
            "dnat" => self.nat(NatKind::Dnat, value),
            "masquerade" => self.nat(NatKind::Masquerade, value),
            "redirect" => self.nat(NatKind::Redirect, value),
            "tproxy" => self.tproxy(value),
            "reject" => self.reject(value),
            "queue" => self.queue(value),
            "log" => self.log(value),
            "synproxy" => self.synproxy(value),
            "set" | "map" => self.set_update(word, value),
            "meter" => self.meter(value),
            "ct helper" => {
                let key = ExprKind::Ct { key: "helper".to_owned(), direction: None, family: None };
                Ok(StatementKind::Set { key: self.at(key), value: self.expr(value)? })
            }
            "ct timeout" => Ok(silent(["ct", "timeout", "set", &self.reference(value)?])),
            "ct expectation" => Ok(silent(["ct", "expectation", "set", &self.reference(value)?])),
            "secmark" => Ok(silent(["meta", "secmark", "set", &self.reference(value)?])),
            "tunnel" => Ok(silent(["tunnel", "name", &self.reference(value)?])),
            "reset" => self.strip_option(value),
            "xt" => self.xt(value),
            _ => Err(self.unknown(word, "a statement", STATEMENTS.iter().copied())),
        }
    }

    fn comparison(self, value: &Value) -> Result<StatementKind, Problem> {
        let word = self.text(value, "op")?;
        let found = RELATIONS.iter().find(|(text, _)| *text == word).map(|(_, op)| *op);
        let op = found.ok_or_else(|| self.unknown(word, "a comparison", RELATIONS.iter().map(|(text, _)| *text)))?;
        let left = self.expr(self.member(value, "left")?)?;
        let mut right = self.expr(self.member(value, "right")?)?;
        if matches!(left.kind, ExprKind::Binary(BinaryOp::And, ..)) && op != RelationOp::Implicit {
            right = any_of(right);
        }
        Ok(StatementKind::Match { left, op, right })
    }

    /// The name of an object, or an expression that gives one.
    fn reference(self, value: &Value) -> Result<String, Problem> {
        self.expr(value).map(|name| spell::expr(&name))
    }

    fn quota(self, value: &Value) -> Result<StatementKind, Problem> {
        if !value.is_object() || value.get("val").is_none() {
            return Ok(StatementKind::Quota { over: false, amount: self.reference(value)?, named: true });
        }
        let unit = self.text_if(value, "val_unit")?.unwrap_or("bytes");
        let bytes = self.number(value, "val")?.checked_mul(factor(unit));
        let bytes = bytes.ok_or_else(|| self.problem("the amount of `quota` does not fit into 64 bits"))?;
        Ok(StatementKind::Quota { over: self.flag(value, "inv"), amount: bytes.to_string(), named: false })
    }

    fn limit(self, value: &Value) -> Result<StatementKind, Problem> {
        if !value.is_object() || value.get("rate").is_none() {
            let name = self.name(&self.reference(value)?);
            return Ok(StatementKind::Limit(LimitSpec::Named(name)));
        }
        let unit = self.text_if(value, "rate_unit")?.unwrap_or("packets").to_owned();
        let default = if unit == "packets" { "packets" } else { "bytes" };
        let burst_unit = self.text_if(value, "burst_unit")?.unwrap_or(default);
        let burst = self.number_if(value, "burst")?.filter(|n| *n != 0).map(|n| (n, burst_unit.to_owned()));
        let (over, rate, per) =
            (self.flag(value, "inv"), self.number(value, "rate")?, self.text(value, "per")?.to_owned());
        Ok(StatementKind::Limit(LimitSpec::Rate { over, rate, unit, per, burst }))
    }

    fn fwd(self, value: &Value) -> Result<StatementKind, Problem> {
        let mut words = self.reference(self.member(value, "dev")?)?;
        if let (Some(family), Some(address)) = (self.text_if(value, "family")?, value.get("addr")) {
            words = format!("{words} {family} {}", self.reference(address)?);
        }
        Ok(StatementKind::Fwd(words))
    }

    fn nat(self, kind: NatKind, value: &Value) -> Result<StatementKind, Problem> {
        let mut flags: Vec<String> = Vec::new();
        for key in ["flags", "type_flags"] {
            flags.extend(self.texts(value, key)?.into_iter().map(str::to_owned));
        }
        if flags.iter().any(|flag| flag == "prefix") {
            flags.push("netmap".to_owned());
        }
        flags.sort();
        flags.dedup();
        let part = |key: &str| value.get(key).map(|v| self.expr(v)).transpose();
        let family = self.text_if(value, "family")?.map(str::to_owned);
        Ok(StatementKind::Nat(NatSpec { kind, family, address: part("addr")?, port: part("port")?, flags }))
    }

    fn tproxy(self, value: &Value) -> Result<StatementKind, Problem> {
        let part = |key: &str| value.get(key).map(|v| self.expr(v)).transpose();
        let family = self.text_if(value, "family")?.map(str::to_owned);
        Ok(StatementKind::Tproxy { family, address: part("addr")?, port: part("port")? })
    }

    fn reject(self, value: &Value) -> Result<StatementKind, Problem> {
        let Some(kind) = self.text_if(value, "type")? else { return Ok(StatementKind::Reject(Vec::new())) };
        let mut words: Vec<String> = match kind {
            "tcp reset" => ["tcp", "reset"].map(str::to_owned).to_vec(),
            "icmp" | "icmpv6" | "icmpx" => vec![kind.to_owned()],
            _ => {
                return Err(self.unknown(
                    kind,
                    "what a packet is rejected with",
                    ["tcp reset", "icmp", "icmpv6", "icmpx"],
                ));
            }
        };
        if let Some(expr) = value.get("expr").filter(|_| kind != "tcp reset") {
            words.push(self.reference(expr)?);
        }
        Ok(StatementKind::Reject(words))
    }

    fn queue(self, value: &Value) -> Result<StatementKind, Problem> {
        let to = value.get("num").map_or(Ok("0".to_owned()), |num| self.reference(num))?;
        let mut flags: Vec<String> = self.texts(value, "flags")?.into_iter().map(str::to_owned).collect();
        flags.sort();
        Ok(StatementKind::Queue { flags, to })
    }

    fn log(self, value: &Value) -> Result<StatementKind, Problem> {
        let mut words = vec!["log".to_owned()];
        for key in ["prefix", "group", "snaplen", "queue-threshold", "level"] {
            match value.get(key) {
                None | Some(Value::Null) => {}
                Some(found) => words.extend([key.to_owned(), self.reference(found)?]),
            }
        }
        let mut flags = self.texts(value, "flags")?;
        flags.sort_unstable();
        words.extend(flags.into_iter().flat_map(|flag| ["flags".to_owned(), flag.to_owned()]));
        Ok(StatementKind::Silent(words))
    }

    fn synproxy(self, value: &Value) -> Result<StatementKind, Problem> {
        let has_settings = ["mss", "wscale", "flags"].iter().any(|key| value.get(*key).is_some());
        if !(value.is_null() || has_settings) {
            return Ok(StatementKind::Synproxy(vec!["name".to_owned(), self.reference(value)?]));
        }
        let mut words: Vec<String> = self.texts(value, "flags")?.into_iter().map(str::to_owned).collect();
        for key in ["mss", "wscale"] {
            words.extend(self.number_if(value, key)?.map(|number| format!("{key} {number}")));
        }
        words.sort();
        Ok(StatementKind::Synproxy(words))
    }

    fn set_update(self, word: &str, value: &Value) -> Result<StatementKind, Problem> {
        let op = self.text(value, "op")?;
        if !matches!(op, "add" | "update" | "delete") {
            return Err(self.unknown(op, "what is done with a set", ["add", "update", "delete"]));
        }
        let set = self.text(value, word)?;
        let name = set
            .strip_prefix('@')
            .ok_or_else(|| self.problem(format!("`{}` does not begin with `@`", shortened(set))))?;
        let mut element = self.keyed(self.member(value, "elem")?)?;
        element.statements.extend(self.carried_list(value.get("stmt"))?);
        element.data = value.get("data").map(|data| self.expr(data).map(Box::new)).transpose()?;
        Ok(StatementKind::SetUpdate { op: op.to_owned(), set: self.name(name), element: Box::new(element) })
    }

    fn meter(self, value: &Value) -> Result<StatementKind, Problem> {
        let set = self.name(self.text(value, "name")?);
        let element: Element = self.keyed(self.member(value, "key")?)?;
        let op = if element.timed { "update" } else { "add" }.to_owned();
        let statements = vec![self.statement(self.member(value, "stmt")?)?];
        Ok(StatementKind::SetUpdate { op, set, element: Box::new(Element { statements, ..element }) })
    }

    fn strip_option(self, value: &Value) -> Result<StatementKind, Problem> {
        let (word, inner) = self.only(value, "an option of `tcp`")?;
        match self.selector(word, inner)? {
            Some(ExprKind::Option { protocol, name, .. }) if protocol == "tcp" => {
                Ok(silent(["reset", "tcp", "option", &name]))
            }
            _ => Err(self.wrong(value, "an option of `tcp`")),
        }
    }

    fn xt(self, value: &Value) -> Result<StatementKind, Problem> {
        let kind = self.text_if(value, "type")?.unwrap_or("match").to_owned();
        let name = self.text_if(value, "name")?.unwrap_or("").to_owned();
        Ok(StatementKind::Xt { kind, name })
    }
}

fn silent<const N: usize>(words: [&str; N]) -> StatementKind {
    StatementKind::Silent(words.map(str::to_owned).to_vec())
}

/// Bytes in a unit of them.
fn factor(unit: &str) -> u64 {
    match unit {
        "kbytes" => 1 << 10,
        "mbytes" => 1 << 20,
        _ => 1,
    }
}
