//! Expressions by precedence: `|`, `^`, `&`, shifts, and around them prefixes, ranges, concatenations and lists.
//!
//! nft has three kinds of places. On the left of a comparison stand selectors; on the right stand values, where words such
//! as `tcp` are names; and behind `set` and `to` stand both.

use super::lexer::{Kind, Token};
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{BinaryOp, Expr, ExprKind};
use crate::dialect::nftables::words::{VALUE_WORDS, is_reserved};

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the left of a comparison.
    Left,
    /// On the right of one, or in a list.
    Right,
    /// Behind `set` or `to`.
    Value,
}

/// Operators from the loosest to the tightest.
const LEVELS: &[&[(Kind, BinaryOp)]] = &[
    &[(Kind::Pipe, BinaryOp::Or)],
    &[(Kind::Caret, BinaryOp::Xor)],
    &[(Kind::Ampersand, BinaryOp::And)],
    &[(Kind::ShiftLeft, BinaryOp::ShiftLeft), (Kind::ShiftRight, BinaryOp::ShiftRight)],
];

impl Parser<'_, '_, '_> {
    /// `a . b` of selectors, or one of them; with `map` behind it, what the map gives.
    pub fn left_side(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        let key = self.concat(Place::Left)?;
        self.mapped(key, first)
    }

    /// A value, a list of values without braces, a list in braces, or a set (`rhs_expr`, `list_rhs_expr`).
    pub fn right_side(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        match first.kind {
            Kind::Open => {
                let elements = self.braces()?;
                Ok(Expr { kind: ExprKind::Braces(elements), span: self.span_from(first) })
            }
            Kind::At => self.set_reference(),
            _ => {
                let value = self.concat_right()?;
                self.listed(value, first, Place::Right)
            }
        }
    }

    /// What stands behind `set` or `to` (`stmt_expr`): a value with selectors in it, a map, a prefix, a range, a list.
    pub fn statement_value(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        let value = self.concat(Place::Value)?;
        let value = self.mapped(value, first)?;
        self.listed(value, first, Place::Value)
    }

    /// `@name`.
    pub fn set_reference(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        if first.kind == Kind::Dollar {
            return self.variable();
        }
        self.expect(Kind::At, "`@` and the name of a set")?;
        let name = self.identifier("the name of a set")?;
        Ok(Expr { kind: ExprKind::SetRef(name), span: self.span_from(first) })
    }

    /// `a . b` of values.
    pub fn concat_right(&mut self) -> Result<Expr, Problem> {
        self.concat(Place::Right)
    }

    /// `value, value` behind a first value.
    pub fn listed(&mut self, value: Expr, first: Token, place: Place) -> Result<Expr, Problem> {
        if !self.at(Kind::Comma) {
            return Ok(value);
        }
        let mut values = vec![value];
        while self.eat(Kind::Comma) {
            values.push(self.basic(place)?);
        }
        Ok(Expr { kind: ExprKind::List(values), span: self.span_from(first) })
    }

    /// `key map { ... }`.
    fn mapped(&mut self, key: Expr, first: Token) -> Result<Expr, Problem> {
        if !self.eat_word("map") {
            return Ok(key);
        }
        let data = match self.token.kind {
            Kind::Open => self.right_side()?,
            _ => self.set_reference()?,
        };
        Ok(Expr { kind: ExprKind::Map(Box::new(key), Box::new(data)), span: self.span_from(first) })
    }

    fn concat(&mut self, place: Place) -> Result<Expr, Problem> {
        let first = self.token;
        let one = self.multiton(place)?;
        if !self.at(Kind::Dot) {
            return Ok(one);
        }
        let mut parts = vec![one];
        while self.eat(Kind::Dot) {
            parts.push(self.multiton(place)?);
        }
        Ok(Expr { kind: ExprKind::Concat(parts), span: self.span_from(first) })
    }

    /// A value, `a/24`, `a-b`.
    fn multiton(&mut self, place: Place) -> Result<Expr, Problem> {
        let first = self.token;
        let value = self.basic(place)?;
        if place == Place::Left {
            return Ok(value);
        }
        let kind = match self.token.kind {
            Kind::Slash if self.second().kind == Kind::Number => {
                self.take();
                let token = self.token;
                let length = self.number()?;
                let length = u32::try_from(length).ok().filter(|n| *n <= 4096);
                let length = length.ok_or_else(|| self.problem(token, "the prefix is longer than any value"))?;
                ExprKind::Prefix(Box::new(value), length)
            }
            Kind::Dash => {
                self.take();
                ExprKind::Range(Box::new(value), Box::new(self.basic(place)?))
            }
            _ => return Ok(value),
        };
        Ok(Expr { kind, span: self.span_from(first) })
    }

    /// Everything between operators of bits.
    pub fn basic(&mut self, place: Place) -> Result<Expr, Problem> {
        self.level(0, place)
    }

    fn level(&mut self, level: usize, place: Place) -> Result<Expr, Problem> {
        let Some(operators) = LEVELS.get(level) else { return self.primary(place) };
        let first = self.token;
        let mut left = self.level(level + 1, place)?;
        // On the left, what follows an operator is a value; nft 1.1 takes selectors there, too.
        let mut links = 0;
        while let Some((_, op)) = operators.iter().find(|(kind, _)| self.at(*kind)) {
            self.take();
            links += 1;
            self.nest()?;
            let right_place = if place == Place::Left { self.operand_place() } else { place };
            let right = self.level(level + 1, right_place)?;
            let kind = ExprKind::Binary(*op, Box::new(left), Box::new(right));
            left = Expr { kind, span: self.span_from(first) };
        }
        self.unnest(links);
        Ok(left)
    }

    /// Behind an operator on the left: a selector where one begins here and a field follows, else a value.
    fn operand_place(&self) -> Place {
        let is_selector = self.at(Kind::Word) && self.begins_selector() && self.has_field_behind();
        if is_selector { Place::Left } else { Place::Right }
    }

    fn primary(&mut self, place: Place) -> Result<Expr, Problem> {
        let first = self.token;
        match first.kind {
            Kind::OpenParen => self.deeper(|parser| {
                parser.take();
                let inner = parser.basic(place)?;
                parser.expect(Kind::CloseParen, "`)`")?;
                Ok(inner)
            }),
            Kind::Dollar => self.variable(),
            Kind::Number | Kind::Literal | Kind::Starred => {
                self.take();
                Ok(Expr { kind: ExprKind::Word(self.text_of(first).to_owned()), span: self.span(first) })
            }
            Kind::Quoted => {
                self.take();
                Ok(Expr { kind: ExprKind::Quoted(self.text_of(first).to_owned()), span: self.span(first) })
            }
            Kind::At if place != Place::Right => self.selector(),
            Kind::Word => self.word_or_selector(place),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn word_or_selector(&mut self, place: Place) -> Result<Expr, Problem> {
        let first = self.token;
        let is_selector = match place {
            Place::Left => true,
            Place::Right => false,
            Place::Value => self.begins_selector() && !self.is_bare_value(),
        };
        if is_selector {
            return self.selector();
        }
        let word = self.word();
        if is_reserved(word) && !VALUE_WORDS.contains(&word) {
            return Err(self.unexpected("a value"));
        }
        self.take();
        Ok(Expr { kind: ExprKind::Word(word.to_owned()), span: self.span(first) })
    }

    /// A word of a header without a field behind it, as a value.
    fn is_bare_value(&self) -> bool {
        VALUE_WORDS.contains(&self.word()) && !self.has_field_behind()
    }
}
