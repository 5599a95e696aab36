//! Which tool loads a file into the kernel, and which one prints what the kernel holds.

use crate::dialect::iptables::{FileKind, file_kind};
use crate::dialect::{DIALECTS, InputFile, ReadOptions};
use crate::packet::Family;
use serde::{Deserialize, Serialize};

/// A tool that loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Loader {
    /// `ipset restore`.
    Ipset,
    /// `iptables-restore`.
    Iptables,
    /// `ip6tables-restore`.
    Ip6tables,
    /// `nft -f`.
    Nft,
}

/// One file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// The name that reports show.
    pub name: String,
    /// Where the bytes stand.
    pub path: String,
    /// What loads them.
    pub loader: Loader,
}

impl Loader {
    /// The program and its arguments; the file is the last one or the input.
    pub fn load(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Loader::Ipset => ("ipset", &["restore"]),
            Loader::Iptables => ("iptables-restore", &["--noflush"]),
            Loader::Ip6tables => ("ip6tables-restore", &["--noflush"]),
            Loader::Nft => ("nft", &["-f", "-"]),
        }
    }

    /// The program and its arguments as a device calls it that runs something already: what the file names is replaced.
    pub fn replace(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Loader::Ipset => ("ipset", &["restore", "-exist"]),
            Loader::Iptables => ("iptables-restore", &[]),
            Loader::Ip6tables => ("ip6tables-restore", &[]),
            Loader::Nft => self.load(),
        }
    }

    /// The program that prints what the kernel holds, and its arguments.
    pub fn print(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Loader::Ipset => ("ipset", &["save"]),
            Loader::Iptables => ("iptables-save", &[]),
            Loader::Ip6tables => ("ip6tables-save", &[]),
            Loader::Nft => ("nft", &["-s", "list", "ruleset"]),
        }
    }

    /// The name under which what was printed is read again.
    pub fn file_name(self) -> &'static str {
        match self {
            Loader::Ipset => "ipset",
            Loader::Iptables => "rules.v4",
            Loader::Ip6tables => "rules.v6",
            Loader::Nft => "rules.nft",
        }
    }
}

/// What loads a file; `None` for what no kernel takes (another dialect, routes).
pub fn loader_of(file: &InputFile, options: &ReadOptions) -> Option<Loader> {
    let text = std::str::from_utf8(&file.bytes).ok()?;
    let named = options.dialect.as_deref().and_then(crate::dialect::Dialect::by_name);
    let dialect = named.or_else(|| DIALECTS.iter().find(|d| (d.recognises)(text)))?;
    match dialect.name {
        "iptables" => match file_kind(file, options)? {
            FileKind::Sets => Some(Loader::Ipset),
            FileKind::Rules(Family::V4) => Some(Loader::Iptables),
            FileKind::Rules(Family::V6) => Some(Loader::Ip6tables),
        },
        "nftables" | "nft" => Some(Loader::Nft),
        _ => None,
    }
}
