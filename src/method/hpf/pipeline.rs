//! Hyperpixel Flow over a benchmark: decoding, the backbone and matching run beside each other
//! (HPF, section 3; docs/method.md, "Once a photograph, once a pair").

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::extract::{
    DECODED_AHEAD, Extracted, Extractor, Grouper, IMAGE_SIDE, decode, decode_all, extract_all,
    group_all, not_empty,
};
use super::options::INFO;
use crate::backbone::{Backbone, BackboneError};
use crate::benchmark::Image;
use crate::engine::{Engine, EngineError, HOUGH_CELLS, Matches, PairRequest};
use crate::features::{Features, FeaturesError};
use crate::flow::Flow;
use crate::hyperpixel::{Geometry, Hyperimage, LayerSet, Precision};
use crate::image::Photo;
use crate::inputs::{self, Identify};
use crate::method::photograph::{called, unusable};
use crate::method::{
    Matched, Method, MethodError, Outcome, Query, Sink, TooLarge, Unusable, Uses, Work, WorkPair,
    WorkPhotograph,
};
use crate::predictions::{HeaderField, MethodHeader};
use crate::transfer::{Neighbours, flow, transfer};
use crate::{Point, PredictedKeypoints};

/// Pairs handed to the engine at a time.
const PAIR_BATCH: usize = 64;

/// Photographs whose maps wait to become hyperimages.
const MAPPED_AHEAD: usize = 4;

/// Hyperimages prepared ahead of matching.
pub(super) const PREPARED_AHEAD: usize = 32;

/// The most threads that make hyperimages.
const MOST_GROUPERS: usize = 4;

/// The layer set, for the header of a predictions file.
const LAYERS: HeaderField<String> = HeaderField::new("layers");

/// About how many cells Hough space has along the diagonal, for the header of a predictions file.
pub(super) const CELLS: HeaderField<u64> = HeaderField::new("hough_cells");

/// The power that similarities are raised to, for the header of a predictions file.
pub(super) const EXPONENT: HeaderField<u32> = HeaderField::new("similarity_exponent");

/// Where feature maps come from.
enum Maps {
    /// From photographs.
    Backbone(Box<dyn Backbone>),
    /// From files that a backbone, or another network, left.
    Kept(Features),
}

/// Hyperpixel Flow with a backbone or kept features, a layer set and an engine.
pub struct Hpf {
    maps: Maps,
    engine: Box<dyn Engine>,
    layers: LayerSet,
    geometry: Geometry,
    precision: Precision,
    seconds: StageSeconds,
}

/// StageSeconds that each stage of the pipeline was at work, which overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct StageSeconds {
    /// Reading and decoding photographs, and resizing them.
    decode: f64,
    /// The backbone.
    backbone: f64,
    /// From maps to hyperimages, with their norms: of each of the threads that do it.
    norms: f64,
    /// The engine, with uploads.
    matching: f64,
    /// From matches to keypoints.
    transfer: f64,
}

impl Hpf {
    /// Hyperpixel Flow with these parts.
    ///
    /// # Errors
    /// A base layer without published geometry.
    pub fn new(
        backbone: Box<dyn Backbone>,
        engine: Box<dyn Engine>,
        layers: LayerSet,
    ) -> Result<Self, BackboneError> {
        let geometry = backbone.geometry(layers.base())?;
        let maps = Maps::Backbone(backbone);
        let (precision, seconds) = Default::default();
        Ok(Self { maps, engine, layers, geometry, precision, seconds })
    }

    /// Hyperpixel Flow that starts from kept features: no photograph is opened.
    ///
    /// # Errors
    /// A layer that the features lack, or a base layer without geometry.
    pub fn with_features(
        features: Features,
        engine: Box<dyn Engine>,
        layers: LayerSet,
    ) -> Result<Self, FeaturesError> {
        let geometry = features.geometry(layers.base())?;
        for &layer in layers.layers() {
            features.layer(layer)?;
        }
        let maps = Maps::Kept(features);
        let (precision, seconds) = Default::default();
        Ok(Self { maps, engine, layers, geometry, precision, seconds })
    }

