//! Places at which a test lets the process die, so that what is left behind can be looked at. There are none in a release build.

/// A place between two steps that are written. The variable `FWGATE_CRASH_AT` holds how many of one name (`after an object#2`) are
/// passed before the process dies, without a destructor or a buffer being run; `nowhere` lets it say every place that it passes.
#[cfg(debug_assertions)]
pub fn crash_point(place: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    let Ok(wanted) = std::env::var("FWGATE_CRASH_AT") else { return };
    if wanted == "nowhere" {
        eprintln!("passed: {place}");
    }
    let Some((_, number)) = wanted.split_once('#').filter(|(name, _)| *name == place) else { return };
    if number.parse() == Ok(PASSED.fetch_add(1, Ordering::SeqCst) + 1) {
        eprintln!("crashed at: {place}");
        std::process::abort();
    }
}

/// Nothing: a release build has no such places.
#[cfg(not(debug_assertions))]
pub fn crash_point(_: &str) {}
