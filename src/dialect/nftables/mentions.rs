//! Where scripts and listings name interfaces: by the types of what values are compared with, in the syntax tree.

use super::includes::Includes;
use super::syntax::{
    Command, Element, Expr, ExprKind, KeyType, NamedKind, Object, RuleSpec, Statement, StatementKind, TableName,
    VerdictSpec,
};
use super::{json, text};
use crate::dialect::mentions::{Mention, Spelling};
use crate::dialect::{Draft, Problem, ReadOptions, Text};
use crate::packet::IfacePattern;
use crate::ruleset::{Sources, Span};
use std::collections::BTreeMap;

/// Keys of `meta` whose values are interfaces (nft(8), META EXPRESSIONS).
pub(super) const KEYS: [&str; 10] =
    ["iif", "iifname", "oif", "oifname", "sdif", "sdifname", "ibrname", "obrname", "ibriport", "obriport"];
/// Types of set keys that are interfaces.
pub(super) const TYPES: [&str; 2] = ["ifname", "iface_index"];
/// What stands where an interface could and is none: answers of `fib`, and the number of the loopback.
pub(super) const NO_NAMES: [&str; 4] = ["exists", "missing", "0", "1"];

/// The interfaces that these texts, and what they include, name.
pub fn mentions(texts: &[Text], options: &ReadOptions, draft: &mut Draft) -> Vec<Mention> {
    let includes = Includes::new(options.includes.clone());
    let mut order: Vec<&Text> = texts.iter().collect();
    order.sort_by(|a, b| a.name.cmp(&b.name));
    let (mut commands, mut of_json) = (Vec::new(), Vec::new());
    for text in order {
        match json::recognises(&text.text) {
            true => of_json.extend(json::mentions(text, draft)),
            false => commands.extend(text::parse(text, &includes, draft)),
        }
    }
    let mut found = Found::default();
    found.note_sets(&commands);
    commands.iter().for_each(|command| found.command(command));
    let places = Places::new(&draft.ruleset.sources);
    let (mut out, mut lost) = (of_json, Vec::new());
    for (name, span) in &found.names {
        match places.mention(name, *span) {
            Some(mention) => out.push(mention),
            None => lost.push(*span),
        }
    }
    out.extend(found.bodies.iter().flat_map(|(span, words)| places.inside(*span, words)));
    for span in lost {
        draft.refuse(Problem::new(span, "an interface is named here in a way that cannot be rewritten"));
    }
    out
}

/// What is found on the way.
#[derive(Default)]
struct Found<'c> {
    /// For each set, which parts of its key are interfaces, and which of its data.
    sets: BTreeMap<(&'c TableName, &'c str), (Vec<bool>, Vec<bool>)>,
    names: Vec<(&'c str, Span)>,
    /// Pieces of text with the words behind which interfaces stand.
    bodies: Vec<(Span, &'static [&'static str])>,
}

impl<'c> Found<'c> {
    fn note_sets(&mut self, commands: &'c [Command]) {
        for command in commands {
            if let Object::Set(set) = &command.object {
                let data = set.data.as_ref().map(of_type).unwrap_or_default();
                self.sets.insert((&set.table, set.name.text.as_str()), (of_type(&set.key), data));
            }
        }
    }

    fn command(&mut self, command: &'c Command) {
        match &command.object {
            Object::Chain { base: Some(base), .. } => {
                self.names.extend(base.devices.iter().map(|d| (d.text.as_str(), d.span)));
            }
            Object::Rule(rule) => self.rule(rule),
            Object::Set(set) => self.elements(&set.table, &set.name.text, &set.elements),
            Object::Elements { table, set, elements: Some(elements) } => self.elements(table, &set.text, elements),
            Object::Named { kind: NamedKind::Flowtable, .. } => self.bodies.push((command.span, &["devices"])),
            _ => {}
        }
    }

    fn elements(&mut self, table: &'c TableName, set: &'c str, elements: &'c [Element]) {
        let (keys, data) = self.sets.get(&(table, set)).cloned().unwrap_or_default();
        for element in elements {
            self.values(&element.key, &keys);
            element.data.iter().for_each(|d| self.values(d, &data));
            element.data.iter().for_each(|d| self.inner(d));
        }
    }

    fn rule(&mut self, rule: &'c RuleSpec) {
        rule.statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &'c Statement) {
        match &statement.kind {
            StatementKind::Match { left, right, .. } => {
                self.inner(left);
                self.values(right, &of_expr(left));
            }
            StatementKind::Vmap { key, data } => {
                self.values(data, &of_expr(key));
                self.inner(data);
            }
            StatementKind::Verdict(verdict) => self.verdict(verdict),
            StatementKind::Set { value, .. } => self.inner(value),
            StatementKind::Nat(nat) => nat.address.iter().chain(&nat.port).for_each(|e| self.inner(e)),
            StatementKind::Fwd(_) => self.bodies.push((statement.span, &["to", "device"])),
            StatementKind::Dup => self.bodies.push((statement.span, &["device"])),
            _ => {}
        }
    }

