//! The dialect-neutral ruleset: what every dialect is read into and everything else is computed from.
//!
//! The model is close to netfilter's own: base chains hang on hooks at priorities, rules are steps that are
//! taken one after the other, chains call chains. Windows profiles and vendor lists lower into it.

use super::source::{Sources, Span};
use crate::packet::{Family, Field, IfacePattern, IfaceSide, Ranges, Values};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Where a packet is judged, as users name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// To this host.
    Input,
    /// Through this host.
    Forward,
    /// From this host.
    Output,
    /// Out of a bridge to this host.
    BridgeInput,
    /// From one port of a bridge to another.
    BridgeForward,
    /// From this host into a bridge.
    BridgeOutput,
    /// ARP to this host; the addresses are those of ARP's sender and target.
    ArpInput,
    /// ARP from this host.
    ArpOutput,
}

impl Hook {
    /// The hooks of IP packets that every device has, in the order of reports.
    pub const ALL: [Hook; 3] = [Hook::Input, Hook::Forward, Hook::Output];

    /// The hooks below IP: they are spoken of only where a ruleset has chains there.
    pub const BELOW_IP: [Hook; 5] =
        [Hook::BridgeInput, Hook::BridgeForward, Hook::BridgeOutput, Hook::ArpInput, Hook::ArpOutput];

    /// The hook's name in arguments and reports: `input`, `bridge-input`, ...
    pub fn name(self) -> &'static str {
        match self {
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::BridgeInput => "bridge-input",
            Hook::BridgeForward => "bridge-forward",
            Hook::BridgeOutput => "bridge-output",
            Hook::ArpInput => "arp-input",
            Hook::ArpOutput => "arp-output",
        }
    }

    /// The hook of this name.
    pub fn by_name(name: &str) -> Option<Hook> {
        Hook::ALL.into_iter().chain(Hook::BELOW_IP).find(|h| h.name() == name)
    }

    /// The hooks at which any of these rulesets can judge: those of IP packets, and those below IP that have a chain.
    pub fn of(rulesets: &[&Ruleset]) -> Vec<Hook> {
        let has_chain = |hook: &Hook| {
            let own = hook.netfilter();
            rulesets.iter().flat_map(|r| &r.bases).any(|b| b.hook.is_below_ip() && own.contains(&b.hook))
        };
        Hook::ALL.into_iter().chain(Hook::BELOW_IP.into_iter().filter(has_chain)).collect()
    }

    /// The Ethernet type of frames that hold packets of the hook; `None` in a bridge, where others pass, too.
    pub fn ether_type(self, family: Family) -> Option<u128> {
        match (self, family) {
            (Hook::ArpInput | Hook::ArpOutput, _) => Some(0x0806),
            (Hook::BridgeInput | Hook::BridgeForward | Hook::BridgeOutput, _) => None,
            (_, Family::V4) => Some(0x0800),
            (_, Family::V6) => Some(0x86dd),
        }
    }

    /// The interface that packets of the hook do not have.
    pub fn lacks(self) -> Option<IfaceSide> {
        match self {
            Hook::Input | Hook::BridgeInput | Hook::ArpInput => Some(IfaceSide::Out),
            Hook::Output | Hook::BridgeOutput | Hook::ArpOutput => Some(IfaceSide::In),
            Hook::Forward | Hook::BridgeForward => None,
        }
    }

    /// The hook at which the other direction of a conversation is judged.
    pub fn reverse(self) -> Hook {
        match self {
            Hook::Input => Hook::Output,
            Hook::Output => Hook::Input,
            Hook::Forward => Hook::Forward,
            Hook::BridgeInput => Hook::BridgeOutput,
            Hook::BridgeOutput => Hook::BridgeInput,
            Hook::BridgeForward => Hook::BridgeForward,
            Hook::ArpInput => Hook::ArpOutput,
            Hook::ArpOutput => Hook::ArpInput,
        }
    }

    /// The netfilter hooks on the way, in order.
    pub fn netfilter(self) -> &'static [NfHook] {
        match self {
            Hook::Input => &[NfHook::Ingress, NfHook::Prerouting, NfHook::Input],
            Hook::Forward => {
                &[NfHook::Ingress, NfHook::Prerouting, NfHook::Forward, NfHook::Postrouting, NfHook::Egress]
            }
            Hook::Output => &[NfHook::Output, NfHook::Postrouting, NfHook::Egress],
            Hook::BridgeInput => &[NfHook::BridgePrerouting, NfHook::BridgeInput],
            Hook::BridgeForward => &[NfHook::BridgePrerouting, NfHook::BridgeForward, NfHook::BridgePostrouting],
            Hook::BridgeOutput => &[NfHook::BridgeOutput, NfHook::BridgePostrouting],
            Hook::ArpInput => &[NfHook::ArpIngress, NfHook::ArpInput],
            Hook::ArpOutput => &[NfHook::ArpOutput, NfHook::ArpEgress],
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A netfilter hook (`include/uapi/linux/netfilter.h`, `netfilter_bridge.h`, `netfilter_arp.h`). IP packets and ARP
/// pass the hooks of devices apart from each other, so ingress and egress stand here once for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum NfHook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    Ingress,
    Egress,
    BridgePrerouting,
    BridgeInput,
    BridgeForward,
    BridgeOutput,
    BridgePostrouting,
    ArpInput,
    ArpOutput,
    ArpIngress,
    ArpEgress,
}

