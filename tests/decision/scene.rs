//! A change that may go, by the policy of the specification: every test takes something away or adds something to it.

use fwgate::check::CheckReport;
use fwgate::gate::*;
use fwgate::policy::*;
use fwgate::vcs::PolicyVersion;

pub const GATE: &str = include_str!("../../fixtures/policy/fwgate.toml");
pub const ID: &str = "CHG-2042";

pub fn at(text: &str) -> Instant {
    Instant::read(text).unwrap_or_else(|| panic!("{text}"))
}

pub fn policy(text: &str) -> Policy {
    read_policy(&PolicyFiles::single("fwgate.toml", text)).unwrap_or_else(|e| panic!("{:?}", e.problems))
}

pub fn version(commit: &str, text: &str) -> PolicyVersion {
    let files = vec![("fwgate.toml".to_owned(), text.as_bytes().to_vec())];
    PolicyVersion { commit: commit.into(), files, irregular: Vec::new() }
}

pub fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub fn root_of(text: &str) -> Root {
    let read = policy(text);
    let signer = |p: &Person| signature::read_public_key(&p.keys[0].text.value).unwrap().fingerprint().to_owned();
    Root {
        repository: "example/firewalls".into(),
        remote: "ssh://git@example.net/firewalls".into(),
        protected: "refs/heads/main".into(),
        policy: policy_digest(&version("c1", text)),
        signers: read.persons.iter().map(signer).collect(),
    }
}

/// Everything that a case borrows.
pub struct Scene {
    pub chain: Chain,
    pub now: Instant,
    pub request: Option<ChangeRequest>,
    pub testimony: Testimony,
    pub analysis: Option<Analysis>,
    pub pending: Option<Pending>,
    pub targets: Vec<TargetDevice>,
    pub paths: Vec<String>,
    pub contributors: Vec<String>,
    pub holds: Vec<Believed<Hold>>,
    pub ids: Vec<String>,
    pub neighbours: Vec<Neighbour>,
    pub progress: Progress,
    pub taken_back: Option<Instant>,
    pub restores: bool,
    pub unconverged: Vec<Unconverged>,
    pub debts: Vec<Debt>,
    pub obstacles: Vec<Reason>,
}

pub fn request(text: &str) -> ChangeRequest {
    let text = format!("id = \"{ID}\"\ntitle = \"t\"\nreason = \"r\"\ndevices = [\"edge1\"]\n{text}");
    read_change("changes/CHG-2042.toml", &text, &Names::default()).unwrap_or_else(|e| panic!("{:?}", e.problems))
}

impl Scene {
    /// A change by alice, vetted, approved by bob, carol and dave, in its window.
    pub fn good() -> Scene {
        Scene::of(GATE)
    }

    pub fn of(text: &str) -> Scene {
        let root = root_of(text).to_string();
        let chain = judge_chain(Some(root.as_bytes()), &[version("c1", text)], &|_: &Policy| Vec::new(), None);
        let mut scene = Scene::bare(chain);
        scene.announce("alice");
        scene.vet();
        for (person, role) in [("bob", "network"), ("carol", "network"), ("dave", "security")] {
            scene.approve(person, role);
        }
        scene
    }

    fn bare(chain: Chain) -> Scene {
        Scene {
            chain,
            now: at("2026-12-02T03:30:00Z"),
            request: Some(request("class = \"normal\"")),
            testimony: Testimony { change: ID.into(), ..Testimony::default() },
            analysis: Some(analysis()),
            pending: None,
            targets: vec![TargetDevice {
                device: "edge1".into(),
                roles: vec!["border".into()],
                environment: Environment::Production,
            }],
            paths: vec!["devices/edge1/rules.v4".into(), "changes/CHG-2042.toml".into()],
            contributors: Vec::new(),
            holds: Vec::new(),
            ids: vec![ID.into()],
            neighbours: Vec::new(),
            progress: Progress::None,
            taken_back: None,
            restores: false,
            unconverged: Vec::new(),
            debts: Vec::new(),
            obstacles: Vec::new(),
        }
    }

