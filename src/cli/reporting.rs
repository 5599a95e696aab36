//! `--format` and `--report`: in which formats a report is written, and where to.

use super::failure::Failure;
use super::output::{check_writable, write_atomically};
use super::screen::Screen;
use crate::dialect::nearest;
use crate::report::{ChangePage, Colour, FORMATS, Format, STEP_SUMMARY, change_human};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The formats of a report.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = format_parser())]
    pub format: &'static Format,
    /// Write a further report to a file: `sarif=out.sarif`; may be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = parse_report)]
    pub reports: Vec<ReportFile>,
}

/// A report that goes to a file.
#[derive(Clone, Debug)]
pub struct ReportFile {
    /// In which format.
    pub format: &'static Format,
    /// Where to.
    pub path: PathBuf,
}

/// The formats of the page about a change.
#[derive(Debug, Args)]
pub struct ChangeReportArguments {
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = page_parser())]
    pub format: &'static Format,
    /// Write a further report to a file: `html=page.html`; may be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = parse_page)]
    pub reports: Vec<ReportFile>,
}

/// Where the reports of a command go: the answer, and files beside it.
pub struct Outlets<'a> {
    format: &'static Format,
    reports: &'a [ReportFile],
}

impl ReportArguments {
    /// Where they say that reports go.
    pub fn outlets(&self) -> Outlets<'_> {
        Outlets { format: self.format, reports: &self.reports }
    }
}

impl ChangeReportArguments {
    /// Where they say that reports go.
    pub fn outlets(&self) -> Outlets<'_> {
        Outlets { format: self.format, reports: &self.reports }
    }
}

/// What writes the page about a change; the arguments take only formats that have one.
pub fn pages(format: &Format) -> fn(&ChangePage<'_>) -> serde_json::Result<String> {
    format.change.unwrap_or(|page| Ok(change_human(page)))
}

fn has_page(format: &&Format) -> bool {
    format.change.is_some()
}

fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    offered(|_| true)
}

fn page_parser() -> impl TypedValueParser<Value = &'static Format> {
    offered(has_page)
}

fn offered(is_offered: fn(&&Format) -> bool) -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().filter(is_offered).map(|f| PossibleValue::new(f.name).help(f.about));
    PossibleValuesParser::new(names).try_map(move |name| known_format(&name, is_offered))
}

fn known_format(name: &str, is_offered: fn(&&Format) -> bool) -> Result<&'static Format, String> {
    let all: Vec<&'static Format> = FORMATS.iter().filter(is_offered).collect();
    let unknown = || {
        let near = nearest(name, all.iter().map(|f| f.name));
        let near = near.map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
        let names: Vec<&str> = all.iter().map(|f| f.name).collect();
        format!("there is no such format as `{name}`. {near}The formats are: {}", names.join(", "))
    };
    all.iter().find(|f| f.name == name).copied().ok_or_else(unknown)
}

fn parse_report(text: &str) -> Result<ReportFile, String> {
    report_file(text, |_| true)
}

fn parse_page(text: &str) -> Result<ReportFile, String> {
    report_file(text, has_page)
}

fn report_file(text: &str, is_offered: fn(&&Format) -> bool) -> Result<ReportFile, String> {
    match text.split_once('=') {
        Some((_, "")) | None => Err("a report is FORMAT=FILE, such as `html=out.html`".to_owned()),
        Some((name, path)) => Ok(ReportFile { format: known_format(name, is_offered)?, path: PathBuf::from(path) }),
    }
}

impl Outlets<'_> {
    /// Refuses, before any work, what could not be written after it.
    ///
    /// # Errors
    /// A file that cannot be written, and one that two reports share.
    pub fn probe(&self) -> Result<(), Failure> {
        let mut taken = BTreeSet::new();
        for report in self.reports {
            if !taken.insert(&report.path) {
                let shown = report.path.display();
                return Err(Failure::new(format!("two reports go to `{shown}`")).help("give each a file of its own"));
            }
            check_writable(&report.path)?;
        }
        Ok(())
    }

    /// Writes all reports, the answer last, so that it is not given where a report is missing. `write` gives the text of a
    /// format, in or without colours.
    ///
    /// # Errors
    /// A file or a stream that cannot be written.
    pub fn write(
        &self,
        screen: &Screen,
        write: impl Fn(&Format, Colour) -> serde_json::Result<String>,
    ) -> Result<(), Failure> {
        for report in self.reports {
            let text = write(report.format, Colour::Never)?;
            write_atomically(&report.path, text.as_bytes())?;
        }
        let text = write(self.format, screen.colour)?;
        if self.format.is_commands { screen.commands(&text) } else { screen.answer(&text) }
    }

    /// Adds to the summary of a GitHub job, where the answer is written for one. `write` gives Markdown of at most so many
    /// bytes.
    ///
    /// # Errors
    /// The file that GitHub names cannot be written.
    pub fn summarise(&self, write: impl FnOnce(usize) -> String) -> Result<(), Failure> {
        let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|p| !p.is_empty()) else { return Ok(()) };
        if !self.format.is_commands {
            return Ok(());
        }
        append(Path::new(&path), &write(STEP_SUMMARY)).map_err(|error| {
            let message = format!("the job's summary `{}` cannot be written: {}", path.to_string_lossy(), error.kind());
            Failure::new(message).help("GITHUB_STEP_SUMMARY names it; unset it to do without")
        })
    }
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}