impl NfHook {
    /// Whether frames of a bridge or ARP come here, and no packets of the IP hooks.
    pub fn is_below_ip(self) -> bool {
        self >= NfHook::BridgePrerouting
    }
}

/// A set of address families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Families {
    /// Holds IPv4.
    pub v4: bool,
    /// Holds IPv6.
    pub v6: bool,
}

impl Families {
    /// Only this family.
    pub fn only(family: Family) -> Families {
        Families { v4: family == Family::V4, v6: family == Family::V6 }
    }

    /// Both families.
    pub fn both() -> Families {
        Families { v4: true, v6: true }
    }

    /// Whether `family` is in the set.
    pub fn contains(self, family: Family) -> bool {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    /// The families in either set.
    pub fn union(self, other: Families) -> Families {
        Families { v4: self.v4 || other.v4, v6: self.v6 || other.v6 }
    }
}

/// The number of a chain within its ruleset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(pub u32);

/// A list of rules.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The name as reports show it: `table/chain`, for example `filter/INPUT`.
    pub name: Arc<str>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// Where it is declared.
    pub span: Span,
}

/// One rule: steps taken in order. Where a step says no, the next rule is tried; where the steps end without a
/// verdict, too.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The steps.
    pub steps: Vec<Step>,
    /// Where it stands, without counters and handles.
    pub span: Span,
}

/// One step of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Go on only where this matches.
    If(Match),
    /// Change something that later matches see.
    Set(Effect),
    /// Decide.
    Then(Verdict),
    /// Decide by the first entry that matches; where none does, the rule ends without a verdict (verdict map).
    Choose(Arc<[(Match, Verdict)]>),
}

/// A condition on a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// True.
    Always,
    /// False.
    Never,
    /// Packets of this family (`inet` tables).
    Family(Family),
    /// The field has one of these values. A layer-4 field stands only behind a test of `Proto` that leaves
    /// protocols which have it; `Match::layer4` builds that.
    Field(Field, Values),
    /// The interface matches the pattern.
    Interface(IfaceSide, IfacePattern),
    /// The packet has an interface on this side: its class is not `none`.
    Present(IfaceSide),
    /// The packet is in a set of tuples.
    Lookup(Arc<Lookup>),
    /// A condition that no header field can express.
    Opaque(Opaque),
    /// The connection's source (`SNAT`) or destination (`DNAT`) has been translated to something else than it was
    /// (`nf_nat_setup_info`).
    Translated(TranslatedSide),
    /// All of them.
    All(Vec<Match>),
    /// At least one of them.
    Any(Vec<Match>),
    /// Not it.
    Not(Box<Match>),
}

