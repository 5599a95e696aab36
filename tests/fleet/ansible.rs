//! The Ansible transport with a real ansible-core, on devices that are network namespaces. `FWGATE_ANSIBLE` names `ansible-playbook` where it
//! is not in the path; without it the test says that it was skipped, and fails under `FWGATE_REQUIRE_ANSIBLE=1`.

use crate::world::{BASELINE, World, proposal};
use std::path::{Path, PathBuf};
use std::process::Command;

fn playbook() -> Option<PathBuf> {
    let named = std::env::var_os("FWGATE_ANSIBLE").map(PathBuf::from);
    let found = named.or_else(|| {
        let out = Command::new("sh").args(["-c", "command -v ansible-playbook"]).output().ok()?;
        let path = String::from_utf8(out.stdout).ok()?.trim().to_owned();
        (!path.is_empty()).then(|| PathBuf::from(path))
    });
    if found.is_none() {
        let must = std::env::var("FWGATE_REQUIRE_ANSIBLE").is_ok_and(|v| v == "1");
        assert!(!must, "ansible-playbook must be there");
        eprintln!("skipped: there is no ansible-playbook here");
    }
    found
}

/// The shipped transport with the paths of this test in place of those of a system.
fn transport(here: &Path) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/transports");
    let text = std::fs::read_to_string(shipped.join("ansible.toml")).unwrap();
    let text = text.replace("/usr/local/lib/fwgate/fwgate-ansible", shipped.join("fwgate-ansible").to_str().unwrap());
    let text = text.replace("/etc/fwgate/ansible/production", here.join("production").to_str().unwrap());
    let text = text.replace("/usr/local/bin/fw-probe", here.join("probe").to_str().unwrap());
    text.replace("role:linux", "edge*")
        .replace("\"SSH_AUTH_SOCK\"]", "\"FWGATE_ANSIBLE\"]")
        .replace("\"180s\"", "\"60s\"")
}

fn write_program(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    assert!(Command::new("chmod").arg("755").arg(path).status().unwrap().success());
}

/// An inventory whose variables would change what is run, if they could.
fn prepare(world: &World) {
    let here = world.here();
    let shown = here.display();
    let mut inventory = "[all]\n".to_owned();
    for (device, net) in &world.nets {
        let tool = here.join(format!("tool-{device}"));
        let script = format!(
            "#!/bin/sh\nFWGATE_STATE={shown}/state-{device} FWGATE_ETC={shown}/etc-{device} exec ip netns exec {} {shown}/fwgate-device \"$@\"\n",
            net.name
        );
        write_program(&tool, &script);
        inventory += &format!(
            "{device} ansible_connection=local fwgate_tool={} fwgate_inboxes={shown}/inbox-{device}\n",
            tool.display()
        );
    }
    inventory += "\n[all:vars]\nfwgate_folder=/etc\nfwgate_timer=999999\nansible_python_interpreter=auto_silent\n";
    std::fs::write(here.join("production"), inventory).unwrap();
    write_program(&here.join("probe"), &format!("#!/bin/sh\nexec sh {shown}/program probe \"$1\"\n"));
}

#[test]
fn a_push_by_ansible_copies_the_permitted_file_unchanged() {
    let Some(ansible) = playbook() else { return };
    let Some(world) = World::with_transport(3, "waves = [{ count = 1 }, { percent = 100, parallel = 2 }]", transport)
    else {
        return;
    };
    prepare(&world);
    world.permitted();
    let done = world.begin_with("one", &[("FWGATE_ANSIBLE", ansible.to_str().unwrap())]).wait_with_output().unwrap();
    let answer = crate::world::Answer::of(done);
    answer.says(0, &["CHG-1: APPLIED"]);
    assert_eq!(world.all_run(), ["proposal"; 3]);
    for (device, net) in &world.nets {
        let kept = std::fs::read_to_string(world.here().join(format!("state-{device}/new/rules.nft"))).unwrap();
        assert_eq!(kept, proposal(), "{device}: unchanged");
        assert_eq!(net.ruleset(), proposal());
        assert!(!world.here().join(format!("state-{device}/pending")).exists(), "{device} is confirmed");
        let left = std::fs::read_dir(world.here().join(format!("inbox-{device}"))).unwrap().count();
        assert_eq!(left, 0, "nothing is left behind");
    }
}

#[test]
fn a_probe_that_fails_brings_the_baseline_back_by_ansible() {
    let Some(ansible) = playbook() else { return };
    let Some(world) = World::with_transport(1, "", transport) else { return };
    prepare(&world);
    world.permitted().trouble("probe", "edge1", "before", "die");
    let done = world.begin_with("one", &[("FWGATE_ANSIBLE", ansible.to_str().unwrap())]).wait_with_output().unwrap();
    crate::world::Answer::of(done).says(1, &["= edge1: rolled back, runs the baseline"]);
    assert_eq!(world.net("edge1").ruleset(), BASELINE);
}
