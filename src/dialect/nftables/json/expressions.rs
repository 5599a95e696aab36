//! Expressions: immediate values, and objects with one key that says what they are.

use super::value::Item;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{BinaryOp, Expr, ExprKind, VerdictSpec};
use crate::dialect::nftables::text::any_of;
use serde_json::Value;

/// The keys of expressions besides selectors.
const EXPRESSIONS: &[&str] = &[
    "concat",
    "set",
    "map",
    "prefix",
    "range",
    "payload",
    "exthdr",
    "tcp option",
    "ip option",
    "sctp chunk",
    "dccp option",
    "meta",
    "osf",
    "ipsec",
    "socket",
    "rt",
    "ct",
    "numgen",
    "jhash",
    "symhash",
    "fib",
    "tunnel",
    "|",
    "^",
    "&",
    ">>",
    "<<",
    "accept",
    "drop",
    "continue",
    "jump",
    "goto",
    "return",
    "elem",
];

impl Item {
    /// One expression.
    pub fn expr(self, value: &Value) -> Result<Expr, Problem> {
        let kind = match value {
            Value::String(text) => immediate(self, text),
            Value::Number(number) => ExprKind::Word(number.to_string()),
            Value::Bool(exists) => ExprKind::Word(if *exists { "exists" } else { "missing" }.to_owned()),
            Value::Array(all) => ExprKind::List(all.iter().map(|v| self.expr(v)).collect::<Result<_, _>>()?),
            Value::Object(_) => {
                let (word, inner) = self.only(value, "an expression")?;
                return self.worded_expr(word, inner);
            }
            Value::Null => return Err(self.wrong(value, "an expression")),
        };
        Ok(self.at(kind))
    }

    fn worded_expr(self, word: &str, value: &Value) -> Result<Expr, Problem> {
        if let Some(verdict) = self.verdict(word, value)? {
            return Ok(self.at(ExprKind::Verdict(verdict)));
        }
        let kind = match word {
            "concat" => self.concat(value)?,
            "set" => return self.set_expr(value),
            "map" => {
                let (key, data) = self.key_and_data(value)?;
                ExprKind::Map(Box::new(key), Box::new(data))
            }
            "prefix" => ExprKind::Prefix(Box::new(self.expr(self.member(value, "addr")?)?), self.small(value, "len")?),
            "range" => self.range(value)?,
            "|" => self.binary(BinaryOp::Or, value)?,
            "^" => self.binary(BinaryOp::Xor, value)?,
            "&" => self.binary(BinaryOp::And, value)?,
            ">>" => self.binary(BinaryOp::ShiftRight, value)?,
            "<<" => self.binary(BinaryOp::ShiftLeft, value)?,
            "elem" => return self.expr(self.member(value, "val")?),
            _ => match self.selector(word, value)? {
                Some(kind) => kind,
                None => return Err(self.unknown(word, "an expression", EXPRESSIONS.iter().copied())),
            },
        };
        Ok(self.at(kind))
    }

    /// A verdict where the word is one.
    pub fn verdict(self, word: &str, value: &Value) -> Result<Option<VerdictSpec>, Problem> {
        Ok(Some(match word {
            "accept" => VerdictSpec::Accept,
            "drop" => VerdictSpec::Drop,
            "continue" => VerdictSpec::Continue,
            "return" => VerdictSpec::Return,
            "jump" => VerdictSpec::Jump(self.name(self.text(value, "target")?)),
            "goto" => VerdictSpec::Goto(self.name(self.text(value, "target")?)),
            _ => return Ok(None),
        }))
    }

    fn concat(self, value: &Value) -> Result<ExprKind, Problem> {
        match value.as_array() {
            Some(all) if all.len() >= 2 => {
                Ok(ExprKind::Concat(all.iter().map(|v| self.expr(v)).collect::<Result<_, _>>()?))
            }
            _ => Err(self.wrong(value, "an array of two or more expressions")),
        }
    }

    /// `{"set": [...]}`, or `{"set": "@name"}`.
    fn set_expr(self, value: &Value) -> Result<Expr, Problem> {
        match value {
            Value::String(text) if text.starts_with('@') => self.expr(value),
            _ => Ok(self.at(ExprKind::Braces(self.element_list(value)?))),
        }
    }

    /// The key and the data of a map.
    pub fn key_and_data(self, value: &Value) -> Result<(Expr, Expr), Problem> {
        Ok((self.expr(self.member(value, "key")?)?, self.expr(self.member(value, "data")?)?))
    }

    fn range(self, value: &Value) -> Result<ExprKind, Problem> {
        match value.as_array().map(Vec::as_slice) {
            Some([low, high]) => Ok(ExprKind::Range(Box::new(self.expr(low)?), Box::new(self.expr(high)?))),
            _ => Err(self.wrong(value, "an array of two values")),
        }
    }

    /// Two or more operands; an array among them is all of its flags.
    fn binary(self, op: BinaryOp, value: &Value) -> Result<ExprKind, Problem> {
        let operands = value.as_array().filter(|all| (2..=64).contains(&all.len()));
        let operands = operands.ok_or_else(|| self.wrong(value, "an array of 2 to 64 operands"))?;
        let mut operands = operands.iter().map(|v| self.expr(v).map(any_of));
        let Some(first) = operands.next() else { return Err(self.wrong(value, "operands")) };
        let mut all = first?;
        for one in operands {
            all = self.at(ExprKind::Binary(op, Box::new(all), Box::new(one?)));
        }
        Ok(all.kind)
    }
}

/// A text: a set, everything else, or a word.
fn immediate(item: Item, text: &str) -> ExprKind {
    match text.strip_prefix('@') {
        Some(name) => ExprKind::SetRef(item.name(name)),
        None if text == "*" => ExprKind::Wildcard,
        None => ExprKind::Word(text.to_owned()),
    }
}
