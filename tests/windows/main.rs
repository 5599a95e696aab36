//! Windows rulesets: that every form of one policy means the same, that binary and UTF-16 files are read, and that no
//! bytes make a reader panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod forms;
mod hive;
mod hostile;
mod script;

use fwgate::dialect::{InputFile, ReadOptions, read_device};
use fwgate::diff::{Bounds, DevicePair, diff_device};
use fwgate::ruleset::Ruleset;

/// A ruleset out of files.
pub fn read(files: &[(&str, &[u8])]) -> Ruleset {
    let files: Vec<InputFile> =
        files.iter().map(|(name, bytes)| InputFile { name: (*name).into(), bytes: bytes.to_vec().into() }).collect();
    read_device(&files, &ReadOptions::default()).unwrap_or_else(|e| panic!("{:#?}", e.problems))
}

/// Asserts that two rulesets decide the same for every packet.
pub fn assert_equal(name: &str, one: &Ruleset, other: &Ruleset) {
    let pair = DevicePair { name, old: Some(one), new: Some(other) };
    let diff = diff_device(pair, &[], Bounds::default()).unwrap();
    let changes: Vec<_> = diff.filters.iter().flat_map(|f| &f.diff.changes).collect();
    assert!(changes.is_empty(), "{name}: {changes:#?}");
}

/// A `registry.pol` with these values: key, name, type, data.
pub fn policy_file(values: &[(&str, &str, u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"PReg\x01\0\0\0".to_vec();
    for (key, name, kind, data) in values {
        let mut text = |t: &str| out.extend(t.encode_utf16().flat_map(u16::to_le_bytes));
        text("[");
        text(&format!("{key}\0;{name}\0;"));
        out.extend(kind.to_le_bytes());
        out.extend(";".encode_utf16().flat_map(u16::to_le_bytes));
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(";".encode_utf16().flat_map(u16::to_le_bytes));
        out.extend(data);
        out.extend("]".encode_utf16().flat_map(u16::to_le_bytes));
    }
    out
}

/// A text as the data of a registry value.
pub fn registry_text(text: &str) -> Vec<u8> {
    format!("{text}\0").encode_utf16().flat_map(u16::to_le_bytes).collect()
}
