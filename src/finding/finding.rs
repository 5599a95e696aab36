//! One result of one check.

use super::{Code, Direction, Severity};
use crate::packet::{Family, Packet};
use crate::ruleset::{Hook, Sources, Span};
use std::borrow::Cow;

/// A place in the input, resolved so that it outlives the sources.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file's name as reports show it.
    pub file: String,
    /// The 1-based line, or 0 where no text declares the thing.
    pub line: u32,
    /// The text that stands there, as it was written.
    pub text: String,
}

impl Location {
    /// The place of a span.
    pub fn of(span: Span, sources: &Sources) -> Location {
        Location { file: sources.name(span).to_owned(), line: span.line, text: sources.text(span).to_owned() }
    }

    /// The same place, quoting only its first line: for tables that go on.
    pub fn first_line(self) -> Location {
        let text = self.text.lines().next().unwrap_or_default().to_owned();
        Location { text, ..self }
    }
}

/// A rule's text for a sentence: the middle of a very long one is left out. What decides stands at the beginning, and
/// Windows writes the name of a rule at its end.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 200;
    const BEGINNING: usize = 110;
    const END: usize = 60;
    let characters: Vec<char> = text.chars().take(LONGEST + 1).collect();
    if characters.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let beginning: String = characters.iter().take(BEGINNING).collect();
    let mut end: Vec<char> = text.chars().rev().take(END).collect();
    end.reverse();
    Cow::Owned(format!("{beginning} ... {}", end.into_iter().collect::<String>()))
}

/// Why a finding is tolerated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waived {
    /// What it would weigh.
    pub severity: Severity,
    /// Why, in the words of the policy.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day, `2026-12-31`.
    pub expires: String,
}

/// One result of one check. Made with `Finding::at`, or `Finding::without_place` where no text is to blame, so
/// that no check forgets to say where.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What kind.
    pub code: &'static Code,
    /// What it weighs.
    pub severity: Severity,
    /// The device.
    pub device: Option<String>,
    /// The hook.
    pub hook: Option<Hook>,
    /// The filter's display name: `filter/FORWARD`.
    pub filter: Option<String>,
    /// The family of the packets.
    pub family: Option<Family>,
    /// The id of the requirement or prohibition.
    pub requirement: Option<String>,
    /// What was found: one sentence, lower case, input in backticks.
    pub message: String,
    /// The range of addresses that it is about, where it is about one.
    pub range: Option<String>,
    /// One packet that shows it.
    pub witness: Option<Packet>,
    /// Which half of the conversation the packet belongs to.
    pub direction: Option<Direction>,
    /// What is to blame.
    pub location: Option<Location>,
    /// What to do.
    pub help: Option<String>,
    /// Names of the opaque conditions on which it depends, `!` in front where they must be false.
    pub conditions: Vec<String>,
    /// Set where a waiver of the policy tolerates it; its severity is then a note.
    pub waived: Option<Waived>,
    /// Set where a file of known findings lists it; what it would weigh. Its severity is then a note.
    pub known: Option<Severity>,
}

impl Finding {
    /// A finding about a piece of input.
    pub fn at(code: &'static Code, location: Location, message: impl Into<String>) -> Finding {
        Finding { location: Some(location), ..Finding::without_place(code, message) }
    }

    /// A finding for which no text is to blame: something is not there.
    pub fn without_place(code: &'static Code, message: impl Into<String>) -> Finding {
        Finding {
            code,
            severity: code.severity,
            device: None,
            hook: None,
            filter: None,
            family: None,
            requirement: None,
            message: message.into(),
            range: None,
            witness: None,
            direction: None,
            location: None,
            help: None,
            conditions: Vec::new(),
            waived: None,
            known: None,
        }
    }

    /// On this device.
    pub fn on_device(self, device: impl Into<String>) -> Finding {
        Finding { device: Some(device.into()), ..self }
    }

    /// At this hook, for packets of this family, in the filter of this name.
    pub fn in_filter(self, hook: Hook, family: Family, filter: impl Into<String>) -> Finding {
        Finding { hook: Some(hook), family: Some(family), filter: Some(filter.into()), ..self }
    }

    /// About this requirement or prohibition.
    pub fn of_requirement(self, id: impl Into<String>) -> Finding {
        Finding { requirement: Some(id.into()), ..self }
    }

    /// About this range of addresses.
    pub fn about_range(self, range: impl Into<String>) -> Finding {
        Finding { range: Some(range.into()), ..self }
    }

    /// Shown by this packet.
    pub fn shown_by(self, witness: Packet) -> Finding {
        Finding { witness: Some(witness), ..self }
    }

    /// In this half of the conversation.
    pub fn in_direction(self, direction: Direction) -> Finding {
        Finding { direction: Some(direction), ..self }
    }

    /// With this severity instead of the code's.
    pub fn weighing(self, severity: Severity) -> Finding {
        Finding { severity, ..self }
    }

    /// With advice.
    pub fn helped_by(self, help: impl Into<String>) -> Finding {
        Finding { help: Some(help.into()), ..self }
    }

    /// Depending on these conditions.
    pub fn under(self, conditions: Vec<String>) -> Finding {
        Finding { conditions, ..self }
    }
}
