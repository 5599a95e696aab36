//! A transport that takes its time, as group policy does: what was handed over arrives later or never, nothing on the device
//! undoes it, and the way back is the earlier object.

use super::{ID, World};

/// The object that machines fetch: applying only replaces it, and a refresh brings what stands in it to the device.
const DEADLINE: &str = "6s";

/// The usual world with such a transport. `refresh` says what a machine makes of the object that it fetches: at every reading it
/// fetches once.
fn world(refresh: &str) -> Option<World> {
    let script = format!(
        "#!/bin/sh\nhere=$(dirname \"$0\"); verb=$1; net=$2; file=$3\necho \"$verb\" >> \"$here/object.calls\"\ncase $verb in\n\
         publish) cp \"$file\" \"$here/object\" ;;\n\
         read) [ ! -e \"$here/object\" ] || {{ {refresh}; }}\n  exec nsenter \"$net\" iptables-save ;;\nesac\n"
    );
    World::with_transport(move |scene, device| {
        let program = scene.write("object.sh", &script);
        super::run_ok(std::process::Command::new("chmod").arg("755").arg(&program));
        let call = |verb: &str, more: &str| format!("[{program:?}, \"{verb}\", {:?}{more}]", device.inside());
        format!(
            "\n[[transport]]\nid = \"object\"\ndevices = [\"edge*\"]\nmode = \"eventual\"\ndeadline = \"{DEADLINE}\"\ncanary = [\"edge1\"]\n\
             irreversible = \"machines that are switched off\"\nread = {}\napply = {}\nrollback = {}\n",
            call("read", ""),
            call("publish", ", \"{file}\""),
            call("publish", ", \"{file}\""),
        )
    })
}

fn pushed(world: &World) -> (i32, String) {
    let clone = super::preflight::ready(world);
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    world.fwgate(&clone, &[&["push", ID][..], &keys].concat())
}

/// The rules that a device runs.
pub fn rules(device: &super::Device) -> Vec<String> {
    let text = device.runs("iptables-save", None);
    text.lines().filter(|l| l.starts_with('-')).map(str::to_owned).collect()
}

fn calls(world: &World) -> Vec<String> {
    let text = std::fs::read_to_string(world.scene.path().join("object.calls")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_arrives_in_time_is_applied() {
    let Some(world) = world("nsenter \"$net\" iptables-restore < \"$here/object\"") else { return };
    let (code, text) = pushed(&world);
    assert!(code == 0 && text.contains("CHG-1: APPLIED"), "{text}");
    assert!(world.device.runs("iptables-save", None).contains("--dport 443 -j ACCEPT"));
    assert_eq!(calls(&world).iter().filter(|c| *c == "publish").count(), 1);
}

/// The machine makes something else of the object, and never what was permitted: after the deadline the earlier object is put back, and the
/// device, which fetches that one as well, is read until it runs the baseline again.
#[test]
fn what_never_arrives_is_taken_back_by_itself() {
    let half = "sed 's/--dport 443/--dport 444/' \"$here/object\" | nsenter \"$net\" iptables-restore";
    let Some(world) = world(half) else { return };
    let before = rules(&world.device);
    let (code, text) = pushed(&world);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("CHG-1: ROLLED-BACK") && text.contains("edge1: rolled back, runs the baseline"), "{text}");
    assert!(text.contains("cannot be undone: machines that are switched off"), "{text}");
    assert_eq!(rules(&world.device), before);
    assert_eq!(calls(&world).iter().filter(|c| *c == "publish").count(), 2, "the object, and the earlier one");
    let clone = world.scene.clone_as("two");
    let (code, text) = world.fwgate(&clone, &["permit", ID]);
    assert!(code == 1 && text.contains("APPROVAL_STALE"), "{text}");
}

/// A machine that fetches nothing any more runs what it ran; nobody says that it was brought back before it was read.
#[test]
fn a_machine_that_fetches_nothing_stays_at_its_baseline() {
    let Some(world) = world("true") else { return };
    let before = rules(&world.device);
    let (code, text) = pushed(&world);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("CHG-1: ROLLED-BACK") && text.contains("it still runs the baseline"), "{text}");
    assert_eq!(rules(&world.device), before);
}
