//! The latest stable configuration of each device: the last one that was applied, confirmed and read back.

use super::believed::{Believed, Testimony};
use super::ledger::{InForce, Ledger};
use super::log::Log;
use super::record::{Receipt, ReceiptKind, Result as DeviceResult, ResultKind};
use std::collections::BTreeMap;

/// The configuration of a device on which one may fall back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stable {
    /// What it is, since when, and where its bytes are.
    pub known: InForce,
    /// Whether a receipt shows that it was applied, confirmed and read back. Otherwise a quorum adopted it, or only the ledger
    /// knows of it.
    pub is_proved: bool,
    /// Whether the ledger says that something else was applied later, for which there is no receipt.
    pub is_behind: bool,
}

/// The latest stable configuration of every device that the ledger or an adoption knows.
///
/// A result of the ledger counts as proved where the receipt that it names was signed by the machine whose purpose it is and is
/// about the same device and bytes, or where the log has folded in the change's branch. An adoption that is newer than all of
/// these is what runs, by the word of a quorum that read it.
pub fn stable(
    ledger: &Ledger,
    in_force: &BTreeMap<String, InForce>,
    testimonies: &[Testimony],
    log: &Log,
) -> BTreeMap<String, Stable> {
    let mut proved: BTreeMap<&str, &DeviceResult> = BTreeMap::new();
    for result in ledger.results().filter(|r| is_proved(r, testimonies, log)) {
        proved.insert(&result.device, result);
    }
    let of = |(device, known): (&String, &InForce)| {
        let last = proved.get(device.as_str()).map(|r| super::ledger::in_force(r));
        let stable = match last {
            Some(last) if last.at >= known.at => Stable { known: last, is_proved: true, is_behind: false },
            Some(last) if known.receipt.is_some() || is_result(ledger, known) => {
                Stable { known: last, is_proved: true, is_behind: true }
            }
            _ => Stable { known: known.clone(), is_proved: false, is_behind: false },
        };
        (device.clone(), stable)
    };
    in_force.iter().map(of).collect()
}

/// Whether the ledger, and not an adoption, says that this is in force.
fn is_result(ledger: &Ledger, known: &InForce) -> bool {
    ledger.results().any(|r| r.device == known.device && r.at == known.at && r.bytes == known.bytes)
}

fn is_proved(result: &DeviceResult, testimonies: &[Testimony], log: &Log) -> bool {
    let kind = match result.result {
        ResultKind::Applied => ReceiptKind::Applied,
        ResultKind::RolledBack => ReceiptKind::RolledBack,
        ResultKind::Started | ResultKind::Failed => return false,
    };
    let Some(wanted) = result.receipt else { return false };
    let fits = |receipt: &Believed<Receipt>| {
        let said = &receipt.said;
        receipt.digest == wanted
            && said.kind == kind
            && said.devices.iter().any(|(device, bytes)| *device == result.device && *bytes == result.bytes)
    };
    let branch = testimonies.iter().find(|t| t.change == result.change);
    match branch {
        Some(testimony) => testimony.receipts.iter().any(fits),
        None => log.is_closed(&result.change),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gate::ledger::Entry;
    use crate::gate::{Digest, Instant, LedgerEntry, Standing};

    fn result(at: i64, kind: ResultKind, receipt: Option<u8>) -> Entry {
        let result = DeviceResult {
            previous: None,
            at: Instant(at),
            change: "CHG-1".into(),
            nonce: String::new(),
            run: String::new(),
            device: "edge1".into(),
            result: kind,
            bytes: Digest([at as u8; 32]),
            head: String::new(),
            receipt: receipt.map(|n| Digest([n; 32])),
        };
        let (commit, key) = (String::new(), String::new());
        Entry { said: LedgerEntry::Result(result), commit, digest: Digest([0; 32]), key }
    }

    fn receipt(number: u8, at: i64, kind: ReceiptKind) -> Believed<Receipt> {
        let said = Receipt {
            kind,
            change: "CHG-1".into(),
            content: Digest([0; 32]),
            devices: vec![("edge1".into(), Digest([at as u8; 32]))],
            on: String::new(),
            flows: 0,
            head: String::new(),
            at: Instant(at),
        };
        let (by, key, commit) = (String::new(), String::new(), String::new());
        let digest = Digest([number; 32]);
        Believed { said, by, key, standing: Standing::Good, at: Instant(at), witnessed: None, commit, digest, order: 0 }
    }

    fn found(entries: Vec<Entry>, receipts: Vec<Believed<Receipt>>) -> Stable {
        let ledger = Ledger { entries, refusals: Vec::new() };
        let testimony = Testimony { change: "CHG-1".into(), receipts, ..Testimony::default() };
        stable(&ledger, &ledger.in_force(), &[testimony], &Log::default()).remove("edge1").unwrap()
    }

    #[test]
    fn the_last_one_with_its_receipt_is_stable() {
        let all = vec![result(1, ResultKind::Applied, Some(1)), result(2, ResultKind::Applied, Some(2))];
        let both = vec![receipt(1, 1, ReceiptKind::Applied), receipt(2, 2, ReceiptKind::Applied)];
        let now = found(all.clone(), both.clone());
        assert_eq!((now.known.at.0, now.is_proved, now.is_behind), (2, true, false));
        // Applied by the ledger's word alone: the one before is what one may fall back on.
        let now = found(all.clone(), both[..1].to_vec());
        assert_eq!((now.known.at.0, now.is_proved, now.is_behind), (1, true, true));
        // A receipt of other bytes, or of another kind, is none.
        let other = vec![receipt(1, 1, ReceiptKind::Applied), receipt(2, 1, ReceiptKind::Applied)];
        assert_eq!(found(all.clone(), other).known.at.0, 1);
        let kind = vec![receipt(1, 1, ReceiptKind::Applied), receipt(2, 2, ReceiptKind::RolledBack)];
        assert_eq!(found(all, kind).known.at.0, 1);
    }

    #[test]
    fn without_any_receipt_nothing_is_proved() {
        let now = found(vec![result(1, ResultKind::Applied, None)], Vec::new());
        assert_eq!((now.known.at.0, now.is_proved), (1, false));
    }

    #[test]
    fn what_an_adoption_says_later_is_what_runs() {
        let ledger = Ledger { entries: vec![result(1, ResultKind::Applied, Some(1))], refusals: Vec::new() };
        let testimony = Testimony {
            change: "CHG-1".into(),
            receipts: vec![receipt(1, 1, ReceiptKind::Applied)],
            ..Testimony::default()
        };
        let adopted = InForce { at: Instant(5), receipt: None, ..ledger.in_force().remove("edge1").unwrap() };
        let adopted = InForce { bytes: Digest([9; 32]), ..adopted };
        let in_force = BTreeMap::from([("edge1".to_owned(), adopted)]);
        let now = stable(&ledger, &in_force, &[testimony], &Log::default()).remove("edge1").unwrap();
        assert_eq!((now.known.at.0, now.is_proved), (5, false));
    }
}
