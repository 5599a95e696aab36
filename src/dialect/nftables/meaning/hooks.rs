//! Where base chains hang: hooks, priorities by name and number, and what the kernel refuses of them
//! (`nft(8)`, CHAINS; `net/netfilter/nft_chain_*.c`).

use super::Parsed;
use crate::dialect::nftables::syntax::{BaseSpec, Name, TableFamily};
use crate::dialect::{Problem, nearest};
use crate::ruleset::{BaseKind, NfHook, Verdict};

/// Where a base chain hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The hook.
    pub hook: NfHook,
    /// Its place among the chains of the hook.
    pub priority: i32,
    /// What the chain is for.
    pub kind: BaseKind,
}

/// Priorities by name, for every family but `bridge`.
const PRIORITIES: [(&str, i32); 6] =
    [("raw", -300), ("mangle", -150), ("dstnat", -100), ("filter", 0), ("security", 50), ("srcnat", 100)];
/// Priorities of `bridge`.
const BRIDGE_PRIORITIES: [(&str, i32); 4] = [("dstnat", -300), ("filter", -200), ("out", 100), ("srcnat", 300)];
/// nat chains run behind conntrack (`nft_chain_nat.c`).
const CONNTRACK_PRIORITY: i32 = -200;

/// Where a base chain of a family hangs.
///
/// # Errors
/// Kinds, hooks and priorities that the family does not have.
pub fn place(base: &BaseSpec, family: TableFamily) -> Parsed<Place> {
    let hook = hook(&base.hook, family)?;
    let kind = kind(&base.kind, hook, family)?;
    let priority = priority(&base.priority, family)?;
    check_named(&base.priority, hook, family)?;
    if kind == BaseKind::Nat && priority <= CONNTRACK_PRIORITY {
        return Err(Problem::new(base.priority.span, "a nat chain runs behind connection tracking")
            .help(format!("the kernel wants a priority above {CONNTRACK_PRIORITY}")));
    }
    Ok(Place { hook, priority, kind })
}

/// The policy of a base chain.
///
/// # Errors
/// Words that are no policy.
pub fn policy(base: &BaseSpec) -> Parsed<Verdict> {
    match base.policy.as_ref().map(|p| (p.text.as_str(), p.span)) {
        None | Some(("accept", _)) => Ok(Verdict::Accept),
        Some(("drop", _)) => Ok(Verdict::Drop),
        Some((other, span)) => {
            Err(Problem::new(span, format!("there is no policy `{other}`")).help("policies are `accept` and `drop`"))
        }
    }
}

fn hook(name: &Name, family: TableFamily) -> Parsed<NfHook> {
    let known: &[(&str, NfHook)] = match family {
        TableFamily::Ip | TableFamily::Ip6 => &[
            ("prerouting", NfHook::Prerouting),
            ("input", NfHook::Input),
            ("forward", NfHook::Forward),
            ("output", NfHook::Output),
            ("postrouting", NfHook::Postrouting),
        ],
        TableFamily::Inet => &[
            ("ingress", NfHook::Ingress),
            ("prerouting", NfHook::Prerouting),
            ("input", NfHook::Input),
            ("forward", NfHook::Forward),
            ("output", NfHook::Output),
            ("postrouting", NfHook::Postrouting),
        ],
        TableFamily::Bridge => &[
            ("prerouting", NfHook::BridgePrerouting),
            ("input", NfHook::BridgeInput),
            ("forward", NfHook::BridgeForward),
            ("output", NfHook::BridgeOutput),
            ("postrouting", NfHook::BridgePostrouting),
        ],
        TableFamily::Arp => &[("input", NfHook::ArpInput), ("output", NfHook::ArpOutput)],
        TableFamily::Netdev => &[("ingress", NfHook::Ingress), ("egress", NfHook::Egress)],
    };
    known.iter().find(|(n, _)| *n == name.text).map(|(_, hook)| *hook).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(n, _)| *n).collect();
        Problem::new(name.span, format!("tables of this family have no hook `{}`", name.text))
            .help(format!("their hooks are {}", names.join(", ")))
    })
}

