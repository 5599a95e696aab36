//! Address-space strips: where in all addresses the packets of a change lie, before and after it. The axis shows every
//! border and is not to scale: a network of 256 addresses beside the rest of the world would be narrower than a hair.

use crate::packet::{Family, Ranges, address_texts};
use crate::policy::AddressSet;
use crate::report::markup::escaped;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One end of the packets of a change.
pub(super) struct Ends<'a> {
    /// `from` or `to`.
    pub word: &'static str,
    pub family: Family,
    pub addresses: &'a Ranges,
    /// What becomes of the packets, before and after.
    pub verdicts: [&'static str; 2],
    /// The names of a policy.
    pub names: Option<&'a BTreeMap<String, AddressSet>>,
}

/// Width of the picture in its own units; it stretches.
const WIDTH: f64 = 1000.0;
/// Height of one row.
const ROW: usize = 18;
/// Most ranges that are drawn apart.
const MOST_RANGES: usize = 12;
/// Most ranges that are written out.
const MOST_TEXTS: usize = 4;

/// The strip with its legend.
pub(super) fn strip(ends: &Ends<'_>) -> String {
    let texts = texts(ends);
    let [before, after] = ends.verdicts;
    let told = format!("{} {texts}: before {before}, after {after}", ends.word);
    let pieces = pieces(ends);
    let mut picture = String::new();
    for (row, verdict) in ends.verdicts.iter().enumerate() {
        let y = row * (ROW + 4);
        for piece in &pieces {
            let class = if piece.is_inside { *verdict } else { "rest" };
            let (x, width) = (piece.x, piece.width);
            let _ = write!(
                picture,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{ROW}\"/>"
            );
        }
    }
    let height = 2 * ROW + 4;
    let max = ends.family.max_address();
    let axis = [0, max].map(|at| address_texts(&Ranges::one(at), ends.family).concat());
    let [first, last] = axis.map(|text| text.split('/').next().unwrap_or_default().to_owned());
    format!(
        "<figure class=\"strip\"><figcaption><b>{}</b> <span>{}</span></figcaption>\
         <div class=\"rows\"><span class=\"row\">before <i>{before}</i></span><span class=\"row\">after <i>{after}</i></span>\
         <svg viewBox=\"0 0 {WIDTH} {height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{picture}</svg></div>\
         <p class=\"axis\" aria-hidden=\"true\"><span>{first}</span><span>{last}</span></p></figure>",
        ends.word,
        escaped(&texts),
        escaped(&told)
    )
}

/// The addresses in words, with the names that a policy has for them.
fn texts(ends: &Ends<'_>) -> String {
    let max = ends.family.max_address();
    if ends.addresses.is_full(max) {
        return "any address".to_owned();
    }
    let all = address_texts(ends.addresses, ends.family);
    let rest = address_texts(&ends.addresses.complement(max), ends.family);
    let (lead, shown) = if rest.len() < all.len() { ("any but ", rest) } else { ("", all) };
    let mut out = lead.to_owned() + &shown.iter().take(MOST_TEXTS).cloned().collect::<Vec<_>>().join(", ");
    if shown.len() > MOST_TEXTS {
        let _ = write!(out, " and {} more", shown.len() - MOST_TEXTS);
    }
    match name(ends) {
        Some(name) => format!("{out} ({name})"),
        None => out,
    }
}

/// The name of exactly these addresses, else of the smallest range that has all of them.
fn name(ends: &Ends<'_>) -> Option<String> {
    let around = ends.names?.iter().map(|(name, set)| (name, set.of(ends.family)));
    let around =
        around.filter(|(_, range)| ends.addresses.is_subset(range) && !range.is_full(ends.family.max_address()));
    let (name, range) = around.min_by_key(|(_, range)| range.len())?;
    Some(if range == ends.addresses { name.clone() } else { format!("in {name}") })
}

/// A piece of the axis.
struct Piece {
    x: f64,
    width: f64,
    is_inside: bool,
}

/// The axis cut at every border, wide enough to be seen.
fn pieces(ends: &Ends<'_>) -> Vec<Piece> {
    let max = ends.family.max_address();
    let drawn = coarse(ends.addresses);
    let outside = drawn.complement(max);
    let mut cut: Vec<(u128, u128, bool)> = drawn.as_slice().iter().map(|&(lo, hi)| (lo, hi, true)).collect();
    cut.extend(outside.as_slice().iter().map(|&(lo, hi)| (lo, hi, false)));
    cut.sort_unstable();
    let bits = f64::from(ends.family.bits());
    let weight = |&(lo, hi, _): &(u128, u128, bool)| 0.25 + f64::from(128 - (hi - lo).leading_zeros()) / bits;
    let total: f64 = cut.iter().map(weight).sum();
    let mut x = 0.0;
    let mut piece = |part: &(u128, u128, bool)| {
        let width = WIDTH * weight(part) / total;
        let start = x;
        x += width;
        Piece { x: start, width, is_inside: part.2 }
    };
    cut.iter().map(&mut piece).collect()
}

/// At most so many ranges as can be told apart: the narrowest gaps are closed.
fn coarse(addresses: &Ranges) -> Ranges {
    let ranges = addresses.as_slice();
    if ranges.len() <= MOST_RANGES {
        return addresses.clone();
    }
    let mut gaps: Vec<u128> = ranges.windows(2).map(|w| w[1].0 - w[0].1).collect();
    gaps.sort_unstable();
    let widest = gaps[gaps.len() + 1 - MOST_RANGES];
    let closed = ranges.windows(2).filter(|w| w[1].0 - w[0].1 < widest).map(|w| (w[0].1, w[1].0));
    Ranges::from_unsorted(ranges.iter().copied().chain(closed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fill_the_axis_and_show_every_border() {
        let addresses = Ranges::from_unsorted(vec![(0x0a14_0000, 0x0a14_ffff), (0xc000_0201, 0xc000_0201)]);
        let ends =
            Ends { word: "to", family: Family::V4, addresses: &addresses, verdicts: ["accept", "drop"], names: None };
        let pieces = pieces(&ends);
        assert_eq!(pieces.iter().map(|p| p.is_inside).collect::<Vec<_>>(), [false, true, false, true, false]);
        let end = pieces.last().map(|p| p.x + p.width).unwrap_or_default();
        assert!((end - WIDTH).abs() < 0.001 && pieces.iter().all(|p| p.width > 20.0));
        assert!(strip(&ends).contains("10.20.0.0/16, 192.0.2.1/32"));
    }

    #[test]
    fn many_ranges_are_drawn_together() {
        let many = Ranges::from_unsorted((0..400u128).map(|n| (n * n * 10, n * n * 10 + 1)).collect());
        let drawn = coarse(&many);
        assert!(drawn.as_slice().len() <= MOST_RANGES && many.is_subset(&drawn));
    }
}
