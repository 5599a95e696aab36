//! The inventory: committed snapshots of what an address-management system knows of ranges and devices, as NetBox exports
//! them, with the time at which they were taken.
//!
//! A snapshot is a file of the tree: CSV (the table's export, or the form for bulk imports) or JSON (what the REST API
//! answers). `snapshot.toml` beside it says when it was taken. Pure: bytes come in from the edge with their paths.
//!
//! What stands here is what the file says, no more: which facts count where `device.toml` says something as well is
//! for `policy` to decide.

mod csv;
mod devices;
mod prefixes;
mod snapshot;
mod table;

pub use devices::InventoryDevice;
pub use prefixes::{Prefix, PrefixStatus};
pub use snapshot::{Snapshot, companion};

use crate::document::Problems;
use crate::ruleset::{Sources, Span, Unreadable};
use table::Table;

/// Largest file of an inventory, in bytes. Fifty thousand prefixes in NetBox's JSON have about 45 MiB.
pub const MAX_BYTES: usize = 64 << 20;
/// Most rows of one file.
pub const MAX_ROWS: usize = 200_000;

/// What the snapshots say.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The files, for quoting.
    pub sources: Sources,
    /// Ranges, in the order of the file.
    pub prefixes: Vec<Prefix>,
    /// Devices, in the order of the file; names are unique.
    pub devices: Vec<InventoryDevice>,
    /// The files that were read, with their times.
    pub snapshots: Vec<Snapshot>,
}

impl Inventory {
    /// The device of this name.
    pub fn device(&self, name: &str) -> Option<&InventoryDevice> {
        self.devices.iter().find(|d| d.name.value == name)
    }

    /// The text that a span quotes.
    pub fn text(&self, span: Span) -> &str {
        self.sources.text(span)
    }
}

/// Where the snapshots stand, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InventoryPaths {
    /// The ranges.
    pub prefixes: Option<String>,
    /// The devices.
    pub devices: Option<String>,
    /// The interfaces of the devices.
    pub interfaces: Option<String>,
}

impl InventoryPaths {
    /// Every path that is read, with the companions that say when the snapshots were taken, in order.
    pub fn all(&self) -> Vec<String> {
        let named = [&self.prefixes, &self.devices, &self.interfaces].into_iter().flatten();
        let mut out: Vec<String> = named.flat_map(|path| [path.clone(), companion(path)]).collect();
        out.sort();
        out.dedup();
        out
    }

    /// Whether no path is named.
    pub fn is_empty(&self) -> bool {
        *self == InventoryPaths::default()
    }
}

/// A file of the tree: its path, and its bytes.
pub type FileBytes<'a> = (&'a str, &'a [u8]);

/// Reads the snapshots that `paths` name out of the files of a tree. `None` where the tree has none of them.
///
/// # Errors
/// Every mistake of every file; a file that is named and not there while another one is; a list without rows.
pub fn read_inventory(paths: &InventoryPaths, files: &[FileBytes<'_>]) -> Result<Option<Inventory>, Unreadable> {
    let problems = Problems::default();
    let mut reading = Reading { files, problems: &problems, inventory: Inventory::default() };
    let named = [&paths.prefixes, &paths.devices, &paths.interfaces];
    if named.into_iter().flatten().all(|path| reading.bytes(path).is_none()) {
        return Ok(None);
    }
    if let Some(table) = reading.table(paths.prefixes.as_deref()) {
        reading.inventory.prefixes = prefixes::read(&table, &problems);
    }
    if let Some(table) = reading.table(paths.devices.as_deref()) {
        reading.inventory.devices = devices::read(&table, &problems);
    }
    if let Some(table) = reading.table(paths.interfaces.as_deref()) {
        devices::add_interfaces(&table, &mut reading.inventory.devices, &problems);
    }
    let inventory = reading.inventory;
    problems.settle(inventory.sources.clone(), Some(inventory))
}

struct Reading<'a> {
    files: &'a [FileBytes<'a>],
    problems: &'a Problems,
    inventory: Inventory,
}

impl<'a> Reading<'a> {
    fn bytes(&self, path: &str) -> Option<&'a [u8]> {
        self.files.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes)
    }

    /// The rows of a file. None where no file is named, or it cannot be read, which is reported.
    fn table(&mut self, path: Option<&str>) -> Option<Table> {
        let path = path?;
        let Some(bytes) = self.bytes(path) else {
            let source = self.inventory.sources.add(path, "");
            let help = "commit the snapshot, or take its path out of [inventory]";
            self.problems.report(Span { source, ..Span::default() }, format!("there is no file `{path}`"), help);
            return None;
        };
        let text = std::str::from_utf8(bytes);
        let source = self.inventory.sources.add(path, text.unwrap_or_default());
        let at = Span { source, ..Span::default() };
        let Ok(text) = text else {
            self.problems.report(at, format!("`{path}` is not UTF-8"), "export it again as UTF-8");
            return None;
        };
        let before = self.problems.count();
        let table = Table::read(path, text, source, self.problems);
        if table.rows.is_empty() && self.problems.count() == before {
            let help = "an inventory that knows nothing proves nothing: export it again";
            self.problems.report(at, format!("`{path}` has no rows"), help);
        }
        let taken = self.companion(path);
        self.inventory.snapshots.push(Snapshot { path: path.to_owned(), taken, rows: table.rows.len() });
        Some(table)
    }

    fn companion(&mut self, path: &str) -> Option<snapshot::Taken> {
        let beside = companion(path);
        let bytes = self.bytes(&beside)?;
        snapshot::read(&beside, bytes, &mut self.inventory.sources, self.problems)
    }
}
