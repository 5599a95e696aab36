//! What signed commits say: the closed set of records, receipts and ledger entries.
//!
//! Each is the whole message of one signed commit with the empty tree. Its first line names grammar, version and kind
//! (`fwgate-record/1 approve`), then come `key: value` lines, every key of the kind once and in the order of the fields
//! below, a key with `Option` left out where there is nothing. No line begins with `#`, there is no blank line, and the message
//! is at most 16 KiB of UTF-8 without control, bidirectional or invisible characters.
//!
//! Reading and printing is `grammar/`.

use super::instant::Instant;
use std::fmt;

/// A SHA-256, written `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        use sha2::Digest as _;
        Digest(sha2::Sha256::digest(bytes).into())
    }

    /// The digest that a text of exactly the written form names; `None` for every other text.
    pub fn read(text: &str) -> Option<Digest> {
        let digits = text.strip_prefix("sha256:")?.as_bytes();
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let byte = |pair: &[u8]| match pair {
            [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
            _ => None,
        };
        let bytes = digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>()?;
        bytes.try_into().ok().map(Digest)
    }
}

/// Where something is approved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The staging device.
    Staging,
    /// Production.
    Production,
}

impl Stage {
    /// As records write it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Staging => "staging",
            Stage::Production => "production",
        }
    }
}

/// A record on a change's branch (`refs/heads/fwgate/changes/ID`), signed by a person in the namespace `git`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Record {
    Change(Change),
    Approve(Approve),
    Reject(Reject),
    Revoke(Revoke),
    Schedule(Schedule),
    Hold(Hold),
    Withdraw(Withdraw),
    OverrideReject(OverrideReject),
    Policy(PolicyRecord),
    Emergency(Emergency),
    Review(Review),
    Adopt(Adopt),
    Quarantine(Quarantine),
    Reissue(Reissue),
}

/// `change`: the author's; pins what is asked for. The latest one on the branch counts; contributors of all count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The id, on every record.
    pub change: String,
    /// SHA-256 of `changes/ID.toml` in the canonical form without its window.
    pub file: Digest,
    /// Merge base with the protected branch: the beginning of the range (exclusive), 40 hexadecimal digits.
    pub base: String,
    /// The commit that holds the proposal, 40 hexadecimal digits.
    pub head: String,
    /// The content digest.
    pub content: Digest,
    /// The meaning digest.
    pub meaning: Digest,
    /// The devices, sorted, separated by one space.
    pub devices: Vec<String>,
    /// Ids or addresses of everybody who signed or wrote a commit of the range, sorted, separated by one space.
    pub contributors: Vec<String>,
    /// The effect in words, as the gate computes it.
    pub says: String,
}

/// `approve`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Approve {
    pub change: String,
    pub content: Digest,
    pub meaning: Digest,
    pub stage: Stage,
    /// The one role for which it counts.
    pub role: String,
    /// The effect in words, as the gate computes it.
    pub says: String,
    /// The vetting receipt (SHA-256 of its message); absent where policy demands no vetting.
    pub vetting: Option<Digest>,
    /// The last instant at which it counts.
    pub not_after: Instant,
}

/// `reject`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Reject {
    pub change: String,
    pub reason: String,
}

/// `revoke`: the signer takes back an approval or rejection of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    /// The change.
    pub change: String,
    /// SHA-256 of the message of the record that is taken back. A rejection taken back revives no older approval.
    pub record: Digest,
    /// Why.
    pub reason: String,
}

/// `schedule`: moves the window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Schedule {
    pub change: String,
    pub start: Instant,
    pub end: Instant,
}

/// What a hold holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `all`: every change.
    All,
    /// This change.
    Change(String),
}

/// `hold`: the stop button.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Hold {
    /// Written `change: ID`; `change: all` on the branch of any change holds every change.
    pub scope: Scope,
    pub until: Instant,
    pub reason: String,
}

/// `withdraw`: by the author.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Withdraw {
    pub change: String,
    pub reason: String,
}

/// `override-reject`: one voice of the quorum that lifts a rejection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct OverrideReject {
    pub change: String,
    /// SHA-256 of the message of the rejection.
    pub record: Digest,
    pub role: String,
    pub reason: String,
}

/// `policy`: one voice for a version of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PolicyRecord {
    pub change: String,
    pub version: u64,
    /// SHA-256 of the version, as the chain defines it.
    pub policy: Digest,
    pub role: String,
}

/// `emergency`: declares one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Emergency {
    pub change: String,
    pub content: Digest,
    pub until: Instant,
    pub reason: String,
}

/// `review`: pays the debt of an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Review {
    pub change: String,
    pub content: Digest,
    pub role: String,
    pub reason: String,
}

/// `adopt`: what a device runs becomes its baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Adopt {
    pub change: String,
    pub device: String,
    /// Digest of the device's bytes.
    pub bytes: Digest,
    /// The commit that holds the bytes.
    pub head: String,
    pub role: String,
    pub reason: String,
}

