//! The device's interfaces in the namespace, and their other ends in a second one.

use super::Job;
use super::routed::RouteJob;
use super::routes::bring_about;
use super::send::{Inside, Outside};
use nix::sched::{CloneFlags, unshare};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// The gateway behind every interface, and the one in front of every other end: nobody has these addresses
/// (RFC 2544; RFC 4291, 2.5.6), and permanent neighbours stand for them.
const FAR: [&str; 2] = ["198.18.0.2", "fe80::2"];
/// Addresses that masquerading finds where the device has none.
const OWN: [&str; 2] = ["198.18.255.254/32", "fd00:6677::1/128"];
/// The traffic class by which routing knows our own IPv6 packets from the kernel's replies.
pub(super) const OURS: u32 = 0x88;
/// The type of service by which rules know our own IPv4 packets where the device's routes decide; the packets themselves have none.
pub(super) const OURS_V4: u32 = 0x10;
/// By how much the device's rules stand further behind where flows are sent.
const SHIFT: u32 = 100;
/// Most interfaces.
const MAX_INTERFACES: usize = 250;

/// Both namespaces.
pub(super) struct Lan {
    /// By interface: its number.
    pub numbers: BTreeMap<String, usize>,
    /// Sockets in the device's namespace.
    pub inside: Inside,
    /// Sockets in the other one.
    pub outside: Outside,
    /// The thread that lives in the other one ends when this is dropped.
    _orders: Sender<String>,
}

/// Makes the interfaces.
///
/// # Errors
/// In one sentence: what is missing or not permitted.
pub(super) fn build(job: &Job) -> Result<Lan, String> {
    let routed = job.routes.iter().flat_map(|routes| &routes.interfaces);
    let names: BTreeSet<String> = job.interfaces.iter().chain(routed).cloned().collect();
    if names.len() > MAX_INTERFACES {
        return Err(format!("the device has {} interfaces; {MAX_INTERFACES} are the most", names.len()));
    }
    settings()?;
    let (orders, place, done) = far_side()?;
    let numbers: BTreeMap<String, usize> = names.into_iter().zip(1..).collect();
    ip(&near_links(&numbers, &place, job.routes.is_some()))?;
    let _ = orders.send(far_links(&numbers));
    let outside = done.recv().map_err(|_| "the second namespace died".to_owned())??;
    await_up(|name| name != "lo" && numbers.contains_key(name))?;
    match &job.routes {
        Some(routes) => routed_ways(routes)?,
        None => {
            one_way_each(&numbers)?;
            let own: Vec<String> = job.addresses.iter().map(|a| address_line("add", a)).collect();
            ip(&own.concat())?;
            await_local(&job.addresses)?;
        }
    }
    let inside = Inside::new(&numbers, job.routes.is_some()).map_err(|e| format!("raw sockets: {e}"))?;
    Ok(Lan { numbers, inside, outside, _orders: orders })
}

/// Every interface is the way to everywhere for what is to go out by it.
fn one_way_each(numbers: &BTreeMap<String, usize>) -> Result<(), String> {
    ip(&near_routes(numbers))?;
    ["-4", "-6"].iter().try_for_each(|family| ip_family(family, &near_rules(numbers, family)))
}

/// The device's own routes decide; what the kernel says by itself goes nowhere.
fn routed_ways(routes: &RouteJob) -> Result<(), String> {
    if let Some((place, said)) = bring_about(routes, Some(SHIFT))? {
        return Err(format!("`{place}` was taken before and is not any more: {said}"));
    }
    for (family, ours) in [("-4", OURS_V4), ("-6", OURS)] {
        let rules = format!(
            "rule add pref {0} nop\nrule add pref 40 iif lo dsfield {ours:#x} goto {0}\nrule add pref 60 iif lo blackhole\n",
            SHIFT - 1
        );
        ip_family(family, &rules)?;
    }
    Ok(())
}

/// Forwarding, no filter on source addresses, no duplicate detection, no talk of the kernel's own.
fn settings() -> Result<(), String> {
    let needed = [
        ("ipv4/ip_forward", "1"),
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
        ("ipv4/conf/all/accept_local", "1"),
        ("ipv4/conf/all/send_redirects", "0"),
        ("ipv4/conf/default/send_redirects", "0"),
    ];
    for (name, value) in needed {
        let path = format!("/proc/sys/net/{name}");
        fs::write(&path, value).map_err(|e| format!("`{path}` cannot be set: {}", lower(&e)))?;
    }
    let wanted = [
        ("ipv6/conf/all/forwarding", "1"),
        ("ipv6/conf/default/forwarding", "1"),
        ("ipv6/conf/default/accept_dad", "0"),
        ("ipv6/conf/default/addr_gen_mode", "1"),
        ("ipv6/icmp/echo_ignore_all", "1"),
    ];
    for (name, value) in wanted {
        // A kernel without IPv6 has none of these, and no IPv6 to send either.
        let _ = fs::write(format!("/proc/sys/net/{name}"), value);
    }
    Ok(())
}

