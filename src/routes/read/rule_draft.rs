//! A policy rule while it is being read.

use super::draft::{Wrong, plain, table};
use super::number::{decimal, interface, number, span, type_of_service};
use crate::packet::{Family, Ranges, protocol_by_name};
use crate::routes::model::{Action, RouteType, Rule};
use crate::routes::prefix::Prefix;
use crate::routes::zone::{Dimension, Marks, Part, Zone};
use crate::ruleset::Span;

/// What to do about a word that no reader knows.
pub(super) const UNKNOWN: &str =
    "give what `ip rule` or `ip -j rule` prints, unedited; where this is it, please report the line";

/// A rule, and the family that its addresses tell.
#[derive(Clone, Debug)]
pub(super) struct RuleDraft {
    pub rule: Rule,
    pub family: Option<Family>,
    has_action: bool,
}

impl RuleDraft {
    pub fn new(span: Span, priority: u32) -> RuleDraft {
        let rule = Rule { priority, inverted: false, zone: Zone::whole(), action: Action::Nop, span };
        RuleDraft { rule, family: None, has_action: false }
    }

    /// Whether something says what the rule does.
    ///
    /// # Errors
    /// Nothing does.
    pub fn settle(self) -> Result<RuleDraft, Wrong> {
        match self.has_action {
            true => Ok(self),
            false => Err(("nothing says what this rule does".to_owned(), UNKNOWN)),
        }
    }

    /// The addresses of one side: `all`, an address, a prefix.
    ///
    /// # Errors
    /// What is none of these; addresses of both families.
    pub fn addresses(&mut self, dimension: Dimension, text: &str) -> Result<(), Wrong> {
        if matches!(text, "all" | "any" | "0/0" | "0") {
            return Ok(());
        }
        let prefix = Prefix::read(text).map_err(|message| (message, UNKNOWN))?;
        if self.family.is_some_and(|family| family != prefix.family) {
            return Err(("the addresses of this rule are of both families".to_owned(), UNKNOWN));
        }
        self.family = Some(prefix.family);
        if prefix.length > 0 {
            self.restrict(dimension, Part::Ranges(prefix.ranges()));
        }
        Ok(())
    }

    /// `0x1` or `0x1/0xff`.
    ///
    /// # Errors
    /// No numbers.
    pub fn mark(&mut self, text: &str) -> Result<(), Wrong> {
        let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
        let (value, mask) = number(value).zip(number(mask)).ok_or_else(|| bad("fwmark", text))?;
        // fib_rule_match: (rule->mark ^ fl->flowi_mark) & rule->mark_mask; a bit of the mark outside its mask is ignored.
        if mask != 0 {
            self.restrict(Dimension::Fwmark, Part::Marks(Marks { value: value & mask, mask }));
        }
        Ok(())
    }

    /// An interface by its name.
    ///
    /// # Errors
    /// No name.
    pub fn interface(&mut self, dimension: Dimension, text: &str) -> Result<(), Wrong> {
        let name = interface(text).ok_or_else(|| bad(dimension.name(), text))?;
        self.restrict(dimension, Part::interface(&name));
        Ok(())
    }

    /// A number or a span of numbers of a dimension.
    ///
    /// # Errors
    /// None of these.
    pub fn numbers(&mut self, dimension: Dimension, text: &str) -> Result<(), Wrong> {
        let found = match dimension {
            Dimension::Tos => type_of_service(text).map(|n| (u32::from(n), u32::from(n))),
            Dimension::Ipproto => protocol(text).map(|n| (u32::from(n), u32::from(n))),
            _ => span(text),
        };
        let most = if matches!(dimension, Dimension::Sport | Dimension::Dport) { 65535 } else { u32::MAX };
        let (first, last) = found.filter(|(_, last)| *last <= most).ok_or_else(|| bad(dimension.name(), text))?;
        self.restrict(dimension, Part::Ranges(Ranges::range(u128::from(first), u128::from(last))));
        Ok(())
    }

