//! `KEY set VALUE`: marks bit by bit, header fields, and what no rule sees.

use super::map;
use crate::dialect::Problem;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::rule::Reader;
use crate::dialect::nftables::meaning::select::{Selector, Source};
use crate::dialect::nftables::meaning::types::Type;
use crate::dialect::nftables::meaning::value::{self, Value};
use crate::dialect::nftables::syntax::{BinaryOp, Expr, ExprKind};
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{Effect, Match, Negate, Rewrite, Span, Step};

/// Changes something.
///
/// # Errors
/// Keys and values that are not understood, fields that cannot be changed.
pub fn read<'s>(reader: &mut Reader<'s, '_>, key: &'s Expr, value: &'s Expr, span: Span) -> Parsed<()> {
    let silent = match &key.kind {
        ExprKind::Ct { key, .. } if key == "zone" => {
            reader.notes.push(("the conntrack zone is ignored".to_owned(), span));
            true
        }
        ExprKind::Meta(key) if key == "broute" => {
            let note = "frames that `meta broute` takes out of the bridge are judged as if they stayed in it";
            reader.notes.push((note.to_owned(), span));
            true
        }
        ExprKind::Ct { key, .. } => key != "mark",
        ExprKind::Meta(key) => !matches!(key.as_str(), "mark" | "pkttype"),
        ExprKind::Exthdr { .. } => true,
        _ => false,
    };
    if silent {
        reader.tracks |= matches!(key.kind, ExprKind::Ct { .. });
        return Ok(());
    }
    let selector = reader.selector(key)?;
    let is_mark = matches!(selector.source, Source::Field(Field::Mark | Field::ConnMark));
    if !is_mark {
        selector.guards.iter().for_each(|g| reader.only_if(g.clone()));
    }
    match selector.source {
        Source::Field(Field::Proto) => Err(Problem::new(span, "a rule that changes the protocol is not understood")),
        Source::Field(field) => change(reader, field, &selector, value, span),
        Source::Port(field) => change(reader, field, &selector, value, span),
        _ => Ok(()),
    }
}

fn change<'s>(
    reader: &mut Reader<'s, '_>,
    field: Field,
    selector: &Selector,
    value: &'s Expr,
    span: Span,
) -> Parsed<()> {
    if let ExprKind::Map(key, data) = &value.kind {
        return by_map(reader, field, selector, key, data, span);
    }
    match linear(value, field, selector.kind)? {
        Some(form) => {
            let copies_connmark = field == Field::Mark && form.take != 0;
            reader.tracks |= copies_connmark || (field == Field::ConnMark);
            if copies_connmark {
                reader.only_if(Match::tracked());
            }
            reader.push(Step::Set(effect(field, form)));
        }
        None => unknown(reader, field, selector, value)?,
    }
    Ok(())
}

/// The value follows from something that is not followed up: any value of the type.
fn unknown(reader: &mut Reader<'_, '_>, field: Field, selector: &Selector, value: &Expr) -> Parsed<()> {
    for part in read_of(value) {
        let read = reader.selector(part)?;
        if std::ptr::eq(part, value) && !is_assignable(read.kind, selector.kind) {
            let message =
                format!("a value of type {} is set to one of type {}", selector.kind.name(), read.kind.name());
            return Err(Problem::new(value.span, message).help("nft refuses the rule: datatype mismatch"));
        }
        read.guards.iter().for_each(|g| reader.only_if(g.clone()));
    }
    let max = selector.kind.max().min(field.max(Family::V6));
    reader.push(Step::Set(Effect::Rewrite(field, Rewrite::To(Ranges::range(0, max)))));
    Ok(())
}

/// Whether nft sets something of one type to something of another: numbers and code points, but no addresses, ports,
/// protocols and interfaces.
fn is_assignable(from: Type, to: Type) -> bool {
    const NAMES: [Type; 8] = [
        Type::Ipv4,
        Type::Ipv6,
        Type::Ether,
        Type::EtherType,
        Type::Service,
        Type::Protocol,
        Type::InterfaceName,
        Type::InterfaceIndex,
    ];
    from == to || !NAMES.contains(&from)
}

/// The selectors in a value.
fn read_of(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Binary(_, a, b) => [read_of(a), read_of(b)].concat(),
        ExprKind::Word(_) | ExprKind::Quoted(_) | ExprKind::Prefix(..) | ExprKind::Range(..) => Vec::new(),
        _ => vec![expr],
    }
}

/// `(own & keep) ^ (other & take) ^ xor`, where `other` is the other mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Form {
    keep: u128,
    take: u128,
    xor: u128,
}

impl Form {
    const fn constant(xor: u128) -> Form {
        Form { keep: 0, take: 0, xor }
    }

    fn is_constant(self) -> bool {
        self.keep == 0 && self.take == 0
    }

    fn masked(self, mask: u128) -> Form {
        Form { keep: self.keep & mask, take: self.take & mask, xor: self.xor & mask }
    }

    fn support(self) -> u128 {
        self.keep | self.take | self.xor
    }

