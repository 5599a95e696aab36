//! `fwgate bundle diff`: what one bundle does otherwise than another one, device by device, with the names of the devices' own ports.

use super::Format;
use super::sealed::read;
use super::stock::composed;
use crate::cli::exit::{Exit, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::screen::Screen;
use crate::diff::{Bounds, DeviceDiff, DevicePair, diff_device};
use crate::fleet::bundle::MappingError;
use crate::report::{DiffDocument, DiffView, RouteView, diff_human};
use crate::routes::{Routing, RoutingDiff, diff_routing};
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
        names.into_iter().map(|name| DevicePair { name, old: rules(&old, name), new: rules(&new, name) }).collect();
    let nothing = Routing::default();
    let of = |side: &'_ BTreeMap<String, (Ruleset, Routing)>, name: &str| side.get(name).map(|d| d.1.clone());
    let sides: Vec<[Routing; 2]> =
        pairs.iter().map(|p| [&old, &new].map(|side| of(side, p.name).unwrap_or_else(|| nothing.clone()))).collect();
    let route_diffs = sides.iter().map(|[a, b]| diff_routing(a, b)).collect::<Result<Vec<_>, _>>()?;
    let mut routes = Vec::new();
    for ((pair, [old, new]), diff) in pairs.iter().zip(&sides).zip(&route_diffs) {
        routes.push(RouteView { device: pair.name, old, new, diff });
    }
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
                routes: &routes,
                most_regions: DiffView::REGIONS,
                colour: screen.colour,
            };
            diff_human(&view)
        }
        Format::Json => {
            let mut document = DiffDocument::new();
            pairs.iter().zip(&diffs).for_each(|(pair, diff)| document.add(*pair, diff));
            routes.iter().for_each(|view| document.add_routes(view));
            document.text()?
        }
    };
    screen.answer(&text)?;
    let is_equal = diffs.iter().all(DeviceDiff::is_equivalent) && route_diffs.iter().all(RoutingDiff::is_equivalent);
    Ok(if arguments.exit_code && !is_equal { REFUSED } else { PASSED })
}

fn rules<'a>(side: &'a BTreeMap<String, (Ruleset, Routing)>, name: &str) -> Option<&'a Ruleset> {
    side.get(name).map(|d| &d.0)
}

/// The rulesets and routes of a bundle as the devices run them, by device.
fn rulesets(path: &Path) -> Result<BTreeMap<String, (Ruleset, Routing)>, Failure> {
    let bundle = read(path, None)?.bundle;
    let mut out = BTreeMap::new();
    for device in &bundle.manifest.devices {
        let said = |r: crate::gate::Reason| Failure::new(r.message).help(r.fix);
        let apart = composed(&device.device, &bundle.originals_of(device)).map_err(said)?;
        let unread = |error| match error {
            MappingError::Unreadable(unreadable) => Failure::from(unreadable),
            other => Failure::new(other.to_string()),
        };
        let read = (apart.read().map_err(unread)?, apart.routing().map_err(unread)?);
        out.insert(device.device.clone(), read);
    }
    Ok(out)
}
