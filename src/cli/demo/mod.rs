//! `fwgate demo`: the incidents, played from the fixtures inside of the binary, without the guard and with it.
//!
//! An incident is a folder under `fixtures/incidents/` with a script, `demo.toml`, and one line in `INCIDENTS`.

mod play;
mod script;

use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::screen::Screen;
use crate::dialect::nearest;
use clap::Args;
use include_dir::{Dir, include_dir};
use script::Script;

/// The incidents that can be played, in order of their numbers.
static INCIDENTS: &[Incident] = &[
    Incident { number: 1, folder: include_dir!("$CARGO_MANIFEST_DIR/fixtures/incidents/01-omitted-range") },
    Incident { number: 2, folder: include_dir!("$CARGO_MANIFEST_DIR/fixtures/incidents/02-staged-went-live") },
    Incident { number: 3, folder: include_dir!("$CARGO_MANIFEST_DIR/fixtures/incidents/03-dead-core-router") },
    Incident { number: 4, folder: include_dir!("$CARGO_MANIFEST_DIR/fixtures/incidents/04-test-hit-production") },
    Incident { number: 5, folder: include_dir!("$CARGO_MANIFEST_DIR/fixtures/incidents/05-addresses-and-dns") },
];

/// An incident inside of the binary.
struct Incident {
    /// Its number, from 1.
    number: u8,
    /// Rulesets, policy and `demo.toml`.
    folder: Dir<'static>,
}

/// The arguments of `fwgate demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Everything happens in a scratch folder that is taken away afterwards; nothing leaves this machine.\n\n\
                  Examples:\n  fwgate demo --list\n  fwgate demo 1\n  fwgate demo            # all of them, one after the other"
)]
pub struct Arguments {
    /// The number of one incident; all of them where none is given
    #[arg(value_name = "NUMBER", conflicts_with = "list")]
    pub number: Option<String>,
    /// Say what can be played
    #[arg(long)]
    pub list: bool,
}

/// Plays one incident or all.
///
/// # Errors
/// A number that no incident has; a play that does not end as its script says.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    if arguments.list {
        screen.answer(&list()?)?;
        return Ok(PASSED);
    }
    for incident in chosen(arguments.number.as_deref())? {
        match play::play(incident.number, &incident.folder, &incident.script()?, screen) {
            // Whoever does not listen any more needs no further play.
            Err(Failure::Unheard) => break,
            other => other?,
        }
    }
    Ok(PASSED)
}

impl Incident {
    fn script(&self) -> Result<Script, Failure> {
        let text = self.folder.get_file("demo.toml").and_then(|f| f.contents_utf8()).unwrap_or_default();
        Script::read(text)
            .map_err(|e| Failure::new(format!("internal error: the script of incident {}: {e}", self.number)))
    }
}

fn list() -> Result<String, Failure> {
    let line = |i: &Incident| Ok(format!("{}  {}\n", i.number, i.script()?.title));
    INCIDENTS.iter().map(line).collect()
}

fn chosen(number: Option<&str>) -> Result<Vec<&'static Incident>, Failure> {
    let Some(given) = number else { return Ok(INCIDENTS.iter().collect()) };
    let names: Vec<String> = INCIDENTS.iter().map(|i| i.number.to_string()).collect();
    let found = INCIDENTS.iter().find(|i| i.number.to_string() == given.trim_start_matches('0'));
    let unknown = || {
        let near = nearest(given, names.iter().map(String::as_str)).filter(|_| given.len() > 1);
        let help = near.map_or_else(|| format!("there are {}", names.join(", ")), |n| format!("did you mean `{n}`?"));
        Failure::new(format!("there is no incident `{given}` to play")).help(help)
    };
    found.map(|i| vec![i]).ok_or_else(unknown)
}
