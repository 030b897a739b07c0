//! Hyperpixel Flow over a benchmark: decoding, the backbone and matching run beside each other
//! (HPF, section 3; docs/method.md, "Once a photograph, once a pair").

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use serde_json::{Map, Value};

mod builder;
mod extract;
pub mod open;

pub use builder::{BackboneKind, HpfBuilder};
pub use extract::decode;
use extract::{Extracted, Extractor, decode_all, extract_all, not_empty, shrink};

use super::photograph::unusable;
use super::schedule::Schedule;
use super::{Keypoints, Matched, Method, MethodError, Outcome, Query, Sink, Unusable};
use crate::Point;
use crate::backbone::{Backbone, BackboneError};
use crate::benchmark::{Benchmark, Image};
use crate::engine::{Engine, EngineError, HOUGH_CELLS, Matches, PairRequest};
use crate::features::{Features, FeaturesError};
use crate::hyperpixel::{Geometry, Hyperimage, LayerSet, Precision};
use crate::image::Photo;
use crate::inputs::{self, Identify};
use crate::transfer::{Neighbours, flow, transfer};

/// What a photograph is called that has no file.
const PIXELS: &str = "a photograph given as pixels";

/// The long side that photographs are shrunk to (published code: 300 pixels).
pub const IMAGE_SIDE: u32 = 300;

/// Pairs handed to the engine at a time.
const PAIR_BATCH: usize = 64;

/// Photographs decoded ahead of the backbone: the window in which equal sizes are batched.
const DECODED_AHEAD: usize = 16;

/// Hyperimages prepared ahead of matching.
const PREPARED_AHEAD: usize = 4;

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
    busy: Busy,
}

