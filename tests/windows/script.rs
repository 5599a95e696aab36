//! `contrib/Export-FirewallRules.ps1`: that it asks every cmdlet and writes every property that the reader needs, and,
//! where PowerShell is installed, that what it writes is read.

use crate::{assert_equal, read};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn script() -> PathBuf {
    root().join("contrib/Export-FirewallRules.ps1")
}

const CMDLETS: [&str; 9] = [
    "Get-NetFirewallRule",
    "Get-NetFirewallPortFilter",
    "Get-NetFirewallAddressFilter",
    "Get-NetFirewallApplicationFilter",
    "Get-NetFirewallServiceFilter",
    "Get-NetFirewallInterfaceFilter",
    "Get-NetFirewallInterfaceTypeFilter",
    "Get-NetFirewallSecurityFilter",
    "Get-NetFirewallProfile",
];

/// The code of the script, without its help and comments.
fn code() -> String {
    let text = std::fs::read_to_string(script()).unwrap();
    let (_, code) = text.split_once("#>").expect("the script opens with its help");
    code.lines().filter(|l| !l.trim_start().starts_with('#')).map(|l| format!("{l}\n")).collect()
}

/// The keys of hash tables: `Name = Get-Text ...`.
fn keys(code: &str) -> Vec<&str> {
    let key = |line: &'_ str| line.trim_start().split_once(" =").map(|(key, _)| key.trim_end().len());
    code.lines()
        .filter_map(|l| Some(&l.trim_start()[..key(l)?]))
        .filter(|k| k.bytes().all(|b| b.is_ascii_alphanumeric()))
        .collect()
}

#[test]
fn the_script_asks_every_cmdlet_and_changes_nothing() {
    let code = code();
    for cmdlet in CMDLETS {
        assert!(code.contains(&format!("{cmdlet} @Source")), "{cmdlet} is not asked");
    }
    for word in ["Set-Net", "New-Net", "Remove-Net", "Enable-", "Disable-", "Invoke-Expression", "netsh"] {
        assert!(!code.contains(word), "{word}");
    }
    for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
        assert_eq!(code.matches(open).count(), code.matches(close).count(), "{open}{close}");
    }
}

/// The reader knows what the script writes, and the script writes what the reader needs: the support table names both.
#[test]
fn the_script_writes_properties_that_are_read() {
    let code = code();
    let written = keys(&code);
    let table = fwgate::dialect::windows::support_table();
    let about = [
        "schema",
        "computer",
        "policyStore",
        "profiles",
        "rules",
        "InstanceID",
        "Name",
        "DisplayName",
        "Group",
        "PolicyStoreSourceType",
    ];
    let unknown: Vec<&&str> =
        written.iter().filter(|k| !about.contains(k) && !table.contains(&format!("| `{k}` |"))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for name in [
        "Enabled",
        "Direction",
        "Action",
        "Profile",
        "Protocol",
        "LocalPort",
        "RemotePort",
        "IcmpType",
        "RemoteAddress",
        "Program",
        "Service",
        "InterfaceAlias",
        "InterfaceType",
        "Authentication",
        "Encryption",
        "OverrideBlockRules",
        "DefaultInboundAction",
        "AllowInboundRules",
    ] {
        assert!(written.contains(&name), "{name} is not written");
    }
}

/// Runs the script against simulated cmdlets; `FWGATE_PWSH` names PowerShell where it is not `pwsh`.
#[test]
fn what_the_script_writes_is_read() {
    let shell = std::env::var_os("FWGATE_PWSH").unwrap_or_else(|| "pwsh".into());
    let simulated = root().join("tests/windows/simulated.ps1");
    let run = Command::new(&shell)
        .args(["-NoProfile", "-NonInteractive", "-File"])
        .arg(simulated)
        .arg("-Script")
        .arg(script())
        .output();
    let output = match run {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: no PowerShell ({error})");
            return;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = read(&[("firewall.json", &output.stdout)]);
    let key =
        r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules";
    let export = format!(
        "Windows Registry Editor Version 5.00\n[{key}]\n\
         \"https\"=\"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=443|LPort=8443|RA4=10.1.0.0/16|\"\n\
         \"mail\"=\"v2.31|Action=Block|Active=TRUE|Dir=Out|Protocol=6|Profile=Domain|Profile=Private|RPort=25|\"\n"
    );
    assert_equal("script", &written, &read(&[("firewall.reg", export.as_bytes())]));
}
