//! `fwgate bundle create`: the archive, its manifest, and its signature beside it.

use super::document::Answer;
use super::stock::{Held, Stock, composed, stock, sum, tree_files};
use super::{Format, SourceArguments, shown};
use crate::cli::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::ledger::listed;
use crate::cli::output::{check_writable, write_atomically};
use crate::cli::screen::Screen;
use crate::diff::Bounds;
use crate::document::did_you_mean;
use crate::finding::{Finding, PORT_NOT_MAPPED};
use crate::fleet::bundle::{
    BUNDLE_NAMESPACE, BUNDLE_SCHEMA, Bundle, BundledDevice, BundledFile, Composed, Manifest, MappingError, OnSpare,
    PortMap, map_device, pack,
};
use crate::fleet::tree::TreeFile;
use crate::gate::Reason;
use crate::policy::{Spare, StandsIn};
use crate::report::{finding_human, json_text};
use crate::vcs::sign_by_machine;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The arguments of `fwgate bundle create`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 written, 1 a port has no name on the spare, 2 no bundle.\n\nExamples:\n  \
                  fwgate bundle create --spare edge-spare --root root.toml --key-bundle bundle.key --out edge-spare.tar\n  \
                  fwgate bundle create edge1 --root root.toml --unsigned --out edge1.tar")]
pub struct Arguments {
    /// The device
    #[arg(value_name = "DEVICE", conflicts_with_all = ["role", "spare"], required_unless_present_any = ["role", "spare"])]
    pub device: Option<String>,
    /// Every device of a role
    #[arg(long, value_name = "ROLE", conflicts_with = "spare")]
    pub role: Option<String>,
    /// What a spare of the policy stands in for, with the names of its ports
    #[arg(long, value_name = "NAME")]
    pub spare: Option<String>,
    /// Where configurations come from
    #[command(flatten)]
    pub source: SourceArguments,
    /// Where to write the archive; its signature goes to FILE.sig
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Key of the machine with purpose `bundle` (or FWGATE_KEY_BUNDLE)
    #[arg(long, value_name = "FILE", conflicts_with = "unsigned")]
    pub key_bundle: Option<PathBuf>,
    /// Write it without a signature: nobody can tell later who made it
    #[arg(long)]
    pub unsigned: bool,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Writes a bundle.
///
/// # Errors
/// No key and no word that none is wanted; files that cannot be read or written.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let key = key(arguments)?;
    check_writable(&arguments.out)?;
    let stock = match stock(&arguments.source)? {
        Ok(stock) => stock,
        Err(reasons) => return refuse(&reasons, arguments, screen),
    };
    let wanted = wanted(arguments, &stock)?;
    let held = match held(&stock, &wanted.devices) {
        Ok(held) => held,
        Err(reasons) => return refuse(&reasons, arguments, screen),
    };
    let made = match made(&stock, &wanted, &held)? {
        Ok(made) => made,
        Err(findings) => {
            screen.answer(&against(arguments, &findings, screen)?)?;
            return Ok(REFUSED);
        }
    };
    let bytes = pack(&made.bundle).map_err(|e| Failure::new(e.to_string()))?;
    let text = made.bundle.manifest.text().map_err(|e| Failure::new(e.to_string()))?;
    let seal = key.as_deref().map(|key| sign_by_machine(key, BUNDLE_NAMESPACE, text.as_bytes()));
    let seal = seal.transpose().map_err(|e| Failure::new(e.to_string()).help(e.help()))?;
    write_atomically(&arguments.out, &bytes)?;
    if let Some(seal) = &seal {
        write_atomically(&signature_path(&arguments.out), format!("{}\n", seal.trim_end()).as_bytes())?;
    }
    screen.answer(&match arguments.format {
        Format::Json => text,
        Format::Human => told(arguments, &stock, &made, &held, seal.is_some()),
    })?;
    Ok(PASSED)
}

/// Where the signature of a bundle stands: `FILE.sig`.
pub fn signature_path(bundle: &Path) -> PathBuf {
    let mut name = bundle.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

fn key(arguments: &Arguments) -> Result<Option<PathBuf>, Failure> {
    let of_environment = || std::env::var_os("FWGATE_KEY_BUNDLE").map(PathBuf::from);
    let key = arguments.key_bundle.clone().or_else(of_environment).filter(|_| !arguments.unsigned);
    if key.is_none() && !arguments.unsigned {
        let help = "`--key-bundle FILE` names the key of the machine with purpose `bundle`; `--unsigned` writes the bundle without one";
        return Err(Failure::new("there is no key to sign the bundle with").help(help));
    }
    Ok(key)
}

fn refuse(reasons: &[Reason], arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    arguments.format.tell_unanswered(&format!("no bundle was written\n{}", listed(reasons)), screen)?;
    Ok(NO_VERDICT)
}

/// What keeps the bundle from being written.
fn against(arguments: &Arguments, findings: &[Finding], screen: &Screen) -> Result<String, Failure> {
    match arguments.format {
        Format::Json => {
            let answer = Answer { bundle: &arguments.out, maker: None, holds: None, runs: None };
            Ok(json_text(&answer.document(false, findings))?)
        }
        Format::Human => {
            let findings: String = findings.iter().map(|f| finding_human(f, screen.colour)).collect();
            Ok(format!("no bundle was written\n\n{findings}"))
        }
    }
}

/// What the bundle is to hold.
struct Wanted<'s> {
    devices: Vec<String>,
    spare: Option<&'s Spare>,
    role: Option<String>,
}

