//! Elements: `{ a, b-c, d/24, e . f, * : g }`, with what each carries.

use super::lexer::{Kind, Token};
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{Element, Expr, ExprKind, Statement};

/// The most elements of one list.
const MAX_ELEMENTS: usize = 20_000_000;

impl Parser<'_, '_, '_> {
    /// `{ elements }`; at least one. One line end may stand before and behind each, as nft has it.
    pub fn braces(&mut self) -> Result<Vec<Element>, Problem> {
        let opened = self.token;
        self.open("elements")?;
        let mut elements = Vec::new();
        loop {
            self.eat(Kind::Newline);
            if self.at(Kind::Close) && !elements.is_empty() {
                break;
            }
            if elements.len() >= MAX_ELEMENTS {
                return Err(self.problem(self.token, format!("the list has more than {MAX_ELEMENTS} elements")));
            }
            self.element_into(&mut elements)?;
            self.eat(Kind::Newline);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        if self.at(Kind::Newline) {
            return Err(self.unexpected("`,` or `}`").help("nft reads no empty lines among elements"));
        }
        self.close(opened)?;
        Ok(elements)
    }

    /// One element; lists in lists are one list.
    fn element_into(&mut self, out: &mut Vec<Element>) -> Result<(), Problem> {
        let first = self.token;
        if matches!(first.kind, Kind::Literal | Kind::Number)
            && matches!(self.second().kind, Kind::Comma | Kind::Newline | Kind::Close)
        {
            out.push(self.plain(first));
            return Ok(());
        }
        let key = self.element_key()?;
        let element = self.element_with(key, first)?;
        match element {
            Element { key: Expr { kind: ExprKind::Braces(inner), .. }, data: None, .. } => out.extend(inner),
            element => out.push(element),
        }
        Ok(())
    }

    /// An element that is a number or an address and nothing else.
    fn plain(&mut self, first: Token) -> Element {
        self.take();
        let span = self.span(first);
        let key = Expr { kind: ExprKind::Word(self.text_of(first).to_owned()), span };
        Element { key, data: None, timed: false, statements: Vec::new(), span }
    }

    fn element_key(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        match first.kind {
            Kind::Star => {
                self.take();
                Ok(Expr { kind: ExprKind::Wildcard, span: self.span(first) })
            }
            Kind::Open => {
                let elements = self.braces()?;
                Ok(Expr { kind: ExprKind::Braces(elements), span: self.span_from(first) })
            }
            _ => self.concat_right(),
        }
    }

    /// What stands behind an element's key.
    fn element_with(&mut self, key: Expr, first: Token) -> Result<Element, Problem> {
        let mut statements = Vec::new();
        let timed = self.element_options(&mut statements)?;
        let data = if self.eat(Kind::Colon) { Some(Box::new(self.element_data()?)) } else { None };
        let span = self.span_from(first);
        Ok(Element { key, data, timed, statements, span })
    }

    /// `timeout 1h expires 30m counter comment "x"` in any order; says whether there is a time.
    pub fn element_options(&mut self, statements: &mut Vec<Statement>) -> Result<bool, Problem> {
        let mut timed = false;
        loop {
            match self.word() {
                "timeout" | "expires" => {
                    self.take();
                    self.time_or_never()?;
                    timed = true;
                }
                "comment" => self.comment()?,
                "counter" | "limit" | "quota" | "ct" | "last" => statements.push(self.stateful_statement()?),
                _ => return Ok(timed),
            }
        }
    }

    fn time_or_never(&mut self) -> Result<(), Problem> {
        if self.eat_word("never") {
            return Ok(());
        }
        self.time().map(drop)
    }

    /// A value, a list of values, or a verdict.
    fn element_data(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        match self.verdict()? {
            Some(verdict) => Ok(Expr { kind: ExprKind::Verdict(verdict), span: self.span_from(first) }),
            None => self.concat_right(),
        }
    }
}
