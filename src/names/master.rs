//! Master files to records (RFC 1035 section 5): directives, owners, times to live and classes in any order, files that
//! are included.

use super::data::{self, no_name};
use super::generate::{Steps, fill};
use super::lexer::{Line, Word, lines};
use super::name::Name;
use super::record::{Data, Record, RecordType};
use super::ttl::{self, MAX_TTL};
use crate::document::Problems;
use crate::ruleset::{SourceId, Span};
use std::collections::BTreeMap;

/// Most records of one zone, those of `$GENERATE` among them.
const MAX_RECORDS: usize = 1_000_000;
/// Deepest chain of files that include each other.
const MAX_INCLUDES: usize = 16;

/// The texts of the files of a tree, by path, with their places.
pub(super) type Texts<'a> = BTreeMap<&'a str, (SourceId, &'a str)>;

/// A record, and the number of the group of records that stand together with it: of one owner, without another one's between.
pub(super) type Grouped = (usize, Record);

/// Which records stand together, as BIND gathers them before it adds them to the zone: those of one owner in a row. Addresses
/// of a server that the owner's NS records have just named stand between without ending the row.
#[derive(Default)]
struct Standing {
    owner: Option<Name>,
    group: usize,
    servers: Vec<Name>,
    glue: Option<(Name, usize)>,
    last: usize,
}

impl Standing {
    fn group_of(&mut self, owner: &Name) -> usize {
        if let Some((_, group)) = self.glue.as_ref().filter(|(glue, _)| glue == owner) {
            return *group;
        }
        self.glue = None;
        if self.owner.as_ref() == Some(owner) {
            return self.group;
        }
        let next = self.next();
        if self.servers.contains(owner) {
            self.glue = Some((owner.clone(), next));
        } else {
            (self.owner, self.group) = (Some(owner.clone()), next);
            self.servers.clear();
        }
        next
    }

    fn next(&mut self) -> usize {
        self.last += 1;
        self.last
    }

    fn serves(&mut self, group: usize, host: &Name) {
        if group == self.group {
            self.servers.push(host.clone());
        }
    }
}

/// Reads the master file of a path with everything that it includes.
pub(super) struct Reading<'a> {
    pub texts: &'a Texts<'a>,
    /// The folder of all zones, with a final `/`; includes are looked for from here, then beside the including file.
    pub root: &'a str,
    pub problems: &'a Problems,
    records: Vec<Grouped>,
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    last_owner: Option<Name>,
    stands: Standing,
    /// Files that are being read.
    open: Vec<&'a str>,
    is_full: bool,
}