fn wanted<'s>(arguments: &Arguments, stock: &'s Stock) -> Result<Wanted<'s>, Failure> {
    let none =
        |what: String| Failure::new(format!("{what} stands for no device, so there is nothing to put in a bundle"));
    let (stands_in, spare) = match (&arguments.device, &arguments.role, &arguments.spare) {
        (Some(device), _, _) => return Ok(Wanted { devices: vec![device.clone()], spare: None, role: None }),
        (_, Some(role), _) => (StandsIn::Role(role.clone()), None),
        (_, _, name) => {
            let name = name.as_deref().unwrap_or_default();
            let found = stock.policy.spares.iter().find(|s| s.name.value == name);
            let spare = found.ok_or_else(|| {
                let near = did_you_mean(name, stock.policy.spares.iter().map(|s| s.name.value.as_str()));
                let help = near.unwrap_or_else(|| "write a [[spare]] for it".to_owned());
                Failure::new(format!("the policy has no spare `{name}`")).help(help)
            })?;
            (spare.stands_in.clone(), Some(spare))
        }
    };
    let devices = stock.covered(&stands_in);
    if devices.is_empty() {
        return Err(none(format!("`{}`", stands_in.text())));
    }
    let role = if let StandsIn::Role(role) = &stands_in { Some(role.clone()) } else { None };
    Ok(Wanted { devices, spare, role })
}

fn held(stock: &Stock, devices: &[String]) -> Result<Vec<Held>, Vec<Reason>> {
    let (mut out, mut reasons) = (Vec::new(), Vec::new());
    for device in devices {
        match stock.held(device) {
            Ok(held) => out.push(held),
            Err(more) => reasons.extend(more),
        }
    }
    out.sort_by(|a, b| a.entry.device.cmp(&b.entry.device));
    if reasons.is_empty() { Ok(out) } else { Err(reasons) }
}

/// The bundle, and how many names were written anew on each device.
struct Made {
    bundle: Bundle,
    names: Vec<usize>,
}

