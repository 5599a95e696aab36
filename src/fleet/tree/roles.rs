//! Roles: files that many devices share, so that 300 equal servers need no 300 copies.

use super::layout::base_name;
use super::{TreeFile, TreeProblem, is_ignored_name};
use crate::dialect::InputFile;
use crate::policy::DeviceFile;
use std::collections::{BTreeMap, BTreeSet};

/// The roles of a tree.
pub(super) struct Roles(BTreeMap<String, Role>);

#[derive(Default)]
struct Role {
    files: Vec<RoleFile>,
}

struct RoleFile {
    file: InputFile,
    understood: bool,
}

impl Roles {
    /// The roles of files with paths `NAME/FILE`.
    pub(super) fn new(files: Vec<TreeFile>, is_ruleset: &dyn Fn(&InputFile) -> bool) -> Roles {
        let mut out: BTreeMap<String, Role> = BTreeMap::new();
        for file in files.into_iter().filter(|f| !is_ignored_name(&f.path)) {
            let role = file.path.split_once('/').map_or("", |(role, _)| role).to_owned();
            let shown = InputFile { name: format!("roles/{}", file.path), bytes: file.bytes };
            let flat = file.path.matches('/').count() == 1;
            let understood = flat && is_ruleset(&shown);
            out.entry(role).or_default().files.push(RoleFile { file: shown, understood });
        }
        for role in out.values_mut() {
            role.files.sort_by(|a, b| a.file.name.cmp(&b.file.name));
        }
        Roles(out)
    }

    /// The files of a device's roles, in order, and what is wrong with them. `at` is the place that names them.
    pub(super) fn compose(
        &self,
        facts: &DeviceFile,
        own: &[InputFile],
        at: &str,
    ) -> (Vec<InputFile>, Vec<TreeProblem>) {
        let mut composing = Composing { taken: BTreeMap::new(), files: Vec::new(), problems: Vec::new(), at };
        let mut seen = BTreeSet::new();
        for name in facts.from.iter().map(|role| role.value.as_str()) {
            match self.0.get(name) {
                _ if !seen.insert(name) => {
                    composing.problem(format!("role `{name}` is named twice"), "name it once".into())
                }
                Some(role) => composing.role(name, role, facts.dialect.is_some()),
                None => composing.problem(format!("there is no role `{name}`"), self.advice(name)),
            }
        }
        for file in own {
            composing.take(file);
        }
        (composing.files, composing.problems)
    }

    fn advice(&self, name: &str) -> String {
        let near = self.0.keys().map(|k| (strsim::damerau_levenshtein(k, name), k)).min();
        match near {
            Some((distance, near)) if distance <= near.len() / 3 => format!("did you mean `{near}`?"),
            _ => format!("its files belong into `roles/{name}/`"),
        }
    }
}

struct Composing<'a> {
    taken: BTreeMap<String, String>,
    files: Vec<InputFile>,
    problems: Vec<TreeProblem>,
    at: &'a str,
}

impl Composing<'_> {
    fn role(&mut self, name: &str, role: &Role, declared: bool) {
        let start = self.files.len();
        for one in &role.files {
            let is_facts = base_name(&one.file.name) == "device.toml";
            if one.understood || declared && !is_facts {
                self.take(&one.file);
                self.files.push(one.file.clone());
            } else {
                let help = "a role holds ruleset files, and no folders; facts stand in the device's own `device.toml`";
                self.problem(format!("`{}` of role `{name}` is no ruleset file", one.file.name), help.to_owned());
            }
        }
        if self.files.len() == start {
            self.problem(format!("role `{name}` has no ruleset file"), format!("add one to `roles/{name}/`"));
        }
    }

    /// Notes a file's name, and refuses the second file of that name.
    fn take(&mut self, file: &InputFile) {
        let base = base_name(&file.name).to_owned();
        match self.taken.get(&base) {
            Some(first) => {
                let message = format!("`{first}` and `{}` have the same file name", file.name);
                self.problem(message, "rename one: files that are composed have different names".to_owned());
            }
            None => drop(self.taken.insert(base, file.name.clone())),
        }
    }

    fn problem(&mut self, message: String, help: String) {
        self.problems.push(TreeProblem { path: self.at.to_owned(), line: None, message, help: Some(help) });
    }
}
