//! The dialect-neutral ruleset: model, source spans, the plain interpreter, and the exact walk over packet sets.

mod compile;
mod conditions;
mod env;
mod environment;
mod explore;
mod hull;
mod identities;
mod interpret;
mod lookup;
mod mentioned;
mod model;
mod nearby;
mod problem;
mod program;
mod reading;
mod screen;
mod source;
mod space;
mod steps;
mod unsettled;
mod walk;

pub use env::Env;
pub use environment::{StageView, local_addresses, stage_view};
pub use explore::{End, Explored, Guide, Wanted, explore, explore_by};
pub use hull::Hull;
pub use identities::Identities;
pub use interpret::{
    Ask, Decision, Judgement, Outcome, PathStep, Place, interpret, interpret_screened, judged_at, routing_after_dnat,
    translated_connection,
};
pub use lookup::{Tuple, Tuples};
pub use model::*;
pub use problem::{Problem, Unreadable};
pub use program::{Line, Program, Stage};
pub use reading::{Answer, Cut};
pub use screen::Screen;
pub use source::{Source, SourceId, Sources, Span};
pub use space::{Side, Space};
pub use steps::{Move, Ruling, Test};
pub use walk::{Cursor, Leaf, Walker, cut_out, split};
