//! One predictions file of the shards that lie in its folder, with the bytes that a run of all pairs
//! writes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::partition::Shard;
use super::shards::{
    COMPLETE, ENGINE_FIELDS, Entry, OWN_FIELDS, entries, same_hardware, shards_path, unfinished,
};
use crate::digest::sha256;
use crate::files::{self, Replacement};
use crate::predictions::{
    Header, InputsFile, Known, Made, Prediction, PredictionsError, Reader, ShardHeader,
    header_difference, header_line, inputs_path, partial_path,
};

/// How shards are merged.
#[derive(Debug, Clone, Copy, Default)]
pub struct MergeOptions {
    /// Write the pairs of the shards that are complete where some are not.
    pub partial: bool,
    /// Delete the folder of shards when all pairs are in the file.
    pub delete: bool,
}

/// What became of shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// Pairs in the file.
    pub pairs: usize,
    /// How many shards they are of.
    pub complete: usize,
    /// How many shards there are.
    pub of: usize,
    /// Shards whose pairs are not in the file; none unless parts will do.
    pub faults: Vec<ShardFault>,
    /// Pairs without an answer, because a photograph cannot be used.
    pub unanswered: Vec<String>,
    /// Pairs without a line, because they could not be read.
    pub left_out: Vec<String>,
    /// Whether there were no shards and the file was there already.
    pub already: bool,
}

/// What is wrong with a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardFault {
    /// Which shard, from 1.
    pub shard: usize,
    /// What is wrong.
    pub kind: ShardFaultKind,
}

/// See [`ShardFault`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShardFaultKind {
    /// Nothing of it is there.
    NotBegun,
    /// No run of it has ended: so many pairs of so many, where that is known.
    Begun {
        /// Pairs that are predicted.
        done: usize,
        /// Pairs of the shard.
        pairs: Option<usize>,
    },
    /// Its file was changed or cut off. Running it again mends it.
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// Its file is of another run than most. It is to be deleted, and made again.
    Foreign {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl fmt::Display for ShardFaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotBegun => write!(formatter, "not begun"),
            Self::Begun { done, pairs: Some(pairs) } => {
                write!(formatter, "begun, {done} of {pairs} pairs")
            }
            Self::Begun { done, pairs: None } => write!(formatter, "begun, {done} pairs"),
            Self::Damaged { what } => write!(formatter, "damaged: {what}"),
            Self::Foreign { what, .. } => write!(formatter, "{what}"),
        }
    }
}

