//! This machine: programs, namespaces, the clock, keys, and what a CI job has at hand.

use super::{Diagnosis, Look, Place, lacks, note, well};
use crate::vcs::{Signer, SignerFlags};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is looked at, in order.
pub(super) const CHECKS: &[Look] = &[programs, namespaces, clock, signing, variables];

/// A program, what it is for, and how it is installed; whether nothing works without it.
struct Tool {
    program: &'static str,
    argument: &'static str,
    purpose: &'static str,
    package: &'static str,
    is_needed: bool,
}

const fn tool(program: &'static str, argument: &'static str, purpose: &'static str, package: &'static str) -> Tool {
    Tool { program, argument, purpose, package, is_needed: false }
}

const TOOLS: &[Tool] = &[
    Tool { is_needed: true, ..tool("git", "--version", "fetches and appends evidence", "git") },
    tool("ssh-keygen", "-?", "lets a person sign with an SSH key", "openssh-client"),
    tool("nft", "--version", "vets and reads back nftables", "nftables"),
    tool("iptables-restore", "--version", "vets and reads back iptables", "iptables"),
    tool("ipset", "version", "vets and reads back sets of iptables", "ipset"),
    tool("ip", "-V", "builds the interfaces of a vetting", "iproute2"),
    tool("unshare", "--version", "makes the namespace of a vetting", "util-linux"),
];

fn programs(_: &Place<'_>) -> Vec<Diagnosis> {
    let look = |tool: &Tool| match starts(tool.program, &[tool.argument]) {
        true => well(tool.program, format!("`{}` is here: it {}", tool.program, tool.purpose)),
        false => {
            let says = format!("`{}` is not here: it {}", tool.program, tool.purpose);
            let mend =
                format!("apt-get install {0} (Debian), dnf install {0} (Fedora), apk add {0} (Alpine)", tool.package);
            if tool.is_needed { lacks(tool.program, says, mend) } else { note(tool.program, says, mend) }
        }
    };
    let wanted = TOOLS.iter().filter(|t| cfg!(target_os = "linux") || ["git", "ssh-keygen"].contains(&t.program));
    wanted.map(look).collect()
}

/// Whether a program can be started at all, whatever it says.
fn starts(program: &str, arguments: &[&str]) -> bool {
    told(program, arguments).is_some()
}

fn told(program: &str, arguments: &[&str]) -> Option<bool> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().ok().map(|status| status.success())
}

fn namespaces(_: &Place<'_>) -> Vec<Diagnosis> {
    if !cfg!(target_os = "linux") {
        let mend = "stage with `staging = \"device\"`, or vet on a Linux machine";
        return vec![note("namespaces", "there are no namespaces here, so no change is vetted by this kernel", mend)];
    }
    let as_root = told("unshare", &["--net", "true"]) == Some(true);
    let as_user = as_root || told("unshare", &["--user", "--map-root-user", "--net", "true"]) == Some(true);
    vec![match as_user {
        true => well("namespaces", "a network namespace can be made here, so changes can be vetted"),
        false => note(
            "namespaces",
            "no network namespace can be made here, so `fwgate vet` cannot load a ruleset",
            "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, or run as root; in a container, \
             start it with --cap-add NET_ADMIN --cap-add SYS_ADMIN",
        ),
    }]
}

/// A clock that stands behind the last commit, or before this program existed, would judge windows wrongly.
fn clock(place: &Place<'_>) -> Vec<Diagnosis> {
    const FIRST: u64 = 1_735_689_600;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let newest = place.repository.and_then(|r| r.head().ok().and_then(|head| r.committed_at(head.commit).ok()));
    let newest = newest.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default();
    let mend = "timedatectl set-ntp true; `timedatectl` says whether the clock is synchronised";
    vec![if now < FIRST || newest > now + 300 {
        lacks(
            "clock",
            "the clock stands behind what was committed here, so windows and lifetimes would be judged wrongly",
            mend,
        )
    } else {
        well("clock", "the clock stands after the last commit")
    }]
}

fn signing(_: &Place<'_>) -> Vec<Diagnosis> {
    vec![match Signer::of_user(&SignerFlags::default()) {
        Ok(signer) if signer.email.is_empty() => note(
            "signing",
            "your git has a key to sign with and no address",
            "git config --global user.email you@example.net",
        ),
        Ok(_) => well("signing", "your git is set up to sign: approvals use the same key"),
        Err(error) => note("signing", format!("approvals cannot be signed here: {error}"), error.help()),
    }]
}

/// In a job of a pull request no key may be at hand; in any job that judges by a root, the root must.
fn variables(place: &Place<'_>) -> Vec<Diagnosis> {
    const KEYS: [&str; 4] = ["FWGATE_KEY_PERMIT", "FWGATE_KEY_LEDGER", "FWGATE_KEY_STAGING", "FWGATE_KEY_PRODUCTION"];
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let event = std::env::var("GITHUB_EVENT_NAME").or_else(|_| std::env::var("CI_PIPELINE_SOURCE")).unwrap_or_default();
    if !place.surroundings.ci {
        return Vec::new();
    }
    let keys: Vec<&str> = KEYS.into_iter().filter(|name| set(name)).collect();
    let is_proposal = event.starts_with("pull_request") || event == "merge_request_event";
    let mut out = vec![match (is_proposal, keys.is_empty()) {
        (true, false) => lacks(
            "ci-keys",
            format!("a job of a pull request has {} at hand, where whoever proposes can take it", keys.join(", ")),
            "move the key to a protected environment that the protected branch alone can reach",
        ),
        (true, true) => well("ci-keys", "no key of a machine is at hand in this job of a pull request"),
        (false, _) => well("ci-keys", format!("keys at hand in this job: {}", listed(&keys))),
    }];
    if event == "pull_request_target" {
        out.push(lacks(
            "ci-event",
            "this job runs with the rights of the protected branch on the event of a pull request",
            "use `on: pull_request`; fwgate needs no secret to check",
        ));
    }
    out
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
