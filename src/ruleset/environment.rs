//! What surrounds a rule while it judges: which interfaces its hook sees, whether conntrack has run, and what
//! happens to fields whose new value is not known exactly.

use super::interpret::is_destination_hook;
use super::model::*;
use crate::packet::{Cell, Family, Field, InterfaceClasses, Ranges, RegionNames, Values};

/// What a base chain at a netfilter hook can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StageView {
    /// The incoming interface is known.
    pub sees_in: bool,
    /// The outgoing interface is known.
    pub sees_out: bool,
    /// Conntrack has not looked at the packet yet: every state reads as invalid.
    pub before_conntrack: bool,
    /// Fragments have not been put together yet, even where conntrack does that.
    pub before_defrag: bool,
    /// The packet is being forwarded and routing has taken one off its TTL (`ip_forward`).
    pub one_hop_on: bool,
}

/// The priority at which conntrack looks at a packet (`NF_IP_PRI_CONNTRACK`).
const CONNTRACK_PRIORITY: i32 = -200;
/// The priority at which conntrack puts fragments together (`NF_IP_PRI_CONNTRACK_DEFRAG`).
const DEFRAG_PRIORITY: i32 = -400;

/// What the chain `base` sees of packets judged at `hook`. Forwarded packets keep their incoming interface in
/// postrouting (`ip_output` passes it on).
pub fn stage_view(hook: Hook, base: &Base) -> StageView {
    let (sees_in, sees_out) = match base.hook {
        NfHook::Ingress | NfHook::Prerouting | NfHook::Input => (true, false),
        NfHook::BridgePrerouting | NfHook::BridgeInput | NfHook::ArpIngress | NfHook::ArpInput => (true, false),
        NfHook::Forward | NfHook::BridgeForward => (true, true),
        NfHook::Output | NfHook::BridgeOutput | NfHook::ArpOutput => (false, true),
        NfHook::Postrouting => (hook == Hook::Forward, true),
        NfHook::BridgePostrouting => (hook == Hook::BridgeForward, true),
        // `dev_queue_xmit` knows the interface that a frame leaves by, and no other.
        NfHook::Egress | NfHook::ArpEgress => (false, true),
    };
    let begins = matches!(base.hook, NfHook::Prerouting | NfHook::Output | NfHook::BridgePrerouting);
    let before_conntrack = base.hook == NfHook::Ingress || begins && base.priority < CONNTRACK_PRIORITY;
    let before_defrag = base.hook == NfHook::Ingress || begins && base.priority < DEFRAG_PRIORITY;
    let one_hop_on = hook == Hook::Forward && !matches!(base.hook, NfHook::Ingress | NfHook::Prerouting);
    StageView { sees_in, sees_out, before_conntrack, before_defrag, one_hop_on }
}

/// What routing makes of the TTL or hop limit of a packet that it forwards. The kernel forwards none that comes to
/// it with 1 or 0; such a packet is judged as if it went on with 0.
pub const ROUTED_TTL: Rewrite = Rewrite::Add(-1);

/// The condition that a translated field, which takes one of `possible`, is among `asked`.
pub fn translated_condition(field: Field, possible: &Ranges, asked: &Values, family: Family) -> Opaque {
    let interfaces = InterfaceClasses::new(&[]);
    let names =
        RegionNames { family, possible: &Cell::whole(), interfaces: &interfaces, cond_name: &|_| String::new() };
    let text = |values: &Values| names.texts(field, values).join(",");
    let name = format!("translation: {} {} of {}", field.name(), text(asked), text(&Values::Ranges(possible.clone())));
    Opaque { name: name.into(), kind: OpaqueKind::Pure }
}

/// Whether a translation before routing speaks against the hook at which the packet is judged: a redirect to
/// this host cannot be forwarded, and where the device's addresses are known, neither can a translation to one
/// of them, nor is one to another host delivered here.
pub fn is_rerouted_away(ruleset: &Ruleset, hook: Hook, base: &Base, translation: &Translation) -> bool {
    if !is_destination_hook(base.hook) || base.hook != NfHook::Prerouting {
        return false;
    }
    let redirected = translation.options.iter().any(|o| &**o == "redirect");
    let Some(addresses) = &ruleset.facts.addresses else { return redirected && hook == Hook::Forward };
    let local = local_addresses(addresses);
    match (&translation.dst, hook) {
        (_, Hook::Forward) if redirected => true,
        (Some(Rewrite::To(to)), Hook::Forward) => to.is_subset(&local),
        (Some(Rewrite::To(to)), Hook::Input) if !redirected => !to.meets(&local),
        _ => false,
    }
}

/// The device's addresses of both families with the loopback ranges; IPv4 addresses as their 32-bit numbers.
/// The families never meet in one space, so one set serves both.
pub fn local_addresses(addresses: &[ipnet::IpNet]) -> Ranges {
    let own = addresses.iter().map(|net| match net {
        ipnet::IpNet::V4(n) => u128::from(u32::from(n.addr())),
        ipnet::IpNet::V6(n) => u128::from(n.addr()),
    });
    let mut ranges: Vec<(u128, u128)> = own.map(|a| (a, a)).collect();
    ranges.extend([(0x7f00_0000, 0x7fff_ffff), (1, 1)]);
    Ranges::from_unsorted(ranges)
}
