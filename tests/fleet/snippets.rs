//! The shipped snippets of policy: each is read as it stands, its transport is whole, and what it names is shipped.

use fwgate::gate::push::route::{ProductionTransport, Target};
use fwgate::policy::{Environment, Policy, PolicyFiles, PushMode, Transport, read_policy};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/transports")
}

fn snippets() -> Vec<(String, Policy)> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = format!("version = 1\n{}", std::fs::read_to_string(&path).unwrap());
            let policy =
                read_policy(&PolicyFiles::single(&name, text.as_str())).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            out.push((name, policy));
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

#[test]
fn every_snippet_is_a_whole_and_safe_transport() {
    let all = snippets();
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ansible", "group-policy", "powershell", "ssh-iptables", "ssh-nft"]);
    for (name, policy) in &all {
        let [transport] = policy.transports.as_slice() else { panic!("{name}: one transport") };
        let role = format!("{:?}", transport.devices);
        let role = role.split("Role(\"").nth(1).and_then(|r| r.split('"').next()).unwrap().to_owned();
        let target = Target { name: "edge1".into(), roles: vec![role], environment: Environment::Production };
        let found = ProductionTransport::of(policy, &target);
        assert!(found.is_ok(), "{name}: {found:?}");
        assert_eq!(transport.mode == PushMode::Eventual, name == "group-policy", "{name}");
        assert!(transport.credential.is_some(), "{name} names what it logs in with");
    }
}

/// Programs that the snippets call are in the folder, or are those of others.
#[test]
fn what_a_snippet_calls_is_shipped() {
    let of_others = ["pwsh", "ansible-playbook", "fw-probe"];
    let words = |t: &Transport| {
        let commands = [&t.read, &t.apply, &t.confirm, &t.probe, &t.rollback, &t.identity].into_iter().flatten();
        commands.flat_map(|c| c.arguments.iter().map(|a| format!("{a:?}"))).collect::<Vec<String>>()
    };
    for (name, policy) in snippets() {
        for word in policy.transports.iter().flat_map(words) {
            let Some(path) = word.strip_prefix("Literal(\"").and_then(|w| w.strip_suffix("\")")) else { continue };
            let base = path.rsplit('/').next().unwrap();
            let is_ours = path.starts_with("/usr/local") || path.ends_with(".yml");
            let shipped = [folder(), folder().join("ansible"), folder().parent().unwrap().to_owned()];
            let is_there = of_others.contains(&base) || shipped.iter().any(|f| f.join(base).is_file());
            assert!(!is_ours || is_there, "{name}: {path} is not shipped");
        }
    }
}

/// The documentation names every transport.
#[test]
fn the_page_names_every_transport() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/transports.md")).unwrap();
    for (name, _) in snippets() {
        assert!(page.contains(&format!("contrib/transports/{name}.toml")), "{name}");
    }
}
