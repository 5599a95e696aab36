//! From raw commits to believed records: who said what on a change's branch, and what on it is no evidence.

use super::commit::{EMPTY_TREE, EvidenceCommit, OrdinaryCommit, Seal};
use super::grammar::Flaw;
use super::instant::Instant;
use super::ledger::{Ledger, Sighting};
use super::reason::{Reason, ReasonCode};
use super::record::{Digest, Receipt, Record};
use super::roster::{Holder, Owner, Roster, Standing};
use super::signature::{PERSON_NAMESPACE, SignatureFlaw, read_envelope, read_seal};
use crate::vcs::{Branch, MAX_CHANGE_COMMITS, RawCommit};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many commits a branch of evidence may have.
pub const MAX_COMMITS: usize = MAX_CHANGE_COMMITS;

/// By how much clocks of honest people may differ.
pub const TOLERANCE: Duration = Duration::from_secs(600);

/// How many commits that are no evidence are listed.
const MAX_LISTED: usize = 20;

/// Something that a roster key signed in its own namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed<T> {
    /// What was said.
    pub said: T,
    /// The id of the person or machine.
    pub by: String,
    /// The fingerprint of the key.
    pub key: String,
    /// Whether the key counts at the gate's instant.
    pub standing: Standing,
    /// The committer's time. It proves nothing.
    pub at: Instant,
    /// The first witness that saw the commit; what lead time, soak and age count from.
    pub witnessed: Option<Instant>,
    /// The commit's id.
    pub commit: String,
    /// SHA-256 of the message, by which other records name this one.
    pub digest: Digest,
    /// Its place on the branch, from 0.
    pub order: usize,
}

/// A commit that is no evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The commit's id.
    pub commit: String,
    /// What it would say, where it can be read.
    pub claims: Option<Record>,
    /// Why it does not count. These stand against a permit only where what it claims is missing.
    pub reasons: Vec<Reason>,
}

/// What one branch of evidence says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Testimony {
    /// The id of the change whose branch it is.
    pub change: String,
    /// Records of persons, oldest first, in whatever standing.
    pub records: Vec<Believed<Record>>,
    /// Receipts of machines, oldest first.
    pub receipts: Vec<Believed<Receipt>>,
    /// What stands against a permit of this change in any case.
    pub refusals: Vec<Reason>,
    /// The first commits that are no evidence, at most twenty.
    pub ignored: Vec<Ignored>,
    /// How many there are.
    pub ignored_count: usize,
}

impl Testimony {
    /// Whether the signer of one of its records took it back later.
    pub fn is_taken_back<T>(&self, record: &Believed<T>) -> bool {
        self.records.iter().any(|r| match &r.said {
            Record::Revoke(revoke) => r.by == record.by && r.order > record.order && revoke.record == record.digest,
            _ => false,
        })
    }

    /// Rejections and holds that their own signers took back, with keys that count: the place of each, and of what took it back.
    /// Records that say the same in the same words have one digest, so each `revoke` takes back one of them: the last that still stood.
    pub fn stops_taken_back(&self) -> BTreeMap<usize, usize> {
        let mut out = BTreeMap::new();
        for revocation in self.records.iter().filter(|r| r.standing == Standing::Good) {
            let Record::Revoke(revoke) = &revocation.said else { continue };
            let is_meant = |r: &&Believed<Record>| {
                let is_stop = matches!(r.said, Record::Reject(_) | Record::Hold(_));
                is_stop && r.by == revocation.by && r.order < revocation.order && r.digest == revoke.record
            };
            let stood = |r: &&Believed<Record>| is_meant(r) && !out.contains_key(&r.order);
            if let Some(stop) = self.records.iter().rfind(stood) {
                out.insert(stop.order, revocation.order);
            }
        }
        out
    }
}

/// Reads the branch of a change at the gate's instant.
pub fn read_branch(branch: &Branch, roster: &Roster, ledger: &Ledger, now: Instant) -> Testimony {
    let change = branch.name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut reading = Reading { roster, now, last: None, out: Testimony { change, ..Testimony::default() } };
    if let Some(reason) = bound_reason(branch) {
        reading.out.refusals.push(reason);
        return reading.out;
    }
    let sightings = ledger.sightings(branch);
    for (order, (commit, sighting)) in branch.commits.iter().zip(sightings).enumerate() {
        reading.commit(order, commit, sighting);
    }
    reading.out
}