/// `quarantine`: a device that blocks nobody for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Quarantine {
    pub change: String,
    pub device: String,
    pub until: Instant,
    pub reason: String,
}

/// `reissue`: the change goes on under another id, to be announced and approved there: its branch was flooded, or it was rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Reissue {
    pub change: String,
    pub becomes: String,
    pub reason: String,
}

/// What a receipt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReceiptKind {
    /// `fwgate-receipt/1 vetting`: loaded and proved in a namespace or on a staging device; namespace `fwgate-receipt-staging@v1`.
    Vetting,
    /// `fwgate-receipt/1 applied`: read back from production and equal by meaning; namespace `fwgate-receipt-production@v1`.
    Applied,
    /// `fwgate-receipt/1 rolled-back`: read back and equal to the baseline again.
    RolledBack,
}

/// A machine's receipt, a commit on the change's branch. Its digest is the SHA-256 of the whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Receipt {
    pub kind: ReceiptKind,
    pub change: String,
    pub content: Digest,
    /// The devices with the digest of each one's bytes, sorted: `edge1=sha256:...`, separated by one space.
    pub devices: Vec<(String, Digest)>,
    /// What it was tried on: kernel and tool versions, or the staging device's name and identity.
    pub on: String,
    /// How many of policy's flows were sent and seen as demanded (0 for production).
    pub flows: u64,
    /// The commit whose tree holds the bytes, 40 hexadecimal digits.
    pub head: String,
    pub at: Instant,
}

impl Receipt {
    /// Whether it is of exactly these bytes for all its devices, from whatever baseline.
    pub fn is_of_bytes(&self, devices: &[(String, Digest)]) -> bool {
        !self.devices.is_empty() && self.devices.iter().all(|pair| devices.contains(pair))
    }
}

/// An entry of the ledger (`refs/heads/fwgate/ledger`), signed by the ledger machine in `fwgate-ledger@v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LedgerEntry {
    Witness(Witness),
    Claim(Claim),
    Result(Result),
    Finish(Finish),
}

/// `fwgate-ledger/1 witness`: what was seen at an instant. The first entry of a ledger is a witness without `previous`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Witness {
    /// SHA-256 of the raw commit before; on every entry but the first.
    pub previous: Option<Digest>,
    pub at: Instant,
    /// The version of the policy in force.
    pub policy: u64,
    /// Full names and ids of heads under `refs/heads/fwgate/` but the ledger's, sorted: one `head: NAME ID` line each. A branch that
    /// an earlier witness named and this one does not is where it was.
    pub heads: Vec<(String, String)>,
}

/// `fwgate-ledger/1 claim`: a permit begins to be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Claim {
    pub previous: Option<Digest>,
    pub at: Instant,
    pub change: String,
    /// SHA-256 of the permit file.
    pub permit: Digest,
    /// The permit's nonce, 32 hexadecimal digits.
    pub nonce: String,
    pub holder: String,
    /// The run, 32 hexadecimal digits.
    pub run: String,
    /// The end of the lease.
    pub lease: Instant,
    pub devices: Vec<String>,
}

impl Claim {
    /// The digest that stands for no permit: an operator brings devices back without one.
    pub const NO_PERMIT: Digest = Digest([0; 32]);

    /// Whether an operator brings devices back by it.
    pub fn is_operators(&self) -> bool {
        self.permit == Claim::NO_PERMIT
    }
}

/// What became of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum ResultKind {
    Started,
    Applied,
    RolledBack,
    Failed,
}

impl ResultKind {
    /// All of them.
    pub const ALL: [ResultKind; 4] =
        [ResultKind::Started, ResultKind::Applied, ResultKind::RolledBack, ResultKind::Failed];

    /// As entries write it.
    pub fn name(self) -> &'static str {
        match self {
            ResultKind::Started => "started",
            ResultKind::Applied => "applied",
            ResultKind::RolledBack => "rolled-back",
            ResultKind::Failed => "failed",
        }
    }
}

/// `fwgate-ledger/1 result`: what became of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Result {
    pub previous: Option<Digest>,
    pub at: Instant,
    pub change: String,
    pub nonce: String,
    pub run: String,
    pub device: String,
    pub result: ResultKind,
    /// Digest of the device's bytes that are in force now.
    pub bytes: Digest,
    /// The commit that holds them.
    pub head: String,
    /// The receipt (`applied` and `rolled-back`).
    pub receipt: Option<Digest>,
}

/// `fwgate-ledger/1 finish`: the run is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Finish {
    pub previous: Option<Digest>,
    pub at: Instant,
    pub change: String,
    pub nonce: String,
    pub run: String,
    /// `applied`, `partial` or `rolled-back`.
    pub state: String,
}
