//! What must hold, counted by hand: who approved what, whether a push may start, what each device runs, where a change stands. Nothing
//! here knows of the gate's code.

use crate::config::Config;
use std::collections::{BTreeMap, BTreeSet};

/// The devices, and what stands for each where a class is staged on devices.
pub const DEVICES: [&str; 2] = ["edge1", "edge2"];

/// Everybody, with their roles. Whoever operates or schedules may hold; everybody may reject.
pub const PERSONS: [(&str, &[&str]); 5] = [
    ("alice", &["network", "operator"]),
    ("bob", &["network"]),
    ("carol", &["network", "scheduler"]),
    ("dave", &["security"]),
    ("erin", &["network", "security"]),
];

/// Where the class of every change is staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staging {
    /// Nowhere, for one approval more.
    Nowhere,
    /// On the device that stands for it.
    Device,
    /// In a namespace of the kernel.
    Namespace,
}

/// What a change asks to be judged as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Opens ports.
    Normal,
    /// Closes ports, at once.
    Emergency,
}

/// What would be done to devices: a change brings the whole protected branch along, so that it also takes back what nobody merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The device that the change is about.
    pub device: &'static str,
    pub class: Class,
    pub baseline: BTreeMap<&'static str, Config>,
    pub proposal: BTreeMap<&'static str, Config>,
    /// The ports that the change file promises to open there, or to close.
    pub promised: BTreeSet<u16>,
}

impl Content {
    /// The devices that get other bytes.
    pub fn targets(&self) -> Vec<&'static str> {
        DEVICES.into_iter().filter(|d| self.baseline[d] != self.proposal[d]).collect()
    }

    /// Every byte is there already.
    pub fn is_empty(&self) -> bool {
        self.targets().is_empty()
    }

    /// The same bytes from the same bytes, by the same file.
    pub fn is(&self, other: &Content) -> bool {
        let same = |d: &&str| self.baseline[*d] == other.baseline[*d] && self.proposal[*d] == other.proposal[*d];
        self.promised == other.promised && self.targets() == other.targets() && self.targets().iter().all(same)
    }

    fn opened(&self, device: &str) -> BTreeSet<u16> {
        self.proposal[device].ports.difference(&self.baseline[device].ports).copied().collect()
    }

    fn closed(&self, device: &str) -> BTreeSet<u16> {
        self.baseline[device].ports.difference(&self.proposal[device].ports).copied().collect()
    }

    /// What it does to packets, device by device.
    fn meaning(&self) -> Vec<(&'static str, BTreeSet<u16>, BTreeSet<u16>)> {
        self.targets().into_iter().map(|d| (d, self.opened(d), self.closed(d))).collect()
    }

    /// Whether it does exactly what its file promises.
    fn is_as_promised(&self) -> bool {
        let as_promised = |d: &str| {
            let own = if d == self.device { self.promised.clone() } else { BTreeSet::new() };
            match self.class {
                Class::Normal => self.opened(d) == own && self.closed(d).is_empty(),
                Class::Emergency => self.closed(d) == own && self.opened(d).is_empty(),
            }
        };
        DEVICES.into_iter().all(as_promised)
    }

    /// Whether nothing passes afterwards that did not before.
    fn only_closes(&self) -> bool {
        self.targets().into_iter().all(|d| self.opened(d).is_empty())
    }

    /// Whether what was vetted is part of what would be pushed, byte by byte.
    fn holds(&self, vetted: &Content) -> bool {
        let targets = vetted.targets();
        !targets.is_empty()
            && targets.iter().all(|d| self.targets().contains(d) && vetted.proposal[d] == self.proposal[d])
    }
}

/// What the author edited from the beginning of the announced range to its end, but for notes: ports added, ports taken away, promised.
type Edit = (BTreeSet<u16>, BTreeSet<u16>, BTreeSet<u16>);

