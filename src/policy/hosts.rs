//! Hosts in requirements: `dns:portal.example.net` stands for the addresses that the zones of both sides give.
//!
//! The addresses are those of the baseline's zones and those of the proposal's, together. A requirement must hold for both: until
//! the last resolver has forgotten the old address, clients go there, and from the first on they go to the new one.

use super::flow::{FlowRule, pair_families};
use super::policy::Policy;
use super::ranges::AddressSet;
use super::service::Service;
use crate::names::Name;
use crate::packet::Ranges;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What `from`, `to` and `service` of a rule say, before hosts are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEnds {
    /// The source.
    pub from: AddressSet,
    /// The destination.
    pub to: AddressSet,
    /// The services.
    pub services: Vec<Service>,
}

impl FlowRule {
    /// The hosts that the rule names.
    pub fn hosts(&self) -> impl Iterator<Item = &Name> {
        let ends = self.named_ends.iter().flat_map(|ends| [&ends.from, &ends.to]);
        let hosts: BTreeSet<&Name> = ends.flat_map(|set| &set.hosts).collect();
        hosts.into_iter()
    }
}

impl Policy {
    /// Whether some requirement, prohibition or range names a host.
    pub fn names_hosts(&self) -> bool {
        let rules = self.requirements.iter().chain(&self.prohibitions);
        rules.flat_map(FlowRule::hosts).next().is_some()
            || self.names.ranges().values().any(|set| !set.hosts.is_empty())
            || self.name_service.iter().any(|s| !s.clients.hosts.is_empty() || !s.resolvers.hosts.is_empty())
    }

    /// The policy with the addresses of hosts in the place of their names. A host without addresses stands for none.
    #[must_use]
    pub fn with_hosts(&self, look_up: &dyn Fn(&Name) -> Vec<IpAddr>) -> Policy {
        let mut policy = self.clone();
        for rule in policy.requirements.iter_mut().chain(&mut policy.prohibitions) {
            if let Some(ends) = &rule.named_ends {
                rule.flows =
                    pair_families(&ends.from.with_hosts(look_up), &ends.to.with_hosts(look_up), &ends.services);
            }
        }
        policy.names.map_ranges(|set| set.with_hosts(look_up));
        if let Some(service) = &mut policy.name_service {
            service.clients = service.clients.with_hosts(look_up);
            service.resolvers = service.resolvers.with_hosts(look_up);
        }
        policy
    }
}

impl AddressSet {
    /// The set with the addresses of its hosts.
    #[must_use]
    pub fn with_hosts(&self, look_up: &dyn Fn(&Name) -> Vec<IpAddr>) -> AddressSet {
        let found: Vec<IpAddr> = self.hosts.iter().flat_map(look_up).collect();
        let v4 =
            found.iter().filter_map(|a| if let IpAddr::V4(v4) = a { Some(u128::from(u32::from(*v4))) } else { None });
        let v6 = found.iter().filter_map(|a| if let IpAddr::V6(v6) = a { Some(u128::from(*v6)) } else { None });
        AddressSet {
            v4: self.v4.union(&Ranges::from_values(v4)),
            v6: self.v6.union(&Ranges::from_values(v6)),
            hosts: self.hosts.clone(),
        }
    }
}