pub(super) fn lower(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "not permitted".to_owned(),
        kind => kind.to_string(),
    }
}

type FarSide = (Sender<String>, String, Receiver<Result<Outside, String>>);

/// A thread in a namespace of its own: it sets up the other ends, opens sockets there, hands them over, and stays.
fn far_side() -> Result<FarSide, String> {
    let (orders, order) = channel::<String>();
    let (tell_place, place) = channel();
    let (tell, done) = channel();
    thread::spawn(move || {
        let entered = unshare(CloneFlags::CLONE_NEWNET).map_err(|e| format!("a second namespace: {}", e.desc()));
        let place = entered.and_then(|()| fs::read_link("/proc/thread-self").map_err(|e| e.to_string()));
        let is_there = place.is_ok();
        let _ = tell_place.send(place.map(|p| format!("/proc/{}/ns/net", p.display())));
        if !is_there {
            return;
        }
        let Ok(links) = order.recv() else { return };
        let is_up = || await_up(|name| name.starts_with("fwgfar"));
        let made = far_settings().and_then(|()| ip(&links)).and_then(|()| is_up());
        let made = made.and_then(|()| Outside::new().map_err(|e| e.to_string()));
        let _ = tell.send(made);
        let _ = order.recv();
    });
    let place = place.recv().map_err(|_| "the second namespace died".to_owned())??;
    Ok((orders, place, done))
}

fn far_settings() -> Result<(), String> {
    let _ = fs::write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
    let _ = fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
    fs::write("/proc/sys/net/ipv4/conf/default/rp_filter", "0").map_err(|e| lower(&e))
}

fn near_mac(number: usize) -> String {
    format!("02:66:77:00:01:{number:02x}")
}

fn far_mac(number: usize) -> String {
    format!("02:66:77:00:02:{number:02x}")
}

/// The number of the device's interface that sent a frame, by its source address.
pub(super) fn number_of(mac: &[u8]) -> Option<usize> {
    match mac {
        [2, 0x66, 0x77, 0, 1, number] => Some(usize::from(*number)),
        _ => None,
    }
}

fn near_links(numbers: &BTreeMap<String, usize>, place: &str, is_routed: bool) -> String {
    let mut out = "link set lo up\n".to_owned();
    for (name, n) in numbers.iter().filter(|(name, _)| *name != "lo") {
        out += &format!(
            "link add {name} address {} type veth peer name fwgfar{n} address {}\n",
            near_mac(*n),
            far_mac(*n)
        );
        out += &format!("link set fwgfar{n} netns {place}\n");
    }
    // Without ARP and neighbour discovery every address is at the other end (`arp_constructor`, `ndisc_constructor`).
    let quiet = if is_routed { " arp off" } else { "" };
    for name in numbers.keys().filter(|name| *name != "lo") {
        out += &format!("link set {name}{quiet} up\n");
    }
    for own in OWN {
        out += &format!("addr add {own} dev lo\n");
    }
    out
}

fn far_links(numbers: &BTreeMap<String, usize>) -> String {
    let mut out = "link set lo up\n".to_owned();
    for n in numbers.iter().filter(|(name, _)| *name != "lo").map(|(_, n)| n) {
        out += &format!("link set fwgfar{n} up\n");
        for far in FAR {
            out += &format!("neigh replace {far} lladdr {} dev fwgfar{n} nud permanent\n", near_mac(*n));
            out += &format!("route add default via {far} dev fwgfar{n} onlink metric {n}\n");
        }
    }
    out
}

/// A table for each interface, in which it is the way to everywhere.
fn near_routes(numbers: &BTreeMap<String, usize>) -> String {
    let mut out = String::new();
    for (name, n) in numbers.iter().filter(|(name, _)| *name != "lo") {
        for far in FAR {
            out += &format!("neigh replace {far} lladdr {} dev {name} nud permanent\n", far_mac(*n));
            out += &format!("route add default via {far} dev {name} onlink table {}\n", 1000 + n);
        }
    }
    out
}

