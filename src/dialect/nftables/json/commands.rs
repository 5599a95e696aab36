//! Items: what is done, and to what.

use super::value::Item;
use crate::dialect::Problem;
use crate::dialect::nftables::names;
use crate::dialect::nftables::syntax::{BaseSpec, Command, Name, Object, RuleSpec, TableName, Verb};
use serde_json::Value;

const OBJECTS: &[&str] = &[
    "table",
    "chain",
    "rule",
    "set",
    "map",
    "meter",
    "element",
    "flowtable",
    "counter",
    "quota",
    "limit",
    "ct helper",
    "ct timeout",
    "ct expectation",
    "secmark",
    "synproxy",
    "tunnel",
    "ruleset",
];

const TABLE_FLAGS: &[&str] = &["dormant", "owner", "persist"];

/// The only version of the format (`libnftables-json(5)`, METAINFO OBJECT).
const VERSION: u64 = 1;

/// How an item came to its verb.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The item names it.
    Command,
    /// The item is an object of a listing.
    Listing,
}

impl Item {
    /// Reads one item; what it says is added to `out`.
    pub fn command(self, value: &Value, out: &mut Vec<Command>) -> Result<(), Problem> {
        let (word, inner) = self.only(value, "an item")?;
        if word == "metainfo" {
            return self.metainfo(inner);
        }
        let (verb, origin, (word, inner)) = match names::verb(word) {
            Some(verb) => (verb, Origin::Command, self.only(inner, "what a command is about")?),
            None => (Verb::Add, Origin::Listing, (word, inner)),
        };
        if matches!(verb, Verb::List | Verb::Reset) {
            out.push(Command { verb, object: Object::Ruleset(None), span: self.span });
            return Ok(());
        }
        let object = self.object(verb, origin, word, inner)?;
        out.push(Command { verb, object, span: self.span });
        Ok(())
    }

    fn metainfo(self, value: &Value) -> Result<(), Problem> {
        match self.number_if(value, "json_schema_version")? {
            None | Some(VERSION) => Ok(()),
            Some(other) => Err(self.problem(format!("the format has version {other}, not {VERSION}"))),
        }
    }

    fn object(self, verb: Verb, origin: Origin, word: &str, value: &Value) -> Result<Object, Problem> {
        if word == "ruleset" {
            return Ok(Object::Ruleset(self.family_if(value)?));
        }
        let removes = matches!(verb, Verb::Delete | Verb::Destroy);
        if removes && value.get("name").is_none() && !matches!(word, "rule" | "element") {
            return self.by_handle(word, value);
        }
        match word {
            "table" => {
                let table = TableName { family: self.family(value)?, name: self.text(value, "name")?.to_owned() };
                let flags = self.names(value, "flags")?;
                let is_odd = |flag: &&Name| flag.text == table.name || !TABLE_FLAGS.contains(&flag.text.as_str());
                match flags.iter().find(is_odd) {
                    None => Ok(Object::Table { table, flags }),
                    Some(odd) => Err(self.unknown(&odd.text, "a flag of tables", TABLE_FLAGS.iter().copied()).help(
                        "nft before 1.0.7 prints the table's name in place of its flags; give the output of `nft list ruleset`",
                    )),
                }
            }
            "chain" => self.chain(verb, value),
            "rule" => self.rule(verb, origin, value).map(Object::Rule),
            "set" | "map" | "meter" if verb == Verb::Flush => {
                let (table, set) = (self.table(value)?, self.named(value)?);
                Ok(Object::Elements { table, set, elements: None })
            }
            "set" | "map" | "meter" => self.set(verb, word, value).map(Object::Set),
            "element" => self.elements(value),
            _ => self.named_object(verb, word, value)?.ok_or_else(|| {
                let words = OBJECTS.iter().copied().chain(names::VERBS.iter().map(|(name, _)| *name));
                self.unknown(word, "an object or a command", words)
            }),
        }
    }

    fn by_handle(self, word: &str, value: &Value) -> Result<Object, Problem> {
        let handle = self.number(value, "handle")?;
        let table = if word == "table" { None } else { Some(self.text(value, "table")?.to_owned()) };
        if !OBJECTS.contains(&word) {
            return Err(self.unknown(word, "an object", OBJECTS.iter().copied()));
        }
        Ok(Object::ByHandle { family: self.family(value)?, table, what: word.to_owned(), handle })
    }

    /// The table that an object belongs to.
    pub fn table(self, value: &Value) -> Result<TableName, Problem> {
        Ok(TableName { family: self.family(value)?, name: self.text(value, "table")?.to_owned() })
    }

    /// The name of an object.
    pub fn named(self, value: &Value) -> Result<Name, Problem> {
        self.text(value, "name").map(|text| self.name(text))
    }

    fn chain(self, verb: Verb, value: &Value) -> Result<Object, Problem> {
        let base = match self.text_if(value, "type")? {
            Some(kind) => Some(self.base(kind, value)?),
            None => None,
        };
        let new_name = match verb {
            Verb::Rename => Some(self.name(self.text(value, "newname")?)),
            _ => None,
        };
        let policy = if base.is_none() { self.chain_policy(value)? } else { None };
        Ok(Object::Chain { table: self.table(value)?, name: self.named(value)?, base, policy, new_name })
    }

    fn base(self, kind: &str, value: &Value) -> Result<BaseSpec, Problem> {
        let priority = match self.member(value, "prio")? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => return Err(self.wrong(other, "a priority")),
        };
        Ok(BaseSpec {
            kind: self.name(kind),
            hook: self.name(self.text(value, "hook")?),
            devices: self.names(value, "dev")?,
            priority: self.name(&priority),
            policy: self.chain_policy(value)?,
        })
    }

    fn chain_policy(self, value: &Value) -> Result<Option<Name>, Problem> {
        let policy = self.text_if(value, "policy")?;
        match policy.filter(|word| !matches!(*word, "accept" | "drop")) {
            Some(word) => Err(self.unknown(word, "a policy", ["accept", "drop"])),
            None => Ok(policy.map(|text| self.name(text))),
        }
    }

    fn rule(self, verb: Verb, origin: Origin, value: &Value) -> Result<RuleSpec, Problem> {
        let mut statements = Vec::new();
        if !matches!(verb, Verb::Delete | Verb::Destroy) {
            let list = self.member(value, "expr")?;
            let list = list.as_array().ok_or_else(|| self.wrong(list, "the array of statements of `expr`"))?;
            statements = list.iter().map(|statement| self.statement(statement)).collect::<Result<_, _>>()?;
        }
        let own = self.number_if(value, "handle")?;
        let is_place = origin == Origin::Command && matches!(verb, Verb::Add | Verb::Insert | Verb::Create);
        let position = self.number_if(value, "position")?;
        if own.is_none() && matches!(verb, Verb::Delete | Verb::Destroy | Verb::Replace) {
            return Err(self.problem("the `handle` of the rule is missing"));
        }
        Ok(RuleSpec {
            table: self.table(value)?,
            chain: self.name(self.text(value, "chain")?),
            handle: own.filter(|_| !is_place),
            position: if is_place { own.or(position) } else { position },
            index: self.number_if(value, "index")?,
            statements,
            comment: self.text_if(value, "comment")?.map(str::to_owned),
        })
    }
}
