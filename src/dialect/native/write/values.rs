//! The values of fields as the format writes them; what has no friendly form is written as bare numbers.

use crate::dialect::native::words::{Form, name_of, sole};
use crate::packet::{Cube, Family, Field, IfacePattern, Ranges, Values, address_texts, flag_texts, mac_text};
use crate::ruleset::Families;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The values of a field of packets of `scope`.
pub fn values(field: Field, values: &Values, scope: Families) -> Value {
    match values {
        Values::Ranges(r) => ranges(field, r, scope),
        Values::Flags(flags) => one_or_all(flag_texts(*flags).into_iter().map(Value::from).collect()),
        Values::Cube(c) => cube(field, *c, scope),
    }
}

/// Ranges of a field's values.
pub fn ranges(field: Field, ranges: &Ranges, scope: Families) -> Value {
    let fits = |max: u128| ranges.hull().is_none_or(|(_, hi)| hi <= max);
    match (Form::of(field), sole(scope)) {
        (Form::Address, Some(family)) if fits(family.max_address()) => {
            one_or_all(address_texts(ranges, family).into_iter().map(Value::from).collect())
        }
        (Form::Number | Form::Mac, _) if fits(field.max(Family::V6)) => {
            one_or_all(ranges.as_slice().iter().flat_map(|r| named(field, *r)).collect())
        }
        _ => json!({ "numbers": one_or_all(ranges.as_slice().iter().map(|r| number(*r)).collect()) }),
    }
}

/// One value alone, several as a list.
pub fn one_or_all(mut all: Vec<Value>) -> Value {
    if all.len() == 1 { all.remove(0) } else { Value::Array(all) }
}

/// The names of small ranges, else the range itself.
fn named(field: Field, (lo, hi): (u128, u128)) -> Vec<Value> {
    let names: Option<Vec<Value>> = match hi - lo {
        0..=4 if field != Field::Proto || lo == hi => (lo..=hi).map(|v| name_of(field, v).map(Value::from)).collect(),
        _ => None,
    };
    names.unwrap_or_else(|| match Form::of(field) {
        Form::Mac if lo == hi => vec![mac_text(lo).into()],
        Form::Mac => vec![format!("{}-{}", mac_text(lo), mac_text(hi)).into()],
        _ => vec![number((lo, hi))],
    })
}

/// A number, where JSON readers keep it exactly, or a text.
pub fn number((lo, hi): (u128, u128)) -> Value {
    match u64::try_from(lo) {
        Ok(small) if lo == hi && small < 1 << 53 => small.into(),
        _ if lo == hi => lo.to_string().into(),
        _ => format!("{lo}-{hi}").into(),
    }
}

fn cube(field: Field, cube: Cube, scope: Families) -> Value {
    let text = match (Form::of(field), sole(scope)) {
        (Form::AddressBits, Some(family)) if cube.mask <= family.max_address() => {
            format!("{}/{}", address(family, cube.value), address(family, cube.mask))
        }
        (Form::Bits, _) if cube.mask <= u128::from(u32::MAX) => return bits(cube, u128::from(u32::MAX)),
        _ => return json!({ "bits": format!("{:#x}/{:#x}", cube.value, cube.mask) }),
    };
    text.into()
}

/// A value under a mask; the mask is left out where it is the whole field.
pub fn bits(cube: Cube, full: u128) -> Value {
    let Cube { value, mask } = cube;
    if mask == full { format!("{value:#x}").into() } else { format!("{value:#x}/{mask:#x}").into() }
}

fn address(family: Family, value: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(value as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(value)),
    }
}

/// The interfaces of a pattern.
pub fn pattern(pattern: &IfacePattern) -> Value {
    match (pattern.prefix, pattern.name.ends_with('+')) {
        (false, false) | (true, false) => pattern.text().into(),
        (false, true) => json!({ "name": pattern.name }),
        (true, true) => json!({ "prefix": pattern.name }),
    }
}