/// Why shards could not be merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There are no shards.
    #[error("{} is not there, or has no shards, and neither is {}", folder.display(), out.display())]
    None {
        /// Where shards would be.
        folder: PathBuf,
        /// The file.
        out: PathBuf,
    },
    /// Shards of different numbers.
    #[error(
        "{}: {} is one of {} shards, {} one of {}; delete those of one of the two",
        folder.display(), files[0], numbers[0], files[1], numbers[1]
    )]
    Numbers {
        /// The folder.
        folder: PathBuf,
        /// The name of a shard of each number.
        files: Box<[String; 2]>,
        /// Both numbers.
        numbers: [usize; 2],
    },
    /// Shards that are missing, unfinished, damaged or of another run.
    #[error("{}: {complete} of {of} shards are complete", folder.display())]
    Incomplete {
        /// The folder.
        folder: PathBuf,
        /// How many are complete.
        complete: usize,
        /// How many there are.
        of: usize,
        /// What is wrong with the others.
        faults: Vec<ShardFault>,
    },
    /// All shards are there, and have not all pairs.
    #[error(
        "{}: none of its {of} shards has pair {position} of {total}: they were not divided by one hpflow; \
         delete the folder, and predict again",
        folder.display()
    )]
    Hole {
        /// The folder.
        folder: PathBuf,
        /// How many shards there are.
        of: usize,
        /// The first pair that is missing, from 1.
        position: usize,
        /// How many pairs there are.
        total: usize,
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
    /// A file cannot be read.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
    /// Something cannot be read or written.
    #[error("{}: {source}; make room, or mend its permissions, and merge again", path.display())]
    Io {
        /// What cannot be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes a predictions file from its shards, in the order of the benchmark's pairs: the bytes are
/// those of a run of all pairs. It is there as a whole or not at all. Where there are no shards and the
/// file is there, it stays.
///
/// # Errors
/// Shards that are missing, unfinished, damaged or of another run.
pub fn merge(out: &Path, options: MergeOptions) -> Result<Merged, MergeError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| MergeError::Io { path, source }
    };
    let place = files::regular(out).map_err(failed(out))?;
    let partial = partial_path(&place);
    if partial.exists() {
        return Err(MergeError::Unfinished { partial });
    }
    let folder = shards_path(&place);
    let all = match entries(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        all => all.map_err(failed(&folder))?,
    };
    if place.exists() {
        // What is no predictions file is not replaced.
        Reader::open(&place)?;
    }
    let Some(of) = number(&folder, &all)? else {
        if !place.exists() {
            return Err(MergeError::None { folder, out: place });
        }
        let mut pairs = 0;
        for prediction in Reader::open(&place)? {
            prediction?;
            pairs += 1;
        }
        return Ok(Merged { pairs, already: true, ..Merged::default() });
    };
    let Read { mut shards, mut faults } = Read::of(&all)?;
    faults.extend(foreign(&mut shards));
    faults.extend(overlapping(&mut shards));
    for index in 1..=of {
        if !shards.contains_key(&index) && faults.iter().all(|fault| fault.shard != index) {
            faults.push(ShardFault { shard: index, kind: begun(&all, index) });
        }
    }
    faults.sort_by_key(|fault| fault.shard);
    let complete = shards.len();
    let first = shards.values().next();
    let (Some(first), true) = (first, faults.is_empty() || options.partial) else {
        return Err(MergeError::Incomplete { folder, complete, of, faults });
    };
    let header = first.header.clone().of_shard(None);
    let total = first.about.total;
    let order = order(&shards);
    if let (true, Some(position)) = (faults.is_empty(), hole(&order, total)) {
        return Err(MergeError::Hole { folder, of, position: position + 1, total });
    }
    let mut merged = Merged { pairs: order.len(), complete, of, faults, ..Merged::default() };
    let mut made = Vec::with_capacity(order.len());
    let mut left_out: Vec<&str> =
        shards.values().flat_map(|one| one.known.all_left_out()).collect();
    left_out.sort_unstable();
    left_out.dedup();
    for pair in left_out {
        made.push(Made::left_out(pair));
        merged.left_out.push(pair.to_owned());
    }
    let mut write = || {
        let mut new = Replacement::of(&place)?;
        let mut out = io::BufWriter::new(new.file());
        writeln!(out, "{}", header_line(&header))?;
        for (_, prediction, one) in &order {
            let line = prediction.to_line();
            writeln!(out, "{line}")?;
            let line = sha256(line.as_bytes());
            let made_of = one.known.get(&prediction.pair, &line).cloned();
            let made_of = made_of.unwrap_or_else(|| Made::of_unknown(prediction, line));
            if made_of.unusable {
                merged.unanswered.push(prediction.pair.clone());
            }
            made.push(made_of);
        }
        out.flush()?;
        drop(out);
        Ok(new)
    };
    let new = write().map_err(failed(&place))?;
    // Also refuses somebody's file of that name. What the lines are made of comes first: a line is
    // believed only where both files say the same of it.
    InputsFile::read(&place)?;
    let all_answered = merged.unanswered.is_empty() && merged.left_out.is_empty();
    if !all_answered {
        InputsFile::replace(&place, &made)?;
    }
    new.finish().map_err(failed(&place))?;
    if all_answered {
        remove(&inputs_path(&place), |path| fs::remove_file(path)).map_err(failed(&place))?;
    }
    if options.delete && merged.faults.is_empty() {
        remove(&folder, |path| fs::remove_dir_all(path)).map_err(failed(&folder))?;
    }
    Ok(merged)
}

