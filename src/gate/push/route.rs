//! The ways to devices: which transport of policy reaches one, whether it is safe, and whether staging shares anything
//! with production.
//!
//! The types keep the two apart: a [`StagingTransport`] comes of a staging device or not at all, and only a
//! [`ProductionTransport`] can be pushed with.

use crate::gate::{Digest, Reason, ReasonCode, TargetDevice};
use crate::policy::{Argument, Command, Environment, Placeholder, Policy, PushMode, Transport};
use sha2::Digest as _;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// A device as the protected branch describes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// What it is there for.
    pub environment: Environment,
}

impl Target {
    /// The same device, as pushes name it.
    pub fn of(device: &TargetDevice) -> Target {
        Target { name: device.device.clone(), roles: device.roles.clone(), environment: device.environment }
    }
}

/// The values of placeholders for one call.
#[derive(Clone, Debug, Default)]
pub struct Values<'a> {
    /// `{device}`.
    pub device: &'a str,
    /// `{address}`.
    pub address: Option<&'a str>,
    /// `{file}`, where the device has exactly one.
    pub file: Option<&'a str>,
    /// `{folder}`.
    pub folder: &'a str,
    /// `{nonce}`.
    pub nonce: &'a str,
    /// `{timer}`.
    pub timer: Duration,
    /// `{variables}`.
    pub variables: &'a str,
}

/// The way to one device of production, safe to push with.
#[derive(Clone, Copy, Debug)]
pub struct ProductionTransport<'p> {
    transport: &'p Transport,
    /// Prints what the device runs.
    pub read: &'p Command,
    /// Hands it the bytes.
    pub apply: &'p Command,
    /// Brings the baseline back.
    pub rollback: &'p Command,
}

/// The way to one staging device. There is no way from a device of production to this type.
#[derive(Clone, Copy, Debug)]
pub struct StagingTransport<'p> {
    transport: &'p Transport,
    /// Prints what the device runs.
    pub read: &'p Command,
    /// Hands it the bytes.
    pub apply: &'p Command,
}

impl<'p> ProductionTransport<'p> {
    /// The transport of a device that is not there for staging: of production, or of the lab.
    ///
    /// # Errors
    /// TRANSPORT_UNSAFE where there is none, it is not whole, or one of its commands is a shell string;
    /// UNSAFE_PUSH_MODE where a push could not undo itself; NO_ROLLBACK without a way back.
    pub fn of(policy: &'p Policy, target: &Target) -> Result<ProductionTransport<'p>, Vec<Reason>> {
        if target.environment == Environment::Staging {
            let message = format!("`{}` is there for staging: nothing is pushed to it", target.name);
            return Err(vec![Reason::new(ReasonCode::WrongStage, message, "take it out of the change's devices")]);
        }
        let transport = chosen(policy, target)?;
        let mut reasons = faults(transport);
        reasons.extend(unsafe_mode(transport));
        if transport.rollback.is_none() {
            let message = format!("the transport `{}` has no `rollback`", transport.id.value);
            reasons.push(Reason::new(
                ReasonCode::NoRollback,
                message,
                "give the transport a `rollback` command in the policy",
            ));
        }
        match (&transport.read, &transport.apply, &transport.rollback) {
            (Some(read), Some(apply), Some(rollback)) if reasons.is_empty() => {
                Ok(ProductionTransport { transport, read, apply, rollback })
            }
            _ => Err(or_incomplete(reasons, transport)),
        }
    }

    /// What policy says of it.
    pub fn policy(&self) -> &'p Transport {
        self.transport
    }
}

impl<'p> StagingTransport<'p> {
    /// The transport of a staging device that shares nothing with production.
    ///
    /// # Errors
    /// STAGE_NOT_ISOLATED for a device that is not there for staging, and for everything that is shared; TRANSPORT_UNSAFE.
    pub fn of(policy: &'p Policy, target: &Target, devices: &[Target]) -> Result<StagingTransport<'p>, Vec<Reason>> {
        if target.environment != Environment::Staging {
            let message =
                format!("`{}` is not there for staging: its environment is {}", target.name, target.environment.name());
            let fix = "name a device whose `device.toml` says `environment = \"staging\"`";
            return Err(vec![Reason::new(ReasonCode::StageNotIsolated, message, fix)]);
        }
        let transport = chosen(policy, target)?;
        let mut reasons = faults(transport);
        reasons.extend(not_isolated(policy, transport, devices));
        match (&transport.read, &transport.apply) {
            (Some(read), Some(apply)) if reasons.is_empty() => Ok(StagingTransport { transport, read, apply }),
            _ => Err(or_incomplete(reasons, transport)),
        }
    }

    /// What policy says of it.
    pub fn policy(&self) -> &'p Transport {
        self.transport
    }
}

