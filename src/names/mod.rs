//! Names: zones out of master files, and what they answer.
//!
//! Master files are those of RFC 1035 with `$TTL` (RFC 2308), `$INCLUDE` within the folder of the zones, `$GENERATE` (BIND),
//! and types in any spelling of RFC 3597. A, AAAA, NS, CNAME, DNAME, SOA, PTR, MX and SRV are understood; other types are kept
//! as they were written. Every line is understood or refused, with its place. Pure: bytes come in with their paths.

mod data;
mod generate;
mod lexer;
mod lookup;
mod master;
mod name;
mod plan;
mod record;
mod reverse;
mod ttl;
mod write;
mod zone;
mod zones;

pub use lookup::{Answer, HostAnswer, Outcome};
pub use name::Name;
pub use plan::{Plan, Renumbering, earliest_removal};
pub use record::{Data, Record, RecordType, Soa};
pub use reverse::{address_of, is_reverse, reverse_name};
pub use ttl::{Length, MAX_TTL};
pub use zone::Zone;
pub use zones::{MAX_BYTES, Zones, read_zones};
