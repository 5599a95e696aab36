//! Declarations of chains and sets, and who refers to what.

use super::apply::{exists, need_table};
use super::known::{Known, Packets};
use super::select::select;
use super::state::{ChainState, SetState, State, Table};
use super::types::Type;
use super::{Parsed, keys};
use crate::dialect::nftables::syntax::{
    BaseSpec, Command, Expr, ExprKind, KeyType, Name, RuleSpec, SetSpec, Statement, StatementKind, TableName, Verb,
    VerdictSpec,
};
use crate::dialect::{Problem, nearest};
use crate::ruleset::DeviceFacts;

/// Declares a chain; a second declaration may change its policy and nothing else.
///
/// # Errors
/// Declarations that contradict earlier ones.
pub fn chain(
    state: &mut State<'_>,
    command: &Command,
    table: &TableName,
    name: &Name,
    base: Option<&BaseSpec>,
) -> Parsed<()> {
    let registered = state.registered;
    let found = need_table(state, table, command.span)?;
    if let Some(known) = found.chain(&name.text) {
        if command.verb == Verb::Create {
            return Err(exists(name, "chain"));
        }
        return again(known, name, base);
    }
    found.add_chain(ChainState {
        name: name.text.clone(),
        base: base.cloned(),
        registered,
        rules: Vec::new(),
        spans: Vec::new(),
        span: command.span,
    });
    state.registered += usize::from(base.is_some());
    Ok(())
}

/// Changes the policy of a base chain that is there.
///
/// # Errors
/// Chains that are not there or hang on no hook, and `create`.
pub fn policy(table: &mut Table<'_>, verb: Verb, name: &Name, policy: &Name) -> Parsed<()> {
    match table.chain(&name.text) {
        Some(_) if verb == Verb::Create => Err(exists(name, "chain")),
        Some(ChainState { base: Some(base), .. }) => {
            base.policy = Some(policy.clone());
            Ok(())
        }
        _ => Err(Problem::new(policy.span, "a policy stands in a chain without a hook")
            .help("a policy belongs to a chain with `type ... hook ... priority ...`")),
    }
}

fn again(known: &mut ChainState<'_>, name: &Name, base: Option<&BaseSpec>) -> Parsed<()> {
    let Some(base) = base else { return Ok(()) };
    let place = |b: &BaseSpec| (b.kind.text.clone(), b.hook.text.clone(), super::hooks::spelled(&b.priority.text));
    match &mut known.base {
        Some(old) if place(old) == place(base) => {
            if base.policy.is_some() {
                old.policy.clone_from(&base.policy);
            }
            Ok(())
        }
        _ => Err(Problem::new(name.span, format!("chain `{}` is declared in another way before", name.text))
            .help("the kernel changes the policy of a base chain, and neither its hook nor its priority")),
    }
}

/// Declares a set or map; a second declaration adds elements.
///
/// # Errors
/// Unknown types, declarations that contradict earlier ones.
pub fn set<'c>(table: &mut Table<'c>, verb: Verb, spec: &'c SetSpec) -> Parsed<()> {
    let packets = Packets::of(table.name.family);
    let types = types(&spec.key, packets)?;
    let data = spec.data.as_ref().map_or_else(|| Ok(Vec::new()), |d| data_types(d, packets))?;
    if let Some(known) = table.set_mut(&spec.name.text) {
        if verb == Verb::Create {
            return Err(exists(&spec.name, "set or map"));
        }
        if known.types != types || known.data != data || known.spec.data.is_some() != spec.data.is_some() {
            let message = format!("`{}` is declared with other types before", spec.name.text);
            return Err(Problem::new(spec.name.span, message).help("the kernel refuses the second declaration"));
        }
        known.elements.extend(&spec.elements);
        return Ok(());
    }
    table.add_set(SetState {
        name: spec.name.text.clone(),
        spec,
        types,
        data,
        elements: spec.elements.iter().collect(),
        filled: false,
        read: super::sets::Read::default(),
    });
    Ok(())
}

/// The types of a key.
fn types(key: &KeyType, packets: Packets) -> Parsed<Vec<Type>> {
    match key {
        // JSON writes the parts of a map's data into one text.
        KeyType::Named(names) => {
            names.iter().flat_map(|n| n.text.split(" . ").map(|part| named_type(part, n))).collect()
        }
        KeyType::Typeof(expr) => keys::parts(expr).iter().map(|part| type_of(part, packets)).collect(),
    }
}

fn named_type(part: &str, name: &Name) -> Parsed<Type> {
    Type::by_name(part).ok_or_else(|| {
        let near = nearest(part, Type::names()).map(|n| format!("did you mean `{n}`?"));
        Problem::new(name.span, format!("there is no type `{part}`")).help_if(near)
    })
}

