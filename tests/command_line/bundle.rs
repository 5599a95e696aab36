//! Bundles: the third outage, told by the command line, and what happens when its guards are taken out.

use super::scene::Scene;
use std::path::{Path, PathBuf};

fn incident() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incidents/03-dead-core-router")
}

/// A folder with a copy of the incident.
fn scene() -> Scene {
    let scene = Scene::new();
    copy(&incident(), scene.path());
    scene
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target)
        } else {
            std::fs::write(target, std::fs::read(&path).unwrap()).unwrap()
        }
    }
}

fn text(scene: &Scene, arguments: &[&str]) -> (i32, String) {
    let output = scene.run(arguments);
    let both = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(both).unwrap())
}

const MAKE: [&str; 9] =
    ["bundle", "create", "--spare", "core-spare", "--tree", "devices", "--policy", "policy.toml", "--unsigned"];

#[test]
fn the_same_input_gives_the_same_bytes() {
    let scene = scene();
    for name in ["one.tar", "two.tar"] {
        let (code, said) = text(&scene, &[&MAKE[..], &["--out", name]].concat());
        assert_eq!(code, 0, "{said}");
    }
    let read = |name: &str| std::fs::read(scene.path().join(name)).unwrap();
    assert!(read("one.tar") == read("two.tar"));
    assert!(read("one.tar") == read("core-spare.tar"), "the bundle of the incident is what its files give");
}

