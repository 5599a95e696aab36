//! Hand-written rulesets, each pinning one trap: `cases/NAME.v4`, `.v6` and the sets beside them, and `.nft`, whose
//! packets may be of both families.
//!
//! The first comment lines say why the file exists, then what becomes of which packets:
//! `# expect HOOK VERDICT PACKET`, where the verdict may also be `lost` (a fragment that waits for the others);
//! `# addresses:` gives the device these addresses only. `# expect-legacy` and `# expect-nft` where the back ends differ.
//! Where fwgate is not of the kernel's opinion, `# fwgate-refuses:`, `# fwgate-takes:` or `# fwgate-differs:` says
//! why; a test fails when that is no longer so. Files in `cases/refused` must not load; `# refused-by:` names the back ends that refuse.

use crate::judge::{Backend, Judge, Judged, Texts};
use fwgate::packet::{Family, Packet, packet_from_json};
use fwgate::ruleset::Hook;
use std::path::{Path, PathBuf};

/// One file of the folder.
pub struct Case {
    pub name: String,
    pub family: Family,
    pub texts: Texts,
    pub expects: Vec<Expect>,
    pub refused_by: Vec<Backend>,
    /// How fwgate is known not to follow the kernel: `refuses`, `takes` or `differs`.
    pub fwgate: Option<String>,
    /// The device's own addresses, where a case needs them.
    pub addresses: Vec<String>,
}

/// What a case says of one packet.
pub struct Expect {
    pub hook: Hook,
    pub verdict: String,
    pub packet: Packet,
    /// Where it is true of one back end only.
    pub only: Option<Backend>,
}

/// All cases of `cases` or `cases/refused`, by name.
pub fn all(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel").join(folder);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("the folder").map(|e| e.expect("entry").path()).collect();
    files.sort();
    files.iter().filter_map(|file| read(file)).collect()
}

fn read(file: &Path) -> Option<Case> {
    let family = match file.extension()?.to_str()? {
        "v4" => Family::V4,
        "v6" => Family::V6,
        "nft" => Family::V4,
        _ => return None,
    };
    let name = file.file_name()?.to_str()?.to_owned();
    let text = std::fs::read_to_string(file).expect("readable");
    let ipset = std::fs::read_to_string(file.with_extension("ipset")).unwrap_or_default();
    let (mut expects, mut refused_by, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    let mut fwgate = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# expect") {
            let mut words = rest.splitn(4, ' ');
            let only = match words.next()? {
                "" => None,
                "-legacy" => Some(Backend::Legacy),
                "-nft" => Some(Backend::Nft),
                _ => panic!("{name}: {line}"),
            };
            let (hook, verdict, packet) = (words.next()?, words.next()?, words.next()?);
            let hook = Hook::by_name(hook).unwrap_or_else(|| panic!("{name}: {line}"));
            let packet = serde_json::from_str(packet).unwrap_or_else(|e| panic!("{name}: {line}: {e}"));
            let packet = packet_from_json(&packet).unwrap_or_else(|e| panic!("{name}: {line}: {e}"));
            expects.push(Expect { hook, verdict: verdict.to_owned(), packet, only });
        }
        if let Some(rest) = line.strip_prefix("# fwgate-") {
            fwgate = rest.split_once(':').map(|(word, _)| word.to_owned());
        }
        if let Some(rest) = line.strip_prefix("# addresses: ") {
            addresses.extend(rest.split(' ').map(str::to_owned));
        }
        if let Some(rest) = line.strip_prefix("# refused-by: ") {
            refused_by.extend(rest.split(' ').filter_map(|b| match b {
                "legacy" => Some(Backend::Legacy),
                "nft" => Some(Backend::Nft),
                _ => None,
            }));
        }
    }
    let texts = match name.ends_with(".nft") {
        true => Texts { nft: Some(text), ..Texts::default() },
        false => Texts::of(family, text, ipset),
    };
    Some(Case { name, family, texts, expects, refused_by, fwgate, addresses })
}

/// The verdicts of the first back end (those of the kernel's own tables, where it has them), and where the kernel
/// does not do what a case says.
pub fn check(judge: &mut Judge, case: &Case) -> (Vec<(Hook, Vec<Judged>)>, Vec<String>) {
    let (mut answers, mut wrong) = (Vec::new(), Vec::new());
    // Which tools would load texts of iptables makes no difference to nft.
    let backends = if case.texts.nft.is_some() { &judge.backends[..1] } else { &judge.backends[..] }.to_vec();
    let all = backends.iter().flat_map(|b| Hook::ALL.into_iter().map(|h| (*b, h)));
    for (backend, hook) in all.collect::<Vec<_>>() {
        for family in Family::ALL {
            let here = |e: &&Expect| e.hook == hook && e.packet.family == family && e.only.is_none_or(|b| b == backend);
            let expected: Vec<&Expect> = case.expects.iter().filter(here).collect();
            let packets: Vec<Packet> = expected.iter().map(|e| e.packet.clone()).collect();
            if packets.is_empty() {
                continue;
            }
            let judged = match judge.judge_at(&case.texts, backend, hook, family, &packets, &case.addresses) {
                Ok(judged) => judged,
                Err(refusal) => {
                    wrong.push(format!("{} {backend:?} refused: {refusal:?}", case.name));
                    continue;
                }
            };
            for (expect, judged) in expected.iter().zip(&judged) {
                let word = judged.verdict.word();
                // Neighbour discovery is UNTRACKED, whatever one asks for.
                let state = judged.packet.state();
                let as_asked = state == expect.packet.state() || case.name.starts_with("neighbour");
                if word != expect.verdict || !as_asked {
                    let (name, hook, wish) = (&case.name, hook.name(), &expect.verdict);
                    let shown = crate::shown(&expect.packet);
                    let state = state.name();
                    wrong.push(format!("{name} {backend:?} {hook}: expected {wish}, got {word} ({state}): {shown}"));
                }
            }
            if backend == judge.backends[0] {
                answers.push((hook, judged));
            }
        }
    }
    (answers, wrong)
}
