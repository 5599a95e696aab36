//! What a run says while it goes on, on standard error: each wave as it begins, each device as it ends.

use crate::cli::screen::Screen;
use crate::gate::push::{DeviceEnd, Event, Watch};
use crate::report::visible;

/// Whoever looks at the screen.
pub struct Progress<'s> {
    screen: &'s Screen,
    wave: (usize, usize),
    done: usize,
    of: usize,
}

impl<'s> Progress<'s> {
    /// Progress on a screen.
    pub fn on(screen: &'s Screen) -> Progress<'s> {
        Progress { screen, wave: (0, 0), done: 0, of: 0 }
    }
}

impl Watch for Progress<'_> {
    fn note(&mut self, event: Event<'_>) {
        let line = match event {
            Event::Wave(number, of, batch) => {
                (self.wave, self.done, self.of) = ((number, of), 0, batch.devices.len());
                let plural = if self.of == 1 { "" } else { "s" };
                format!("wave {number} of {of}: {} device{plural}, {} at a time", self.of, batch.parallel.min(self.of))
            }
            Event::Device(device) => {
                let (sign, end) = match device.end {
                    DeviceEnd::Applied => ('+', "applied"),
                    DeviceEnd::RolledBack => ('=', "rolled back"),
                    DeviceEnd::Failed => ('!', "failed"),
                    DeviceEnd::Untouched => ('~', "not begun"),
                };
                self.done += 1;
                let (number, of) = self.wave;
                format!("{sign} {} {end} ({} of {} in wave {number} of {of})", device.device, self.done, self.of)
            }
            Event::Wait(wait) => format!("waiting {} s before the next wave", wait.as_secs()),
        };
        self.screen.hint(&format!("{}\n", visible(&line)));
    }
}
