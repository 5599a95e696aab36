//! Rules: what must hold, what is changed, what is decided, in this order, however the keys stand; or the steps one
//! by one.

use super::Reader;
use super::condition::{is_key, known_keys, narrowed};
use super::values::items;
use crate::document::{Node, Value};
use crate::ruleset::{Families, Match, Step, Verdict};

/// Keys of a rule that are no conditions.
const KEYS: [&str; 7] = ["if", "set", "then", "choose", "steps", "comment", "source"];

impl Reader<'_> {
    /// The steps of a rule of a chain that packets of `scope` pass.
    pub fn steps(&self, node: &Node, scope: Families) -> Option<Vec<Step>> {
        let Value::Table(table) = &node.value else {
            return self.wrong(node, format!("a rule is an object, not {}", node.value.kind()), "");
        };
        let find = |key: &str| table.entries.iter().find(|e| e.key.value == key).map(|e| &e.node);
        if find("comment").is_some_and(|n| self.text_of(n, "a comment").is_none()) {
            return None;
        }
        let mut steps = Steps { scope, all: Vec::new() };
        let mut sound = true;
        for entry in table.entries.iter().filter(|e| !KEYS.contains(&&*e.key.value)) {
            let key = &entry.key;
            let read = match is_key(&key.value) {
                true => self.one(&key.value, &key.span, &entry.node, steps.scope),
                false => self.unknown_key(&key.value, key.span, "a rule", KEYS.into_iter().chain(known_keys())),
            };
            sound &= steps.push_if(read);
        }
        if let Some(list) = find("steps") {
            if let Some(entry) = table.entries.iter().find(|e| !["steps", "comment", "source"].contains(&&*e.key.value))
            {
                let help = "write all of the rule as `steps`, or none of it";
                return self.wrong(&entry.node, format!("`{}` stands beside `steps`", entry.key.value), help);
            }
            for item in self.array(list)? {
                sound &= self.step(item, &mut steps).is_some();
            }
            return sound.then_some(steps.all);
        }
        for condition in find("if").map_or_else(Vec::new, items) {
            sound &= steps.push_if(self.condition(condition, steps.scope));
        }
        sound &= find("set").is_none_or(|set| self.set(set, &mut steps).is_some());
        sound &= find("then").is_none_or(|then| self.then(then, &mut steps).is_some());
        sound &= find("choose").is_none_or(|choose| self.choose(choose, &mut steps).is_some());
        if ["set", "then", "choose"].iter().all(|key| find(key).is_none()) {
            let help = "write `\"then\": \"accept\"` or another verdict; `\"nothing\"` where the rule decides nothing";
            return self.wrong(node, "this rule decides nothing", help);
        }
        sound.then_some(steps.all)
    }

    /// One of the `steps` of a rule.
    fn step(&self, node: &Node, steps: &mut Steps) -> Option<()> {
        let mut fields = self.fields(node, "a step")?;
        let read = [fields.get("if"), fields.get("set"), fields.get("then"), fields.get("choose")];
        fields.finish();
        match read {
            [Some(condition), None, None, None] => {
                let read = self.condition(condition, steps.scope);
                steps.push_if(read).then_some(())
            }
            [None, Some(set), None, None] => self.set(set, steps),
            [None, None, Some(then), None] => self.then(then, steps),
            [None, None, None, Some(choose)] => self.choose(choose, steps),
            _ => self.wrong(node, "a step is one of `if`, `set`, `then`, `choose`", ""),
        }
    }

    fn set(&self, node: &Node, steps: &mut Steps) -> Option<()> {
        for item in items(node) {
            let effects = self.effects(item, steps.scope)?;
            steps.all.extend(effects.into_iter().map(Step::Set));
        }
        Some(())
    }

    fn then(&self, node: &Node, steps: &mut Steps) -> Option<()> {
        if !matches!(&node.value, Value::Text(word) if word == "nothing") {
            let verdict = self.verdict(node, steps.scope)?;
            steps.all.push(Step::Then(verdict));
        }
        Some(())
    }

    fn choose(&self, node: &Node, steps: &mut Steps) -> Option<()> {
        let entry = |item: &Node| -> Option<(Match, Verdict)> {
            let mut fields = self.fields(item, "an entry of `choose`")?;
            fields.need("if");
            fields.need("then");
            let (condition, then) = (fields.get("if"), fields.get("then"));
            fields.finish();
            let condition = self.condition(condition?, steps.scope)?;
            let verdict = self.verdict(then?, narrowed(steps.scope, &condition))?;
            Some((condition, verdict))
        };
        let entries = self.list(node, entry)?;
        steps.all.push(Step::Choose(entries.into()));
        Some(())
    }
}

/// The steps so far, and whose packets are left.
struct Steps {
    scope: Families,
    all: Vec<Step>,
}

impl Steps {
    /// Whether a condition was understood.
    fn push_if(&mut self, read: Option<Match>) -> bool {
        let Some(condition) = read else { return false };
        self.scope = narrowed(self.scope, &condition);
        self.all.push(Step::If(condition));
        true
    }
}
