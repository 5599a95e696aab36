//! `fwgate hook pre-receive` and `update`: what a server refuses before it takes a push. Nothing of the push is in a reference
//! yet; its objects are read out of git's quarantine, after a look that this lies within the repository.

use super::{ServerArguments, UpdateArguments};
use crate::cli::exit::{Exit, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::failure::system_words;
use crate::cli::gate::{Survey, now, survey_server};
use crate::cli::input::{InputError, Reader, Surroundings, bytes_of};
use crate::cli::ledger::listed;
use crate::cli::rulesets::is_ruleset;
use crate::cli::screen::Screen;
use crate::gate::{
    Claim, DeviceBytes, Digest, EMPTY_TREE, Instant, LEDGER_BRANCH, LOG_BRANCH, Ledger, Log, Reason, ReasonCode,
    Record, Root, Standing, Target, Testimony, content_digest, device_digest, read_branch,
};
use crate::policy::{canonical_change, is_change_id};
use crate::vcs::{CommitId, Repository, VcsError};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

/// More than git ever gives to the hook.
const MAX_INPUT: u64 = 16 << 20;

/// Judges a whole push.
pub(super) fn pre_receive(arguments: &ServerArguments, screen: &Screen) -> Result<Exit, Failure> {
    let mut text = String::new();
    let unread = |e: std::io::Error| Failure::new(format!("standard input cannot be read: {}", system_words(e.kind())));
    std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text).map_err(unread)?;
    let mut lines = Vec::new();
    for line in text.lines() {
        let parts: Vec<&str> = line.splitn(3, ' ').collect();
        let [old, new, name] = parts.as_slice() else { return Err(Failure::new("standard input is not git's")) };
        lines.push(((*old).to_owned(), (*new).to_owned(), (*name).to_owned()));
    }
    judge(arguments, &lines, screen)
}

/// Judges one reference.
pub(super) fn update(arguments: &UpdateArguments, screen: &Screen) -> Result<Exit, Failure> {
    let line = (arguments.old.clone(), arguments.new.clone(), arguments.name.clone());
    judge(&arguments.server, &[line], screen)
}

fn judge(arguments: &ServerArguments, lines: &[(String, String, String)], screen: &Screen) -> Result<Exit, Failure> {
    let surroundings = Surroundings::of_process()?;
    let folder = surroundings.cwd.join(std::env::var_os("GIT_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from));
    let repository = Repository::bare(&folder).map_err(InputError::from)?;
    if let Some(quarantine) = std::env::var_os("GIT_QUARANTINE_PATH") {
        let quarantine = surroundings.cwd.join(quarantine);
        repository.open_quarantine(&quarantine).map_err(InputError::from)?;
    }
    let reasons = match arguments.root.root_bytes(&surroundings, repository.root()) {
        Err(reason) => vec![reason],
        Ok(bytes) => {
            let root = Root::read(&bytes).map_err(|flaw| Failure::new(format!("{flaw} [ROOT_MISSING]")))?;
            let reader = Reader::new(&surroundings, &is_ruleset).with_devices(&arguments.root.devices)?;
            let deploy: BTreeSet<&str> = arguments.deploy.iter().map(String::as_str).collect();
            Server { repository: &repository, bytes: &bytes, root: &root, reader: &reader, deploy }.judged(lines)?
        }
    };
    screen.answer(&listed(&reasons))?;
    Ok(if reasons.is_empty() { PASSED } else { REFUSED })
}

struct Server<'a> {
    repository: &'a Repository,
    bytes: &'a [u8],
    root: &'a Root,
    reader: &'a Reader<'a>,
    deploy: BTreeSet<&'a str>,
}

/// One reference of a push.
struct Update<'a> {
    name: &'a str,
    old: Option<CommitId>,
    new: Option<CommitId>,
}

