//! Files that are replaced when the new one is whole.

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