/// The transport by which a device is only asked what it runs, and its `read`.
///
/// # Errors
/// TRANSPORT_UNSAFE where there is none, it has no `read`, or one of its commands is a shell string.
pub fn reading_transport<'p>(policy: &'p Policy, target: &Target) -> Result<(&'p Transport, &'p Command), Reason> {
    let first = |reasons: Vec<Reason>| reasons.into_iter().next();
    let none =
        || Reason::new(ReasonCode::TransportUnsafe, format!("no transport reads `{}`", target.name), "write one");
    let transport = chosen(policy, target).map_err(|all| first(all).unwrap_or_else(none))?;
    match (first(faults(transport)), &transport.read) {
        (Some(fault), _) => Err(fault),
        (None, Some(read)) => Ok((transport, read)),
        (None, None) => Err(none()),
    }
}

/// Everything that staging shares with production, of all staging transports of a policy.
pub fn isolation(policy: &Policy, devices: &[Target]) -> Vec<Reason> {
    let staging = policy.transports.iter().filter(|t| t.environment == Environment::Staging);
    staging.flat_map(|transport| not_isolated(policy, transport, devices)).collect()
}

fn chosen<'p>(policy: &'p Policy, target: &Target) -> Result<&'p Transport, Vec<Reason>> {
    let reaches =
        |t: &&Transport| t.environment == target.environment && t.devices.selects(&target.name, &target.roles);
    let missing = || {
        let environment = target.environment.name();
        let message = format!("no transport of the policy reaches `{}` ({environment})", target.name);
        let fix = format!("write a [[transport]] with `environment = \"{environment}\"` that selects it");
        vec![Reason::new(ReasonCode::TransportUnsafe, message, fix).detail("missing")]
    };
    policy.transports.iter().find(reaches).ok_or_else(missing)
}

fn faults(transport: &Transport) -> Vec<Reason> {
    let reason = |fault: &crate::policy::Fault| {
        let message = format!("the transport `{}`: {}", transport.id.value, fault.message);
        Reason::new(ReasonCode::TransportUnsafe, message, fault.help.clone())
    };
    transport.faults.iter().map(reason).collect()
}

fn or_incomplete(mut reasons: Vec<Reason>, transport: &Transport) -> Vec<Reason> {
    if reasons.is_empty() {
        let message = format!("the transport `{}` needs both `read` and `apply`", transport.id.value);
        reasons.push(
            Reason::new(ReasonCode::TransportUnsafe, message, "write both as lists of arguments").detail("missing"),
        );
    }
    reasons
}

/// Why a push by this transport could not undo itself.
fn unsafe_mode(transport: &Transport) -> Option<Reason> {
    let id = &transport.id.value;
    let (what, fix) = match transport.mode {
        PushMode::BestEffort => ("applies what the device likes", "write `mode = \"immediate\"` or `\"eventual\"`"),
        PushMode::Immediate if transport.confirm.is_none() => {
            ("has no `confirm`", "give it a `confirm` command that stops the device's timer")
        }
        PushMode::Immediate if transport.confirm_timer.is_none_or(|t| t.is_zero()) => {
            ("has no `confirm_timer`", "write how long the device waits, such as `confirm_timer = \"2m\"`")
        }
        PushMode::Eventual if transport.deadline.is_none() => {
            ("has no `deadline`", "write how long the devices have, such as `deadline = \"2h\"`")
        }
        PushMode::Immediate | PushMode::Eventual => return None,
    };
    Some(Reason::new(ReasonCode::UnsafePushMode, format!("the transport `{id}` {what}"), fix))
}

/// The arguments of a call, the program first.
///
/// # Errors
/// TRANSPORT_UNSAFE where a placeholder has no value here.
pub fn arguments(command: &Command, values: &Values<'_>) -> Result<Vec<String>, Reason> {
    let value = |placeholder: Placeholder| -> Result<String, Reason> {
        let missing = |what: &str, fix: &str| {
            Reason::new(ReasonCode::TransportUnsafe, format!("`{}` has no {what}", values.device), fix)
                .detail("placeholder")
        };
        match placeholder {
            Placeholder::Device => Ok(values.device.to_owned()),
            Placeholder::Folder => Ok(values.folder.to_owned()),
            Placeholder::Nonce => Ok(values.nonce.to_owned()),
            Placeholder::Timer => Ok(values.timer.as_secs().to_string()),
            Placeholder::Variables => Ok(values.variables.to_owned()),
            Placeholder::Address => values
                .address
                .map(str::to_owned)
                .ok_or_else(|| missing("`{address}`", "name it under `addresses` of its transport")),
            Placeholder::File => values
                .file
                .map(str::to_owned)
                .ok_or_else(|| missing("one `{file}`", "use `{folder}`, in which each file has its name")),
        }
    };
    command
        .arguments
        .iter()
        .map(|argument| match argument {
            Argument::Literal(text) => Ok(text.clone()),
            Argument::Placeholder(placeholder) => value(*placeholder),
        })
        .collect()
}

