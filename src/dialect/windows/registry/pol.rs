//! `registry.pol` ([MS-GPREG] 2.2.1): a header, then `[key;value;type;size;data]` in UTF-16. A listing is made of it,
//! in the syntax of registry exports, so that every entry has a line.

use crate::dialect::Undecoded;

/// The first line of a listing.
pub const HEADER: &str = "Registry policy file (PReg), version 1";

/// The most bytes of one value's data ([MS-GPREG] 2.2.1).
const MAX_DATA: usize = 0xffff;

/// The listing of what follows the signature.
pub fn listing(rest: &[u8]) -> Result<String, Undecoded> {
    let mut lister = Lister { bytes: rest, at: 0, key: String::new(), out: format!("{HEADER}\n") };
    match lister.list() {
        Some(()) => Ok(lister.out),
        None => Err(Undecoded {
            message: format!("the policy file breaks off or is damaged at byte {}", lister.at + 4),
            before: lister.out,
            help: "copy `Machine\\registry.pol` of the group policy object once more",
        }),
    }
}

struct Lister<'a> {
    bytes: &'a [u8],
    /// The offset behind the signature.
    at: usize,
    key: String,
    out: String,
}

impl Lister<'_> {
    fn list(&mut self) -> Option<()> {
        if self.number()? != 1 {
            return None;
        }
        while self.at < self.bytes.len() {
            self.instruction()?;
        }
        Some(())
    }

    fn instruction(&mut self) -> Option<()> {
        self.expect('[')?;
        let key = self.text()?;
        self.expect(';')?;
        let name = self.text()?;
        self.expect(';')?;
        let kind = self.number()?;
        self.expect(';')?;
        let size = usize::try_from(self.number()?).ok().filter(|s| *s <= MAX_DATA)?;
        self.expect(';')?;
        let data = self.bytes.get(self.at..self.at + size)?;
        let data = data_text(kind, data)?;
        self.at += size;
        self.expect(']')?;
        if key != self.key {
            self.out += &format!("[{key}]\n");
            self.key = key;
        }
        if !name.is_empty() {
            self.out += &format!("{}={data}\n", quoted(&name));
        }
        Some(())
    }

    /// A text that a zero ends; line breaks and quotes cannot be in keys and names.
    fn text(&mut self) -> Option<String> {
        let mut units = Vec::new();
        loop {
            match self.unit()? {
                0 => break,
                unit => units.push(unit),
            }
        }
        String::from_utf16(&units).ok().filter(|t| !t.contains(|c: char| c.is_control()))
    }

    fn expect(&mut self, character: char) -> Option<()> {
        (u32::from(self.unit()?) == u32::from(character)).then_some(())
    }

    fn unit(&mut self) -> Option<u16> {
        let pair = self.bytes.get(self.at..)?.first_chunk::<2>()?;
        self.at += 2;
        Some(u16::from_le_bytes(*pair))
    }

    fn number(&mut self) -> Option<u32> {
        let four = self.bytes.get(self.at..)?.first_chunk::<4>()?;
        self.at += 4;
        Some(u32::from_le_bytes(*four))
    }
}

/// Data in the syntax of exports, by the numbers of `winnt.h`: 1 and 2 are texts, 4 is a number.
pub fn data_text(kind: u32, data: &[u8]) -> Option<String> {
    match (kind, data) {
        (1 | 2, _) => {
            let (pairs, odd) = data.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            let text = String::from_utf16(&units).ok().filter(|_| odd.is_empty())?;
            let text = text.trim_end_matches('\0');
            (!text.contains(|c: char| c.is_control())).then(|| quoted(text))
        }
        (4, [a, b, c, d]) => Some(format!("dword:{:08x}", u32::from_le_bytes([*a, *b, *c, *d]))),
        (4, _) => None,
        _ => {
            let bytes: Vec<String> = data.iter().map(|b| format!("{b:02x}")).collect();
            Some(format!("hex({kind}):{}", bytes.join(",")))
        }
    }
}

/// A text in quotes, with escapes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn instruction(key: &str, name: &str, kind: u32, data: &[u8]) -> Vec<u8> {
        let text = |t: &str| t.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let size = (data.len() as u32).to_le_bytes();
        [
            text("["),
            text(&format!("{key}\0;{name}\0;")),
            kind.to_le_bytes().to_vec(),
            text(";"),
            size.to_vec(),
            text(";"),
            data.to_vec(),
            text("]"),
        ]
        .concat()
    }

    #[test]
    fn a_file_becomes_a_listing() {
        let rule: Vec<u8> = "v2.10|App=C:\\x|\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let body = [instruction("S\\K", "n", 4, &[1, 0, 0, 0]), instruction("S\\K", "r", 1, &rule)].concat();
        let file = [vec![1, 0, 0, 0], body].concat();
        let expected = format!("{HEADER}\n[S\\K]\n\"n\"=dword:00000001\n\"r\"=\"v2.10|App=C:\\\\x|\"\n");
        assert_eq!(listing(&file).unwrap(), expected);
        for cut in 0..file.len() - 1 {
            let whole = cut == 4
                || listing(&file[..cut]).is_err()
                || cut == 4 + instruction("S\\K", "n", 4, &[1, 0, 0, 0]).len();
            assert!(whole, "cut at {cut}");
        }
        assert!(listing(&[2, 0, 0, 0]).is_err(), "another version");
    }
}
