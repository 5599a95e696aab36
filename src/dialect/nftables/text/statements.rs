//! Statements: comparisons, verdicts, and what else a rule does.

use super::expressions::Place;
use super::lexer::{Kind, Token};
use super::parser::Parser;
use super::selectors::selector_words;
use crate::dialect::Problem;
use crate::dialect::nftables::spell;
use crate::dialect::nftables::syntax::{
    BinaryOp, Element, Expr, ExprKind, Name, NatKind, RelationOp, Statement, StatementKind, VerdictSpec,
};

/// Words that begin a statement besides selectors.
const STATEMENTS: &[&str] = &[
    "accept",
    "drop",
    "continue",
    "return",
    "jump",
    "goto",
    "counter",
    "limit",
    "quota",
    "last",
    "log",
    "reject",
    "snat",
    "dnat",
    "masquerade",
    "redirect",
    "tproxy",
    "queue",
    "dup",
    "fwd",
    "notrack",
    "flow",
    "synproxy",
    "xt",
    "reset",
    "meter",
    "add",
    "update",
    "delete",
    "set",
];

const RELATIONS: &[(Kind, RelationOp)] = &[
    (Kind::Equal, RelationOp::Equal),
    (Kind::NotEqual, RelationOp::NotEqual),
    (Kind::Less, RelationOp::Less),
    (Kind::LessOrEqual, RelationOp::LessOrEqual),
    (Kind::Greater, RelationOp::Greater),
    (Kind::GreaterOrEqual, RelationOp::GreaterOrEqual),
    (Kind::Not, RelationOp::Unset),
];

