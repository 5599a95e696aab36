//! `fwgate doctor`: what the surroundings lack for checking, vetting, signing and pushing, each with the command that mends it;
//! and whether a forge protects what the gate rests on.

mod files;
mod github;
mod here;
mod history;

use super::answer::Format;
use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::input::{InputError, Reader, Surroundings};
use super::screen::Screen;
use crate::cli::rulesets::is_ruleset;
use crate::report::{Diagnosis, DoctorDocument, Health, doctor_human, json_text};
use crate::vcs::Repository;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::ffi::OsString;

/// The arguments of `fwgate doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing lacks, 1 something lacks. What is signed with `~` is a note: nice to have, or not to be told from here.\n\n\
                  An export of a forge is one or more files with the answers of its API:\n  \
                  gh api repos/OWNER/REPO/rulesets --jq '.[].id' | xargs -I{} gh api repos/OWNER/REPO/rulesets/{} | jq -s . > rulesets.json\n  \
                  gh api repos/OWNER/REPO > repository.json\n\nExamples:\n  fwgate doctor\n  fwgate doctor --root root.toml --format json\n  \
                  fwgate doctor --github rulesets.json --github repository.json\n  \
                  fwgate doctor --print .github/rulesets/ledger.json | gh api repos/OWNER/REPO/rulesets --input -\n  \
                  fwgate doctor --print .github/workflows/ledger.yml > .github/workflows/ledger.yml"
)]
pub struct Arguments {
    /// The root of trust, from outside of the repository (or the variable FWGATE_ROOT)
    #[arg(long, value_name = "FILE")]
    pub root: Option<OsString>,
    /// The folder of the devices in the repository
    #[arg(long, value_name = "PATH", default_value = "devices")]
    pub devices: String,
    /// Judge an export of GitHub's rulesets and settings instead of this machine; once for each file
    #[arg(long, value_name = "FILE")]
    pub github: Vec<OsString>,
    /// The protected branch that the export has to protect
    #[arg(long, value_name = "NAME", default_value = "main", requires = "github")]
    pub branch: String,
    /// Print a file of a guarded repository on GitHub, a ruleset or a workflow, by its path there
    #[arg(long, value_name = "PATH", conflicts_with_all = ["github", "root", "format"], hide_possible_values = true,
          value_parser = PossibleValuesParser::new(files::FILES.iter().map(|(path, _)| *path)))]
    pub print: Option<String>,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Looks around, or at an export.
///
/// # Errors
/// An export that cannot be read; a repository that cannot be opened.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    if let Some(text) = arguments.print.as_deref().and_then(files::text) {
        screen.show(text)?;
        return Ok(PASSED);
    }
    let surroundings = Surroundings::of_process()?;
    let found = if arguments.github.is_empty() {
        let repository = Repository::discover(&surroundings.cwd).map_err(InputError::from)?;
        let place = Place { arguments, surroundings: &surroundings, repository: repository.as_ref() };
        here::CHECKS.iter().chain(history::CHECKS).flat_map(|check| check(&place)).collect()
    } else {
        let reader = Reader::new(&surroundings, &is_ruleset);
        let files: Result<Vec<_>, InputError> = arguments.github.iter().map(|given| reader.named_file(given)).collect();
        github::judge(&files?, &arguments.branch)?
    };
    let document = DoctorDocument::of(found);
    screen.answer(&match arguments.format {
        Format::Human => doctor_human(&document, screen.colour),
        Format::Json => json_text(&document)?,
    })?;
    Ok(if document.lacks == 0 { PASSED } else { REFUSED })
}

/// Where the doctor looks.
struct Place<'a> {
    arguments: &'a Arguments,
    surroundings: &'a Surroundings,
    repository: Option<&'a Repository>,
}

/// One thing that is looked at. What does not apply here says nothing.
type Look = fn(&Place<'_>) -> Vec<Diagnosis>;

fn well(id: &'static str, says: impl Into<String>) -> Diagnosis {
    Diagnosis { id, state: Health::Well, says: says.into(), mend: None }
}

fn note(id: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Diagnosis {
    Diagnosis { id, state: Health::Note, says: says.into(), mend: Some(mend.into()) }
}

fn lacks(id: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Diagnosis {
    Diagnosis { id, state: Health::Lacks, says: says.into(), mend: Some(mend.into()) }
}
