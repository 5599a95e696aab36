//! Questions about one ruleset: what becomes of a packet, which packets pass, who reaches whom, which rules can
//! never matter.
//!
//! Everything here is a walk of the exact engine with another stopping rule. Opaque conditions are kept apart
//! from header fields: an answer says of a packet that it passes, that it does not, or that it depends, and on
//! which conditions.

mod ask;
mod guards;
mod habits;
mod hunt;
mod matrix;
mod naming;
mod picture;
mod reach;
mod seek;
mod select;
mod shadow;
mod trace;
mod ways;
mod words;
mod zones;

pub use ask::{Query, QueryError, Wanted, parse_query};
pub use guards::{Guard, Guards};
pub use habits::{ConditionUse, ForgottenReplies, OpenPolicy, conditions, forgotten_replies, open_policies};
pub use matrix::{Class, Entry, Matrix, MatrixError, Service, matrix};
pub use picture::{matrix_dot, matrix_json, matrix_svg, matrix_text};
pub use reach::{Fate, Group, Reach, ReachBounds, reach};
pub use select::{Addresses, InterfaceChoice, Selection};
pub use shadow::{DeadRule, IdleRule, ShadowBounds, Shadows, UnusedChain, WhyDead, shadows};
pub use trace::{Trace, TraceError, TraceStep, TraceVerdict, Tracer, Tracers, trace};
pub use ways::{Asked, Part, TooManyConditions, Way, Ways};
pub use zones::{Zone, ZonePicture, zone_picture};
