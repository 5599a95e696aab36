//! `fwgate bundle verify`: who made a bundle, whether what it holds for a spare means what the device runs, and whether a
//! read-back of the spare means the same as the bundle.

use super::document::{Answer, VerdictDocument};
use super::sealed::{Maker, Sealed, bounded, maker, read};
use super::stock::{Stock, composed, stock};
use super::{Format, SourceArguments, shown};
use crate::cli::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::failure::system_words;
use crate::cli::gate::DeviceFiles;
use crate::cli::input::{Reader, Surroundings};
use crate::cli::ledger::listed;
use crate::cli::push::printed::files_of;
use crate::cli::rulesets::is_ruleset;
use crate::cli::screen::Screen;
use crate::dialect::{InputFile, ReadOptions};
use crate::diff::{Bounds, EffectKind};
use crate::document::did_you_mean;
use crate::finding::{Finding, PORT_NOT_MAPPED, SPARE_DIFFERS};
use crate::fleet::bundle::{Bundle, BundledDevice, MappingError, PortMap, prove};
use crate::fleet::{Converged, Readback, ReadbackError, compare_readback};
use crate::gate::DeviceBytes;
use crate::policy::Unmanaged;
use crate::report::{finding_human, json_text};
use clap::Args;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest read-back, in bytes.
const MAX_READBACK: u64 = 64 << 20;

/// The arguments of `fwgate bundle verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "The signature is looked for in BUNDLE.sig. Exit codes: 0 good, 1 something speaks against it, 2 no verdict.\n\nExamples:\n  \
                  fwgate bundle verify edge-spare.tar --root root.toml\n  \
                  ssh spare iptables-save | fwgate bundle verify edge-spare.tar --root root.toml --readback -"
)]
pub struct Arguments {
    /// The archive
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// Its signature
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Take a bundle that nobody signed; said in the answer
    #[arg(long)]
    pub allow_unsigned: bool,
    /// What the spare runs: a file, a folder of files, or `-`
    #[arg(long, value_name = "DIR|FILE|-")]
    pub readback: Option<OsString>,
    /// The device whose configuration the spare runs, where the bundle holds several
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Whose keys count
    #[command(flatten)]
    pub source: SourceArguments,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Verifies a bundle.
///
/// # Errors
/// Files that cannot be read, an archive that is no bundle.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let sealed = read(&arguments.bundle, arguments.signature.as_ref())?;
    let trusts_nobody = arguments.allow_unsigned && sealed.signature.is_none();
    let stock = match stock(&arguments.source) {
        Ok(Ok(stock)) => Some(stock),
        Ok(Err(_)) | Err(_) if trusts_nobody => None,
        Ok(Err(reasons)) => {
            arguments.format.tell_unanswered(&listed(&reasons), screen)?;
            return Ok(NO_VERDICT);
        }
        Err(failure) => return Err(failure),
    };
    let verdict = judged(arguments, &sealed, stock.as_ref())?;
    let text = match arguments.format {
        Format::Json => json_text(&verdict.document(arguments, &sealed.bundle))?,
        Format::Human => verdict.human(arguments, &sealed.bundle, screen),
    };
    screen.answer(&text)?;
    Ok(if verdict.is_good() { PASSED } else { REFUSED })
}

/// Everything that was found.
struct Verdict {
    maker: Maker,
    is_unsigned_allowed: bool,
    findings: Vec<Finding>,
    /// The devices whose configuration the read-back means.
    runs: Option<Vec<String>>,
}

fn judged(arguments: &Arguments, sealed: &Sealed, stock: Option<&Stock>) -> Result<Verdict, Failure> {
    let bundle = &sealed.bundle;
    let text = bundle.manifest.text().map_err(|e| Failure::new(e.to_string()))?;
    let maker = stock.map_or(Maker::Nobody, |stock| maker(stock, &text, sealed.signature.as_deref()));
    let mut out = Verdict { maker, is_unsigned_allowed: arguments.allow_unsigned, findings: Vec::new(), runs: None };
    for device in &bundle.manifest.devices {
        out.findings.extend(mapping(bundle, device)?);
    }
    if let Some(given) = &arguments.readback {
        let unmanaged = stock.map_or(&[][..], |s| &s.policy.unmanaged);
        let wanted = wanted(bundle, arguments.device.as_deref())?;
        let (runs, findings) = readback(bundle, &wanted, &Seen::read(given)?, unmanaged)?;
        out.runs = Some(runs);
        out.findings.extend(findings);
    }
    Ok(out)
}

