//! The permit: a text that names one push in full, with the signature of the machine that may give it.

mod text;
mod trust;

pub use trust::{PermitRoster, PermitTrust, VerifiedPermit, untrusted};

use super::instant::Instant;
use super::reason::{Reason, ReasonCode};
use super::record::Digest;
use std::time::Duration;

/// The signature namespace of permits.
pub const PERMIT_NAMESPACE: &str = "fwgate-permit@v1";

/// What may be pushed, by whom, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The repository's id.
    pub repository: String,
    /// The change.
    pub change: String,
    /// Its content digest.
    pub content: Digest,
    /// The digest of the transports that policy names for its devices.
    pub transport: Digest,
    /// The commit that holds the proposal, 40 hexadecimal digits.
    pub head: String,
    /// Who may spend it.
    pub holder: String,
    /// The beginning and the end of its window.
    pub window: (Instant, Instant),
    /// What makes it single-use: 32 hexadecimal digits.
    pub nonce: String,
    /// When it was given.
    pub issued: Instant,
    /// The last instant at which a device may be begun, the confirmation timer included.
    pub expires: Instant,
    /// How long a device waits for a confirmation before it takes the change back by itself.
    pub confirm: Duration,
    /// The devices, sorted by name.
    pub devices: Vec<PermittedDevice>,
    /// The approvals that it rests on (SHA-256 of their messages), sorted.
    pub approvals: Vec<Digest>,
}

/// One device of a permit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermittedDevice {
    /// Its name.
    pub name: String,
    /// The digest of the bytes that it gets.
    pub proposal: Digest,
    /// The digest of the bytes that it goes back to.
    pub rollback: Digest,
}

/// A permit file, read but not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermitFile {
    /// What it says.
    pub permit: Permit,
    /// The bytes that are signed.
    pub signed: Vec<u8>,
    /// The armored signature.
    pub signature: String,
}

/// What the gate computes at the time of the push, to be compared with the permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The repository's id, from the root.
    pub repository: &'a str,
    /// The change.
    pub change: &'a str,
    /// The content digest.
    pub content: Digest,
    /// The digest of the transports of the policy in force.
    pub transport: Digest,
    /// Who wants to push.
    pub holder: &'a str,
    /// The devices with the digests of what was read now, sorted by name.
    pub devices: &'a [PermittedDevice],
}

impl Permit {
    /// Everything that stands against spending this permit at `now`, apart from the ledger.
    pub fn objections(&self, expected: &Expected<'_>, now: Instant) -> Vec<Reason> {
        let mut out = self.mismatches(expected);
        if self.holder != expected.holder {
            let message = format!("the permit belongs to `{}`, and `{}` presents it", self.holder, expected.holder);
            let fix =
                format!("whoever is `{}` pushes with it; for yourself, {}", self.holder, take_a_new_one(&self.change));
            out.push(Reason::new(ReasonCode::PermitWrongHolder, message, fix));
        }
        out.extend(self.untimely(now));
        out
    }

    /// What the permit names otherwise than the gate computes it.
    fn mismatches(&self, expected: &Expected<'_>) -> Vec<Reason> {
        let named = [
            ("repository", self.repository == expected.repository),
            ("change", self.change == expected.change),
            ("content", self.content == expected.content),
            ("transport", self.transport == expected.transport),
        ];
        let other = named.into_iter().filter(|(_, is_same)| !is_same).map(|(what, _)| {
            let message = format!("the {what} is not the one that the permit names");
            Reason::new(ReasonCode::PermitMismatch, message, take_a_new_one(&self.change)).detail(what)
        });
        other.chain(self.device_mismatches(expected)).collect()
    }

    fn device_mismatches(&self, expected: &Expected<'_>) -> Vec<Reason> {
        let mut out = Vec::new();
        let mut mismatch = |code, message: String, detail| {
            out.push(Reason::new(code, message, take_a_new_one(&self.change)).detail(detail));
        };
        for mine in &self.devices {
            match expected.devices.iter().find(|d| d.name == mine.name) {
                None => mismatch(
                    ReasonCode::PermitMismatch,
                    format!("the change does not touch `{}`, which the permit names", mine.name),
                    "devices",
                ),
                Some(now) if now.proposal != mine.proposal => mismatch(
                    ReasonCode::PermitMismatch,
                    format!("the bytes for `{}` are not those that the permit names", mine.name),
                    "device",
                ),
                Some(now) if now.rollback != mine.rollback => mismatch(
                    ReasonCode::NoRollback,
                    format!("the way back of `{}` is not the one that the permit names", mine.name),
                    "rollback",
                ),
                Some(_) => {}
            }
        }
        for other in expected.devices.iter().filter(|d| !self.devices.iter().any(|m| m.name == d.name)) {
            let message = format!("the permit does not name `{}`, which the change touches", other.name);
            mismatch(ReasonCode::PermitMismatch, message, "devices");
        }
        out
    }

    /// Too early, too late, outside the window, or without the time for a confirmation.
    pub fn untimely(&self, now: Instant) -> Vec<Reason> {
        let mut out = Vec::new();
        if now < self.issued {
            let message = format!("the permit was given at {}, and it is {now}", self.issued);
            out.push(Reason::new(ReasonCode::ClockSkew, message, "set the clock of this machine"));
        }
        if now.after(self.confirm) > self.expires {
            let seconds = self.confirm.as_secs();
            let message = format!("the permit expires at {}, and a device takes {seconds} s to confirm", self.expires);
            out.push(Reason::new(ReasonCode::PermitExpired, message, take_a_new_one(&self.change)));
        }
        if now < self.window.0 || now >= self.window.1 {
            let message = format!("it is {now}, and the window is {} to {}", self.window.0, self.window.1);
            let fix =
                format!("wait for the window, or let the scheduler move it: fwgate change schedule {}", self.change);
            out.push(Reason::new(ReasonCode::OutsideWindow, message, fix));
        }
        if self.confirm.is_zero() {
            let message = "the permit gives no time for a confirmation, so a device could not take the change back";
            out.push(Reason::new(ReasonCode::UnsafePushMode, message, "give the transport a `confirm_within`"));
        }
        out
    }
}

