//! `fwgate bundle list`: every spare of the policy, what it carries, and whether that is the latest stable configuration.

use super::create::counted;
use super::record::{RECORD, RECORD_SIGNATURE};
use super::sealed::{Maker, maker};
use super::stock::{Held, Stock, composed, stock, tree_files};
use super::{Format, SourceArguments, shown};
use crate::cli::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::gate::DeviceFiles;
use crate::cli::ledger::listed;
use crate::cli::screen::Screen;
use crate::dialect::ReadOptions;
use crate::diff::Bounds;
use crate::finding::{Finding, PORT_NOT_MAPPED, SPARE_WITHOUT_BUNDLE, STALE_BUNDLE, Severity};
use crate::fleet::bundle::{Manifest, PortMap, map_device, read_manifest};
use crate::fleet::tree::TreeFile;
use crate::fleet::{Readback, compare_readback};
use crate::policy::Spare;
use crate::report::{WrittenFinding, finding_human, json_text};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The arguments of `fwgate bundle list`.
#[derive(Debug, Args)]
#[command(after_help = "Records stand under `spares/` of the protected branch; `fwgate bundle record` writes them.\n\
                        Exit codes: 0 every spare is ready, 1 some is not, 2 no verdict.\n\nExample:\n  fwgate bundle list --root root.toml")]
pub struct Arguments {
    /// Where configurations come from
    #[command(flatten)]
    pub source: SourceArguments,
    /// A folder of records instead of that of the protected branch
    #[arg(long, value_name = "DIR")]
    pub records: Option<PathBuf>,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Lists the spares.
///
/// # Errors
/// No repository, a tree or policy that cannot be read.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let gathered = stock(&arguments.source)?.and_then(|stock| Ok((stock.records()?, stock)));
    let (records, stock) = match gathered {
        Ok((records, stock)) => (records, stock),
        Err(reasons) => {
            arguments.format.tell_unanswered(&listed(&reasons), screen)?;
            return Ok(NO_VERDICT);
        }
    };
    let records = match &arguments.records {
        Some(folder) => on_disk(folder, &stock.policy.spares),
        None => records,
    };
    let mut rows = Vec::new();
    for spare in &stock.policy.spares {
        rows.push(row(&stock, spare, &records)?);
    }
    let is_ready = rows.iter().all(|row| !row.findings.iter().any(|f| f.severity >= Severity::Error));
    let text = match arguments.format {
        Format::Json => json_text(&Document::of(&stock, &rows))?,
        Format::Human => human(&stock, &rows, screen),
    };
    screen.answer(&text)?;
    Ok(if is_ready { PASSED } else { REFUSED })
}

/// The records of a folder; what is not there has none.
fn on_disk(folder: &Path, spares: &[Spare]) -> Vec<TreeFile> {
    let names = spares.iter().flat_map(|s| [(&s.name.value, RECORD), (&s.name.value, RECORD_SIGNATURE)]);
    let read = |(name, file): (&String, &str)| {
        let bytes = super::sealed::bounded(&folder.join(name).join(file), 16 << 20).ok()?;
        Some(TreeFile { path: format!("spares/{name}/{file}"), bytes: bytes.into() })
    };
    names.filter_map(read).collect()
}

/// Whether a spare is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    /// It carries the latest stable configuration of everything that it stands in for.
    Current,
    /// It does not.
    Stale,
    /// Nothing says what it carries.
    None,
}

struct Row<'s> {
    spare: &'s Spare,
    status: Status,
    carries: Option<String>,
    devices: Vec<DeviceRow>,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct DeviceRow {
    device: String,
    /// What the spare carries.
    carried: Option<String>,
    /// What is stable.
    stable: Option<String>,
    /// The change that brought that.
    change: Option<String>,
    is_proved: bool,
}

