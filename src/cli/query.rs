//! `fwgate query`: which packets pass, in words.

use super::answer::Format;
use super::device::{DeviceArguments, FamilyArgument, HookName, NamesArgument, check_hook};
use super::exit::{Exit, NO_VERDICT, PASSED};
use super::failure::Failure;
use super::progress::Progress;
use super::screen::Screen;
use crate::query::{Query, QueryError, ReachBounds, parse_query, reach};
use crate::report::{DiffView, QueryDocument, WrittenGroup, json_text, query_human};
use clap::Args;

/// The arguments of `fwgate query`.
#[derive(Debug, Args)]
#[command(
    after_help = "The words of a query, in any order, each at most once; values are joined by commas, `!` in front means any but those:\n  \
                  from, to ADDRESS   proto NAME   port, sport NUMBER   icmp TYPE   flags NAMES\n  state NAME   iif, oif NAME   mark NUMBER   \
                  accepted, dropped, rejected, blocked, depends\n\nExamples:\n  \
                  fwgate query rules.v4 --hook input --ask 'proto tcp port 22 state new accepted'\n  \
                  fwgate query rules.v4 --hook forward --ask 'from 10.0.0.0/8 to 10.1.0.5 port 443,8443'"
)]
pub struct Arguments {
    /// The device
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Where the packets are judged
    #[arg(long, value_enum)]
    pub hook: HookName,
    /// The question
    #[arg(long, value_name = "QUERY")]
    pub ask: String,
    /// The family
    #[command(flatten)]
    pub family: FamilyArgument,
    /// Names
    #[command(flatten)]
    pub names: NamesArgument,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Show every region, not only the first few
    #[arg(long)]
    pub all_regions: bool,
}

/// Answers the question.
///
/// # Errors
/// Input or a question that is not understood; more opaque conditions than can be followed.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let names = arguments.names.read()?;
    let query = parse_query(&arguments.ask, &names).map_err(|e| not_understood(&arguments.ask, &e))?;
    let progress = Progress::begin("asking", screen);
    let document = answer(arguments, &query)?;
    drop(progress);
    let text = match arguments.format {
        Format::Json => json_text(&document)?,
        Format::Human => {
            let most = if arguments.all_regions { usize::MAX } else { DiffView::REGIONS };
            query_human(&document, most, screen.colour)
        }
    };
    screen.answer(&text)?;
    Ok(if document.complete { PASSED } else { NO_VERDICT })
}

fn answer(arguments: &Arguments, query: &Query) -> Result<QueryDocument, Failure> {
    let device = arguments.device.read()?;
    let hook = arguments.hook.hook();
    check_hook(&device.ruleset, hook)?;
    let mut document = QueryDocument {
        schema: "fwgate.query/1",
        device: device.name.clone(),
        hook: hook.name(),
        query: arguments.ask.clone(),
        complete: true,
        groups: Vec::new(),
    };
    for family in arguments.family.of(&device.ruleset)? {
        let Some(selection) = query.selection(family) else { continue };
        let found = reach(&device.ruleset, hook, family, &selection, ReachBounds::default())
            .map_err(|e| Failure::new(e.to_string()).help("ask about fewer packets"))?;
        document.complete &= found.complete;
        let wanted = found.groups.iter().filter(|g| query.wanted.includes(&g.fate));
        document.groups.extend(wanted.map(|g| WrittenGroup::of(&device.ruleset, &found, g)));
    }
    Ok(document)
}

/// The question with the place marked.
fn not_understood(text: &str, error: &QueryError) -> Failure {
    use crate::ruleset::{Problem, Sources, Span, Unreadable};
    let mut sources = Sources::default();
    let source = sources.add("--ask", text);
    let (start, end) = (error.span.start as u32, error.span.end as u32);
    let line = 1 + text.bytes().take(error.span.start).filter(|b| *b == b'\n').count() as u32;
    let problem = Problem::new(Span { source, line, start, end }, error.message.clone()).help_if(error.help.clone());
    Failure::from(Unreadable { sources, problems: vec![problem] })
}
