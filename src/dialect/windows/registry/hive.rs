//! Registry hives, as `netsh advfirewall export` (`.wfw`), `reg save` and a disk image have them: a tree of cells. A
//! listing is made of the firewall's keys in them, in the syntax of registry exports, so that every value has a line.
//!
//! The format is that of "Windows registry file format specification" (M. Suhanov), sections "Base block", "Key
//! node", "Key value", "Subkeys list" and "Big data".

use super::pol::{data_text, quoted};
use super::tree::{Place, place};
use crate::dialect::Undecoded;

/// The first line of a listing.
pub const HEADER: &str = "Registry hive (regf), the firewall's keys";

/// Where the cells begin.
const CELLS: usize = 4096;
/// Deepest nesting of keys.
const MAX_DEPTH: usize = 64;
/// The bytes of one piece of a value that is too long for a cell.
const SEGMENT: usize = 16_344;
/// A reference to nothing.
const NOTHING: u32 = u32::MAX;

/// The listing of a hive.
pub fn listing(bytes: &[u8]) -> Result<String, Undecoded> {
    let mut lister = Lister { bytes, out: format!("{HEADER}\n"), left: bytes.len() / 8 };
    let read = lister.list();
    read.map(|()| lister.out).map_err(|message| Undecoded {
        before: String::new(),
        message: message.to_owned(),
        help: "load it (`reg load HKLM\\wfw FILE`) and give the text of `reg export HKLM\\wfw wfw.reg`",
    })
}

type Found<T> = Result<T, &'static str>;

const DAMAGED: &str = "the registry hive is damaged";

struct Lister<'a> {
    bytes: &'a [u8],
    out: String,
    /// How many more cells may be visited: cells that refer to each other in a ring are no hive.
    left: usize,
}

impl<'a> Lister<'a> {
    fn list(&mut self) -> Found<()> {
        let base = self.bytes.get(..CELLS).ok_or(DAMAGED)?;
        if number(base, 4)? != number(base, 8)? {
            return Err("the registry hive was in use when it was copied");
        }
        self.key(number(base, 36)?, r"HKEY_LOCAL_MACHINE\SYSTEM", 0)
    }

    /// Lists a key and what is below it. The root has a name of its own, which says nothing.
    fn key(&mut self, offset: u32, path: &str, depth: usize) -> Found<()> {
        let node = self.cell(offset)?;
        if depth > MAX_DEPTH || node.get(..2) != Some(b"nk") {
            return Err(DAMAGED);
        }
        if place(path).0 != Place::Foreign {
            self.values(node, path)?;
        }
        for child in self.children(number(node, 20)?, number(node, 28)?)? {
            let name = self.name_of_key(child)?;
            self.key(child, &format!("{path}\\{name}"), depth + 1)?;
        }
        Ok(())
    }

    fn values(&mut self, node: &[u8], path: &str) -> Found<()> {
        let (count, list) = (number(node, 36)?, number(node, 40)?);
        if count == 0 || list == NOTHING {
            return Ok(());
        }
        self.out += &format!("[{path}]\n");
        let list = self.cell(list)?;
        for at in 0..count as usize {
            let value = self.cell(number(list, at * 4)?)?;
            let (name, data) = self.value(value)?;
            self.out += &format!("{}={data}\n", if name.is_empty() { "@".to_owned() } else { quoted(&name) });
            // Values that share one long cell would make a listing without bounds.
            if self.out.len() / 8 > self.bytes.len() {
                return Err(DAMAGED);
            }
        }
        Ok(())
    }

    fn value(&mut self, value: &[u8]) -> Found<(String, String)> {
        if value.get(..2) != Some(b"vk") {
            return Err(DAMAGED);
        }
        let name = name(value, short(value, 2)?, 20, short(value, 16)? & 1 != 0)?;
        let size = number(value, 4)?;
        let data = match size & 0x8000_0000 {
            0 => self.data(number(value, 8)?, size as usize)?,
            _ => value.get(8..8 + (size & 0x7fff_ffff).min(4) as usize).ok_or(DAMAGED)?.to_vec(),
        };
        Ok((name, data_text(number(value, 12)?, &data).ok_or(DAMAGED)?))
    }

