//! Which files of a tree the scripts of a device include, so that they are read with them and not as rulesets of their own.

use crate::dialect::InputFile;
use crate::dialect::nftables::includes::{MAX_DEPTH, MAX_FILES, matching};
use crate::dialect::nftables::text::{include_statements, included};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All files of a tree, by their names as reports show them.
#[derive(Default)]
pub(super) struct Includable(BTreeMap<String, Arc<[u8]>>);

impl Includable {
    /// These files.
    pub(super) fn new(files: impl Iterator<Item = InputFile>) -> Includable {
        Includable(files.map(|file| (file.name, file.bytes)).collect())
    }

    /// The files that a script includes, and those that they include.
    pub(super) fn included_by(&self, script: &InputFile) -> Vec<InputFile> {
        let find = |pattern: &str| {
            let names = matching(self.0.keys().map(String::as_str), &script.name, pattern).unwrap_or_default();
            Ok::<_, std::convert::Infallible>(names.into_iter().filter_map(|name| self.get(name)).collect())
        };
        match reached(script, find) {
            Ok(files) => files,
            Err(never) => match never {},
        }
    }

    /// The names of the files that any of these scripts includes, besides itself.
    pub(super) fn included_by_any<'f>(&self, scripts: impl Iterator<Item = &'f InputFile>) -> BTreeSet<String> {
        let others = scripts.flat_map(|script| {
            self.included_by(script).into_iter().map(|file| file.name).filter(|name| *name != script.name)
        });
        others.collect()
    }

    /// The names of the files that are included by some file that no file includes: a ring has no such file.
    pub(super) fn included_from_roots(&self) -> BTreeSet<String> {
        let scripts: Vec<InputFile> = self.0.keys().filter_map(|name| self.get(name)).collect();
        let included = self.included_by_any(scripts.iter());
        self.included_by_any(scripts.iter().filter(|script| !included.contains(&script.name)))
    }

    fn get(&self, name: &str) -> Option<InputFile> {
        self.0.get(name).map(|bytes| InputFile { name: name.to_owned(), bytes: bytes.clone() })
    }
}

/// The bytes of one device taken apart: the rulesets, in the order given, and the files that they include.
pub fn apart(files: Vec<InputFile>) -> (Vec<InputFile>, Vec<InputFile>) {
    let includable = Includable::new(files.iter().cloned());
    let mut included = includable.included_by_any(files.iter());
    if files.iter().all(|file| included.contains(&file.name)) {
        included.clear();
    }
    let (includes, rulesets): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| included.contains(&file.name));
    (rulesets, includes)
}

/// Most bytes of a script with everything that it includes.
const MAX_WHOLE: usize = 64 << 20;

/// A script with the text of what it includes in place of each `include`, as nft reads it: nothing else is needed to load it.
/// `None` where an `include` reaches nothing, where files include each other, or beyond the bounds.
pub fn whole(script: &InputFile, includes: &[InputFile]) -> Option<InputFile> {
    let mut bytes = Vec::new();
    splice(&script.name, script, includes, MAX_DEPTH, &mut bytes)?;
    Some(InputFile { name: script.name.clone(), bytes: bytes.into() })
}

/// Files that are included include from the folder of the script.
fn splice(script: &str, file: &InputFile, includes: &[InputFile], depth: usize, out: &mut Vec<u8>) -> Option<()> {
    let text = std::str::from_utf8(&file.bytes).unwrap_or("");
    let mut done = 0;
    for (place, pattern) in include_statements(text) {
        out.extend_from_slice(file.bytes.get(done..place.start)?);
        done = place.end;
        for name in matching(includes.iter().map(|f| f.name.as_str()), script, pattern).ok()? {
            let included = includes.iter().find(|f| f.name == name)?;
            splice(script, included, includes, depth.checked_sub(1)?, out)?;
            out.push(b'\n');
        }
    }
    out.extend_from_slice(file.bytes.get(done..)?);
    (out.len() <= MAX_WHOLE).then_some(())
}

/// The files that a script includes, and those that they include, in order of name; `find` gives the files of a pattern.
///
/// # Errors
/// What `find` fails with.
pub fn reached<E>(
    script: &InputFile,
    mut find: impl FnMut(&str) -> Result<Vec<InputFile>, E>,
) -> Result<Vec<InputFile>, E> {
    let mut found: BTreeMap<String, InputFile> = BTreeMap::new();
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut patterns = patterns_of(script);
    while let Some(pattern) = patterns.pop() {
        if !asked.insert(pattern.clone()) || found.len() > MAX_FILES {
            continue;
        }
        for file in find(&pattern)? {
            if !found.contains_key(&file.name) {
                patterns.extend(patterns_of(&file));
                found.insert(file.name.clone(), file);
            }
        }
    }
    Ok(found.into_values().collect())
}

fn patterns_of(file: &InputFile) -> Vec<String> {
    let text = std::str::from_utf8(&file.bytes).unwrap_or("");
    included(text).into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> InputFile {
        InputFile { name: name.to_owned(), bytes: text.as_bytes().into() }
    }

    #[test]
    fn files_are_reached_through_files_and_loops_end() {
        let main = file("edge/main.nft", "include \"./a.nft\"\n");
        let files = [
            main.clone(),
            file("edge/a.nft", "include \"./b*.nft\"\n"),
            file("edge/b1.nft", "include \"./a.nft\"\n"),
            file("edge/b2.nft", "# include \"./c.nft\"\n"),
            file("edge/c.nft", ""),
        ];
        let includable = Includable::new(files.into_iter());
        let names: Vec<String> = includable.included_by(&main).into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["edge/a.nft", "edge/b1.nft", "edge/b2.nft"]);
        assert!(!includable.included_by_any([&main].into_iter()).contains("edge/main.nft"));
    }

    #[test]
    fn a_whole_script_needs_no_other_file() {
        let script = file("devices/a/rules.nft", "define x = 1\ninclude \"./parts/*.nft\"\n# include \"no\"\n");
        let parts = [
            file("devices/a/parts/2.nft", "table ip b {\n}"),
            file("devices/a/parts/1.nft", "include \"deep/z\";\ntable ip a {\n}\n"),
            file("devices/a/deep/z", "define y = 2"),
        ];
        let text = String::from_utf8(whole(&script, &parts).unwrap().bytes.to_vec()).unwrap();
        let expected = "define x = 1\ndefine y = 2\n;\ntable ip a {\n}\n\ntable ip b {\n}\n\n# include \"no\"\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_missing_or_turns_in_a_circle_is_no_script() {
        assert!(whole(&file("a/x.nft", "include \"y\"\n"), &[]).is_none());
        let circle = [file("a/y", "include \"y\"\n")];
        assert!(whole(&file("a/x.nft", "include \"y\"\n"), &circle).is_none());
    }
}
