//! nftables: what `nft list ruleset` and `nft -j list ruleset` print, and scripts that `nft -f` loads.

pub mod includes;
pub mod json;
pub mod spell;
pub mod syntax;
pub mod text;
pub mod words;
