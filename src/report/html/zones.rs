//! Who reaches whom, before and after: a square for each pair of named ranges, split where the change alters it.

use super::effect::addresses;
use super::{Evidence, scrolling};
use crate::packet::{Family, Field, Ranges, Shape, address_texts, protocol_name};
use crate::query::{Entry, Service, Zone, ZonePicture, zone_picture};
use crate::report::FilterView;
use crate::report::markup::{escaped, shortened};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Most zones of a picture.
const MOST_ZONES: usize = 12;
/// Most pictures of one filter.
const MOST_SERVICES: usize = 2;
/// Most pictures of a page.
const MOST_PICTURES: usize = 6;

/// The pictures of all filters.
pub(super) fn zones(evidence: &Evidence<'_>) -> String {
    let mut out = String::new();
    let mut room = MOST_PICTURES;
    for filter in evidence.effects.iter().filter(|f| !f.diff.changes.is_empty()) {
        if room == 0 {
            out += "<p class=\"more\">Further filters are not drawn.</p>\n";
            break;
        }
        out += &of_filter(evidence, filter, &mut room);
    }
    if out.is_empty() { out } else { format!("{LEGEND}<div class=\"pictures\">{out}</div>\n") }
}

const LEGEND: &str = "<p class=\"lead\">Rows are where a new connection begins, columns where it goes; each picture is one service. A \
    split square changes: before above, after below. The service is that of a packet that shows a change.</p>\n<ul class=\"legend\"><li><span class=\"key e-accept\">+</span> passes</li>\
    <li><span class=\"key e-drop\">-</span> is refused</li><li><span class=\"key e-partly\">~</span> in part</li>\
    <li><span class=\"key e-depends\">?</span> depends on conditions</li></ul>\n";

fn of_filter(evidence: &Evidence<'_>, filter: &FilterView<'_>, room: &mut usize) -> String {
    let zones = zones_of(evidence, filter);
    let mut out = String::new();
    for service in services(filter).iter().take(MOST_SERVICES.min(*room)) {
        let sides = [filter.pair.old, filter.pair.new];
        match zone_picture(sides, filter.hook, filter.family, service, &zones) {
            Ok(picture) if picture.is_changed() => {
                *room -= 1;
                out += &table(filter, &zones, &picture);
            }
            Ok(_) => {}
            Err(error) => {
                let _ = writeln!(
                    out,
                    "<p class=\"more\">{} {} with {} is not drawn: {}</p>",
                    escaped(filter.pair.name),
                    filter.hook,
                    escaped(&service.name),
                    escaped(&error.to_string())
                );
            }
        }
    }
    out
}

/// The services of the packets that show the changes.
fn services(filter: &FilterView<'_>) -> Vec<Service> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for change in &filter.diff.changes {
        let packet = &change.witness;
        let proto = packet.proto();
        let port = Shape::of(filter.family, proto).has_ports().then(|| packet.get(Field::Dport));
        if seen.insert((proto, port)) {
            let name = protocol_name(proto).map_or_else(|| proto.to_string(), str::to_owned);
            let name = port.map_or_else(|| name.clone(), |port| format!("{name}/{port}"));
            out.push(Service { name, proto, ports: port.map(Ranges::one) });
        }
    }
    out
}

