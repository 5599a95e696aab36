//! iptables: dumps of `iptables-save` and `ip6tables-save`, the listing of `iptables -S`, and `ipset save`.
//!
//! `dump` sorts lines into tables and chains, `rule` reads one rule with the modules of `matches` and `targets`,
//! `calls` checks what only a whole table can tell, and `ipset` knows the sets. `support` writes the documentation
//! out of the same tables from which rules are read.

mod addresses;
mod calls;
mod dump;
mod family;
mod interfaces;
mod ipset;
mod matches;
mod mentions;
mod numbers;
mod options;
mod rule;
mod sort;
mod support;
mod tables;
mod targets;
mod words;

pub use super::rate::rate_text;
pub use mentions::mentions;
pub use support::support_table;

use super::{Dialect, Draft, InputFile, Problem, ReadOptions, Text};
use crate::packet::Family;
use crate::ruleset::{Base, BaseKind, Chain, ChainId, DeviceFacts, Families, NfHook, Rule, Span, Verdict};
use calls::{Call, Placed};
use dump::{Dump, TableText};
use ipset::Sets;
pub use ipset::forget_members;
use matches::Scope;
use rule::Place;
use std::sync::Arc;

/// The registry line.
pub const DIALECT: Dialect = Dialect {
    name: "iptables",
    also: &["ip6tables"],
    reads: "iptables-save, ip6tables-save, iptables -S, ipset save",
    recognises: |text| dump::recognises(text) || ipset::recognises(text),
    read,
};

/// What one file of a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `ipset save`.
    Sets,
    /// A dump of this family.
    Rules(Family),
}

/// What a file is; `None` where it is no text or its family cannot be told.
pub fn file_kind(file: &InputFile, options: &ReadOptions) -> Option<FileKind> {
    let text = Draft::new(options.facts.clone()).decode(std::slice::from_ref(file)).into_iter().next()?;
    if ipset::recognises(&text.text) {
        return Some(FileKind::Sets);
    }
    family::family_of(&text, options).ok().map(|sign| FileKind::Rules(sign.family))
}

/// The most rules of one device.
const MAX_RULES: usize = 5_000_000;

fn read(texts: &[Text], options: &ReadOptions, draft: &mut Draft) {
    let (set_texts, dump_texts): (Vec<&Text>, Vec<&Text>) = texts.iter().partition(|t| ipset::recognises(&t.text));
    let mut sets = ipset::read(&set_texts, draft);
    let mut dumps = Vec::new();
    for text in dump_texts {
        match family::family_of(text, options) {
            Ok(sign) => dumps.push(dump::read(text, sign, draft)),
            Err(problem) => draft.refuse(problem),
        }
    }
    if dumps.is_empty() && draft.is_clean() {
        let start = texts.first().map_or_else(Span::default, Text::start);
        draft
            .refuse(Problem::new(start, "the files hold sets, but no rules").help("add the output of `iptables-save`"));
    }
    for dump in &dumps {
        note_filled_sets(dump, &mut sets);
    }
    check_doubles(&dumps, draft);
    for dump in &dumps {
        build(dump, &sets, draft);
    }
}

/// Sets that a SET target fills or empties.
fn note_filled_sets(dump: &Dump<'_>, sets: &mut Sets) {
    let rules = dump.tables.iter().flat_map(|t| &t.chains).flat_map(|c| &c.rules);
    for rule in rules.filter(|r| r.body.text.contains("-set ")) {
        let mut words = rule.body.text.split_ascii_whitespace();
        while let Some(word) = words.next() {
            if let ("--add-set" | "--del-set", Some(name)) = (word, words.clone().next()) {
                sets.filled_by_rules(name.trim_matches('"'));
            }
        }
    }
}