    /// The id of a tunnel.
    ///
    /// # Errors
    /// No number.
    pub fn tunnel(&mut self, text: &str) -> Result<(), Wrong> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let id = text.parse::<u64>().ok().filter(|_| digits).ok_or_else(|| bad("tun_id", text))?;
        self.restrict(Dimension::TunId, Part::Ranges(Ranges::one(u128::from(id))));
        Ok(())
    }

    /// `lookup TABLE`.
    ///
    /// # Errors
    /// No name of a table.
    pub fn lookup(&mut self, text: &str) -> Result<(), Wrong> {
        let table = table(text).ok_or_else(|| bad("lookup", text))?;
        self.act(Action::Lookup { table, at_most: None, realms: None });
        Ok(())
    }

    /// The table of the packet's virtual routing domain.
    pub fn domain(&mut self) {
        self.restrict(Dimension::Domain, Part::Ranges(Ranges::one(1)));
        self.act(Action::Domain);
    }

    /// `suppress_prefixlength N`.
    ///
    /// # Errors
    /// No length; a rule that asks no table.
    pub fn suppress(&mut self, text: &str) -> Result<(), Wrong> {
        let length = decimal(text).filter(|n| *n <= 128).ok_or_else(|| bad("suppress_prefixlength", text))?;
        match &mut self.rule.action {
            Action::Lookup { at_most, .. } => *at_most = Some(length),
            _ => return Err(("only a lookup can be suppressed".to_owned(), UNKNOWN)),
        }
        Ok(())
    }

    /// `realms 3/4`.
    ///
    /// # Errors
    /// No realms; a rule that asks no table.
    pub fn realms(&mut self, text: &str) -> Result<(), Wrong> {
        let text = plain(text).ok_or_else(|| bad("realms", text))?;
        match &mut self.rule.action {
            Action::Lookup { realms, .. } => *realms = Some(text),
            _ => return Err(("realms stand beside a lookup only".to_owned(), UNKNOWN)),
        }
        Ok(())
    }

    /// `goto PRIORITY`; the kernel takes only higher ones (`fib_nl_newrule`).
    ///
    /// # Errors
    /// No priority, or one that lies not behind the rule.
    pub fn goto(&mut self, text: &str) -> Result<(), Wrong> {
        // `goto none`: the target is gone, and the rule does nothing.
        if text == "none" {
            self.act(Action::Nop);
            return Ok(());
        }
        let to = decimal(text).filter(|to| *to > self.rule.priority).ok_or_else(|| bad("goto", text))?;
        self.act(Action::Goto(to));
        Ok(())
    }

    /// `nop`, `blackhole`, `unreachable`, `prohibit`.
    ///
    /// # Errors
    /// Anything else.
    pub fn other(&mut self, word: &str) -> Result<(), Wrong> {
        let action = match word {
            "nop" => Action::Nop,
            "blackhole" => Action::End(RouteType::Blackhole),
            "unreachable" => Action::End(RouteType::Unreachable),
            "prohibit" => Action::End(RouteType::Prohibit),
            _ => return Err(unknown(word)),
        };
        self.act(action);
        Ok(())
    }

    fn act(&mut self, action: Action) {
        self.rule.action = action;
        self.has_action = true;
    }

    fn restrict(&mut self, dimension: Dimension, part: Part) {
        self.rule.zone = self.rule.zone.clone().with(dimension, part);
    }
}

/// Why a word is not understood; some are known not to be.
pub(super) fn unknown(word: &str) -> Wrong {
    let help = match word {
        "suppress_ifgroup" => {
            "groups of interfaces are not known here; name prefixes (`suppress_prefixlength`) or tables instead"
        }
        "masquerade" | "map-to" => "the kernel has no translation by rules any more; take the rule out",
        "dscp" | "flowlabel" => "write the rule with `tos`, or ask for this selector",
        _ => UNKNOWN,
    };
    (format!("`{word}` is not understood in a rule"), help)
}

fn bad(word: &str, text: &str) -> Wrong {
    (format!("`{text}` is no value of `{word}`"), UNKNOWN)
}

/// A protocol by its number, or as `inet_proto_n2a` writes it.
fn protocol(text: &str) -> Option<u8> {
    decimal(text).and_then(|n| u8::try_from(n).ok()).or_else(|| protocol_by_name(text))
}

/// The family of rules none of which names an address: an IPv4 host starts with a rule for the table `default` behind all
/// others, an IPv6 host has none; the rules that one starts with are told by that.
pub(super) fn family_by_defaults(drafts: &[RuleDraft]) -> Option<Family> {
    let rules: Vec<Rule> = drafts.iter().map(|d| d.rule.clone()).collect();
    let is_last =
        |r: &Rule| r.priority == 32767 && matches!(&r.action, Action::Lookup { table, .. } if table.0 == "default");
    match () {
        () if rules.iter().any(is_last) => Some(Family::V4),
        () if Rule::are_defaults(&rules, Family::V6) => Some(Family::V6),
        () => None,
    }
}
