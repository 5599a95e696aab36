//! Chains: how they hang on a hook, their policy, and the rules in their body.

use super::lexer::{Kind, Token};
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{BaseSpec, ExprKind, Name, Object, TableName, Verb};
use crate::ruleset::Span;

/// A chain whose body is being read.
struct Body<'n> {
    table: &'n TableName,
    chain: &'n Name,
    base: Option<BaseSpec>,
    /// Where the line of the hook begins.
    hook: Option<Token>,
    /// A policy, with its place.
    policy: Option<Name>,
    devices: Vec<Name>,
}

impl Parser<'_, '_, '_> {
    /// `NAME [{ ... }]` behind `chain`.
    pub fn chain(&mut self, verb: Verb, table: TableName, first: Token) -> Result<(), Problem> {
        let name = self.identifier("the name of a chain").or_else(|problem| self.keyword_as_name(problem))?;
        let span = self.span_from(first);
        let (of, named) = (table.clone(), name.clone());
        let object = Object::Chain { table: of, name: named, base: None, policy: None, new_name: None };
        let at = self.session.push(verb, object, span);
        if !self.at(Kind::Open) {
            return Ok(());
        }
        let opened = self.token;
        self.open("the body of a chain")?;
        self.session.enter();
        let mut body = Body { table: &table, chain: &name, base: None, hook: None, policy: None, devices: Vec::new() };
        self.statements(|parser| parser.chain_statement(&mut body));
        self.session.leave();
        let (hung, alone) = finished(body);
        if let Some(Object::Chain { base, policy, .. }) = self.session.out.get_mut(at).map(|c| &mut c.object) {
            (*base, *policy) = (hung, alone);
        }
        self.close(opened)
    }

    /// A keyword where a name must stand before a block: the block is read all the same, so that its problems show.
    fn keyword_as_name(&mut self, problem: Problem) -> Result<Name, Problem> {
        if self.at(Kind::Word) && self.second().kind == Kind::Open {
            self.session.refuse(problem);
            let token = self.take();
            return Ok(self.name_of(token));
        }
        Err(problem)
    }

    fn chain_statement(&mut self, body: &mut Body<'_>) -> Result<(), Problem> {
        if self.common(&mut |parser| parser.chain_statement(body))? {
            return Ok(());
        }
        let first = self.token;
        match (self.word(), self.second_word()) {
            ("type", "filter" | "nat" | "route") => {
                body.base = Some(self.hook()?);
                body.hook = Some(first);
            }
            ("type", other) => {
                self.take();
                let problem = self.unknown("a type of chains", &["filter", "nat", "route"]);
                return Err(if other.is_empty() { self.unexpected("the type of a chain") } else { problem });
            }
            ("policy", _) => body.policy = Some(self.policy(body.hook)?),
            ("flags", "offload") => {
                self.take();
                self.take();
            }
            ("devices", _) => {
                self.take();
                self.expect(Kind::Assign, "`=`")?;
                self.device_list(&mut body.devices)?;
            }
            ("comment", _) => self.comment()?,
            _ => self.rule_in_chain(body.table, body.chain)?,
        }
        self.separator()
    }

    /// `type filter hook input [device eth0] priority 0`.
    fn hook(&mut self) -> Result<BaseSpec, Problem> {
        self.take();
        let kind = self.take();
        let kind = self.name_of(kind);
        self.expect_word("hook")?;
        const HOOKS: &[&str] = &["prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"];
        let token = self.token;
        self.one_of(HOOKS, "a hook")?;
        let hook = self.name_of(token);
        let mut devices = Vec::new();
        if self.eat_word("device") {
            devices.push(self.name_or_variable("a device")?);
        } else if self.eat_word("devices") {
            self.expect(Kind::Assign, "`=`")?;
            self.device_list(&mut devices)?;
        }
        let priority = self.priority()?;
        Ok(BaseSpec { kind, hook, devices, priority, policy: None })
    }

    /// `priority N`, `priority filter + 10`, `priority $prio`.
    pub fn priority(&mut self) -> Result<Name, Problem> {
        self.expect_word("priority")?;
        let first = self.token;
        let text = match first.kind {
            Kind::Number => self.take_text(),
            Kind::Dash => {
                self.take();
                format!("-{}", self.number()?)
            }
            Kind::Dollar => self.name_or_variable("a priority")?.text,
            Kind::Word => self.named_priority()?,
            _ => return Err(self.unexpected("a priority")),
        };
        Ok(Name { text, span: self.span_from(first) })
    }

    fn named_priority(&mut self) -> Result<String, Problem> {
        let name = self.take_text();
        let sign = match self.token.kind {
            Kind::Plus => "+",
            Kind::Dash => "-",
            _ => return Ok(name),
        };
        self.take();
        Ok(format!("{name} {sign} {}", self.number()?))
    }

    /// Takes the next token and returns its text.
    pub fn take_text(&mut self) -> String {
        let token = self.take();
        self.text_of(token).to_owned()
    }

    /// `policy drop`: its place begins with the hook where both stand on one line.
    fn policy(&mut self, hook: Option<Token>) -> Result<Name, Problem> {
        let first = self.take();
        let text = match self.token.kind {
            Kind::Dollar => self.name_or_variable("a policy")?.text,
            _ => self.one_of(&["accept", "drop"], "a policy")?.to_owned(),
        };
        if text != "accept" && text != "drop" {
            let problem = self.problem(first, format!("there is no policy `{text}`"));
            return Err(problem.help("policies are `accept` and `drop`"));
        }
        let start = hook.filter(|hook| hook.line == first.line).unwrap_or(first);
        Ok(Name { text, span: self.span_from(start) })
    }

    /// `{ eth0, "eth1", $dev }`, or a variable that is such a list.
    pub fn device_list(&mut self, out: &mut Vec<Name>) -> Result<(), Problem> {
        if self.at(Kind::Dollar) {
            let value = self.variable()?;
            return devices_of(value.kind, value.span, out);
        }
        let opened = self.token;
        self.open("a list of devices")?;
        loop {
            self.eat(Kind::Newline);
            if self.at(Kind::Close) {
                break;
            }
            if self.at(Kind::Dollar) {
                let value = self.variable()?;
                devices_of(value.kind, value.span, out)?;
            } else {
                out.push(self.string("the name of a device")?);
            }
            self.eat(Kind::Newline);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.close(opened)
    }
}

/// The hook with its policy and devices, or a policy alone.
fn finished(body: Body<'_>) -> (Option<BaseSpec>, Option<Name>) {
    match body.base {
        Some(mut base) => {
            base.policy = body.policy;
            base.devices.extend(body.devices);
            (Some(base), None)
        }
        None => (None, body.policy),
    }
}

/// The devices that a variable stands for.
fn devices_of(value: ExprKind, span: Span, out: &mut Vec<Name>) -> Result<(), Problem> {
    match value {
        ExprKind::Word(text) | ExprKind::Quoted(text) => out.push(Name { text, span }),
        ExprKind::Braces(elements) => {
            for element in elements {
                devices_of(element.key.kind, element.key.span, out)?;
            }
        }
        _ => return Err(Problem::new(span, "the variable's value is no list of devices")),
    }
    Ok(())
}
