//! A renumbering in its order, with the earliest times at which each step is safe.
//!
//! 1. Lower the time to live of the records, and let everything answer at the new address as well as at the old one.
//! 2. Wait until every secondary server has the new zone (REFRESH of the SOA) and every resolver has forgotten the records with the
//!    long time to live.
//! 3. Change the records.
//! 4. Wait for the secondary servers again, and for the lowered time to live.
//! 5. Take the old address away, and raise the time to live again.
//!
//! A secondary that cannot reach the primary tries again after RETRY and answers with the old zone up to EXPIRE; that is said, and
//! not waited for.

use super::name::Name;
use super::record::{Record, RecordType};
use super::reverse::reverse_name;
use super::zones::Zones;
use std::net::IpAddr;

/// One address that takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Renumbering {
    /// The address that goes.
    pub old: IpAddr,
    /// The address that comes; `None` where it only goes.
    pub new: Option<IpAddr>,
}

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan<'z> {
    /// The records that point at old addresses, with what takes their place.
    pub records: Vec<(&'z Record, Renumbering)>,
    /// The reverse records of the old addresses.
    pub reverse: Vec<&'z Record>,
    /// The apexes of the zones that change, each once.
    pub zones: Vec<Name>,
    /// The longest time to live of the records now, in seconds.
    pub ttl: u32,
    /// What it is lowered to.
    pub lowered: u32,
    /// The longest REFRESH.
    pub refresh: u32,
    /// The longest RETRY.
    pub retry: u32,
    /// The longest EXPIRE.
    pub expire: u32,
    /// How long a failed lookup is remembered.
    pub negative: u32,
    /// When the plan begins, in seconds since 1970.
    pub start: i64,
}

impl<'z> Plan<'z> {
    /// The plan for renumberings that begins at a time. None where no record points at an old address.
    pub fn of(zones: &'z Zones, renumberings: &[Renumbering], lowered: u32, start: i64) -> Option<Plan<'z>> {
        let mut plan = Plan {
            records: Vec::new(),
            reverse: Vec::new(),
            zones: Vec::new(),
            ttl: 0,
            lowered,
            refresh: 0,
            retry: 0,
            expire: 0,
            negative: 0,
            start,
        };
        for zone in &zones.zones {
            let before = (plan.records.len(), plan.reverse.len());
            for renumbering in renumberings {
                let pointing = zone.records().filter(|r| r.address() == Some(renumbering.old));
                plan.records.extend(pointing.map(|r| (r, *renumbering)));
                let name = reverse_name(renumbering.old);
                plan.reverse.extend(zone.of(&name, RecordType::PTR).filter(|_| name.is_within(&zone.apex)));
            }
            if (plan.records.len(), plan.reverse.len()) == before {
                continue;
            }
            plan.zones.push(zone.apex.clone());
            plan.negative = plan.negative.max(zone.negative_ttl());
            if let Some(soa) = zone.soa() {
                plan.refresh = plan.refresh.max(soa.refresh);
                plan.retry = plan.retry.max(soa.retry);
                plan.expire = plan.expire.max(soa.expire);
            }
        }
        plan.zones.sort();
        plan.zones.dedup();
        let times = plan.records.iter().map(|(r, _)| r.ttl).chain(plan.reverse.iter().map(|r| r.ttl));
        plan.ttl = times.max()?;
        plan.lowered = plan.lowered.min(plan.ttl);
        Some(plan)
    }

    /// The earliest time at which the records may change: when nobody holds one with the long time to live any more.
    pub fn change_at(&self) -> i64 {
        match self.lowered < self.ttl {
            true => after(self.start, self.refresh, self.ttl),
            false => self.start,
        }
    }

    /// The earliest time at which the old addresses may go.
    pub fn remove_at(&self) -> i64 {
        after(self.change_at(), self.refresh, self.lowered)
    }
}

fn after(time: i64, refresh: u32, ttl: u32) -> i64 {
    time.saturating_add(i64::from(refresh)).saturating_add(i64::from(ttl))
}

/// The earliest time at which an address may go whose record is changed at `time`: secondary servers have the new zone after
/// `refresh`, and resolvers have forgotten the record after its time to live.
pub fn earliest_removal(time: i64, refresh: u32, ttl: u32) -> i64 {
    after(time, refresh, ttl)
}
