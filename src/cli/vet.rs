//! `fwgate vet`: the exact bytes of a change loaded by the kernel in a namespace of its own, policy's flows sent, the result
//! read back, and a receipt signed.

use super::answer::Format;
use super::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{DeviceFiles, GateArguments, Gathered, MachineKeys, Session, keep_receipt, machine_of, now};
use super::screen::Screen;
use crate::check::Device;
use crate::cli::failure::system_words;
use crate::dialect::InputFile;
use crate::diff::Bounds;
use crate::fleet::namespace::{Answer, Back, Job, JobFile, Outcome, RouteJob, Vetted, loader_of, vet};
use crate::fleet::transport::Folder;
use crate::fleet::{Readback, compare_readback};
use crate::gate::vetting::{VettingPlan, plan};
use crate::gate::{Digest, Reason, ReasonCode, Receipt, ReceiptKind, with_hosts};
use crate::policy::{Policy, Replaces};
use crate::report::{Tried, VettingDocument, VettingVerdict, json_text, visible};
use crate::routes::is_routing;
use clap::Args;

/// The arguments of `fwgate vet`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fwgate vet CHG-2042 --root root.toml --key-staging staging.key")]
pub struct Arguments {
    /// The change, and where trust comes from
    #[command(flatten)]
    pub gate: GateArguments,
    /// Keys of machines
    #[command(flatten)]
    pub keys: MachineKeys,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Vets a change.
///
/// # Errors
/// There is no repository, no namespace can be made here, or the receipt cannot be written.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let keys = arguments.keys.or_environment();
    let session = Session::open(&arguments.gate)?;
    let gathered = session.gather(&arguments.gate.change, now());
    let outcome = vet_all(&gathered)?;
    conclude(&session, &gathered, outcome, (keys.key_staging.as_deref(), arguments.format), screen)
}

/// What vetting all devices of a change came to.
pub struct Vetting {
    /// One line a device.
    pub words: Vec<String>,
    /// What speaks against the change.
    pub reasons: Vec<Reason>,
    /// The devices with the digests of their bytes.
    pub devices: Vec<(String, Digest)>,
    /// What it was tried on.
    pub on: String,
    /// How many conversations went as demanded.
    pub flows: u64,
}

impl Vetting {
    /// Nothing was tried, for these reasons.
    pub fn refused(reasons: Vec<Reason>) -> Vetting {
        Vetting { words: Vec::new(), reasons, devices: Vec::new(), on: String::new(), flows: 0 }
    }

    /// What was tried, for documents.
    pub fn tried(&self) -> Tried<'_> {
        Tried { devices: &self.devices, on: &self.on, flows: self.flows, words: &self.words }
    }
}

/// Tells what came of it, and where nothing speaks against the change, signs the receipt.
///
/// # Errors
/// The receipt cannot be written.
pub fn conclude(
    session: &Session,
    gathered: &Gathered,
    vetting: Vetting,
    (key, format): (Option<&std::path::Path>, Format),
    screen: &Screen,
) -> Result<Exit, Failure> {
    let id = &gathered.testimony.change;
    let is_good = vetting.reasons.is_empty() && !vetting.devices.is_empty();
    let receipt = match key.filter(|_| is_good) {
        Some(key) => Some(signed(session, gathered, &vetting, key)?),
        None => None,
    };
    let out = match format {
        Format::Human => told(id, &vetting, receipt),
        Format::Json => {
            let verdict = if is_good { VettingVerdict::Vetted } else { VettingVerdict::Refused };
            json_text(&VettingDocument::of(id, verdict, &vetting.reasons, vetting.tried(), receipt))?
        }
    };
    screen.answer(&out)?;
    Ok(match () {
        () if is_good => PASSED,
        () if vetting.reasons.iter().any(|r| r.code.is_no_verdict()) => NO_VERDICT,
        () => REFUSED,
    })
}

/// The same for people.
fn told(id: &str, vetting: &Vetting, receipt: Option<Digest>) -> String {
    let is_good = vetting.reasons.is_empty() && !vetting.devices.is_empty();
    let mut out = format!("{id}: {}\n", if is_good { "vetted" } else { "refused" });
    vetting.words.iter().for_each(|line| out += &format!("  {}\n", visible(line)));
    for reason in &vetting.reasons {
        out += &format!("- {}: {}\n  = help: {}\n", reason.code, visible(&reason.message), visible(&reason.fix));
    }
    match receipt {
        Some(receipt) => out += &format!("receipt {receipt}\n"),
        None if is_good => {
            out += "no receipt: the key of the machine that signs vetting receipts is not at hand (--key-staging, or FWGATE_KEY_STAGING)\n";
        }
        None => {}
    }
    out
}

