//! Statements that decide nothing and change nothing that a rule sees.

use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::rule::Reader;
use crate::dialect::nftables::syntax::{Name, NamedKind};
use crate::dialect::{Problem, nearest};
use crate::ruleset::{NfHook, Span};

/// Their first words.
static SILENT: &[&str] = &[
    "counter", "log", "last", "comment", "ct", "secmark", "meta", "tcp", "dup", "counters", "tcpopt", "reset", "quota",
    "limit", "synproxy", "mangle", "nftrace",
];

/// A statement without effect; connection objects make the kernel track connections.
pub fn read(reader: &mut Reader<'_, '_>, words: &[String], span: Span) -> Parsed<()> {
    let first = words.first().map_or("", String::as_str);
    if !SILENT.contains(&first) {
        let near = nearest(first, SILENT.iter().copied()).map(|n| format!("did you mean `{n}`?"));
        return Err(Problem::new(span, format!("there is no statement `{first}`")).help_if(near));
    }
    reader.tracks |= first == "ct";
    if words.iter().any(|w| w == "zone") {
        reader.notes.push(("the conntrack zone is ignored".to_owned(), span));
    }
    Ok(())
}

/// Connections are handed to a flow table: their later packets pass the forward hook by.
pub fn flow(reader: &mut Reader<'_, '_>, table: &Name) -> Parsed<()> {
    if reader.scope.table.object(NamedKind::Flowtable, &table.text).is_none() {
        return Err(Problem::new(table.span, format!("there is no flow table `{}` in the table", table.text)));
    }
    reader.tracks = true;
    reader.place("flow add", &[NfHook::Forward], table.span);
    let note = format!("later packets of connections in flow table `{}` are not judged again", table.text);
    reader.notes.push((note, table.span));
    Ok(())
}
