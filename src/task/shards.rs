//! Predicting one of N shards of a benchmark, on a machine that may know nothing of those that predict
//! the others.
//!
//! Shards of `hpf.jsonl` are in `hpf.jsonl.shards/`. A run writes in a folder of its own there, begins
//! with what the longest unfinished run of the same shard left, and gives the file its name,
//! `03-of-16.jsonl`, when it is whole. So no file is ever written by two processes, a file that has its
//! name is complete, and of two runs of one shard the second replaces bytes by equal ones. There is no
//! lock and no clock.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use super::partition::{Part, Shard};
use super::predict::{PredictError, PredictEvent, PredictOptions, Predicted, header_of, predict};
use crate::benchmark::Unreadable;
use crate::files;
use crate::method::Method;
use crate::predictions::{
    Header, PredictionsError, Reader, header_difference, header_line, inputs_path, partial_path,
};

/// The file that a run writes in its own folder.
const OWN_FILE: &str = "predictions.jsonl";

/// What follows a shard's name where it is complete.
pub(super) const COMPLETE: &str = ".jsonl";

/// What says on which hardware a file was made. Shards on unlike machines differ in these, which is
/// said when they are merged: none of them can know which is the odd one.
pub(super) const ENGINE_FIELDS: [&str; 2] = ["method.engine", "method.adapter"];

/// What differs between shards of one run.
pub(super) const OWN_FIELDS: [&str; 2] = ["shard.index", "shard.pairs"];

/// Instruction sets that give the same bits, as a header names them.
pub(super) const SAME_BITS: [&str; 2] = ["avx512", "avx2"];

/// Where the shards of a predictions file are: `<file>.shards`.
#[must_use]
pub fn shards_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".shards");
    PathBuf::from(name)
}

/// What this machine is called, for logs and for names of folders; `host` where it does not say.
#[must_use]
pub fn host() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let variable = || ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = kernel.or_else(variable).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    // The first part is enough, and a dot would end the shard's name.
    let first = name.trim().split('.').next().unwrap_or_default();
    let name: String = first.chars().map(plain).take(40).collect();
    if name.is_empty() { "host".to_owned() } else { name }
}

/// What became of a shard.
#[derive(Debug)]
pub struct PredictedShard {
    /// Its file.
    pub file: PathBuf,
    /// Whether it was complete before.
    pub already: bool,
    /// Pairs that were predicted before.
    pub kept: usize,
    /// How many shards are complete, with this one.
    pub complete: usize,
    /// As of any run.
    pub predicted: Predicted,
}

/// What there is to know while a shard is predicted.
#[derive(Debug)]
#[non_exhaustive]
pub enum ShardEvent<'a> {
    /// Something of an earlier run that is not used, and why.
    NotUsed {
        /// The file.
        file: &'a Path,
        /// Why.
        why: String,
    },
    /// Work begins; so many of the shard's pairs are kept from before.
    Kept(usize),
    /// As of any run.
    Predict(PredictEvent<'a>),
}

