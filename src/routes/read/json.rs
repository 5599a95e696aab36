//! `ip -j route`: a list of objects whose keys are those of iproute2's `print_route`.

use super::Lines;
use super::draft::{Draft, UNKNOWN, Wrong, set_flag, set_hop};
use super::number::address;
use super::option::{is_feature, metric_name, metric_value};
use crate::document::{Json, JsonValue, Member, read_json};
use crate::packet::Family;
use crate::routes::model::{NextHop, RouteType};
use crate::routes::prefix::Prefix;

/// Reads all routes.
pub(super) fn read(lines: &mut Lines<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (span, members) in objects(lines) {
        match route(span, &members) {
            Ok(draft) => drafts.push(draft),
            Err((message, help)) => lines.refuse(span, message, help),
        }
    }
    drafts
}

/// The objects of a list, each with its place.
pub(super) fn objects(lines: &mut Lines<'_>) -> Vec<(crate::ruleset::Span, Vec<Member>)> {
    let mut doubled = Vec::new();
    let read = read_json(lines.text, lines.source, &mut doubled);
    // The form writes the header of an `ip` or `ip6` encapsulation between the keys of the route, `dst` and all.
    lines.problems.extend(doubled.into_iter().map(|p| p.help("give the text form, which keeps an `encap` apart")));
    let list = match read {
        Ok(list) => list,
        Err(problem) => {
            lines.problems.push(problem);
            return Vec::new();
        }
    };
    let JsonValue::Array(items) = list.value else {
        lines.refuse(list.span, "the file is no list", UNKNOWN);
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in items {
        match item.value {
            JsonValue::Object(members) => out.push((item.span, members)),
            // `ip -j` writes an empty object nowhere, and a list within the list nowhere.
            _ => lines.refuse(item.span, "an entry of the list is no object", UNKNOWN),
        }
    }
    out
}

fn route(span: crate::ruleset::Span, members: &[Member]) -> Result<Draft, Wrong> {
    let mut draft = Draft::new(span);
    let mut has_destination = false;
    for member in members {
        has_destination |= member.key == "dst";
        key(member, &mut draft)?;
    }
    match has_destination {
        true => Ok(draft),
        false => Err(("the route has no `dst`".to_owned(), UNKNOWN)),
    }
}

fn key(member: &Member, draft: &mut Draft) -> Result<(), Wrong> {
    let Member { key, value, .. } = member;
    if way(key, value, &mut draft.hop)? {
        return Ok(());
    }
    match key.as_str() {
        "type" => draft.kind = kind_of(&text(key, value)?)?,
        "dst" => match text(key, value)?.as_str() {
            "default" => draft.to = None,
            other => draft.to = Some(Prefix::read(other).map_err(|message| (message, UNKNOWN))?),
        },
        "prefsrc" => draft.set("src", &text(key, value)?)?,
        "protocol" => draft.set("proto", &text(key, value)?)?,
        "flow" => draft.set("realms", &realms(value)?)?,
        "metrics" => metrics(value, draft)?,
        "nexthops" => draft.hops = hops(value)?,
        // What the next-hop object consists of stands in the route as well.
        "nh_info" => {}
        "ttl-propogate" | "ttl-propagate" => draft.set(key, if is_true(value) { "enabled" } else { "disabled" })?,
        "encap" => {
            return Err((
                "an `encap` cannot be told in this form".to_owned(),
                "give the text form: `ip route show table all`",
            ));
        }
        "cache" | "uid" => {
            return Err((
                "this is the answer of `ip route get`".to_owned(),
                "give the tables: `ip -j route show table all`",
            ));
        }
        "deleted" => return Err(("this is the output of a monitor".to_owned(), UNKNOWN)),
        "from" | "table" | "metric" | "nhid" | "scope" | "tos" | "pref" | "expires" | "age" | "tsage" | "error"
        | "users" | "used" | "ipid" | "ts" => draft.set(key, &text(key, value)?)?,
        other => return Err((format!("unknown key `{other}` in a route"), UNKNOWN)),
    }
    Ok(())
}

/// `gateway`, `via`, `dev`, `weight`, `flags`; `false` for every other key.
fn way(key: &str, value: &Json, hop: &mut NextHop) -> Result<bool, Wrong> {
    match key {
        "gateway" => set_hop(hop, "via", &text(key, value)?),
        "via" => {
            hop.via = Some(via(value)?);
            Ok(true)
        }
        "dev" | "weight" => set_hop(hop, key, &text(key, value)?),
        "flags" => {
            for flag in list(key, value)? {
                let flag = text(key, flag)?;
                if !set_flag(hop, &flag) {
                    return Err((format!("unknown flag `{flag}` in a route"), UNKNOWN));
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// `{"family":"inet6","host":"fe80::1"}`.
fn via(value: &Json) -> Result<(Family, u128), Wrong> {
    let bad = || ("this `via` is not understood".to_owned(), UNKNOWN);
    let (mut family, mut host) = (None, None);
    for member in object("via", value)? {
        match (member.key.as_str(), text("via", &member.value)?) {
            ("family", name) if name == "inet" => family = Some(Family::V4),
            ("family", name) if name == "inet6" => family = Some(Family::V6),
            ("host", text) => host = address(&text),
            _ => return Err(bad()),
        }
    }
    host.filter(|(of, _)| Some(*of) == family).ok_or_else(bad)
}

fn hops(value: &Json) -> Result<Vec<NextHop>, Wrong> {
    let hop = |item: &Json| {
        let mut hop = NextHop::default();
        for member in object("nexthops", item)? {
            if !way(&member.key, &member.value, &mut hop)? {
                return Err((format!("unknown key `{}` in a next hop", member.key), UNKNOWN));
            }
        }
        Ok(hop)
    };
    list("nexthops", value)?.iter().map(hop).collect()
}

/// `[{"mtu":1400,"ecn":null}]`. Whether a value is locked is not in this form.
fn metrics(value: &Json, draft: &mut Draft) -> Result<(), Wrong> {
    let mut features = Vec::new();
    for item in list("metrics", value)? {
        for Member { key, value, .. } in object("metrics", item)? {
            if is_feature(key) {
                features.push(key.as_str());
                continue;
            }
            let name =
                metric_name(key).ok_or_else(|| (format!("unknown key `{key}` in the metrics of a route"), UNKNOWN))?;
            let given = text(key, value)?;
            let value =
                metric_value(name, &given).ok_or_else(|| (format!("`{given}` is no value of `{key}`"), UNKNOWN))?;
            draft.options.insert(name.to_owned(), value);
        }
    }
    if !features.is_empty() {
        draft.options.insert("features".to_owned(), features.join(" "));
    }
    Ok(())
}

/// `{"from":"3","to":"4"}`.
fn realms(value: &Json) -> Result<String, Wrong> {
    let mut words = Vec::new();
    for member in object("flow", value)? {
        words.push(text("flow", &member.value)?);
    }
    Ok(words.join("/"))
}

fn kind_of(name: &str) -> Result<RouteType, Wrong> {
    RouteType::by_name(name).ok_or_else(|| (format!("routes of type `{name}` are not understood"), UNKNOWN))
}

/// A text or a number, as text.
pub(super) fn text(key: &str, value: &Json) -> Result<String, Wrong> {
    match &value.value {
        JsonValue::Text(text) | JsonValue::Number(text) => Ok(text.clone()),
        _ => Err((format!("`{key}` is neither a text nor a number"), UNKNOWN)),
    }
}

fn list<'v>(key: &str, value: &'v Json) -> Result<&'v [Json], Wrong> {
    match &value.value {
        JsonValue::Array(items) => Ok(items),
        _ => Err((format!("`{key}` is no list"), UNKNOWN)),
    }
}

fn object<'v>(key: &str, value: &'v Json) -> Result<&'v [Member], Wrong> {
    match &value.value {
        JsonValue::Object(members) => Ok(members),
        _ => Err((format!("`{key}` is no object"), UNKNOWN)),
    }
}

fn is_true(value: &Json) -> bool {
    matches!(value.value, JsonValue::Boolean(true))
}