    fn flipped(self, other: Form) -> Form {
        Form { keep: self.keep ^ other.keep, take: self.take ^ other.take, xor: self.xor ^ other.xor }
    }
}

/// The value in that form; `None` where it takes more than that.
fn linear(expr: &Expr, field: Field, kind: Type) -> Parsed<Option<Form>> {
    let all = kind.max();
    Ok(match &expr.kind {
        ExprKind::Binary(op, left, right) => {
            let (Some(a), Some(b)) = (linear(left, field, kind)?, linear(right, field, kind)?) else { return Ok(None) };
            combined(*op, a, b, kind)
        }
        ExprKind::Meta(key) if key == "mark" && field == Field::Mark => Some(Form { keep: all, take: 0, xor: 0 }),
        ExprKind::Meta(key) if key == "mark" && field == Field::ConnMark => Some(Form { keep: 0, take: all, xor: 0 }),
        ExprKind::Ct { key, .. } if key == "mark" && field == Field::ConnMark => {
            Some(Form { keep: all, take: 0, xor: 0 })
        }
        ExprKind::Ct { key, .. } if key == "mark" && field == Field::Mark => Some(Form { keep: 0, take: all, xor: 0 }),
        ExprKind::Payload { field: name, .. } if is_own(name, field) => Some(Form { keep: all, take: 0, xor: 0 }),
        ExprKind::Word(_) | ExprKind::Quoted(_) | ExprKind::List(_) => Some(Form::constant(value::number(kind, expr)?)),
        ExprKind::Range(..) | ExprKind::Prefix(..) => {
            return Err(Problem::new(expr.span, "a range is no value that something can be set to")
                .help("nft knows no differences; give one value, or a map"));
        }
        _ => None,
    })
}

/// Whether a header field's name is the one that is changed.
fn is_own(name: &str, field: Field) -> bool {
    matches!((name, field), ("dscp", Field::Dscp) | ("ecn", Field::Ecn) | ("flags", Field::TcpFlags))
}

fn combined(op: BinaryOp, a: Form, b: Form, kind: Type) -> Option<Form> {
    match (op, a.is_constant(), b.is_constant()) {
        (_, true, true) => value::apply(op, a.xor, b.xor, kind).map(Form::constant),
        (BinaryOp::And, _, true) => Some(a.masked(b.xor)),
        (BinaryOp::And, true, _) => Some(b.masked(a.xor)),
        (BinaryOp::Or, _, true) => Some(a.masked(!b.xor).flipped(b)),
        (BinaryOp::Or, true, _) => Some(b.masked(!a.xor).flipped(a)),
        (BinaryOp::Or, ..) if a.support() & b.support() == 0 => Some(a.flipped(b)),
        (BinaryOp::Xor, ..) => Some(a.flipped(b)),
        _ => None,
    }
}

fn effect(field: Field, form: Form) -> Effect {
    let Form { keep, take, xor } = form;
    match field {
        Field::Mark | Field::ConnMark => Effect::Mark { field, keep: keep as u32, take: take as u32, xor: xor as u32 },
        _ if form.is_constant() => Effect::Rewrite(field, Rewrite::To(Ranges::one(xor))),
        _ => Effect::Rewrite(field, Rewrite::Masked { keep, xor }),
    }
}

/// Each value that the map gives makes a rule of its own; keys that are not in the map end the rule.
fn by_map<'s>(
    reader: &mut Reader<'s, '_>,
    field: Field,
    selector: &Selector,
    key: &'s Expr,
    data: &'s Expr,
    span: Span,
) -> Parsed<()> {
    let asked = map::ask(reader, key, data)?;
    reader.tracks |= field == Field::ConnMark;
    let kind = selector.kind;
    let found = map::values(reader, &asked, |expr| match value::read(kind, expr)? {
        Value::Range(lo, hi) => Ok(effect_of_range(field, lo, hi)),
        _ => Err(Problem::new(expr.span, format!("this is no value of type {}", kind.name()))),
    })?;
    let (listed, unknown) = map::changing(&asked, &found);
    let mut branches = exclusive(found);
    if asked.changes {
        let any = Effect::Rewrite(field, Rewrite::To(Ranges::range(0, kind.max().min(field.max(Family::V6)))));
        branches.push((Match::all([listed.negated_if(Negate::Yes), unknown]), vec![Step::Set(any)]));
    }
    reader.split(&branches, span)
}

fn effect_of_range(field: Field, lo: u128, hi: u128) -> Effect {
    match lo == hi {
        true => effect(field, Form::constant(lo)),
        false => Effect::Rewrite(field, Rewrite::To(Ranges::range(lo, hi))),
    }
}

/// The entry for all other keys excludes the listed ones.
fn exclusive(found: Vec<(Match, Effect)>) -> Vec<(Match, Vec<Step>)> {
    let listed = Match::any(found.iter().map(|(m, _)| m.clone()).filter(|m| *m != Match::Always));
    let condition = |m: Match| if m == Match::Always { listed.clone().negated_if(Negate::Yes) } else { m };
    found.iter().map(|(m, effect)| (condition(m.clone()), vec![Step::Set(effect.clone())])).collect()
}
