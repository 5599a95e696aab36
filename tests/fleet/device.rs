//! `fwgate-device` by itself, for nft and for iptables: what it loads, what it refuses, and that it restores what ran before when
//! nobody confirms, when the line is cut and when whoever called it is killed.

use crate::nets::{Net, can};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const NFT: &str = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport 22 accept\n\t}\n}\n";

struct Device {
    net: Net,
    folder: tempfile::TempDir,
    backend: &'static str,
}

impl Device {
    fn new(backend: &'static str) -> Option<Device> {
        can().then(|| Device { net: Net::new(), folder: tempfile::tempdir().unwrap(), backend })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/transports/fwgate-device");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.net.name]).arg(program).arg(self.backend).args(words);
        command.env("FWGATE_STATE", self.path("state")).env("FWGATE_ETC", self.path("etc"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn tar(&self, folder: &str) -> Vec<u8> {
        Command::new("tar").arg("-C").arg(self.path(folder)).args(["-cf", "-", "."]).output().unwrap().stdout
    }

    fn call(&self, words: &[&str], input: &[u8]) -> Output {
        let mut child = self.command(words).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    fn works(&self, words: &[&str], folder: Option<&str>) -> String {
        let done = self.call(words, &folder.map(|f| self.tar(f)).unwrap_or_default());
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    #[track_caller]
    fn refuses(&self, words: &[&str], input: &[u8], says: &str) {
        let done = self.call(words, input);
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && text.contains(says), "{words:?}: {text}");
    }

    fn opened(&self) -> [bool; 2] {
        [22, 80].map(|port| self.net.answers(port))
    }
}

fn seconds(count: u64) {
    std::thread::sleep(Duration::from_secs(count));
}

fn nft() -> Option<Device> {
    let device = Device::new("nft")?;
    device.write("base/rules.nft", NFT);
    device.write("next/rules.nft", &NFT.replace("dport 22", "dport { 22, 80 }"));
    device.net.load(NFT);
    Some(device)
}

#[test]
fn nft_goes_back_unless_it_is_confirmed() {
    let Some(device) = nft() else { return };
    let read = device.works(&["read", "0123"], None);
    assert!(read.starts_with(&format!("# 0123\n{NFT}# ip -4 route show table all\n")), "{read}");
    device.works(&["apply", "2"], Some("next"));
    assert_eq!(device.opened(), [true, true]);
    seconds(3);
    assert_eq!((device.opened(), device.net.ruleset()), ([true, false], NFT.to_owned()));
    device.refuses(&["confirm"], b"", "nothing to confirm");
    device.works(&["apply", "2"], Some("next"));
    device.works(&["confirm"], None);
    seconds(3);
    assert_eq!(device.opened(), [true, true]);
    device.works(&["rollback"], Some("base"));
    assert_eq!(device.net.ruleset(), NFT);
}

/// Two applies without a confirmation between them: the device goes back to what ran before the first.
#[test]
fn nft_remembers_what_ran_before_the_first_apply() {
    let Some(device) = nft() else { return };
    device.write("more/rules.nft", &NFT.replace("dport 22", "dport { 80, 443 }"));
    device.works(&["apply", "2"], Some("next"));
    device.works(&["apply", "6"], Some("more"));
    seconds(3);
    assert!(device.net.answers(443), "the first timer takes nothing back");
    seconds(5);
    assert_eq!(device.net.ruleset(), NFT);
}

#[test]
fn nft_refuses_what_it_cannot_load_and_keeps_what_it_runs() {
    let Some(device) = nft() else { return };
    device.write("bad/rules.nft", "table inet filter {\n\tnonsense\n}\n");
    device.refuses(&["apply", "9"], &device.tar("bad"), "does not take these rules");
    device.refuses(&["apply", "9"], b"", "no files came");
    device.refuses(&["apply", "9"], b"half a tar", "no files came");
    device.refuses(&["apply", "soon"], &device.tar("next"), "seconds");
    std::os::unix::fs::symlink("/etc/passwd", device.path("next/link")).unwrap();
    device.refuses(&["apply", "9"], &device.tar("next"), "something else than plain files");
    assert_eq!(device.net.ruleset(), NFT);
}

/// Tables of other programs stay, also when the device restores what it ran.
#[test]
fn nft_touches_only_its_own_tables() {
    let Some(device) = nft() else { return };
    device.write("etc/tables", "# one's own\ninet filter\n");
    device.net.on(&["nft", "add", "table", "ip", "docker"]);
    device.works(&["apply", "2"], Some("next"));
    let tables = device.net.on(&["nft", "list", "tables"]);
    assert!(tables.contains("ip docker") && tables.contains("inet filter"), "{tables}");
    device.net.on(&["nft", "add", "table", "ip", "later"]);
    seconds(3);
    let tables = device.net.on(&["nft", "list", "tables"]);
    assert!(tables.contains("ip docker") && tables.contains("ip later") && tables.contains("inet filter"), "{tables}");
    assert_eq!(device.opened(), [true, false]);
    device.write("flush/rules.nft", &format!("flush ruleset\n{NFT}"));
    device.refuses(&["apply", "9"], &device.tar("flush"), "flushes the whole ruleset");
}

/// Whoever called it is killed, with everything in its process group, as `fwgate` and sshd do it.
#[test]
fn the_timer_outlives_whoever_armed_it() {
    let Some(device) = nft() else { return };
    let tar = device.tar("next");
    let mut command = device.command(&["apply", "3"]);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&tar).unwrap();
    while !device.path("state/timer").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    let _ = child.wait();
    seconds(5);
    assert_eq!((device.opened(), device.net.ruleset()), ([true, false], NFT.to_owned()));
}

#[test]
fn what_is_confirmed_is_kept_for_the_next_boot_and_nothing_else() {
    let Some(device) = nft() else { return };
    device.write("etc/persist", &format!("{}\n", device.path("nftables.conf").display()));
    device.works(&["apply", "9"], Some("next"));
    assert!(!device.path("nftables.conf").exists());
    device.works(&["confirm"], None);
    let kept = std::fs::read_to_string(device.path("nftables.conf")).unwrap();
    assert!(kept.starts_with("flush ruleset\n") && kept.contains("dport { 22, 80 }"), "{kept}");
    device.works(&["rollback"], Some("base"));
    assert!(std::fs::read_to_string(device.path("nftables.conf")).unwrap().contains("dport 22 accept"));
}

const V4: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";

fn iptables() -> Option<Device> {
    let device = Device::new("iptables")?;
    device.write("base/rules.v4", V4);
    let rule = "-A INPUT -m set --match-set web src -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n";
    let nat = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth9 -j MASQUERADE\nCOMMIT\n";
    device.write("next/rules.v4", &format!("{}{nat}", V4.replace("COMMIT\n", rule)));
    device.write("next/rules.v6", &V4.replace("22", "23"));
    let sets = "create all list:set size 8\ncreate web hash:ip family inet\nadd web 192.0.2.2\nadd all web\n";
    device.write("next/rules.ipset", sets);
    device.works(&["rollback"], Some("base"));
    Some(device)
}

#[test]
fn iptables_goes_back_unless_it_is_confirmed() {
    let Some(device) = iptables() else { return };
    device.works(&["apply", "3"], Some("next"));
    assert_eq!(device.opened(), [true, true]);
    let read = device.works(&["read", "0123"], None);
    for text in ["# 0123\n", "add web 192.0.2.2", "MASQUERADE", "ip6tables-save", "--dport 23"] {
        assert!(read.contains(text), "{text}: {read}");
    }
    seconds(4);
    assert_eq!(device.opened(), [true, false]);
    let read = device.works(&["read", "0123"], None);
    for text in ["web", "MASQUERADE", "--dport 23"] {
        assert!(!read.contains(text), "{text}: {read}");
    }
    device.works(&["apply", "3"], Some("next"));
    device.works(&["confirm"], None);
    seconds(4);
    assert_eq!(device.opened(), [true, true]);
    // The next version of a set takes the place of the running one at once.
    device.write("next/rules.ipset", "create web hash:ip family inet\nadd web 198.51.100.7\n");
    device.works(&["apply", "9"], Some("next"));
    assert_eq!(device.opened(), [true, false]);
    device.works(&["rollback"], Some("base"));
    let read = device.works(&["read", "0123"], None);
    assert!(!read.contains("web") && !read.contains("MASQUERADE"), "{read}");
}

/// One family that does not load takes the other one back as well.
#[test]
fn iptables_loads_all_or_nothing() {
    let Some(device) = iptables() else { return };
    device.write(
        "next/rules.v6",
        &V4.replace("22", "23").replace("-j ACCEPT", "-m set --match-set missing src -j ACCEPT"),
    );
    device.refuses(&["apply", "9"], &device.tar("next"), "could not be loaded; what ran before runs");
    assert_eq!(device.opened(), [true, false]);
    device.write("odd/rules", V4);
    device.refuses(&["apply", "9"], &device.tar("odd"), "does not say by its name what it is");
}

/// What `ip` says of routes and rules that are set by hand.
fn routes(device: &Device) -> String {
    let said = |words: &[&str]| device.net.on(&[&["ip"][..], words].concat());
    let tables =
        [said(&["-4", "route", "show", "table", "all"]), said(&["-6", "route", "show", "table", "all"])].concat();
    let own: Vec<&str> = tables.lines().filter(|line| !line.contains("proto kernel")).collect();
    format!("{}\n{}{}", own.join("\n"), said(&["-4", "rule"]), said(&["-6", "rule"]))
}

fn routed(backend: &'static str) -> Option<Device> {
    let device = match backend {
        "nft" => nft()?,
        _ => iptables()?,
    };
    for words in [
        "-6 address add 2001:db8::1/64 dev eth0 nodad",
        "route add default via 192.0.2.254",
        "route add 10.30.0.0/16 via 192.0.2.30",
        "route add 10.50.0.0/16 nexthop via 192.0.2.5 weight 2 nexthop via 192.0.2.6 weight 1",
        "route add 10.40.0.0/16 via 192.0.2.9 table 100",
        "rule add pref 100 fwmark 1 lookup 100",
        "-6 route add 2001:db8:5::/48 via 2001:db8::9",
    ] {
        let words: Vec<&str> = std::iter::once("ip").chain(words.split(' ')).collect();
        device.net.on(&words);
    }
    let (tables, rules) = (device.net.on(&["ip", "route", "show", "table", "all"]), device.net.on(&["ip", "rule"]));
    device.write("base/routes", &tables);
    device.write("base/policy", &rules);
    let tables = tables
        .replace("10.30.0.0/16 via 192.0.2.30", "10.30.8.0/21 via 192.0.2.31")
        .replace("default via 192.0.2.254", "default via 192.0.2.253")
        .replace("weight 1", "weight 7")
        .replace("10.40.0.0/16 via 192.0.2.9", "10.40.0.0/17 via 192.0.2.8")
        .replace("2001:db8:5::/48 via 2001:db8::9", "2001:db8:6::/48 via 2001:db8::8");
    device.write("next/routes", &tables);
    device.write("next/policy", &rules.replace("0x1 ", "0x2 "));
    Some(device)
}

/// Rules and routes go and come back together, in both families, in every table.
#[test]
fn routes_and_rules_go_back_unless_they_are_confirmed() {
    for backend in ["nft", "iptables"] {
        let Some(device) = routed(backend) else { return };
        let before = routes(&device);
        device.works(&["apply", "3"], Some("next"));
        let after = routes(&device);
        for text in [
            "10.30.8.0/21 via 192.0.2.31",
            "default via 192.0.2.253",
            "weight 7",
            "10.40.0.0/17",
            "2001:db8:6::",
            "0x2",
        ] {
            assert!(after.contains(text) && !before.contains(text), "{backend} {text}: {after}");
        }
        for text in ["10.30.0.0/16", "10.40.0.0/16", "2001:db8:5::", "0x1 "] {
            assert!(!after.contains(text), "{backend} {text}: {after}");
        }
        seconds(5);
        assert_eq!(routes(&device), before, "{backend}: the timer");
        device.works(&["apply", "3"], Some("next"));
        device.works(&["confirm"], None);
        seconds(5);
        assert_eq!(routes(&device), after, "{backend}: confirmed");
        device.works(&["rollback"], Some("base"));
        assert_eq!(routes(&device), before, "{backend}: rolled back");
    }
}

#[test]
fn a_route_that_the_device_does_not_take_takes_everything_back() {
    for backend in ["nft", "iptables"] {
        let Some(device) = routed(backend) else { return };
        let before = routes(&device);
        let text = std::fs::read_to_string(device.path("next/routes")).unwrap();
        device.write("next/routes", &format!("{text}10.60.0.0/16 via 203.0.113.9 dev eth0 \n"));
        device.refuses(&["apply", "9"], &device.tar("next"), "could not be loaded; what ran before runs");
        assert_eq!((routes(&device), device.opened()), (before.clone(), [true, false]), "{backend}");
        device
            .write("next/routes", "[{\"dst\":\"default\",\"gateway\":\"192.0.2.9\",\"dev\":\"eth0\",\"flags\":[]}]\n");
        device.refuses(&["apply", "9"], &device.tar("next"), "is JSON, which `ip` does not load");
        device.write("next/routes", &text);
        device.write("etc/no-routes", "");
        device.refuses(&["apply", "9"], &device.tar("next"), "no-routes forbids them");
        assert!(!device.works(&["read", "00"], None).contains("# ip"), "{backend}");
        assert_eq!(routes(&device), before, "{backend}");
    }
}

/// The first change with routes: before it no file held any, and its rollback brings back those that were there.
#[test]
fn files_without_routes_leave_them_alone_but_for_what_a_change_brought() {
    let Some(device) = routed("nft") else { return };
    let before = routes(&device);
    std::fs::remove_file(device.path("base/routes")).unwrap();
    std::fs::remove_file(device.path("base/policy")).unwrap();
    device.works(&["apply", "9"], Some("base"));
    device.works(&["confirm"], None);
    assert_eq!(routes(&device), before);
    device.works(&["apply", "9"], Some("next"));
    device.works(&["confirm"], None);
    assert_ne!(routes(&device), before);
    device.works(&["rollback"], Some("base"));
    assert_eq!(routes(&device), before);
    // A device of which only routes are kept: its rules are not touched.
    std::fs::remove_file(device.path("next/rules.nft")).unwrap();
    device.works(&["apply", "9"], Some("next"));
    assert_eq!(device.net.ruleset(), NFT);
}

#[test]
fn a_key_is_good_for_the_five_calls_only() {
    let Some(device) = nft() else { return };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/transports/fwgate-device");
    let ssh = |line: &str| {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &device.net.name]).arg(&program).arg("--ssh");
        command
            .env("SSH_ORIGINAL_COMMAND", line)
            .env("FWGATE_STATE", device.path("state"))
            .env("FWGATE_ETC", device.path("etc"));
        command.stdin(Stdio::null()).output().unwrap()
    };
    assert!(ssh("fwgate-device nft read 00").status.success());
    let marker = device.path("marker");
    for line in [
        "sh -c id",
        "fwgate-device nft read $(touch MARKER)",
        "fwgate-device nft read ; touch MARKER",
        "fwgate-device sh",
        "",
    ] {
        ssh(&line.replace("MARKER", marker.to_str().unwrap()));
        assert!(!marker.exists(), "{line}");
    }
    assert!(!ssh("fwgate-device sh").status.success() && !ssh("").status.success());
    assert_eq!(device.net.ruleset(), NFT);
}
