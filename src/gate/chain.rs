//! The policy chain: which version of the policy is in force, and whether the protected branch has that one.
//!
//! Version 1 is the one that the root names. Each further version counts once its bytes are on the protected branch and
//! records of the quorum of the version before, and of its own quorum, name its number and digest. A merge, a branch rule or
//! a forge's signature authorises nothing: versions without records are passed over, and where the tip has one, there
//! is no permit.

use super::content::policy_digest;
use super::instant::Instant;
use super::matching::fill;
use super::reason::{Reason, ReasonCode};
use super::record::Digest;
use super::root::Root;
use super::terms::terms;
use super::validity::{read_version, roles_of};
use crate::policy::{ChangeClass, Policy};
use crate::vcs::PolicyVersion;
use std::collections::{BTreeMap, BTreeSet};

/// One voice for a version of the policy: a `policy` record that a key of the asked roster signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyVoice {
    /// The change by which the version came.
    pub change: String,
    /// The version.
    pub version: u64,
    /// Its digest.
    pub policy: Digest,
    /// The role for which it speaks.
    pub role: String,
    /// The person.
    pub person: String,
    /// Whether the person is author of the change or contributed to it, so that the voice does not count.
    pub is_author: bool,
}

/// Who spoke for versions of the policy, by the roster of a given version: records are believed with that roster, by keys that
/// counted when the ledger first witnessed them.
pub trait Voices {
    /// All voices of persons of this policy.
    fn of(&self, policy: &Policy) -> Vec<PolicyVoice>;
}

impl<F: Fn(&Policy) -> Vec<PolicyVoice>> Voices for F {
    fn of(&self, policy: &Policy) -> Vec<PolicyVoice> {
        self(policy)
    }
}

/// A version that counts.
#[derive(Clone, Debug)]
pub struct VersionInForce {
    /// Its number.
    pub version: u64,
    /// Its digest.
    pub digest: Digest,
    /// The commit of the protected branch from which on it was there.
    pub commit: String,
    /// What it says.
    pub policy: Policy,
}

/// What became of the chain.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The versions that count, oldest first; the last is in force. Empty where the root names none of them.
    pub versions: Vec<VersionInForce>,
    /// What stands against every permit.
    pub reasons: Vec<Reason>,
    /// Versions of the protected branch that were passed over, in words.
    pub notes: Vec<String>,
    /// The policy by which the rest is explained where none is in force: that of the tip. Reasons stand against it.
    pub provisional: Option<Policy>,
}

impl Chain {
    /// The version in force.
    pub fn in_force(&self) -> Option<&VersionInForce> {
        self.versions.last()
    }

    /// The policy that a decision uses: the one in force, else the tip's, which grants nothing.
    pub fn policy(&self) -> Option<&Policy> {
        self.in_force().map(|v| &v.policy).or(self.provisional.as_ref())
    }
}

/// Judges the versions of the protected branch, oldest first, the last being the tip's. `witnessed` is the version that the
/// last witness of the ledger names, with its instant.
pub fn judge_chain(
    root: Option<&[u8]>,
    versions: &[PolicyVersion],
    voices: &dyn Voices,
    witnessed: Option<(u64, Instant)>,
) -> Chain {
    let mut chain = Chain::default();
    let root = read_root(root, &mut chain);
    let Some(tip) = present_tip(versions, &mut chain) else { return chain };
    match root {
        Some(root) => follow(&root, versions, voices, &mut chain),
        None => chain.provisional = read_version(tip).map(|(policy, _)| policy).ok(),
    }
    chain.reasons.extend(behind_witness(&chain, witnessed));
    chain.reasons.sort();
    chain.reasons.dedup();
    chain
}

fn read_root(root: Option<&[u8]>, chain: &mut Chain) -> Option<Root> {
    let fix = "give the root with `--root FILE`, from outside of the repository; `fwgate init --root FILE` makes one";
    let missing = |message: String| Reason::new(ReasonCode::RootMissing, message, fix);
    match root.map(Root::read) {
        Some(Ok(root)) => return Some(root),
        Some(Err(flaw)) => chain.reasons.push(missing(flaw.message)),
        None => chain.reasons.push(missing("no root was given, so that nothing says whom to trust".to_owned())),
    }
    None
}

/// The tip's version, where it has a policy.
fn present_tip<'a>(versions: &'a [PolicyVersion], chain: &mut Chain) -> Option<&'a PolicyVersion> {
    let fix = "restore the policy on the protected branch as it was in its last version";
    let tip = versions.last();
    for (path, _) in tip.iter().flat_map(|t| &t.irregular) {
        let message = format!("`{path}` on the protected branch is no regular file");
        chain.reasons.push(Reason::new(ReasonCode::PolicyMissing, message, fix));
    }
    let has_policy = tip.is_some_and(|t| t.files.iter().any(|(path, _)| path == "fwgate.toml"));
    if !has_policy {
        let message = "there is no `fwgate.toml` on the protected branch";
        chain.reasons.push(Reason::new(ReasonCode::PolicyMissing, message, fix));
    }
    tip.filter(|_| has_policy)
}

