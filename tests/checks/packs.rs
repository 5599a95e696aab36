//! Every pack that requires or forbids something: a ruleset on which it passes, and the change that it catches.

use super::{Case, filter, read};
use fwgate::check::Device;
use fwgate::policy::packs;
use fwgate::ruleset::DeviceFacts;
use std::collections::BTreeSet;

const RANGES: &str = r#"
[ranges]
domain-members = ["10.32.0.0/14", "10.48.0.0/14"]
domain-controllers = ["10.32.4.11", "10.48.4.11"]
resolvers = ["10.32.4.53"]
resolver-clients = ["10.32.0.0/14"]
administrators = ["10.96.0.0/20"]
managed-hosts = ["10.32.0.0/14"]
time-servers = ["10.32.4.123"]
time-clients = ["10.32.0.0/14"]
web-clients = ["any"]
web-servers = ["10.32.8.0/24", "2001:db8:8::/64"]
own-hosts = ["10.32.8.0/24", "2001:db8:8::/64"]
"#;

/// A Windows policy: rule strings without version, activity and name.
fn windows(rules: &[&str]) -> String {
    let key = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
    let mut out = format!(
        "Windows Registry Editor Version 5.00\n[{key}\\PublicProfile]\n\"EnableFirewall\"=dword:00000001\n[{key}\\FirewallRules]\n"
    );
    for (at, rule) in rules.iter().enumerate() {
        out += &format!("\"r{at}\"=\"v2.31|Active=TRUE|{rule}|\"\n");
    }
    out
}

/// An iptables ruleset: rules after the usual first ones, with everything else dropped.
fn iptables(rules: &str) -> String {
    let first = "-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n\
                 -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";
    filter(["DROP", "DROP", "DROP"], &format!("{first}{}", rules.trim()))
}

fn device(text: &str, role: &str) -> Device {
    let name = if text.starts_with("Windows") { "firewall.reg" } else { "rules.v4" };
    let ruleset = read(&[(name, text)], DeviceFacts::default());
    Device { roles: role.split(' ').map(str::to_owned).collect(), ..Device::new("host1", ruleset) }
}

/// The codes that a change gives under one pack.
fn codes(pack: &str, role: &str, old: &str, new: &str) -> BTreeSet<String> {
    let case = Case::of_devices(vec![device(old, role)], vec![device(new, role)]);
    let case = case.policy(&format!("include = [\"pack:{pack}\"]\n{RANGES}"));
    let wanted = ["FW101", "FW102", "FW103", "FW104", "FW106"];
    case.found(&wanted).iter().map(|f| f.code.id.to_owned()).collect()
}

/// Asserts that a pack passes on a ruleset, and that it gives the code where one rule of it is gone or one more is there.
fn catches(pack: &str, role: &str, good: &str, bad: &str, code: &str) {
    assert_ne!(good, bad);
    assert_eq!(codes(pack, role, good, good), BTreeSet::new(), "{pack} on what it wants");
    assert_eq!(codes(pack, role, good, bad), BTreeSet::from([code.to_owned()]), "{pack}");
}

const CONTROLLER: [&str; 4] = [
    "Action=Allow|Dir=In|Protocol=6|LPort=53|LPort=88|LPort=135|LPort=389|LPort=445|LPort=464|LPort=636|LPort2_10=3268-3269|LPort=9389|LPort2_10=49152-65535|RA4=10.32.0.0/14|RA4=10.48.0.0/14",
    "Action=Allow|Dir=In|Protocol=17|LPort=53|LPort=88|LPort=123|LPort=389|LPort=464|RA4=10.32.0.0/14|RA4=10.48.0.0/14",
    "Action=Allow|Dir=In|Protocol=1|ICMP4=8:*|RA4=10.0.0.0/8",
    "Action=Block|Dir=Out|Protocol=6|RPort=25",
];

#[test]
fn active_directory_on_windows() {
    let good = windows(&CONTROLLER);
    let without_west = good.replace("|RA4=10.48.0.0/14", "");
    catches("active-directory-controller", "domain-controller", &good, &without_west, "FW101");
    catches("active-directory", "domain-controller domain-member", &good, &without_west, "FW101");
    let member = windows(&["Action=Allow|Dir=In|Protocol=6|LPort=3389"]);
    let blocked = windows(&["Action=Block|Dir=Out|Protocol=6|RPort=88|RA4=10.48.0.0/14"]);
    catches("active-directory-member", "domain-member", &member, &blocked, "FW101");
}

#[test]
fn active_directory_with_programs_needs_the_assumptions() {
    let bound = CONTROLLER.map(|r| {
        if r.contains("Dir=In") { format!("{r}|App=%systemroot%\\\\system32\\\\lsass.exe") } else { r.to_owned() }
    });
    let text = windows(&bound.each_ref().map(String::as_str));
    assert_eq!(
        codes("active-directory-controller", "domain-controller", &text, &text),
        BTreeSet::from(["FW103".to_owned()])
    );
    let both = "active-directory-controller\", \"pack:active-directory-programs";
    assert_eq!(codes(both, "domain-controller", &text, &text), BTreeSet::new());
}

