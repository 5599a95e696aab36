//! Rules as the format writes them: by keys where the steps stand in the usual order, else step by step.

use super::Writer;
use super::values::{bits, one_or_all, ranges};
use crate::dialect::native::read::narrowed;
use crate::dialect::native::words::{Form, sole};
use crate::packet::{Cube, Family, Field, Ranges, address_texts};
use crate::ruleset::{Effect, Families, Match, Rewrite, Rule, Step, Translation, Verdict};
use serde_json::{Map, Value, json};

impl Writer<'_> {
    /// A rule of a chain that packets of `scope` pass, with its place.
    pub fn rule(&self, rule: &Rule, scope: Families) -> Value {
        let mut map = self.by_keys(&rule.steps, scope).unwrap_or_else(|| self.by_steps(&rule.steps, scope));
        if let Some(source) = self.source(rule.span) {
            map.insert("source".into(), source);
        }
        Value::Object(map)
    }

    /// Conditions, then changes, then at most one decision.
    fn by_keys(&self, steps: &[Step], scope: Families) -> Option<Map<String, Value>> {
        let conditions: Vec<&Match> =
            steps.iter().map_while(|s| if let Step::If(m) = s { Some(m) } else { None }).collect();
        let rest = &steps[conditions.len()..];
        let effects: Vec<&Effect> =
            rest.iter().map_while(|s| if let Step::Set(e) = s { Some(e) } else { None }).collect();
        let end = &rest[effects.len()..];
        let (mut map, listed, scope) = self.conditions(&conditions, scope);
        if !listed.is_empty() {
            map.insert("if".into(), Value::Array(listed));
        }
        if !effects.is_empty() {
            map.insert("set".into(), one_or_all(effects.iter().map(|e| self.effect(e, scope)).collect()));
        }
        match end {
            [] if effects.is_empty() => _ = map.insert("then".into(), "nothing".into()),
            [] => {}
            [Step::Then(verdict)] => _ = map.insert("then".into(), self.verdict(verdict, scope)),
            [Step::Choose(entries)] => _ = map.insert("choose".into(), self.choose(entries, scope)),
            _ => return None,
        }
        Some(map)
    }

    /// The first conditions by their keys, as long as none comes twice; the others as a list.
    fn conditions(&self, all: &[&Match], scope: Families) -> (Map<String, Value>, Vec<Value>, Families) {
        let mut scope = scope;
        let mut map = Map::new();
        let mut listed = Vec::new();
        for one in all {
            match self.keyed(one, scope) {
                Some((key, value)) if listed.is_empty() && !map.contains_key(key) => _ = map.insert(key.into(), value),
                _ => listed.push(self.condition(one, scope)),
            }
            scope = narrowed(scope, one);
        }
        (map, listed, scope)
    }

    fn by_steps(&self, steps: &[Step], scope: Families) -> Map<String, Value> {
        let mut scope = scope;
        let mut out = Vec::new();
        for step in steps {
            out.push(match step {
                Step::If(condition) => json!({ "if": self.condition(condition, scope) }),
                Step::Set(effect) => json!({ "set": self.effect(effect, scope) }),
                Step::Then(verdict) => json!({ "then": self.verdict(verdict, scope) }),
                Step::Choose(entries) => json!({ "choose": self.choose(entries, scope) }),
            });
            if let Step::If(condition) = step {
                scope = narrowed(scope, condition);
            }
        }
        Map::from_iter([("steps".to_owned(), Value::Array(out))])
    }

    fn choose(&self, entries: &[(Match, Verdict)], scope: Families) -> Value {
        let entry = |(condition, verdict): &(Match, Verdict)| {
            json!({
                "if": self.condition(condition, scope),
                "then": self.verdict(verdict, narrowed(scope, condition)),
            })
        };
        entries.iter().map(entry).collect()
    }

    fn verdict(&self, verdict: &Verdict, scope: Families) -> Value {
        match verdict {
            Verdict::Accept => "accept".into(),
            Verdict::Drop => "drop".into(),
            Verdict::Return => "return".into(),
            Verdict::Continue => "continue".into(),
            Verdict::Reject(kind) => json!({ "reject": &**kind }),
            Verdict::Jump(chain) => json!({ "jump": self.chain_key(*chain) }),
            Verdict::Goto(chain) => json!({ "goto": self.chain_key(*chain) }),
            Verdict::Translate(translation) => json!({ "translate": self.translation(translation, scope) }),
            Verdict::Ask(opaque) => json!({ "ask": self.opaque(opaque) }),
        }
    }

    fn translation(&self, translation: &Translation, scope: Families) -> Value {
        let Translation { src, dst, sport, dport, options } = translation;
        let parts = [(Field::Src, src), (Field::Dst, dst), (Field::Sport, sport), (Field::Dport, dport)];
        let mut map = Map::new();
        for (field, part) in parts {
            if let Some(rewrite) = part {
                map.insert(field.name().into(), self.rewrite(field, rewrite, scope));
            }
        }
        if !options.is_empty() {
            map.insert("options".into(), options.iter().map(|o| Value::from(&**o)).collect());
        }
        Value::Object(map)
    }

    fn effect(&self, effect: &Effect, scope: Families) -> Value {
        match effect {
            Effect::Untrack => "untrack".into(),
            Effect::Mark { field, keep, take: 0, xor } if keep & xor == 0 => {
                json!({ field.name(): bits(Cube::new((*xor).into(), (!keep).into()), u32::MAX.into()) })
            }
            Effect::Mark { field, keep, take, xor } => {
                let hex = |n: &u32| format!("{n:#x}");
                json!({ field.name(): { "keep": hex(keep), "take": hex(take), "xor": hex(xor) } })
            }
            Effect::Rewrite(field @ (Field::Mark | Field::ConnMark), Rewrite::To(to)) => {
                json!({ field.name(): { "to": self.new_values(*field, to, scope) } })
            }
            Effect::Rewrite(field, rewrite) => json!({ field.name(): self.rewrite(*field, rewrite, scope) }),
        }
    }

    fn rewrite(&self, field: Field, rewrite: &Rewrite, scope: Families) -> Value {
        let hex = |n: &u128| format!("{n:#x}");
        match rewrite {
            Rewrite::To(to) => self.new_values(field, to, scope),
            Rewrite::Add(number) => json!({ "add": number }),
            Rewrite::Prefix { base, host } => match sole(scope).and_then(|f| prefix(field, *base, *host, f)) {
                Some(text) => json!({ "prefix": text }),
                None => json!({ "base": hex(base), "host": hex(host) }),
            },
            Rewrite::Masked { keep, xor } => json!({ "keep": hex(keep), "xor": hex(xor) }),
        }
    }

    fn new_values(&self, field: Field, to: &Ranges, scope: Families) -> Value {
        match Form::of(field) {
            Form::Bits | Form::AddressBits => {
                one_or_all(to.as_slice().iter().map(|r| super::values::number(*r)).collect())
            }
            _ => ranges(field, to, scope),
        }
    }
}

/// The prefix, where base and host bits make one.
fn prefix(field: Field, base: u128, host: u128, family: Family) -> Option<String> {
    let is_prefix = host & host.wrapping_add(1) == 0 && base & host == 0 && base | host <= family.max_address();
    if !is_prefix || Form::of(field) != Form::Address {
        return None;
    }
    address_texts(&Ranges::range(base, base | host), family).pop()
}
