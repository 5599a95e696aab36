//! `fwgate matrix`: who reaches whom with one service.

use super::device::{DeviceArguments, FamilyArgument, HookName, NamesArgument, check_hook};
use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::progress::Progress;
use super::screen::Screen;
use crate::packet::{IfacePattern, IfaceSide, Ranges, Shape, protocol_by_name};
use crate::query::{
    InterfaceChoice, Matrix, Selection, Service, matrix, matrix_dot, matrix_json, matrix_svg, matrix_text,
};
use crate::report::json_text;
use clap::{Args, ValueEnum};

/// The arguments of `fwgate matrix`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate matrix rules.v4 --hook forward --service tcp/22\n  \
                  fwgate matrix rules.v4 --hook forward --service tcp/443 --format svg > reach.svg\n\nSigns: + accept, - drop, ? depends on conditions, ~ some packets pass")]
pub struct Arguments {
    /// The device
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Where the packets are judged
    #[arg(long, value_enum)]
    pub hook: HookName,
    /// The service: `tcp/22`, `udp/1024-65535`, `tcp`, `esp`, `47`
    #[arg(long, value_name = "SERVICE", value_parser = parse_service)]
    pub service: Service,
    /// The family
    #[command(flatten)]
    pub family: FamilyArgument,
    /// Only packets that come in by this interface (`eth0`, `eth+`)
    #[arg(long, value_name = "NAME")]
    pub iif: Option<String>,
    /// Only packets that go out by this interface
    #[arg(long, value_name = "NAME")]
    pub oif: Option<String>,
    /// Names
    #[command(flatten)]
    pub names: NamesArgument,
    /// How to draw the picture
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// How the picture is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table, for people
    Human,
    /// One document, `fwgate.matrix/1`
    Json,
    /// A Graphviz graph
    Dot,
    /// A picture
    Svg,
}

/// Draws the picture.
///
/// # Errors
/// Input that is not understood, bounds, two families where the format holds one picture.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let names = arguments.names.read()?;
    let progress = Progress::begin("asking", screen);
    let device = arguments.device.read()?;
    let hook = arguments.hook.hook();
    check_hook(&device.ruleset, hook)?;
    let families = arguments.family.of(&device.ruleset)?;
    if families.len() > 1 && arguments.format != Format::Human {
        return Err(Failure::new("the files give both families, and this format holds one picture")
            .help("choose one with `--family 4` or `--family 6`"));
    }
    let mut text = String::new();
    for family in families {
        let more = interfaces(arguments);
        let drawn = matrix(&device.ruleset, hook, family, &arguments.service, &more, &names)
            .map_err(|e| Failure::new(e.to_string()).help("ask about one interface, or about a narrower service"))?;
        let gap = if text.is_empty() { "" } else { "\n" };
        text += gap;
        text += &written(&drawn, arguments.format)?;
    }
    drop(progress);
    screen.answer(&text)?;
    Ok(PASSED)
}

fn written(drawn: &Matrix, format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Human => matrix_text(drawn),
        Format::Json => json_text(&matrix_json(drawn))?,
        Format::Dot => matrix_dot(drawn),
        Format::Svg => matrix_svg(drawn),
    })
}

fn interfaces(arguments: &Arguments) -> Selection {
    let mut selection = Selection::default();
    for (side, name) in [(IfaceSide::In, &arguments.iif), (IfaceSide::Out, &arguments.oif)] {
        let pattern = |name: &String| match name.strip_suffix(['+', '*']) {
            Some(prefix) => IfacePattern::prefix(prefix),
            None => IfacePattern::exact(name),
        };
        let choice = |name| InterfaceChoice { side, patterns: vec![pattern(name)], excluded: false };
        selection.interfaces.extend(name.iter().map(choice));
    }
    selection
}

/// `tcp/22`, `udp/1024-65535,53`, `esp`, `47`.
fn parse_service(text: &str) -> Result<Service, String> {
    let (name, ports) = match text.split_once('/') {
        Some((name, ports)) => (name, Some(ports)),
        None => (text, None),
    };
    let number = protocol_by_name(name).ok_or_else(|| format!("`{name}` is no protocol"))?;
    let has_ports = Shape::of(crate::packet::Family::V4, number).has_ports();
    let ports = match ports {
        Some(_) if !has_ports => return Err(format!("`{name}` has no ports")),
        Some(list) => Some(parse_ports(list).ok_or_else(|| format!("`{list}` is no list of ports"))?),
        None => None,
    };
    Ok(Service { name: text.to_owned(), proto: number, ports })
}

fn parse_ports(list: &str) -> Option<Ranges> {
    let port = |text: &str| text.parse::<u16>().ok().map(u128::from);
    let one = |part: &str| match part.split_once('-') {
        Some((first, last)) => Some((port(first)?, port(last)?)).filter(|(first, last)| first <= last),
        None => port(part).map(|p| (p, p)),
    };
    list.split(',').map(one).collect::<Option<Vec<_>>>().map(Ranges::from_unsorted)
}
