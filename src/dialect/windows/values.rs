//! Addresses, ports, protocols and messages as the forms of Windows rules write them.

use crate::dialect::nearest;
use crate::packet::{Family, protocol_by_name};
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr};

/// Why a value is not understood: a problem that does not know its place yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What, in the form of a problem's message.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Wrong {
    /// Something wrong, without advice.
    pub fn new(message: impl Into<String>) -> Wrong {
        Wrong { message: message.into(), help: None }
    }

    /// The same with advice.
    pub fn help(self, help: impl Into<String>) -> Wrong {
        Wrong { help: Some(help.into()), ..self }
    }
}

/// A value that was understood, or not.
pub type Read<T> = Result<T, Wrong>;

/// One entry of a list of addresses: an address, a prefix, an address under a mask, or `first-last`
/// ([MS-GPFAS] 2.2.2.9 to 2.2.2.12).
pub fn addresses(text: &str) -> Read<(Family, u128, u128)> {
    let range = match (text.split_once('/'), text.split_once('-')) {
        (Some((base, mask)), _) => subnet(base, mask),
        (None, Some((first, last))) => span(text, first, last)?,
        (None, None) => text.parse::<IpAddr>().ok().map(|a| (a, a)),
    };
    let (first, last) = range.ok_or_else(|| no_address(text))?;
    Ok((family_of(first), number_of(first), number_of(last)))
}

/// The first and the last address; bits behind the prefix are dropped, as the firewall does.
fn subnet(base: &str, mask: &str) -> Option<(IpAddr, IpAddr)> {
    let net = match mask.parse::<Ipv4Addr>() {
        Ok(mask) => IpNet::V4(Ipv4Net::with_netmask(base.parse().ok()?, mask).ok()?),
        Err(_) => format!("{base}/{mask}").parse().ok()?,
    };
    Some((net.network(), net.broadcast()))
}

fn span(text: &str, first: &str, last: &str) -> Read<Option<(IpAddr, IpAddr)>> {
    let ends = first.trim().parse::<IpAddr>().ok().zip(last.trim().parse::<IpAddr>().ok());
    match ends {
        Some((a, b)) if a.is_ipv4() != b.is_ipv4() => {
            Err(Wrong::new(format!("`{text}` begins in one family and ends in the other")))
        }
        Some((a, b)) if a > b => Err(Wrong::new(format!("the range `{text}` ends before it begins"))),
        ends => Ok(ends),
    }
}

fn no_address(text: &str) -> Wrong {
    Wrong::new(format!("`{text}` is no address"))
        .help("an address, a subnet with its prefix length or mask, `first-last`, or a keyword such as `LocalSubnet`")
}

/// The family of an address.
pub fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

/// An address as a number.
pub fn number_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(a) => u128::from(u32::from(a)),
        IpAddr::V6(a) => u128::from(a),
    }
}

/// A port or `first-last`.
pub fn ports(text: &str) -> Read<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
        (Ok(_), Ok(_)) => Err(Wrong::new(format!("the range `{text}` ends before it begins"))),
        _ => Err(Wrong::new(format!("`{text}` is no port")).help("ports are numbers from 0 to 65535, or `first-last`")),
    }
}

/// A protocol by number or by the name that the tools print; `None` for any (256 in [MS-FASP] 2.2.37).
pub fn protocol(text: &str) -> Read<Option<u8>> {
    if text.eq_ignore_ascii_case("any") || text == "256" {
        return Ok(None);
    }
    let own = PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
    let found = own.or_else(|| protocol_by_name(text));
    found.map(Some).ok_or_else(|| {
        let near = nearest(text, PROTOCOLS.iter().map(|(name, _)| *name)).map(|n| format!("did you mean `{n}`? "));
        Wrong::new(format!("`{text}` is no protocol"))
            .help(format!("{}a protocol is a number from 0 to 255, or a name such as `TCP`", near.unwrap_or_default()))
    })
}

/// Names of `netsh` and PowerShell that differ from those of the registry of protocol numbers.
const PROTOCOLS: &[(&str, u8)] = &[
    ("HOPOPT", 0),
    ("ICMPv4", 1),
    ("IGMP", 2),
    ("TCP", 6),
    ("UDP", 17),
    ("IPv6", 41),
    ("IPv6Route", 43),
    ("IPv6Frag", 44),
    ("GRE", 47),
    ("ICMPv6", 58),
    ("IPv6NoNxt", 59),
    ("IPv6Opts", 60),
    ("VRRP", 112),
    ("PGM", 113),
    ("L2TP", 115),
];

/// A message as `type` or `type:code`; a code of `*`, `Any` or none is every code ([MS-GPFAS] 2.2.2.16).
pub fn message(text: &str) -> Read<(u8, Option<u8>)> {
    let (kind, code) = text.split_once(':').map_or((text, None), |(kind, code)| (kind, Some(code)));
    let number = |part: &str| {
        part.trim().parse::<u8>().map_err(|_| {
            Wrong::new(format!("`{text}` is no message"))
                .help("a message is `type:code`, each from 0 to 255, or `type:*`")
        })
    };
    let code = code.map(str::trim).filter(|c| *c != "*" && !c.eq_ignore_ascii_case("any"));
    Ok((number(kind)?, code.map(number).transpose()?))
}

/// `TRUE` or `FALSE` ([MS-GPFAS] 2.2.2.14), and the words of the tools for them.
pub fn boolean(text: &str) -> Read<bool> {
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(text));
    match (is(&["true", "yes", "1"]), is(&["false", "no", "0"])) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Wrong::new(format!("`{text}` is neither true nor false"))),
    }
}

/// The meaning of one word out of a table, in any case.
pub fn word<T: Copy>(text: &str, what: &str, table: &[(&str, T)]) -> Read<T> {
    let found = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = table.iter().map(|(name, _)| *name).filter(|n| n.parse::<u32>().is_err()).collect();
        Wrong::new(format!("`{text}` is no {what}")).help(format!("known are: {}", known.join(", ")))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form() {
        assert_eq!(addresses("10.1.2.3/255.0.0.0").unwrap(), (Family::V4, 0x0a00_0000, 0x0aff_ffff));
        assert_eq!(addresses("10.0.0.1-10.0.0.9").unwrap(), (Family::V4, 0x0a00_0001, 0x0a00_0009));
        assert_eq!(addresses("10.0.0.7").unwrap(), (Family::V4, 0x0a00_0007, 0x0a00_0007));
        assert_eq!(addresses("fe80::/64").unwrap().0, Family::V6);
        for text in ["10.0.0.0/33", "10.0.0.0/255.0.255.0", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "host", ""] {
            assert!(addresses(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ports_protocols_and_messages_are_read() {
        assert_eq!(ports("5000-5010").unwrap(), (5000, 5010));
        assert!(ports("65536").is_err() && ports("9-1").is_err() && ports("http").is_err());
        assert_eq!((protocol("ICMPv6").unwrap(), protocol("any").unwrap()), (Some(58), None));
        assert!(protocol("300").is_err());
        assert_eq!((message("8:*").unwrap(), message("3:4").unwrap()), ((8, None), (3, Some(4))));
        assert!(message("8:x").is_err() && message("256").is_err());
    }
}