impl Server<'_> {
    fn judged(&self, lines: &[(String, String, String)]) -> Result<Vec<Reason>, Failure> {
        let mut out = Vec::new();
        for (old, new, name) in lines {
            let commit = |id: &str| match id.bytes().all(|b| b == b'0') {
                true => Ok(None),
                false => self.repository.commit_id(id).map(Some),
            };
            if !self.is_watched(name) {
                continue;
            }
            match (commit(old), commit(new)) {
                (Ok(old), Ok(new)) => out.extend(self.update(&Update { name, old, new })?),
                (Err(error), _) | (_, Err(error)) => out.push(unread(name, &error)),
            }
        }
        out.sort();
        out.dedup();
        Ok(out)
    }

    /// References that nobody has to ask about are left alone.
    fn is_watched(&self, name: &str) -> bool {
        let is_evidence = name == "refs/heads/fwgate" || name.starts_with("refs/heads/fwgate/");
        let is_shadow = name.starts_with("refs/replace/") || Some(name) == self.shadow().as_deref();
        is_evidence || is_shadow || name == self.root.protected || self.deploy.contains(name)
    }

    /// The tag that would have the protected branch's name.
    fn shadow(&self) -> Option<String> {
        self.root.protected.strip_prefix("refs/heads/").map(|short| format!("refs/tags/{short}"))
    }

    fn update(&self, update: &Update<'_>) -> Result<Vec<Reason>, Failure> {
        let name = update.name;
        let refused = |code, message: String, fix: &str| Ok(vec![Reason::new(code, message, fix)]);
        if name.starts_with("refs/replace/") && update.new.is_some() {
            let message = format!("`{name}` would show other objects than those that are named");
            return refused(ReasonCode::ReplaceRefsPresent, message, "leave replace refs at home");
        }
        if Some(name) == self.shadow().as_deref() && update.new.is_some() {
            let message = format!("`{name}` has the name of the protected branch");
            return refused(ReasonCode::RefAmbiguous, message, "give the tag another name");
        }
        let survey =
            survey_server(self.repository, self.bytes, &self.root.protected, now()).map_err(InputError::from)?;
        match () {
            () if name.starts_with("refs/heads/fwgate") => Ok(self.evidence(update, &survey)),
            () if self.deploy.contains(name) => Ok(self.deployment(update, &survey)),
            () if name == self.root.protected => Ok(self.protected(update)),
            () => Ok(Vec::new()),
        }
    }

    fn evidence(&self, update: &Update<'_>, survey: &Survey) -> Vec<Reason> {
        let name = update.name;
        let rest = name.strip_prefix("refs/heads/fwgate/").unwrap_or_default();
        let is_known = rest == "ledger" || rest == "log" || rest.strip_prefix("changes/").is_some_and(is_change_id);
        let Some(new) = update.new else { return self.deleted(update, survey).into_iter().collect() };
        if rest.is_empty() || rest == "changes" {
            let message = format!("`{name}` would leave no room for the branches of evidence below it");
            return vec![Reason::new(
                ReasonCode::EvidenceUnavailable,
                message,
                "push records to `refs/heads/fwgate/changes/ID`",
            )];
        }
        if !is_known {
            let message = format!("`{name}` is no branch of evidence");
            let fix = "the branches are `fwgate/changes/ID`, `fwgate/ledger` and `fwgate/log`";
            return vec![Reason::new(ReasonCode::PathInvalid, message, fix)];
        }
        let mut out = Vec::new();
        match update.old.map(|old| self.repository.descends_from(new, old)) {
            Some(Ok(false)) => out.push(rewritten(name)),
            Some(Err(error)) => out.push(unread(name, &error)),
            Some(Ok(true)) | None => {}
        }
        out.extend(self.commits(update, new));
        if out.is_empty() {
            out.extend(self.chains(update, new, survey));
        }
        out
    }

    /// A branch of evidence may go only where the log keeps it.
    fn deleted(&self, update: &Update<'_>, survey: &Survey) -> Option<Reason> {
        let id = update.name.strip_prefix("refs/heads/fwgate/changes/");
        let kept = id.and_then(|id| survey.log.last_of(id).filter(|_| survey.log.is_closed(id)));
        let is_kept = kept.is_some_and(|merge| update.old.is_some_and(|old| old.to_string() == merge.head));
        let is_blocking = matches!(update.name, "refs/heads/fwgate" | "refs/heads/fwgate/changes");
        (!is_kept && !is_blocking).then(|| rewritten(update.name))
    }

    /// Commits that are no evidence by their form: another tree than the empty one, or a beginning of their own.
    fn commits(&self, update: &Update<'_>, new: CommitId) -> Vec<Reason> {
        let name = update.name;
        let branch = match self.repository.evidence_branch(name, new) {
            Ok(branch) => branch,
            Err(error) => return vec![unread(name, &error)],
        };
        let mut out = Vec::new();
        if !branch.is_whole {
            let message = format!("`{name}` would not begin at the fixed root commit of evidence, or is too long");
            out.push(Reason::new(
                ReasonCode::HistoryUnverifiable,
                message,
                "`fwgate change new` begins a branch as it must",
            ));
        }
        let old = update.old.map(|id| id.to_string());
        let known = old.and_then(|old| branch.commits.iter().position(|c| c.id == old)).map_or(0, |at| at + 1);
        let tree = format!("tree {EMPTY_TREE}\n");
        for commit in branch.commits.iter().skip(known).filter(|c| !c.bytes.starts_with(tree.as_bytes())) {
            let message = format!("`{name}`: the commit {} holds files", commit.id.get(..12).unwrap_or(&commit.id));
            let fix = "records are commits with the empty tree: `git commit-tree -S -p TIP -F record 4b825dc6...`";
            out.push(Reason::new(ReasonCode::CommitMalformed, message, fix));
        }
        out
    }

    /// Ledger and log are chains that one machine signs.
    fn chains(&self, update: &Update<'_>, new: CommitId, survey: &Survey) -> Vec<Reason> {
        if survey.chain.in_force().is_none() {
            return Vec::new();
        }
        let Ok(branch) = self.repository.evidence_branch(update.name, new) else { return Vec::new() };
        match update.name {
            LEDGER_BRANCH => Ledger::read(Some(&branch), &survey.roster, survey.now).refusals,
            LOG_BRANCH => Log::read(Some(&branch), &survey.roster).refusals,
            _ => Vec::new(),
        }
    }

    /// The protected branch: never rewritten, and a change of the policy travels alone.
    fn protected(&self, update: &Update<'_>) -> Vec<Reason> {
        let name = update.name;
        let (Some(new), Some(old)) = (update.new, update.old) else {
            return if update.new.is_none() { vec![rewritten(name)] } else { Vec::new() };
        };
        match self.repository.descends_from(new, old) {
            Ok(true) => {}
            Ok(false) => return vec![rewritten(name)],
            Err(error) => return vec![unread(name, &error)],
        }
        let line = match self.repository.first_parents(Some(old), new) {
            Ok(line) => line,
            Err(error) => return vec![unread(name, &error)],
        };
        let mixed = |(commit, parent): &(CommitId, Option<CommitId>)| match self.is_mixed(*parent, *commit) {
            Ok(false) => None,
            Ok(true) => {
                let message = format!("`{name}`: {} changes the policy and devices at once", commit.short());
                let fix = "let the policy travel alone, in a change of class `policy`, and the rest in another";
                Some(Reason::new(ReasonCode::PolicyChangeMixed, message, fix))
            }
            Err(error) => Some(unread(name, &error)),
        };
        line.iter().filter_map(mixed).collect()
    }

    fn is_mixed(&self, parent: Option<CommitId>, commit: CommitId) -> Result<bool, VcsError> {
        let before = parent.map(|p| self.repository.tree(p)).transpose()?.unwrap_or_default();
        let changed = before.differing(&self.repository.tree(commit)?);
        let of_policy = |p: &&String| p.as_str() == "fwgate.toml" || p.starts_with("policies/");
        let is_rules = |p: &&String| {
            let below = p.starts_with("devices/") || p.starts_with("roles/");
            below && !p.ends_with("/device.toml") && !p.ends_with(".md")
        };
        Ok(parent.is_some() && changed.iter().any(|p| of_policy(&p)) && changed.iter().any(|p| is_rules(&p)))
    }

    /// A branch that devices take their configuration from: only bytes that are in force, or that a run of a permitted change
    /// is bringing there now.
    fn deployment(&self, update: &Update<'_>, survey: &Survey) -> Vec<Reason> {
        let name = update.name;
        let Some(new) = update.new else { return vec![rewritten(name)] };
        let Some(from) = update.old.or(survey.tip) else { return Vec::new() };
        let sides = self.devices(from).and_then(|before| Ok((before, self.devices(new)?)));
        let (before, after) = match sides {
            Ok(sides) => sides,
            Err(reason) => return vec![reason],
        };
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let digest = |side: &BTreeMap<String, DeviceBytes>, device: &str| device_digest(side.get(device));
        // A branch that begins brings what is merged, and a merge applies nothing: what is in force is known better.
        let begins = update.old.is_none();
        let known = |device: &str| survey.in_force.get(device).filter(|_| begins).map(|known| known.bytes);
        let target = |device: &&String| Target {
            device: (*device).clone(),
            baseline: known(device).unwrap_or_else(|| digest(&before, device)),
            proposal: digest(&after, device),
        };
        let changed: Vec<Target> = names.iter().map(target).filter(|t| t.baseline != t.proposal).collect();
        let in_force = |t: &Target| survey.in_force.get(&t.device).is_some_and(|known| known.bytes == t.proposal);
        if changed.iter().all(in_force) || self.is_claimed(new, &changed, survey) {
            return Vec::new();
        }
        let devices: Vec<&str> = changed.iter().map(|t| t.device.as_str()).collect();
        let message = format!("`{name}` would bring bytes to {} that no permit allows now", devices.join(", "));
        let fix =
            "push with a permit: `fwgate push CHANGE`; its claim in the ledger opens the branch for exactly its bytes";
        vec![Reason::new(ReasonCode::PermitMismatch, message, fix)]
    }

    fn devices(&self, commit: CommitId) -> Result<BTreeMap<String, DeviceBytes>, Reason> {
        let tree = self.repository.tree(commit).map_err(InputError::from);
        let tree = tree.and_then(|t| Ok(self.reader.devices_of(self.repository, &t)?.accepted()?));
        let tree = tree.map_err(|e| Reason::new(ReasonCode::UnparsedInput, e.to_string(), "mend the devices first"))?;
        Ok(tree.devices.iter().map(|d| (d.name.clone(), bytes_of(d))).collect())
    }

    /// Whether a run that holds a claim is about exactly these bytes: their content is the one that the change announced.
    fn is_claimed(&self, new: CommitId, changed: &[Target], survey: &Survey) -> bool {
        if !survey.ledger.refusals.is_empty() || survey.chain.in_force().is_none() {
            return false;
        }
        let permits = survey.ledger.permits();
        let claims = permits.values().filter(|p| p.is_claimed(survey.now)).filter_map(|p| p.claims.last());
        let mut contents = claims.filter_map(|claim| {
            let content = self.content(new, &claim.change, changed)?;
            let branch = survey.branches.get(&format!("refs/heads/fwgate/changes/{}", claim.change))?;
            let testimony = read_branch(branch, &survey.roster, &survey.ledger, survey.now);
            Some(announced(&testimony, claim) == Some(content))
        });
        contents.any(|is_same| is_same)
    }

    fn content(&self, commit: CommitId, id: &str, changed: &[Target]) -> Option<Digest> {
        let tree = self.repository.tree(commit).ok()?;
        let path = ["toml", "json"].map(|ending| format!("changes/{id}.{ending}"));
        let path = path.into_iter().find(|path| tree.paths().any(|p| p == path))?;
        let entry = self.repository.entries(&tree, &path, &crate::vcs::Limits::default()).ok()?.into_iter().next()?;
        let text = String::from_utf8(entry.bytes.to_vec()).ok()?;
        let canonical = canonical_change(&path, &text).ok()?;
        Some(content_digest(&self.root.repository, &canonical, changed))
    }
}

/// The content that a change announced last when a run claimed its permit. What somebody announces while the claim is open is
/// not what was permitted: only what a witness saw before counts, or the one announcement where none was seen (an emergency).
fn announced(testimony: &Testimony, claim: &Claim) -> Option<Digest> {
    let good = testimony.records.iter().filter(|r| r.standing == Standing::Good);
    let all: Vec<(Option<Instant>, Digest)> = good
        .filter_map(|r| if let Record::Change(change) = &r.said { Some((r.witnessed, change.content)) } else { None })
        .collect();
    let seen = all.iter().rev().find(|(witnessed, _)| witnessed.is_some_and(|at| at <= claim.at));
    match (seen, all.as_slice()) {
        (Some((_, content)), _) | (None, [(_, content)]) => Some(*content),
        (None, _) => None,
    }
}

fn rewritten(name: &str) -> Reason {
    let message = format!("`{name}` would lose commits that it has");
    Reason::new(ReasonCode::HistoryRewritten, message, "fetch, and append to what is there; nothing is ever taken away")
}

fn unread(name: &str, error: &VcsError) -> Reason {
    let message = format!("`{name}`: {error}");
    Reason::new(ReasonCode::HistoryUnverifiable, message, "push whole histories of well-formed commits")
}
