//! Policies, change requests and device facts: what must be accepted as it stands, and what every mistake
//! looks like.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "policy/accepted.rs"]
mod accepted;
#[path = "policy/conversation.rs"]
mod conversation;
#[path = "policy/documents.rs"]
mod documents;
#[path = "policy/refused.rs"]
mod refused;
