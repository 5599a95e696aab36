//! Flows that a policy requires, forbids or declares: who talks to whom, about what, and where it is judged.

use super::hosts::NamedEnds;
use super::names::Names;
use super::ranges::AddressSet;
use super::selector::Place;
use super::service::{Service, read_ports};
use crate::document::{Fields, Spanned};
use crate::packet::{Family, Ranges};
use crate::ruleset::Span;

/// The part of a flow that lies in one family. An IPv4 source never talks to an IPv6 destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The family.
    pub family: Family,
    /// Sources, not empty.
    pub src: Ranges,
    /// Destinations, not empty.
    pub dst: Ranges,
    /// Services that exist in the family, not empty.
    pub services: Vec<Service>,
}

/// A requirement or a prohibition, with all names resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRule {
    /// Its id, unique in the policy.
    pub id: String,
    /// Why it is there.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The flow in each family that both its ends have; empty where it selects no packet.
    pub flows: Vec<Flow>,
    /// What its ends say, where they name hosts.
    pub named_ends: Option<NamedEnds>,
    /// Source ports of the client, where the policy says so.
    pub source_ports: Option<Ranges>,
    /// Where it is judged.
    pub place: Place,
    /// Where it is written.
    pub span: Span,
}

/// A flow that must be allowed, both directions of the conversation, in full.
pub type Requirement = FlowRule;

/// A flow of which no packet may be allowed.
pub type Prohibition = FlowRule;

/// What `from`, `to` and `service` say together.
pub(super) struct Ends {
    pub flows: Vec<Flow>,
    /// Both ends and the services, where an end names a host.
    pub named: Option<NamedEnds>,
    /// The entries of `service` with their places.
    pub services: Vec<Spanned<String>>,
}

impl Ends {
    /// The same, where addresses must be written: hosts by name stand in requirements and prohibitions only.
    pub fn fixed(fields: &mut Fields<'_>, names: &Names) -> Ends {
        let ends = Ends::read(fields, names);
        if ends.named.is_some() {
            let help = "a zone may say something else tomorrow; write the addresses themselves";
            fields.problems().report(fields.span, format!("{} names hosts", fields.what), help);
        }
        ends
    }

    /// Reads `from`, `to` and `service`.
    pub fn read(fields: &mut Fields<'_>, names: &Names) -> Ends {
        let problems = fields.problems();
        let from = names.addresses(&fields.need_texts("from"), problems);
        let to = names.addresses(&fields.need_texts("to"), problems);
        let services = fields.need_texts("service");
        let list = names.service_list(&services, problems);
        let flows = pair_families(&from, &to, &list);
        let has_hosts = !from.hosts.is_empty() || !to.hosts.is_empty();
        Ends { flows, named: has_hosts.then_some(NamedEnds { from, to, services: list }), services }
    }
}

pub(super) fn pair_families(from: &AddressSet, to: &AddressSet, services: &[Service]) -> Vec<Flow> {
    let flow = |family: Family| Flow {
        family,
        src: from.of(family).clone(),
        dst: to.of(family).clone(),
        services: services.iter().filter(|s| s.exists_in(family)).cloned().collect(),
    };
    let has_packets = |flow: &Flow| !flow.src.is_empty() && !flow.dst.is_empty() && !flow.services.is_empty();
    Family::ALL.into_iter().map(flow).filter(has_packets).collect()
}

/// Reads one `[[require]]` or `[[forbid]]` but for what only one of them has.
pub(super) fn read_flow_rule(fields: &mut Fields<'_>, names: &Names) -> (Option<FlowRule>, Vec<Spanned<String>>) {
    let span = fields.span;
    let id = fields.need_text("id").filter(|id| check_id(id, fields));
    let reason = fields.need_text("reason");
    let owner = fields.text("owner").map(|o| o.value);
    let ends = Ends::read(fields, names);
    let source_ports = fields.parsed("source_port", read_ports).map(|p| p.value);
    let place = Place::read(fields);
    let rule = id.zip(reason).zip(place).map(|((id, reason), place)| FlowRule {
        id: id.value,
        reason: reason.value,
        owner,
        flows: ends.flows,
        named_ends: ends.named,
        source_ports,
        place,
        span,
    });
    (rule, ends.services)
}

/// Whether an id is made of characters that cannot be confused; reports it otherwise.
pub(super) fn check_id(id: &Spanned<String>, fields: &Fields<'_>) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let good = id.value.len() <= 64
        && id.value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.value.bytes().all(allowed);
    if !good {
        let help = "an id is made of ASCII letters, digits, `-`, `_` and `.`, begins with a letter or digit, and has at most 64";
        fields.problems().report(id.span, format!("`{}` is no id", id.value), help);
    }
    good
}
