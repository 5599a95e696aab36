//! Names that could be taken for the protected branch's: `git rev-parse main` prefers a tag, silently.

use super::branch::EvidenceSource;
use super::error::VcsError;
use super::store::Repository;

impl Repository {
    /// Refuses a repository in which a tag or another branch has a name of the protected branch (`refs/heads/main`), by the rules of
    /// `gitrevisions(7)`.
    ///
    /// # Errors
    /// The references that shadow it.
    pub fn refuse_shadows(&self, source: &EvidenceSource, protected: &str) -> Result<(), VcsError> {
        let short = protected.strip_prefix("refs/heads/").unwrap_or(protected);
        let local = source.local_name(protected);
        let mut names = vec![short.to_owned(), protected.to_owned(), format!("heads/{short}")];
        if let EvidenceSource::Tracking(remote) = source {
            names.extend([format!("{remote}/{short}"), local.clone(), format!("remotes/{remote}/{short}")]);
        }
        let meant = [protected, local.as_str()];
        let mut shadows = Vec::new();
        for full in names.iter().flat_map(|name| expansions(name)) {
            let is_other = !meant.contains(&full.as_str()) && !shadows.contains(&full);
            if is_other && self.exact_or_symbolic(&full)? {
                shadows.push(full);
            }
        }
        match shadows.is_empty() {
            true => Ok(()),
            false => Err(VcsError::Shadowed { name: protected.to_owned(), refs: shadows, remote: None }),
        }
    }

    fn exact_or_symbolic(&self, full: &str) -> Result<bool, VcsError> {
        match self.git.find_reference(full) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.code(), git2::ErrorCode::NotFound | git2::ErrorCode::InvalidSpec) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What git takes a name for, besides a name in full and a remote's `HEAD`.
fn expansions(name: &str) -> [String; 3] {
    ["refs/tags/", "refs/heads/", "refs/"].map(|start| format!("{start}{name}"))
}
