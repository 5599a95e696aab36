//! fwgate: the gate in front of a firewall push. The crate is a command and the library that it is made of.
//!
//! Other programs use [`api`]: rulesets in, a verdict out.
//!
//! ```
//! use fwgate::api::{Judge, Side};
//!
//! let filter = "*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\n\
//!               -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
//! let open = format!("{filter}-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT\nCOMMIT\n");
//! let shut = format!("{filter}-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/24 -p tcp --dport 443 -j ACCEPT\nCOMMIT\n");
//! let policy = "version = 1\n[[require]]\nid = \"portal\"\nreason = \"all work with it\"\nfrom = [\"10.20.0.0/16\"]\n\
//!               to = [\"10.30.0.0/16\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n";
//!
//! let baseline = Side::new().with_device("edge1", &[("rules.v4", &open)])?;
//! let proposed = Side::new().with_device("edge1", &[("rules.v4", &shut)])?;
//! let verdict = Judge::of_policy(policy)?.judge(&baseline, &proposed, 1_780_000_000)?;
//! assert!(!verdict.passed());
//! assert_eq!(verdict.findings[0].code, "FW101");
//! # Ok::<(), fwgate::api::NoVerdict>(())
//! ```
//!
//! The other modules are the command's own. They are public for its tests and benches, and change without notice
//! (`docs/architecture.md` is their map).

pub mod api;
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod dialect;
#[doc(hidden)]
pub mod diff;
#[doc(hidden)]
pub mod document;
#[doc(hidden)]
pub mod finding;
#[doc(hidden)]
pub mod fleet;
#[doc(hidden)]
pub mod gate;
#[doc(hidden)]
pub mod inventory;
#[doc(hidden)]
pub mod names;
#[doc(hidden)]
pub mod packet;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod query;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod routes;
#[doc(hidden)]
pub mod ruleset;
#[doc(hidden)]
pub mod vcs;
