//! Names to commits: what `rev:NAME` means, and which branch is the protected one.
//!
//! A name that means several things is refused: git itself lets a tag win over a branch, silently.

use super::error::VcsError;
use super::store::{CommitId, Repository};
use git2::{ErrorCode, ObjectType, Oid};

/// A commit by the name it was found under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The commit.
    pub commit: CommitId,
    /// The full name of the reference, or what the user wrote where it was none.
    pub name: String,
}

impl Repository {
    /// The commit that a branch, a tag, a full reference name, `HEAD` or a commit id names, with any of `~`,
    /// `~N`, `^` and `^N` behind it.
    ///
    /// # Errors
    /// An unknown or ambiguous name, a form that is not understood, an ancestor that does not exist.
    pub fn resolve(&self, text: &str) -> Result<Revision, VcsError> {
        let (base, steps) = text.split_at(text.find(['~', '^']).unwrap_or(text.len()));
        let mut found = self.resolve_name(base)?;
        for step in read_steps(steps).ok_or_else(|| VcsError::RevisionForm { name: text.to_owned() })? {
            found.commit = self.walk(found.commit, step)?.ok_or_else(|| unknown(text, None))?;
            found.name = text.to_owned();
        }
        Ok(found)
    }

    /// The protected branch: `given`, else what `refs/remotes/origin/HEAD` points to, else local `main` or `master`
    /// if only one exists. `given` is a branch or a whole commit id; never a tag, `HEAD` or an expression.
    ///
    /// # Errors
    /// It cannot be told, does not exist, is no branch, or its short name means several things.
    pub fn protected_branch(&self, given: Option<&str>) -> Result<Revision, VcsError> {
        if let Some(name) = given {
            return self.named_protected(name);
        }
        let origin = "refs/remotes/origin/HEAD";
        if let Some(reference) = self.find(origin)? {
            let target = reference.symbolic_target().ok().flatten().unwrap_or(origin).to_owned();
            return self.reference(&target)?.ok_or_else(|| unknown(&target, None));
        }
        let locals = [self.reference("refs/heads/main")?, self.reference("refs/heads/master")?];
        match locals {
            [Some(only), None] | [None, Some(only)] => Ok(only),
            _ => Err(VcsError::NoProtectedBranch { seen: self.branch_names()? }),
        }
    }

    /// The commit that is checked out, under its branch's name where it has one.
    ///
    /// # Errors
    /// No commit yet.
    pub fn head(&self) -> Result<Revision, VcsError> {
        self.resolve_name("HEAD")
    }

    pub(super) fn reference_names(&self, glob: &str) -> Result<Vec<String>, VcsError> {
        let mut out = Vec::new();
        for reference in self.git.references_glob(glob)? {
            out.push(String::from_utf8_lossy(reference?.name_bytes()).into_owned());
        }
        out.sort();
        Ok(out)
    }

    fn named_protected(&self, name: &str) -> Result<Revision, VcsError> {
        let not_a_branch = || VcsError::NotABranch { name: name.to_owned() };
        if name == "HEAD" || name == "@" || name.contains(['~', '^']) {
            return Err(not_a_branch());
        }
        let found = self.resolve_name(name)?;
        let branch = ["refs/heads/", "refs/remotes/"].iter().any(|start| found.name.starts_with(start));
        let whole_id = name == found.commit.to_string();
        if whole_id || branch { Ok(found) } else { Err(not_a_branch()) }
    }

