//! Whose key is whose, and whether it counts at an instant.

use super::instant::Instant;
use super::proven::Proven;
use super::reason::{Reason, ReasonCode};
use super::signature::{KeyFlaw, OpenPgpSeal, PublicKey, UserCheck, Validity, is_key_of, read_public_key};
use crate::policy::{Date, Key, Machine, Person, Policy, Purpose};
use std::collections::{BTreeMap, BTreeSet};

/// Who holds a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A person by id.
    Person(String),
    /// A machine by id, for its one purpose.
    Machine(String, Purpose),
}

impl Owner {
    /// The id.
    pub fn id(&self) -> &str {
        match self {
            Owner::Person(id) | Owner::Machine(id, _) => id,
        }
    }
}

/// Whether a key counts at an instant. Approvals count only where it is good; a rejection counts in every standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It counts.
    Good,
    /// Its time has not come: `NOT_YET_VALID`.
    NotYetValid,
    /// Its time is over: `KEY_EXPIRED`.
    Expired,
    /// It was revoked: `KEY_REVOKED`.
    Revoked,
    /// Only older versions of the policy have it: `SIGNER_UNKNOWN`.
    Former,
}

impl Standing {
    /// The code of the threat list; `None` where the key counts.
    pub fn code(self) -> Option<ReasonCode> {
        match self {
            Standing::Good => None,
            Standing::NotYetValid => Some(ReasonCode::NotYetValid),
            Standing::Expired => Some(ReasonCode::KeyExpired),
            Standing::Revoked => Some(ReasonCode::KeyRevoked),
            Standing::Former => Some(ReasonCode::SignerUnknown),
        }
    }
}

/// A key with its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Whose it is.
    pub owner: Owner,
    /// The key.
    pub key: PublicKey,
    /// What a signature on hardware must prove.
    pub check: UserCheck,
    from: Option<Instant>,
    until: Option<Instant>,
    is_former: bool,
    is_revoked: bool,
}

impl Holder {
    /// Whether the key counts at this instant. Validity is in days of UTC, both included.
    pub fn standing(&self, now: Instant) -> Standing {
        match () {
            () if self.is_revoked => Standing::Revoked,
            () if self.is_former => Standing::Former,
            () if self.from.is_some_and(|from| now < from) => Standing::NotYetValid,
            () if self.until.is_some_and(|until| now > until) => Standing::Expired,
            () => Standing::Good,
        }
    }

    /// The same for one key of it, by what that says itself as well: an OpenPGP certificate holds several, which end and are
    /// revoked each for itself.
    pub fn standing_of(&self, key: &str, now: Instant) -> Standing {
        match (self.standing(now), self.key.validity(key, now.0)) {
            (Standing::Revoked, _) | (_, Validity::Revoked) => Standing::Revoked,
            (Standing::Good, Validity::NotYet) => Standing::NotYetValid,
            (Standing::Good, Validity::Expired) => Standing::Expired,
            (standing, _) => standing,
        }
    }
}

/// All keys of a version of the policy, and those that older versions had.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    holders: BTreeMap<Vec<u8>, Holder>,
    proven: Proven,
}

impl Roster {
    /// Reads the keys of persons and machines, and says which are not accepted and why.
    pub fn read(persons: &[Person], machines: &[Machine]) -> (Roster, Vec<Reason>) {
        let of_persons = persons.iter().flat_map(|p| p.keys.iter().map(|key| (Owner::Person(p.id.value.clone()), key)));
        let of_machines = machines.iter().map(|m| (Owner::Machine(m.id.value.clone(), m.purpose), &m.key));
        let (mut roster, mut reasons) = (Roster::default(), Vec::new());
        for (owner, key) in of_persons.chain(of_machines) {
            match holder(owner.clone(), key) {
                Ok(holder) => reasons.extend(roster.add(holder)),
                Err(flaw) => reasons.push(refused_key(&owner, &flaw)),
            }
        }
        reasons.extend(people_and_machines(persons, machines));
        (roster, reasons)
    }

    /// The roster of the last of these policies, which remembers the keys of those before and what the last one revokes; an
    /// empty one without policies.
    pub fn of_versions(policies: &[&Policy]) -> Roster {
        let Some((last, older)) = policies.split_last() else { return Roster::default() };
        let (mut roster, _) = Roster::read(&last.persons, &last.machines);
        for policy in older.iter().rev() {
            roster.remember(&Roster::read(&policy.persons, &policy.machines).0);
        }
        roster.revoke(&super::validity::revoked_keys(last));
        roster
    }

    /// The same roster, which verifies no signature that others who share `proven` have verified.
    pub fn proving(self, proven: &Proven) -> Roster {
        Roster { proven: proven.clone(), ..self }
    }

    /// What was verified by its keys.
    pub fn proven(&self) -> &Proven {
        &self.proven
    }

