//! Files to devices.

use super::includes::Includable;
use super::roles::Roles;
use super::{ConfigTree, DeviceInput, Grouping, TreeFile, TreeInput, TreeProblem, is_ignored_name};
use crate::dialect::InputFile;
use crate::dialect::nftables;
use crate::dialect::nftables::text::included;
use crate::fleet::evidence::Evidence;
use crate::fleet::names::check_device_name;
use crate::policy::{DeviceFile, read_device_file};
use crate::routes::is_routing;
use crate::ruleset::Unreadable;
use std::collections::{BTreeMap, BTreeSet};

const FACTS: &str = "device.toml";

type IsRuleset<'a> = &'a dyn Fn(&InputFile) -> bool;

/// Arranges the files of a folder into devices.
pub(super) fn arrange(mut input: TreeInput, is_ruleset: IsRuleset<'_>) -> ConfigTree {
    let files = std::mem::take(&mut input.files);
    let role_files = std::mem::take(&mut input.roles);
    let mut evidence = Evidence::default();
    for (place, files) in [("", &files), ("roles", &role_files)] {
        let counted = files.iter().filter(|f| !is_ignored_name(&f.path));
        counted.for_each(|f| evidence.note(place, &f.path, &f.bytes));
    }
    let beside = std::mem::take(&mut input.beside);
    beside.iter().for_each(|f| evidence.note("beside", &f.path, &f.bytes));
    let includable = includable(&input, &files, &role_files);
    let included = includable.included_from_roots();
    let roles = Roles::new(role_files, is_ruleset);
    let out = ConfigTree { evidence, beside, ..ConfigTree::default() };
    let mut arranging = Arranging { input: &input, is_ruleset, roles, includable, included, out };
    arranging.all(files);
    let mut out = arranging.out;
    out.ignored.extend(input.empty_folders.iter().map(|f| format!("{}{f}/", input.shown_under)));
    out.ignored.sort();
    out.ignored.dedup();
    out.devices.sort_by(|a, b| a.name.cmp(&b.name));
    out.problems.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    out.refuse_empty(&input.name);
    out
}

/// All files that scripts may include, where some file includes anything at all.
fn includable(input: &TreeInput, files: &[TreeFile], roles: &[TreeFile]) -> Includable {
    let includes = |f: &TreeFile| std::str::from_utf8(&f.bytes).is_ok_and(|text| !included(text).is_empty());
    if !files.iter().chain(roles).any(includes) {
        return Includable::default();
    }
    let shared = roles.iter().map(|f| InputFile { name: format!("roles/{}", f.path), bytes: f.bytes.clone() });
    Includable::new(shown_files(input, files).chain(shared))
}

/// Files by the names that reports show, without those that are ignored.
fn shown_files<'f>(input: &'f TreeInput, files: &'f [TreeFile]) -> impl Iterator<Item = InputFile> + 'f {
    let counted = files.iter().filter(|f| !is_ignored_name(&f.path));
    counted.map(|f| InputFile { name: format!("{}{}", input.shown_under, f.path), bytes: f.bytes.clone() })
}

/// Whether a file is the output of `ipset save`: every command in it makes a set or adds to one.
fn holds_only_sets(file: &InputFile) -> bool {
    let text = String::from_utf8_lossy(&file.bytes);
    let mut commands = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).peekable();
    let is_nft = nftables::text::recognises(&text);
    !is_nft && commands.peek().is_some() && commands.all(|l| l.starts_with("create ") || l.starts_with("add "))
}

struct Arranging<'a> {
    input: &'a TreeInput,
    is_ruleset: IsRuleset<'a>,
    roles: Roles,
    includable: Includable,
    /// The names of the files that are included by some file that no file includes.
    included: BTreeSet<String>,
    out: ConfigTree,
}

/// The files of one folder, by how deep they lie.
#[derive(Default)]
struct Folder {
    own: Vec<InputFile>,
    deeper: Vec<InputFile>,
}

