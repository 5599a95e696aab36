//! Bundles that are written, read, and refused; ports that are carried over, and proofs that fail.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::dialect::InputFile;
use crate::diff::Bounds;
use crate::packet::IfacePattern;
use std::collections::BTreeMap;
use tar::{Builder, EntryType, Header};

fn file(path: &str, text: &str) -> TreeFile {
    TreeFile { path: path.to_owned(), bytes: text.as_bytes().into() }
}

fn bundle() -> Bundle {
    let files = vec![file("devices/edge1/rules.v4", "*filter\nCOMMIT\n"), file("roles/web/base.v4", "# base\n")];
    let entry = |f: &TreeFile| BundledFile { path: f.path.clone(), sha256: sha256_text(&f.bytes), original: None };
    let device = BundledDevice {
        device: "edge1".into(),
        roles: vec!["web".into()],
        origin: Origin::Receipt,
        bytes: sha256_text(b"x"),
        change: Some("CHG-1".into()),
        receipt: None,
        since: None,
        commit: None,
        files: files.iter().map(entry).collect(),
    };
    let manifest = Manifest {
        schema: BUNDLE_SCHEMA.into(),
        repository: None,
        policy: 1,
        spare: None,
        role: None,
        devices: vec![device],
    };
    Bundle { manifest, files, originals: Vec::new() }
}

#[test]
fn one_content_has_one_archive() {
    let bytes = pack(&bundle()).unwrap();
    assert!(pack(&bundle()).unwrap() == bytes);
    let turned = Bundle { files: bundle().files.into_iter().rev().collect(), ..bundle() };
    assert!(pack(&turned).unwrap() == bytes, "the order of files is nothing");
    assert_eq!(unpack(&bytes).unwrap(), bundle());
    let mut refused = 0;
    for at in (0..bytes.len()).step_by(7) {
        let mut other = bytes.clone();
        other[at] ^= 1;
        match unpack(&other) {
            // The manifest itself is what the signature is over.
            Ok(read) => assert_ne!(read.manifest, bundle().manifest, "a flipped bit at {at}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 500, "{refused}");
    assert!(unpack(&bytes[..bytes.len() - 512]).is_err());
    assert!(unpack(&[bytes.clone(), vec![0; 512]].concat()).is_err());
    assert!(unpack(b"").is_err());
}

/// The archive of the bundle with one more member.
fn with(path: &str, kind: EntryType, bytes: &[u8], link: Option<&str>) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let good = bundle();
    let manifest = good.manifest.text().unwrap();
    let mut add = |path: &str, kind: EntryType, bytes: &[u8], link: Option<&str>| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // The name as it is: the crate itself would refuse `..`.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        if let Some(link) = link {
            header.set_link_name(link).unwrap();
        }
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    };
    for one in &good.files {
        add(&format!("files/{}", one.path), EntryType::Regular, &one.bytes, None);
    }
    add("manifest.json", EntryType::Regular, manifest.as_bytes(), None);
    add(path, kind, bytes, link);
    builder.into_inner().unwrap()
}

#[test]
fn hostile_archives_are_refused() {
    use EntryType as E;
    let refused = |path: &str, kind, bytes: &[u8], link, why: &str| {
        let error = unpack(&with(path, kind, bytes, link)).unwrap_err().to_string();
        assert!(error.contains(why), "{path}: {error}");
    };
    refused("files/../../etc/passwd", E::Regular, b"x", None, "leaves the archive");
    refused("/etc/passwd", E::Regular, b"x", None, "no plain one");
    refused("files/a\\b", E::Regular, b"x", None, "no plain one");
    refused("files/x", E::Symlink, b"", Some("/etc/passwd"), "is no plain file");
    refused("files/x", E::Link, b"", Some("manifest.json"), "is no plain file");
    refused("files/x", E::Directory, b"", None, "is no plain file");
    refused("files/x", E::Char, b"", None, "is no plain file");
    refused("files/devices/edge1/rules.v4", E::Regular, b"other", None, "is there twice");
    refused("manifest.json", E::Regular, b"{}", None, "is there twice");
    refused("hidden", E::Regular, b"x", None, "has no place");
    refused("files/more.v4", E::Regular, b"x", None, "not named by the manifest");
    refused("files/\u{202e}x", E::Regular, b"x", None, "cannot be shown");
}

