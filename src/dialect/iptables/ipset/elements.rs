//! The lines of `ipset save`: sets and their elements, without an allocation for each element of a plain set.

use super::types::{Dimension, SetType, TYPES, TypeFamily};
use super::{Elements, Part, Set, Sets, Tuple, twice};
use crate::dialect::iptables::addresses::{parse, parse_mask, prefix_mask};
use crate::dialect::iptables::matches::parse_mac;
use crate::dialect::iptables::numbers::{parse_number, service_port};
use crate::dialect::iptables::words::{Line, Word, split};
use crate::dialect::{Draft, Problem, Text, nearest};
use crate::packet::{Family, icmp_type_by_name, protocol_by_name};
use crate::ruleset::Span;
use std::sync::Arc;

/// Reads all set files of a device.
pub fn read(texts: &[&Text], draft: &mut Draft) -> Sets {
    let mut sets = Sets::default();
    for text in texts {
        let mut last = None;
        let mut words = Vec::new();
        for line in Line::all(&text.text, text.id) {
            let line = line.trimmed();
            if line.text.is_empty() || line.text.starts_with('#') || line.text == "COMMIT" {
                continue;
            }
            let done =
                quick_add(line, &mut sets, &mut last).unwrap_or_else(|| full_line(line, &mut sets, &mut words, draft));
            if let Err(problem) = done {
                draft.refuse(problem);
            }
        }
    }
    check_lists(&sets, draft);
    twice::check(texts, &sets, draft);
    sets
}

/// `add NAME ELEMENT` of a set with one dimension and nothing behind it, which is nearly every line of a long file.
fn quick_add(line: Line<'_>, sets: &mut Sets, last: &mut Option<usize>) -> Option<Result<(), Problem>> {
    let (name, element) = line.text.strip_prefix("add ")?.split_once(' ')?;
    if element.contains([' ', '\t', ',', '"']) || name.is_empty() {
        return None;
    }
    let at = match *last {
        Some(at) if *sets.sets.get(at)?.name == *name => at,
        _ => *sets.index.get(name)?,
    };
    *last = Some(at);
    let set = sets.sets.get_mut(at)?;
    let range = line_range(set, element).filter(|r| r.0 != 0)?;
    match &mut set.elements {
        Elements::Line { yes, .. } => yes.push(range),
        _ => return None,
    }
    Some(Ok(()))
}

/// The range of values of a one-dimensional element; `None` where it is none or needs more than one range.
fn line_range(set: &Set, element: &str) -> Option<(u128, u128)> {
    match (set.kind.dimensions, set.family) {
        ([Dimension::Ip | Dimension::Net], Some(family)) => single_block(element, family, set.address_mask),
        ([Dimension::Port], _) => plain_ports(element),
        ([Dimension::Mac], _) => parse_mac(element).map(|mac| (mac, mac)),
        _ => None,
    }
}

/// An address or `ADDRESS/LENGTH` as a range, under the set's mask.
fn single_block(text: &str, family: Family, mask: u128) -> Option<(u128, u128)> {
    let max = family.max_address();
    let (base, mask) = match text.split_once('/') {
        Some((base, length)) => (base, parse_mask(length, family)? & mask),
        None => (text, mask),
    };
    let host = max & !mask;
    let first = parse(base, family)? & mask;
    (host & host.wrapping_add(1) == 0).then_some((first, first | host))
}

fn plain_ports(text: &str) -> Option<(u128, u128)> {
    let text = text.rsplit_once(':').map_or(text, |(_, ports)| ports);
    let (first, last) = port_range(text)?;
    Some((first.into(), last.into()))
}

fn port_range(text: &str) -> Option<(u16, u16)> {
    let one = |t: &str| {
        let number = parse_number(t).and_then(|n| u16::try_from(n).ok());
        number.or_else(|| service_port(t))
    };
    if let Some(port) = one(text) {
        return Some((port, port));
    }
    let (first, last) = text.split_once('-')?;
    let (first, last) = (one(first)?, one(last)?);
    (first <= last).then_some((first, last))
}

