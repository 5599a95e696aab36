//! The keys of `device.toml` that decide which files a device has and how they are read.

use super::tree::TreeProblem;
use crate::dialect::InputFile;
use serde::Deserialize;

/// What `device.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceToml {
    /// The dialect of all ruleset files.
    pub dialect: Option<String>,
    /// What the device is for; policy selects by it.
    pub role: Option<String>,
    /// Its own addresses with prefix lengths.
    pub addresses: Option<Vec<String>>,
    /// Its interfaces: a list of names, or a table from names to networks.
    pub interfaces: Option<toml::Value>,
    /// What keywords of its dialect stand for.
    pub keywords: Option<toml::Table>,
    /// `production`, `staging` or `lab`.
    pub environment: Option<String>,
    /// The roles that it is composed from: `role:NAME`.
    #[serde(default)]
    pub from: Vec<String>,
}

impl DeviceToml {
    /// The names of the roles in `from`, in order.
    ///
    /// # Errors
    /// The first entry that is not `role:NAME`.
    pub fn role_names(&self) -> Result<Vec<&str>, &str> {
        self.from.iter().map(|one| one.strip_prefix("role:").filter(|n| !n.is_empty()).ok_or(one.as_str())).collect()
    }
}

/// Reads a `device.toml`.
///
/// # Errors
/// Text that is no TOML, an unknown key, a value of another type, with the line.
pub fn read_device_toml(file: &InputFile) -> Result<DeviceToml, TreeProblem> {
    let problem = |line, message: String| TreeProblem {
        path: file.name.clone(),
        line,
        message,
        help: Some(
            "the keys are `dialect`, `role`, `addresses`, `interfaces`, `keywords`, `environment` and `from`"
                .to_owned(),
        ),
    };
    let text = std::str::from_utf8(&file.bytes).map_err(|_| problem(None, "the file is not UTF-8".to_owned()))?;
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map(|span| 1 + text.as_bytes()[..span.start.min(text.len())].iter().filter(|b| **b == b'\n').count());
        problem(line, error.message().to_owned())
    })
}
