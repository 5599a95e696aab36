//! One policy, written in every form.

use crate::{assert_equal, policy_file, read, registry_text};

const RULES: [(&str, &str); 5] = [
    (
        "https",
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|LPort=443|LPort2_10=8000-8010|RA4=10.1.0.0/255.255.0.0|Name=https|",
    ),
    ("block", "v2.31|Action=Block|Active=TRUE|Dir=In|RA4=10.1.9.9|Name=block|"),
    (
        "ldap",
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=389|RA4=LocalSubnet|App=%systemroot%\\system32\\lsass.exe|Name=ldap|",
    ),
    ("ping", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=1|ICMP4=8:*|Name=ping|"),
    ("mail", "v2.31|Action=Block|Active=TRUE|Dir=Out|Protocol=6|RPort=25|Name=mail|"),
];

const LOCAL: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
const GROUP: &str = r"SOFTWARE\Policies\Microsoft\WindowsFirewall";

fn export() -> String {
    let mut out = format!("Windows Registry Editor Version 5.00\r\n\r\n[{LOCAL}\\FirewallRules]\r\n");
    for (name, rule) in RULES {
        out += &format!("\"{name}\"=\"{}\"\r\n", rule.replace('\\', "\\\\"));
    }
    out + &format!("\r\n[{LOCAL}\\PublicProfile]\r\n\"DefaultOutboundAction\"=dword:00000001\r\n")
}

fn json(numbers: bool) -> String {
    let word = |word: &str, number: u32| if numbers { number.to_string() } else { format!("\"{word}\"") };
    let (inn, out) = (word("Inbound", 1), word("Outbound", 2));
    let (allow, block, on) = (word("Allow", 2), word("Block", 4), word("True", 1));
    let (any, domain) = (word("Any", 0), word("Domain", 1));
    let rule = |name: &str, direction: &str, action: &str, profile: &str, rest: &str| {
        format!(
            "{{\"InstanceID\": \"{name}\", \"DisplayName\": \"{name}\", \"Enabled\": {on}, \"Direction\": {direction}, \"Action\": {action}, \
             \"Profile\": {profile}, \"LocalAddress\": \"Any\", \"Service\": \"Any\", \"InterfaceAlias\": \"Any\", \
             \"InterfaceType\": {any}, \"Authentication\": {}, {rest}}}",
            word("NotRequired", 0)
        )
    };
    let rules = [
        rule(
            "https",
            &inn,
            &allow,
            &domain,
            r#""Protocol": "TCP", "LocalPort": ["443", "8000-8010"], "RemoteAddress": "10.1.0.0/255.255.0.0", "Program": "Any""#,
        ),
        rule("block", &inn, &block, &any, r#""Protocol": "Any", "RemoteAddress": ["10.1.9.9"], "Program": "Any""#),
        rule(
            "ldap",
            &inn,
            &allow,
            &any,
            r#""Protocol": "6", "LocalPort": "389", "RemoteAddress": "LocalSubnet4", "Program": "%SystemRoot%\\System32\\lsass.exe""#,
        ),
        rule(
            "ping",
            &inn,
            &allow,
            &any,
            r#""Protocol": "ICMPv4", "IcmpType": "8", "RemoteAddress": "Any", "Program": "Any""#,
        ),
        rule(
            "mail",
            &out,
            &block,
            &any,
            r#""Protocol": "TCP", "RemotePort": "25", "RemoteAddress": "Any", "Program": null"#,
        ),
    ];
    let profile = format!(
        "{{\"Name\": \"Public\", \"DefaultInboundAction\": {}, \"DefaultOutboundAction\": {block}}}",
        word("NotConfigured", 0)
    );
    format!("{{\"rules\": [{}], \"profiles\": [{profile}]}}", rules.join(",\n"))
}

fn netsh() -> String {
    let ruler = "-".repeat(70);
    let rule = |name: &str, lines: &[(&str, &str)]| {
        let line = |(key, value): &(&str, &str)| match key.is_empty() {
            true => format!("{:<38}{value}\n", ""),
            false => format!("{:<38}{value}\n", format!("{key}:")),
        };
        let tail = [("Edge traversal", "No"), ("Security", "NotRequired"), ("Rule source", "Local Setting")];
        let head = format!("\n{:<38}{name}\n{ruler}\n{:<38}Yes\n", "Rule Name:", "Enabled:");
        head + &lines.iter().chain(&tail).map(line).collect::<String>()
    };
    let all = "Domain,Private,Public";
    let rules = [
        rule(
            "https",
            &[
                ("Direction", "In"),
                ("Profiles", "Domain"),
                ("RemoteIP", "10.1.0.0/16"),
                ("Protocol", "TCP"),
                ("LocalPort", "443,8000-8010"),
                ("Action", "Allow"),
            ],
        ),
        rule(
            "block",
            &[
                ("Direction", "In"),
                ("Profiles", all),
                ("RemoteIP", "10.1.9.9/32"),
                ("Protocol", "Any"),
                ("Action", "Block"),
            ],
        ),
        rule(
            "ldap",
            &[
                ("Direction", "In"),
                ("Profiles", all),
                ("RemoteIP", "LocalSubnet4"),
                ("Protocol", "TCP"),
                ("LocalPort", "389"),
                ("Program", "C:\\Windows\\system32\\lsass.exe"),
                ("Action", "Allow"),
            ],
        ),
        rule(
            "ping",
            &[
                ("Direction", "In"),
                ("Profiles", all),
                ("RemoteIP", "Any"),
                ("Protocol", "ICMPv4"),
                ("", "Type    Code"),
                ("", "8       Any"),
                ("Action", "Allow"),
            ],
        ),
        rule(
            "mail",
            &[
                ("Direction", "Out"),
                ("Profiles", all),
                ("RemoteIP", "Any"),
                ("Protocol", "TCP"),
                ("RemotePort", "25"),
                ("Action", "Block"),
            ],
        ),
    ];
    let profile = format!(
        "\nPublic Profile Settings: \n{ruler}\n{:<38}ON\n{:<38}BlockInbound,BlockOutbound\n",
        "State", "Firewall Policy"
    );
    rules.concat() + "Ok.\n" + &profile + "Ok.\n"
}

fn group_policy() -> Vec<u8> {
    let rules = RULES.map(|(name, rule)| (format!("{GROUP}\\FirewallRules"), name, 1, registry_text(rule)));
    let mut values: Vec<(&str, &str, u32, Vec<u8>)> =
        rules.iter().map(|(key, name, kind, data)| (key.as_str(), *name, *kind, data.clone())).collect();
    let public = format!("{GROUP}\\PublicProfile");
    values.push((&public, "DefaultOutboundAction", 4, vec![1, 0, 0, 0]));
    policy_file(&values)
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(order).collect()
}

#[test]
fn every_form_of_one_policy_means_the_same() {
    let export = export();
    let first = read(&[("firewall.reg", export.as_bytes())]);
    let others: [(&str, Vec<u8>); 7] = [
        ("utf-16-le.reg", utf16(&export, u16::to_le_bytes)),
        ("utf-16-be.reg", utf16(&export, u16::to_be_bytes)),
        ("registry.pol", group_policy()),
        ("words.json", json(false).into_bytes()),
        ("numbers.json", json(true).into_bytes()),
        ("utf-16.json", utf16(&json(false), u16::to_le_bytes)),
        ("netsh.txt", netsh().into_bytes()),
    ];
    for (name, bytes) in others {
        assert_equal(name, &first, &read(&[(name, &bytes)]));
    }
}

#[test]
fn a_rule_that_is_missing_is_seen() {
    let export = export();
    let without: String = export.lines().filter(|l| !l.contains("LPort=443")).map(|l| format!("{l}\n")).collect();
    let [one, other] = [&export, &without].map(|text| read(&[("firewall.reg", text.as_bytes())]));
    let pair = fwgate::diff::DevicePair { name: "web1", old: Some(&one), new: Some(&other) };
    let diff = fwgate::diff::diff_device(pair, &[], fwgate::diff::Bounds::default()).unwrap();
    assert!(diff.filters.iter().any(|f| !f.diff.changes.is_empty()));
}

#[test]
fn the_lines_of_a_policy_file_are_its_entries() {
    let ruleset = read(&[("registry.pol", &group_policy())]);
    let source = ruleset.sources.iter().next().unwrap();
    let quoted: Vec<&str> = source.text.lines().filter(|l| l.starts_with("\"https\"")).collect();
    assert_eq!(quoted.len(), 1);
    let rule =
        ruleset.rules().find(|(_, rule)| ruleset.sources.text(rule.span) == quoted[0]).expect("the rule has its line");
    assert_eq!(source.text.lines().nth(rule.1.span.line as usize - 1), Some(quoted[0]));
}
