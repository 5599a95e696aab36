//! The zones of a tree: which files are zones, what they are called, and which belong to which view.

use super::lexer::lines;
use super::master::{Reading, Texts};
use super::name::Name;
use super::zone::Zone;
use crate::document::Problems;
use crate::ruleset::{Sources, Span, Unreadable};
use std::collections::{BTreeMap, BTreeSet};

/// Largest file, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// Every zone of one side of a change.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    /// The files, for quoting.
    pub sources: Sources,
    /// The zones, in order of view and apex.
    pub zones: Vec<Zone>,
}

impl Zones {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// The views: the folders in which zones lie; at least one.
    pub fn views(&self) -> impl Iterator<Item = &str> {
        let views: BTreeSet<&str> = self.zones.iter().map(|z| z.view.as_str()).collect();
        views.into_iter()
    }
}

/// Reads the zones below the folder `root` out of the files of a tree. Every file there is one, but for those that others
/// include. `origins` are the names of zones by path, where neither file nor file name says.
///
/// # Errors
/// Every mistake of every file, and two zones of one name in one folder.
pub fn read_zones(root: &str, origins: &BTreeMap<String, Name>, files: &[(&str, &[u8])]) -> Result<Zones, Unreadable> {
    let problems = Problems::default();
    let mut sources = Sources::default();
    let root = format!("{}/", root.trim_end_matches('/'));
    let mut texts: Texts<'_> = BTreeMap::new();
    for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with(&root)) {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_BYTES);
        let source = sources.add(*path, text.unwrap_or_default());
        match text {
            Some(text) => {
                texts.insert(path, (source, text));
            }
            None => {
                let top = Span { source, ..Span::default() };
                let message = format!("`{path}` is not UTF-8, or has more than {MAX_BYTES} bytes");
                problems.report(
                    top,
                    message,
                    "master files are text; binary forms are written out by named-compilezone",
                );
            }
        }
    }
    let included = included(&texts, &root);
    let mut zones: Vec<Zone> = Vec::new();
    for (path, (source, text)) in texts.iter().filter(|(path, _)| !included.contains(**path)) {
        let top = Span { source: *source, ..Span::default() };
        let origin = origins.get(*path).cloned().or_else(|| name_of_file(path));
        if origin.is_none() && !begins_with_origin(text) {
            let help = "begin the file with `$ORIGIN example.net.`, call it `example.net.zone`, or name it under [names.origins]";
            problems.report(top, format!("nothing says which zone `{path}` is"), help);
            continue;
        }
        let before = problems.count();
        let records = Reading::new(&texts, &root, &problems).records(path, origin);
        if problems.count() == before {
            zones.extend(Zone::build(path, view_of(path, &root), records, &problems, top));
        }
    }
    zones.sort_by(|a, b| (&a.view, &a.apex, &a.path).cmp(&(&b.view, &b.apex, &b.path)));
    for pair in zones.windows(2) {
        if let [one, other] = pair
            && (&one.view, &one.apex) == (&other.view, &other.apex)
        {
            let message = format!("the zone `{}` is given twice; `{}` is it as well", other.apex, one.path);
            problems.report(other.soa_record().span, message, "put views of one zone into folders of their own");
        }
    }
    problems.settle(sources.clone(), Zones { sources, zones })
}

/// The folder below the root in which a file lies.
fn view_of<'p>(path: &'p str, root: &str) -> &'p str {
    path.strip_prefix(root).and_then(|rest| rest.rsplit_once('/')).map_or("", |(folder, _)| folder)
}

/// The files that other files include.
fn included(texts: &Texts<'_>, root: &str) -> BTreeSet<String> {
    let silent = Problems::default();
    let mut out = BTreeSet::new();
    for (path, (source, text)) in texts {
        if !text.to_ascii_uppercase().contains("$INCLUDE") {
            continue;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for line in lines(text, *source, &silent) {
            let [first, file, ..] = line.words.as_slice() else { continue };
            if first.text.eq_ignore_ascii_case("$INCLUDE") && !line.is_indented {
                let candidates = [format!("{root}{}", file.text), format!("{folder}/{}", file.text)];
                out.extend(candidates.into_iter().find(|c| texts.contains_key(c.as_str()) && c != path));
            }
        }
    }
    out
}

/// `example.net` of `db.example.net`, `example.net.zone`, `example.net.db`, `example.net.hosts` or `example.net`. A name of one
/// label is no name of a zone here.
fn name_of_file(path: &str) -> Option<Name> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let plain = file.strip_prefix("db.").unwrap_or(file);
    let endings = [".zone", ".db", ".hosts"];
    let plain = endings.iter().find_map(|ending| plain.strip_suffix(ending)).unwrap_or(plain);
    if !plain.contains('.') {
        return None;
    }
    Name::parse(&format!("{}.", plain.trim_end_matches('.')), None).ok()
}

/// Whether the first directive or record says where names begin.
fn begins_with_origin(text: &str) -> bool {
    let silent = Problems::default();
    let lines = lines(text, crate::ruleset::SourceId(0), &silent);
    let says =
        |line: &super::lexer::Line<'_>| line.words.first().is_some_and(|w| w.text.eq_ignore_ascii_case("$ORIGIN"));
    let is_time =
        |line: &&super::lexer::Line<'_>| line.words.first().is_some_and(|w| w.text.eq_ignore_ascii_case("$TTL"));
    match lines.iter().find(|line| !is_time(line)) {
        Some(line) if says(line) => true,
        Some(line) => line.words.first().is_some_and(|w| w.text.ends_with('.')),
        None => false,
    }
}
