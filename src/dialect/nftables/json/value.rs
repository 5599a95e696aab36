//! Values of one item of the document, and problems at its place.

use crate::dialect::nftables::names;
use crate::dialect::nftables::syntax::{Expr, ExprKind, Name, TableFamily};
use crate::dialect::{Problem, nearest};
use crate::ruleset::Span;
use serde::de::Error as _;
use serde_json::Value;

/// One item of the document.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Its place.
    pub span: Span,
}

impl Item {
    /// The item as a value.
    pub fn value(self, text: &str) -> Result<Value, Problem> {
        serde_json::from_str(text).map_err(|error: serde_json::Error| {
            let reason =
                if error.is_syntax() || error.is_data() { error } else { serde_json::Error::custom("unreadable") };
            self.problem(format!("this item cannot be read: {reason}"))
        })
    }

    /// A problem of this item.
    pub fn problem(self, message: impl Into<String>) -> Problem {
        Problem::new(self.span, message)
    }

    /// A word that is none of a list.
    pub fn unknown<'w>(self, word: &str, what: &str, words: impl IntoIterator<Item = &'w str>) -> Problem {
        let near = nearest(word, words).map(|w| format!("did you mean `{w}`?"));
        self.problem(format!("`{}` is not {what}", shortened(word))).help_if(near)
    }

    /// The only key and value of an object: `{"match": ...}`.
    pub fn only<'v>(self, value: &'v Value, what: &str) -> Result<(&'v str, &'v Value), Problem> {
        let object = value.as_object().ok_or_else(|| self.wrong(value, what))?;
        let mut entries = object.iter();
        match (entries.next(), entries.next()) {
            (Some((key, value)), None) => Ok((key, value)),
            _ => Err(self.problem(format!("{what} is an object with one key, not with {}", object.len()))),
        }
    }

    /// A value of another kind than must stand here.
    pub fn wrong(self, value: &Value, wanted: &str) -> Problem {
        self.problem(format!("`{}` stands where {wanted} is expected", shortened(&value.to_string())))
    }

    /// The member of an object that must be there.
    pub fn member<'v>(self, object: &'v Value, key: &str) -> Result<&'v Value, Problem> {
        object
            .get(key)
            .ok_or_else(|| self.problem(format!("`{key}` is missing in `{}`", shortened(&object.to_string()))))
    }

    /// A text that must be there.
    pub fn text<'v>(self, object: &'v Value, key: &str) -> Result<&'v str, Problem> {
        let value = self.member(object, key)?;
        value.as_str().ok_or_else(|| self.wrong(value, &format!("the text of `{key}`")))
    }

    /// A text that may be there.
    pub fn text_if<'v>(self, object: &'v Value, key: &str) -> Result<Option<&'v str>, Problem> {
        match object.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.text(object, key).map(Some),
        }
    }

    /// A number that must be there.
    pub fn number(self, object: &Value, key: &str) -> Result<u64, Problem> {
        let value = self.member(object, key)?;
        value.as_u64().ok_or_else(|| self.wrong(value, &format!("the number of `{key}`")))
    }

    /// A number that may be there.
    pub fn number_if(self, object: &Value, key: &str) -> Result<Option<u64>, Problem> {
        match object.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.number(object, key).map(Some),
        }
    }

    /// A number of at most 32 bits that must be there.
    pub fn small(self, object: &Value, key: &str) -> Result<u32, Problem> {
        let number = self.number(object, key)?;
        u32::try_from(number).map_err(|_| self.problem(format!("`{key}` is too large: {number}")))
    }

    /// Whether a flag is set: `true`, or a number but 0.
    pub fn flag(self, object: &Value, key: &str) -> bool {
        object.get(key).is_some_and(|v| v.as_bool().unwrap_or_else(|| v.as_u64().is_some_and(|n| n != 0)))
    }

    /// One text, or an array of texts; none where the key is missing.
    pub fn texts<'v>(self, object: &'v Value, key: &str) -> Result<Vec<&'v str>, Problem> {
        let wanted = format!("a text, or an array of texts, of `{key}`");
        match object.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(all)) => all.iter().map(|v| v.as_str().ok_or_else(|| self.wrong(v, &wanted))).collect(),
            Some(other) => Err(self.wrong(other, &wanted)),
        }
    }

    /// Texts as names at the place of the item.
    pub fn names(self, object: &Value, key: &str) -> Result<Vec<Name>, Problem> {
        Ok(self.texts(object, key)?.into_iter().map(|text| self.name(text)).collect())
    }

    /// A name at the place of the item.
    pub fn name(self, text: &str) -> Name {
        Name { text: text.to_owned(), span: self.span }
    }

    /// An expression at the place of the item.
    pub fn at(self, kind: ExprKind) -> Expr {
        Expr { kind, span: self.span }
    }

    /// The family of an object; `ip` where it names none.
    pub fn family(self, object: &Value) -> Result<TableFamily, Problem> {
        Ok(self.family_if(object)?.unwrap_or(TableFamily::Ip))
    }

    /// The family that an object names.
    pub fn family_if(self, object: &Value) -> Result<Option<TableFamily>, Problem> {
        let Some(word) = self.text_if(object, "family")? else { return Ok(None) };
        let words = names::FAMILIES.iter().map(|(name, _)| *name);
        names::family(word).map(Some).ok_or_else(|| self.unknown(word, "a family", words))
    }
}

/// A text for a message, cut where it is long.
pub fn shortened(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect()
}
