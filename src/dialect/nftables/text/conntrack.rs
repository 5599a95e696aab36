//! `ct`: what is known of a packet's connection, and what a rule makes of it.

use super::lexer::Kind;
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::spell;
use crate::dialect::nftables::syntax::{ExprKind, StatementKind};
use crate::dialect::nftables::words::{CT_DIRECTED, CT_KEYS};

impl Parser<'_, '_, '_> {
    /// `ct KEY`, `ct original KEY`, `ct original ip saddr`.
    pub fn ct_selector(&mut self) -> Result<ExprKind, Problem> {
        self.take();
        let direction = match self.word() {
            word @ ("original" | "reply") => Some(word.to_owned()),
            _ => None,
        };
        if direction.is_none() {
            let key = self.one_of(CT_KEYS, "a key of `ct`")?.to_owned();
            return Ok(ExprKind::Ct { key, direction, family: None });
        }
        self.take();
        let family = match self.word() {
            word @ ("ip" | "ip6") => Some(word.to_owned()),
            _ => None,
        };
        if family.is_some() {
            self.take();
            let key = self.one_of(&["saddr", "daddr"], "an address")?.to_owned();
            return Ok(ExprKind::Ct { key, direction, family });
        }
        let key = self.one_of(CT_DIRECTED, "a key of `ct` that has a direction")?.to_owned();
        Ok(ExprKind::Ct { key, direction, family })
    }

    /// Statements that begin with `ct` and are no match: `ct count`, `ct timeout set`, `ct expectation set`.
    pub fn ct_statement(&mut self) -> Result<Option<StatementKind>, Problem> {
        match self.second_word() {
            "count" => {
                self.take();
                self.take();
                let over = self.eat_word("over");
                Ok(Some(StatementKind::ConnCount { over, count: self.number()? }))
            }
            what @ ("timeout" | "expectation") => {
                self.take();
                self.take();
                self.expect_word("set")?;
                let name = spell::expr(&self.statement_value()?);
                let words = ["ct", what, "set", &name].map(str::to_owned).to_vec();
                Ok(Some(StatementKind::Silent(words)))
            }
            _ => Ok(None),
        }
    }

    /// Whether a statement of an element begins here that `ct` begins.
    pub fn at_ct_count(&self) -> bool {
        self.at(Kind::Word) && self.word() == "ct" && self.second_word() == "count"
    }
}
