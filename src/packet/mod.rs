//! The packet space: what a packet is, and exact sets of packets.
//!
//! Everything above this floor speaks of packets through these types only, so the representation of a
//! set (`cell`, `set`) can be replaced without touching a dialect, a check or a report.
//!
//! A *field* is a dimension of the space. A *cell* is a product of one value set per field: a box in the
//! generalised sense that each side may be a union of ranges. A *packet set* is a list of disjoint cells.
//! A field that no rule names never appears in a cell, so it costs nothing.

mod cell;
mod coalesce;
mod count;
mod field;
mod interface;
mod names;
#[allow(clippy::module_inception)]
mod packet;
mod ranges;
mod region;
mod set;
mod values;
mod wire;
mod witness;

pub use cell::{Cell, Cond, Relation};
pub use coalesce::coalesce;
pub use count::{count_flows, l4_selectors};
pub use field::{Family, Field, IfaceSide, Shape};
pub use interface::{IfacePattern, Interface, InterfaceClasses};
pub use names::{
    TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG, icmp_type_by_name, protocol_by_name,
    protocol_name, tcp_flags_by_names, tcp_flags_text,
};
pub use packet::{Fragment, Packet, State};
pub use ranges::Ranges;
pub use region::{Region, RegionNames, address_texts, flag_texts};
pub use set::PacketSet;
pub use values::{ByteSet, Cube, Values};
pub use wire::{PacketError, mac_by_text, mac_text, packet_from_json, packet_to_json};
pub use witness::witness;
