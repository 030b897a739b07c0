//! Searching for a layer set, in a file that a search that was stopped goes on from.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::keep::{KeepError, keep_features};
use super::partition::Shard;
use super::search_error::{LayerList, PartsError, SearchError};
use super::search_parts::{PartEvent, SearchParts, parts_path};
use crate::backbone::{Backbone, BackboneError};
use crate::benchmark::Benchmark;
use crate::engine::Engine;
use crate::features::{Features, FeaturesError, Precision, file_of};
use crate::files;
use crate::inputs::{self, Identify, Inputs, of_pairs};
use crate::method::OpenError;
use crate::predictions::MethodHeader;
use crate::report::search::{Searched, page, pictures};
use crate::score::{Alpha, Measure, default_for};
use crate::search::{
    ARITHMETIC_KEY, EvaluationEvent, PAIR_BLOCK, ScoredSet, Search, SearchOutcome, SearchPlan,
    SetEvaluator, State, StateError, StoredScore, check_inputs, write_inputs,
};

/// The state is written at most so often while a depth is under way, after its first pairs.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// The bases that are tried where none are given (published code: as many as the beam is wide).
const USUAL_BASES: usize = 4;

/// What is searched, and how.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchOptions {
    /// Go on with the search whose file is there; the result is that of a search that was not stopped.
    /// A complete one goes on to a greater depth.
    pub resume: bool,
    /// Which pairs were asked for, for the file of the search; nothing where it is all.
    pub selection: MethodHeader,
    /// Layers that are tried as base; the first four where empty.
    pub bases: Vec<usize>,
    /// Layers that extend a set; all where empty.
    pub candidates: Vec<usize>,
    /// Sets that go on from each depth to the next, at least one.
    pub beam: usize,
    /// Layers of the largest sets, at least one.
    pub depth: usize,
    /// Whether the quirk of the published code is kept: see [`SearchPlan::extensions`].
    pub as_published: bool,
    /// The share of the threshold within which a keypoint is right.
    pub alpha: Alpha,
    /// Bytes for the photographs' maps, of which those of one pair are held in any case, and again as
    /// many for what is kept of pairs.
    pub memory: usize,
    /// A folder for a page with pictures of the search, made before the work:
    /// [`FoundLayers::write_report`].
    pub report: Option<PathBuf>,
}

impl Default for SearchOptions {
    /// As published: four sets a beam, up to eight layers, α 0.1; maps in 2 GiB.
    fn default() -> Self {
        Self {
            resume: false,
            selection: MethodHeader::default(),
            bases: Vec::new(),
            candidates: Vec::new(),
            beam: 4,
            depth: 8,
            as_published: false,
            alpha: Alpha::hundredths(10),
            memory: 2 << 30,
            report: None,
        }
    }
}

/// Where a search takes the maps of photographs from.
#[non_exhaustive]
pub enum SearchMaps<'a> {
    /// From a folder of kept features.
    Kept {
        /// The folder.
        folder: &'a Path,
        /// The backbone that they must be of; any where `None`.
        backbone: Option<&'a str>,
    },
    /// From a backbone. It is opened when all that is cheap to find wrong has been looked at; its maps
    /// wait beside the file of the search until [`FoundLayers::finish`].
    Backbone(&'a dyn Fn() -> Result<Box<dyn Backbone>, OpenError>),
}

/// What there is to know while a search runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum SearchEvent<'a> {
    /// Maps beside the file of the search are of other options or damaged, and are made anew.
    Remade {
        /// Their folder.
        folder: &'a Path,
    },
    /// So many photographs have been through the backbone.
    Extracted {
        /// Photographs that are done.
        done: usize,
        /// All photographs.
        total: usize,
    },
    /// Sets are about to be evaluated.
    Begun {
        /// Pairs × sets that were evaluated, of all depths.
        done: usize,
        /// Pairs × sets of all depths; those of depths to come are estimated.
        total: usize,
        /// The depth, from 1.
        depth: usize,
        /// Sets of this evaluation.
        sets: usize,
    },
    /// So many more pairs × sets are evaluated.
    Advanced(usize),
    /// A depth is complete.
    Depth {
        /// The depth, from 1.
        depth: usize,
        /// Sets that were evaluated.
        evaluated: usize,
        /// Those that go on, best first.
        beam: &'a [ScoredSet],
    },
}