fn row<'s>(stock: &Stock, spare: &'s Spare, records: &[TreeFile]) -> Result<Row<'s>, Failure> {
    let name = &spare.name.value;
    let mut out = Row { spare, status: Status::None, carries: None, devices: Vec::new(), findings: Vec::new() };
    let covered = stock.covered(&spare.stands_in);
    let missing = |message: String, help: String| {
        Finding::without_place(&SPARE_WITHOUT_BUNDLE, message)
            .weighing(stock.policy.severity_of(&SPARE_WITHOUT_BUNDLE))
            .helped_by(help)
    };
    if covered.is_empty() {
        let message =
            format!("the spare `{name}` stands in for `{}`, and there is no such device", spare.stands_in.text());
        out.findings.push(missing(message, "correct its `device` or `role` in the policy".to_owned()));
        return Ok(out);
    }
    let record = recorded(stock, name, records);
    let make =
        format!("fwgate bundle create --spare {name} --out {name}.tar; load it, then fwgate bundle record {name}.tar");
    let manifest = match record {
        Ok(Some((manifest, made))) => {
            out.carries = Some(made);
            Some(manifest)
        }
        Ok(None) => {
            out.findings.push(missing(format!("nothing says that the spare `{name}` carries a bundle"), make.clone()));
            None
        }
        Err(why) => {
            out.findings.push(missing(format!("the record of the spare `{name}` does not count: {why}"), make.clone()));
            None
        }
    };
    out.status = if manifest.is_some() { Status::Current } else { Status::None };
    for device in covered {
        match stock.held(&device) {
            Err(reasons) => {
                let why = reasons.into_iter().next().map_or_else(String::new, |r| r.message);
                let help = "mend that first: without it nobody can tell what the spare should carry".to_owned();
                out.findings.push(missing(format!("the stable configuration of `{device}` is unknown: {why}"), help));
            }
            Ok(held) => {
                out.findings.extend(unmapped(spare, &held)?);
                out.device(stock, &held, manifest.as_ref(), &make);
            }
        }
    }
    Ok(out)
}

impl Row<'_> {
    fn device(&mut self, stock: &Stock, held: &Held, manifest: Option<&Manifest>, make: &str) {
        let name = &held.entry.device;
        let carried = manifest.and_then(|m| m.devices.iter().find(|d| d.device == *name));
        self.devices.push(DeviceRow {
            device: name.clone(),
            carried: carried.map(|c| c.bytes.clone()),
            stable: Some(held.entry.bytes.clone()),
            change: held.entry.change.clone(),
            is_proved: held.entry.origin.is_stable(),
        });
        let (Some(manifest), spare) = (manifest, self.spare) else { return };
        let ports = manifest.spare.as_ref().map(|s| &s.ports);
        let stale = |message: String| {
            Finding::without_place(&STALE_BUNDLE, message)
                .on_device(name)
                .weighing(stock.policy.severity_of(&STALE_BUNDLE))
                .helped_by(make.to_owned())
        };
        let found = match carried {
            None => Some(stale(format!("the spare `{}` carries nothing for `{name}`", spare.name.value))),
            Some(_) if ports.is_some_and(|p| *p != spare.ports) => Some(stale(format!(
                "the ports of the spare `{}` are others than when its bundle was made",
                spare.name.value
            ))),
            Some(carried) if carried.bytes != held.entry.bytes => {
                let of = carried.change.as_ref().map(|c| format!(" of {c}")).unwrap_or_default();
                let by = held.entry.change.as_ref().map_or("another one".to_owned(), |c| format!("that of {c}"));
                let message = format!(
                    "the spare `{}` carries the configuration{of} of `{name}`, and the latest stable one is {by}",
                    spare.name.value
                );
                Some(with_effect(stock, held, carried, stale(message)))
            }
            Some(_) => None,
        };
        if let Some(finding) = found {
            if finding.severity > Severity::Note {
                self.status = Status::Stale;
            }
            self.findings.push(finding);
        }
    }
}

/// The same finding with one packet that the spare would judge otherwise; a note where there is none.
fn with_effect(stock: &Stock, held: &Held, carried: &crate::fleet::bundle::BundledDevice, found: Finding) -> Finding {
    let old = carried.commit.as_deref().and_then(|commit| stock.held_at(&carried.device, commit, &carried.bytes));
    let files = |bytes: &crate::gate::DeviceBytes| DeviceFiles::of(bytes, stock.inventory.as_ref()).ok();
    let sides = old.and_then(|old| Some((files(&old)?, files(&held.bytes)?)));
    let Some((old, new)) = sides else { return found };
    let compared = compare_readback(&Readback {
        device: &carried.device,
        roles: &carried.roles,
        expected: &new.files,
        seen: &old.files,
        options: &ReadOptions { dialect: None, ..new.options() },
        unmanaged: &[],
        bounds: Bounds::default(),
    });
    match compared {
        Ok(converged) if converged.is_equal() => {
            let message = format!("{}, which means the same", found.message);
            Finding { message, ..found }.weighing(Severity::Note)
        }
        Ok(converged) => match converged.differences.into_iter().next() {
            Some(first) => {
                let found = found.in_filter(first.hook, first.family, "");
                match first.witness {
                    Some(packet) => found.shown_by(packet),
                    None => found,
                }
            }
            None => found,
        },
        Err(_) => found,
    }
}

