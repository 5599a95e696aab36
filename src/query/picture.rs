//! The reach matrix as text, JSON, DOT and SVG. Pure functions: they read data and decide nothing.

use super::matrix::{Entry, Matrix};
use super::naming::address_texts;
use crate::packet::Ranges;
use num_bigint::BigUint;
use serde_json::{Value, json};
use std::fmt::Write;

/// How an entry is drawn.
struct Look {
    sign: &'static str,
    meaning: &'static str,
    fill: &'static str,
    line: &'static str,
}

const fn look(entry: Entry) -> Look {
    match entry {
        Entry::Accept => Look { sign: "+", meaning: "accept", fill: "#2e8b57", line: "solid" },
        Entry::Drop => Look { sign: "-", meaning: "drop", fill: "#e8e8e8", line: "invis" },
        Entry::Depends => Look { sign: "?", meaning: "depends on conditions", fill: "#f2c14e", line: "dashed" },
        Entry::Partly => Look { sign: "~", meaning: "some packets pass", fill: "#7fb7d6", line: "dotted" },
    }
}

const ENTRIES: [Entry; 4] = [Entry::Accept, Entry::Drop, Entry::Depends, Entry::Partly];

/// The matrix as a table: a row for each source class, a column for each destination class.
pub fn matrix_text(matrix: &Matrix) -> String {
    let mut out = format!("{}: who (row) reaches whom (column)\n\n", title(matrix));
    let digits = matrix.classes.len().to_string().len();
    let names: Vec<String> = matrix.classes.iter().map(|c| shown(&c.name)).collect();
    let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    let cells = |out: &mut String, texts: &mut dyn Iterator<Item = String>| {
        texts.for_each(|t| *out += &format!(" {t:>digits$}"));
        out.push('\n');
    };
    let _ = write!(out, "{:>digits$} {:width$} ", "", "");
    cells(&mut out, &mut (1..=names.len()).map(|n| n.to_string()));
    for (at, (name, row)) in names.iter().zip(&matrix.entries).enumerate() {
        let _ = write!(out, "{:>digits$} {name:width$} ", at + 1);
        cells(&mut out, &mut row.iter().map(|e| look(*e).sign.to_owned()));
    }
    let legend = ENTRIES.map(|e| format!("{} {}", look(e).sign, look(e).meaning));
    let _ = writeln!(out, "\n{}", legend.join("   "));
    out
}

/// The matrix in the machine format `fwgate.matrix/1`.
pub fn matrix_json(matrix: &Matrix) -> Value {
    let class = |c: &super::matrix::Class| {
        json!({
            "name": c.name,
            "addresses": address_texts(&c.addresses, matrix.family),
            "count": count(&c.addresses).to_string(),
        })
    };
    let row = |row: &Vec<Entry>| row.iter().map(|e| e.name()).collect::<Vec<_>>();
    json!({
        "schema": "fwgate.matrix/1",
        "hook": matrix.hook.name(),
        "family": matrix.family.number(),
        "service": matrix.service,
        "classes": matrix.classes.iter().map(class).collect::<Vec<_>>(),
        "entries": matrix.entries.iter().map(row).collect::<Vec<_>>(),
    })
}