#[test]
fn active_directory_across_a_gateway() {
    let rule = |net: &str| format!("-A FORWARD -s {net} -j ACCEPT\n");
    let good = iptables(&(rule("10.32.0.0/14") + &rule("10.48.0.0/14")));
    catches("active-directory-transit", "domain-transit", &good, &iptables(&rule("10.32.0.0/14")), "FW101");
}

#[test]
fn names_and_time() {
    let client = iptables("-A OUTPUT -p udp --dport 53 -j ACCEPT\n-A OUTPUT -p tcp --dport 53 -j ACCEPT");
    catches("dns-client", "x", &client, &iptables("-A OUTPUT -p udp --dport 53 -j ACCEPT"), "FW101");
    let server = windows(&["Action=Allow|Dir=In|Protocol=17|LPort=53", "Action=Allow|Dir=In|Protocol=6|LPort=53"]);
    let datagrams = windows(&["Action=Allow|Dir=In|Protocol=17|LPort=53"]);
    catches("dns-server", "dns-server", &server, &datagrams, "FW101");
    catches("dns", "dns-server", &server, &datagrams, "FW101");
    let clock = iptables("-A OUTPUT -p udp --dport 123 -j ACCEPT");
    catches(
        "ntp-and-time",
        "x",
        &clock,
        &iptables("-A OUTPUT -p udp --sport 1024:65535 --dport 123 -j ACCEPT"),
        "FW101",
    );
    let own = windows(&["Action=Allow|Dir=In|Protocol=17|LPort=123"]);
    catches(
        "ntp-server",
        "time-server",
        &own,
        &windows(&["Action=Allow|Dir=In|Protocol=17|LPort=123|RA4=10.32.0.0/16"]),
        "FW101",
    );
}

#[test]
fn nobody_locks_himself_out() {
    let ssh = iptables("-A INPUT -s 10.96.0.0/20 -p tcp --dport 22 -j ACCEPT");
    catches(
        "management-ssh",
        "linux-server",
        &ssh,
        &iptables("-A INPUT -s 10.96.0.0/21 -p tcp --dport 22 -j ACCEPT"),
        "FW101",
    );
    let desk = [
        "Action=Allow|Dir=In|Protocol=6|LPort=3389|RA4=10.96.0.0/20",
        "Action=Allow|Dir=In|Protocol=6|LPort=5985|RA4=10.96.0.0/20",
    ];
    let blocked = windows(&[desk[0], desk[1], "Action=Block|Dir=In|Protocol=6|LPort=5985"]);
    catches("management-windows", "windows-server", &windows(&desk), &blocked, "FW101");
    let both = windows(&[desk[0], desk[1], "Action=Allow|Dir=In|Protocol=6|LPort=22"]);
    catches("management-access", "windows-server linux-server", &both, &windows(&desk), "FW101");
}

#[test]
fn web_and_icmp() {
    let web = windows(&["Action=Allow|Dir=In|Protocol=6|LPort=80|LPort=443"]);
    catches("web", "web-server", &web, &windows(&["Action=Allow|Dir=In|Protocol=6|LPort=443"]), "FW101");
    let healthy = [
        "Action=Allow|Dir=In|Protocol=1|ICMP4=3:4",
        "Action=Allow|Dir=In|Protocol=58|ICMP6=2:*|ICMP6=135:*|ICMP6=136:*",
    ];
    catches("icmp-health", "x", &windows(&healthy), &windows(&healthy[1..]), "FW101");
    catches(
        "icmp-health",
        "x",
        &windows(&healthy),
        &windows(&[healthy[0], "Action=Allow|Dir=In|Protocol=58|ICMP6=2:*|ICMP6=135:*"]),
        "FW101",
    );
}

#[test]
fn what_must_not_pass() {
    let telnet = windows(&["Action=Allow|Dir=In|Protocol=6|LPort=23|RA4=10.96.0.0/20"]);
    catches("no-clear-text-management", "x", &windows(&["Action=Allow|Dir=In|Protocol=6|LPort=22"]), &telnet, "FW104");
    let border = iptables("-A FORWARD -s 10.0.0.0/8 -j ACCEPT");
    catches(
        "rfc1918-and-bogons",
        "border",
        &border,
        &iptables("-A FORWARD -s 0.0.0.0/0 -p tcp --dport 80 -j ACCEPT"),
        "FW104",
    );
}

/// A pack that is not tested here only gives names or assumptions.
#[test]
fn every_pack_that_decides_is_tested() {
    let own = include_str!("packs.rs");
    for pack in packs().iter().filter(|p| p.text.contains("[[require]]") || p.text.contains("[[forbid]]")) {
        assert!(own.contains(&format!("\"{}\"", pack.name)), "{} is not tested", pack.name);
    }
}
