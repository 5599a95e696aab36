//! What is sent through a namespace, and what is demanded of it.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// How a packet goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Way {
    /// To this host, by this interface.
    Input(String),
    /// From this host, by this interface.
    Output(String),
    /// Through this host, in by one interface and out by another.
    Forward(String, String),
}

/// What policy demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Demand {
    /// Every packet of the conversation passes.
    Pass,
    /// The first packet does not.
    Blocked,
}

/// The first packet of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// From.
    pub src: IpAddr,
    /// To.
    pub dst: IpAddr,
    /// The protocol's number.
    pub proto: u8,
    /// Source port; the number of an ICMP query.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// Type and code, for ICMP.
    pub icmp: (u8, u8),
}

/// One conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// The requirement or prohibition.
    pub rule: String,
    /// How the first packet goes.
    pub way: Way,
    /// The first packet.
    pub first: Header,
    /// The type of the ICMP reply, where there is one.
    pub icmp_reply: Option<u8>,
    /// Whether there is anything after the first packet.
    pub has_reply: bool,
    /// What is demanded.
    pub demand: Demand,
}

/// What became of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// As demanded.
    AsDemanded,
    /// This packet was stopped, or let through, against the demand: `SYN`, `reply`.
    Against(String),
    /// It does not even pass an empty namespace, so nothing was proved.
    NotSendable,
}

impl std::fmt::Display for Talk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Header { src, dst, proto, sport, dport, icmp } = &self.first;
        let protocol = crate::packet::protocol_name(*proto).map_or_else(|| proto.to_string(), str::to_owned);
        match proto {
            1 | 58 => write!(f, "{protocol} type {} from {src} to {dst}", icmp.0)?,
            6 | 17 | 33 | 132 | 136 => write!(f, "{protocol} {src} port {sport} to {dst} port {dport}")?,
            _ => write!(f, "{protocol} from {src} to {dst}")?,
        }
        match &self.way {
            Way::Input(by) => write!(f, " (in by {by})"),
            Way::Output(by) => write!(f, " (out by {by})"),
            Way::Forward(from, to) => write!(f, " (in by {from}, out by {to})"),
        }
    }
}