/// Something on the branch of a change.
#[derive(Clone, Debug)]
pub enum Said {
    Announced {
        edit: usize,
        base: usize,
        content: Content,
    },
    /// A receipt of the device that stands for it.
    Staged(Content),
    /// A receipt of the kernel.
    Vetted(Content),
    Approved {
        role: String,
        content: Content,
        receipt: Option<usize>,
    },
    Rejected,
    Revoked(usize),
    Overrode {
        role: String,
        record: usize,
    },
    Held {
        all: bool,
    },
    Withdrew,
    Scheduled {
        now: bool,
    },
    Reissued,
    /// That there is an emergency, of exactly this.
    Declared(Content),
    Reviewed {
        role: String,
    },
}

/// Who said it, and the digest by which other records name it.
#[derive(Clone, Debug)]
pub struct Spoken {
    pub by: &'static str,
    pub digest: String,
    pub said: Said,
}

/// How far a change has come, by the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    #[default]
    Ahead,
    Applied,
    RolledBack,
}

/// How the log keeps the end of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Pushed,
    /// Pushed as an emergency that owes its review.
    Owing,
    Withdrawn,
    Rejected,
}

/// One change, about one device.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    pub device: &'static str,
    pub author: &'static str,
    pub class: Class,
    /// Every commit of its branch: what the device gets, and what the file promises. The first is where it began.
    pub edits: Vec<(Config, BTreeSet<u16>)>,
    /// The last of them that the protected branch has.
    pub merged: usize,
    /// Whether it came there as one commit of its own, so that git does not know it for merged.
    pub is_squashed: bool,
    pub said: Vec<Spoken>,
    pub progress: Progress,
    /// What the device had before its first push.
    pub before: Option<Config>,
    pub taken_back: bool,
    /// How many records there were when it was applied last.
    pub applied: Option<usize>,
    pub kept: Option<Kept>,
}

/// What the ledger, or a quorum that adopted, knows of a device, in order.
#[derive(Clone, Debug)]
pub struct Known {
    pub device: &'static str,
    /// The change; `None` for an adoption.
    pub change: Option<String>,
    pub config: Config,
    pub is_applied: bool,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct Model {
    pub staging: Staging,
    pub changes: Vec<Change>,
    /// What the protected branch holds.
    pub tip: BTreeMap<&'static str, Config>,
    pub known: Vec<Known>,
    /// What each device runs.
    pub running: BTreeMap<&'static str, Config>,
    /// What each device may run, apart from what somebody did to it by hand.
    pub allowed: BTreeMap<&'static str, BTreeSet<Config>>,
    pub frozen: bool,
    /// Persons that the policy in force has no more.
    pub gone: BTreeSet<&'static str>,
    /// Whether the protected branch holds a policy that no quorum signed.
    pub usurped: bool,
}

/// What must come of asking about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub granted: bool,
    pub must: BTreeSet<&'static str>,
    pub must_not: BTreeSet<&'static str>,
    pub states: BTreeSet<&'static str>,
}

impl Model {
    pub fn new(staging: Staging) -> Model {
        let all = |value: Config| DEVICES.iter().map(|d| (*d, value.clone())).collect::<BTreeMap<_, _>>();
        let allowed = DEVICES.iter().map(|d| (*d, BTreeSet::from([Config::default()]))).collect();
        Model {
            staging,
            changes: Vec::new(),
            tip: all(Config::default()),
            known: Vec::new(),
            running: all(Config::default()),
            allowed,
            frozen: false,
            gone: BTreeSet::new(),
            usurped: false,
        }
    }

    /// Whether a person has a role by the policy in force.
    pub fn has_role(&self, person: &str, role: &str) -> bool {
        !self.gone.contains(person) && PERSONS.iter().any(|(id, roles)| *id == person && roles.contains(&role))
    }

    /// The change that is about a device now: the last one.
    pub fn current(&self, device: &str) -> Option<usize> {
        self.changes.iter().rposition(|c| c.device == device)
    }

    /// Whether a change is over, so that another one may begin.
    pub fn is_over(&self, at: usize) -> bool {
        let change = &self.changes[at];
        change.progress != Progress::Ahead || change.kept.is_some() || Model::is_withdrawn(change)
    }