/// Seconds that each stage of the pipeline was at work, which overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Busy {
    /// Reading and decoding photographs, and resizing them.
    decode: f64,
    /// The backbone, and the norms of hyperimages.
    backbone: f64,
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
        let (precision, busy) = Default::default();
        Ok(Self { maps, engine, layers, geometry, precision, busy })
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
        let (precision, busy) = Default::default();
        Ok(Self { maps, engine, layers, geometry, precision, busy })
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
        let photograph = photograph.into();
        match &mut self.maps {
            Maps::Backbone(backbone) => {
                let (name, prepared) = match photograph {
                    Photo::File(file) => (file, decode(file, None)?),
                    Photo::Pixels(pixels) => {
                        (Path::new(PIXELS), shrink(pixels, Path::new(PIXELS))?)
                    }
                };
                let extractor =
                    Extractor { backbone: &mut **backbone, layers, geometry, precision };
                extractor.hyperimages(&[name], &[&prepared]).remove(0)
            }
            Maps::Kept(features) => {
                let Photo::File(file) = photograph else {
                    let reason = "kept features are of files; give the photograph's path";
                    return Err(unusable(Path::new(PIXELS), reason));
                };
                let image = features.locate(file).map_err(|error| unusable(file, error))?;
                Reader { features, layers, geometry, precision }.read(&image)
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
    ) -> Result<Keypoints, MethodError> {
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
    fn describe(&self) -> Map<String, Value> {
        let (backbone, side, details) = match &self.maps {
            Maps::Backbone(backbone) => (backbone.name(), Some(IMAGE_SIDE), backbone.describe()),
            Maps::Kept(features) => {
                let description = features.description();
                (&*description.backbone, description.image_side, features.describe())
            }
        };
        let mut all = Map::from_iter([
            ("name".to_owned(), "hpf".into()),
            ("backbone".to_owned(), backbone.into()),
            ("layers".to_owned(), self.layers.to_string().into()),
        ]);
        all.extend(details);
        all.extend([
            ("engine".to_owned(), self.engine.name().into()),
            ("adapter".to_owned(), self.engine.adapter().into()),
            ("precision".to_owned(), self.precision.name().into()),
            ("image_side".to_owned(), side.into()),
            ("hough_cells".to_owned(), (HOUGH_CELLS as u64).into()),
            ("similarity_exponent".to_owned(), 3.into()),
        ]);
        all
    }

    fn check(&self, benchmark: &Benchmark) -> Result<(), MethodError> {
        match &self.maps {
            Maps::Kept(features) => Ok(features.check_benchmark(benchmark)?),
            Maps::Backbone(_) => Ok(()),
        }
    }

    fn identify(&self) -> Box<Identify> {
        match &self.maps {
            Maps::Kept(features) => features.identify(self.layers.layers()),
            Maps::Backbone(_) => Box::new(inputs::photograph),
        }
    }

    fn find(&mut self, query: &Query) -> Result<Matched, MethodError> {
        let source = self.prepare(query.source)?;
        let target = self.prepare(query.target)?;
        let of_pair = |error: MethodError| error.of(query.source, query.target);
        let keypoints = self.transfer(&source, &target, query.keypoints).map_err(of_pair)?;
        let flow = query.flow.map(|size| self.flow(&source, &target, size)).transpose();
        let flow = flow.map_err(of_pair)?;
        Ok(Matched { keypoints, flow: flow.unwrap_or_default() })
    }

    fn busy(&self) -> Vec<(&'static str, f64)> {
        let Busy { decode, backbone, matching, transfer } = self.busy;
        vec![
            ("decode", decode),
            ("backbone", backbone),
            ("matching", matching),
            ("transfer", transfer),
        ]
    }

    fn predict(
        &mut self,
        benchmark: &Benchmark,
        pairs: &[usize],
        sink: &mut Sink,
    ) -> Result<(), MethodError> {
        let schedule = Schedule::new(benchmark, pairs);
        let Self { maps, engine, layers, geometry, precision, busy } = self;
        let (layers, geometry, precision) = (&*layers, *geometry, *precision);
        let backbone = match maps {
            Maps::Backbone(backbone) => &mut **backbone,
            Maps::Kept(features) => {
                let reader = Reader { features, layers, geometry, precision };
                let matcher =
                    Matcher { benchmark, schedule: &schedule, engine: &mut **engine, busy };
                return predict_kept(benchmark, &schedule, reader, matcher, sink);
            }
        };
        let extractor = Extractor { backbone, layers, geometry, precision };
        let (decoded, to_extract) = sync_channel(DECODED_AHEAD);
        let (extracted, to_match) = sync_channel(PREPARED_AHEAD);
        let images = &schedule.images;
        std::thread::scope(|scope| {
            let decoder = scope.spawn(move || decode_all(benchmark, images, &decoded));
            let extractor =
                scope.spawn(move || extract_all(benchmark, extractor, &to_extract, &extracted));
            let matcher = Matcher { benchmark, schedule: &schedule, engine: &mut **engine, busy };
            let result = matcher.run(to_match, sink);
            // The channels are closed by now, so neither thread waits; a panic there is a bug and
            // goes on here.
            busy.decode += decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            busy.backbone +=
                extractor.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
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
    ) -> Result<Keypoints, MethodError> {
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
    fn read(&self, image: &Image) -> Result<Arc<Hyperimage>, Unusable> {
        let photograph = &*image.path;
        let (header, maps) = self
            .features
            .maps(image, self.layers.layers())
            .map_err(|error| unusable(photograph, error))?;
        let ([width, height], ratio) = (header.resized_size, header.ratio());
        let (geometry, precision) = (header.geometry(self.geometry), self.precision);
        let image = Hyperimage::with_precision(geometry, width, height, ratio, &maps, precision);
        not_empty(image, photograph, self.layers.base())
    }
}

/// Predicts from kept features: reading, with the norms, runs beside matching.
fn predict_kept(
    benchmark: &Benchmark,
    schedule: &Schedule,
    reader: Reader,
    matcher: Matcher,
    sink: &mut Sink,
) -> Result<(), MethodError> {
    let (read, to_match) = sync_channel(PREPARED_AHEAD);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for &index in &schedule.images {
                let image = &benchmark.images[index];
                let result = reader.read(image);
                if read.send((index, result)).is_err() {
                    break;
                }
            }
        });
        matcher.run(to_match, sink)
    })
}

