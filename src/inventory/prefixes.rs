//! Ranges of the inventory.

use super::table::{Row, Table};
use crate::document::{Problems, Spanned};
use crate::packet::{Family, Ranges};
use crate::ruleset::Span;
use ipnet::IpNet;

/// One range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The range.
    pub net: IpNet,
    /// What is said of its use.
    pub status: PrefixStatus,
    /// The routing table that it belongs to; ranges of different ones do not overlap.
    pub vrf: Option<String>,
    /// What it is for.
    pub role: Option<String>,
    /// Where it is.
    pub site: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// A word about it.
    pub description: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// NetBox's states of a range (`ipam/choices.py`, `PrefixStatusChoices`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrefixStatus {
    /// It holds other ranges, and no hosts itself.
    Container,
    /// It is used.
    #[default]
    Active,
    /// It is kept for later.
    Reserved,
    /// It is given up.
    Deprecated,
}

impl PrefixStatus {
    /// As NetBox writes it.
    pub fn name(self) -> &'static str {
        match self {
            PrefixStatus::Container => "container",
            PrefixStatus::Active => "active",
            PrefixStatus::Reserved => "reserved",
            PrefixStatus::Deprecated => "deprecated",
        }
    }

    /// Whether hosts of the range may talk.
    pub fn is_used(self) -> bool {
        self == PrefixStatus::Active
    }
}

impl Prefix {
    /// The family of the range.
    pub fn family(&self) -> Family {
        if self.net.network().is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// Its addresses.
    pub fn ranges(&self) -> Ranges {
        let value = |address: std::net::IpAddr| match address {
            std::net::IpAddr::V4(v4) => u128::from(u32::from(v4)),
            std::net::IpAddr::V6(v6) => u128::from(v6),
        };
        Ranges::range(value(self.net.network()), value(self.net.broadcast()))
    }
}

/// Reads every row.
pub(super) fn read(table: &Table, problems: &Problems) -> Vec<Prefix> {
    if !table.needs("prefix", problems) {
        return Vec::new();
    }
    table.rows.iter().filter_map(|row| prefix(row, problems)).collect()
}

fn prefix(row: &Row, problems: &Problems) -> Option<Prefix> {
    let Some(text) = row.text(&["prefix"]) else {
        problems.note(row.span, "this row has no prefix", None);
        return None;
    };
    let said = |columns: &[&str]| row.text(columns).map(|t| t.value.clone());
    Some(Prefix {
        net: net(text, problems)?,
        status: row.text(&["status"]).map_or(Some(PrefixStatus::Active), |s| status(s, problems))?,
        vrf: said(&["vrf"]),
        role: said(&["role"]),
        site: said(&["site"]),
        tenant: said(&["tenant"]),
        description: said(&["description"]),
        span: row.span,
    })
}

fn net(text: &Spanned<String>, problems: &Problems) -> Option<IpNet> {
    let read = text.value.parse::<IpNet>().ok().filter(|net| net.addr() == net.network());
    if read.is_none() {
        let help = "a prefix is written `10.20.0.0/16`, without bits behind its length";
        problems.report(text.span, format!("`{}` is no prefix", text.value), help);
    }
    read
}

fn status(text: &Spanned<String>, problems: &Problems) -> Option<PrefixStatus> {
    let all = [PrefixStatus::Container, PrefixStatus::Active, PrefixStatus::Reserved, PrefixStatus::Deprecated];
    let found = all.into_iter().find(|s| text.value.eq_ignore_ascii_case(s.name()));
    if found.is_none() {
        let help = "it is one of container, active, reserved and deprecated";
        problems.report(text.span, format!("`{}` is no status of a prefix", text.value), help);
    }
    found
}