/// Which end of a connection a translation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum TranslatedSide {
    Source,
    Destination,
}

/// A condition that no header field can express: a free boolean.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opaque {
    /// The canonical name: `module: key value ...`, defaults filled in, units normalised.
    pub name: Arc<str>,
    /// Whether each rule has its own boolean (state, clock, chance), or the name alone decides (a pure function
    /// of the packet).
    pub kind: OpaqueKind,
}

/// Whether two evaluations of a condition for one packet must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OpaqueKind {
    /// A pure function of the packet: one boolean per name.
    Pure,
    /// State, clock or chance: one boolean per rule occurrence.
    PerRule,
}

/// A set of tuples, as ordered entries: the first entry that matches decides, none means no member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// The set's name, for words; it carries no meaning.
    pub name: Arc<str>,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One entry of a `Lookup`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// A conjunction over fields; a layer-4 field stands behind `Proto`.
    pub fields: Vec<(Field, Values)>,
    /// Interfaces beside them.
    pub interfaces: Vec<(IfaceSide, IfacePattern)>,
    /// Whether a packet that the entry matches is a member (`nomatch` entries are not).
    pub member: bool,
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

/// What a base chain is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BaseKind {
    /// Judges every packet.
    Filter,
    /// Sees only packets that set up a connection.
    Nat,
    /// Judges locally made packets before rerouting (`type route`, mangle OUTPUT).
    Route,
}

/// A chain that hangs on a hook.
#[derive(Clone, Debug)]
pub struct Base {
    /// The chain.
    pub chain: ChainId,
    /// The families whose packets pass it.
    pub families: Families,
    /// Where it hangs.
    pub hook: NfHook,
    /// Its place among the base chains of the hook: ascending.
    pub priority: i32,
    /// What it is for.
    pub kind: BaseKind,
    /// Its verdict where no rule decides: `Accept` or `Drop`.
    pub policy: Verdict,
    /// Where the policy is declared.
    pub policy_span: Span,
    /// Whether this is the chain that people mean by "the filter" of its hook (table `filter` in iptables);
    /// accepted packets are attributed to it.
    pub principal: bool,
}

/// Facts about a device that decide what some matches mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its own addresses with their prefix lengths; `None` where nobody said.
    pub addresses: Option<Vec<ipnet::IpNet>>,
    /// Its interfaces; `None` where nobody said.
    pub interfaces: Option<Vec<String>>,
    /// What keywords of its dialect stand for here (Windows: `LocalSubnet`, `DNS`, `RPC`), by the keyword in lower
    /// case.
    pub keywords: BTreeMap<String, KeywordFact>,
}

/// What a keyword stands for on one device: addresses, or ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeywordFact {
    /// IPv4 addresses.
    pub v4: Ranges,
    /// IPv6 addresses.
    pub v6: Ranges,
    /// Ports.
    pub ports: Ranges,
}

/// Everything that was read of one device.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    /// The files.
    pub sources: Sources,
    /// The families that the files give.
    pub families: Families,
    /// All chains.
    pub chains: Vec<Chain>,
    /// The base chains, in order of appearance.
    pub bases: Vec<Base>,
    /// Whether something needs conntrack: a state match, a nat rule, a CT target. Then fragments are put
    /// together before any chain sees them.
    pub conntrack: bool,
    /// Hooks that the dialect does not have (Windows has no forward).
    pub missing_hooks: Vec<Hook>,
    /// Whether the order in which rules are written means nothing (Windows). Advice then speaks of no order.
    pub unordered: bool,
    /// Facts used while reading.
    pub facts: DeviceFacts,
    /// What was read and ignored on purpose, in words, with its place.
    pub notes: Vec<(String, Span)>,
}

impl Ruleset {
    /// The chain of an id.
    pub fn chain(&self, id: ChainId) -> &Chain {
        &self.chains[id.0 as usize]
    }

    /// How many rules there are in all chains.
    pub fn rule_count(&self) -> usize {
        self.chains.iter().map(|c| c.rules.len()).sum()
    }

