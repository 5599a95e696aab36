//! `fwgate explain`: the page of a finding.

use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::screen::Screen;
use crate::dialect::nearest;
use crate::finding::{Code, all_codes, explain, explain_all};
use clap::Args;

/// The arguments of `fwgate explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate explain\n  fwgate explain FW101\n  fwgate explain required-flow-lost\n  fwgate explain --all > findings.md"
)]
pub struct Arguments {
    /// The code or the name of a finding; without it, all codes are listed
    #[arg(value_name = "CODE|NAME", conflicts_with = "all")]
    pub code: Option<String>,
    /// Explain every finding, in Markdown
    #[arg(long)]
    pub all: bool,
}

/// Prints the page.
///
/// # Errors
/// A code that does not exist.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let page = match &arguments.code {
        Some(code) => explain(code).ok_or_else(|| unknown(code))?,
        None if arguments.all => explain_all(),
        None => all_codes().map(line).collect(),
    };
    screen.answer(&page)?;
    Ok(PASSED)
}

/// `FW101  required-flow-lost`
fn line(code: &Code) -> String {
    format!("{}  {}\n", code.id, code.name)
}

fn unknown(code: &str) -> Failure {
    let known = all_codes().flat_map(|c| [c.id, c.name]);
    let failure = Failure::new(format!("there is no finding `{code}`"));
    match nearest(code, known) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => {
            let like: Vec<&str> = all_codes().map(|c| c.name).filter(|name| name.contains(code)).collect();
            failure.help(match like.as_slice() {
                [] => "`fwgate explain` lists all of them".to_owned(),
                like => format!("did you mean one of {}?", like.join(", ")),
            })
        }
    }
}
