//! The words of one rule, sorted to the general options, the matches and the target, in the way in which iptables
//! itself looks options up (`xshared.c`, `getopt_long`).

use super::matches::{self, MatchSpec};
use super::options::{Given, OptionSpec, Parsed, flag, pair, value};
use super::rule::Place;
use super::targets::{self, TargetSpec};
use super::words::Word;
use crate::dialect::{Problem, nearest};
use crate::packet::{Family, protocol_by_name};
use crate::ruleset::{ChainId, Negate, Span};

/// The options that every rule can have.
static GENERAL: [OptionSpec; 14] = [
    value("source").or(&["src", "s"]).not(),
    value("destination").or(&["dst", "d"]).not(),
    value("protocol").or(&["p"]).not(),
    value("in-interface").or(&["i"]).not(),
    value("out-interface").or(&["o"]).not(),
    flag("fragment").or(&["fragments", "f"]).not(),
    value("match").or(&["m"]),
    value("jump").or(&["j"]),
    value("goto").or(&["g"]),
    pair("set-counters").or(&["c"]),
    flag("ipv4").or(&["4"]),
    flag("ipv6").or(&["6"]),
    value("table").or(&["t"]),
    value("modprobe").or(&["M"]),
];

/// Sorts the words of one rule.
///
/// # Errors
/// Words that belong to nothing, options that nothing has, second targets.
pub fn sort<'r, 'a>(words: &'r [Word<'r>], place: &'a Place<'a>) -> Parsed<Sorted<'r, 'a>> {
    let mut sorted = Sorted { words, at: 0, place, general: Vec::new(), loaded: Vec::new() };
    sorted.sort_options()?;
    Ok(sorted)
}

/// A match or target whose options are being collected.
pub struct Loaded<'r> {
    /// What it is.
    pub what: What,
    /// Its options.
    pub given: Vec<Given<'r>>,
    /// The place of its name.
    pub span: Span,
}

/// A match, a target, or the call of a chain.
#[derive(Clone, Copy)]
pub enum What {
    /// A match.
    Match(&'static MatchSpec),
    /// A target.
    Target(&'static TargetSpec),
    /// A call.
    Call(ChainId, CallKind),
}

/// Whether a call comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// It comes back.
    Jump,
    /// It does not.
    Goto,
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            What::Match(m) => m.name,
            What::Target(t) => t.name,
            What::Call(..) => "a call",
        }
    }

    fn options(&self) -> &'static [OptionSpec] {
        match self {
            What::Match(m) => m.options,
            What::Target(t) => t.options,
            What::Call(..) => &[],
        }
    }
}

/// Where an option belongs: among the general ones, or to a loaded module.
#[derive(Clone, Copy)]
enum Owner {
    General,
    Module(usize),
}

/// The options of a rule, each with its owner.
pub struct Sorted<'r, 'a> {
    words: &'r [Word<'r>],
    at: usize,
    /// What surrounds the rule.
    pub place: &'a Place<'a>,
    /// The general options.
    pub general: Vec<Given<'r>>,
    /// Matches and the target, in the order in which they are named.
    pub loaded: Vec<Loaded<'r>>,
}