#[test]
fn sizes_that_are_not_there_cost_nothing() {
    let mut header = Header::new_gnu();
    header.set_path("files/bomb").unwrap();
    header.set_size(1 << 40);
    header.set_mode(0o644);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    assert!(unpack(header.as_bytes()).is_err());
    header.set_entry_type(EntryType::GNUSparse);
    header.set_cksum();
    assert!(unpack(&[header.as_bytes().as_slice(), &[0; 1024]].concat()).is_err());
}

#[test]
fn what_the_manifest_does_not_say_is_refused() {
    let mut changed = bundle();
    changed.files[0].bytes = b"*filter\n-A INPUT -j ACCEPT\nCOMMIT\n".to_vec().into();
    assert!(unpack(&pack(&changed).unwrap()).unwrap_err().to_string().contains("is not what the manifest names"));
    let mut less = bundle();
    less.files.remove(0);
    assert!(unpack(&pack(&less).unwrap()).unwrap_err().to_string().contains("not in the archive"));
}

fn ports(pairs: &[(&str, &str)]) -> PortMap {
    PortMap::new(&pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<BTreeMap<_, _>>())
}

#[test]
fn ports_become_what_they_are_called_or_nothing() {
    let map = ports(&[("eth0", "eth1"), ("eth1", "eth0"), ("wg0", "wg0")]);
    let image = |text: &str| map.image(&IfacePattern::exact(text)).map(|p| p.name);
    assert_eq!(image("eth0").unwrap(), "eth1");
    assert_eq!(image("lo").unwrap(), "lo");
    assert_eq!(image("eth2"), Err(Unmapped::Missing("eth2".into())));
    // A pattern stands for the same ports on both, or it is refused.
    assert_eq!(map.image(&IfacePattern::prefix("eth")).unwrap(), IfacePattern::prefix("eth"));
    let moved = ports(&[("eth0", "ens1"), ("eth1", "ens2")]);
    assert_eq!(moved.image(&IfacePattern::prefix("eth")), Err(Unmapped::Pattern("eth+".into())));
    let moved = ports(&[("eth0", "ens1"), ("eth1", "ens2"), ("eth+", "ens+")]);
    assert_eq!(moved.image(&IfacePattern::prefix("eth")).unwrap(), IfacePattern::prefix("ens"));
    let wrong = ports(&[("eth0", "ens1"), ("eth1", "eno1"), ("eth+", "ens+")]);
    assert!(wrong.image(&IfacePattern::prefix("eth")).is_err());
}

fn composed(name: &str, text: &str) -> Composed {
    let rulesets = vec![InputFile { name: name.to_owned(), bytes: text.as_bytes().into() }];
    Composed { rulesets, includes: Vec::new(), facts: None }
}

fn written(name: &str, text: &str, map: &PortMap) -> String {
    let written = map_device(&composed(name, text), map, Bounds::default()).unwrap_or_else(|e| panic!("{e}"));
    String::from_utf8(written.composed.rulesets[0].bytes.to_vec()).unwrap()
}

const DUMP: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:eth0 - [0:0]\n\
-A INPUT -i lo -j ACCEPT\n-A FORWARD -i eth0 -o eth1 -m comment --comment \"from -i eth0\" -j eth0\n\
-A FORWARD -i eth1 -m limit --limit 5/second -j ACCEPT\n-A eth0 -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n";

#[test]
fn only_ports_are_written_anew() {
    let map = ports(&[("eth0", "ens1"), ("eth1", "ens2")]);
    let text = written("rules.v4", DUMP, &map);
    assert!(text.contains(":eth0 - [0:0]") && text.contains("-j eth0\n"), "a chain stays what it is called: {text}");
    assert!(text.contains("-i ens1 -o ens2 -m comment --comment \"from -i eth0\""), "a comment stays: {text}");
    let sets = "create bad hash:net,iface family inet\nadd bad 10.0.0.0/8,eth0\nadd bad 10.9.0.0/16,physdev:eth1\n";
    let rules = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m set --match-set bad src,src -j ACCEPT\nCOMMIT\n";
    let mut device = composed("a.ipset", sets);
    device.rulesets.extend(composed("b.v4", rules).rulesets);
    let out = map_device(&device, &map, Bounds::default()).unwrap_or_else(|e| panic!("{e}"));
    let sets = String::from_utf8(out.composed.rulesets[0].bytes.to_vec()).unwrap();
    assert!(sets.contains("10.0.0.0/8,ens1\n") && sets.contains("physdev:ens2"), "{sets}");
}

