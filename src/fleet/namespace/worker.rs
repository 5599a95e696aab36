//! The process inside of the namespace.

use super::lan::{self, Lan};
use super::load::{JobFile, Loader};
use super::routes::{Routed, load_apart};
use super::send::{Caught, await_mark};
use super::talk::{Demand, Header, Outcome, Talk, Way};
use super::wire::{Part, build};
use super::{Answer, Job, Vetted};
use crate::fleet::transport::shown;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, Write};
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a packet that should arrive is waited for.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long one that should not.
const SUSPICION: Duration = Duration::from_millis(25);

/// Reads a job from `input`, does it in the namespace of this process, and returns the answer as one line. When `input`
/// closes before the end, this process ends at once.
///
/// # Errors
/// The job cannot be read.
pub fn work(mut input: impl BufRead + Send + 'static) -> Result<String, serde_json::Error> {
    let mut line = String::new();
    // An unreadable line is no job, which the parser says.
    let _ = input.read_line(&mut line);
    let job: Job = serde_json::from_str(&line)?;
    std::thread::spawn(move || {
        let _ = input.read(&mut [0]);
        std::process::exit(2);
    });
    serde_json::to_string(&answer(&job))
}

fn answer(job: &Job) -> Answer {
    let routes = match job.routes.as_ref().map(load_apart).transpose() {
        Ok(Some(Routed::Refused { place, said })) => {
            return Answer::Refused { file: place, by: "ip".to_owned(), said };
        }
        Ok(Some(Routed::Done(files))) => files,
        Ok(None) => Vec::new(),
        Err(why) => return Answer::Unable(why),
    };
    let mut vetting = match lan::build(job) {
        Ok(lan) => Vetting { job, lan, marks: 0 },
        Err(why) => return Answer::Unable(why),
    };
    match vetting.all() {
        Ok(Answer::Done(vetted)) => Answer::Done(Vetted { routes, ..vetted }),
        Ok(answer) => answer,
        Err(why) => Answer::Unable(why),
    }
}

struct Vetting<'j> {
    job: &'j Job,
    lan: Lan,
    marks: u32,
}

