//! One rule: its statements in order, as the steps of one or more rules of the model.
//!
//! A statement that looks a value up in a map may do different things for different keys; then the rule becomes
//! several, one for each, of which a packet takes at most one.

use super::known::{Known, Packets};
use super::state::Table;
use super::{Parsed, statement};
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{Name, RuleSpec};
use crate::ruleset::{ChainId, DeviceFacts, Match, NfHook, Span, Step, Verdict};

/// What surrounds the rules of a chain.
#[derive(Debug)]
pub struct Scope<'s> {
    /// The table.
    pub table: &'s Table<'s>,
    /// Facts about the device.
    pub facts: &'s DeviceFacts,
    /// Which packets the chain sees.
    pub packets: Packets,
    /// The number of the table's first chain in the ruleset.
    pub first_chain: u32,
}

/// A statement that the kernel takes only from some hooks, directly or through calls.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// The statement.
    pub name: &'static str,
    /// The hooks.
    pub hooks: &'static [NfHook],
    /// Whether the base chain must be of type nat.
    pub nat: bool,
    /// Where.
    pub span: Span,
}

/// A rule while it is read.
pub struct Reader<'s, 'r> {
    /// What surrounds it.
    pub scope: &'r Scope<'s>,
    /// What its conditions make certain.
    pub known: Known,
    /// Whether something in it makes the kernel track connections.
    pub tracks: bool,
    /// Chains that it calls.
    pub calls: Vec<(ChainId, Span)>,
    /// Statements whose place matters.
    pub placed: Vec<Placed>,
    /// What was read and ignored on purpose.
    pub notes: Vec<(String, Span)>,
    /// Blocks of rules that it calls, to be made chains.
    pub blocks: Vec<(&'s [RuleSpec], Span)>,
    /// The number that the first of these blocks gets.
    pub next_block: u32,
    /// The rules that it becomes, as far as they go on.
    open: Vec<Vec<Step>>,
    /// Those that have come to their end.
    done: Vec<Vec<Step>>,
}

/// What a rule became.
pub struct ReadRule<'s> {
    /// The rules of the model.
    pub rules: Vec<Vec<Step>>,
    /// See `Reader`.
    pub tracks: bool,
    /// See `Reader`.
    pub calls: Vec<(ChainId, Span)>,
    /// See `Reader`.
    pub placed: Vec<Placed>,
    /// See `Reader`.
    pub notes: Vec<(String, Span)>,
    /// See `Reader`.
    pub blocks: Vec<(&'s [RuleSpec], Span)>,
}

/// The most rules of the model that one rule becomes.
const MOST: usize = 4_096;

/// Reads one rule.
///
/// # Errors
/// The first thing in it that is not understood.
pub fn read<'s>(rule: &'s RuleSpec, scope: &Scope<'s>, next_block: u32) -> Parsed<ReadRule<'s>> {
    let mut reader = Reader {
        scope,
        known: Known::new(scope.packets),
        tracks: false,
        calls: Vec::new(),
        placed: Vec::new(),
        notes: Vec::new(),
        blocks: Vec::new(),
        next_block,
        open: vec![Vec::new()],
        done: Vec::new(),
    };
    let mut terminal: Option<Span> = None;
    for statement in &rule.statements {
        if terminal.is_some() {
            return Err(Problem::new(statement.span, "nothing comes to this statement")
                .help("nft refuses a statement behind one that decides"));
        }
        if statement::read(&mut reader, statement)? == statement::End::Decides {
            terminal = Some(statement.span);
        }
    }
    reader.done.append(&mut reader.open);
    let Reader { done, tracks, calls, placed, notes, blocks, .. } = reader;
    let rules = done.into_iter().map(conjuncts).collect();
    Ok(ReadRule { rules, tracks, calls, placed, notes, blocks })
}

impl<'s> Reader<'s, '_> {
    /// Goes on only where a condition holds.
    pub fn only_if(&mut self, condition: Match) {
        if condition != Match::Always {
            self.push(Step::If(condition));
        }
    }

