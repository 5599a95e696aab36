//! Reading a policy: one file or several, merged, with the packs and files that they include.

use super::calendar::{read_freeze, read_window};
use super::class::read_classes;
use super::concession::{read_assumption, read_severities, read_waiver};
use super::estate::{read_lab, read_unmanaged};
use super::flow::{FlowRule, read_flow_rule};
use super::inventory::read_inventory_rule;
use super::name_service::read_name_service;
use super::names::{Definitions, Names};
use super::operation::{Rights, read_revoked, read_rights, read_stands_for};
use super::pack::packs;
use super::policy::Policy;
use super::push::{PushRule, read_push};
use super::requirement::check_services;
use super::roster::{check_identities, read_machine, read_person};
use super::route::read_route;
use super::spare::read_spare;
use super::standard::read_template;
use super::transport::read_transport;
use crate::document::{Fields, Node, Problems, Spanned, did_you_mean, parse};
use crate::ruleset::{SourceId, Sources, Span, Unreadable};
use std::collections::{BTreeMap, BTreeSet};

/// The files of a policy, by the names that reports show.
#[derive(Clone, Debug, Default)]
pub struct PolicyFiles {
    /// Files that are the policy, in order: `fwgate.toml` and those under `policies/`, or the one named on the
    /// command line.
    pub main: Vec<(String, String)>,
    /// Files that count only where one of the others includes them.
    pub includable: BTreeMap<String, String>,
}

impl PolicyFiles {
    /// One file by itself.
    pub fn single(name: impl Into<String>, text: impl Into<String>) -> PolicyFiles {
        PolicyFiles { main: vec![(name.into(), text.into())], includable: BTreeMap::new() }
    }

    /// The files of a repository: `fwgate.toml` first, then every `.toml` and `.json` file under `policies/` by
    /// name. Others are left out.
    pub fn of_repository(files: impl IntoIterator<Item = (String, String)>) -> PolicyFiles {
        let under = |name: &str| name.starts_with("policies/") && (name.ends_with(".toml") || name.ends_with(".json"));
        let mut main: Vec<_> = files.into_iter().filter(|(n, _)| n == "fwgate.toml" || under(n)).collect();
        main.sort_by(|a, b| (a.0 != "fwgate.toml", &a.0).cmp(&(b.0 != "fwgate.toml", &b.0)));
        PolicyFiles { main, includable: BTreeMap::new() }
    }
}

/// Reads a policy.
///
/// # Errors
/// Every mistake of every file: syntax, unknown keys and names, wrong types, values without sense, names that
/// contain themselves, ids that are given twice.
pub fn read_policy(files: &PolicyFiles) -> Result<Policy, Unreadable> {
    let problems = Problems::default();
    let mut loader = Loader {
        files,
        problems: &problems,
        sources: Sources::default(),
        loaded: BTreeMap::new(),
        documents: Vec::new(),
        broken: false,
    };
    for (name, text) in &files.main {
        loader.load(name, text);
    }
    loader.follow_includes();
    let Loader { sources, documents, broken, .. } = loader;
    if broken {
        return problems.settle(sources, Policy::default());
    }
    if files.main.is_empty() {
        problems.report(Span::default(), "there is no policy file", "`fwgate init` writes one");
    }
    let mut policy = merge(&documents, files.main.len(), &problems);
    policy.sources = sources.clone();
    problems.settle(sources, policy)
}

/// One parsed file.
struct Document {
    name: String,
    node: Node,
}

/// Brings in every file once.
struct Loader<'a> {
    files: &'a PolicyFiles,
    problems: &'a Problems,
    sources: Sources,
    loaded: BTreeMap<String, SourceId>,
    documents: Vec<Document>,
    /// Whether some file breaks the grammar, so that names may seem unknown that are not.
    broken: bool,
}