    pub fn decide(&self) -> Decision {
        decide(&Dossier {
            id: ID,
            now: self.now,
            chain: &self.chain,
            obstacles: &self.obstacles,
            request: self.request.as_ref(),
            testimony: &self.testimony,
            analysis: self.analysis.as_ref(),
            pending: self.pending.as_ref(),
            targets: &self.targets,
            paths: &self.paths,
            contributors: &self.contributors,
            edits: None,
            holds: &self.holds,
            ids: &self.ids,
            neighbours: &self.neighbours,
            progress: self.progress,
            taken_back: self.taken_back,
            restores: self.restores,
            unconverged: &self.unconverged,
            debts: &self.debts,
        })
    }

    pub fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = self.decide().reasons.iter().map(|r| r.code.name().to_owned()).collect();
        codes.dedup();
        codes
    }

    pub fn next_order(&self) -> usize {
        let orders = self.testimony.records.iter().map(|r| r.order);
        orders.chain(self.testimony.receipts.iter().map(|r| r.order)).max().map_or(0, |last| last + 1)
    }

    pub fn believed<T>(&self, by: &str, said: T) -> Believed<T> {
        let order = self.next_order();
        Believed {
            said,
            by: by.into(),
            key: format!("SHA256:{by}"),
            standing: Standing::Good,
            at: at("2026-12-01T12:00:00Z"),
            witnessed: Some(at("2026-12-01T12:05:00Z")),
            commit: format!("{order:040x}"),
            digest: digest(&format!("{by} {order}")),
            order,
        }
    }

    pub fn say(&mut self, by: &str, record: Record) -> Digest {
        let record = self.believed(by, record);
        let digest = record.digest;
        self.testimony.records.push(record);
        digest
    }

    pub fn announce(&mut self, by: &str) -> Digest {
        self.say(by, Record::Change(change()))
    }

    pub fn vet(&mut self) -> Digest {
        let receipt = self.believed("stager", receipt());
        let digest = receipt.digest;
        self.testimony.receipts.push(receipt);
        digest
    }

    pub fn approve(&mut self, by: &str, role: &str) -> Digest {
        let vetting = self.testimony.receipts.last().map(|r| r.digest);
        self.say(by, Record::Approve(Approve { vetting, ..approval(role) }))
    }

    /// Changes the approval of a person.
    pub fn with_approval(mut self, by: &str, edit: impl Fn(&mut Approve)) -> Scene {
        let own = self.testimony.records.iter_mut().filter(|r| r.by == by);
        for record in own {
            if let Record::Approve(approve) = &mut record.said {
                edit(approve);
            }
        }
        self
    }

    /// Changes the record of a person as a whole.
    pub fn with_record(mut self, by: &str, edit: impl Fn(&mut Believed<Record>)) -> Scene {
        self.testimony.records.iter_mut().filter(|r| r.by == by).for_each(edit);
        self
    }

    pub fn without(mut self, by: &str) -> Scene {
        self.testimony.records.retain(|r| r.by != by);
        self
    }
}

pub fn change() -> Change {
    Change {
        change: ID.into(),
        file: digest("file"),
        base: "0".repeat(40),
        head: "1".repeat(40),
        content: digest("content"),
        meaning: digest("meaning"),
        devices: vec!["edge1".into()],
        contributors: Vec::new(),
        says: "edge1 closes tcp/23".into(),
    }
}

pub fn approval(role: &str) -> Approve {
    Approve {
        change: ID.into(),
        content: digest("content"),
        meaning: digest("meaning"),
        stage: Stage::Production,
        role: role.into(),
        says: "edge1 closes tcp/23".into(),
        vetting: None,
        not_after: at("2026-12-15T00:00:00Z"),
    }
}

pub fn receipt() -> Receipt {
    Receipt {
        kind: ReceiptKind::Vetting,
        change: ID.into(),
        content: digest("content"),
        devices: vec![("edge1".into(), digest("new bytes"))],
        on: "linux 6.1 iptables 1.8.9".into(),
        flows: 12,
        head: "1".repeat(40),
        at: at("2026-12-01T11:00:00Z"),
    }
}

pub fn analysis() -> Analysis {
    Analysis {
        report: CheckReport { devices: 1, rules: 10, complete: true, ..CheckReport::default() },
        is_refused: false,
        content: digest("content"),
        meaning: digest("meaning"),
        says: "edge1 closes tcp/23".into(),
        devices: vec![("edge1".into(), digest("new bytes"))],
        rollback: vec![("edge1".into(), digest("old bytes"))],
        extent: Extent { closes_only: true, ..Extent::default() },
    }
}