/// The digest of the receipt that was signed and pushed.
///
/// # Errors
/// The receipt cannot be written.
pub fn signed(
    session: &Session,
    gathered: &Gathered,
    vetting: &Vetting,
    key: &std::path::Path,
) -> Result<Digest, Failure> {
    let (Some(analysis), Some(announced)) = (&gathered.analysis, &gathered.announced) else {
        return Err(Failure::new("there is nothing to give a receipt for"));
    };
    let receipt = Receipt {
        kind: ReceiptKind::Vetting,
        change: gathered.testimony.change.clone(),
        content: analysis.content,
        devices: vetting.devices.clone(),
        on: vetting.on.clone(),
        flows: vetting.flows,
        head: announced.head.clone(),
        at: now(),
    };
    let kept = machine_of(&gathered.roster, receipt.kind.purpose(), key, gathered.now)
        .and_then(|_| keep_receipt(session, key, &receipt));
    kept.map_err(|reason| Failure::new(reason.message).help(reason.fix))
}

/// Vets every device of a change.
///
/// # Errors
/// No namespace can be made here.
pub fn vet_all(gathered: &Gathered) -> Result<Vetting, Failure> {
    let mut out = Vetting::refused(Vec::new());
    let (Some(analysis), Some(trees), Some(policy)) = (&gathered.analysis, &gathered.trees, gathered.policy()) else {
        out.reasons = gathered.decision.reasons.clone();
        return Ok(out);
    };
    let [_, inventory] = gathered.inventories();
    let resolved = with_hosts(policy, &trees.beside);
    let policy = resolved.as_ref().unwrap_or(policy);
    for (device, digest) in &analysis.devices {
        let Some(bytes) = trees.proposal.iter().find(|b| b.device == *device) else {
            out.words.push(format!("{device}: is taken away, nothing to load"));
            continue;
        };
        match DeviceFiles::of(bytes, inventory.as_ref()) {
            Err(reason) => out.reasons.push(reason),
            Ok(files) => one(policy, (&files, gathered.roles_of(device)), *digest, &mut out)?,
        }
    }
    Ok(out)
}

fn one(
    policy: &Policy,
    (files, roles): (&DeviceFiles, &[String]),
    digest: Digest,
    out: &mut Vetting,
) -> Result<(), Failure> {
    let device = match files.read() {
        Ok(device) => device,
        Err(reason) => {
            out.reasons.push(reason);
            return Ok(());
        }
    };
    let planned = plan(policy, &device);
    let routes = routes_of(&device, &planned);
    let unvetted = |message: String, fix: &str| Reason::new(ReasonCode::NotVetted, message, fix);
    let folder = Folder::new().map_err(|e| Failure::new(format!("no folder for the files: {}", e.kind())))?;
    let job = match job(files, &planned, routes, &folder) {
        Ok(job) => job,
        Err(reason) => {
            out.reasons.push(reason);
            return Ok(());
        }
    };
    let program = std::env::current_exe()
        .map_err(|e| Failure::new(format!("this program cannot be found: {}", system_words(e.kind()))))?;
    match vet(&job, &program, &folder.home()).map_err(|e| Failure::new(e.to_string()))? {
        Answer::Unable(why) => {
            Err(Failure::new(format!("no namespace can be used here: {why}"))
                .help("run it as root, or where unprivileged user namespaces are allowed, with iproute2 and the loaders installed"))
        }
        Answer::Refused { file, by, said } => {
            let message = format!("`{by}` refuses `{file}` of `{}`: {said}", files.name);
            out.reasons.push(unvetted(message, "mend the file; the kernel would not take it"));
            Ok(())
        }
        Answer::Done(vetted) => {
            judge(policy, (files, roles), &planned, &vetted, out);
            out.devices.push((files.name.clone(), digest));
            out.on = vetted.on;
            Ok(())
        }
    }
}

/// What became of loading a device's files, and nothing else.
pub enum Loaded {
    /// The kernel holds what the files say; what it was.
    Good(String),
    /// It does not, or would not take them.
    Refused(Reason),
    /// There is no namespace here.
    Unable(String),
}

