//! A commit object as bytes: read strictly where it is evidence, and tolerantly where it is history.
//!
//! Forges, git and other readers disagree about doubled headers, encodings and text behind a signature, so evidence in any
//! other than the one form that git itself writes is refused. Commits of a range are what they are: there only the question
//! who wrote and who signed them is asked, of the raw bytes, and `.mailmap` is never looked at.

use super::instant::Instant;
use std::collections::BTreeSet;

/// The id of the empty tree.
pub const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// More bytes than any evidence has: a message of 16 KiB, an RSA signature, headers.
const MAX_EVIDENCE: usize = 64 << 10;

/// How many signatures of one commit are looked at.
const MAX_SEALS: usize = 4;

/// Who wrote or committed, as the commit says; that proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// The address between `<` and `>`.
    pub email: String,
    /// The time that it claims.
    pub at: Instant,
}

/// A signature with the bytes that it should be over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The armored signature, its lines ended by LF.
    pub armor: String,
    /// The commit without its signature.
    pub payload: Vec<u8>,
}

/// A commit that is evidence: no header but those that git writes, once each, in git's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceCommit {
    /// The id of the tree.
    pub tree: String,
    /// The ids of the parents.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: Identity,
    /// Who committed it.
    pub committer: Identity,
    /// The message as it stands, its last LF included.
    pub message: String,
    /// The signature.
    pub seal: Seal,
}

/// A commit of any form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrdinaryCommit {
    /// The ids of the parents.
    pub parents: Vec<String>,
    /// Who wrote it, if that can be read.
    pub author: Option<Identity>,
    /// Who committed it, if that can be read.
    pub committer: Option<Identity>,
    /// The message; bytes that are no UTF-8 are replaced.
    pub message: String,
    /// Each signature with each reading of what it is over, at most four.
    pub seals: Vec<Seal>,
}

/// Why a commit is no evidence, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl EvidenceCommit {
    /// Reads the bytes of a commit object.
    ///
    /// # Errors
    /// Anything but `tree`, `parent`s, `author`, `committer`, one `gpgsig`, an empty line and a message that ends with LF; NUL, CR,
    /// bytes that are no UTF-8, more than 64 KiB.
    pub fn read(bytes: &[u8]) -> Result<EvidenceCommit, Malformed> {
        let text = check_text(bytes)?;
        let Some((head, message)) = text.split_once("\n\n") else { return malformed("it has no message") };
        let mut lines = Lines { lines: head.split('\n').collect(), at: 0 };
        let tree = lines.id("tree")?;
        let mut parents = Vec::new();
        while lines.is_next("parent") {
            parents.push(lines.id("parent")?);
        }
        let author = lines.identity("author")?;
        let committer = lines.identity("committer")?;
        let armor = lines.signature()?;
        lines.finish()?;
        if !message.ends_with('\n') {
            return malformed("its message does not end with a line feed");
        }
        let payload = without_headers(bytes, |name| name == "gpgsig");
        let seal = Seal { armor, payload };
        Ok(EvidenceCommit { tree, parents, author, committer, message: message.to_owned(), seal })
    }
}

impl OrdinaryCommit {
    /// The parents alone, as [`OrdinaryCommit::read`] reads them.
    pub fn parents(bytes: &[u8]) -> Vec<String> {
        let parents = headers(bytes).into_iter().filter(|h| h.name == "parent");
        parents.map(|h| String::from_utf8_lossy(h.value).into_owned()).filter(|id| is_id(id)).collect()
    }

    /// Reads what can be read of the bytes of a commit object; what cannot is absent.
    pub fn read(bytes: &[u8]) -> OrdinaryCommit {
        let mut commit = OrdinaryCommit { message: message_of(bytes), ..OrdinaryCommit::default() };
        for header in headers(bytes) {
            let value = String::from_utf8_lossy(header.value);
            match header.name {
                "parent" if is_id(&value) => commit.parents.push(value.into_owned()),
                "author" if commit.author.is_none() => commit.author = read_identity(&value),
                "committer" if commit.committer.is_none() => commit.committer = read_identity(&value),
                _ => {}
            }
        }
        commit.seals = seals(bytes);
        commit
    }