/// Options whose value names a credential, an inventory or a selection of hosts.
const POINTERS: [&str; 18] = [
    "-i",
    "-F",
    "-J",
    "-l",
    "--inventory",
    "--inventory-file",
    "--limit",
    "--private-key",
    "--key",
    "--key-file",
    "--identity",
    "--identity-file",
    "--kubeconfig",
    "--context",
    "--config",
    "--profile",
    "--credentials",
    "--vault-password-file",
];

fn not_isolated(policy: &Policy, staging: &Transport, devices: &[Target]) -> Vec<Reason> {
    let mut shared: BTreeSet<String> = BTreeSet::new();
    for production in policy.transports.iter().filter(|t| t.environment == Environment::Production) {
        shared.extend(shared_with(staging, production));
    }
    let production = devices.iter().filter(|d| d.environment == Environment::Production);
    let of_transports = policy.transports.iter().filter(|t| t.environment == Environment::Production);
    let mut names: BTreeSet<String> = production.map(|d| d.name.clone()).collect();
    for transport in of_transports {
        names.extend(transport.addresses.keys().cloned());
        names.extend(transport.addresses.values().map(|a| host(&a.value)));
    }
    let named: Vec<&str> = staging.addresses.keys().map(String::as_str).filter(|d| names.contains(*d)).collect();
    shared.extend(named.into_iter().map(|device| format!("the inventory entry of `{device}`")));
    for text in literals(staging) {
        let found = names.iter().find(|name| holds_word(text, name));
        shared.extend(
            found.map(|name| format!("the name `{name}` of production, in the argument `{}`", text.escape_debug())),
        );
    }
    let reason = |what: String| {
        let message = format!("the staging transport `{}` shares {what}", staging.id.value);
        Reason::new(ReasonCode::StageNotIsolated, message, "give staging credentials, hosts and inventories of its own")
    };
    shared.into_iter().map(reason).collect()
}

/// What two transports have in common that only one may have.
fn shared_with(staging: &Transport, production: &Transport) -> Vec<String> {
    let id = &production.id.value;
    let mut out = Vec::new();
    let both = staging.credential.as_ref().zip(production.credential.as_ref());
    if let Some((one, _)) = both.filter(|(one, other)| one.value == other.value) {
        out.push(format!("the credential `{}` with `{id}`", one.value.escape_debug()));
    }
    for variable in staging.variables.iter().filter(|v| production.variables.iter().any(|p| p.value == v.value)) {
        out.push(format!("the variable `{}` with `{id}`", variable.value.escape_debug()));
    }
    let hosts: BTreeSet<String> = production.addresses.values().map(|a| host(&a.value)).collect();
    for (device, address) in staging.addresses.iter().filter(|(_, a)| hosts.contains(&host(&a.value))) {
        out.push(format!("the address `{}` of `{device}` with `{id}`", address.value.escape_debug()));
    }
    let theirs = pointers(production);
    for pointer in pointers(staging).into_iter().filter(|p| theirs.contains(p)) {
        out.push(format!("the argument `{}` with `{id}`", pointer.escape_debug()));
    }
    out
}

/// The host of an address: without user, brackets, port and the dot at the end, in small letters.
fn host(address: &str) -> String {
    let behind = address.rsplit('@').next().unwrap_or(address);
    let bare = match behind.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None if behind.matches(':').count() == 1 => behind.split(':').next().unwrap_or(behind),
        None => behind,
    };
    let bare = bare.trim_end_matches('.').to_ascii_lowercase();
    bare.parse::<std::net::IpAddr>().map_or(bare, |address| address.to_string())
}

fn commands(transport: &Transport) -> impl Iterator<Item = &Command> {
    let Transport { read, apply, confirm, probe, rollback, identity, .. } = transport;
    [read, apply, confirm, probe, rollback, identity].into_iter().flatten()
}