    fn verdict(&mut self, verdict: &'c VerdictSpec) {
        if let VerdictSpec::JumpBlock(rules) | VerdictSpec::GotoBlock(rules) = verdict {
            rules.iter().for_each(|rule| self.rule(rule));
        }
    }

    /// Maps and blocks of rules within an expression.
    fn inner(&mut self, expr: &'c Expr) {
        match &expr.kind {
            ExprKind::Map(key, data) => {
                self.values(data, &of_expr(key));
                self.inner(data);
            }
            ExprKind::Braces(elements) => elements.iter().filter_map(|e| e.data.as_deref()).for_each(|d| self.inner(d)),
            ExprKind::Concat(parts) => parts.iter().for_each(|part| self.inner(part)),
            ExprKind::Verdict(verdict) => self.verdict(verdict),
            _ => {}
        }
    }

    /// Values that stand for a key of which these parts are interfaces.
    fn values(&mut self, expr: &'c Expr, kinds: &[bool]) {
        if !kinds.contains(&true) {
            return;
        }
        match &expr.kind {
            ExprKind::Braces(elements) => elements.iter().for_each(|e| self.values(&e.key, kinds)),
            ExprKind::List(parts) => parts.iter().for_each(|part| self.values(part, kinds)),
            ExprKind::Range(first, last) => [first, last].into_iter().for_each(|e| self.values(e, kinds)),
            ExprKind::Concat(parts) => {
                parts.iter().zip(kinds).for_each(|(part, kind)| self.values(part, std::slice::from_ref(kind)));
            }
            ExprKind::Word(text) | ExprKind::Quoted(text) if kinds == [true] && !NO_NAMES.contains(&text.as_str()) => {
                self.names.push((text, expr.span));
            }
            _ => {}
        }
    }
}

/// Which parts of a selector are interfaces.
fn of_expr(expr: &Expr) -> Vec<bool> {
    match &expr.kind {
        ExprKind::Concat(parts) => parts.iter().flat_map(of_expr).collect(),
        ExprKind::Meta(key) => vec![KEYS.contains(&key.as_str())],
        ExprKind::Fib { result, .. } => vec![matches!(result.as_str(), "oif" | "oifname")],
        _ => vec![false],
    }
}

fn of_type(kind: &KeyType) -> Vec<bool> {
    match kind {
        KeyType::Named(names) => names.iter().map(|name| TYPES.contains(&name.text.as_str())).collect(),
        KeyType::Typeof(expr) => of_expr(expr),
    }
}

/// Spans as places in files; the place of a variable's use is that of its value, where it has one word and is defined once.
struct Places<'s> {
    sources: &'s Sources,
    variables: BTreeMap<&'s str, Vec<(&'s str, Option<(usize, usize)>)>>,
}

impl<'s> Places<'s> {
    fn new(sources: &'s Sources) -> Places<'s> {
        let mut variables: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for source in sources.iter() {
            for (name, value) in text::definitions(&source.text) {
                variables.entry(name).or_default().push((&*source.name, value));
            }
        }
        Places { sources, variables }
    }

    fn mention(&self, name: &str, span: Span) -> Option<Mention> {
        let source = self.sources.get(span.source)?;
        let (start, end) = (span.start as usize, span.end as usize);
        let written = source.text.get(start..end)?;
        if let Some(variable) = written.strip_prefix('$') {
            if let Some([(file, Some((from, to)))]) = self.variables.get(variable).map(Vec::as_slice) {
                return self.at(file, (*from, *to), name);
            }
            return Some(made(&source.name, (start, end), name, "\""));
        }
        self.at(&source.name, (start, end), name)
    }

    /// A mention where the file says just this name.
    fn at(&self, file: &str, (start, end): (usize, usize), name: &str) -> Option<Mention> {
        let text = &self.sources.iter().find(|s| &*s.name == file)?.text;
        let written = text.get(start..end)?;
        let bare = written.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        let quote = if bare.is_some() { "\"" } else { "" };
        (bare.unwrap_or(written) == name).then(|| made(file, (start, end), name, quote))
    }

    /// The names behind some words of a piece of text.
    fn inside(&self, span: Span, words: &[&str]) -> Vec<Mention> {
        let Some(source) = self.sources.get(span.source) else { return Vec::new() };
        let from = span.start as usize;
        let piece = source.text.get(from..span.end as usize).unwrap_or("");
        let mention = |(start, end): (usize, usize)| {
            let name = piece.get(start..end)?.trim_matches('"');
            self.at(&source.name, (from + start, from + end), name)
        };
        text::names_behind(piece, words).into_iter().filter_map(mention).collect()
    }
}

fn made(file: &str, (start, end): (usize, usize), name: &str, quote: &'static str) -> Mention {
    let pattern = pattern_of(name);
    Mention { file: file.into(), start, end, pattern, spelling: Spelling { quote, wildcard: "*" } }
}

/// A name, or the beginning of names.
pub(super) fn pattern_of(name: &str) -> IfacePattern {
    match name.strip_suffix('*') {
        Some(prefix) if !prefix.ends_with('\\') => IfacePattern::prefix(prefix),
        _ => IfacePattern::exact(name),
    }
}
