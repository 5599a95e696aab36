//! What persons and machines say on a stage: announcements, receipts, approvals, versions of the policy, witnesses.

use crate::scene::{Draft, Key, PolicyText, changes};
use crate::stage::{APPROVERS, Facts, Stage, now, oid};
use fwgate::gate::{
    Approve, Change, DeviceResult, Digest, Instant, LedgerEntry, PolicyRecord, Receipt, ReceiptKind, Record,
    ResultKind, Stage as For, files_digest, sha256,
};

impl Stage {
    /// The announcement by an author.
    pub fn announce(&self, who: &str, facts: &Facts) -> Digest {
        let record = Record::Change(Change {
            change: facts.id.clone(),
            file: facts.file,
            base: facts.base.clone(),
            head: facts.head.clone(),
            content: facts.content,
            meaning: facts.meaning,
            devices: facts.devices.iter().map(|(name, _)| name.clone()).collect(),
            contributors: self.contributors(&facts.base, &facts.head),
            says: facts.says.clone(),
        });
        self.say(who, &facts.id, &record)
    }

    /// The names of everybody who wrote a commit of the range.
    fn contributors(&self, base: &str, head: &str) -> Vec<String> {
        let remote = self.scene.remote();
        let mut walk = remote.revwalk().unwrap();
        let is_known = walk.push(oid(head)).is_ok() && walk.hide(oid(base)).is_ok();
        let name = |id: git2::Oid| remote.find_commit(id).unwrap().author().name().unwrap().to_owned();
        let names = walk.filter(|_| is_known).map(|id| name(id.unwrap()));
        names.collect::<std::collections::BTreeSet<String>>().into_iter().collect()
    }

    /// A vetting receipt of exactly this; the facts that name it.
    pub fn vet(&self, facts: Facts) -> Facts {
        if facts.devices.is_empty() {
            return facts;
        }
        let text = vetting(&facts, self.scene.instant()).text();
        self.scene.receipt("stager", &facts.id, &text);
        Facts { vetting: Some(sha256(text.as_bytes())), ..facts }
    }

    /// An approval of exactly this.
    pub fn approve(&self, who: &str, role: &str, facts: &Facts) -> Digest {
        self.say(who, &facts.id, &Record::Approve(approval(role, facts)))
    }

    /// Approvals of several persons.
    pub fn approved_by(&self, who: &[(&str, &str)], facts: &Facts) {
        for (who, role) in who {
            self.approve(who, role, facts);
        }
    }

    /// Any record on the branch of a change; its digest.
    pub fn say(&self, who: &str, id: &str, record: &Record) -> Digest {
        self.scene.record(who, id, &record.text());
        sha256(record.text().as_bytes())
    }

    /// Any record signed with another key than that of the name.
    pub fn say_with(&self, key: &Key, id: &str, record: &Record) {
        let branch = changes(id);
        let draft = Draft::new("somebody", &self.scene.tip(&branch), self.scene.now(), &record.text());
        self.scene.put(&branch, &draft.signed(key, "git"));
    }

    /// A commit on any branch with entries of any mode: path, mode of git, bytes (for a submodule, a commit id).
    pub fn commit_entries(&self, branch: &str, who: &str, entries: &[(&str, git2::FileMode, &[u8])]) -> String {
        let remote = self.scene.remote();
        let parent = self.scene.head_of(branch).or_else(|| self.scene.head_of("refs/heads/main")).unwrap();
        let mut builder = git2::build::TreeUpdateBuilder::new();
        for (path, mode, bytes) in entries {
            let id = match mode {
                git2::FileMode::Commit => oid(std::str::from_utf8(bytes).unwrap()),
                _ => remote.blob(bytes).unwrap(),
            };
            builder.upsert(*path, id, *mode);
        }
        let before = remote.find_commit(oid(&parent)).unwrap().tree().unwrap();
        let tree = builder.create_updated(remote, &before).unwrap().to_string();
        self.commit_tree(branch, who, &tree, &[&parent])
    }

    /// An unsigned commit of this tree with these parents; a branch points to it.
    pub fn commit_tree(&self, branch: &str, who: &str, tree: &str, parents: &[&str]) -> String {
        let mut draft = Draft::new(who, "", self.scene.now(), &format!("{who} commits\n"));
        draft.tree = tree.to_owned();
        draft.parents = parents.iter().map(|p| (*p).to_owned()).collect();
        self.scene.put(branch, &draft.payload())
    }

    /// The next version of the policy on the protected branch, edited as by [`Stage::edited`], with records of both quorums.
    pub fn next_policy(&self, change: impl FnOnce(&mut PolicyText)) -> Digest {
        let digest = self.unsigned_policy(change);
        self.policy_voices(digest, &APPROVERS);
        digest
    }

    /// The same without records.
    pub fn unsigned_policy(&self, change: impl FnOnce(&mut PolicyText)) -> Digest {
        self.scene.set_policy(|text| {
            text.version += 1;
            change(text);
        });
        let text = self.scene.policy_text();
        self.scene.main(&[("fwgate.toml", &text)]);
        files_digest([("fwgate.toml", text.as_bytes())])
    }

    /// Records for a version of the policy.
    pub fn policy_voices(&self, policy: Digest, who: &[(&str, &str)]) {
        let text = self.scene.policy_text();
        let version = text.lines().find_map(|l| l.strip_prefix("version = ")).unwrap().parse().unwrap();
        for (who, role) in who {
            let record = PolicyRecord { change: "POL-1".into(), version, policy, role: (*role).to_owned() };
            self.say(who, "POL-1", &Record::Policy(record));
        }
        self.scene.wait(60);
        self.scene.witness();
        self.scene.wait(60);
    }

    /// An hour passes, and the ledger witnesses everything.
    pub fn settle(&self) {
        self.scene.wait(3600);
        self.scene.witness();
        self.scene.wait(60);
    }

    /// Lets time pass up to a minute ago.
    pub fn until_now(&self) {
        self.scene.wait(now() - 60 - self.scene.now());
    }

    /// The ledger says that a device has run, since an earlier change, what a commit holds.
    pub fn in_force(&self, device: &str, commit: &str) {
        let bytes = self.devices(commit).into_iter().find(|d| d.device == device).unwrap();
        let bytes = fwgate::gate::device_digest(Some(&bytes));
        self.scene.ledger(|previous| {
            LedgerEntry::Result(DeviceResult {
                previous,
                at: self.scene.instant(),
                change: "OLD-1".into(),
                nonce: "0".repeat(32),
                run: "1".repeat(32),
                device: device.to_owned(),
                result: ResultKind::Applied,
                bytes,
                head: commit.to_owned(),
                receipt: Some(Digest([7; 32])),
            })
        });
    }
}

/// The approval of exactly this, for production.
pub fn approval(role: &str, facts: &Facts) -> Approve {
    Approve {
        change: facts.id.clone(),
        content: facts.content,
        meaning: facts.meaning,
        stage: For::Production,
        role: role.to_owned(),
        says: facts.says.clone(),
        vetting: facts.vetting,
        not_after: Instant(now() + 7 * 86_400),
    }
}

/// The vetting receipt of exactly this.
pub fn vetting(facts: &Facts, at: Instant) -> Receipt {
    Receipt {
        kind: ReceiptKind::Vetting,
        change: facts.id.clone(),
        content: facts.content,
        devices: facts.devices.clone(),
        on: "linux 6.12 iptables 1.8.11".into(),
        flows: 1,
        head: facts.head.clone(),
        at,
    }
}
