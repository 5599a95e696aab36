//! Sets and maps: their type, flags, bounds and elements.

use super::lexer::{Kind, Token};
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::names::SET_FLAGS;
use crate::dialect::nftables::syntax::{Element, Expr, ExprKind, KeyType, Name, Object, SetSpec, TableName, Verb};

const STATEMENTS: &[&str] = &[
    "type",
    "typeof",
    "flags",
    "timeout",
    "gc-interval",
    "elements",
    "auto-merge",
    "policy",
    "size",
    "comment",
    "counter",
    "limit",
    "quota",
    "ct",
    "last",
    "include",
    "define",
    "redefine",
    "undefine",
];
impl Parser<'_, '_, '_> {
    /// `NAME [{ ... }]` behind `set` or `map`.
    pub fn set(&mut self, verb: Verb, table: TableName, is_map: bool, first: Token) -> Result<(), Problem> {
        let name = self.identifier("the name of a set")?;
        let mut set = empty(table, name);
        if verb == Verb::Add || verb == Verb::Create {
            let opened = self.token;
            self.open("the body of a set")?;
            self.session.enter();
            self.statements(|parser| parser.set_statement(&mut set, is_map));
            self.session.leave();
            self.close(opened)?;
            self.check_type(&set, is_map)?;
        }
        let span = self.span_from(first);
        self.session.push(verb, Object::Set(set), span);
        Ok(())
    }

    /// nft refuses a set without a type, and a map without one of its data.
    fn check_type(&mut self, set: &SetSpec, is_map: bool) -> Result<(), Problem> {
        if matches!(&set.key, KeyType::Named(names) if names.is_empty()) {
            let problem = Problem::new(set.name.span, format!("set `{}` has no type", set.name.text));
            return Err(problem.help("give it `type` and the name of a type, or `typeof` and what it is compared with"));
        }
        if is_map && set.data.is_none() {
            let problem = Problem::new(set.name.span, format!("map `{}` has no type for what it gives", set.name.text));
            return Err(problem.help("the type of a map is `type KEY : DATA`"));
        }
        Ok(())
    }

    fn set_statement(&mut self, set: &mut SetSpec, is_map: bool) -> Result<(), Problem> {
        if self.common(&mut |parser| parser.set_statement(set, is_map))? {
            return Ok(());
        }
        match self.word() {
            "type" | "typeof" => self.set_type(set, is_map)?,
            "flags" => {
                self.take();
                self.set_flags(&mut set.flags)?;
            }
            "timeout" => {
                self.take();
                set.timeout = Some(self.time()?);
            }
            "gc-interval" => {
                self.take();
                self.time()?;
            }
            "policy" => {
                self.take();
                self.one_of(&["performance", "memory"], "a policy of sets")?;
            }
            "size" => {
                self.take();
                set.size = Some(self.number()?);
            }
            "comment" => self.comment()?,
            "counter" | "limit" | "quota" | "ct" | "last" => self.stateful_statements(&mut set.statements)?,
            "auto-merge" => {
                self.take();
                set.auto_merge = true;
                return Ok(());
            }
            "elements" => {
                self.take();
                self.expect(Kind::Assign, "`=`")?;
                set.elements.append(&mut self.element_block()?);
                return Ok(());
            }
            _ => return Err(self.unknown("a statement of a set", STATEMENTS)),
        }
        self.separator()
    }

    /// `type T [: D]`, `typeof E [: D]`.
    fn set_type(&mut self, set: &mut SetSpec, is_map: bool) -> Result<(), Problem> {
        let is_typeof = self.take_word() == "typeof";
        set.key = if is_typeof { KeyType::Typeof(self.typeof_expr()?) } else { KeyType::Named(self.type_names()?) };
        if !is_map {
            return Ok(());
        }
        self.expect(Kind::Colon, "`:` and the type of the data")?;
        self.eat_word("interval");
        set.data = Some(match is_typeof {
            true => self.typeof_data()?,
            false => KeyType::Named(self.type_names()?),
        });
        Ok(())
    }

    /// `ipv4_addr . inet_service`.
    fn type_names(&mut self) -> Result<Vec<Name>, Problem> {
        let mut names = Vec::new();
        loop {
            let token = self.expect(Kind::Word, "the name of a type")?;
            names.push(self.name_of(token));
            if !self.eat(Kind::Dot) {
                return Ok(names);
            }
        }
    }

    fn typeof_expr(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        let mut parts = vec![self.selector()?];
        while self.eat(Kind::Dot) {
            parts.push(self.selector()?);
        }
        Ok(match (parts.len(), parts.pop()) {
            (1, Some(one)) => one,
            (_, last) => {
                parts.extend(last);
                Expr { kind: ExprKind::Concat(parts), span: self.span_from(first) }
            }
        })
    }

    /// What a map with `typeof` gives: a selector, `verdict`, or a kind of objects.
    fn typeof_data(&mut self) -> Result<KeyType, Problem> {
        let first = self.token;
        let name = match (self.word(), self.second_word()) {
            ("verdict" | "queue" | "counter" | "quota" | "limit" | "secmark" | "synproxy", _) => self.take_text(),
            ("ct", what @ ("timeout" | "expectation")) => {
                let name = format!("ct {what}");
                self.take();
                self.take();
                name
            }
            _ => return Ok(KeyType::Typeof(self.typeof_expr()?)),
        };
        Ok(KeyType::Named(vec![Name { text: name, span: self.span_from(first) }]))
    }

    fn set_flags(&mut self, out: &mut Vec<Name>) -> Result<(), Problem> {
        loop {
            let token = self.token;
            self.one_of(SET_FLAGS, "a flag of sets")?;
            out.push(self.name_of(token));
            if !self.eat(Kind::Comma) {
                return Ok(());
            }
        }
    }

    /// `{ elements }`, or a variable that is such a list.
    pub fn element_block(&mut self) -> Result<Vec<Element>, Problem> {
        if !self.at(Kind::Dollar) {
            return self.braces();
        }
        let value = self.variable()?;
        match value.kind {
            ExprKind::Braces(elements) => Ok(elements),
            _ => Err(Problem::new(value.span, "the variable's value is no list of elements")
                .help("such a value is written `{ a, b }`")),
        }
    }

    /// A time: `1h30m`, or seconds.
    pub fn time(&mut self) -> Result<String, Problem> {
        match self.token.kind {
            Kind::Literal if self.text_of(self.token).ends_with(['d', 'h', 'm', 's']) => Ok(self.take_text()),
            Kind::Number => Ok(self.take_text() + "s"),
            _ => Err(self.unexpected("a time such as `1h30m`")),
        }
    }

    /// `element [FAMILY] TABLE SET { elements }` behind the verb and the word.
    pub fn elements_command(&mut self, verb: Verb, first: Token) -> Result<(), Problem> {
        let table = self.table_name()?;
        let set = self.identifier("the name of a set")?;
        let elements = Some(self.element_block()?);
        let span = self.span_from(first);
        self.session.push(verb, Object::Elements { table, set, elements }, span);
        Ok(())
    }
}

fn empty(table: TableName, name: Name) -> SetSpec {
    SetSpec {
        table,
        name,
        key: KeyType::Named(Vec::new()),
        data: None,
        flags: Vec::new(),
        auto_merge: false,
        timeout: None,
        size: None,
        statements: Vec::new(),
        elements: Vec::new(),
    }
}
