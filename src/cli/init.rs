//! `fwgate init`: a beginning without persons (`beginning`); the first policy of a gate, and the root file that names it; and the
//! root file alone, for a policy that is there.
//!
//! Nothing is signed here and no key is made: public keys come from `.pub` files, and private ones never come near the
//! repository. The root file is refused inside of the repository, where whoever can change the policy could change it as well.

mod root;

use super::beginning::{self, BeginningArguments};
use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::input::Surroundings;
use super::output::OutputError;
use super::screen::Screen;
use crate::cli::failure::system_words;
use crate::document::did_you_mean;
use crate::gate::signature::read_public_key;
use crate::gate::{Root, policy_digest, read_version};
use crate::policy::{Purpose, StarterForm, StarterKey, starter};
use crate::vcs::{PolicyVersion, Repository};
use clap::Args;
use std::path::{Path, PathBuf};

/// The arguments of `fwgate init`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Without persons and root it begins: it finds the devices, proposes what must hold, and writes fwgate.toml and a \
                  workflow. With persons it writes the policy of a gate and its root.\n\nExamples:\n  fwgate init\n  \
                  fwgate init --devices firewalls --forge gitlab\n  \
                  fwgate init --two --repository example/firewalls --remote ssh://git@example.net/firewalls --root ../root.toml \\\n    \
                  --person alice=alice.pub --person bob=bob.pub \\\n    --machine permit=permit.pub --machine ledger=ledger.pub \\\n    \
                  --machine receipt-staging=stager.pub --machine receipt-production=receiver.pub\n  \
                  fwgate init --root ../root.toml     after fwgate.toml was finished: the root names it as it is now\n\n\
                  Whoever keeps spare hardware loaded gives one machine more: --machine bundle=bundler.pub\n\n\
                  Keys of machines are made where they will be used, never here: ssh-keygen -t ed25519 -N '' -C ledger -f ledger"
)]
pub struct Arguments {
    /// Write a policy for two persons: the author plus one
    #[arg(long, conflicts_with = "four", requires_all = ["root", "repository", "remote", "person"])]
    pub two: bool,
    /// Write one for four persons: network and security apart
    #[arg(long, requires_all = ["root", "repository", "remote", "person"])]
    pub four: bool,
    /// Where the root file goes, outside of the repository
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,
    /// The id of the repository, part of every approval
    #[arg(long, value_name = "ID")]
    pub repository: Option<String>,
    /// The URL of the one remote whose branches are evidence
    #[arg(long, value_name = "URL")]
    pub remote: Option<String>,
    /// The full name of the protected branch: `refs/heads/main`, where it is not given
    #[arg(long = "ref", value_name = "REF")]
    pub protected: Option<String>,
    /// The zone of the window
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub zone: String,
    /// A person with the file of their public key; once for each
    #[arg(long, value_name = "NAME=KEYFILE")]
    pub person: Vec<String>,
    /// An address under which a person commits; once for each
    #[arg(long, value_name = "NAME=ADDRESS")]
    pub email: Vec<String>,
    /// A machine's purpose with the file of its public key: permit, ledger, receipt-staging, receipt-production; and bundle,
    /// where spare hardware is loaded with signed bundles
    #[arg(long, value_name = "PURPOSE=KEYFILE")]
    pub machine: Vec<String>,
    /// Begin again at the version that is there: for a root after a quorum was lost, which the team decides and writes down
    #[arg(long, conflicts_with_all = ["two", "four"], requires = "root")]
    pub lost_quorum: bool,
    /// A beginning without persons.
    #[command(flatten)]
    pub beginning: BeginningArguments,
}

impl Arguments {
    /// Where the root file goes; nothing here is called without one.
    fn root_file(&self) -> &Path {
        self.root.as_deref().unwrap_or(Path::new("root.toml"))
    }
}

