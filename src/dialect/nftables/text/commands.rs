//! The commands of a script: `add`, `delete`, `flush`, ..., and blocks without a verb.

use super::lexer::{Kind, Token};
use super::parser::Parser;
use crate::dialect::nftables::names;
use crate::dialect::nftables::syntax::{NamedKind, Object, TableName, Verb};
use crate::dialect::{Problem, nearest};

/// Words that show something, besides the verbs.
const SHOWING: &[&str] = &["get", "export", "describe"];

/// What a command may be about.
pub const OBJECTS: &[&str] = &[
    "table",
    "chain",
    "rule",
    "set",
    "map",
    "element",
    "flowtable",
    "counter",
    "quota",
    "limit",
    "ct",
    "secmark",
    "synproxy",
    "tunnel",
];

impl Parser<'_, '_, '_> {
    /// A whole script.
    pub fn script(&mut self) {
        loop {
            self.statements(Parser::top_statement);
            if !self.at(Kind::Close) {
                return;
            }
            let problem = self.problem(self.token, "this `}` closes no block");
            self.session.refuse(problem);
            self.take();
        }
    }

    fn top_statement(&mut self) -> Result<(), Problem> {
        if self.common(&mut |parser| parser.top_statement())? {
            return Ok(());
        }
        self.command()?;
        self.separator()
    }

    fn command(&mut self) -> Result<(), Problem> {
        let first = self.token;
        let is_showing = SHOWING.contains(&self.word());
        let verb = if is_showing { Some(Verb::List) } else { names::verb(self.word()) };
        match (verb, self.word()) {
            (Some(_), "describe") => self.describe(first),
            (Some(_), "export") => self.show_all(first),
            (Some(verb), _) => {
                self.take();
                self.verb(verb, first)
            }
            (None, "monitor" | "import") => {
                let message = format!("`{}` is no command of a ruleset", self.word());
                Err(self.problem(first, message).help("remove it: it waits for events, or reads another format"))
            }
            (None, _) => self.bare(first),
        }
    }

    fn verb(&mut self, verb: Verb, first: Token) -> Result<(), Problem> {
        match verb {
            Verb::Add | Verb::Create => self.declared(verb, first),
            Verb::Insert => {
                self.expect_word("rule")?;
                self.rule_command(verb, first)
            }
            Verb::Replace => {
                self.expect_word("rule")?;
                self.rule_command(verb, first)
            }
            Verb::Delete | Verb::Destroy => self.removed(verb, first),
            Verb::Flush => self.emptied(first),
            Verb::Rename => self.renamed(first),
            Verb::Reset | Verb::List => self.shown_only(verb, first),
        }
    }

    /// A block or a rule without a verb.
    fn bare(&mut self, first: Token) -> Result<(), Problem> {
        let word = self.word();
        if OBJECTS.contains(&word) || names::family(word).is_some() {
            return self.declared(Verb::Add, first);
        }
        let known = names::VERBS
            .iter()
            .map(|(word, _)| *word)
            .chain(OBJECTS.iter().copied())
            .chain(SHOWING.iter().copied())
            .chain(["include", "define"]);
        let known: Vec<&str> = known.collect();
        // `filter input accept` is a rule of table filter, without any word that says so. Short words are near to all others.
        let is_slip = word.len() > 2 && nearest(word, known.iter().copied()).is_some();
        let is_rule = !word.is_empty() && !is_slip && !self.second_word().is_empty();
        if is_rule { self.rule_command(Verb::Add, first) } else { Err(self.unknown("a command", &known)) }
    }

    /// Behind `add`, `create` or nothing.
    fn declared(&mut self, verb: Verb, first: Token) -> Result<(), Problem> {
        match self.word() {
            "table" => {
                self.take();
                self.table(verb, first)
            }
            "chain" => {
                self.take();
                let table = self.table_name()?;
                self.chain(verb, table, first)
            }
            "rule" => {
                self.take();
                self.rule_command(verb, first)
            }
            "set" | "map" => {
                let is_map = self.take_word() == "map";
                let table = self.table_name()?;
                self.set(verb, table, is_map, first)
            }
            "element" => {
                self.take();
                self.elements_command(verb, first)
            }
            word if OBJECTS.contains(&word) => {
                let kind = self.named_kind(OBJECTS)?;
                let table = self.table_name()?;
                match kind {
                    NamedKind::Flowtable => self.flowtable(verb, table, first),
                    kind => self.named(verb, kind, table, first),
                }
            }
            _ if verb == Verb::Add => self.rule_command(verb, first),
            _ => Err(self.unknown("what may be made", OBJECTS)),
        }
    }

    /// Behind `delete` or `destroy`.
    fn removed(&mut self, verb: Verb, first: Token) -> Result<(), Problem> {
        let word = self.word().to_owned();
        match word.as_str() {
            "rule" => {
                self.take();
                return self.rule_command(verb, first);
            }
            "element" => {
                self.take();
                return self.elements_command(verb, first);
            }
            "table" => {
                self.take();
                return self.removed_table(verb, first);
            }
            _ => {}
        }
        let kind = match word.as_str() {
            "chain" | "set" | "map" => {
                self.take();
                None
            }
            _ => Some(self.named_kind(OBJECTS)?),
        };
        let table = self.table_name()?;
        if self.eat_word("handle") {
            let handle = self.number()?;
            let object = Object::ByHandle { family: table.family, table: Some(table.name), what: word, handle };
            let span = self.span_from(first);
            self.session.push(verb, object, span);
            return Ok(());
        }
        match (word.as_str(), kind) {
            ("chain", _) => self.chain(verb, table, first),
            ("set" | "map", _) => self.set(verb, table, word == "map", first),
            (_, Some(NamedKind::Flowtable)) => self.flowtable(verb, table, first),
            (_, Some(kind)) => self.named(verb, kind, table, first),
            _ => Err(self.unknown("what may be removed", OBJECTS)),
        }
    }

    fn removed_table(&mut self, verb: Verb, first: Token) -> Result<(), Problem> {
        let family = self.family();
        let object = if self.eat_word("handle") {
            Object::ByHandle { family, table: None, what: "table".to_owned(), handle: self.number()? }
        } else {
            let name = self.identifier("the name of a table")?.text;
            Object::Table { table: TableName { family, name }, flags: Vec::new() }
        };
        let span = self.span_from(first);
        self.session.push(verb, object, span);
        Ok(())
    }

    /// Behind `flush`.
    fn emptied(&mut self, first: Token) -> Result<(), Problem> {
        let what = self.one_of(&["ruleset", "table", "chain", "set", "map", "flow", "meter"], "what may be emptied")?;
        let object = match what {
            "ruleset" => Object::Ruleset(self.explicit_family()),
            "table" => Object::Table { table: self.table_name()?, flags: Vec::new() },
            "chain" => {
                let table = self.table_name()?;
                Object::Chain {
                    table,
                    name: self.identifier("the name of a chain")?,
                    base: None,
                    policy: None,
                    new_name: None,
                }
            }
            what => {
                if what == "flow" {
                    self.expect_word("table")?;
                }
                let table = self.table_name()?;
                Object::Elements { table, set: self.identifier("the name of a set")?, elements: None }
            }
        };
        let span = self.span_from(first);
        self.session.push(Verb::Flush, object, span);
        Ok(())
    }

    fn renamed(&mut self, first: Token) -> Result<(), Problem> {
        self.expect_word("chain")?;
        let table = self.table_name()?;
        let name = self.identifier("the name of a chain")?;
        let new_name = Some(self.identifier("the new name of the chain")?);
        let span = self.span_from(first);
        self.session.push(Verb::Rename, Object::Chain { table, name, base: None, policy: None, new_name }, span);
        Ok(())
    }

    /// `list ...`, `reset ...`, `get ...`: they change nothing that decides about packets.
    fn shown_only(&mut self, verb: Verb, first: Token) -> Result<(), Problem> {
        const SHOWN: &[&str] = &[
            "table",
            "tables",
            "chain",
            "chains",
            "set",
            "sets",
            "map",
            "maps",
            "rule",
            "rules",
            "ruleset",
            "element",
            "counter",
            "counters",
            "quota",
            "quotas",
            "limit",
            "limits",
            "ct",
            "secmark",
            "secmarks",
            "synproxy",
            "synproxys",
            "flow",
            "flowtable",
            "flowtables",
            "meter",
            "meters",
            "hooks",
            "tunnel",
            "tunnels",
        ];
        self.one_of(SHOWN, "what may be shown")?;
        self.show_all(first).map(|()| {
            if let Some(command) = self.session.out.last_mut() {
                command.verb = verb;
            }
        })
    }

    fn describe(&mut self, first: Token) -> Result<(), Problem> {
        self.take();
        if self.begins_selector() {
            self.selector()?;
        }
        self.show_all(first)
    }

    /// Takes what else stands in the command.
    fn show_all(&mut self, first: Token) -> Result<(), Problem> {
        while !matches!(self.token.kind, Kind::Newline | Kind::Semicolon | Kind::End) {
            if matches!(self.token.kind, Kind::Junk | Kind::OpenQuote) {
                return Err(self.unexpected("the end of the command"));
            }
            self.take();
        }
        let span = self.span_from(first);
        self.session.push(Verb::List, Object::Ruleset(None), span);
        Ok(())
    }
}
