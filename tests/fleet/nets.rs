//! Devices as network namespaces, each with a cable to a client of its own.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whether this machine can make namespaces; where it must and cannot, the test fails.
pub fn can() -> bool {
    let works = |args: &[&str]| Command::new("unshare").args(args).output().is_ok_and(|o| o.status.success());
    let can = ["ip", "nft", "iptables-restore"].iter().all(|p| which(p)) && works(&["--net", "nft", "list", "ruleset"]);
    if !can {
        let must = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v == "1");
        assert!(!must, "the kernel must be asked");
        eprintln!("skipped: no network namespace can be made here");
    }
    can
}

fn which(program: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|o| o.status.success())
}

/// One device and its client; both go when it is dropped.
pub struct Net {
    /// The name of the device's namespace.
    pub name: String,
}

impl Net {
    /// A device that knows no rules.
    pub fn new() -> Net {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("fwg{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let net = Net { name };
        let (device, client) = (net.name.clone(), net.client());
        ok(&["ip", "netns", "add", &device]);
        ok(&["ip", "netns", "add", &client]);
        ok(&["ip", "-n", &device, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", &client]);
        for (namespace, address) in [(&device, "192.0.2.1/24"), (&client, "192.0.2.2/24")] {
            ok(&["ip", "-n", namespace, "address", "add", address, "dev", "eth0"]);
            ok(&["ip", "-n", namespace, "link", "set", "eth0", "up"]);
            ok(&["ip", "-n", namespace, "link", "set", "lo", "up"]);
        }
        net
    }

    /// The name of its client's namespace.
    pub fn client(&self) -> String {
        format!("{}c", self.name)
    }

    /// Runs something on the device.
    pub fn on(&self, words: &[&str]) -> String {
        let all = [&["ip", "netns", "exec", &self.name][..], words].concat();
        String::from_utf8(ok(&all).stdout).unwrap()
    }

    /// Loads a script of nft.
    pub fn load(&self, script: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("flush ruleset\n{script}")).unwrap();
        self.on(&["nft", "-f", file.path().to_str().unwrap()]);
    }

    /// What it runs.
    pub fn ruleset(&self) -> String {
        self.on(&["nft", "-s", "list", "ruleset"])
    }

    /// Whether a connection of the client to this port is answered: nothing listens there, so that a packet that passes is refused at
    /// once, and one that is dropped is not.
    pub fn answers(&self, port: u16) -> bool {
        let connect = format!("exec 3<>/dev/tcp/192.0.2.1/{port}");
        let client = self.client();
        let words = ["ip", "netns", "exec", &client, "timeout", "1", "bash", "-c", &connect];
        let Output { status, stderr, .. } = Command::new(words[0]).args(&words[1..]).output().unwrap();
        status.success() || String::from_utf8_lossy(&stderr).contains("refused")
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in [self.client(), self.name.clone()] {
            let _ = Command::new("ip").args(["netns", "del", &name]).output();
        }
    }
}

fn ok(words: &[&str]) -> Output {
    let done = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    done
}
