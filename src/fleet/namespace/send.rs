//! Sockets of both namespaces: what is injected, what comes out, and what arrives.

use super::lan::{OURS, OURS_V4, number_of};
use super::talk::Header;
use super::wire::{carries, layer4_of, read};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// `ETH_P_ALL` in network order (`include/uapi/linux/if_ether.h`).
const EVERY_PROTOCOL: i32 = 0x0003_u16.to_be() as i32;
/// `IPPROTO_RAW`.
const RAW: i32 = 255;

/// Sockets in the namespace of the other ends.
pub(super) struct Outside {
    send4: Socket,
    send6: Socket,
    frames: Socket,
}

/// Sockets in the device's namespace.
pub(super) struct Inside {
    by_interface: BTreeMap<String, (Socket, Socket)>,
    /// Those whose packets the device's routes send; none where the interface is chosen.
    routed: Option<(Socket, Socket)>,
    /// By family and protocol.
    arrivals: BTreeMap<(bool, u8), Socket>,
}

/// A packet that came out or arrived.
#[derive(Clone, Debug)]
pub(super) struct Caught {
    /// What it says of itself; addresses as far as the socket shows them.
    pub header: Header,
    /// The number of the interface by which it came out.
    pub number: Option<usize>,
    /// Its marks are looked for here.
    pub body: Vec<u8>,
}

impl Outside {
    /// Must be called in the namespace.
    pub fn new() -> io::Result<Outside> {
        let frames = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(EVERY_PROTOCOL)))?;
        frames.set_nonblocking(true)?;
        let _ = frames.set_recv_buffer_size(8 << 20);
        Ok(Outside { send4: sender(Domain::IPV4)?, send6: sender(Domain::IPV6)?, frames })
    }

    /// Injects a packet at the other end of the interface with this number.
    pub fn send(&self, number: usize, header: &Header, packet: &[u8]) -> io::Result<()> {
        let socket = if header.dst.is_ipv4() { &self.send4 } else { &self.send6 };
        socket.bind_device(Some(format!("fwgfar{number}").as_bytes()))?;
        socket.send_to(packet, &to(header)).map(drop)
    }

    /// Everything that has come out of the device since the last call.
    pub fn caught(&self) -> Vec<Caught> {
        let mut out = Vec::new();
        let mut buffer = vec![0; 65_536];
        while let Ok(length) = (&self.frames).read(&mut buffer) {
            let frame = buffer.get(..length).unwrap_or_default();
            let Some(number) = frame.get(6..12).and_then(number_of) else { continue };
            if let Some((header, body)) = frame.get(14..).and_then(read) {
                out.push(Caught { header, number: Some(number), body: body.to_vec() });
            }
        }
        out
    }
}

impl Inside {
    /// Must be called in the namespace.
    pub fn new(numbers: &BTreeMap<String, usize>, is_routed: bool) -> io::Result<Inside> {
        let pair = |name: Option<&String>| -> io::Result<(Socket, Socket)> {
            let pair = (sender(Domain::IPV4)?, sender(Domain::IPV6)?);
            for socket in [&pair.0, &pair.1] {
                socket.bind_device(name.map(|name| name.as_bytes()))?;
            }
            pair.1.set_tclass_v6(OURS)?;
            if is_routed {
                pair.0.set_tos_v4(OURS_V4)?;
            }
            Ok(pair)
        };
        let mut by_interface = BTreeMap::new();
        for name in numbers.keys() {
            by_interface.insert(name.clone(), pair(Some(name))?);
        }
        let routed = is_routed.then(|| pair(None)).transpose()?;
        Ok(Inside { by_interface, routed, arrivals: BTreeMap::new() })
    }

    /// Sends a packet from the device itself: by this interface, or by the one that the device's routes choose.
    pub fn send(&self, interface: &str, header: &Header, packet: &[u8]) -> io::Result<()> {
        let routed = self.routed.as_ref().filter(|_| interface != "lo");
        let pair = routed.or(self.by_interface.get(interface)).ok_or(io::ErrorKind::NotFound)?;
        let socket = if header.dst.is_ipv4() { &pair.0 } else { &pair.1 };
        socket.send_to(packet, &to(header)).map(drop)
    }

    /// Listens for what arrives of a protocol.
    pub fn listen(&mut self, header: &Header) -> io::Result<()> {
        let key = (header.dst.is_ipv4(), header.proto);
        if self.arrivals.contains_key(&key) {
            return Ok(());
        }
        let domain = if key.0 { Domain::IPV4 } else { Domain::IPV6 };
        let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(header.proto))))?;
        socket.set_nonblocking(true)?;
        self.arrivals.insert(key, socket);
        Ok(())
    }

    /// Everything of the packet's protocol that has arrived since the last call. An IPv6 socket does not show the header,
    /// so that the addresses are those that were sent.
    pub fn arrived(&self, sent: &Header) -> Vec<Caught> {
        let Some(socket) = self.arrivals.get(&(sent.dst.is_ipv4(), sent.proto)) else { return Vec::new() };
        let mut out = Vec::new();
        let mut buffer = vec![0; 65_536];
        while let Ok(length) = (&*socket).read(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            if sent.dst.is_ipv4() {
                out.extend(read(bytes).map(|(header, body)| Caught { header, number: None, body: body.to_vec() }));
            } else {
                let (sport, dport, icmp) = layer4_of(sent.proto, bytes);
                let header = Header { sport, dport, icmp, ..sent.clone() };
                out.push(Caught { header, number: None, body: bytes.to_vec() });
            }
        }
        out
    }
}

fn sender(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(RAW)))?;
    match domain == Domain::IPV4 {
        true => socket.set_header_included_v4(true)?,
        false => socket.set_header_included_v6(true)?,
    }
    Ok(socket)
}

fn to(header: &Header) -> SockAddr {
    let address: IpAddr = header.dst;
    SockAddr::from(SocketAddr::new(address, 0))
}

/// Asks again and again until a packet with this mark is among the answers, or the time is over.
pub(super) fn await_mark(mark: u32, wait: Duration, mut ask: impl FnMut() -> Vec<Caught>) -> Option<Caught> {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().into_iter().find(|c| carries(&c.body, mark)) {
            return Some(found);
        }
        if begun.elapsed() >= wait {
            return None;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}
