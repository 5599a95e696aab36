//! What rules do: verdicts, changes of fields, translations.

use super::{ChainId, Opaque};
use crate::packet::{Field, Ranges};
use std::sync::Arc;

/// Which end of a connection a translation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum TranslatedSide {
    Source,
    Destination,
}

/// Something that a rule changes for later matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// `field = (field & keep) ^ (other & take) ^ xor`, where `field` is `Mark` or `ConnMark` and `other` the
    /// other of the two; 32 bits each.
    Mark {
        /// `Mark` or `ConnMark`.
        field: Field,
        /// Bits of the field that stay.
        keep: u32,
        /// Bits that are copied from the other mark.
        take: u32,
        /// Bits that are flipped last.
        xor: u32,
    },
    /// Another header field takes a new value.
    Rewrite(Field, Rewrite),
    /// The packet is exempt from conntrack from here on (`NOTRACK`).
    Untrack,
}

/// How a field's new value follows from its old one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rewrite {
    /// One of these values; which one is not known unless there is only one.
    To(Ranges),
    /// The old value plus this, kept within 0..=255 (TTL and hop limit).
    Add(i16),
    /// `base` with the old value's `host` bits (`NETMAP`).
    Prefix {
        /// The network part.
        base: u128,
        /// The bits that stay.
        host: u128,
    },
    /// `(old & keep) ^ xor` (DSCP, TOS).
    Masked {
        /// Bits that stay.
        keep: u128,
        /// Bits that are flipped.
        xor: u128,
    },
}

/// A translation of a connection: what becomes of its addresses and ports.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Translation {
    /// New source address; `masquerade` leaves it to the outgoing interface.
    pub src: Option<Rewrite>,
    /// New destination address.
    pub dst: Option<Rewrite>,
    /// New source port.
    pub sport: Option<Rewrite>,
    /// New destination port.
    pub dport: Option<Rewrite>,
    /// What the addresses cannot say: `masquerade`, `redirect`, `random`, `persistent`, sorted.
    pub options: Vec<Arc<str>>,
}

impl Translation {
    /// Whether the destination end is translated (DNAT, REDIRECT, NETMAP before routing).
    pub fn is_destination(&self) -> bool {
        self.dst.is_some() || self.dport.is_some() || self.options.iter().any(|o| &**o == "redirect")
    }

    /// Whether the source end is translated (SNAT, MASQUERADE, NETMAP behind routing).
    pub fn is_source(&self) -> bool {
        self.src.is_some() || self.sport.is_some() || self.leaves_open(TranslatedSide::Source)
    }

    /// What becomes of the address and the port of one end.
    pub fn parts(&self, side: TranslatedSide) -> impl Iterator<Item = (Field, &Rewrite)> {
        let parts = match side {
            TranslatedSide::Source => [(Field::Src, &self.src), (Field::Sport, &self.sport)],
            TranslatedSide::Destination => [(Field::Dst, &self.dst), (Field::Dport, &self.dport)],
        };
        parts.into_iter().filter_map(|(field, rewrite)| Some((field, rewrite.as_ref()?)))
    }

    /// Whether the new address of an end follows from an interface, so that it may be the old one.
    pub fn leaves_open(&self, side: TranslatedSide) -> bool {
        let word = match side {
            TranslatedSide::Source => "masquerade",
            TranslatedSide::Destination => "redirect",
        };
        self.options.iter().any(|o| &**o == word)
    }
}

/// What a rule decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Ends this base chain in the packet's favour.
    Accept,
    /// Ends the walk.
    Drop,
    /// Ends the walk and says so: the kind in the spelling of iptables (`icmp-port-unreachable`, `tcp-reset`).
    Reject(Arc<str>),
    /// Calls a chain.
    Jump(ChainId),
    /// Goes to a chain without coming back.
    Goto(ChainId),
    /// Goes back to the caller; in a base chain, to the policy.
    Return,
    /// Goes on with the next rule.
    Continue,
    /// Translates and ends this base chain.
    Translate(Arc<Translation>),
    /// Hands the packet to something outside (`nfqueue 0`): accepted or dropped as the condition of this name
    /// says.
    Ask(Opaque),
}