/// Ports of the device for which the spare has no name.
fn unmapped(spare: &Spare, held: &Held) -> Result<Vec<Finding>, Failure> {
    let apart = composed(&held.entry.device, &tree_files(&held.bytes));
    let apart = apart.map_err(|r| Failure::new(r.message).help(r.fix))?;
    let finding = |message: String| Finding::without_place(&PORT_NOT_MAPPED, message).on_device(&held.entry.device);
    Ok(match map_device(&apart, &PortMap::new(&spare.ports), Bounds::default()) {
        Ok(_) => Vec::new(),
        Err(error) => vec![
            finding(format!("a bundle for `{}` cannot be made: {error}", spare.name.value))
                .helped_by(format!("fwgate bundle create --spare {} --out {0}.tar says more", spare.name.value)),
        ],
    })
}

/// What a spare carries by its record, with who made it.
fn recorded(stock: &Stock, name: &str, records: &[TreeFile]) -> Result<Option<(Manifest, String)>, String> {
    let find = |file: &str| records.iter().find(|f| f.path == format!("spares/{name}/{file}"));
    let Some(record) = find(RECORD) else { return Ok(None) };
    let manifest = read_manifest(&record.bytes).map_err(|e| e.to_string())?;
    if manifest.spare.as_ref().is_some_and(|s| s.name != *name) {
        return Err("it is of another spare".to_owned());
    }
    let signature = find(RECORD_SIGNATURE).map(|f| String::from_utf8_lossy(&f.bytes).into_owned());
    let text = String::from_utf8_lossy(&record.bytes);
    match maker(stock, &text, signature.as_deref()) {
        Maker::Doubtful(why) => Err(why),
        made => Ok(Some((manifest, made.words()))),
    }
}

/// The document `fwgate.spares/1`.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    spares: Vec<WrittenSpare<'a>>,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
struct WrittenSpare<'a> {
    name: &'a str,
    stands_in: String,
    site: Option<&'a str>,
    ports: &'a BTreeMap<String, String>,
    status: Status,
    carries: Option<&'a str>,
    devices: &'a [DeviceRow],
    findings: Vec<WrittenFinding>,
}

impl<'a> Document<'a> {
    fn of(stock: &'a Stock, rows: &'a [Row<'a>]) -> Document<'a> {
        let spare = |row: &'a Row<'a>| WrittenSpare {
            name: &row.spare.name.value,
            stands_in: row.spare.stands_in.text(),
            site: row.spare.site.as_deref(),
            ports: &row.spare.ports,
            status: row.status,
            carries: row.carries.as_deref(),
            devices: &row.devices,
            findings: WrittenFinding::all(&row.findings),
        };
        Document { schema: "fwgate.spares/1", spares: rows.iter().map(spare).collect(), notes: &stock.notes }
    }
}

fn human(stock: &Stock, rows: &[Row<'_>], screen: &Screen) -> String {
    let not_ready = rows.iter().filter(|r| r.status != Status::Current).count();
    let mut out = match (rows.len(), not_ready) {
        (0, _) => "the policy has no spare\n".to_owned(),
        (all, 0) => format!("{}, all of them ready\n", counted(all, "spare")),
        (all, some) => format!("{}, {some} not ready\n", counted(all, "spare")),
    };
    for row in rows {
        let (sign, word) = match row.status {
            Status::Current => ('=', "carries the latest stable configuration"),
            Status::Stale => ('!', "carries an out-of-date bundle"),
            Status::None => ('!', "carries nothing that is known"),
        };
        let site = row.spare.site.as_ref().map(|s| format!(", {s}")).unwrap_or_default();
        out += &format!("{sign} {} (for {}{site}): {word}\n", row.spare.name.value, row.spare.stands_in.text());
        out += &row.carries.as_ref().map(|made| format!("    {made}\n")).unwrap_or_default();
    }
    stock.notes.iter().for_each(|note| out += &format!("~ {note}\n"));
    let findings = rows.iter().flat_map(|row| &row.findings);
    shown(&out) + &findings.map(|f| format!("\n{}", finding_human(f, screen.colour))).collect::<String>()
}
