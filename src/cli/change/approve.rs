//! `fwgate change approve`: a look at the effect, a question, a signature, a push.

use super::pen::{Pen, SigningArguments};
use crate::cli::exit::{Exit, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::gate::{GateArguments, Gathered, Session, now};
use crate::cli::screen::Screen;
use crate::gate::{Approve, Believed, Instant, PolicyRecord, Reason, ReasonCode, Record, Stage, policy_digest};
use clap::{Args, ValueEnum};
use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

/// How long an approval counts where the policy does not say.
const LIFETIME: Duration = Duration::from_secs(14 * 86_400);

/// The arguments of `fwgate change approve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Fetches, shows what the change does, asks, signs with your own key, and pushes.\n\nNever sign what a CI job printed without a look at it on your own machine.\n\nExample:\n  fwgate change approve CHG-2042 --root root.toml --role network"
)]
pub struct Arguments {
    /// The change and the root.
    #[command(flatten)]
    pub gate: GateArguments,
    /// The key.
    #[command(flatten)]
    pub signing: SigningArguments,
    /// The role in which you approve; not needed where only one is missing
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// For what
    #[arg(long, value_enum, default_value_t = For::Production)]
    pub stage: For,
    /// Sign without being asked: you have looked at it already
    #[arg(long)]
    pub yes: bool,
}

/// What is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// The staging device
    Staging,
    /// Production
    Production,
}

/// Shows the change and signs an approval of exactly its effect.
///
/// # Errors
/// No repository, no root; a change that cannot be judged; nobody to ask; nothing that can be signed or reached.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(&arguments.gate)?;
    let now = now();
    let gathered = session.gather(&arguments.gate.change, now);
    let role = role(arguments, &gathered)?;
    let record = record(arguments, &session, &gathered, &role, now)?;
    if let Err(flaw) = Record::read(&record.text()) {
        return Err(Failure::new(format!("this cannot be a record: {}", flaw.message)));
    }
    let page = super::show::page(&arguments.gate.change, &gathered, screen.colour);
    let page = format!("{page}\nYou would sign, as `{role}`:\n\n{}\n", indented(&record.text()));
    // Nobody is asked about what was not shown.
    if arguments.yes {
        screen.answer(&page)?
    } else {
        screen.show(&page)?
    }
    if !arguments.yes && !asked(screen)? {
        screen.answer("nothing was signed\n")?;
        return Ok(REFUSED);
    }
    let pen = Pen::of_user(&session, &arguments.signing)?;
    let objection = |person: &str| futile(person, &gathered, &record);
    let written = pen.append_by(&arguments.gate.change, &record, now, &objection)?;
    screen.answer(&format!(
        "signed and pushed: {} of {} ({})\n",
        record.kind(),
        arguments.gate.change,
        written.digest
    ))?;
    Ok(PASSED)
}

/// Why an approval by this person could never count.
fn futile(person: &str, gathered: &Gathered, record: &Record) -> Option<Reason> {
    let Record::Approve(approve) = record else { return None };
    let id = &gathered.testimony.change;
    let is_author = |r: &Believed<Record>| r.by == person && matches!(r.said, Record::Change(_));
    let has_part = gathered.announced.iter().flat_map(|a| &a.contributors).any(|c| c == person);
    let of_person = gathered.policy()?.persons.iter().find(|p| p.id.value == person);
    let has_role = of_person.is_some_and(|p| p.roles.iter().any(|r| r.value == approve.role));
    let others = "somebody else approves; `fwgate change show` says who could";
    match () {
        () if gathered.testimony.records.iter().any(is_author) => {
            let message = format!("`{person}` is the author of {id}, and an author's approval does not count");
            Some(Reason::new(ReasonCode::SelfApproval, message, others))
        }
        () if has_part => {
            let message = format!("`{person}` had a part in {id}, and approves nothing of their own");
            Some(Reason::new(ReasonCode::ContributorApproval, message, others))
        }
        () if !has_role => {
            let message = format!("`{person}` does not have the role `{}`", approve.role);
            Some(Reason::new(ReasonCode::RoleMissing, message, "give `--role` one that you have"))
        }
        () => None,
    }
}