    /// Addresses of everybody who claims a part in the commit: author, committer, and those of `Co-authored-by` lines;
    /// sorted, in lower case.
    pub fn claimants(&self) -> BTreeSet<String> {
        let of_headers = [&self.author, &self.committer].into_iter().flatten().map(|i| i.email.to_ascii_lowercase());
        of_headers.chain(self.message.lines().filter_map(co_author)).collect()
    }
}

/// The address of a line `Co-authored-by: Name <address>`, in any case of letters.
fn co_author(line: &str) -> Option<String> {
    let (key, value) = line.split_once(':')?;
    let address = value.split_once('<')?.1.split_once('>')?.0;
    key.trim().eq_ignore_ascii_case("co-authored-by").then(|| address.trim().to_ascii_lowercase())
}

fn malformed<T>(message: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(message.into()))
}

fn check_text(bytes: &[u8]) -> Result<&str, Malformed> {
    match std::str::from_utf8(bytes) {
        _ if bytes.len() > MAX_EVIDENCE => malformed(format!("it has more than {MAX_EVIDENCE} bytes")),
        Err(_) => malformed("it is not UTF-8"),
        Ok(_) if bytes.contains(&0) => malformed("it holds a NUL"),
        Ok(_) if bytes.contains(&b'\r') => malformed("it holds a carriage return"),
        Ok(text) => Ok(text),
    }
}

/// The lines of the headers, taken in order.
struct Lines<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    fn is_next(&self, name: &str) -> bool {
        self.peek().and_then(|line| line.split_once(' ')).is_some_and(|(key, _)| key == name)
    }

    /// The value of the header that must stand here.
    fn value(&mut self, name: &str) -> Result<&'a str, Malformed> {
        let line = self.peek().unwrap_or_default();
        self.at += 1;
        match line.split_once(' ') {
            Some((key, value)) if key == name => Ok(value),
            _ => malformed(format!("there is `{}` where the header `{name}` should be", shown(line))),
        }
    }

    fn id(&mut self, name: &str) -> Result<String, Malformed> {
        let value = self.value(name)?;
        if is_id(value) { Ok(value.to_owned()) } else { malformed(format!("its header `{name}` is no id")) }
    }

    fn identity(&mut self, name: &str) -> Result<Identity, Malformed> {
        let value = self.value(name)?;
        let read = read_identity(value).filter(|identity| {
            let strict = !value.chars().any(char::is_control) && value.matches(['<', '>']).count() == 2;
            strict && value.contains(&format!("<{}> {} ", identity.email, identity.at.0))
        });
        read.map_or_else(|| malformed(format!("its header `{name}` is not `NAME <ADDRESS> SECONDS ZONE`")), Ok)
    }

    /// The one signature: its first line, and those that continue it.
    fn signature(&mut self) -> Result<String, Malformed> {
        let mut armor = format!("{}\n", self.value("gpgsig")?);
        while let Some(line) = self.peek().and_then(|line| line.strip_prefix(' ')) {
            armor.push_str(line);
            armor.push('\n');
            self.at += 1;
        }
        Ok(armor)
    }

    fn finish(&self) -> Result<(), Malformed> {
        match self.peek() {
            None => Ok(()),
            Some(line) => malformed(format!("there is `{}` behind its signature", shown(line))),
        }
    }
}

/// The beginning of a line, fit to be shown.
fn shown(line: &str) -> String {
    line.chars().take(40).flat_map(char::escape_debug).collect()
}

