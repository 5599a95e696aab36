//! The real kernel as judge of routes: what `ip route get` says of a destination, fwgate must say of it, out of what `ip route`
//! and `ip rule` print.

use fwgate::dialect::InputFile;
use fwgate::packet::Family;
use fwgate::routes::{Flow, Outcome, RouteType, Routing, read_routing, route_of};
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a shell script in a fresh network namespace; `None` where there can be none and nobody insists.
fn in_namespace(script: &str) -> Option<String> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0"));
    let arguments: &[&str] = if root { &["-n", "sh"] } else { &["-rn", "sh"] };
    let started = Command::new("unshare")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let output = started.and_then(|mut child| {
        let mut input = child.stdin.take().expect("piped");
        let script = script.to_owned();
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let output = child.wait_with_output();
        let _ = writer.join();
        output
    });
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    if text.contains("READY") {
        return Some(text);
    }
    let required = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v == "1");
    assert!(!required, "no kernel to ask: no namespace with veth interfaces and iproute2");
    eprintln!("SKIPPED: no kernel to ask: no namespace with veth interfaces and iproute2");
    None
}

/// Two interfaces with addresses of both families.
const WORLD: &str = "ip link set lo up || exit 1
ip link add eth0 type veth peer name p0 || exit 1
ip link add eth1 type veth peer name p1 || exit 1
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 2>/dev/null
for i in eth0 eth1 p0 p1; do ip link set $i up; done
ip addr add 10.0.0.2/24 dev eth0; ip addr add 10.1.0.2/24 dev eth1
ip -6 addr add 2001:db8::2/64 dev eth0 nodad; ip -6 addr add 2001:db8:1::2/64 dev eth1 nodad
echo READY
";

struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }
}

fn random_prefix(dice: &mut Dice, family: Family) -> String {
    match family {
        Family::V4 => {
            let length = [8, 10, 12, 16, 20, 24, 28, 32][dice.roll(8) as usize];
            let raw = (50 << 24) | (dice.roll(4) as u32) << 20 | (dice.roll(4) as u32) << 12 | dice.roll(8) as u32;
            format!("{}/{length}", std::net::Ipv4Addr::from(raw & (u32::MAX << (32 - length))))
        }
        Family::V6 => {
            let length = [20, 32, 40, 48, 56, 64, 96, 128][dice.roll(8) as usize];
            let spread = u128::from(dice.roll(4)) << 84 | u128::from(dice.roll(4)) << 68 | u128::from(dice.roll(8));
            let raw = 0x2a00_0000 << 96 | spread;
            format!("{}/{length}", std::net::Ipv6Addr::from(raw & (u128::MAX << (128 - length))))
        }
    }
}

/// Commands that fill tables and, sometimes, rules; those that the kernel refuses do nothing.
fn commands(dice: &mut Dice) -> String {
    let mut out = String::new();
    for family in Family::ALL {
        let (ip, near, far) = match family {
            Family::V4 => ("ip", "10.0.0.", "10.1.0."),
            Family::V6 => ("ip -6", "2001:db8::", "2001:db8:1::"),
        };
        for _ in 0..20 + dice.roll(20) {
            let to = random_prefix(dice, family);
            let table = ["", "", "", " table 100", " table 200", " table local"][dice.roll(6) as usize];
            let metric = format!(" metric {}", 1 + dice.roll(3));
            let tos = if family == Family::V4 && dice.roll(8) == 0 { " tos 0x10" } else { "" };
            let what = match dice.roll(10) {
                0 => format!("blackhole {to}"),
                1 => format!("unreachable {to}"),
                2 => format!("prohibit {to}"),
                3 => format!("throw {to}"),
                4 => format!("{to} dev eth1"),
                5 => format!("local {to} dev lo"),
                6 => format!("{to}{tos} via {far}{}", 3 + dice.roll(4)),
                _ => format!("{to}{tos} via {near}{}", 3 + dice.roll(4)),
            };
            out += &format!("{ip} route add {what}{table}{metric} 2>/dev/null\n");
        }
        out += &format!("{ip} route add default via {near}1 metric 50 2>/dev/null\n");
        for _ in 0..dice.roll(2) * dice.roll(5) {
            let to = random_prefix(dice, family);
            let selector = [format!("to {to}"), "fwmark 1/1".into(), "fwmark 2/3".into(), format!("not to {to}")]
                [dice.roll(4) as usize]
                .clone();
            let action =
                ["lookup 100", "lookup 200", "lookup main suppress_prefixlength 11", "blackhole", "goto 32766"]
                    [dice.roll(5) as usize];
            out += &format!("{ip} rule add pref {} {selector} {action} 2>/dev/null\n", 10 + dice.roll(1000));
        }
    }
    out
}

