//! Programs for several devices at the same time: one thread a task, and whichever ends first is told first.

use super::port::Ways;
use crate::gate::push::{Done, Port, Task, Trouble};
use crate::gate::{Reason, ReasonCode};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use std::time::Duration;

/// The port of a push.
pub struct Crew<'scope, 'env, 'p> {
    scope: &'scope Scope<'scope, 'env>,
    ways: &'env Ways<'p>,
    sender: Sender<(String, Done)>,
    receiver: Receiver<(String, Done)>,
    going: usize,
}

impl<'scope, 'env, 'p> Crew<'scope, 'env, 'p> {
    /// A crew whose threads end before the scope does.
    pub fn new(scope: &'scope Scope<'scope, 'env>, ways: &'env Ways<'p>) -> Crew<'scope, 'env, 'p> {
        let (sender, receiver) = channel();
        Crew { scope, ways, sender, receiver, going: 0 }
    }

    fn ended(&mut self, found: (String, Done)) -> (String, Done) {
        self.going = self.going.saturating_sub(1);
        found
    }
}

impl Port for Crew<'_, '_, '_> {
    fn begin(&mut self, device: &str, task: Task) {
        self.going += 1;
        let (ways, sender) = (self.ways, self.sender.clone());
        let mut promise = Promise { device: device.to_owned(), kind: task.clone(), sender, is_kept: false };
        let started = std::thread::Builder::new().spawn_scoped(self.scope, move || {
            let done = ways.perform(&promise.device, &task);
            promise.keep(done);
        });
        // The promise was dropped with the closure, which told it.
        drop(started);
    }

    fn next(&mut self, patience: Option<Duration>) -> Option<(String, Done)> {
        if self.going == 0 {
            return None;
        }
        let found = match patience {
            Some(patience) => self.receiver.recv_timeout(patience).ok(),
            None => self.receiver.recv().ok(),
        };
        found.map(|found| self.ended(found))
    }
}

/// That something comes of a task, whatever becomes of its thread.
struct Promise {
    device: String,
    kind: Task,
    sender: Sender<(String, Done)>,
    is_kept: bool,
}

impl Promise {
    fn keep(&mut self, done: Done) {
        self.is_kept = true;
        let _ = self.sender.send((self.device.clone(), done));
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let message = format!("no thread could work on `{}`", self.device);
        let done = match self.kind {
            Task::Read { .. } => Done::Seen(Err(Reason::new(ReasonCode::ReadbackInvalid, message, "try again"))),
            _ => Done::Step(Err(Trouble(message))),
        };
        self.keep(done);
    }
}
