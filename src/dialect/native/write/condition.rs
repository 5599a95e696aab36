//! Conditions as the format writes them: by keys where the shape allows, in lists where not.

use super::Writer;
use super::values::{pattern, values};
use crate::dialect::native::read::narrowed;
use crate::dialect::native::words::{ENDS, FAMILIES, Form, OPAQUE, SIDES, sole, word};
use crate::packet::{Family, Field, Ranges, Values, protocol_name};
use crate::ruleset::{Families, Match, Opaque};
use serde_json::{Map, Value, json};

impl Writer<'_> {
    /// A condition of packets of `scope`.
    pub fn condition(&self, condition: &Match, scope: Families) -> Value {
        match condition {
            Match::Always => "always".into(),
            Match::Never => "never".into(),
            Match::All(all) if all.len() >= 2 && self.sugar(condition, scope).is_none() => {
                match self.object(all.iter(), scope) {
                    Some((map, _)) => Value::Object(map),
                    None => json!({ "all": self.all(all, scope) }),
                }
            }
            _ => match self.keyed(condition, scope) {
                Some((key, value)) => json!({ key: value }),
                None => "never".into(),
            },
        }
    }

    /// Conditions as one object, where each has a key of its own; beside it whose packets are left.
    pub fn object<'m>(
        &self,
        all: impl Iterator<Item = &'m Match>,
        scope: Families,
    ) -> Option<(Map<String, Value>, Families)> {
        let mut scope = scope;
        let mut map = Map::new();
        for one in all {
            let (key, value) = self.keyed(one, scope)?;
            if map.insert(key.to_owned(), value).is_some() {
                return None;
            }
            scope = narrowed(scope, one);
        }
        Some((map, scope))
    }

    /// The key that states a condition, and its value; the words `always` and `never` have none.
    pub fn keyed(&self, condition: &Match, scope: Families) -> Option<(&'static str, Value)> {
        if let Some(found) = self.sugar(condition, scope) {
            return Some(found);
        }
        Some(match condition {
            Match::Always | Match::Never => return None,
            Match::Family(family) => ("family", word(&FAMILIES, *family).into()),
            Match::Field(field, v) if has_address(*field) && sole(scope).is_none() => {
                (field.name(), values(*field, v, Families::default()))
            }
            Match::Field(field, v) => (field.name(), values(*field, v, scope)),
            Match::Interface(side, p) => (side.field().name(), pattern(p)),
            Match::Present(side) => ("present", word(&SIDES, *side).into()),
            Match::Lookup(lookup) => ("in_set", self.set_key(lookup, sole(scope)).into()),
            Match::Opaque(opaque) => ("condition", self.opaque(opaque)),
            Match::Translated(side) => ("translated", word(&ENDS, *side).into()),
            Match::All(all) => ("all", self.all(all, scope)),
            Match::Any(any) => ("any", any.iter().map(|m| self.condition(m, scope)).collect()),
            Match::Not(inner) => ("not", self.condition(inner, scope)),
        })
    }

    fn all(&self, all: &[Match], scope: Families) -> Value {
        let mut scope = scope;
        let mut out = Vec::new();
        for one in all {
            out.push(self.condition(one, scope));
            scope = narrowed(scope, one);
        }
        Value::Array(out)
    }

    /// An opaque condition by its name and kind.
    pub fn opaque(&self, opaque: &Opaque) -> Value {
        json!({ "name": &*opaque.name, "kind": word(&OPAQUE, opaque.kind) })
    }

    /// The short forms: services, addresses that imply their family, lists.
    fn sugar(&self, condition: &Match, scope: Families) -> Option<(&'static str, Value)> {
        match condition {
            Match::All(all) => service(all, scope).map(|text| ("service", text)).or_else(|| self.of_family(all, scope)),
            Match::Any(any) if any.len() >= 2 => self.union(any, scope),
            _ => None,
        }
    }

    /// `All [Family, addresses]` where packets of both families come.
    fn of_family(&self, all: &[Match], scope: Families) -> Option<(&'static str, Value)> {
        let [Match::Family(family), inner] = all else { return None };
        if sole(scope).is_some() {
            return None;
        }
        let only = Families::only(*family);
        match inner {
            Match::Field(field, v) if has_address(*field) && !v.is_empty() => {
                let text = values(*field, v, only);
                (!text.is_object()).then(|| (field.name(), text))
            }
            Match::Lookup(lookup) if holds_addresses(lookup) => {
                Some(("in_set", self.set_key(lookup, Some(*family)).into()))
            }
            _ => None,
        }
    }

    /// A list under one key: the same interfaces side, services, addresses of both families, values under masks.
    fn union(&self, any: &[Match], scope: Families) -> Option<(&'static str, Value)> {
        if let Some(found) = interfaces(any) {
            return Some(found);
        }
        let of_both = |m: &Match| match m {
            Match::All(all) => matches!(all.as_slice(), [Match::Family(_), Match::Field(f, _)] if has_address(*f)),
            _ => false,
        };
        let masked = |m: &Match| matches!(m, Match::Field(f, Values::Cube(_)) if matches!(Form::of(*f), Form::Bits));
        let in_scope = |m: &Match| matches!(m, Match::Field(f, Values::Cube(_)) if Form::of(*f) == Form::AddressBits);
        let listed = (any.iter().all(of_both) && sole(scope).is_none() && each_family_once(any))
            || any.iter().all(masked)
            || (any.iter().all(in_scope) && sole(scope).is_some());
        let keyed: Vec<(&str, Value)> = any.iter().map(|m| self.keyed(m, scope)).collect::<Option<_>>()?;
        let (key, _) = *keyed.first().map(|(k, v)| (k, v)).as_ref()?;
        let services = keyed.iter().all(|(k, v)| *k == "service" && !v.is_array());
        if !(listed || services) || !keyed.iter().all(|(k, v)| k == key && !v.is_object() | services) {
            return None;
        }
        let key = *key;
        let flat = keyed.into_iter().flat_map(|(_, v)| match v {
            Value::Array(items) => items,
            one => vec![one],
        });
        Some((key, Value::Array(flat.collect())))
    }
}

