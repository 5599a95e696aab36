//! Chains, what hangs them on hooks, and the calls between them.

use super::outcome::priority_in;
use super::places::Places;
use super::{Reader, Target};
use crate::dialect::calls::Call;
use crate::dialect::native::words::{HOOKS, KINDS, PRIORITIES};
use crate::document::{Fields, Node, Value, did_you_mean};
use crate::packet::Family;
use crate::ruleset::{Base, BaseKind, Chain, ChainId, Families, NfHook, Rule, Span, Verdict};

/// The most chains that are read.
const MAX_CHAINS: usize = 1 << 22;

/// What was read of all chains.
#[derive(Default)]
pub struct ReadChains {
    /// The number of the first one.
    pub first: usize,
    /// The chains.
    pub chains: Vec<Chain>,
    /// The base chains, in the order of their registration.
    pub bases: Vec<Base>,
    /// Every call.
    pub calls: Vec<Call>,
    /// For each chain, where its rules stand in the document.
    pub rules: Vec<Vec<Span>>,
}

/// A chain before its rules are read.
struct Frame<'n> {
    name: String,
    target: Target,
    span: Span,
    rules: &'n [Node],
}

impl<'r> Reader<'r> {
    /// All chains; their numbers begin at `first`.
    pub fn chains(&mut self, nodes: &[Node], families: Families, first: usize, places: &mut Places) -> ReadChains {
        let mut out = ReadChains { first, ..ReadChains::default() };
        let mut frames = Vec::new();
        let mut bases: Vec<(i64, Base)> = Vec::new();
        if nodes.len() > MAX_CHAINS {
            return out;
        }
        for (at, node) in nodes.iter().enumerate() {
            let id = ChainId((first + at) as u32);
            if let Some((name, frame)) = self.frame(node, id, families, places, &mut bases) {
                if self.chains.insert(name.clone(), frame.target).is_some() {
                    let help = "give one of them an `id`, and call it by that";
                    self.wrong::<()>(node, format!("two chains are called `{name}`"), help);
                }
                frames.push(frame);
            }
        }
        bases.sort_by_key(|(order, _)| *order);
        out.bases = bases.into_iter().map(|(_, base)| base).collect();
        for frame in frames {
            self.rules(frame, places, &mut out);
        }
        out
    }

