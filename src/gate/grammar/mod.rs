//! The closed grammar of records, receipts and ledger entries: one spelling for each, read and printed from the same order.
//!
//! A text is a first line `GRAMMAR/VERSION KIND` and lines `KEY: VALUE`, each ended by one LF. The keys of a kind stand in fixed
//! order; a key whose field is absent or an empty list is left out. What is read is printed again and compared, so that no two
//! texts are the same record.

mod entry;
mod page;
mod receipt;
mod record;
mod value;

/// A text's bound in bytes.
pub const MAX_TEXT: usize = 16 << 10;

/// Why a text is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Flaw {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Whether an id, role or holder is not ASCII, so that it could be confused with another.
    pub is_confusable: bool,
}
