//! Objects that rules name: counters, quotas, limits, helpers, timeouts, expectations, marks, proxies, flowtables, tunnels.

use super::lexer::{Kind, Token};
use super::limits::Rate;
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{Name, NamedKind, Object, TableName, Verb};
use crate::dialect::nftables::{names, spell};

/// What stands in an object's body.
type Body = Vec<(String, String)>;

impl Parser<'_, '_, '_> {
    /// `counter`, `ct helper`, ...; `words` are all that may stand here.
    pub fn named_kind(&mut self, words: &[&'static str]) -> Result<NamedKind, Problem> {
        if let Some(kind) = names::named_kind(self.word()) {
            self.take();
            return Ok(kind);
        }
        if self.at_word("ct") {
            self.take();
            let what = self.one_of(&["helper", "timeout", "expectation"], "a kind of objects of `ct`")?;
            return names::named_kind(&format!("ct {what}")).ok_or_else(|| self.unexpected("an object"));
        }
        Err(self.unknown("what may stand here", words))
    }

    /// `NAME { ... }`, or `NAME CONFIG` of a command.
    pub fn named(&mut self, verb: Verb, kind: NamedKind, table: TableName, first: Token) -> Result<(), Problem> {
        let name = self.identifier("the name of an object")?;
        let mut body = Body::new();
        if self.at(Kind::Open) {
            let opened = self.token;
            self.open("the body of an object")?;
            self.session.enter();
            self.statements(|parser| parser.object_statement(kind, &mut body));
            self.session.leave();
            self.close(opened)?;
        } else if !self.at_end() {
            self.object_config(kind, &mut body)?;
        }
        self.push_named(verb, kind, table, name, body, first);
        Ok(())
    }

    fn push_named(&mut self, verb: Verb, kind: NamedKind, table: TableName, name: Name, mut body: Body, first: Token) {
        body.sort();
        let span = self.span_from(first);
        self.session.push(verb, Object::Named { table, kind, name, body }, span);
    }

    fn object_statement(&mut self, kind: NamedKind, body: &mut Body) -> Result<(), Problem> {
        if self.common(&mut |parser| parser.object_statement(kind, body))? {
            return Ok(());
        }
        if self.at_word("comment") {
            return self.comment();
        }
        self.object_config(kind, body)
    }

    fn object_config(&mut self, kind: NamedKind, body: &mut Body) -> Result<(), Problem> {
        match kind {
            NamedKind::Counter => self.counts(),
            NamedKind::Quota => {
                let (over, bytes) = self.quota_amount()?;
                body.push((if over { "over" } else { "until" }.to_owned(), bytes.to_string()));
                Ok(())
            }
            NamedKind::Limit => {
                let rate = self.rate()?;
                rate_words(&rate, body);
                Ok(())
            }
            NamedKind::Secmark => {
                let context = self.string("a context")?.text;
                body.push(("context".to_owned(), context));
                Ok(())
            }
            NamedKind::Synproxy => self.synproxy_config(body),
            NamedKind::CtHelper | NamedKind::CtTimeout | NamedKind::CtExpectation => self.ct_config(kind, body),
            NamedKind::Tunnel => self.tunnel_config(body),
            NamedKind::Flowtable => Err(self.unexpected("a statement of a flowtable")),
        }
    }

    /// `packets N bytes N`, which change nothing.
    fn counts(&mut self) -> Result<(), Problem> {
        self.expect_word("packets")?;
        self.number()?;
        self.expect_word("bytes")?;
        self.number().map(drop)
    }

    fn synproxy_config(&mut self, body: &mut Body) -> Result<(), Problem> {
        let word = self.one_of(&["mss", "wscale", "timestamp", "sack-perm"], "a setting of a proxy")?;
        let value = if matches!(word, "mss" | "wscale") { self.number()?.to_string() } else { String::new() };
        body.push((word.to_owned(), value));
        Ok(())
    }

    fn ct_config(&mut self, kind: NamedKind, body: &mut Body) -> Result<(), Problem> {
        let words: &[&'static str] = match kind {
            NamedKind::CtHelper => &["type", "l3proto"],
            NamedKind::CtTimeout => &["protocol", "policy", "l3proto"],
            _ => &["protocol", "dport", "timeout", "size", "l3proto"],
        };
        let word = self.one_of(words, "a setting of this object")?;
        let value = match word {
            "type" => {
                let token = self.expect(Kind::Quoted, "the quoted name of a helper")?;
                self.expect_word("protocol")?;
                let protocol = self.transport()?;
                body.push(("protocol".to_owned(), protocol));
                self.text_of(token).to_owned()
            }
            "protocol" => self.transport()?,
            "policy" => self.timeout_policy()?,
            "timeout" => spell::seconds(&self.time()?),
            "l3proto" => {
                let words: Vec<&'static str> = names::FAMILIES.iter().map(|(word, _)| *word).collect();
                self.one_of(&words, "a family")?.to_owned()
            }
            _ => self.number()?.to_string(),
        };
        body.push((word.to_owned(), value));
        self.separator()
    }

    fn transport(&mut self) -> Result<String, Problem> {
        self.one_of(&["tcp", "udp"], "a protocol").map(str::to_owned)
    }

    /// `= { established : 1h, close : 10 }`.
    fn timeout_policy(&mut self) -> Result<String, Problem> {
        self.expect(Kind::Assign, "`=`")?;
        let opened = self.token;
        self.open("states and times")?;
        let mut states = Vec::new();
        loop {
            self.eat(Kind::Newline);
            let state = self.expect(Kind::Word, "a state")?;
            self.expect(Kind::Colon, "`:`")?;
            states.push(format!("{} {}", self.text_of(state), spell::seconds(&self.time()?)));
            self.eat(Kind::Newline);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.close(opened)?;
        states.sort();
        Ok(states.join(", "))
    }

    fn tunnel_config(&mut self, body: &mut Body) -> Result<(), Problem> {
        let mut words = Vec::new();
        while !self.at_end() && words.len() < 16 {
            if self.at(Kind::Open) {
                words.push(self.inner_block()?);
                break;
            }
            words.push(self.take_text());
        }
        if words.is_empty() {
            return Err(self.unexpected("a setting of a tunnel"));
        }
        let key = words.remove(0);
        body.push((key, words.join(" ")));
        Ok(())
    }

    /// The words of a block within the body of a tunnel.
    fn inner_block(&mut self) -> Result<String, Problem> {
        let opened = self.token;
        self.open("settings")?;
        let mut words = Vec::new();
        while !matches!(self.token.kind, Kind::Close | Kind::End) {
            let text = self.take_text();
            if !text.trim().is_empty() && text != ";" {
                words.push(text);
            }
        }
        self.close(opened)?;
        Ok(words.join(" "))
    }

    /// `NAME [{ ... }]` behind `flowtable`.
    pub fn flowtable(&mut self, verb: Verb, table: TableName, first: Token) -> Result<(), Problem> {
        let name = self.identifier("the name of a flowtable")?;
        let mut body = Body::new();
        if self.at(Kind::Open) {
            let opened = self.token;
            self.open("the body of a flowtable")?;
            self.session.enter();
            self.statements(|parser| parser.flowtable_statement(&mut body));
            self.session.leave();
            self.close(opened)?;
        }
        self.push_named(verb, NamedKind::Flowtable, table, name, body, first);
        Ok(())
    }

    fn flowtable_statement(&mut self, body: &mut Body) -> Result<(), Problem> {
        if self.common(&mut |parser| parser.flowtable_statement(body))? {
            return Ok(());
        }
        match self.one_of(&["hook", "devices", "counter", "flags"], "a statement of a flowtable")? {
            "hook" => {
                let hook = self.string("a hook")?.text;
                let priority = self.priority()?.text;
                body.extend([("hook".to_owned(), hook), ("priority".to_owned(), priority)]);
            }
            "devices" => {
                self.expect(Kind::Assign, "`=`")?;
                let mut devices = Vec::new();
                self.device_list(&mut devices)?;
                body.extend(devices.into_iter().map(|d| ("device".to_owned(), d.text)));
            }
            "counter" => {
                body.push(("counter".to_owned(), String::new()));
                return Ok(());
            }
            _ => {
                self.expect_word("offload")?;
                body.push(("flags".to_owned(), "offload".to_owned()));
            }
        }
        self.separator()
    }
}

/// A rate as pairs of words.
fn rate_words(rate: &Rate, body: &mut Body) {
    body.push((if rate.over { "over" } else { "until" }.to_owned(), String::new()));
    body.push(("rate".to_owned(), format!("{} {}/{}", rate.rate, rate.unit, rate.per)));
    body.extend(rate.burst.iter().map(|(number, unit)| ("burst".to_owned(), format!("{number} {unit}"))));
}