/// The matrix as a Graphviz graph: an edge for everything that is not dropped.
pub fn matrix_dot(matrix: &Matrix) -> String {
    let quoted = |text: &str| format!("\"{}\"", shown(text).replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = format!("digraph reach {{\n  label={};\n  node [shape=box];\n", quoted(&title(matrix)));
    for (at, class) in matrix.classes.iter().enumerate() {
        let _ = writeln!(out, "  c{at} [label={}];", quoted(&class.name));
    }
    for (from, row) in matrix.entries.iter().enumerate() {
        for (to, entry) in row.iter().enumerate().filter(|(_, e)| **e != Entry::Drop) {
            let _ =
                writeln!(out, "  c{from} -> c{to} [style={}, tooltip={}];", look(*entry).line, quoted(entry.name()));
        }
    }
    out + "}\n"
}

/// Side of one square of the picture, in pixels.
const SQUARE: usize = 22;
/// Width of one character of a label, in pixels.
const LETTER: usize = 7;

/// The matrix as a self-contained picture: squares in colours and signs, so that colour is not the only carrier.
pub fn matrix_svg(matrix: &Matrix) -> String {
    let labels: Vec<String> =
        matrix.classes.iter().enumerate().map(|(at, c)| format!("{} {}", at + 1, shortened(&shown(&c.name)))).collect();
    let margin = 20 + LETTER * labels.iter().map(|l| l.chars().count()).max().unwrap_or(0);
    let (left, top) = (margin, margin + 30);
    let side = SQUARE * labels.len();
    let (width, height) = (left + side.max(480) + 20, top + side + 50);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-monospace, monospace\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"10\" y=\"20\" font-weight=\"bold\">{}: who (row) reaches whom (column)</text>\n",
        escaped(&title(matrix))
    );
    for (at, label) in labels.iter().enumerate() {
        let (middle, label) = (at * SQUARE + SQUARE / 2, escaped(label));
        let (x, y) = (left + middle + 4, top + middle + 4);
        let _ = writeln!(out, "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{label}</text>", left - 6);
        let _ = writeln!(out, "<text transform=\"translate({x} {}) rotate(-90)\">{label}</text>", top - 6);
    }
    for (from, row) in matrix.entries.iter().enumerate() {
        for (to, entry) in row.iter().enumerate() {
            square(&mut out, matrix, (from, to), *entry, (left + to * SQUARE, top + from * SQUARE));
        }
    }
    for (at, entry) in ENTRIES.into_iter().enumerate() {
        let (x, y) = (10 + at % 2 * 240, top + side + 12 + at / 2 * 18);
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"14\" height=\"14\" fill=\"{}\"/>", look(entry).fill);
        let legend = escaped(&format!("{} {}", look(entry).sign, look(entry).meaning));
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\">{legend}</text>", x + 20, y + 11);
    }
    out + "</svg>\n"
}

fn square(out: &mut String, matrix: &Matrix, (from, to): (usize, usize), entry: Entry, (x, y): (usize, usize)) {
    let name = |at: usize| matrix.classes.get(at).map_or(String::new(), |c| shown(&c.name));
    let told = escaped(&format!("{} to {}: {}", name(from), name(to), entry.name()));
    let Look { sign, fill, .. } = look(entry);
    let (size, middle, base) = (SQUARE - 1, x + SQUARE / 2, y + SQUARE / 2 + 4);
    let _ = writeln!(
        out,
        "<g><title>{told}</title><rect x=\"{x}\" y=\"{y}\" width=\"{size}\" height=\"{size}\" fill=\"{fill}\"/>\
         <text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\">{sign}</text></g>"
    );
}

fn title(matrix: &Matrix) -> String {
    format!("{} at {}, {}", shown(&matrix.service), matrix.hook, matrix.family)
}

fn count(addresses: &Ranges) -> BigUint {
    addresses.as_slice().iter().map(|&(lo, hi)| BigUint::from(hi - lo) + 1u8).sum()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(39).chain(['…']).collect() }
}

/// Text with control and bidirectional characters made visible.
fn shown(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Family;
    use crate::query::matrix::Class;
    use crate::ruleset::Hook;

    fn small() -> Matrix {
        let class = |name: &str, lo, hi| Class { name: name.into(), addresses: Ranges::range(lo, hi) };
        Matrix {
            hook: Hook::Forward,
            family: Family::V4,
            service: "tcp/22".into(),
            classes: vec![class("<of\u{202e}fice>&\"", 0, 255), class("everything else", 256, u128::from(u32::MAX))],
            entries: vec![vec![Entry::Accept, Entry::Depends], vec![Entry::Drop, Entry::Partly]],
        }
    }

    #[test]
    fn the_table_has_signs_and_a_legend() {
        let lines: Vec<String> = matrix_text(&small()).lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "tcp/22 at forward, IPv4: who (row) reaches whom (column)");
        assert!(lines[3].starts_with("1 <of\\u{202e}fice>&\"") && lines[3].ends_with(" + ?"), "{lines:?}");
        assert!(lines[4].ends_with(" - ~"), "{lines:?}");
    }

    #[test]
    fn names_cannot_break_out_of_a_picture() {
        let svg = matrix_svg(&small());
        assert!(svg.contains("&lt;of\\u{202e}fice&gt;&amp;&quot;") && !svg.contains("<of"));
        assert!(!svg.contains('\u{202e}'));
        assert!(matrix_dot(&small()).contains("c0 [label=\"<of\\\\u{202e}fice>&\\\"\"];"));
    }

    #[test]
    fn the_machine_format_counts_and_names_everything() {
        let found = matrix_json(&small());
        assert_eq!(found["schema"], "fwgate.matrix/1");
        assert_eq!(found["classes"][0]["addresses"][0], "0.0.0.0/24");
        assert_eq!(found["classes"][0]["count"], "256");
        assert_eq!(found["entries"][1][1], "partly");
    }
}
