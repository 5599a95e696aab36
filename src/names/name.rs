//! Domain names (RFC 1034 section 3.1): labels, compared without case, with the bounds of RFC 1035 section 2.3.4.

use std::fmt;

/// A domain name, absolute. Letters are held in lower case, because case means nothing (RFC 4343).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// From the root downwards, so that names below each other stand together in order.
    labels: Vec<Box<[u8]>>,
}

/// Most bytes of a name on the wire, with the lengths of its labels.
const MAX_NAME: usize = 255;
/// Most bytes of a label.
const MAX_LABEL: usize = 63;

impl Name {
    /// The name of a text with escapes (RFC 1035 section 5.1); one without a final dot is relative to `origin`.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow "is no domain name: ".
    pub fn parse(text: &str, origin: Option<&Name>) -> Result<Name, &'static str> {
        if text == "." {
            return Ok(Name::default());
        }
        if text == "@" {
            return origin.cloned().ok_or("nothing says what `@` stands for");
        }
        let (labels, is_absolute) = split(text)?;
        let mut name = match (is_absolute, origin) {
            (true, _) => Name::default(),
            (false, Some(origin)) => origin.clone(),
            (false, None) => return Err("it has no final dot, and nothing says what it is relative to"),
        };
        name.labels.extend(labels.into_iter().rev());
        name.bounded()
    }

    /// The name of labels as the wire has them, from the leftmost on.
    pub(super) fn of_labels(labels: Vec<Vec<u8>>) -> Result<Name, &'static str> {
        let lower = |label: Vec<u8>| label.to_ascii_lowercase().into_boxed_slice();
        Name { labels: labels.into_iter().rev().map(lower).collect() }.bounded()
    }

    fn bounded(self) -> Result<Name, &'static str> {
        let length: usize = self.labels.iter().map(|l| l.len() + 1).sum::<usize>() + 1;
        if length <= MAX_NAME { Ok(self) } else { Err("it has more than 255 bytes") }
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many labels it has.
    pub fn depth(&self) -> usize {
        self.labels.len()
    }

    /// Whether it is this name or one below it.
    pub fn is_within(&self, above: &Name) -> bool {
        self.labels.starts_with(&above.labels)
    }

    /// The name without its leftmost label; `None` of the root.
    pub fn parent(&self) -> Option<Name> {
        let (_, rest) = self.labels.split_last()?;
        Some(Name { labels: rest.to_vec() })
    }

    /// The name and every name above it, the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = Name> + '_ {
        (0..=self.labels.len()).rev().map(|n| Name { labels: self.labels.iter().take(n).cloned().collect() })
    }

    /// The wildcard below this name (RFC 4592).
    pub(super) fn wildcard(&self) -> Name {
        let mut labels = self.labels.clone();
        labels.push(Box::from(&b"*"[..]));
        Name { labels }
    }

    /// The name with `above` in front replaced by `other`, as DNAME does (RFC 6672 section 2.2). `None` where it is too long.
    pub(super) fn moved(&self, above: &Name, other: &Name) -> Option<Name> {
        let below = self.labels.get(above.labels.len()..)?;
        let labels = other.labels.iter().chain(below).cloned().collect();
        Name { labels }.bounded().ok()
    }

    /// The labels from the leftmost on.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.labels.iter().rev().map(AsRef::as_ref)
    }
}

/// The labels of a text, from the leftmost on, and whether it ends with a dot.
fn split(text: &str) -> Result<(Vec<Box<[u8]>>, bool), &'static str> {
    let mut labels = Vec::new();
    let mut label = Vec::new();
    let mut bytes = text.bytes();
    let mut is_absolute = false;
    while let Some(byte) = bytes.next() {
        is_absolute = false;
        match byte {
            b'.' => {
                labels.push(whole(std::mem::take(&mut label))?);
                is_absolute = true;
            }
            b'\\' => label.push(escaped(&mut bytes)?.to_ascii_lowercase()),
            plain => label.push(plain.to_ascii_lowercase()),
        }
    }
    if !is_absolute {
        labels.push(whole(label)?);
    }
    Ok((labels, is_absolute))
}

fn whole(label: Vec<u8>) -> Result<Box<[u8]>, &'static str> {
    match label.len() {
        0 => Err("a label is empty"),
        1..=MAX_LABEL => Ok(label.into_boxed_slice()),
        _ => Err("a label has more than 63 bytes"),
    }
}

/// The byte that an escape stands for: `\DDD` in decimal, or `\X` for the character itself.
pub(super) fn escaped(bytes: &mut std::str::Bytes<'_>) -> Result<u8, &'static str> {
    let first = bytes.next().ok_or("nothing stands behind the last backslash")?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let digits = [Some(first), bytes.next(), bytes.next()];
    let number = digits.into_iter().try_fold(0_u16, |n, digit| match digit {
        Some(d) if d.is_ascii_digit() => Some(n * 10 + u16::from(d - b'0')),
        _ => None,
    });
    let number = number.ok_or("an escape in digits has three of them")?;
    u8::try_from(number).map_err(|_| "an escape in digits is at most 255")
}

/// With a final dot only for the root, since every name is absolute; what would be read otherwise is escaped.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (at, label) in self.labels().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            for byte in label {
                match byte {
                    b'"' | b'(' | b')' | b'.' | b';' | b'\\' | b'@' | b'$' => write!(f, "\\{}", char::from(*byte))?,
                    0x21..=0x7e => write!(f, "{}", char::from(*byte))?,
                    other => write!(f, "\\{other:03}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text, None).unwrap()
    }

    #[test]
    fn names_are_relative_or_absolute_and_have_no_case() {
        let origin = name("example.net.");
        assert_eq!(Name::parse("WWW", Some(&origin)).unwrap(), name("www.Example.NET."));
        assert_eq!(Name::parse("@", Some(&origin)).unwrap(), origin);
        assert_eq!(name("a\\.b.c.").depth(), 2);
        assert_eq!(name("\\065.").to_string(), "a");
        assert_eq!(name("a\\.b\\032.c.").to_string(), "a\\.b\\032.c");
        assert!(name("a.b.c.").is_within(&name("b.c.")) && !name("ab.c.").is_within(&name("b.c.")));
        assert_eq!(name("x.old.net.").moved(&name("old.net."), &name("new.org.")).unwrap(), name("x.new.org."));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("{}.", "a".repeat(64));
        let longer = "abcdefg.".repeat(32);
        for text in ["", "a..b.", ".a.", "a\\", "a\\25.", "a\\256.", "a", &long, &longer] {
            assert!(Name::parse(text, None).is_err(), "{text}");
        }
        assert!(Name::parse(&"abcdefg.".repeat(31), None).is_ok());
    }
}