impl Arranging<'_> {
    fn all(&mut self, files: Vec<TreeFile>) {
        let mut top = Vec::new();
        let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
        for file in files {
            let shown = InputFile { name: format!("{}{}", self.input.shown_under, file.path), bytes: file.bytes };
            match file.path.split_once('/') {
                _ if is_ignored_name(&file.path) => self.out.ignored.push(without_inside(&shown.name).to_owned()),
                None => top.push(shown),
                Some((folder, rest)) => {
                    let folder = folders.entry(folder.to_owned()).or_default();
                    if rest.contains('/') { folder.deeper.push(shown) } else { folder.own.push(shown) }
                }
            }
        }
        let together = self.input.grouping == Grouping::OneDevice && !top.is_empty();
        if together || top.iter().any(|f| base_name(&f.name) == FACTS) {
            self.folder(self.input.name.clone(), Folder { own: top, deeper: Vec::new() });
        } else {
            self.by_stem(top);
        }
        for (name, folder) in folders {
            self.folder(name, folder);
        }
        self.refuse_twins();
    }

    /// Plain files directly in the folder: one device a stem.
    fn by_stem(&mut self, files: Vec<InputFile>) {
        let mut devices: BTreeMap<String, Vec<InputFile>> = BTreeMap::new();
        for file in self.without_included(files) {
            if self.included.contains(&file.name) {
                continue;
            }
            if (self.is_ruleset)(&file) {
                devices.entry(stem(&file.name).to_owned()).or_default().push(file);
            } else {
                self.not_understood(&file.name);
            }
        }
        // Sets or routes beside no ruleset of the same stem belong to the folder: `rules` beside `ipset` is one device.
        let beside = |files: &Vec<InputFile>| files.iter().all(|f| holds_only_sets(f) || is_routing(f));
        let only_routes = devices.values().flatten().all(is_routing);
        if devices.len() > 1 && !only_routes && devices.values().any(beside) {
            let files = devices.into_values().flatten().collect();
            return self.device(self.input.name.clone(), files, None, DeviceFile::default());
        }
        for (name, files) in devices {
            self.device(name, files, None, DeviceFile::default());
        }
    }

    /// A folder: a device, or nothing of ours.
    fn folder(&mut self, name: String, folder: Folder) {
        let (facts, files): (Vec<_>, Vec<_>) = folder.own.into_iter().partition(|f| base_name(&f.name) == FACTS);
        let facts_source = facts.into_iter().next();
        let facts = match facts_source.as_ref().map(read_facts) {
            Some(Err(problems)) => return self.out.problems.extend(problems),
            Some(Ok(facts)) => facts,
            None => DeviceFile::default(),
        };
        let deeper: Vec<_> = folder.deeper.into_iter().filter(|f| !self.included.contains(&f.name)).collect();
        self.refuse_deeper(&deeper);
        let declared = facts.dialect.is_some();
        let files = self.without_included(files);
        let all_elsewhere = !files.is_empty() && files.iter().all(|f| self.included.contains(&f.name));
        if facts_source.is_none() && all_elsewhere {
            return;
        }
        let (rulesets, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|f| declared || (self.is_ruleset)(f));
        if rulesets.is_empty() && facts_source.is_none() {
            return self.ignore_folder(&name, others.is_empty() && !deeper.is_empty());
        }
        for file in &others {
            self.not_understood(&file.name);
        }
        self.device(name, rulesets, facts_source, facts);
    }

    fn device(&mut self, name: String, own: Vec<InputFile>, facts_source: Option<InputFile>, facts: DeviceFile) {
        let shown = format!("{}{name}", self.input.shown_under);
        if let Some(fault) = check_device_name(&name, self.input.naming) {
            let help = "names are like `edge1` or `edge1.example.net`, at most 63 characters";
            self.problem(&shown, format!("`{}` is no device name: {fault}", name.escape_debug()), help);
        }
        let at = facts_source.as_ref().map_or(shown.as_str(), |f| f.name.as_str()).to_owned();
        let (mut files, problems) = self.roles.compose(&facts, &own, &at);
        self.out.problems.extend(problems);
        let mut own = own;
        own.sort_by(|a, b| a.name.cmp(&b.name));
        files.extend(own);
        if files.is_empty() && facts.from.is_empty() {
            let help = format!("add the ruleset, or remove `{at}` to remove the device");
            self.problem(&at, format!("device `{name}` has facts and no ruleset"), &help);
        }
        let includes = self.includes_of(&files);
        self.out.devices.push(DeviceInput { name, files, includes, facts_source, facts });
    }

    /// What the files of a device include, each once.
    fn includes_of(&self, files: &[InputFile]) -> Vec<InputFile> {
        let all = files.iter().flat_map(|file| self.includable.included_by(file));
        let named: BTreeMap<String, InputFile> = all.map(|file| (file.name.clone(), file)).collect();
        named.into_values().collect()
    }

    /// The files that no other file among them includes; all of them where they include each other in a ring.
    fn without_included(&self, files: Vec<InputFile>) -> Vec<InputFile> {
        let included = self.includable.included_by_any(files.iter());
        if files.iter().all(|file| included.contains(&file.name)) {
            return files;
        }
        files.into_iter().filter(|file| !included.contains(&file.name)).collect()
    }

    /// Deeper files belong to no device; a ruleset among them would be one that nobody judges.
    fn refuse_deeper(&mut self, files: &[InputFile]) {
        for file in files {
            if (self.is_ruleset)(file) {
                let folder = file.name.rsplit_once('/').map_or("", |(f, _)| f);
                let above = folder.rsplit_once('/').map_or("", |(f, _)| f);
                let help = format!("name the folder that holds the devices (`{above}`), or move the file up");
                self.problem(&file.name, format!("`{}` is a ruleset two folders deep", file.name), &help);
            } else {
                self.out.ignored.push(file.name.clone());
            }
        }
    }

    fn ignore_folder(&mut self, name: &str, listed_by_file: bool) {
        if !listed_by_file {
            self.out.ignored.push(format!("{}{name}/", self.input.shown_under));
        }
    }

    fn not_understood(&mut self, path: &str) {
        let toml = path.ends_with(".toml");
        let help = match toml {
            true => "facts about a device stand in `device.toml`, in the folder named after it",
            false => "remove it, or name it `*.md` if it is for people; `device.toml` beside it can name the dialect",
        };
        self.problem(path, format!("`{path}` is no ruleset in a dialect that is understood"), help);
    }

    /// `edge1.v4` beside `edge1/`: two devices of one name.
    fn refuse_twins(&mut self) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for device in &self.out.devices {
            *seen.entry(device.name.clone()).or_default() += 1;
        }
        for (name, _) in seen.into_iter().filter(|(_, count)| *count > 1) {
            let help = "keep either the folder or the files beside it";
            self.problem(&name, format!("device `{name}` is given twice, as files and as a folder"), help);
        }
    }

    fn problem(&mut self, path: &str, message: String, help: &str) {
        let problem = TreeProblem { path: path.to_owned(), line: None, message, help: Some(help.to_owned()) };
        self.out.problems.push(problem);
    }
}

/// What `device.toml` says.
fn read_facts(file: &InputFile) -> Result<DeviceFile, Vec<TreeProblem>> {
    let problem =
        |line, message: &str, help| TreeProblem { path: file.name.clone(), line, message: message.to_owned(), help };
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return Err(vec![problem(None, "the file is not UTF-8", None)]);
    };
    read_device_file(&file.name, text).map_err(|Unreadable { problems, .. }| {
        let line = |line: u32| usize::try_from(line).ok().filter(|l| *l > 0);
        problems.into_iter().map(|p| problem(line(p.span.line), &p.message, p.help)).collect()
    })
}

/// A path, cut behind the first folder on it that begins with a dot.
fn without_inside(path: &str) -> &str {
    let dot = if path.starts_with('.') { Some(0) } else { path.find("/.") };
    let end = dot.and_then(|dot| path[dot + 1..].find('/').map(|at| dot + 1 + at + 1));
    end.map_or(path, |end| &path[..end])
}

pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The name of a path without its last extension: the device of a plain file.
pub fn stem(path: &str) -> &str {
    let name = base_name(path);
    match name.rfind('.') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}