impl Vetting<'_> {
    fn all(&mut self) -> Result<Answer, String> {
        let open: Vec<bool> = self.every(Vetting::is_open)?;
        if let Err(refused) = self.load_all() {
            return Ok(refused);
        }
        let readback = self.readback()?;
        let judged = self.every(Vetting::judge)?;
        let outcomes = judged.into_iter().zip(open);
        let outcomes = outcomes.map(|(o, open)| if open { o } else { Outcome::NotSendable }).collect();
        Ok(Answer::Done(Vetted { readback, routes: Vec::new(), outcomes, on: self.versions() }))
    }

    /// Loads everything; or who refused what.
    fn load_all(&self) -> Result<(), Answer> {
        let refused = |file: &JobFile, (by, said)| Answer::Refused { file: file.name.clone(), by, said };
        for file in &self.job.files {
            load(file, file.loader.load()).map_err(|why| refused(file, why))?;
        }
        let Some(back) = &self.job.back else { return Ok(()) };
        if back.is_whole {
            drop_everything(&self.job.loaders()).map_err(Answer::Unable)?;
        }
        for file in &back.files {
            let call = if back.is_whole { file.loader.load() } else { file.loader.replace() };
            load(file, call).map_err(|why| refused(file, why))?;
        }
        Ok(())
    }

    /// Does something with every talk, in order, with routes and addresses as its way needs them.
    fn every<T>(&mut self, mut each: impl FnMut(&mut Self, &Talk) -> Result<T, String>) -> Result<Vec<T>, String> {
        let talks = &self.job.talks;
        let mut out: Vec<Option<T>> = talks.iter().map(|_| None).collect();
        let mut ways: Vec<&Way> = Vec::new();
        for talk in talks {
            if !ways.contains(&&talk.way) {
                ways.push(&talk.way);
            }
        }
        for way in ways {
            let own = self.own_addresses(way);
            self.lan.own("add", &own)?;
            // The device's own routes join what they join.
            let joined = matches!(way, Way::Forward(..)) && self.job.routes.is_none();
            if let (Way::Forward(one, other), true) = (way, joined) {
                self.lan.join(one, other)?;
            }
            for (talk, slot) in talks.iter().zip(&mut out).filter(|(t, _)| t.way == *way) {
                *slot = Some(each(self, talk)?);
            }
            if joined {
                self.lan.part()?;
            }
            self.lan.own("del", &own)?;
        }
        Ok(out.into_iter().flatten().collect())
    }

    /// Addresses that must be the device's own for this way, and are not yet.
    fn own_addresses(&self, way: &Way) -> Vec<IpAddr> {
        let of_way = self.job.talks.iter().filter(|t| t.way == *way);
        let local: BTreeSet<IpAddr> = match way {
            Way::Input(_) => of_way.map(|t| t.first.dst).collect(),
            Way::Output(_) => of_way.map(|t| t.first.src).collect(),
            Way::Forward(..) => return Vec::new(),
        };
        local.into_iter().filter(|a| !self.job.addresses.contains(a)).collect()
    }

    /// Marks are far enough apart that the one after a SYN is nobody else's.
    fn mark(&mut self) -> u32 {
        self.marks += 16;
        0x6677_0000 + self.marks
    }

    /// Whether a talk can be had where nothing filters. Routes can lead its answer elsewhere, so that all of it is tried there.
    fn is_open(&mut self, talk: &Talk) -> Result<bool, String> {
        if self.job.routes.is_some() && talk.demand == Demand::Pass {
            return Ok(self.judge(talk)? == Outcome::AsDemanded);
        }
        let mark = self.mark();
        Ok(self.there(talk, &talk.first, Part::First, mark, PATIENCE)?.is_some())
    }

    fn judge(&mut self, talk: &Talk) -> Result<Outcome, String> {
        let mark = self.mark();
        let wait = if talk.demand == Demand::Pass { PATIENCE } else { SUSPICION };
        let first = self.there(talk, &talk.first, Part::First, mark, wait)?;
        match (talk.demand, first) {
            (Demand::Blocked, Some(_)) => Ok(Outcome::Against(name(talk, Part::First))),
            (Demand::Blocked, None) => Ok(Outcome::AsDemanded),
            (Demand::Pass, None) => Ok(Outcome::Against(name(talk, Part::First))),
            (Demand::Pass, Some(first)) if talk.has_reply => self.rest(talk, &first.header, mark),
            (Demand::Pass, Some(_)) => Ok(Outcome::AsDemanded),
        }
    }

    /// The answer, from where the first packet came out, and what follows it.
    fn rest(&mut self, talk: &Talk, arrived: &Header, first: u32) -> Result<Outcome, String> {
        let part = Part::Answer { first, icmp: talk.icmp_reply.unwrap_or_default() };
        let answer = self.mark();
        if self.back(talk, &arrived.reversed(), part, answer)?.is_none() {
            return Ok(Outcome::Against(name(talk, part)));
        }
        let is_query = matches!(talk.first.proto, 6 | 17);
        let (next, part) = (first.wrapping_add(1), Part::Next { answer });
        if is_query && self.there(talk, &talk.first, part, next, PATIENCE)?.is_none() {
            return Ok(Outcome::Against(name(talk, part)));
        }
        Ok(Outcome::AsDemanded)
    }

    /// Sends a packet in the direction of the first one.
    fn there(
        &mut self,
        talk: &Talk,
        header: &Header,
        part: Part,
        mark: u32,
        wait: Duration,
    ) -> Result<Option<Caught>, String> {
        match &talk.way {
            Way::Input(by) => self.push_in(by, header, part, mark, wait),
            Way::Output(by) => self.send_out(by, header, part, mark, wait),
            Way::Forward(from, to) => self.through(from, to, header, part, mark, wait),
        }
    }

    /// Sends a packet in the other direction.
    fn back(&mut self, talk: &Talk, header: &Header, part: Part, mark: u32) -> Result<Option<Caught>, String> {
        match &talk.way {
            Way::Input(by) => self.send_out(by, header, part, mark, PATIENCE),
            Way::Output(by) => self.push_in(by, header, part, mark, PATIENCE),
            Way::Forward(from, to) => self.through(to, from, header, part, mark, PATIENCE),
        }
    }

    fn number(&self, interface: &str) -> usize {
        self.lan.numbers.get(interface).copied().unwrap_or_default()
    }

    fn push_in(
        &mut self,
        by: &str,
        header: &Header,
        part: Part,
        mark: u32,
        wait: Duration,
    ) -> Result<Option<Caught>, String> {
        self.lan.inside.listen(header).map_err(|e| format!("raw sockets: {e}"))?;
        let number = self.number(by);
        let Some(packet) = build(header, part, mark) else { return Ok(None) };
        if by == "lo" {
            let _ = self.lan.inside.send(by, header, &packet);
        } else if self.lan.outside.send(number, header, &packet).is_err() {
            return Ok(None);
        }
        Ok(await_mark(mark, wait, || self.lan.inside.arrived(header)))
    }

    fn send_out(
        &mut self,
        by: &str,
        header: &Header,
        part: Part,
        mark: u32,
        wait: Duration,
    ) -> Result<Option<Caught>, String> {
        let Some(packet) = build(header, part, mark) else { return Ok(None) };
        // A packet that the output chains drop is a send that is not permitted.
        let _ = self.lan.inside.send(by, header, &packet);
        let number = self.number(by);
        Ok(await_mark(mark, wait, || self.out_by(number)))
    }

    fn through(
        &mut self,
        from: &str,
        to: &str,
        header: &Header,
        part: Part,
        mark: u32,
        wait: Duration,
    ) -> Result<Option<Caught>, String> {
        let Some(packet) = build(header, part, mark) else { return Ok(None) };
        if self.lan.outside.send(self.number(from), header, &packet).is_err() {
            return Ok(None);
        }
        let number = self.number(to);
        Ok(await_mark(mark, wait, || self.out_by(number)))
    }

    fn out_by(&self, number: usize) -> Vec<Caught> {
        self.lan.outside.caught().into_iter().filter(|c| c.number == Some(number)).collect()
    }

    /// What the kernel says that it holds, of every kind that was loaded.
    fn readback(&self) -> Result<Vec<(Loader, String)>, String> {
        self.job.loaders().into_iter().map(|loader| print(loader).map(|text| (loader, text))).collect()
    }

    fn versions(&self) -> String {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let mut words = vec![format!("linux {}", kernel.trim())];
        let ip = self.job.routes.as_ref().map(|_| ("ip", "-V"));
        let loaders = self.job.loaders().into_iter().map(|l| (l.load().0, "--version"));
        for (program, option) in loaders.chain(ip) {
            if let Ok(done) = Command::new(program).arg(option).stdin(Stdio::null()).output() {
                words.push(shown(&done.stdout));
            }
        }
        words.join(", ")
    }
}