fn literals(transport: &Transport) -> impl Iterator<Item = &str> {
    commands(transport).flat_map(|c| &c.arguments).filter_map(|argument| match argument {
        Argument::Literal(text) => Some(text.as_str()),
        Argument::Placeholder(_) => None,
    })
}

/// Values of options that point to credentials, inventories and hosts.
fn pointers(transport: &Transport) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for command in commands(transport) {
        let texts = command.arguments.iter().map(|argument| match argument {
            Argument::Literal(text) => text.as_str(),
            Argument::Placeholder(_) => "",
        });
        let texts: Vec<&str> = texts.collect();
        for pair in texts.windows(2) {
            if let [option, value] = pair
                && POINTERS.contains(option)
                && !value.is_empty()
            {
                out.insert((*value).to_owned());
            }
        }
        let joined = texts.iter().filter_map(|t| t.split_once('=')).filter(|(option, _)| POINTERS.contains(option));
        out.extend(joined.map(|(_, value)| value.to_owned()));
    }
    out
}

/// Whether a text holds a name as a word of its own: `edge1` in `root@edge1:22`, not in `edge10`.
fn holds_word(text: &str, name: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(is_inner) && !after.is_some_and(is_inner)
    })
}

/// The digest of the transports of these devices: what a permit names, so that a policy that reaches devices in another
/// way needs another permit.
pub fn transport_digest(policy: &Policy, targets: &[Target]) -> Digest {
    let mut text = "fwgate.transport/1\n".to_owned();
    for target in targets {
        let _ = writeln!(text, "{} {}", target.name, target.environment.name());
        let reaches =
            |t: &&Transport| t.environment == target.environment && t.devices.selects(&target.name, &target.roles);
        let Some(transport) = policy.transports.iter().find(reaches) else { continue };
        describe(transport, &target.name, &mut text);
    }
    Digest(sha2::Sha256::digest(text).into())
}

