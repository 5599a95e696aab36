//! The body of a table: its flags and comment, and what is declared in it.

use super::lexer::Kind;
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::names;
use crate::dialect::nftables::syntax::{Name, NamedKind, Object, TableFamily, TableName, Verb};

/// What may be declared in a table, and what else may stand there.
const STATEMENTS: &[&str] = &[
    "chain",
    "set",
    "map",
    "flowtable",
    "counter",
    "quota",
    "limit",
    "ct",
    "secmark",
    "synproxy",
    "tunnel",
    "flags",
    "comment",
    "include",
    "define",
    "redefine",
    "undefine",
];

impl Parser<'_, '_, '_> {
    /// `[FAMILY]`: the family where the text names one.
    pub fn explicit_family(&mut self) -> Option<TableFamily> {
        let family = names::family(self.word())?;
        self.take();
        Some(family)
    }

    /// `[FAMILY]`, `ip` where the text names none.
    pub fn family(&mut self) -> TableFamily {
        self.explicit_family().unwrap_or(TableFamily::Ip)
    }

    /// `[FAMILY] TABLE`.
    pub fn table_name(&mut self) -> Result<TableName, Problem> {
        let family = self.family();
        let name = self.identifier("the name of a table")?;
        Ok(TableName { family, name: name.text })
    }

    /// `table NAME [{ ... }]` behind the verb and the word.
    pub fn table(&mut self, verb: Verb, first: super::lexer::Token) -> Result<(), Problem> {
        let table = self.table_name()?;
        let span = self.span_from(first);
        let at = self.session.push(verb, Object::Table { table: table.clone(), flags: Vec::new() }, span);
        if !self.at(Kind::Open) {
            return Ok(());
        }
        let opened = self.token;
        let mut flags = Vec::new();
        self.open("the body of a table")?;
        self.session.enter();
        self.statements(|parser| parser.table_statement(&table, &mut flags));
        self.session.leave();
        if let Some(Object::Table { flags: place, .. }) = self.session.out.get_mut(at).map(|c| &mut c.object) {
            *place = flags;
        }
        self.close(opened)
    }

    fn table_statement(&mut self, table: &TableName, flags: &mut Vec<Name>) -> Result<(), Problem> {
        if self.common(&mut |parser| parser.table_statement(table, flags))? {
            return Ok(());
        }
        let first = self.token;
        match self.word() {
            "chain" => {
                self.take();
                self.chain(Verb::Add, table.clone(), first)?;
            }
            "set" | "map" => {
                let is_map = self.take_word() == "map";
                self.set(Verb::Add, table.clone(), is_map, first)?;
            }
            "flags" => {
                self.take();
                self.names_by_comma("the flag of a table", flags)?;
            }
            "comment" => self.comment()?,
            _ => match self.named_kind(STATEMENTS)? {
                NamedKind::Flowtable => self.flowtable(Verb::Add, table.clone(), first)?,
                kind => self.named(Verb::Add, kind, table.clone(), first)?,
            },
        }
        self.separator()
    }

    /// `comment "text"`, which changes nothing.
    pub fn comment(&mut self) -> Result<(), Problem> {
        self.expect_word("comment")?;
        self.string("a comment").map(drop)
    }

    /// `a, b, c`, added to `out`.
    pub fn names_by_comma(&mut self, what: &str, out: &mut Vec<Name>) -> Result<(), Problem> {
        loop {
            let token = self.expect(Kind::Word, what)?;
            out.push(self.name_of(token));
            if !self.eat(Kind::Comma) {
                return Ok(());
            }
        }
    }

    /// Takes the next word and returns it.
    pub fn take_word(&mut self) -> &str {
        let token = self.take();
        self.text_of(token)
    }
}
