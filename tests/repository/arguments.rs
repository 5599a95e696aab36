//! Files, folders and revisions as the command line names them.

use crate::scene::{RULES, Scene, folder, is_ruleset, write};
use fwgate::cli::input::{InputError, Reader, Surroundings};
use fwgate::fleet::same_evidence;
use fwgate::fleet::tree::ConfigTree;
use fwgate::vcs::{Limits, VcsError};
use std::ffi::OsStr;
use std::path::Path;

fn surroundings(cwd: &Path) -> Surroundings {
    Surroundings { cwd: cwd.to_owned(), ci: false }
}

fn read(cwd: &Path, given: &str) -> Result<ConfigTree, InputError> {
    Reader::new(&surroundings(cwd), &is_ruleset).tree(OsStr::new(given))
}

fn names(tree: &ConfigTree) -> Vec<String> {
    tree.devices.iter().flat_map(|d| d.files.iter().map(|f| format!("{}={}", d.name, f.name))).collect()
}

#[test]
fn a_file_is_one_device_whatever_it_holds() {
    let dir = folder(&[("x/edge1.v4", "not understood"), ("y/other.v4", "not understood")]);
    let tree = read(dir.path(), "x/edge1.v4").unwrap();
    assert_eq!(names(&tree), ["edge1=edge1.v4"]);
    assert!(same_evidence(&tree, &read(dir.path(), "y/other.v4").unwrap()));
}

#[test]
fn several_files_are_one_device() {
    let dir = folder(&[
        ("a/rules", RULES),
        ("b/rules", RULES),
        ("b/ipset", RULES),
        ("d/device.toml", ""),
        ("d/r", RULES),
        ("d/s", RULES),
    ]);
    let at = surroundings(dir.path());
    let reader = Reader::new(&at, &is_ruleset);
    let device = |given: &[&str]| {
        let given: Vec<_> = given.iter().map(Into::into).collect();
        reader.device(&given).map(|d| d.files.into_iter().map(|f| f.name).collect::<Vec<_>>())
    };
    assert_eq!(device(&["a/rules", "b/ipset"]).unwrap(), ["rules", "ipset"]);
    assert_eq!(device(&["a/rules", "b/rules"]).unwrap(), ["a/rules", "b/rules"]);
    assert_eq!(device(&["b"]).unwrap(), ["ipset", "rules"]);
    assert_eq!(device(&["d"]).unwrap(), ["r", "s"]);
    assert_eq!(device(&["."]).unwrap_err(), InputError::NotOneDevice { count: 3 });
}

#[test]
fn folders_with_roles_inside_or_beside() {
    let facts = "from = ['role:web']\n";
    let dir = folder(&[
        ("in/s1/device.toml", facts),
        ("in/roles/web/rules", RULES),
        ("repo/devices/s1/device.toml", facts),
        ("repo/roles/web/rules", RULES),
    ]);
    assert_eq!(names(&read(dir.path(), "in").unwrap()), ["s1=roles/web/rules"]);
    assert_eq!(names(&read(dir.path(), "repo/devices").unwrap()), ["s1=roles/web/rules"]);
    assert_eq!(names(&read(dir.path(), "repo/devices/s1").unwrap()), ["s1=roles/web/rules"]);
}

#[test]
fn a_missing_path_has_a_neighbour() {
    let dir = folder(&[("rules.v4", RULES)]);
    let error = read(dir.path(), "rulse.v4").unwrap_err();
    assert_eq!(error.help().unwrap(), "did you mean `rules.v4`?");
    assert!(read(dir.path(), "nowhere/at/all").unwrap_err().help().is_none());
}

#[test]
fn a_folder_is_not_ignored_for_looking_like_a_text() {
    let dir = folder(&[("e.md/rules", RULES), (".x/rules", RULES), ("e/README.md", "x"), ("e/rules", RULES)]);
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    let tree = read(dir.path(), ".").unwrap();
    assert_eq!(names(&tree), ["e=e/rules", "e.md=e.md/rules"]);
    assert_eq!(tree.ignored, [".x/", "e/README.md", "empty/"]);
}

#[test]
fn errors_show_what_the_user_gave() {
    let dir = folder(&[("t/e/a", RULES)]);
    let at = surroundings(dir.path());
    let reader = Reader::new(&at, &is_ruleset).with_limits(Limits { file_bytes: 5, ..Limits::default() });
    assert_eq!(
        reader.tree(OsStr::new("t")).unwrap_err().to_string(),
        "the size of `t/e/a` is beyond the bound of 5 bytes"
    );
    assert_eq!(read(dir.path(), "u").unwrap_err().to_string(), "`u` does not exist");
}

