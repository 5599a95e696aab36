//! nftables: what `nft list ruleset` and `nft -j list ruleset` print, and scripts that `nft -f` loads.

pub mod includes;
pub mod json;
mod meaning;
mod mentions;
pub mod names;
pub mod spell;
pub mod syntax;
pub mod text;
pub mod words;

use super::{Dialect, Draft, ReadOptions, Text};
use includes::Includes;
pub use meaning::support_table;
pub use mentions::mentions;

/// The registry line.
pub const DIALECT: Dialect = Dialect {
    name: "nftables",
    also: &["nft"],
    reads: "nft list ruleset, nft -j list ruleset, scripts for nft -f",
    recognises: |text| json::recognises(text) || text::recognises(text),
    read,
};

/// The files are read in order of their names, as one script after the other.
fn read(texts: &[Text], options: &ReadOptions, draft: &mut Draft) {
    let mut order: Vec<&Text> = texts.iter().collect();
    order.sort_by(|a, b| a.name.cmp(&b.name));
    let includes = Includes::new(options.includes.clone());
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
