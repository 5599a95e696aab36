//! `fwgate diff`: the effect of a change, without a policy.

use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::input::{Reader, Surroundings};
use super::progress::Progress;
use super::reporting::ReportArguments;
use super::rulesets::{ReadDevice, is_ruleset, parse_dialect, read_tree};
use super::screen::Screen;
use crate::diff::{Bounds, DeviceDiff, DevicePair, diff_device, text_diff};
use crate::fleet::tree::ConfigTree;
use crate::report::{DiffView, RouteView, diff_markdown, visible};
use crate::routes::{Routing, RoutingDiff, diff_routing};
use crate::ruleset::Ruleset;
use clap::Args;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// The arguments of `fwgate diff`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate diff rules.v4.old rules.v4\n  fwgate diff rev:main devices/\n  \
                  fwgate diff rev:main rev:HEAD --format json --exit-code\n\nSigns: + opened, - closed, ~ refused or translated otherwise, = equal")]
pub struct Arguments {
    /// What is in force: a file, a device's folder, a tree of devices, or `rev:NAME[:PATH]`
    #[arg(value_name = "OLD")]
    pub old: OsString,
    /// What is proposed: the same
    #[arg(value_name = "NEW")]
    pub new: OsString,
    /// The formats
    #[command(flatten)]
    pub reporting: ReportArguments,
    /// Exit with 1 where anything differs
    #[arg(long)]
    pub exit_code: bool,
    /// Most regions of one filter; beyond it the answer is not complete
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_regions: u64,
    /// Show the edited lines too
    #[arg(long)]
    pub text: bool,
    /// Show every region of a change, not only the first few
    #[arg(long)]
    pub all_regions: bool,
    /// Read the files as this dialect, where `device.toml` does not say
    #[arg(long, value_name = "NAME", value_parser = parse_dialect)]
    pub dialect: Option<String>,
    /// The folder of the devices in a repository
    #[arg(long, value_name = "PATH", default_value = "devices")]
    pub devices: String,
}

/// Compares the two sides.
///
/// # Errors
/// Input that cannot be read or is not understood.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    arguments.reporting.outlets().probe()?;
    let surroundings = Surroundings::of_process()?;
    let reader = Reader::new(&surroundings, &is_ruleset).with_devices(&arguments.devices)?;
    let progress = Progress::begin("reading", screen);
    let trees = [reader.tree(&arguments.old)?, reader.tree(&arguments.new)?];
    let [old, new] = read_both(&trees, arguments.dialect.as_deref())?;
    let pairs = paired(&trees, &old, &new);
    let bounds = Bounds { regions: usize::try_from(arguments.max_regions).unwrap_or(usize::MAX), ..Bounds::default() };
    let mut diffs = Vec::new();
    for (at, pair) in pairs.iter().enumerate() {
        progress.now(&format!("comparing {} ({} of {})", visible(pair.name), at + 1, pairs.len()));
        diffs.push(diff_device(*pair, &[], bounds)?);
    }
    drop(progress);
    let routed: Vec<Routed<'_>> = pairs.iter().map(|p| Routed::of(p, &old, &new)).collect();
    let route_diffs: Vec<RoutingDiff> = routed.iter().map(Routed::diff).collect::<Result<_, _>>()?;
    let routes: Vec<RouteView<'_>> = routed.iter().zip(&route_diffs).map(|(r, diff)| r.view(diff)).collect();
    let view = DiffView { routes: &routes, ..view(arguments, &pairs, &diffs, screen) };
    arguments.reporting.outlets().summarise(|limit| diff_markdown(&view, limit))?;
    arguments
        .reporting
        .outlets()
        .write(screen, |format, colour| (format.diff)(&DiffView { colour, ..view.clone() }))?;
    let equivalent = view.is_equivalent();
    if arguments.reporting.format.name == "human" && screen.is_terminal && !equivalent {
        screen.hint("\nNext: `fwgate check` says whether the policy allows this; `fwgate trace` follows one packet\n");
    }
    Ok(if arguments.exit_code && !equivalent { REFUSED } else { PASSED })
}

/// Both sides, with the problems of both.
fn read_both(trees: &[ConfigTree; 2], dialect: Option<&str>) -> Result<[Vec<ReadDevice>; 2], Failure> {
    match (read_tree(&trees[0], dialect), read_tree(&trees[1], dialect)) {
        (Ok(old), Ok(new)) => Ok([old, new]),
        (Err(one), Err(other)) => Err(Failure::Several(vec![one, other])),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}

/// Devices of one name, in order of name. Two files, or two folders that are one device each, are the same device
/// whatever they are called.
fn paired<'a>(trees: &[ConfigTree; 2], old: &'a [ReadDevice], new: &'a [ReadDevice]) -> Vec<DevicePair<'a>> {
    if let ([a], [b]) = (old, new)
        && trees.iter().any(|tree| tree.devices.iter().flat_map(|d| &d.files).all(|f| !f.name.contains('/')))
    {
        return vec![DevicePair { name: &b.name, old: Some(&a.ruleset), new: Some(&b.ruleset) }];
    }
    let mut sides: BTreeMap<&str, DevicePair<'a>> = BTreeMap::new();
    let empty = |name| DevicePair { name, old: None, new: None };
    for device in old {
        sides.entry(&device.name).or_insert_with(|| empty(&device.name)).old = Some(&device.ruleset);
    }
    for device in new {
        sides.entry(&device.name).or_insert_with(|| empty(&device.name)).new = Some(&device.ruleset);
    }
    sides.into_values().collect()
}

fn view<'a>(
    arguments: &Arguments,
    pairs: &'a [DevicePair<'a>],
    diffs: &'a [DeviceDiff],
    screen: &Screen,
) -> DiffView<'a> {
    let texts = if arguments.text { pairs.iter().map(|p| sources_diff(*p)).collect() } else { Vec::new() };
    let most_regions = if arguments.all_regions { usize::MAX } else { DiffView::REGIONS };
    DiffView { pairs, diffs, texts, routes: &[], most_regions, colour: screen.colour }
}

/// The routes of one pair of devices.
struct Routed<'a> {
    name: &'a str,
    old: Cow<'a, Routing>,
    new: Cow<'a, Routing>,
}

impl<'a> Routed<'a> {
    /// Those of the devices whose rulesets a pair holds.
    fn of(pair: &DevicePair<'a>, old: &'a [ReadDevice], new: &'a [ReadDevice]) -> Routed<'a> {
        let find = |side: &'a [ReadDevice], ruleset: Option<&Ruleset>| {
            let own = ruleset.and_then(|ruleset| side.iter().find(|d| std::ptr::eq(&d.ruleset, ruleset)));
            own.map_or_else(Cow::default, |d| Cow::Borrowed(&d.routing))
        };
        Routed { name: pair.name, old: find(old, pair.old), new: find(new, pair.new) }
    }

    fn diff(&self) -> Result<RoutingDiff, Failure> {
        Ok(diff_routing(&self.old, &self.new)?)
    }

    fn view<'v>(&'v self, diff: &'v RoutingDiff) -> RouteView<'v> {
        RouteView { device: self.name, old: &self.old, new: &self.new, diff }
    }
}

fn sources_diff(pair: DevicePair<'_>) -> String {
    let none = Default::default();
    text_diff(pair.old.map_or(&none, |r| &r.sources), pair.new.map_or(&none, |r| &r.sources))
}
