//! FW3xx: what a ruleset shows by itself, without a policy.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] =
    &[&RULE_NEVER_MATCHES, &RULE_WITHOUT_EFFECT, &CHAIN_NEVER_REACHED, &POLICY_ACCEPT, &NO_ESTABLISHED_RULE];

/// No packet reaches this rule and matches it.
pub static RULE_NEVER_MATCHES: Code = Code {
    id: "FW301",
    name: "rule-never-matches",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "no packet reaches this rule and matches it",
    page: Page {
        what: "Finds a rule all of whose packets are decided by earlier rules, by one of them or by several together, or that contradicts itself.",
        why: "Whoever wrote the rule expected it to do something.",
        before: "-A FORWARD -s 10.0.0.0/8 -j DROP\n-A FORWARD -s 10.1.0.0/16 -j ACCEPT",
        after: "-A FORWARD -s 10.1.0.0/16 -j ACCEPT\n-A FORWARD -s 10.0.0.0/8 -j DROP",
        mend: "Move the rule up, or take it out.",
    },
};

/// The ruleset does the same without this rule.
pub static RULE_WITHOUT_EFFECT: Code = Code {
    id: "FW302",
    name: "rule-without-effect",
    severity: Severity::Note,
    standing: Standing::Adjustable,
    summary: "the ruleset does the same without this rule",
    page: Page {
        what: "Finds a rule that packets do match, and whose verdict they would get without it.",
        why: "It makes the ruleset longer and hides what decides.",
        before: "-A FORWARD -s 10.1.0.0/16 -j ACCEPT\n-A FORWARD -s 10.0.0.0/8 -j ACCEPT",
        after: "-A FORWARD -s 10.0.0.0/8 -j ACCEPT",
        mend: "Take the rule out, unless it is there for its counter.",
    },
};

/// No packet can enter this chain.
pub static CHAIN_NEVER_REACHED: Code = Code {
    id: "FW303",
    name: "chain-never-reached",
    severity: Severity::Note,
    standing: Standing::Adjustable,
    summary: "no packet can enter this chain",
    page: Page {
        what: "Finds a chain that no rule calls, or only rules that never match.",
        why: "Its rules look as if they protected something.",
        before: ":UNUSED - [0:0]\n-A UNUSED -j DROP",
        after: "-A FORWARD -j UNUSED",
        mend: "Call the chain, or take it out.",
    },
};

/// A filter accepts what no rule decides.
pub static POLICY_ACCEPT: Code = Code {
    id: "FW304",
    name: "policy-accept",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a filter accepts what no rule decides",
    page: Page {
        what: "Finds a filter on input or forward whose last word is accept: by the chain's policy, or by a final rule.",
        why: "What nobody thought of is allowed.",
        before: ":FORWARD ACCEPT [0:0]",
        after: ":FORWARD DROP [0:0]",
        mend: "Set the policy to drop after making sure that every wanted flow has its rule: `fwgate diff` shows what would be closed.",
    },
};

/// A filter that looks at connection state has no rule for established connections.
pub static NO_ESTABLISHED_RULE: Code = Code {
    id: "FW305",
    name: "no-established-rule",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a filter that looks at connection state has no rule for established connections",
    page: Page {
        what: "Finds a filter that accepts new connections by state and does not accept the packets that follow in them.",
        why: "Connections are set up and then hang.",
        before: "-A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT",
        after: "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n-A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT",
        mend: "Put a rule that accepts ESTABLISHED and RELATED at the top.",
    },
};