    /// Takes a step.
    pub fn push(&mut self, step: Step) {
        for steps in &mut self.open {
            steps.push(step.clone());
        }
    }

    /// Decides; nothing follows.
    pub fn decide(&mut self, verdict: Verdict) {
        self.push(Step::Then(verdict));
        self.done.append(&mut self.open);
    }

    /// Decides by the first entry that matches; packets of entries that say `continue` go on in this rule.
    pub fn choose(&mut self, entries: Vec<(Match, Verdict)>) {
        let goes_on = Match::any(entries.iter().filter(|(_, v)| *v == Verdict::Continue).map(|(m, _)| m.clone()));
        let entries: std::sync::Arc<[(Match, Verdict)]> = entries.into();
        for steps in &self.open {
            self.done.push(steps.iter().cloned().chain([Step::Choose(entries.clone())]).collect());
        }
        if goes_on == Match::Never {
            self.open.clear();
        } else {
            self.push(Step::If(goes_on));
        }
    }

    /// Whether nothing goes on behind what has been read.
    pub fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Splits the rule: each of these conditions goes on with its steps. Conditions exclude each other.
    ///
    /// # Errors
    /// More rules than the bound.
    pub fn split(&mut self, branches: &[(Match, Vec<Step>)], span: Span) -> Parsed<()> {
        if self.open.len().saturating_mul(branches.len()) > MOST {
            return Err(Problem::new(span, format!("the maps of this rule give more than {MOST} different values")));
        }
        let open = std::mem::take(&mut self.open);
        for steps in &open {
            for (condition, more) in branches {
                let guard = (*condition != Match::Always).then(|| Step::If(condition.clone()));
                self.open.push(steps.iter().cloned().chain(guard).chain(more.iter().cloned()).collect());
            }
        }
        Ok(())
    }

    /// Notes that a statement is taken only from some hooks.
    pub fn place(&mut self, name: &'static str, hooks: &'static [NfHook], span: Span) {
        self.placed.push(Placed { name, hooks, nat: false, span });
    }

    /// Notes that a statement is taken only from some hooks of nat chains.
    pub fn place_nat(&mut self, name: &'static str, hooks: &'static [NfHook], span: Span) {
        self.placed.push(Placed { name, hooks, nat: true, span });
    }

    /// The chain of a name, which a rule calls.
    ///
    /// # Errors
    /// Chains that are not there, and base chains.
    pub fn callee(&mut self, name: &Name) -> Parsed<ChainId> {
        let table = self.scope.table;
        let Some(at) = table.chain_at(&name.text) else {
            let near = crate::dialect::nearest(&name.text, table.chains.iter().map(|c| c.name.as_str()));
            return Err(Problem::new(name.span, format!("there is no chain `{}` in the table", name.text))
                .help_if(near.map(|n| format!("did you mean `{n}`?"))));
        };
        if table.chains.get(at).is_some_and(|c| c.base.is_some()) {
            return Err(Problem::new(name.span, format!("`{}` is a base chain and cannot be called", name.text))
                .help("the kernel refuses the rule"));
        }
        let id = ChainId(self.scope.first_chain + at as u32);
        self.calls.push((id, name.span));
        Ok(id)
    }

    /// The chain that a block of rules becomes.
    pub fn block(&mut self, rules: &'s [RuleSpec], span: Span) -> ChainId {
        let id = ChainId(self.next_block + self.blocks.len() as u32);
        self.blocks.push((rules, span));
        self.calls.push((id, span));
        id
    }
}

/// The steps with every condition of one stretch said once.
fn conjuncts(steps: Vec<Step>) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::with_capacity(steps.len());
    let mut stretch = 0;
    for step in steps {
        let parts = match step {
            Step::If(Match::All(parts)) => parts.into_iter().map(Step::If).collect(),
            other => vec![other],
        };
        for part in parts {
            match &part {
                Step::If(_) if out.iter().skip(stretch).any(|before| *before == part) => {}
                Step::If(_) => out.push(part),
                _ => {
                    out.push(part);
                    stretch = out.len();
                }
            }
        }
    }
    out
}