/// A way back, as it would be gone.
#[derive(Clone, Copy)]
pub struct WayBack<'a> {
    /// What the device would run by then.
    pub from: Option<&'a DeviceFiles>,
    /// What it goes back to.
    pub to: &'a DeviceFiles,
    /// Its roles.
    pub roles: &'a [String],
    /// What it drops when it takes files.
    pub replaces: Replaces,
}

/// Loads what a device would run by then in a namespace of its own, puts the files that it goes back to on top as the device would, and
/// compares what the kernel then holds with them; sends nothing.
///
/// # Errors
/// No folder for the files, no program.
pub fn go_back(policy: &Policy, way: WayBack<'_>) -> Result<Loaded, Failure> {
    let folders = [Folder::new(), Folder::new()]
        .map(|f| f.map_err(|e| Failure::new(format!("no folder for the files: {}", e.kind()))));
    let [first, second] = folders;
    let (first, second) = (first?, second?);
    let job = match job_back(policy, way, [&first, &second]) {
        Ok(job) => job,
        Err(reason) => return Ok(Loaded::Refused(reason)),
    };
    let (folder, files) = (first, way.to);
    let program = std::env::current_exe()
        .map_err(|e| Failure::new(format!("this program cannot be found: {}", system_words(e.kind()))))?;
    Ok(match vet(&job, &program, &folder.home()).map_err(|e| Failure::new(e.to_string()))? {
        Answer::Unable(why) => Loaded::Unable(why),
        Answer::Refused { file, by, said } => {
            let message = format!("`{by}` refuses `{file}` of `{}`: {said}", files.name);
            Loaded::Refused(Reason::new(ReasonCode::NoRollback, message, "mend the file; the kernel would not take it"))
        }
        Answer::Done(vetted) => match difference(policy, files, way.roles, &vetted) {
            Some(why) => Loaded::Refused(not_back(&files.name, &why, way.replaces)),
            None => Loaded::Good(vetted.on),
        },
    })
}

/// The baseline was put on top of the proposal, and something else came of it.
fn not_back(device: &str, why: &str, replaces: Replaces) -> Reason {
    let message = format!("on top of the proposal the way back of `{device}` does not bring its baseline back: {why}");
    let fix = match replaces {
        Replaces::Named => {
            "let the baseline name every table and set that the proposal fills; or let the transport's `rollback` empty what its files do not name, and say so with `replaces = \"everything\"`"
        }
        Replaces::Everything => "this may be an error of fwgate; report it, and do not push",
    };
    Reason::new(ReasonCode::NoRollback, message, fix)
}

/// What the namespace has to do: first what the device would run, then what it goes back to.
fn job_back(policy: &Policy, way: WayBack<'_>, folders: [&Folder; 2]) -> Result<Job, Reason> {
    let [first, second] = folders;
    let silent = |files: &DeviceFiles, folder: &Folder| {
        let device = files.read()?;
        let planned = VettingPlan { talks: Vec::new(), ..plan(policy, &device) };
        let routes = routes_of(&device, &planned);
        job(files, &planned, routes, folder)
    };
    let back = silent(way.to, second)?;
    let Some(from) = way.from else { return Ok(back) };
    let mut out = silent(from, first)?;
    out.interfaces.extend(back.interfaces);
    out.interfaces.sort();
    out.interfaces.dedup();
    out.addresses.extend(back.addresses);
    out.addresses.sort();
    out.addresses.dedup();
    // Routes are replaced table by table: what the way back holds is all that is left.
    out.routes = back.routes;
    out.back = Some(Back { files: back.files, is_whole: way.replaces == Replaces::Everything });
    Ok(out)
}

fn routes_of(device: &Device, planned: &VettingPlan) -> Option<RouteJob> {
    (!device.routing.is_empty()).then(|| RouteJob::of(&device.routing, &planned.addresses))
}

