//! `define`, `redefine`, `undefine`, `include`, and `$name`.

use super::lexer::{Kind, Token};
use super::parser::{MAX_NESTING, Parser};
use crate::dialect::nftables::includes::{MAX_DEPTH, Unreachable};
use crate::dialect::nftables::syntax::{Element, Expr, ExprKind, Name};
use crate::dialect::{Problem, nearest};
use std::sync::Arc;

/// Reads one statement of the block that includes a file.
pub type Reader<'r> = &'r mut dyn FnMut(&mut Parser<'_, '_, '_>) -> Result<(), Problem>;

/// The most pieces of values that variables may expand to.
pub const MAX_EXPANSION: usize = 3_000_000;

impl Parser<'_, '_, '_> {
    /// `include`, `define`, `redefine`, `undefine`; false where none of them stands here.
    pub fn common(&mut self, read: Reader<'_>) -> Result<bool, Problem> {
        match self.word() {
            "include" => self.include(read)?,
            "define" | "redefine" => self.define()?,
            "undefine" => {
                self.take();
                let name = self.identifier("the name of a variable")?;
                self.session.undefine(&name.text);
            }
            _ => return Ok(false),
        }
        self.separator()?;
        Ok(true)
    }

    fn define(&mut self) -> Result<(), Problem> {
        let again = self.word() == "redefine";
        self.take();
        let name = self.identifier("the name of a variable")?;
        self.expect(Kind::Assign, "`=`")?;
        let value = self.initializer()?;
        if !is_shallow(&value, MAX_NESTING) {
            return Err(Problem::new(name.span, format!("the value of `{}` nests too deeply", name.text)));
        }
        if !self.session.define(&name.text, value) && !again {
            let problem = Problem::new(name.span, format!("variable `{}` is defined a second time", name.text));
            return Err(problem.help("`redefine` gives a variable another value"));
        }
        Ok(())
    }

    /// `initializer_expr`: a value, a list, a set, or a negative number.
    fn initializer(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        if self.eat(Kind::Dash) {
            let token = self.expect(Kind::Number, "a number")?;
            let text = format!("-{}", self.text_of(token));
            return Ok(Expr { kind: ExprKind::Word(text), span: self.span_from(first) });
        }
        if self.at(Kind::Open) && self.second().kind == Kind::Close {
            self.take();
            self.take();
            return Ok(Expr { kind: ExprKind::Braces(Vec::new()), span: self.span_from(first) });
        }
        self.right_side()
    }

    /// `$name`: the value that it has, at the place of its use.
    pub fn variable(&mut self) -> Result<Expr, Problem> {
        let dollar = self.expect(Kind::Dollar, "`$`")?;
        let name = self.identifier("the name of a variable")?;
        let span = self.span_from(dollar);
        let Some(value) = self.session.variable(&name.text) else { return Err(self.unknown_variable(&name)) };
        let (kind, size) = (value.kind.clone(), size(value));
        match self.session.spend(size) {
            true => Ok(Expr { kind, span }),
            false => Err(Problem::new(span, "variables expand to too much")),
        }
    }

    /// A name that may be given by a variable.
    pub fn name_or_variable(&mut self, what: &str) -> Result<Name, Problem> {
        if !self.at(Kind::Dollar) {
            return self.string(what);
        }
        let value = self.variable()?;
        match value.kind {
            ExprKind::Word(text) | ExprKind::Quoted(text) => Ok(Name { text, span: value.span }),
            _ => Err(Problem::new(value.span, format!("the variable's value is not {what}"))),
        }
    }

    fn unknown_variable(&self, name: &Name) -> Problem {
        let near = nearest(&name.text, self.session.variables()).map(|n| format!("did you mean `${n}`?"));
        let problem = Problem::new(name.span, format!("variable `${}` is not defined here", name.text));
        problem.help("a variable is defined before its first use, `define NAME = VALUE`").help_if(near)
    }

    fn include(&mut self, read: Reader<'_>) -> Result<(), Problem> {
        self.take();
        let token = self.expect(Kind::Quoted, "the quoted name of a file")?;
        let (pattern, includes) = (self.text_of(token), self.session.includes);
        let root = self.session.root.clone();
        let names = includes.find(&root, pattern).map_err(|fault| self.unreachable(token, fault))?;
        if self.session.open.len() >= MAX_DEPTH && !names.is_empty() {
            let message = format!("includes nest deeper than {MAX_DEPTH} files");
            return Err(self.problem(token, message).help("nft goes no deeper; a file may not include itself"));
        }
        for name in names {
            let Some(file) = includes.get(name) else { continue };
            let Some(text) = self.session.text_of(file) else {
                return Err(self.problem(token, "too many files are included"));
            };
            self.session.open.push(Arc::from(name));
            let outcome = Parser::new(&text, self.session).included(read);
            self.session.open.pop();
            outcome?;
        }
        Ok(())
    }

    /// Reads the whole file as statements of the block that includes it.
    fn included(mut self, read: Reader<'_>) -> Result<(), Problem> {
        self.statements(|parser| read(parser));
        if self.at(Kind::Close) {
            return Err(self.problem(self.token, "this `}` closes no block of the included file"));
        }
        Ok(())
    }

    fn unreachable(&self, token: Token, fault: Unreachable) -> Problem {
        let pattern = self.shown(token);
        match fault {
            Unreachable::Outside => self.problem(token, format!("`{pattern}` lies outside of what was given")).help(
                "include files of the same folder or tree, by a name such as `./sets.nft`; the output of `nft list \
                     ruleset` includes nothing",
            ),
            Unreachable::Missing => self
                .problem(token, format!("there is no file `{pattern}` to include"))
                .help("names begin in the folder of the script that nft loads, also in files that it includes"),
        }
    }
}

/// How many pieces a value has.
fn size(value: &Expr) -> usize {
    1 + pieces(value).into_iter().map(size).sum::<usize>()
}

/// Whether a value nests at most so deep.
fn is_shallow(value: &Expr, depth: usize) -> bool {
    depth > 0 && pieces(value).into_iter().all(|piece| is_shallow(piece, depth - 1))
}

fn pieces(value: &Expr) -> Vec<&Expr> {
    match &value.kind {
        ExprKind::Range(a, b) | ExprKind::Map(a, b) | ExprKind::Binary(_, a, b) => vec![a, b],
        ExprKind::Prefix(a, _) => vec![a],
        ExprKind::Concat(all) | ExprKind::List(all) => all.iter().collect(),
        ExprKind::Braces(elements) => elements.iter().flat_map(of_element).collect(),
        _ => Vec::new(),
    }
}

fn of_element(element: &Element) -> impl Iterator<Item = &Expr> {
    std::iter::once(&element.key).chain(element.data.as_deref())
}