#[test]
fn a_spare_with_an_old_bundle_is_listed_and_one_with_the_latest_is_not() {
    let scene = scene();
    let list = ["bundle", "list", "--tree", "devices", "--policy", "policy.toml", "--records", "spares"];
    let (code, said) = text(&scene, &list);
    assert!(code == 1 && said.contains("error[FW620]") && said.contains("out-of-date"), "{said}");
    let (code, said) =
        text(&scene, &["bundle", "record", "core-spare.tar", "--policy", "policy.toml", "--records", "spares"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = text(&scene, &list);
    assert!(code == 0 && said.contains("all of them ready"), "{said}");
    // Other ports than when the bundle was made, a record that nobody signed for this manifest, and none at all.
    let policy = std::fs::read_to_string(scene.path().join("policy.toml")).unwrap();
    std::fs::write(scene.path().join("policy.toml"), policy.replace("\"eno1\"", "\"eno2\"")).unwrap();
    let (code, said) = text(&scene, &list);
    assert!(code == 1 && said.contains("the ports of the spare"), "{said}");
    std::fs::write(scene.path().join("policy.toml"), policy).unwrap();
    let record = scene.path().join("spares/core-spare/manifest.json");
    let manifest = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, manifest.replace("\"policy\": 1", "\"policy\": 2")).unwrap();
    let (code, said) = text(&scene, &list);
    assert!(code == 1 && said.contains("error[FW621]") && said.contains("does not count"), "{said}");
    std::fs::remove_file(&record).unwrap();
    let (code, said) = text(&scene, &list);
    assert!(code == 1 && said.contains("nothing says that the spare `core-spare` carries a bundle"), "{said}");
}

#[test]
fn a_read_back_is_compared_by_meaning() {
    let scene = scene();
    let verify = |readback: &str| {
        text(&scene, &["bundle", "verify", "core-spare.tar", "--policy", "policy.toml", "--readback", readback])
    };
    let (code, said) = verify("running/core-spare.nft");
    assert!(code == 0 && said.contains("the read-back means what core1 runs"), "{said}");
    let (code, said) = verify("running/earlier.nft");
    assert!(code == 1 && said.contains("error[FW623]") && said.contains("out by ens2f0"), "{said}");
    // A spare whose carriers are exchanged with the racks: every port is there, and every rule, and it is another router.
    let listing = std::fs::read_to_string(scene.path().join("running/core-spare.nft")).unwrap();
    let exchanged = listing.replace("ens1f0", "X").replace("ens2f0", "ens1f0").replace('X', "ens2f0");
    std::fs::write(scene.path().join("running/exchanged.nft"), exchanged).unwrap();
    let (code, said) = verify("running/exchanged.nft");
    assert!(code == 1 && said.contains("error[FW623]"), "{said}");
    std::fs::write(scene.path().join("running/empty.nft"), "\n").unwrap();
    assert_eq!(verify("running/empty.nft").0, 2, "an empty read-back proves nothing");
}

#[test]
fn nobody_s_bundle_is_taken_by_mistake() {
    let scene = scene();
    let (code, said) = text(&scene, &[&MAKE[..8], &["--out", "x.tar"]].concat());
    assert!(code == 2 && said.contains("no key to sign"), "{said}");
    text(&scene, &[&MAKE[..], &["--out", "x.tar"]].concat());
    let (code, said) = text(&scene, &["bundle", "verify", "x.tar", "--policy", "policy.toml"]);
    assert!(code == 1 && said.contains("not signed"), "{said}");
    let (code, said) = text(&scene, &["bundle", "verify", "x.tar", "--policy", "policy.toml", "--allow-unsigned"]);
    assert!(code == 0 && said.contains("nobody can tell who made it"), "{said}");
    let other =
        ["bundle", "verify", "x.tar", "--policy", "policy.toml", "--signature", "earlier.tar.sig", "--allow-unsigned"];
    let (code, said) = text(&scene, &other);
    assert!(code == 1 && said.contains("does not count"), "a wrong signature is worse than none: {said}");
    let (code, said) = text(&scene, &["bundle", "record", "x.tar", "--policy", "policy.toml", "--records", "r"]);
    assert!(code == 1 && said.contains("not recorded"), "{said}");
}

#[test]
fn a_forgotten_port_makes_no_bundle() {
    let scene = scene();
    let mut arguments = [&MAKE[..], &["--out", "x.tar"]].concat();
    arguments[7] = "one-port-forgotten.toml";
    let (code, said) = text(&scene, &arguments);
    assert!(code == 1 && said.contains("error[FW622]") && said.contains("`eth3`"), "{said}");
    assert!(!scene.path().join("x.tar").exists());
}

#[test]
fn bundles_have_the_shape_that_is_published() {
    let scene = scene();
    let check = |schema: &str, arguments: &[&str]| {
        let output = scene.run(&[arguments, &["--format", "json"]].concat());
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let schema: serde_json::Value = serde_json::from_slice(&scene.run(&["schema", schema]).stdout).unwrap();
        let errors: Vec<String> =
            jsonschema::validator_for(&schema).unwrap().iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{arguments:?}: {errors:#?}");
    };
    check("bundle", &[&MAKE[..], &["--out", "x.tar"]].concat());
    let verify = ["bundle", "verify", "core-spare.tar", "--policy", "policy.toml"];
    check("bundle-verdict", &verify);
    check("bundle-verdict", &[&verify[..], &["--readback", "running/earlier.nft"]].concat());
    // What refuses is a document as what passes is.
    let mut forgotten = [&MAKE[..], &["--out", "y.tar"]].concat();
    forgotten[7] = "one-port-forgotten.toml";
    check("bundle-verdict", &forgotten);
    let record = ["bundle", "record", "core-spare.tar", "--policy", "policy.toml", "--records", "r"];
    check("bundle-verdict", &record);
    check("bundle-verdict", &[&["bundle", "record", "x.tar"], &record[3..]].concat());
    let verdict = |arguments: &[&str]| scene.json(&[arguments, &["--format", "json"]].concat())["verdict"].clone();
    assert_eq!(verdict(&forgotten), "refused");
    assert_eq!(verdict(&record), "passed");
    check("spares", &["bundle", "list", "--tree", "devices", "--policy", "policy.toml", "--records", "spares"]);
    check("diff", &["bundle", "diff", "earlier.tar", "core-spare.tar"]);
}

#[test]
fn a_program_that_waits_for_a_document_gets_none_where_there_is_no_verdict() {
    let scene = scene();
    // A root and a repository in which no policy is in force: no bundle can be made, and none recorded.
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git").args(arguments).current_dir(scene.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["-c", "user.name=a", "-c", "user.email=a@example.net", "commit", "-q", "--allow-empty", "-m", "empty"]);
    for arguments in [&["create", "core1", "--unsigned", "--out", "x.tar"][..], &["record", "core-spare.tar"]] {
        let arguments = [&["bundle"], arguments].concat();
        let human = scene.run(&arguments);
        assert_eq!(human.status.code(), Some(2), "{human:?}");
        let json = scene.run(&[&arguments[..], &["--format", "json"]].concat());
        assert!(json.status.code() == Some(2) && json.stdout.is_empty(), "{json:?}");
        assert!(String::from_utf8_lossy(&json.stderr).contains("ROOT_MISSING"), "{json:?}");
    }
}