/// The purposes without which nothing is pushed, and what their machines are called.
const PURPOSES: [(Purpose, &str); 4] = [
    (Purpose::Permit, "deployer"),
    (Purpose::Ledger, "ledger"),
    (Purpose::ReceiptStaging, "stager"),
    (Purpose::ReceiptProduction, "receiver"),
];

/// A purpose that a team needs where it keeps spare hardware.
const OPTIONAL: [(Purpose, &str); 1] = [(Purpose::Bundle, "bundler")];

/// What a root names where nothing else is said.
const PROTECTED: &str = "refs/heads/main";

/// The file with which a policy begins.
const FIRST: &str = "fwgate.toml";

/// Begins; or writes `fwgate.toml` and the root file, or the root file alone.
///
/// # Errors
/// Too few or too many persons, a purpose without a key, keys that are not accepted, files that exist already, a root file
/// inside of the repository.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    if arguments.root.is_none() {
        return beginning::run(&arguments.beginning, screen);
    }
    let surroundings = Surroundings::of_process()?;
    let repository = repository(&surroundings)?;
    let folder = repository.root().to_owned();
    if !arguments.two && !arguments.four {
        return root::again(arguments, &surroundings, &repository, screen);
    }
    let form = if arguments.four { StarterForm::Four } else { StarterForm::Two };
    check_count(form, arguments.person.len())?;
    let root_path = surroundings.cwd.join(arguments.root_file());
    refuse_inside(&root_path, &folder)?;
    let mut persons = all(arguments.person.iter().map(|given| person(&surroundings, given)))?;
    all(arguments.email.iter().map(|given| address(&mut persons, given)))?;
    let machines = machines(&surroundings, &arguments.machine)?;
    let id = arguments.repository.clone().unwrap_or_default();
    let text = starter(form, &id, &arguments.zone, &persons, &machines);
    let place = place(&folder);
    let version = version_of(&folder, place, &text)?;
    check_policy(&version)?;
    let keys = persons.iter().map(|p| p.key.as_str());
    let root = root_of(arguments, id, &version, keys)?;
    write_new(&folder.join(place), &text)?;
    write_new(&root_path, &root.to_string())?;
    let shown = arguments.root_file().display();
    screen.answer(&format!(
        "wrote {place}, version 1 of the policy ({})\nwrote {shown}, the root: keep it outside of the repository\n",
        root.policy
    ))?;
    screen.hint(&format!(
        "next:\n  finish {place}: how devices are reached, what must hold; `fwgate policy verify .` says who can approve what by it\n  \
         `fwgate init --root {shown}`, so that the root names what it says then\n{}",
        next(&root, arguments.root_file())
    ));
    Ok(PASSED)
}

/// Where the policy of a gate goes: into `fwgate.toml`, or beside the one that a beginning wrote, which names nobody yet.
fn place(folder: &Path) -> &'static str {
    let present = root::present_version(folder).ok().and_then(|version| read_version(&version).ok());
    match present {
        Some((policy, _)) if policy.persons.is_empty() => "policies/gate.toml",
        _ => FIRST,
    }
}

/// What comes after the root.
fn next(root: &Root, path: &Path) -> String {
    let branch = root.protected.trim_start_matches("refs/heads/");
    format!(
        "  commit the policy to `{branch}` and push it; protect `{branch}` and `fwgate/**` against force-pushes\n  \
         `fwgate ledger init --root {} --key-ledger FILE` begins the ledger\n",
        path.display()
    )
}

fn repository(surroundings: &Surroundings) -> Result<Repository, Failure> {
    let repo = Repository::discover(&surroundings.cwd).map_err(super::input::InputError::from)?;
    let none =
        || Failure::new("there is no git repository here").help("run `git init` first, or change into the repository");
    repo.ok_or_else(none)
}

