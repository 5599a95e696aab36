//! Two proposals for one device put together, file by file.

use crate::fleet::tree::TreeFile;
use crate::gate::evidence::DeviceBytes;
use crate::vcs::merge_texts;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::BTreeSet;

/// What became of a device that two changes edit. `None` inside: the device is gone.
pub(super) enum Merged {
    /// As git would merge it.
    Cleanly(Option<DeviceBytes>),
    /// Git would see a conflict, because edits stand side by side; they do not touch the same lines.
    Side(Option<DeviceBytes>),
    /// They touch the same lines.
    Not,
}

/// Merges two proposals of one device.
pub(super) fn merged(
    name: &str,
    base: Option<&DeviceBytes>,
    one: Option<&DeviceBytes>,
    other: Option<&DeviceBytes>,
) -> Merged {
    let mut files = Vec::new();
    let mut is_clean = true;
    for path in paths([base, one, other]) {
        let [base, one, other] = [base, one, other].map(|side| file(side, path));
        match merged_file(base, one, other) {
            Some((Some(bytes), clean)) => {
                files.push((path.to_owned(), bytes.into()));
                is_clean &= clean;
            }
            Some((None, _)) => {}
            None => return Merged::Not,
        }
    }
    let device = (!files.is_empty()).then(|| DeviceBytes { device: name.to_owned(), files });
    if is_clean { Merged::Cleanly(device) } else { Merged::Side(device) }
}

/// Merges what two changes do to the files beside the devices; the path of one of which both edit the same lines.
pub(super) fn merged_beside(base: &[TreeFile], one: &[TreeFile], other: &[TreeFile]) -> Result<Vec<TreeFile>, String> {
    let sides = [base, one, other];
    let of = |side: &'_ [TreeFile], path: &str| side.iter().find(|f| f.path == path).map(|f| f.bytes.clone());
    let all: BTreeSet<&String> = sides.into_iter().flatten().map(|f| &f.path).collect();
    let mut out = Vec::new();
    for path in all {
        let [base, one, other] = sides.map(|side| of(side, path));
        match merged_file(base.as_deref(), one.as_deref(), other.as_deref()) {
            Some((bytes, _)) => out.extend(bytes.map(|bytes| TreeFile { path: path.clone(), bytes: bytes.into() })),
            None => return Err(path.clone()),
        }
    }
    Ok(out)
}

fn paths(sides: [Option<&DeviceBytes>; 3]) -> BTreeSet<&str> {
    sides.into_iter().flatten().flat_map(|d| &d.files).map(|(path, _)| path.as_str()).collect()
}

fn file<'d>(side: Option<&'d DeviceBytes>, path: &str) -> Option<&'d [u8]> {
    side?.files.iter().find(|(own, _)| own == path).map(|(_, bytes)| &**bytes)
}

/// The merged bytes of one file, gone where `None`, with whether git would merge it too.
fn merged_file(base: Option<&[u8]>, one: Option<&[u8]>, other: Option<&[u8]>) -> Option<(Option<Vec<u8>>, bool)> {
    let whole = |side: Option<&[u8]>| Some((side.map(<[u8]>::to_vec), true));
    match (base, one, other) {
        _ if one == other || other == base => whole(one),
        _ if one == base => whole(other),
        (Some(base), Some(one), Some(other)) => {
            if let Ok(Some(bytes)) = merge_texts(base, one, other) {
                return Some((Some(bytes), true));
            }
            beside(base, one, other).map(|bytes| (Some(bytes), false))
        }
        _ => None,
    }
}

/// An edit: lines of the base from and to (exclusive), and what stands in their place.
type Edit<'t> = (usize, usize, Vec<&'t [u8]>);

/// As a merge of lines in which edits may stand side by side.
fn beside(base: &[u8], one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = base.split_inclusive(|b| *b == b'\n').collect();
    let mut edits = edits(&lines, one);
    edits.extend(self::edits(&lines, other));
    edits.sort_by_key(|(from, to, _)| (*from, *to));
    let touch = |a: &Edit<'_>, b: &Edit<'_>| b.0 < a.1 || (a.0, a.1) == (b.0, b.1);
    if edits.windows(2).any(|pair| matches!(pair, [a, b] if touch(a, b))) {
        return None;
    }
    let mut out = Vec::new();
    let mut at = 0;
    for (from, to, new) in edits {
        out.extend(lines.get(at..from)?.concat());
        out.extend(new.concat());
        at = to;
    }
    out.extend(lines.get(at..)?.concat());
    Some(out)
}

fn edits<'t>(base: &[&[u8]], side: &'t [u8]) -> Vec<Edit<'t>> {
    let lines: Vec<&[u8]> = side.split_inclusive(|b| *b == b'\n').collect();
    let edit = |op: DiffOp| {
        let (old, new) = (op.old_range(), op.new_range());
        let text = lines.get(new)?.to_vec();
        (!matches!(op, DiffOp::Equal { .. })).then_some((old.start, old.end, text))
    };
    capture_diff_slices(Algorithm::Patience, base, &lines).into_iter().filter_map(edit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_side_by_side_are_put_together_and_edits_of_one_line_are_not() {
        let base = b"a\nb\nc\n";
        assert_eq!(beside(base, b"a\nc\n", b"a\nb\n"), Some(b"a\n".to_vec()));
        assert_eq!(beside(base, b"x\na\nb\nc\n", b"a\nb\nc\ny\n"), Some(b"x\na\nb\nc\ny\n".to_vec()));
        assert_eq!(beside(base, b"a\nB\nc\n", b"a\nx\nc\n"), None);
        assert_eq!(beside(base, b"a\nx\nb\nc\n", b"a\ny\nb\nc\n"), None);
    }
}