    /// The same with feature maps stored in a precision, which must be the engine's.
    #[must_use]
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// A photograph as hyperpixels: what [`Hpf::transfer`] takes, as often as it is asked for.
    ///
    /// # Errors
    /// A photograph that cannot be read, is of one colour or is too small for the backbone and base
    /// layer.
    pub fn prepare<'a>(
        &mut self,
        photograph: impl Into<Photo<'a>>,
    ) -> Result<Arc<Hyperimage>, Unusable> {
        let (layers, geometry, precision) = (&self.layers, self.geometry, self.precision);
        let photo = photograph.into();
        match &mut self.maps {
            Maps::Backbone(backbone) => {
                let prepared = decode(&photo, None)?;
                let name = called(&photo);
                let extractor = Extractor { backbone: &mut **backbone, layers };
                let maps = extractor.maps(&[name], &[&prepared]).remove(0)?;
                let grouper = Grouper { base: layers.base(), geometry, precision };
                grouper.hyperimage(name, [prepared.width, prepared.height], prepared.ratio, &maps)
            }
            Maps::Kept(features) => {
                Reader { features, layers, geometry, precision }.read(&WorkPhotograph::new(photo))
            }
        }
    }

    /// Finds keypoints of a source, in its original pixels, in a target: in original pixels of that,
    /// `None` for a keypoint that no hyperpixel is near.
    ///
    /// # Errors
    /// An engine that failed.
    pub fn transfer(
        &mut self,
        source: &Arc<Hyperimage>,
        target: &Arc<Hyperimage>,
        keypoints: &[Point],
    ) -> Result<PredictedKeypoints, MethodError> {
        let neighbours = Neighbours::new(source, keypoints);
        let request = PairRequest {
            source: Arc::clone(source),
            target: Arc::clone(target),
            rows: neighbours.rows.clone(),
        };
        let matches = self.engine.match_pairs(&[request])?;
        Ok(transfer(source, target, &neighbours, &matches[0]))
    }
}

impl Method for Hpf {
    fn header(&self) -> MethodHeader {
        let (backbone, side, details) = match &self.maps {
            Maps::Backbone(backbone) => (backbone.name(), Some(IMAGE_SIDE), backbone.describe()),
            Maps::Kept(features) => {
                let description = features.description();
                (&*description.backbone, description.image_side, features.describe())
            }
        };
        let text = |text: &str| text.to_owned();
        MethodHeader::of(INFO.name)
            .with(MethodHeader::BACKBONE, &text(backbone))
            .with(LAYERS, &self.layers.to_string())
            .with_new(details)
            .with(MethodHeader::ENGINE, &text(self.engine.name()))
            .with(MethodHeader::ADAPTER, &self.engine.adapter())
            .with(MethodHeader::PRECISION, &text(self.precision.name()))
            .with(MethodHeader::IMAGE_SIDE, &side)
            .with(CELLS, &(HOUGH_CELLS as u64))
            .with(EXPONENT, &3)
    }

    fn check(&self, benchmark: &str, photographs: &[Image]) -> Result<(), MethodError> {
        match &self.maps {
            Maps::Kept(features) => Ok(features.check_benchmark(benchmark, photographs)?),
            Maps::Backbone(_) => Ok(()),
        }
    }

    fn identify(&self) -> Box<Identify> {
        match &self.maps {
            Maps::Kept(features) => features.identify(self.layers.layers()),
            Maps::Backbone(_) => Box::new(inputs::photograph),
        }
    }

    fn match_pair(&mut self, query: &Query) -> Result<Matched, MethodError> {
        let source = self.prepare(query.source)?;
        let target = self.prepare(query.target)?;
        let of_pair = |error: MethodError| error.of(query);
        let keypoints = self.transfer(&source, &target, query.keypoints).map_err(of_pair)?;
        let flow = query.flow.map(|size| self.flow(&source, &target, size)).transpose();
        Ok(Matched { keypoints, flow: flow.map_err(of_pair)? })
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        let StageSeconds { decode, backbone, norms, matching, transfer } = self.seconds;
        vec![
            ("decode", decode),
            ("backbone", backbone),
            ("norms", norms),
            ("matching", matching),
            ("transfer", transfer),
        ]
    }