    /// What is in force on a device as the ledger and adoptions know it.
    fn known_of(&self, device: &str) -> Option<&Config> {
        self.known.iter().rev().find(|k| k.device == device).map(|k| &k.config)
    }

    /// What is in force on a device; before anybody knows, what the protected branch holds.
    pub fn in_force(&self, device: &str) -> &Config {
        self.known_of(device).unwrap_or(&self.tip[device])
    }

    fn announced(&self, change: &Change) -> Option<(usize, usize)> {
        change.said.iter().rev().find_map(|s| match s.said {
            Said::Announced { edit, base, .. } => Some((edit, base)),
            _ => None,
        })
    }

    /// What the change would do now, as it was announced last.
    pub fn content(&self, at: usize) -> Option<Content> {
        let change = &self.changes[at];
        let (edit, base) = self.announced(change)?;
        self.content_of(change, edit, base)
    }

    /// Whether the model leaves it to the gate what comes of a change: git may find a conflict, or another open change is about one of the
    /// same devices, because what nobody merged would be taken back by both.
    pub fn is_unsure(&self, at: usize) -> bool {
        let change = &self.changes[at];
        if self.announced(change).is_none() {
            let last = change.edits.len() - 1;
            return self.content_of(change, last, change.merged.min(last)).is_none();
        }
        let Some(own) = self.content(at) else { return true };
        let announced = |other: &Change| {
            other.said.iter().rev().find_map(|s| match &s.said {
                Said::Announced { content, .. } => Some(content.targets()),
                _ => None,
            })
        };
        let others = (0..self.changes.len()).filter(|o| *o != at && !self.is_over(*o));
        let shares =
            |o: usize| announced(&self.changes[o]).is_some_and(|all| all.iter().any(|d| own.targets().contains(d)));
        others.into_iter().any(shares)
    }

    /// What it would do if this edit were announced now; `None` where git finds it in conflict with the protected branch, or may.
    pub fn content_of(&self, change: &Change, edit: usize, base: usize) -> Option<Content> {
        let own = change.device;
        let tip = &self.tip[own];
        let begun = if change.is_squashed { 0 } else { change.merged };
        let (head, onto) = (&change.edits[edit].0, &change.edits[begun].0);
        let (proposal, promised) = match () {
            () if edit <= begun => (tip.clone(), change.edits[begun].1.clone()),
            () if tip == onto => (head.clone(), change.edits[edit].1.clone()),
            () if tip == head => (head.clone(), change.edits[edit].1.clone()),
            () => return None,
        };
        let baseline = match self.known_of(own) {
            Some(known) => known.clone(),
            // A merge applies nothing: before anybody knows the device, it runs what the range began with.
            None if tip == head && *tip == proposal => change.edits[base].0.clone(),
            None => tip.clone(),
        };
        let class = change.class;
        let mut content =
            Content { device: own, class, baseline: BTreeMap::new(), proposal: self.tip.clone(), promised };
        content.proposal.insert(own, proposal);
        content.baseline = DEVICES.iter().map(|d| (*d, self.in_force(d).clone())).collect();
        content.baseline.insert(own, baseline);
        Some(content)
    }

    fn edit_of(change: &Change, edit: usize, base: usize) -> Edit {
        let ((before, _), (after, promised)) = (&change.edits[base], &change.edits[edit]);
        let less = |a: &Config, b: &Config| a.ports.difference(&b.ports).copied().collect();
        (less(after, before), less(before, after), promised.clone())
    }

    /// Whether an approval is of what would be done now: the same content, or the same meaning of the same edit.
    fn is_of(change: &Change, approval: usize, approved: &Content, now: &Content) -> bool {
        if approved.is(now) {
            return true;
        }
        let announcements = || {
            change.said.iter().enumerate().rev().filter_map(|(at, s)| match &s.said {
                Said::Announced { edit, base, content } => Some((at, content, Model::edit_of(change, *edit, *base))),
                _ => None,
            })
        };
        let named = announcements().find(|(_, content, _)| content.is(approved));
        let named = named.or_else(|| announcements().find(|(at, ..)| *at < approval)).map(|(.., edit)| edit);
        let latest = announcements().next().map(|(.., edit)| edit);
        approved.meaning() == now.meaning() && named.is_some() && named == latest
    }

