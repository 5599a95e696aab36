//! Statements with a state of their own, which elements may carry, too: `counter`, `limit`, `quota`, `ct count`, `last`.

use super::lexer::Kind;
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{LimitSpec, Statement, StatementKind};

const UNITS: &[&str] = &["bytes", "kbytes", "mbytes"];
const TIMES: &[&str] = &["second", "minute", "hour", "day", "week"];

/// A rate with its burst.
pub struct Rate {
    /// Above instead of below.
    pub over: bool,
    /// How many.
    pub rate: u64,
    /// Of what.
    pub unit: String,
    /// In which time.
    pub per: String,
    /// How many at once.
    pub burst: Option<(u64, String)>,
}

impl Parser<'_, '_, '_> {
    /// One such statement.
    pub fn stateful_statement(&mut self) -> Result<Statement, Problem> {
        let first = self.token;
        let kind = match self.word() {
            "counter" => self.counter()?,
            "limit" => self.limit()?,
            "quota" => self.quota()?,
            "last" => self.last()?,
            "ct" if self.at_ct_count() => self.ct_statement()?.ok_or_else(|| self.unexpected("`ct count`"))?,
            _ => return Err(self.unknown("a statement with a state", &["counter", "limit", "quota", "ct", "last"])),
        };
        Ok(Statement { kind, span: self.span_from(first) })
    }

    /// Such statements up to the end.
    pub fn stateful_statements(&mut self, out: &mut Vec<Statement>) -> Result<(), Problem> {
        while matches!(self.word(), "counter" | "limit" | "quota" | "ct" | "last") {
            out.push(self.stateful_statement()?);
        }
        Ok(())
    }

    /// `counter [packets N bytes N]`, `counter name X`.
    pub fn counter(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        let mut words = vec!["counter".to_owned()];
        if self.eat_word("name") {
            words.extend(["name".to_owned(), self.object_reference()?]);
            return Ok(StatementKind::Silent(words));
        }
        while matches!(self.word(), "packets" | "bytes") {
            self.take();
            self.number()?;
        }
        Ok(StatementKind::Silent(words))
    }

    /// `last [used never | used TIME]`.
    fn last(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        if self.eat_word("used") && !self.eat_word("never") {
            self.time()?;
        }
        Ok(StatementKind::Silent(vec!["last".to_owned()]))
    }

    /// `limit rate ...`, `limit name X`.
    pub fn limit(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        if self.eat_word("name") {
            let first = self.token;
            let text = self.object_reference()?;
            let name = crate::dialect::nftables::syntax::Name { text, span: self.span_from(first) };
            return Ok(StatementKind::Limit(LimitSpec::Named(name)));
        }
        let Rate { over, rate, unit, per, burst } = self.rate()?;
        Ok(StatementKind::Limit(LimitSpec::Rate { over, rate, unit, per, burst }))
    }

    /// `rate [over | until] N[ UNIT]/TIME [burst N UNIT]`.
    pub fn rate(&mut self) -> Result<Rate, Problem> {
        self.expect_word("rate")?;
        let over = self.over()?;
        let rate = self.number()?;
        let (unit, per) = self.unit_per_time()?;
        let mut burst = None;
        if self.eat_word("burst") {
            let number = self.number()?;
            let units = if unit == "packets" { &["packets"] } else { UNITS };
            burst = Some((number, self.one_of(units, "a unit of the burst")?.to_owned()));
        }
        Ok(Rate { over, rate, unit, per, burst })
    }

    /// `over` is true, `until` and nothing are false.
    fn over(&mut self) -> Result<bool, Problem> {
        if self.eat_word("over") {
            return Ok(true);
        }
        self.eat_word("until");
        Ok(false)
    }

    /// `/second`, `mbytes/second`.
    fn unit_per_time(&mut self) -> Result<(String, String), Problem> {
        if self.eat(Kind::Slash) {
            return Ok(("packets".to_owned(), self.one_of(TIMES, "a unit of time")?.to_owned()));
        }
        let word = self.word();
        let found = word.split_once('/').filter(|(unit, time)| UNITS.contains(unit) && TIMES.contains(time));
        if let Some((unit, time)) = found {
            self.take();
            return Ok((unit.to_owned(), time.to_owned()));
        }
        // nft cuts `bytes/ second` in this way, too.
        let stem = word.strip_suffix('/').unwrap_or(word);
        if !UNITS.contains(&stem) {
            return Err(self.unexpected("`/` and a unit of time, as in `10/second` or `10 mbytes/second`"));
        }
        let unit = stem.to_owned();
        self.take();
        if stem == word {
            self.expect(Kind::Slash, "`/` and a unit of time")?;
        }
        Ok((unit, self.one_of(TIMES, "a unit of time")?.to_owned()))
    }

    /// `quota [over | until] N UNIT [used N UNIT]`, `quota name X`.
    pub fn quota(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        if self.eat_word("name") {
            return Ok(StatementKind::Quota { over: false, amount: self.object_reference()?, named: true });
        }
        let (over, bytes) = self.quota_amount()?;
        Ok(StatementKind::Quota { over, amount: bytes.to_string(), named: false })
    }

    /// `[over | until] N UNIT [used N UNIT]`: whether it is above, and the bytes.
    pub fn quota_amount(&mut self) -> Result<(bool, u64), Problem> {
        let over = self.over()?;
        let bytes = self.bytes()?;
        if self.eat_word("used") {
            self.bytes()?;
        }
        Ok((over, bytes))
    }

    fn bytes(&mut self) -> Result<u64, Problem> {
        let token = self.token;
        let number = self.number()?;
        let factor: u64 = match self.one_of(UNITS, "a unit of bytes")? {
            "kbytes" => 1 << 10,
            "mbytes" => 1 << 20,
            _ => 1,
        };
        number.checked_mul(factor).ok_or_else(|| self.problem(token, "the amount does not fit into 64 bits"))
    }

    /// The name of an object: a text, or an expression that gives one.
    pub fn object_reference(&mut self) -> Result<String, Problem> {
        self.statement_value().map(|value| crate::dialect::nftables::spell::expr(&value))
    }
}
