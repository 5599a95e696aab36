//! Selectors: what reads something of the packet, of its connection, or of the system.

use super::lexer::Kind;
use super::parser::Parser;
use crate::dialect::Problem;
use crate::dialect::nftables::spell;
use crate::dialect::nftables::syntax::{Expr, ExprKind};
use crate::dialect::nftables::words::{
    EXTENSION_HEADERS, HEADERS, IP_OPTIONS, META_BARE, META_QUALIFIED, SCTP_CHUNKS, TCP_OPTIONS, TUNNELS, fields_of,
    meta_key, tcp_option,
};

/// Words that begin a selector besides headers and keys of `meta`.
const OTHERS: &[&str] = &[
    "meta", "ct", "rt", "fib", "socket", "osf", "numgen", "jhash", "symhash", "ipsec", "tunnel", "exthdr", "hbh",
    "rt0", "rt2", "srh", "frag", "dst", "mh",
];

/// Every word that begins a selector.
pub fn selector_words() -> impl Iterator<Item = &'static str> {
    HEADERS.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied()).chain(META_BARE.iter().copied())
}

impl Parser<'_, '_, '_> {
    /// Whether a selector begins here.
    pub fn begins_selector(&self) -> bool {
        let word = self.word();
        !word.is_empty() && selector_words().any(|w| w == word)
    }

    /// Whether the word behind the next one is a field of the header that the next one names, or no header is named.
    pub fn has_field_behind(&self) -> bool {
        let (word, behind) = (self.word(), self.second_word());
        let Some(fields) = fields_of(HEADERS, word) else { return true };
        let is_field = fields.iter().any(|f| f.split(' ').next() == Some(behind));
        let carried = TUNNELS.contains(&word) && fields_of(HEADERS, behind).is_some();
        is_field || carried || matches!(behind, "option" | "chunk")
    }

    /// One selector (`selector_expr`).
    pub fn selector(&mut self) -> Result<Expr, Problem> {
        let first = self.token;
        let kind = match first.kind {
            Kind::At => self.raw()?,
            Kind::Dollar => return self.variable(),
            Kind::Word => self.worded()?,
            _ => return Err(self.unexpected("a selector")),
        };
        Ok(Expr { kind, span: self.span_from(first) })
    }

    fn worded(&mut self) -> Result<ExprKind, Problem> {
        let word = self.word();
        if META_BARE.contains(&word) {
            self.take();
            return Ok(ExprKind::Meta(meta_key(word).to_owned()));
        }
        match word {
            "meta" => self.meta(),
            "ct" => self.ct_selector(),
            "fib" => self.fib(),
            "exthdr" => self.exthdr_exists(),
            "rt" if !matches!(self.second_word(), "nexthdr" | "hdrlength" | "type" | "seg-left") => self.route(),
            "socket" | "osf" | "numgen" | "jhash" | "symhash" | "ipsec" | "tunnel" => self.other(word),
            _ if fields_of(EXTENSION_HEADERS, word).is_some() => self.extension_header(),
            _ if fields_of(HEADERS, word).is_some() => self.payload(),
            _ => {
                let words: Vec<&str> = selector_words().collect();
                Err(self.unknown("a selector", &words))
            }
        }
    }

    fn meta(&mut self) -> Result<ExprKind, Problem> {
        self.take();
        let keys: Vec<&'static str> = META_QUALIFIED.iter().chain(META_BARE).copied().collect();
        let key = self.one_of(&keys, "a key of `meta`")?;
        Ok(ExprKind::Meta(meta_key(key).to_owned()))
    }

    /// A field of a header, an option of one, or a header carried by it.
    fn payload(&mut self) -> Result<ExprKind, Problem> {
        let header = self.word();
        self.take();
        match (header, self.word()) {
            ("tcp", "option") => return self.tcp_option(),
            ("ip", "option") => return self.option_in("ip", IP_OPTIONS, &[]),
            ("sctp", "chunk") => return self.option_in("sctp", SCTP_CHUNKS, &["type", "flags", "length"]),
            ("dccp", "option") => {
                self.take();
                let name = self.number()?.to_string();
                return Ok(ExprKind::Option { protocol: "dccp".to_owned(), name, field: None });
            }
            _ => {}
        }
        if TUNNELS.contains(&header) && fields_of(HEADERS, self.word()).is_some_and(|_| !TUNNELS.contains(&self.word()))
        {
            return self.deeper(|parser| carried(header, parser.payload()?, parser));
        }
        let field = self.field(header)?;
        Ok(ExprKind::Payload { header: header.to_owned(), field })
    }

    fn field(&mut self, header: &str) -> Result<String, Problem> {
        let fields = fields_of(HEADERS, header).unwrap_or(&[]);
        if header == "arp" && matches!(self.word(), "saddr" | "daddr") {
            let address = self.take_word().to_owned();
            let kind = self.one_of(&["ether", "ip"], "the kind of an address of `arp`")?;
            return Ok(format!("{address} {kind}"));
        }
        let field = self.one_of(fields, &format!("a field of `{header}`"))?;
        Ok(if field == "param-problem" { "parameter-problem" } else { field }.to_owned())
    }

    /// `tcp option maxseg size`, `tcp option 34`, `tcp option @34,8,16`.
    fn tcp_option(&mut self) -> Result<ExprKind, Problem> {
        self.take();
        let protocol = "tcp".to_owned();
        if self.eat(Kind::At) {
            let name = self.option_name()?;
            self.expect(Kind::Comma, "`,`")?;
            let offset = self.number()?;
            self.expect(Kind::Comma, "`,`")?;
            let field = Some(format!("@{offset},{}", self.number()?));
            return Ok(ExprKind::Option { protocol, name, field });
        }
        let name = self.option_name()?;
        let fields = fields_of(TCP_OPTIONS, &name).unwrap_or(&[]);
        let known = self.word();
        let field = fields.iter().chain(&["length"]).find(|f| **f == known).map(|f| (*f).to_owned());
        if field.is_some() {
            self.take();
        } else if TCP_OPTIONS.iter().any(|(option, fields)| *option == known || fields.contains(&known)) {
            return Err(self.unknown(&format!("a field of the option `{name}`"), fields));
        }
        Ok(ExprKind::Option { protocol, name, field })
    }

    /// The name or number of an option of TCP.
    pub fn option_name(&mut self) -> Result<String, Problem> {
        if self.at(Kind::Number) {
            return Ok(self.number()?.to_string());
        }
        let names: Vec<&'static str> =
            TCP_OPTIONS.iter().map(|(name, _)| *name).chain(["mss", "noop", "sack-permitted"]).collect();
        Ok(tcp_option(self.one_of(&names, "an option of `tcp`")?).to_owned())
    }

    /// `ip option lsrr addr`, `sctp chunk data tsn`: an option of a table with its field, or whether it is there.
    fn option_in(
        &mut self,
        protocol: &str,
        table: &'static [(&'static str, &'static [&'static str])],
        common: &[&'static str],
    ) -> Result<ExprKind, Problem> {
        self.take();
        let names: Vec<&'static str> = table.iter().map(|(name, _)| *name).collect();
        let name = self.one_of(&names, &format!("an option of `{protocol}`"))?;
        let known = self.word();
        let fields = fields_of(table, name).unwrap_or(&[]);
        let field = fields.iter().chain(common).find(|f| **f == known).map(|f| (*f).to_owned());
        if field.is_some() {
            self.take();
        }
        Ok(ExprKind::Option { protocol: protocol.to_owned(), name: name.to_owned(), field })
    }

    /// `@nh,96,32`.
    fn raw(&mut self) -> Result<ExprKind, Problem> {
        self.take();
        let base = self.one_of(&["ll", "nh", "th", "ih"], "a base (`ll`, `nh`, `th`, `ih`)")?;
        self.expect(Kind::Comma, "`,`")?;
        let offset = self.small_number(u32::MAX)?;
        self.expect(Kind::Comma, "`,`")?;
        let length = self.small_number(2048)?;
        Ok(ExprKind::Raw { base: base.to_owned(), offset, length })
    }

    fn small_number(&mut self, largest: u32) -> Result<u32, Problem> {
        let token = self.token;
        let value = self.number()?;
        let small = u32::try_from(value).ok().filter(|n| *n <= largest);
        small.ok_or_else(|| self.problem(token, format!("`{value}` is larger than {largest}")))
    }

    fn exthdr_exists(&mut self) -> Result<ExprKind, Problem> {
        self.take();
        let header = self.one_of(&["hbh", "rt", "frag", "dst", "mh"], "an extension header")?;
        Ok(ExprKind::Exthdr { header: header.to_owned(), field: None })
    }

    /// `frag more-fragments`, `rt0 addr[1]`, `srh sid[2]`.
    fn extension_header(&mut self) -> Result<ExprKind, Problem> {
        let header = self.word();
        self.take();
        let fields = fields_of(EXTENSION_HEADERS, header).unwrap_or(&[]);
        let mut field = self.one_of(fields, &format!("a field of `{header}`"))?.to_owned();
        if matches!((header, field.as_str()), ("rt0", "addr") | ("srh", "sid")) {
            self.expect(Kind::OpenBracket, "`[`")?;
            field = format!("{field}[{}]", self.number()?);
            self.expect(Kind::CloseBracket, "`]`")?;
        }
        Ok(ExprKind::Exthdr { header: header.to_owned(), field: Some(field) })
    }

    /// `fib saddr . iif oif`.
    fn fib(&mut self) -> Result<ExprKind, Problem> {
        self.take();
        let mut flags = Vec::new();
        loop {
            let flag = self.one_of(&["saddr", "daddr", "mark", "iif", "oif"], "what `fib` looks up by")?;
            flags.push(flag.to_owned());
            if !self.eat(Kind::Dot) {
                break;
            }
        }
        flags.sort_by_key(|flag| ["saddr", "daddr", "mark", "iif", "oif"].iter().position(|f| f == flag));
        let result = self.one_of(&["oif", "oifname", "type", "check"], "what `fib` gives")?;
        Ok(ExprKind::Fib { flags, result: result.to_owned() })
    }

    /// `rt classid`, `rt [ip | ip6] nexthop`, `rt mtu`, `rt ipsec`.
    fn route(&mut self) -> Result<ExprKind, Problem> {
        let mut words = vec![self.take_text()];
        if matches!(self.word(), "ip" | "ip6") {
            words.push(self.take_text());
        }
        words.push(self.one_of(&["classid", "nexthop", "mtu", "ipsec"], "a key of `rt`")?.to_owned());
        Ok(ExprKind::Other(words))
    }

    fn other(&mut self, first: &str) -> Result<ExprKind, Problem> {
        let mut words = vec![self.take_text()];
        match first {
            "socket" => self.socket(&mut words)?,
            "osf" => {
                if self.eat_word("ttl") {
                    let how = self.one_of(&["loose", "skip"], "a way to judge the TTL")?;
                    words.extend(["ttl".to_owned(), how.to_owned()]);
                }
                words.push(self.one_of(&["version", "name"], "a key of `osf`")?.to_owned());
            }
            "numgen" => {
                words.push(self.one_of(&["inc", "random"], "a way to count")?.to_owned());
                self.modulus(&mut words)?;
            }
            "jhash" => {
                let hashed = self.deeper(Self::left_side)?;
                words.push(spell::expr(&hashed));
                self.modulus(&mut words)?;
            }
            "symhash" => self.modulus(&mut words)?,
            "tunnel" => words.push(self.one_of(&["path", "id"], "a key of `tunnel`")?.to_owned()),
            _ => self.ipsec(&mut words)?,
        }
        Ok(ExprKind::Other(words))
    }

    fn socket(&mut self, words: &mut Vec<String>) -> Result<(), Problem> {
        let key = self.one_of(&["transparent", "mark", "wildcard", "cgroupv2"], "a key of `socket`")?;
        words.push(key.to_owned());
        if key == "cgroupv2" {
            self.expect_word("level")?;
            words.extend(["level".to_owned(), self.number()?.to_string()]);
        }
        Ok(())
    }

    /// `mod N [seed N] [offset N]`.
    fn modulus(&mut self, words: &mut Vec<String>) -> Result<(), Problem> {
        self.expect_word("mod")?;
        words.extend(["mod".to_owned(), self.number()?.to_string()]);
        for word in ["seed", "offset"] {
            if self.eat_word(word) {
                let number = self.number()?;
                if word != "offset" || number != 0 {
                    words.extend([word.to_owned(), number.to_string()]);
                }
            }
        }
        Ok(())
    }

    /// `ipsec in [spnum N] spi`, `ipsec out ip saddr`.
    fn ipsec(&mut self, words: &mut Vec<String>) -> Result<(), Problem> {
        words.push(self.one_of(&["in", "out"], "a direction")?.to_owned());
        if self.eat_word("spnum") {
            let number = self.number()?;
            if number != 0 {
                words.extend(["spnum".to_owned(), number.to_string()]);
            }
        }
        if matches!(self.word(), "ip" | "ip6") {
            words.push(self.take_text());
            words.push(self.one_of(&["saddr", "daddr"], "an address")?.to_owned());
        } else {
            words.push(self.one_of(&["spi", "reqid"], "a key of `ipsec`")?.to_owned());
        }
        Ok(())
    }
}

/// A field of a header that another one carries: `vxlan ip saddr`.
fn carried(outer: &str, inner: ExprKind, parser: &Parser<'_, '_, '_>) -> Result<ExprKind, Problem> {
    match inner {
        ExprKind::Payload { header, field } => Ok(ExprKind::Payload { header: format!("{outer} {header}"), field }),
        _ => Err(parser.unexpected("a field of the carried header")),
    }
}
