//! The course of a run: wave after wave, in each of them so many devices at the same time; then what becomes of those that have
//! the change where it stopped.

use super::super::reason::Reason;
use super::engine::{Run, WhenStopped};
use super::flight::Flight;
use super::report::DeviceEnd;
use super::{Event, Task};
use crate::gate::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// How often the evidence is looked at while a run waits between waves.
const LOOK: Duration = Duration::from_secs(30);

/// What is begun with a device.
#[derive(Clone, Copy)]
enum Begin {
    /// The change.
    Push,
    /// Its way back.
    TakeBack,
}

impl Run<'_, '_> {
    /// Every wave, until one stops.
    pub fn course(&mut self) {
        self.as_recorded();
        let waves = std::mem::take(&mut self.waves);
        for (at, wave) in waves.iter().enumerate() {
            self.world.watch.note(Event::Wave(at + 1, waves.len(), wave));
            let places = self.places_of(at + 1);
            self.crew(places, wave.parallel, Begin::Push);
            if self.is_stopped {
                self.take_back_stopped(at + 1, wave.parallel);
                break;
            }
            if at + 1 < waves.len() {
                self.rest(wave.wait);
            }
        }
    }

    fn places_of(&self, wave: usize) -> VecDeque<usize> {
        let all = self.reports.iter().enumerate();
        all.filter(|(_, device)| device.wave == wave).map(|(place, _)| place).collect()
    }

    /// No further device is begun or applied.
    pub fn stop(&mut self, reasons: impl IntoIterator<Item = Reason>) {
        self.is_stopped = true;
        for reason in reasons {
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
    }

    /// Works on devices, so many at the same time, until none is on its way. What is ready goes before what is to be begun: its
    /// timer is running.
    fn crew(&mut self, mut waiting: VecDeque<usize>, parallel: usize, begin: Begin) {
        loop {
            while let Some((device, done)) = self.world.port.next(Some(Duration::ZERO)) {
                self.land(&device, done);
            }
            let may_begin = matches!(begin, Begin::TakeBack) || !self.is_stopped;
            let busy = self.flights.iter().filter(|f| f.look.is_none()).count();
            let next = if may_begin && busy < parallel { waiting.pop_front() } else { None };
            match (next, begin) {
                (Some(place), Begin::Push) => self.launch(place),
                (Some(place), Begin::TakeBack) => self.take_back(place),
                (None, _) if self.flights.is_empty() => return,
                (None, _) => self.wait_for_one(),
            }
        }
    }

    /// Until some device is ready, or is to be looked at again.
    fn wait_for_one(&mut self) {
        if let Some(reason) = if self.is_stopped { None } else { self.renew().err() } {
            self.stop([reason]);
        }
        let now = self.world.clock.now();
        let next: Option<Instant> = self.flights.iter().filter_map(|f| f.look).min();
        if next.is_some_and(|next| next <= now) {
            return self.look_again(now);
        }
        let patience = next.map(|next| until(now, next).min(self.orders.lease / 4));
        let is_busy = self.flights.iter().any(|f| f.look.is_none());
        match (is_busy, patience) {
            (false, Some(patience)) => self.world.clock.wait(patience),
            (_, patience) => {
                let patience = patience.or(Some(self.orders.lease / 4));
                if let Some((device, done)) = self.world.port.next(patience) {
                    self.land(&device, done);
                }
            }
        }
    }

    fn look_again(&mut self, now: Instant) {
        let due = |f: &Flight| f.look.is_some_and(|at| at <= now);
        let places: Vec<usize> = self.flights.iter().filter(|f| due(f)).map(|f| f.place).collect();
        places.into_iter().for_each(|place| self.read(place));
    }

    /// Waits behind a wave. Whatever speaks against the change in the meantime stops it.
    fn rest(&mut self, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        self.world.watch.note(Event::Wait(wait));
        let end = self.world.clock.now().after(wait);
        while !self.is_stopped {
            let now = self.world.clock.now();
            if now >= end {
                return;
            }
            self.world.clock.wait(until(now, end).min(LOOK).min(self.orders.lease / 4));
            let mut reasons = self.world.gate.objections();
            reasons.extend(self.renew().err());
            if !reasons.is_empty() {
                self.stop(reasons);
            }
        }
    }

    /// Policy says what becomes of devices that have got the change when a run stops.
    fn take_back_stopped(&mut self, wave: usize, parallel: usize) {
        let is_meant = |of: usize| match self.orders.when_stopped {
            WhenStopped::Leave => false,
            WhenStopped::RollBack => true,
            WhenStopped::RollBackWave => of == wave,
        };
        let all = self.reports.iter().enumerate();
        let meant = all.filter(|(_, d)| d.end == DeviceEnd::Applied && is_meant(d.wave));
        let places: VecDeque<usize> = meant.map(|(place, _)| place).collect();
        for place in &places {
            self.say(*place, "the run stopped, and policy says to roll back".to_owned());
        }
        self.crew(places, parallel, Begin::TakeBack);
    }

    /// A device gets a task.
    pub fn begin(&mut self, place: usize, task: Task) {
        if let Some(device) = self.reports.get(place) {
            self.world.port.begin(&device.device, task);
        }
    }

    /// Something that happened to a device.
    pub fn say(&mut self, place: usize, words: String) {
        if let Some(device) = self.reports.get_mut(place) {
            device.words.push(words);
        }
    }
}

fn until(now: Instant, end: Instant) -> Duration {
    Duration::from_secs(u64::try_from(end.0.saturating_sub(now.0)).unwrap_or_default())
}
