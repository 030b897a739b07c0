//! Inputs from the field: `tests/cases`, a folder a case, and more of each kind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

mod faults;
mod features;
mod mutated;
mod reading;
mod resume;
mod ruler;
mod writing;

/// A copy of a case in a folder of its own.
pub struct Case {
    folder: TempDir,
}

impl Case {
    /// Copies a folder of `tests/cases`; `%3A` in names becomes the colon again.
    pub fn new(name: &str) -> Self {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
        let folder = tempfile::tempdir().expect("a folder");
        copy(&from, folder.path());
        Self { folder }
    }

    /// A path in the copy.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs hpflow in the copy.
    pub fn hpflow(&self, arguments: &[&str]) -> Output {
        let mut command = assert_cmd::Command::cargo_bin("hpflow").expect("the binary");
        command.current_dir(self.folder.path()).args(arguments).env("NO_COLOR", "1");
        command.output().expect("a run")
    }

    /// Runs hpflow in the copy, which must end well, and gives what it prints as a result.
    #[track_caller]
    pub fn prints(&self, arguments: &[&str]) -> String {
        let output = self.hpflow(arguments);
        let said = crate::cli::text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?} said: {said}");
        crate::cli::text(&output.stdout)
    }

    /// The lines of a predictions file in the copy without its header.
    #[track_caller]
    pub fn predictions(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).expect("a predictions file");
        text.lines().skip(1).map(str::to_owned).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder of tests/cases") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().replace("%3A", ":");
        let to = to.join(name);
        if entry.path().is_dir() {
            fs::create_dir(&to).expect("a folder");
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("a file");
        }
    }
}
