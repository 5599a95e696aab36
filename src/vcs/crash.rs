//! Places at which a test lets the process die, so that what is left behind can be looked at. There are none in a release build.

/// A place between two steps that are written. The variable `FWGATE_CRASH_AT` holds how many of them are passed (`7`), or how many of
/// one name (`after an object#2`), before the process dies, without a destructor or a buffer being run.
#[cfg(debug_assertions)]
pub fn crash_point(place: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    let Ok(wanted) = std::env::var("FWGATE_CRASH_AT") else { return };
    let (name, number) = wanted.split_once('#').map_or((None, wanted.as_str()), |(name, number)| (Some(name), number));
    if name.is_some_and(|name| name != place) {
        return;
    }
    if number.parse() == Ok(PASSED.fetch_add(1, Ordering::SeqCst) + 1) {
        eprintln!("crashed at: {place}");
        std::process::abort();
    }
}

/// Nothing: a release build has no such places.
#[cfg(not(debug_assertions))]
pub fn crash_point(_: &str) {}