fn made(stock: &Stock, wanted: &Wanted<'_>, held: &[Held]) -> Result<Result<Made, Vec<Finding>>, Failure> {
    let no_ports = BTreeMap::new();
    let ports = PortMap::new(wanted.spare.map_or(&no_ports, |s| &s.ports));
    let (mut files, mut originals) = (Files::default(), Files::default());
    let (mut devices, mut names, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for one in held {
        let before = tree_files(&one.bytes);
        let said = |reason: Reason| Failure::new(reason.message).help(reason.fix);
        let apart = composed(&one.entry.device, &before).map_err(said)?;
        let written = match map_device(&apart, &ports, Bounds::default()) {
            Ok(written) => written,
            Err(error) => {
                findings.extend(found(&one.entry.device, wanted.spare, error)?);
                continue;
            }
        };
        let after = in_order(&before, &written.composed);
        names.push(written.names);
        devices.push(BundledDevice { files: entries(&before, &after), ..one.entry.clone() });
        for (old, new) in before.iter().zip(after) {
            originals.put(old, old.bytes != new.bytes)?;
            files.put(&new, true)?;
        }
    }
    if !findings.is_empty() {
        return Ok(Err(findings));
    }
    let spare = |s: &Spare| OnSpare { name: s.name.value.clone(), site: s.site.clone(), ports: s.ports.clone() };
    let manifest = Manifest {
        schema: BUNDLE_SCHEMA.to_owned(),
        repository: stock.repository.clone(),
        policy: stock.policy.version,
        spare: wanted.spare.map(spare),
        role: wanted.role.clone(),
        devices,
    };
    Ok(Ok(Made { bundle: Bundle { manifest, files: files.sorted(), originals: originals.sorted() }, names }))
}

/// Files by path; two devices of a role share those of the role.
#[derive(Default)]
struct Files(BTreeMap<String, Arc<[u8]>>);

impl Files {
    fn put(&mut self, file: &TreeFile, is_wanted: bool) -> Result<(), Failure> {
        let known = is_wanted.then(|| self.0.insert(file.path.clone(), file.bytes.clone())).flatten();
        match known {
            Some(before) if before != file.bytes => {
                let message =
                    format!("`{}` is not the same for two devices, so that one bundle cannot hold both", file.path);
                Err(Failure::new(message).help("make a bundle for each device"))
            }
            _ => Ok(()),
        }
    }

    fn sorted(self) -> Vec<TreeFile> {
        self.0.into_iter().map(|(path, bytes)| TreeFile { path, bytes }).collect()
    }
}

/// The files that were written, in the order of those before.
fn in_order(before: &[TreeFile], written: &Composed) -> Vec<TreeFile> {
    let all = || written.rulesets.iter().chain(&written.includes).chain(&written.facts);
    let one = |old: &TreeFile| match all().find(|f| f.name == old.path) {
        Some(new) => TreeFile { path: old.path.clone(), bytes: new.bytes.clone() },
        None => old.clone(),
    };
    before.iter().map(one).collect()
}

fn entries(before: &[TreeFile], after: &[TreeFile]) -> Vec<BundledFile> {
    let entry = |(old, new): (&TreeFile, &TreeFile)| BundledFile {
        path: new.path.clone(),
        sha256: sum(new),
        original: (old.bytes != new.bytes).then(|| sum(old)),
    };
    let mut out: Vec<BundledFile> = before.iter().zip(after).map(entry).collect();
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// What a mapping that failed is reported as.
fn found(device: &str, spare: Option<&Spare>, error: MappingError) -> Result<Vec<Finding>, Failure> {
    let name = spare.map_or("", |s| s.name.value.as_str());
    let finding = |message: String| Finding::without_place(&PORT_NOT_MAPPED, message).on_device(device);
    match error {
        MappingError::Unmapped(all) => {
            let help = format!("name it under `ports` of [[spare]] `{name}`, also where it is called the same");
            Ok(all.iter().map(|u| finding(u.to_string()).helped_by(help.clone())).collect())
        }
        MappingError::Conditions(all) => {
            let help = "say it by interfaces (`iif`, `oif`), or call the condition by a name without the port";
            Ok(all.iter().map(|c| finding(c.to_string()).helped_by(help)).collect())
        }
        MappingError::Differs { hook, family, witness } => {
            let finding = finding(format!("what would be written for `{name}` does not mean the same"))
                .in_filter(hook, family, "");
            let finding = match witness {
                Some(packet) => finding.shown_by(*packet),
                None => finding,
            };
            Ok(vec![finding.helped_by(
                "a name stands somewhere where it cannot be told from other words; write this bundle by hand",
            )])
        }
        MappingError::RoutesDiffer(_) => {
            Ok(vec![finding(error.to_string()).helped_by(
                "a name stands somewhere where it cannot be told from other words; write this bundle by hand",
            )])
        }
        MappingError::Unreadable(unreadable) => Err(Failure::from(unreadable)),
        other => Err(Failure::new(format!("`{device}`: {other}"))),
    }
}

fn told(arguments: &Arguments, stock: &Stock, made: &Made, held: &[Held], is_signed: bool) -> String {
    let manifest = &made.bundle.manifest;
    let out = arguments.out.display();
    let spare = manifest.spare.as_ref().map(|s| {
        let site = s.site.as_ref().map(|site| format!(" ({site})")).unwrap_or_default();
        format!(", for the spare {}{site}", s.name)
    });
    let mut text = format!(
        "{out}: {}, {}{}\n",
        counted(manifest.devices.len(), "device"),
        counted(made.bundle.files.len(), "file"),
        spare.unwrap_or_default()
    );
    for ((device, names), held) in manifest.devices.iter().zip(&made.names).zip(held) {
        let sign = if device.origin.is_stable() { '=' } else { '~' };
        text += &format!("{sign} {}: {}{}\n", device.device, device.origin.words(), since(device));
        if *names > 0 {
            text += &format!("    {} of ports written anew, and proved to mean the same\n", counted(*names, "name"));
        }
        text += &held.note.as_ref().map(|note| format!("    {note}\n")).unwrap_or_default();
    }
    stock.notes.iter().for_each(|note| text += &format!("~ {note}\n"));
    text += &match is_signed {
        true => format!("signed: {}\n", signature_path(&arguments.out).display()),
        false => "not signed: nobody can tell later who made it\n".to_owned(),
    };
    shown(&text)
}

/// By which change, and since when.
pub fn since(device: &BundledDevice) -> String {
    match (&device.change, &device.since) {
        (Some(change), Some(since)) if !change.is_empty() => format!(" ({change}, {since})"),
        _ => String::new(),
    }
}

/// `1 device`, `2 devices`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
