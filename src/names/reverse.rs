//! Addresses as names, and back (RFC 1035 section 3.5, RFC 3596 section 2.5).

use super::name::Name;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The name under which an address is looked up.
pub fn reverse_name(address: IpAddr) -> Name {
    let labels: Vec<Vec<u8>> = match address {
        IpAddr::V4(v4) => {
            let octets = v4.octets().into_iter().rev().map(|o| o.to_string().into_bytes());
            octets.chain([b"in-addr".to_vec(), b"arpa".to_vec()]).collect()
        }
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|o| [o & 15, o >> 4]);
            let digits = nibbles.map(|n| format!("{n:x}").into_bytes());
            digits.chain([b"ip6".to_vec(), b"arpa".to_vec()]).collect()
        }
    };
    Name::of_labels(labels).unwrap_or_default()
}

/// The address that a name of a reverse zone stands for; `None` of every other name.
pub fn address_of(name: &Name) -> Option<IpAddr> {
    let labels: Vec<&str> = name.labels().map(|l| std::str::from_utf8(l).ok()).collect::<Option<_>>()?;
    match labels.as_slice() {
        [a, b, c, d, "in-addr", "arpa"] => {
            let text = format!("{d}.{c}.{b}.{a}");
            text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        }
        [nibbles @ .., "ip6", "arpa"] if nibbles.len() == 32 => {
            let digits = nibbles.iter().rev().map(|n| Some(*n).filter(|n| n.len() == 1));
            let text: String = digits.collect::<Option<Vec<&str>>>()?.concat();
            u128::from_str_radix(&text, 16).ok().map(|bits| IpAddr::V6(Ipv6Addr::from(bits)))
        }
        _ => None,
    }
}

/// Whether a name lies in the trees of addresses.
pub fn is_reverse(name: &Name) -> bool {
    let mut labels = name.labels().rev();
    labels.next() == Some(b"arpa") && matches!(labels.next(), Some(b"in-addr" | b"ip6"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (address, name) in
            [("192.0.2.10", "10.2.0.192.in-addr.arpa"), ("::1", &format!("1.{}ip6.arpa", "0.".repeat(31)))]
        {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(reverse_name(address).to_string(), name);
            assert_eq!(address_of(&reverse_name(address)), Some(address));
        }
        let other = |text: &str| address_of(&Name::parse(text, None).unwrap());
        for text in
            ["2.0.192.in-addr.arpa.", "1.10.2.0.192.in-addr.arpa.", "www.example.net.", "01.2.0.192.in-addr.arpa.", "."]
        {
            assert_eq!(other(text), None, "{text}");
        }
    }
}
