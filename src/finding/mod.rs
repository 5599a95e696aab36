//! Findings: what a check has to say, under codes that never change their meaning.
//!
//! One place per code gives its id, name, severity, description and page; `fwgate explain`, the documentation
//! and the machine formats derive from it. One file holds one family of codes:
//!
//! | codes | what they are about |
//! |---|---|
//! | FW1xx | requirements and prohibitions |
//! | FW2xx | the effect of a change |
//! | FW3xx | one ruleset by itself |
//! | FW4xx | input and facts |
//! | FW5xx | reasons of the gate |
//! | FW6xx | devices of a fleet |
//! | FW62x | spare hardware |
//! | FW7xx | names |
//! | FW75x | routes |

/// Codes of the gate, one page each.
macro_rules! gate_codes {
    ($($id:literal $name:literal $summary:literal; what $what:literal why $why:literal instead of $before:literal
       write $after:literal mend $mend:literal;)+) => {
        &[$(&Code {
            id: $id,
            name: $name,
            severity: Severity::Error,
            standing: Standing::Fixed,
            summary: $summary,
            page: Page { what: $what, why: $why, before: $before, after: $after, mend: $mend },
        },)+]
    };
}
use gate_codes;

mod code;
mod effect;
mod explain;
#[allow(clippy::module_inception)]
mod finding;
mod fingerprint;
mod fleet;
mod gate_change;
mod gate_evidence;
mod input;
mod inventory;
mod lint;
mod names;
mod requirements;
mod routes;
mod severity;
mod spare;

pub use code::{Code, Page, Standing, all_codes, code_by_name};
pub use effect::*;
pub use explain::{explain, explain_all};
pub use finding::{Finding, Location, Waived, excerpt};
pub use fingerprint::fingerprints;
pub use fleet::*;
pub use input::*;
pub use inventory::*;
pub use lint::*;
pub use names::*;
pub use requirements::*;
pub use routes::*;
pub use severity::{Direction, Severity};
pub use spare::*;
