//! `fwgate bundle record`: the manifest of the bundle that a spare carries, and its signature, put where `bundle list` looks.
//!
//! A record is two files under `spares/NAME/`, committed and merged as anything else. They decide nothing: they say what somebody
//! loaded, and the signature says who made it.

use super::document::Answer;
use super::sealed::{Maker, maker, read};
use super::stock::stock;
use super::{Format, SourceArguments, shown};
use crate::cli::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::failure::system_words;
use crate::cli::ledger::listed;
use crate::cli::output::write_atomically;
use crate::cli::screen::Screen;
use crate::document::did_you_mean;
use crate::report::json_text;
use clap::Args;
use std::path::PathBuf;

/// The manifest of a record.
pub const RECORD: &str = "manifest.json";
/// Its signature.
pub const RECORD_SIGNATURE: &str = "manifest.json.sig";

/// The arguments of `fwgate bundle record`.
#[derive(Debug, Args)]
#[command(
    after_help = "Verify what the spare runs first: `fwgate bundle verify BUNDLE --readback FILE`. Commit the two files that are written.\n\n\
                        Example:\n  fwgate bundle record edge-spare.tar --root root.toml"
)]
pub struct Arguments {
    /// The archive that was loaded
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// The spare, where the bundle does not say
    #[arg(long, value_name = "NAME")]
    pub spare: Option<String>,
    /// The folder of records
    #[arg(long, value_name = "DIR", default_value = "spares")]
    pub records: PathBuf,
    /// Its signature
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Record a bundle that nobody signed
    #[arg(long)]
    pub allow_unsigned: bool,
    /// Whose keys count
    #[command(flatten)]
    pub source: SourceArguments,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Writes the record.
///
/// # Errors
/// A bundle that cannot be read, a spare that the policy does not have, a folder that cannot be written to.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let sealed = read(&arguments.bundle, arguments.signature.as_ref())?;
    let stock = match stock(&arguments.source)? {
        Ok(stock) => stock,
        Err(reasons) => {
            arguments.format.tell_unanswered(&format!("not recorded\n{}", listed(&reasons)), screen)?;
            return Ok(NO_VERDICT);
        }
    };
    let manifest = &sealed.bundle.manifest;
    let text = manifest.text().map_err(|e| Failure::new(e.to_string()))?;
    let maker = maker(&stock, &text, sealed.signature.as_deref());
    let answer = |is_good: bool, words: String| match arguments.format {
        Format::Json => {
            let holds = Some(&sealed.bundle);
            let about = Answer { bundle: &arguments.bundle, maker: Some(&maker), holds, runs: None };
            json_text(&about.document(is_good, &[])).map_err(Failure::from)
        }
        Format::Human => Ok(shown(&words)),
    };
    let is_taken = matches!(maker, Maker::Machine(_)) || (maker == Maker::Nobody && arguments.allow_unsigned);
    if !is_taken {
        screen.answer(&answer(false, format!("not recorded: {}\n", maker.words()))?)?;
        return Ok(REFUSED);
    }
    let own = manifest.spare.as_ref().map(|s| s.name.clone());
    let name = arguments.spare.clone().or_else(|| own.clone());
    let name =
        name.ok_or_else(|| Failure::new("the bundle is for no spare in particular").help("name it: `--spare NAME`"))?;
    if !stock.policy.spares.iter().any(|s| s.name.value == name) || own.is_some_and(|own| own != name) {
        let near = did_you_mean(&name, stock.policy.spares.iter().map(|s| s.name.value.as_str()));
        let help = near.unwrap_or_else(|| "`fwgate bundle list` shows the spares of the policy".to_owned());
        return Err(Failure::new(format!("the bundle is not for a spare `{name}` of the policy")).help(help));
    }
    let folder = arguments.records.join(&name);
    std::fs::create_dir_all(&folder)
        .map_err(|e| Failure::new(format!("`{}` cannot be made: {}", folder.display(), system_words(e.kind()))))?;
    write_atomically(&folder.join(RECORD), text.as_bytes())?;
    let signature = folder.join(RECORD_SIGNATURE);
    match &sealed.signature {
        Some(armor) => write_atomically(&signature, armor.as_bytes())?,
        None => drop(std::fs::remove_file(&signature)),
    }
    let words = format!("recorded: {name} carries {} ({})\n", arguments.bundle.display(), maker.words());
    screen.answer(&answer(true, words)?)?;
    screen.hint(&shown(&format!("next: commit {}\n", folder.display())));
    Ok(PASSED)
}
