//! FW70x to FW72x: names beside addresses and filters.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = &[
    &RECORD_LEFT_BEHIND,
    &RECORD_BLOCKED,
    &RECORD_UNREACHABLE,
    &NAME_DANGLING,
    &REVERSE_MISMATCH,
    &HOST_UNKNOWN,
    &NAME_SERVER_UNREACHABLE,
    &NAME_SERVERS_TOGETHER,
    &RESOLVER_UNREACHABLE,
    &RESOLVERS_TOGETHER,
    &RENUMBERED_TOO_EARLY,
];

/// The change takes an address away at which a record still points.
pub static RECORD_LEFT_BEHIND: Code = Code {
    id: "FW701",
    name: "record-left-behind",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "the change takes an address away at which a record still points",
    page: Page {
        what: "Finds an address that a device of the baseline has and none of the proposal, or whose range leaves the inventory, while a record of the proposal's zones still points at it, forward or reverse.",
        why: "Clients go on to the old address. Each failure is remembered by resolvers, so that the outage outlives the correction; the finding says for how long.",
        before: "device.toml: addresses = [\"198.51.100.10/24\"]; zone: portal A 192.0.2.10",
        after: "device.toml: addresses = [\"198.51.100.10/24\"]; zone: portal A 198.51.100.10, a time to live earlier",
        mend: "Keep the old address until the record is changed and forgotten. `fwgate names plan` gives the order and the times.",
    },
};

/// Nothing passes any more to an address at which a record points.
pub static RECORD_BLOCKED: Code = Code {
    id: "FW702",
    name: "record-blocked",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "nothing passes any more to an address at which a record points",
    page: Page {
        what: "Finds an address of a record to which some packet of a service passed a filter before and none passes after the change; ICMP is no service. Mail servers are judged by tcp/25, name servers by port 53, SRV records by their port. A declared intent does not excuse it.",
        why: "The name is still given out, and whoever uses it runs into the filter.",
        before: "-A FORWARD -d 192.0.2.10 -p tcp --dport 443 -j ACCEPT     (taken out); zone: portal A 192.0.2.10",
        after: "the rule is kept until the record is gone",
        mend: "Let the packets pass, or change the record first and wait.",
    },
};

/// A record points at an address to which no filter lets anything pass.
pub static RECORD_UNREACHABLE: Code = Code {
    id: "FW703",
    name: "record-unreachable",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a record points at an address to which no filter lets anything pass",
    page: Page {
        what: "Finds a record of the proposal's zones whose address lies in private space, a named range or the inventory, and to which neither a filter at forward nor the device's own at input lets anything but ICMP pass. Where a device's routes are known, its filter counts only for the addresses to which it has one.",
        why: "The name is of no use to anybody, or a rule was forgotten.",
        before: "zone: new-portal A 192.0.2.11; no rule for it",
        after: "-A FORWARD -d 192.0.2.11 -p tcp --dport 443 -j ACCEPT",
        mend: "Let it pass, or take the record out. Names that are meant for hosts behind the same filter may be waived.",
    },
};

/// A record sends to a host that is not there.
pub static NAME_DANGLING: Code = Code {
    id: "FW704",
    name: "name-dangling",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "a record sends to a host that is not there",
    page: Page {
        what: "Finds a CNAME, MX, NS or SRV record whose target lies in one of the zones and does not exist, has no address, or never ends its aliases; and an MX, NS or SRV record that sends to an alias. It is a warning where the baseline has it as well.",
        why: "Mail, delegation or service fail although nothing is down, and a dangling target can be taken over by somebody else.",
        before: "www CNAME portal     (and no `portal`)",
        after: "www CNAME portal\nportal A 192.0.2.10",
        mend: "Correct the target, or give it an address.",
    },
};

/// Forward and reverse records do not say the same.
pub static REVERSE_MISMATCH: Code = Code {
    id: "FW705",
    name: "reverse-mismatch",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "forward and reverse records do not say the same",
    page: Page {
        what: "Finds an address whose reverse zone is at hand and has no record of it, and a reverse record whose host does not point back at the address. It is a note where the baseline has it as well.",
        why: "Mail servers and logins refuse hosts whose two records contradict each other, and logs name the wrong host.",
        before: "portal A 192.0.2.10; 10.2.0.192.in-addr.arpa PTR old.example.net.",
        after: "portal A 192.0.2.10; 10.2.0.192.in-addr.arpa PTR portal.example.net.",
        mend: "Change both zones together.",
    },
};