    /// Rejections and holds that were taken back, and by which record: each revocation takes back one, the last of the same words that
    /// stood, and a person whom the policy has no more takes back nothing.
    fn taken_back(&self, change: &Change) -> BTreeMap<usize, usize> {
        let mut out = BTreeMap::new();
        for (at, spoken) in change.said.iter().enumerate() {
            let Said::Revoked(which) = spoken.said else { continue };
            let is_stop = |stop: usize| matches!(change.said[stop].said, Said::Rejected | Said::Held { .. });
            let is_meant =
                |stop: &usize| is_stop(*stop) && change.said[*stop].by == spoken.by && is_called(change, which, *stop);
            let stood = (0..at).rev().filter(is_meant).find(|stop| !out.contains_key(stop));
            if let Some(stop) = stood.filter(|_| !self.gone.contains(spoken.by)) {
                out.insert(stop, at);
            }
        }
        out
    }

    /// Whether its signer took a record back later.
    pub fn is_revoked(change: &Change, record: usize) -> bool {
        let by = change.said[record].by;
        let later = change.said.iter().skip(record + 1);
        later
            .into_iter()
            .any(|s| s.by == by && matches!(s.said, Said::Revoked(which) if is_called(change, which, record)))
    }

    fn is_author(change: &Change, person: &str) -> bool {
        change.said.iter().any(|s| s.by == person && matches!(s.said, Said::Announced { .. }))
    }

    /// Whether an approval was neither taken back nor followed by a rejection of the same person.
    fn is_alive(change: &Change, record: usize) -> bool {
        let by = change.said[record].by;
        let rejected = change.said.iter().skip(record + 1).any(|s| s.by == by && matches!(s.said, Said::Rejected));
        !rejected && !Model::is_revoked(change, record)
    }

    /// Whether the receipt that an approval names is of the bytes that it approves.
    fn is_vetted_approval(&self, change: &Change, receipt: Option<usize>, approved: &Content, now: &Content) -> bool {
        if change.class == Class::Emergency {
            return true;
        }
        let named = receipt.map(|at| &change.said[at].said);
        let fits = |vetted: &Content| vetted.is(approved) || approved.is(now) && now.holds(vetted);
        self.staging == Staging::Nowhere || named.and_then(|said| self.proof(said)).is_some_and(fits)
    }

