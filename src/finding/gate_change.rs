//! FW5xx: why the gate gives no permit, for the sake of the change, its people and its time.
//!
//! Each code is one of the gate's reasons under the name that machines read, in lower case with hyphens. None can be waived.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = super::gate_codes![
    "FW539" "check-refused"
        "the checks refuse the change itself: a requirement lost, an effect outside the intent";
        what "Refuses what `fwgate check` refuses under the policy in force."
        why "Approvals do not make a lost requirement work."
        instead of "a change that takes a required flow away"
        write "the same change with the rule kept"
        mend "`fwgate check --change changes/ID.toml` shows each finding; correct the change or, first, the policy.";
    "FW540" "not-staged"
        "not staged as its class demands";
        what "Refuses a change of which nothing was loaded outside of production, where its class demands it."
        why "The first device to see a ruleset should not be one that users depend on."
        instead of "no vetting receipt on the change's branch"
        write "fwgate stage CHG-2042"
        mend "Run `fwgate stage ID`.";
    "FW541" "not-vetted"
        "not vetted as its class demands";
        what "Refuses a change whose exact bytes have no vetting receipt for each device, and an approval that names none."
        why "What was tried must be what is pushed, and approvers must have seen that it was tried."
        instead of "a receipt for one of two devices"
        write "a receipt for both"
        mend "Run `fwgate vet ID`, then approve.";
    "FW542" "receipt-mismatch"
        "a vetting receipt is of another artefact or device";
        what "Refuses a vetting receipt of other bytes, another change, or a device that does not stand for the target."
        why "A receipt of something else proves nothing about this."
        instead of "a receipt made before the last commit"
        write "a receipt made after it"
        mend "Run `fwgate stage ID` and `fwgate vet ID` again; approve with the new receipt.";
    "FW543" "receipt-untrusted"
        "a receipt is not signed by the machine whose purpose it is";
        what "Refuses a receipt that the machine for such receipts did not sign."
        why "A person, or a job of a pull request, could write what they like."
        instead of "a vetting receipt signed by a person"
        write "one signed by the machine with purpose `receipt-staging`"
        mend "Let the machine of that purpose make the receipt.";
    "FW544" "approval-missing"
        "not enough approvals";
        what "Refuses while a place of the quorum is open, and names who could take it."
        why "Each place is a pair of eyes that policy asks for. One person takes one place."
        instead of "1 of 2 approvals as `network`"
        write "2 of 2 approvals as `network`"
        mend "`fwgate change approve ID --role ROLE`, by one of the persons that the message names.";
    "FW545" "role-missing"
        "the signer has not the role that the record names";
        what "Refuses to count a record for a role that its signer does not have."
        why "Roles are what the quorum is made of."
        instead of "bob approves as `security` and has only `network`"
        write "bob approves as `network`"
        mend "Sign with a role that you have, or let somebody else sign.";
    "FW546" "approval-stale"
        "an approval of something else than what would be pushed";
        what "Refuses to count an approval of other content, unless its meaning is the same and the class carries approvals over."
        why "What was approved is not what would be pushed. Detail `baseline-moved`: the proposal is the same, and what is in force is not. \
             Detail `rolled-back`: the change was taken back, so that what was approved did not hold."
        instead of "an approval, and then another commit"
        write "another commit, and then the approval"
        mend "Look at `fwgate change show ID` and approve again; what was rolled back is said anew with `fwgate change reissue ID`.";
    "FW547" "approval-expired"
        "an approval that is too old";
        what "Refuses to count an approval past its own end or past `approval_lifetime`."
        why "Months later nobody remembers what was looked at."
        instead of "an approval of last month, with approval_lifetime = \"14d\""
        write "an approval of this week"
        mend "Approve it again.";
    "FW548" "self-approval"
        "the author approved";
        what "Refuses to count an approval by an author of the change, of this announcement or an earlier one."
        why "A second person is the point of an approval."
        instead of "alice announces and approves"
        write "alice announces, bob approves"
        mend "Somebody else approves.";
    "FW549" "contributor-approval"
        "somebody who contributed approved";
        what "Refuses to count an approval by somebody who wrote or signed a commit of the change, or one before it whose bytes are not in force \
              yet and would be pushed along."
        why "They would approve their own work."
        instead of "bob commits to the branch and approves"
        write "bob commits, carol approves"
        mend "Somebody who had no part in it approves.";
    "FW550" "duplicate-principal"
        "one person approved twice";
        what "Refuses to count one person twice, with whatever keys."
        why "Two keys are not two persons."
        instead of "bob approves with his laptop's key and with his token"
        write "bob approves, carol approves"
        mend "Another person approves.";
    "FW551" "wrong-target"
        "an approval for other devices";
        what "Refuses to count an approval for other devices than the change has now."
        why "A rule that is harmless on one device opens another."
        instead of "an approval for edge1, used for core1"
        write "an approval for core1"
        mend "Approve again what `fwgate change show ID` shows.";
    "FW552" "wrong-stage"
        "an approval for another stage";
        what "Refuses to count an approval for staging as one for production."
        why "Trying something out and letting it go are two decisions."
        instead of "stage: staging for a push"
        write "stage: production"
        mend "Approve for production once the change has been vetted.";
    "FW553" "wrong-context"
        "an approval out of another repository";
        what "Refuses to count an approval of content that was never announced here, or of another change."
        why "Signed commits can be carried from a fork or another repository."
        instead of "an approval fetched from a fork"
        write "an approval signed for this change"
        mend "Approve this change itself.";
    "FW554" "rejected"
        "somebody with the right to do so rejected the change";
        what "Refuses while a rejection by somebody with the right to reject stands."
        why "One voice that knows better is enough. A rejection outlives its signer's removal and its key."
        instead of "bob rejects, three others approve"
        write "bob takes it back, and approves again"
        mend "The rejector takes it back, or a quorum without the author lifts it: `fwgate change override-reject`.";
    "FW555" "withdrawn"
        "the change was withdrawn";
        what "Refuses a change that its author took back."
        why "Nobody answers for it any more."
        instead of "fwgate change withdraw CHG-2042"
        write "fwgate change new CHG-2042"
        mend "The author announces it again.";
    "FW556" "held"
        "the change is on hold";
        what "Refuses while a hold by somebody with the right to hold stands."
        why "It is the stop button, for one change or for all, also in the middle of a push."
        instead of "fwgate change hold CHG-2042 --until TIME"
        write "the hold taken back, or over"
        mend "Wait until the hold ends, or let its signer take it back.";
    "FW557" "not-scheduled"
        "no window is known for the change";
        what "Refuses where no window is known for all devices of the change."
        why "Without a window nobody expects the change."
        instead of "a device that no `[[window]]` selects"
        write "a `[[window]]` for it, or a schedule record"
        mend "Let a person who may schedule sign a window, or add one in a change of the policy.";
    "FW558" "lead-time"
        "announced too late before its window";
        what "Refuses until the lead time has passed since the ledger first witnessed the announcement."
        why "Lead time is for people to object. Dates in commits can be invented; witnesses cannot."
        instead of "a schedule record dated yesterday, witnessed now"
        write "the same record, witnessed yesterday"
        mend "Wait until the instant that the message names, or schedule a later window.";
    "FW559" "schedule-invalid"
        "the schedule makes no sense: no such local time, an end before its beginning, an unknown zone";
        what "Refuses windows and freezes that make no sense."
        why "A window that is guessed is open when nobody expects it."
        instead of "from = \"2026-03-08T02:30:00[America/Toronto]\""
        write "from = \"2026-03-08T03:30:00[America/Toronto]\""
        mend "Correct the time; [the calendar](calendar.md) has a table of verdicts.";
    "FW560" "outside-window"
        "outside the window";
        what "Refuses outside of the window of the change."
        why "Changes go when people are there to see what they do."
        instead of "a push on Monday at noon"
        write "a push on Tuesday at 22:00"
        mend "Wait for the window that the message names, or let a person who may schedule move it inside a window of policy.";
    "FW561" "frozen"
        "the change lies inside a freeze";
        what "Refuses inside a freeze that binds the class and some device of the change."
        why "A freeze wins over every window and every approval, also those from before it."
        instead of "a push on 24 December, inside a freeze"
        write "a push that comes after it"
        mend "Wait until the freeze is over. Classes under its `allow` may go.";
    "FW562" "conflict"
        "another scheduled change touches the same";
        what "Refuses while an approved change that was announced before touches the same devices in the same window."
        why "Two changes of one device at one time cannot be told apart when something breaks."
        instead of "CHG-1 and CHG-2 on edge1, both on Tuesday"
        write "CHG-2 on Thursday"
        mend "Push the other first, or schedule this one later.";
    "FW563" "proof-stale"
        "the proof does not hold any more beside another scheduled change";
        what "Refuses where another approved change and this one break together what neither breaks alone."
        why "Each was proved against what is in force now, not against the other."
        instead of "A closes one way, B the other"
        write "A, and B announced again after A was pushed"
        mend "Push one, then announce the other again; or withdraw one.";
    "FW564" "not-converged"
        "the fleet has not converged after the last push";
        what "Refuses the next change while some device has no receipt after the last push."
        why "Nobody knows what runs on it, so that the next proof has no ground."
        instead of "edge7 failed in the last push"
        write "edge7 rolled back, pushed again, or in quarantine"
        mend "Finish or roll back the push that the message names, or put the device in quarantine.";
    "FW565" "stage-not-isolated"
        "staging and production share something";
        what "Refuses staging that shares a credential, host or address with production."
        why "A rehearsal must not be able to reach the stage."
        instead of "one deploy key for both"
        write "a key for each of them"
        mend "Give staging a transport and credentials of its own.";
    "FW566" "no-rollback"
        "the way back is missing, unreadable or not the baseline";
        what "Refuses where the bytes in force of some device are missing, unreadable or not what it runs."
        why "Without a way back a mistake stays."
        instead of "a device that nobody has ever adopted"
        write "fwgate adopt edge1"
        mend "`fwgate adopt DEVICE` makes what it runs the baseline, once approved.";
    "FW567" "unsafe-push-mode"
        "a push that cannot undo itself";
        what "Refuses to push where the device would not undo the change by itself."
        why "Whoever locks themselves out cannot type the rollback."
        instead of "apply without `confirm_timer`"
        write "confirm_timer = \"120s\""
        mend "Give the transport a `confirm_timer`; eventual ones a `deadline`, a `canary` and a `rollback`.";
    "FW568" "transport-unsafe"
        "a transport that is a shell string";
        what "Refuses commands of transports that a shell would read, or with placeholders inside of arguments."
        why "A device's name or address would become code."
        instead of "read = \"ssh edge1 iptables-save\""
        write "read = [\"ssh\", \"{address}\", \"iptables-save\"]"
        mend "Write the program and each argument by itself.";
    "FW569" "emergency-invalid"
        "an emergency that is none";
        what "Refuses an emergency that was not declared for this content, is over, used, without a reason, normal in its effect, or of one person alone."
        why "The way around the window must be narrower than the way through it."
        instead of "class = \"emergency\" for a new service"
        write "class = \"normal\", or an effect that only closes or restores"
        mend "`fwgate change emergency ID --reason TEXT`, with a second person; or the normal way.";
    "FW570" "review-overdue"
        "the review after an emergency is overdue";
        what "Refuses every permit but rollbacks and emergencies while the review of an emergency is overdue."
        why "An emergency borrows the review. Unpaid, it becomes the usual way."
        instead of "an emergency of last month without a review"
        write "fwgate change review CHG-9"
        mend "Review the emergency that the message names.";
    "FW571" "template-bounds"
        "parameters outside the bounds of a template";
        what "Refuses a standard change that leaves its template."
        why "The template was approved once, for what is inside of it."
        instead of "an intent for tcp/22, where the template says tcp/443"
        write "class = \"normal\""
        mend "Narrow the change, or take the normal way.";
    "FW572" "outside-lab"
        "the effect of a test leaves the lab";
        what "Refuses a test whose effect has a packet or a device outside of the lab."
        why "Tests go with fewer words because nobody depends on the lab."
        instead of "a test that opens a way to 10.2.0.1"
        write "a test inside 192.0.2.0/24"
        mend "Narrow the change, or take the normal way.";
    "FW573" "permit-spent"
        "the permit has been spent";
        what "Refuses a permit that the ledger knows as finished."
        why "A permit is for one push."
        instead of "fwgate push with the permit of last week"
        write "fwgate permit CHG-2042, and push with that"
        mend "Ask for a new permit.";
    "FW574" "permit-claimed"
        "the permit is being used by another run";
        what "Refuses a permit that another run holds by a lease that is not over."
        why "Two runs on one device undo each other."
        instead of "a second controller with the same permit"
        write "the first run, or the same holder after the lease"
        mend "Wait for the other run or the end of its lease.";
    "FW575" "permit-expired"
        "the permit's time is over";
        what "Refuses a permit past its end."
        why "What was true at the time of the permit need not be true now."
        instead of "a permit of this morning, with permit_lifetime = \"2h\""
        write "a permit that was given just now"
        mend "Ask for a new permit.";
    "FW576" "permit-mismatch"
        "what would be pushed is not what the permit names";
        what "Refuses to push other bytes, devices or transports than the permit names."
        why "A file can be changed between check and push."
        instead of "rules.v4 edited after the permit"
        write "rules.v4 as approved"
        mend "Push what was approved, or announce the new content.";
    "FW577" "permit-untrusted"
        "the permit is not signed by the machine whose purpose it is";
        what "Refuses a permit that the machine for permits did not sign."
        why "Whoever could sign permits could skip the gate."
        instead of "a permit signed by a person"
        write "one signed by the machine with purpose `permit`"
        mend "Let the deploy environment make the permit.";
    "FW578" "permit-wrong-holder"
        "the permit belongs to another";
        what "Refuses a permit that was given to another."
        why "A copied permit must be of no use."
        instead of "a permit for deployer, shown by another"
        write "a permit for the one who pushes"
        mend "Ask for a permit of your own.";
    "FW579" "drift"
        "the device does not run the baseline";
        what "Refuses to push to a device that does not run the baseline."
        why "The proof was about another ruleset, and the rollback would undo somebody's work."
        instead of "a rule that was added by hand on edge1"
        write "edge1 as the baseline, or the rule adopted"
        mend "`fwgate adopt DEVICE`, or roll the device back to the baseline.";
    "FW580" "readback-invalid"
        "what was read back is empty, unreadable, another host's, or an echo";
        what "Refuses a read-back that is empty, unreadable, of another host, or an echo of what was sent."
        why "Only what the device itself says proves what it runs."
        instead of "a read-back without a line"
        write "the ruleset of the device, with its identity and the nonce"
        mend "Mend the `read` and `identity` commands of the transport.";
    "FW581" "audit-chain-broken"
        "the chain of the log is broken";
        what "Refuses a log in which an entry was edited, taken out or moved."
        why "A log that can be edited proves nothing about what was right then."
        instead of "a log whose entry names another before it"
        write "the log restored from another clone"
        mend "Restore the branch `fwgate/log` from a clone that has it.";
];