/// Proves again that what is for the spare means what the device runs.
fn mapping(bundle: &Bundle, device: &BundledDevice) -> Result<Option<Finding>, Failure> {
    let Some(spare) = bundle.manifest.spare.as_ref().filter(|s| !s.ports.is_empty()) else { return Ok(None) };
    let apart = |files: &[_]| composed(&device.device, files).map_err(|r| Failure::new(r.message).help(r.fix));
    let (own, there) = (apart(&bundle.originals_of(device))?, apart(&bundle.files_of(device))?);
    let finding = |message: String| Finding::without_place(&PORT_NOT_MAPPED, message).on_device(&device.device);
    match prove(&own, &there, &PortMap::new(&spare.ports), Bounds::default()) {
        Ok(()) => Ok(None),
        Err(MappingError::Differs { hook, family, witness }) => {
            let message = format!("the files for `{}` do not mean what the device's mean", spare.name);
            let found = finding(message).in_filter(hook, family, "");
            Ok(Some(match witness {
                Some(packet) => found.shown_by(*packet),
                None => found,
            }))
        }
        Err(error @ (MappingError::Unmapped(_) | MappingError::RoutesDiffer(_))) => {
            Ok(Some(finding(error.to_string())))
        }
        Err(MappingError::Unreadable(unreadable)) => Err(unreadable.into()),
        Err(other) => Err(Failure::new(format!("`{}`: {other}", device.device))),
    }
}

fn wanted<'b>(bundle: &'b Bundle, device: Option<&str>) -> Result<Vec<&'b BundledDevice>, Failure> {
    let all = bundle.manifest.devices.iter();
    let found: Vec<&BundledDevice> = all.filter(|d| device.is_none_or(|name| d.device == name)).collect();
    match (found.is_empty(), device) {
        (true, Some(name)) => {
            let all: Vec<&str> = bundle.manifest.devices.iter().map(|d| d.device.as_str()).collect();
            let help =
                did_you_mean(name, all.iter().copied()).unwrap_or_else(|| format!("it holds {}", all.join(", ")));
            Err(Failure::new(format!("the bundle holds no device `{name}`")).help(help))
        }
        _ => Ok(found),
    }
}

/// What somebody says that the spare runs.
enum Seen {
    Text(String),
    Files(Vec<InputFile>),
}

impl Seen {
    fn read(given: &OsString) -> Result<Seen, Failure> {
        if given == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin().take(MAX_READBACK).read_to_end(&mut bytes);
            read.map_err(|e| Failure::new(format!("standard input cannot be read: {}", system_words(e.kind()))))?;
            return Seen::of(bytes);
        }
        let surroundings = Surroundings::of_process()?;
        if surroundings.cwd.join(given).is_dir() {
            let device = Reader::new(&surroundings, &is_ruleset).device(std::slice::from_ref(given))?;
            return Ok(Seen::Files(device.files));
        }
        Seen::of(bounded(Path::new(given), MAX_READBACK)?)
    }

    fn of(bytes: Vec<u8>) -> Result<Seen, Failure> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            let help = "see that the command that reads the spare prints its ruleset";
            return Err(Failure::new("the read-back is empty, which proves nothing").help(help));
        }
        String::from_utf8(bytes).map(Seen::Text).map_err(|_| Failure::new("the read-back is not UTF-8"))
    }

    fn files(&self, expected: &DeviceFiles) -> Vec<InputFile> {
        match self {
            Seen::Text(text) => files_of(text, expected),
            Seen::Files(files) => files.clone(),
        }
    }
}

/// The devices whose configuration is what runs; where it is none, the differences from each.
fn readback(
    bundle: &Bundle,
    wanted: &[&BundledDevice],
    seen: &Seen,
    unmanaged: &[Unmanaged],
) -> Result<(Vec<String>, Vec<Finding>), Failure> {
    let (mut runs, mut findings) = (Vec::new(), Vec::new());
    for device in wanted {
        let files = files_there(bundle, device)?;
        match compared(&files, device, seen, unmanaged)? {
            converged if converged.is_equal() => runs.push(device.device.clone()),
            converged => findings.extend(differences(&device.device, &converged)),
        }
    }
    if !runs.is_empty() {
        findings.clear();
    }
    Ok((runs, findings))
}

fn files_there(bundle: &Bundle, device: &BundledDevice) -> Result<DeviceFiles, Failure> {
    let files = bundle.files_of(device).into_iter().map(|f| (f.path, f.bytes)).collect();
    let bytes = DeviceBytes { device: device.device.clone(), files };
    DeviceFiles::of(&bytes, None).map_err(|r| Failure::new(r.message).help(r.fix))
}

