//! The shipped packs: policies for common needs that `include = ["pack:NAME"]` brings in.

/// A shipped policy file.
#[derive(Debug)]
pub struct Pack {
    /// Its name, without `pack:`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! packs {
    ($($name:literal),* $(,)?) => {
        &[$(Pack { name: $name, text: include_str!(concat!("../../policies/", $name, ".toml")) }),*]
    };
}

const PACKS: &[Pack] = packs![
    "active-directory",
    "active-directory-controller",
    "active-directory-member",
    "active-directory-programs",
    "active-directory-services",
    "active-directory-transit",
    "dns",
    "dns-client",
    "dns-server",
    "icmp-health",
    "management-access",
    "management-ssh",
    "management-windows",
    "no-clear-text-management",
    "ntp-and-time",
    "ntp-server",
    "rfc1918-and-bogons",
    "usual-assumptions",
    "web",
];

/// All shipped packs, by name.
pub fn packs() -> &'static [Pack] {
    PACKS
}
