//! Patterns of branch names as rulesets write them: Ruby's `File.fnmatch` with `FNM_PATHNAME`.

/// Whether a pattern names a reference. `*` and `?` stop at `/`; `**/` at the beginning of a part is any number of folders;
/// `[a-c]` is one character of a set.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Patterns that somebody else wrote must not cost exponential time: each pair of places is judged once.
    let mut known = vec![vec![None; name.len() + 1]; pattern.len() + 1];
    Matching { pattern: &pattern, name: &name }.from(0, 0, &mut known)
}

struct Matching<'a> {
    pattern: &'a [char],
    name: &'a [char],
}

impl Matching<'_> {
    fn from(&self, p: usize, n: usize, known: &mut Vec<Vec<Option<bool>>>) -> bool {
        if let Some(answer) = known[p][n] {
            return answer;
        }
        known[p][n] = Some(false);
        let answer = self.judge(p, n, known);
        known[p][n] = Some(answer);
        answer
    }

    fn judge(&self, p: usize, n: usize, known: &mut Vec<Vec<Option<bool>>>) -> bool {
        let Some(&sign) = self.pattern.get(p) else { return n == self.name.len() };
        let at_part = p == 0 || self.pattern[p - 1] == '/';
        if at_part && self.pattern[p..].starts_with(&['*', '*', '/']) {
            let next_part = self.name[n..].iter().position(|c| *c == '/').map(|at| n + at + 1);
            return self.from(p + 3, n, known) || next_part.is_some_and(|next| self.from(p, next, known));
        }
        let here = self.name.get(n).copied();
        match sign {
            '*' => self.from(p + 1, n, known) || here.is_some_and(|c| c != '/') && self.from(p, n + 1, known),
            '?' => here.is_some_and(|c| c != '/') && self.from(p + 1, n + 1, known),
            '[' => match self.class(p, here) {
                Some((next, true)) => self.from(next, n + 1, known),
                Some((_, false)) => false,
                None => here == Some('[') && self.from(p + 1, n + 1, known),
            },
            sign => here == Some(sign) && self.from(p + 1, n + 1, known),
        }
    }

    /// Behind the set that begins at `p`, and whether the character is in it; `None` where no set is closed.
    fn class(&self, p: usize, here: Option<char>) -> Option<(usize, bool)> {
        let close = self.pattern[p + 1..].iter().position(|c| *c == ']').filter(|at| *at > 0)? + p + 1;
        let (negated, inner) = match &self.pattern[p + 1..close] {
            ['^' | '!', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let here = here.filter(|c| *c != '/');
        let is_in = here.is_some_and(|c| is_member(inner, c));
        Some((close + 1, here.is_some() && is_in != negated))
    }
}

fn is_member(set: &[char], c: char) -> bool {
    let ranged = set.windows(3).any(|w| w[1] == '-' && w[0] <= c && c <= w[2]);
    ranged || set.contains(&c)
}
