//! Statements without a selector: `log`, `reject`, `synproxy`, `xt`, `reset tcp option`.

use super::lexer::Kind;
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::StatementKind;

/// The words that `log` takes, in the order in which the tree keeps them.
const LOG_WORDS: &[&str] = &["prefix", "group", "snaplen", "queue-threshold", "level", "flags"];
const LEVELS: &[&str] = &["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"];

impl Parser<'_, '_, '_> {
    /// `log [prefix "x"] [group N] [snaplen N] [queue-threshold N] [level L] [flags F]` in any order.
    pub fn log(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        let mut found: Vec<(usize, String)> = Vec::new();
        while let Some(place) = LOG_WORDS.iter().position(|word| self.at_word(word)) {
            let token = self.take();
            let values = match LOG_WORDS.get(place) {
                Some(&"prefix") => vec![self.string("the prefix of the log")?.text],
                Some(&"level") => vec![self.one_of(LEVELS, "a level")?.to_owned()],
                Some(&"flags") => self.log_flags()?,
                _ => vec![self.number()?.to_string()],
            };
            if found.iter().any(|(p, _)| *p == place) && LOG_WORDS.get(place) != Some(&"flags") {
                return Err(self.problem(token, format!("`{}` is given twice", self.text_of(token))));
            }
            found.extend(values.into_iter().map(|value| (place, value)));
        }
        if let Some(problem) = self.contradiction(&found) {
            return Err(problem);
        }
        found.sort();
        let mut words = vec!["log".to_owned()];
        for (place, value) in found {
            words.extend(LOG_WORDS.get(place).map(|word| (*word).to_owned()));
            words.push(value);
        }
        Ok(StatementKind::Silent(words))
    }

    /// What goes to the kernel's log cannot go to a group, too (`nft(8)`, LOG STATEMENT).
    fn contradiction(&self, found: &[(usize, String)]) -> Option<Problem> {
        let given = |word: &&&str| found.iter().any(|(place, _)| LOG_WORDS.get(*place) == Some(*word));
        let of_group = ["group", "snaplen", "queue-threshold"].iter().find(given)?;
        let of_kernel = ["level", "flags"].iter().find(given)?;
        let message = format!("`{of_kernel}` and `{of_group}` exclude each other");
        Some(self.problem(self.token, message).help("a group is read by a program, the rest goes to the kernel's log"))
    }

    /// `tcp sequence,options`, `ip options`, `skuid`, `ether`, `all`.
    fn log_flags(&mut self) -> Result<Vec<String>, Problem> {
        match self.one_of(&["tcp", "ip", "skuid", "ether", "all"], "a flag of the log")? {
            "tcp" => {
                let mut flags = Vec::new();
                loop {
                    let flag = self.one_of(&["sequence", "options"], "what of `tcp` is logged")?;
                    flags.push(format!("tcp {flag}"));
                    if !self.eat(Kind::Comma) {
                        return Ok(flags);
                    }
                }
            }
            "ip" => {
                self.expect_word("options")?;
                Ok(vec!["ip options".to_owned()])
            }
            word => Ok(vec![word.to_owned()]),
        }
    }

    /// `reject [with icmp [type] X | icmpv6 | icmpx | tcp reset]`.
    pub fn reject(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        if !self.eat_word("with") {
            return Ok(StatementKind::Reject(Vec::new()));
        }
        let kind = self.one_of(&["icmp", "icmpv6", "icmpx", "tcp"], "what a packet is rejected with")?;
        if kind == "tcp" {
            self.expect_word("reset")?;
            return Ok(StatementKind::Reject(["tcp", "reset"].map(str::to_owned).to_vec()));
        }
        self.eat_word("type");
        let value = match self.token.kind {
            Kind::Number => self.number()?.to_string(),
            Kind::Dollar => self.name_or_variable("a type of `icmp`")?.text,
            Kind::Word => self.take_text(),
            _ => return Err(self.unexpected("a type such as `port-unreachable`")),
        };
        Ok(StatementKind::Reject(vec![kind.to_owned(), value]))
    }

    /// `synproxy [mss N] [wscale N] [timestamp] [sack-perm]`, `synproxy name X`.
    pub fn synproxy(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        if self.eat_word("name") {
            let name = self.object_reference()?;
            return Ok(StatementKind::Synproxy(vec!["name".to_owned(), name]));
        }
        let mut parts = Vec::new();
        loop {
            match self.word() {
                word @ ("mss" | "wscale") => {
                    self.take();
                    parts.push(format!("{word} {}", self.number()?));
                }
                "timestamp" => parts.push(self.take_text()),
                "sack-perm" | "sack-permitted" => {
                    self.take();
                    parts.push("sack-perm".to_owned());
                }
                _ => break,
            }
        }
        parts.sort();
        Ok(StatementKind::Synproxy(parts))
    }

    /// `xt match NAME`, `xt target NAME`.
    pub fn xt(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        let kind = self.one_of(&["match", "target", "watcher"], "a kind of module")?.to_owned();
        let name = self.string("the name of a module")?.text;
        Ok(StatementKind::Xt { kind, name })
    }

    /// `reset tcp option NAME`.
    pub fn strip_option(&mut self) -> Result<StatementKind, Problem> {
        self.take();
        self.expect_word("tcp")?;
        self.expect_word("option")?;
        let name = self.option_name()?;
        Ok(StatementKind::Silent(["reset", "tcp", "option", &name].map(str::to_owned).to_vec()))
    }
}
