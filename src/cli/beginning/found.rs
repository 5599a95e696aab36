//! Where the devices of a repository are.

use super::super::failure::Failure;
use super::super::input::{Reader, Surroundings};
use super::super::rulesets::is_ruleset;
use super::super::screen::Screen;
use crate::cli::failure::system_words;
use crate::dialect::{DIALECTS, InputFile, decode};
use crate::fleet::tree::{is_ignored_name, stem};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// How deep rulesets are looked for.
const DEPTH: usize = 6;
/// Files that are longer are no ruleset that anybody keeps in git.
const LONGEST: u64 = 64 << 20;
/// Most files that are looked at.
const MOST_FILES: usize = 50_000;

/// The name of the dialect that a file looks like.
pub(super) fn dialect_of(file: &InputFile) -> Option<&'static str> {
    let text = decode(&file.bytes).ok()?;
    DIALECTS.iter().find(|d| (d.recognises)(&text)).map(|d| d.name)
}

/// The folder whose subfolders or files are devices: `devices`, or the one that fits.
///
/// # Errors
/// No ruleset anywhere, or rulesets that lie so that no folder holds one device each; then the moves are told.
pub(super) fn devices_folder(root: &Path, screen: &Screen) -> Result<String, Failure> {
    let rulesets = rulesets(root)?;
    if rulesets.is_empty() {
        return Err(Failure::new("no ruleset was found in this repository").help(
            "put each device's dump into a folder of its own: `iptables-save > devices/NAME/rules.v4`, \
             `nft -s list ruleset > devices/NAME/ruleset.nft`",
        ));
    }
    let fitting = candidates(&rulesets).into_iter().find(|folder| fits(root, folder, &rulesets));
    fitting.ok_or_else(|| {
        screen.hint(&moves(&rulesets));
        Failure::new("the rulesets do not lie so that each device has a folder of its own")
            .help("move them as proposed above, or name the folder that holds one folder a device: `--devices PATH`")
    })
}

/// The paths of the rulesets, from the root, with `/`.
fn rulesets(root: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut found = BTreeSet::new();
    let mut open = vec![(String::new(), DEPTH)];
    let mut seen = 0;
    while let Some((folder, depth)) = open.pop() {
        let unreadable =
            |e: std::io::Error| Failure::new(format!("`{folder}` cannot be read: {}", system_words(e.kind())));
        for item in fs::read_dir(root.join(&folder)).map_err(unreadable)? {
            let item = item.map_err(unreadable)?;
            let Some(name) = item.file_name().to_str().map(str::to_owned) else { continue };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let Ok(kind) = item.file_type() else { continue };
            if is_ignored_name(&path) || is_foreign(&path) {
                continue;
            }
            if kind.is_dir() && depth > 0 {
                open.push((path, depth - 1));
            } else if kind.is_file() {
                seen += 1;
                found.extend(is_dump(root, &path).then_some(path));
            }
        }
        if seen > MOST_FILES {
            return Err(Failure::new(format!("more than {MOST_FILES} files are no repository of rulesets"))
                .help("name the folder of the devices: `--devices PATH`"));
        }
    }
    Ok(found)
}

/// What tools put beside the rulesets, and what fwgate reads as something else.
fn is_foreign(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or(path);
    ["target", "node_modules", "vendor", "roles", "policies", "changes", "fwgate.toml"].contains(&first)
}

fn is_dump(root: &Path, path: &str) -> bool {
    let full = root.join(path);
    let short = fs::metadata(&full).is_ok_and(|m| m.len() <= LONGEST);
    short && fs::read(&full).is_ok_and(|bytes| is_ruleset(&InputFile { name: path.to_owned(), bytes: bytes.into() }))
}

/// `devices`, then the deepest folder that holds all rulesets, then the folders around it.
fn candidates(rulesets: &BTreeSet<String>) -> Vec<String> {
    let mut common: Option<Vec<&str>> = None;
    for path in rulesets {
        let folder: Vec<&str> = path.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect();
        common = Some(match common {
            None => folder,
            Some(own) => own.into_iter().zip(folder).take_while(|(a, b)| a == b).map(|(a, _)| a).collect(),
        });
    }
    let common = common.unwrap_or_default();
    let around = (1..=common.len()).rev().map(|count| common[..count].join("/"));
    std::iter::once("devices".to_owned()).chain(around).collect()
}

/// Whether a folder holds every ruleset, and no device that is refused. A folder around one device is preferred to the
/// device's own, so that a second one has a place.
fn fits(root: &Path, folder: &str, rulesets: &BTreeSet<String>) -> bool {
    let inside = format!("{folder}/");
    if !rulesets.iter().all(|path| path.starts_with(&inside)) {
        return false;
    }
    let direct = rulesets.iter().filter(|path| !path[inside.len()..].contains('/')).count();
    if direct > 0 && direct < rulesets.len() {
        return false;
    }
    if direct > 0 && rulesets.iter().any(|path| is_generic(path)) {
        return false;
    }
    let surroundings = Surroundings { cwd: root.to_owned(), ci: false };
    let tree = Reader::new(&surroundings, &is_ruleset).tree(root.join(folder).as_os_str());
    tree.is_ok_and(|tree| !tree.devices.is_empty())
}

/// Whether a file is called after what it holds, and not after a device.
fn is_generic(path: &str) -> bool {
    ["rules", "ipset", "ruleset", "nftables"].contains(&stem(path))
}

/// `git mv` lines that give each device a folder of its own.
fn moves(rulesets: &BTreeSet<String>) -> String {
    let mut folders: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for path in rulesets {
        folders.entry(device_of(path, rulesets)).or_default().push(path);
    }
    let mut out = String::from("these rulesets were found; so each device has a folder of its own:\n");
    for (device, paths) in folders {
        out += &format!("  mkdir -p devices/{device}\n");
        for path in paths {
            let name = path.rsplit('/').next().unwrap_or(path);
            out += &format!("  git mv {path} devices/{device}/{name}\n");
        }
    }
    out
}

/// The device that a file seems to be of: its folder's name, or its own stem where several lie side by side at the top.
fn device_of(path: &str, rulesets: &BTreeSet<String>) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop().unwrap_or(path);
    let beside = |other: &&String| other.rsplit_once('/').map_or("", |(f, _)| f) == parts.join("/");
    let stems: BTreeSet<&str> = rulesets.iter().filter(beside).map(|p| stem(p)).collect();
    match parts.last() {
        Some(folder) if stems.len() == 1 || stems.contains("ipset") || stems.contains("rules") => (*folder).to_owned(),
        None if is_generic(file) => "NAME".to_owned(),
        _ => stem(file).to_owned(),
    }
}
