//! Who had a part in the commits of a range: they may not approve it.
//!
//! Signers are known by their keys. Authors and co-authors are believed where they accuse themselves: a name that somebody puts
//! into a commit can only take approvals away. `.mailmap` has no part in it.

use super::believed::{looks_like_approval, signer};
use super::commit::OrdinaryCommit;
use super::roster::{Owner, Roster};
use crate::policy::Person;
use crate::vcs::RawCommit;
use std::collections::BTreeSet;

/// What one commit of a range says about people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The commit's id.
    pub commit: String,
    /// The id of the person of the roster who signed it, whatever the commit says.
    pub signer: Option<String>,
    /// Ids of persons who signed it or whom it names as author, committer or co-author, by the addresses of the policy.
    pub persons: BTreeSet<String>,
    /// Addresses of authors and co-authors that the policy gives to nobody. A committer that nobody knows is a forge's.
    pub unknown: BTreeSet<String>,
    /// Whether its message has what looks like an approval: `NOT_AN_APPROVAL`.
    pub looks_like_approval: bool,
}

/// Reads who had a part in these commits.
pub fn contributions(commits: &[RawCommit], roster: &Roster, persons: &[Person]) -> Vec<Contribution> {
    commits.iter().map(|raw| contribution(raw, roster, persons)).collect()
}

fn contribution(raw: &RawCommit, roster: &Roster, persons: &[Person]) -> Contribution {
    let commit = OrdinaryCommit::read(&raw.bytes);
    let signer = signer(&commit.seals, roster).ok().and_then(|signed| match &signed.holder.owner {
        Owner::Person(id) => Some(id.clone()),
        Owner::Machine(..) => None,
    });
    let committer = commit.committer.as_ref().map(|c| c.email.to_ascii_lowercase());
    let author = commit.author.as_ref().map(|a| a.email.to_ascii_lowercase());
    let mut out = Contribution {
        commit: raw.id.clone(),
        persons: signer.iter().cloned().collect(),
        signer,
        unknown: BTreeSet::new(),
        looks_like_approval: looks_like_approval(&commit.message),
    };
    for address in commit.claimants() {
        match persons.iter().find(|person| has_address(person, &address)) {
            Some(person) => drop(out.persons.insert(person.id.value.clone())),
            None if Some(&address) == committer.as_ref() && Some(&address) != author.as_ref() => {}
            None => drop(out.unknown.insert(address)),
        }
    }
    out
}

fn has_address(person: &Person, address: &str) -> bool {
    person.emails.iter().any(|email| email.value.eq_ignore_ascii_case(address))
}
