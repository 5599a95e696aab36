//! Where files of routes and rules name interfaces: for rewriting those names, and nothing else of a text.

use super::read::read_routing;
use super::recognise::{Kind, recognise};
use crate::dialect::InputFile;
use crate::dialect::mentions::{Mention, Spelling, plain_text};
use crate::document::{Json, JsonValue, Member, read_json};
use crate::packet::IfacePattern;
use crate::ruleset::{Problem, SourceId, Sources, Unreadable};

/// Every place at which these files name an interface; sorted by file and place.
///
/// # Errors
/// Files that are not understood, or in which a name cannot be written anew.
pub fn route_mentions(files: &[InputFile]) -> Result<Vec<Mention>, Unreadable> {
    read_routing(files)?;
    let (mut sources, mut problems, mut out) = (Sources::default(), Vec::new(), Vec::new());
    for file in files {
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        let source = sources.add(file.name.as_str(), text.as_str());
        let mut finding = Finding { file, text: &text, source, out: &mut out, problems: &mut problems };
        match recognise(&text) {
            Some(Kind::Routes) => finding.lines(&["dev"]),
            Some(Kind::Rules) => finding.lines(&["iif", "oif"]),
            Some(Kind::RoutesJson) => finding.json(&["dev"]),
            Some(Kind::RulesJson) => finding.json(&["iif", "oif"]),
            None => {}
        }
    }
    out.sort();
    match problems.is_empty() {
        true => Ok(out),
        false => Err(Unreadable { sources, problems }),
    }
}

struct Finding<'f> {
    file: &'f InputFile,
    text: &'f str,
    source: SourceId,
    out: &'f mut Vec<Mention>,
    problems: &'f mut Vec<Problem>,
}

impl Finding<'_> {
    /// The words behind these words.
    fn lines(&mut self, keys: &[&str]) {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            let mut is_next = false;
            let mut from = 0;
            for word in line.split_whitespace().filter(|_| !line.trim_start().starts_with('#')) {
                // Every word stands behind the one before it.
                let start = line.get(from..).and_then(|rest| rest.find(word)).map_or(from, |found| from + found);
                if is_next {
                    self.note(at + start, at + start + word.len(), word, "");
                }
                from = start + word.len();
                is_next = keys.contains(&word);
            }
            at += line.len();
        }
    }

    /// The values of these keys, as deep as they stand.
    fn json(&mut self, keys: &[&str]) {
        match read_json(self.text, self.source, self.problems) {
            Ok(tree) => self.visit(&tree, keys),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn visit(&mut self, json: &Json, keys: &[&str]) {
        match &json.value {
            JsonValue::Array(items) => items.iter().for_each(|item| self.visit(item, keys)),
            JsonValue::Object(members) => {
                for Member { key, value, .. } in members {
                    match (keys.contains(&key.as_str()), plain_text(self.text, value)) {
                        (true, Some((start, end, name))) => self.note(start, end, name, "\""),
                        (true, None) => self.problems.push(Problem::new(
                            value.span,
                            "an interface is named here in a way that cannot be rewritten",
                        )),
                        (false, _) => self.visit(value, keys),
                    }
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, start: usize, end: usize, name: &str, quote: &'static str) {
        let (file, pattern) = (self.file.name.as_str().into(), IfacePattern::exact(name));
        self.out.push(Mention { file, start, end, pattern, spelling: Spelling { quote, wildcard: "" } });
    }
}
