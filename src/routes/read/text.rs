//! `ip route`: one route a line, next hops of multipath routes on lines of their own (`print_route` of iproute2).

use super::Lines;
use super::draft::{Draft, UNKNOWN, Wrong, set_flag, set_hop};
use super::number::address;
use super::option::{is_feature, metric_name, metric_value};
use crate::packet::Family;
use crate::routes::model::{NextHop, RouteType};
use crate::routes::prefix::Prefix;
use crate::ruleset::{SourceId, Span};
use std::iter::Peekable;
use std::str::SplitWhitespace;

/// Reads all routes.
pub(super) fn read(lines: &mut Lines<'_>) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let text = lines.text;
    for (span, line) in numbered(text, lines.source) {
        let trimmed = line.trim();
        // `nh_info` repeats of what the next-hop object of the line above consists.
        if trimmed.is_empty()
            || trimmed.starts_with('#')
            || (line.starts_with([' ', '\t']) && trimmed.starts_with("nh_info "))
        {
            continue;
        }
        let read = match (line.starts_with([' ', '\t']), drafts.last_mut()) {
            (true, Some(above)) => {
                above.span.end = span.end;
                Entry::new(trimmed).hops(above)
            }
            (true, None) => Err(("a next hop stands before every route".to_owned(), UNKNOWN)),
            (false, _) => Entry::new(trimmed).route(span).map(|draft| drafts.push(draft)),
        };
        if let Err((message, help)) = read {
            lines.refuse(span, message, help);
        }
    }
    drafts
}

/// Every line with its place.
pub(super) fn numbered(text: &str, source: SourceId) -> impl Iterator<Item = (Span, &str)> {
    let mut at = 0;
    text.split('\n').enumerate().map(move |(number, line)| {
        let start = at;
        at += line.len() + 1;
        let span = Span { source, line: number as u32 + 1, start: start as u32, end: (start + line.len()) as u32 };
        (span, line)
    })
}

/// The words of a line.
struct Entry<'a> {
    words: Peekable<SplitWhitespace<'a>>,
}

