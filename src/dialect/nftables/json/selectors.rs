//! Selectors: what reads something of the packet, of its connection, or of the system.

use super::value::Item;
use crate::dialect::Problem;
use crate::dialect::nftables::spell;
use crate::dialect::nftables::syntax::ExprKind;
use crate::dialect::nftables::words::{
    CT_KEYS, EXTENSION_HEADERS, HEADERS, IP_OPTIONS, META_BARE, META_QUALIFIED, SCTP_CHUNKS, TCP_OPTIONS, fields_of,
    meta_key, tcp_option,
};
use serde_json::Value;

type Table = &'static [(&'static str, &'static [&'static str])];

impl Item {
    /// A selector where the word is one.
    pub fn selector(self, word: &str, value: &Value) -> Result<Option<ExprKind>, Problem> {
        Ok(Some(match word {
            "meta" => self.meta(value)?,
            "ct" => self.ct(value)?,
            "payload" => self.payload(value)?,
            "exthdr" => self.exthdr(value)?,
            "tcp option" => self.tcp_option(value)?,
            "ip option" => self.option(value, "ip", IP_OPTIONS, &[])?,
            "sctp chunk" => self.option(value, "sctp", SCTP_CHUNKS, &["type", "flags", "length"])?,
            "dccp option" => {
                let name = self.number(value, "type")?.to_string();
                ExprKind::Option { protocol: "dccp".to_owned(), name, field: None }
            }
            "fib" => self.fib(value)?,
            "rt" => {
                let family = self.text_if(value, "family")?;
                self.words([Some("rt"), family, Some(self.text(value, "key")?)])
            }
            "socket" => self.socket(value)?,
            "osf" => {
                let ttl = self.text_if(value, "ttl")?;
                self.words([Some("osf"), ttl.map(|_| "ttl"), ttl, Some(self.text(value, "key")?)])
            }
            "numgen" => self.modulus(value, vec!["numgen".to_owned(), self.text(value, "mode")?.to_owned()])?,
            "symhash" => self.modulus(value, vec!["symhash".to_owned()])?,
            "jhash" => {
                let hashed = spell::expr(&self.expr(self.member(value, "expr")?)?);
                self.modulus(value, vec!["jhash".to_owned(), hashed])?
            }
            "ipsec" => self.ipsec(value)?,
            "tunnel" => self.words([Some("tunnel"), Some(self.text(value, "key")?)]),
            _ => return Ok(None),
        }))
    }

    fn words<const N: usize>(self, words: [Option<&str>; N]) -> ExprKind {
        ExprKind::Other(words.into_iter().flatten().map(str::to_owned).collect())
    }

    fn meta(self, value: &Value) -> Result<ExprKind, Problem> {
        let key = self.text(value, "key")?;
        let mut known = META_BARE.iter().chain(META_QUALIFIED).copied();
        if !known.clone().any(|k| k == key) {
            return Err(self.unknown(key, "a key of `meta`", known.by_ref()));
        }
        Ok(ExprKind::Meta(meta_key(key).to_owned()))
    }

    /// The family of an address stands in the key (`ip saddr`) or beside it.
    fn ct(self, value: &Value) -> Result<ExprKind, Problem> {
        let key = self.text(value, "key")?;
        let (family, key) = match key.split_once(' ') {
            Some((family @ ("ip" | "ip6"), key)) => (Some(family), key),
            _ => (self.text_if(value, "family")?, key),
        };
        if !CT_KEYS.contains(&key) {
            return Err(self.unknown(key, "a key of `ct`", CT_KEYS.iter().copied()));
        }
        let direction = self.text_if(value, "dir")?.map(str::to_owned);
        Ok(ExprKind::Ct { key: key.to_owned(), direction, family: family.map(str::to_owned) })
    }

    fn payload(self, value: &Value) -> Result<ExprKind, Problem> {
        if value.get("base").is_some() {
            let base = self.text(value, "base")?;
            if !matches!(base, "ll" | "nh" | "th" | "ih") {
                return Err(self.unknown(base, "a base", ["ll", "nh", "th", "ih"]));
            }
            let (offset, length) = (self.small(value, "offset")?, self.small(value, "len")?);
            return Ok(ExprKind::Raw { base: base.to_owned(), offset, length });
        }
        let (header, field) = (self.text(value, "protocol")?, self.text(value, "field")?);
        let fields = self.fields(HEADERS, header, "a header")?;
        if !fields.contains(&field) {
            return Err(self.unknown(field, &format!("a field of `{header}`"), fields.iter().copied()));
        }
        let header = match self.text_if(value, "tunnel")? {
            Some(tunnel) => format!("{tunnel} {header}"),
            None => header.to_owned(),
        };
        let field = if field == "param-problem" { "parameter-problem" } else { field };
        Ok(ExprKind::Payload { header, field: field.to_owned() })
    }

