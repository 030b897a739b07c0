//! Searching for a layer set in shards: jobs that know nothing of each other evaluate the sets of a depth,
//! each on its own pairs, and whoever finds all parts of a depth makes the next depth of them.
//!
//! Parts of `search.json` are in `search.json.parts/depth-3/05-of-16.json`. Which keypoints a set gets
//! right is a fact, and what follows from all facts of a depth is a pure function, so that every job does
//! it for itself and the search has the bytes of one that ran alone. A part is written under a name of its
//! run's own and gets its name when it is whole: see [`super::predict_shard`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::partition::{Part, Shard};
use super::search_error::{MissingPart, PartsError};
use super::shards::{SAME_BITS, entries, host};
use crate::benchmark::Benchmark;
use crate::digest::sha256;
use crate::files;
use crate::hyperpixel::LayerSet;
use crate::inputs::Inputs;
use crate::method::schedule;
use crate::search::{
    Bits, Evaluation, EvaluationError, Search, SetEvaluator, State, StateError, StoredBits,
    Unfinished,
};

/// What follows a part's name where it is complete.
const COMPLETE: &str = ".json";

/// A part is written at most so often while it is evaluated, after its first pairs.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// How often the folder is looked into while a task waits.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where the parts of a search are: `<file>.parts`.
#[must_use]
pub fn parts_path(file: &Path) -> PathBuf {
    let mut name = files::regular(file).unwrap_or_else(|_| file.to_owned()).into_os_string();
    name.push(".parts");
    PathBuf::from(name)
}

/// What there is to know while a shard of a search is evaluated.
#[derive(Debug)]
#[non_exhaustive]
pub enum PartEvent<'a> {
    /// A part is about to be evaluated.
    Begun {
        /// The depth, from 1.
        depth: usize,
        /// Sets that are evaluated.
        sets: usize,
        /// Pairs that were evaluated before.
        kept: usize,
    },
    /// So many pairs of the part are evaluated.
    Advanced(usize),
    /// A part is complete.
    Complete {
        /// Its file.
        file: &'a Path,
        /// Whether it was complete before.
        already: bool,
        /// The depth, from 1.
        depth: usize,
        /// Parts of the depth that are complete.
        parts: usize,
    },
}

/// A search in parts.
pub struct SearchParts<'a, 'b> {
    search: &'a mut Search<'b>,
    settings: Map<String, Value>,
    /// SHA-256 of what the scores are made of.
    tied: String,
    folder: PathBuf,
}

/// The bits of a part, for each set, pairs in the order of matching of the part alone.
type PartBits = Vec<Vec<bool>>;

impl<'a, 'b> SearchParts<'a, 'b> {
    /// The parts of a search in the file `out`: its settings are those of the file, `inputs` what its
    /// pairs are made of.
    #[must_use]
    pub fn new(
        search: &'a mut Search<'b>,
        settings: Map<String, Value>,
        inputs: &[Inputs],
        out: &Path,
    ) -> Self {
        let text = serde_json::to_string(inputs).expect("texts have a JSON form");
        Self { search, settings, tied: sha256(text.as_bytes()), folder: parts_path(out) }
    }

    /// Evaluates a shard's part of the first depth whose parts are not all there; with `wait` one of
    /// every depth, waiting for the others until no part has come for so long. Whether all depths are
    /// complete.
    ///
    /// # Errors
    /// Those of [`Search::run`]; parts of another search, or that do not come.
    pub fn evaluate(
        &mut self,
        shard: Shard,
        wait: Option<Duration>,
        listener: &mut dyn FnMut(PartEvent),
    ) -> Result<bool, PartsError> {
        let part = Part::of(self.search.evaluator.benchmark, shard);
        let mut state = State::new(self.settings.clone());
        loop {
            let depth = state.depths.len() + 1;
            let sets = self.search.wanted(&state);
            if sets.is_empty() {
                return Ok(true);
            }
            let parts = self.parts(depth, shard.of(), &sets)?;
            let complete = parts.iter().flatten().count();
            if complete == shard.of() {
                self.enter(&sets, &parts, &mut state);
                continue;
            }
            let file = self.file(depth, shard);
            if parts[shard.index() - 1].is_none() {
                self.evaluate_part(&part, (depth, &sets), listener)?;
                let parts = complete + 1;
                listener(PartEvent::Complete { file: &file, already: false, depth, parts });
            } else if wait.is_none() {
                let parts = complete;
                listener(PartEvent::Complete { file: &file, already: true, depth, parts });
            }
            match wait {
                Some(patience) => self.wait((depth, shard.of()), patience)?,
                None => return Ok(false),
            }
        }
    }

