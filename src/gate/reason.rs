//! Why a change may not go: the codes of the threat list, each with one meaning.

use std::fmt;

/// One thing that stands against a permit, with what mends it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The code.
    pub code: ReasonCode,
    /// What is wrong, in one lower-case sentence, with the names that it concerns.
    pub message: String,
    /// The very command that mends it, or who has to do what.
    pub fix: String,
    /// A word that tells cases of one code apart (`baseline-moved`).
    pub detail: Option<String>,
}

impl Reason {
    /// A reason without a detail.
    pub fn new(code: ReasonCode, message: impl Into<String>, fix: impl Into<String>) -> Reason {
        Reason { code, message: message.into(), fix: fix.into(), detail: None }
    }

    /// The same with a detail.
    pub fn detail(mut self, detail: impl Into<String>) -> Reason {
        self.detail = Some(detail.into());
        self
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal $exit:ident,)+) => {
        /// The codes, in the order of reports. Once released, a code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReasonCode { $($(#[doc = $doc])+ $name,)+ }

        impl ReasonCode {
            /// All codes.
            pub const ALL: &'static [ReasonCode] = &[$(ReasonCode::$name,)+];

            /// As machines read it: `APPROVAL_MISSING`.
            pub fn name(self) -> &'static str {
                match self { $(ReasonCode::$name => $text,)+ }
            }

            /// What it means, in words.
            pub fn meaning(self) -> &'static str {
                match self { $(ReasonCode::$name => concat!($($doc,)+),)+ }
            }

            /// Whether it says that there is no verdict (exit code 2) rather than a refusal (1).
            pub fn is_no_verdict(self) -> bool {
                match self { $(ReasonCode::$name => codes!(@exit $exit),)+ }
            }
        }
    };
    (@exit refused) => { false };
    (@exit unread) => { true };
}