    fn predict(&mut self, work: &Work, sink: &mut Sink) -> Result<(), MethodError> {
        let uses = work.uses();
        let Self { maps, engine, layers, geometry, precision, seconds } = self;
        let (layers, geometry, precision) = (&*layers, *geometry, *precision);
        let backbone = match maps {
            Maps::Backbone(backbone) => &mut **backbone,
            Maps::Kept(features) => {
                let reader = Reader { features, layers, geometry, precision };
                let matcher = Matcher { work, uses: &uses, engine: &mut **engine, seconds };
                return predict_kept(reader, matcher, sink);
            }
        };
        let extractor = Extractor { backbone, layers };
        let grouper = Grouper { base: layers.base(), geometry, precision };
        // Each with the other half of the processor for the backbone and the engine. These are threads of
        // their own, not tasks of the shared pool: they wait for channels, and an engine on the processor
        // needs the whole pool to go on.
        let groupers = (rayon::current_num_threads() / 2).clamp(1, MOST_GROUPERS);
        let (decoded, to_extract) = sync_channel(DECODED_AHEAD);
        let (mapped, to_group) = sync_channel(MAPPED_AHEAD);
        let (extracted, to_match) = sync_channel(PREPARED_AHEAD);
        let to_group = Arc::new(Mutex::new(to_group));
        let places = &uses.photographs;
        std::thread::scope(|scope| {
            let decoder = scope.spawn(move || decode_all(work, places, &decoded));
            let extractor = scope.spawn(move || extract_all(work, extractor, &to_extract, &mapped));
            let groupers: Vec<_> = (0..groupers)
                .map(|_| {
                    let (from, to) = (Arc::clone(&to_group), extracted.clone());
                    scope.spawn(move || group_all(work, grouper, &from, &to))
                })
                .collect();
            // Each thread's own are the last: a channel closes when its other side has ended.
            drop((to_group, extracted));
            let matcher = Matcher { work, uses: &uses, engine: &mut **engine, seconds };
            let result = matcher.run(to_match, sink);
            // The channels are closed by now, so no thread waits; a panic there is a bug and goes on
            // here.
            let ended = |thread: std::thread::ScopedJoinHandle<f64>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            seconds.decode += ended(decoder);
            seconds.backbone += ended(extractor);
            let count = groupers.len() as f64;
            seconds.norms += groupers.into_iter().map(ended).sum::<f64>() / count;
            result
        })
    }
}

impl Hpf {
    /// The dense flow of a pair: see [`crate::transfer::flow`].
    ///
    /// # Errors
    /// An engine that failed.
    pub fn flow(
        &mut self,
        source: &Arc<Hyperimage>,
        target: &Arc<Hyperimage>,
        size: [u32; 2],
    ) -> Result<Flow, MethodError> {
        let request = PairRequest {
            source: Arc::clone(source),
            target: Arc::clone(target),
            rows: (0..source.grid.len() as u32).collect(),
        };
        let matches = self.engine.match_pairs(&[request])?;
        Ok(flow(source, target, size, &matches[0]))
    }
}

/// Kept features with what is asked of them.
struct Reader<'a> {
    features: &'a Features,
    layers: &'a LayerSet,
    geometry: Geometry,
    precision: Precision,
}

impl Reader<'_> {
    /// A photograph's hyperpixels from its kept features.
    fn read(&self, photograph: &WorkPhotograph) -> Result<Arc<Hyperimage>, Unusable> {
        let name = called(&photograph.photo);
        let image = self.image(photograph)?;
        let (header, maps) = self
            .features
            .maps(&image, self.layers.layers())
            .map_err(|error| unusable(name, error))?;
        let ([width, height], ratio) = (header.resized_size, header.ratio());
        let (geometry, precision) = (header.geometry(self.geometry), self.precision);
        let image = Hyperimage::with_precision(geometry, width, height, ratio, &maps, precision);
        not_empty(image, name, self.layers.base())
    }

    /// What features know a photograph by.
    fn image(&self, photograph: &WorkPhotograph) -> Result<Image, Unusable> {
        match (photograph.photo, photograph.name) {
            (Photo::File(file), Some(name)) => {
                let (name, path) = (name.to_owned(), file.to_owned());
                Ok(Image { name, path, size: photograph.size })
            }
            (Photo::File(file), None) => {
                self.features.locate(file).map_err(|error| unusable(file, error))
            }
            (Photo::Pixels(_), _) => {
                let reason = "kept features are of files; give the photograph's path";
                Err(unusable(called(&photograph.photo), reason))
            }
        }
    }
}

