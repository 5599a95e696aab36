//! What somebody at a desk forgets, and then wonders why the answer is what it is. Advice: it changes no verdict and no exit code,
//! and where something cannot be seen, nothing is said of it.

use super::Arguments;
use crate::cli::input::{Judged, PolicySource, Reader, Surroundings};
use crate::cli::screen::Screen;
use crate::report::{CheckFrame, visible};
use crate::vcs::{Repository, Revision};

/// Says on standard error what may have been forgotten, where the working tree is judged.
pub fn remind(
    arguments: &Arguments,
    surroundings: &Surroundings,
    (reader, judged, frame): (&Reader<'_>, &Judged, &CheckFrame),
    screen: &Screen,
) {
    let is_working_tree = arguments.proposed.is_none() && !arguments.merged && !surroundings.ci;
    let PolicySource::Protected(counts) = &judged.policy.source else { return };
    let Some(repo) = Repository::discover(&surroundings.cwd).ok().flatten().filter(|_| is_working_tree) else { return };
    let branch = visible(&counts.name);
    if has_another_policy(&repo, reader, counts) {
        screen.hint(&format!(
            "note: the policy here is not that of {branch}, by which is judged: it counts once it is there\n"
        ));
    } else if frame.is_unchanged && arguments.baseline.is_none() && is_on(&repo, counts) {
        screen.hint(&format!(
            "note: HEAD is {branch} itself, and nothing here differs from it; `fwgate check --baseline rev:HEAD~1` judges the last commit\n"
        ));
    }
}

/// A change cannot change its judge, and who edits the policy sees no difference.
fn has_another_policy(repo: &Repository, reader: &Reader<'_>, counts: &Revision) -> bool {
    let other = repo.tree(counts.commit).ok().and_then(|tree| reader.has_another_policy(repo, &tree).ok());
    other == Some(true)
}

/// Whether a change that was committed to the protected branch itself would look like none.
fn is_on(repo: &Repository, counts: &Revision) -> bool {
    repo.head().is_ok_and(|head| head.commit == counts.commit) && repo.resolve("HEAD~1").is_ok()
}