codes! {
    /// No root was given from outside the repository, or it comes from the work tree.
    RootMissing "ROOT_MISSING" refused,
    /// History cannot be checked: the root is no ancestor, an object is missing, git failed.
    HistoryUnverifiable "HISTORY_UNVERIFIABLE" unread,
    /// The clone is shallow, partial or grafted.
    HistoryIncomplete "HISTORY_INCOMPLETE" refused,
    /// Replace refs show other objects than those that are named.
    ReplaceRefsPresent "REPLACE_REFS_PRESENT" refused,
    /// A witnessed head is no ancestor of the present one: somebody rewrote a branch of evidence.
    HistoryRewritten "HISTORY_REWRITTEN" refused,
    /// The ledger is gone, rewound or forked against its last witness.
    LedgerFork "LEDGER_FORK" refused,
    /// The ledger's remote cannot be reached.
    LedgerUnreachable "LEDGER_UNREACHABLE" refused,
    /// Fetched evidence is older than the last witness.
    EvidenceStale "EVIDENCE_STALE" refused,
    /// Evidence branches cannot be fetched or made.
    EvidenceUnavailable "EVIDENCE_UNAVAILABLE" refused,
    /// A tag or local branch has the protected ref's name.
    RefAmbiguous "REF_AMBIGUOUS" refused,
    /// The gate's clock is behind the last witness.
    ClockSkew "CLOCK_SKEW" refused,
    /// Input of the change was not understood.
    UnparsedInput "UNPARSED_INPUT" unread,
    /// A bound was exceeded.
    LimitExceeded "LIMIT_EXCEEDED" unread,
    /// There is no policy at the protected ref.
    PolicyMissing "POLICY_MISSING" refused,
    /// The policy contradicts itself or cannot be met.
    PolicyInvalid "POLICY_INVALID" refused,
    /// An older policy came back.
    PolicyRollback "POLICY_ROLLBACK" refused,
    /// A version of the policy is skipped.
    PolicyVersionGap "POLICY_VERSION_GAP" refused,
    /// The policy at the protected ref was not approved by both quorums.
    PolicyUnauthorised "POLICY_UNAUTHORISED" refused,
    /// The change touches the policy and something else.
    PolicyChangeMixed "POLICY_CHANGE_MIXED" refused,
    /// A revocation list that policy demands cannot be read or is empty.
    RevocationUnavailable "REVOCATION_UNAVAILABLE" refused,
    /// A kind of key or signature that is not accepted.
    KeyTypeRefused "KEY_TYPE_REFUSED" refused,
    /// A signature for another purpose.
    BadNamespace "BAD_NAMESPACE" refused,
    /// The key's time is over.
    KeyExpired "KEY_EXPIRED" refused,
    /// The key was revoked.
    KeyRevoked "KEY_REVOKED" refused,
    /// Signed by somebody who is not in the roster.
    SignerUnknown "SIGNER_UNKNOWN" refused,
    /// A record signed by a roster key is malformed.
    CommitMalformed "COMMIT_MALFORMED" refused,
    /// The words of a record are not what the gate computes.
    RecordMismatch "RECORD_MISMATCH" refused,
    /// A record counts only later.
    NotYetValid "NOT_YET_VALID" refused,
    /// A record is dated before its parent or before the last witness.
    TimeNotMonotonic "TIME_NOT_MONOTONIC" refused,
    /// Something that looks like an approval and is none.
    NotAnApproval "NOT_AN_APPROVAL" refused,
    /// Nothing is changed: no device, no rule, no file.
    EmptyChange "EMPTY_CHANGE" refused,
    /// Two changes share an id.
    ChangeIdConflict "CHANGE_ID_CONFLICT" refused,
    /// A path or name that is not allowed.
    PathInvalid "PATH_INVALID" refused,
    /// A path that is no regular file.
    PathNotRegular "PATH_NOT_REGULAR" refused,
    /// Two paths that are one on some systems.
    PathCollision "PATH_COLLISION" refused,
    /// A merge brings content that neither parent had.
    EvilMerge "EVIL_MERGE" refused,
    /// A merge of more than two parents.
    MergeUnsupported "MERGE_UNSUPPORTED" refused,
    /// The range holds more than its ends show.
    CommitGraph "COMMIT_GRAPH" refused,
    /// The checks refuse the change itself: a requirement lost, an effect outside the intent.
    CheckRefused "CHECK_REFUSED" refused,
    /// Not staged as its class demands.
    NotStaged "NOT_STAGED" refused,
    /// Not vetted as its class demands.
    NotVetted "NOT_VETTED" refused,
    /// A vetting receipt is of another artefact or device.
    ReceiptMismatch "RECEIPT_MISMATCH" refused,
    /// A receipt is not signed by the machine whose purpose it is.
    ReceiptUntrusted "RECEIPT_UNTRUSTED" refused,
    /// Not enough approvals.
    ApprovalMissing "APPROVAL_MISSING" refused,
    /// The signer has not the role that the record names.
    RoleMissing "ROLE_MISSING" refused,
    /// An approval of something else than what would be pushed.
    ApprovalStale "APPROVAL_STALE" refused,
    /// An approval that is too old.
    ApprovalExpired "APPROVAL_EXPIRED" refused,
    /// The author approved.
    SelfApproval "SELF_APPROVAL" refused,
    /// Somebody who contributed approved.
    ContributorApproval "CONTRIBUTOR_APPROVAL" refused,
    /// One person approved twice.
    DuplicatePrincipal "DUPLICATE_PRINCIPAL" refused,
    /// An approval for other devices.
    WrongTarget "WRONG_TARGET" refused,
    /// An approval for another stage.
    WrongStage "WRONG_STAGE" refused,
    /// An approval out of another repository.
    WrongContext "WRONG_CONTEXT" refused,
    /// Somebody with the right to do so rejected the change.
    Rejected "REJECTED" refused,
    /// The change was withdrawn.
    Withdrawn "WITHDRAWN" refused,
    /// The change is on hold.
    Held "HELD" refused,
    /// No window is known for the change.
    NotScheduled "NOT_SCHEDULED" refused,
    /// Announced too late before its window.
    LeadTime "LEAD_TIME" refused,
    /// The schedule makes no sense: no such local time, an end before its beginning, an unknown zone.
    ScheduleInvalid "SCHEDULE_INVALID" refused,
    /// Outside the window.
    OutsideWindow "OUTSIDE_WINDOW" refused,
    /// The change lies inside a freeze.
    Frozen "FROZEN" refused,
    /// Another scheduled change touches the same.
    Conflict "CONFLICT" refused,
    /// The proof does not hold any more beside another scheduled change.
    ProofStale "PROOF_STALE" refused,
    /// The fleet has not converged after the last push.
    NotConverged "NOT_CONVERGED" refused,
    /// Staging and production share something.
    StageNotIsolated "STAGE_NOT_ISOLATED" refused,
    /// The way back is missing, unreadable or not the baseline.
    NoRollback "NO_ROLLBACK" refused,
    /// A push that cannot undo itself.
    UnsafePushMode "UNSAFE_PUSH_MODE" refused,
    /// A transport that is a shell string.
    TransportUnsafe "TRANSPORT_UNSAFE" refused,
    /// An emergency that is none.
    EmergencyInvalid "EMERGENCY_INVALID" refused,
    /// The review after an emergency is overdue.
    ReviewOverdue "REVIEW_OVERDUE" refused,
    /// Parameters outside the bounds of a template.
    TemplateBounds "TEMPLATE_BOUNDS" refused,
    /// The effect of a test leaves the lab.
    OutsideLab "OUTSIDE_LAB" refused,
    /// The permit has been spent.
    PermitSpent "PERMIT_SPENT" refused,
    /// The permit is being used by another run.
    PermitClaimed "PERMIT_CLAIMED" refused,
    /// The permit's time is over.
    PermitExpired "PERMIT_EXPIRED" refused,
    /// What would be pushed is not what the permit names.
    PermitMismatch "PERMIT_MISMATCH" refused,
    /// The permit is not signed by the machine whose purpose it is.
    PermitUntrusted "PERMIT_UNTRUSTED" refused,
    /// The permit belongs to another.
    PermitWrongHolder "PERMIT_WRONG_HOLDER" refused,
    /// The device does not run the baseline.
    Drift "DRIFT" refused,
    /// What was read back is empty, unreadable, another host's, or an echo.
    ReadbackInvalid "READBACK_INVALID" refused,
    /// The chain of the log is broken.
    AuditChainBroken "AUDIT_CHAIN_BROKEN" refused,
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