/// Two files of one device cannot give the same table of the same family.
fn check_doubles(dumps: &[Dump<'_>], draft: &mut Draft) {
    for (at, dump) in dumps.iter().enumerate() {
        for table in &dump.tables {
            let before = dumps[..at].iter().filter(|d| d.sign.family == dump.sign.family).flat_map(|d| &d.tables);
            if before.into_iter().any(|t| t.table.name == table.table.name) {
                let message = format!("another file gives table `{}` of {}, too", table.table.name, dump.sign.family);
                let help =
                    "a device has each table once for each family; a copy or a backup stands outside of its folder";
                draft.refuse(Problem::new(table.span, message).help(help));
            }
        }
    }
}

fn build(dump: &Dump<'_>, sets: &Sets, draft: &mut Draft) {
    let family = dump.sign.family;
    draft.ruleset.families = draft.ruleset.families.union(Families::only(family));
    let facts = std::mem::take(&mut draft.ruleset.facts);
    let mut strangers = false;
    for table in &dump.tables {
        let scope = Scope { family, facts: &facts, sets };
        Builder { table, dump, scope, strangers: &mut strangers, draft }.build();
    }
    give_back(draft, facts);
}

fn give_back(draft: &mut Draft, facts: DeviceFacts) {
    draft.ruleset.facts = facts;
}

struct Builder<'b, 't> {
    table: &'b TableText<'t>,
    dump: &'b Dump<'t>,
    scope: Scope<'b>,
    /// Whether an address of the other family has been told already.
    strangers: &'b mut bool,
    draft: &'b mut Draft,
}

impl Builder<'_, '_> {
    fn build(&mut self) {
        let first = self.draft.ruleset.chains.len();
        let roots = self.declare(first);
        let (calls, placed) = self.rules(first);
        let mut chains = std::mem::take(&mut self.draft.ruleset.chains);
        calls::check(&mut chains, first, &roots, &calls, &placed, self.draft);
        self.draft.ruleset.chains = chains;
    }

    /// Adds all chains, still without rules, and the bases.
    fn declare(&mut self, first: usize) -> Vec<(ChainId, NfHook)> {
        let mut roots = Vec::new();
        for (at, chain) in self.table.chains.iter().enumerate() {
            let id = ChainId((first + at) as u32);
            let name: Arc<str> = format!("{}/{}", self.table.table.name, chain.name).into();
            self.draft.ruleset.chains.push(Chain {
                name,
                rules: Vec::with_capacity(chain.rules.len()),
                span: chain.span,
            });
            if let Some(built_in) = self.table.table.built_in(chain.name) {
                let (policy, policy_span) = chain.policy.clone().unwrap_or((Verdict::Accept, chain.span));
                roots.push((id, built_in.hook));
                self.draft.ruleset.bases.push(Base {
                    chain: id,
                    families: Families::only(self.scope.family),
                    hook: built_in.hook,
                    priority: built_in.priority,
                    kind: built_in.kind,
                    policy,
                    policy_span,
                    principal: self.table.table.name == "filter",
                });
            }
        }
        roots
    }

    fn rules(&mut self, first: usize) -> (Vec<Call>, Vec<Placed>) {
        let (mut calls, mut placed) = (Vec::new(), Vec::new());
        let table = self.table;
        let id_of = |at: usize| ChainId((first + at) as u32);
        let find_chain = |name: &str| table.chain(name).map(|at| (id_of(at), table.chains[at].span));
        let chain_names = || table.chains.iter().map(|c| c.name.to_owned()).collect();
        let mut words = Vec::new();
        for (at, chain) in table.chains.iter().enumerate() {
            let place = Place {
                table: table.table,
                chain: chain.name,
                find_chain: &find_chain,
                chain_names: &chain_names,
                scope: &Scope { family: self.scope.family, facts: self.scope.facts, sets: self.scope.sets },
            };
            for text in &chain.rules {
                if let Err(span) = words::split(text.body, &mut words) {
                    self.draft.refuse(Problem::new(span, "the quotation is never closed"));
                    continue;
                }
                match rule::read(&words, &place) {
                    Ok(None) => {}
                    Ok(Some(read)) => {
                        let done = self.draft.ruleset.chains[first + at].rules.len();
                        calls.extend(read.calls.map(|(to, span)| Call { from: id_of(at), to, span }));
                        placed.extend(read.placed.iter().map(|(module, span)| Placed {
                            chain: id_of(at),
                            rule: done,
                            module: *module,
                            span: *span,
                        }));
                        self.add(first + at, read, text.line.span());
                    }
                    Err(problem) => self.refuse(problem),
                }
            }
        }
        (calls, placed)
    }

    fn add(&mut self, chain: usize, read: rule::ReadRule, span: Span) {
        let ruleset = &mut self.draft.ruleset;
        ruleset.conntrack |= read.tracks || self.table.table.chains.iter().any(|c| c.kind == BaseKind::Nat);
        ruleset.notes.extend(read.note);
        ruleset.chains[chain].rules.extend(read.rules.into_iter().map(|steps| Rule { steps, span }));
        if ruleset.chains[chain].rules.len() > MAX_RULES {
            self.draft.refuse(Problem::new(span, format!("the chain has more than {MAX_RULES} rules")));
        }
    }

    /// An address of the other family is told once for a dump, with what said which family the dump is of.
    fn refuse(&mut self, problem: Problem) {
        if !problem.message.ends_with(addresses::OTHER_FAMILY) {
            self.draft.refuse(problem);
        } else if !std::mem::replace(self.strangers, true) {
            let because = self.dump.sign.because;
            self.draft.refuse(problem.help(format!("the dump is read as {}, because {because}", self.scope.family)));
        }
    }
}
