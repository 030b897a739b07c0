//! Files that are replaced when the new one is whole, and files that are no data.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A new file in a folder, to be written and then moved over the one that it replaces. Others may read
/// it as far as the process's mask of permissions lets them, like any file that a program writes.
///
/// # Errors
/// A folder that cannot be written.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hpflow-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Whether a name is of what systems leave beside data: hidden files and folders (`.DS_Store`, macOS's
/// `._*`) and those of Windows and of archives.
pub(crate) fn is_litter(name: &str) -> bool {
    const LITTER: [&str; 6] = [
        "thumbs.db",
        "desktop.ini",
        "__macosx",
        "$recycle.bin",
        "system volume information",
        "@eadir",
    ];
    name.starts_with('.') || LITTER.iter().any(|litter| name.eq_ignore_ascii_case(litter))
}

#[cfg(test)]
mod tests {
    /// A folder that others can enter has files that they can read; a private file would be 0600.
    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_any_other() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode();
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let replaced = folder.path().join("replaced");
        super::temporary(folder.path()).unwrap().persist(&replaced).unwrap();
        assert_eq!(mode(&replaced), mode(&plain));
    }
}