    fn fields(self, table: Table, name: &str, what: &str) -> Result<&'static [&'static str], Problem> {
        fields_of(table, name).ok_or_else(|| self.unknown(name, what, table.iter().map(|(name, _)| *name)))
    }

    /// `rt0 addr[1]` comes as the field `addr[1]`, or as `addr` with an offset.
    fn exthdr(self, value: &Value) -> Result<ExprKind, Problem> {
        let header = self.text(value, "name")?;
        let fields = self.fields(EXTENSION_HEADERS, header, "an extension header")?;
        let Some(field) = self.text_if(value, "field")? else {
            return Ok(ExprKind::Exthdr { header: header.to_owned(), field: None });
        };
        let plain = field.split('[').next().unwrap_or(field);
        if !fields.contains(&plain) {
            return Err(self.unknown(field, &format!("a field of `{header}`"), fields.iter().copied()));
        }
        let field = match self.number_if(value, "offset")? {
            Some(offset) if header == "rt0" && plain == field => format!("{field}[{offset}]"),
            _ => field.to_owned(),
        };
        Ok(ExprKind::Exthdr { header: header.to_owned(), field: Some(field) })
    }

    fn tcp_option(self, value: &Value) -> Result<ExprKind, Problem> {
        if value.get("base").is_none() {
            return self.option(value, "tcp", TCP_OPTIONS, &["length", "kind"]);
        }
        let name = self.number(value, "base")?.to_string();
        let (offset, length) = (self.small(value, "offset")?, self.small(value, "len")?);
        let field = if (offset, length) == (0, 8) { None } else { Some(format!("@{offset},{length}")) };
        Ok(ExprKind::Option { protocol: "tcp".to_owned(), name, field })
    }

    fn option(self, value: &Value, protocol: &str, table: Table, common: &[&str]) -> Result<ExprKind, Problem> {
        let name = self.text(value, "name")?;
        let name = if protocol == "tcp" { tcp_option(name) } else { name };
        let fields = self.fields(table, name, &format!("an option of `{protocol}`"))?;
        let field = self.text_if(value, "field")?;
        if let Some(field) = field.filter(|f| !fields.contains(f) && !common.contains(f)) {
            return Err(self.unknown(field, &format!("a field of `{name}`"), fields.iter().copied()));
        }
        Ok(ExprKind::Option { protocol: protocol.to_owned(), name: name.to_owned(), field: field.map(str::to_owned) })
    }

    fn fib(self, value: &Value) -> Result<ExprKind, Problem> {
        const FLAGS: &[&str] = &["saddr", "daddr", "mark", "iif", "oif"];
        let mut flags = self.texts(value, "flags")?;
        if let Some(flag) = flags.iter().find(|flag| !FLAGS.contains(flag)) {
            return Err(self.unknown(flag, "what `fib` looks up by", FLAGS.iter().copied()));
        }
        flags.sort_by_key(|flag| FLAGS.iter().position(|f| f == flag));
        let result = self.text(value, "result")?;
        if !matches!(result, "oif" | "oifname" | "type" | "check") {
            return Err(self.unknown(result, "what `fib` gives", ["oif", "oifname", "type", "check"]));
        }
        Ok(ExprKind::Fib { flags: flags.into_iter().map(str::to_owned).collect(), result: result.to_owned() })
    }

    fn socket(self, value: &Value) -> Result<ExprKind, Problem> {
        let key = self.text(value, "key")?;
        match self.number_if(value, "level")? {
            Some(level) => Ok(self.words([Some("socket"), Some(key), Some("level"), Some(&level.to_string())])),
            None => Ok(self.words([Some("socket"), Some(key)])),
        }
    }

    fn modulus(self, value: &Value, mut words: Vec<String>) -> Result<ExprKind, Problem> {
        words.extend(["mod".to_owned(), self.number(value, "mod")?.to_string()]);
        if let Some(seed) = self.number_if(value, "seed")? {
            words.extend(["seed".to_owned(), seed.to_string()]);
        }
        if let Some(offset) = self.number_if(value, "offset")?.filter(|n| *n != 0) {
            words.extend(["offset".to_owned(), offset.to_string()]);
        }
        Ok(ExprKind::Other(words))
    }

    fn ipsec(self, value: &Value) -> Result<ExprKind, Problem> {
        let spnum = self.number_if(value, "spnum")?.filter(|n| *n != 0).map(|n| n.to_string());
        let (family, key) = (self.text_if(value, "family")?, self.text(value, "key")?);
        let direction = self.text_if(value, "dir")?;
        Ok(self.words([Some("ipsec"), direction, spnum.as_ref().map(|_| "spnum"), spnum.as_deref(), family, Some(key)]))
    }
}