#[test]
fn bounds_are_refused() {
    let dir = folder(&[("e/a", RULES), ("e/b", RULES), ("e/f/g/h", "x"), ("one", RULES)]);
    let at = surroundings(dir.path());
    let refused = |limits: Limits, given: &str| {
        let reader = Reader::new(&at, &is_ruleset).with_limits(limits);
        matches!(reader.tree(OsStr::new(given)), Err(InputError::TooLarge { .. }))
    };
    let limits = Limits::default();
    assert!(!refused(limits, "."));
    assert!(refused(Limits { file_bytes: 5, ..limits }, "."));
    assert!(refused(Limits { file_bytes: 5, ..limits }, "one"));
    assert!(refused(Limits { total_bytes: RULES.len() as u64 * 2, ..limits }, "."));
    assert!(refused(Limits { files: 3, ..limits }, "."));
    assert!(refused(Limits { depth: 3, ..limits }, "."));
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_and_pipes_are_not_opened() {
    use std::os::unix::fs::symlink;
    let dir = folder(&[("t/e/a", RULES), ("out", RULES)]);
    symlink("a", dir.path().join("t/e/b")).unwrap();
    assert_eq!(names(&read(dir.path(), "t").unwrap()), ["e=e/a", "e=e/b"]);
    symlink("../../out", dir.path().join("t/e/c")).unwrap();
    assert_eq!(read(dir.path(), "t").unwrap_err().code(), Some("PATH_NOT_REGULAR"));
    std::fs::remove_file(dir.path().join("t/e/c")).unwrap();
    symlink(dir.path(), dir.path().join("t/loop")).unwrap();
    assert_eq!(read(dir.path(), "t").unwrap_err().code(), Some("PATH_NOT_REGULAR"));
    std::fs::remove_file(dir.path().join("t/loop")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("t/e/socket")).unwrap();
    assert_eq!(read(dir.path(), "t").unwrap_err().code(), Some("PATH_NOT_REGULAR"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let dir = folder(&[("t/e/a", RULES)]);
    std::fs::write(dir.path().join("t/e").join(OsStr::from_bytes(b"\xff")), RULES).unwrap();
    assert!(matches!(read(dir.path(), "t"), Err(InputError::NotUtf8 { .. })));
}

#[test]
fn revisions_with_and_without_a_path() {
    let s = Scene::new();
    let one = s.commit(None, &[], &[("devices/edge1/rules", RULES), ("x/a.v4", RULES), ("x/a.v6", RULES)]);
    s.commit(Some("main"), &[one], &[("devices/edge1/rules", RULES), ("devices/edge2/rules", RULES)]);
    let at = |given: &str| read(&s.path(), given);
    assert_eq!(names(&at("rev:main").unwrap()), ["edge1=devices/edge1/rules", "edge2=devices/edge2/rules"]);
    assert_eq!(names(&at("rev:HEAD~1").unwrap()), ["edge1=devices/edge1/rules"]);
    assert_eq!(names(&at("rev:HEAD~1:x").unwrap()), ["a=a.v4", "a=a.v6"]);
    assert_eq!(names(&at("rev:HEAD~1:x/a.v4").unwrap()), ["a=a.v4"]);
    assert!(matches!(at("rev:HEAD:x"), Err(InputError::Vcs(VcsError::NoSuchPath { .. }))));
    assert!(matches!(at("rev:nowhere"), Err(InputError::Vcs(VcsError::UnknownRevision { .. }))));
    let outside = tempfile::tempdir().unwrap();
    assert!(matches!(read(outside.path(), "rev:main"), Err(InputError::NoRepository { .. })));
    let here = s.surroundings();
    let reader = Reader::new(&here, &is_ruleset).with_devices("x").unwrap();
    assert_eq!(names(&reader.tree(OsStr::new("rev:HEAD~1")).unwrap()), ["a=x/a.v4", "a=x/a.v6"]);
    assert!(Reader::new(&here, &is_ruleset).with_devices("../x").is_err());
}

#[test]
fn a_revision_and_the_same_folder_are_the_same_evidence() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("devices/edge1/rules", RULES)]);
    write(&s.path(), "devices/edge1/rules", RULES);
    let (revision, folder) = (read(&s.path(), "rev:main").unwrap(), read(&s.path(), "devices").unwrap());
    assert!(same_evidence(&revision, &folder));
}

#[test]
fn irregular_entries_of_a_revision_are_refused_unless_ignored() {
    for (path, refused) in
        [("devices/edge1/b", true), ("devices/edge1/README.md", false), ("elsewhere", false), ("roles/x", true)]
    {
        let s = Scene::new();
        let blob = s.git.blob(RULES.as_bytes()).unwrap();
        s.commit_entries(Some("main"), &[], &[("devices/edge1/a", 0o100_644, blob), (path, 0o120_000, blob)]);
        assert_eq!(read(&s.path(), "rev:main").is_err(), refused, "{path}");
    }
}