fn compared(
    files: &DeviceFiles,
    device: &BundledDevice,
    seen: &Seen,
    unmanaged: &[Unmanaged],
) -> Result<Converged, Failure> {
    let compared = compare_readback(&Readback {
        device: &device.device,
        roles: &device.roles,
        expected: &files.files,
        seen: &seen.files(files),
        options: &ReadOptions { dialect: None, ..files.options() },
        unmanaged,
        bounds: Bounds::default(),
    });
    compared.map_err(|error| match error {
        ReadbackError::Expected(unreadable) | ReadbackError::Seen(unreadable) => unreadable.into(),
        ReadbackError::Replay(error) => error.into(),
        ReadbackError::Routes(error) => error.into(),
    })
}

fn differences(device: &str, converged: &Converged) -> Vec<Finding> {
    let finding = |message: String| {
        Finding::without_place(&SPARE_DIFFERS, message)
            .on_device(device)
            .helped_by("load the files of the bundle again, and read the spare back once more")
    };
    let routes = converged.routes.words();
    let routes = routes.map(|why| finding(format!("the spare does not have the routes of `{device}`: {why}")));
    if converged.differences.is_empty() && routes.is_some() {
        return routes.into_iter().collect();
    }
    if converged.differences.is_empty() {
        return vec![finding("not every packet could be compared, so nothing is proved".to_owned())];
    }
    let one = |d: &crate::fleet::Difference| {
        let what = match d.effect {
            None => format!("it says nothing at all about {}", d.family),
            Some(EffectKind::Opened) => "it lets packets through that the bundle stops".to_owned(),
            Some(EffectKind::Closed) => "it stops packets that the bundle lets through".to_owned(),
            Some(other) => format!("it treats packets otherwise ({})", other.name()),
        };
        let found = finding(format!("the spare does not run the configuration of `{device}`: {what}"));
        let found = found.in_filter(d.hook, d.family, "");
        match &d.witness {
            Some(packet) => found.shown_by(packet.clone()),
            None => found,
        }
    };
    converged.differences.iter().take(10).map(one).chain(routes).collect()
}

impl Verdict {
    fn is_good(&self) -> bool {
        let is_made = match &self.maker {
            Maker::Machine(_) => true,
            Maker::Nobody => self.is_unsigned_allowed,
            Maker::Doubtful(_) => false,
        };
        is_made && self.findings.is_empty()
    }

    fn document<'a>(&'a self, arguments: &'a Arguments, bundle: &'a Bundle) -> VerdictDocument<'a> {
        let (maker, runs) = (Some(&self.maker), self.runs.as_deref());
        let answer = Answer { bundle: &arguments.bundle, maker, holds: Some(bundle), runs };
        answer.document(self.is_good(), &self.findings)
    }

    fn human(&self, arguments: &Arguments, bundle: &Bundle, screen: &Screen) -> String {
        let mut out = format!("{}: {}\n", arguments.bundle.display(), if self.is_good() { "good" } else { "refused" });
        let sign = if matches!(self.maker, Maker::Machine(_)) { '=' } else { '!' };
        out += &format!("{sign} {}\n", self.maker.words());
        if self.maker == Maker::Nobody && !self.is_unsigned_allowed {
            out += "  = help: `--allow-unsigned` takes it all the same\n";
        }
        for device in &bundle.manifest.devices {
            let sign = if device.origin.is_stable() { '=' } else { '~' };
            out += &format!("{sign} {}: {}{}\n", device.device, device.origin.words(), super::create::since(device));
        }
        let ports = bundle.manifest.spare.iter().filter(|s| !s.ports.is_empty());
        let is_mapped = !self.findings.iter().any(|f| f.code == &PORT_NOT_MAPPED);
        for spare in ports.filter(|_| is_mapped) {
            let pairs: Vec<String> = spare.ports.iter().map(|(a, b)| format!("{a} is {b}")).collect();
            out += &format!("= on {}, {}: means the same, packet by packet\n", spare.name, pairs.join(", "));
        }
        match self.runs.as_deref() {
            None => {}
            Some([]) => out += "! the read-back is not what the bundle holds\n",
            Some(runs) => out += &format!("= the read-back means what {} runs\n", runs.join(", ")),
        }
        let findings: String = self.findings.iter().map(|f| format!("\n{}", finding_human(f, screen.colour))).collect();
        shown(&out) + &findings
    }
}
