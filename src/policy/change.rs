//! A change request: what an author says that a change will do, in the words of the policy.

use super::class::ChangeClass;
use super::flow::{Ends, Flow};
use super::instant::{ZonedTime, read_zoned};
use super::names::Names;
use super::route::{RouteIntent, read_reroute};
use super::selector::{DeviceSelection, Place};
use crate::document::{Fields, Problems, Spanned, Wrong, parse};
use crate::ruleset::{Sources, Span, Unreadable};

/// What an intent says that will become of its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntentEffect {
    /// They will be allowed.
    Opened,
    /// They will be blocked.
    Closed,
    /// They will be refused in another way: dropped instead of rejected, or with another kind of reject.
    Refusal,
    /// They will be translated in another way.
    Translated,
}

const EFFECTS: [(&str, IntentEffect); 4] = [
    ("opened", IntentEffect::Opened),
    ("closed", IntentEffect::Closed),
    ("refusal", IntentEffect::Refusal),
    ("translated", IntentEffect::Translated),
];

impl IntentEffect {
    /// The name as files write it.
    pub fn name(self) -> &'static str {
        EFFECTS.iter().find(|(_, e)| *e == self).map_or("", |(n, _)| *n)
    }
}

pub(super) fn read_effect(text: &str) -> Result<IntentEffect, Wrong> {
    crate::document::choose("effect", text, &EFFECTS)
}

/// One declared effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What becomes of the packets.
    pub effect: IntentEffect,
    /// The flow in each family that both its ends have; empty where it covers no packet.
    pub flows: Vec<Flow>,
    /// Where it is judged. Its devices are those of the intent; the request's own apply as well.
    pub place: Place,
    /// Where it is written.
    pub span: Span,
}

/// When the author would like it; no verdict depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowWish {
    /// The earliest time.
    pub start: ZonedTime,
    /// The latest time.
    pub end: ZonedTime,
}

/// A change request with all names resolved.
#[derive(Clone, Debug)]
pub struct ChangeRequest {
    /// The file, for quoting.
    pub sources: Sources,
    /// Its id: that of the file.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// The class that the author asks for.
    pub class: ChangeClass,
    /// The policy's template, which a standard change names.
    pub template: Option<String>,
    /// Why.
    pub reason: String,
    /// The devices that it is about.
    pub devices: DeviceSelection,
    /// What it will do.
    pub intents: Vec<Intent>,
    /// Where routes will change.
    pub reroutes: Vec<RouteIntent>,
    /// When the author would like it.
    pub window: Option<WindowWish>,
}

/// Whether a text is the id of a change: `[A-Z][A-Z0-9]*-[0-9]{1,9}`.
pub fn is_change_id(text: &str) -> bool {
    let Some((prefix, number)) = text.split_once('-') else { return false };
    prefix.starts_with(|c: char| c.is_ascii_uppercase())
        && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && (1..=9).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// Reads a change request. `name` is the file's path, whose stem must be the id where it lies in `changes/`; `names`
/// are those of the policy.
///
/// # Errors
/// Every mistake of the file.
pub fn read_change(name: &str, text: &str, names: &Names) -> Result<ChangeRequest, Unreadable> {
    let problems = Problems::default();
    let mut sources = Sources::default();
    let node = parse(sources.add(name, text), name, text, &problems);
    let request = node
        .as_ref()
        .and_then(|node| Fields::of(node, "the change request", &problems))
        .and_then(|fields| read_request(fields, required_id(name), names, sources.clone()));
    match request {
        Some(request) => problems.settle(sources, request),
        None => Err(fail(problems, sources)),
    }
}

/// The problems of a document of which nothing could be made.
pub(super) fn fail(problems: Problems, sources: Sources) -> Unreadable {
    match problems.settle(sources.clone(), ()) {
        Err(unreadable) => unreadable,
        Ok(()) => Unreadable { sources, problems: Vec::new() },
    }
}

/// The id that a file of this path must have. A file elsewhere than in `changes/` is a draft that may be called anything.
fn required_id(name: &str) -> Option<&str> {
    let (folder, file) = name.rsplit_once(['/', '\\'])?;
    let is_kept = folder.rsplit(['/', '\\']).next() == Some("changes");
    is_kept.then(|| file.rsplit_once('.').map_or(file, |(stem, _)| stem))
}

fn read_request(mut fields: Fields<'_>, stem: Option<&str>, names: &Names, sources: Sources) -> Option<ChangeRequest> {
    fields.need("id");
    let id = fields.parsed("id", |text| read_id(text, stem));
    let title = fields.need_text("title");
    fields.need("class");
    let class = fields.parsed("class", ChangeClass::read);
    let template = fields.text("template").map(|t| t.value);
    let reason = fields.need_text("reason");
    fields.need("devices");
    let devices = DeviceSelection::read(&mut fields);
    let intents = fields.tables("intent", "[[intent]]");
    let intents = intents.into_iter().filter_map(|f| read_intent(f, names)).collect();
    let reroutes = fields.tables("reroute", "[[reroute]]").into_iter().map(|f| read_reroute(f, names)).collect();
    let window = fields.table("window", "[window]").and_then(read_wish);
    fields.finish();
    Some(ChangeRequest {
        sources,
        id: id?.value,
        title: title?.value,
        class: class?.value,
        template,
        reason: reason?.value,
        devices,
        intents,
        reroutes,
        window,
    })
}

fn read_id(text: &str, stem: Option<&str>) -> Result<String, Wrong> {
    if !is_change_id(text) {
        let help = "write capital letters and digits, a hyphen, and up to nine digits: `CHG-2042`";
        return Err(Wrong::new(format!("`{text}` is no id of a change"), help));
    }
    if let Some(stem) = stem.filter(|stem| *stem != text) {
        let message = format!("the id `{text}` is not the name of the file");
        return Err(Wrong::new(message, format!("rename the file to `{text}.toml`, or write `id = \"{stem}\"`")));
    }
    Ok(text.to_owned())
}

fn read_intent(mut fields: Fields<'_>, names: &Names) -> Option<Intent> {
    let span = fields.span;
    fields.need("effect");
    let effect = fields.one_of("effect", &EFFECTS);
    let ends = Ends::fixed(&mut fields, names);
    let place = Place::read(&mut fields);
    fields.finish();
    Some(Intent { effect: effect?.value, flows: ends.flows, place: place?, span })
}

fn read_wish(mut fields: Fields<'_>) -> Option<WindowWish> {
    let instant = |fields: &mut Fields<'_>, key| -> Option<Spanned<ZonedTime>> {
        fields.need(key);
        fields.parsed(key, read_zoned)
    };
    let (start, end) = (instant(&mut fields, "start"), instant(&mut fields, "end"));
    fields.finish();
    Some(WindowWish { start: start?.value, end: end?.value })
}