#[test]
fn scripts_are_written_anew_by_their_syntax() {
    let map = ports(&[("eth0", "ens1"), ("eth1", "ens2"), ("eth0.7", "ens1.7")]);
    let text = "define WAN = eth0\ntable inet f {\n\tset s { type ifname . ipv4_addr; elements = { \"eth1\" . 10.0.0.1 } }\n\
\tflowtable ft { hook ingress priority 0; devices = { eth0, \"eth1\" }; }\n\
\tchain eth0 { iifname \"eth0.7\" tcp dport 22 accept comment \"eth0\"; }\n\
\tchain c { type filter hook forward priority 0; policy drop; iifname $WAN oifname { \"eth1\", lo } accept; iifname . ip saddr @s accept\n\
\t\tiifname vmap { eth0 : jump eth0, eth1 : drop }; }\n}\n";
    let out = written("rules.nft", text, &map);
    for part in [
        "define WAN = ens1\n",
        "elements = { \"ens2\" . 10.0.0.1 }",
        "devices = { ens1, \"ens2\" }",
        "chain eth0 { iifname \"ens1.7\" tcp dport 22 accept comment \"eth0\"; }",
        "iifname $WAN oifname { \"ens2\", lo }",
        "vmap { ens1 : jump eth0, ens2 : drop }",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
}

#[test]
fn a_port_without_a_name_and_a_file_that_cannot_be_written_are_refused() {
    let map = ports(&[("eth0", "ens1")]);
    match map_device(&composed("rules.v4", DUMP), &map, Bounds::default()) {
        Err(MappingError::Unmapped(all)) => assert_eq!(all, [Unmapped::Missing("eth1".into())]),
        other => panic!("{other:?}"),
    }
}

/// An export with two rules, with these aliases and kinds of adapters.
fn export(aliases: [&str; 2], kinds: [&str; 2], off: &str) -> String {
    let rule = |at: usize| {
        format!(
            r#"  {{"InstanceID": "r{at}", "DisplayName": "Ethernet 2", "Enabled": "True", "Direction": "Inbound", "Action": "Allow", "Profile": "Any",
   "Protocol": "TCP", "LocalPort": "44{at}", "RemoteAddress": "10.0.0.0/8", "LocalAddress": "Any", "Program": "Any", "Service": "Any",
   "InterfaceAlias": {}, "InterfaceType": "{}", "Authentication": "NotRequired"}}"#,
            aliases[at], kinds[at]
        )
    };
    let profile = format!(
        r#"{{"Name": "Domain", "Enabled": "True", "DefaultInboundAction": "Block", "DisabledInterfaceAliases": {off}}}"#
    );
    format!("{{\"profiles\": [{profile}], \"rules\": [\n{},\n{}\n]}}\n", rule(0), rule(1))
}

