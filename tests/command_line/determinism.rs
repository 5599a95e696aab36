//! The same evidence gives the same bytes, wherever and however the command runs.

use super::scene::{OLD, Scene, edited};

#[test]
fn time_zone_locale_and_folder_change_nothing() {
    let runs: [&[&str]; 5] = [
        &["diff", "old.v4", "new.v4", "--format", "json"],
        &["diff", "old.v4", "new.v4", "--text"],
        &["lint", "old.v4", "--format", "json"],
        &["query", "old.v4", "--hook", "forward", "--ask", "proto tcp", "--format", "json"],
        &["matrix", "old.v4", "--hook", "forward", "--service", "tcp/443", "--format", "svg"],
    ];
    for arguments in runs {
        let plain = Scene::of_edge().run(arguments);
        let elsewhere = Scene::of_edge().run_with(arguments, "", |c| {
            c.env("TZ", "Pacific/Chatham").env("LANG", "tr_TR.UTF-8").env("LC_ALL", "tr_TR.UTF-8");
            c.env("RUST_BACKTRACE", "1").env("COLUMNS", "40").env("HOME", "/nonexistent");
        });
        assert_eq!(plain.status.code(), Some(0), "{arguments:?}");
        assert!(plain.stdout == elsewhere.stdout && plain.stderr == elsewhere.stderr, "{arguments:?}");
    }
}

#[test]
fn names_are_relative_to_what_the_user_named() {
    let scene = Scene::of_edge().file("deep/a/old.v4", OLD).file("deep/b/new.v4", &edited());
    let near = scene.run(&["diff", "old.v4", "new.v4", "--format", "json"]);
    let far = scene.run(&["diff", "deep/a/old.v4", "./deep/b/new.v4", "--format", "json"]);
    assert_eq!(near.stdout, far.stdout);
}
