//! The kernel as judge: what really becomes of a packet under a ruleset.
//!
//! The work is done by `judge.py`, a child process that owns network namespaces without a name; this is the
//! Rust end of its pipe.

use fwgate::packet::{Family, Field, Packet, State, packet_to_json};
use fwgate::ruleset::Hook;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The texts of one ruleset.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// `iptables-save`.
    pub v4: Option<String>,
    /// `ip6tables-save`.
    pub v6: Option<String>,
    /// `ipset save`.
    pub ipset: Option<String>,
    /// `nft list ruleset`, or a script.
    pub nft: Option<String>,
}

impl Texts {
    /// The ruleset of one family.
    pub fn of(family: Family, text: String, ipset: String) -> Texts {
        let ipset = Some(ipset).filter(|t| !t.is_empty());
        match family {
            Family::V4 => Texts { v4: Some(text), ipset, ..Texts::default() },
            Family::V6 => Texts { v6: Some(text), ipset, ..Texts::default() },
        }
    }

    /// All of them, for reports.
    pub fn shown(&self) -> String {
        let mut out = String::new();
        for (name, text) in [("ipset", &self.ipset), ("v4", &self.v4), ("v6", &self.v6), ("nft", &self.nft)] {
            if let Some(text) = text {
                out.push_str(&format!("--- {name}\n{text}"));
            }
        }
        out
    }

    /// Whether something in it makes the kernel track connections, so that fragments are put together first.
    pub fn tracks(&self) -> bool {
        let words =
            ["conntrack", "state", "*nat", "CT", "NOTRACK", "connmark", "CONNMARK", "ct", "nat", "helper", "notrack"];
        let text = self.shown();
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.any(|line| line.split_whitespace().any(|word| words.contains(&word)))
    }
}

/// Which tools load the texts of iptables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// `iptables-legacy-restore`: the kernel's own tables.
    Legacy,
    /// `iptables-nft-restore`: translated to nftables.
    Nft,
}

impl Backend {
    pub fn name(self) -> &'static str {
        match self {
            Backend::Legacy => "legacy",
            Backend::Nft => "nft",
        }
    }
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    /// Dropped at this hook, or rejected without a reply (`prerouting`, `input`, `forward`, `output`,
    /// `postrouting`).
    Drop(String),
    /// Rejected, with the kind in the spelling of iptables.
    Reject(String),
    /// Never reached the hook, or was lost between two hooks: routing did not want it.
    Undelivered,
    /// A fragment that waits for the others.
    Lost,
    /// Routed to another hook than the one that is judged.
    Elsewhere,
}

impl Verdict {
    /// As hand-written cases say it.
    pub fn word(&self) -> String {
        match self {
            Verdict::Accept => "accept".into(),
            Verdict::Drop(_) => "drop".into(),
            Verdict::Reject(kind) => format!("reject:{kind}"),
            Verdict::Undelivered => "undelivered".into(),
            Verdict::Lost => "lost".into(),
            Verdict::Elsewhere => "elsewhere".into(),
        }
    }
}

/// What an accepted packet looked like at the end of its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    pub src: String,
    pub dst: String,
    pub sport: Option<u64>,
    pub dport: Option<u64>,
    pub ttl: u64,
    pub dscp: u64,
    pub ecn: u64,
}

/// One packet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Which of the packets asked about.
    pub at: usize,
    /// The packet as it really was: with the state that conntrack gave it and its real length.
    pub packet: Packet,
    /// Whether it was broken on purpose, to be INVALID.
    pub spoiled: bool,
    pub verdict: Verdict,
    pub end: Option<Final>,
}

/// A ruleset that the kernel or its tools did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub by: String,
    pub said: String,
}

/// A running judge.
pub struct Judge {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    pub backends: Vec<Backend>,
    pub kernel: String,
}

/// Why there is no judge.
pub struct Unable(pub String);

impl Judge {
    /// Starts a judge on the `slot`th processor.
    pub fn start(slot: usize) -> Result<Judge, Unable> {
        Judge::start_as(slot, false).or_else(|first| match first {
            // Without root, a user namespace of our own will do where it is allowed.
            Unable(why) if why.contains("not permitted") => Judge::start_as(slot, true)
                .map_err(|second| Unable(format!("{why}; as an ordinary user: {}", second.0))),
            other => Err(other),
        })
    }

    fn start_as(slot: usize, user: bool) -> Result<Judge, Unable> {
        let mut command = match user {
            false => Command::new("python3"),
            true => Command::new("unshare"),
        };
        if user {
            command.args(["-Urn", "python3"]);
        }
        let mut child = command
            .args(["-c", include_str!("judge.py"), &slot.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| Unable(format!("cannot run python3: {e}")))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Unable("no pipes to python3".into()));
        };
        let mut judge =
            Judge { child, stdin, stdout: BufReader::new(stdout), backends: Vec::new(), kernel: String::new() };
        let able = judge.line().map_err(Unable)?;
        if let Some(why) = able["unable"].as_str() {
            return Err(Unable(why.to_owned()));
        }
        judge.kernel = able["kernel"].as_str().unwrap_or_default().to_owned();
        for (name, backend) in [("legacy", Backend::Legacy), ("nft", Backend::Nft)] {
            if able["backends"].as_array().is_some_and(|b| b.contains(&json!(name))) {
                judge.backends.push(backend);
            }
        }
        let missing: Vec<&str> = able["missing"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let needed = ["ip", "nft", "ipset"].iter().any(|t| missing.contains(t));
        if needed || judge.backends.is_empty() {
            return Err(Unable(format!("missing: {}; back ends: {:?}", missing.join(" "), judge.backends)));
        }
        Ok(judge)
    }

