//! Reading routes and rules: files to a device's routing.

mod draft;
mod json;
mod number;
mod option;
mod rule_draft;
mod rules;
mod rules_json;
mod text;

use super::model::{Action, Routing, Rule, Table};
use super::recognise::{Kind, recognise, split_routes};
use crate::dialect::{InputFile, ReadOptions, decode, read_device};
use crate::packet::Family;
use crate::ruleset::{Problem, Ruleset, SourceId, Sources, Span, Unreadable};
use draft::Draft;
use rule_draft::RuleDraft;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Largest file, in bytes: a full table of the internet's prefixes has about 80 MiB.
const MAX_FILE: usize = 256 << 20;
/// Most routes of a device.
const MAX_ROUTES: usize = 4_000_000;
/// Most rules of a device and family.
const MAX_RULES: usize = 4096;
/// Most problems that are reported.
const MAX_PROBLEMS: usize = 100;

/// Reads all files of one device: its ruleset, and its routing. A device with nothing but routes filters nothing, and says so:
/// its ruleset is of no family.
///
/// # Errors
/// Whatever is not understood, of rulesets and of routes.
pub fn read_whole(files: &[InputFile], options: &ReadOptions) -> Result<(Ruleset, Routing), Vec<Unreadable>> {
    let (routes, rulesets) = split_routes(files);
    let ruleset = match rulesets.is_empty() && !routes.is_empty() {
        true => Ok(Ruleset::default()),
        false => read_device(&rulesets, options),
    };
    match (ruleset, read_routing(&routes)) {
        (Ok(ruleset), Ok(routing)) => Ok((ruleset, routing)),
        (one, other) => Err(one.err().into_iter().chain(other.err()).collect()),
    }
}

/// Reads the files of one device that hold routes or rules; all of them are one routing.
///
/// # Errors
/// Every line that is not understood, routes whose family cannot be told, a route or a family's rules given by two files, a
/// rule that asks a table of which nothing is known.
pub fn read_routing(files: &[InputFile]) -> Result<Routing, Unreadable> {
    let mut reading = Reading::default();
    for file in files {
        reading.file(file);
    }
    reading.refuse_unknown_tables();
    reading.finish()
}

/// What one file holds, before anything is concluded.
pub(super) struct Lines<'a> {
    /// The text.
    pub text: &'a str,
    /// Its number.
    pub source: SourceId,
    /// What was not understood.
    pub problems: Vec<Problem>,
}

impl Lines<'_> {
    /// Notes a problem.
    pub fn refuse(&mut self, span: Span, message: impl Into<String>, help: &str) {
        if self.problems.len() <= MAX_PROBLEMS {
            self.problems.push(Problem::new(span, message).help(help));
        }
    }
}

#[derive(Default)]
struct Reading {
    sources: Sources,
    problems: Vec<Problem>,
    routing: Routing,
    /// Which file gave a route of this key first.
    keys: HashMap<String, SourceId>,
}

impl Reading {
    fn file(&mut self, file: &InputFile) {
        if file.bytes.len() > MAX_FILE {
            let source = self.sources.add(file.name.as_str(), "");
            let message = format!("the file is larger than {} MiB", MAX_FILE >> 20);
            return self.refuse(Span { source, line: 1, ..Span::default() }, message, "split it by device");
        }
        let text = match decode(&file.bytes) {
            Ok(text) => text.into_owned(),
            Err(undecoded) => {
                let line = undecoded.before.bytes().filter(|b| *b == b'\n').count() as u32 + 1;
                let source = self.sources.add(file.name.as_str(), undecoded.before.as_str());
                return self.refuse(Span { source, line, ..Span::default() }, undecoded.message, undecoded.help);
            }
        };
        let source = self.sources.add(file.name.as_str(), text.as_str());
        let mut lines = Lines { text: &text, source, problems: Vec::new() };
        match recognise(&text) {
            Some(Kind::Routes) => {
                let drafts = text::read(&mut lines);
                self.routes(&file.name, drafts, &mut lines);
            }
            Some(Kind::RoutesJson) => {
                let drafts = json::read(&mut lines);
                self.routes(&file.name, drafts, &mut lines);
            }
            Some(Kind::Rules) => {
                let drafts = rules::read(&mut lines);
                self.rules(&file.name, drafts, &mut lines);
            }
            Some(Kind::RulesJson) => {
                let drafts = rules_json::read(&mut lines);
                self.rules(&file.name, drafts, &mut lines);
            }
            None => {
                let span = Span { source, line: 1, ..Span::default() };
                lines.refuse(
                    span,
                    "the content is neither routes nor rules",
                    "give what `ip route` or `ip rule` prints",
                );
            }
        }
        self.problems.append(&mut lines.problems);
    }

