//! What a branch of evidence would say, before anybody asks who signed it: enough to tell of which branches nothing can come.

use super::commit::message_bytes;
use crate::vcs::Branch;

/// Kinds of records that are about more than the change on whose branch they stand: holds of everything, devices in quarantine,
/// adopted ones, reviews that an emergency owes.
pub const FAR_REACHING: &[&str] = &["hold", "quarantine", "adopt", "emergency"];

/// Whether some commit of a branch begins as a record of one of these kinds does. Where none does, nobody has said anything of them
/// there, whoever signed: a record is the whole message of its commit.
pub fn claims(branch: &Branch, kinds: &[&str]) -> bool {
    let is_one = |message: &[u8]| {
        let kind = message.strip_prefix(b"fwgate-record/1 ").and_then(|rest| rest.split(|b| *b == b'\n').next());
        kind.is_some_and(|kind| kinds.iter().any(|k| k.as_bytes() == kind))
    };
    branch.commits.iter().any(|raw| is_one(message_bytes(&raw.bytes)))
}