    /// What a receipt proves, if it is one of the kind that the policy demands.
    fn proof<'s>(&self, said: &'s Said) -> Option<&'s Content> {
        match (said, self.staging) {
            (Said::Staged(content), Staging::Device) | (Said::Vetted(content), Staging::Namespace) => Some(content),
            _ => None,
        }
    }

    fn voices(&self, change: &Change, now: &Content) -> Vec<(&'static str, String)> {
        let one = |(at, spoken): (usize, &Spoken)| {
            let Said::Approved { role, content, receipt } = &spoken.said else { return None };
            let counts = self.has_role(spoken.by, role)
                && !Model::is_author(change, spoken.by)
                && Model::is_alive(change, at)
                && Model::is_of(change, at, content, now)
                && self.is_vetted_approval(change, *receipt, content, now);
            counts.then(|| (spoken.by, role.clone()))
        };
        change.said.iter().enumerate().filter_map(one).collect()
    }

    /// One of the network, one of security; where nothing is staged, one more of either. In an emergency two of the network.
    /// Each person takes one place.
    fn is_quorum(&self, class: Class, voices: &[(&'static str, String)]) -> bool {
        if class == Class::Emergency {
            return fits(&[vec!["network"], vec!["network"]], voices, &mut BTreeSet::new());
        }
        let mut seats = vec![vec!["network"], vec!["security"]];
        seats.extend((self.staging == Staging::Nowhere).then(|| vec!["network", "security"]));
        fits(&seats, voices, &mut BTreeSet::new())
    }

    fn is_rejected(&self, change: &Change) -> bool {
        let taken_back = self.taken_back(change);
        let overriding = self.overriding(change, &taken_back);
        let is_lifted = |at: usize| overriding.get(&at).is_some_and(|voices| self.is_quorum(change.class, voices));
        let mut said = change.said.iter().enumerate();
        said.any(|(at, s)| matches!(s.said, Said::Rejected) && !taken_back.contains_key(&at) && !is_lifted(at))
    }

    /// Who spoke for lifting which rejection: of several in the same words, each time the last that stood and that they had not spoken
    /// about.
    fn overriding(
        &self,
        change: &Change,
        taken_back: &BTreeMap<usize, usize>,
    ) -> BTreeMap<usize, Vec<(&'static str, String)>> {
        let mut out: BTreeMap<usize, Vec<(&'static str, String)>> = BTreeMap::new();
        for (at, s) in change.said.iter().enumerate() {
            let Said::Overrode { role, record } = &s.said else { continue };
            if Model::is_author(change, s.by) || !self.has_role(s.by, role) {
                continue;
            }
            let is_meant = |other: &usize| {
                matches!(change.said[*other].said, Said::Rejected)
                    && is_called(change, *record, *other)
                    && taken_back.get(other).is_none_or(|later| *later > at)
            };
            let stood: Vec<usize> = (0..at).rev().filter(is_meant).collect();
            let is_new = |other: &&usize| !out.get(other).is_some_and(|all| all.iter().any(|(who, _)| *who == s.by));
            if let Some(other) = stood.iter().find(is_new).or(stood.first()).copied() {
                out.entry(other).or_default().push((s.by, role.clone()));
            }
        }
        out
    }

    fn is_held(&self, at: usize) -> bool {
        let may = ["alice", "carol"];
        let holds = |(other, change): (usize, &Change)| {
            let taken_back = self.taken_back(change);
            change.said.iter().enumerate().any(|(record, spoken)| {
                let is_here = matches!(spoken.said, Said::Held { all } if all || other == at);
                is_here && may.contains(&spoken.by) && !taken_back.contains_key(&record)
            })
        };
        self.changes.iter().enumerate().any(holds)
    }

    fn is_withdrawn(change: &Change) -> bool {
        let last = change.said.iter().rposition(|s| matches!(s.said, Said::Announced { .. }));
        let later = |at: usize| last.is_some_and(|last| at > last);
        let mut said = change.said.iter().enumerate();
        said.any(|(at, s)| matches!(s.said, Said::Withdrew) && Model::is_author(change, s.by) && later(at))
    }

    fn is_vetted(&self, change: &Change, now: &Content) -> bool {
        let proves = |device: &&str| {
            let mut proofs = change.said.iter().filter_map(|s| self.proof(&s.said));
            proofs.any(|of| (of.is(now) || now.holds(of)) && of.targets().contains(device))
        };
        !now.is_empty() && now.targets().iter().all(proves)
    }

    /// Whether it was applied after somebody had declared an emergency, and a quorum of those who did not make it has not said since then
    /// that they looked at it.
    pub fn owes_review(&self, change: &Change) -> bool {
        let is_urgent = change.said.iter().any(|s| matches!(s.said, Said::Declared(_)));
        let Some(applied) = change.applied.filter(|_| is_urgent) else { return false };
        let voice = |(at, s): (usize, &Spoken)| match &s.said {
            Said::Reviewed { role } if self.has_role(s.by, role) && !Model::is_author(change, s.by) => {
                (!Model::is_revoked(change, at)).then(|| (s.by, role.clone()))
            }
            _ => None,
        };
        let voices: Vec<_> = change.said.iter().enumerate().skip(applied).filter_map(voice).collect();
        !self.is_quorum(Class::Normal, &voices)
    }

    /// Whether every device would get what it had before, by the ledger.
    fn restores(&self, now: &Content) -> bool {
        let by_push = |k: &&Known| k.change.is_some() || !k.is_applied;
        let had = |device: &str| {
            let mut known = self.known.iter().filter(by_push);
            known.any(|k| k.device == device && k.config == now.proposal[device])
        };
        !now.is_empty() && now.targets().into_iter().all(had)
    }

    /// Whether it may not go as an emergency: nobody declared exactly this, it was used already, nobody of the network approved it, or it
    /// is none by its effect.
    fn is_no_emergency(&self, change: &Change, now: &Content) -> bool {
        let declared = change.said.iter().enumerate().rev().find_map(|(at, s)| match &s.said {
            Said::Declared(content) if !self.gone.contains(s.by) && !Model::is_revoked(change, at) => Some(content),
            _ => None,
        });
        let is_first = change.progress == Progress::Ahead && change.kept.is_none();
        let has_voice = self.voices(change, now).iter().any(|(_, role)| role == "network");
        let is_urgent = now.only_closes() || self.restores(now);
        !(declared.is_some_and(|content| content.is(now)) && is_first && has_voice && is_urgent)
    }

    fn is_too_early(change: &Change) -> bool {
        let last = change.said.iter().rev().find_map(|s| match s.said {
            Said::Scheduled { now } if s.by == "carol" => Some(now),
            _ => None,
        });
        last == Some(false)
    }

    /// Whether it has every approval that it needs.
    pub fn is_approved(&self, at: usize) -> bool {
        let change = &self.changes[at];
        self.content(at).is_some_and(|now| self.is_quorum(change.class, &self.voices(change, &now)))
    }

    /// What must come of asking about a change.
    pub fn expect(&self, at: usize) -> Expected {
        let change = &self.changes[at];
        let now = self.content(at);
        let is_empty = now.as_ref().is_none_or(Content::is_empty);
        let is_over = is_empty && (change.progress == Progress::Applied || change.kept.is_some());
        let is_approved = self.is_approved(at);
        let is_normal = change.class == Class::Normal;
        let is_vetted =
            self.staging == Staging::Nowhere || !is_normal || now.as_ref().is_some_and(|n| self.is_vetted(change, n));
        let lacks = [
            ("APPROVAL_MISSING", !is_approved),
            ("NOT_VETTED", !is_vetted && !is_empty),
            ("OUTSIDE_WINDOW", is_normal && Model::is_too_early(change)),
        ];
        let owe = |(other, change): (usize, &Change)| other != at && self.owes_review(change);
        let is_no_emergency = now.as_ref().is_some_and(|now| self.is_no_emergency(change, now));
        let stops = [
            ("REJECTED", self.is_rejected(change) || change.kept == Some(Kept::Rejected)),
            ("HELD", self.is_held(at)),
            ("WITHDRAWN", Model::is_withdrawn(change) || change.kept == Some(Kept::Withdrawn)),
            ("FROZEN", self.frozen),
            ("POLICY_UNAUTHORISED", self.usurped),
            ("EMPTY_CHANGE", is_empty),
            ("REVIEW_OVERDUE", is_normal && self.changes.iter().enumerate().any(owe)),
            ("EMERGENCY_INVALID", !is_normal && is_no_emergency),
            ("CHECK_REFUSED", now.as_ref().is_some_and(|n| !n.is_empty() && !n.is_as_promised())),
        ];
        let lacks = lacks.into_iter().map(|(code, is)| (code, is && !is_over));
        let mut rows: Vec<(&str, bool)> = lacks.chain(stops).collect();
        rows.extend(change.taken_back.then_some(("APPROVAL_STALE", true)));
        // What changes no byte is not analysed.
        rows.retain(|(code, is)| !(*is && is_empty && *code == "EMERGENCY_INVALID"));
        // Nor is what the log keeps as given up before anybody announced it.
        let is_given_up = matches!(change.kept, Some(Kept::Withdrawn | Kept::Rejected)) && now.is_none();
        rows.retain(|(code, _)| !(is_given_up && *code == "EMPTY_CHANGE"));
        let must: BTreeSet<&str> = rows.iter().filter(|(_, is)| *is).map(|(code, _)| *code).collect();
        // An approval that names no receipt has the same code as a change without one.
        let is_bare = change.said.iter().any(|s| matches!(s.said, Said::Approved { receipt: None, .. }));
        let unsure = |code: &str| {
            is_empty && ["CHECK_REFUSED", "EMERGENCY_INVALID"].contains(&code)
                || (is_empty || is_bare) && code == "NOT_VETTED"
        };
        // A window of policy is one for devices, and here there is none.
        let is_nowhere = |code: &str| is_empty && code == "OUTSIDE_WINDOW";
        let is_open = |code: &str| unsure(code) || is_nowhere(code) || is_over && code == "NOT_VETTED";
        let must_not = rows.iter().filter(|(code, is)| !*is && !is_open(code));
        let must_not = must_not.map(|(code, _)| *code).chain(NEVER).collect();
        let states = self.states(change, &must, is_approved, is_vetted, now.as_ref());
        Expected { granted: must.is_empty(), must, must_not, states }
    }

    fn states(
        &self,
        change: &Change,
        must: &BTreeSet<&str>,
        is_approved: bool,
        is_vetted: bool,
        now: Option<&Content>,
    ) -> BTreeSet<&'static str> {
        let has = |code: &str| must.contains(code);
        let is_stale = now.is_some_and(|now| {
            change.said.iter().enumerate().any(|(at, s)| match &s.said {
                Said::Approved { content, .. } => {
                    Model::is_alive(change, at) && !Model::is_of(change, at, content, now)
                }
                _ => false,
            })
        });
        let states: &[&str] = match () {
            () if self.owes_review(change) => &["REVIEW-DUE"],
            () if matches!(change.kept, Some(Kept::Withdrawn | Kept::Rejected)) => &["CLOSED"],
            () if change.progress == Progress::Applied => &["APPLIED", "CLOSED"],
            () if change.progress == Progress::RolledBack => &["ROLLED-BACK", "CLOSED"],
            () if has("WITHDRAWN") => &["WITHDRAWN"],
            () if has("REJECTED") => &["REJECTED"],
            () if has("HELD") => &["HELD"],
            // What changes no byte is not analysed, and nothing is counted for it.
            () if now.is_some_and(Content::is_empty) => &["DRAFT", "STALE"],
            () if is_approved && self.frozen => &["FROZEN"],
            () if is_approved && is_vetted => &["SCHEDULED", "APPROVED"],
            () if !is_approved && is_stale => &["STALE"],
            () if is_vetted && self.staging != Staging::Nowhere && change.class == Class::Normal => &["VETTED"],
            () => &["DRAFT", "STAGED"],
        };
        states.iter().copied().collect()
    }
}

/// What nobody in these histories does, so that the gate may never say it.
const NEVER: [&str; 12] = [
    "LEDGER_FORK",
    "HISTORY_REWRITTEN",
    "HISTORY_UNVERIFIABLE",
    "EVIDENCE_STALE",
    "EVIDENCE_UNAVAILABLE",
    "COMMIT_MALFORMED",
    "TIME_NOT_MONOTONIC",
    "RECORD_MISMATCH",
    "NOT_CONVERGED",
    "CONFLICT",
    "CHANGE_ID_CONFLICT",
    "POLICY_CHANGE_MIXED",
];

/// Whether one record is called as another one: records that say the same in the same words have one digest.
fn is_called(change: &Change, one: usize, other: usize) -> bool {
    change.said[one].digest == change.said[other].digest
}

fn fits(seats: &[Vec<&str>], voices: &[(&'static str, String)], taken: &mut BTreeSet<&'static str>) -> bool {
    let Some((seat, rest)) = seats.split_first() else { return true };
    for (person, role) in voices {
        if seat.contains(&role.as_str()) && taken.insert(person) {
            if fits(rest, voices, taken) {
                return true;
            }
            taken.remove(person);
        }
    }
    false
}
