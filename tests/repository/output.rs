//! Files are written whole or not at all.

use crate::scene::folder;
use fwgate::cli::output::{check_writable, write_atomically};

fn names(dir: &std::path::Path) -> Vec<String> {
    let mut out: Vec<_> = dir.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    out.sort();
    out
}

#[test]
fn old_bytes_are_replaced_and_nothing_is_left_beside() {
    let dir = folder(&[("out.json", "old")]);
    let path = dir.path().join("out.json");
    check_writable(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    write_atomically(&path, b"new").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    write_atomically(&dir.path().join("second"), b"2").unwrap();
    assert_eq!(names(dir.path()), ["out.json", "second"]);
}

#[test]
fn places_that_cannot_be_written_are_known_before_work() {
    let dir = folder(&[("sub/file", "x")]);
    for bad in ["sub", "absent/file", "sub/file/under", ".."] {
        let error = check_writable(&dir.path().join(bad)).unwrap_err();
        assert!(error.to_string().contains("cannot be written"), "{bad}");
        assert!(write_atomically(&dir.path().join(bad), b"x").is_err(), "{bad}");
    }
}

#[cfg(unix)]
#[test]
fn links_permissions_and_devices_stay_what_they_are() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = folder(&[("real", "old")]);
    std::fs::set_permissions(dir.path().join("real"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", dir.path().join("link")).unwrap();
    write_atomically(&dir.path().join("link"), b"new").unwrap();
    assert!(dir.path().join("link").symlink_metadata().unwrap().is_symlink());
    assert_eq!(std::fs::read(dir.path().join("real")).unwrap(), b"new");
    assert_eq!(std::fs::metadata(dir.path().join("real")).unwrap().permissions().mode() & 0o777, 0o640);
    write_atomically(std::path::Path::new("/dev/null"), b"x").unwrap();
    check_writable(std::path::Path::new("/dev/null")).unwrap();
}
