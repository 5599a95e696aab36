//! Work on many things that do not depend on each other, over the cores of the machine. The answers and their order are the same
//! on any number of them.

use std::num::NonZero;

/// Fewer things than this are done here and now: a thread costs more.
const FEW: usize = 128;

/// What `work` makes of each thing, in their order.
pub fn on_all_cores<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    if things.len() < FEW || cores == 1 {
        return things.iter().map(work).collect();
    }
    let mut out = Vec::with_capacity(things.len());
    let work = &work;
    std::thread::scope(|scope| {
        let parts = things.chunks(things.len().div_ceil(cores));
        let parts: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<R>>())).collect();
        for part in parts {
            match part.join() {
                Ok(done) => out.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_stands_where_its_question_does() {
        for count in [0, 1, FEW - 1, FEW, 1_001] {
            let things: Vec<usize> = (0..count).collect();
            assert_eq!(on_all_cores(&things, |n| n * 2), things.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