/// Our own packets leave by the interface to which their socket is bound; what the kernel says by itself stays here.
fn near_rules(numbers: &BTreeMap<String, usize>, family: &str) -> String {
    let mut out = String::new();
    let ours = if family == "-6" { format!(" dsfield {OURS:#x}") } else { String::new() };
    for (name, n) in numbers.iter().filter(|(name, _)| *name != "lo") {
        out += &format!("rule add pref 50 oif {name}{ours} lookup {}\n", 1000 + n);
    }
    out + "rule add pref 60 iif lo blackhole\n"
}

impl Lan {
    /// Lets what comes in by one interface go out by the other, both ways.
    pub fn join(&self, one: &str, other: &str) -> Result<(), String> {
        let number = |name: &str| self.numbers.get(name).copied().unwrap_or_default() + 1000;
        for family in ["-4", "-6"] {
            let mut lines = format!("rule add pref 100 iif {one} lookup {}\n", number(other));
            lines += &format!("rule add pref 101 iif {other} lookup {}\n", number(one));
            ip_family(family, &lines)?;
        }
        Ok(())
    }

    /// Takes that back.
    pub fn part(&self) -> Result<(), String> {
        ["-4", "-6"].iter().try_for_each(|family| ip_family(family, "rule del pref 100\nrule del pref 101\n"))
    }

    /// Makes these addresses the device's own, or takes them away again.
    pub fn own(&self, verb: &str, addresses: &[IpAddr]) -> Result<(), String> {
        let lines: Vec<String> = addresses.iter().map(|a| address_line(verb, a)).collect();
        ip(&lines.concat())?;
        if verb == "add" { await_local(addresses) } else { Ok(()) }
    }
}

/// Waits until links carry: before its carrier is known everywhere (`linkwatch_do_dev`), an interface drops what is sent by it, which
/// would look blocked, and IPv6 has not set up what it sets up by itself.
pub(super) fn await_up(is_ours: impl Fn(&str) -> bool) -> Result<(), String> {
    for _ in 0..800 {
        let shown = Command::new("ip").args(["-o", "link", "show"]).stdin(Stdio::null()).output();
        let shown = shown.map_err(|e| format!("`ip` cannot be started: {}", e.kind()))?;
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        // `2: eth0@if5: <...> mtu 1500 qdisc noqueue state UP ...`
        let name =
            |line: &str| line.split(": ").nth(1).and_then(|n| n.split('@').next()).unwrap_or_default().to_owned();
        if text.lines().filter(|line| is_ours(&name(line))).all(|line| line.contains(" state UP ")) {
            return Ok(());
        }
        thread::sleep(std::time::Duration::from_millis(5));
    }
    Err("an interface does not come up".to_owned())
}

/// The kernel makes an IPv6 address local some time after it was added (`net/ipv6/addrconf.c`, `addrconf_dad_work`); what is
/// sent before is lost, and would look blocked.
pub(super) fn await_local(addresses: &[IpAddr]) -> Result<(), String> {
    let wanted: Vec<String> = addresses.iter().filter(|a| a.is_ipv6()).map(|a| format!("local {a} ")).collect();
    for _ in 0..400 {
        let shown =
            Command::new("ip").args(["-6", "-o", "route", "show", "table", "local"]).stdin(Stdio::null()).output();
        let shown = shown.map_err(|e| format!("`ip` cannot be started: {}", e.kind()))?;
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        if wanted.iter().all(|w| text.contains(w.as_str())) {
            return Ok(());
        }
        thread::sleep(std::time::Duration::from_millis(5));
    }
    Err("an address of the device does not become local".to_owned())
}

pub(super) fn address_line(verb: &str, address: &IpAddr) -> String {
    let length = if address.is_ipv4() { 32 } else { 128 };
    format!("addr {verb} {address}/{length} dev lo\n")
}

pub(super) fn ip(lines: &str) -> Result<(), String> {
    ip_family("", lines)
}

/// Runs commands of `ip`, all of them or up to the first that fails.
pub(super) fn ip_family(family: &str, lines: &str) -> Result<(), String> {
    let mut command = Command::new("ip");
    command.args(Some(family).filter(|f| !f.is_empty())).args(["-batch", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("`ip` cannot be started: {}", e.kind()))?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(lines.as_bytes());
    }
    let done = child.wait_with_output().map_err(|e| e.to_string())?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!("`ip` failed: {}", crate::fleet::transport::shown(&done.stderr).to_lowercase())),
    }
}
