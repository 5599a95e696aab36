//! What a merge may do next, beside the verdict of `fwgate check`: for people behind it, for machines under `next`.

use super::visible;
use crate::gate::Reason;
use serde::Serialize;

/// What the gate says of a change that a merge brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// The change.
    pub change: String,
    /// Where it stands; `None` where the gate was not asked.
    pub state: Option<&'static str>,
    /// Whether a permit could be given now.
    pub may_push: bool,
    /// Whether what was announced is something else than what the merge brings.
    pub is_other: bool,
    /// Why the gate was not asked.
    pub unasked: Option<String>,
    /// Everything that stands against a permit.
    pub reasons: Vec<Reason>,
}

/// The same as `fwgate.check/1` has it.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenNext {
    change: String,
    state: Option<&'static str>,
    may_push: bool,
    other_than_announced: bool,
    unasked: Option<String>,
    reasons: Vec<WrittenReason>,
}

#[derive(Clone, Debug, Serialize)]
struct WrittenReason {
    code: &'static str,
    message: String,
    fix: String,
}

impl NextStep {
    /// A change about which the gate was not asked.
    pub fn unasked(change: &str, why: &str) -> NextStep {
        NextStep {
            change: change.to_owned(),
            state: None,
            may_push: false,
            is_other: false,
            unasked: Some(why.to_owned()),
            reasons: Vec::new(),
        }
    }

    /// For machines.
    pub fn written(&self) -> WrittenNext {
        let reason = |r: &Reason| WrittenReason { code: r.code.name(), message: r.message.clone(), fix: r.fix.clone() };
        WrittenNext {
            change: self.change.clone(),
            state: self.state,
            may_push: self.may_push,
            other_than_announced: self.is_other,
            unasked: self.unasked.clone(),
            reasons: self.reasons.iter().map(reason).collect(),
        }
    }
}

/// For people: a line about each change, and what it lacks with the command that supplies it.
pub fn next_human(steps: &[NextStep]) -> String {
    steps.iter().map(one).collect()
}

fn one(step: &NextStep) -> String {
    let id = &step.change;
    let mut out = match (&step.unasked, step.state) {
        (Some(why), _) => {
            return format!("\nnext: nothing is known of what {id} may do after the merge: {}\n", visible(why));
        }
        (None, state) => format!("\nnext: {id} is {}; the merge applies nothing, ", state.unwrap_or("unknown")),
    };
    if step.is_other {
        out += &format!("and what was announced is not what is judged here: `fwgate change new {id}` announces it\n");
    } else if step.may_push {
        out += &format!("and then `fwgate push {id}` may go\n");
    } else {
        out += &format!("and `fwgate push {id}` needs\n");
    }
    for reason in &step.reasons {
        out += &format!("- {}: {}\n  = help: {}\n", reason.code, visible(&reason.message), visible(&reason.fix));
    }
    out
}