/// The types of a map's data; maps to objects give none that a rule compares.
fn data_types(data: &KeyType, packets: Packets) -> Parsed<Vec<Type>> {
    const OBJECTS: [&str; 8] =
        ["counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "secmark", "synproxy"];
    match data {
        KeyType::Named(names) if names.iter().all(|n| OBJECTS.contains(&n.text.as_str())) => Ok(Vec::new()),
        other => types(other, packets),
    }
}

/// The type of what an expression reads, whatever it asks for.
fn type_of(expr: &Expr, packets: Packets) -> Parsed<Type> {
    match &expr.kind {
        ExprKind::Binary(_, left, _) => type_of(left, packets),
        ExprKind::Word(word) if word == "verdict" => Ok(Type::Verdict),
        _ => {
            let packets = if packets.is_arp() { packets } else { Packets::Both };
            select(expr, &mut Known::new(packets), &DeviceFacts::default()).map(|s| s.kind)
        }
    }
}

/// Whether two keys are written alike, wherever they stand.
pub fn same_value(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Word(a) | ExprKind::Quoted(a), ExprKind::Word(b) | ExprKind::Quoted(b)) => a == b,
        (ExprKind::Range(a, b), ExprKind::Range(c, d)) => same_value(a, c) && same_value(b, d),
        (ExprKind::Prefix(a, n), ExprKind::Prefix(b, m)) => n == m && same_value(a, b),
        (ExprKind::Concat(a), ExprKind::Concat(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (ExprKind::Wildcard, ExprKind::Wildcard) => true,
        _ => false,
    }
}

/// Whether a rule or map of the table calls a chain.
pub fn calls_chain(table: &Table<'_>, name: &str) -> bool {
    let by_rules = table.chains.iter().filter(|c| c.name != name).flat_map(|c| &c.rules);
    let by_maps = table.sets.iter().flat_map(|s| &s.elements).filter_map(|e| e.data.as_deref());
    by_rules.into_iter().any(|r| rule_calls(r, name)) || by_maps.into_iter().any(|d| data_calls(d, name))
}

fn rule_calls(rule: &RuleSpec, name: &str) -> bool {
    rule.statements.iter().any(|s| match &s.kind {
        StatementKind::Verdict(verdict) => verdict_calls(verdict, name),
        StatementKind::Vmap { data, .. } => data_calls(data, name),
        _ => false,
    })
}

fn verdict_calls(verdict: &VerdictSpec, name: &str) -> bool {
    match verdict {
        VerdictSpec::Jump(to) | VerdictSpec::Goto(to) => to.text == name,
        VerdictSpec::JumpBlock(rules) | VerdictSpec::GotoBlock(rules) => rules.iter().any(|r| rule_calls(r, name)),
        _ => false,
    }
}

fn data_calls(data: &Expr, name: &str) -> bool {
    match &data.kind {
        ExprKind::Verdict(verdict) => verdict_calls(verdict, name),
        ExprKind::Braces(elements) => elements.iter().filter_map(|e| e.data.as_deref()).any(|d| data_calls(d, name)),
        _ => false,
    }
}

/// Whether a rule of the table refers to a set or map.
pub fn uses_set(table: &Table<'_>, name: &str) -> bool {
    table.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.statements).any(|s| statement_uses(s, name))
}

fn statement_uses(statement: &Statement, name: &str) -> bool {
    let uses = |expr: &Expr| expr_uses(expr, name);
    match &statement.kind {
        StatementKind::Match { left, right, .. } => uses(left) || uses(right),
        StatementKind::Vmap { key, data } => uses(key) || uses(data),
        StatementKind::Nat(nat) => nat.address.iter().chain(&nat.port).any(uses),
        StatementKind::Set { key, value } => uses(key) || uses(value),
        StatementKind::SetUpdate { set, .. } => set.text == name,
        _ => false,
    }
}

fn expr_uses(expr: &Expr, name: &str) -> bool {
    match &expr.kind {
        ExprKind::SetRef(set) => set.text == name,
        ExprKind::Map(key, data) => expr_uses(key, name) || expr_uses(data, name),
        ExprKind::Concat(parts) | ExprKind::List(parts) => parts.iter().any(|p| expr_uses(p, name)),
        ExprKind::Binary(_, a, b) => expr_uses(a, name) || expr_uses(b, name),
        _ => false,
    }
}

/// The sets that a rule fills, blocks of rules included.
fn filled_by(rule: &RuleSpec, names: &mut Vec<String>) {
    for statement in &rule.statements {
        match &statement.kind {
            StatementKind::SetUpdate { set, .. } => names.push(set.text.clone()),
            StatementKind::Verdict(VerdictSpec::JumpBlock(rules) | VerdictSpec::GotoBlock(rules)) => {
                rules.iter().for_each(|rule| filled_by(rule, names));
            }
            _ => {}
        }
    }
}

/// Notes which sets the rules of a table fill.
pub fn note_filled(table: &mut Table<'_>) {
    let mut names = Vec::new();
    table.chains.iter().flat_map(|c| &c.rules).for_each(|rule| filled_by(rule, &mut names));
    for name in names {
        if let Some(set) = table.set_mut(&name) {
            set.filled = true;
        }
    }
}
