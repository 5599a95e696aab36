//! A sign of life for work that takes more than a moment: on a terminal, on standard error, and gone before the answer.

use super::screen::Screen;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// For so long nothing is shown: most work is over by then, and a flash of a line only disturbs.
const MOMENT: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(120);

/// Work that goes on until this is dropped.
pub struct Progress {
    words: Option<Sender<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to count. Nothing is ever shown where standard error is no terminal, or a dumb one, and where nobody wants words.
    pub fn begin(what: &str, screen: &Screen) -> Progress {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if screen.is_quiet() || dumb || !std::io::stderr().is_terminal() {
            return Progress { words: None, thread: None };
        }
        let (words, heard) = channel();
        let first = what.to_owned();
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || show(&first, &heard));
        Progress { words: Some(words), thread: thread.ok() }
    }

    /// Says what is done now.
    pub fn now(&self, what: &str) {
        if let Some(words) = &self.words {
            // Where the line is gone already, nobody looks.
            let _ = words.send(what.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.words = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits a moment, then draws until nobody speaks any more, and takes the line away.
fn show(first: &str, heard: &Receiver<String>) {
    let mut what = first.to_owned();
    let began = std::time::Instant::now();
    while let Some(left) = MOMENT.checked_sub(began.elapsed()) {
        match heard.recv_timeout(left) {
            Ok(next) => what = next,
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let plain = || ProgressStyle::default_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg} ({elapsed})").unwrap_or_else(|_| plain()));
    let bar = bar.with_elapsed(began.elapsed());
    bar.set_message(what);
    bar.enable_steady_tick(TICK);
    while let Ok(next) = heard.recv() {
        bar.set_message(next);
    }
    bar.finish_and_clear();
}
