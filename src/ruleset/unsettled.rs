//! Whether facts about the device could make something else of a ruleset that was read without any.

use super::model::*;

/// How the names of conditions begin that facts settle: which addresses are the device's own, and what keywords stand for.
const SETTLED_BY_FACTS: [&str; 3] = ["addrtype: ", "address keyword: ", "port keyword: "];

impl Ruleset {
    /// Whether facts could settle a condition here, or say where a translated packet goes. A ruleset that was read without facts and
    /// waits for none means the same on every device.
    pub fn waits_for_facts(&self) -> bool {
        self.rules().any(|(_, rule)| {
            let opaques = rule.opaques();
            opaques.iter().any(|o| SETTLED_BY_FACTS.iter().any(|words| o.name.starts_with(words))) || rule.redirects()
        })
    }
}

impl Rule {
    /// Whether the rule gives packets another destination: only the device's own addresses say whether that is the device itself.
    fn redirects(&self) -> bool {
        let is_one = |verdict: &Verdict| matches!(verdict, Verdict::Translate(t) if t.is_destination());
        self.steps.iter().any(|step| match step {
            Step::Then(verdict) => is_one(verdict),
            Step::Choose(entries) => entries.iter().any(|(_, verdict)| is_one(verdict)),
            Step::If(_) | Step::Set(_) => false,
        })
    }
}