fn follow(root: &Root, versions: &[PolicyVersion], voices: &dyn Voices, chain: &mut Chain) {
    let first = versions.iter().position(|v| policy_digest(v) == root.policy);
    let Some(first) = first else {
        let message = format!("no policy on `{}` is the one that the root names ({})", root.protected, root.policy);
        let fix = "give the root of this repository; after a lost quorum, `fwgate init --root FILE` makes a new one";
        chain.reasons.push(Reason::new(ReasonCode::PolicyUnauthorised, message.clone(), fix));
        chain.reasons.push(Reason::new(ReasonCode::HistoryUnverifiable, message, fix).detail("root"));
        chain.provisional = versions.last().and_then(|tip| read_version(tip).ok()).map(|(policy, _)| policy);
        return;
    };
    let later = versions.get(first..).unwrap_or_default();
    for (at, version) in later.iter().enumerate() {
        let is_tip = at + 1 == later.len();
        let found = match at {
            0 => begin(root, version),
            _ => succeed(version, voices, chain),
        };
        match found {
            Ok(Some(next)) => chain.versions.push(next),
            Ok(None) => {}
            Err(reasons) if is_tip || at == 0 => chain.reasons.extend(reasons),
            Err(reasons) => chain.notes.extend(reasons.iter().map(|r| passed_over(version, r))),
        }
    }
    if chain.versions.is_empty() {
        chain.provisional = versions.last().and_then(|tip| read_version(tip).ok()).map(|(policy, _)| policy);
    }
}

fn passed_over(version: &PolicyVersion, reason: &Reason) -> String {
    let commit = version.commit.get(..12).unwrap_or(&version.commit);
    format!("the policy at {commit} was passed over: {} ({})", reason.message, reason.code)
}

/// The version that the root names.
fn begin(root: &Root, version: &PolicyVersion) -> Result<Option<VersionInForce>, Vec<Reason>> {
    let (policy, faults) = read_version(version)?;
    let keys = policy.persons.iter().flat_map(|p| &p.keys);
    let known: BTreeSet<String> = keys
        .filter_map(|k| super::signature::read_public_key(&k.text.value).ok())
        .map(|key| key.fingerprint().to_owned())
        .collect();
    let strangers = root.signers.iter().filter(|s| !known.contains(*s));
    let fix = "give the root of this repository";
    let stranger = |signer: &String| {
        let message = format!("the root names the signer `{signer}`, whom the first policy does not have");
        Reason::new(ReasonCode::PolicyUnauthorised, message, fix)
    };
    let mut reasons: Vec<Reason> = faults.into_iter().chain(strangers.map(stranger)).collect();
    if policy.repository.as_ref().is_some_and(|id| *id != root.repository) {
        let message = format!("the root is of `{}`, the policy of another repository", root.repository);
        reasons.push(Reason::new(ReasonCode::PolicyUnauthorised, message, fix));
    }
    if reasons.is_empty() { Ok(Some(in_force(version, policy))) } else { Err(reasons) }
}

fn in_force(version: &PolicyVersion, policy: Policy) -> VersionInForce {
    let digest = policy_digest(version);
    VersionInForce { version: policy.version, digest, commit: version.commit.clone(), policy }
}

/// The next version, where it is one; `None` where it is the one in force again.
fn succeed(version: &PolicyVersion, voices: &dyn Voices, chain: &Chain) -> Result<Option<VersionInForce>, Vec<Reason>> {
    let digest = policy_digest(version);
    let Some(current) = chain.in_force() else { return Err(Vec::new()) };
    if digest == current.digest {
        return Ok(None);
    }
    let mut lost = Chain::default();
    if present_tip(std::slice::from_ref(version), &mut lost).is_none() || !lost.reasons.is_empty() {
        return Err(lost.reasons);
    }
    if let Some(old) = chain.versions.iter().find(|v| v.digest == digest) {
        return Err(vec![rollback(old.version, current.version)]);
    }
    let (policy, faults) = read_version(version)?;
    let mut reasons = faults;
    reasons.extend(number_reason(policy.version, current.version));
    if policy.version == current.version + 1 {
        reasons.extend(voice_reasons(&policy, digest, current, voices));
    }
    if reasons.is_empty() { Ok(Some(in_force(version, policy))) } else { Err(reasons) }
}

fn rollback(old: u64, current: u64) -> Reason {
    let message = format!("the protected branch has version {old} of the policy again, after version {current}");
    let fix = format!(
        "restore version {current}, or give the old text as version {} with records of both quorums",
        current + 1
    );
    Reason::new(ReasonCode::PolicyRollback, message, fix)
}

