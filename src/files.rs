//! Where an output goes, files that are replaced when the new one is whole, and files that are no data.
//!
//! A path is followed to the end of its links before anything is renamed onto it, so a link stays a
//! link. What is no regular file is written through or refused, never replaced. All renaming is done
//! here.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Links that lead to links, at most, as the system itself has it.
const MOST_LINKS: usize = 40;

/// Where an output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A regular file or a name that is free, behind all links.
    File(PathBuf),
    /// Standard output: `-`, or a path that leads to it, such as `/dev/stdout`.
    Standard,
    /// A device, a pipe or an open file of some process.
    Stream(PathBuf),
}

impl Destination {
    /// Follows a path to where it leads.
    ///
    /// # Errors
    /// A folder, links in a circle, a link into a folder that is missing, a path that the system
    /// refuses.
    pub fn of(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Standard);
        }
        let mut place = path.to_owned();
        for _ in 0..=MOST_LINKS {
            if place.is_dir() {
                let what = "it is a folder; give the name of a file";
                return Err(io::Error::new(ErrorKind::IsADirectory, what));
            }
            if let Some(open) = open_file(&place) {
                return Ok(open);
            }
            let about = match fs::symlink_metadata(&place) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return free(path, place);
                }
                about => about?,
            };
            if !about.is_symlink() {
                return Ok(if about.is_file() { Self::File(place) } else { Self::Stream(place) });
            }
            let to = fs::read_link(&place)?;
            place = folder(&place).join(to);
        }
        let what = "its symbolic links lead back to themselves; remove them, or give another name";
        Err(io::Error::other(what))
    }

    /// Opens what is written through; its end is not replaced, and what is there is not cut off.
    ///
    /// # Errors
    /// The system refuses.
    pub fn open(&self) -> io::Result<Box<dyn Write>> {
        Ok(match self {
            Self::Standard => Box::new(io::stdout()),
            Self::File(place) | Self::Stream(place) => {
                Box::new(OpenOptions::new().append(true).open(place)?)
            }
        })
    }
}

/// A name that is free, in a folder that is there.
fn free(path: &Path, place: PathBuf) -> io::Result<Destination> {
    if folder(&place).is_dir() {
        return Ok(Destination::File(place));
    }
    let what = if place == path {
        format!("there is no folder {}", folder(&place).display())
    } else {
        format!("its symbolic link leads to {}, and that folder is missing", place.display())
    };
    Err(io::Error::new(ErrorKind::NotFound, what))
}

/// What a path of the system's lists of open files is: such links give a name that may be another
/// file's by now, or nobody's.
fn open_file(place: &Path) -> Option<Destination> {
    if place == Path::new("/dev/stdout") {
        return Some(Destination::Standard);
    }
    let name = place.file_name()?;
    let list = folder(place).canonicalize().ok()?;
    if !(list.starts_with("/proc") || list == Path::new("/dev/fd")) {
        return None;
    }
    let own = [format!("/proc/{}", std::process::id()), "/dev/fd".to_owned()];
    let is_own = own.iter().any(|own| list.starts_with(own));
    let is_list = list.file_name() == Some(OsStr::new("fd"));
    Some(if is_own && is_list && name == "1" {
        Destination::Standard
    } else {
        Destination::Stream(place.to_owned())
    })
}

/// The folder that a path is in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The regular file that a path leads to, or the name that is free there.
///
/// # Errors
/// Those of [`Destination::of`], and a path that leads to something else.
pub fn regular(path: &Path) -> io::Result<PathBuf> {
    let found = match Destination::of(path)? {
        Destination::File(place) => return Ok(place),
        Destination::Standard => "it is standard output, not a regular file",
        Destination::Stream(_) => "it is a device or a pipe, not a regular file",
    };
    let mut what = format!("{found}; give the name of a file");
    if path == Path::new("-") {
        what.push_str(" (./- for one that is called so)");
    }
    Err(io::Error::new(ErrorKind::InvalidInput, what))
}

/// Opens a file for reading that must be a regular one. It is asked what it is before it is opened:
/// opening a pipe waits for its other end, and reading a device may never end.
///
/// # Errors
/// Something else than a regular file, and what the system refuses.
pub(crate) fn open_input(path: &Path) -> io::Result<File> {
    is_regular(path)?;
    File::open(path)
}