/// Whose permit it is decides who can mend it: nobody but the machine that gives permits.
fn take_a_new_one(change: &str) -> String {
    format!("fwgate permit {change}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ARMOR: &str = "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----";

    fn permit() -> Permit {
        let name =
            |n: &str, p, r| PermittedDevice { name: n.into(), proposal: Digest([p; 32]), rollback: Digest([r; 32]) };
        Permit {
            repository: "example/firewalls".into(),
            change: "CHG-1".into(),
            content: Digest([1; 32]),
            transport: Digest([2; 32]),
            head: "ab".repeat(20),
            holder: "runner-7".into(),
            window: (Instant(1_000), Instant(9_000)),
            nonce: "0f".repeat(16),
            issued: Instant(1_000),
            expires: Instant(8_000),
            confirm: Duration::from_secs(120),
            devices: vec![name("edge1", 3, 4), name("edge2", 5, 6)],
            approvals: vec![Digest([7; 32]), Digest([8; 32])],
        }
    }

    fn codes(reasons: &[Reason]) -> Vec<&'static str> {
        reasons.iter().map(|r| r.code.name()).collect()
    }

    fn expected(permit: &Permit) -> Expected<'_> {
        Expected {
            repository: &permit.repository,
            change: &permit.change,
            content: permit.content,
            transport: permit.transport,
            holder: &permit.holder,
            devices: &permit.devices,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let read = PermitFile::read(permit().file(ARMOR).as_bytes()).unwrap();
        assert_eq!(read.permit, permit());
        assert_eq!(read.signed, permit().message().into_bytes());
    }

    #[test]
    fn every_changed_byte_is_another_permit_or_none() {
        let file = permit().file(ARMOR).into_bytes();
        let length = permit().message().len();
        for at in 0..length {
            let mut other = file.clone();
            other[at] ^= 1;
            let same = PermitFile::read(&other).is_ok_and(|f| f.signed == permit().message().into_bytes());
            assert!(!same, "byte {at}");
        }
    }

    #[test]
    fn one_spelling_and_no_other() {
        let file = permit().file(ARMOR);
        let swapped = file.replacen("device: edge1", "device: edge9", 1);
        let bad = [
            String::new(),
            file.replace("\n\n", "\n"),
            file.replace("confirm: 120", "confirm: 0120"),
            file.replace("holder: runner-7", "holder: runner-7 "),
            file.replace("holder: runner-7\n", ""),
            file.replace("holder: runner-7\n", "holder: a\nholder: b\n"),
            file.replace("fwgate-permit/1", "fwgate-permit/2"),
            format!("{file}\n"),
            format!("\u{feff}{file}"),
            file.replace('\n', "\r\n"),
            swapped,
        ];
        for text in bad {
            assert_eq!(PermitFile::read(text.as_bytes()).unwrap_err().code, ReasonCode::PermitUntrusted, "{text}");
        }
    }

    #[test]
    fn each_objection_has_its_code() {
        let good = permit();
        assert_eq!(good.objections(&expected(&good), Instant(2_000)), Vec::new());
        let at = |now| codes(&good.objections(&expected(&good), Instant(now)));
        assert_eq!(at(999), ["CLOCK_SKEW", "OUTSIDE_WINDOW"]);
        assert_eq!(at(7_880), Vec::<&str>::new());
        assert_eq!(at(7_881), ["PERMIT_EXPIRED"]);
        assert_eq!(at(9_000), ["PERMIT_EXPIRED", "OUTSIDE_WINDOW"]);
        let holder = Expected { holder: "another", ..expected(&good) };
        assert_eq!(codes(&good.objections(&holder, Instant(2_000))), ["PERMIT_WRONG_HOLDER"]);
        for other in [
            Expected { repository: "x", ..expected(&good) },
            Expected { change: "x", ..expected(&good) },
            Expected { content: Digest([9; 32]), ..expected(&good) },
            Expected { transport: Digest([9; 32]), ..expected(&good) },
            Expected { devices: &good.devices[..1], ..expected(&good) },
        ] {
            assert_eq!(codes(&good.objections(&other, Instant(2_000))), ["PERMIT_MISMATCH"], "{other:?}");
        }
        let mut devices = good.devices.clone();
        devices[0].rollback = Digest([9; 32]);
        let other = Expected { devices: &devices, ..expected(&good) };
        assert_eq!(codes(&good.objections(&other, Instant(2_000))), ["NO_ROLLBACK"]);
        devices[0] = PermittedDevice { proposal: Digest([9; 32]), ..good.devices[0].clone() };
        let other = Expected { devices: &devices, ..expected(&good) };
        assert_eq!(codes(&good.objections(&other, Instant(2_000))), ["PERMIT_MISMATCH"]);
        let hasty = Permit { confirm: Duration::ZERO, ..good.clone() };
        assert_eq!(codes(&hasty.objections(&expected(&hasty), Instant(2_000))), ["UNSAFE_PUSH_MODE"]);
    }
}