impl<'r> Sorted<'r, '_> {
    fn sort_options(&mut self) -> Parsed<()> {
        while self.at < self.words.len() {
            let negate = self.exclamation();
            let Some(word) = self.words.get(self.at) else {
                return Err(Problem::new(self.last_span(), "nothing follows the `!`"));
            };
            if word.quoted || !word.text.starts_with('-') {
                return Err(Problem::new(word.span, format!("`{}` belongs to no option", word.text))
                    .help("a value stands behind its option; several words need quotes"));
            }
            self.at += 1;
            self.option(word, negate)?;
        }
        Ok(())
    }

    fn exclamation(&mut self) -> Negate {
        match self.words.get(self.at) {
            Some(word) if word.text == "!" && !word.quoted => {
                self.at += 1;
                Negate::Yes
            }
            _ => Negate::No,
        }
    }

    fn last_span(&self) -> Span {
        self.words.last().map_or_else(Span::default, |w| w.span)
    }

    fn option(&mut self, word: &'r Word<'r>, negate: Negate) -> Parsed<()> {
        let (name, _) = option_name(&word.text);
        if word.text.contains('=') && word.text.starts_with("--") {
            let span = word.span;
            return Err(Problem::new(span, format!("`{}` joins option and value", word.text))
                .help("write the value as a word of its own, as save commands do"));
        }
        let (owner, spec) = self.look_up(name, word)?;
        self.late_exclamation(spec, word)?;
        if negate == Negate::Yes && !spec.negatable {
            return Err(Problem::new(word.span, format!("`{}` cannot be negated", word.text)));
        }
        let values = self.values(spec, word)?;
        let given = Given { spec, negate, values, span: word.span };
        match owner {
            Owner::General => self.general_option(given, word),
            Owner::Module(at) => self.module_option(at, given, word),
        }
    }

    /// `--dport ! 22` was the style of old versions, which nothing reads any more.
    fn late_exclamation(&self, spec: &OptionSpec, word: &Word<'_>) -> Parsed<()> {
        match self.words.get(self.at) {
            Some(late) if late.text == "!" && !late.quoted && spec.negatable && spec.takes > 0 => {
                Err(Problem::new(late.span, format!("the `!` stands behind `{}`", word.text))
                    .help(format!("write `! {} ...`, as every version since 1.4.3 does", word.text)))
            }
            _ => Ok(()),
        }
    }

    fn values(&mut self, spec: &'static OptionSpec, word: &Word<'_>) -> Parsed<&'r [Word<'r>]> {
        let first = self.at;
        let wanted = usize::from(spec.takes);
        if spec.optional && self.words.get(first).is_none_or(|w| w.text.starts_with('-') && !w.quoted) {
            return Ok(&[]);
        }
        match self.words.get(first..first + wanted) {
            Some(values) => {
                self.at = first + wanted;
                Ok(values)
            }
            None if wanted == 1 => Err(Problem::new(word.span, format!("`{}` has no value", word.text))),
            None => Err(Problem::new(word.span, format!("`{}` takes {wanted} values", word.text))),
        }
    }

    /// Finds an option: exactly first, among general options and then modules from the last loaded to the first;
    /// then in the module that `-p` implies; then as the beginning of exactly one name, as `getopt_long` does.
    fn look_up(&mut self, name: &str, word: &Word<'_>) -> Parsed<(Owner, &'static OptionSpec)> {
        if let Some(spec) = GENERAL.iter().find(|o| o.is(name)) {
            return Ok((Owner::General, spec));
        }
        if word.text.starts_with("--") {
            if let Some(found) = self.in_modules(|o| o.is(name)) {
                return Ok(found);
            }
            if let Some(found) = self.in_implied(|o| o.is(name)) {
                return Ok(found);
            }
            if let Some(found) = self.by_beginning(name) {
                return Ok(found);
            }
        }
        Err(self.unknown_option(name, word))
    }

    fn in_modules(&self, wanted: impl Fn(&OptionSpec) -> bool) -> Option<(Owner, &'static OptionSpec)> {
        let newest_first = self.loaded.iter().enumerate().rev();
        newest_first
            .filter_map(|(at, l)| l.what.options().iter().find(|o| wanted(o)).map(|o| (Owner::Module(at), o)))
            .next()
    }

    fn in_implied(&mut self, wanted: impl Fn(&OptionSpec) -> bool) -> Option<(Owner, &'static OptionSpec)> {
        let given = self.general.iter().find(|g| g.spec.name == "protocol")?;
        let number = protocol_by_name(given.text())?;
        let spec = matches::implied_by(number, self.place.scope.family)?;
        if self.loaded.iter().any(|l| matches!(l.what, What::Match(m) if m.name == spec.name)) {
            return None;
        }
        let option = spec.options.iter().find(|o| wanted(o))?;
        self.loaded.push(Loaded { what: What::Match(spec), given: Vec::new(), span: given.value_span() });
        Some((Owner::Module(self.loaded.len() - 1), option))
    }

    fn by_beginning(&mut self, name: &str) -> Option<(Owner, &'static OptionSpec)> {
        if name.len() < 2 {
            return None;
        }
        let begins = |o: &OptionSpec| o.names().any(|n| n.len() > 1 && n.starts_with(name));
        let general = GENERAL.iter().filter(|o| begins(o)).map(|o| (Owner::General, o));
        let modules = self
            .loaded
            .iter()
            .enumerate()
            .flat_map(|(at, l)| l.what.options().iter().filter(|o| begins(o)).map(move |o| (Owner::Module(at), o)));
        let mut all = general.chain(modules);
        match (all.next(), all.next()) {
            (Some(one), None) => Some(one),
            (Some(_), Some(_)) => None,
            (None, _) => {
                drop(all);
                self.in_implied(begins)
            }
        }
    }

    fn unknown_option(&self, name: &str, word: &Word<'_>) -> Problem {
        let mut known: Vec<&str> = GENERAL.iter().flat_map(|o| o.names()).filter(|n| n.len() > 1).collect();
        known.extend(self.loaded.iter().flat_map(|l| l.what.options()).flat_map(|o| o.names()));
        let problem = Problem::new(word.span, format!("there is no option `{}` here", word.text));
        if let Some(near) = nearest(name, known) {
            return problem.help(format!("did you mean `--{near}`?"));
        }
        let family = self.place.scope.family;
        let owner = matches::registry().find(|m| m.fits(family) && m.options.iter().any(|o| o.is(name)));
        match owner {
            Some(owner) => problem.help(format!("it belongs to `-m {}`, which must stand before it", owner.name)),
            None => problem
                .help("the option is unknown to every match and target that is read; the support table lists them"),
        }
    }

    fn general_option(&mut self, given: Given<'r>, word: &Word<'_>) -> Parsed<()> {
        match given.spec.name {
            "match" => self.load_match(&given),
            "jump" | "goto" => self.load_target(&given),
            "table" => {
                Err(given.wrong("a rule of a dump cannot name a table").help("tables are headers such as `*nat`"))
            }
            "modprobe" => Ok(()),
            name => {
                if self.general.iter().any(|g| g.spec.name == name) {
                    return Err(Problem::new(word.span, format!("`{}` is given twice", word.text)));
                }
                self.general.push(given);
                Ok(())
            }
        }
    }

    fn module_option(&mut self, at: usize, given: Given<'r>, word: &Word<'_>) -> Parsed<()> {
        let loaded = &mut self.loaded[at];
        let repeats = matches!(loaded.what, What::Match(m) if m.name == "policy");
        if !repeats && loaded.given.iter().any(|g| g.spec.name == given.spec.name) {
            return Err(Problem::new(word.span, format!("`{}` is given twice", word.text)));
        }
        loaded.given.push(given);
        Ok(())
    }

    fn load_match(&mut self, given: &Given<'r>) -> Parsed<()> {
        let family = self.place.scope.family;
        let name = given.text();
        let spec = matches::by_name(name, family).ok_or_else(|| unknown_match(given, name, family))?;
        self.loaded.push(Loaded { what: What::Match(spec), given: Vec::new(), span: given.value_span() });
        Ok(())
    }

    fn load_target(&mut self, given: &Given<'r>) -> Parsed<()> {
        if let Some(before) = self.loaded.iter().find(|l| !matches!(l.what, What::Match(_))) {
            return Err(Problem::new(given.span, "the rule has a second target")
                .help(format!("the first is `{}`", before.what.name())));
        }
        let name = given.text();
        let what = match (self.place.find_chain)(name) {
            Some((id, declared)) => {
                self.check_call(given, declared)?;
                let kind = if given.spec.name == "goto" { CallKind::Goto } else { CallKind::Jump };
                What::Call(id, kind)
            }
            None if given.spec.name == "goto" => return Err(self.unknown_target(given)),
            None if self.place.table.built_in(name).is_some() => {
                return Err(given.wrong(format!("`{name}` is a built-in chain and cannot be called")));
            }
            None => {
                What::Target(targets::by_name(name, self.place.scope.family).ok_or_else(|| self.unknown_target(given))?)
            }
        };
        self.loaded.push(Loaded { what, given: Vec::new(), span: given.value_span() });
        Ok(())
    }

    fn check_call(&self, given: &Given<'_>, declared: Span) -> Parsed<()> {
        let name = given.text();
        if self.place.table.built_in(name).is_some() {
            return Err(given
                .wrong(format!("`{name}` is a built-in chain and cannot be called"))
                .help("move the rules that both need into a user chain"));
        }
        if declared.start > given.span.start {
            return Err(given
                .wrong(format!("chain `{name}` is declared only on line {}", declared.line))
                .help("iptables-restore reads from top to bottom; declare the chain before the rule"));
        }
        Ok(())
    }

    fn unknown_target(&self, given: &Given<'_>) -> Problem {
        let name = given.text();
        let family = self.place.scope.family;
        let chains = (self.place.chain_names)();
        let known =
            chains.iter().map(String::as_str).chain(targets::registry().filter(|t| t.fits(family)).map(|t| t.name));
        let near = nearest(name, known).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
        let what = if given.spec.name == "goto" { "chain" } else { "chain or target" };
        given.wrong(format!("table `{}` has no {what} `{name}`", self.place.table.name)).help(format!(
            "{near}a chain is declared by a line `:{name} - [0:0]`; targets that could decide are never guessed"
        ))
    }
}

/// An option word without its dashes, and whether it is a long one.
fn option_name(word: &str) -> (&str, bool) {
    match word.strip_prefix("--") {
        Some(name) => (name, true),
        None => (word.strip_prefix('-').unwrap_or(word), false),
    }
}

fn unknown_match(given: &Given<'_>, name: &str, family: Family) -> Problem {
    let problem = given.wrong(format!("there is no match `{name}` for {family}"));
    if let Some(near) = nearest(name, matches::registry().filter(|m| m.fits(family)).map(|m| m.name)) {
        return problem.help(format!("did you mean `{near}`?"));
    }
    problem.help("the support table lists the matches; options of others cannot be told from their values")
}
