//! Whether one approval counts, and if not, why.

use super::Bench;
use crate::gate::believed::Believed;
use crate::gate::evidence::Analysis;
use crate::gate::reason::{Reason, ReasonCode};
use crate::gate::record::{Approve, Change, Receipt, ReceiptKind, Record, Stage};
use crate::gate::roster::Standing;

/// An approval that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Support<'a> {
    pub record: &'a Believed<Record>,
    pub approve: &'a Approve,
    /// Whether its content is another and its meaning the same.
    pub is_carried: bool,
}

impl<'a> Bench<'a> {
    /// Judges an approval.
    ///
    /// # Errors
    /// Everything that speaks against it; nothing can be approved that was not analysed.
    pub(super) fn approval(
        &self,
        record: &'a Believed<Record>,
        approve: &'a Approve,
    ) -> Result<Support<'a>, Vec<Reason>> {
        if self.case.analysis.is_none() {
            return Err(Vec::new());
        }
        let mut doubts: Vec<Reason> = Vec::new();
        doubts.extend(self.signer_doubt(record));
        doubts.extend(self.person_doubts(record, approve));
        if approve.stage != Stage::Production {
            let message = format!("the approval of `{}` is for {}", record.by, approve.stage.name());
            doubts.push(Reason::new(ReasonCode::WrongStage, message, self.command(&approve.role)));
        }
        let content = self.content_doubts(record, approve);
        let is_carried = content.as_ref().is_ok_and(|carried| *carried);
        doubts.extend(self.age_doubt(record, approve));
        match content {
            Ok(_) => doubts.extend(self.vetting_doubt(record, approve)),
            Err(stale) => doubts.extend(stale),
        }
        if doubts.is_empty() { Ok(Support { record, approve, is_carried }) } else { Err(doubts) }
    }

    fn signer_doubt(&self, record: &Believed<Record>) -> Option<Reason> {
        let code = record.standing.code()?;
        let why = match record.standing {
            Standing::Good => return None,
            Standing::NotYetValid => "counts only later",
            Standing::Expired => "is past its last day",
            Standing::Revoked => "was revoked",
            Standing::Former => "is in no roster any more",
        };
        let message = format!("the approval of `{}` is signed by a key that {why}", record.by);
        Some(Reason::new(
            code,
            message,
            format!("sign with a key that counts, or let somebody else approve: {}", self.command("ROLE")),
        ))
    }

    fn person_doubts(&self, record: &Believed<Record>, approve: &Approve) -> Vec<Reason> {
        let by = record.by.as_str();
        let (id, role) = (self.case.id, &approve.role);
        let mut out = Vec::new();
        let is_author = self.parties.authors.contains(by);
        if is_author {
            let message = format!("`{by}` is the author of {id} and approved it");
            out.push(Reason::new(
                ReasonCode::SelfApproval,
                message,
                format!("somebody else approves: {}", self.command(role)),
            ));
        } else if self.parties.contributors.contains(by) {
            let message = format!("`{by}` contributed to {id} and approved it");
            out.push(Reason::new(
                ReasonCode::ContributorApproval,
                message,
                format!("somebody else approves: {}", self.command(role)),
            ));
        }
        if is_author && self.parties.announcements.iter().any(|(b, _)| b.by == by && b.key != record.key) {
            let message =
                format!("`{by}` signed {id} with one key and approved it with another: two keys are one person");
            out.push(Reason::new(
                ReasonCode::DuplicatePrincipal,
                message,
                format!("another person approves: {}", self.command(role)),
            ));
        }
        if !self.roles.get(by).is_some_and(|roles| roles.contains(role)) && record.standing != Standing::Former {
            let message = format!("`{by}` approved as `{role}` and does not have that role");
            out.push(Reason::new(
                ReasonCode::RoleMissing,
                message,
                format!("approve with a role that you have: {}", self.command("ROLE")),
            ));
        }
        out
    }

    /// Whether the approval is carried over from other content of the same meaning.
    fn content_doubts(&self, record: &Believed<Record>, approve: &Approve) -> Result<bool, Vec<Reason>> {
        let Some(analysis) = self.case.analysis else { return Err(Vec::new()) };
        if approve.content == analysis.content {
            return Ok(false);
        }
        let named = self.named(approve);
        if approve.meaning == analysis.meaning && self.terms.carry_over && self.is_same_edit(record, named) {
            return Ok(true);
        }
        let latest = self.parties.latest.map(|(_, c)| c.content);
        let detail = if latest == Some(approve.content) { "baseline-moved" } else { "edited" };
        let by = &record.by;
        let what = match detail {
            "baseline-moved" => "since then what is in force has changed, and the change does something else",
            _ => "it is of other content than what would be pushed",
        };
        let message = format!("the approval of `{by}` is stale: {what}");
        let mut out = vec![Reason::new(ReasonCode::ApprovalStale, message, self.command(&approve.role)).detail(detail)];
        out.extend(self.target_doubt(by, approve, named));
        Err(out)
    }

    /// The last announcement of the content that an approval names.
    fn named(&self, approve: &Approve) -> Option<(&'a Believed<Record>, &'a Change)> {
        self.parties.announcements.iter().rev().find(|(_, c)| c.content == approve.content).copied()
    }

    /// Whether the author has edited nothing but comments since the approval: what meaning does not see, such as a rule that
    /// logs, was not approved. An approval of content that nobody announced, because the base had moved, is of the announcement
    /// before it.
    fn is_same_edit(&self, record: &Believed<Record>, named: Option<(&Believed<Record>, &Change)>) -> bool {
        let Some(edits) = self.case.edits else { return true };
        let before = || self.parties.announcements.iter().rfind(|(b, _)| b.order < record.order).copied();
        let of = |(announcement, _): (&Believed<Record>, _)| edits.get(&announcement.order);
        let approved = named.or_else(before).and_then(of);
        approved.is_some() && approved == self.parties.latest.and_then(of)
    }

    /// An approval of other devices, or of content that nobody announced here.
    fn target_doubt(&self, by: &str, approve: &Approve, named: Option<(&Believed<Record>, &Change)>) -> Option<Reason> {
        let devices: Vec<&String> = self.case.analysis?.devices.iter().map(|(d, _)| d).collect();
        let is_elsewhere = |b: &Believed<Record>| self.case.edits.is_some_and(|edits| !edits.contains_key(&b.order));
        match named {
            Some((announcement, _)) if is_elsewhere(announcement) => {
                let message = format!(
                    "the approval of `{by}` is of content announced by commits that this repository does not have"
                );
                Some(Reason::new(ReasonCode::WrongContext, message, self.command(&approve.role)))
            }
            None => {
                let message = format!(
                    "the approval of `{by}` is of content that was never announced in this repository for {}",
                    self.case.id
                );
                Some(Reason::new(ReasonCode::WrongContext, message, self.command(&approve.role)))
            }
            Some((_, change)) if change.devices.iter().ne(devices.iter().copied()) => {
                let message =
                    format!("the approval of `{by}` is for {}, not for {}", list(&change.devices), list(&devices));
                Some(Reason::new(ReasonCode::WrongTarget, message, self.command(&approve.role)))
            }
            Some(_) => None,
        }
    }

    fn age_doubt(&self, record: &Believed<Record>, approve: &Approve) -> Option<Reason> {
        let first = record.witnessed.unwrap_or(record.at);
        let end = first.after(self.terms.approval_lifetime).min(approve.not_after);
        let message = format!("the approval of `{}` counted until {end}", record.by);
        (self.case.now > end).then(|| Reason::new(ReasonCode::ApprovalExpired, message, self.command(&approve.role)))
    }

    /// An approval names the receipt that its signer saw: order by hash, not by date.
    fn vetting_doubt(&self, record: &Believed<Record>, approve: &Approve) -> Option<Reason> {
        if !self.terms.is_vetted() {
            return None;
        }
        let by = &record.by;
        let Some(named) = approve.vetting else {
            let message = format!("the approval of `{by}` names no vetting receipt");
            return Some(Reason::new(ReasonCode::NotVetted, message, self.command(&approve.role)));
        };
        let receipt =
            self.case.testimony.receipts.iter().find(|r| r.digest == named && r.said.kind == ReceiptKind::Vetting);
        let fits = receipt.is_some_and(|r| r.order < record.order && self.is_receipt_of(r, approve));
        let message = format!("the approval of `{by}` names a vetting receipt that is not of what it approves");
        (!fits).then(|| Reason::new(ReasonCode::ReceiptMismatch, message, self.command(&approve.role)))
    }

    /// Whether a receipt is of what an approval approves: of its content, or, where that is what would be pushed, of exactly its bytes
    /// (only the baseline had moved between the two).
    fn is_receipt_of(&self, receipt: &Believed<Receipt>, approve: &Approve) -> bool {
        let is_present = |analysis: &&Analysis| analysis.content == approve.content;
        let present = self.case.analysis.filter(is_present);
        receipt.said.content == approve.content || present.is_some_and(|a| receipt.said.is_of_bytes(&a.devices))
    }
}

fn list(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() { "no device".to_owned() } else { names.join(", ") }
}