    /// The base chains that a packet of `family` judged at `hook` passes, in order: by netfilter hook, then
    /// priority; at equal priority the one registered later runs first (`nf_hook_entries_grow` inserts before
    /// entries of equal priority).
    pub fn path(&self, hook: Hook, family: Family) -> Vec<&Base> {
        let mut out = Vec::new();
        for nf in hook.netfilter() {
            let mut here: Vec<(i32, std::cmp::Reverse<usize>, &Base)> = self
                .bases
                .iter()
                .enumerate()
                .filter(|(_, b)| b.hook == *nf && b.families.contains(family))
                .map(|(at, b)| (b.priority, std::cmp::Reverse(at), b))
                .collect();
            here.sort_by_key(|(priority, at, _)| (*priority, *at));
            out.extend(here.into_iter().map(|(_, _, b)| b));
        }
        out
    }
}

impl Rule {
    /// The chains that the rule calls or goes to, in the order in which they stand.
    pub fn callees(&self) -> Vec<ChainId> {
        let target = |v: &Verdict| match v {
            Verdict::Jump(c) | Verdict::Goto(c) => Some(*c),
            _ => None,
        };
        let of_step = |s: &Step| match s {
            Step::Then(v) => target(v).into_iter().collect::<Vec<_>>(),
            Step::Choose(entries) => entries.iter().filter_map(|(_, v)| target(v)).collect(),
            Step::If(_) | Step::Set(_) => Vec::new(),
        };
        self.steps.iter().flat_map(of_step).collect()
    }
}

impl Match {
    /// All of them, flattened; `Always` where there are none.
    pub fn all(matches: impl IntoIterator<Item = Match>) -> Match {
        let mut out = Vec::new();
        for one in matches {
            match one {
                Match::Always => {}
                Match::Never => return Match::Never,
                Match::All(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        // Rulesets hold one list a rule: what growing left over would be most of a large one's memory.
        out.shrink_to_fit();
        match out.len() {
            0 => Match::Always,
            1 => out.remove(0),
            _ => Match::All(out),
        }
    }

    /// At least one of them, flattened; `Never` where there are none.
    pub fn any(matches: impl IntoIterator<Item = Match>) -> Match {
        let mut out = Vec::new();
        for one in matches {
            match one {
                Match::Never => {}
                Match::Always => return Match::Always,
                Match::Any(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        match out.len() {
            0 => Match::Never,
            1 => out.remove(0),
            _ => Match::Any(out),
        }
    }

    /// This, or its opposite.
    pub fn negated_if(self, negate: Negate) -> Match {
        match negate {
            Negate::No => self,
            Negate::Yes => match self {
                Match::Always => Match::Never,
                Match::Never => Match::Always,
                Match::Not(inner) => *inner,
                other => Match::Not(Box::new(other)),
            },
        }
    }

    /// The field has one of the values in these ranges.
    pub fn ranges(field: Field, ranges: Ranges) -> Match {
        Match::Field(field, Values::Ranges(ranges))
    }

    /// The protocol is one of these.
    pub fn protocols(protocols: impl IntoIterator<Item = u8>) -> Match {
        Match::ranges(Field::Proto, Ranges::from_values(protocols.into_iter().map(u128::from)))
    }

    /// The packet has a layer-4 header of one of these protocols (it is no later fragment), and `inner` holds of
    /// it.
    pub fn layer4(protocols: &[u8], inner: Match) -> Match {
        let whole = Match::ranges(Field::Fragment, Ranges::range(0, 1));
        Match::all([Match::protocols(protocols.iter().copied()), whole, inner])
    }

    /// Conntrack knows the packet's connection: state new, established or related. Matches on connection
    /// properties fail without it, negated or not.
    pub fn tracked() -> Match {
        Match::ranges(Field::State, Ranges::range(0, 2))
    }
}

/// Whether a condition is written with `!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negate {
    /// As written.
    No,
    /// The opposite.
    Yes,
}