fn describe(transport: &Transport, device: &str, text: &mut String) {
    let address = transport.addresses.get(device).map(|a| a.value.as_str()).unwrap_or_default();
    let credential = transport.credential.as_ref().map(|c| c.value.as_str()).unwrap_or_default();
    let variables: Vec<&str> = transport.variables.iter().map(|v| v.value.as_str()).collect();
    let _ = writeln!(text, "{:?} {address:?} {credential:?} {variables:?}", transport.id.value);
    let _ = writeln!(text, "{:?} {:?} {:?}", transport.mode, transport.confirm_timer, transport.deadline);
    let _ = writeln!(text, "{:?}", transport.replaces);
    let Transport { read, apply, confirm, probe, rollback, identity, .. } = transport;
    for (name, command) in [
        ("read", read),
        ("apply", apply),
        ("confirm", confirm),
        ("probe", probe),
        ("rollback", rollback),
        ("identity", identity),
    ] {
        let arguments = command.as_ref().map(|c| &c.arguments);
        let _ = writeln!(text, "{name} {arguments:?}");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::policy::{PolicyFiles, read_policy};

    fn policy(transports: &str) -> Policy {
        let text = format!("version = 1\n{transports}");
        let main = vec![("fwgate.toml".to_owned(), text)];
        read_policy(&PolicyFiles { main, ..PolicyFiles::default() }).unwrap_or_else(|e| panic!("{e:?}"))
    }

    fn target(name: &str, environment: Environment) -> Target {
        Target { name: name.into(), roles: Vec::new(), environment }
    }

    const PRODUCTION: &str = r#"
[[transport]]
id = "prod"
devices = ["edge*"]
credential = "deploy"
read = ["fw-read", "-i", "prod.ini", "{address}", "{nonce}"]
apply = ["fw-apply", "{address}", "{file}", "{timer}"]
confirm = ["fw-confirm", "{address}"]
rollback = ["fw-apply", "{address}", "{file}"]
confirm_timer = "2m"
addresses = { edge1 = "admin@192.0.2.1" }
"#;

    fn staging(more: &str, command: &str) -> String {
        format!(
            "{PRODUCTION}\n[[transport]]\nid = \"stage\"\nenvironment = \"staging\"\ndevices = [\"stage1\"]\nread = {command}\n\
             apply = [\"fw-apply\", \"{{address}}\", \"{{file}}\"]\n{more}\n"
        )
    }

    fn codes<T: std::fmt::Debug>(found: Result<T, Vec<Reason>>) -> Vec<&'static str> {
        found.err().unwrap_or_default().iter().map(|r| r.code.name()).collect()
    }

    #[test]
    fn a_staging_transport_never_comes_of_a_production_device() {
        let policy = policy(PRODUCTION);
        let edge1 = target("edge1", Environment::Production);
        assert_eq!(codes(StagingTransport::of(&policy, &edge1, std::slice::from_ref(&edge1))), ["STAGE_NOT_ISOLATED"]);
        assert!(ProductionTransport::of(&policy, &edge1).is_ok());
        let stage = target("edge9", Environment::Staging);
        assert_eq!(codes(ProductionTransport::of(&policy, &stage)), ["WRONG_STAGE"]);
    }

    #[test]
    fn whatever_staging_shares_with_production_is_refused() {
        let devices = [target("edge1", Environment::Production), target("stage1", Environment::Staging)];
        let plain = r#"["fw-read", "{address}"]"#;
        let found = |more: &str, command: &str| {
            let policy = policy(&staging(more, command));
            codes(StagingTransport::of(&policy, &devices[1], &devices))
        };
        assert_eq!(found("addresses = { stage1 = \"192.0.2.77\" }", plain), Vec::<&str>::new());
        for (more, command) in [
            ("credential = \"deploy\"", plain),
            ("addresses = { stage1 = \"root@192.0.2.1\" }", plain),
            ("addresses = { edge1 = \"192.0.2.77\" }", plain),
            ("", r#"["fw-read", "-i", "prod.ini"]"#),
            ("", r#"["fw-read", "ssh://edge1:22"]"#),
            ("", r#"["fw-read", "--via=192.0.2.1"]"#),
        ] {
            assert_eq!(found(more, command), ["STAGE_NOT_ISOLATED"], "{more} {command}");
        }
        assert_eq!(found("", r#"["fw-read", "edge10"]"#), Vec::<&str>::new());
    }

    #[test]
    fn a_push_that_cannot_undo_itself_is_refused() {
        let edge1 = target("edge1", Environment::Production);
        let found =
            |from: &str, to: &str| codes(ProductionTransport::of(&policy(&PRODUCTION.replace(from, to)), &edge1));
        assert_eq!(found("confirm_timer = \"2m\"\n", ""), ["UNSAFE_PUSH_MODE"]);
        assert_eq!(found("confirm = [\"fw-confirm\", \"{address}\"]\n", ""), ["UNSAFE_PUSH_MODE"]);
        assert_eq!(found("id = \"prod\"", "id = \"prod\"\nmode = \"best-effort\""), ["UNSAFE_PUSH_MODE"]);
        assert_eq!(found("id = \"prod\"", "id = \"prod\"\nmode = \"eventual\""), ["UNSAFE_PUSH_MODE"]);
        assert_eq!(found("rollback = [\"fw-apply\", \"{address}\", \"{file}\"]\n", ""), ["NO_ROLLBACK"]);
        assert_eq!(found("edge*", "core*"), ["TRANSPORT_UNSAFE"]);
        assert_eq!(
            found("[\"fw-apply\", \"{address}\", \"{file}\", \"{timer}\"]", "\"fw-apply x\""),
            ["TRANSPORT_UNSAFE"]
        );
        assert_eq!(found("\"fw-confirm\"", "\"sh\", \"-c\", \"true\""), ["TRANSPORT_UNSAFE", "UNSAFE_PUSH_MODE"]);
    }

    #[test]
    fn the_digest_is_of_every_part() {
        let edge1 = [target("edge1", Environment::Production)];
        let one = transport_digest(&policy(PRODUCTION), &edge1);
        for (from, to) in [
            ("2m", "3m"),
            ("192.0.2.1", "192.0.2.2"),
            ("fw-confirm", "fw-yes"),
            ("deploy", "other"),
            ("prod.ini", "x.ini"),
        ] {
            assert_ne!(one, transport_digest(&policy(&PRODUCTION.replace(from, to)), &edge1), "{from}");
        }
        assert_eq!(one, transport_digest(&policy(&format!("# a comment\n{PRODUCTION}")), &edge1));
    }

    #[test]
    fn placeholders_are_whole_arguments() {
        let policy = policy(PRODUCTION);
        let edge1 = target("edge1", Environment::Production);
        let transport = ProductionTransport::of(&policy, &edge1).unwrap();
        let values = Values {
            device: "edge1",
            address: Some("a; rm -rf ."),
            file: Some("rules.v4"),
            timer: Duration::from_secs(90),
            ..Values::default()
        };
        assert_eq!(arguments(transport.apply, &values).unwrap(), ["fw-apply", "a; rm -rf .", "rules.v4", "90"]);
        let without = Values { file: None, ..values };
        assert_eq!(arguments(transport.apply, &without).unwrap_err().code, ReasonCode::TransportUnsafe);
    }
}
