//! Checks a requirement against two versions of a ruleset: `cargo run --example require`.

use fwgate::api::{Judge, NoVerdict, Side};

const POLICY: &str = include_str!("firewall-repo/fwgate.toml");
const RULES: &str = include_str!("firewall-repo/devices/edge1/rules.v4");
const SETS: &str = include_str!("firewall-repo/devices/edge1/ipset");
const WEB: &str = include_str!("firewall-repo/devices/web1/ruleset.nft");

fn main() -> Result<(), NoVerdict> {
    let without_dns = RULES.replace("-p udp -m udp --dport 53 -j ACCEPT", "-p udp -m udp --dport 53 -j DROP");
    let web = |side: Side| side.with_device("web1", &[("ruleset.nft", WEB)]);
    let baseline = web(Side::new().with_device("edge1", &[("rules.v4", RULES), ("ipset", SETS)])?)?;
    let proposed = web(Side::new().with_device("edge1", &[("rules.v4", &without_dns), ("ipset", SETS)])?)?;
    let verdict = Judge::of_policy(POLICY)?.judge(&baseline, &proposed, 1_780_000_000)?;
    println!("{}", if verdict.passed() { "passed" } else { "refused" });
    for finding in &verdict.findings {
        println!("{}[{}]: {}", finding.severity, finding.code, finding.message);
    }
    Ok(())
}
