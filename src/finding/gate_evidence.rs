//! FW5xx: why the gate gives no permit, for the sake of its evidence and its policy.
//!
//! Each code is one of the gate's reasons under the name that machines read, in lower case with hyphens. None can be waived.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = super::gate_codes![
    "FW501" "root-missing"
        "no root was given from outside the repository, or it comes from the work tree";
        what "Refuses a permit where no root file was given, where it lies in the work tree, or where it cannot be read."
        why "The root says whom to trust. One that the repository brings along says: trust whoever wrote me."
        instead of "fwgate permit CHG-2042"
        write "fwgate permit CHG-2042 --root /etc/fwgate/root.toml"
        mend "Give the root from outside of the repository. `fwgate init --root FILE` makes it once.";
    "FW502" "history-unverifiable"
        "history cannot be checked: the root is no ancestor, an object is missing, git failed";
        what "Gives no verdict where the history that evidence rests on cannot be followed to its beginning."
        why "A gate that passes what it could not check is no gate: an error of git is the commonest bypass."
        instead of "a branch of evidence that does not begin at the fixed root commit"
        write "refs/heads/fwgate/changes/CHG-2042, begun by `fwgate change new`"
        mend "Fetch the remote again and whole; restore missing objects from another clone.";
    "FW503" "history-incomplete"
        "the clone is shallow, partial or grafted";
        what "Refuses clones that are shallow, partial or grafted."
        why "What was cut off may be the rejection."
        instead of "git clone --depth 1"
        write "git clone --no-single-branch URL"
        mend "`git fetch --unshallow`, or clone again without filters; in CI, set the depth to 0.";
    "FW504" "replace-refs-present"
        "replace refs show other objects than those that are named";
        what "Refuses clones with refs under `refs/replace/`."
        why "Git then shows another object than the one that was signed."
        instead of "git replace GOOD BAD"
        write "git replace -d GOOD"
        mend "Delete the replace refs, or clone again.";
    "FW505" "history-rewritten"
        "a witnessed head is no ancestor of the present one: somebody rewrote a branch of evidence";
        what "Refuses where a branch of evidence does not descend from the head that the ledger witnessed last."
        why "A force-push can take away a rejection. The ledger remembers what was there."
        instead of "git push --force REMOTE OLD:refs/heads/fwgate/changes/CHG-2042"
        write "git push REMOTE WITNESSED:refs/heads/fwgate/changes/CHG-2042"
        mend "Restore the head that the message names, and protect `fwgate/**` against force-pushes.";
    "FW506" "ledger-fork"
        "the ledger is gone, rewound or forked against its last witness";
        what "Refuses where the ledger is gone, rewound, or has an entry that does not name the one before it."
        why "The ledger is the memory of what was pushed and witnessed. Without it a permit could be spent twice."
        instead of "a ledger whose head is older than one already seen"
        write "the ledger as it was, restored from another clone"
        mend "Restore the branch `fwgate/ledger` from a clone that has it, and find out who rewound it.";
    "FW507" "ledger-unreachable"
        "the ledger's remote cannot be reached";
        what "Refuses to spend a permit while the remote of the ledger does not answer."
        why "That a permit is spent once is known only where it is written down once."
        instead of "a runner without a route to the remote"
        write "the runner that reaches the remote of the root file"
        mend "Bring the remote back. A rollback needs no ledger.";
    "FW508" "evidence-stale"
        "fetched evidence is older than the last witness";
        what "Refuses where the fetched branches are older than what the last witness saw."
        why "A mirror that hides the newest records hides the rejection among them."
        instead of "a cached clone of yesterday"
        write "git fetch from the root's remote itself"
        mend "Fetch from the remote that the root names, without a cache in between.";
    "FW509" "evidence-unavailable"
        "evidence branches cannot be fetched or made";
        what "Refuses where branches under `fwgate/` cannot be fetched or made."
        why "A branch `fwgate/changes` blocks every branch below it; no evidence then looks like no objection."
        instead of "a branch named fwgate/changes"
        write "branches named fwgate/changes/CHG-2042"
        mend "Delete what is in the way on the remote, and protect the names `fwgate/**`.";
    "FW510" "ref-ambiguous"
        "a tag or local branch has the protected ref's name";
        what "Refuses where a tag or a local branch has the name of the protected branch."
        why "Git prefers a tag to a branch of the same name, so that a judge could be picked by a tag."
        instead of "git tag main COMMIT"
        write "git tag --delete main"
        mend "Delete the tag or branch that the message names.";
    "FW511" "clock-skew"
        "the gate's clock is behind the last witness";
        what "Refuses where the clock of the gate is behind the last witness."
        why "With a clock set back, expired keys and approvals count again."
        instead of "a runner whose clock is a day behind"
        write "the same runner with its clock synchronised"
        mend "Set the clock. The instant of the last witness is in the message.";
    "FW512" "unparsed-input"
        "input of the change was not understood";
        what "Gives no verdict where a ruleset, a change file or a device's facts were not understood."
        why "Half a ruleset proves nothing."
        instead of "-A FORWARD --dprot 443 -j ACCEPT"
        write "-A FORWARD -p tcp --dport 443 -j ACCEPT"
        mend "`fwgate check` shows each place; correct it.";
    "FW513" "limit-exceeded"
        "a bound was exceeded";
        what "Gives no verdict where input is larger, deeper or longer than a bound."
        why "Endless input must end in a refusal, not in a gate that runs for ever."
        instead of "ten thousand commits on the branch of one change"
        write "the change under a new id"
        mend "`fwgate change reissue` gives a flooded change a new id; split input that is too large.";
    "FW514" "policy-missing"
        "there is no policy at the protected ref";
        what "Refuses where the protected branch has no `fwgate.toml`, or where it or a file under `policies/` is no regular file."
        why "Deleting the policy must not delete the gate."
        instead of "fwgate.toml renamed, or a link to a file elsewhere"
        write "fwgate.toml, a regular file at the repository's root"
        mend "Restore the last version of the policy on the protected branch.";
    "FW515" "policy-invalid"
        "the policy contradicts itself or cannot be met";
        what "Refuses by a policy that cannot be read, contradicts itself, or has a quorum that cannot be met."
        why "A threshold of 0, a key of two persons or a role that nobody has makes every later answer meaningless."
        instead of "quorum = [{ role = \"network\", count = 0 }]"
        write "quorum = [{ role = \"network\", count = 2 }]"
        mend "`fwgate policy verify` shows all of it; correct it in a change of the policy.";
    "FW516" "policy-rollback"
        "an older policy came back";
        what "Refuses where the protected branch has a version of the policy that an accepted later one replaced."
        why "An old version is validly signed and may still list somebody who has left."
        instead of "version 3 of the policy on the branch, after version 4"
        write "version 4, or the old text as version 5"
        mend "Restore the last version, or accept the old text as a new version.";
    "FW517" "policy-version-gap"
        "a version of the policy is skipped";
        what "Refuses a version of the policy whose number is not the one in force plus 1."
        why "What stood in the skipped version was approved by nobody."
        instead of "version 1 in force, version 3 on the branch"
        write "version 1 in force, version 2 on the branch"
        mend "Number it as the next version, and let both quorums sign it.";
    "FW518" "policy-unauthorised"
        "the policy at the protected ref was not approved by both quorums";
        what "Refuses where the policy of the protected branch has no records of the quorum before it and of its own quorum."
        why "Whoever can push or merge could otherwise write themselves into the roster."
        instead of "a roster edited on the branch by an administrator"
        write "the same edit with `policy` records of both quorums"
        mend "Sign the version: `fwgate change approve ID --role ROLE` on its change, by both quorums; or revert it.";
    "FW519" "policy-change-mixed"
        "the change touches the policy and something else";
        what "Refuses a change of the policy, or of facts by which devices are judged, that changes anything else."
        why "A change must not change its own judge."
        instead of "one branch that lowers a threshold and opens a port"
        write "two changes, the one of the policy first"
        mend "Make two changes of it, the one of class `policy` with `version` + 1.";
    "FW520" "revocation-unavailable"
        "a revocation list that policy demands cannot be read or is empty";
        what "Refuses where the revocation list that policy demands is missing, unreadable or empty."
        why "A list that can be made empty revokes nothing."
        instead of "revocations = \"policies/revoked.toml\", and no such file"
        write "policies/revoked.toml with at least one `[[revoked]]`"
        mend "Restore the list in a change of the policy.";
    "FW521" "key-type-refused"
        "a kind of key or signature that is not accepted";
        what "Refuses certificates, authorities, DSA, short RSA keys, SHA-1, and hardware signatures without a user present."
        why "Such signatures can be made by somebody else than the person, or by nobody."
        instead of "ssh-rsa of 2048 bits"
        write "ssh-ed25519, or sk-ssh-ed25519@openssh.com"
        mend "Give the person an accepted key, or sign again and touch the key.";
    "FW522" "bad-namespace"
        "a signature for another purpose";
        what "Refuses a signature that was made for another purpose than the one it is used for."
        why "A signature over a file, or of another machine, would otherwise pass for an approval."
        instead of "ssh-keygen -Y sign -n file record"
        write "git commit-tree -S, which signs in the namespace `git`"
        mend "Sign again in the namespace that the message names.";
    "FW523" "key-expired"
        "the key's time is over";
        what "Refuses to count a record whose key is past its last day at the instant of the decision."
        why "Dates in a commit are what its writer says. The clock of the gate decides."
        instead of "a key with until = 2026-06-30, used in July"
        write "a key that counts today"
        mend "Sign with a key that counts, or renew the key in a change of the policy.";
    "FW524" "key-revoked"
        "the key was revoked";
        what "Refuses to count a record whose key was revoked, whenever it was signed."
        why "Nobody knows since when a lost key signs for somebody else."
        instead of "an approval by a key under `[[revoked]]`"
        write "an approval by the person's new key"
        mend "Approve again with another key, or let another person approve.";
    "FW525" "signer-unknown"
        "signed by somebody who is not in the roster";
        what "Refuses to count a record that no key of the policy in force signed."
        why "A name in a commit proves nothing; a new person counts once their version of the policy is in force."
        instead of "an approval by somebody who was removed"
        write "an approval by a person of the roster"
        mend "Let a person of the roster sign, or bring the person in by a change of the policy first.";
    "FW526" "commit-malformed"
        "a record signed by a roster key is malformed";
        what "Refuses a record of a roster key with unknown, doubled or misplaced parts."
        why "What two readers read differently says two things."
        instead of "a record with a second signature, or bytes behind its end"
        write "the record as `fwgate change approve` writes it"
        mend "`fwgate change reissue` gives the change a new id; sign records with the commands.";
    "FW527" "record-mismatch"
        "the words of a record are not what the gate computes";
        what "Refuses a record whose words, or meaning, are not what the gate computes for its content."
        why "Somebody was shown something else than what would be pushed."
        instead of "says: closes nothing"
        write "says: edge1 opens tcp/443 from any to 10.1.0.0/24"
        mend "Sign on your own machine what `fwgate change show` says there.";
    "FW528" "not-yet-valid"
        "a record counts only later";
        what "Refuses to count a record, or a key, whose time has not come."
        why "A record dated ahead would count after its signer has left."
        instead of "a key with from = 2027-01-01, used today"
        write "a key that counts today"
        mend "Wait, correct the clock of the signer, or sign with another key.";
    "FW529" "time-not-monotonic"
        "a record is dated before its parent or before the last witness";
        what "Refuses a record that is dated before the record below it, or before a witness that did not see it."
        why "Backdated records fake lead times and valid keys."
        instead of "a record dated last week, pushed today"
        write "a record dated when it was signed"
        mend "Set the clock of the signing machine; `fwgate change reissue` gives the change a new id.";
    "FW530" "not-an-approval"
        "something that looks like an approval and is none";
        what "Names what looks like an approval and is none: a trailer, an unsigned record, a look-alike key."
        why "People who read it believe that it counts."
        instead of "Approved-by: bob"
        write "fwgate change approve CHG-2042 --role network"
        mend "Approve with the command, which signs a record.";
    "FW531" "empty-change"
        "nothing is changed: no device, no rule, no file";
        what "Refuses a change of no device, no rule or no byte."
        why "An empty plan passes every check. It nearly always means that something failed before."
        instead of "a tree in which no ruleset was found"
        write "a tree with the changed ruleset"
        mend "Commit the change, and announce it: `fwgate change new`.";
    "FW532" "change-id-conflict"
        "two changes share an id";
        what "Refuses ids that two changes share or that differ only in case, and the edit of another change's file."
        why "Records of one change would be read as records of the other."
        instead of "CHG-2042 and Chg-2042"
        write "CHG-2042 and CHG-2043"
        mend "Give one of them another id.";
    "FW533" "path-invalid"
        "a path or name that is not allowed";
        what "Refuses names that another program could read as an option, a path upwards or a command."
        why "A device named `-x` is an option to the program that pushes to it."
        instead of "devices/--help/rules.v4"
        write "devices/edge1/rules.v4"
        mend "Rename it: lower-case letters, digits, `.`, `_` and `-`, beginning and ending with a letter or digit.";
    "FW534" "path-not-regular"
        "a path that is no regular file";
        what "Refuses rulesets that are links, submodules, pointers to large files, or executable."
        why "Their bytes are not in the tree that was approved."
        instead of "devices/edge1/rules.v4, a link"
        write "devices/edge1/rules.v4, a regular file"
        mend "Commit the file itself, without the execute bit.";
    "FW535" "path-collision"
        "two paths that are one on some systems";
        what "Refuses paths that are one path on some systems: by case, or by the form of their letters."
        why "What is pushed then depends on the machine that checked it out."
        instead of "devices/Edge1 beside devices/edge1"
        write "devices/edge1 alone"
        mend "Rename one of them.";
    "FW536" "evil-merge"
        "a merge brings content that neither parent had";
        what "Refuses a merge whose result neither parent nor a clean merge of both has."
        why "No review of the branches shows such a rule."
        instead of "a rule added while a conflict was resolved"
        write "a merge without changes of its own, and the rule as a commit"
        mend "Merge again without changes, and commit the rule by itself.";
    "FW537" "merge-unsupported"
        "a merge of more than two parents";
        what "Refuses merges of more than two parents."
        why "What such a merge should have given is not defined."
        instead of "git merge one two three"
        write "git merge one, then git merge two"
        mend "Merge one branch after the other.";
    "FW538" "commit-graph"
        "the range holds more than its ends show";
        what "Refuses a range in which a commit comes and goes, in which the devices pass a state that the checks refuse (whatever the end is), or \
              which begins outside of the protected branch's history. A part of what is declared is a safe state; what nobody can read is none. \
              Detail `state`: a state on the way; `base`: the beginning."
        why "Such a state can be checked out, cherry-picked or pushed, although nobody approved it; and what comes before the beginning is not looked at."
        instead of "a commit that opens everything, and another one that closes all but the declared port"
        write "one commit that opens the declared port"
        mend "Squash the commits of the range, or announce it again from where it left the protected branch: `fwgate change new ID`.";
];