    /// The state that all parts make, as of a search that has evaluated them alone.
    ///
    /// # Errors
    /// Parts that are missing or of another search.
    pub fn merged(&mut self) -> Result<State, PartsError> {
        let first = self.entries(1)?;
        let none = || PartsError::None { folder: self.folder.clone() };
        let of = first.first().ok_or_else(none)?.shard.of();
        let mut state = State::new(self.settings.clone());
        loop {
            let depth = state.depths.len() + 1;
            let sets = self.search.wanted(&state);
            if sets.is_empty() {
                return Ok(state);
            }
            let parts = self.parts(depth, of, &sets)?;
            if parts.iter().any(Option::is_none) {
                return Err(self.missing(depth, of)?);
            }
            self.enter(&sets, &parts, &mut state);
        }
    }

    fn folder_of(&self, depth: usize) -> PathBuf {
        self.folder.join(format!("depth-{depth}"))
    }

    fn file(&self, depth: usize, shard: Shard) -> PathBuf {
        self.folder_of(depth).join(format!("{}{COMPLETE}", shard.name()))
    }

    fn settings_of(&self, depth: usize, shard: Shard) -> Map<String, Value> {
        let mut settings = self.settings.clone();
        settings.insert("inputs".to_owned(), self.tied.clone().into());
        settings.insert("depth".to_owned(), depth.into());
        settings.insert("shard".to_owned(), shard.to_string().into());
        settings
    }

    /// What a part's file has of some sets; none where it is not there.
    fn read(
        &self,
        file: &Path,
        (depth, part): (usize, &Part),
        sets: &[LayerSet],
    ) -> Result<Option<Evaluation>, PartsError> {
        let wrong = |what: String| PartsError::Part {
            file: file.to_owned(),
            folder: self.folder.clone(),
            what,
        };
        if !file.exists() {
            return Ok(None);
        }
        let settings = self.settings_of(depth, part.shard);
        let mut state = State::resume(file, settings.clone());
        let own = settings.get("adapter").and_then(Value::as_str);
        if own.is_some_and(|own| SAME_BITS.contains(&own)) {
            for adapter in SAME_BITS {
                if matches!(&state, Err(StateError::Other { setting, .. }) if setting == "adapter")
                {
                    let mut other = settings.clone();
                    other.insert("adapter".to_owned(), adapter.into());
                    state = State::resume(file, other);
                }
            }
        }
        let state = match state {
            Ok(state) => state,
            Err(StateError::Other { setting, .. }) if setting == "inputs" => {
                let what = "a photograph, its maps or an annotation has changed since it was made";
                return Err(wrong(what.to_owned()));
            }
            Err(StateError::Other { setting, found, expected, .. }) => {
                return Err(wrong(format!(
                    "its {setting} is {found}, this search's is {expected}"
                )));
            }
            Err(StateError::Arithmetic { found, expected, .. }) => {
                return Err(wrong(format!(
                    "its arithmetic is {found}, this hpflow's is {expected}"
                )));
            }
            Err(StateError::NotAState { reason, .. }) => {
                return Err(wrong(format!("it is no part of a search ({reason})")));
            }
            Err(error) => return Err(EvaluationError::from(error).into()),
        };
        let Some(Unfinished { pairs, sets: kept }) = state.unfinished else {
            return Err(wrong("it has no sets".to_owned()));
        };
        let same = kept.iter().map(|one| &*one.layers).eq(sets.iter().map(LayerSet::layers));
        let order = order(&part.benchmark);
        let Some(done) = order.get(..pairs).filter(|_| same) else {
            return Err(wrong("its sets or pairs are not those of this search".to_owned()));
        };
        let keypoints: usize = done.iter().map(|&at| part.benchmark.pairs[at].answers()).sum();
        let right: PartBits = kept.into_iter().map(|one| one.right.0).collect();
        if right.iter().any(|bits| bits.len() != keypoints) {
            return Err(wrong(format!("its sets have not the {keypoints} keypoints of its pairs")));
        }
        Ok(Some(Evaluation { pairs, right }))
    }

