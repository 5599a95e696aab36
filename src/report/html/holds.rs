//! What must hold: each requirement and prohibition of the policy, with how it stands.

use super::{Evidence, prose, scrolling};
use crate::finding::Finding;
use crate::policy::FlowRule;
use crate::report::markup::escaped;
use std::collections::BTreeMap;

/// Most rows.
const MOST: usize = 300;

/// The table, what does not hold first; nothing where the policy demands nothing.
pub(super) fn holds(evidence: &Evidence<'_>) -> String {
    let Some(policy) = evidence.policy else { return String::new() };
    let mut about: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &evidence.report.findings {
        if let Some(id) = &finding.requirement {
            about.entry(id).or_default().push(finding);
        }
    }
    let rules = policy.requirements.iter().map(|r| (r, "must pass"));
    let rules = rules.chain(policy.prohibitions.iter().map(|r| (r, "must not pass")));
    let mut rows: Vec<(&FlowRule, &str, &'static str)> =
        rules.map(|(rule, demand)| (rule, demand, standing(about.get(rule.id.as_str())))).collect();
    rows.sort_by_key(|(_, _, standing)| (*standing == HOLDS, *standing == REMARK));
    let shown: String = rows.iter().take(MOST).map(|(rule, demand, standing)| row(rule, demand, standing)).collect();
    if shown.is_empty() {
        return shown;
    }
    let more = rows.len().saturating_sub(MOST);
    let more = if more > 0 { format!("<p class=\"more\">and {more} more</p>\n") } else { String::new() };
    let head = "<thead><tr><th scope=\"col\">demand</th><th scope=\"col\">stands</th><th scope=\"col\">why</th>\
                <th scope=\"col\">owner</th></tr></thead>";
    scrolling("What must hold", &format!("<table class=\"holds\">{head}<tbody>{shown}</tbody></table>")) + &more
}

const HOLDS: &str = "holds";
const REMARK: &str = "holds, with a remark";

/// How a rule stands, by the gravest finding about it.
fn standing(findings: Option<&Vec<&Finding>>) -> &'static str {
    let worst = findings.into_iter().flatten().min_by_key(|f| (std::cmp::Reverse(f.severity), f.code.id));
    match worst.map(|f| f.code.id) {
        None => HOLDS,
        Some("FW101") => "lost",
        Some("FW102") => "missing",
        Some("FW103") => "depends",
        Some("FW104") => "broken",
        Some("FW106") => "unmatched",
        Some(_) => REMARK,
    }
}

fn row(rule: &FlowRule, demand: &str, standing: &str) -> String {
    let (class, sign) = match standing {
        HOLDS => ("held", "\u{2713}"),
        REMARK => ("remark", "!"),
        _ => ("open", "\u{2715}"),
    };
    let owner = rule.owner.as_deref().unwrap_or("none named");
    format!(
        "<tr class=\"{class}\"><th scope=\"row\"><code>{}</code> <small>{demand}</small></th>\
         <td><span class=\"stand\"><span aria-hidden=\"true\">{sign}</span> {standing}</span></td><td>{}</td><td>{}</td></tr>",
        escaped(&rule.id),
        prose(&rule.reason),
        escaped(owner)
    )
}
