//! One form for both spellings of a ruleset, so that the trees of a text and of its JSON can be compared: without places and
//! handles, numbers and times in one spelling, and rules numbered within their chain instead of in order of the file.

use fwgate::dialect::nftables::spell::seconds;
use fwgate::dialect::nftables::syntax::{
    BaseSpec, Command, Element, Expr, ExprKind, KeyType, LimitSpec, Name, NamedKind, Object, RelationOp, RuleSpec,
    SetSpec, Statement, StatementKind, TableFamily, Verb, VerdictSpec,
};
use fwgate::dialect::nftables::text::any_of;
use fwgate::ruleset::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The sets whose type is given by `typeof`: the JSON of nft before 1.0.8 names its types instead.
pub fn typeof_sets(commands: &[Command]) -> BTreeSet<String> {
    let sets = commands.iter().filter_map(|c| if let Object::Set(set) = &c.object { Some(set) } else { None });
    sets.filter(|set| matches!(set.key, KeyType::Typeof(_))).map(|set| set.name.text.clone()).collect()
}

/// The commands, one a line, in an order that does not depend on the spelling. Of the sets `untyped` the types are left out.
pub fn normal(commands: Vec<Command>, untyped: &BTreeSet<String>) -> Vec<String> {
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for mut command in commands {
        command.span = Span::default();
        object(&mut command.object);
        if let Object::Set(set) = &mut command.object
            && untyped.contains(&set.name.text)
        {
            (set.key, set.data) = (KeyType::Named(Vec::new()), None);
        }
        let number = match &command.object {
            Object::Rule(rule) => {
                let count = rules.entry(format!("{:?} {}", rule.table, rule.chain.text)).or_default();
                *count += 1;
                *count
            }
            Object::Ruleset(_) if command.verb == Verb::List => continue,
            _ => 0,
        };
        let Command { verb, object, .. } = &command;
        out.push(format!("{verb:?} {number} {object:?}"));
    }
    out.sort();
    out
}

fn object(object: &mut Object) {
    match object {
        Object::Table { flags, .. } => names(flags),
        Object::Chain { name, base: spec, table, .. } => {
            place(name);
            spec.iter_mut().for_each(|spec| base(spec, table.family));
        }
        Object::Rule(spec) => rule(spec),
        Object::Set(spec) => set(spec),
        Object::Elements { set, elements: all, .. } => {
            place(set);
            all.iter_mut().for_each(|all| elements(all));
        }
        Object::Named { name, body, kind, .. } => {
            place(name);
            body.retain(|(key, _)| key != "counter");
            if *kind == NamedKind::Limit && !body.iter().any(|(key, _)| key == "burst") {
                body.insert(0, ("burst".into(), "5 packets".into()));
            }
            for (key, value) in body.iter_mut() {
                if key == "priority" {
                    *value = priority(value, TableFamily::Netdev);
                }
            }
        }
        Object::Ruleset(_) | Object::ByHandle { .. } => {}
    }
}

fn place(name: &mut Name) {
    name.span = Span::default();
}

fn names(all: &mut [Name]) {
    all.iter_mut().for_each(place);
    all.sort_by(|a, b| a.text.cmp(&b.text));
}

fn base(spec: &mut BaseSpec, family: TableFamily) {
    [&mut spec.kind, &mut spec.hook, &mut spec.priority].into_iter().for_each(place);
    names(&mut spec.devices);
    spec.policy.iter_mut().for_each(place);
    // The JSON of nft 1.0.6 leaves the device of a base chain out.
    spec.devices.clear();
    spec.priority.text = priority(&spec.priority.text, family);
}

/// A priority as a number (`nft(8)`, tables of standard priorities).
fn priority(text: &str, family: TableFamily) -> String {
    let (name, offset) = match text.split_once(['+', '-']) {
        Some((name, rest)) if !name.is_empty() => {
            let sign = if text.contains('-') { -1 } else { 1 };
            (name.trim(), sign * rest.trim().parse::<i64>().unwrap())
        }
        _ => (text, 0),
    };
    let bridge = family == TableFamily::Bridge;
    let start = match name {
        "dstnat" | "srcnat" | "filter" | "out" if bridge => match name {
            "dstnat" => -300,
            "filter" => -200,
            "out" => 100,
            _ => 300,
        },
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "filter" => 0,
        "security" => 50,
        "srcnat" => 100,
        other => other.parse().unwrap_or_else(|_| panic!("priority {other}")),
    };
    (start + offset).to_string()
}

