//! Mistakes, and the whole text that people see for each.

use fwgate::policy::*;
use fwgate::report::{Colour, render_problems};
use fwgate::ruleset::Unreadable;

fn shown<T>(read: Result<T, Unreadable>) -> String {
    match read {
        Ok(_) => "accepted".into(),
        Err(e) => render_problems(&e.problems, &e.sources, Colour::Never),
    }
}

fn refused(text: &str) -> String {
    shown(read_policy(&PolicyFiles::single("fwgate.toml", text)))
}

fn requirement(lines: &str) -> String {
    refused(&format!("version = 1\n\n[[require]]\nid = \"a\"\nreason = \"b\"\nhook = \"forward\"\n{lines}\n"))
}

#[test]
fn unknown_keys_name_the_nearest_one() {
    let text = "servcie = [\"any\"]\nform = [\"any\"]\nto = [\"any\"]\ncolour = 3";
    insta::assert_snapshot!(requirement(text));
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    let text = "from = [\"10.20.0.1/16\", \"10.0.0.0/33\", \"300.1.1.1\", \"fd00::/x\"]\nto = [\"10.0.0.9-10.0.0.1\", \"toronot\", \"10.0.0.1-::1\"]\nservice = [\"any\"]\n[ranges]\ntoronto = [\"any\"]";
    insta::assert_snapshot!(requirement(text));
}

#[test]
fn services_say_what_is_wrong_with_them() {
    let text = "from = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/443-80\", \"tcp/70000\", \"tpc/1\", \"htps\", \"rdp\", \"esp/4\", \"icmp/echo\", \"17\", \"tcp/https\"]\n[services]\nhttps = [\"tcp/443\"]\ntcp = [\"udp/1\"]";
    insta::assert_snapshot!(requirement(text));
}

#[test]
fn messages_without_a_conversation_cannot_be_required() {
    let text = "from = [\"any\"]\nto = [\"any\"]\nservice = [\"icmp\", \"icmp/echo-reply\", \"icmpv6/redirect\", \"icmp/fragmentation-needed\"]";
    insta::assert_snapshot!(requirement(text));
}

#[test]
fn names_that_contain_themselves_are_shown_as_a_ring() {
    insta::assert_snapshot!(refused(
        "version = 1\n[ranges]\na = [\"b\"]\nb = [\"10.0.0.0/8\", \"c\"]\nc = [\"a\"]\nself = [\"self\"]\nd = [\"a\", \"nowhere\"]\n"
    ));
}

#[test]
fn wrong_types_are_named() {
    insta::assert_snapshot!(refused(
        "version = \"1\"\nranges = 3\ninclude = \"pack:dns-client\"\nforbid = 4\n[[require]]\nid = 7\nreason = \"\"\nfrom = \"any\"\nto = [1]\nservice = {}\nhook = \"forwrad\"\n[[assume]]\ncondition = \"x\"\nholds = \"yes\"\nreason = \"r\"\n"
    ));
}

#[test]
fn syntax_errors_are_all_shown() {
    insta::assert_snapshot!(refused("version = 1\n[[require]\nid = \"a\nreason == 3\n"));
}

#[test]
fn json_errors_are_shown_in_their_place() {
    let read = |text| shown(read_policy(&PolicyFiles::single("p.json", text)));
    insta::assert_snapshot!(
        [
            read("{\"version\": 1, \"version\": 2,\n \"ranges\": {\"a\": [\"10.0.0.1/8\"]}}"),
            read("{\"version\": 1,\n \"ranges\": }"),
            read("[]"),
            read("{\"a")
        ]
        .join("\n")
    );
}

#[test]
fn ids_and_names_are_given_once() {
    let rule = "[[require]]\nid = \"a\"\nreason = \"b\"\nfrom = [\"any\"]\nto = [\"any\"]\nservice = [\"any\"]\nhook = \"input\"\n";
    let second = rule
        .replace("require", "forbid")
        .replace("input", "input\"\nin = [\"eth*0\"]\nout = [\"eth0\"]\ndevices = [\"roel:x\"] #");
    let files = PolicyFiles {
        main: vec![
            (
                "fwgate.toml".into(),
                format!("version = 1\ninclude = [\"pack:active-directroy\", \"gone.toml\"]\n{rule}[ranges]\nx = []\n"),
            ),
            ("policies/b.toml".into(), format!("version = 0\n{second}\n[ranges]\nx = []\n\"ü\" = []\n")),
        ],
        ..PolicyFiles::default()
    };
    insta::assert_snapshot!(shown(read_policy(&files)));
}

#[test]
fn the_gate_checks_what_it_can_see() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK7yBF2LxoZ2H1tgsfjg1acmtK9pd8IXpP8nD2zBZyZB";
    let text = format!(
        r#"version = 1
[[person]]
id = "alicе"
roles = ["network"]
keys = ["{key} alice"]
[[person]]
id = "bob"
roles = ["network", "näher"]
keys = ["{key} other", "cert-authority x", {{ key = "{key} again", form = 2026-01-01 }}]
[[machine]]
id = "bob"
purpose = "permits"
key = "none"
[class.normal]
quorum = [{{ role = "network", count = 0 }}]
lead_time = "4 hours"
solo = {{}}
[[class.normal.also]]
when = "opened-to-ayn"
quorum = []
[class.weekly]
[[window]]
days = ["tuesday"]
from = "25:00"
to = "02:00"
zone = "America Toronto"
[[freeze]]
from = "2026-12-18T00:00:00"
to = "2027-02-30T00:00:00Z"
reason = "year end"
[lab]
[[unmanaged]]
devices = ["*"]
[severity]
FW101 = "note"
FW304 = "fatal"
[[waive]]
code = "FW104"
reason = "no"
owner = "x"
expires = "soon"
"#
    );
    insta::assert_snapshot!(refused(&text));
}

