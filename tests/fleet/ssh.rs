//! The ssh transports as they are shipped, over a real ssh: sshd in the namespace of the device, ssh in that of its client, keys and host
//! keys of this test, `StrictHostKeyChecking` as `fwgate-ssh` sets it. The whole way of a push, for nft and for iptables, with routes.
//!
//! Without `sshd` or `ssh` the tests say that they were skipped, and fail under `FWGATE_REQUIRE_KERNEL=1`.

use crate::nets::Net;
use crate::world::{Answer, BASELINE, Rules, World, proposal, write_program};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SSHD: &str = "/usr/sbin/sshd";

/// How long a device waits for its confirmation, in seconds: a connection takes its time on a busy machine. Less than the lease.
const TIMER: u64 = 11;

fn can() -> bool {
    let has_ssh = Command::new("ssh").arg("-V").output().is_ok_and(|o| o.status.success());
    let can = Path::new(SSHD).exists() && has_ssh;
    if !can {
        let must = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v == "1");
        assert!(!must, "ssh and sshd must be there");
        eprintln!("skipped: there is no ssh or no sshd here");
    }
    can
}

/// The routes that a device starts with, as `ip route show table main` prints them, and those that the change gives it.
const ROUTES: &str = "default via 192.0.2.2 dev eth0 \n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1 \n";
const MORE: &str = "10.30.8.0/21 via 192.0.2.9 dev eth0 \n";
const IPTABLES: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
                        -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";
const REROUTE: &str = "\n[[reroute]]\nto = [\"10.30.8.0/21\"]\nvia = [\"192.0.2.9\"]\n";

fn add_default(net: &Net) {
    net.on(&["ip", "route", "add", "default", "via", "192.0.2.2"]);
    assert_eq!(net.on(&["ip", "route", "show", "table", "main"]), ROUTES);
}

fn nft() -> Rules {
    Rules {
        files: vec![
            ("rules.nft", BASELINE.to_owned(), proposal()),
            ("routes", ROUTES.to_owned(), format!("{ROUTES}{MORE}")),
        ],
        declares: REROUTE,
        load: |net| {
            net.load(BASELINE);
            add_default(net);
        },
    }
}

fn iptables() -> Rules {
    let more = "--dport 22 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n";
    Rules {
        files: vec![
            ("rules.v4", IPTABLES.to_owned(), IPTABLES.replace("--dport 22 -j ACCEPT\n", more)),
            ("rules.v6", IPTABLES.to_owned(), IPTABLES.replace("--dport 22 -j ACCEPT\n", more)),
            ("routes", ROUTES.to_owned(), format!("{ROUTES}{MORE}")),
        ],
        declares: REROUTE,
        load: |net| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), IPTABLES).unwrap();
            net.on(&["iptables-restore", file.path().to_str().unwrap()]);
            net.on(&["ip6tables-restore", file.path().to_str().unwrap()]);
            add_default(net);
        },
    }
}

/// A device behind a real ssh.
struct Hop {
    world: World,
    sshd: Child,
}

impl Drop for Hop {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

/// The shipped snippet of policy with the paths and names of this test in place of those of a system.
fn transport(backend: &str, here: &Path) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/transports");
    let text = std::fs::read_to_string(shipped.join(format!("ssh-{backend}.toml"))).unwrap();
    let text = text.replace("/usr/local/bin/fwgate-ssh", here.join("fwgate-ssh").to_str().unwrap());
    let text = text.replace("/usr/local/bin/fw-probe", here.join("probe").to_str().unwrap());
    let text = text.replace(&format!("role:{backend}"), "edge*").replace("fwgate@", "root@");
    text.replace("\"120s\"", &format!("\"{TIMER}s\"")).replace("\"SSH_AUTH_SOCK\", ", "")
}

fn key(path: &Path) -> String {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path).output();
    assert!(made.unwrap().status.success());
    std::fs::read_to_string(path.with_extension("pub")).unwrap()
}

