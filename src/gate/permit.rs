//! The permit: a text that names one push in full, with the signature of the machine that may give it.
//!
//! ```text
//! fwgate-permit/1
//! repository: example/firewalls
//! change: CHG-2042
//! content: sha256:5f0c...
//! transport: sha256:9ab1...
//! head: 40 hexadecimal digits
//! holder: runner-7
//! window: 2026-12-01T22:00:00Z 2026-12-02T00:00:00Z
//! nonce: 32 hexadecimal digits
//! issued: 2026-12-01T22:00:10Z
//! expires: 2026-12-02T00:00:00Z
//! confirm: 120
//! device: edge1 sha256:PROPOSAL sha256:ROLLBACK
//! approval: sha256:77aa...
//!
//! -----BEGIN SSH SIGNATURE-----
//! ```
//!
//! Keys stand in this order, each once but `device` and `approval`, which are sorted and may repeat. The signature, in
//! `fwgate-permit@v1`, is over everything before the blank line. Reading is strict: a text that this module would not
//! have written itself is refused, so that one permit has one spelling.

use super::instant::Instant;
use super::reason::{Reason, ReasonCode};
use super::record::Digest;
use super::roster::{Owner, Roster, Standing};
use super::signature::{read_envelope, verify};
use crate::policy::Purpose;
use sha2::Digest as _;
use std::fmt::Write;
use std::time::Duration;

/// The signature namespace of permits.
pub const PERMIT_NAMESPACE: &str = "fwgate-permit@v1";

/// The first line.
const HEAD: &str = "fwgate-permit/1";

/// Largest permit file, in bytes: ten thousand devices take two million.
const MAX_BYTES: usize = 4 << 20;

/// Longest confirmation timer.
const MAX_CONFIRM: u64 = 24 * 3600;

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
    /// The bytes that are signed: every line, the last line feed included.
    pub fn message(&self) -> String {
        let mut out = format!("{HEAD}\n");
        let mut line = |key: &str, value: &dyn std::fmt::Display| {
            let _ = writeln!(out, "{key}: {value}");
        };
        line("repository", &self.repository);
        line("change", &self.change);
        line("content", &self.content);
        line("transport", &self.transport);
        line("head", &self.head);
        line("holder", &self.holder);
        line("window", &format_args!("{} {}", self.window.0, self.window.1));
        line("nonce", &self.nonce);
        line("issued", &self.issued);
        line("expires", &self.expires);
        line("confirm", &self.confirm.as_secs());
        for device in &self.devices {
            line("device", &format_args!("{} {} {}", device.name, device.proposal, device.rollback));
        }
        for approval in &self.approvals {
            line("approval", approval);
        }
        out
    }

    /// The whole file: the message, a blank line, and the armored signature over the message.
    pub fn file(&self, signature: &str) -> String {
        format!("{}\n{}\n", self.message(), signature.trim_end())
    }

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

/// Whoever knows the machines of the policy in force and can verify a signature.
pub trait PermitTrust {
    /// The id of the machine with purpose `permit` that signed these bytes in [`PERMIT_NAMESPACE`].
    ///
    /// # Errors
    /// PERMIT_UNTRUSTED, or what is wrong with the key.
    fn permit_machine(&self, signed: &[u8], signature: &str) -> Result<String, Reason>;
}

/// The machines of the policy in force, at one instant.
#[derive(Clone, Copy, Debug)]
pub struct PermitRoster<'a> {
    /// All keys.
    pub roster: &'a Roster,
    /// When the key must count.
    pub now: Instant,
}

impl PermitTrust for PermitRoster<'_> {
    fn permit_machine(&self, signed: &[u8], signature: &str) -> Result<String, Reason> {
        let envelope = read_envelope(signature).ok_or_else(|| untrusted("the permit holds no SSH signature"))?;
        let Some(holder) = self.roster.holder(&envelope.key) else {
            return Err(untrusted("the permit is signed by a key that is not in the roster"));
        };
        let id = match &holder.owner {
            Owner::Machine(id, Purpose::Permit) => id,
            other => {
                return Err(untrusted(format!("the permit is signed by `{}`, who may not give permits", other.id())));
            }
        };
        if !envelope.is_exact || envelope.namespace != PERMIT_NAMESPACE {
            return Err(untrusted(format!("the permit's signature is not one in `{PERMIT_NAMESPACE}`")));
        }
        if holder.standing(self.now) != Standing::Good {
            return Err(untrusted(format!("the key of `{id}` does not count now")));
        }
        match verify(&envelope, signed, &holder.key, holder.check) {
            Ok(()) => Ok(id.clone()),
            Err(_) => Err(untrusted(format!("the permit is not what `{id}` signed"))),
        }
    }
}

/// A permit whose signature was verified: the only thing with which a push can begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPermit {
    permit: Permit,
    digest: Digest,
    machine: String,
    file: String,
}

impl VerifiedPermit {
    /// What it says.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The SHA-256 of the whole file.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The file as it was read.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The machine that signed it.
    pub fn machine(&self) -> &str {
        &self.machine
    }
}

