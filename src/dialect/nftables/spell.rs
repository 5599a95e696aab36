//! Expressions in their canonical words, for what the tree keeps as text.

use super::syntax::{BinaryOp, Element, Expr, ExprKind, VerdictSpec};

/// The words of an expression. Quotes are left out, so that both spellings of a name are one.
pub fn expr(expr: &Expr) -> String {
    let mut out = String::new();
    write(expr, &mut out);
    out
}

/// A time in seconds, where it is one: `1h30m` is `5400`.
pub fn seconds(time: &str) -> String {
    let (mut total, mut number) = (0u64, 0u64);
    let mut units = time.chars().peekable();
    while let Some(c) = units.next() {
        let factor = match c {
            '0'..='9' => {
                number = number.saturating_mul(10).saturating_add(u64::from(c.to_digit(10).unwrap_or(0)));
                continue;
            }
            'd' => 86_400,
            'h' => 3_600,
            'm' if units.peek() == Some(&'s') => 0,
            'm' => 60,
            's' => 1,
            _ => return time.to_owned(),
        };
        total = total.saturating_add(number.saturating_mul(factor));
        number = 0;
    }
    total.saturating_add(number).to_string()
}

fn write(expr: &Expr, out: &mut String) {
    match &expr.kind {
        ExprKind::Word(text) | ExprKind::Quoted(text) => out.push_str(text),
        ExprKind::Range(low, high) => pair(low, "-", high, out),
        ExprKind::Prefix(value, length) => {
            write(value, out);
            out.push_str(&format!("/{length}"));
        }
        ExprKind::Braces(elements) => {
            out.push_str("{ ");
            joined(elements.iter(), ", ", out, element);
            out.push_str(" }");
        }
        ExprKind::SetRef(name) => out.push_str(&format!("@{}", name.text)),
        ExprKind::Concat(parts) => joined(parts.iter(), " . ", out, write),
        ExprKind::List(parts) => joined(parts.iter(), ",", out, write),
        ExprKind::Wildcard => out.push('*'),
        ExprKind::Map(key, data) => pair(key, " map ", data, out),
        ExprKind::Binary(op, left, right) => pair(left, operator(*op), right, out),
        ExprKind::Verdict(verdict) => out.push_str(&verdict_words(verdict)),
        selector => out.push_str(&selector_words(selector)),
    }
}

fn pair(left: &Expr, between: &str, right: &Expr, out: &mut String) {
    write(left, out);
    out.push_str(between);
    write(right, out);
}

fn joined<'e, T: 'e>(all: impl Iterator<Item = &'e T>, between: &str, out: &mut String, one: fn(&T, &mut String)) {
    for (at, part) in all.enumerate() {
        if at > 0 {
            out.push_str(between);
        }
        one(part, out);
    }
}

fn element(element: &Element, out: &mut String) {
    write(&element.key, out);
    if let Some(data) = &element.data {
        out.push_str(" : ");
        write(data, out);
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::And => " & ",
        BinaryOp::Or => " | ",
        BinaryOp::Xor => " ^ ",
        BinaryOp::ShiftLeft => " << ",
        BinaryOp::ShiftRight => " >> ",
    }
}

fn verdict_words(verdict: &VerdictSpec) -> String {
    match verdict {
        VerdictSpec::Accept => "accept".to_owned(),
        VerdictSpec::Drop => "drop".to_owned(),
        VerdictSpec::Continue => "continue".to_owned(),
        VerdictSpec::Return => "return".to_owned(),
        VerdictSpec::Jump(chain) => format!("jump {}", chain.text),
        VerdictSpec::Goto(chain) => format!("goto {}", chain.text),
        VerdictSpec::JumpBlock(_) => "jump { ... }".to_owned(),
        VerdictSpec::GotoBlock(_) => "goto { ... }".to_owned(),
    }
}

fn selector_words(selector: &ExprKind) -> String {
    match selector {
        ExprKind::Meta(key) => format!("meta {key}"),
        ExprKind::Ct { key, direction, family } => {
            let parts = [Some("ct"), direction.as_deref(), family.as_deref(), Some(key)];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        ExprKind::Payload { header, field } => format!("{header} {field}"),
        ExprKind::Raw { base, offset, length } => format!("@{base},{offset},{length}"),
        ExprKind::Exthdr { header, field: None } => format!("exthdr {header}"),
        ExprKind::Exthdr { header, field: Some(field) } => format!("{header} {field}"),
        ExprKind::Option { protocol, name, field } => {
            let word = if protocol == "sctp" { "chunk" } else { "option" };
            let field = field.as_ref().map(|f| format!(" {f}")).unwrap_or_default();
            format!("{protocol} {word} {name}{field}")
        }
        ExprKind::Fib { flags, result } => format!("fib {} {result}", flags.join(" . ")),
        ExprKind::Other(words) => words.join(" "),
        _ => String::new(),
    }
}
