//! Day one through a real transport: which one it is, and what it is taken for, says the protected branch, whatever the commit says
//! that is adopted.

use super::{RULES, World};

const EDITED: &str = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n";

/// The usual policy with a transport of the lab for the same names: it says that the device runs nothing but an open door.
fn with_lab(policy: String) -> String {
    let open = "\"echo\", \"*filter\"";
    policy
        + &format!(
            "\n[[transport]]\nid = \"lab\"\nenvironment = \"lab\"\ndevices = [\"edge*\"]\nread = [{open}]\napply = [{open}, \"{{file}}\"]\n\
             rollback = [{open}, \"{{file}}\"]\nconfirm = [{open}]\nprobe = [{open}]\nconfirm_timer = \"30s\"\n"
        )
}

#[test]
fn the_protected_branch_says_by_which_transport_a_device_is_read() {
    let Some(world) = World::edited(with_lab) else { return };
    let runs = RULES.replace("COMMIT", &format!("{EDITED}COMMIT"));
    world.device.runs("iptables-restore", Some(&runs));
    // Whoever writes the commit says that the device is of the lab, where another transport would answer for it.
    let files = [("devices/edge1/rules.v4", runs.as_str()), ("devices/edge1/device.toml", "environment = \"lab\"\n")];
    let head = world.scene.commit_on("refs/heads/runs", "alice", &files);
    let clone = world.scene.clone_as("one");
    let adopt = |who: &str, role: &str| {
        let key = world.key(who);
        let words = ["adopt", "edge1", "--change", "CHG-7", "--head", &head, "--reason", "day one"];
        world.fwgate(&clone, &[&words[..], &["--role", role, "--key", &key]].concat())
    };
    let (code, text) = adopt("alice", "network");
    assert!(code == 0 && text.contains("not in force yet"), "{text}");
    let started = std::fs::read_to_string(&world.started).unwrap();
    assert!(started.contains("iptables-save") && !started.contains("iptables-restore"), "{started}");
    for (who, role) in [("bob", "network"), ("carol", "network"), ("dave", "security")] {
        let (code, text) = adopt(who, role);
        assert_eq!(code, 0, "{text}");
    }
    let (_, text) = world.fwgate(&clone, &["fleet", "status"]);
    assert!(text.contains("CHG-7"), "{text}");
    // What the device does not run is not adopted, and the same transport says so.
    world.device.runs("iptables-restore", Some(RULES));
    let (code, text) = adopt("alice", "network");
    assert!(code == 1 && text.contains("DRIFT"), "{text}");
}

/// A device that the protected branch does not have is one of production, whatever the commit says.
#[test]
fn a_device_that_nobody_knows_yet_is_of_production() {
    let Some(world) = World::edited(with_lab) else { return };
    let files = [("devices/edge2/rules.v4", RULES), ("devices/edge2/device.toml", "environment = \"lab\"\n")];
    let head = world.scene.commit_on("refs/heads/new", "alice", &files);
    let clone = world.scene.clone_as("one");
    let key = world.key("alice");
    let words = ["adopt", "edge2", "--change", "CHG-7", "--head", &head, "--reason", "day one", "--role", "network"];
    let (code, text) = world.fwgate(&clone, &[&words[..], &["--key", &key]].concat());
    assert_eq!(code, 0, "{text}");
    assert!(std::fs::read_to_string(&world.started).unwrap().contains("iptables-save"), "production was asked");
}