impl<'a> Entry<'a> {
    fn new(line: &'a str) -> Entry<'a> {
        Entry { words: line.split_whitespace().peekable() }
    }

    /// A whole route.
    fn route(mut self, span: Span) -> Result<Draft, Wrong> {
        let mut draft = Draft::new(span);
        let first = self.need("a route")?;
        let destination = match kind_of(first)? {
            Some(kind) => {
                draft.kind = kind;
                self.need("a destination")?
            }
            None => first,
        };
        if destination != "default" {
            draft.to = Some(Prefix::read(destination).map_err(|message| (message, UNKNOWN))?);
        }
        while let Some(word) = self.words.next() {
            match word {
                // `ip -o` writes this where a line breaks.
                "\\" => {}
                "nexthop" => {
                    let hop = self.hop()?;
                    draft.hops.push(hop);
                }
                "nh_info" => break,
                other => self.word(other, &mut draft)?,
            }
        }
        Ok(draft)
    }

    /// Lines of next hops behind their route.
    fn hops(mut self, draft: &mut Draft) -> Result<(), Wrong> {
        if self.words.peek() == Some(&"cache") {
            return Err((
                "this is the answer of `ip route get`".to_owned(),
                "give the tables: `ip route show table all`",
            ));
        }
        while let Some(word) = self.words.next() {
            if word != "nexthop" {
                return Err((format!("unknown word `{word}` on the line of a next hop"), UNKNOWN));
            }
            let hop = self.hop()?;
            draft.hops.push(hop);
        }
        Ok(())
    }

    /// One next hop, up to the next one.
    fn hop(&mut self) -> Result<NextHop, Wrong> {
        let mut hop = NextHop::default();
        while let Some(word) = self.words.next_if(|w| *w != "nexthop" && *w != "\\" && *w != "nh_info") {
            if set_flag(&mut hop, word) || self.way(word, &mut hop)? {
                continue;
            }
            return Err((format!("unknown word `{word}` in a next hop"), UNKNOWN));
        }
        Ok(hop)
    }

    /// A word of a route and what belongs to it.
    fn word(&mut self, word: &'a str, draft: &mut Draft) -> Result<(), Wrong> {
        if set_flag(&mut draft.hop, word) || self.way(word, &mut draft.hop)? {
            return Ok(());
        }
        if let Some(name) = metric_name(word) {
            let value = self.metric(name)?;
            draft.options.insert(name.to_owned(), value);
            return Ok(());
        }
        let value = self.need(word)?;
        draft.set(word, value)
    }

    /// `via`, `dev`, `weight`, `encap`; `false` for every other word.
    fn way(&mut self, word: &str, hop: &mut NextHop) -> Result<bool, Wrong> {
        match word {
            "via" if matches!(self.words.peek(), Some(&"inet" | &"inet6")) => {
                let family = if self.words.next() == Some("inet6") { Family::V6 } else { Family::V4 };
                let value = self.need("via")?;
                let found = address(value).filter(|(f, _)| *f == family);
                hop.via = Some(found.ok_or_else(|| (format!("`{value}` is no {family} address"), UNKNOWN))?);
                Ok(true)
            }
            "encap" => {
                hop.encap = Some(self.encap()?);
                Ok(true)
            }
            "via" | "dev" | "weight" => {
                let value = self.need(word)?;
                set_hop(hop, word, value)
            }
            _ => Ok(false),
        }
    }

    /// What packets are wrapped in: all words up to the gateway or interface, which always follow.
    fn encap(&mut self) -> Result<String, Wrong> {
        let mut words = Vec::new();
        while let Some(word) = self.words.next_if(|w| *w != "via" && *w != "dev") {
            words.push(word);
        }
        let is_tunnel = matches!(words.first(), Some(&"ip" | &"ip6"));
        let services = words.iter().filter(|w| **w == "tos" || **w == "tc").count();
        if words.is_empty() || self.words.peek().is_none() || services > usize::from(is_tunnel) {
            let help = "an `encap` is understood up to the `via` or `dev` behind it, without `tos` of the route";
            return Err(("this `encap` is not understood".to_owned(), help));
        }
        Ok(words.join(" "))
    }

    fn metric(&mut self, name: &str) -> Result<String, Wrong> {
        let lock = if self.words.next_if(|w| *w == "lock").is_some() { "lock " } else { "" };
        if name == "features" {
            let mut features = Vec::new();
            while let Some(word) = self.words.next_if(|w| is_feature(w)) {
                features.push(word);
            }
            return Ok(format!("{lock}{}", features.join(" ")));
        }
        let value = self.need(name)?;
        let value = metric_value(name, value).ok_or_else(|| (format!("`{value}` is no value of `{name}`"), UNKNOWN))?;
        Ok(format!("{lock}{value}"))
    }

    fn need(&mut self, what: &str) -> Result<&'a str, Wrong> {
        self.words.next().ok_or_else(|| (format!("nothing stands behind `{what}`"), UNKNOWN))
    }
}

/// The type that a word names; `ip -N` writes its number (`RTN_*` in rtnetlink.h).
fn kind_of(word: &str) -> Result<Option<RouteType>, Wrong> {
    let kind = match word {
        "1" => RouteType::Unicast,
        "2" => RouteType::Local,
        "3" => RouteType::Broadcast,
        "4" => RouteType::Anycast,
        "5" => RouteType::Multicast,
        "6" => RouteType::Blackhole,
        "7" => RouteType::Unreachable,
        "8" => RouteType::Prohibit,
        "9" => RouteType::Throw,
        "nat" | "xresolve" | "10" | "11" => {
            return Err((
                format!("routes of type `{word}` are not understood"),
                "the kernel has none of them any more",
            ));
        }
        "Deleted" => {
            return Err(("this is the output of a monitor".to_owned(), "give what `ip route show table all` prints"));
        }
        other => return Ok(RouteType::by_name(other)),
    };
    Ok(Some(kind))
}
