//! What must hold: named ranges and services, requirements, prohibitions, assumptions and waivers, with the
//! gate's persons, classes, windows and freezes beside them; change requests and device facts in the same form.
//!
//! Text comes in from the edge with the name that reports show; nothing here touches files, clock or
//! environment. Every mistake of all files is reported in one run, each with its place.

mod calendar;
mod canonical;
mod cells;
mod change;
mod class;
mod concession;
mod conversation;
mod coverage;
mod device;
mod estate;
mod flow;
mod hosts;
mod icmp;
mod instant;
mod inventory;
mod known;
mod name_service;
mod names;
mod operation;
mod pack;
#[allow(clippy::module_inception)]
mod policy;
mod push;
mod ranges;
mod read;
mod requirement;
mod roster;
mod route;
mod selector;
mod service;
mod spare;
mod standard;
mod starter;
mod transport;

pub use crate::document::{MAX_BYTES, Spanned, nearest};
pub use calendar::{Freeze, Weekday, Window};
pub use canonical::canonical_change;
pub use cells::FlowCell;
pub use change::{ChangeRequest, Intent, IntentEffect, WindowWish, is_change_id, read_change};
pub use class::{AlsoQuorum, ChangeClass, ClassRule, Quorum, Solo, Staging};
pub use concession::{Assumption, SeverityRule, Waiver};
pub use conversation::{conversation, default_source_ports};
pub use coverage::{intended, prohibited};
pub use device::{DeviceFile, DeviceInterface, Environment, interface_places, read_device_file};
pub use estate::{Lab, Unmanaged};
pub use flow::{Flow, FlowRule, Prohibition, Requirement};
pub use hosts::NamedEnds;
pub use instant::{Date, TimeOfDay, Topic, ZonedTime, date, duration, duration_words, subject_of, zoned};
pub use inventory::{Contradiction, InventoryRule};
pub use known::{KNOWN_SCHEMA, KnownFinding, KnownFindings, read_known};
pub use name_service::{LOWERED_TTL, NameService, ZONES};
pub use names::Names;
pub use operation::{Revoked, Right, Rights, StandsFor, is_openpgp_fingerprint};
pub use pack::{Pack, packs};
pub use policy::Policy;
pub use push::{OnStop, PushRule, Unreachable, Wave, WavePick};
pub use ranges::AddressSet;
pub use read::{PolicyFiles, read_policy};
pub use roster::{Key, Machine, Person, Purpose};
pub use route::{RouteIntent, RouteRequirement};
pub use selector::{DeviceSelection, DeviceSelector, Place};
pub use service::Service;
pub use spare::{Spare, StandsIn};
pub use standard::Template;
pub use starter::{StarterForm, StarterKey, starter};
pub use transport::{Argument, Command, Fault, Placeholder, PushMode, Replaces, Transport};
