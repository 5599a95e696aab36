//! Policies that contradict themselves: each row edits the example of the specification, which is accepted as it stands.

use super::scene::*;
use fwgate::gate::*;

fn codes(text: &str) -> Vec<&'static str> {
    let reasons = match read_version(&version("c1", text)) {
        Ok((_, reasons)) | Err(reasons) => reasons,
    };
    let mut codes: Vec<&str> = reasons.iter().map(|r| r.code.name()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

const BOB: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMPRhJtkXFMW7l/HTMiWrHxIbRx3nF7cMBgY54n656h4 bob";
const DEPLOYER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJo9H6oTsSVy0vUASLyRn+p4kOsAFpTcs4Uou7vQklXa deployer";
const LEDGER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOZg1jWaDsoAShEc109GbUDNK5P+CN6fwOYr9gZWseCc ledger";

#[test]
fn the_example_is_accepted_as_it_stands() {
    assert_eq!(codes(GATE), Vec::<&str>::new());
}

#[test]
fn what_contradicts_itself_is_refused_under_its_code() {
    let carol = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIzxtAJ6nhnDP3l0Skk3geTrT7wRtwfOCEkQ+6LqGwRW carol";
    for (what, from, to, code) in [
        ("one key of two persons", carol, BOB, "POLICY_INVALID"),
        ("the key of a machine as an approver's", carol, DEPLOYER, "POLICY_INVALID"),
        ("one key for two purposes", LEDGER, DEPLOYER, "POLICY_INVALID"),
        ("threshold 0", "count = 1 }]\nstaging", "count = 0 }]\nstaging", "POLICY_INVALID"),
        ("more than there are", "count = 2 }, {", "count = 5 }, {", "POLICY_INVALID"),
        (
            "as many as there are, so that none can be the author",
            "{ role = \"network\", count = 3 }",
            "{ role = \"network\", count = 4 }",
            "POLICY_INVALID",
        ),
        ("an empty quorum", "[{ role = \"network\", count = 2 }]\npermit", "[]\npermit", "POLICY_INVALID"),
        (
            "a role that nobody has",
            "{ role = \"security\", count = 1 }",
            "{ role = \"secuirty\", count = 1 }",
            "POLICY_INVALID",
        ),
        ("a wildcard", "id = \"bob\"", "id = \"*\"", "POLICY_INVALID"),
        ("a Cyrillic letter", "id = \"carol\"", "id = \"c\u{430}rol\"", "POLICY_INVALID"),
        ("a hidden character", "id = \"carol\"", "id = \"car\u{200b}ol\"", "POLICY_INVALID"),
        ("a role with a look-alike", "roles = [\"network\"]", "roles = [\"netw\u{43e}rk\"]", "POLICY_INVALID"),
        ("no key", &format!("keys = [\"{BOB}\"]"), "keys = []", "POLICY_INVALID"),
        ("an id twice", "id = \"bob\"", "id = \"alice\"", "POLICY_INVALID"),
        ("a person who is a machine", "id = \"bob\"", "id = \"deployer\"", "POLICY_INVALID"),
        ("no class normal", "[class.normal]", "[class.test]", "POLICY_INVALID"),
        ("a lifetime of nothing", "approval_lifetime = \"14d\"", "approval_lifetime = \"0d\"", "POLICY_INVALID"),
        ("a certificate", BOB, "ssh-ed25519-cert-v01@openssh.com AAAA bob", "KEY_TYPE_REFUSED"),
        ("an authority", BOB, "cert-authority ssh-ed25519 AAAA", "KEY_TYPE_REFUSED"),
        ("an unknown zone", "zone = \"America/Toronto\"", "zone = \"America/Torento\"", "SCHEDULE_INVALID"),
        ("a freeze that ends before it begins", "2027-01-04T00", "2026-01-04T00", "SCHEDULE_INVALID"),
        ("a day that does not exist", "2026-12-18T00", "2026-02-29T00", "SCHEDULE_INVALID"),
        ("a time that does not exist", "from = \"22:00\"", "from = \"24:00\"", "SCHEDULE_INVALID"),
        ("a window that never opens", "days = [\"tue\", \"thu\"]", "days = []", "SCHEDULE_INVALID"),
    ] {
        let text = GATE.replacen(from, to, 1);
        let text =
            if what == "no class normal" { text.replace("[[class.normal.also]]", "[[class.test.also]]") } else { text };
        assert_ne!(text, GATE, "{what}");
        assert!(codes(&text).contains(&code), "{what}: {:?}", codes(&text));
    }
}

/// The four-person form of the specification: nobody else has the one security officer's role, so they approve and do not author.
#[test]
fn small_teams_can_be_written() {
    let erin = GATE.find("[[person]]\nid = \"erin\"").unwrap();
    let machine = GATE.find("[[machine]]").unwrap();
    let four = (GATE[..erin].to_owned() + &GATE[machine..]).replace("count = 3", "count = 2");
    assert_eq!(codes(&four), Vec::<&str>::new());
    assert_eq!(codes(&four.replace("count = 2", "count = 3")), ["POLICY_INVALID"]);
    let two = "version = 1\n[[person]]\nid = \"a\"\nroles = [\"network\"]\nkeys = [\"KA\"]\n[[person]]\nid = \"b\"\nroles = [\"network\"]\nkeys = [\"KB\"]\n[class.normal]\nquorum = [{ role = \"network\", count = 1 }]\n";
    let two = two.replace("KA", BOB).replace("KB", DEPLOYER);
    assert_eq!(codes(&two), Vec::<&str>::new());
    assert_eq!(codes(&two.replace("count = 1", "count = 2")), ["POLICY_INVALID"]);
    let one = two.split("[[person]]\nid = \"b\"").next().unwrap().to_owned()
        + "[class.normal]\nquorum = [{ role = \"network\", count = 1 }]\n";
    assert_eq!(codes(&one), ["POLICY_INVALID"]);
}

#[test]
fn transports_are_lists_of_arguments_that_can_undo() {
    let transport = |lines: &str| format!("{GATE}\n[[transport]]\nid = \"ssh\"\ndevices = [\"*\"]\n{lines}\n");
    let good = "apply = [\"fw-apply\", \"{device}\", \"{file}\"]\nrollback = [\"fw-apply\", \"{device}\", \"{file}\"]\nconfirm_timer = \"60s\"";
    assert_eq!(codes(&transport(good)), Vec::<&str>::new());
    for bad in [
        "read = \"ssh edge1 iptables-save\"",
        "read = [\"sh\", \"-c\", \"iptables-save\"]",
        "read = [\"env\", \"/bin/bash\", \"-lc\", \"iptables-save\"]",
        "read = [\"powershell.exe\", \"-NoProfile\", \"-Command\", \"x\"]",
        "read = [\"ssh\", \"root@{device}\"]",
        "read = [\"ssh\", \"{host}\"]",
        "read = [\"{device}\"]",
        "read = []",
        "addresses = { edge1 = \"-oProxyCommand=x\" }",
        "addresses = { edge1 = \"a b\" }",
    ] {
        assert_eq!(codes(&transport(bad)), ["TRANSPORT_UNSAFE"], "{bad}");
    }
    for bad in [
        "apply = [\"a\"]\nrollback = [\"a\"]".to_owned(),
        good.replace("60s", "0s"),
        good.replace("rollback", "probe"),
        format!("{good}\nmode = \"best-effort\""),
        format!("{good}\nmode = \"eventual\"\ndeadline = \"1h\""),
        format!("{good}\nmode = \"eventual\"\ncanary = [\"pc1\"]"),
    ] {
        assert_eq!(codes(&transport(&bad)), ["UNSAFE_PUSH_MODE"], "{bad}");
    }
}

#[test]
fn a_revocation_list_that_policy_demands_is_there_and_says_something() {
    let gate = "revocations = \"policies/revoked.toml\"\n".to_owned() + GATE;
    let codes = |list: Option<&str>| {
        let mut version = version("c1", &gate);
        version.files.extend(list.map(|text| ("policies/revoked.toml".to_owned(), text.as_bytes().to_vec())));
        let reasons = match read_version(&version) {
            Ok((_, reasons)) | Err(reasons) => reasons,
        };
        reasons.iter().map(|r| r.code.name()).collect::<Vec<_>>()
    };
    let good =
        "[[revoked]]\nkey = \"SHA256:uRYWKlFcVvw4BDEfrd9KKkNnBW3q3zfXQ0Y8ZZZ0ZZ0\"\nsince = \"2026-01-01T00:00:00Z\"\n";
    assert_eq!(codes(Some(good)), Vec::<&str>::new());
    for bad in [None, Some(""), Some("# nothing\n"), Some("[[revoked]\n")] {
        assert_eq!(codes(bad).first(), Some(&"REVOCATION_UNAVAILABLE"), "{bad:?}");
    }
}

#[test]
fn keys_are_revoked_by_themselves_or_by_their_fingerprint() {
    let fingerprint = signature::read_public_key(BOB).unwrap().fingerprint().to_owned();
    for key in [BOB, fingerprint.as_str()] {
        let text = format!("{GATE}\n[[revoked]]\nkey = \"{key}\"\nsince = \"2026-01-01T00:00:00Z\"\n");
        assert_eq!(revoked_keys(&policy(&text)).into_iter().collect::<Vec<_>>(), std::slice::from_ref(&fingerprint));
        assert_eq!(codes(&text), Vec::<&str>::new());
    }
}