/// Predicts from kept features: reading, with the norms, runs beside matching.
fn predict_kept(reader: Reader, matcher: Matcher, sink: &mut Sink) -> Result<(), MethodError> {
    let (read, to_match) = sync_channel(PREPARED_AHEAD);
    let (work, uses) = (matcher.work, matcher.uses);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for &place in &uses.photographs {
                let result = reader.read(&work.photographs()[place]);
                if read.send((place, result)).is_err() {
                    break;
                }
            }
        });
        matcher.run(to_match, sink)
    })
}

/// The stage that takes hyperimages and gives keypoints.
pub(super) struct Matcher<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) uses: &'a Uses,
    pub(super) engine: &'a mut dyn Engine,
    pub(super) seconds: &'a mut StageSeconds,
}

/// A pair whose photographs could be used, waiting for its batch.
struct Waiting<'a> {
    pair: &'a WorkPair<'a>,
    neighbours: Neighbours,
}

impl Matcher<'_> {
    pub(super) fn run(
        mut self,
        from: Receiver<Extracted>,
        sink: &mut Sink,
    ) -> Result<(), MethodError> {
        let work = self.work;
        let mut images: Vec<Option<Result<Arc<Hyperimage>, Unusable>>> =
            vec![None; work.photographs().len()];
        for (batch, pairs) in work.pairs().chunks(PAIR_BATCH).enumerate() {
            let (mut requests, mut waiting) = (Vec::new(), Vec::new());
            for pair in pairs {
                let [source, target] =
                    [pair.source, pair.target].map(|place| receive(&from, &mut images, place));
                let unusable = match (source, target) {
                    (Ok(source), Ok(target)) => {
                        let neighbours = Neighbours::new(&source, pair.keypoints);
                        let rows = neighbours.rows.clone();
                        requests.push(PairRequest { source, target, rows });
                        waiting.push(Waiting { pair, neighbours });
                        continue;
                    }
                    (Err(unusable), _) | (_, Err(unusable)) => unusable,
                };
                let outcome = Outcome { pair: pair.number, keypoints: Err(unusable.into()) };
                sink(outcome).map_err(MethodError::Stopped)?;
            }
            self.flush(&requests, &waiting, sink)?;
            let done = (batch + 1) * PAIR_BATCH;
            for (image, last) in images.iter_mut().zip(&self.uses.last) {
                if last.is_none_or(|last| last < done) {
                    *image = None;
                }
            }
        }
        Ok(())
    }

    fn flush(
        &mut self,
        requests: &[PairRequest],
        waiting: &[Waiting],
        sink: &mut Sink,
    ) -> Result<(), MethodError> {
        let start = Instant::now();
        let matches: Vec<Matches> = match self.engine.match_pairs(requests) {
            Err(error) if error.is_too_large() => {
                if let [one] = waiting {
                    let keypoints = Err(self.too_large(one.pair, error).into());
                    let outcome = Outcome { pair: one.pair.number, keypoints };
                    return sink(outcome).map_err(MethodError::Stopped);
                }
                // Which of them it is; the others are not lost.
                let each = requests.chunks(1).zip(waiting.chunks(1));
                return { each }.try_for_each(|(one, waiting)| self.flush(one, waiting, sink));
            }
            matches => matches?,
        };
        self.seconds.matching += start.elapsed().as_secs_f64();
        for ((request, waiting), matches) in requests.iter().zip(waiting).zip(&matches) {
            let start = Instant::now();
            let keypoints =
                transfer(&request.source, &request.target, &waiting.neighbours, matches);
            self.seconds.transfer += start.elapsed().as_secs_f64();
            let outcome = Outcome { pair: waiting.pair.number, keypoints: Ok(keypoints) };
            sink(outcome).map_err(MethodError::Stopped)?;
        }
        Ok(())
    }

    fn too_large(&self, pair: &WorkPair, error: EngineError) -> TooLarge {
        let photo = |place: usize| &self.work.photographs()[place].photo;
        TooLarge::new([photo(pair.source), photo(pair.target)], error)
    }
}

/// The hyperimage of a photograph, waiting for it where it is not there yet.
fn receive(
    from: &Receiver<Extracted>,
    images: &mut [Option<Result<Arc<Hyperimage>, Unusable>>],
    place: usize,
) -> Result<Arc<Hyperimage>, Unusable> {
    loop {
        if let Some(found) = &images[place] {
            return found.clone();
        }
        let (other, result) = from.recv().expect(
            "every photograph that is needed is sent before the channel closes, unless the thread \
             that sends has panicked",
        );
        images[other] = Some(result);
    }
}