fn name(talk: &Talk, part: Part) -> String {
    let words = match (talk.first.proto, part) {
        (6, Part::First) => "SYN",
        (6, Part::Answer { .. }) => "SYN+ACK",
        (6, Part::Next { .. }) => "data",
        (1 | 58, Part::First) => "request",
        (_, Part::First) => "first packet",
        (_, Part::Answer { .. }) => "reply",
        (_, Part::Next { .. }) => "datagram",
    };
    words.to_owned()
}

/// Empties what these tools fill; rules go before the sets that they use.
fn drop_everything(loaders: &BTreeSet<Loader>) -> Result<(), String> {
    let failed = |program: &str, why: &str| format!("`{program}` could not empty the namespace: {why}");
    for loader in loaders.iter().rev() {
        let (program, arguments, input) = match loader {
            Loader::Nft => ("nft", vec!["flush", "ruleset"], String::new()),
            Loader::Ipset => ("ipset", vec!["destroy"], String::new()),
            Loader::Iptables | Loader::Ip6tables => (loader.replace().0, Vec::new(), emptied(&print(*loader)?)),
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| failed(program, &e.kind().to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        let done = child.wait_with_output().map_err(|e| failed(program, &e.kind().to_string()))?;
        if !done.status.success() {
            return Err(failed(program, &shown(&done.stderr)));
        }
    }
    Ok(())
}

/// A dump without rules, own chains and closed policies.
fn emptied(dump: &str) -> String {
    let keeps =
        |line: &&str| line.starts_with('*') || *line == "COMMIT" || (line.starts_with(':') && !line.contains(" - "));
    let open = |line: &str| match line.split(' ').next().filter(|_| line.starts_with(':')) {
        Some(chain) => format!("{chain} ACCEPT [0:0]\n"),
        None => format!("{line}\n"),
    };
    dump.lines().filter(keeps).map(open).collect()
}

/// Loads one file by this call; who refused it and with which words otherwise.
fn load(file: &JobFile, (program, arguments): (&str, &[&str])) -> Result<(), (String, String)> {
    let refused = |said: String| (program.to_owned(), said);
    let input = File::open(&file.path).map_err(|e| refused(e.kind().to_string()))?;
    let done = Command::new(program).args(arguments).stdin(Stdio::from(input)).output();
    let done = done.map_err(|e| refused(format!("it cannot be started: {}", e.kind())))?;
    let said = if done.stderr.is_empty() { &done.stdout } else { &done.stderr };
    if done.status.success() { Ok(()) } else { Err(refused(shown(said))) }
}

fn print(loader: Loader) -> Result<String, String> {
    let (program, arguments) = loader.print();
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let done = done.map_err(|e| format!("`{program}` cannot be started: {}", e.kind()))?;
    if !done.status.success() {
        return Err(format!("`{program}` failed: {}", shown(&done.stderr)));
    }
    String::from_utf8(done.stdout).map_err(|_| format!("`{program}` printed no UTF-8"))
}