impl<'a> Reading<'a> {
    pub fn new(texts: &'a Texts<'a>, root: &'a str, problems: &'a Problems) -> Reading<'a> {
        Reading {
            texts,
            root,
            problems,
            records: Vec::new(),
            default_ttl: None,
            last_ttl: None,
            last_owner: None,
            stands: Standing::default(),
            open: Vec::new(),
            is_full: false,
        }
    }

    /// Every record of the file, in order.
    pub fn records(mut self, path: &'a str, origin: Option<Name>) -> Vec<Grouped> {
        self.file(path, origin);
        self.records
    }

    fn file(&mut self, path: &'a str, mut origin: Option<Name>) {
        let Some((source, text)) = self.texts.get(path).copied() else { return };
        self.open.push(path);
        for line in lines(text, source, self.problems) {
            if let Err((span, message)) = self.line(&line, &mut origin) {
                self.problems.note(span, message, None);
            }
            if self.is_full {
                break;
            }
        }
        self.open.pop();
    }

    fn line(&mut self, line: &Line<'a>, origin: &mut Option<Name>) -> Result<(), data::Fault> {
        let Some(first) = line.words.first() else { return Ok(()) };
        let rest = line.words.get(1..).unwrap_or_default();
        let is_directive = !line.is_indented && !first.is_quoted && first.text.starts_with('$');
        match first.text.to_ascii_uppercase().as_str() {
            "$ORIGIN" if is_directive => {
                let name = name_of(only(first, rest)?, origin.as_ref())?;
                *origin = Some(name);
                Ok(())
            }
            "$TTL" if is_directive => {
                self.default_ttl = Some(lifetime(only(first, rest)?)?);
                Ok(())
            }
            "$INCLUDE" if is_directive => self.include(first, rest, origin.as_ref()),
            "$GENERATE" if is_directive => self.generate(line, rest, origin.as_ref()),
            other if is_directive => Err((first.span, format!("`{other}` is no directive that is understood"))),
            _ => self.record(line, origin.as_ref()),
        }
    }

    fn record(&mut self, line: &Line<'_>, origin: Option<&Name>) -> Result<(), data::Fault> {
        let (owner, rest) = match line.words.split_first() {
            Some((first, rest)) if !line.is_indented => (name_of(first, origin)?, rest),
            _ => {
                let none = || (line.span(), "nothing says whose record this is".to_owned());
                (self.last_owner.clone().ok_or_else(none)?, line.words.as_slice())
            }
        };
        self.last_owner = Some(owner.clone());
        let group = self.stands.group_of(&owner);
        self.typed((group, owner), rest, line.span(), origin)
    }

    /// A record behind its owner.
    fn typed(
        &mut self,
        (group, owner): (usize, Name),
        words: &[Word<'_>],
        at: Span,
        origin: Option<&Name>,
    ) -> Result<(), data::Fault> {
        let head = Head::read(words, at)?;
        let data = data::read(head.kind, head.rest, at, origin)?;
        let ttl = self
            .ttl(head.ttl, &data)
            .ok_or_else(|| (at, "nothing says how long this record may be kept: write `$TTL` at the top".to_owned()))?;
        if self.records.len() >= MAX_RECORDS {
            self.is_full = true;
            return Err((at, format!("the zone has more than {MAX_RECORDS} records")));
        }
        if let Data::Ns(host) = &data {
            self.stands.serves(group, host);
        }
        self.records.push((group, Record { owner, ttl, kind: head.kind, data, span: at }));
        Ok(())
    }

    /// The time to live: its own, else that of `$TTL`, else the last that a record gave (RFC 1035 section 5.1); a SOA without
    /// any of them, and what follows it, takes its MINIMUM, as BIND does.
    fn ttl(&mut self, own: Option<u32>, data: &Data) -> Option<u32> {
        if own.is_some() {
            self.last_ttl = own;
            return own;
        }
        let known = self.default_ttl.or(self.last_ttl);
        match (known, data) {
            (None, Data::Soa(soa)) => {
                self.default_ttl = Some(soa.minimum.min(MAX_TTL));
                self.default_ttl
            }
            (known, _) => known,
        }
    }

    fn include(&mut self, first: &Word<'a>, rest: &[Word<'a>], origin: Option<&Name>) -> Result<(), data::Fault> {
        let (file, name) = match rest {
            [file] => (file, origin.cloned()),
            [file, name] => (file, Some(name_of(name, origin)?)),
            _ => return Err((first.span, "`$INCLUDE` has a file, and perhaps an origin".to_owned())),
        };
        let path = self.included(file)?;
        if self.open.contains(&path) || self.open.len() >= MAX_INCLUDES {
            return Err((
                file.span,
                format!("`{}` includes itself, or files nest deeper than {MAX_INCLUDES}", file.text),
            ));
        }
        // The origin and the owner of the including file come back behind it (RFC 1035 section 5.1).
        let owner = self.last_owner.clone();
        self.file(path, name);
        self.last_owner = owner;
        Ok(())
    }

    /// The path of a file that is included: from the folder of all zones, as a server's working directory, or beside the
    /// including file.
    fn included(&self, file: &Word<'a>) -> Result<&'a str, data::Fault> {
        let outside = file.text.starts_with('/') || file.text.split('/').any(|part| part == ".." || part == ".");
        if outside || file.text.contains('\\') {
            return Err((file.span, format!("`{}` leaves the folder of the zones", file.text)));
        }
        let beside = self.open.last().and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder);
        let candidates = [format!("{}{}", self.root, file.text), format!("{beside}/{}", file.text)];
        let found = candidates.iter().find_map(|path| self.texts.get_key_value(path.as_str()));
        found.map(|(path, _)| *path).ok_or_else(|| (file.span, format!("there is no file `{}` to include", file.text)))
    }

    /// `$GENERATE RANGE LHS [TTL] [CLASS] TYPE RHS`.
    fn generate(&mut self, line: &Line<'_>, rest: &[Word<'_>], origin: Option<&Name>) -> Result<(), data::Fault> {
        let at = line.span();
        let [range, owner, rest @ ..] = rest else {
            return Err((at, "`$GENERATE` has a range, a name, a type and data".to_owned()));
        };
        let steps = Steps::parse(range.text).ok_or_else(|| (range.span, format!("`{}` is no range", range.text)))?;
        if steps.count() > MAX_RECORDS {
            return Err((range.span, format!("this range makes more than {MAX_RECORDS} records")));
        }
        for number in steps.numbers() {
            let filled = |word: &Word<'_>| {
                let wrong = || (word.span, format!("`{}` is no template that is understood", word.text));
                fill(word.text, number).ok_or_else(wrong)
            };
            let name = filled(owner)?;
            let name = Name::parse(&name, origin).map_err(|why| (owner.span, no_name(&name, why)))?;
            let texts = rest.iter().map(filled).collect::<Result<Vec<String>, _>>()?;
            let words: Vec<Word<'_>> = rest.iter().zip(&texts).map(|(w, text)| Word { text, ..*w }).collect();
            let group = self.stands.next();
            self.typed((group, name), &words, at, origin)?;
        }
        Ok(())
    }
}

