//! `$GENERATE` of BIND: one line that stands for a record for each number of a range (BIND 9 Administrator Reference Manual,
//! "Zone File", "BIND Primary File Extension").

use std::fmt::Write;

/// The numbers of a range `START-STOP[/STEP]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    start: u32,
    stop: u32,
    step: u32,
}

impl Steps {
    /// Reads a range. Numbers are at most 2147483647.
    pub fn parse(text: &str) -> Option<Steps> {
        let (range, step) = text.split_once('/').map_or((text, "1"), |(range, step)| (range, step));
        let (start, stop) = range.split_once('-')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u32>().ok().filter(|n| digits && *n <= i32::MAX as u32)
        };
        let steps = Steps { start: number(start)?, stop: number(stop)?, step: number(step)? };
        (steps.start <= steps.stop && steps.step > 0).then_some(steps)
    }

    /// How many numbers it has.
    pub fn count(self) -> usize {
        ((self.stop - self.start) / self.step) as usize + 1
    }

    /// The numbers.
    pub fn numbers(self) -> impl Iterator<Item = u32> {
        (self.start..=self.stop).step_by(self.step as usize)
    }
}

/// A template with its number put in: `$`, or `${OFFSET,WIDTH,BASE}`; `\$` and `$$` are a dollar sign. `None` where braces are
/// not understood, or a negative number is to be written in another base than ten.
pub(super) fn fill(template: &str, number: u32) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['$', '\\']) {
        out.push_str(rest.get(..at)?);
        rest = rest.get(at..)?;
        if let Some(behind) = rest.strip_prefix("\\$").or_else(|| rest.strip_prefix("$$")) {
            out.push_str("\\$");
            rest = behind;
        } else if rest.starts_with('\\') {
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
            out.push_str(rest.get(..end)?);
            rest = rest.get(end..)?;
        } else if let Some(behind) = rest.strip_prefix("${") {
            let (form, after) = behind.split_once('}')?;
            out.push_str(&formatted(form, number)?);
            rest = after;
        } else {
            let _ = write!(out, "{number}");
            rest = rest.get(1..)?;
        }
    }
    out.push_str(rest);
    Some(out)
}

/// `OFFSET`, `OFFSET,WIDTH`, `OFFSET,WIDTH,BASE`.
fn formatted(form: &str, number: u32) -> Option<String> {
    let mut parts = form.split(',');
    let offset: i64 = parts.next()?.parse().ok()?;
    let width: usize = parts.next().map_or(Some(0), |w| w.parse().ok())?;
    let base = parts.next().unwrap_or("d");
    let signed = i64::from(number).checked_add(offset)?;
    if parts.next().is_some() || width > 255 {
        return None;
    }
    if base == "d" {
        return Some(format!("{signed:0width$}"));
    }
    let value = u32::try_from(signed).ok()?;
    Some(match base {
        "o" => format!("{value:0width$o}"),
        "x" => format!("{value:0width$x}"),
        "X" => format!("{value:0width$X}"),
        "n" => nibbles(value, width, false),
        "N" => nibbles(value, width, true),
        _ => return None,
    })
}

/// Hexadecimal digits, the lowest first, with dots between. `width` counts the dots as well, so that an even one ends
/// with a dot.
fn nibbles(value: u32, width: usize, is_upper: bool) -> String {
    let mut digits: Vec<char> = format!("{value:x}").chars().rev().collect();
    let ends_with_dot = width > 0 && width.is_multiple_of(2) && digits.len() <= width / 2;
    digits.resize(digits.len().max(width.div_ceil(2)), '0');
    let mut text = digits.iter().map(char::to_string).collect::<Vec<_>>().join(".");
    if ends_with_dot {
        text.push('.');
    }
    if is_upper { text.to_uppercase() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_all_forms_are_read() {
        assert_eq!(Steps::parse("1-127").map(Steps::count), Some(127));
        assert_eq!(Steps::parse("0-10/4").map(|s| s.numbers().collect::<Vec<_>>()), Some(vec![0, 4, 8]));
        for text in ["", "1", "2-1", "1-2/0", "1-+2", "1-2147483648", "a-b"] {
            assert_eq!(Steps::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_put_in() {
        for (template, expected) in [
            ("host-$", "host-7"),
            ("${0,3}", "007"),
            ("${-2,2,d}.x${1,0,X}", "05.x8"),
            ("${0,4,x}", "0007"),
            ("a\\$b$$c", "a\\$b\\$c"),
            ("${9,3,n}", "0.1"),
            ("${0,4,n}x", "7.0.x"),
            ("${300,2,N}", "3.3.1"),
            ("${-9,3}", "-02"),
            ("plain", "plain"),
        ] {
            assert_eq!(fill(template, 7).as_deref(), Some(expected), "{template}");
        }
        for template in ["${", "${a}", "${0,1,q}", "${-8,0,x}", "${0,1,d,4}"] {
            assert_eq!(fill(template, 7), None, "{template}");
        }
    }
}
