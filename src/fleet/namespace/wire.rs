//! Packets as bytes, each with a mark of 32 bits by which it is known again wherever it comes out.

use super::talk::Header;
use std::net::IpAddr;

/// Which packet of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The first one: SYN, first datagram, request.
    First,
    /// The answer to it: SYN and ACK, datagram, reply.
    Answer {
        /// The mark of the first one, which TCP acknowledges.
        first: u32,
        /// The type of an ICMP reply.
        icmp: u8,
    },
    /// What follows from the client.
    Next {
        /// The mark of the answer.
        answer: u32,
    },
}

const SYN: u8 = 2;
const ACK: u8 = 16;

/// A whole packet, IP header included.
pub(super) fn build(header: &Header, part: Part, mark: u32) -> Option<Vec<u8>> {
    let body = layer4(header, part, mark);
    match (header.src, header.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let length = u16::try_from(20 + body.len()).ok()?;
            let [id_high, id_low] = (mark as u16).to_be_bytes();
            let [high, low] = length.to_be_bytes();
            let mut out = vec![0x45, 0, high, low, id_high, id_low, 0, 0, 64, header.proto, 0, 0];
            out.extend(src.octets());
            out.extend(dst.octets());
            let sum = checksum(&out).to_be_bytes();
            out.splice(10..12, sum);
            out.extend(body);
            Some(out)
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let [high, low] = u16::try_from(body.len()).ok()?.to_be_bytes();
            let mut out = vec![0x60, 0, 0, 0, high, low, header.proto, 64];
            out.extend(src.octets());
            out.extend(dst.octets());
            out.extend(body);
            Some(out)
        }
        _ => None,
    }
}

fn layer4(header: &Header, part: Part, mark: u32) -> Vec<u8> {
    let ports = [header.sport.to_be_bytes(), header.dport.to_be_bytes()].concat();
    match header.proto {
        6 => {
            let (ack, flags) = match part {
                Part::First => (0, SYN),
                Part::Answer { first, .. } => (first.wrapping_add(1), SYN | ACK),
                Part::Next { answer } => (answer.wrapping_add(1), ACK),
            };
            let mut out = ports;
            out.extend(mark.to_be_bytes());
            out.extend(ack.to_be_bytes());
            out.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            summed(header, out, 16)
        }
        17 => {
            let mut out = ports;
            out.extend([0, 12, 0, 0]);
            out.extend(mark.to_be_bytes());
            summed(header, out, 6)
        }
        136 => {
            let mut out = ports;
            out.extend([0, 0, 0, 0]);
            out.extend(mark.to_be_bytes());
            summed(header, out, 6)
        }
        132 => {
            // INIT (RFC 9260, 3.3.2) with the mark as its tag; the checksum is CRC32c, sent as 0 where nobody checks.
            let mut out = ports;
            out.extend([0; 8]);
            out.extend([1, 0, 0, 20]);
            out.extend(mark.to_be_bytes());
            out.extend([0, 1, 0, 0, 0, 1, 0, 1]);
            out.extend(mark.to_be_bytes());
            let sum = crc32c(&out).to_le_bytes();
            out.splice(8..12, sum);
            out
        }
        1 | 58 => {
            let kind = if let Part::Answer { icmp, .. } = part { icmp } else { header.icmp.0 };
            let [high, low] = header.sport.to_be_bytes();
            let mut out = vec![kind, header.icmp.1, 0, 0, high, low, 0, 1];
            out.extend(mark.to_be_bytes());
            let sum = if header.proto == 1 { checksum(&out) } else { checksum(&with_pseudo(header, &out)) };
            out.splice(2..4, sum.to_be_bytes());
            out
        }
        47 => [&[0, 0, 0x65, 0x58][..], &mark.to_be_bytes(), &[0; 8]].concat(),
        50 | 51 => [&[0, 0, 1, 0][..], &mark.to_be_bytes(), &[0; 16]].concat(),
        _ => [&mark.to_be_bytes()[..], &[0; 12]].concat(),
    }
}

fn summed(header: &Header, mut out: Vec<u8>, at: usize) -> Vec<u8> {
    let sum = match checksum(&with_pseudo(header, &out)) {
        0 => 0xffff,
        sum => sum,
    };
    out.splice(at..at + 2, sum.to_be_bytes());
    out
}

