//! What a ruleset shows by itself, without a policy and without a change: FW301 to FW305.

use crate::finding::{
    CHAIN_NEVER_REACHED, Finding, Location, NO_ESTABLISHED_RULE, POLICY_ACCEPT, RULE_NEVER_MATCHES, RULE_WITHOUT_EFFECT,
};
use crate::query::{
    DeadRule, ForgottenReplies, IdleRule, OpenPolicy, ShadowBounds, UnusedChain, WhyDead, forgotten_replies,
    open_policies, shadows,
};
use crate::ruleset::{Place, Ruleset, Span};

/// The findings about one ruleset.
#[derive(Debug)]
pub struct Lint {
    /// In order of place.
    pub findings: Vec<Finding>,
    /// Rules for which the bounds left open whether they matter.
    pub open: Vec<Location>,
}

/// Looks at one device's ruleset.
pub fn lint(device: &str, ruleset: &Ruleset, bounds: ShadowBounds) -> Lint {
    let found = shadows(ruleset, bounds);
    let about = About { device, ruleset };
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(found.dead.iter().map(|r| about.dead(r)));
    findings.extend(found.idle.iter().map(|r| about.idle(r)));
    findings.extend(found.unused.iter().filter(|c| !c.is_built_in(ruleset)).map(|c| about.unused(c)));
    findings.extend(open_policies(ruleset).iter().map(|p| about.open_policy(p)));
    findings.extend(forgotten_replies(ruleset).iter().map(|f| about.forgotten(f)));
    let key = |f: &Finding| (f.location.as_ref().map(|l| (l.file.clone(), l.line)), f.code.id, f.message.clone());
    findings.sort_by_cached_key(key);
    let open = found.open.iter().chain(&found.open_effect).map(|p| about.location(*p)).collect();
    Lint { findings, open }
}

struct About<'a> {
    device: &'a str,
    ruleset: &'a Ruleset,
}

impl About<'_> {
    fn dead(&self, rule: &DeadRule) -> Finding {
        let takers = self.places(&rule.taken_by);
        let (message, help) = match rule.why {
            WhyDead::Contradiction => (
                "the rule's own conditions exclude each other".to_owned(),
                "correct the conditions, or take the rule out",
            ),
            WhyDead::Covered => {
                let help = match self.ruleset.unordered {
                    true => "take the rule out, or one of those",
                    false => "move the rule up, or take it out",
                };
                (format!("earlier rules take every packet of this rule: {takers}"), help)
            }
            WhyDead::NotCalled if rule.taken_by.is_empty() => {
                ("no packet that the rule asks for comes to its chain".to_owned(), "correct the calls of the chain")
            }
            WhyDead::NotCalled => (
                format!("no packet of this rule comes to its chain; they end at {takers}"),
                "correct the calls of the chain",
            ),
        };
        self.at(Finding::at(&RULE_NEVER_MATCHES, self.location(rule.place), message)).helped_by(help)
    }

    fn idle(&self, rule: &IdleRule) -> Finding {
        let message = format!("without this rule its packets end the same way, at {}", self.places(&rule.followed_by));
        let help = "take the rule out, unless it is there for its counter";
        self.at(Finding::at(&RULE_WITHOUT_EFFECT, self.location(rule.place), message)).helped_by(help)
    }

    fn unused(&self, unused: &UnusedChain) -> Finding {
        let chain = self.ruleset.chain(unused.chain);
        let message = match unused.callers.as_slice() {
            [] => format!("nothing calls chain `{}`", chain.name),
            callers => {
                format!("chain `{}` is called only where no packet matches: {}", chain.name, self.places(callers))
            }
        };
        let finding = Finding::at(&CHAIN_NEVER_REACHED, self.span(chain.span), message);
        self.at(finding).helped_by("call the chain, or take it out")
    }

    fn open_policy(&self, open: &OpenPolicy) -> Finding {
        let place = Place::Policy(open.base);
        let name = self.ruleset.bases.get(open.base as usize).map(|b| self.ruleset.chain(b.chain).name.to_string());
        let name = name.unwrap_or_default();
        let message = format!("`{name}` accepts the packets that none of its rules decides");
        let help = "set the policy to drop after making sure that every wanted flow has its rule; `fwgate diff` shows what that closes";
        let finding = Finding::at(&POLICY_ACCEPT, self.location(place), message);
        self.at(finding).in_filter(open.hook, open.family, name).helped_by(help)
    }

    fn forgotten(&self, forgotten: &ForgottenReplies) -> Finding {
        let message = format!(
            "new connections are accepted at {}, and no packet of an established one passes {}",
            forgotten.hook, forgotten.blocked_at
        );
        let filter = crate::diff::principal_chain(self.ruleset, forgotten.hook, forgotten.family).unwrap_or_default();
        let finding = Finding::at(&NO_ESTABLISHED_RULE, self.location(forgotten.begins), message);
        let help = "accept ESTABLISHED and RELATED in the first rule";
        self.at(finding).in_filter(forgotten.hook, forgotten.family, filter).helped_by(help)
    }

    fn at(&self, finding: Finding) -> Finding {
        finding.on_device(self.device)
    }

    fn location(&self, place: Place) -> Location {
        self.span(span_of(self.ruleset, place))
    }

    fn span(&self, span: Span) -> Location {
        Location::of(span, &self.ruleset.sources)
    }

    /// Places as `file:line`, the first few.
    fn places(&self, places: &[Place]) -> String {
        const MOST: usize = 4;
        let named = |p: &Place| {
            let location = self.location(*p);
            format!("{}:{}", location.file, location.line)
        };
        let shown = places.iter().take(MOST).map(named).collect::<Vec<_>>().join(", ");
        match places.len().saturating_sub(MOST) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }
}

/// Where a rule or policy stands.
fn span_of(ruleset: &Ruleset, place: Place) -> Span {
    match place {
        Place::Rule(chain, at) => ruleset.chain(chain).rules.get(at as usize).map(|r| r.span).unwrap_or_default(),
        Place::Policy(base) => ruleset.bases.get(base as usize).map(|b| b.policy_span).unwrap_or_default(),
        Place::NoChain => Span::default(),
    }
}

impl UnusedChain {
    /// Whether the chain hangs on a hook that is not judged, rather than on a rule, or no line declares it.
    fn is_built_in(&self, ruleset: &Ruleset) -> bool {
        let is_sentence = ruleset.sources.is_built_in(ruleset.chain(self.chain).span);
        ruleset.bases.iter().any(|b| b.chain == self.chain) || is_sentence
    }
}