/// What a search found.
#[derive(Debug)]
#[must_use = "`finish` removes the maps that the search made"]
pub struct FoundLayers {
    /// The best sets of all depths.
    pub outcome: SearchOutcome,
    /// The backbone.
    pub backbone: String,
    /// What decides its maps: weights with their SHA-256, and so on.
    pub made_with: Map<String, Value>,
    searched: Searched,
    report: Option<PathBuf>,
    /// Maps that the search made: their folder and files.
    maps: Option<Maps>,
}

impl FoundLayers {
    /// Writes a page with pictures of the search (`index.html`), and the pictures (SVG), into
    /// [`SearchOptions::report`], if it was given. The page shows `call` as the way to predict with the
    /// best set.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write_report(&self, call: &str) -> Result<(), SearchError> {
        let Some(folder) = &self.report else { return Ok(()) };
        let write = || {
            std::fs::create_dir_all(folder)?;
            let html = page(&self.searched, &self.outcome, call);
            files::write(&folder.join("index.html"), html)?;
            pictures(&self.searched)
                .into_iter()
                .try_for_each(|(name, picture)| files::write(&folder.join(name), picture))
        };
        write().map_err(|source| SearchError::Report { folder: folder.clone(), source })
    }

    /// Removes the maps that the search made; what else is in their folder stays.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn finish(self) -> Result<(), SearchError> {
        self.maps.map_or(Ok(()), |maps| maps.discard())
    }
}

