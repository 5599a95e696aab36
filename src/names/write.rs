//! A zone in one canonical text: a record a line, sorted, every name absolute; for comparing with what servers dump.

use super::name::Name;
use super::record::{Data, Record};
use super::zone::Zone;

impl Zone {
    /// The records whose types are understood, `OWNER TTL IN TYPE DATA`, sorted.
    pub fn canonical_text(&self) -> String {
        let mut lines: Vec<String> = self.records().filter_map(line).collect();
        lines.sort();
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

fn line(record: &Record) -> Option<String> {
    let data = data(&record.data)?;
    Some(format!("{} {} IN {} {data}", absolute(&record.owner), record.ttl, record.kind))
}

/// A name with its final dot.
fn absolute(name: &Name) -> String {
    if name.is_root() { ".".to_owned() } else { format!("{name}.") }
}

fn data(data: &Data) -> Option<String> {
    Some(match data {
        Data::A(v4) => v4.to_string(),
        Data::Aaaa(v6) => v6.to_string(),
        Data::Ns(name) | Data::Cname(name) | Data::Dname(name) | Data::Ptr(name) => absolute(name),
        Data::Mx { preference, exchange } => format!("{preference} {}", absolute(exchange)),
        Data::Srv { priority, weight, port, target } => format!("{priority} {weight} {port} {}", absolute(target)),
        Data::Soa(soa) => format!(
            "{} {} {} {} {} {} {}",
            absolute(&soa.mname),
            absolute(&soa.rname),
            soa.serial,
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        Data::Opaque(_) => return None,
    })
}
