//! What a new user meets first: help, completions, manual pages, the played incidents.

use super::scene::Scene;
use insta::assert_snapshot;
use std::path::Path;

fn text(scene: &Scene, arguments: &[&str]) -> String {
    // Some incidents are played with git and ssh-keygen.
    let output = scene.run_with(arguments, "", |command| {
        command.env("PATH", std::env::var_os("PATH").unwrap());
    });
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every command that people see, out of the reference: name and help.
fn commands() -> Vec<(String, String)> {
    let reference = text(&Scene::new(), &["man", "--markdown"]);
    let parts = reference.split("\n## ").skip(1).filter_map(|part| part.split_once('\n'));
    parts.map(|(name, help)| (name.to_owned(), help.to_owned())).collect()
}

/// `fwgate man --markdown > docs/reference/commands.md` after a change of the command line.
#[test]
fn the_reference_of_commands_is_what_help_says() {
    let written = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/commands.md");
    let now = text(&Scene::new(), &["man", "--markdown"]);
    if std::env::var_os("FWGATE_BLESS").is_some() {
        std::fs::write(written, &now).unwrap();
    }
    let message = "run `fwgate man --markdown > docs/reference/commands.md`";
    assert!(std::fs::read_to_string(written).unwrap_or_default() == now, "{message}");
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let all = commands();
    assert!(all.len() > 30, "commands were found: {}", all.len());
    let without: Vec<&str> = all.iter().filter(|(_, help)| !help.contains("Example")).map(|(n, _)| &**n).collect();
    assert!(without.is_empty(), "no example in the help of {without:?}: add `after_help`");
}

/// Every example of the help is a command line that fwgate takes: a word that is no option or no command is refused.
#[test]
fn examples_name_options_that_exist() {
    let mut count = 0;
    for (name, help) in commands() {
        let examples = help.lines().map(str::trim).filter(|line| line.starts_with("fwgate "));
        for example in examples.filter(|e| !e.ends_with('\\')) {
            let words = example.split(['>', '|', '#']).next().unwrap().split_whitespace();
            let command: Vec<&str> = words.clone().skip(1).take_while(|w| !w.starts_with('-')).collect();
            let (_, own) = commands_named(&command);
            for option in words.filter(|w| w.starts_with("--") && w.len() > 2) {
                let option = option.split('=').next().unwrap();
                assert!(own.contains(option), "{name}: `{example}` has no option `{option}`");
            }
            count += 1;
        }
    }
    assert!(count > 40, "examples were found: {count}");
}

/// The help of the longest command that these words begin with.
fn commands_named(words: &[&str]) -> (String, String) {
    use std::sync::OnceLock;
    static ALL: OnceLock<Vec<(String, String)>> = OnceLock::new();
    let all = ALL.get_or_init(commands);
    let spelled = format!("fwgate {} ", words.join(" "));
    let fits = all.iter().filter(|(name, _)| spelled.starts_with(&format!("{name} ")));
    fits.max_by_key(|(name, _)| name.len()).cloned().expect("a command")
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = text(&Scene::new(), &["completions", shell]);
        for word in ["quarantine", "max-regions", "override-reject"] {
            assert!(script.contains(word), "{shell} does not know `{word}`");
        }
        assert!(!script.contains("inside-namespace"), "{shell} offers what nobody calls");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let scene = Scene::new();
    let told = text(&scene, &["man", "--out", "man1"]);
    let pages: Vec<String> = std::fs::read_dir(scene.path().join("man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(pages.len(), commands().len());
    assert_eq!(told, format!("wrote {} pages to man1\n", pages.len()));
    let page = std::fs::read_to_string(scene.path().join("man1/fwgate-change-approve.1")).unwrap();
    assert!(page.contains(".TH fwgate-change-approve 1") && page.contains("\\-\\-role"), "{page}");
    // Examples stand line by line, under a name that says what they are.
    let notes = page.split_once(".SH NOTES\n").expect("notes").1;
    assert!(notes.contains(".nf\n  fwgate change approve") && notes.contains(".fi\n"), "{notes}");
    assert!(!page.contains(".SH EXTRA"), "{page}");
}

#[test]
fn an_unknown_command_has_a_neighbour() {
    let output = Scene::new().run(&["chekc"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("'check'"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_first_incident_plays() {
    assert_snapshot!(text(&Scene::new(), &["demo", "1"]));
}

#[test]
fn every_incident_with_a_script_plays() {
    let scene = Scene::new();
    let list = text(&scene, &["demo", "--list"]);
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incidents")).unwrap();
    let scripted = folders.filter(|f| f.as_ref().unwrap().path().join("demo.toml").is_file()).count();
    assert_eq!(list.lines().count(), scripted, "each has its line in `INCIDENTS`:\n{list}");
    let played = text(&scene, &["demo"]);
    for line in list.lines() {
        let (number, title) = line.split_once("  ").unwrap();
        assert!(played.contains(&format!("Incident {number}: {title}\n")), "{played}");
    }
    assert!(played.matches("\nWith the guard\n").count() == scripted && played.contains("[exit 1]"));
}

#[test]
fn a_staged_change_cannot_go_live() {
    let played = text(&Scene::new(), &["demo", "02"]);
    for part in ["STAGE_NOT_ISOLATED", "announced CHG-7", "nothing was pushed", "APPROVAL_MISSING", "LEAD_TIME"] {
        assert!(played.contains(part), "no {part}: {played}");
    }
}

#[test]
fn an_incident_that_nobody_had_is_not_played() {
    let output = Scene::new().run(&["demo", "9"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: there is no incident `9` to play\n  = help: there are 1, 2, 3"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

/// What the README offers to somebody who has nothing to guard, as it stands there.
#[cfg(unix)]
#[test]
fn the_example_that_the_readme_offers_is_guarded_at_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let block = readme.split("```").find(|block| block.contains("cp -r examples/firewall-repo")).unwrap();
    // Behind a command stands what comes of it.
    let line = |line: &str| line.split("   ").next().unwrap().to_owned() + "\n";
    let script: String = block.lines().skip(1).map(line).collect();
    let here = tempfile::tempdir().unwrap();
    let checkout = here.path().join("checkout");
    std::fs::create_dir(&checkout).unwrap();
    std::os::unix::fs::symlink(root.join("examples"), checkout.join("examples")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_fwgate")).parent().unwrap().display().to_string();
    let mut command = std::process::Command::new("sh");
    command.args(["-ec", &script]).current_dir(&checkout).env_clear().env("HOME", here.path());
    command.env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap())).env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "somebody").env(format!("GIT_{role}_EMAIL"), "somebody@example.net");
    }
    let output = command.output().unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}{told}");
    assert!(said.contains("refused: 1 error") && said.contains("udp/53"), "{said}");
}