/// The stage that takes hyperimages and gives keypoints.
struct Matcher<'a> {
    benchmark: &'a Benchmark,
    schedule: &'a Schedule,
    engine: &'a mut dyn Engine,
    busy: &'a mut Busy,
}

/// A pair whose photographs could be used, waiting for its batch.
struct Waiting {
    pair: usize,
    neighbours: Neighbours,
}

impl Matcher<'_> {
    fn run(mut self, from: Receiver<Extracted>, sink: &mut Sink) -> Result<(), MethodError> {
        let mut images: Vec<Option<Result<Arc<Hyperimage>, Unusable>>> =
            vec![None; self.benchmark.images.len()];
        for (batch, positions) in self.schedule.pairs.chunks(PAIR_BATCH).enumerate() {
            let (mut requests, mut waiting) = (Vec::new(), Vec::new());
            for &index in positions {
                let pair = &self.benchmark.pairs[index];
                let [source, target] =
                    [pair.source, pair.target].map(|image| receive(&from, &mut images, image));
                let unusable = match (source, target) {
                    (Ok(source), Ok(target)) => {
                        let neighbours = Neighbours::new(&source, &pair.source_keypoints);
                        let rows = neighbours.rows.clone();
                        requests.push(PairRequest { source, target, rows });
                        waiting.push(Waiting { pair: index, neighbours });
                        continue;
                    }
                    (Err(unusable), _) | (_, Err(unusable)) => unusable,
                };
                let outcome = Outcome { pair: index, keypoints: Err(unusable) };
                sink(outcome).map_err(MethodError::Stopped)?;
            }
            self.flush(&requests, &waiting, sink)?;
            let done = (batch + 1) * PAIR_BATCH;
            for (image, last) in images.iter_mut().zip(&self.schedule.last_use) {
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
            // Which of them it is, and the others are not lost.
            Err(error) if error.is_too_large() && requests.len() > 1 => {
                let each = requests.chunks(1).zip(waiting.chunks(1));
                return { each }.try_for_each(|(one, waiting)| self.flush(one, waiting, sink));
            }
            Err(error) => return Err(self.of_pair(error, waiting)),
            Ok(matches) => matches,
        };
        self.busy.matching += start.elapsed().as_secs_f64();
        for ((request, waiting), matches) in requests.iter().zip(waiting).zip(&matches) {
            let start = Instant::now();
            let keypoints =
                transfer(&request.source, &request.target, &waiting.neighbours, matches);
            self.busy.transfer += start.elapsed().as_secs_f64();
            let outcome = Outcome { pair: waiting.pair, keypoints: Ok(keypoints) };
            sink(outcome).map_err(MethodError::Stopped)?;
        }
        Ok(())
    }
}

impl Matcher<'_> {
    /// The error of an engine, with the pair where it is about one.
    fn of_pair(&self, error: EngineError, waiting: &[Waiting]) -> MethodError {
        match waiting {
            [one] => MethodError::from(error).of_pair(self.benchmark, one.pair),
            _ => error.into(),
        }
    }
}

/// The hyperimage of a photograph, waiting for it where it is not there yet.
fn receive(
    from: &Receiver<Extracted>,
    images: &mut [Option<Result<Arc<Hyperimage>, Unusable>>],
    image: usize,
) -> Result<Arc<Hyperimage>, Unusable> {
    loop {
        if let Some(found) = &images[image] {
            return found.clone();
        }
        match from.recv() {
            Ok((other, result)) => images[other] = Some(result),
            // Every photograph of the schedule is sent before the channel closes, unless the thread
            // that sends panicked, which `predict` passes on when it joins it.
            Err(_) => return Err(unusable(Path::new(""), "the backbone stopped")),
        }
    }
}