impl Loader<'_> {
    fn load(&mut self, name: &str, text: &str) {
        if self.loaded.contains_key(name) {
            return;
        }
        let source = self.sources.add(name, text);
        self.loaded.insert(name.to_owned(), source);
        match parse(source, name, text, self.problems) {
            Some(node) => self.documents.push(Document { name: name.to_owned(), node }),
            None => self.broken = true,
        }
    }

    /// Loads what files include, and what those include.
    fn follow_includes(&mut self) {
        let mut next = 0;
        while let Some(document) = self.documents.get(next) {
            let mut fields = Fields::of(&document.node, "the file", self.problems);
            let entries = fields.as_mut().and_then(|f| f.texts("include")).unwrap_or_default();
            let name = document.name.clone();
            for entry in entries {
                self.include(&name, &entry);
            }
            next += 1;
        }
    }

    fn include(&mut self, from: &str, entry: &Spanned<String>) {
        if let Some(pack) = entry.value.strip_prefix("pack:") {
            match packs().iter().find(|p| p.name == pack) {
                Some(found) => self.load(&entry.value, found.text),
                None => {
                    let names: Vec<&str> = packs().iter().map(|p| p.name).collect();
                    let help = did_you_mean(pack, names.iter().copied())
                        .unwrap_or_else(|| format!("the packs are {}", names.join(", ")));
                    self.problems.report(entry.span, format!("unknown pack `{pack}`"), help);
                }
            }
            return;
        }
        let folder = from.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let candidates = [format!("{folder}{}", entry.value), entry.value.clone()];
        if candidates.iter().any(|c| self.loaded.contains_key(c)) {
            return;
        }
        match candidates.iter().find_map(|c| self.files.includable.get_key_value(c)) {
            Some((name, text)) => self.load(name, text),
            None => {
                let help = "include files of the policy's folder by their path, and shipped ones as `pack:NAME`";
                self.problems.report(entry.span, format!("there is no file `{}` to include", entry.value), help);
            }
        }
    }
}

fn merge(documents: &[Document], main: usize, problems: &Problems) -> Policy {
    let mut files: Vec<Fields<'_>> =
        documents.iter().filter_map(|d| Fields::of(&d.node, "the policy", problems)).collect();
    let mut definitions = Definitions::default();
    for file in &mut files {
        definitions.read(file);
    }
    let names = definitions.resolve(problems);
    let mut policy = Policy { names: names.clone(), ..Policy::default() };
    read_versions(&mut files, main, &mut policy, problems);
    for mut file in files {
        file.get("include");
        read_flows(&mut file, &names, &mut policy);
        read_concessions(&mut file, &mut policy);
        read_gate(&mut file, &names, &mut policy);
        read_operation(&mut file, &names, &mut policy);
        file.finish();
    }
    policy.packs = documents.iter().filter_map(|d| d.name.strip_prefix("pack:")).map(str::to_owned).collect();
    check_ids(&policy, problems);
    check_gate_ids(&policy, problems);
    check_identities(&policy.persons, &policy.machines, problems);
    policy
}

