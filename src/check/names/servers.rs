//! FW710 and FW712: name servers and resolvers that clients do not reach: both directions of a conversation, over UDP and TCP,
//! through every filter between.

use super::number;
use super::redundancy::{addresses, singles};
use crate::check::conversation::{Demand, demands};
use crate::check::report::CheckError;
use crate::check::scene::Pair;
use crate::check::tally::Tally;
use crate::check::verdict::{Shown, Verdict, judge};
use crate::check::view::View;
use crate::check::words::{condition_names, fate, packet_text, remedy, shown_packet};
use crate::check::{Check, CheckInput, selected};
use crate::finding::{Code, Finding, Location, NAME_SERVER_UNREACHABLE, RESOLVER_UNREACHABLE};
use crate::names::RecordType;
use crate::packet::{Family, Ranges};
use crate::policy::{Flow, FlowRule, NameService, Place, Service};
use crate::ruleset::Side;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&NAME_SERVER_UNREACHABLE, &RESOLVER_UNREACHABLE], on_scene: run };

/// A server, by what sentences call it.
#[derive(Clone, Debug)]
struct Server {
    code: &'static Code,
    /// `` the name server `ns1.example.net` of `example.net` ``.
    name: String,
    location: Location,
}

/// Every server by its address; of several zones that share one, the first.
fn servers(input: &CheckInput<'_>, service: &NameService) -> BTreeMap<IpAddr, Server> {
    let mut out = BTreeMap::new();
    if let Some(zones) = input.estate.proposed.zones {
        for zone in &zones.zones {
            for record in zone.of(&zone.apex, RecordType::NS) {
                let Some(host) = record.target() else { continue };
                for address in addresses(zones, zone, host) {
                    let name = format!("the name server `{host}` of `{}`", zone.apex);
                    let location = super::place(zones, record);
                    out.entry(address).or_insert(Server { code: &NAME_SERVER_UNREACHABLE, name, location });
                }
            }
        }
    }
    for address in singles(&service.resolvers) {
        let location = Location::of(service.span, &input.policy.sources).first_line();
        let name = "the resolver".to_owned();
        out.entry(address).or_insert(Server { code: &RESOLVER_UNREACHABLE, name, location });
    }
    out
}

fn clients<'a>(input: &CheckInput<'a>) -> Option<&'a NameService> {
    input.policy.name_service.as_ref().filter(|s| !s.clients.is_empty())
}

fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    let input = view.scene.input;
    let Some(service) = clients(input) else { return Ok(()) };
    for (address, server) in servers(input, service) {
        let owner = |p: &&Pair<'_>| {
            p.new.is_some_and(|d| d.ruleset.facts.addresses.iter().flatten().any(|n| n.addr() == address))
        };
        let owning: Vec<&Pair<'_>> = view.scene.pairs.iter().filter(owner).collect();
        let between: Vec<&Pair<'_>> =
            selected(view.scene, &service.place.devices).into_iter().filter(|p| !owner(p)).collect();
        for pair in owning {
            let place = service.place_for(Some(pair.name));
            Asked { view, service, address, server: &server, place, pairs: &[pair] }.check(tally)?;
        }
        let place = service.place_for(None);
        Asked { view, service, address, server: &server, place, pairs: &between }.check(tally)?;
    }
    Ok(())
}

struct Asked<'q, 'v> {
    view: &'q View<'q, 'v>,
    service: &'q NameService,
    address: IpAddr,
    server: &'q Server,
    place: Place,
    pairs: &'q [&'q Pair<'q>],
}

impl Asked<'_, '_> {
    fn check(&self, tally: &mut Tally) -> Result<(), CheckError> {
        let (family, value) = number(self.address);
        let has_filter = self.view.scene.has_filter(Side::New, self.place.hook, family);
        let src = self.service.clients.of(family);
        if self.pairs.is_empty() || !has_filter || src.is_empty() {
            return Ok(());
        }
        tally.names.judged.insert(self.address);
        let rule = self.rule(family, src, Ranges::one(value));
        for flow in &rule.flows {
            let all = demands(self.view, &rule, flow, Side::New);
            tally.is_bounded |= all.is_bounded;
            if let Some((demand, verdict)) = self.worst(&all.list, family, tally)
                && let Some(finding) = self.finding(demand, &verdict, family)?
            {
                tally.report(self.pairs.iter().copied(), &finding);
            }
        }
        Ok(())
    }

    /// What is asked, in the form of a requirement.
    fn rule(&self, family: Family, src: &Ranges, dst: Ranges) -> FlowRule {
        let port = || Ranges::one(53);
        let flow = Flow { family, src: src.clone(), dst, services: vec![Service::Udp(port()), Service::Tcp(port())] };
        FlowRule {
            id: "names".to_owned(),
            reason: String::new(),
            owner: None,
            flows: vec![flow],
            named_ends: None,
            source_ports: None,
            place: self.place.clone(),
            span: self.service.span,
        }
    }

    fn worst<'d>(&self, list: &'d [Demand], family: Family, tally: &mut Tally) -> Option<(&'d Demand, Verdict)> {
        let mut worst: Option<(&Demand, Verdict)> = None;
        for demand in list {
            let filter = self.view.filter(demand.hook, family);
            let judged = judge(self.view.scene, filter, demand);
            tally.assume(self.view.scene, filter, &judged.assumed);
            tally.is_bounded |= judged.is_bounded;
            if judged.verdict.rank() > worst.as_ref().map_or(0, |(_, v)| v.rank()) {
                worst = Some((demand, judged.verdict));
            }
        }
        worst
    }

    fn finding(&self, demand: &Demand, verdict: &Verdict, family: Family) -> Result<Option<Finding>, CheckError> {
        let filter = self.view.filter(demand.hook, family);
        let (shown, result): (&Shown, &str) = match verdict {
            Verdict::Lost(shown) => (shown, "any more"),
            Verdict::Missing(shown) => (shown, "before or after the change"),
            Verdict::Depends { shown, .. } => (shown, "whatever the conditions"),
            Verdict::Held => return Ok(None),
        };
        let mut ends = vec![(Side::New, &shown.now)];
        ends.extend(shown.before.iter().map(|leaf| (Side::Old, leaf)));
        let packet = shown_packet(filter, &shown.cell, &ends)?;
        let message = format!(
            "clients do not reach {} at `{}` {result}: the {} of the {}, {}, {}",
            self.server.name,
            self.address,
            demand.name,
            demand.direction,
            packet_text(&packet),
            fate(&shown.now.outcome.decision)
        );
        let finding = Finding::at(self.server.code, self.server.location.clone(), message)
            .in_filter(demand.hook, family, filter.name())
            .shown_by(packet)
            .in_direction(demand.direction)
            .under(condition_names(filter, &shown.depends));
        Ok(Some(finding.helped_by(remedy(filter, shown.now.place))))
    }
}

/// A server of which nothing was judged proves nothing.
pub(super) fn conclude(input: &CheckInput<'_>, tally: &mut Tally) {
    let Some(service) = clients(input) else { return };
    for (address, server) in servers(input, service) {
        if tally.names.judged.contains(&address) {
            continue;
        }
        let message = format!("no filter was judged between the clients and {} at `{address}`", server.name);
        let help = "correct `clients` or `devices` of [names]; a device between them must have a filter at forward, or the server itself one at input";
        tally.findings.push(Finding::at(server.code, server.location, message).helped_by(help));
    }
}
