//! A scratch folder with files, and the built binary run in it.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{fs, io::Write};

/// The folder in which commands run.
pub struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// An empty folder.
    pub fn new() -> Scene {
        Scene { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with the two rulesets of most tests.
    pub fn of_edge() -> Scene {
        Scene::new().file("old.v4", OLD).file("new.v4", &edited())
    }

    /// The same with a file more.
    pub fn file(self, name: &str, text: &str) -> Scene {
        self.bytes(name, text.as_bytes())
    }

    /// The same with a file of any bytes.
    pub fn bytes(self, name: &str, bytes: &[u8]) -> Scene {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `fwgate` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "", |_| {})
    }

    /// Runs `fwgate` with standard input and a changed environment.
    pub fn run_with(&self, arguments: &[&str], input: &str, change: impl Fn(&mut Command)) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        child.wait_with_output().unwrap()
    }

    /// Everything that a run shows, for snapshots.
    pub fn shown(&self, arguments: &[&str]) -> String {
        told(arguments, &self.run(arguments))
    }

    /// Everything that a run with standard input shows.
    pub fn shown_with(&self, arguments: &[&str], input: &str) -> String {
        told(arguments, &self.run_with(arguments, input, |_| {}))
    }

    /// The JSON document that a run prints.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.run(arguments);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", told(arguments, &output)))
    }
}

fn told(arguments: &[&str], output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
    let stream = |name: &str, bytes: &[u8]| match bytes {
        [] => String::new(),
        bytes => format!("--- {name}\n{}", text(bytes)),
    };
    let words: Vec<String> =
        arguments.iter().map(|a| if a.contains(' ') { format!("'{a}'") } else { (*a).to_owned() }).collect();
    format!(
        "$ fwgate {}\n{}{}--- exit {}\n",
        words.join(" "),
        stream("stdout", &output.stdout),
        stream("stderr", &output.stderr),
        output.status.code().map_or("by signal".to_owned(), |c| c.to_string())
    )
}

/// A small gateway.
pub const OLD: &str = "\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:WEB - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT
-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p udp --dport 53 -j ACCEPT
-A FORWARD -p tcp --dport 25 -j REJECT --reject-with tcp-reset
-A FORWARD -d 10.1.0.0/24 -j WEB
-A WEB -p tcp -m multiport --dports 80,443 -m limit --limit 5/sec -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.1/32 -p tcp --dport 80 -j DNAT --to-destination 10.1.0.5:8080
COMMIT
";

/// It, with a range lost, another answer, a renamed chain, an opened interface and another translation.
pub fn edited() -> String {
    OLD.replace("10.20.0.0/16 -d 10.30.0.0/16 -p tcp", "10.20.0.0/17 -d 10.30.0.0/16 -p tcp")
        .replace("tcp-reset", "icmp-port-unreachable")
        .replace("WEB", "WWW")
        .replace("-A INPUT -i lo", "-A INPUT ! -i eth+")
        .replace("10.1.0.5:8080", "10.1.0.6:8080")
}
