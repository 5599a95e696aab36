//! One zone: its records by owner, and what a server refuses to load.

use super::master::Grouped;
use super::name::Name;
use super::record::{Data, Record, RecordType, Soa};
use crate::document::Problems;
use crate::ruleset::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The group to which the last record of each set belongs. A set has one time to live (RFC 2181 section 5.2); where a file
/// gives several, BIND takes the first of those that stand together, and of those that stand apart the last.
type Groups = BTreeMap<(Name, RecordType), usize>;

/// The records of a zone, as a server would load them.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its top: the owner of its SOA.
    pub apex: Name,
    /// The folder below that of the zones in which its file lies: zones of one name in several folders are views.
    pub view: String,
    /// The file, by its path.
    pub path: String,
    records: BTreeMap<Name, Vec<Record>>,
    /// Every owner, and every name above one that has no records itself (RFC 4592 section 2.2.2).
    existing: BTreeSet<Name>,
    soa: Record,
}

impl Zone {
    /// A zone out of its records, in order of appearance. None where it cannot be loaded, which is reported.
    pub(super) fn build(path: &str, view: &str, records: Vec<Grouped>, problems: &Problems, top: Span) -> Option<Zone> {
        let before = problems.count();
        let mut soas = records.iter().map(|(_, r)| r).filter(|r| r.kind == RecordType::SOA);
        let Some(soa) = soas.next().cloned() else {
            let help =
                "a zone begins with its SOA record; a file that is none can be included by one, or stand elsewhere";
            problems.report(top, format!("`{path}` has no SOA record"), help);
            return None;
        };
        for other in soas.filter(|o| o.data != soa.data || o.owner != soa.owner) {
            let message = format!("the zone has a second SOA record; the first is in line {}", soa.span.line);
            problems.note(other.span, message, None);
        }
        let mut zone = Zone {
            apex: soa.owner.clone(),
            view: view.to_owned(),
            path: path.to_owned(),
            records: BTreeMap::new(),
            existing: BTreeSet::new(),
            soa,
        };
        let mut groups = Groups::new();
        records.into_iter().for_each(|record| zone.add(record, &mut groups, problems));
        zone.check(problems);
        (problems.count() == before).then_some(zone)
    }

    fn add(&mut self, (group, mut record): Grouped, groups: &mut Groups, problems: &Problems) {
        if !record.owner.is_within(&self.apex) {
            let message = format!("`{}` lies outside of the zone `{}`", record.owner, self.apex);
            let help = "a server leaves the record out; move it to its zone, or end relative names without a dot";
            return problems.report(record.span, message, help);
        }
        for name in record.owner.ancestors().take_while(|n| n.is_within(&self.apex)) {
            if !self.existing.insert(name) {
                break;
            }
        }
        let is_together = groups.insert((record.owner.clone(), record.kind), group) == Some(group);
        let own = self.records.entry(record.owner.clone()).or_default();
        let mut of_set = own.iter_mut().filter(|r| r.kind == record.kind).peekable();
        match of_set.peek() {
            Some(first) if is_together => record.ttl = first.ttl,
            _ => of_set.for_each(|other| other.ttl = record.ttl),
        }
        if !own.iter().any(|r| r.kind == record.kind && r.data == record.data) {
            own.push(record);
        }
    }

    /// What servers refuse: no name servers, and a CNAME that is not alone (RFC 1034 section 3.6.2).
    fn check(&self, problems: &Problems) {
        if self.of(&self.apex, RecordType::NS).next().is_none() {
            let help = "name its servers: `@ NS ns1`";
            problems.report(self.soa.span, format!("the zone `{}` has no NS records", self.apex), help);
        }
        for (owner, records) in &self.records {
            let is_wildcard = owner.labels().next() == Some(b"*");
            let moving = records.iter().find(|r| matches!(r.kind, RecordType::NS | RecordType::DNAME));
            if let Some(record) = moving.filter(|_| is_wildcard) {
                let message = format!("the wildcard `{owner}` has a record of type {}", record.kind);
                problems.report(record.span, message, "no wildcard delegates or moves names (RFC 4592 section 4)");
            }
            for alone in [RecordType::CNAME, RecordType::DNAME] {
                let own: Vec<&Record> = records.iter().filter(|r| r.kind == alone).collect();
                if let [first, second, ..] = own.as_slice() {
                    let message =
                        format!("`{owner}` has a second {alone} record; the first is in line {}", first.span.line);
                    problems.note(second.span, message, None);
                }
            }
            let Some(alias) = records.iter().find(|r| r.kind == RecordType::CNAME) else { continue };
            let beside = |r: &&Record| r.kind != RecordType::CNAME && !r.kind.is_of_signatures();
            if let Some(other) = records.iter().find(beside) {
                let message = format!(
                    "`{owner}` has a CNAME record and, in line {}, a record of type {}",
                    other.span.line, other.kind
                );
                problems.report(alias.span, message, "an alias has no other records (RFC 1034 section 3.6.2)");
            }
        }
    }

    /// Every record, by owner in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values().flatten()
    }

    /// The records of one owner and type.
    pub fn of(&self, owner: &Name, kind: RecordType) -> impl Iterator<Item = &Record> {
        self.records.get(owner).into_iter().flatten().filter(move |r| r.kind == kind)
    }

    /// Whether a name has records, or is above one that has.
    pub fn exists(&self, name: &Name) -> bool {
        self.existing.contains(name)
    }

    /// The SOA record.
    pub fn soa_record(&self) -> &Record {
        &self.soa
    }

    /// What the SOA record says.
    pub fn soa(&self) -> Option<&Soa> {
        match &self.soa.data {
            Data::Soa(soa) => Some(soa),
            _ => None,
        }
    }

    /// How long resolvers remember, in seconds, that a name or a type is not there: the lesser of the SOA's own time to live
    /// and its MINIMUM (RFC 2308 section 5).
    pub fn negative_ttl(&self) -> u32 {
        self.soa().map_or(self.soa.ttl, |soa| self.soa.ttl.min(soa.minimum))
    }

    /// The name of the delegation that a name lies in: below the apex, the topmost owner of NS records on the way to it.
    pub fn delegation(&self, name: &Name) -> Option<Name> {
        let mut on_the_way: Vec<Name> =
            name.ancestors().take_while(|n| n.is_within(&self.apex) && *n != self.apex).collect();
        on_the_way.reverse();
        on_the_way.into_iter().find(|n| self.of(n, RecordType::NS).next().is_some())
    }
}