/// Destinations at and beside the borders of every route.
fn destinations(routing: &Routing, dice: &mut Dice) -> Vec<Flow> {
    let mut out = Vec::new();
    for route in routing.routes.iter().filter(|r| r.to.length > 0) {
        let (first, last) = route.to.bounds();
        for to in [first, last, first.wrapping_sub(1), last.wrapping_add(1), first + (last - first) / 3] {
            // Loopback, multicast and link-local addresses are special to the kernel beside its tables.
            let plain = match route.family() {
                Family::V4 => (1 << 24..127 << 24).contains(&to) || (128 << 24..224 << 24).contains(&to),
                Family::V6 => to >> 125 == 1,
            };
            if plain {
                out.push(Flow { fwmark: dice.roll(4) as u32, ..Flow::to(route.family(), to) });
            }
        }
    }
    out
}

/// What the kernel answers, in the form in which both sides are compared.
fn kernel_says(answer: &str) -> String {
    let mut words = answer.split_whitespace();
    let first = words.next().unwrap_or_default();
    let kind = RouteType::by_name(first).map_or("unicast", RouteType::name);
    let mut all = answer.split_whitespace();
    let mut after = |word: &str| {
        let _ = all.by_ref().find(|w| *w == word)?;
        all.next().map(str::to_owned)
    };
    let via = after("via").unwrap_or_default();
    let mut all = answer.split_whitespace().skip_while(|w| *w != "dev");
    let dev = all.nth(1).unwrap_or_default();
    match kind {
        "local" | "anycast" | "broadcast" | "multicast" => "local".to_owned(),
        "unicast" if first.starts_with(|c: char| c.is_ascii_hexdigit()) => format!("unicast {via} {dev}"),
        _ => "refused".to_owned(),
    }
}

/// Every answer that fwgate holds possible.
fn fwgate_says(routing: &Routing, flow: &Flow) -> Vec<String> {
    let one = |at: &usize| {
        let route = &routing.routes[*at];
        let hop = route.hops.first();
        let via = hop.and_then(|h| h.via).map(|(family, value)| match family {
            Family::V4 => std::net::Ipv4Addr::from(value as u32).to_string(),
            Family::V6 => std::net::Ipv6Addr::from(value).to_string(),
        });
        let dev = hop.and_then(|h| h.dev.clone()).unwrap_or_default();
        match route.kind {
            RouteType::Local | RouteType::Anycast | RouteType::Broadcast | RouteType::Multicast => "local".to_owned(),
            kind if kind.discards() => "refused".to_owned(),
            _ => format!("unicast {} {dev}", via.unwrap_or_default()),
        }
    };
    match route_of(routing, flow) {
        Outcome::Found { routes, .. } => routes.iter().map(one).collect(),
        _ => vec!["refused".to_owned()],
    }
}

fn get(flow: &Flow) -> String {
    let mark = if flow.fwmark == 0 { String::new() } else { format!(" mark {}", flow.fwmark) };
    match flow.family {
        Family::V4 => format!("route get {}{mark}\n", std::net::Ipv4Addr::from(flow.to as u32)),
        Family::V6 => format!("route get {}{mark}\n", std::net::Ipv6Addr::from(flow.to)),
    }
}

/// The texts between markers.
fn part<'t>(text: &'t str, name: &str) -> &'t str {
    text.split(&format!("<<{name}\n"))
        .nth(1)
        .and_then(|rest| rest.split(&format!("\n{name}>>")).next())
        .unwrap_or_default()
}

const PRINT: &str =
    "for c in 'route show table all' 'rule' '-6 rule' '-j route show table all' '-j rule' '-j -6 rule'; do
echo \"<<$c\"; ip $c; echo; echo \"$c>>\"; done\n";

fn read(text: &str, json: bool) -> Routing {
    let names = match json {
        false => ["route show table all", "rule", "-6 rule"],
        true => ["-j route show table all", "-j rule", "-j -6 rule"],
    };
    let file = |(at, name): (usize, &&str)| InputFile {
        name: ["routes", "rule.v4", "rule.v6"][at].into(),
        bytes: part(text, name).as_bytes().into(),
    };
    let files: Vec<InputFile> = names.iter().enumerate().map(file).collect();
    read_routing(&files).unwrap_or_else(|e| panic!("{:#?}\n{text}", e.problems))
}