    fn line(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).map_err(|e| e.to_string())?;
        serde_json::from_str(&line).map_err(|e| format!("the judge died or babbled: {e}: {line:?}"))
    }

    /// Judges packets of one family at one hook, all by the same freshly loaded ruleset.
    pub fn judge(
        &mut self,
        texts: &Texts,
        backend: Backend,
        hook: Hook,
        family: Family,
        packets: &[Packet],
    ) -> Result<Vec<Judged>, Refusal> {
        self.judge_at(texts, backend, hook, family, packets, &[])
    }

    /// The same on a device that has only these addresses; without any, every address is local on input.
    pub fn judge_at(
        &mut self,
        texts: &Texts,
        backend: Backend,
        hook: Hook,
        family: Family,
        packets: &[Packet],
        addresses: &[String],
    ) -> Result<Vec<Judged>, Refusal> {
        let tracks = texts.tracks();
        let request = json!({
            "hook": hook.name(), "family": family.number(), "backend": backend.name(), "conntrack": tracks,
            "v4": texts.v4, "v6": texts.v6, "ipset": texts.ipset, "nft": texts.nft, "addresses": addresses,
            "packets": packets.iter().map(packet_to_json).collect::<Vec<_>>(),
        });
        let reply = self.request(&request, texts)?;
        let answers = reply["packets"].as_array().expect("a list of packets");
        assert_eq!(answers.len(), packets.len(), "one answer per packet");
        Ok(packets.iter().zip(answers).enumerate().map(|(at, (packet, answer))| judged(at, packet, answer)).collect())
    }
}

/// What the tools are asked to say of a ruleset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// How nft lists it, as text and as JSON.
    Listings,
    /// The same after `nft -o` has rewritten it.
    Optimised,
    /// What iptables makes of its text in the language of nft.
    Translation,
}

impl Judge {
    /// What the tools say of a ruleset, outside of what was loaded before.
    pub fn tell(&mut self, texts: &Texts, what: Tell) -> Result<Vec<String>, Refusal> {
        let what = match what {
            Tell::Listings => "listings",
            Tell::Optimised => "optimised",
            Tell::Translation => "translation",
        };
        let request = json!({
            "tell": what, "hook": "forward", "v4": texts.v4, "v6": texts.v6, "ipset": texts.ipset, "nft": texts.nft,
        });
        let reply = self.request(&request, texts)?;
        let told = reply["told"].as_array().expect("a list of texts").iter();
        Ok(told.map(|text| text.as_str().unwrap_or_default().to_owned()).collect())
    }

    /// The answer to a request; the tools' refusal of its texts.
    fn request(&mut self, request: &Value, texts: &Texts) -> Result<Value, Refusal> {
        writeln!(self.stdin, "{request}").expect("the judge takes requests");
        self.stdin.flush().expect("the judge takes requests");
        let reply = self.line().expect("the judge answers");
        if let Some(error) = reply["error"].as_str() {
            panic!("the judge failed: {error}\n{}", texts.shown());
        }
        if let Value::Object(refused) = &reply["refused"] {
            let word = |key: &str| refused[key].as_str().unwrap_or_default().to_owned();
            return Err(Refusal { by: word("by"), said: word("said") });
        }
        Ok(reply)
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn judged(at: usize, packet: &Packet, answer: &Value) -> Judged {
    let spoiled = packet.state() == State::Invalid;
    let mut packet = packet.clone();
    if let Some(length) = answer["length"].as_u64() {
        packet.set(Field::Length, u128::from(length));
    }
    if let Some(state) = answer["state"].as_str().and_then(State::by_name) {
        // UNTRACKED may be the ruleset's own doing; what conntrack would have said is then as asked for. Only
        // IPv6 neighbour discovery is UNTRACKED by nature.
        let discovery = packet.family == Family::V6 && packet.proto() == 58;
        if state != State::Untracked || discovery {
            packet.set(Field::State, state.value());
        }
    }
    if !matches!(packet.state(), State::Established | State::Related) {
        packet.set(Field::ConnMark, 0);
    }
    let word = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    let verdict = match answer["verdict"].as_str().unwrap_or_default() {
        "accept" => Verdict::Accept,
        "drop" => Verdict::Drop(word("where")),
        "reject" => Verdict::Reject(word("with")),
        "undelivered" => Verdict::Undelivered,
        "lost" => Verdict::Lost,
        "elsewhere" => Verdict::Elsewhere,
        other => panic!("unknown verdict {other:?}"),
    };
    let end = answer["final"].as_object().map(|f| Final {
        src: f["src"].as_str().unwrap_or_default().to_owned(),
        dst: f["dst"].as_str().unwrap_or_default().to_owned(),
        sport: f.get("sport").and_then(Value::as_u64),
        dport: f.get("dport").and_then(Value::as_u64),
        ttl: f["ttl"].as_u64().unwrap_or_default(),
        dscp: f["dscp"].as_u64().unwrap_or_default(),
        ecn: f["ecn"].as_u64().unwrap_or_default(),
    });
    Judged { at, packet, spoiled, verdict, end }
}