fn kind(name: &Name, hook: NfHook, family: TableFamily) -> Parsed<BaseKind> {
    let is_ip = matches!(family, TableFamily::Ip | TableFamily::Ip6 | TableFamily::Inet);
    let refuse = |help: &str| {
        Err(Problem::new(name.span, format!("a chain of type `{}` cannot stand here", name.text)).help(help))
    };
    match name.text.as_str() {
        "filter" => Ok(BaseKind::Filter),
        "nat" if is_ip && !matches!(hook, NfHook::Forward | NfHook::Ingress) => Ok(BaseKind::Nat),
        "nat" => refuse("nat chains stand in prerouting, input, output and postrouting of IP tables"),
        "route" if is_ip && hook == NfHook::Output => Ok(BaseKind::Route),
        "route" => refuse("route chains stand in output of IP tables"),
        other => Err(Problem::new(name.span, format!("there is no chain type `{other}`"))
            .help("the types are `filter`, `nat` and `route`")),
    }
}

/// A number, a name, or a name with an offset.
fn priority(name: &Name, family: TableFamily) -> Parsed<i32> {
    let names: &[(&str, i32)] = if family == TableFamily::Bridge { &BRIDGE_PRIORITIES } else { &PRIORITIES };
    let text = spelled(&name.text);
    if let Ok(number) = text.parse::<i32>() {
        return Ok(number);
    }
    let cut = text.find(['+', '-']).unwrap_or(text.len());
    let (base, offset) = text.split_at(cut);
    let base = names.iter().find(|(n, _)| *n == base).map(|(_, value)| *value);
    let offset = if offset.is_empty() { Some(0) } else { offset.parse::<i32>().ok() };
    base.zip(offset).and_then(|(base, offset)| base.checked_add(offset)).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(n, _)| *n).collect();
        let near = nearest(&text, known.iter().copied()).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
        Problem::new(name.span, format!("`{}` is no priority", name.text))
            .help(format!("{near}priorities are numbers or {}, with an offset", known.join(", ")))
    })
}

/// Some names stand at some hooks only. (nft 1.0.6 has `dstnat` at prerouting and `srcnat` at postrouting; later ones
/// take them where nat chains of that kind hang, too.)
fn check_named(name: &Name, hook: NfHook, family: TableFamily) -> Parsed<()> {
    let text = spelled(&name.text);
    let hooks: &[NfHook] = match (text.split(['+', '-']).next().unwrap_or_default(), family) {
        ("dstnat", TableFamily::Bridge) => &[NfHook::BridgePrerouting],
        ("out", TableFamily::Bridge) => &[NfHook::BridgeOutput],
        ("srcnat", TableFamily::Bridge) => &[NfHook::BridgePostrouting],
        ("dstnat", TableFamily::Ip | TableFamily::Ip6 | TableFamily::Inet) => &[NfHook::Prerouting, NfHook::Output],
        ("srcnat", TableFamily::Ip | TableFamily::Ip6 | TableFamily::Inet) => &[NfHook::Postrouting, NfHook::Input],
        ("raw" | "mangle" | "dstnat" | "security" | "srcnat", TableFamily::Arp | TableFamily::Netdev) => &[],
        _ => return Ok(()),
    };
    if hooks.contains(&hook) {
        return Ok(());
    }
    Err(Problem::new(name.span, format!("there is no priority `{text}` at this hook")).help("write it as a number"))
}

/// A priority without blanks.
pub fn spelled(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A hook's name as scripts write it.
pub fn name(hook: NfHook) -> &'static str {
    match hook {
        NfHook::Prerouting | NfHook::BridgePrerouting => "prerouting",
        NfHook::Input | NfHook::BridgeInput | NfHook::ArpInput => "input",
        NfHook::Forward | NfHook::BridgeForward => "forward",
        NfHook::Output | NfHook::BridgeOutput | NfHook::ArpOutput => "output",
        NfHook::Postrouting | NfHook::BridgePostrouting => "postrouting",
        NfHook::Ingress | NfHook::ArpIngress => "ingress",
        NfHook::Egress | NfHook::ArpEgress => "egress",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ruleset::Span;

    fn of(text: &str, family: TableFamily) -> Option<i32> {
        priority(&Name { text: text.into(), span: Span::default() }, family).ok()
    }

    #[test]
    fn priorities_have_names_offsets_and_numbers() {
        assert_eq!(of("filter", TableFamily::Inet), Some(0));
        assert_eq!(of("filter", TableFamily::Bridge), Some(-200));
        assert_eq!(of("mangle + 5", TableFamily::Ip), Some(-145));
        assert_eq!(of("srcnat - 10", TableFamily::Ip), Some(90));
        assert_eq!(of("-300", TableFamily::Ip6), Some(-300));
        assert_eq!(of("fliter", TableFamily::Ip6), None);
        assert_eq!(of("out", TableFamily::Ip), None);
    }
}