/// Whether a text is 40 lower-case hexadecimal digits.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// `NAME <ADDRESS> SECONDS ZONE`.
fn read_identity(text: &str) -> Option<Identity> {
    let (who, when) = text.rsplit_once("> ")?;
    let (name, email) = who.split_once('<')?;
    let (seconds, zone) = when.split_once(' ')?;
    let digits = zone.strip_prefix(['+', '-'])?;
    let is_zone = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
    let is_number = !seconds.is_empty() && seconds.len() <= 12 && seconds.bytes().all(|b| b.is_ascii_digit());
    let at = seconds.parse().ok().filter(|_| is_zone && is_number)?;
    Some(Identity { name: name.trim_end().to_owned(), email: email.to_owned(), at: Instant(at) })
}

/// One header of a commit with the place of all its lines.
struct Header<'a> {
    name: &'a str,
    /// Its first line, without the name.
    value: &'a [u8],
    /// All its lines, with their line feeds.
    range: std::ops::Range<usize>,
}

/// The headers in order; a line that begins with a space belongs to the header before it.
fn headers(bytes: &[u8]) -> Vec<Header<'_>> {
    let mut out: Vec<Header<'_>> = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let range = at..at + line.len();
        at = range.end;
        match (content.first(), out.last_mut()) {
            (None, _) => break,
            (Some(b' '), Some(last)) => last.range.end = range.end,
            _ => {
                let space = content.iter().position(|b| *b == b' ').unwrap_or(content.len());
                let (name, value) = content.split_at(space);
                let name = std::str::from_utf8(name).unwrap_or_default();
                out.push(Header { name, value: value.strip_prefix(b" ").unwrap_or(value), range });
            }
        }
    }
    out
}

fn message_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(message_bytes(bytes)).into_owned()
}

/// Everything behind the first empty line.
pub(super) fn message_bytes(bytes: &[u8]) -> &[u8] {
    let at = bytes.windows(2).position(|pair| pair == b"\n\n").map_or(bytes.len(), |at| at + 2);
    bytes.get(at..).unwrap_or_default()
}

/// The commit without the headers of some names.
fn without_headers(bytes: &[u8], is_left_out: impl Fn(&str) -> bool) -> Vec<u8> {
    let left_out = headers(bytes).into_iter().filter(|h| is_left_out(h.name)).map(|h| h.range).collect::<Vec<_>>();
    without(bytes, &left_out)
}

/// The bytes outside of some ranges, which are in order and do not overlap.
fn without(bytes: &[u8], ranges: &[std::ops::Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for range in ranges {
        out.extend_from_slice(bytes.get(at..range.start).unwrap_or_default());
        at = range.end;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    out
}

fn is_signature(name: &str) -> bool {
    matches!(name, "gpgsig" | "gpgsig-sha256")
}

/// Every signature, over the commit without any signature and over the commit without this one.
fn seals(bytes: &[u8]) -> Vec<Seal> {
    let signatures: Vec<Header<'_>> = headers(bytes).into_iter().filter(|h| is_signature(h.name)).collect();
    let mut out: Vec<Seal> = Vec::new();
    for header in signatures.iter().take(MAX_SEALS) {
        let armor = unfolded(bytes.get(header.range.clone()).unwrap_or_default(), header.name);
        let all: Vec<_> = signatures.iter().map(|h| h.range.clone()).collect();
        let own = std::slice::from_ref(&header.range);
        // Of the one signature both readings are the same.
        let readings = if all.len() == 1 { vec![own] } else { vec![all.as_slice(), own] };
        for ranges in readings {
            let seal = Seal { armor: armor.clone(), payload: without(bytes, ranges) };
            if !out.contains(&seal) && out.len() < MAX_SEALS {
                out.push(seal);
            }
        }
    }
    out
}

/// The lines of a header without its name and the spaces that continue it.
fn unfolded(lines: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(lines);
    let text = text.strip_prefix(name).unwrap_or(&text);
    text.split_inclusive('\n').map(|line| line.strip_prefix(' ').unwrap_or(line)).collect()
}
