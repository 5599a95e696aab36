//! Counting voices: whether enough of the right persons approved exactly this, who could still do so, and which
//! rejections and holds stand.
//!
//! Persons are counted, never keys; each for one role, the one that the record names. Adding a record of whatever kind
//! never helps but by being an approval that counts, an `override-reject`, or its signer's own `revoke` of a rejection or hold.

mod approval;
mod parties;
mod stops;

pub(in crate::gate) use parties::Parties;
pub(in crate::gate) use stops::{holds, rejections, withdrawal};

use super::believed::Believed;
use super::case::Dossier;
use super::decision::Missing;
use super::matching::{Seat, fill};
use super::reason::{Reason, ReasonCode};
use super::record::{Digest, Record};
use super::terms::ClassTerms;
use super::validity::roles_of;
use crate::policy::{Policy, Quorum};
use approval::Support;
use std::collections::{BTreeMap, BTreeSet};

/// An approval that counts, for the permit and the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The person.
    pub person: String,
    /// The role.
    pub role: String,
    /// The digest of the record.
    pub record: Digest,
    /// Whether it was carried over from other content of the same meaning.
    pub is_carried: bool,
}

/// What the approvals of a change come to.
#[derive(Clone, Debug, Default)]
pub(in crate::gate) struct Count {
    /// Those that fill a place.
    pub counted: Vec<Counted>,
    /// The open places.
    pub missing: Vec<Missing>,
    /// What stands against a permit.
    pub reasons: Vec<Reason>,
    /// What was noticed.
    pub notes: Vec<String>,
    /// Whether approvals do not count because they are of something else.
    pub is_stale: bool,
    /// Whether approvals do not count because they are too old.
    pub is_expired: bool,
}