fn bound_reason(branch: &Branch) -> Option<Reason> {
    let name = &branch.name;
    if branch.commits.len() >= MAX_COMMITS {
        let message = format!("`{name}` has {MAX_COMMITS} commits or more");
        return Some(Reason::new(
            ReasonCode::LimitExceeded,
            message,
            "`fwgate change reissue` gives the change a new id",
        ));
    }
    let message = format!("`{name}` does not begin at the fixed root commit of evidence");
    let fix = "delete the branch; `fwgate change new` begins it as it must";
    (!branch.is_whole).then(|| Reason::new(ReasonCode::HistoryUnverifiable, message, fix))
}

/// A commit by whom and for what.
pub(super) struct Signed<'a> {
    pub(super) holder: &'a Holder,
    pub(super) namespace: String,
    pub(super) is_exact: bool,
    /// The fingerprint of the very key: of an OpenPGP certificate it may be a subkey's.
    pub(super) key: String,
    /// When the signature says it was made, where it says so.
    made: Option<Instant>,
    pub(super) user: Option<SignatureFlaw>,
}

impl Signed<'_> {
    /// Whether the key counts at an instant.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        self.holder.standing_of(&self.key, now)
    }
}

/// How a commit is signed that nobody of the roster signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// Not at all, or by something that is no SSH signature.
    Unreadable,
    /// With a certificate.
    Certificate,
    /// By a roster key in a way that is not accepted.
    Kind(String),
    /// By a key that is not in the roster.
    Unknown(String),
    /// By a roster key over other bytes.
    Forged,
}

/// Who of the roster signed a commit, in whatever form it is.
///
/// # Errors
/// Nobody did.
pub(super) fn signer<'a>(seals: &[Seal], roster: &'a Roster) -> Result<Signed<'a>, Stranger> {
    let mut stranger = Stranger::Unreadable;
    for seal in seals {
        let Some(envelope) = read_envelope(&seal.armor) else {
            match by_openpgp(seal, roster) {
                Some(Ok(signed)) => return Ok(signed),
                Some(Err(other)) => stranger = other,
                None => {}
            }
            continue;
        };
        let Some(holder) = roster.holder(&envelope.key) else {
            let is_certificate = envelope.key_kind.contains("-cert-");
            stranger = match is_certificate {
                true => Stranger::Certificate,
                false => Stranger::Unknown(envelope.fingerprint()),
            };
            continue;
        };
        let key = holder.key.fingerprint().to_owned();
        let namespace = envelope.namespace.clone();
        let signed = |user| Signed { holder, namespace, is_exact: envelope.is_exact, key, made: None, user };
        match roster.proven().verify(&envelope, seal, &holder.key, holder.check) {
            Ok(()) => return Ok(signed(None)),
            Err(flaw @ SignatureFlaw::User(_)) => return Ok(signed(Some(flaw))),
            Err(SignatureFlaw::Kind(kind)) => stranger = Stranger::Kind(kind),
            Err(SignatureFlaw::Bad) => stranger = Stranger::Forged,
        }
    }
    Err(stranger)
}

/// Who of the roster made an OpenPGP signature; `None` where it is none. Git signs nothing but commits and tags with it, so that it
/// is one of git's own namespace.
fn by_openpgp<'a>(seal: &Seal, roster: &'a Roster) -> Option<Result<Signed<'a>, Stranger>> {
    if !seal.armor.starts_with("-----BEGIN PGP ") {
        return None;
    }
    let read = match read_seal(&seal.armor) {
        Ok(read) => read,
        Err(kind) => return Some(Err(Stranger::Kind(kind))),
    };
    let found = roster.holder_of_seal(&read).and_then(|holder| Some((holder, holder.key.certificate()?)));
    let Some((holder, certificate)) = found else { return Some(Err(Stranger::Unknown(read.issuer()))) };
    Some(match read.verify(&seal.payload, certificate) {
        Ok(key) => Ok(Signed {
            holder,
            namespace: PERSON_NAMESPACE.to_owned(),
            is_exact: read.is_exact(),
            key,
            made: Some(Instant(read.made())),
            user: None,
        }),
        Err(SignatureFlaw::Kind(kind)) => Err(Stranger::Kind(kind)),
        Err(SignatureFlaw::User(_) | SignatureFlaw::Bad) => Err(Stranger::Forged),
    })
}

