//! Where the firewall keeps what: the keys of its stores, below whatever hive and control set they lie.

use crate::dialect::windows::policy::Store;

/// What values under a key are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Settings of the whole machine.
    Global(Store),
    /// Firewall rules.
    Rules(Store),
    /// Settings of profiles.
    Profile(Store, ProfileKey),
    /// Logging of a profile.
    Logging,
    /// Whether a profile's older lists of exceptions count local entries.
    Exceptions(Store, ProfileKey, Exceptions),
    /// Rules that only restrict services and app containers.
    Hardening,
    /// IPsec: it protects traffic, and decides about none.
    Ipsec,
    /// What the machine would be reset to.
    Defaults,
    /// The number of the control set in use.
    Select,
    /// Under a firewall key, and none of these.
    Unknown,
    /// No key of the firewall.
    Foreign,
}

/// The key of a profile. The standard profile is that of a time with two profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ProfileKey {
    Domain,
    Standard,
    Private,
    Public,
}

/// A list of exceptions of older versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Exceptions {
    Programs,
    Ports,
}

const GROUP: &str = "\\policies\\microsoft\\windowsfirewall";
const LOCAL: &str = "\\services\\sharedaccess\\parameters\\firewallpolicy";
const DEFAULTS: &str = "\\services\\sharedaccess\\defaults\\firewallpolicy";

/// What values under `key` are, and the control set in which it lies.
///
/// Keys are those of [MS-GPFAS] 2.2; the local store has the same below the service's parameters. What
/// `netsh advfirewall export` writes has them at the root of its hive.
pub fn place(key: &str) -> (Place, Option<String>) {
    let key = key.trim_end_matches('\\').to_ascii_lowercase();
    if key.ends_with("\\system\\select") {
        return (Place::Select, None);
    }
    if key.starts_with("hkey_current_user") || key.starts_with("hkey_users") {
        return (Place::Foreign, None);
    }
    for (base, store) in [(GROUP, Some(Store::Group)), (LOCAL, Some(Store::Local)), (DEFAULTS, None)] {
        if let Some((above, below)) = cut(&key, base) {
            let place = store.map_or(Place::Defaults, |store| below_store(store, below));
            return (place, above.rsplit('\\').next().filter(|set| set.contains("controlset")).map(str::to_owned));
        }
    }
    (at_root(&key), None)
}

/// The key above and below a base that ends at a whole component.
fn cut<'k>(key: &'k str, base: &str) -> Option<(&'k str, &'k str)> {
    let at = key.find(base)?;
    let (above, below) = (key.get(..at)?, key.get(at + base.len()..)?);
    (below.is_empty() || below.starts_with('\\')).then(|| (above, below.trim_start_matches('\\')))
}

/// Keys of an exported policy: `HKEY_LOCAL_MACHINE\NAME\FirewallRules`, one level below a hive's root.
fn at_root(key: &str) -> Place {
    let mut parts = key.splitn(3, '\\');
    let below = match (parts.next(), parts.next(), parts.next()) {
        (Some("hkey_local_machine"), Some(_), Some(below)) => below,
        _ => return Place::Foreign,
    };
    match below_store(Store::Local, below) {
        place @ (Place::Rules(_) | Place::Profile(..) | Place::Logging) => place,
        _ => Place::Foreign,
    }
}

fn below_store(store: Store, below: &str) -> Place {
    let parts: Vec<&str> = below.split('\\').filter(|p| !p.is_empty()).collect();
    match parts.as_slice() {
        [] => Place::Global(store),
        ["firewallrules"] => Place::Rules(store),
        ["restrictedservices" | "appiso", ..] => Place::Hardening,
        [one, ..] if ["phase1", "phase2", "consec", "mainmode"].iter().any(|p| one.starts_with(p)) => Place::Ipsec,
        [profile, rest @ ..] => profile_key(profile).map_or(Place::Unknown, |profile| match rest {
            [] => Place::Profile(store, profile),
            ["logging"] => Place::Logging,
            ["authorizedapplications"] => Place::Exceptions(store, profile, Exceptions::Programs),
            ["globallyopenports"] => Place::Exceptions(store, profile, Exceptions::Ports),
            _ => Place::Unknown,
        }),
    }
}

fn profile_key(name: &str) -> Option<ProfileKey> {
    match name {
        "domainprofile" => Some(ProfileKey::Domain),
        "standardprofile" => Some(ProfileKey::Standard),
        "privateprofile" => Some(ProfileKey::Private),
        "publicprofile" => Some(ProfileKey::Public),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_below_any_hive_and_control_set() {
        let local = r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\SharedAccess\Parameters\FirewallPolicy";
        let of = |below: &str| place(&format!("{local}{below}"));
        assert_eq!(of(""), (Place::Global(Store::Local), Some("controlset001".into())));
        assert_eq!(of(r"\FirewallRules").0, Place::Rules(Store::Local));
        assert_eq!(of(r"\StandardProfile").0, Place::Profile(Store::Local, ProfileKey::Standard));
        assert_eq!(of(r"\RestrictedServices\Static\System").0, Place::Hardening);
        assert_eq!(of(r"\PublicProfile\GloballyOpenPorts\List").0, Place::Unknown);
        assert_eq!(place(r"SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules").0, Place::Rules(Store::Group));
        assert_eq!(place(r"SOFTWARE\Policies\Microsoft\WindowsFirewallX").0, Place::Foreign);
        assert_eq!(place(r"HKEY_LOCAL_MACHINE\wfw\FirewallRules").0, Place::Rules(Store::Local));
        assert_eq!(place(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\FirewallRules").0, Place::Foreign);
    }
}