/// The bytes of a file that must be a regular one.
///
/// # Errors
/// Those of [`open_input`].
pub(crate) fn read_input(path: &Path) -> io::Result<Vec<u8>> {
    is_regular(path)?;
    fs::read(path)
}

/// Refuses to read what is not a regular file.
fn is_regular(path: &Path) -> io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let found = if kind.is_dir() {
        "it is a folder"
    } else if is_pipe(kind) {
        "it is a pipe"
    } else {
        "it is a device or a socket"
    };
    let what = format!("{found}, not a regular file");
    let kind = if kind.is_dir() { ErrorKind::IsADirectory } else { ErrorKind::InvalidInput };
    Err(io::Error::new(kind, what))
}

#[cfg(unix)]
fn is_pipe(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_: fs::FileType) -> bool {
    false
}

/// Whether an output can be written, found out before the work whose result it is to hold; what is
/// there stays as it is.
///
/// # Errors
/// Those of [`Destination::of`]; a folder or a file that cannot be written.
pub fn check(path: &Path) -> io::Result<Destination> {
    let destination = Destination::of(path)?;
    match &destination {
        Destination::File(place) if place.exists() => {
            OpenOptions::new().append(true).open(place)?;
        }
        Destination::File(place) => {
            tempfile::tempfile_in(folder(place))?;
        }
        // Opening a pipe waits for its other end.
        Destination::Standard | Destination::Stream(_) => {}
    }
    Ok(destination)
}

/// Writes an output: a file is replaced when the new one is whole, all else is written through.
///
/// # Errors
/// Those of [`Destination::of`], and what the system refuses.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    match Destination::of(path)? {
        Destination::File(place) => {
            let mut new = match Replacement::at(place.clone()) {
                // A file may be written in a folder that may not.
                Err(_) if place.exists() => return fs::write(place, bytes),
                new => new?,
            };
            new.file().write_all(bytes.as_ref())?;
            new.finish().map(drop)
        }
        destination => {
            let mut out = destination.open()?;
            out.write_all(bytes.as_ref())?;
            out.flush()
        }
    }
}

/// Gives a file the name to which a path leads, in place of the file of that name.
///
/// # Errors
/// Those of [`regular`], and what the system refuses.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, regular(to)?)
}

