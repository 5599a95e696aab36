//! What a read-back shows, in words.

use crate::fleet::Converged;
use crate::report::packet_words;

/// The first difference of a comparison, in one clause.
pub fn difference_words(converged: &Converged) -> String {
    if let (Some(why), None) = (converged.routes.words(), converged.differences.first()) {
        return format!("routes: {why}");
    }
    match converged.differences.first() {
        None => "not every packet could be compared".to_owned(),
        Some(first) => {
            let effect = first.effect.map_or("nothing is said about", |e| e.name());
            let packet = first.witness.as_ref().map(|p| format!(": {}", packet_words(p))).unwrap_or_default();
            format!("{} {} {effect}{packet}", first.hook, first.family)
        }
    }
}
