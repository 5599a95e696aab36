//! A rule while it is being read. The registry, PowerShell and `netsh` name the same fields differently; each form
//! has a table from its names to the setters here, so that a field means the same whatever names it.

use super::keywords::{self, Keyword};
use super::rule::{Action, Direction, Profiles, Protection, Remote, Rule};
use super::values::{self, Read, Wrong, word};
use crate::packet::{Family, IfacePattern};
use std::collections::{BTreeMap, BTreeSet};

/// One end's ports: a packet with one of them matches; no port and no keyword is any port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// First and last.
    pub ranges: Vec<(u16, u16)>,
    /// Keywords.
    pub keywords: Vec<&'static str>,
}

impl Ports {
    /// Whether every port is meant.
    pub fn is_any(&self) -> bool {
        self.ranges.is_empty() && self.keywords.is_empty()
    }
}

/// One end's addresses: a packet with one of them matches. An empty structure is no condition; one that lists
/// addresses of one family only never matches the other family ([MS-FASP] 2.2.22 and 2.2.37).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// IPv4, first and last.
    pub v4: Vec<(u128, u128)>,
    /// IPv6, first and last.
    pub v6: Vec<(u128, u128)>,
    /// Keywords, each in one family.
    pub keywords: Vec<(Family, &'static str)>,
}

impl Addresses {
    /// Whether every address is meant.
    pub fn is_any(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty() && self.keywords.is_empty()
    }
}

/// Which end of the packet a condition is about, seen from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum End {
    Local,
    Remote,
}

/// What was read of one rule so far.
#[derive(Clone, Debug, Default)]
pub struct Form {
    action: Option<Action>,
    direction: Option<Direction>,
    active: bool,
    profiles: Profiles,
    protocol: Option<u8>,
    ports: [Ports; 2],
    addresses: [Addresses; 2],
    messages: Vec<(u8, Option<u8>)>,
    message_family: Option<Family>,
    interfaces: Vec<IfacePattern>,
    conditions: BTreeMap<&'static str, BTreeSet<String>>,
    platforms: Vec<String>,
    platform_or_later: bool,
    protection: Option<Protection>,
    authorized: [Option<String>; 2],
    overrides_blocks: bool,
    local_only: bool,
    crosses_edge: bool,
}

/// One setter of a table.
pub type Setter = fn(&mut Form, &str) -> Read<()>;

impl Form {
    /// Sets the action: `Allow`, `Block`, or `ByPass` (authenticated bypass).
    pub fn action(&mut self, text: &str) -> Read<()> {
        let words = [
            ("Allow", (Action::Allow, false)),
            ("Block", (Action::Block, false)),
            ("Bypass", (Action::Allow, true)),
            ("2", (Action::Allow, false)),
            ("4", (Action::Block, false)),
        ];
        let (action, bypass) = word(text, "action", &words)?;
        self.action = Some(action);
        self.overrides_blocks |= bypass;
        Ok(())
    }

    /// Sets the direction.
    pub fn direction(&mut self, text: &str) -> Read<()> {
        let (inbound, outbound) = (Direction::In, Direction::Out);
        let words = [("In", inbound), ("Out", outbound), ("Inbound", inbound), ("Outbound", outbound)];
        let words = [words.as_slice(), &[("1", inbound), ("2", outbound)]].concat();
        self.direction = Some(word(text, "direction", &words)?);
        Ok(())
    }

    /// Sets whether the rule is in force; without it, it is not ([MS-GPFAS] 2.2.2.19, `Active=`).
    pub fn active(&mut self, text: &str) -> Read<()> {
        self.active = values::boolean(text)?;
        Ok(())
    }

    /// Adds a profile.
    pub fn profile(&mut self, text: &str) -> Read<()> {
        self.profiles.add(text)
    }

    /// Sets the protocol.
    pub fn protocol(&mut self, text: &str) -> Read<()> {
        self.protocol = values::protocol(text)?;
        Ok(())
    }