/// Why a shard could not be predicted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictShardError {
    /// As of any run.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The file that shards are merged into cannot be written where it is wanted.
    #[error("{}: {source}", out.display())]
    Output {
        /// The file.
        out: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// There is an unfinished run that is no shard.
    #[error(
        "{} is an unfinished run of all pairs: continue it without shards, or delete it",
        partial.display()
    )]
    Unfinished {
        /// Its lines.
        partial: PathBuf,
    },
    /// The folder of shards, or something in it, cannot be written or read.
    #[error(
        "{}: {source}; make room, or give a file in a folder that can be written; the same call goes on",
        path.display()
    )]
    Folder {
        /// What cannot be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder has shards of another number.
    #[error(
        "{} is of {found} shards, and {asked} is one of {}; ask for one of {found}, or delete {} to start \
         anew",
        file.display(), asked.of(), files::folder(file).display()
    )]
    OtherNumber {
        /// A file or folder of such a shard.
        file: PathBuf,
        /// How many shards that is one of.
        found: usize,
        /// The shard that was asked for.
        asked: Shard,
    },
    /// The folder has shards of another run.
    #[error(
        "{} is of another run: its {field} is {found}, this run's is {expected}; run with the same options \
         and the same benchmark, or delete {} to start anew",
        file.display(), folder.display()
    )]
    OtherRun {
        /// The file of such a shard.
        file: PathBuf,
        /// The folder of the shards.
        folder: PathBuf,
        /// The first field of its header that differs, such as `method.layers`.
        field: String,
        /// What the file says.
        found: String,
        /// What this run says.
        expected: String,
    },
    /// A shard of an hpflow that computes otherwise.
    #[error(
        "{} was made by {by} with arithmetic {found}, and this hpflow's is {}{}; go on with the hpflow that \
         made it, or delete {} to start anew",
        file.display(),
        crate::ARITHMETIC,
        crate::arithmetic_changes(*found, crate::ARITHMETIC),
        folder.display()
    )]
    OtherArithmetic {
        /// The file of such a shard.
        file: PathBuf,
        /// The folder of the shards.
        folder: PathBuf,
        /// The program that made it.
        by: String,
        /// Its arithmetic.
        found: u64,
    },
}

/// Predicts a shard of a benchmark into its file in the folder of shards of `out`; a file that is there
/// and is of the same photographs and annotations stays as it is. `unreadable` are pairs that the whole
/// benchmark lacks because they cannot be read; the first shard answers for them. `options` need not
/// say that a run is continued, nor which shard it is.
///
/// # Errors
/// Those of [`predict`]; shards of another run in the folder.
pub fn predict_shard(
    (part, unreadable): (&Part, &[Unreadable]),
    method: &mut dyn Method,
    out: &Path,
    options: &PredictOptions,
    listener: &mut dyn FnMut(ShardEvent),
) -> Result<PredictedShard, PredictShardError> {
    let place = files::regular(out)
        .map_err(|source| PredictShardError::Output { out: out.to_owned(), source })?;
    let partial = partial_path(&place);
    if partial.exists() {
        return Err(PredictShardError::Unfinished { partial });
    }
    let folder = shards_path(&place);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| PredictShardError::Folder { path, source }
    };
    let options = PredictOptions { resume: true, shard: Some(part.header()), ..options.clone() };
    let header = header_of(&part.benchmark, method, &options);
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let run = Run { part, header: &header, folder: &folder };
    let siblings = run.siblings()?;
    let file = folder.join(format!("{}{COMPLETE}", part.shard.name()));
    let done = |already, kept, predicted| {
        let complete = run.complete().map_err(failed(&folder))?;
        Ok(PredictedShard { file: file.clone(), already, kept, complete, predicted })
    };
    let (mut before, mut whole) = (None, false);
    if let Some(found) = run.usable(&file, listener) {
        if !found.same_hardware {
            // Whichever hardware is the odd one, this shard is complete.
            let pairs = part.positions.len();
            listener(ShardEvent::Kept(pairs));
            return done(true, pairs, Predicted { pairs, whole: true, ..Predicted::default() });
        }
        whole = found.count == part.positions.len();
        before = Some(found);
    }
    for sibling in siblings.iter().filter(|_| !whole) {
        let found = run.usable(sibling, listener).filter(|found| found.same_hardware);
        let most = before.as_ref().map_or(0, |found| found.count);
        if let Some(found) = found.filter(|found| found.count > most) {
            before = Some(found);
        }
    }
    let own = run.own_folder().map_err(failed(&folder))?;
    let own_file = own.join(OWN_FILE);
    let seeded = before.as_ref().map_or(0, |found| found.count);
    if let Some(found) = before {
        found.copy(&own_file, &header, whole).map_err(failed(&own))?;
    }
    let unreadable = if part.shard.index() == 1 { unreadable } else { &[] };
    let (mut already, mut kept, mut last) = (false, None, 0);
    let pairs = part.positions.len();
    let predicted =
        predict((&part.benchmark, unreadable), method, &own_file, &options, &mut |event| {
            match &event {
                PredictEvent::Begun(begun) => already = begun.complete,
                PredictEvent::Advanced { done, .. } => last = *done,
            }
            let now = if already { pairs } else { last };
            if kept.is_none() && (already || matches!(event, PredictEvent::Advanced { .. })) {
                kept = Some(now);
                listener(ShardEvent::Kept(now));
            }
            listener(ShardEvent::Predict(event));
        });
    let predicted = match predicted {
        Ok(predicted) => predicted,
        Err(error) => {
            // A folder with nothing new would only be in the way of the next run's.
            if last <= seeded {
                let _ = fs::remove_dir_all(&own);
            }
            return Err(error.into());
        }
    };
    let kept = kept.unwrap_or(0);
    if !already {
        run.refuse_other(&file)?;
        // What the lines are made of comes first: lines of which it is not known are predicted again.
        for (from, to) in [(inputs_path(&own_file), inputs_path(&file)), (own_file, file.clone())] {
            files::rename(&from, &to).map_err(failed(&to))?;
        }
    }
    // A folder that stays is of no harm.
    let _ = fs::remove_dir_all(&own);
    done(already, kept, predicted)
}