/// Everything that judging voices needs.
pub(in crate::gate) struct Bench<'a> {
    pub case: &'a Dossier<'a>,
    pub policy: &'a Policy,
    pub terms: &'a ClassTerms<'a>,
    pub parties: &'a Parties<'a>,
    pub roles: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Bench<'a> {
    /// The bench of a case.
    pub fn new(
        case: &'a Dossier<'a>,
        policy: &'a Policy,
        terms: &'a ClassTerms<'a>,
        parties: &'a Parties<'a>,
    ) -> Bench<'a> {
        Bench { case, policy, terms, parties, roles: roles_of(policy) }
    }

    /// The command by which somebody approves.
    fn command(&self, role: &str) -> String {
        format!("`fwgate change approve {} --role {role}`", self.case.id)
    }

    /// The quorums that the effect asks for.
    pub fn quorums(&self) -> Vec<&'a [Quorum]> {
        let none = (BTreeSet::new(), BTreeSet::new());
        let extent = self.case.analysis.map(|a| &a.extent);
        let (codes, touches) = extent.map_or((&none.0, &none.1), |e| (&e.codes, &e.touches));
        self.terms.quorums(codes, touches)
    }

    /// Counts the approvals.
    pub fn count(&self) -> Count {
        let mut out = Count::default();
        let mut doubts: Vec<Reason> = Vec::new();
        let mut supports: Vec<Support<'a>> = Vec::new();
        for record in &self.case.testimony.records {
            let Record::Approve(approve) = &record.said else { continue };
            if self.is_dead(record) {
                out.notes.push(format!(
                    "the approval of `{}` was taken back or followed by a rejection of theirs",
                    record.by
                ));
                continue;
            }
            match self.approval(record, approve) {
                Ok(support) => supports.push(support),
                Err(why) => doubts.extend(why),
            }
        }
        out.reasons.extend(self.word_reasons());
        self.seat(&supports, &mut out);
        out.is_stale = doubts.iter().any(|d| d.code == ReasonCode::ApprovalStale);
        out.is_expired = doubts.iter().any(|d| d.code == ReasonCode::ApprovalExpired);
        let ignored = self.case.testimony.ignored.iter().flat_map(|i| i.reasons.iter().cloned());
        doubts.extend(ignored);
        doubts.extend(duplicates(&supports));
        match out.missing.is_empty() {
            true => out.notes.extend(doubts.iter().map(|d| format!("{} ({})", d.message, d.code))),
            false => out.reasons.extend(doubts),
        }
        out
    }

    /// Fills the seats and says which are open, and who could take them.
    fn seat(&self, supports: &[Support<'a>], out: &mut Count) {
        let seats = self.terms.seats(&self.quorums());
        let mut persons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for support in supports {
            persons.entry(support.record.by.clone()).or_default().insert(support.approve.role.clone());
        }
        let filled = fill(&seats, &persons);
        for (seat, person) in filled.iter().filter_map(|(at, person)| seats.get(*at).map(|seat| (seat, person))) {
            let fits = |s: &&Support<'a>| s.record.by == *person && seat.contains(&s.approve.role);
            let Some(support) = supports.iter().filter(fits).min_by_key(|s| s.is_carried) else { continue };
            if support.is_carried {
                out.notes.push(format!(
                    "the approval of `{person}` as `{}` is carried over: its meaning is the same",
                    support.approve.role
                ));
            }
            out.counted.push(Counted {
                person: person.clone(),
                role: support.approve.role.clone(),
                record: support.record.digest,
                is_carried: support.is_carried,
            });
        }
        out.counted.sort();
        self.open_seats(&seats, &filled, out);
    }

    fn open_seats(&self, seats: &[Seat], filled: &BTreeMap<usize, String>, out: &mut Count) {
        if seats.is_empty() {
            let message = format!("nothing says who approves a change of class `{}`", self.terms.class.name());
            out.reasons.push(Reason::new(
                ReasonCode::ApprovalMissing,
                message,
                "give it a quorum in a change of the policy",
            ));
            out.missing.push(Missing { role: "any".into(), needed: 1, counted: 0, eligible: Vec::new() });
        }
        let mut kinds: BTreeMap<&Seat, (u32, u32)> = BTreeMap::new();
        for (at, seat) in seats.iter().enumerate() {
            let (needed, counted) = kinds.entry(seat).or_default();
            *needed += 1;
            *counted += u32::from(filled.contains_key(&at));
        }
        let taken: BTreeSet<&String> = filled.values().collect();
        for (seat, (needed, counted)) in kinds.into_iter().filter(|(_, (needed, counted))| counted < needed) {
            let could = |(id, roles): &(&String, &BTreeSet<String>)| {
                !self.parties.has(id) && !taken.contains(id) && !roles.is_disjoint(seat)
            };
            let eligible: Vec<String> = self.roles.iter().filter(could).map(|(id, _)| id.clone()).collect();
            let missing = Missing { role: names(seat), needed, counted, eligible };
            out.reasons.push(self.missing_reason(seat, &missing));
            out.missing.push(missing);
        }
    }

    fn missing_reason(&self, seat: &Seat, missing: &Missing) -> Reason {
        let Missing { role, needed, counted, eligible } = missing;
        let who = match eligible.is_empty() {
            true => "nobody is left who could; another author, or a change of the policy, would mend it".to_owned(),
            false => format!("{} can", eligible.join(", ")),
        };
        let message = format!("{counted} of {needed} approvals as `{role}`: {who}");
        let fix = self.command(seat.iter().next().map_or("ROLE", String::as_str));
        Reason::new(ReasonCode::ApprovalMissing, message, fix)
    }

    /// Words of records about the present content that are not what the gate computes.
    fn word_reasons(&self) -> Vec<Reason> {
        let Some(analysis) = self.case.analysis else { return Vec::new() };
        let says = |record: &'a Believed<Record>| match &record.said {
            Record::Approve(a) if a.content == analysis.content => Some((record, "approval", &a.says, a.meaning)),
            Record::Change(c) if c.content == analysis.content => Some((record, "change record", &c.says, c.meaning)),
            _ => None,
        };
        let differs = |(record, what, says, meaning): (&Believed<Record>, &str, &String, Digest)| {
            let by = &record.by;
            let message = match () {
                () if *says != analysis.says => {
                    let says = says.escape_debug();
                    format!("the {what} of `{by}` says `{says}`, and the change does `{}`", analysis.says)
                }
                () if meaning != analysis.meaning => format!(
                    "the {what} of `{by}` names the meaning {meaning}, and of the same bytes and words it is {} now: what is \
                     required, or how effects are counted, has changed since",
                    analysis.meaning
                ),
                () => return None,
            };
            let fix = format!(
                "`fwgate change reissue {} --becomes NEW-ID --reason TEXT`, and sign there what `fwgate change show` says",
                self.case.id
            );
            Some(Reason::new(ReasonCode::RecordMismatch, message, fix))
        };
        self.case.testimony.records.iter().filter_map(says).filter_map(differs).collect()
    }
}

fn names(seat: &Seat) -> String {
    let names: Vec<&str> = seat.iter().map(String::as_str).collect();
    names.join(" or ")
}

/// Persons who approved several times, with whatever keys and for whatever roles: they count once.
fn duplicates(supports: &[Support<'_>]) -> Vec<Reason> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for support in supports {
        *seen.entry(&support.record.by).or_default() += 1;
    }
    let twice = seen.into_iter().filter(|(_, times)| *times > 1);
    let reason = |(person, times): (&str, usize)| {
        let message = format!("`{person}` approved {times} times, which counts once");
        Reason::new(ReasonCode::DuplicatePrincipal, message, "another person approves")
    };
    twice.map(reason).collect()
}
