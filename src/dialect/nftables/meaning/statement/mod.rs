//! Statements: what each does to a packet, or asks of it.

mod ask;
mod assign;
mod map;
mod nat;
mod reject;
mod silent;

use super::Parsed;
use super::known::Packets;
use super::relation::relation;
use super::rule::Reader;
use crate::dialect::Problem;
use crate::dialect::conditions::condition;
use crate::dialect::nftables::syntax::{Statement, StatementKind, VerdictSpec};
use crate::ruleset::{Effect, NfHook, Opaque, OpaqueKind, Step, Verdict};

/// Every statement with how it is read and what users should know.
pub static STATEMENTS: &[(&str, &str, &str)] = &[
    ("accept", "verdict", "ends its base chain only"),
    ("drop", "verdict", ""),
    ("return", "verdict", "in a base chain: the policy"),
    ("continue", "verdict", ""),
    ("jump, goto", "verdict", "chains and blocks of rules"),
    (
        "vmap",
        "verdict",
        "anonymous and named maps, intervals, `*`; of a map that changes by itself other keys by condition",
    ),
    ("reject", "verdict", "kinds in the words of iptables; `icmpx` by family"),
    ("queue", "verdict by condition", "condition `nfqueue N`"),
    ("synproxy", "verdict by condition", "condition `synproxy`"),
    ("tproxy", "condition, the same for every rule", "condition `tproxy ADDRESS PORT`"),
    ("fwd", "verdict", "counts as dropped, and a note says so"),
    ("dnat, snat, masquerade, redirect", "translation", "addresses, ranges, prefixes, ports, maps"),
    (
        "meta mark set, ct mark set",
        "changes what later rules see",
        "bit by bit; maps; other expressions make the mark unknown",
    ),
    ("HEADER FIELD set", "changes what later rules see", "of fields that are read exactly"),
    ("meta pkttype set", "changes what later rules see", ""),
    ("notrack", "changes what later rules see", ""),
    ("limit", "condition of each rule", "as `limit` of iptables; `over` is the negation; named limits by their object"),
    ("quota", "condition of each rule", "as `quota` of iptables; `over` is the negation"),
    ("ct count", "condition of each rule", ""),
    (
        "add, update, delete @SET, meter",
        "no effect on packets",
        "what is filled, holds other keys by condition; limits of the element by condition of each rule",
    ),
    ("flow add", "no effect on packets", "a note says that later packets are not judged again"),
    (
        "counter, log, last, dup, ct helper set, ct timeout set, ...",
        "no effect on packets",
        "`ct zone set` is ignored, and a note says so",
    ),
    ("xt match", "condition of each rule", "what iptables-nft made and nft cannot show, by its module"),
    ("xt target", "no effect on packets", "where the target decides nothing; others are refused"),
];

/// Whether a rule goes on behind a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It goes on.
    GoesOn,
    /// The statement decides.
    Decides,
}

/// Takes a statement into a rule.
///
/// # Errors
/// What is not understood, and what nft or the kernel refuses.
pub fn read<'s>(reader: &mut Reader<'s, '_>, statement: &'s Statement) -> Parsed<End> {
    let span = statement.span;
    match &statement.kind {
        StatementKind::Match { left, op, right } => {
            let found = relation(reader, left, *op, right)?;
            reader.only_if(found);
            Ok(End::GoesOn)
        }
        StatementKind::Verdict(verdict) => {
            let verdict = verdict_of(reader, verdict, span)?;
            if verdict == Verdict::Continue {
                return Ok(End::GoesOn);
            }
            reader.decide(verdict);
            Ok(End::Decides)
        }
        StatementKind::Vmap { key, data } => map::verdicts(reader, key, data),
        StatementKind::Limit(limit) => ask::limit(reader, limit).map(|()| End::GoesOn),
        StatementKind::Quota { over, amount, named } => {
            ask::quota(reader, *over, amount, *named, span).map(|()| End::GoesOn)
        }
        StatementKind::ConnCount { over, count } => {
            ask::connections(reader, *over, *count);
            Ok(End::GoesOn)
        }
        StatementKind::Reject(words) => reject::read(reader, words, span),
        StatementKind::Nat(nat) => nat::read(reader, nat, span),
        StatementKind::Tproxy { family, address, port } => {
            ask::tproxy(reader, family.as_deref(), address.as_ref(), port.as_ref(), span).map(|()| End::GoesOn)
        }
        StatementKind::Queue { to, .. } => Ok(queue(reader, to, span)),
        StatementKind::Set { key, value } => assign::read(reader, key, value, span).map(|()| End::GoesOn),
        StatementKind::SetUpdate { op, set, element } => ask::update(reader, op, set, element).map(|()| End::GoesOn),
        StatementKind::Notrack => {
            reader.push(Step::Set(Effect::Untrack));
            Ok(End::GoesOn)
        }
        StatementKind::Fwd(to) => Ok(forward(reader, to, span)),
        StatementKind::FlowAdd(table) => silent::flow(reader, table).map(|()| End::GoesOn),
        StatementKind::Synproxy(_) => synproxy(reader, span),
        StatementKind::Dup if reader.scope.packets == Packets::Both => {
            Err(Problem::new(span, "`dup` cannot stand in a table of inet").help("nft refuses it: unsupported family"))
        }
        StatementKind::Dup => Ok(End::GoesOn),
        StatementKind::Silent(words) => silent::read(reader, words, span).map(|()| End::GoesOn),
        StatementKind::Xt { kind, name } => xt(reader, kind, name, span),
    }
}