/// A shard's run.
struct Run<'a> {
    part: &'a Part,
    header: &'a Header,
    folder: &'a Path,
}

/// The lines of an earlier run that fit this one's pairs.
struct Found {
    file: PathBuf,
    lines: String,
    count: usize,
    /// Whether it was made on such hardware as this run's.
    same_hardware: bool,
}

impl Run<'_> {
    /// The unfinished files of this shard; the folder has none of another run.
    fn siblings(&self) -> Result<Vec<PathBuf>, PredictShardError> {
        let failed = |source| PredictShardError::Folder { path: self.folder.to_owned(), source };
        let mut siblings = Vec::new();
        for Entry { shard, rest, path } in entries(self.folder).map_err(failed)? {
            if shard.of() != self.part.shard.of() {
                let (found, asked) = (shard.of(), self.part.shard);
                return Err(PredictShardError::OtherNumber { file: path, found, asked });
            }
            if rest == COMPLETE {
                self.refuse_other(&path)?;
            } else if shard == self.part.shard && path.is_dir() {
                for file in unfinished(&path) {
                    self.refuse_other(&file)?;
                    siblings.push(file);
                }
            }
        }
        Ok(siblings)
    }

    /// Refuses a file of another run; one that cannot be read is not of any.
    fn refuse_other(&self, file: &Path) -> Result<(), PredictShardError> {
        let Ok(reader) = Reader::open(file) else { return Ok(()) };
        let header = reader.header();
        let (file, folder) = (file.to_owned(), self.folder.to_owned());
        if header.arithmetic != self.header.arithmetic {
            let (by, found) = (header.created_by.clone(), header.arithmetic.unwrap_or(1));
            return Err(PredictShardError::OtherArithmetic { file, folder, by, found });
        }
        let but = [ENGINE_FIELDS, OWN_FIELDS].concat();
        match header_difference(header, self.header, &but) {
            Some((field, found, expected)) => {
                Err(PredictShardError::OtherRun { file, folder, field, found, expected })
            }
            None => Ok(()),
        }
    }

    /// What an earlier run of this shard left in a file; nothing where there is none, or none that can
    /// be used.
    fn usable(&self, file: &Path, listener: &mut dyn FnMut(ShardEvent)) -> Option<Found> {
        let mut bytes = fs::read(file).ok()?;
        // A last line that was torn is not used, nor what another run is writing at this moment.
        bytes.truncate(bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1));
        let mut not_used = |why: String| {
            listener(ShardEvent::NotUsed { file, why });
            None
        };
        if bytes.is_empty() {
            return None;
        }
        let reader = match Reader::new(Cursor::new(bytes), file) {
            Ok(reader) => reader,
            Err(error) => return not_used(error.to_string()),
        };
        let found = reader.header().clone();
        if let Some((field, found, expected)) =
            header_difference(&found, self.header, &ENGINE_FIELDS)
        {
            return not_used(format!("its {field} is {found}, this run's is {expected}"));
        }
        let (mut lines, mut count) = (String::new(), 0);
        for prediction in reader {
            let expected = self.part.benchmark.pairs.get(count);
            match prediction {
                Ok(one) if expected.is_some_and(|pair| pair.id == one.pair) => {
                    lines.push_str(&one.to_line());
                    lines.push('\n');
                    count += 1;
                }
                Ok(one) => {
                    not_used(format!("from pair {} on, which is not this run's", one.pair));
                    break;
                }
                Err(error) => {
                    not_used(format!("from its line {} on: {error}", count + 2));
                    break;
                }
            }
        }
        let same_hardware = same_hardware(&found, self.header);
        Some(Found { file: file.to_owned(), lines, count, same_hardware })
    }

    /// A folder that no other run writes in. It stays where the run is killed.
    fn own_folder(&self) -> io::Result<PathBuf> {
        let name = format!("{}.{}-{}-", self.part.shard.name(), host(), std::process::id());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&name).rand_bytes(8);
        // Like any folder that a program makes: others may read it as far as the mask lets them.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        Ok(builder.tempdir_in(self.folder)?.keep())
    }

    /// How many shards are complete.
    fn complete(&self) -> io::Result<usize> {
        Ok(entries(self.folder)?.iter().filter(|entry| entry.rest == COMPLETE).count())
    }
}

