//! How a permit is written and read.
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

use super::{Permit, PermitFile, PermittedDevice, untrusted};
use crate::gate::instant::Instant;
use crate::gate::reason::Reason;
use crate::gate::record::Digest;
use std::fmt::Write;
use std::time::Duration;

/// The first line.
const HEAD: &str = "fwgate-permit/1";

/// Largest permit file, in bytes: ten thousand devices take two million.
const MAX_BYTES: usize = 4 << 20;

/// Longest confirmation timer.
const MAX_CONFIRM: u64 = 24 * 3600;

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
}

impl PermitFile {
    /// Reads a permit file. Nothing of it is believed before its signature was verified.
    ///
    /// # Errors
    /// PERMIT_UNTRUSTED for every text that no machine of this program would have signed.
    pub fn read(bytes: &[u8]) -> Result<PermitFile, Reason> {
        split(bytes).ok_or_else(|| untrusted("the permit file is not well-formed"))
    }
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