struct Reading<'a> {
    roster: &'a Roster,
    now: Instant,
    /// The time of the last believed commit.
    last: Option<Instant>,
    out: Testimony,
}

impl Reading<'_> {
    fn commit(&mut self, order: usize, raw: &RawCommit, sighting: Sighting) {
        let loose = OrdinaryCommit::read(&raw.bytes);
        match signer(&loose.seals, self.roster) {
            Err(found) => self.ignore(raw, &loose, stranger_reasons(raw, &loose, &found)),
            Ok(signed) => self.signed(order, raw, &loose, &signed, sighting),
        }
    }

    fn signed(&mut self, order: usize, raw: &RawCommit, loose: &OrdinaryCommit, by: &Signed<'_>, sighting: Sighting) {
        if let Some(flaw) = &by.user {
            let message = format!("{} by `{}`: {flaw}", place(raw), by.holder.owner.id());
            let reason = Reason::new(ReasonCode::KeyTypeRefused, message, "sign again, and touch the key");
            return self.ignore(raw, loose, vec![reason]);
        }
        if let Some(reason) = namespace_reason(raw, by) {
            return self.ignore(raw, loose, vec![reason]);
        }
        match read_strictly(raw, by) {
            Err(flaw) => self.out.refusals.extend(malformed_reasons(raw, by, &flaw)),
            Ok(commit) => self.believe(order, raw, &commit, by, sighting),
        }
    }

    fn believe(&mut self, order: usize, raw: &RawCommit, commit: &EvidenceCommit, by: &Signed<'_>, sighting: Sighting) {
        let at = commit.committer.at;
        self.out.refusals.extend(time_reason(raw, at, self.last, sighting));
        self.out.refusals.extend(made_reason(raw, at, by.made));
        self.last = Some(at);
        let standing = match by.standing(self.now) {
            Standing::Good if at > self.now.after(TOLERANCE) => Standing::NotYetValid,
            standing => standing,
        };
        let seed = Believed {
            said: (),
            by: by.holder.owner.id().to_owned(),
            key: by.key.clone(),
            standing,
            at,
            witnessed: sighting.first,
            commit: raw.id.clone(),
            digest: Digest::of(commit.message.as_bytes()),
            order,
        };
        match &by.holder.owner {
            Owner::Person(_) => self.record(raw, commit, by, seed),
            Owner::Machine(..) => self.receipt(raw, commit, by, seed),
        }
    }

    fn record(&mut self, raw: &RawCommit, commit: &EvidenceCommit, by: &Signed<'_>, seed: Believed<()>) {
        if commit.message.starts_with("fwgate-receipt/") {
            return self.out.refusals.push(untrusted_receipt(raw, by));
        }
        match Record::read(&commit.message) {
            Err(flaw) => self.out.refusals.extend(malformed_reasons(raw, by, &flaw.into())),
            Ok(record) => match misplaced(raw, &record, &self.out.change) {
                Some(reasons) => self.ignore_claim(raw, Some(record), reasons),
                None => self.out.records.push(seed.saying(record)),
            },
        }
    }

    fn receipt(&mut self, raw: &RawCommit, commit: &EvidenceCommit, by: &Signed<'_>, seed: Believed<()>) {
        let receipt = match Receipt::read(&commit.message) {
            Ok(receipt) => receipt,
            Err(flaw) => return self.out.refusals.extend(malformed_reasons(raw, by, &flaw.into())),
        };
        let fits = matches!(&by.holder.owner, Owner::Machine(_, purpose) if *purpose == receipt.kind.purpose());
        if !fits {
            return self.out.refusals.push(untrusted_receipt(raw, by));
        }
        if receipt.change == self.out.change {
            return self.out.receipts.push(seed.saying(receipt));
        }
        let message = format!("{} is a receipt of `{}`", place(raw), receipt.change);
        let reason = Reason::new(ReasonCode::ReceiptMismatch, message, "stage this change itself");
        self.ignore_claim(raw, None, vec![reason]);
    }

    fn ignore(&mut self, raw: &RawCommit, loose: &OrdinaryCommit, reasons: Vec<Reason>) {
        self.ignore_claim(raw, Record::read(&loose.message).ok(), reasons);
    }

    fn ignore_claim(&mut self, raw: &RawCommit, claims: Option<Record>, reasons: Vec<Reason>) {
        self.out.ignored_count += 1;
        if self.out.ignored.len() < MAX_LISTED {
            self.out.ignored.push(Ignored { commit: raw.id.clone(), claims, reasons });
        }
    }
}

