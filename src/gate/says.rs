//! The effect of a change in one line of words: what an approver signs beside the digests.
//!
//! The line never says less than the effect: flags, states and fragments are left out only where the packet that begins a connection is
//! among them, and what is cut for length is counted. Names out of rulesets are quoted where they could be taken for words of
//! the line, and everything but printable ASCII is escaped.

use crate::check::FilterEffect;
use crate::diff::{EffectKind, Meaning};
use crate::packet::{
    Cell, Family, Field, Fragment, Ranges, Region, RegionNames, Shape, State, TCP_SYN, Values, address_texts, coalesce,
    count_flows, protocol_name,
};
use crate::ruleset::Hook;
use num_bigint::BigUint;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Most regions of one kind that are named.
const MOST_REGIONS: usize = 3;
/// Most entries of a list that are named.
const MOST_ENTRIES: usize = 4;
/// Most groups of devices that are named.
const MOST_DEVICES: usize = 6;
/// Longest name that is written in full, in characters.
const MOST_LETTERS: usize = 80;

/// A device that a change touches, and what is to be said of it beside its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The device.
    pub device: String,
    /// Further statements: `is new`, `gives no IPv6 rules any more`.
    pub also: Vec<String>,
}

/// The effect on one filter with its meaning: words are made of the meaning, so that equal meanings have equal words.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The effect.
    pub effect: &'a FilterEffect,
    /// What it means.
    pub meaning: &'a Meaning,
}

