//! Lines taken in order, and lines written in order.

use super::value::{Value, Wrong};
use super::{Flaw, MAX_TEXT};

/// Something that is one text of the grammar.
pub(in crate::gate) trait Form: Sized {
    /// What stands before the kind: `fwgate-record/1`.
    const GRAMMAR: &'static str;

    /// The word behind the grammar.
    fn kind(&self) -> &'static str;

    /// Reads the lines behind the first, for a kind that was named there; `None` for an unknown one.
    fn read(kind: &str, lines: &mut Reader<'_>) -> Option<Result<Self, Flaw>>;

    /// Writes the lines behind the first.
    fn write(&self, page: &mut Page);

    /// The whole text.
    fn page(&self) -> String {
        let mut page = Page { text: format!("{} {}\n", Self::GRAMMAR, self.kind()) };
        self.write(&mut page);
        page.text
    }
}

/// Reads one text of a form.
///
/// # Errors
/// The first flaw with its line.
pub(in crate::gate) fn read_form<T: Form>(text: &str) -> Result<T, Flaw> {
    let mut lines = Reader::of(text)?;
    let first = lines.first()?;
    let kind = first.strip_prefix(T::GRAMMAR).and_then(|rest| rest.strip_prefix(' '));
    let Some(kind) = kind else {
        return Err(flaw(1, format!("the first line is not `{} KIND`", T::GRAMMAR)));
    };
    let unknown = || flaw(1, format!("`{}` is no kind of `{}`", kind.escape_debug(), T::GRAMMAR));
    let form = T::read(kind, &mut lines).ok_or_else(unknown)??;
    lines.finish()?;
    match differing_line(text, &form.page()) {
        None => Ok(form),
        Some(line) => Err(flaw(line, "this is not the one way to write it".to_owned())),
    }
}

fn differing_line(text: &str, printed: &str) -> Option<usize> {
    if text == printed {
        return None;
    }
    let same = text.split('\n').zip(printed.split('\n')).take_while(|(a, b)| a == b).count();
    Some(same + 1)
}

fn flaw(line: usize, message: String) -> Flaw {
    Flaw { line, message, is_confusable: false }
}

/// The lines of a text, taken in order.
pub(in crate::gate) struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn of(text: &'a str) -> Result<Reader<'a>, Flaw> {
        if text.len() > MAX_TEXT {
            return Err(flaw(1, format!("the text has more than {MAX_TEXT} bytes")));
        }
        let Some(body) = text.strip_suffix('\n') else {
            return Err(flaw(text.split('\n').count(), "the last line does not end with a line feed".to_owned()));
        };
        let lines: Vec<&str> = body.split('\n').collect();
        for (at, line) in lines.iter().enumerate() {
            check_line(line).map_err(|message| flaw(at + 1, message.to_owned()))?;
        }
        Ok(Reader { lines, at: 0 })
    }

    fn first(&mut self) -> Result<&'a str, Flaw> {
        self.at = 1;
        self.lines.first().copied().ok_or_else(|| flaw(1, "the text is empty".to_owned()))
    }

    /// The value of a key that must stand here.
    pub(in crate::gate) fn need<T: Value>(&mut self, key: &str) -> Result<T, Flaw> {
        match self.optional(key)? {
            Some(value) => Ok(value),
            None => Err(flaw(self.at + 1, self.instead_of(key))),
        }
    }

    /// The value of a key, if it stands here.
    pub(in crate::gate) fn optional<T: Value>(&mut self, key: &str) -> Result<Option<T>, Flaw> {
        let line = self.lines.get(self.at).copied().unwrap_or_default();
        let Some(text) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(": ")) else { return Ok(None) };
        self.at += 1;
        let placed = |wrong: Wrong| Flaw {
            line: self.at,
            message: format!("`{key}` is {}", wrong.0),
            is_confusable: !text.is_ascii() && T::IS_NAME,
        };
        T::read(text).map(Some).map_err(placed)
    }

    /// The values of a key that may stand here any number of times.
    pub(in crate::gate) fn every<T: Value>(&mut self, key: &str) -> Result<Vec<T>, Flaw> {
        let mut out = Vec::new();
        while let Some(value) = self.optional(key)? {
            out.push(value);
        }
        Ok(out)
    }

    fn instead_of(&self, key: &str) -> String {
        match self.lines.get(self.at) {
            None => format!("`{key}` is missing"),
            Some(line) => {
                let start: String = line.chars().take(40).flat_map(char::escape_debug).collect();
                format!("there is `{start}` where `{key}: ` should be")
            }
        }
    }

    fn finish(&self) -> Result<(), Flaw> {
        match self.lines.get(self.at) {
            None => Ok(()),
            Some(line) => {
                let key: String = line.split(':').next().unwrap_or_default().chars().take(40).collect();
                Err(flaw(self.at + 1, format!("`{}` is no key of this kind, or stands twice", key.escape_debug())))
            }
        }
    }
}

/// What holds for every line.
fn check_line(line: &str) -> Result<(), &'static str> {
    match line {
        "" => Err("a line is empty"),
        _ if line.starts_with('#') => Err("a line begins with `#`"),
        _ if line.chars().any(crate::vcs::is_unseen) => Err("it holds a control, bidirectional or invisible character"),
        _ => Ok(()),
    }
}

/// A text that is being written.
pub(in crate::gate) struct Page {
    text: String,
}

impl Page {
    /// Adds a line.
    pub(in crate::gate) fn line<T: Value>(&mut self, key: &str, value: &T) -> &mut Page {
        if value.is_present() {
            self.text.push_str(&format!("{key}: {}\n", value.text()));
        }
        self
    }

    /// Adds a line where there is a value.
    pub(in crate::gate) fn maybe<T: Value>(&mut self, key: &str, value: &Option<T>) -> &mut Page {
        match value {
            Some(value) => self.line(key, value),
            None => self,
        }
    }

    /// Adds a line for each value.
    pub(in crate::gate) fn every<'a, T: Value + 'a>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = &'a T>,
    ) -> &mut Page {
        for value in values {
            self.line(key, value);
        }
        self
    }
}