/// Removes what may be gone already.
fn remove(path: &Path, by: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    match by(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Of how many shards all are; none where there are none.
fn number(folder: &Path, all: &[Entry]) -> Result<Option<usize>, MergeError> {
    let Some(first) = all.first() else { return Ok(None) };
    match all.iter().find(|entry| entry.shard.of() != first.shard.of()) {
        None => Ok(Some(first.shard.of())),
        Some(other) => Err(MergeError::Numbers {
            folder: folder.to_owned(),
            files: Box::new([first, other].map(|one| format!("{}{}", one.shard.name(), one.rest))),
            numbers: [first, other].map(|one| one.shard.of()),
        }),
    }
}

/// A shard that is complete.
struct Complete {
    file: PathBuf,
    header: Header,
    about: ShardHeader,
    predictions: Vec<Prediction>,
    known: Known,
}

/// The shards in a folder.
struct Read {
    shards: BTreeMap<usize, Complete>,
    faults: Vec<ShardFault>,
}

impl Read {
    fn of(all: &[Entry]) -> Result<Self, MergeError> {
        let (mut shards, mut faults) = (BTreeMap::new(), Vec::new());
        for Entry { shard, path, .. } in all.iter().filter(|entry| entry.rest == COMPLETE) {
            match Complete::read(*shard, path) {
                Ok(complete) => drop(shards.insert(shard.index(), complete)),
                Err(Fault::Kind(kind)) => faults.push(ShardFault { shard: shard.index(), kind }),
                Err(Fault::System(error)) => return Err(error.into()),
            }
        }
        Ok(Self { shards, faults })
    }
}

/// Why a file is no complete shard.
enum Fault {
    /// It can be mended.
    Kind(ShardFaultKind),
    /// It cannot be read.
    System(PredictionsError),
}

impl Complete {
    fn read(shard: Shard, file: &Path) -> Result<Self, Fault> {
        let damaged = |what: String| Fault::Kind(ShardFaultKind::Damaged { what });
        let unread = |error: PredictionsError| match error {
            error @ PredictionsError::Read { .. } => Fault::System(error),
            error => damaged(error.to_string()),
        };
        // Before the lines, as a shard that is replaced meanwhile is by equal bytes.
        let known = InputsFile::read(file).map_err(unread)?;
        let reader = Reader::open(file).map_err(unread)?;
        let header = reader.header().clone();
        let foreign =
            |what: String| Fault::Kind(ShardFaultKind::Foreign { file: file.to_owned(), what });
        let Some(about) = header.shard.clone() else {
            return Err(foreign("its first line does not say that it is a shard".to_owned()));
        };
        if (about.index, about.of) != (shard.index(), shard.of()) {
            let (index, of) = (about.index, about.of);
            return Err(foreign(format!("its first line says that it is shard {index}/{of}")));
        }
        if !about.is_sound() {
            return Err(damaged("the pairs that its first line says are no runs".to_owned()));
        }
        let predictions = reader.collect::<Result<Vec<_>, _>>().map_err(unread)?;
        let (found, expected) = (predictions.len(), about.len());
        if found != expected {
            return Err(damaged(format!("it has {found} pairs, and {expected} are its own")));
        }
        let changed = predictions.iter().find(|one| {
            !known.is_empty() && known.get(&one.pair, &sha256(one.to_line().as_bytes())).is_none()
        });
        if let Some(one) = changed {
            return Err(damaged(format!("the line of pair {} is not the one written", one.pair)));
        }
        Ok(Self { file: file.to_owned(), header, about, predictions, known })
    }
}

/// Takes out the shards that are of another run than most, of equals than the first.
fn foreign(shards: &mut BTreeMap<usize, Complete>) -> Vec<ShardFault> {
    let but = [ENGINE_FIELDS, OWN_FIELDS].concat();
    let same = |one: &Complete, other: &Complete| {
        header_difference(&one.header, &other.header, &but).is_none()
            && same_hardware(&one.header, &other.header)
    };
    // The first of each kind, and how many are of it.
    let mut kinds: Vec<(usize, usize)> = Vec::new();
    for (&index, one) in &*shards {
        match kinds.iter_mut().find(|(first, _)| same(&shards[first], one)) {
            Some((_, count)) => *count += 1,
            None => kinds.push((index, 1)),
        }
    }
    let most = kinds.iter().map(|(_, count)| *count).max();
    let Some(&(usual, _)) = kinds.iter().find(|(_, count)| Some(*count) == most) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    for (&index, one) in shards.iter().filter(|(_, one)| !same(&shards[&usual], one)) {
        let difference = header_difference(&one.header, &shards[&usual].header, &OWN_FIELDS);
        let (field, found, expected) = difference.expect("headers that differ differ in a field");
        let what = format!("its {field} is {found}, that of the others is {expected}");
        let kind = ShardFaultKind::Foreign { file: one.file.clone(), what };
        faults.push(ShardFault { shard: index, kind });
    }
    shards.retain(|index, _| faults.iter().all(|fault| fault.shard != *index));
    faults
}

/// Takes out the shards that have a pair which another has too.
fn overlapping(shards: &mut BTreeMap<usize, Complete>) -> Vec<ShardFault> {
    let mut by_position: HashMap<usize, usize> = HashMap::new();
    let mut by_pair: HashMap<&str, usize> = HashMap::new();
    let mut pairs: HashSet<(usize, usize)> = HashSet::new();
    for (&index, one) in &*shards {
        for (position, prediction) in one.about.positions().zip(&one.predictions) {
            let others =
                [by_position.insert(position, index), by_pair.insert(&prediction.pair, index)];
            for other in others.into_iter().flatten() {
                pairs.extend([(other, index), (index, other)]);
            }
        }
    }
    let mut faults: BTreeMap<usize, ShardFault> = BTreeMap::new();
    for (index, other) in pairs {
        let what = if index == other {
            "it has a pair twice".to_owned()
        } else {
            format!("it has pairs that shard {other} has too")
        };
        let kind = ShardFaultKind::Foreign { file: shards[&index].file.clone(), what };
        let fault = ShardFault { shard: index, kind };
        // Of several others the first is named.
        let said = faults.entry(index).or_insert_with(|| fault.clone());
        if fault.kind.to_string() < said.kind.to_string() {
            *said = fault;
        }
    }
    shards.retain(|index, _| !faults.contains_key(index));
    faults.into_values().collect()
}

/// All pairs in their order: position, prediction, and the shard that it is from.
fn order(shards: &BTreeMap<usize, Complete>) -> Vec<(usize, &Prediction, &Complete)> {
    let of_shard = |one: &'_ Complete| one.about.positions().collect::<Vec<_>>();
    let mut all: Vec<(usize, &Prediction, &Complete)> = Vec::new();
    for one in shards.values() {
        let positions = of_shard(one).into_iter().zip(&one.predictions);
        all.extend(positions.map(|(position, prediction)| (position, prediction, one)));
    }
    all.sort_by_key(|(position, ..)| *position);
    all
}

/// The first position that is missing, or beyond all.
fn hole(order: &[(usize, &Prediction, &Complete)], total: usize) -> Option<usize> {
    let wrong = order.iter().enumerate().find(|(at, (position, ..))| at != position);
    match wrong {
        Some((at, _)) => Some(at),
        None => (order.len() != total).then(|| order.len().min(total)),
    }
}

/// How far a shard has come that is not complete.
fn begun(all: &[Entry], index: usize) -> ShardFaultKind {
    let own = all.iter().filter(|entry| entry.shard.index() == index && entry.path.is_dir());
    let files = own.flat_map(|entry| unfinished(&entry.path));
    let standing = files.filter_map(|file| {
        let reader = Reader::open(&file).ok()?;
        let pairs = reader.header().shard.as_ref().map(ShardHeader::len);
        Some((reader.map_while(Result::ok).count(), pairs))
    });
    match standing.max_by_key(|(done, _)| *done) {
        Some((done, pairs)) => ShardFaultKind::Begun { done, pairs },
        None => ShardFaultKind::NotBegun,
    }
}
