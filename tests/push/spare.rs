//! Bundles out of a repository with a ledger: what is stable, and which spares are out of date.

use super::{World, proposal};

/// A spare of `edge1`, and the machine that signs bundles.
fn with_spare(policy: String, key: &str) -> String {
    format!(
        "{policy}\n[[machine]]\nid = \"bundler\"\npurpose = \"bundle\"\nkey = \"{key}\"\n\n\
         [[spare]]\nname = \"spare-1\"\ndevice = \"edge1\"\nsite = \"store\"\n"
    )
}

fn world() -> Option<World> {
    let key = super::scene::Scene::bare().key("bundler").public;
    World::edited(move |policy| with_spare(policy, &key))
}

fn bundle(world: &World, clone: &super::scene::Clone, name: &str) -> (i32, String, String) {
    let out = world.scene.path().join(name);
    let out = out.to_str().unwrap().to_owned();
    let key = world.key("bundler");
    let (code, text) =
        world.fwgate(clone, &["bundle", "create", "--spare", "spare-1", "--key-bundle", &key, "--out", &out]);
    (code, text, out)
}

/// The record of a bundle, merged.
fn recorded(world: &World, clone: &super::scene::Clone, bundle: &str) {
    let (code, text) = world.fwgate(clone, &["bundle", "record", bundle]);
    assert_eq!(code, 0, "{text}");
    let read = |file: &str| std::fs::read_to_string(clone.path.join(format!("spares/spare-1/{file}"))).unwrap();
    let (manifest, signature) = (read("manifest.json"), read("manifest.json.sig"));
    world.scene.commit_on(
        "refs/heads/main",
        "alice",
        &[("spares/spare-1/manifest.json", &manifest), ("spares/spare-1/manifest.json.sig", &signature)],
    );
}

#[test]
fn a_bundle_holds_what_was_applied_confirmed_and_read_back() {
    let Some(world) = world() else { return };
    let clone = world.scene.clone_as("one");
    // Nobody pushed anything yet: the protected branch stands in, and the answer says so.
    let (code, text, early) = bundle(&world, &clone, "early.tar");
    assert!(code == 0 && text.contains("no ledger knows that it was ever applied"), "{text}");
    world.go(&clone);
    let (code, text, out) = bundle(&world, &clone, "good.tar");
    assert!(code == 0 && text.contains("= edge1: applied, confirmed and read back (CHG-1, "), "{text}");
    let (code, text) = world.fwgate(&clone, &["bundle", "verify", &out]);
    assert!(code == 0 && text.contains("= signed by bundler"), "{text}");
    let running = world.scene.write("running", &world.device.runs("iptables-save", None));
    let (code, text) = world.fwgate(&clone, &["bundle", "verify", &out, "--readback", running.to_str().unwrap()]);
    assert!(code == 0 && text.contains("the read-back means what edge1 runs"), "{text}");
    // A key that is for something else signs nothing that counts.
    let other = world.scene.path().join("other.tar");
    let arguments =
        ["bundle", "create", "edge1", "--key-bundle", &world.key("deployer"), "--out", other.to_str().unwrap()];
    world.fwgate(&clone, &arguments);
    let (code, text) = world.fwgate(&clone, &["bundle", "verify", other.to_str().unwrap()]);
    assert!(code == 1 && text.contains("whose key is not for that"), "{text}");
    assert!(std::path::Path::new(&early).exists());
}

#[test]
fn a_spare_is_out_of_date_as_soon_as_something_else_is_stable() {
    let Some(world) = world() else { return };
    let clone = world.scene.clone_as("one");
    let (code, text) = world.fwgate(&clone, &["bundle", "list"]);
    assert!(code == 1 && text.contains("error[FW621]"), "{text}");
    world.go(&clone);
    let (_, _, out) = bundle(&world, &clone, "good.tar");
    recorded(&world, &clone, &out);
    let (code, text) = world.fwgate(&clone, &["bundle", "list"]);
    assert!(code == 0 && text.contains("all of them ready"), "{text}");
    // The change is taken back: what the spare carries is not what the device runs any more.
    let keys = world.keys();
    let keys: Vec<&str> = keys[2..].iter().map(String::as_str).collect();
    let back = ["push", super::ID, "--rollback", "--key", &world.key("alice")];
    let (code, text) = world.fwgate(&clone, &[&back[..], &keys].concat());
    assert_eq!(code, 0, "{text}");
    assert!(proposal().contains("--dport 443"));
    let (code, text) = world.fwgate(&clone, &["bundle", "list"]);
    assert!(code == 1 && text.contains("error[FW620]") && text.contains("-> 10.2.0."), "one packet shows it: {text}");
    let (_, text, _) = bundle(&world, &clone, "back.tar");
    assert!(text.contains("= edge1: applied, confirmed and read back"), "{text}");
}