    /// Whether both have the same keys with the same holders, so that they believe the same.
    pub fn is_same(&self, other: &Roster) -> bool {
        self.holders == other.holders
    }

    /// Takes in the keys of an older version of the policy that this one has not.
    pub fn remember(&mut self, older: &Roster) {
        for (blob, holder) in &older.holders {
            let former = || Holder { is_former: true, ..holder.clone() };
            self.holders.entry(blob.clone()).or_insert_with(former);
        }
    }

    /// Marks the keys of these fingerprints (`SHA256:...`) as revoked.
    pub fn revoke(&mut self, fingerprints: &BTreeSet<String>) {
        for holder in self.holders.values_mut().filter(|h| fingerprints.contains(h.key.fingerprint())) {
            holder.is_revoked = true;
        }
    }

    /// The holder of the certificate by which an OpenPGP signature says it was made.
    pub fn holder_of_seal(&self, seal: &OpenPgpSeal) -> Option<&Holder> {
        self.holders.values().find(|h| h.key.certificate().is_some_and(|c| seal.is_by(c)))
    }

    /// The holder of a key that signed something, by its fingerprint.
    pub fn holder_of_key(&self, key: &str) -> Option<&Holder> {
        self.holders.values().find(|h| is_key_of(key, h.key.fingerprint()))
    }

    /// The holder of the key with these bytes in the wire format.
    pub fn holder(&self, blob: &[u8]) -> Option<&Holder> {
        self.holders.get(blob)
    }

    /// All keys, by their bytes.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.holders.values()
    }

    /// Another holder of some key of this one's certificate.
    fn sharing(&self, holder: &Holder) -> Option<&Holder> {
        let own: BTreeSet<String> = holder.key.certificate()?.fingerprints().collect();
        let shares =
            |other: &&Holder| other.key.certificate().is_some_and(|c| c.fingerprints().any(|f| own.contains(&f)));
        self.holders.values().find(shares)
    }

    fn add(&mut self, holder: Holder) -> Option<Reason> {
        let blob = holder.key.blob().to_vec();
        let Some(other) = self.holders.get(&blob).or_else(|| self.sharing(&holder)) else {
            self.holders.insert(blob, holder);
            return None;
        };
        let message = format!("`{}` has a key that `{}` has already", holder.owner.id(), other.owner.id());
        Some(Reason::new(ReasonCode::PolicyInvalid, message, "give each identity and each purpose a key of its own"))
    }
}

fn holder(owner: Owner, key: &Key) -> Result<Holder, KeyFlaw> {
    let check = if key.verify { UserCheck::Verification } else { UserCheck::Presence };
    let public = read_public_key(&key.text.value)?;
    if public.certificate().is_some() && (matches!(owner, Owner::Machine(..)) || key.verify) {
        let message = "an OpenPGP key belongs to a person, and no signature by it proves that the user was verified";
        return Err(KeyFlaw { code: ReasonCode::KeyTypeRefused, message: message.to_owned() });
    }
    Ok(Holder {
        owner,
        key: public,
        check,
        from: key.from.map(beginning),
        until: key.until.map(|day| Instant(beginning(day).0 + 86_399)),
        is_former: false,
        is_revoked: false,
    })
}

/// The fingerprint that a policy names, or that of the key that it names.
pub(super) fn fingerprint_of(key: &str) -> Option<String> {
    match key.starts_with("SHA256:") || key.starts_with("OPENPGP:") {
        true => Some(key.to_owned()),
        false => read_public_key(key).ok().map(|k| k.fingerprint().to_owned()),
    }
}

/// The first second of a day in UTC.
fn beginning(day: Date) -> Instant {
    let civil = jiff::civil::Date::new(day.year as i16, day.month as i8, day.day as i8);
    let midnight = civil.map(|date| date.at(0, 0, 0, 0)).and_then(|at| jiff::tz::TimeZone::UTC.to_timestamp(at));
    midnight.map_or(Instant::LAST, |at| Instant(at.as_second()))
}

fn refused_key(owner: &Owner, flaw: &KeyFlaw) -> Reason {
    let message = format!("a key of `{}` is not accepted: {}", owner.id(), flaw.message);
    Reason::new(
        flaw.code,
        message,
        "give an ed25519, ecdsa or sk key, or RSA of 3072 bits, as in its `.pub` file; OpenPGP needs a build with that feature",
    )
}

/// Ids that are a person's and a machine's.
fn people_and_machines(persons: &[Person], machines: &[Machine]) -> Vec<Reason> {
    let both = |machine: &&Machine| persons.iter().any(|p| p.id.value == machine.id.value);
    let reason = |machine: &Machine| {
        let message = format!("`{}` is a person and a machine", machine.id.value);
        Reason::new(ReasonCode::PolicyInvalid, message, "machines never approve: give the machine another id")
    };
    machines.iter().filter(both).map(reason).collect()
}