/// The ranges that a policy names, those first that the change touches; without a policy, those of the change itself. What
/// none of them has comes last.
fn zones_of(evidence: &Evidence<'_>, filter: &FilterView<'_>) -> Vec<Zone> {
    let family = filter.family;
    let named = evidence.policy.map(|p| p.names.ranges()).filter(|n| !n.is_empty());
    let mut zones: Vec<Zone> = match named {
        Some(names) => {
            let zone = |(name, set): (&String, &crate::policy::AddressSet)| Zone {
                name: name.clone(),
                addresses: set.of(family).clone(),
            };
            names.iter().map(zone).collect()
        }
        None => of_changes(filter),
    };
    zones.retain(|z| !z.addresses.is_empty() && !z.addresses.is_full(family.max_address()));
    let touched = |zone: &Zone| {
        let meets = |field, c| {
            let at: Ranges = addresses(c, field, family.max_address());
            !at.is_full(family.max_address()) && at.meets(&zone.addresses)
        };
        filter.diff.changes.iter().any(|c| meets(Field::Src, c) || meets(Field::Dst, c))
    };
    zones.sort_by_cached_key(|z| !touched(z));
    zones.truncate(MOST_ZONES);
    zones.sort_by(|a, b| a.name.cmp(&b.name));
    let all = zones.iter().fold(Ranges::empty(), |all, z| all.union(&z.addresses));
    let rest = all.complement(family.max_address());
    let name = if zones.is_empty() { "everywhere" } else { "everything else" };
    zones.extend((!rest.is_empty()).then(|| Zone { name: name.to_owned(), addresses: rest }));
    zones
}

fn of_changes(filter: &FilterView<'_>) -> Vec<Zone> {
    let mut out: Vec<Zone> = Vec::new();
    for change in &filter.diff.changes {
        for field in [Field::Src, Field::Dst] {
            let addresses = addresses(change, field, filter.family.max_address());
            if !out.iter().any(|z| z.addresses == addresses) {
                out.push(Zone { name: words(&addresses, filter.family), addresses });
            }
        }
    }
    out
}

fn words(addresses: &Ranges, family: Family) -> String {
    let texts = address_texts(addresses, family);
    match texts.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}

fn table(filter: &FilterView<'_>, zones: &[Zone], picture: &ZonePicture) -> String {
    let heading = |z: &Zone| format!("<th scope=\"col\"><span>{}</span></th>", escaped(&shortened(&z.name, 40)));
    let head: String = zones.iter().map(heading).collect();
    let mut body = String::new();
    for (from, row) in zones.iter().zip(&picture.entries) {
        let cells: String = zones.iter().zip(row).map(|(to, entry)| square(from, to, *entry)).collect();
        let _ = write!(body, "<tr><th scope=\"row\">{}</th>{cells}</tr>", escaped(&shortened(&from.name, 40)));
    }
    let title = format!("{}, {} {}", picture.service, filter.pair.name, filter.hook);
    let caption = format!(
        "<caption><b>{}</b> {} <span class=\"where\">{}, {}</span></caption>",
        escaped(&picture.service),
        escaped(filter.pair.name),
        filter.hook,
        filter.family
    );
    scrolling(
        &format!("Who reaches whom: {title}"),
        &format!(
            "<table class=\"matrix\">{caption}<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
        ),
    )
}

fn square(from: &Zone, to: &Zone, [before, after]: [Entry; 2]) -> String {
    let (was, now) = (words_of(before), words_of(after));
    let way = format!("{} to {}", from.name, to.name);
    if before == after {
        return format!(
            "<td class=\"e-{}\" title=\"{}: {now}\"><span aria-hidden=\"true\">{}</span><span class=\"hidden\">{now}</span></td>",
            after.name(),
            escaped(&way),
            mark(after)
        );
    }
    format!(
        "<td class=\"changed\" title=\"{}: {was}, now {now}\"><span class=\"was e-{}\" aria-hidden=\"true\">{}</span>\
         <span class=\"now e-{}\" aria-hidden=\"true\">{}</span><span class=\"hidden\">{was}, now {now}</span></td>",
        escaped(&way),
        before.name(),
        mark(before),
        after.name(),
        mark(after)
    )
}

fn mark(entry: Entry) -> char {
    match entry {
        Entry::Accept => '+',
        Entry::Drop => '-',
        Entry::Depends => '?',
        Entry::Partly => '~',
    }
}

fn words_of(entry: Entry) -> &'static str {
    match entry {
        Entry::Accept => "passes",
        Entry::Drop => "is refused",
        Entry::Depends => "depends on conditions",
        Entry::Partly => "passes in part",
    }
}