    fn data(&mut self, offset: u32, size: usize) -> Found<Vec<u8>> {
        let cell = self.cell(offset)?;
        if size <= SEGMENT || cell.get(..2) != Some(b"db") {
            return cell.get(..size).map(<[u8]>::to_vec).ok_or(DAMAGED);
        }
        let (count, list) = (short(cell, 2)?, self.cell(number(cell, 4)?)?);
        let mut out = Vec::new();
        for at in 0..usize::from(count) {
            let piece = self.cell(number(list, at * 4)?)?;
            out.extend_from_slice(piece.get(..SEGMENT.min(size - out.len().min(size))).ok_or(DAMAGED)?);
        }
        if out.len() == size { Ok(out) } else { Err(DAMAGED) }
    }

    /// The offsets of the keys in a list, which may be a list of lists.
    fn children(&mut self, count: u32, list: u32) -> Found<Vec<u32>> {
        if count == 0 || list == NOTHING {
            return Ok(Vec::new());
        }
        let cell = self.cell(list)?;
        let entries = usize::from(short(cell, 2)?);
        let entry =
            |width: usize| (0..entries).map(move |at| number(cell, 4 + at * width)).collect::<Found<Vec<u32>>>();
        match cell.get(..2) {
            Some(b"lf" | b"lh") => entry(8),
            Some(b"li") => entry(4),
            Some(b"ri") => {
                let lists = entry(4)?;
                let nested = lists.into_iter().map(|list| self.leaf(list)).collect::<Found<Vec<_>>>()?;
                Ok(nested.concat())
            }
            _ => Err(DAMAGED),
        }
    }

    /// A list inside a list, which holds none itself.
    fn leaf(&mut self, list: u32) -> Found<Vec<u32>> {
        match self.cell(list)?.get(..2) {
            Some(b"ri") => Err(DAMAGED),
            _ => self.children(1, list),
        }
    }

    fn name_of_key(&mut self, offset: u32) -> Found<String> {
        let node = self.cell(offset)?;
        name(node, short(node, 72)?, 76, short(node, 2)? & 0x20 != 0)
    }

    /// The content of a cell in use; a negative size says that it is.
    fn cell(&mut self, offset: u32) -> Found<&'a [u8]> {
        self.left = self.left.checked_sub(1).ok_or(DAMAGED)?;
        let start = usize::try_from(offset).ok().and_then(|o| o.checked_add(CELLS)).ok_or(DAMAGED)?;
        let size = (number(self.bytes, start)? as i32).checked_neg().filter(|s| *s >= 4).ok_or(DAMAGED)?;
        self.bytes.get(start + 4..start + size as usize).ok_or(DAMAGED)
    }
}

fn number(bytes: &[u8], at: usize) -> Found<u32> {
    bytes.get(at..).and_then(|b| b.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b)).ok_or(DAMAGED)
}

fn short(bytes: &[u8], at: usize) -> Found<u16> {
    bytes.get(at..).and_then(|b| b.first_chunk::<2>()).map(|b| u16::from_le_bytes(*b)).ok_or(DAMAGED)
}

/// A name in UTF-16, or in Latin-1 where its flag says so.
fn name(bytes: &[u8], length: u16, at: usize, is_narrow: bool) -> Found<String> {
    let raw = bytes.get(at..at + usize::from(length)).ok_or(DAMAGED)?;
    let text = match is_narrow {
        true => raw.iter().map(|b| char::from(*b)).collect(),
        false => {
            let units: Vec<u16> = raw.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            String::from_utf16(&units).map_err(|_| DAMAGED)?
        }
    };
    if text.contains(|c: char| c.is_control()) { Err(DAMAGED) } else { Ok(text) }
}