    /// What is named after shards in the folder of a depth.
    fn entries(&self, depth: usize) -> Result<Vec<super::shards::Entry>, PartsError> {
        let folder = self.folder_of(depth);
        match entries(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            all => all.map_err(|source| PartsError::Folder { path: folder, source }),
        }
    }

    /// The parts of a depth that are complete.
    fn parts(
        &self,
        depth: usize,
        of: usize,
        sets: &[LayerSet],
    ) -> Result<Vec<Option<(Part, PartBits)>>, PartsError> {
        let all = self.entries(depth)?;
        if let Some(other) = all.iter().find(|entry| entry.shard.of() != of) {
            return Err(PartsError::OtherNumber {
                file: other.path.clone(),
                folder: self.folder.clone(),
                found: other.shard.of(),
                expected: of,
            });
        }
        let mut parts: Vec<Option<(Part, PartBits)>> = (0..of).map(|_| None).collect();
        for entry in all.into_iter().filter(|entry| entry.rest == COMPLETE) {
            let part = Part::of(self.search.evaluator.benchmark, entry.shard);
            let found = self.read(&entry.path, (depth, &part), sets)?;
            match found.filter(|found| found.pairs == part.positions.len()) {
                Some(found) => parts[entry.shard.index() - 1] = Some((part, found.right)),
                None => {
                    return Err(PartsError::Part {
                        file: entry.path,
                        folder: self.folder.clone(),
                        what: "it has not all of its pairs".to_owned(),
                    });
                }
            }
        }
        Ok(parts)
    }

    /// Enters a depth whose parts are complete.
    fn enter(&self, sets: &[LayerSet], parts: &[Option<(Part, PartBits)>], state: &mut State) {
        let benchmark = self.search.evaluator.benchmark;
        // Of each pair, by its position: which part has it, and where its bits are.
        let mut places = vec![(0, 0..0); benchmark.pairs.len()];
        for (number, (part, _)) in parts.iter().flatten().enumerate() {
            let mut next = 0;
            for at in order(&part.benchmark) {
                let end = next + part.benchmark.pairs[at].answers();
                places[part.positions[at]] = (number, next..end);
                next = end;
            }
        }
        let bits: Vec<&PartBits> = parts.iter().flatten().map(|(_, bits)| bits).collect();
        let order = order(benchmark);
        let of_set = |set: usize| {
            let of_pair = |&pair: &usize| {
                let (number, range) = places[pair].clone();
                &bits[number][set][range]
            };
            order.iter().flat_map(of_pair).copied().collect::<Vec<bool>>()
        };
        let right: Vec<Vec<bool>> = (0..sets.len()).map(of_set).collect();
        self.search.enter(sets, &right, state);
    }