fn check_count(form: StarterForm, given: usize) -> Result<(), Failure> {
    if given == 1 {
        let failure = Failure::new("one person alone cannot both make a change and approve it");
        return Err(failure.help("name a second one: `--two --person NAME=KEYFILE --person NAME=KEYFILE`"));
    }
    let wanted = form.persons();
    let failure = || Failure::new(format!("{given} persons were named, and this form is for {wanted}"));
    (given == wanted).then_some(()).ok_or_else(|| failure().help("give `--person NAME=KEYFILE` once for each"))
}

/// The root file must not lie where a change of the repository could change it.
fn refuse_inside(root: &Path, folder: &Path) -> Result<(), Failure> {
    let parent = root.parent().unwrap_or(root);
    let real = |path: &Path| {
        let unreadable = |e: std::io::Error| {
            Failure::new(format!("`{}` cannot be read: {}", path.display(), system_words(e.kind())))
        };
        path.canonicalize().map_err(unreadable)
    };
    if real(parent)?.starts_with(real(folder)?) {
        let failure = Failure::new(format!("`{}` lies inside of the repository [ROOT_MISSING]", root.display()));
        return Err(failure.help("the root says whom to trust; keep it where nobody can change it by a commit"));
    }
    Ok(())
}

fn person(surroundings: &Surroundings, given: &str) -> Result<StarterKey<Vec<String>>, Failure> {
    let (id, path) = named_file(given, "--person NAME=KEYFILE")?;
    Ok(StarterKey { id: id.to_owned(), key: public_key(surroundings, path)?, what: Vec::new() })
}

/// Gives a person an address.
fn address(persons: &mut [StarterKey<Vec<String>>], given: &str) -> Result<(), Failure> {
    let (id, address) = given.split_once('=').unwrap_or((given, ""));
    let unknown = || {
        let failure = Failure::new(format!("`--email {given}` is of no person that was named"));
        failure.help("write `--email NAME=ADDRESS`, with a NAME of `--person`")
    };
    let person = persons.iter_mut().find(|p| p.id == id && !address.is_empty()).ok_or_else(unknown)?;
    person.what.push(address.to_owned());
    Ok(())
}

fn machines(surroundings: &Surroundings, given: &[String]) -> Result<Vec<StarterKey<Purpose>>, Failure> {
    let mut found = Vec::new();
    for entry in given {
        let (name, path) = named_file(entry, "--machine PURPOSE=KEYFILE")?;
        let all = || PURPOSES.iter().chain(&OPTIONAL);
        let purpose = all().find(|(purpose, _)| purpose.name() == name);
        let unknown = || {
            let names: Vec<&str> = all().map(|(p, _)| p.name()).collect();
            let near = did_you_mean(name, names.iter().copied());
            let help = near.unwrap_or_else(|| format!("it is one of {}", names.join(", ")));
            Failure::new(format!("`{name}` is no purpose of a machine")).help(help)
        };
        let (purpose, id) = purpose.ok_or_else(unknown)?;
        found.push(StarterKey { id: (*id).to_owned(), key: public_key(surroundings, path)?, what: *purpose });
    }
    let lacks = PURPOSES.iter().filter(|(purpose, _)| !found.iter().any(|m| m.what == *purpose));
    let lack = |(purpose, id): &(Purpose, &str)| {
        let name = purpose.name();
        Failure::new(format!("no key was given for the machine of purpose `{name}`")).help(format!(
            "make it where it will be used, `ssh-keygen -t ed25519 -N '' -C {id} -f {id}`, and give `--machine {name}={id}.pub`"
        ))
    };
    let failures: Vec<Failure> = lacks.map(lack).collect();
    if failures.is_empty() { Ok(found) } else { Err(Failure::Several(failures)) }
}

fn named_file<'a>(given: &'a str, form: &str) -> Result<(&'a str, &'a Path), Failure> {
    let parts = given.split_once('=').filter(|(name, path)| !name.is_empty() && !path.is_empty());
    let failure = || Failure::new(format!("`{given}` names no key file")).help(format!("write `{form}`"));
    parts.map(|(name, path)| (name, Path::new(path))).ok_or_else(failure)
}

