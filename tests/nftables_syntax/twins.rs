//! A ruleset as `nft` lists it, and as `nft -j` does, is one tree.

use super::normal::{normal, typeof_sets};
use super::{read, rulesets, shown, tool};

/// The lines of one side that the other one does not have.
fn missing(side: &[String], other: &[String]) -> String {
    let only = side.iter().filter(|line| !other.contains(line)).take(5);
    only.map(|line| format!("  {line}\n")).collect()
}

#[test]
fn written_rulesets_are_read() {
    for (path, source) in rulesets() {
        if let Err(problems) = read(&source) {
            panic!("{}: {}", path.display(), shown(&problems));
        }
    }
}

#[test]
fn text_and_json_of_one_ruleset_are_one_tree() {
    if !tool::is_there() {
        return;
    }
    for (path, source) in rulesets() {
        let name = path.display();
        let (text, json) = (tool::listing(&source, ""), tool::listing(&source, "-j"));
        assert!(text.taken && json.taken, "{name}: {}{}", text.errors, json.errors);
        let [text, json] = [&text, &json].map(|listing| {
            read(&listing.output).unwrap_or_else(|p| panic!("{name}: {}\n{}", shown(&p), listing.output))
        });
        let untyped = typeof_sets(&text);
        let [text, json] = [text, json].map(|commands| normal(commands, &untyped));
        assert!(text.len() > 3, "{name}: something was listed");
        let (only_text, only_json) = (missing(&text, &json), missing(&json, &text));
        assert_eq!(text, json, "{name}\nonly in the text:\n{only_text}only in JSON:\n{only_json}");
    }
}

/// A listing with handles, without states, and with numbers instead of names is read, too.
#[test]
fn every_form_of_the_listing_is_read() {
    if !tool::is_there() {
        return;
    }
    for (path, source) in rulesets() {
        for option in ["-a", "-s", "-n", "-nn", "-y", "-an", "-S"] {
            let listing = tool::listing(&source, option);
            assert!(listing.taken, "{} {option}: {}", path.display(), listing.errors);
            if let Err(problems) = read(&listing.output) {
                panic!("{} {option}: {}\n{}", path.display(), shown(&problems), listing.output);
            }
        }
    }
}
