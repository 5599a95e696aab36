//! Names to addresses, as a server answers: aliases followed, wildcards and delegations minded (RFC 1034 section 4.3.2,
//! RFC 4592, RFC 6672).

use super::name::Name;
use super::record::{Data, Record, RecordType};
use super::zone::Zone;
use super::zones::Zones;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Longest chain of aliases.
const MAX_CHAIN: usize = 16;

/// What a name leads to.
#[derive(Clone, Debug)]
pub struct Answer<'z> {
    /// How it ended.
    pub outcome: Outcome,
    /// The records of the type that was asked for.
    pub records: Vec<&'z Record>,
    /// The aliases on the way, in order.
    pub chain: Vec<&'z Record>,
    /// The zone in which it ended.
    pub zone: Option<&'z Zone>,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With records.
    Found,
    /// The name is there, and has no records of the type.
    NoData(Name),
    /// The name is not there.
    NoName(Name),
    /// The name lies in none of the zones, or below a delegation to servers elsewhere.
    Elsewhere(Name),
    /// The aliases come back to where they were, or are too many.
    Loop(Name),
}

impl Answer<'_> {
    /// The addresses of the records.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.records.iter().filter_map(|r| r.address()).collect()
    }

    /// How long the answer lives, in seconds: as long as its shortest part.
    pub fn ttl(&self) -> Option<u32> {
        self.records.iter().chain(&self.chain).map(|r| r.ttl).min()
    }
}

impl Zones {
    /// What the zones of a view answer about a name.
    pub fn answer(&self, view: &str, name: &Name, kind: RecordType) -> Answer<'_> {
        let mut answer = Answer { outcome: Outcome::Found, records: Vec::new(), chain: Vec::new(), zone: None };
        let mut name = name.clone();
        let mut seen = BTreeSet::new();
        loop {
            if !seen.insert(name.clone()) || answer.chain.len() > MAX_CHAIN {
                answer.outcome = Outcome::Loop(name);
                return answer;
            }
            let Some(zone) = self.authority(view, &name) else {
                answer.outcome = Outcome::Elsewhere(name);
                return answer;
            };
            answer.zone = Some(zone);
            match step(zone, &name, kind) {
                Step::Records(records) => {
                    answer.records = records;
                    return answer;
                }
                Step::Alias(record, next) => {
                    answer.chain.push(record);
                    name = next;
                }
                Step::End(outcome) => {
                    answer.outcome = outcome;
                    return answer;
                }
            }
        }
    }

    /// The zone that is asked about a name: the one with the longest apex above it.
    pub fn authority(&self, view: &str, name: &Name) -> Option<&Zone> {
        let fits = |zone: &&Zone| zone.view == view && name.is_within(&zone.apex);
        self.zones.iter().filter(fits).max_by_key(|zone| zone.apex.depth())
    }

    /// The addresses of both families that the views that know a host give, each once, in order; and how each view answered.
    pub fn addresses(&self, name: &Name) -> HostAnswer<'_> {
        let mut out = HostAnswer::default();
        for view in self.views() {
            for kind in [RecordType::A, RecordType::AAAA] {
                let answer = self.answer(view, name, kind);
                out.addresses.extend(answer.addresses());
                out.answers.push(answer);
            }
        }
        out.addresses.sort_unstable();
        out.addresses.dedup();
        out
    }
}

/// What all views say about a host.
#[derive(Clone, Debug, Default)]
pub struct HostAnswer<'z> {
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The answers, for A and AAAA in each view.
    pub answers: Vec<Answer<'z>>,
}

impl HostAnswer<'_> {
    /// Why there are no addresses, in words, where there are none. The worst reason counts: a loop, then a name that is not
    /// there, then one without addresses, then one that lies elsewhere.
    pub fn complaint(&self) -> Option<String> {
        let all = || self.answers.iter().map(|a| &a.outcome);
        if let Some(Outcome::Loop(at)) = all().find(|o| matches!(o, Outcome::Loop(_))) {
            return Some(format!("its aliases never end: they come to `{at}` again, or are more than {MAX_CHAIN}"));
        }
        if !self.addresses.is_empty() {
            return None;
        }
        let chosen = all().max_by_key(|o| match o {
            Outcome::NoName(_) => 3,
            Outcome::NoData(_) => 2,
            Outcome::Elsewhere(_) => 1,
            Outcome::Found | Outcome::Loop(_) => 0,
        })?;
        Some(match chosen {
            Outcome::NoName(name) => format!("there is no name `{name}`"),
            Outcome::NoData(name) => format!("`{name}` has no address"),
            Outcome::Elsewhere(name) => format!("`{name}` lies in none of the zones"),
            Outcome::Found | Outcome::Loop(_) => return None,
        })
    }

    /// Whether the zones at hand are to say what the addresses are.
    pub fn is_ours(&self) -> bool {
        self.answers.iter().any(|a| !matches!(a.outcome, Outcome::Elsewhere(_)))
    }
}

enum Step<'z> {
    Records(Vec<&'z Record>),
    Alias(&'z Record, Name),
    End(Outcome),
}

fn step<'z>(zone: &'z Zone, name: &Name, kind: RecordType) -> Step<'z> {
    if let Some(delegated) = zone.delegation(name) {
        return Step::End(Outcome::Elsewhere(delegated));
    }
    if let Some((record, next)) = dname(zone, name) {
        return next.map_or_else(|| Step::End(Outcome::NoName(name.clone())), |next| Step::Alias(record, next));
    }
    if zone.exists(name) {
        return at_owner(zone, name, name, kind);
    }
    // The closest name above that is there says whether a wildcard answers (RFC 4592 section 3.3.1).
    let encloser = name.ancestors().find(|n| zone.exists(n));
    match encloser.map(|n| n.wildcard()).filter(|wildcard| zone.exists(wildcard)) {
        Some(wildcard) => at_owner(zone, &wildcard, name, kind),
        None => Step::End(Outcome::NoName(name.clone())),
    }
}

fn at_owner<'z>(zone: &'z Zone, owner: &Name, asked: &Name, kind: RecordType) -> Step<'z> {
    let records: Vec<&Record> = zone.of(owner, kind).collect();
    if !records.is_empty() {
        return Step::Records(records);
    }
    match zone.of(owner, RecordType::CNAME).next() {
        Some(record) => match &record.data {
            Data::Cname(next) => Step::Alias(record, next.clone()),
            _ => Step::End(Outcome::NoData(asked.clone())),
        },
        None => Step::End(Outcome::NoData(asked.clone())),
    }
}

/// A DNAME strictly above the name, and where it moves the name to.
fn dname<'z>(zone: &'z Zone, name: &Name) -> Option<(&'z Record, Option<Name>)> {
    let above = name.ancestors().skip(1).take_while(|n| n.is_within(&zone.apex));
    let record = above.filter_map(|n| zone.of(&n, RecordType::DNAME).next()).last()?;
    match &record.data {
        Data::Dname(target) => Some((record, name.moved(&record.owner, target))),
        _ => None,
    }
}
