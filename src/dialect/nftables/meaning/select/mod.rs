//! Selectors: the expressions that read something of the packet, and what a comparison with them asks for.

mod connection;
mod extension;
mod header;
mod meta;
mod routing;
mod source;

pub use connection::CT;
pub use header::PAYLOADS;
pub use meta::META;
pub use source::{Source, WITH_PORTS, source_entry};

use super::Parsed;
use super::known::Known;
use super::types::Type;
use super::value;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{BinaryOp, Expr, ExprKind};
use crate::ruleset::{DeviceFacts, Match};

/// How far a selector is read exactly; the support table of the documentation says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// To fields of the packet.
    Exact,
    /// To fields, with conditions for some values.
    Partly,
    /// To a condition that is a function of the packet.
    Condition,
    /// To a condition of each rule.
    EachRule,
}

/// Every other selector with how it is read.
pub static OTHERS: &[(&str, Reading, &str)] = &[
    ("exthdr HEADER", Reading::Exact, "presence"),
    ("rt type, rt seg-left, mh type, ah spi", Reading::Exact, ""),
    ("frag frag-off", Reading::Partly, "whether it is the first fragment"),
    ("other fields of extension headers", Reading::Condition, ""),
    (
        "tcp option, ip option, sctp chunk, dccp option",
        Reading::Condition,
        "`tcp option` as `tcp-option` and `tcpmss` of iptables",
    ),
    ("fib saddr type, fib daddr type", Reading::Partly, "exact where the device's addresses are known"),
    ("fib ... oif, fib ... oifname", Reading::Condition, "existence as `rpfilter` of iptables"),
    ("rt classid, rt nexthop, rt mtu, rt ipsec", Reading::Condition, ""),
    ("socket, osf, ipsec, tunnel, jhash, symhash", Reading::Condition, ""),
    ("numgen", Reading::EachRule, ""),
    ("@BASE,OFFSET,LENGTH", Reading::Partly, "exact where it is a field"),
];

/// What an expression reads.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The type of its values.
    pub kind: Type,
    /// What must hold so that it can be read at all: a comparison fails without it, negated or not.
    pub guards: Vec<Match>,
    /// How values become conditions on the packet.
    pub source: Source,
    /// Operators between what is read and what it is compared with, in order.
    pub operators: Vec<(BinaryOp, u128)>,
    /// How names of conditions begin: `module: key`.
    pub words: String,
    /// Whether it makes the kernel track connections.
    pub tracks: bool,
    /// What equality with a value makes certain.
    pub teaches: Teaches,
}

/// What a rule learns from equality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teaches {
    /// Nothing that matters to other expressions.
    Nothing,
    /// The protocol.
    Protocol,
    /// The family, by its netfilter number.
    Family,
    /// The family, by its Ethernet type.
    EtherType,
}

impl Selector {
    /// A selector without guards.
    pub fn new(kind: Type, source: Source, words: impl Into<String>) -> Selector {
        let (guards, operators) = (Vec::new(), Vec::new());
        Selector { kind, guards, source, operators, words: words.into(), tracks: false, teaches: Teaches::Nothing }
    }

    /// With a condition under which alone it can be read.
    pub fn guarded(mut self, guard: Match) -> Selector {
        if guard != Match::Always {
            self.guards.push(guard);
        }
        self
    }

    /// With what equality teaches.
    pub fn teaching(self, teaches: Teaches) -> Selector {
        Selector { teaches, ..self }
    }

    /// Which makes the kernel track connections.
    pub fn tracking(self) -> Selector {
        Selector { tracks: true, ..self }
    }
}

/// What an expression reads, given what is known of the packet.
///
/// # Errors
/// Values where a selector is expected, unknown keys, headers that contradict what is known.
pub fn select(expr: &Expr, known: &mut Known, facts: &DeviceFacts) -> Parsed<Selector> {
    match &expr.kind {
        ExprKind::Meta(key) => meta::select(key, expr.span, known),
        ExprKind::Ct { key, direction, family } => {
            connection::select(key, direction.as_deref(), family.as_deref(), expr.span, known)
        }
        ExprKind::Payload { header, field } => header::select(header, field, expr.span, known),
        ExprKind::Raw { base, offset, length } => header::select_raw(base, *offset, *length, expr.span, known),
        ExprKind::Exthdr { header, field } => extension::header(header, field.as_deref(), expr.span, known),
        ExprKind::Option { protocol, name, field } => {
            extension::option(protocol, name, field.as_deref(), expr.span, known)
        }
        ExprKind::Fib { flags, result } => routing::fib(flags, result, expr.span, known, facts),
        ExprKind::Other(words) => routing::other(words, expr.span, known),
        ExprKind::Binary(op, left, right) => {
            let mut selector = select(left, known, facts)?;
            let shift = matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight);
            let with = value::number(if shift { Type::Integer(32) } else { selector.kind }, right)?;
            selector.operators.push((*op, with));
            Ok(selector)
        }
        _ => Err(Problem::new(expr.span, "this reads nothing of the packet")
            .help("expected is an expression such as `ip saddr`, `tcp dport`, `meta mark` or `ct state`")),
    }
}
