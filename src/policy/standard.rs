//! Templates of standard changes: what was approved once with the policy, and within which bounds.

use super::change::{ChangeRequest, Intent, IntentEffect, read_effect};
use super::class::{Quorum, read_quorum};
use super::coverage::intended;
use super::flow::{Ends, Flow, check_id};
use super::names::Names;
use super::selector::Place;
use crate::document::{Fields, Spanned};
use crate::packet::{Cell, Ranges};
use crate::ruleset::Span;

/// What a standard change may do without further approvals than those of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its id, which a change request names.
    pub id: Spanned<String>,
    /// Why it is harmless.
    pub reason: String,
    /// The effects that it may have.
    pub effects: Vec<IntentEffect>,
    /// The flows within which they lie.
    pub flows: Vec<Flow>,
    /// Where it is judged, and the devices that it may touch.
    pub place: Place,
    /// How many source addresses one intent may name, at most.
    pub most_sources: Option<u64>,
    /// How many destination addresses one intent may name, at most.
    pub most_destinations: Option<u64>,
    /// The approvals that a change by this template needs.
    pub quorum: Vec<Quorum>,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[template]]`.
pub(super) fn read_template(mut fields: Fields<'_>, names: &Names) -> Option<Template> {
    let span = fields.span;
    let problems = fields.problems();
    let id = fields.need_text("id").filter(|id| check_id(id, &fields));
    let reason = fields.need_text("reason");
    let effects = fields.need_texts("effects");
    let effects = effects.iter().filter_map(|t| crate::document::parsed_text(t, read_effect, problems));
    let effects = effects.map(|e| e.value).collect();
    let ends = Ends::fixed(&mut fields, names);
    let place = Place::read(&mut fields);
    let (most_sources, most_destinations) =
        (read_most(&mut fields, "most_sources"), read_most(&mut fields, "most_destinations"));
    let quorum = read_quorum(&mut fields);
    fields.finish();
    Some(Template {
        id: id?,
        reason: reason?.value,
        effects,
        flows: ends.flows,
        place: place?,
        most_sources,
        most_destinations,
        quorum,
        span,
    })
}

fn read_most(fields: &mut Fields<'_>, key: &'static str) -> Option<u64> {
    let number = fields.integer(key)?;
    let most = u64::try_from(number.value).ok().filter(|n| *n > 0);
    if most.is_none() {
        fields.problems().note(number.span, format!("`{key}` is {} instead of 1 or more", number.value), None);
    }
    most
}

impl Template {
    /// In what a change request leaves the bounds of this template, in words; empty where it keeps them. The checks
    /// prove that the effect lies within the intents, so these bounds are those of the effect.
    pub fn breaches(&self, change: &ChangeRequest) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        if change.intents.is_empty() {
            out.push("it declares no intent".to_owned());
        }
        if !change.reroutes.is_empty() {
            out.push("it changes routes, which no template allows".to_owned());
        }
        for (number, intent) in change.intents.iter().enumerate() {
            let faults = self.faults_of(intent);
            out.extend(faults.into_iter().map(|fault| format!("intent {} {fault}", number + 1)));
        }
        out
    }

    fn faults_of(&self, intent: &Intent) -> Vec<String> {
        let mut out = Vec::new();
        if !self.effects.contains(&intent.effect) {
            out.push(format!("has the effect `{}`", intent.effect.name()));
        }
        if intent.place.hook != self.place.hook {
            out.push(format!("is judged at `{}`", intent.place.hook.name()));
        }
        if !is_within(&intent.place.inputs, &self.place.inputs)
            || !is_within(&intent.place.outputs, &self.place.outputs)
        {
            out.push("names other interfaces".to_owned());
        }
        if intent.flows.is_empty() || !intent.flows.iter().all(|flow| self.covers(flow)) {
            out.push("covers packets outside the template".to_owned());
        }
        out.extend(excess(intent, "source", self.most_sources, |f| &f.src));
        out.extend(excess(intent, "destination", self.most_destinations, |f| &f.dst));
        out
    }

    /// Whether every packet of a flow lies in one flow of the template.
    fn covers(&self, flow: &Flow) -> bool {
        let bounds: Vec<Cell> = self.flows.iter().filter(|f| f.family == flow.family).flat_map(cells).collect();
        cells(flow).iter().all(|cell| bounds.iter().any(|bound| cell.is_subset(bound, flow.family)))
    }
}

fn cells(flow: &Flow) -> Vec<Cell> {
    intended(flow).into_iter().map(|f| f.cell).collect()
}

/// A template that names no interface allows any; one that does allows those.
fn is_within<T: PartialEq>(asked: &Option<Vec<T>>, bound: &Option<Vec<T>>) -> bool {
    match (asked, bound) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(asked), Some(bound)) => asked.iter().all(|a| bound.contains(a)),
    }
}

fn excess(intent: &Intent, what: &str, most: Option<u64>, of: impl Fn(&Flow) -> &Ranges) -> Option<String> {
    let most = most?;
    let count = intent.flows.iter().map(|f| of(f).len()).max().unwrap_or_default();
    (count > u128::from(most)).then(|| format!("names {count} {what} addresses, more than {most}"))
}
