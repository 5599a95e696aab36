//! Which devices get a change together, in which order: the waves of a push.

use super::route::Target;
use crate::policy::{PushRule, Wave, WavePick};
use std::collections::BTreeSet;
use std::time::Duration;

/// Devices that get the change together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Their names, in the order in which they are begun.
    pub devices: Vec<String>,
    /// How many of them are worked on at the same time; at least 1.
    pub parallel: usize,
    /// How long the run waits behind them before the next wave begins.
    pub wait: Duration,
}

/// What waves are made for.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    /// What policy says.
    pub rule: &'a PushRule,
    /// The devices of the change; those that no wave names come in the order in which they stand here.
    pub targets: &'a [Target],
    /// Devices that eventual transports name as canaries: the first wave, whatever policy says of others.
    pub canary: &'a BTreeSet<String>,
    /// Whether the change was staged nowhere, so that the first wave is one device.
    pub is_unstaged: bool,
}

impl Course<'_> {
    /// The waves: every device in exactly one, none of them empty.
    pub fn waves(&self) -> Vec<Batch> {
        let mut out = Picking { course: self, left: self.targets.iter().collect(), waves: Vec::new() };
        out.take(None, |t| self.canary.contains(&t.name));
        for wave in &self.rule.waves {
            out.wave(wave);
        }
        out.rest();
        if self.is_unstaged {
            out.first_alone();
        }
        out.waves
    }

    /// How many devices a share means, rounded up.
    fn share(&self, percent: u32) -> usize {
        (self.targets.len() * percent as usize).div_ceil(100)
    }
}

struct Picking<'c> {
    course: &'c Course<'c>,
    left: Vec<&'c Target>,
    waves: Vec<Batch>,
}

impl Picking<'_> {
    fn wave(&mut self, wave: &Wave) {
        match &wave.pick {
            WavePick::Count(count) => self.next(Some(wave), *count as usize),
            WavePick::Percent(percent) => {
                let have = self.course.targets.len() - self.left.len();
                self.next(Some(wave), self.course.share(*percent).saturating_sub(have));
            }
            WavePick::Devices(selection) => self.take(Some(wave), |t| selection.selects(&t.name, &t.roles)),
        }
    }

    /// What no wave names: wave after wave of the last number, or all together; without any wave, one after the other.
    fn rest(&mut self) {
        let last = self.course.rule.waves.last();
        let count = match last.map(|w| &w.pick) {
            None => 1,
            Some(WavePick::Count(count)) => *count as usize,
            Some(_) => usize::MAX,
        };
        while !self.left.is_empty() {
            self.next(last, count);
        }
    }

    fn next(&mut self, wave: Option<&Wave>, count: usize) {
        let behind = self.left.split_off(count.min(self.left.len()));
        let taken = std::mem::replace(&mut self.left, behind);
        self.push(wave, taken.iter().map(|t| t.name.clone()).collect());
    }

    fn take(&mut self, wave: Option<&Wave>, is_picked: impl Fn(&Target) -> bool) {
        let (taken, left) = self.left.drain(..).partition(|t| is_picked(t));
        self.left = left;
        let taken: Vec<&Target> = taken;
        self.push(wave, taken.iter().map(|t| t.name.clone()).collect());
    }

    fn push(&mut self, wave: Option<&Wave>, devices: Vec<String>) {
        if devices.is_empty() {
            return;
        }
        let parallel = wave.and_then(|w| w.parallel).or(self.course.rule.parallel).unwrap_or(1) as usize;
        let wait = wave.and_then(|w| w.wait).unwrap_or_default();
        self.waves.push(Batch { devices, parallel: parallel.max(1), wait });
    }

    fn first_alone(&mut self) {
        let Some(first) = self.waves.first_mut().filter(|w| w.devices.len() > 1) else { return };
        let rest = Batch { devices: first.devices.split_off(1), ..first.clone() };
        self.waves.insert(1, rest);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::policy::{Environment, Policy, PolicyFiles, read_policy};

    fn policy(push: &str) -> Policy {
        let text = format!("version = 1\n[push]\n{push}\n");
        read_policy(&PolicyFiles::single("fwgate.toml", text.as_str())).unwrap_or_else(|e| panic!("{e:?}"))
    }

    fn targets(count: usize) -> Vec<Target> {
        let target = |at: usize| Target {
            name: if at % 10 == 9 { format!("canary-{at}") } else { format!("edge{at}") },
            roles: if at.is_multiple_of(2) { vec!["web".to_owned()] } else { Vec::new() },
            environment: Environment::Production,
        };
        (0..count).map(target).collect()
    }

    fn sizes(push: &str, count: usize, canary: &[&str], is_unstaged: bool) -> Vec<usize> {
        let (policy, targets) = (policy(push), targets(count));
        let canary = canary.iter().map(|c| (*c).to_owned()).collect();
        let waves = Course { rule: &policy.push, targets: &targets, canary: &canary, is_unstaged }.waves();
        let mut all: Vec<&String> = waves.iter().flat_map(|w| &w.devices).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "every device once");
        waves.iter().map(|w| w.devices.len()).collect()
    }

    #[test]
    fn devices_go_one_by_one_where_policy_says_nothing() {
        assert_eq!(sizes("", 3, &[], false), [1, 1, 1]);
    }

    #[test]
    fn the_last_number_is_for_all_further_waves() {
        assert_eq!(sizes("waves = [1, 5, 20]", 50, &[], false), [1, 5, 20, 20, 4]);
    }

    #[test]
    fn shares_are_of_all_devices() {
        let push = "waves = [{ devices = [\"canary-*\"] }, { percent = 25 }, { percent = 100 }]";
        assert_eq!(sizes(push, 40, &[], false), [4, 6, 30]);
        assert_eq!(sizes("waves = [{ percent = 1 }, { percent = 50 }]", 30, &[], false), [1, 14, 15]);
        assert_eq!(sizes("waves = [{ devices = [\"role:web\"] }]", 10, &[], false), [5, 5]);
        assert_eq!(sizes("waves = [{ devices = [\"nobody\"] }]", 10, &[], false), [10]);
    }

    #[test]
    fn what_was_staged_nowhere_begins_with_one_device() {
        assert_eq!(sizes("waves = [{ percent = 50 }]", 10, &[], true), [1, 4, 5]);
        assert_eq!(sizes("", 2, &[], true), [1, 1]);
        assert_eq!(sizes("waves = [10]", 1, &[], true), [1]);
    }

    #[test]
    fn canaries_of_transports_go_first() {
        assert_eq!(sizes("waves = [{ percent = 100 }]", 10, &["edge3", "edge4", "elsewhere"], false), [2, 8]);
    }

    #[test]
    fn a_wave_has_its_own_number_at_the_same_time() {
        let policy = policy("parallel = 4\nwaves = [{ count = 2, parallel = 1, wait = \"5m\" }, { percent = 100 }]");
        let targets = targets(5);
        let canary = BTreeSet::new();
        let waves = Course { rule: &policy.push, targets: &targets, canary: &canary, is_unstaged: false }.waves();
        let seen: Vec<_> = waves.iter().map(|w| (w.parallel, w.wait.as_secs())).collect();
        assert_eq!(seen, [(1, 300), (4, 0)]);
    }
}