    fn frame<'n>(
        &self,
        node: &'n Node,
        id: ChainId,
        families: Families,
        places: &mut Places,
        bases: &mut Vec<(i64, Base)>,
    ) -> Option<(String, Frame<'n>)>
    where
        'r: 'n,
    {
        let mut fields = Fields::of(node, "a chain", self.problems)?;
        let name = fields.need_text("name").map(|n| n.value);
        let reference = fields.text("id").map(|n| n.value).or_else(|| name.clone());
        let families = fields.get("families").map_or(Some(families), |n| self.families(n));
        let span = fields.get("source").map_or(Some(node.span), |n| places.read(n, self));
        let rules = fields.get("rules").map_or(Some(Default::default()), |n| match &n.value {
            Value::Array(items) => Some(items.as_slice()),
            _ => self.wrong(n, "`rules` is a list", ""),
        });
        let base = fields.get("base");
        fields.finish();
        let families = families?;
        let hung = base.map_or_else(Vec::new, super::values::items);
        let is_base = !hung.is_empty();
        let read: Vec<Option<(i64, Base)>> = hung.into_iter().map(|n| self.base(n, id, families, places)).collect();
        bases.extend(read.into_iter().collect::<Option<Vec<_>>>()?);
        let target = Target { id, families, is_base };
        Some((reference?, Frame { name: name?, target, span: span?, rules: rules? }))
    }

    /// What hangs a chain on a hook, and its place among those that are registered.
    fn base(&self, node: &Node, chain: ChainId, families: Families, places: &mut Places) -> Option<(i64, Base)> {
        let mut fields = self.fields(node, "`base`")?;
        fields.need("hook");
        let hook = fields.get("hook").and_then(|n| self.word(n, "hook", &HOOKS));
        let priority = fields.get("priority").map_or(Some(0), |n| self.priority(n));
        let kind = fields.get("kind").map_or(Some(BaseKind::Filter), |n| self.word(n, "kind", &KINDS));
        fields.need("policy");
        let policy = fields.get("policy");
        let policy_span = fields.get("source").map_or(Some(node.span), |n| places.read(n, self));
        let own = fields.get("families").map_or(Some(families), |n| self.families(n));
        let order = fields.integer("order").map_or(0, |n| n.value);
        let principal = fields.boolean("principal");
        fields.finish();
        let drops = policy.and_then(|n| self.word(n, "policy", &[("accept", false), ("drop", true)]));
        let (hook, priority, kind, own) = (hook?, priority?, kind?, own?);
        if Family::ALL.iter().any(|f| own.contains(*f) && !families.contains(*f)) {
            return self.wrong(node, "the chain hangs where packets come of a family that it does not have", "");
        }
        let usual = kind == BaseKind::Filter
            && priority == 0
            && matches!(hook, NfHook::Input | NfHook::Forward | NfHook::Output);
        let base = Base {
            chain,
            families: own,
            hook,
            priority,
            kind,
            policy: if drops? { Verdict::Drop } else { Verdict::Accept },
            policy_span: policy_span?,
            principal: principal.unwrap_or(usual),
        };
        Some((order, base))
    }

    /// A number, or the name of one with an offset.
    fn priority(&self, node: &Node) -> Option<i32> {
        let read = match &node.value {
            Value::Integer(n) => i32::try_from(*n).ok(),
            Value::Text(text) => priority_in(text),
            _ => None,
        };
        read.or_else(|| {
            let names: Vec<&str> = PRIORITIES.iter().map(|(word, _)| *word).collect();
            let help = format!("write a number, or one of {} with an offset: `filter - 10`", names.join(", "));
            self.wrong(node, "this is no priority", help)
        })
    }

    fn rules(&self, frame: Frame<'_>, places: &mut Places, out: &mut ReadChains) {
        let mut chain = Chain { name: frame.name.as_str().into(), rules: Vec::new(), span: frame.span };
        let mut stand = Vec::new();
        for node in frame.rules {
            let quoted = match &node.value {
                Value::Table(table) => table.entries.iter().find(|e| e.key.value == "source").map(|e| &e.node),
                _ => None,
            };
            let span = quoted.map_or(Some(node.span), |n| places.read(n, self));
            if let (Some(steps), Some(span)) = (self.steps(node, frame.target.families), span) {
                chain.rules.push(Rule { steps, span });
                stand.push(node.span);
            }
            let calls = self.calls.take();
            out.calls.extend(calls.into_iter().map(|(to, span)| Call { from: frame.target.id, to, span }));
        }
        out.chains.push(chain);
        out.rules.push(stand);
    }

    /// The chain of a name, which packets of `scope` enter.
    pub fn target(&self, node: &Node, scope: Families) -> Option<ChainId> {
        let name = self.text_of(node, "the name of a chain")?;
        let Some(target) = self.chains.get(name) else {
            let help = did_you_mean(name, self.chains.keys().map(String::as_str));
            let help = help.unwrap_or_else(|| "chains are called by their `id`, or else by their `name`".into());
            return self.wrong(node, format!("there is no chain `{name}`"), help);
        };
        if target.is_base {
            return self.wrong(node, format!("`{name}` hangs on a hook, and such chains cannot be called"), "");
        }
        if let Some(family) = Family::ALL.iter().find(|f| scope.contains(**f) && !target.families.contains(**f)) {
            let help = "test `family` before, or give the chain both `families`";
            return self.wrong(node, format!("{family} packets come here, and `{name}` is of the other family"), help);
        }
        self.calls.borrow_mut().push((target.id, node.span));
        Some(target.id)
    }
}
