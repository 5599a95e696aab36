//! Sets, maps and their elements.

use super::value::Item;
use crate::dialect::Problem;
use crate::dialect::nftables::names::SET_FLAGS;
use crate::dialect::nftables::syntax::{Element, Expr, ExprKind, KeyType, Object, SetSpec, Statement, Verb};
use serde_json::Value;

/// Statements that an element carries beside its value.
const CARRIED: &[&str] = &["counter", "limit", "quota", "ct count", "last"];

impl Item {
    /// A set or map.
    pub fn set(self, verb: Verb, word: &str, value: &Value) -> Result<SetSpec, Problem> {
        let named_only = matches!(verb, Verb::Delete | Verb::Destroy);
        let key = match value.get("type") {
            None if named_only => KeyType::Named(Vec::new()),
            _ => self.key_type(self.member(value, "type")?)?,
        };
        let data = match value.get("map") {
            None if word == "map" && !named_only => return Err(self.problem("`map` is missing: what the map gives")),
            None => None,
            Some(data) => Some(self.key_type(data)?),
        };
        let flags = self.names(value, "flags")?;
        if let Some(flag) = flags.iter().find(|flag| !SET_FLAGS.contains(&flag.text.as_str())) {
            return Err(self.unknown(&flag.text, "a flag of sets", SET_FLAGS.iter().copied()));
        }
        Ok(SetSpec {
            table: self.table(value)?,
            name: self.named(value)?,
            key,
            data,
            flags,
            auto_merge: self.flag(value, "auto-merge"),
            timeout: self.number_if(value, "timeout")?.map(|seconds| format!("{seconds}s")),
            size: self.number_if(value, "size")?,
            statements: self.carried_list(value.get("stmt"))?,
            elements: value.get("elem").map_or(Ok(Vec::new()), |list| self.element_list(list))?,
        })
    }

    fn key_type(self, value: &Value) -> Result<KeyType, Problem> {
        match value {
            // nft before 1.0.8 prints concatenated data as one text.
            Value::String(all) => Ok(KeyType::Named(all.split(" . ").map(|one| self.name(one)).collect())),
            Value::Array(all) => {
                let names = all.iter().map(|v| v.as_str().map(|t| self.name(t)).ok_or_else(|| self.wrong(v, "a type")));
                Ok(KeyType::Named(names.collect::<Result<_, _>>()?))
            }
            Value::Object(object) if object.contains_key("typeof") => {
                self.expr(self.member(value, "typeof")?).map(KeyType::Typeof)
            }
            other => Err(self.wrong(other, "a type")),
        }
    }

    /// `element`: elements of a set that is declared elsewhere.
    pub fn elements(self, value: &Value) -> Result<Object, Problem> {
        let elements = Some(self.element_list(self.member(value, "elem")?)?);
        Ok(Object::Elements { table: self.table(value)?, set: self.named(value)?, elements })
    }

    /// Elements: an array of them, or one; lists in lists are one list.
    pub fn element_list(self, value: &Value) -> Result<Vec<Element>, Problem> {
        let Value::Array(all) = value else { return Ok(vec![self.element(value)?]) };
        let mut out = Vec::with_capacity(all.len());
        for one in all {
            match self.element(one)? {
                Element { key: Expr { kind: ExprKind::Braces(inner), .. }, data: None, .. } => out.extend(inner),
                element => out.push(element),
            }
        }
        Ok(out)
    }

    /// A value, a pair of key and data, or an object with what else the element has.
    fn element(self, value: &Value) -> Result<Element, Problem> {
        match value {
            Value::Array(pair) => match pair.as_slice() {
                [key, data] => {
                    let data = Some(Box::new(self.expr(data)?));
                    Ok(Element { data, ..self.keyed(key)? })
                }
                _ => Err(self.wrong(value, "an element, or a pair of key and data")),
            },
            _ => self.keyed(value),
        }
    }

    /// A key with what it carries: `{"elem": {"val": ..., "timeout": ...}}`, or a value alone.
    pub fn keyed(self, value: &Value) -> Result<Element, Problem> {
        let plain = |key| Element { key, data: None, timed: false, statements: Vec::new(), span: self.span };
        let Some(inner) = value.get("elem") else { return Ok(plain(self.expr(value)?)) };
        let mut element = plain(self.expr(self.member(inner, "val")?)?);
        element.timed = inner.get("timeout").is_some() || inner.get("expires").is_some();
        for (word, carried) in inner.as_object().into_iter().flatten() {
            if CARRIED.contains(&word.as_str()) {
                element.statements.push(self.worded(word, carried)?);
            }
        }
        element.statements.extend(self.carried_list(inner.get("stmt"))?);
        Ok(element)
    }

    /// `"stmt": [...]` of a set, an element or an update.
    pub fn carried_list(self, value: Option<&Value>) -> Result<Vec<Statement>, Problem> {
        match value {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(all)) => all.iter().map(|statement| self.statement(statement)).collect(),
            Some(one) => Ok(vec![self.statement(one)?]),
        }
    }
}