impl Believed<()> {
    fn saying<T>(self, said: T) -> Believed<T> {
        let Believed { said: (), by, key, standing, at, witnessed, commit, digest, order } = self;
        Believed { said, by, key, standing, at, witnessed, commit, digest, order }
    }
}

fn place(raw: &RawCommit) -> String {
    format!("the commit {}", raw.id.get(..12).unwrap_or(&raw.id))
}

/// Why a commit that a roster key signed cannot be read.
pub(super) struct Unread {
    message: String,
    is_confusable: bool,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Flaw> for Unread {
    fn from(flaw: Flaw) -> Unread {
        Unread { message: flaw.to_string(), is_confusable: flaw.is_confusable }
    }
}

/// The commit in the one form of evidence: empty tree, one parent, one exact signature.
pub(super) fn read_strictly(raw: &RawCommit, by: &Signed<'_>) -> Result<EvidenceCommit, Unread> {
    let unread = |message: &str| Err(Unread { message: message.to_owned(), is_confusable: false });
    match EvidenceCommit::read(&raw.bytes) {
        Err(malformed) => unread(&malformed.0),
        Ok(_) if !by.is_exact => unread("there are bytes too many in its signature"),
        Ok(commit) if commit.tree != EMPTY_TREE => unread("its tree is not the empty tree"),
        Ok(commit) if commit.parents.len() != 1 => unread("it has not exactly one parent"),
        Ok(commit) => Ok(commit),
    }
}

fn malformed_reasons(raw: &RawCommit, by: &Signed<'_>, flaw: &Unread) -> Vec<Reason> {
    let message = format!("{} by `{}` is malformed: {}", place(raw), by.holder.owner.id(), flaw.message);
    let fix = "`fwgate change reissue` gives the change a new id; sign records with `fwgate change ...`";
    let mut out = vec![Reason::new(ReasonCode::CommitMalformed, message.clone(), fix)];
    if flaw.is_confusable {
        out.push(Reason::new(ReasonCode::PolicyInvalid, message, fix).detail("confusable"));
    }
    out
}

/// A signature for another purpose than its key's. A machine's in `git` is none of a person either.
fn namespace_reason(raw: &RawCommit, by: &Signed<'_>) -> Option<Reason> {
    let (expected, code) = match &by.holder.owner {
        Owner::Person(_) if by.namespace.starts_with("fwgate-receipt-") => {
            (PERSON_NAMESPACE.to_owned(), ReasonCode::ReceiptUntrusted)
        }
        Owner::Person(_) => (PERSON_NAMESPACE.to_owned(), ReasonCode::BadNamespace),
        Owner::Machine(_, purpose) => (purpose.namespace(), ReasonCode::BadNamespace),
    };
    let (id, found) = (by.holder.owner.id(), by.namespace.escape_debug());
    let message = format!("{} is signed by `{id}` in the namespace `{found}` instead of `{expected}`", place(raw));
    let fix = format!("sign it again in the namespace `{expected}`");
    (by.namespace != expected).then(|| Reason::new(code, message, fix))
}

fn untrusted_receipt(raw: &RawCommit, by: &Signed<'_>) -> Reason {
    let message =
        format!("{} is a receipt signed by `{}`, whose key is not for such receipts", place(raw), by.holder.owner.id());
    Reason::new(ReasonCode::ReceiptUntrusted, message, "let the machine whose purpose it is sign the receipt")
}

/// A record about another change than the one whose branch it is on.
fn misplaced(raw: &RawCommit, record: &Record, change: &str) -> Option<Vec<Reason>> {
    let other = record.change().filter(|other| *other != change)?;
    let message = format!("{} is about `{other}`, not about `{change}`", place(raw));
    let fix = format!("sign a record about `{change}`");
    let mut out = vec![Reason::new(ReasonCode::WrongContext, message.clone(), fix.clone())];
    if matches!(record, Record::Approve(_)) {
        out.push(Reason::new(ReasonCode::ApprovalStale, message, fix).detail("other-change"));
    }
    Some(out)
}

fn time_reason(raw: &RawCommit, at: Instant, last: Option<Instant>, sighting: Sighting) -> Option<Reason> {
    let late = at.after(TOLERANCE);
    let than = match () {
        () if last.is_some_and(|last| late < last) => "the record before it",
        () if sighting.last_without.is_some_and(|witness| late < witness) => "a witness that did not see it",
        () => return None,
    };
    let message = format!("{} is dated {at}, before {than}", place(raw));
    let fix = "set the clock of the signing machine; `fwgate change reissue` gives the change a new id";
    Some(Reason::new(ReasonCode::TimeNotMonotonic, message, fix))
}

/// A signature that says it was made at another time than its commit.
fn made_reason(raw: &RawCommit, at: Instant, made: Option<Instant>) -> Option<Reason> {
    let made = made.filter(|made| made.after(TOLERANCE) < at || at.after(TOLERANCE) < *made)?;
    let message = format!("{} is dated {at}, and its signature {made}", place(raw));
    let fix = "sign the record when it is written; `fwgate change reissue` gives the change a new id";
    Some(Reason::new(ReasonCode::TimeNotMonotonic, message, fix))
}

/// Why a commit that nobody of the roster signed does not count.
fn stranger_reasons(raw: &RawCommit, loose: &OrdinaryCommit, stranger: &Stranger) -> Vec<Reason> {
    let fix = "somebody of the roster signs: `fwgate change approve`";
    let mut out = Vec::new();
    let mut add = |code, message: String, fix: &str| out.push(Reason::new(code, message, fix));
    match stranger {
        Stranger::Certificate => {
            let message = format!("{} is signed with a certificate", place(raw));
            add(ReasonCode::KeyTypeRefused, message, "sign with the key itself");
        }
        Stranger::Kind(kind) => {
            add(ReasonCode::KeyTypeRefused, format!("{}: {kind}", place(raw)), "sign with an SSH key and SHA-2")
        }
        Stranger::Unknown(key) => {
            let message = format!("{} is signed by `{key}`, a key of nobody of the roster", place(raw));
            add(ReasonCode::SignerUnknown, message, fix);
        }
        Stranger::Forged => {
            let message = format!("{} has a signature of the roster that is not over it", place(raw));
            add(ReasonCode::SignerUnknown, message, fix);
        }
        Stranger::Unreadable if loose.seals.is_empty() => {}
        Stranger::Unreadable => {
            add(ReasonCode::SignerUnknown, format!("the signature of {} cannot be read", place(raw)), fix);
        }
    }
    if looks_like_approval(&loose.message) && loose.seals.is_empty() {
        let message = format!("{} looks like an approval and is not signed", place(raw));
        out.push(Reason::new(ReasonCode::NotAnApproval, message, fix));
    }
    out
}

/// Whether a message has a line that looks like `Approved-by:` or an approving record to a person's eye.
pub fn looks_like_approval(message: &str) -> bool {
    const WORDS: [&str; 5] = ["approvedby", "ackedby", "reviewedby", "signedoffby", "approve"];
    let likeness = |line: &str| {
        let key = line.split([':', '\u{ff1a}', '\u{a789}', '\u{2236}']).next().unwrap_or_default();
        key.chars().take(64).filter_map(skeleton).collect::<String>()
    };
    message.lines().any(|line| {
        let is_record = line.trim_start().to_ascii_lowercase().starts_with("fwgate-record/1 approve");
        let is_trailer =
            line.contains([':', '\u{ff1a}', '\u{a789}', '\u{2236}']) && WORDS.contains(&likeness(line).as_str());
        is_record || is_trailer
    })
}

/// The Latin letter that a character looks like (the letters of `approved-by` and its kin); nothing for marks and hyphens.
fn skeleton(c: char) -> Option<char> {
    let lower = c.to_lowercase().next().unwrap_or(c);
    match lower {
        'a'..='z' => Some(lower),
        '\u{430}' | '\u{3b1}' | '\u{251}' => Some('a'),
        '\u{440}' | '\u{3c1}' => Some('p'),
        '\u{43e}' | '\u{3bf}' | '\u{585}' | '0' => Some('o'),
        '\u{435}' => Some('e'),
        '\u{475}' | '\u{3bd}' => Some('v'),
        '\u{501}' => Some('d'),
        '\u{443}' | '\u{3b3}' => Some('y'),
        '\u{184}' | '\u{44c}' => Some('b'),
        '\u{455}' => Some('s'),
        '\u{456}' | '\u{3b9}' | '1' | '|' => Some('i'),
        '\u{433}' => Some('r'),
        '\u{441}' => Some('c'),
        _ if c.is_alphanumeric() => Some('\u{fffd}'),
        _ => None,
    }
}
