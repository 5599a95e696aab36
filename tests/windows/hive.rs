//! Hives, built here cell by cell, as `netsh advfirewall export` writes them.

use crate::{assert_equal, read, registry_text};
use fwgate::dialect::decode;

const RULE: &str = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|App=C:\\x.exe|Name=https|";

/// A hive in the making: cells behind the base block.
struct Hive(Vec<u8>);

impl Hive {
    /// Adds a cell and returns its offset.
    fn cell(&mut self, content: &[u8]) -> u32 {
        let at = self.0.len() as u32;
        let size = (content.len() + 4).next_multiple_of(8);
        self.0.extend((-(size as i32)).to_le_bytes());
        self.0.extend(content);
        self.0.resize(at as usize + size, 0);
        at
    }

    fn list(&mut self, offsets: &[u32]) -> u32 {
        let bytes: Vec<u8> = offsets.iter().flat_map(|o| o.to_le_bytes()).collect();
        self.cell(&bytes)
    }

    fn value(&mut self, name: &str, kind: u32, data: &[u8]) -> u32 {
        let (size, place) = match data {
            [a, b, c, d] => (4 | 0x8000_0000, u32::from_le_bytes([*a, *b, *c, *d])),
            data => (data.len() as u32, self.cell(data)),
        };
        let head = [b"vk".to_vec(), (name.len() as u16).to_le_bytes().to_vec()].concat();
        let numbers: Vec<u8> = [size, place, kind].iter().flat_map(|n| n.to_le_bytes()).collect();
        self.cell(&[head, numbers, vec![1, 0, 0, 0], name.as_bytes().to_vec()].concat())
    }

    fn key(&mut self, name: &str, children: &[u32], values: &[u32]) -> u32 {
        let (child_list, value_list) = (self.children(children), self.list(values));
        let mut node = vec![0u8; 76];
        node[..4].copy_from_slice(&[b'n', b'k', 0x20, 0]);
        let numbers = [(20, children.len() as u32), (28, child_list), (36, values.len() as u32), (40, value_list)];
        for (at, number) in numbers {
            node[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        node[72..74].copy_from_slice(&(name.len() as u16).to_le_bytes());
        self.cell(&[node, name.as_bytes().to_vec()].concat())
    }

    fn children(&mut self, children: &[u32]) -> u32 {
        let head = [b"lf".to_vec(), (children.len() as u16).to_le_bytes().to_vec()].concat();
        let entries: Vec<u8> = children.iter().flat_map(|c| [c.to_le_bytes(), [0; 4]].concat()).collect();
        self.cell(&[head, entries].concat())
    }

    /// The file, with the numbers of the last two writes.
    fn file(self, root: u32, sequence: [u32; 2]) -> Vec<u8> {
        let mut base = vec![0u8; 4096];
        base[..4].copy_from_slice(b"regf");
        for (at, number) in [(4, sequence[0]), (8, sequence[1]), (36, root)] {
            base[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        [base, self.0].concat()
    }
}

/// An exported policy with one rule and one setting.
pub fn exported(sequence: [u32; 2]) -> Vec<u8> {
    let mut hive = Hive(vec![0; 32]);
    let rule = hive.value("https", 1, &registry_text(RULE));
    let setting = hive.value("DefaultOutboundAction", 4, &[1, 0, 0, 0]);
    let rules = hive.key("FirewallRules", &[], &[rule]);
    let profile = hive.key("PublicProfile", &[], &[setting]);
    let root = hive.key("root", &[rules, profile], &[]);
    hive.file(root, sequence)
}

#[test]
fn an_exported_policy_means_what_its_text_means() {
    let key = r"HKEY_LOCAL_MACHINE\wfw";
    let export = format!(
        "Windows Registry Editor Version 5.00\n[{key}\\FirewallRules]\n\"https\"=\"{}\"\n[{key}\\PublicProfile]\n\"DefaultOutboundAction\"=dword:00000001\n",
        RULE.replace('\\', "\\\\")
    );
    assert_equal("hive", &read(&[("policy.wfw", &exported([1, 1]))]), &read(&[("policy.reg", export.as_bytes())]));
}

#[test]
fn hives_in_use_and_damaged_ones_are_refused() {
    assert!(decode(&exported([2, 1])).unwrap_err().message.contains("in use"));
    let whole = exported([1, 1]);
    assert!(decode(&whole).is_ok());
    for end in [0, 100, 4096, 4096 + 40, whole.len() - 80] {
        assert!(decode(&[b"regf", &whole[4..end.max(4)]].concat()).is_err(), "cut at {end}");
    }
}