impl Parser<'_, '_, '_> {
    /// One statement of a rule.
    pub fn statement(&mut self) -> Result<Statement, Problem> {
        let first = self.token;
        let kind = self.statement_kind()?;
        Ok(Statement { kind, span: self.span_from(first) })
    }

    fn statement_kind(&mut self) -> Result<StatementKind, Problem> {
        if let Some(verdict) = self.verdict()? {
            return Ok(StatementKind::Verdict(verdict));
        }
        if self.at(Kind::XtComment) {
            return Ok(self.xt_comment());
        }
        match self.word() {
            "counter" => self.counter(),
            "limit" => self.limit(),
            "quota" => self.quota(),
            "last" => Ok(self.stateful_statement()?.kind),
            "log" => self.log(),
            "reject" => self.reject(),
            "snat" => self.nat(NatKind::Snat),
            "dnat" => self.nat(NatKind::Dnat),
            "masquerade" => self.nat(NatKind::Masquerade),
            "redirect" => self.nat(NatKind::Redirect),
            "tproxy" => self.tproxy(),
            "queue" => self.queue(),
            "dup" => self.dup(),
            "fwd" => self.fwd(),
            "notrack" => {
                self.take();
                Ok(StatementKind::Notrack)
            }
            "flow" => self.flow(),
            "synproxy" => self.synproxy(),
            "xt" => self.xt(),
            "reset" => self.strip_option(),
            "meter" => {
                self.take();
                self.meter()
            }
            "add" | "update" | "delete" => self.set_update(),
            "set" => self.old_set_update(),
            "tunnel" if self.second_word() == "name" => self.silent_object(),
            _ => self.selector_statement(),
        }
    }

    /// A verdict where one stands here.
    pub fn verdict(&mut self) -> Result<Option<VerdictSpec>, Problem> {
        let plain = match self.word() {
            "accept" => VerdictSpec::Accept,
            "drop" => VerdictSpec::Drop,
            "continue" => VerdictSpec::Continue,
            "return" => VerdictSpec::Return,
            "jump" | "goto" => return self.call().map(Some),
            _ => return Ok(None),
        };
        self.take();
        Ok(Some(plain))
    }

    fn call(&mut self) -> Result<VerdictSpec, Problem> {
        let is_jump = self.take_word() == "jump";
        if self.at(Kind::Open) {
            let rules = self.rule_block()?;
            return Ok(if is_jump { VerdictSpec::JumpBlock(rules) } else { VerdictSpec::GotoBlock(rules) });
        }
        let chain = match self.token.kind {
            Kind::Dollar => self.name_or_variable("the name of a chain")?,
            _ => self.identifier("the name of a chain")?,
        };
        Ok(if is_jump { VerdictSpec::Jump(chain) } else { VerdictSpec::Goto(chain) })
    }

    /// What begins with a selector: a comparison, `vmap`, or `set`.
    fn selector_statement(&mut self) -> Result<StatementKind, Problem> {
        if self.word() == "ct"
            && let Some(kind) = self.ct_statement()?
        {
            return Ok(kind);
        }
        let is_start = self.begins_selector() || matches!(self.token.kind, Kind::At | Kind::OpenParen | Kind::Dollar);
        if !is_start {
            let words: Vec<&str> = STATEMENTS.iter().copied().chain(selector_words()).collect();
            return Err(self.unknown("the begin of a statement", &words));
        }
        let left = self.left_side()?;
        match self.word() {
            "vmap" => {
                self.take();
                let data = if self.at(Kind::Open) { self.right_side()? } else { self.set_reference()? };
                Ok(StatementKind::Vmap { key: left, data })
            }
            "set" => self.change(left),
            _ => self.comparison(left),
        }
    }

    /// `KEY set VALUE`.
    fn change(&mut self, key: Expr) -> Result<StatementKind, Problem> {
        if matches!(&key.kind, ExprKind::Payload { header, .. } if header.contains(' ')) {
            return Err(self.problem(self.token, "a field of a carried header cannot be set"));
        }
        self.take();
        let value = self.statement_value()?;
        Ok(changed(key, value))
    }

    /// `[OP] VALUE`, `[OP] VALUE / MASK` behind the left side.
    fn comparison(&mut self, left: Expr) -> Result<StatementKind, Problem> {
        let op = RELATIONS.iter().find(|(kind, _)| self.at(*kind)).map(|(_, op)| *op);
        if op.is_some() {
            self.take();
        }
        let right = self.right_side()?;
        if !self.eat(Kind::Slash) {
            return Ok(StatementKind::Match { left, op: op.unwrap_or(RelationOp::Implicit), right });
        }
        let first = self.token;
        let mask = self.basic(Place::Right)?;
        let mask = self.listed(mask, first, Place::Right)?;
        if matches!(&mask.kind, ExprKind::Word(text) if text.parse::<std::net::IpAddr>().is_ok()) {
            return Err(Problem::new(mask.span, "a mask stands where the length of a prefix is expected")
                .help("write `10.0.0.0/8`, or `ip saddr & 255.0.0.0 == 10.0.0.0`"));
        }
        let op = match op {
            None | Some(RelationOp::Equal) => RelationOp::Equal,
            Some(RelationOp::NotEqual) => RelationOp::NotEqual,
            Some(_) => return Err(Problem::new(mask.span, "a mask goes with `==` and `!=` only")),
        };
        let span = left.span;
        let masked = ExprKind::Binary(BinaryOp::And, Box::new(left), Box::new(any_of(mask)));
        Ok(StatementKind::Match { left: Expr { kind: masked, span }, op, right: any_of(right) })
    }

    /// `add @set { KEY [: DATA] }`.
    fn set_update(&mut self) -> Result<StatementKind, Problem> {
        let op = self.take_text();
        let set = self.reference()?;
        let opened = self.token;
        self.open("an element")?;
        let element = Box::new(self.updated_element()?);
        self.close(opened)?;
        Ok(StatementKind::SetUpdate { op, set, element })
    }

    /// The old form `set add KEY @set`.
    fn old_set_update(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        let op = self.one_of(&["add", "update", "delete"], "what is done with the set")?.to_owned();
        let mut element = self.updated_element()?;
        let set = self.reference()?;
        element.span.end = element.span.end.max(element.key.span.end);
        Ok(StatementKind::SetUpdate { op, set, element: Box::new(element) })
    }

    fn updated_element(&mut self) -> Result<Element, Problem> {
        let first = self.token;
        let key = self.left_side()?;
        let mut statements = Vec::new();
        let mut timed = self.element_options(&mut statements)?;
        let mut data = None;
        if self.eat(Kind::Colon) {
            data = Some(Box::new(self.statement_value()?));
            timed |= self.element_options(&mut statements)?;
        }
        Ok(Element { key, data, timed, statements, span: self.span_from(first) })
    }

    /// `@name` as a name.
    fn reference(&mut self) -> Result<Name, Problem> {
        let expr = self.set_reference()?;
        match expr.kind {
            ExprKind::SetRef(name) => Ok(name),
            _ => Err(Problem::new(expr.span, "the variable's value is no set")),
        }
    }

    /// `NAME [size N] { KEY STATEMENT }`: a set that the rule fills, of its own.
    fn meter(&mut self) -> Result<StatementKind, Problem> {
        let set = self.identifier("the name of a meter")?;
        if self.eat_word("size") {
            self.number()?;
        }
        let opened = self.token;
        self.open("the key and the statement of a meter")?;
        let first = self.token;
        let key = self.left_side()?;
        let mut statements = Vec::new();
        let timed = self.element_options(&mut statements)?;
        if statements.is_empty() {
            statements.push(self.statement()?);
        }
        let span = self.span_from(first);
        self.close(opened)?;
        let op = if timed { "update" } else { "add" }.to_owned();
        Ok(StatementKind::SetUpdate {
            op,
            set,
            element: Box::new(Element { key, data: None, timed, statements, span }),
        })
    }

    /// `flow add @table`, `flow offload @table`, and the old `flow table NAME { ... }`.
    fn flow(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        if self.eat_word("table") {
            return self.meter();
        }
        self.one_of(&["add", "offload"], "what is done with the flow")?;
        self.expect(Kind::At, "`@` and the name of a flowtable")?;
        self.string("the name of a flowtable").map(StatementKind::FlowAdd)
    }

    /// `tunnel name X`.
    fn silent_object(&mut self) -> Result<StatementKind, Problem> {
        let word = self.take_text();
        self.take();
        Ok(StatementKind::Silent(vec![word, "name".to_owned(), self.object_reference()?]))
    }

    /// `# xt_NAME` of old listings; names of targets have capitals.
    fn xt_comment(&mut self) -> StatementKind {
        let token: Token = self.take();
        let name = self.text_of(token).to_owned();
        let is_target = name.bytes().any(|b| b.is_ascii_uppercase());
        StatementKind::Xt { kind: if is_target { "target" } else { "match" }.to_owned(), name }
    }
}

/// `KEY set VALUE`: what no rule can see is silent.
pub fn changed(key: Expr, value: Expr) -> StatementKind {
    let is_silent = match &key.kind {
        ExprKind::Meta(key) => matches!(key.as_str(), "nftrace" | "secmark"),
        ExprKind::Ct { key, .. } => matches!(key.as_str(), "secmark" | "event"),
        _ => false,
    };
    if !is_silent {
        return StatementKind::Set { key, value };
    }
    let mut words: Vec<String> = spell::expr(&key).split(' ').map(str::to_owned).collect();
    words.extend(["set".to_owned(), spell::expr(&value)]);
    StatementKind::Silent(words)
}

/// A list of flags as one value, all of them set.
pub fn any_of(list: Expr) -> Expr {
    let ExprKind::List(values) = list.kind else { return list };
    let span = list.span;
    let mut values = values.into_iter();
    let Some(first) = values.next() else { return Expr { kind: ExprKind::List(Vec::new()), span } };
    values.fold(first, |all, one| Expr { kind: ExprKind::Binary(BinaryOp::Or, Box::new(all), Box::new(one)), span })
}