/// The line. `effects` are those of the whole report; of other devices than the subjects nothing is said.
pub fn says(subjects: &[Subject], effects: &[Said<'_>]) -> String {
    let mut groups: Vec<(Vec<&str>, [String; 2])> = Vec::new();
    for subject in subjects {
        let own: Vec<&Said<'_>> = effects.iter().filter(|e| e.effect.device == subject.device).collect();
        let words = statement(subject, &own);
        match groups.iter_mut().find(|(_, known)| *known == words) {
            Some((devices, _)) => devices.push(&subject.device),
            None => groups.push((vec![&subject.device], words)),
        }
    }
    let sentence = |(devices, [one, several]): &(Vec<&str>, [String; 2])| {
        let names: Vec<String> = devices.iter().map(|d| name(d)).collect();
        format!("{} {}", listed(&names), if devices.len() == 1 { one } else { several })
    };
    let mut out: Vec<String> = groups.iter().take(MOST_DEVICES).map(sentence).collect();
    let hidden: usize = groups.iter().skip(MOST_DEVICES).map(|(devices, _)| devices.len()).sum();
    if hidden > 0 {
        out.push(format!("and {hidden} more devices with other effects"));
    }
    out.join(". ")
}

/// What is said of one device, in the singular and in the plural.
fn statement(subject: &Subject, effects: &[&Said<'_>]) -> [String; 2] {
    let hooks: BTreeSet<&str> = effects.iter().map(|e| e.effect.hook.name()).collect();
    let kind = |kind: EffectKind| regions(effects, kind, hooks.len());
    let [opened, closed, refused, translated] = EffectKind::ALL.map(kind);
    [["opens", "closes", "refuses", "translates", "changes"], ["open", "close", "refuse", "translate", "change"]].map(
        |verbs| {
            let mut parts = subject.also.clone();
            if opened.is_none() && closed.is_none() && refused.is_none() && translated.is_none() {
                parts.push(format!("{} the outcome of no packet", verbs[4]));
                return parts.join("; ");
            }
            let said = |verb: &str, what: &Option<String>| what.as_ref().map(|what| format!("{verb} {what}"));
            let nothing = |verb: &str, what: &Option<String>| what.is_none().then(|| format!("{verb} nothing"));
            parts.extend(said(verbs[0], &opened));
            parts.extend(said(verbs[1], &closed));
            parts.extend(refused.as_ref().map(|what| format!("{} in another way {what}", verbs[2])));
            parts.extend(translated.as_ref().map(|what| format!("{} in another way {what}", verbs[3])));
            parts.extend(nothing(verbs[0], &opened));
            parts.extend(nothing(verbs[1], &closed));
            parts.join("; ")
        },
    )
}

/// The regions of one kind on all filters, the largest first; `None` where there are none.
fn regions(effects: &[&Said<'_>], kind: EffectKind, hooks: usize) -> Option<String> {
    let mut found: Vec<(Reverse<BigUint>, String)> = Vec::new();
    for said in effects {
        let Some(parts) = &said.meaning.parts else {
            if said.effect.diff.changes.iter().any(|c| c.effect == kind) {
                let text = format!("packets of too many regions to name on {}", said.effect.hook);
                found.push((Reverse(BigUint::from(u128::MAX)), text));
            }
            continue;
        };
        let cells = parts.iter().filter(|(own, _)| *own == kind).map(|(_, cell)| without_the_usual(cell));
        for cell in coalesce(cells.collect()) {
            let flows = count_flows(std::slice::from_ref(&cell), said.effect.family);
            found.extend(region_words(said, &cell, hooks).into_iter().map(|text| (Reverse(flows.clone()), text)));
        }
    }
    found.sort();
    let mut texts: Vec<String> = Vec::new();
    for (_, text) in found {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let hidden = texts.len().saturating_sub(MOST_REGIONS);
    texts.truncate(MOST_REGIONS);
    if hidden > 0 {
        texts.push(format!("{hidden} more"));
    }
    match texts.split_last() {
        None => None,
        Some((only, [])) => Some(only.clone()),
        Some((last, rest)) => Some(format!("{} and {last}", rest.join(", "))),
    }
}

/// A cell in words: one text for each region that it takes to say it.
fn region_words(said: &Said<'_>, cell: &Cell, hooks: usize) -> Vec<String> {
    let effect = said.effect;
    let space = &effect.diff.space;
    let possible = space.possible();
    let names = RegionNames {
        family: effect.family,
        possible: &possible,
        interfaces: &space.interfaces,
        cond_name: &|cond| {
            said.meaning.conditions.get(cond.0 as usize).map_or_else(|| "?".to_owned(), |name| name.to_string())
        },
    };
    let words = |part: &Cell| {
        let mut out = format!("{} {}", service(part, effect.family), ends(part, effect.family));
        out += &circumstances(&names.region(part));
        if hooks > 1 || effect.hook != Hook::Forward {
            out += &format!(" on {}", effect.hook);
        }
        if ranges(part, Field::Src, effect.family).is_none() && ranges(part, Field::Dst, effect.family).is_none() {
            out += &format!(" ({})", effect.family);
        }
        out
    };
    names.parts(cell).iter().map(words).collect()
}

/// The cell without what goes without saying: states, flags and fragments among which is the whole packet that begins a
/// connection.
fn without_the_usual(cell: &Cell) -> Cell {
    let mut out = cell.clone();
    if cell.get(Field::State).is_some_and(|v| v.contains(State::New.value())) {
        out = out.free(Field::State);
    }
    if cell.get(Field::Fragment).is_some_and(|v| v.contains(Fragment::None as u128)) {
        out = out.free(Field::Fragment);
    }
    if cell.get(Field::TcpFlags).is_some_and(|v| v.contains(u128::from(TCP_SYN))) {
        out = out.free(Field::TcpFlags);
    }
    out
}

/// `tcp/443`, `tcp, udp`, `icmp type 8`, `anything`.
fn service(cell: &Cell, family: Family) -> String {
    let Some(protocols) = ranges(cell, Field::Proto, family) else { return "anything".to_owned() };
    let ports = ranges(cell, Field::Dport, family).map(numbers);
    let ports = ports.map(|p| format!("/{p}")).unwrap_or_default();
    let is_single = protocols.len() <= 16;
    let mut words = match is_single {
        true => {
            let all = protocols.as_slice().iter().flat_map(|&(lo, hi)| lo..=hi);
            listed(&all.map(|p| format!("{}{ports}", protocol(p))).collect::<Vec<_>>())
        }
        false => format!("protocols {}", numbers(protocols)),
    };
    let is_shaped = |shape: Shape| protocols.first().is_some_and(|p| Shape::of(family, p as u8) == shape);
    for (word, field) in [("type", Field::IcmpType), ("code", Field::IcmpCode)] {
        if let Some(values) = ranges(cell, field, family).filter(|_| is_shaped(Shape::Icmp)) {
            words += &format!(" {word} {}", numbers(values));
        }
    }
    match ranges(cell, Field::Sport, family) {
        Some(sources) => format!("{words} from port {}", numbers(sources)),
        None => words,
    }
}

fn protocol(number: u128) -> String {
    u8::try_from(number).ok().and_then(protocol_name).map_or_else(|| format!("protocol {number}"), str::to_owned)
}

/// The values of a field, where they are restricted.
fn ranges(cell: &Cell, field: Field, family: Family) -> Option<&Ranges> {
    cell.get(field).filter(|values| !values.is_full(field, family)).and_then(Values::as_ranges)
}

/// `from any to 10.1.0.0/24`.
fn ends(cell: &Cell, family: Family) -> String {
    let end = |field: Field, bits: Field| {
        let listed = ranges(cell, field, family).map(|r| addresses(r, family));
        let masked = cell.get(bits).map(|_| "some addresses by mask".to_owned());
        listed.into_iter().chain(masked).reduce(|a, b| format!("{a} and {b}")).unwrap_or_else(|| "any".to_owned())
    };
    format!("from {} to {}", end(Field::Src, Field::SrcBits), end(Field::Dst, Field::DstBits))
}

/// Addresses, by what is left out where that is shorter.
fn addresses(ranges: &Ranges, family: Family) -> String {
    let texts = |r: &Ranges| -> Vec<String> { address_texts(r, family).into_iter().map(bare).collect() };
    let rest = ranges.complement(family.max_address());
    match rest.as_slice().len() < ranges.as_slice().len() {
        true => format!("any but {}", listed(&texts(&rest))),
        false => listed(&texts(ranges)),
    }
}

/// One address without the length of its prefix.
fn bare(text: String) -> String {
    let whole = text.strip_suffix("/32").filter(|t| !t.contains(':')).or_else(|| text.strip_suffix("/128"));
    whole.map(str::to_owned).unwrap_or(text)
}

/// Everything else that the region restricts.
fn circumstances(region: &Region) -> String {
    let mut out = String::new();
    for (word, values) in [("in by", &region.iif), ("out by", &region.oif)] {
        if let Some(values) = values {
            out += &format!(" {word} {}", interfaces(values));
        }
    }
    if let Some(states) = &region.state {
        out += &format!(" in state {}", listed(states));
    }
    if let Some(flags) = &region.tcp_flags {
        out += &format!(" with flags {}", listed(flags));
    }
    for (field, values) in region.more.iter().filter(|(field, _)| !field.ends_with("_bits")) {
        let values: Vec<String> = values.iter().map(|v| name(v)).collect();
        out += &format!(" with {field} {}", listed(&values));
    }
    for condition in &region.conditions {
        match condition.strip_prefix('!') {
            Some(condition) => out += &format!(" where {} does not hold", quoted(condition)),
            None => out += &format!(" where {} holds", quoted(condition)),
        }
    }
    out
}

/// `[A..., "!", B...]` in words.
fn interfaces(values: &[String]) -> String {
    let sign = values.iter().position(|v| v == "!").unwrap_or(values.len());
    let names = |values: &[String]| listed(&values.iter().map(|v| name(v)).collect::<Vec<_>>());
    match (&values[..sign], values.get(sign + 1..).unwrap_or_default()) {
        (all, []) => names(all),
        ([], but) => format!("any but {}", names(but)),
        (all, but) => format!("{} but {}", names(all), names(but)),
    }
}

fn numbers(ranges: &Ranges) -> String {
    let text = |&(lo, hi): &(u128, u128)| if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") };
    listed(&ranges.as_slice().iter().map(text).collect::<Vec<_>>())
}

fn listed(values: &[String]) -> String {
    let hidden = values.len().saturating_sub(MOST_ENTRIES);
    let shown = values.iter().take(MOST_ENTRIES).cloned().collect::<Vec<_>>().join(", ");
    if hidden > 0 { format!("{shown} and {hidden} more") } else { shown }
}

/// A name: as it is where it can be taken for nothing else, quoted otherwise.
fn name(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'@' | b':' | b'/' | b'|');
    match !text.is_empty() && text.len() <= MOST_LETTERS && text.bytes().all(plain) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// A text in backticks: printable ASCII as it is, everything else and backticks escaped.
fn quoted(text: &str) -> String {
    let escaped = |letter: char| match letter {
        '`' | '\\' => letter.escape_unicode().to_string(),
        ' '..='~' => letter.to_string(),
        _ => letter.escape_unicode().to_string(),
    };
    let more = if text.chars().count() > MOST_LETTERS { "..." } else { "" };
    let shown: String = text.chars().take(MOST_LETTERS).map(escaped).collect();
    format!("`{shown}{more}`")
}