fn only<'w, 'a>(first: &Word<'a>, rest: &'w [Word<'a>]) -> Result<&'w Word<'a>, data::Fault> {
    match rest {
        [one] => Ok(one),
        _ => Err((first.span, format!("`{}` has exactly one word", first.text))),
    }
}

fn name_of(word: &Word<'_>, origin: Option<&Name>) -> Result<Name, data::Fault> {
    Name::parse(word.text, origin).map_err(|why| (word.span, no_name(word.text, why)))
}

fn lifetime(word: &Word<'_>) -> Result<u32, data::Fault> {
    let wrong = || (word.span, format!("`{}` is no time to live", word.text));
    ttl::seconds(word.text).filter(|s| *s <= MAX_TTL).ok_or_else(wrong)
}

/// What stands between owner and data.
struct Head<'w, 'a> {
    ttl: Option<u32>,
    kind: RecordType,
    rest: &'w [Word<'a>],
}

impl<'w, 'a> Head<'w, 'a> {
    /// Time to live and class, each at most once and in any order, then the type.
    fn read(words: &'w [Word<'a>], at: Span) -> Result<Head<'w, 'a>, data::Fault> {
        let (mut ttl, mut has_class, mut rest) = (None, false, words);
        while let Some((word, behind)) = rest.split_first() {
            if word.is_quoted {
                break;
            }
            if ttl.is_none() && word.text.starts_with(|c: char| c.is_ascii_digit()) {
                ttl = Some(lifetime(word)?);
            } else if !has_class && is_class(word)? {
                has_class = true;
            } else {
                let unknown = || (word.span, format!("`{}` is no type of records", word.text));
                return Ok(Head { ttl, kind: RecordType::by_name(word.text).ok_or_else(unknown)?, rest: behind });
            }
            rest = behind;
        }
        Err((at, "this record has no type".to_owned()))
    }
}

/// Whether a word is the class IN.
fn is_class(word: &Word<'_>) -> Result<bool, data::Fault> {
    match word.text.to_ascii_uppercase().as_str() {
        "IN" | "CLASS1" => Ok(true),
        class @ ("CH" | "HS" | "CS" | "ANY" | "NONE" | "CLASS3" | "CLASS4") => {
            Err((word.span, format!("records of class {class} are not understood; zones of class IN are")))
        }
        _ => Ok(false),
    }
}