impl Hop {
    fn new(backend: &str, rules: Rules) -> Option<Hop> {
        if !can() {
            return None;
        }
        let world = World::with_rules(1, "", rules, |here| transport(backend, here))?;
        let (here, net) = (world.here(), world.net("edge1"));
        let shown = here.display();
        let host = key(&here.join("host"));
        let deploy = key(&here.join("deploy"));
        // As the snippet says it, with the folders of this test.
        let command =
            format!("FWGATE_STATE={shown}/state-edge1 FWGATE_ETC={shown}/etc-edge1 {shown}/fwgate-device --ssh");
        std::fs::write(here.join("authorized"), format!("restrict,command=\"{command}\" {deploy}")).unwrap();
        std::fs::write(here.join("known"), format!("192.0.2.1 {host}")).unwrap();
        let client = format!(
            "Host *\n  IdentityFile {shown}/deploy\n  IdentitiesOnly yes\n  UserKnownHostsFile {shown}/known\n  GlobalKnownHostsFile /dev/null\n"
        );
        std::fs::write(here.join("ssh_config"), client).unwrap();
        let server = format!(
            "ListenAddress 192.0.2.1\nPort 22\nHostKey {shown}/host\nPidFile none\nAuthorizedKeysFile {shown}/authorized\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin forced-commands-only\n"
        );
        std::fs::write(here.join("sshd_config"), server).unwrap();
        write_program(
            &here.join("probe"),
            &format!("#!/bin/sh\n[ ! -x {shown}/trouble ] || exec {shown}/trouble\nexec {shown}/look\n"),
        );
        // Whether the new port answers, asked from beside the device: a refusal is an answer.
        let look = "exec 3<>/dev/tcp/192.0.2.1/443";
        write_program(&here.join("look"), &format!("#!/bin/sh\ntimeout 1 bash -c '{look}' 2>&1 | grep -q refused\n"));
        let _ = std::fs::create_dir_all("/run/sshd");
        let log = std::fs::File::create(here.join("sshd.log")).unwrap();
        let mut sshd = Command::new("ip");
        sshd.args(["netns", "exec", &net.name, SSHD, "-D", "-e", "-f"]).arg(here.join("sshd_config"));
        let sshd = sshd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let hop = Hop { world, sshd };
        hop.until_it_listens();
        Some(hop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.here().join(name)
    }

    fn until_it_listens(&self) {
        let begun = Instant::now();
        let log = || std::fs::read_to_string(self.path("sshd.log")).unwrap_or_default();
        while !log().contains("Server listening") {
            assert!(begun.elapsed() < Duration::from_secs(30), "sshd does not come up: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs fwgate beside the device, in the namespace of its client, where nothing but the cable leads to it.
    fn beside(&self, arguments: &[&str]) -> Answer {
        let plain = self.world.command("one", arguments);
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.world.net("edge1").client()])
            .arg(plain.get_program())
            .args(plain.get_args());
        command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        command.env("FWGATE_SSH_CONFIG", self.path("ssh_config"));
        command.current_dir(plain.get_current_dir().unwrap());
        Answer::of(command.output().unwrap())
    }

    fn push(&self) -> Answer {
        let words = self.world.push_words();
        self.beside(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn roll_back(&self) -> Answer {
        let words = self.world.rollback_words();
        self.beside(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The proposal or the baseline, by packets and by where the kernel sends them.
    #[track_caller]
    fn runs(&self) -> &'static str {
        let net = self.world.net("edge1");
        let way = net.on(&["ip", "route", "get", "10.30.8.1"]);
        match (
            [22, 443, 80].map(|port| net.answers(port)),
            way.contains("via 192.0.2.9 "),
            way.contains("via 192.0.2.2 "),
        ) {
            ([true, false, false], false, true) => "baseline",
            ([true, true, false], true, false) => "proposal",
            other => panic!("neither: {other:?} {way}"),
        }
    }

    /// Until the timer of the device has run out.
    fn timer_runs_out(&self) {
        std::thread::sleep(Duration::from_secs(TIMER + 2));
    }

    fn cable(&self, state: &str) {
        let client = self.world.net("edge1").client();
        let done = Command::new("ip").args(["-n", &client, "link", "set", "eth0", state]).status();
        assert!(done.unwrap().success());
    }
}

fn each(what: impl Fn(&Hop)) {
    for (backend, rules) in [("nft", nft()), ("iptables", iptables())] {
        let Some(hop) = Hop::new(backend, rules) else { return };
        assert_eq!(hop.runs(), "baseline", "{backend}");
        hop.world.permitted();
        eprintln!("{backend}");
        what(&hop);
    }
}

#[test]
fn a_push_goes_all_the_way_over_ssh_and_back() {
    each(|hop| {
        hop.beside(&["drift"]).says(0, &["= no drift (1 device, 1 comparison)"]);
        hop.push().says(0, &["CHG-1: APPLIED"]);
        assert_eq!(hop.runs(), "proposal");
        hop.timer_runs_out();
        assert_eq!(hop.runs(), "proposal", "it was confirmed");
        hop.beside(&["drift"]).says(0, &["= no drift"]);
        // A route that somebody added by hand: a longer prefix wins.
        hop.world.net("edge1").on(&["ip", "route", "add", "10.30.8.0/24", "via", "192.0.2.3"]);
        hop.beside(&["drift"]).says(
            1,
            &["~ routes IPv4 captured: 10.30.8.0/24 goes via 192.0.2.3 dev eth0, and should go via 192.0.2.9 dev eth0"],
        );
        hop.world.net("edge1").on(&["ip", "route", "del", "10.30.8.0/24"]);
        hop.roll_back().says(0, &["edge1: runs the bytes of"]);
        assert_eq!(hop.runs(), "baseline");
    });
}

#[test]
fn a_probe_that_fails_takes_rules_and_routes_back_over_ssh() {
    each(|hop| {
        write_program(&hop.path("trouble"), "#!/bin/sh\nexit 1\n");
        hop.push().says(1, &["= edge1: rolled back, runs the baseline"]);
        assert_eq!(hop.runs(), "baseline");
    });
}

/// The cable is pulled after the apply: no confirmation, no rollback, and the device goes back by itself.
#[test]
fn a_device_that_loses_contact_restores_itself() {
    each(|hop| {
        write_program(&hop.path("trouble"), "#!/bin/sh\nip link set eth0 down\nexit 1\n");
        hop.push().says(1, &["CHG-1: PARTIAL", "! edge1: failed, runs nobody knows what"]);
        hop.timer_runs_out();
        std::fs::remove_file(hop.path("trouble")).unwrap();
        hop.cable("up");
        assert_eq!(hop.runs(), "baseline");
        hop.beside(&["drift"]).says(0, &["= no drift"]);
    });
}

/// Somebody else answers at the device's address: nothing is sent to it, and nothing that it says counts.
#[test]
fn another_host_key_is_another_host() {
    each(|hop| {
        let other = key(&hop.path("other"));
        std::fs::write(hop.path("known"), format!("192.0.2.1 {other}")).unwrap();
        let changed = "could not be asked who it is: exit code 255: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!; ";
        let strict =
            "Host key for 192.0.2.1 has changed and you have requested strict checking; Host key verification failed";
        hop.push().says(1, &["CHG-1: PERMITTED, nothing was pushed", changed, strict]);
        hop.beside(&["drift"]).says(2, &[changed, strict]);
        assert_eq!(hop.runs(), "baseline");
        let log = std::fs::read_to_string(hop.path("sshd.log")).unwrap();
        assert!(!log.contains("Accepted publickey"), "{log}");
        std::fs::write(hop.path("known"), "").unwrap();
        hop.beside(&["drift"]).says(2, &["could not be asked who it is: exit code 255", "host key is known"]);
        assert!(!hop.path("state-edge1/new").exists());
    });
}
