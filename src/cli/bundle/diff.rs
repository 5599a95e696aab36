//! `fwgate bundle diff`: what one bundle does otherwise than another one, device by device, with the names of the devices' own ports.

use super::Format;
use super::sealed::read;
use super::stock::composed;
use crate::cli::exit::{Exit, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::screen::Screen;
use crate::diff::{Bounds, DeviceDiff, DevicePair, diff_device};
use crate::fleet::bundle::MappingError;
use crate::report::{DiffDocument, DiffView, diff_human};
use crate::ruleset::Ruleset;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The arguments of `fwgate bundle diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "No signature is asked for: nothing is decided by this.\n\nExample:\n  fwgate bundle diff old.tar new.tar"
)]
pub struct Arguments {
    /// The older bundle
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The newer one
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Exit with 1 where anything differs
    #[arg(long)]
    pub exit_code: bool,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Compares two bundles.
///
/// # Errors
/// Archives that are no bundles, files that are not understood.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let (old, new) = (rulesets(&arguments.old)?, rulesets(&arguments.new)?);
    let names = old.keys().chain(new.keys()).collect::<std::collections::BTreeSet<_>>();
    let pairs: Vec<DevicePair<'_>> =
        names.into_iter().map(|name| DevicePair { name, old: old.get(name), new: new.get(name) }).collect();
    let mut diffs = Vec::new();
    for pair in &pairs {
        diffs.push(diff_device(*pair, &[], Bounds::default())?);
    }
    let text = match arguments.format {
        Format::Human => {
            let view = DiffView {
                pairs: &pairs,
                diffs: &diffs,
                texts: Vec::new(),
                most_regions: DiffView::REGIONS,
                colour: screen.colour,
            };
            diff_human(&view)
        }
        Format::Json => {
            let mut document = DiffDocument::new();
            pairs.iter().zip(&diffs).for_each(|(pair, diff)| document.add(*pair, diff));
            document.text()?
        }
    };
    screen.answer(&text)?;
    let is_equal = diffs.iter().all(DeviceDiff::is_equivalent);
    Ok(if arguments.exit_code && !is_equal { REFUSED } else { PASSED })
}

/// The rulesets of a bundle as the devices run them, by device.
fn rulesets(path: &Path) -> Result<BTreeMap<String, Ruleset>, Failure> {
    let bundle = read(path, None)?.bundle;
    let mut out = BTreeMap::new();
    for device in &bundle.manifest.devices {
        let said = |r: crate::gate::Reason| Failure::new(r.message).help(r.fix);
        let apart = composed(&device.device, &bundle.originals_of(device)).map_err(said)?;
        let ruleset = apart.read().map_err(|error| match error {
            MappingError::Unreadable(unreadable) => Failure::from(unreadable),
            other => Failure::new(other.to_string()),
        })?;
        out.insert(device.device.clone(), ruleset);
    }
    Ok(out)
}
