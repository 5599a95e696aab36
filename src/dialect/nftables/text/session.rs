//! What all files of one reading share: the draft, the files that may be included, variables, the commands so far.

use super::variables::MAX_EXPANSION;
use crate::dialect::nftables::includes::{Includes, MAX_FILES};
use crate::dialect::nftables::syntax::{Command, Expr, Object, Verb};
use crate::dialect::{Draft, InputFile, Problem, Text};
use crate::ruleset::Span;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The most problems of one reading, after which the rest of the text is not read.
pub const MAX_PROBLEMS: usize = 1000;

/// The most bytes that may be read by inclusion.
const MAX_BYTES: usize = 256 << 20;

/// One reading.
pub struct Session<'a> {
    /// Where problems go.
    draft: &'a mut Draft,
    /// What may be included.
    pub includes: &'a Includes,
    /// The name of the script that includes begin at.
    pub root: Arc<str>,
    /// The commands so far.
    pub out: Vec<Command>,
    /// The names of the files that are open, the script first.
    pub open: Vec<Arc<str>>,
    texts: FxHashMap<String, Text>,
    included: usize,
    included_bytes: usize,
    expanded: usize,
    scopes: Vec<FxHashMap<String, Expr>>,
    problems: usize,
}

impl<'a> Session<'a> {
    /// A reading that begins with this script.
    pub fn new(text: &Text, includes: &'a Includes, draft: &'a mut Draft) -> Session<'a> {
        let root = text.name.clone();
        Session {
            draft,
            includes,
            open: vec![root.clone()],
            root,
            out: Vec::new(),
            texts: FxHashMap::default(),
            included: 0,
            included_bytes: 0,
            expanded: 0,
            scopes: vec![FxHashMap::default()],
            problems: 0,
        }
    }

    /// Notes a problem.
    pub fn refuse(&mut self, problem: Problem) {
        self.problems += 1;
        self.draft.refuse(problem);
    }

    /// Whether so much went wrong that reading on says nothing new.
    pub fn has_failed(&self) -> bool {
        self.problems >= MAX_PROBLEMS
    }

    /// Adds a command and returns its place.
    pub fn push(&mut self, verb: Verb, object: Object, span: Span) -> usize {
        self.out.push(Command { verb, object, span });
        self.out.len() - 1
    }

    /// The text of a file that may be included, decoded once; `None` beyond the bounds of files and bytes.
    pub fn text_of(&mut self, file: &InputFile) -> Option<Text> {
        self.included += 1;
        self.included_bytes = self.included_bytes.saturating_add(file.bytes.len());
        if self.included > MAX_FILES || self.included_bytes > MAX_BYTES {
            return None;
        }
        if let Some(text) = self.texts.get(&file.name) {
            return Some(text.clone());
        }
        let text = self.draft.decode(std::slice::from_ref(file)).into_iter().next()?;
        self.texts.insert(file.name.clone(), text.clone());
        Some(text)
    }

    /// Opens a block, whose variables end with it.
    pub fn enter(&mut self) {
        self.scopes.push(FxHashMap::default());
    }

    /// Closes the innermost block.
    pub fn leave(&mut self) {
        if self.scopes.len() > 1 {
            self.scopes.pop();
        }
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&Expr> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// Counts pieces of values that variables expand to; false beyond the bound.
    pub fn spend(&mut self, pieces: usize) -> bool {
        self.expanded = self.expanded.saturating_add(pieces);
        self.expanded <= MAX_EXPANSION
    }

    /// The names of all variables that are known here.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().flat_map(|scope| scope.keys().map(String::as_str))
    }

    /// Gives a variable of the innermost block its value; says whether it had none there.
    pub fn define(&mut self, name: &str, value: Expr) -> bool {
        self.scopes.last_mut().is_none_or(|scope| scope.insert(name.to_owned(), value).is_none())
    }

    /// Forgets a variable of the innermost block.
    pub fn undefine(&mut self, name: &str) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.remove(name);
        }
    }
}