impl Found {
    /// Begins a run's own file with these lines, as a whole file or an unfinished one.
    fn copy(&self, own: &Path, header: &Header, whole: bool) -> io::Result<()> {
        let of = if self.file.extension().is_some_and(|ending| ending == "partial") {
            self.file.with_extension("")
        } else {
            self.file.clone()
        };
        // After the lines were read, so that it knows of all of them.
        match fs::copy(inputs_path(&of), inputs_path(own)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => drop(copied?),
        }
        let to = if whole { own.to_owned() } else { partial_path(own) };
        fs::write(to, format!("{}\n{}", header_line(header), self.lines))
    }
}

/// Whether two headers are of such hardware as gives the same bits.
pub(super) fn same_hardware(one: &Header, other: &Header) -> bool {
    let field = |header: &Header, name: &str| {
        serde_json::to_value(header).ok()?.get("method")?.get(name).cloned()
    };
    if field(one, "engine") != field(other, "engine") {
        return false;
    }
    let [one, other] = [one, other].map(|header| field(header, "adapter"));
    let same_bits = |adapter: &Option<serde_json::Value>| {
        let name = adapter.as_ref().and_then(|name| name.as_str());
        name.is_some_and(|name| SAME_BITS.contains(&name))
    };
    one == other || (same_bits(&one) && same_bits(&other))
}

/// Something in the folder of shards that is named after one.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) shard: Shard,
    /// What follows the shard's name, such as [`COMPLETE`].
    pub(super) rest: String,
    pub(super) path: PathBuf,
}

/// What is named after shards in a folder, in the order of the names.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some((shard, rest)) = entry.file_name().to_str().and_then(Shard::of_name) {
            entries.push(Entry { shard, rest: rest.to_owned(), path: entry.path() });
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

/// The files with lines in a run's own folder: unfinished, or not yet given its name.
pub(super) fn unfinished(own: &Path) -> Vec<PathBuf> {
    let whole = own.join(OWN_FILE);
    let both = [partial_path(&whole), whole];
    both.into_iter().filter(|file| file.is_file()).collect()
}

impl PredictShardError {
    /// Whether it is that a disk is full or a folder cannot be written.
    #[must_use]
    pub fn is_about_the_disk(&self) -> bool {
        matches!(
            self,
            Self::Folder { .. } | Self::Predict(PredictError::File(PredictionsError::Write { .. }))
        )
    }
}
