//! nftables: what `nft list ruleset` and `nft -j list ruleset` print, and scripts that `nft -f` loads.

pub mod includes;
pub mod json;
mod meaning;
pub mod spell;
pub mod syntax;
pub mod text;
pub mod words;

use super::{Dialect, Draft, InputFile, ReadOptions, Text};
use includes::Includes;

/// The registry line.
pub const DIALECT: Dialect = Dialect {
    name: "nftables",
    also: &["nft"],
    reads: "nft list ruleset, nft -j list ruleset, scripts for nft -f",
    recognises: |text| json::recognises(text) || text::recognises(text),
    read,
};

/// The files are read in order of their names, as one script after the other.
fn read(texts: &[Text], _: &ReadOptions, draft: &mut Draft) {
    let mut order: Vec<&Text> = texts.iter().collect();
    order.sort_by(|a, b| a.name.cmp(&b.name));
    let files = order.iter().map(|t| InputFile { name: t.name.to_string(), bytes: t.text.as_bytes().to_vec() });
    let includes = Includes::new(files.collect());
    let mut commands = Vec::new();
    for text in order {
        commands.extend(match json::recognises(&text.text) {
            true => json::parse(text, draft),
            false => text::parse(text, &includes, draft),
        });
    }
    if draft.is_clean() {
        meaning::lower(&commands, draft);
    }
}