/// A verdict.
///
/// # Errors
/// Chains that cannot be called.
pub fn verdict_of<'s>(
    reader: &mut Reader<'s, '_>,
    verdict: &'s VerdictSpec,
    span: crate::ruleset::Span,
) -> Parsed<Verdict> {
    Ok(match verdict {
        VerdictSpec::Accept => Verdict::Accept,
        VerdictSpec::Drop => Verdict::Drop,
        VerdictSpec::Continue => Verdict::Continue,
        VerdictSpec::Return => Verdict::Return,
        VerdictSpec::Jump(name) => Verdict::Jump(reader.callee(name)?),
        VerdictSpec::Goto(name) => Verdict::Goto(reader.callee(name)?),
        VerdictSpec::JumpBlock(rules) => Verdict::Jump(reader.block(rules, span)),
        VerdictSpec::GotoBlock(rules) => Verdict::Goto(reader.block(rules, span)),
    })
}

const WITH_QUEUE: &[NfHook] = &[
    NfHook::Prerouting,
    NfHook::Input,
    NfHook::Forward,
    NfHook::Output,
    NfHook::Postrouting,
    NfHook::BridgePrerouting,
    NfHook::BridgeInput,
    NfHook::BridgeForward,
    NfHook::BridgeOutput,
    NfHook::BridgePostrouting,
];

fn ask_outside(reader: &mut Reader<'_, '_>, name: String) -> End {
    reader.decide(Verdict::Ask(Opaque { name: name.into(), kind: OpaqueKind::Pure }));
    End::Decides
}

/// A program decides; a range of queues is written as iptables does.
fn queue(reader: &mut Reader<'_, '_>, to: &str, span: crate::ruleset::Span) -> End {
    reader.place("queue", WITH_QUEUE, span);
    let to = if to.is_empty() { "0" } else { to };
    ask_outside(reader, format!("nfqueue {}", to.replace('-', ":")))
}

/// The packet leaves by another interface and is gone.
fn forward(reader: &mut Reader<'_, '_>, to: &str, span: crate::ruleset::Span) -> End {
    reader.place("fwd", &[NfHook::Ingress, NfHook::Egress], span);
    reader.notes.push((format!("packets that are forwarded to {to} count as dropped: they pass no other hook"), span));
    reader.decide(Verdict::Drop);
    End::Decides
}

/// The connection is made with the proxy first.
fn synproxy(reader: &mut Reader<'_, '_>, span: crate::ruleset::Span) -> Parsed<End> {
    let guard = reader.known.need_protocols(&[6], span)?;
    reader.only_if(guard);
    reader.tracks = true;
    reader.place("synproxy", &[NfHook::Input, NfHook::Forward], span);
    Ok(ask_outside(reader, "synproxy".to_owned()))
}

/// What iptables-nft made and nft cannot show: matches are conditions, targets are known only where they decide
/// nothing.
fn xt(reader: &mut Reader<'_, '_>, kind: &str, name: &str, span: crate::ruleset::Span) -> Parsed<End> {
    if kind == "match" {
        // Two matches of one module need not ask the same: the listing does not say what they ask.
        if name != "comment" {
            reader.only_if(condition(format!("xt: {name}"), OpaqueKind::PerRule));
        }
        return Ok(End::GoesOn);
    }
    const WITHOUT_VERDICT: [&str; 14] = [
        "LOG",
        "NFLOG",
        "ULOG",
        "TRACE",
        "TEE",
        "CLASSIFY",
        "TCPMSS",
        "TCPOPTSTRIP",
        "CHECKSUM",
        "AUDIT",
        "SECMARK",
        "CONNSECMARK",
        "IDLETIMER",
        "LED",
    ];
    if WITHOUT_VERDICT.contains(&name) {
        return Ok(End::GoesOn);
    }
    Err(Problem::new(span, format!("the listing does not say what the target `{name}` does"))
        .help("give the output of `iptables-nft-save` instead; nft cannot show the options of xtables targets"))
}
