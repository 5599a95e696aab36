//! What only the inventory says of a device counts alike for every command: what it is there for, its role, its addresses.

use super::{ID, REST, World, document, receipt_of};
use crate::preflight::ready;
use serde_json::Value;

/// The only word about `edge1` but its rules: it has no `device.toml`.
const DEVICES: &str = "inventory/devices.csv";

fn devices(environment: &str) -> String {
    format!("name,role,cf_environment,primary_ip4,site\nedge1,border,{environment},192.0.2.1/24,toronto\n")
}

const INVENTORY: &str = "\n[inventory]\ndevices = \"inventory/devices.csv\"\n";

/// A world in which transport and requirement are for the role that the inventory gives.
fn world(environment: &str) -> Option<World> {
    assert!(REST.contains("id = \"web\"\n"));
    let edit = |policy: String| {
        let by_role = policy.replace("devices = [\"edge*\"]", "devices = [\"role:border\"]");
        let own = by_role.replace("id = \"web\"\n", "id = \"web\"\ndevices = [\"role:border\"]\n");
        match environment {
            "lab" => own.replace("id = \"direct\"\n", "id = \"direct\"\nenvironment = \"lab\"\n") + INVENTORY,
            _ => own + INVENTORY,
        }
    };
    World::with_files(edit, &[(DEVICES, &devices(environment))])
}

fn json(world: &World, clone: &super::scene::Clone, arguments: &[&str]) -> (i32, Value) {
    let (code, text) = world.fwgate(clone, &[arguments, &["--format", "json"]].concat());
    (code, document(arguments[0], &text))
}

#[test]
fn every_command_takes_a_device_for_what_the_inventory_says() {
    let Some(world) = world("production") else { return };
    let clone = world.scene.clone_as("one");
    world.announce();
    // The check: the requirement of the role is judged, and none selects nothing.
    let (_, text) = world.fwgate(&clone, &["change", "show", ID]);
    assert!(text.contains("1 requirement held on 1 device"), "{text}");
    // The vetting: its packets are sent.
    let (code, text) = world.fwgate(&clone, &["vet", ID, "--key-staging", &world.key("stager")]);
    assert!(code == 0 && text.contains("conversations as demanded"), "{text}");
    world.approve(receipt_of(&text));
    // Permit and push: the transport of the role reaches it.
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (code, checks, text) = super::preflight::list(&world, &clone, &[]);
    assert_eq!(code, 0, "{checks:?}\n{text}");
    let (code, text) = world.fwgate(&clone, &[&["push", ID][..], &keys].concat());
    assert!(code == 0 && text.contains("CHG-1: APPLIED"), "{text}");
    // Drift: the same transport reads it, and the status knows it by its site and its role.
    let (code, drift) = json(&world, &clone, &["drift"]);
    assert_eq!((code, &drift["devices"][0]["state"]), (0, &"same".into()), "{drift:#}");
    let (code, fleet) = json(&world, &clone, &["fleet", "status"]);
    assert_eq!((code, &fleet["devices"][0]["environment"]), (0, &"production".into()), "{fleet:#}");
    let told = (&fleet["devices"][0]["roles"], &fleet["devices"][0]["groups"]);
    assert_eq!(told, (&serde_json::json!(["border"]), &serde_json::json!(["toronto"])), "{fleet:#}");
    // And back.
    let alice = world.key("alice");
    let (code, text) = world.fwgate(&clone, &[&["push", ID, "--rollback", "--key", &alice][..], &keys[2..]].concat());
    assert!(code == 0 && text.contains("again, read back"), "{text}");
}

/// A command of one's own reaches the lab, and what the lab is says the protected branch: here its inventory.
#[test]
fn a_command_of_ones_own_applies_the_bytes_in_the_lab() {
    let Some(world) = world("lab") else { return };
    let clone = ready(&world);
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let before = super::eventual::rules(&world.device);
    let own = world.scene.write("own", "#!/bin/sh\necho own >> \"$0.called\"\nexec \"$@\"\n");
    super::run_ok(std::process::Command::new("chmod").arg("755").arg(&own));
    let inside = world.device.inside();
    let words = [own.to_str().unwrap(), "nsenter", &inside, "iptables-restore", "{file}"];
    let (code, text) = world.fwgate_words(&clone, &[&["push", ID][..], &keys].concat(), &words);
    assert!(code == 0 && text.contains("CHG-1: APPLIED"), "{text}");
    assert!(world.device.runs("iptables-save", None).contains("--dport 443 -j ACCEPT"));
    assert_eq!(std::fs::read_to_string(own.with_extension("called")).unwrap(), "own\n", "it ran once");
    let started = std::fs::read_to_string(&world.started).unwrap();
    assert!(!started.contains("iptables-restore"), "the transport's own apply was not used: {started}");
    // Everything else is the policy's: the device goes back by its transport, and receipts are the same.
    let alice = world.key("alice");
    let (code, text) = world.fwgate(&clone, &[&["push", ID, "--rollback", "--key", &alice][..], &keys[2..]].concat());
    assert!(code == 0 && text.contains("again, read back"), "{text}");
    assert_eq!(super::eventual::rules(&world.device), before);
}

/// The same change, where the inventory says nothing of a lab: nothing is started.
#[test]
fn what_the_inventory_calls_production_no_command_of_ones_own_reaches() {
    let Some(world) = world("production") else { return };
    let clone = ready(&world);
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (code, text) = world.fwgate_words(&clone, &[&["push", ID][..], &keys].concat(), &["touch", "{file}"]);
    assert!(code == 1 && text.contains("TRANSPORT_UNSAFE") && text.contains("reaches only the lab"), "{text}");
    assert!(!world.started.exists(), "nothing was started");
}