fn number_reason(found: u64, current: u64) -> Option<Reason> {
    let next = current + 1;
    let fix = format!(
        "write `version = {next}`, and let both quorums sign it: `fwgate change approve ID --role ROLE` on its change"
    );
    match found {
        _ if found == next => None,
        _ if found > next => {
            let message = format!("the policy has version {found}, and version {current} is in force");
            Some(Reason::new(ReasonCode::PolicyVersionGap, message, fix))
        }
        _ if found < current => Some(rollback(found, current)),
        _ => {
            let message = format!("the policy was changed and is still called version {current}");
            Some(Reason::new(ReasonCode::PolicyUnauthorised, message, fix))
        }
    }
}

/// What the quorums of the version before and of the version itself lack.
fn voice_reasons(policy: &Policy, digest: Digest, current: &VersionInForce, voices: &dyn Voices) -> Vec<Reason> {
    let before = missing_voices(&current.policy, policy.version, digest, voices);
    let own = missing_voices(policy, policy.version, digest, voices);
    let reason = |(whose, lack): (u64, Option<String>)| {
        let message = format!(
            "version {} of the policy was not approved by the quorum of version {whose}: {}",
            policy.version, lack?
        );
        let fix = format!("persons of version {whose} sign it: `fwgate change approve ID --role ROLE` on its change");
        Some(Reason::new(ReasonCode::PolicyUnauthorised, message, fix))
    };
    [(current.version, before), (policy.version, own)].into_iter().filter_map(reason).collect()
}

/// What the quorum of a policy lacks for a version, in words; `None` where it is met.
pub fn missing_voices(by: &Policy, version: u64, digest: Digest, voices: &dyn Voices) -> Option<String> {
    let Some(terms) = terms(by, ChangeClass::Policy, None) else { return Some("it has no quorum".to_owned()) };
    let seats = terms.seats(&terms.quorums(&BTreeSet::new(), &BTreeSet::new()));
    let everybody = roles_of(by);
    let mut persons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let counts = |v: &PolicyVoice| v.version == version && v.policy == digest && !v.is_author;
    for voice in voices.of(by).into_iter().filter(counts) {
        if everybody.get(&voice.person).is_some_and(|roles| roles.contains(&voice.role)) {
            persons.entry(voice.person).or_default().insert(voice.role);
        }
    }
    let filled = fill(&seats, &persons);
    let open: Vec<String> =
        seats.iter().enumerate().filter(|(at, _)| !filled.contains_key(at)).map(|(_, s)| one_of(s)).collect();
    match seats.is_empty() {
        true => Some("it asks for nobody".to_owned()),
        false => (!open.is_empty()).then(|| format!("missing {}", open.join(", "))),
    }
}

/// A version of the policy that a change proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub version: u64,
    /// Its digest.
    pub digest: Digest,
    /// What is wrong with it, but for voices.
    pub faults: Vec<Reason>,
    /// What the quorums of the version before it and of itself lack.
    pub lacks: Vec<Reason>,
}

/// Judges a proposed version as the next one of a chain.
pub fn judge_pending(chain: &Chain, version: &PolicyVersion, voices: &dyn Voices) -> Pending {
    let digest = policy_digest(version);
    let mut lost = Chain::default();
    if present_tip(std::slice::from_ref(version), &mut lost).is_none() || !lost.reasons.is_empty() {
        return Pending { version: 0, digest, faults: lost.reasons, lacks: Vec::new() };
    }
    let (policy, mut faults) = match read_version(version) {
        Ok(read) => read,
        Err(faults) => return Pending { version: 0, digest, faults, lacks: Vec::new() },
    };
    let current = chain.in_force();
    faults.extend(current.and_then(|current| number_reason(policy.version, current.version)));
    let lacks = current.map(|current| voice_reasons(&policy, digest, current, voices)).unwrap_or_default();
    Pending { version: policy.version, digest, faults, lacks }
}

fn one_of(seat: &BTreeSet<String>) -> String {
    let roles: Vec<&str> = seat.iter().map(String::as_str).collect();
    roles.join(" or ")
}

/// A branch that was rewound with its policy: the ledger remembers a later version.
fn behind_witness(chain: &Chain, witnessed: Option<(u64, Instant)>) -> Option<Reason> {
    let ((seen, at), current) = (witnessed?, chain.in_force()?);
    if seen <= current.version {
        return None;
    }
    let message = format!(
        "version {seen} of the policy was in force at {at}, and the protected branch has version {} now",
        current.version
    );
    let fix = format!("restore version {seen} on the protected branch");
    Some(Reason::new(ReasonCode::PolicyRollback, message, fix))
}