/// Moves a file or a folder to a name that is free: not even a link may have it.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`], and what the system refuses.
#[cfg(any(feature = "hub", test))]
pub(crate) fn place(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

/// A new file beside the one that it is to replace.
#[derive(Debug)]
pub(crate) struct Replacement {
    temporary: NamedTempFile,
    place: PathBuf,
}

impl Replacement {
    /// An empty file, to be written and then put where a path leads.
    ///
    /// # Errors
    /// Those of [`regular`], and a folder that cannot be written.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Self::at(regular(path)?)
    }

    /// Others may read it as far as the process's mask of permissions lets them, like any file that a
    /// program writes.
    fn at(place: PathBuf) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".hpflow-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(Self { temporary: builder.tempfile_in(folder(&place))?, place })
    }

    /// The new file.
    pub(crate) fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Puts it on the disk and then in the place of the old one, whose permissions it takes.
    ///
    /// # Errors
    /// What the system refuses; the old file stays.
    pub(crate) fn finish(self) -> io::Result<File> {
        let Self { temporary, place } = self;
        if let Ok(about) = fs::metadata(&place) {
            // Those of a new file do as well.
            let _ = temporary.as_file().set_permissions(about.permissions());
        }
        temporary.as_file().sync_all()?;
        temporary.persist(place).map_err(|error| error.error)
    }
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
    use super::*;

    /// A folder that others can enter has files that they can read; a private file would be 0600.
    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_any_other_or_of_the_one_that_it_replaces() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        let new = folder.path().join("new");
        Replacement::of(&new).unwrap().finish().unwrap();
        assert_eq!(mode(&new), mode(&plain));
        fs::set_permissions(&new, PermissionsExt::from_mode(0o640)).unwrap();
        Replacement::of(&new).unwrap().finish().unwrap();
        assert_eq!(mode(&new), 0o640);
    }

    #[test]
    fn a_name_that_is_free_and_a_file_are_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        assert_eq!(Destination::of(&path).unwrap(), Destination::File(path.clone()));
        write(&path, "1").unwrap();
        write(&path, "2").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let error = Destination::of(folder.path()).unwrap_err().to_string();
        assert!(error.contains("it is a folder"), "{error}");
        let error = check(&folder.path().join("no/a.txt")).unwrap_err().to_string();
        assert!(error.contains("there is no folder"), "{error}");
        let error = regular(Path::new("-")).unwrap_err().to_string();
        assert!(error.contains("standard output") && error.contains("./-"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_to_their_end_and_stay() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("disk")).unwrap();
        // A chain of relative links from folder to folder, to a file that is not there yet.
        symlink("disk/two", at("one")).unwrap();
        symlink("../three", at("disk/two")).unwrap();
        symlink(at("disk/end"), at("three")).unwrap();
        for text in ["1", "2"] {
            write(&at("one"), text).unwrap();
            assert_eq!(fs::read_to_string(at("disk/end")).unwrap(), text);
        }
        let mut new = Replacement::of(&at("one")).unwrap();
        new.file().write_all(b"3").unwrap();
        new.finish().unwrap();
        fs::write(at("from"), "4").unwrap();
        assert_eq!(fs::read_to_string(at("disk/end")).unwrap(), "3");
        rename(&at("from"), &at("one")).unwrap();
        assert_eq!(fs::read_to_string(at("disk/end")).unwrap(), "4");
        for link in ["one", "disk/two", "three"] {
            assert!(at(link).is_symlink(), "{link}");
        }
        assert_eq!(fs::read_dir(at("disk")).unwrap().count(), 2, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_and_into_nowhere_are_refused() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink(at("b"), at("a")).unwrap();
        symlink(at("a"), at("b")).unwrap();
        let error = write(&at("a"), "").unwrap_err().to_string();
        assert!(error.contains("lead back"), "{error}");
        symlink("no/such", at("c")).unwrap();
        let error = write(&at("c"), "").unwrap_err().to_string();
        assert!(error.contains("no/such") && error.contains("missing"), "{error}");
        symlink(folder.path(), at("d")).unwrap();
        let error = write(&at("d"), "").unwrap_err().to_string();
        assert!(error.contains("it is a folder"), "{error}");
        let error = place(&at("b"), &at("c")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "a link that leads nowhere is a name");
    }

    #[cfg(unix)]
    #[test]
    fn inputs_are_regular_files() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        symlink(at("pipe"), at("link")).unwrap();
        fs::write(at("file"), "1").unwrap();
        for (name, what) in [
            ("pipe", "it is a pipe"),
            ("link", "it is a pipe"),
            (".", "it is a folder"),
            ("/dev/zero", "it is a device"),
        ] {
            // Opening the pipe would wait for ever.
            let error = open_input(&at(name)).unwrap_err().to_string();
            assert!(error.starts_with(what) && error.contains("not a regular file"), "{error}");
            assert_eq!(read_input(&at(name)).unwrap_err().to_string(), error);
        }
        assert_eq!(read_input(&at("file")).unwrap(), b"1");
        assert_eq!(open_input(&at("no")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_and_open_files_are_written_through() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("/dev/null", at("null")).unwrap();
        let null = Destination::Stream("/dev/null".into());
        assert_eq!(Destination::of(&at("null")).unwrap(), null);
        write(&at("null"), "1").unwrap();
        assert!(regular(&at("null")).unwrap_err().to_string().contains("a device or a pipe"));
        let text = write(Path::new("/dev/full"), "1").unwrap_err().kind();
        assert_eq!(text, ErrorKind::StorageFull);
        symlink("/proc/self/fd/1", at("out")).unwrap();
        for out in ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1", "/proc/thread-self/fd/1", "-"] {
            assert_eq!(Destination::of(Path::new(out)).unwrap(), Destination::Standard, "{out}");
        }
        assert_eq!(Destination::of(&at("out")).unwrap(), Destination::Standard);
        // A regular file behind an open file: what it has stays, and so does its name.
        fs::write(at("log"), "1").unwrap();
        let open = OpenOptions::new().append(true).open(at("log")).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        symlink(format!("/proc/self/fd/{number}"), at("open")).unwrap();
        write(&at("open"), "2").unwrap();
        assert_eq!(fs::read_to_string(at("log")).unwrap(), "12");
        assert!(at("open").is_symlink() && regular(&at("open")).is_err());
    }
}
