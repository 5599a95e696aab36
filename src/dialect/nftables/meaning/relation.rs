//! Comparisons: `tcp dport 22`, `tcp flags & (fin | syn) == syn`, `ip saddr != @blocked`.
//!
//! A comparison without an operator means equality or membership, and of bits that one of them is set. What a selector
//! asks for before it can be read holds for a negated comparison, too.

use super::keys::{self, Keys};
use super::rule::Reader;
use super::select::{Selector, Teaches, select};
use super::types::Type;
use super::value::{self, Value};
use super::{Parsed, sets};
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{BinaryOp, Element, Expr, ExprKind, RelationOp};
use crate::packet::{Family, Ranges};
use crate::ruleset::{Match, Negate};

/// The packets for which a comparison holds.
///
/// # Errors
/// Expressions that are not understood, or that nft refuses.
pub fn relation(reader: &mut Reader<'_, '_>, left: &Expr, op: RelationOp, right: &Expr) -> Parsed<Match> {
    let negate = if op == RelationOp::NotEqual { Negate::Yes } else { Negate::No };
    if let ExprKind::SetRef(name) = &right.kind {
        let selectors = reader.selectors(left)?;
        check_set_operator(op, right)?;
        let member = sets::lookup(reader, &selectors, name)?;
        return Ok(guarded(&selectors, member.negated_if(negate)));
    }
    if let (ExprKind::Concat(_), _) = (&left.kind, &right.kind) {
        let selectors = reader.selectors(left)?;
        check_set_operator(op, right)?;
        let listed = tuples(&selectors, right)?;
        let member = keys::membership("anonymous", &selectors, &listed.keys, &reader.known);
        let member = if listed.wildcard { Match::Always } else { member };
        return Ok(guarded(&selectors, member.negated_if(negate)));
    }
    single(reader, left, op, right)
}

/// Everything that the selectors ask for, and then the comparison.
pub fn guarded(selectors: &[Selector], inner: Match) -> Match {
    Match::all(selectors.iter().flat_map(|s| s.guards.iter().cloned()).chain([inner]))
}

fn tuples(selectors: &[Selector], right: &Expr) -> Parsed<Keys> {
    let types: Vec<Type> = selectors.iter().map(|s| s.kind).collect();
    match &right.kind {
        ExprKind::Braces(elements) => keys::read(&types, elements.iter()),
        _ => Ok(Keys { keys: vec![keys::key(&types, right)?], wildcard: false }),
    }
}

fn check_set_operator(op: RelationOp, right: &Expr) -> Parsed<()> {
    match op {
        RelationOp::Implicit | RelationOp::Equal | RelationOp::NotEqual => Ok(()),
        _ => Err(Problem::new(right.span, "a set is compared with `==` and `!=` only")),
    }
}

/// A comparison of one selector, which operators may stand behind, with constants.
fn single(reader: &mut Reader<'_, '_>, left: &Expr, op: RelationOp, right: &Expr) -> Parsed<Match> {
    let selector = reader.selector(&presence(left, right))?;
    if op == RelationOp::Unset && !selector.kind.is_bits() {
        return Err(Problem::new(right.span, "`!` and `not` ask that bits are unset, and this is no value of bits")
            .help("write `!=`"));
    }
    let inner = match (&right.kind, op) {
        (ExprKind::Braces(elements), _) => {
            check_set_operator(op, right)?;
            let values = braces(selector.kind, elements)?;
            let negate = if op == RelationOp::NotEqual { Negate::Yes } else { Negate::No };
            teach(reader, &selector, op, &values);
            selector.among(&[], &values).negated_if(negate)
        }
        (_, RelationOp::Implicit | RelationOp::Unset) if tests_bits(&selector, op, right) => {
            let bits = value::number(selector.kind, right)?;
            let negate = if op == RelationOp::Unset { Negate::No } else { Negate::Yes };
            selector.among(&[(BinaryOp::And, bits)], &[Value::Range(0, 0)]).negated_if(negate)
        }
        _ => compared(reader, &selector, op, right)?,
    };
    Ok(guarded(&[selector], inner))
}

/// `fib ... oif missing` asks whether there is an interface, not for its name.
fn presence(base: &Expr, right: &Expr) -> Expr {
    let asks = matches!(&right.kind, ExprKind::Word(word) if word == "missing" || word == "exists");
    match &base.kind {
        ExprKind::Fib { flags, result } if asks && result.starts_with("oif") => {
            Expr { kind: ExprKind::Fib { flags: flags.clone(), result: "check".to_owned() }, span: base.span }
        }
        _ => base.clone(),
    }
}