#[test]
fn fwgate_says_where_the_kernel_sends_packets() {
    let (mut asked, mut refused) = (0, 0);
    for seed in 1..=14u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let setup = format!("{WORLD}{}", commands(&mut dice));
        let Some(first) = in_namespace(&format!("{setup}{PRINT}")) else { return };
        let routing = read(&first, false);
        let flows = destinations(&routing, &mut dice);
        let asks: String = flows
            .iter()
            .map(|flow| {
                let ip = if flow.family == Family::V6 { "ip -6" } else { "ip" };
                format!("echo '<<'; {ip} -o {}", get(flow).trim_end().to_owned() + " 2>&1\n")
            })
            .collect();
        let second = in_namespace(&format!("{setup}{PRINT}echo ANSWERS\n{asks}")).expect("as before");
        // Interfaces have other link-layer addresses in every namespace, and so other link-local routes.
        let routing = read(&second, false);
        let answers: Vec<&str> = second.split("ANSWERS\n").nth(1).unwrap_or_default().split("<<\n").skip(1).collect();
        assert_eq!(answers.len(), flows.len(), "every question has an answer");
        for (flow, answer) in flows.iter().zip(answers) {
            let (kernel, own) = (kernel_says(answer), fwgate_says(&routing, flow));
            assert!(own.contains(&kernel), "seed {seed}: {}kernel: {answer}fwgate: {own:?}\n{setup}", get(flow));
            asked += 1;
            refused += usize::from(kernel == "refused");
        }
        let json = read(&second, true);
        let diff = fwgate::routes::diff_routing(&routing, &json).unwrap();
        assert!(diff.is_equivalent(), "seed {seed}: the JSON form says otherwise: {:#?}", diff.changes);
    }
    assert!(asked > 4000 && refused > 100, "only {asked} destinations were asked about, {refused} refused");
}

/// What the kernel prints of routes with every attribute is read, and its two forms say the same. (`rto_min` is locked in the text
/// form, which the JSON form does not say.)
#[test]
fn what_the_kernel_prints_is_read() {
    let odd = "ip route add 203.0.113.0/24 nexthop via 10.0.0.1 weight 3 nexthop via 10.1.0.1 dev eth1 onlink
ip route add 203.0.114.0/24 via inet6 fe80::1 dev eth0
ip route add 203.0.115.7 dev eth0 scope link table 200 mtu 1300 initcwnd 10 features ecn quickack 1
ip route add 203.0.116.0/24 via 172.16.0.1 dev eth0 onlink realm 3/4
ip nexthop add id 10 via 10.0.0.7 dev eth0; ip nexthop add id 11 via 10.1.0.7 dev eth1
ip nexthop add id 20 group 10,5/11,7; ip nexthop add id 30 blackhole
ip route add 100.64.0.0/10 nhid 10; ip route add 100.65.0.0/16 nhid 20; ip route add 100.66.0.0/16 nhid 30
ip -6 route add 2001:db8:5::/48 nexthop via 2001:db8::1 weight 2 nexthop via 2001:db8:1::1
ip -6 route add 2001:db8:a::/48 from 2001:db8:b::/64 via 2001:db8::1
ip -6 route add 2001:db8:d::/48 via 2001:db8::1 pref high expires 300 hoplimit 7
ip rule add from 10.20.0.0/16 to 192.0.2.7 fwmark 0x1/0xff iif eth0 tos 0x10 lookup 200
ip rule add not from 10.0.0.0/8 ipproto tcp dport 80-90 sport 1000 lookup 200
ip rule add pref 5006 uidrange 1000-2000 lookup 200 realms 5
ip rule add pref 5007 fwmark 7 goto 32766
ip rule add pref 5008 l3mdev
ip -6 rule add from 2001:db8:20::/48 lookup main pref 100
";
    let Some(text) = in_namespace(&format!("{WORLD}{odd}{PRINT}")) else { return };
    let routing = read(&text, false);
    assert!(routing.routes.len() > 30);
    let diff = fwgate::routes::diff_routing(&routing, &read(&text, true)).unwrap();
    assert!(diff.is_equivalent(), "the JSON form says otherwise: {:#?}", diff.changes);
}

/// `local` and `main` are one trie until the host gets its first rule of its own.
#[test]
fn local_and_main_are_one_until_the_first_rule() {
    let tables = "ip route add local 172.31.0.0/16 dev lo\nip route add 172.31.5.0/24 via 10.0.0.1\n";
    let ask = "echo ANSWERS\nip -o route get 172.31.5.5\n";
    for (rule, expected) in [("", "unicast 10.0.0.1 eth0"), ("ip rule add pref 50 from 1.2.3.4 lookup main\n", "local")]
    {
        let Some(text) = in_namespace(&format!("{WORLD}{tables}{rule}{PRINT}{ask}")) else { return };
        let answer = text.split("ANSWERS\n").nth(1).unwrap_or_default();
        assert_eq!(kernel_says(answer), expected, "{answer}");
        let flow = Flow::to(Family::V4, 0xac1f_0505);
        assert_eq!(fwgate_says(&read(&text, false), &flow), [expected]);
    }
}