    /// Evaluates a part.
    fn evaluate_part(
        &mut self,
        part: &Part,
        (depth, sets): (usize, &[LayerSet]),
        listener: &mut dyn FnMut(PartEvent),
    ) -> Result<(), PartsError> {
        let folder = self.folder_of(depth);
        let failed = |source| PartsError::Folder { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut so_far = Evaluation::default();
        for sibling in self.entries(depth)? {
            if sibling.shard == part.shard && sibling.rest != COMPLETE {
                // What is of another search, or damaged, is not used.
                if let Ok(Some(found)) = self.read(&sibling.path, (depth, part), sets)
                    && found.pairs > so_far.pairs
                {
                    so_far = found;
                }
            }
        }
        listener(PartEvent::Begun { depth, sets: sets.len(), kept: so_far.pairs });
        let settings = self.settings_of(depth, part.shard);
        let stored = |so_far: &Evaluation| {
            let mut state = State::new(settings.clone());
            let kept = sets.iter().zip(&so_far.right).map(|(set, right)| StoredBits {
                layers: set.layers().to_vec(),
                right: Bits(right.clone()),
            });
            let (pairs, sets) = (so_far.pairs, kept.collect());
            state.unfinished = Some(Unfinished { pairs, sets });
            state
        };
        // What was evaluated stays where this is killed.
        let name = format!("{}.{}-{}-", part.shard.name(), host(), std::process::id());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&name).suffix(COMPLETE).rand_bytes(8);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let own = builder.tempfile_in(&folder).map_err(failed)?.into_temp_path();
        let own = own.keep().map_err(|error| failed(error.error))?;
        let whole = &mut self.search.evaluator;
        let mut evaluator = SetEvaluator {
            benchmark: &part.benchmark,
            features: whole.features,
            engine: &mut *whole.engine,
            protocol: whole.protocol,
            alpha: whole.alpha,
            layers: whole.layers.clone(),
            memory: whole.memory,
            block: whole.block,
        };
        let mut saved: Option<Instant> = None;
        let evaluated = evaluator.evaluate(sets, so_far, &mut |so_far| {
            listener(PartEvent::Advanced(so_far.pairs));
            if saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY) {
                stored(so_far).write(&own)?;
                saved = Some(Instant::now());
            }
            Ok(())
        })?;
        stored(&evaluated).write(&own).map_err(EvaluationError::from)?;
        files::rename(&own, &self.file(depth, part.shard)).map_err(failed)
    }

    /// Waits until all parts of a depth are there.
    fn wait(&self, (depth, of): (usize, usize), patience: Duration) -> Result<(), PartsError> {
        let mut last = (0, Instant::now());
        loop {
            let all = self.entries(depth)?;
            let now = all.iter().filter(|entry| entry.rest == COMPLETE).count();
            if now == of {
                return Ok(());
            }
            if now != last.0 {
                last = (now, Instant::now());
            }
            if last.1.elapsed() >= patience {
                return Err(self.missing(depth, of)?);
            }
            std::thread::sleep(LOOK_EVERY.min(patience));
        }
    }

    /// Which parts of a depth are missing, as an error.
    fn missing(&self, depth: usize, of: usize) -> Result<PartsError, PartsError> {
        let all = self.entries(depth)?;
        let is_complete =
            |index: usize| all.iter().any(|one| one.shard.index() == index && one.rest == COMPLETE);
        let begun = |index: usize| {
            let own = all.iter().filter(|one| one.shard.index() == index);
            let pairs = |one: &super::shards::Entry| {
                let state = State::resume(&one.path, self.settings_of(depth, one.shard)).ok();
                state.and_then(|state| state.unfinished).map_or(0, |unfinished| unfinished.pairs)
            };
            own.map(pairs).max()
        };
        let missing: Vec<MissingPart> = (1..=of)
            .filter(|&index| !is_complete(index))
            .map(|shard| MissingPart { shard, begun: begun(shard) })
            .collect();
        let complete = of - missing.len();
        Ok(PartsError::Missing { folder: self.folder.clone(), depth, of, complete, missing })
    }
}

/// All pairs of a benchmark in the order of matching.
fn order(benchmark: &Benchmark) -> Vec<usize> {
    schedule::order(benchmark, &(0..benchmark.pairs.len()).collect::<Vec<_>>())
}
