//! `ct`: the connection of a packet (`net/netfilter/nft_ct.c`). Everything but the state needs a connection: without
//! one no comparison holds, negated or not.

use super::meta::yes_or_no;
use super::{Reading, Selector, Source};
use crate::dialect::conditions::condition;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::known::{Known, Packets};
use crate::dialect::nftables::meaning::types::Type;
use crate::dialect::{Problem, nearest};
use crate::packet::{Family, Field, Ranges, State};
use crate::ruleset::{Match, OpaqueKind, Span, TranslatedSide};

/// Every key with how it is read.
pub static CT: &[(&str, Reading, &str)] = &[
    ("state", Reading::Exact, ""),
    ("mark", Reading::Exact, "bit by bit"),
    ("direction", Reading::Partly, "packets that set up a connection go in its original direction"),
    ("status", Reading::Partly, "`snat` and `dnat` exact where the rules decide them; whole values by condition"),
    ("expiration", Reading::EachRule, ""),
    ("bytes", Reading::EachRule, ""),
    ("packets", Reading::EachRule, ""),
    ("avgpkt", Reading::EachRule, ""),
    ("helper", Reading::Condition, "as `helper` of iptables"),
    ("label", Reading::EachRule, ""),
    ("zone", Reading::Condition, ""),
    ("id", Reading::Condition, ""),
    ("secmark", Reading::Condition, ""),
    ("l3proto", Reading::Condition, ""),
    ("protocol", Reading::Condition, ""),
    ("saddr", Reading::Condition, "as `--ctorigsrc` and `--ctreplsrc` of iptables"),
    ("daddr", Reading::Condition, "as `--ctorigdst` and `--ctrepldst` of iptables"),
    ("proto-src", Reading::Condition, "as `--ctorigsrcport` and `--ctreplsrcport` of iptables"),
    ("proto-dst", Reading::Condition, "as `--ctorigdstport` and `--ctrepldstport` of iptables"),
];

const PURE: OpaqueKind = OpaqueKind::Pure;

/// What a key reads.
pub fn select(
    key: &str,
    direction: Option<&str>,
    family: Option<&str>,
    span: Span,
    known: &mut Known,
) -> Parsed<Selector> {
    if known.packets == Packets::Device || known.packets.is_arp() {
        return Err(Problem::new(span, "there are no connections at this hook").help("the kernel refuses the rule"));
    }
    if key == "state" {
        return Ok(state());
    }
    let side = direction.map(|d| format!("{d} ")).unwrap_or_default();
    let words = |module: &str| format!("{module}: {side}{key}");
    let by_condition = |kind, name: String| Selector::new(kind, Source::Condition(PURE), name);
    let of_rule = |kind, name: String| Selector::new(kind, Source::Condition(OpaqueKind::PerRule), name);
    let selector = match key {
        "mark" => Selector::new(Type::Mark, Source::Field(Field::ConnMark), words("ct")),
        "direction" => self::direction(),
        "status" => status(),
        "expiration" => of_rule(Type::Time, "conntrack: ctexpire".to_owned()),
        "bytes" | "packets" | "avgpkt" => of_rule(Type::Integer(64), words("ct")),
        "label" => of_rule(Type::CtLabel, "connlabel:".to_owned()),
        "helper" => by_condition(Type::Text, "helper:".to_owned()),
        "zone" => by_condition(Type::Integer(16), words("ct")),
        "id" | "secmark" => by_condition(Type::Integer(32), words("ct")),
        "l3proto" => by_condition(Type::NfProtocol, words("ct")),
        "protocol" => by_condition(Type::Protocol, words("ct")),
        "saddr" | "daddr" => address(key, direction, family, span, known)?,
        "proto-src" | "proto-dst" => by_condition(Type::Service, format!("conntrack: ct{}port", tuple(key, direction))),
        _ => {
            let near = nearest(key, CT.iter().map(|(name, ..)| *name)).map(|n| format!("did you mean `{n}`?"));
            return Err(Problem::new(span, format!("there is no `ct {key}`")).help_if(near));
        }
    };
    Ok(selector.guarded(Match::tracked()).tracking())
}

/// The state is one bit of these at a time.
fn state() -> Selector {
    let of = |state: State| Match::ranges(Field::State, Ranges::one(state.value()));
    let table = vec![
        (1, of(State::Invalid)),
        (2, of(State::Established)),
        (4, of(State::Related)),
        (8, of(State::New)),
        (64, of(State::Untracked)),
    ];
    Selector::new(Type::CtState, Source::Only(table), "ct: state").tracking()
}

/// A packet that sets up a connection goes in its original direction.
fn direction() -> Selector {
    let new = Match::ranges(Field::State, Ranges::one(State::New.value()));
    let original = Match::any([new, condition("conntrack: ctdir ORIGINAL", PURE)]);
    let mut table = yes_or_no(original);
    table.iter_mut().for_each(|(value, _)| *value = 1 - *value);
    Selector::new(Type::CtDirection, Source::Only(table), "ct: direction")
}

fn status() -> Selector {
    let named = |name: &str| condition(format!("conntrack: ctstatus {name}"), PURE);
    let flags = vec![
        (0, named("EXPECTED")),
        (1, named("SEEN_REPLY")),
        (2, named("ASSURED")),
        (3, named("CONFIRMED")),
        (4, Match::Translated(TranslatedSide::Source)),
        (5, Match::Translated(TranslatedSide::Destination)),
        (9, named("DYING")),
    ];
    Selector::new(Type::CtStatus, Source::Flags(flags), "ct: status")
}

/// The part of the connection's tuple in the words of iptables: `origsrc`, `repldst`, ...
fn tuple(key: &str, direction: Option<&str>) -> String {
    let way = if direction == Some("reply") { "repl" } else { "orig" };
    let end = if key.ends_with("saddr") || key.ends_with("src") { "src" } else { "dst" };
    format!("{way}{end}")
}

fn address(
    key: &str,
    direction: Option<&str>,
    family: Option<&str>,
    span: Span,
    known: &mut Known,
) -> Parsed<Selector> {
    let wanted = match (family, known.family) {
        (Some("ip6"), _) | (None, Some(Family::V6)) => Family::V6,
        (Some(_), _) | (None, Some(Family::V4)) => Family::V4,
        (None, None) => {
            return Err(Problem::new(span, format!("`ct {key}` does not say of which family"))
                .help("write `ct original ip saddr` or `ct original ip6 saddr`"));
        }
    };
    let guard = known.need_family(wanted, span)?;
    let kind = if wanted == Family::V4 { Type::Ipv4 } else { Type::Ipv6 };
    let name = format!("conntrack: ct{}", tuple(key, direction));
    Ok(Selector::new(kind, Source::Condition(PURE), name).guarded(guard))
}
