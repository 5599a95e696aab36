//! Statements that change where a packet goes: translations, `tproxy`, `queue`, `dup`, `fwd`.

use super::lexer::Kind;
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::spell;
use crate::dialect::nftables::syntax::{Expr, ExprKind, NatKind, NatSpec, StatementKind};

/// What may number a queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Simple {
    /// A number or a range.
    Only,
    /// Also what generates one: a map, a hash, a counter.
    OrGenerated,
}

impl Parser<'_, '_, '_> {
    /// `snat`, `dnat`, `masquerade`, `redirect`.
    pub fn nat(&mut self, kind: NatKind) -> Result<StatementKind, Problem> {
        self.take();
        let mut nat = NatSpec { kind, family: None, address: None, port: None, flags: Vec::new() };
        match kind {
            NatKind::Dnat | NatKind::Snat => self.nat_target(&mut nat)?,
            NatKind::Masquerade | NatKind::Redirect => self.port_target(&mut nat)?,
        }
        self.nat_flags(&mut nat.flags)?;
        nat.flags.sort();
        nat.flags.dedup();
        Ok(StatementKind::Nat(nat))
    }

    /// `[ip | ip6] [prefix | interval | addr . port] [to] [ADDRESS][:PORT]`.
    fn nat_target(&mut self, nat: &mut NatSpec) -> Result<(), Problem> {
        if matches!((self.word(), self.second_word()), ("ip" | "ip6", "to" | "addr" | "interval" | "prefix")) {
            nat.family = Some(self.take_text());
        }
        match self.word() {
            "interval" => {
                self.take();
                nat.flags.push("interval".to_owned());
            }
            "prefix" => {
                self.take();
                nat.flags.extend(["prefix", "netmap"].map(str::to_owned));
            }
            "addr" => {
                self.take();
                self.expect(Kind::Dot, "`.`")?;
                self.expect_word("port")?;
                nat.flags.push("concat".to_owned());
            }
            _ => {}
        }
        let is_marked = !nat.flags.is_empty() || nat.family.is_some();
        if !self.eat_word("to") && is_marked {
            return Err(self.unexpected("`to`"));
        }
        (nat.address, nat.port) = self.address_and_port()?;
        Ok(())
    }

    /// `ADDRESS`, `ADDRESS:PORT`, `:PORT`.
    fn address_and_port(&mut self) -> Result<(Option<Expr>, Option<Expr>), Problem> {
        let address = if self.at(Kind::Colon) { None } else { Some(self.statement_value()?) };
        let port = if self.eat(Kind::Colon) { Some(self.statement_value()?) } else { None };
        Ok((address, port))
    }

    /// `[to [:]PORT]`.
    fn port_target(&mut self, nat: &mut NatSpec) -> Result<(), Problem> {
        if !self.eat_word("to") {
            return Ok(());
        }
        let has_colon = self.eat(Kind::Colon);
        if !has_colon && nat.kind == NatKind::Masquerade {
            return Err(self.unexpected("`:` and ports"));
        }
        nat.port = Some(self.statement_value()?);
        Ok(())
    }

    fn nat_flags(&mut self, flags: &mut Vec<String>) -> Result<(), Problem> {
        const FLAGS: &[&str] = &["random", "fully-random", "persistent"];
        while FLAGS.contains(&self.word()) {
            flags.push(self.take_text());
            if self.eat(Kind::Comma) && !FLAGS.contains(&self.word()) {
                return Err(self.unknown("a flag of translations", FLAGS));
            }
        }
        Ok(())
    }

    /// `tproxy [ip | ip6] to [ADDRESS][:PORT]`.
    pub fn tproxy(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        let family = if matches!(self.word(), "ip" | "ip6") { Some(self.take_text()) } else { None };
        self.expect_word("to")?;
        let (address, port) = self.address_and_port()?;
        Ok(StatementKind::Tproxy { family, address, port })
    }

    /// `queue [num N[-M]] [bypass] [fanout]`, `queue [flags bypass,fanout] to N`.
    pub fn queue(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        let (mut flags, mut to) = (Vec::new(), String::from("0"));
        loop {
            match self.word() {
                "num" => {
                    self.take();
                    to = self.queue_number(Simple::Only)?;
                }
                "to" => {
                    self.take();
                    to = self.queue_number(Simple::OrGenerated)?;
                }
                "flags" => {
                    self.take();
                    self.queue_flags(&mut flags)?;
                }
                "bypass" | "fanout" => self.queue_flags(&mut flags)?,
                _ => break,
            }
        }
        flags.sort();
        flags.dedup();
        Ok(StatementKind::Queue { flags, to })
    }

    /// A number, a range, or an expression that gives one.
    fn queue_number(&mut self, simple: Simple) -> Result<String, Problem> {
        let value = self.statement_value()?;
        let is_number = match &value.kind {
            ExprKind::Word(_) | ExprKind::Range(..) => true,
            ExprKind::Map(..) => simple == Simple::OrGenerated,
            ExprKind::Other(words) => {
                let generates = words.first().is_some_and(|w| matches!(w.as_str(), "numgen" | "jhash" | "symhash"));
                simple == Simple::OrGenerated && generates
            }
            _ => false,
        };
        if is_number { Ok(spell::expr(&value)) } else { Err(Problem::new(value.span, "this is no number of a queue")) }
    }

    fn queue_flags(&mut self, flags: &mut Vec<String>) -> Result<(), Problem> {
        loop {
            flags.push(self.one_of(&["bypass", "fanout"], "a flag of `queue`")?.to_owned());
            if !self.eat(Kind::Comma) {
                return Ok(());
            }
        }
    }

    /// `dup to ADDRESS [device DEVICE]`.
    pub fn dup(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        self.expect_word("to")?;
        self.statement_value()?;
        if self.eat_word("device") {
            self.statement_value()?;
        }
        Ok(StatementKind::Dup)
    }

    /// `fwd to DEVICE`, `fwd ip to ADDRESS device DEVICE`.
    pub fn fwd(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        let family = if matches!(self.word(), "ip" | "ip6") { Some(self.take_text()) } else { None };
        self.expect_word("to")?;
        let mut words = spell::expr(&self.statement_value()?);
        if let Some(family) = family {
            self.expect_word("device")?;
            words = format!("{} {family} {words}", spell::expr(&self.statement_value()?));
        }
        Ok(StatementKind::Fwd(words))
    }
}