/// Whether the matches are of IPv4 and then of IPv6, as addresses of both are read.
fn each_family_once(any: &[Match]) -> bool {
    let families: Vec<Option<Family>> = any
        .iter()
        .map(|m| match m {
            Match::All(all) => match all.first() {
                Some(Match::Family(family)) => Some(*family),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let bits = any.iter().all(|m| match m {
        Match::All(all) => matches!(all.get(1), Some(Match::Field(_, Values::Cube(_)))),
        _ => false,
    });
    bits || families == [Some(Family::V4), Some(Family::V6)]
}

fn interfaces(any: &[Match]) -> Option<(&'static str, Value)> {
    let Some(Match::Interface(side, _)) = any.first() else { return None };
    let texts: Option<Vec<Value>> = any
        .iter()
        .map(|m| match m {
            Match::Interface(own, p) if own == side => Some(pattern(p)),
            _ => None,
        })
        .collect();
    Some((side.field().name(), Value::Array(texts?)))
}

fn has_address(field: Field) -> bool {
    matches!(Form::of(field), Form::Address | Form::AddressBits)
}

/// Whether entries of the set test addresses.
pub fn holds_addresses(lookup: &crate::ruleset::Lookup) -> bool {
    lookup.entries.iter().flat_map(|e| &e.fields).any(|(field, _)| has_address(*field))
}

/// `All [Proto, Fragment none or first, layer-4 fields]`, as a text where it is one.
fn service(all: &[Match], scope: Families) -> Option<Value> {
    let (implied, all) = match all {
        [Match::Family(family), rest @ ..] if sole(scope).is_none() => (Some(*family), rest),
        _ => (None, all),
    };
    let [Match::Field(Field::Proto, Values::Ranges(protocols)), whole, rest @ ..] = all else { return None };
    if *whole != Match::ranges(Field::Fragment, Ranges::range(0, 1)) {
        return None;
    }
    let scope = implied.map_or(scope, Families::only);
    if let Some(text) = service_text(protocols, rest, scope, implied) {
        return Some(text.into());
    }
    if implied.is_some() {
        return None;
    }
    let mut map = Map::new();
    map.insert("proto".into(), values(Field::Proto, &Values::Ranges(protocols.clone()), scope));
    for one in rest {
        let Match::Field(field, v) = one else { return None };
        if !field.is_layer4() || map.insert(field.name().into(), values(*field, v, scope)).is_some() {
            return None;
        }
    }
    Some(Value::Object(map))
}

fn service_text(protocols: &Ranges, rest: &[Match], scope: Families, implied: Option<Family>) -> Option<String> {
    let single = |r: &Ranges| r.first().filter(|_| r.len() == 1);
    let proto = single(protocols).and_then(|p| u8::try_from(p).ok())?;
    let ranges = |m: &Match, wanted: Field| match m {
        Match::Field(field, Values::Ranges(r)) if *field == wanted => Some(r.clone()),
        _ => None,
    };
    match (proto, rest) {
        (6 | 17 | 33 | 132 | 136, [dport]) if implied.is_none() => {
            let ports = ranges(dport, Field::Dport).filter(|p| !p.is_empty())?;
            let list: Vec<String> = ports.as_slice().iter().map(|r| range_text(*r)).collect();
            Some(format!("{}/{}", protocol_name(proto)?, list.join(",")))
        }
        (1 | 58, [kind, code @ ..]) => {
            let family = if proto == 1 { Family::V4 } else { Family::V6 };
            let kind = single(&ranges(kind, Field::IcmpType)?)?;
            let code = match code {
                [] => None,
                [one] => Some(single(&ranges(one, Field::IcmpCode)?)?),
                _ => return None,
            };
            let text = code.map_or_else(|| kind.to_string(), |code| format!("{kind}/{code}"));
            (sole(scope) == Some(family)).then(|| format!("{}/{text}", if proto == 1 { "icmp" } else { "icmpv6" }))
        }
        _ => None,
    }
}

fn range_text((lo, hi): (u128, u128)) -> String {
    if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") }
}
