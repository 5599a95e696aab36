//! The receipts of machines.

use super::Flaw;
use super::page::{Form, Page, Reader, read_form};
use super::value::{ChangeId, CommitName, List, Words};
use crate::gate::record::{Receipt, ReceiptKind};
use crate::policy::Purpose;

const KINDS: [(&str, ReceiptKind); 3] =
    [("vetting", ReceiptKind::Vetting), ("applied", ReceiptKind::Applied), ("rolled-back", ReceiptKind::RolledBack)];

impl ReceiptKind {
    /// The word of the first line.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| *name)
    }

    /// The purpose of the machine whose receipts of this kind count.
    pub fn purpose(self) -> Purpose {
        match self {
            ReceiptKind::Vetting => Purpose::ReceiptStaging,
            ReceiptKind::Applied | ReceiptKind::RolledBack => Purpose::ReceiptProduction,
        }
    }
}

impl Form for Receipt {
    const GRAMMAR: &'static str = "fwgate-receipt/1";

    fn kind(&self) -> &'static str {
        self.kind.name()
    }

    fn read(kind: &str, lines: &mut Reader<'_>) -> Option<Result<Receipt, Flaw>> {
        let (_, kind) = KINDS.iter().find(|(name, _)| *name == kind)?;
        Some(read_fields(*kind, lines))
    }

    fn write(&self, page: &mut Page) {
        page.line("change", &ChangeId(self.change.clone()))
            .line("content", &self.content)
            .line("devices", &List(self.devices.clone()))
            .line("on", &Words(self.on.clone()))
            .line("flows", &self.flows)
            .line("head", &CommitName(self.head.clone()))
            .line("at", &self.at);
    }
}

fn read_fields(kind: ReceiptKind, lines: &mut Reader<'_>) -> Result<Receipt, Flaw> {
    Ok(Receipt {
        kind,
        change: lines.need::<ChangeId>("change")?.0,
        content: lines.need("content")?,
        devices: lines.need::<List<_>>("devices")?.0,
        on: lines.need::<Words>("on")?.0,
        flows: lines.need("flows")?,
        head: lines.need::<CommitName>("head")?.0,
        at: lines.need("at")?,
    })
}

impl Receipt {
    /// Reads the message of a commit.
    ///
    /// # Errors
    /// The first line that is not as the grammar has it.
    pub fn read(text: &str) -> Result<Receipt, Flaw> {
        read_form(text)
    }

    /// The message of the commit.
    pub fn text(&self) -> String {
        self.page()
    }
}
