//! Routes in words.

use super::canonical::canonical_forwarding;
use super::diff::{RouteChange, RouteRegion};
use super::lookup::{Flow, Outcome};
use super::model::Routing;
use super::zone::address_text;
use crate::packet::{Family, address_texts};

/// Most ranges of a region that are listed.
const MOST_RANGES: usize = 6;

/// A packet, by what is said of it: `10.30.1.1 from 10.20.0.1 iif eth0`.
pub fn flow_words(flow: &Flow) -> String {
    let number = |name: &str, value: u64| (value != 0).then(|| format!("{name} {value}"));
    let words = [
        (flow.from != 0).then(|| format!("from {}", address_text(flow.family, flow.from))),
        flow.iif.as_ref().map(|name| format!("iif {name}")),
        flow.oif.as_ref().map(|name| format!("oif {name}")),
        (flow.fwmark != 0).then(|| format!("fwmark {:#x}", flow.fwmark)),
        (flow.tos != 0).then(|| format!("tos {:#x}", flow.tos)),
        number("ipproto", u64::from(flow.ipproto)),
        number("sport", u64::from(flow.sport)),
        number("dport", u64::from(flow.dport)),
        number("uid", u64::from(flow.uid)),
        number("tun_id", flow.tun_id),
        flow.domain.then(|| "in a routing domain".to_owned()),
    ];
    let to = address_text(flow.family, flow.to);
    std::iter::once(to).chain(words.into_iter().flatten()).collect::<Vec<_>>().join(" ")
}

/// What an outcome does, in the words of `ip route`: `unicast via 10.0.0.1 dev eth0`; `no route`.
pub fn outcome_words(routing: &Routing, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Nowhere => "no route".to_owned(),
        Outcome::Ended { priority, kind } => format!("{} by rule {priority}", kind.name()),
        other => {
            let text = canonical_forwarding(routing, other);
            text.strip_prefix("unicast ").map(str::to_owned).unwrap_or(text)
        }
    }
}

/// A region: its destinations, and what else must hold.
pub fn region_words(region: &RouteRegion, family: Family) -> String {
    let mut texts = address_texts(&region.to, family);
    let hidden = texts.len().saturating_sub(MOST_RANGES);
    texts.truncate(MOST_RANGES);
    if hidden > 0 {
        texts.push(format!("{hidden} more"));
    }
    let zone: Vec<String> =
        region.zone.texts(family).into_iter().map(|(name, text)| format!(" {name} {text}")).collect();
    texts.join(", ") + &zone.concat()
}

/// A change in one line, for records that are signed: `10.30.0.0/16 no longer via 10.0.0.1 dev eth0 but via 10.0.0.9 dev eth1`.
pub fn change_words(old: &Routing, new: &Routing, change: &RouteChange) -> String {
    let table = change.table.as_ref().map(|t| format!(" in table {t}")).unwrap_or_default();
    let regions: Vec<String> = change.regions.iter().map(|r| region_words(r, change.family)).collect();
    let (was, is) = (outcome_words(old, &change.old), outcome_words(new, &change.new));
    format!("{} ({}){table}: {was}, now {is}", regions.join(" and "), change.kind.name())
}