fn full_line<'t>(line: Line<'t>, sets: &mut Sets, words: &mut Vec<Word<'t>>, draft: &mut Draft) -> Result<(), Problem> {
    split(line, words).map_err(|span| Problem::new(span, "the quotation is never closed"))?;
    let given = words.len();
    words.retain(|w| w.text != "-exist" && w.text != "-!");
    let lenient = words.len() < given;
    let [command, name, third, rest @ ..] = words.as_slice() else {
        return Err(Problem::new(line.span(), format!("`{}` is no complete line of `ipset save`", line.text)));
    };
    match &*command.text {
        "create" => create(sets, name, third, rest, line.span()),
        "add" => {
            let at = sets.index.get(&*name.text).copied().ok_or_else(|| {
                let near = nearest(&name.text, sets.names()).map(|n| format!("did you mean `{n}`? "));
                Problem::new(name.span, format!("the set `{}` is not created before this line", name.text))
                    .help(format!("{}`ipset save` writes a line `create` first", near.unwrap_or_default()))
            })?;
            sets.sets[at].lenient |= lenient;
            add(&mut sets.sets[at], third, rest, draft)
        }
        other => Err(Problem::new(command.span, format!("`{other}` begins no line of `ipset save`"))
            .help("expected are `create NAME TYPE ...` and `add NAME ELEMENT ...`")),
    }
}

fn create(sets: &mut Sets, name: &Word<'_>, kind: &Word<'_>, rest: &[Word<'_>], span: Span) -> Result<(), Problem> {
    let known = SetType::by_name(&kind.text).ok_or_else(|| {
        let near = nearest(&kind.text, TYPES.iter().map(|t| t.name)).map(|n| format!("did you mean `{n}`? "));
        let names: Vec<&str> = TYPES.iter().map(|t| t.name).collect();
        Problem::new(kind.span, format!("there is no set type `{}`", kind.text)).help(format!(
            "{}the types are {}",
            near.unwrap_or_default(),
            names.join(" ")
        ))
    })?;
    if sets.get(&name.text).is_some() {
        return Err(Problem::new(name.span, format!("the set `{}` is created a second time", name.text)));
    }
    let mut set = Set {
        name: Arc::from(&*name.text),
        span,
        kind: known,
        family: match known.family {
            TypeFamily::Given => Some(Family::V4),
            TypeFamily::Fixed(family) => Some(family),
            TypeFamily::None => None,
        },
        timeouts: false,
        lenient: false,
        address_mask: u128::MAX,
        mark_mask: u32::MAX,
        elements: match known.dimensions {
            [Dimension::Set] => Elements::Names(Vec::new()),
            [_] => Elements::Line { yes: Vec::new(), no: Vec::new() },
            _ => Elements::Tuples(Vec::new()),
        },
    };
    create_options(&mut set, rest)?;
    if let Some(family) = set.family {
        set.address_mask &= family.max_address();
    }
    sets.add(set);
    Ok(())
}

fn create_options(set: &mut Set, rest: &[Word<'_>]) -> Result<(), Problem> {
    let family = rest.windows(2).find(|w| w[0].text == "family").map(|w| &w[1]);
    if let Some(word) = family {
        set.family = match &*word.text {
            "inet" => Some(Family::V4),
            "inet6" => Some(Family::V6),
            other => {
                return Err(
                    Problem::new(word.span, format!("there is no family `{other}`")).help("write `inet` or `inet6`")
                );
            }
        };
    }
    let mut words = rest.iter();
    while let Some(option) = words.next() {
        match &*option.text {
            "counters" | "comment" | "skbinfo" | "forceadd" => continue,
            "family" | "hashsize" | "maxelem" | "bucketsize" | "initval" | "range" | "size" | "probes" | "resize"
            | "netmask" | "bitmask" | "markmask" | "timeout" => {}
            other => return Err(Problem::new(option.span, format!("`{other}` is no option of a set"))),
        }
        let value = words.next().ok_or_else(|| missing_value(option))?;
        create_value(set, &option.text, value)?;
    }
    Ok(())
}

fn create_value(set: &mut Set, option: &str, value: &Word<'_>) -> Result<(), Problem> {
    let wrong = || Problem::new(value.span, format!("`{}` is no value of `{option}`", value.text));
    let family = set.family.unwrap_or(Family::V4);
    match option {
        "timeout" => set.timeouts = true,
        "netmask" => {
            let length = value.text.parse().ok().filter(|l| *l <= family.bits()).ok_or_else(wrong)?;
            set.address_mask = prefix_mask(length, family);
        }
        "bitmask" => {
            let mask = parse_mask(&value.text, family).ok_or_else(wrong)?;
            let host = family.max_address() & !mask;
            if host & host.wrapping_add(1) != 0 {
                return Err(wrong().help("only masks that are prefixes are supported in sets"));
            }
            set.address_mask = mask;
        }
        "markmask" => {
            set.mark_mask = parse_number(&value.text).and_then(|n| u32::try_from(n).ok()).ok_or_else(wrong)?;
        }
        _ => {}
    }
    Ok(())
}

fn missing_value(option: &Word<'_>) -> Problem {
    Problem::new(option.span, format!("`{}` has no value", option.text))
}

/// What stands behind an element.
#[derive(Default)]
struct Flags {
    nomatch: bool,
    wildcard: bool,
}

fn add(set: &mut Set, element: &Word<'_>, rest: &[Word<'_>], draft: &mut Draft) -> Result<(), Problem> {
    let flags = element_flags(set, rest)?;
    if let Elements::Names(names) = &mut set.elements {
        names.push(element.text.to_string());
        return Ok(());
    }
    let parts = split_parts(&element.text, set.kind.dimensions.len());
    if element.text.contains("physdev:") {
        let note =
            format!("the element `{}` is ignored: no iptables rule looks at bridge ports in a set", element.text);
        draft.ruleset.notes.push((note, element.span));
        return Ok(());
    }
    let wrong = || {
        Problem::new(
            element.span,
            format!("`{}` is no element of `{}`, a set of type {}", element.text, set.name, set.kind.name),
        )
    };
    let optional_mac = set.kind.name == "bitmap:ip,mac" && parts.len() == 1;
    if parts.len() != set.kind.dimensions.len() && !optional_mac {
        return Err(wrong());
    }
    let mut choices: Vec<Vec<Part>> = Vec::new();
    for (dimension, text) in set.kind.dimensions.iter().zip(&parts) {
        let part = read_part(set, *dimension, text, &flags).ok_or_else(wrong)?;
        if let Some(what) = zero(set, *dimension, &part) {
            let message = format!("a set of type {} takes no {what}", set.kind.name);
            return Err(Problem::new(element.span, message).help("ipset refuses this element"));
        }
        choices.push(part);
    }
    if optional_mac {
        choices.push(vec![Part::Mac(None)]);
    }
    match &mut set.elements {
        Elements::Line { yes, no } => {
            let ranges = choices.iter().flatten().filter_map(Part::range);
            (if flags.nomatch { no } else { yes }).extend(ranges);
        }
        Elements::Tuples(tuples) => {
            tuples.extend(products(&choices).into_iter().map(|parts| Tuple { parts, nomatch: flags.nomatch }));
        }
        Elements::Names(_) => {}
    }
    Ok(())
}

/// What of a part the type of set does not take, in words.
fn zero(set: &Set, dimension: Dimension, parts: &[Part]) -> Option<&'static str> {
    let whole = set.family.map_or(u128::MAX, |f| f.max_address());
    parts.iter().find_map(|part| match (dimension, part) {
        (Dimension::Ip, Part::Addresses(0, _)) if !set.kind.takes_address_zero() => Some("address 0"),
        (Dimension::Net, Part::Addresses(0, last)) if *last == whole && !set.kind.takes_prefix_zero() => {
            Some("network of length 0")
        }
        (_, Part::Mac(Some(0))) if !set.kind.takes_mac_zero() => Some("MAC address 0"),
        _ => None,
    })
}