/// RFC 9293, 3.1 and RFC 8200, 8.1.
fn with_pseudo(header: &Header, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32;
    let mut out = Vec::with_capacity(body.len() + 40);
    match (header.src, header.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            out.extend(src.octets());
            out.extend(dst.octets());
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            out.extend(src.octets());
            out.extend(dst.octets());
        }
        _ => {}
    }
    out.extend(length.to_be_bytes());
    out.extend([0, 0, 0, header.proto]);
    out.extend(body);
    out
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let high = u32::from(pair.first().copied().unwrap_or_default());
        let low = u32::from(pair.get(1).copied().unwrap_or_default());
        sum += (high << 8) | low;
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// RFC 9260, appendix A.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    !crc
}

/// What a packet, IP header included, says of itself; `None` for what is none of ours.
pub(super) fn read(packet: &[u8]) -> Option<(Header, &[u8])> {
    let octets16 = |at: usize| -> Option<[u8; 16]> { packet.get(at..at + 16)?.try_into().ok() };
    let (src, dst, proto, body): (IpAddr, IpAddr, u8, &[u8]) = match packet.first()? >> 4 {
        4 => {
            let length = usize::from(packet.first()? & 15) * 4;
            let octets = |at: usize| -> Option<[u8; 4]> { packet.get(at..at + 4)?.try_into().ok() };
            (octets(12)?.into(), octets(16)?.into(), *packet.get(9)?, packet.get(length..)?)
        }
        6 => (octets16(8)?.into(), octets16(24)?.into(), *packet.get(6)?, packet.get(40..)?),
        _ => return None,
    };
    let (sport, dport, icmp) = layer4_of(proto, body);
    Some((Header { src, dst, proto, sport, dport, icmp }, body))
}

/// Ports, or the number of a query, and type and code.
pub(super) fn layer4_of(proto: u8, body: &[u8]) -> (u16, u16, (u8, u8)) {
    let byte = |at: usize| body.get(at).copied().unwrap_or_default();
    let number = |at: usize| u16::from_be_bytes([byte(at), byte(at + 1)]);
    match proto {
        6 | 17 | 33 | 132 | 136 => (number(0), number(2), (0, 0)),
        1 | 58 => (number(4), 0, (byte(0), byte(1))),
        _ => (0, 0, (0, 0)),
    }
}

/// Whether a layer-4 body carries this mark.
pub(super) fn carries(body: &[u8], mark: u32) -> bool {
    body.windows(4).take(64).any(|w| w == mark.to_be_bytes())
}

impl Header {
    /// The same conversation in the other direction.
    pub(super) fn reversed(&self) -> Header {
        let is_icmp = matches!(self.proto, 1 | 58);
        let (sport, dport) = if is_icmp { (self.sport, self.dport) } else { (self.dport, self.sport) };
        Header { src: self.dst, dst: self.src, sport, dport, ..self.clone() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn header(proto: u8, six: bool) -> Header {
        let (src, dst): (IpAddr, IpAddr) = match six {
            false => ([192, 0, 2, 1].into(), [198, 51, 100, 7].into()),
            true => ("2001:db8::1".parse().unwrap(), "2001:db8::7".parse().unwrap()),
        };
        Header { src, dst, proto, sport: 40_000, dport: 443, icmp: (8, 0) }
    }

    #[test]
    fn what_is_built_is_read_and_its_sum_is_right() {
        for (proto, six) in [(6, false), (17, false), (6, true), (17, true), (1, false), (58, true), (47, false)] {
            let header = header(proto, six);
            let packet = build(&header, Part::First, 0x6677_0001).unwrap();
            let (read, body) = read(&packet).unwrap();
            assert!(carries(body, 0x6677_0001) && !carries(body, 0x6677_0002));
            assert_eq!((read.src, read.dst, read.proto), (header.src, header.dst, proto));
            if matches!(proto, 6 | 17) {
                assert_eq!((read.sport, read.dport), (40_000, 443));
            }
            // A sum over what holds its own sum is zero (RFC 1071).
            match proto {
                6 | 17 | 58 => assert_eq!(checksum(&with_pseudo(&header, body)), 0, "{proto}"),
                1 => assert_eq!(checksum(body), 0),
                _ => {}
            }
        }
    }

    #[test]
    fn the_check_value_of_crc32c() {
        // RFC 3720, appendix B.4: 32 bytes of zeroes.
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
    }
}
