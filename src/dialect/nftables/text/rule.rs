//! Rules: their place, their statements, their comment.

use super::lexer::{Kind, Token};
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{
    Name, Object, RuleSpec, Statement, StatementKind, TableFamily, TableName, Verb, VerdictSpec,
};

/// The most statements of one rule.
const MAX_STATEMENTS: usize = 4096;

impl Parser<'_, '_, '_> {
    /// A rule in the body of its chain. Its place is its text without the handle behind it.
    pub fn rule_in_chain(&mut self, table: &TableName, chain: &Name) -> Result<(), Problem> {
        let first = self.token;
        let rule = self.rule_body(table.clone(), chain.clone())?;
        let span = self.span_from(first);
        self.session.push(Verb::Add, Object::Rule(rule), span);
        Ok(())
    }

    /// `[FAMILY] TABLE CHAIN [handle N | position N | index N] STATEMENTS`: the place is the command.
    pub fn rule_command(&mut self, verb: Verb, first: Token) -> Result<(), Problem> {
        let table = self.table_name()?;
        let chain = self.identifier("the name of a chain")?;
        let (mut handle, mut position, mut index) = (None, None, None);
        match self.word() {
            "handle" => {
                self.take();
                handle = Some(self.number()?);
            }
            "position" => {
                self.take();
                position = Some(self.number()?);
            }
            "index" => {
                self.take();
                index = Some(self.number()?);
            }
            _ => {}
        }
        if matches!(verb, Verb::Add | Verb::Insert) {
            position = position.or(handle.take());
        } else if handle.is_none() {
            return Err(self.unexpected("`handle` and the number of the rule"));
        }
        let mut rule = match verb {
            Verb::Delete | Verb::Destroy | Verb::Reset => empty(table, chain),
            _ => self.rule_body(table, chain)?,
        };
        (rule.handle, rule.position, rule.index) = (handle, position, index);
        let span = self.span_from(first);
        self.session.push(verb, Object::Rule(rule), span);
        Ok(())
    }

    /// Statements and a comment, up to the end of the rule.
    fn rule_body(&mut self, table: TableName, chain: Name) -> Result<RuleSpec, Problem> {
        let statements = self.rule_statements()?;
        let mut rule = RuleSpec { statements, ..empty(table, chain) };
        if self.eat_word("comment") {
            rule.comment = Some(self.string("a comment")?.text);
        }
        if !self.at_end() {
            return Err(self.unexpected("the end of the rule"));
        }
        rule.handle = self.handle;
        settle(&mut rule.statements, &rule.table);
        Ok(rule)
    }

    fn rule_statements(&mut self) -> Result<Vec<Statement>, Problem> {
        let mut statements = Vec::new();
        while statements.is_empty() || !(self.at_end() || self.at_word("comment")) {
            if statements.len() >= MAX_STATEMENTS {
                return Err(self.problem(self.token, format!("the rule has more than {MAX_STATEMENTS} statements")));
            }
            statements.push(self.statement()?);
        }
        Ok(statements)
    }

    /// `{ rules }`: an anonymous chain, of no table yet.
    pub fn rule_block(&mut self) -> Result<Vec<RuleSpec>, Problem> {
        let opened = self.token;
        let nowhere = TableName { family: TableFamily::Ip, name: String::new() };
        let chain = Name { text: String::new(), span: self.span(opened) };
        self.open("rules")?;
        let mut rules = Vec::new();
        loop {
            match self.token.kind {
                Kind::Close | Kind::End => break,
                Kind::Newline | Kind::Semicolon => drop(self.take()),
                _ => {
                    rules.push(self.rule_body(nowhere.clone(), chain.clone())?);
                    self.separator()?;
                }
            }
        }
        self.close(opened)?;
        Ok(rules)
    }
}

/// Gives the rules of anonymous chains their table.
fn settle(statements: &mut [Statement], table: &TableName) {
    for statement in statements {
        if let StatementKind::Verdict(VerdictSpec::JumpBlock(rules) | VerdictSpec::GotoBlock(rules)) =
            &mut statement.kind
        {
            for rule in rules {
                rule.table = table.clone();
                settle(&mut rule.statements, table);
            }
        }
    }
}

fn empty(table: TableName, chain: Name) -> RuleSpec {
    RuleSpec { table, chain, handle: None, position: None, index: None, statements: Vec::new(), comment: None }
}