#[test]
fn change_requests_are_checked_too() {
    let text = "id = \"CHG-1\"\ntitle = \"t\"\nclass = \"nromal\"\nreason = \"r\"\n[[intent]]\neffect = \"open\"\nfrom = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/1\"]\nhook = \"input\"\nout = [\"eth0\"]\n[window]\nstart = \"tomorrow\"\n";
    insta::assert_snapshot!(shown(read_change("changes/CHG-2.toml", text, &Names::default())));
    for (id, good) in [
        ("CHG-2042", true),
        ("A1-0", true),
        ("chg-1", false),
        ("CHG-", false),
        ("CHG-1234567890", false),
        ("1A-1", false),
        ("A-1-2", false),
    ] {
        assert_eq!(is_change_id(id), good, "{id}");
    }
}

#[test]
fn device_facts_are_checked_too() {
    let text = "dialekt = \"nft\"\nenvironment = \"prod\"\naddresses = [\"10.0.0.300\"]\ninterfaces = [\"eth+\", \"\"]\nfrom = [\"web\"]\nrole = \"a b\"\n";
    insta::assert_snapshot!(shown(read_device_file("devices/edge1/device.toml", text)));
}

#[test]
fn hidden_characters_are_shown_and_long_lines_cut() {
    let long = format!(
        "version = 1 # {}\u{1b}[31m\u{202e}evil\nrepository = \"{}\" # {}\u{0}",
        "x",
        "y".repeat(300),
        "z".repeat(300)
    );
    insta::assert_snapshot!(refused(&long));
    let long = format!(
        "version = 1\n\"k\u{202e}\" = 1\nranges = {{ {} , b = [\"10.0.0.1/8\"], {} }}\n",
        "a = []",
        "c = [\"10.0.0.0/8\", \"10.0.0.0/8\", \"10.0.0.0/8\", \"10.0.0.0/8\", \"10.0.0.0/8\", \"10.0.0.0/8\", \"10.0.0.0/8\", \"10.0.0.0/8\"]"
    );
    insta::assert_snapshot!(refused(&long));
}

#[test]
fn nesting_and_size_are_bounded() {
    let chain: String = (0..200).map(|i| format!("n{i} = [\"n{}\"]\n", i + 1)).collect();
    let text = refused(&format!("version = 1\n[ranges]\n{chain}n200 = []\n"));
    assert!(text.contains("nest deeper than 64"), "{text}");
    let bomb: String = (0..60).map(|i| format!("n{i} = [\"n{0}\", \"n{0}\"]\n", i + 1)).collect();
    assert_eq!(refused(&format!("version = 1\n[ranges]\n{bomb}n60 = [\"10.0.0.0/8\"]\n")), "accepted");
    let deep = format!("{{\"version\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(shown(read_policy(&PolicyFiles::single("p.json", deep))).contains("nest deeper"));
    let deep = format!("version = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_ne!(refused(&deep), "accepted");
    assert!(refused(&" ".repeat(MAX_BYTES + 1)).contains("bytes"));
}

#[test]
fn a_mark_on_a_line_break_is_shown_at_the_end_of_its_line() {
    assert!(refused("version = 1\nrepository = \"x\r\ny\"\r\n").contains("2 | repository = \"x"));
}

#[test]
fn deep_keys_do_not_exhaust_the_stack() {
    let dotted = vec!["a"; 200_000].join(".");
    for text in
        [format!("{dotted} = 1"), format!("[{dotted}]"), format!("x = {{ {dotted} = 1 }}"), "[[a]]\n".repeat(100_000)]
    {
        assert_ne!(refused(&text), "accepted");
    }
}

mod never_panics {
    use super::*;
    use crate::accepted::{CHANGE, GATE, REQUIREMENTS};
    use proptest::prelude::*;

    /// One of the examples with a piece replaced.
    fn damaged() -> impl Strategy<Value = String> {
        let text = prop::sample::select(vec![GATE, REQUIREMENTS, CHANGE]);
        let piece =
            prop_oneof!["[\\[\\]{}=\"',.#\n 0-9a-z-]{0,12}", "\\PC{0,6}", Just("\u{0}\u{202e}\r\n\t".to_owned())];
        (text, any::<prop::sample::Index>(), 0..20usize, piece).prop_map(|(text, at, length, piece)| {
            let chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            let rest = chars[(at + length).min(chars.len())..].iter();
            chars[..at].iter().copied().chain(piece.chars()).chain(rest.copied()).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn on_damaged_documents(text in damaged()) {
            for name in ["fwgate.toml", "fwgate.json"] {
                let _ = shown(read_policy(&PolicyFiles::single(name, text.clone())));
                let _ = shown(read_change(name, &text, &Names::default()));
                let _ = shown(read_device_file(name, &text));
            }
        }

        #[test]
        fn on_damaged_json(text in "[\\[\\]{}:,\"\\\\ a-c0-9.eEu-]{0,40}") {
            let _ = shown(read_policy(&PolicyFiles::single("p.json", text)));
        }

        #[test]
        fn on_any_entry(entry in "[a-z0-9./:,-]{0,12}|\\PC{0,8}") {
            let entry = entry.replace(['"', '\\'], "");
            let lines = format!("from = [\"{entry}\"]\nto = [\"any\"]\nservice = [\"{entry}\", \"tcp/{entry}\", \"icmp/{entry}\"]\nin = [\"{entry}\"]\nsource_port = \"{entry}\"");
            let _ = requirement(&lines);
        }
    }
}