fn job(files: &DeviceFiles, planned: &VettingPlan, routes: Option<RouteJob>, folder: &Folder) -> Result<Job, Reason> {
    let mut out = Vec::new();
    // What `ip` prints is loaded line by line, not as a file.
    for (at, file) in files.to_load()?.iter().filter(|file| !is_routing(file)).enumerate() {
        let Some(loader) = loader_of(file, &files.options()) else {
            let message = format!("`{}` is nothing that a Linux kernel loads", file.name);
            return Err(Reason::new(
                ReasonCode::NotVetted,
                message,
                "stage it on a device: `staging = \"device\"` and [[stands_for]]",
            ));
        };
        let name = format!("{at}-{}", file.name.rsplit('/').next().unwrap_or("file"));
        let path = folder.put(&name, &file.bytes);
        let path = path
            .map_err(|e| Reason::new(ReasonCode::NotVetted, format!("`{}`: {}", file.name, e.kind()), "try again"))?;
        out.push(JobFile { name: file.name.clone(), path: path.to_string_lossy().into_owned(), loader });
    }
    out.sort_by_key(|f| f.loader);
    let VettingPlan { talks, interfaces, mut addresses, .. } = planned.clone();
    for (address, _) in routes.iter().flat_map(|routes| &routes.addresses) {
        if !addresses.contains(address) {
            addresses.push(*address);
        }
    }
    Ok(Job { files: out, back: None, interfaces, addresses, talks, routes })
}

/// Holds what the kernel did against what policy demands and what the files say.
fn judge(
    policy: &Policy,
    (files, roles): (&DeviceFiles, &[String]),
    planned: &VettingPlan,
    vetted: &Vetted,
    out: &mut Vetting,
) {
    let name = &files.name;
    let (mut good, mut unsent) = (0, 0);
    for (talk, outcome) in planned.talks.iter().zip(&vetted.outcomes) {
        match outcome {
            Outcome::AsDemanded => good += 1,
            Outcome::NotSendable => unsent += 1,
            Outcome::Against(packet) => {
                let message =
                    format!("the kernel does not treat the {packet} of {talk} on `{name}` as `{}` demands", talk.rule);
                out.reasons.push(Reason::new(
                    ReasonCode::NotVetted,
                    message,
                    "`fwgate trace` shows by which rule; mend it",
                ));
            }
        }
    }
    if good == 0 && unsent > 0 {
        let message = format!("none of the {unsent} conversations of policy can be sent to `{name}` in a namespace");
        out.reasons.push(Reason::new(
            ReasonCode::NotVetted,
            message,
            "name its interfaces and addresses in `device.toml`",
        ));
    }
    out.reasons.extend(differences(policy, files, roles, vetted));
    out.flows += good;
    out.words.push(match (good, unsent) {
        (0, 0) => format!("{name}: loaded, read back and compared; policy demands nothing of it that could be sent"),
        (good, 0) => format!("{name}: loaded, {good} conversations as demanded, read back and compared"),
        _ => format!("{name}: loaded, {good} conversations as demanded, {unsent} not sendable, read back and compared"),
    });
    if !vetted.routes.is_empty() {
        out.words.push(format!("{name}: its routes loaded, read back and compared; the conversations go by them"));
    }
}

fn differences(policy: &Policy, files: &DeviceFiles, roles: &[String], vetted: &Vetted) -> Option<Reason> {
    let why = difference(policy, files, roles, vetted)?;
    let message = format!("what the kernel holds of `{}` is not what its files say: {why}", files.name);
    let fix = "this may be an error of fwgate; report it, and do not push";
    Some(Reason::new(ReasonCode::ReadbackInvalid, message, fix))
}

/// In what the kernel holds something else than files say, in one clause.
fn difference(policy: &Policy, files: &DeviceFiles, roles: &[String], vetted: &Vetted) -> Option<String> {
    let file = |(loader, text): &(crate::fleet::namespace::Loader, String)| InputFile {
        name: loader.file_name().to_owned(),
        bytes: text.clone().into_bytes().into(),
    };
    let routes = vetted
        .routes
        .iter()
        .map(|(name, text)| InputFile { name: name.clone(), bytes: text.clone().into_bytes().into() });
    let seen: Vec<InputFile> = vetted.readback.iter().map(file).chain(routes).collect();
    let options = crate::dialect::ReadOptions { dialect: None, ..files.options() };
    let compared = compare_readback(&Readback {
        device: &files.name,
        roles,
        expected: &files.files,
        seen: &seen,
        options: &options,
        unmanaged: &policy.unmanaged,
        bounds: Bounds::default(),
    });
    match compared {
        Ok(converged) if converged.is_equal() => None,
        Ok(converged) => Some(super::gate::difference_words(&converged)),
        Err(error) => Some(error.to_string()),
    }
}
