//! The HTML pages: what they hold, and how a browser finds them.

#[path = "../pages/browser.rs"]
mod browser;

use super::formats::{CHECK, careless, scene};
use super::hostile_text;
use super::scene::Scene;

fn page(scene: &Scene, arguments: &[&str]) -> String {
    String::from_utf8(scene.run(&[arguments, &["--format", "html"]].concat()).stdout).unwrap()
}

#[test]
fn the_page_of_a_check_shows_everything_that_an_approver_looks_for() {
    let page = page(&scene(), &CHECK);
    let has = |text: &str| assert!(page.contains(text), "{text}");
    has("Refused: 1 error, 6 warnings, 1 note</h1>");
    // Both rules of a lost flow, side by side, with the packet between them.
    has("<span class=\"verdict accept\">accept</span></p><p class=\"place\">edge1/rules.v4:9</p>");
    has("<span class=\"verdict drop\">drop</span></p><p class=\"place\">edge1/rules.v4:3</p>");
    has("<code>tcp 10.20.128.1:49152 -&gt; 10.30.0.1:443 (syn, new)</code>");
    // Strips, and the name that the policy has for a range.
    has("aria-label=\"from 10.20.128.0/17 (in toronto): before accept, after drop\"");
    // The square of the two sites is split.
    has("title=\"toronto to dallas: passes, now passes in part\"");
    has("waived until 2099-12-31 by netops: comes with the new relay");
    has("<code>toronto-dallas</code> <small>must pass</small>");
}

#[test]
fn the_page_of_a_diff_names_zones_by_their_addresses() {
    let page = page(&scene(), &["diff", "old", "new", "--text"]);
    assert!(page.contains("<span>10.20.128.0/17</span>") && page.contains("Edited lines"), "{page}");
    let same = self::page(&scene(), &["diff", "old", "old"]);
    assert!(same.contains("Equivalent: every packet is treated as before"), "{same}");
}

/// One file: no script, no address of anything else, and a policy that forbids both. Only the style that is in it is allowed.
#[test]
fn a_page_needs_nothing_and_allows_nothing() {
    let scene = scene();
    let lint = page(&careless(), &["lint", "--tree", "new"]);
    for page in [page(&scene, &CHECK), page(&scene, &["diff", "old", "new"]), lint] {
        for word in ["<script", "src=", "http://", "https://", "@import", "<link", "style=", " on"] {
            let found = page.match_indices(word).find(|(at, _)| word != " on" || is_handler(&page[*at..]));
            assert_eq!(found, None, "{word}");
        }
        let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

/// `onclick=` and its kind.
fn is_handler(text: &str) -> bool {
    let name: String = text.chars().skip(1).take_while(char::is_ascii_lowercase).collect();
    name.len() > 2 && text[1 + name.len()..].starts_with('=')
}

#[test]
fn a_browser_and_axe_find_nothing_wrong() {
    let (scene, hostile) = (scene(), hostile_text::scene());
    browser::look(&[
        ("check.html", page(&scene, &CHECK)),
        ("diff.html", page(&scene, &["diff", "old", "new", "--text", "--all-regions"])),
        ("equivalent.html", page(&scene, &["diff", "old", "old"])),
        ("lint.html", page(&careless(), &["lint", "--tree", "new"])),
        ("hostile.html", page(&hostile, &CHECK)),
        ("hostile-diff.html", page(&hostile, &["diff", "old", "new"])),
        ("hostile-lint.html", page(&hostile, &["lint", "--tree", "old"])),
    ]);
}
