//! A folder in which persons work, each with a shell of their own, at any time one likes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the page calls the folder.
pub const FOLDER: &str = "/srv/practice";
/// What the page calls the folder of the shipped transports.
const TRANSPORTS: &str = "/usr/local/lib/fwgate/transports";

/// The clock of a process, without any support of the process: where a variable says so, it stands still at that second.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *out) {
    const char *at = getenv("WALK_CLOCK");
    if (id != CLOCK_REALTIME || !at) return syscall(SYS_clock_gettime, id, out);
    out->tv_sec = atoll(at);
    out->tv_nsec = 0;
    return 0;
}
"#;

/// The folder, with everything that is needed to work in it.
pub struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    /// `None`, loudly, where this machine cannot make namespaces or compile a clock.
    pub fn new() -> Option<Desk> {
        let desk = Desk { dir: tempfile::Builder::new().prefix("walk-").tempdir().unwrap() };
        for folder in ["bin", "home", "state", "clock"] {
            std::fs::create_dir(desk.path(folder)).unwrap();
        }
        let runs = |program: &str, arguments: &[&str]| {
            Command::new(program).args(arguments).output().is_ok_and(|o| o.status.success())
        };
        let can_isolate = runs("unshare", &["--user", "--map-root-user", "--net", "nft", "list", "ruleset"])
            || runs("unshare", &["--net", "nft", "list", "ruleset"]);
        if !can_isolate || !desk.has_clock() {
            let must = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v == "1");
            assert!(!must, "the walk-throughs must be walked");
            eprintln!("SKIPPED: it takes network namespaces, `nft` and a C compiler to walk");
            return None;
        }
        let wrapper = format!(
            "#!/bin/sh\nLD_PRELOAD={} WALK_CLOCK=$(cat {}) exec {} \"$@\"\n",
            desk.path("clock/clock.so").display(),
            desk.path("clock/now").display(),
            env!("CARGO_BIN_EXE_fwgate")
        );
        std::fs::write(desk.path("bin/fwgate"), wrapper).unwrap();
        assert!(runs("chmod", &["755", desk.path("bin/fwgate").to_str().unwrap()]));
        Some(desk)
    }

    /// Brings files of the repository into the folder, with the paths of this machine.
    pub fn bring(&self, from: &str, name: &str, files: &[&str]) {
        for file in files {
            let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(from).join(file)).unwrap();
            let path = self.path(name).join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.real(&text)).unwrap();
        }
    }

    fn has_clock(&self) -> bool {
        let (source, library) = (self.path("clock/clock.c"), self.path("clock/clock.so"));
        std::fs::write(&source, CLOCK).unwrap();
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(library).arg(source).output();
        compiled.is_ok_and(|o| o.status.success())
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// A text of the page with the paths of this machine.
    pub fn real(&self, text: &str) -> String {
        let folder = self.path("").display().to_string();
        text.replace(FOLDER, folder.trim_end_matches('/')).replace(TRANSPORTS, &contrib())
    }

    /// A text of this machine with the paths of the page.
    pub fn shown(&self, text: &str) -> String {
        let folder = self.path("").display().to_string();
        text.replace(folder.trim_end_matches('/'), FOLDER).replace(&contrib(), TRANSPORTS)
    }

    /// Runs a command in the shell of a person at a time (`2026-12-07T09:00:00Z`); its exit code and what it prints. Where they
    /// stand and what they exported stays for their next command.
    pub fn sh(&self, person: &str, time: &str, command: &str) -> (i32, String) {
        let state = self.path("state").join(person);
        let home = self.path("home").join(person);
        std::fs::create_dir_all(&home).unwrap();
        let instant: jiff::Timestamp = time.parse().unwrap_or_else(|e| panic!("`{time}`: {e}"));
        let seconds = instant.as_second();
        // Hooks of the server get none of the environment, and the same time.
        std::fs::write(self.path("clock/now"), seconds.to_string()).unwrap();
        let script = format!(
            "cd \"$START\"; [ -f \"$STATE\" ] && . \"$STATE\"\nexport GIT_AUTHOR_DATE='{seconds} +0000' GIT_COMMITTER_DATE='{seconds} +0000'\n\
             {{ {command}\n}} 2>&1\ncode=$?\n{{ export -p; echo \"cd '$(pwd)'\"; }} > \"$STATE\"\nexit $code\n"
        );
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh")
            .args(["-c", &script])
            .env_clear()
            .env("PATH", path)
            .env("HOME", home)
            .env("START", self.path(""))
            .env("STATE", state)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .current_dir(self.path(""))
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// Writes a file where a person stands.
    pub fn write(&self, person: &str, name: &str, text: &str, appends: bool) {
        let (_, folder) = self.sh(person, "2026-12-07T00:00:00Z", "pwd");
        let path = Path::new(folder.trim_end()).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let before = if appends { std::fs::read_to_string(&path).unwrap() + "\n" } else { String::new() };
        std::fs::write(path, before + &self.real(text)).unwrap();
    }

    /// Everything that was done to a practice device since it was started.
    pub fn log(&self, device: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("devices").join(device).join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for folder in ["devices", "staging"].map(|name| self.path(name)) {
            for device in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let stop = Path::new(&contrib()).join("practice/stop");
                let _ = Command::new(stop).arg(&folder).arg(device.file_name()).status();
            }
        }
    }
}

fn contrib() -> String {
    format!("{}/contrib/transports", env!("CARGO_MANIFEST_DIR"))
}
