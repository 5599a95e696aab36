//! Making invisible characters visible: input is shown on terminals and in web pages, where control and
//! bidirectional characters could hide or reorder what a person signs.

use std::borrow::Cow;

/// The text with every control, formatting and bidirectional character written as `\u{..}`. Nothing else
/// changes.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        push_visible(&mut out, letter);
    }
    Cow::Owned(out)
}

/// The text in which no line is a command to whoever runs the job: GitHub obeys lines that begin with `::` after spaces and
/// `##[` anywhere, Azure `##vso[` anywhere. (Sources: `ActionCommand.cs` of GitHub's runner, `Command.cs` of Azure's agent.)
/// One character of each is written as `\u{..}`.
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let text = text.replace("##[", "#\\u{23}[").replace("##vso[", "#\\u{23}vso[");
    let line = |line: &str| match line.trim_start().strip_prefix("::") {
        Some(rest) => format!("{}\\u{{3a}}:{rest}", &line[..line.len() - line.trim_start().len()]),
        None => line.to_owned(),
    };
    Cow::Owned(text.split_inclusive('\n').map(line).collect())
}

/// Adds a character as `visible` shows it.
pub(super) fn push_visible(out: &mut String, letter: char) {
    if is_hidden(letter) {
        out.push_str(&letter.escape_unicode().to_string());
    } else {
        out.push(letter);
    }
}

/// Whether a character is invisible or changes how others are shown: Unicode categories Cc, Cf, Zl and Zp, and
/// fillers and variation selectors that render as nothing.
pub(super) fn is_hidden(letter: char) -> bool {
    matches!(letter,
        '\u{00}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}'
        | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_bidirectional_characters_are_written_out() {
        assert_eq!(visible("a\u{202e}b\u{1b}[2J"), "a\\u{202e}b\\u{1b}[2J");
        assert_eq!(visible("tab\there\nline"), "tab\\u{9}here\\u{a}line");
        assert_eq!(visible("\u{200b}\u{feff}\u{2069}"), "\\u{200b}\\u{feff}\\u{2069}");
    }

    #[test]
    fn no_line_is_a_command() {
        assert_eq!(inert("a\n  ::stop-commands::x\n"), "a\n  \\u{3a}:stop-commands::x\n");
        assert_eq!(inert("x ##[error]y ##vso[z"), "x #\\u{23}[error]y #\\u{23}vso[z");
        assert!(matches!(inert("fd00:1:2 #1"), Cow::Borrowed(_)));
        assert_eq!(inert("2001:db8::1 ## x"), "2001:db8::1 ## x");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        assert!(matches!(visible("Zürich → Москва 日本"), Cow::Borrowed(_)));
    }
}