    fn resolve_name(&self, name: &str) -> Result<Revision, VcsError> {
        if name.is_empty() || name.contains(['@', ':', '{', '*', '?', '[', '\\', ' ']) && name != "@" {
            return Err(VcsError::RevisionForm { name: name.to_owned() });
        }
        let mut found = self.references_called(name)?;
        found.extend(self.commit_by_id(name)?);
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(unknown(name, self.nearest_branch(name)?)),
            _ => Err(VcsError::AmbiguousName {
                name: name.to_owned(),
                refs: found.into_iter().map(|r| r.name).collect(),
            }),
        }
    }

    /// Everything that git's rules for short names could mean.
    fn references_called(&self, name: &str) -> Result<Vec<Revision>, VcsError> {
        if name == "HEAD" || name == "@" || name.starts_with("refs/") {
            return Ok(self.reference(if name == "@" { "HEAD" } else { name })?.into_iter().collect());
        }
        let mut out = Vec::new();
        for full in ["refs/heads/", "refs/tags/", "refs/remotes/"] {
            out.extend(self.reference(&format!("{full}{name}"))?);
        }
        out.extend(self.reference(&format!("refs/remotes/{name}/HEAD"))?);
        Ok(out)
    }

    /// The commit of exactly this reference.
    fn reference(&self, full: &str) -> Result<Option<Revision>, VcsError> {
        let Some(reference) = self.find(full)? else { return Ok(None) };
        let resolved = reference.resolve().map_err(|_| unknown(full, None))?;
        let Some(id) = resolved.target() else { return Ok(None) };
        let name = String::from_utf8_lossy(resolved.name_bytes()).into_owned();
        Ok(Some(Revision { commit: self.peel(id)?, name }))
    }

    /// Exactly this reference. One that exists and cannot be read is an error, never an absence.
    fn find(&self, full: &str) -> Result<Option<git2::Reference<'_>>, VcsError> {
        match self.git.find_reference(full) {
            Ok(reference) => Ok(Some(reference)),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit that an id or at least seven of its first digits name.
    fn commit_by_id(&self, hex: &str) -> Result<Option<Revision>, VcsError> {
        if !(7..=40).contains(&hex.len()) || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Ok(None);
        }
        let found = match self.git.find_object_by_prefix(hex, None) {
            Ok(object) => object.id(),
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let commit = self.peel(found)?;
        Ok(Some(Revision { commit, name: commit.to_string() }))
    }

    /// Through annotated tags to the commit.
    fn peel(&self, mut id: Oid) -> Result<CommitId, VcsError> {
        for _ in 0..16 {
            let object = self.git.find_object(id, None)?;
            match object.as_tag() {
                Some(tag) => id = tag.target_id(),
                None if object.kind() == Some(ObjectType::Commit) => return Ok(CommitId(id)),
                None => break,
            }
        }
        Err(unknown(&id.to_string(), None))
    }

    fn walk(&self, from: CommitId, step: Step) -> Result<Option<CommitId>, VcsError> {
        let mut at = from;
        let (times, parent) = match step {
            Step::Back(n) => (n, 0),
            Step::Parent(0) => (0, 0),
            Step::Parent(n) => (1, n - 1),
        };
        for _ in 0..times {
            match self.commit(at)?.parents.get(parent as usize) {
                Some(next) => at = *next,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    fn branch_names(&self) -> Result<Vec<String>, VcsError> {
        let mut out = self.reference_names("refs/heads/*")?;
        out.extend(self.reference_names("refs/remotes/*")?);
        Ok(out)
    }

    fn nearest_branch(&self, name: &str) -> Result<Option<String>, VcsError> {
        let mut names = self.branch_names()?;
        names.extend(self.reference_names("refs/tags/*")?);
        let short = names.iter().filter_map(|full| full.splitn(3, '/').nth(2));
        let near = short.map(|s| (strsim::damerau_levenshtein(s, name), s)).min();
        Ok(near.filter(|(distance, s)| *distance <= s.len() / 3).map(|(_, s)| s.to_owned()))
    }
}

/// One step from a commit to an ancestor.
#[derive(Clone, Copy)]
enum Step {
    /// `~N`: along first parents.
    Back(u32),
    /// `^N`: to the N-th parent.
    Parent(u32),
}

fn read_steps(text: &str) -> Option<Vec<Step>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |at| at + 1);
        let number = if digits == 1 { 1 } else { rest[1..digits].parse().ok()? };
        out.push(if sign == '~' { Step::Back(number) } else { Step::Parent(number) });
        rest = &rest[digits..];
        if !rest.is_empty() && !rest.starts_with(['~', '^']) {
            return None;
        }
    }
    Some(out)
}

fn unknown(name: &str, near: Option<String>) -> VcsError {
    VcsError::UnknownRevision { name: name.to_owned(), near }
}