/// Searches for the layer set that scores best on a benchmark (HPF, section 3.4), in a file that is
/// written after the first pairs, after every depth and every few seconds.
///
/// # Errors
/// See [`SearchError`]. What can be wrong is found before a backbone is at work.
pub fn search(
    benchmark: &Benchmark,
    maps: &SearchMaps<'_>,
    engine: &mut dyn Engine,
    out: &Path,
    options: &SearchOptions,
    listener: &mut dyn FnMut(SearchEvent<'_>),
) -> Result<FoundLayers, SearchError> {
    files::regular(out).map_err(|source| SearchError::Output { file: out.to_owned(), source })?;
    check_search_file(out, options.resume)?;
    let protocol = default_for(benchmark.kind);
    if protocol.measure != Measure::Keypoints {
        return Err(SearchError::Masks { benchmark: benchmark.name().to_owned() });
    }
    if let Some(folder) = &options.report {
        std::fs::create_dir_all(folder)
            .map_err(|source| SearchError::ReportFolder { folder: folder.clone(), source })?;
    }
    let _lock = Lock::of(out)?;
    let device = [engine.name().to_owned(), engine.adapter()];
    let asked = Asked { benchmark, out, options, device, begun: out.exists() };
    let Ready { features, plan, inputs, made } = asked.ready(maps, listener)?;
    for &layer in &plan.bases {
        let wrong = |error: FeaturesError| SearchError::NoBase { layer, why: error.to_string() };
        features.geometry(layer).map_err(wrong)?;
    }
    let mut settings = asked.settings(&plan);
    settings.extend(of_features(&features));
    let mut state = State::resume(out, settings.clone())?;
    let depth = options.depth.max(1);
    if state.depths.len() > depth {
        return Err(SearchError::Deeper { file: out.to_owned(), layers: state.depths.len() });
    }
    let evaluator = SetEvaluator {
        benchmark,
        features: &features,
        engine,
        protocol,
        alpha: options.alpha,
        layers: layers(&plan),
        memory: options.memory,
        block: PAIR_BLOCK,
    };
    let order = evaluator.order();
    let keypoints: Vec<usize> = order.iter().map(|&pair| benchmark.pairs[pair].answers()).collect();
    state
        .fits(&keypoints, &evaluator.layers)
        .map_err(|reason| StateError::NotAState { file: out.to_owned(), reason })?;
    asked.tie(&inputs)?;
    let mut search = Search { evaluator, plan, depth };
    if parts_path(out).is_dir() {
        let merged = SearchParts::new(&mut search, settings, &inputs, out).merged();
        state = merged.map_err(|error| SearchError::Parts(Box::new(error)))?;
    }
    let outcome = run(&mut search, &mut state, out, listener)?;
    state.write(out)?;
    if outcome.finalists.is_empty() {
        return Err(SearchError::NoKeypoints);
    }
    Ok(FoundLayers {
        searched: searched(&search, &state),
        outcome,
        backbone: features.description().backbone.clone(),
        made_with: features.description().made_with.clone(),
        report: options.report.clone(),
        maps: made,
    })
}

/// Refuses a file of a search that is there already where it is not to be continued, and one that another
/// search is writing; [`search`] does so before anything else.
///
/// # Errors
/// [`SearchError::Busy`], [`SearchError::Exists`].
pub fn check_search_file(out: &Path, resume: bool) -> Result<(), SearchError> {
    if !out.exists() || resume {
        return Ok(());
    }
    // One that is at work is not to be continued by a second.
    Lock::of(out)?;
    Err(SearchError::Exists { file: out.to_owned() })
}

/// Evaluates a shard's part of the first depth whose parts are not all there; with `wait` one of every
/// depth. Whether all depths are complete: then [`search`] makes the file of all parts.
///
/// # Errors
/// As [`search`]; parts of another search, or that do not come.
pub fn search_part(
    benchmark: &Benchmark,
    maps: &SearchMaps<'_>,
    engine: &mut dyn Engine,
    out: &Path,
    (options, shard, wait): (&SearchOptions, Shard, Option<Duration>),
    listener: &mut dyn FnMut(PartEvent<'_>),
) -> Result<bool, PartsError> {
    let begin = |error: SearchError| PartsError::Begin(Box::new(error));
    files::regular(out)
        .map_err(|source| begin(SearchError::Output { file: out.to_owned(), source }))?;
    let protocol = default_for(benchmark.kind);
    if protocol.measure != Measure::Keypoints {
        return Err(begin(SearchError::Masks { benchmark: benchmark.name().to_owned() }));
    }
    let device = [engine.name().to_owned(), engine.adapter()];
    let asked = Asked { benchmark, out, options, device, begun: false };
    let Ready { features, plan, inputs, .. } = asked.ready(maps, &mut |_| {}).map_err(begin)?;
    for &layer in &plan.bases {
        let wrong = |error: FeaturesError| SearchError::NoBase { layer, why: error.to_string() };
        features.geometry(layer).map_err(|error| begin(wrong(error)))?;
    }
    let mut settings = asked.settings(&plan);
    settings.extend(of_features(&features));
    let evaluator = SetEvaluator {
        benchmark,
        features: &features,
        engine,
        protocol,
        alpha: options.alpha,
        layers: layers(&plan),
        memory: options.memory,
        block: PAIR_BLOCK,
    };
    let mut search = Search { evaluator, plan, depth: options.depth.max(1) };
    SearchParts::new(&mut search, settings, &inputs, out).evaluate(shard, wait, listener)
}

/// A search that was asked for.
struct Asked<'a> {
    benchmark: &'a Benchmark,
    out: &'a Path,
    options: &'a SearchOptions,
    /// The engine's name and adapter.
    device: [String; 2],
    /// Whether the file is there.
    begun: bool,
}

/// What a search needs before it can begin.
struct Ready {
    features: Features,
    plan: SearchPlan,
    inputs: Vec<Inputs>,
    /// Maps that were made for it.
    made: Option<Maps>,
}

impl Asked<'_> {
    fn ready(
        &self,
        maps: &SearchMaps<'_>,
        listener: &mut dyn FnMut(SearchEvent<'_>),
    ) -> Result<Ready, SearchError> {
        match maps {
            SearchMaps::Kept { folder, backbone } => {
                let features = self.open(folder, *backbone)?;
                let description = features.description();
                let ids: Vec<usize> = description.layers.iter().map(|layer| layer.id).collect();
                let plan = self.plan(&description.backbone, &ids)?;
                let inputs = self.inputs(&*features.identify(&layers(&plan)), false)?;
                Ok(Ready { features, plan, inputs, made: None })
            }
            SearchMaps::Backbone(open) => {
                // Before any photograph is read: what changes later is another than this.
                let inputs = self.inputs(&inputs::photograph, true)?;
                let (features, plan, made) = self.extract(*open, listener)?;
                Ok(Ready { features, plan, inputs, made: Some(made) })
            }
        }
    }

    /// What the pairs are made of; those of a search that was begun must be the same.
    fn inputs(&self, identify: &Identify, must_be_known: bool) -> Result<Vec<Inputs>, SearchError> {
        let inputs = of_pairs(self.benchmark, 0..self.benchmark.pairs.len(), identify, true);
        if self.begun {
            // What is no search, or one of other pairs, is said first.
            State::check(self.out, &self.which())?;
            let known = check_inputs(self.out, self.benchmark, &inputs)?;
            // Before the backbone is at work; kept maps may show first that it is no search.
            if !known && must_be_known {
                return Err(StateError::Unknown { file: self.out.to_owned() }.into());
            }
        }
        Ok(inputs)
    }

    /// Says what the scores are made of, or checks that a search that was begun says the same.
    fn tie(&self, inputs: &[Inputs]) -> Result<(), SearchError> {
        if !self.begun {
            return Ok(write_inputs(self.out, self.benchmark, inputs)?);
        }
        match check_inputs(self.out, self.benchmark, inputs)? {
            true => Ok(()),
            false => Err(StateError::Unknown { file: self.out.to_owned() }.into()),
        }
    }

    fn open(&self, folder: &Path, backbone: Option<&str>) -> Result<Features, SearchError> {
        let features = Features::open(folder, &self.benchmark.images)?;
        features.check_benchmark(self.benchmark.name(), &self.benchmark.images)?;
        let found = &features.description().backbone;
        match backbone.filter(|asked| asked != found) {
            Some(asked) => {
                let (asked, found) = (asked.to_owned(), found.clone());
                Err(SearchError::OtherBackbone { asked, found })
            }
            None => Ok(features),
        }
    }

    /// Keeps the maps of all layers that are searched beside the file of the search.
    fn extract(
        &self,
        open: &dyn Fn() -> Result<Box<dyn Backbone>, OpenError>,
        listener: &mut dyn FnMut(SearchEvent<'_>),
    ) -> Result<(Features, SearchPlan, Maps), SearchError> {
        self.benchmark.check_photographs()?;
        let backbone = open()?;
        let known: Vec<usize> = (0..backbone.layer_count()).collect();
        let plan = self.plan(backbone.name(), &known)?;
        for &layer in &plan.bases {
            let wrong =
                |error: BackboneError| SearchError::NoBase { layer, why: error.to_string() };
            backbone.geometry(layer).map_err(wrong)?;
        }
        State::check(self.out, &self.settings(&plan))?;
        let folder = beside(self.out, "features");
        let names = self.benchmark.images.iter().map(|image| file_of(&folder, &image.name));
        let maps = Maps { files: names.collect(), folder };
        let layers = layers(&plan);
        let keep = |listener: &mut dyn FnMut(SearchEvent<'_>)| {
            let to = (&*maps.folder, Precision::F32);
            keep_features(self.benchmark, &*backbone, &layers, to, &mut |done, total| {
                listener(SearchEvent::Extracted { done, total });
            })
        };
        match keep(listener) {
            Err(error) if is_of_another_run(&error) => {
                listener(SearchEvent::Remade { folder: &maps.folder });
                maps.discard()?;
                keep(listener)?;
            }
            kept => drop(kept?),
        }
        Ok((Features::open(&maps.folder, &self.benchmark.images)?, plan, maps))
    }

    /// What is searched, in a network with these layers.
    fn plan(&self, backbone: &str, known: &[usize]) -> Result<SearchPlan, SearchError> {
        let asked = |list: LayerList, layers: &[usize], usual: &[usize]| {
            if layers.is_empty() {
                return Ok(usual.to_vec());
            }
            for (at, &layer) in layers.iter().enumerate() {
                if !known.contains(&layer) {
                    let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                    let (backbone, known) = (backbone.to_owned(), known.join(", "));
                    return Err(SearchError::NoLayer { list, backbone, layer, known });
                }
                if layers[..at].contains(&layer) {
                    return Err(SearchError::RepeatedLayer { list, layer });
                }
            }
            Ok(layers.to_vec())
        };
        let options = self.options;
        let usual = &known[..known.len().min(USUAL_BASES)];
        Ok(SearchPlan {
            bases: asked(LayerList::Bases, &options.bases, usual)?,
            candidates: asked(LayerList::Candidates, &options.candidates, known)?,
            beam: options.beam.max(1),
            as_published: options.as_published,
        })
    }

    /// Which pairs a search is of, and the arithmetic.
    fn which(&self) -> Map<String, Value> {
        let mut all = Map::from_iter([
            ("benchmark".to_owned(), self.benchmark.name().to_owned().into()),
            ("split".to_owned(), self.benchmark.split.clone().into()),
            ("pairs".to_owned(), self.benchmark.pairs.len().into()),
            (ARITHMETIC_KEY.to_owned(), crate::ARITHMETIC.into()),
        ]);
        all.extend(Map::from(self.options.selection.clone()));
        all
    }

    /// What decides the numbers of a search, but for its features.
    fn settings(&self, plan: &SearchPlan) -> Map<String, Value> {
        let [engine, adapter] = self.device.clone();
        let mut all = self.which();
        all.extend([
            ("engine".to_owned(), engine.into()),
            ("adapter".to_owned(), adapter.into()),
            ("alpha".to_owned(), self.options.alpha.value().into()),
            ("base".to_owned(), plan.bases.clone().into()),
            ("candidates".to_owned(), plan.candidates.clone().into()),
            ("beam".to_owned(), plan.beam.into()),
            ("as_published".to_owned(), plan.as_published.into()),
        ]);
        all
    }
}

/// What decides the numbers of features: what made them, and the SHA-256 of all that they say.
fn of_features(features: &Features) -> Map<String, Value> {
    let mut all = features.describe();
    all.insert("backbone".to_owned(), features.description().backbone.clone().into());
    all
}

/// All layers that sets are made of, ascending.
fn layers(plan: &SearchPlan) -> Vec<usize> {
    let mut layers = [&plan.bases[..], &plan.candidates].concat();
    layers.sort_unstable();
    layers.dedup();
    layers
}

/// Runs a search, and writes its state now and then.
fn run(
    search: &mut Search,
    state: &mut State,
    out: &Path,
    listener: &mut dyn FnMut(SearchEvent<'_>),
) -> Result<SearchOutcome, SearchError> {
    let mut saved: Option<Instant> = None;
    let outcome = search.run(state, &mut |event| {
        match event {
            EvaluationEvent::Begun { done, total, depth, sets } => {
                listener(SearchEvent::Begun { done, total, depth, sets });
            }
            EvaluationEvent::Advanced(done) => listener(SearchEvent::Advanced(done)),
            EvaluationEvent::Changed(state) => {
                let due = saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY);
                if state.unfinished.is_none() || due {
                    state.write(out)?;
                    saved = Some(Instant::now());
                }
            }
            EvaluationEvent::Depth(depth, evaluated, beam) => {
                listener(SearchEvent::Depth { depth, evaluated, beam });
            }
        }
        Ok(())
    });
    outcome.map_err(|why| SearchError::Stopped {
        kept: out.exists().then(|| out.to_owned()),
        why: Box::new(why),
    })
}

/// What the pictures are of.
fn searched(search: &Search, state: &State) -> Searched {
    let SetEvaluator { benchmark, features, layers, alpha, .. } = &search.evaluator;
    let (name, split) = (benchmark.name(), &benchmark.split);
    let backbone = &features.description().backbone;
    let scored = |entries: &Vec<StoredScore>| -> Vec<ScoredSet> {
        entries.iter().filter_map(StoredScore::scored).collect()
    };
    let depths: Vec<Vec<ScoredSet>> = state.depths.iter().map(scored).collect();
    Searched {
        title: format!("Layer search on {name} {split} with {backbone}, α = {alpha}"),
        layers: layers.clone(),
        beams: depths.iter().map(|depth| search.plan.best(depth)).collect(),
        depths,
    }
}

/// Whether maps that are there already are not those that a search would make.
fn is_of_another_run(error: &KeepError) -> bool {
    use FeaturesError::{Length, Metadata, NotFeatures, Other, Outdated, Tensor};
    matches!(
        error,
        KeepError::Features(
            Other { .. }
                | Outdated { .. }
                | Length { .. }
                | NotFeatures { .. }
                | Metadata { .. }
                | Tensor { .. }
        )
    )
}

/// The file of the search with another ending behind its own: where the file is, whatever links lead
/// to it, because two names of one search have one lock and one set of maps.
fn beside(out: &Path, ending: &str) -> PathBuf {
    let out = files::regular(out).unwrap_or_else(|_| out.to_owned());
    let mut name = out.into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Maps of a benchmark's photographs that a search made.
#[derive(Debug)]
struct Maps {
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Maps {
    /// Removes them, and the folders that are empty then: what else is there is not the search's.
    fn discard(&self) -> Result<(), SearchError> {
        for file in &self.files {
            match std::fs::remove_file(file) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(SearchError::Remove { file: file.clone(), source });
                }
                Err(_) | Ok(()) => {}
            }
            let folders = file.ancestors().skip(1);
            for above in folders.take_while(|above| above.starts_with(&self.folder)) {
                // One that is not empty stays.
                if std::fs::remove_dir(above).is_err() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Keeps a second search from the same file, and is gone with the search.
struct Lock(PathBuf, #[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    fn of(out: &Path) -> Result<Self, SearchError> {
        let path = beside(out, "lock");
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|source| {
            let source = io::Error::new(source.kind(), format!("cannot be written: {source}"));
            SearchError::Output { file: path.clone(), source }
        })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(SearchError::Busy { file: out.to_owned() }),
            // Some file systems have no locks; two searches of one file are then the user's to avoid.
            Err(TryLockError::Error(_)) | Ok(()) => Ok(Self(path, file)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What stays after a failure is an empty file that the next search takes.
        let _ = std::fs::remove_file(&self.0);
    }
}
