//! One concrete packet: what the plain interpreter judges and what reports show as a witness.

use super::{Family, Field, IfaceSide, Interface, Shape, TCP_ACK, TCP_SYN};

/// The conntrack state that a packet will be given (`ctstate`, `ct state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Sets up a connection.
    New,
    /// Belongs to a connection that has been seen.
    Established,
    /// Belongs to one that an existing connection announced, or is an ICMP error about one.
    Related,
    /// Conntrack could not make sense of it.
    Invalid,
    /// Exempt from conntrack.
    Untracked,
}

impl State {
    /// All states, by their field values 0 to 4.
    pub const ALL: [State; 5] = [State::New, State::Established, State::Related, State::Invalid, State::Untracked];

    /// The state's value in `Field::State`.
    pub fn value(self) -> u128 {
        self as u128
    }

    /// The state with this field value.
    pub fn from_value(value: u128) -> Option<State> {
        State::ALL.into_iter().find(|s| s.value() == value)
    }

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            State::New => "new",
            State::Established => "established",
            State::Related => "related",
            State::Invalid => "invalid",
            State::Untracked => "untracked",
        }
    }

    /// The state of this name, in any case.
    pub fn by_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.name().eq_ignore_ascii_case(name))
    }
}

/// Which piece of a datagram a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fragment {
    /// A whole datagram.
    None,
    /// The first fragment, with the layer-4 header.
    First,
    /// A later fragment, without one.
    Later,
}

impl Fragment {
    /// All values, by their field values 0 to 2.
    pub const ALL: [Fragment; 3] = [Fragment::None, Fragment::First, Fragment::Later];

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Fragment::None => "none",
            Fragment::First => "first",
            Fragment::Later => "later",
        }
    }
}

/// One concrete header as it enters the path, with the facts around it that rules can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// The family of its network layer.
    pub family: Family,
    values: [u128; Field::COUNT],
    interfaces: [Interface; 4],
}

impl Packet {
    /// A packet of `family` with every field at its default: TTL 64, state new, no extension header, both
    /// interfaces `other`.
    pub fn new(family: Family) -> Packet {
        let mut packet = Packet {
            family,
            values: [0; Field::COUNT],
            interfaces: [Interface::Other, Interface::Other, Interface::None, Interface::None],
        };
        packet.set(Field::Ttl, 64);
        packet.set(Field::NextHeader, 256);
        packet.set(Field::Length, if family == Family::V4 { 40 } else { 60 });
        packet.set(Field::EtherType, if family == Family::V4 { 0x0800 } else { 0x86dd });
        packet
    }

    /// A new TCP connection's SYN.
    pub fn tcp(family: Family, src: u128, sport: u16, dst: u128, dport: u16) -> Packet {
        let mut packet = Packet::new(family);
        packet.set(Field::Src, src);
        packet.set(Field::Dst, dst);
        packet.set(Field::Proto, 6);
        packet.set(Field::Sport, u128::from(sport));
        packet.set(Field::Dport, u128::from(dport));
        packet.set(Field::TcpFlags, u128::from(TCP_SYN));
        packet
    }

    /// The value of a field; interface fields have none here, see `interface`.
    pub fn get(&self, field: Field) -> u128 {
        match field {
            Field::SrcBits => self.values[Field::Src as usize],
            Field::DstBits => self.values[Field::Dst as usize],
            _ => self.values[field as usize],
        }
    }

    /// Sets a field.
    pub fn set(&mut self, field: Field, value: u128) {
        match field {
            Field::SrcBits => self.values[Field::Src as usize] = value,
            Field::DstBits => self.values[Field::Dst as usize] = value,
            _ => self.values[field as usize] = value,
        }
    }

    /// One of the packet's interfaces.
    pub fn interface(&self, side: IfaceSide) -> &Interface {
        &self.interfaces[side as usize]
    }

    /// Sets one of the packet's interfaces.
    pub fn set_interface(&mut self, side: IfaceSide, interface: Interface) {
        self.interfaces[side as usize] = interface;
    }

    /// The shape of its layer-4 header.
    pub fn shape(&self) -> Shape {
        Shape::of(self.family, self.proto())
    }

    /// Its protocol number.
    pub fn proto(&self) -> u8 {
        self.get(Field::Proto) as u8
    }

    /// Its conntrack state.
    pub fn state(&self) -> State {
        State::from_value(self.get(Field::State)).unwrap_or(State::New)
    }

    /// Sets its conntrack state, and for TCP the flags that such a packet usually has.
    pub fn with_state(mut self, state: State) -> Packet {
        self.set(Field::State, state.value());
        let flags = if state == State::New { TCP_SYN } else { TCP_ACK };
        self.set(Field::TcpFlags, u128::from(flags));
        self
    }
}