fn rule(spec: &mut RuleSpec) {
    place(&mut spec.chain);
    spec.handle = None;
    statements(&mut spec.statements);
}

fn set(spec: &mut SetSpec) {
    place(&mut spec.name);
    key_type(&mut spec.key);
    spec.data.iter_mut().for_each(key_type);
    names(&mut spec.flags);
    spec.timeout = spec.timeout.as_deref().map(seconds);
    statements(&mut spec.statements);
    elements(&mut spec.elements);
    // The JSON of nft 1.0.6 leaves these out.
    spec.auto_merge = false;
    spec.flags.retain(|flag| flag.text != "dynamic" && flag.text != "timeout");
}

fn key_type(key: &mut KeyType) {
    match key {
        KeyType::Named(all) => all.iter_mut().for_each(place),
        KeyType::Typeof(of) => expr(of),
    }
}

fn elements(all: &mut [Element]) {
    all.iter_mut().for_each(element);
}

fn element(one: &mut Element) {
    one.span = Span::default();
    expr(&mut one.key);
    one.data.iter_mut().for_each(|data| expr(data));
    statements(&mut one.statements);
}

fn expr(one: &mut Expr) {
    one.span = Span::default();
    if matches!(one.kind, ExprKind::List(_)) {
        *one = any_of(one.clone());
    }
    match &mut one.kind {
        ExprKind::Quoted(text) | ExprKind::Word(text) => one.kind = ExprKind::Word(word(text)),
        ExprKind::Range(a, b) | ExprKind::Map(a, b) | ExprKind::Binary(_, a, b) => {
            expr(a);
            expr(b);
        }
        ExprKind::Prefix(a, _) => expr(a),
        ExprKind::Braces(all) => elements(all),
        ExprKind::SetRef(name) => place(name),
        ExprKind::Concat(all) | ExprKind::List(all) => all.iter_mut().for_each(expr),
        ExprKind::Verdict(spec) => verdict(spec),
        _ => {}
    }
    one.span = Span::default();
}

/// Numbers in one spelling, and times in seconds.
fn word(text: &str) -> String {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).map_or_else(|_| text.to_owned(), |n| n.to_string());
    }
    let is_time = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['d', 'h', 'm', 's'])
        && text.chars().all(|c| c.is_ascii_digit() || "dhms".contains(c));
    if is_time { seconds(text) } else { text.to_owned() }
}

fn statements(all: &mut [Statement]) {
    all.iter_mut().for_each(statement);
}

fn statement(one: &mut Statement) {
    one.span = Span::default();
    match &mut one.kind {
        StatementKind::Match { left, op, right } => {
            expr(left);
            expr(right);
            if *op == RelationOp::Equal {
                *op = RelationOp::Implicit;
            }
        }
        StatementKind::Verdict(spec) => verdict(spec),
        StatementKind::Vmap { key, data } => {
            expr(key);
            expr(data);
        }
        StatementKind::Set { key, value } => {
            expr(key);
            expr(value);
        }
        // What the listing leaves out is 5 packets (`nft(8)`, LIMIT STATEMENT).
        StatementKind::Limit(LimitSpec::Rate { unit, burst, .. }) if unit == "packets" && burst.is_none() => {
            *burst = Some((5, "packets".into()));
        }
        // The listing leaves the default out.
        StatementKind::Reject(words) if words.last().is_some_and(|word| word == "port-unreachable") => words.clear(),
        StatementKind::Limit(LimitSpec::Named(name)) | StatementKind::FlowAdd(name) => place(name),
        StatementKind::Nat(spec) => {
            spec.address.iter_mut().for_each(expr);
            spec.port.iter_mut().for_each(expr);
        }
        StatementKind::Tproxy { address, port, .. } => {
            address.iter_mut().for_each(expr);
            port.iter_mut().for_each(expr);
        }
        StatementKind::SetUpdate { set, element: one, .. } => {
            place(set);
            element(one);
        }
        StatementKind::Silent(words) => words.iter_mut().for_each(|text| *text = word(text)),
        _ => {}
    }
}

fn verdict(spec: &mut VerdictSpec) {
    match spec {
        VerdictSpec::Jump(name) | VerdictSpec::Goto(name) => place(name),
        VerdictSpec::JumpBlock(rules) | VerdictSpec::GotoBlock(rules) => rules.iter_mut().for_each(rule),
        _ => {}
    }
}