    /// Adds a port, a range of ports or a keyword at one end.
    pub fn port(&mut self, end: End, text: &str) -> Read<()> {
        let ports = at(&mut self.ports, end);
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            ports.keywords.push(keywords::find(keywords::PORTS, text)?.name);
        } else {
            ports.ranges.push(values::ports(text)?);
        }
        Ok(())
    }

    /// Adds an address of one family, or of any, at one end. Only remote addresses have keywords ([MS-FASP] 2.2.37).
    pub fn address(&mut self, end: End, family: Option<Family>, text: &str) -> Read<()> {
        let is_keyword = text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.contains(':');
        if is_keyword && end == End::Local {
            return Err(Wrong::new(format!("`{text}` is no local address")).help("keywords stand for remote addresses"));
        }
        let own = at(&mut self.addresses, end);
        if is_keyword {
            let (keyword, families) = family_keyword(text, family)?;
            own.keywords.extend(families.into_iter().map(|f| (f, keyword.name)));
            return Ok(());
        }
        let (found, first, last) = values::addresses(text)?;
        if family.is_some_and(|f| f != found) {
            return Err(
                Wrong::new(format!("`{text}` is an {found} address")).help("`4` and `6` end the names of the keys")
            );
        }
        match found {
            Family::V4 => own.v4.push((first, last)),
            Family::V6 => own.v6.push((first, last)),
        }
        Ok(())
    }

    /// Adds a message of the family's ICMP, or of that of the rule's protocol.
    pub fn message(&mut self, family: Option<Family>, text: &str) -> Read<()> {
        self.messages.push(values::message(text)?);
        self.message_family = family.or(self.message_family);
        Ok(())
    }

    /// Adds an interface by name or by its GUID. A `*` at the end is every interface that begins so.
    pub fn interface(&mut self, text: &str) -> Read<()> {
        let pattern = match text.strip_suffix('*') {
            Some(prefix) => IfacePattern::prefix(prefix),
            None => IfacePattern::exact(interface_name(text)),
        };
        if pattern.name.contains(['*', '?', '[']) || text.is_empty() {
            return Err(
                Wrong::new(format!("`{text}` is no interface")).help("write its name as `Get-NetAdapter` shows it")
            );
        }
        self.interfaces.push(pattern);
        Ok(())
    }

    /// Adds a condition that no header field can express; those of one module are alternatives.
    pub fn condition(&mut self, module: &'static str, value: &str) -> Read<()> {
        if value.is_empty() || value.contains(|c: char| c.is_control()) {
            return Err(Wrong::new(format!("the {module} is empty or holds control characters")));
        }
        self.conditions.entry(module).or_default().insert(value.to_owned());
        Ok(())
    }

    /// Adds a platform on which the rule is in force ([MS-FASP] 2.2.31).
    pub fn platform(&mut self, text: &str) -> Read<()> {
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() != 3 || parts.iter().any(|p| p.parse::<u8>().is_err()) {
            return Err(Wrong::new(format!("`{text}` is no platform")).help("a platform is `platform:major:minor`"));
        }
        self.platforms.push(text.to_owned());
        Ok(())
    }

    /// The last platform, and every later one ([MS-GPFAS] 2.2.2.18).
    pub fn platform_operator(&mut self, text: &str) -> Read<()> {
        self.platform_or_later = word(text, "operator of platforms", &[("GTEQ", true)])?;
        Ok(())
    }

    /// Demands protection by IPsec; the strongest demand counts.
    pub fn protection(&mut self, protection: Protection) -> Read<()> {
        self.protection = self.protection.max(Some(protection));
        Ok(())
    }

    /// The remote machines (`machine`) or users to whom authenticated traffic must belong, as SDDL.
    pub fn authorized(&mut self, remote: Remote, text: &str) -> Read<()> {
        *match remote {
            Remote::Machine => &mut self.authorized[0],
            Remote::User => &mut self.authorized[1],
        } = Some(text.to_owned());
        Ok(())
    }

    /// Sets whether the rule is asked before block rules.
    pub fn overrides_blocks(&mut self, text: &str) -> Read<()> {
        self.overrides_blocks |= values::boolean(text)?;
        Ok(())
    }

    /// Sets whether remote addresses and ports are ignored (`FW_RULE_FLAGS_LOCAL_ONLY_MAPPED`).
    pub fn local_only(&mut self, text: &str) -> Read<()> {
        self.local_only = values::boolean(text)?;
        Ok(())
    }

    /// Sets whether traffic through a NAT traversal tunnel may match.
    pub fn crosses_edge(&mut self, text: &str) -> Read<()> {
        self.crosses_edge = values::boolean(text)?;
        Ok(())
    }

    /// The rule.
    ///
    /// # Errors
    /// What [MS-GPFAS] 2.2.2.19 and the semantic checks of [MS-FASP] 2.2.37 forbid.
    pub fn finish(mut self) -> Read<Rule> {
        let action = self.action.ok_or_else(|| Wrong::new("the rule has no action"))?;
        let direction = self.direction.ok_or_else(|| Wrong::new("the rule has no direction"))?;
        self.check_protocol()?;
        self.check_security(action)?;
        self.take_platforms();
        let [local_ports, remote_ports] = self.ports;
        let [local, remote] = self.addresses;
        let [machine, user] = self.authorized;
        Ok(Rule {
            action,
            direction,
            active: self.active,
            profiles: self.profiles,
            protocol: self.protocol,
            local_ports,
            remote_ports,
            local,
            remote,
            messages: self.messages,
            interfaces: self.interfaces,
            conditions: self.conditions,
            protection: self.protection,
            machine,
            user,
            overrides_blocks: self.overrides_blocks,
            local_only: self.local_only,
            crosses_edge: self.crosses_edge,
        })
    }

    fn check_protocol(&self) -> Read<()> {
        let has_ports = self.ports.iter().any(|p| !p.is_any());
        if has_ports && !matches!(self.protocol, Some(6 | 17)) {
            return Err(Wrong::new("ports without the protocol TCP or UDP").help("add `Protocol=6` or `Protocol=17`"));
        }
        let icmp = match self.message_family {
            Some(family) => self.protocol == Some(family.icmp()),
            None => matches!(self.protocol, Some(1 | 58)),
        };
        if !self.messages.is_empty() && !icmp {
            return Err(Wrong::new("messages without the protocol that has them").help("ICMP is 1, ICMPv6 is 58"));
        }
        Ok(())
    }

    fn check_security(&self, action: Action) -> Read<()> {
        let secure = self.protection.is_some();
        if action == Action::Block && (secure || self.overrides_blocks) {
            return Err(Wrong::new("a rule that blocks cannot demand IPsec").help("only rules that allow can"));
        }
        if self.overrides_blocks && !secure {
            return Err(Wrong::new("a rule that overrides block rules must demand authentication"));
        }
        if !secure && self.authorized.iter().any(Option::is_some) {
            return Err(Wrong::new("remote machines or users are listed, and no authentication is demanded"));
        }
        Ok(())
    }

    fn take_platforms(&mut self) {
        if let Some(last) = self.platforms.last_mut().filter(|_| self.platform_or_later) {
            last.push_str(" or later");
        }
        if !self.platforms.is_empty() {
            self.conditions.insert("platform", self.platforms.drain(..).collect());
        }
    }
}

fn at<T>(both: &mut [T; 2], end: End) -> &mut T {
    let [local, remote] = both;
    match end {
        End::Local => local,
        End::Remote => remote,
    }
}

/// A keyword for addresses and the families in which it is meant: `LocalSubnet4` is IPv4 only.
fn family_keyword(text: &str, family: Option<Family>) -> Read<(&'static Keyword, Vec<Family>)> {
    let one = |name: &str, family| Ok((keywords::find(keywords::ADDRESSES, name)?, vec![family]));
    match (family, text.strip_suffix('4'), text.strip_suffix('6')) {
        (Some(family), ..) => one(text, family),
        (None, Some(name), _) => one(name, Family::V4),
        (None, _, Some(name)) => one(name, Family::V6),
        (None, None, None) => Ok((keywords::find(keywords::ADDRESSES, text)?, Family::ALL.to_vec())),
    }
}

/// GUIDs are written in any case, names as they are.
fn interface_name(text: &str) -> String {
    if text.starts_with('{') && text.ends_with('}') { text.to_ascii_uppercase() } else { text.to_owned() }
}