/// The one role that is missing, unless one was given.
fn role(arguments: &Arguments, gathered: &Gathered) -> Result<String, Failure> {
    let mut missing: Vec<&str> = gathered.decision.missing.iter().map(|m| m.role.as_str()).collect();
    missing.dedup();
    match (&arguments.role, missing.as_slice()) {
        (Some(role), _) => Ok(role.clone()),
        (None, [one]) => Ok((*one).to_owned()),
        (None, []) if gathered.policy().is_none() => Err(all_reasons(gathered)),
        (None, []) if gathered.announced.is_none() => {
            Err(super::say::never_announced(&arguments.gate.change, gathered))
        }
        (None, []) => {
            let failure = Failure::new("every approval is there: nothing is missing that you could sign");
            Err(failure.help("`--role ROLE` signs all the same"))
        }
        (None, several) => {
            let failure = Failure::new("several roles are missing, and an approval counts for one");
            Err(failure.help(format!("give `--role` one of {}", several.join(", "))))
        }
    }
}

fn record(
    arguments: &Arguments,
    session: &Session,
    gathered: &Gathered,
    role: &str,
    now: Instant,
) -> Result<Record, Failure> {
    let change = arguments.gate.change.clone();
    let announced = gathered.announced.as_ref().ok_or_else(|| super::say::never_announced(&change, gathered))?;
    // Devices that run what nobody merged yet are in the trees of a change of the policy too, and are no part of it.
    let is_of_policy = gathered.decision.class == crate::policy::ChangeClass::Policy;
    let Some(analysis) = gathered.analysis.as_ref().filter(|_| !is_of_policy) else {
        return of_policy(session, gathered, change, role, &announced.head);
    };
    let stage = match arguments.stage {
        For::Staging => Stage::Staging,
        For::Production => Stage::Production,
    };
    let vetting = gathered.decision.vetting.last().copied().filter(|_| stage == Stage::Production);
    Ok(Record::Approve(Approve {
        change,
        content: analysis.content,
        meaning: analysis.meaning,
        stage,
        role: role.to_owned(),
        says: analysis.says.clone(),
        vetting,
        not_after: now.after(lifetime(gathered)),
    }))
}

/// A voice for a version of the policy, where that is what the change is about.
fn of_policy(
    session: &Session,
    gathered: &Gathered,
    change: String,
    role: &str,
    head: &str,
) -> Result<Record, Failure> {
    let version = session.repository.commit_id(head).and_then(|commit| session.repository.policy_at(commit));
    let version = version.map_err(|e| Failure::Input(e.into()))?;
    let read = crate::gate::read_version(&version).map(|(policy, _)| policy.version);
    match (read, gathered.decision.class) {
        (Ok(number), crate::policy::ChangeClass::Policy) => Ok(Record::Policy(PolicyRecord {
            change,
            version: number,
            policy: policy_digest(&version),
            role: role.to_owned(),
        })),
        _ => Err(all_reasons(gathered)),
    }
}

/// Everything that stands against the change, as what keeps it from being approved.
fn all_reasons(gathered: &Gathered) -> Failure {
    let failure = |r: &Reason| Failure::new(format!("{} [{}]", r.message, r.code)).help(r.fix.clone());
    Failure::Several(gathered.decision.reasons.iter().map(failure).collect())
}

fn lifetime(gathered: &Gathered) -> Duration {
    let classes = gathered.policy().map(|p| p.classes.as_slice()).unwrap_or_default();
    let own = classes.iter().find(|c| c.class == gathered.decision.class);
    own.and_then(|c| c.approval_lifetime).unwrap_or(LIFETIME)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Whether the person at the terminal says yes.
fn asked(screen: &Screen) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new("nobody can be asked: standard input is no terminal")
            .help("look at it with `fwgate change show`, then give `--yes`"));
    }
    screen.show("Sign this? [y/N] ")?;
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes"))
}