impl PermitFile {
    /// The permit, believed.
    ///
    /// # Errors
    /// The signature is not by a machine whose purpose it is.
    pub fn verify(self, trust: &dyn PermitTrust) -> Result<VerifiedPermit, Reason> {
        let machine = trust.permit_machine(&self.signed, &self.signature)?;
        let file = self.permit.file(&self.signature);
        let digest = Digest(sha2::Sha256::digest(file.as_bytes()).into());
        Ok(VerifiedPermit { permit: self.permit, digest, machine, file })
    }

    /// Reads a permit file. Nothing of it is believed before its signature was verified.
    ///
    /// # Errors
    /// PERMIT_UNTRUSTED for every text that no machine of this program would have signed.
    pub fn read(bytes: &[u8]) -> Result<PermitFile, Reason> {
        split(bytes).ok_or_else(|| untrusted("the permit file is not well-formed"))
    }
}

/// A permit that cannot be believed.
pub fn untrusted(message: impl Into<String>) -> Reason {
    Reason::new(
        ReasonCode::PermitUntrusted,
        message,
        "take a permit from the machine whose purpose it is: fwgate permit CHANGE",
    )
}

fn split(bytes: &[u8]) -> Option<PermitFile> {
    let text = std::str::from_utf8(bytes).ok().filter(|t| t.len() <= MAX_BYTES)?;
    let (message, signature) = text.split_once("\n\n")?;
    let message = format!("{message}\n");
    let permit = read_message(&message)?;
    let is_armored = signature.starts_with("-----BEGIN SSH SIGNATURE-----\n")
        && signature.ends_with("\n-----END SSH SIGNATURE-----\n");
    let canonical = is_armored && permit.message() == message;
    canonical.then(|| PermitFile { permit, signed: message.into_bytes(), signature: signature.to_owned() })
}

/// What a message says; `None` where a key is missing, out of order or without sense.
fn read_message(message: &str) -> Option<Permit> {
    let mut lines = Lines(message.strip_suffix('\n')?.split('\n').collect(), 0);
    lines.next_line().filter(|l| *l == HEAD)?;
    let permit = Permit {
        repository: lines.text("repository")?,
        change: lines.text("change")?,
        content: digest(lines.value("content")?)?,
        transport: digest(lines.value("transport")?)?,
        head: lines.hex("head", 40)?,
        holder: lines.text("holder")?,
        window: window(lines.value("window")?)?,
        nonce: lines.hex("nonce", 32)?,
        issued: Instant::read(lines.value("issued")?)?,
        expires: Instant::read(lines.value("expires")?)?,
        confirm: confirm(lines.value("confirm")?)?,
        devices: std::iter::from_fn(|| lines.value("device")).map(device).collect::<Option<_>>()?,
        approvals: std::iter::from_fn(|| lines.value("approval")).map(digest).collect::<Option<_>>()?,
    };
    let ascending = permit.devices.windows(2).all(|d| matches!(d, [a, b] if a.name < b.name))
        && permit.approvals.windows(2).all(|a| matches!(a, [a, b] if a < b));
    let is_whole = lines.next_line().is_none() && !permit.devices.is_empty();
    (ascending && is_whole).then_some(permit)
}

/// Lines that are asked for one after the other.
struct Lines<'a>(Vec<&'a str>, usize);

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Option<&'a str> {
        let line = self.0.get(self.1).copied()?;
        self.1 += 1;
        Some(line)
    }

    /// The value of the next line if its key is this one.
    fn value(&mut self, key: &str) -> Option<&'a str> {
        let value = self.0.get(self.1)?.strip_prefix(key)?.strip_prefix(": ")?;
        self.1 += 1;
        Some(value)
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        let is_plain = |c: char| c.is_ascii_graphic() || c == ' ';
        let good = !value.is_empty() && value.len() <= 255 && value.trim() == value && value.chars().all(is_plain);
        good.then(|| value.to_owned())
    }

    fn hex(&mut self, key: &str, digits: usize) -> Option<String> {
        self.value(key).filter(|v| v.len() == digits && is_hex(v)).map(str::to_owned)
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// `sha256:` and 64 lower-case hexadecimal digits.
fn digest(text: &str) -> Option<Digest> {
    let hex = text.strip_prefix("sha256:").filter(|h| h.len() == 64 && is_hex(h))?;
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(Digest(bytes))
}

fn window(text: &str) -> Option<(Instant, Instant)> {
    let (start, end) = text.split_once(' ')?;
    let window = (Instant::read(start)?, Instant::read(end)?);
    (window.0 < window.1).then_some(window)
}

fn confirm(text: &str) -> Option<Duration> {
    let seconds = text.parse::<u64>().ok().filter(|s| *s <= MAX_CONFIRM)?;
    (seconds.to_string() == text).then(|| Duration::from_secs(seconds))
}

fn device(text: &str) -> Option<PermittedDevice> {
    let mut words = text.split(' ');
    let name = words.next().filter(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_graphic()))?;
    let device =
        PermittedDevice { name: name.to_owned(), proposal: digest(words.next()?)?, rollback: digest(words.next()?)? };
    words.next().is_none().then_some(device)
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