/// The one line of a public key file. A private key is refused unread.
fn public_key(surroundings: &Surroundings, path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let unreadable = |e: std::io::Error| Failure::new(format!("`{shown}` cannot be read: {}", system_words(e.kind())));
    let text = std::fs::read_to_string(surroundings.cwd.join(path)).map_err(unreadable)?;
    if text.contains("PRIVATE KEY") {
        let failure = Failure::new(format!("`{shown}` is a private key"));
        return Err(
            failure.help(format!("give its public key, `{shown}.pub`; private keys never come near the repository"))
        );
    }
    let line = text.trim_end();
    let refused = |e: crate::gate::signature::KeyFlaw| Failure::new(format!("`{shown}`: {e} [{}]", e.code));
    read_public_key(line).map_err(refused)?;
    Ok(line.to_owned())
}

/// The policy as it will be: the new file, and what lies under `policies/` already.
fn version_of(folder: &Path, place: &str, text: &str) -> Result<PolicyVersion, Failure> {
    let mut files = vec![(place.to_owned(), text.as_bytes().to_vec())];
    if let Some(first) = std::fs::read(folder.join(FIRST)).ok().filter(|_| place != FIRST) {
        files.push((FIRST.to_owned(), first));
    }
    let mut open = vec![folder.join("policies")];
    while let Some(next) = open.pop().filter(|p| p.is_dir()) {
        let unreadable = |e: std::io::Error| {
            Failure::new(format!("`{}` cannot be read: {}", next.display(), system_words(e.kind())))
        };
        for entry in std::fs::read_dir(&next).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            match path.strip_prefix(folder).ok().and_then(Path::to_str) {
                _ if path.is_dir() => open.push(path),
                Some(name) => files.push((name.replace('\\', "/"), std::fs::read(&path).map_err(unreadable)?)),
                None => {}
            }
        }
    }
    files.sort();
    Ok(PolicyVersion { commit: String::new(), files, irregular: Vec::new() })
}

fn check_policy(version: &PolicyVersion) -> Result<(), Failure> {
    let reasons = match read_version(version) {
        Ok((_, reasons)) | Err(reasons) => reasons,
    };
    let failure = |r: &crate::gate::Reason| Failure::new(format!("{} [{}]", r.message, r.code)).help(r.fix.clone());
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(Failure::Several(reasons.iter().map(failure).collect())),
    }
}

fn root_of<'k>(
    arguments: &Arguments,
    repository: String,
    version: &PolicyVersion,
    keys: impl Iterator<Item = &'k str>,
) -> Result<Root, Failure> {
    let signers = keys.filter_map(|key| read_public_key(key).ok()).map(|k| k.fingerprint().to_owned());
    let root = Root {
        repository,
        remote: arguments.remote.clone().unwrap_or_default(),
        protected: arguments.protected.clone().unwrap_or_else(|| PROTECTED.to_owned()),
        policy: policy_digest(version),
        signers: signers.collect(),
    };
    Root::read(root.to_string().as_bytes()).map_err(|flaw| Failure::new(flaw.to_string()))
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failure = |e: OutputError| {
        Failure::new(e.to_string())
            .help("`fwgate init` writes over nothing; later changes of the policy are changes like any other")
    };
    if let Some(folder) = path.parent() {
        let unmade = |e: std::io::Error| {
            Failure::new(format!("`{}` cannot be made: {}", folder.display(), system_words(e.kind())))
        };
        std::fs::create_dir_all(folder).map_err(unmade)?;
    }
    super::output::write_new(path, text.as_bytes()).map_err(failure)
}

fn all<T>(items: impl Iterator<Item = Result<T, Failure>>) -> Result<Vec<T>, Failure> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Ok(item) => good.push(item),
            Err(failure) => bad.push(failure),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(Failure::Several(bad)) }
}