fn tests_bits(selector: &Selector, op: RelationOp, right: &Expr) -> bool {
    let is_range = matches!(right.kind, ExprKind::Range(..) | ExprKind::Prefix(..));
    op == RelationOp::Unset || (selector.kind.is_bits() && !is_range)
}

fn braces(kind: Type, elements: &[Element]) -> Parsed<Vec<Value>> {
    let listed = keys::read(&[kind], elements.iter())?;
    let everything = listed.wildcard.then_some(Value::Range(0, kind.max()));
    Ok(listed.keys.into_iter().flatten().chain(everything).collect())
}

/// A comparison with one value, range or prefix.
fn compared(reader: &mut Reader<'_, '_>, selector: &Selector, op: RelationOp, right: &Expr) -> Parsed<Match> {
    let value = value::read(selector.kind, right)?;
    let negate = if op == RelationOp::NotEqual { Negate::Yes } else { Negate::No };
    let (lo, hi) = match (&value, op) {
        (_, RelationOp::Implicit | RelationOp::Equal | RelationOp::NotEqual) => {
            let values = [value];
            teach(reader, selector, op, &values);
            return Ok(selector.among(&[], &values).negated_if(negate));
        }
        (Value::Range(lo, hi), _) if lo == hi => (*lo, *hi),
        (Value::Text(text), _) => return Ok(selector.by_name(&format!("{} {text}", sign(op)))),
        _ => return Err(Problem::new(right.span, "only numbers are compared with `<` and `>`")),
    };
    let max = selector.kind.max();
    let values = match op {
        RelationOp::Less => lo.checked_sub(1).map_or_else(Ranges::empty, |last| Ranges::range(0, last)),
        RelationOp::LessOrEqual => Ranges::range(0, lo),
        RelationOp::Greater if hi >= max => Ranges::empty(),
        RelationOp::Greater => Ranges::range(hi + 1, max),
        _ => Ranges::range(hi, max),
    };
    let values: Vec<Value> = values.as_slice().iter().map(|&(lo, hi)| Value::Range(lo, hi)).collect();
    Ok(selector.among(&[], &values))
}

fn sign(op: RelationOp) -> &'static str {
    match op {
        RelationOp::Less => "<",
        RelationOp::LessOrEqual => "<=",
        RelationOp::Greater => ">",
        RelationOp::GreaterOrEqual => ">=",
        _ => "==",
    }
}

/// Equality makes protocol and family certain for what follows in the rule.
fn teach(reader: &mut Reader<'_, '_>, selector: &Selector, op: RelationOp, values: &[Value]) {
    if op == RelationOp::NotEqual || !selector.operators.is_empty() {
        return;
    }
    let numbers: Ranges =
        values.iter().filter_map(|v| if let Value::Range(lo, hi) = v { Some((*lo, *hi)) } else { None }).collect();
    let only = (numbers.len() == 1).then(|| numbers.first()).flatten();
    match (selector.teaches, only) {
        (Teaches::Protocol, _) if numbers.len() <= 32 => {
            let listed = numbers.as_slice().iter().flat_map(|&(lo, hi)| lo..=hi).map(|p| p as u8);
            reader.known.learn_protocols(listed.collect());
        }
        (Teaches::Family, Some(2)) | (Teaches::EtherType, Some(0x0800)) => reader.known.learn_family(Family::V4),
        (Teaches::Family, Some(10)) | (Teaches::EtherType, Some(0x86dd)) => reader.known.learn_family(Family::V6),
        _ => {}
    }
}

impl Reader<'_, '_> {
    /// What one expression reads.
    ///
    /// # Errors
    /// Values where a selector is expected, and everything that `select` refuses.
    pub fn selector(&mut self, expr: &Expr) -> Parsed<Selector> {
        let selector = select(expr, &mut self.known, self.scope.facts)?;
        self.tracks |= selector.tracks;
        Ok(selector)
    }

    /// What the parts of a key read.
    ///
    /// # Errors
    /// As `selector`.
    pub fn selectors(&mut self, expr: &Expr) -> Parsed<Vec<Selector>> {
        keys::parts(expr).iter().map(|part| self.selector(part)).collect()
    }
}