#[test]
fn aliases_of_windows_are_written_anew() {
    let map = ports(&[("Ethernet 2", "LAN 1"), ("vEthernet (a)", "LAN 2")]);
    let text = export(["\"Ethernet 2\"", "[\"vEthernet (a)\", \"Ethernet 2\"]"], ["Any", "Any"], "[\"vEthernet (a)\"]");
    let out = written("firewall.json", &text, &map);
    let expected = export(["\"LAN 1\"", "[\"LAN 2\", \"LAN 1\"]"], ["Any", "Any"], "[\"LAN 2\"]");
    assert_eq!(out, expected, "and the rule keeps its name");
    let silent = export(["\"Any\"", "[]"], ["Any", "Any"], "[\"NotConfigured\"]");
    assert_eq!(written("firewall.json", &silent, &map), silent);
    match map_device(&composed("firewall.json", &text), &ports(&[("Ethernet 2", "LAN 1")]), Bounds::default()) {
        Err(MappingError::Unmapped(all)) => assert_eq!(all, [Unmapped::Missing("vEthernet (a)".into())]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rules_of_windows_that_name_no_alias_are_refused_where_they_stand() {
    let map = ports(&[("Ethernet 2", "LAN 1")]);
    let refused = |name: &str, text: &str| match map_device(&composed(name, text), &map, Bounds::default()) {
        Err(MappingError::Unreadable(unreadable)) => {
            unreadable.problems.iter().map(|p| (p.span.line, p.message.clone())).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let kinds = refused("firewall.json", &export(["\"Ethernet 2\"", "\"Any\""], ["Any", "Wireless"], "[]"));
    assert!(matches!(kinds.as_slice(), [(5, m)] if m.contains("a kind of adapter")), "{kinds:?}");
    let key = "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules]";
    let rule = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|";
    let registry = |more: &str| {
        format!(
            "Windows Registry Editor Version 5.00\n\n{key}\n\"a\"=\"{rule}Name=a|\"\n\"b\"=\"{rule}{more}Name=b|\"\n"
        )
    };
    let bound = refused("a.reg", &registry("IF={A2A2A2A2-0000-1111-2222-333333333333}|"));
    assert!(matches!(bound.as_slice(), [(5, m)] if m.contains("by its GUID")), "{bound:?}");
    assert_eq!(written("a.reg", &registry(""), &map), registry(""), "no rule names an interface");
}

#[test]
fn a_condition_that_names_a_port_is_told_with_its_rule() {
    let map = ports(&[("eth0", "ens1"), ("eth1", "ens2")]);
    let options = crate::dialect::ReadOptions::default();
    let file = InputFile { name: "rules.v4".into(), bytes: DUMP.as_bytes().into() };
    let ruleset = crate::dialect::read_device(&[file], &options).unwrap();
    let text = crate::dialect::native::write(&ruleset);
    let named = text.replace("limit: 5/second burst 5", "shaper: class of eth1");
    match map_device(&composed("rules.json", &named), &map, Bounds::default()) {
        Err(MappingError::Conditions(left)) => assert_eq!(
            left.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["the condition `shaper: class of eth1` in rules.v4:8 names a port, and cannot be written anew"]
        ),
        other => panic!("{other:?}"),
    }
    assert!(written("rules.json", &text, &map).contains("limit: 5/second"), "a condition without a port stays");
}

const LISTING: &str = r#"{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
 {"table": {"family": "inet", "name": "f", "handle": 1}},
 {"set": {"family": "inet", "name": "s", "table": "f", "type": ["ifname", "ipv4_addr"], "handle": 3, "elem": [{"concat": ["eth1", "10.0.0.1"]}]}},
 {"map": {"family": "inet", "name": "m", "table": "f", "type": "ifname", "map": "verdict", "handle": 4, "elem": [["eth0", {"accept": null}], ["eth1", {"drop": null}]]}},
 {"flowtable": {"family": "inet", "name": "ft", "table": "f", "handle": 5, "hook": "ingress", "prio": 0, "dev": ["eth0", "eth1"]}},
 {"chain": {"family": "inet", "table": "f", "name": "eth0", "handle": 6}},
 {"chain": {"family": "inet", "table": "f", "name": "c", "handle": 2, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}},
 {"rule": {"family": "inet", "table": "f", "chain": "eth0", "handle": 7, "comment": "eth0", "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0.7"}}, {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, {"accept": null}]}},
 {"rule": {"family": "inet", "table": "f", "chain": "c", "handle": 8, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}, {"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": {"set": ["eth1", "lo"]}}}, {"jump": {"target": "eth0"}}]}},
 {"rule": {"family": "inet", "table": "f", "chain": "c", "handle": 9, "expr": [{"match": {"op": "==", "left": {"concat": [{"meta": {"key": "iifname"}}, {"payload": {"protocol": "ip", "field": "saddr"}}]}, "right": "@s"}}, {"accept": null}]}},
 {"rule": {"family": "inet", "table": "f", "chain": "c", "handle": 10, "expr": [{"vmap": {"key": {"meta": {"key": "oifname"}}, "data": {"set": [["eth0", {"accept": null}], ["eth1", {"drop": null}]]}}}]}},
 {"rule": {"family": "inet", "table": "f", "chain": "c", "handle": 11, "expr": [{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@m"}}]}}]}"#;

#[test]
fn json_of_nftables_is_written_anew_by_its_types() {
    let map = ports(&[("eth0", "ens1"), ("eth1", "ens2"), ("eth0.7", "ens1.7")]);
    let out = written("rules.json", LISTING, &map);
    for part in [
        "{\"concat\": [\"ens2\", \"10.0.0.1\"]}",
        "[[\"ens1\", {\"accept\": null}], [\"ens2\", {\"drop\": null}]]}},",
        "\"dev\": [\"ens1\", \"ens2\"]",
        "\"name\": \"eth0\", \"handle\": 6",
        "\"comment\": \"eth0\"",
        "\"right\": \"ens1.7\"",
        "\"right\": {\"set\": [\"ens2\", \"lo\"]}",
        "{\"jump\": {\"target\": \"eth0\"}}",
        "\"data\": {\"set\": [[\"ens1\"",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    // A rule that keeps its old port does not pass.
    let prove =
        |text: &str| prove(&composed("rules.json", LISTING), &composed("rules.json", text), &map, Bounds::default());
    assert!(prove(&out).is_ok());
    assert!(matches!(
        prove(&out.replace("{\"set\": [[\"ens1\"", "{\"set\": [[\"eth0\"")),
        Err(MappingError::Differs { .. })
    ));
}

#[test]
fn rulesets_of_the_native_format_are_written_anew() {
    let options = crate::dialect::ReadOptions::default();
    let file = InputFile {
        name: "rules.v4".into(),
        bytes: DUMP.replace(" -m limit --limit 5/second", "").into_bytes().into(),
    };
    let ruleset = crate::dialect::read_device(&[file], &options).unwrap();
    let text = crate::dialect::native::write(&ruleset);
    let out = written("rules.json", &text, &ports(&[("eth0", "ens1"), ("eth1", "ens2")]));
    assert!(out.contains("\"ens1\"") && out.contains("\"ens2\""), "{out}");
    assert!(
        out.matches("eth0").count() < text.matches("eth0").count() && out.contains("eth0"),
        "the chain keeps its name: {out}"
    );
}

const ROUTES: &str = "default via 10.0.0.1 dev eth0 proto dev \n10.5.0.0/16 \n\tnexthop via 10.0.0.2 dev eth0 weight 2 \n\tnexthop via 10.1.0.2 dev eth1 weight 1 \n\
10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.9 \nblackhole 10.6.0.0/16 \n127.0.0.0/8 dev lo table 7 \n";
const ROUTING_RULES: &str = "0:\tfrom all lookup local\n5:\tnot from 10.0.0.0/8 iif eth1 lookup 7\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n";

#[test]
fn routes_and_policy_rules_are_written_anew() {
    let map = ports(&[("eth0", "ens1"), ("eth1", "ens2")]);
    let mut device = composed("routes", ROUTES);
    device.rulesets.extend(composed("rules.v4.policy", ROUTING_RULES).rulesets);
    device.rulesets.extend(composed("rules.v4", DUMP).rulesets);
    let out = map_device(&device, &map, Bounds::default()).unwrap_or_else(|e| panic!("{e}"));
    let text = |at: usize| String::from_utf8(out.composed.rulesets[at].bytes.to_vec()).unwrap();
    assert_eq!(text(0), ROUTES.replace("dev eth0", "dev ens1").replace("dev eth1", "dev ens2"));
    assert_eq!(text(1), ROUTING_RULES.replace("eth1", "ens2"));
    assert!(text(2).contains("-i ens1 -o ens2"));
    // A port that routes alone name needs a name as well, and a route left as it was fails the proof.
    let few = ports(&[("eth0", "ens1")]);
    let only = composed("routes", ROUTES);
    match map_device(&only, &few, Bounds::default()) {
        Err(MappingError::Unmapped(all)) => assert_eq!(all, [Unmapped::Missing("eth1".into())]),
        other => panic!("{other:?}"),
    }
    let good = written("routes", ROUTES, &map);
    let prove = |text: &str| prove(&only, &composed("routes", text), &map, Bounds::default());
    assert!(prove(&good).is_ok());
    assert!(matches!(
        prove(&good.replace("10.0.0.1 dev ens1", "10.0.0.1 dev eth0")),
        Err(MappingError::RoutesDiffer(_))
    ));
    let json = r#"[{"dst":"default","gateway":"10.0.0.1","dev":"eth0","flags":[]},{"dst":"10.5.0.0/16","flags":[],"nexthops":[{"gateway":"10.0.0.2","dev":"eth0","weight":1,"flags":[]},{"gateway":"10.1.0.2","dev":"eth1","weight":1,"flags":[]}]}]"#;
    assert_eq!(written("routes.json", json, &map), json.replace("eth0", "ens1").replace("eth1", "ens2"));
}

/// The proof is what stands between a wrong rewriting and the device: files in which a rule was left as it was, or lost, fail it.
#[test]
fn files_that_do_not_mean_the_same_fail_the_proof() {
    let map = ports(&[("eth0", "ens1"), ("eth1", "ens2")]);
    let device = composed("rules.v4", DUMP);
    let good = written("rules.v4", DUMP, &map);
    let prove = |text: &str| prove(&device, &composed("rules.v4", text), &map, Bounds::default());
    assert!(prove(&good).is_ok());
    assert!(matches!(prove(&good.replace("-i ens1", "-i eth0")), Err(MappingError::Differs { .. })));
    assert!(matches!(prove(&good.replace("-i ens1 -o ens2", "-i ens2 -o ens1")), Err(MappingError::Differs { .. })));
    assert!(matches!(prove(&good.replace("--dport 443", "--dport 444")), Err(MappingError::Differs { .. })));
}