    fn routes(&mut self, name: &str, drafts: Vec<Draft>, lines: &mut Lines<'_>) {
        if self.routing.routes.len() + drafts.len() > MAX_ROUTES {
            let span = Span { source: lines.source, line: 1, ..Span::default() };
            return lines.refuse(span, format!("the device has more than {MAX_ROUTES} routes"), "this bound is fixed");
        }
        let known: BTreeSet<Family> = drafts.iter().filter_map(Draft::family).collect();
        let marked = drafts.iter().any(|d| d.is_marked_v6());
        let by_file = match known.iter().collect::<Vec<_>>()[..] {
            [one] => Some(*one),
            _ => None,
        };
        for draft in drafts {
            // The kernel marks every IPv6 route with a preference: where it marks some, the unmarked ones are IPv4.
            let guess = if marked { Some(Family::V4) } else { by_file.or_else(|| family_by_name(name)) };
            let Some(family) = draft.family().or(guess) else {
                let help = "nothing on the line tells IPv4 from IPv6; give the file a name that ends in `.v4` or `.v6`";
                lines.refuse(draft.span, "the family of this route cannot be told", help);
                continue;
            };
            let key = draft.key(family);
            let first = *self.keys.entry(key).or_insert(lines.source);
            if first != lines.source {
                let other = self.sources.get(first).map(|s| s.name.to_string()).unwrap_or_default();
                let help = "give each table once: one output of `ip route show table all` holds them all";
                lines.refuse(draft.span, format!("`{other}` gives the same route"), help);
                continue;
            }
            match draft.settle(family) {
                Ok(route) => {
                    self.routing.families.insert(family);
                    self.routing.routes.push(route);
                }
                Err((span, message, help)) => lines.refuse(span, message, help),
            }
        }
    }

    fn rules(&mut self, name: &str, drafts: Vec<RuleDraft>, lines: &mut Lines<'_>) {
        let start = Span { source: lines.source, line: 1, ..Span::default() };
        let told: BTreeSet<Family> = drafts.iter().filter_map(|d| d.family).collect();
        let family = match told.iter().collect::<Vec<_>>()[..] {
            [one] => Some(*one),
            [] => rule_draft::family_by_defaults(&drafts).or_else(|| family_by_name(name)),
            _ => {
                return lines.refuse(
                    start,
                    "the rules are of both families",
                    "give `ip rule` and `ip -6 rule` as two files",
                );
            }
        };
        let Some(family) = family else {
            let help = "no rule names an address; give the file a name that ends in `.v4` or `.v6`";
            return lines.refuse(start, "the family of these rules cannot be told", help);
        };
        if drafts.len() > MAX_RULES {
            return lines.refuse(start, format!("there are more than {MAX_RULES} rules"), "this bound is fixed");
        }
        if !self.routing.ruled.insert(family) {
            return lines.refuse(
                start,
                format!("two files give rules for {family}"),
                "give one output of `ip rule` a family",
            );
        }
        let mut rules: Vec<Rule> = drafts.into_iter().map(|d| d.rule).collect();
        rules.sort_by_key(|r| r.priority);
        self.routing.rules.insert(family, rules);
    }

    /// A table that a rule asks and nobody gave may hold anything. Only an output of all tables shows that one is empty.
    fn refuse_unknown_tables(&mut self) {
        let mut found = Vec::new();
        let rules: BTreeMap<Family, Vec<Rule>> = self.routing.rules.clone();
        for (family, rules) in rules {
            let own = || self.routing.routes.iter().filter(|r| r.family() == family);
            let names_tables = own().any(|r| r.table != Table::main());
            for rule in rules {
                let Action::Lookup { table, .. } = &rule.action else { continue };
                if !table.is_standing() && !names_tables && !own().any(|r| r.table == *table) {
                    found.push((rule.span, format!("the rule asks table `{table}`, of which no file gives a route")));
                }
            }
        }
        for (span, message) in found {
            self.refuse(
                span,
                message,
                "give what `ip route show table all` prints (`ip -6` for IPv6): it shows every table",
            );
        }
    }

    fn refuse(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.problems.push(Problem::new(span, message).help(help));
    }

    fn finish(mut self) -> Result<Routing, Unreadable> {
        if self.problems.is_empty() {
            return Ok(Routing { sources: self.sources, ..self.routing });
        }
        self.problems.sort_by_key(|p| (p.span.source, p.span.line, p.span.start));
        self.problems.dedup();
        self.problems.truncate(MAX_PROBLEMS);
        Err(Unreadable { sources: self.sources, problems: self.problems })
    }
}

/// The family that a file's name speaks of: `routes.v6`, `rule6`.
fn family_by_name(name: &str) -> Option<Family> {
    let base = name.rsplit('/').next().unwrap_or(name);
    match (base.contains('4'), base.contains('6')) {
        (true, false) => Some(Family::V4),
        (false, true) => Some(Family::V6),
        _ => None,
    }
}
