//! What an audit says, as it is written: digests, instants and ids as texts.

use serde::Serialize;

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// The repository's id, from the root.
    pub repository: String,
    /// The instant of the audit.
    pub at: String,
    /// Whether every chain holds and every change was right then.
    pub is_sound: bool,
    /// What is wrong with the chains themselves.
    pub broken: Vec<Fault>,
    /// How many merges the log has, and how many entries its ledger.
    pub merges: usize,
    /// Entries of the ledger that the log brings.
    pub entries: usize,
    /// The versions of the policy, oldest first.
    pub policies: Vec<AuditedPolicy>,
    /// The changes, in the order in which they came to an end.
    pub changes: Vec<AuditedChange>,
    /// What keys that somebody else may have had signed from then on.
    pub tainted: Vec<Taint>,
    /// What was noticed and breaks nothing.
    pub notes: Vec<String>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// The code of the threat list.
    pub code: String,
    /// In one sentence.
    pub message: String,
}

/// A version of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedPolicy {
    /// Its number.
    pub version: u64,
    /// Its digest.
    pub digest: String,
    /// Who spoke for it: id and role. Nobody for the version that the root names.
    pub voices: Vec<Voice>,
}

/// A person in a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Voice {
    /// The person.
    pub person: String,
    /// The role.
    pub role: String,
}

/// One signed record of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedRecord {
    /// The kind: `approve`.
    pub kind: String,
    /// The person.
    pub person: String,
    /// The role for which it speaks, where it names one.
    pub role: Option<String>,
    /// The fingerprint of the key.
    pub key: String,
    /// The commit's own time, which proves nothing.
    pub dated: String,
    /// The first witness that saw it.
    pub witnessed: Option<String>,
    /// The content that it is about.
    pub content: Option<String>,
    /// The meaning that it is about.
    pub meaning: Option<String>,
    /// The vetting receipt that it names.
    pub vetting: Option<String>,
    /// The reason, or the effect in words.
    pub says: Option<String>,
    /// SHA-256 of the record.
    pub record: String,
    /// The commit that carries it.
    pub commit: String,
    /// Whether it filled a place of the quorum.
    pub counted: bool,
}

/// One receipt of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedReceipt {
    /// `vetting`, `applied` or `rolled-back`.
    pub kind: String,
    /// The machine.
    pub machine: String,
    /// The fingerprint of its key.
    pub key: String,
    /// The devices with the digests of their bytes.
    pub devices: Vec<DeviceDigest>,
    /// What it was tried on.
    pub on: String,
    /// How many of policy's flows went as demanded.
    pub flows: u64,
    /// When.
    pub at: String,
    /// SHA-256 of the receipt.
    pub receipt: String,
}

/// A device and the digest of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceDigest {
    /// The device.
    pub device: String,
    /// The digest.
    pub bytes: String,
}

/// The permit that was spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedPermit {
    /// SHA-256 of the file.
    pub permit: String,
    /// The machine that gave it; `None` where the log does not carry the file.
    pub machine: Option<String>,
    /// Who spent it.
    pub holder: String,
    /// Beginning and end of its window.
    pub window: Option<[String; 2]>,
    /// When it was given.
    pub issued: Option<String>,
    /// Its end.
    pub expires: Option<String>,
    /// When the run began.
    pub claimed: String,
    /// The run.
    pub run: String,
}

/// What became of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedResult {
    /// The device.
    pub device: String,
    /// `applied`, `rolled-back`, `failed` or `started`.
    pub result: String,
    /// The digest of what it ran then.
    pub bytes: String,
    /// The receipt.
    pub receipt: Option<String>,
    /// When.
    pub at: String,
}

/// One change from announcement to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditedChange {
    /// Its id.
    pub change: String,
    /// How it ended; `open` for one that has not.
    pub outcome: String,
    /// The class by which it was judged.
    pub class: String,
    /// When it was folded into the log.
    pub closed: Option<String>,
    /// The merge of the log.
    pub merge: Option<String>,
    /// The instant at which it was judged: when its permit was claimed, else when it was closed.
    pub judged: String,
    /// The version of the policy in force at that instant.
    pub policy: Option<u64>,
    /// Who announced it.
    pub authors: Vec<String>,
    /// Who else had a part in it.
    pub contributors: Vec<String>,
    /// The effect in words, as it was signed.
    pub says: Option<String>,
    /// The content.
    pub content: Option<String>,
    /// The meaning.
    pub meaning: Option<String>,
    /// The devices.
    pub devices: Vec<String>,
    /// Every record of a person, oldest first.
    pub records: Vec<AuditedRecord>,
    /// Every receipt, oldest first.
    pub receipts: Vec<AuditedReceipt>,
    /// The permit that was spent last.
    pub permit: Option<AuditedPermit>,
    /// What became of each device.
    pub results: Vec<AuditedResult>,
    /// Whether it was right then.
    pub is_right: bool,
    /// What was wrong then.
    pub faults: Vec<Fault>,
    /// What was noticed.
    pub notes: Vec<String>,
}

/// Something that a key signed which somebody else may have had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taint {
    /// The fingerprint.
    pub key: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Since when somebody else may have had it.
    pub since: String,
    /// The change; `None` for an entry of the ledger about none.
    pub change: Option<String>,
    /// What was signed: `approve`, `vetting`, `permit`, `witness`.
    pub what: String,
    /// The commit, or the digest of the permit.
    pub signed: String,
    /// When it was first witnessed, or written where no witness is asked.
    pub at: String,
    /// Whether the change rests on it: an approval that counted, a vetting, the permit.
    pub decides: bool,
}