/// The parts of an element without what stands behind it; `None` where it is none.
pub fn parts_of(set: &Set, element: &str) -> Option<Vec<Vec<Part>>> {
    let parts = split_parts(element, set.kind.dimensions.len());
    let read = |(dimension, text): (&Dimension, &&str)| read_part(set, *dimension, text, &Flags::default());
    let mut choices = set.kind.dimensions.iter().zip(&parts).map(read).collect::<Option<Vec<_>>>()?;
    if choices.len() < set.kind.dimensions.len() {
        choices.push(vec![Part::Mac(None)]);
    }
    Some(products(&choices))
}

/// Every choice of one part for each dimension: ranges that are no single network make several.
fn products(choices: &[Vec<Part>]) -> Vec<Vec<Part>> {
    choices.iter().fold(vec![Vec::new()], |done, choice| {
        let longer = |head: &Vec<Part>| {
            let head = head.clone();
            choice
                .iter()
                .map(move |part| head.iter().cloned().chain([part.clone()]).collect())
                .collect::<Vec<Vec<Part>>>()
        };
        done.iter().flat_map(longer).collect()
    })
}

fn element_flags(set: &Set, rest: &[Word<'_>]) -> Result<Flags, Problem> {
    let mut flags = Flags::default();
    let mut words = rest.iter();
    while let Some(option) = words.next() {
        match &*option.text {
            "nomatch" if set.kind.has_nomatch() => flags.nomatch = true,
            "wildcard" => flags.wildcard = true,
            "timeout" | "packets" | "bytes" | "comment" | "skbmark" | "skbprio" | "skbqueue" => {
                words.next().ok_or_else(|| missing_value(option))?;
            }
            "before" | "after" => {
                words.next().ok_or_else(|| missing_value(option))?;
            }
            other => {
                return Err(Problem::new(
                    option.span,
                    format!("`{other}` is no option of an element of `{}`", set.name),
                ));
            }
        }
    }
    Ok(flags)
}

/// Splits at the commas between dimensions.
fn split_parts(text: &str, dimensions: usize) -> Vec<&str> {
    text.splitn(dimensions, ',').map(str::trim).collect()
}

fn read_part(set: &Set, dimension: Dimension, text: &str, flags: &Flags) -> Option<Vec<Part>> {
    match dimension {
        Dimension::Ip | Dimension::Net => addresses(text, set.family?, set.address_mask),
        Dimension::Port if set.kind.is_bitmap() => {
            plain_ports(text).map(|(a, b)| vec![Part::Ports { protocol: 0, first: a as u16, last: b as u16 }])
        }
        Dimension::Port => ports(text, set.family?).map(|p| vec![p]),
        Dimension::Mac => parse_mac(text).map(|mac| vec![Part::Mac(Some(mac))]),
        Dimension::Mark => {
            let mark = parse_number(text).and_then(|n| u32::try_from(n).ok())?;
            Some(vec![Part::Mark(mark & set.mark_mask)])
        }
        Dimension::Iface => (!text.is_empty() && text.len() <= 15)
            .then(|| vec![Part::Interface { name: text.to_owned(), wildcard: flags.wildcard }]),
        Dimension::Set => None,
    }
}

/// An address, a network, or a range, which becomes the networks that make it up.
fn addresses(text: &str, family: Family, mask: u128) -> Option<Vec<Part>> {
    if let Some((first, last)) = single_block(text, family, mask) {
        return Some(vec![Part::Addresses(first, last)]);
    }
    let (first, last) = text.split_once('-')?;
    let (first, last) = (parse(first, family)? & mask, parse(last, family)? | (family.max_address() & !mask));
    (first <= last).then(|| blocks(first, last).into_iter().map(|(a, b)| Part::Addresses(a, b)).collect())
}

/// The fewest aligned networks that make up a range.
fn blocks(mut first: u128, last: u128) -> Vec<(u128, u128)> {
    let mut out = Vec::new();
    loop {
        let aligned = if first == 0 { 127 } else { first.trailing_zeros().min(127) };
        let mut bits = aligned;
        while bits > 0 && (last - first) < (1u128 << bits) - 1 {
            bits -= 1;
        }
        let end = first + ((1u128 << bits) - 1);
        out.push((first, end));
        if end >= last {
            return out;
        }
        first = end + 1;
    }
}

/// `[PROTOCOL:]PORT[-PORT]`, where ICMP has a type's name or `TYPE/CODE` for a port.
fn ports(text: &str, family: Family) -> Option<Part> {
    let (protocol, rest) = match text.split_once(':') {
        Some((name, rest)) => (protocol_by_name(name)?, rest),
        None => (6, text),
    };
    if protocol == 1 || protocol == 58 {
        let of = if protocol == 1 { Family::V4 } else { Family::V6 };
        let key = icmp_key(rest, of)?;
        return (of == family).then_some(Part::Ports { protocol, first: key, last: key });
    }
    let (first, last) = port_range(rest)?;
    Some(Part::Ports { protocol, first, last })
}

fn icmp_key(text: &str, family: Family) -> Option<u16> {
    if let Some((kind, code)) = icmp_type_by_name(family, text) {
        return Some(u16::from(kind) << 8 | u16::from(code.unwrap_or(0)));
    }
    match text.split_once('/') {
        Some((kind, code)) => Some(u16::from(kind.parse::<u8>().ok()?) << 8 | u16::from(code.parse::<u8>().ok()?)),
        None => parse_number(text).and_then(|n| u16::try_from(n).ok()),
    }
}

fn check_lists(sets: &Sets, draft: &mut Draft) {
    for set in &sets.sets {
        let Elements::Names(names) = &set.elements else {
            continue;
        };
        for name in names {
            match sets.get(name) {
                None => draft.refuse(
                    Problem::new(
                        set.span,
                        format!("the list `{}` names the set `{name}`, which is not given", set.name),
                    )
                    .help(format!("add the output of `ipset save {name}`")),
                ),
                Some(member) if matches!(member.elements, Elements::Names(_)) => draft.refuse(Problem::new(
                    set.span,
                    format!("the list `{}` names `{name}`, which is a list, too", set.name),
                )),
                Some(_) => {}
            }
        }
    }
}