/// The first file that gives a version gives that of the policy; the others may repeat one.
fn read_versions(files: &mut [Fields<'_>], main: usize, policy: &mut Policy, problems: &Problems) {
    let mut found = None;
    for file in files.iter_mut() {
        let Some(version) = file.integer("version") else { continue };
        match u64::try_from(version.value) {
            Ok(number) if number > 0 => found = found.or(Some(number)),
            _ => problems.note(version.span, format!("`version` is {} instead of 1 or more", version.value), None),
        }
    }
    let written = files.iter_mut().take(main).any(|f| f.get("version").is_some());
    if let Some(first) = files.first().filter(|_| !written) {
        problems.report(
            Span { end: first.span.start, ..first.span },
            "the policy has no `version`",
            "write `version = 1` at its top",
        );
    }
    policy.version = found.unwrap_or_default();
}

fn read_flows(file: &mut Fields<'_>, names: &Names, policy: &mut Policy) {
    for mut fields in file.tables("require", "[[require]]") {
        let (rule, services) = read_flow_rule(&mut fields, names);
        check_services(&services, names, fields.problems());
        fields.finish();
        policy.requirements.extend(rule);
    }
    for mut fields in file.tables("forbid", "[[forbid]]") {
        let (rule, _) = read_flow_rule(&mut fields, names);
        fields.finish();
        policy.prohibitions.extend(rule);
    }
    policy.routes.extend(file.tables("route", "[[route]]").into_iter().filter_map(|f| read_route(f, names)));
}

fn read_concessions(file: &mut Fields<'_>, policy: &mut Policy) {
    policy.assumptions.extend(file.tables("assume", "[[assume]]").into_iter().filter_map(read_assumption));
    policy.waivers.extend(file.tables("waive", "[[waive]]").into_iter().filter_map(read_waiver));
    read_severities(file, &mut policy.severities);
}

fn read_gate(file: &mut Fields<'_>, names: &Names, policy: &mut Policy) {
    let problems = file.problems();
    if let Some(repository) = file.text("repository") {
        if policy.repository.is_some() {
            problems.note(repository.span, "`repository` is given twice", None);
        }
        policy.repository = Some(repository.value);
    }
    policy.persons.extend(file.tables("person", "[[person]]").into_iter().filter_map(read_person));
    policy.machines.extend(file.tables("machine", "[[machine]]").into_iter().filter_map(read_machine));
    for class in file.table("class", "[class]").map(|f| read_classes(&f, names)).unwrap_or_default() {
        if policy.classes.iter().any(|c| c.class == class.class) {
            problems.note(class.span, format!("the class `{}` is given twice", class.class.name()), None);
        }
        policy.classes.push(class);
    }
    policy.windows.extend(file.tables("window", "[[window]]").into_iter().filter_map(read_window));
    policy.freezes.extend(file.tables("freeze", "[[freeze]]").into_iter().filter_map(read_freeze));
    if let Some(fields) = file.table("lab", "[lab]") {
        let lab = read_lab(fields, names);
        if policy.lab.is_some() {
            problems.note(lab.span, "[lab] is given twice", None);
        }
        policy.lab = Some(lab);
    }
    if let Some(rule) = file.table("inventory", "[inventory]").map(read_inventory_rule) {
        if policy.inventory.is_some() {
            problems.note(rule.span, "[inventory] is given twice", None);
        }
        policy.inventory = Some(rule);
    }
    if let Some(fields) = file.table("names", "[names]") {
        let service = read_name_service(fields, names);
        if policy.name_service.is_some() {
            problems.note(service.span, "[names] is given twice", None);
        }
        policy.name_service = Some(service);
    }
    policy.unmanaged.extend(file.tables("unmanaged", "[[unmanaged]]").into_iter().map(read_unmanaged));
}

fn read_operation(file: &mut Fields<'_>, names: &Names, policy: &mut Policy) {
    policy.transports.extend(file.tables("transport", "[[transport]]").into_iter().filter_map(read_transport));
    policy.stands_for.extend(file.tables("stands_for", "[[stands_for]]").into_iter().filter_map(read_stands_for));
    policy.spares.extend(file.tables("spare", "[[spare]]").into_iter().filter_map(read_spare));
    let templates = file.tables("template", "[[template]]").into_iter();
    policy.templates.extend(templates.filter_map(|f| read_template(f, names)));
    policy.revoked.extend(file.tables("revoked", "[[revoked]]").into_iter().filter_map(read_revoked));
    let mut once = |key: &'static str, is_new: bool| {
        if let Some(node) = file.get(key).filter(|_| !is_new) {
            file.problems().note(node.span, format!("`{key}` is given twice"), None);
        }
    };
    once("rights", policy.rights == Rights::default());
    once("push", policy.push == PushRule::default());
    once("revocations", policy.revocations.is_none());
    if let Some(rights) = file.table("rights", "[rights]").map(read_rights) {
        policy.rights = rights;
    }
    if let Some(push) = file.table("push", "[push]").map(read_push) {
        policy.push = push;
    }
    policy.revocations = file.text("revocations").or(policy.revocations.take());
}

/// Reports ids of transports, templates and spares that are given twice.
fn check_gate_ids(policy: &Policy, problems: &Problems) {
    let transports = policy.transports.iter().map(|t| ("transport", &t.id));
    let templates = policy.templates.iter().map(|t| ("template", &t.id));
    let spares = policy.spares.iter().map(|s| ("spare", &s.name));
    let mut seen = BTreeSet::new();
    for (what, id) in transports.chain(templates).chain(spares) {
        if !seen.insert((what, &id.value)) {
            problems.note(id.span, format!("the {what} `{}` is given twice", id.value), None);
        }
    }
}

fn check_ids(policy: &Policy, problems: &Problems) {
    let mut seen = BTreeSet::new();
    let flows = policy.requirements.iter().chain(&policy.prohibitions).map(|rule: &FlowRule| (&rule.id, rule.span));
    for (id, span) in flows.chain(policy.routes.iter().map(|route| (&route.id, route.span))) {
        if !seen.insert(id) {
            let help = "requirements and prohibitions of all files share their ids; rename one";
            problems.report(span, format!("the id `{id}` is given twice"), help);
        }
    }
}
