//! Which services can be required: those whose conversation is known.

use super::icmp::{Exchange, exchange, query_of};
use super::names::Names;
use super::service::Service;
use crate::document::{Problems, Spanned};
use crate::packet::State;

/// Reports services of a requirement for which no conversation can be said.
pub(super) fn check_services(entries: &[Spanned<String>], names: &Names, problems: &Problems) {
    let silent = Problems::default();
    for entry in entries {
        for service in names.service_list(std::slice::from_ref(entry), &silent) {
            if let Some((message, help)) = objection(&service) {
                problems.report(entry.span, message, help);
            }
        }
    }
}

fn objection(service: &Service) -> Option<(String, String)> {
    let Service::Icmp { family, message } = service else { return None };
    let text = service.text();
    let protocol = text.split('/').next().unwrap_or_default();
    let Some((kind, _)) = message else {
        let help = format!("name what is needed, such as `{protocol}/echo-request`");
        return Some((format!("a requirement cannot ask for all of `{text}`"), help));
    };
    if let Some(query) = query_of(*family, *kind) {
        let help = format!("require `{protocol}/{query}`, which demands the reply as well");
        return Some((format!("`{text}` is the reply to another message"), help));
    }
    let impossible = exchange(*family, *kind) == Exchange::OneWay(State::Invalid);
    impossible.then(|| {
        let help = "conntrack calls such messages invalid, so no stateful filter lets them pass";
        (format!("`{text}` is not part of any conversation"), help.to_owned())
    })
}