/// The policy names a host that the zones do not know.
pub static HOST_UNKNOWN: Code = Code {
    id: "FW706",
    name: "host-unknown",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "the policy names a host that the zones do not know",
    page: Page {
        what: "Finds a host in a requirement or prohibition (`dns:portal.example.net`) that has no address in the proposal's zones: no such name, no address, aliases without an end, or a name that lies in none of the zones.",
        why: "What is required of a host without addresses is required of nothing.",
        before: "to = [\"dns:portl.example.net\"]",
        after: "to = [\"dns:portal.example.net\"]",
        mend: "Correct the name, or the zone. A change that takes a host away takes its requirement out of the policy first.",
    },
};

/// Clients do not reach a name server.
pub static NAME_SERVER_UNREACHABLE: Code = Code {
    id: "FW710",
    name: "name-server-unreachable",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "clients do not reach a name server",
    page: Page {
        what: "Finds a name server of a zone that the `clients` of [names] do not reach: a packet of a conversation over udp/53 or tcp/53, request or reply, that a filter between does not let pass, or the server's own at input. Where nothing was judged, that is the finding.",
        why: "A zone is as redundant as the servers that can be reached.",
        before: "-A FORWARD -d 192.0.2.1 -p udp --dport 53 -j ACCEPT",
        after: "-A FORWARD -d 192.0.2.1 -p udp --dport 53 -j ACCEPT\n-A FORWARD -d 192.0.2.1 -p tcp --dport 53 -j ACCEPT",
        mend: "Let the packet pass. `devices`, `in` and `out` of [names] say which filters lie between.",
    },
};

/// All name servers of a zone stand in one network.
pub static NAME_SERVERS_TOGETHER: Code = Code {
    id: "FW711",
    name: "name-servers-together",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "all name servers of a zone stand in one network",
    page: Page {
        what: "Finds a zone whose name servers have their addresses in one network: one site of the inventory, or where it does not say, one /24 of IPv4 or /48 of IPv6.",
        why: "One failure takes the names away, and with them everything that is found by name (RFC 2182 section 3.1).",
        before: "ns1 A 192.0.2.1\nns2 A 192.0.2.2",
        after: "ns1 A 192.0.2.1\nns2 A 198.51.100.1",
        mend: "Add a server in another network.",
    },
};

/// Clients do not reach a resolver.
pub static RESOLVER_UNREACHABLE: Code = Code {
    id: "FW712",
    name: "resolver-unreachable",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "clients do not reach a resolver",
    page: Page {
        what: "Finds a resolver of [names] that its `clients` do not reach over udp/53 and tcp/53, as FW710 does of name servers.",
        why: "Without a resolver nothing is found by its name.",
        before: "resolvers = [\"10.0.0.53\"]; no rule for udp/53",
        after: "-A FORWARD -s 10.0.0.0/8 -d 10.0.0.53 -p udp --dport 53 -j ACCEPT",
        mend: "Let the packet pass, or correct the list.",
    },
};

/// All resolvers stand in one network.
pub static RESOLVERS_TOGETHER: Code = Code {
    id: "FW713",
    name: "resolvers-together",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "all resolvers stand in one network",
    page: Page {
        what: "Finds `resolvers` of [names] that all stand in one network, as FW711 does of name servers.",
        why: "One failure takes all names away from the clients.",
        before: "resolvers = [\"10.0.0.53\", \"10.0.0.54\"]",
        after: "resolvers = [\"10.0.0.53\", \"10.1.0.53\"]",
        mend: "Run another resolver in another network.",
    },
};

/// The change takes an address away before the world has forgotten its record.
pub static RENUMBERED_TOO_EARLY: Code = Code {
    id: "FW720",
    name: "renumbered-too-early",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "the change takes an address away before the world has forgotten its record",
    page: Page {
        what: "Finds an address that the baseline's records point at and the proposal's do not, and that the same change removes or blocks, where its window begins before secondary servers (REFRESH) and resolvers (time to live) have forgotten it. The window is the one that the gate computes; for `fwgate check`, that of the change file. It is a warning where none is known.",
        why: "For as long as the old record lives, clients go to an address that is not there, and remember the failure.",
        before: "one change: portal A 192.0.2.10 becomes 198.51.100.10, and the rule for 192.0.2.10 goes",
        after: "two changes: the record first, the rule after the time that `fwgate names plan` gives",
        mend: "Split the change, or move its window behind the time that is named.",
    },
};
