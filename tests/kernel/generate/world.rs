//! The small world in which rulesets live: addresses, ports and their neighbours.

use super::*;

impl Maker {
    pub(super) fn bits(&self) -> u32 {
        self.family.bits()
    }

    pub(super) fn mask(&self, length: u32) -> u128 {
        let bits = self.bits();
        if length == 0 { 0 } else { (u128::MAX >> (128 - length)) << (bits - length) }
    }

    pub(super) fn shown(&self, address: u128) -> String {
        match self.family {
            Family::V4 => Ipv4Addr::from(address as u32).to_string(),
            Family::V6 => Ipv6Addr::from(address).to_string(),
        }
    }

    pub(super) fn choose_prefixes(&mut self) {
        let bases: &[(u128, u32)] = match self.family {
            Family::V4 => {
                &[(0x0a00_0000, 8), (0x0a14_0000, 16), (0xc0a8_0000, 16), (0xac10_0000, 12), (0xcb00_7100, 24)]
            }
            Family::V6 => &[
                (0x2001_0db8 << 96, 32),
                (0x2001_0db8_0020 << 80, 48),
                (0xfd00 << 112, 8),
                (0x2a00_1450_4001 << 80, 48),
                (0x2001_0db8_0020_0001 << 64, 64),
            ],
        };
        self.prefixes = bases.to_vec();
        for _ in 0..self.rng.between(3, 7) {
            let (base, length) = *self.rng.pick(&self.prefixes.clone());
            let bits = self.bits();
            let longer = self.rng.between(length as usize, bits as usize) as u32;
            let inner = base | self.rng.wide() & !self.mask(length) & self.family.max_address();
            self.prefixes.push((inner & self.mask(longer), longer));
        }
    }

    pub(super) fn prefix(&mut self) -> (u128, u32) {
        *self.rng.pick(&self.prefixes.clone())
    }

    pub(super) fn address(&mut self) -> u128 {
        let (base, length) = self.prefix();
        let host = !self.mask(length) & self.family.max_address();
        match self.rng.below(4) {
            0 => base,
            1 => base | host,
            2 => base | self.rng.wide() & host & 0xff,
            _ => base | self.rng.wide() & host,
        }
    }

    /// A host that hash types take: not the address 0, and one that a packet can have.
    pub(super) fn host(&mut self) -> u128 {
        self.address().max(1)
    }

    pub(super) fn port(&mut self) -> u16 {
        match self.rng.below(4) {
            0 => self.rng.next() as u16,
            _ => *self.rng.pick(&self.ports.clone()),
        }
    }

    pub(super) fn port_range(&mut self) -> (u16, u16) {
        let (a, b) = (self.port(), self.port());
        (a.min(b), a.max(b))
    }

    pub(super) fn around(&self, prefix: (u128, u32)) -> (Vec<u128>, Vec<u128>) {
        let (low, length) = prefix;
        let high = low | !self.mask(length) & self.family.max_address();
        let mut outside = Vec::new();
        if low > 0 {
            outside.push(low - 1);
        }
        if high < self.family.max_address() {
            outside.push(high + 1);
        }
        if length > 0 {
            outside.push(low ^ 1 << (self.bits() - length));
        }
        (vec![low, high, low + (high - low) / 3], outside)
    }
}

pub(super) fn mac_text(mac: u128) -> String {
    let bytes: Vec<String> = (0..6).rev().map(|i| format!("{:02x}", mac >> (8 * i) & 0xff)).collect();
    bytes.join(":")
}
