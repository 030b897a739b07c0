//! Layer sets scored on a benchmark, all sets of a depth at once: each photograph is read once, and
//! each pair's maps are correlated once for all sets.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::error::EvaluationError;
use crate::benchmark::Benchmark;
use crate::engine::{Engine, EngineError, Matches, SetRequest, SetsRequest};
use crate::features::{Features, FeaturesHeader};
use crate::hyperpixel::{Geometry, LayerSet, LayerStack, View};
use crate::method::schedule;
use crate::score::{Alpha, Protocol, ScoreError, Verdict, breakdown, rights};
use crate::transfer::{Neighbours, transfer_between};

/// Pairs handed to the engine at a time, unless others are asked for.
pub const PAIR_BLOCK: usize = 16;

/// What sets are evaluated on, and with what.
pub struct SetEvaluator<'a> {
    /// The pairs.
    pub benchmark: &'a Benchmark,
    /// The maps of their photographs.
    pub features: &'a Features,
    /// What matches.
    pub engine: &'a mut dyn Engine,
    /// What decides which keypoints are right.
    pub protocol: &'static Protocol,
    /// The share of the threshold within which a keypoint is right.
    pub alpha: Alpha,
    /// The layers that sets are made of, ascending.
    pub layers: Vec<usize>,
    /// Bytes that photographs may take, of which those of a pair are held in any case, and again as
    /// many for what an engine keeps of a pair.
    pub memory: usize,
    /// Pairs handed to the engine at a time, at most; the numbers do not depend on it.
    pub block: usize,
}

/// Which keypoints some sets get right, on the first pairs of a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// How many pairs.
    pub pairs: usize,
    /// For each set a truth a keypoint, pairs in the order of the schedule.
    pub right: Vec<Vec<bool>>,
}

/// Photographs in memory, the least recently used first.
#[derive(Default)]
struct Loaded {
    images: Vec<(usize, Arc<LayerStack>)>,
    views: HashMap<usize, Vec<Arc<View>>>,
    /// Bytes of the largest photograph so far.
    largest: usize,
}

impl Loaded {
    /// Bytes of a photograph.
    fn bytes_of(&self, image: usize, stack: &LayerStack) -> usize {
        let views = self.views.get(&image).into_iter().flatten();
        stack.bytes() + views.map(|view| size_of_val(&*view.inverse_norms)).sum::<usize>()
    }

    /// Bytes of all photographs.
    fn bytes(&self) -> usize {
        self.images.iter().map(|(image, stack)| self.bytes_of(*image, stack)).sum()
    }

    /// Marks a photograph as used last, if it is there.
    fn touch(&mut self, image: usize) -> bool {
        let found = self.images.iter().position(|(number, _)| *number == image);
        if let Some(at) = found {
            let used = self.images.remove(at);
            self.images.push(used);
        }
        found.is_some()
    }

    fn remove(&mut self, image: usize) {
        self.images.retain(|(number, _)| *number != image);
        self.views.remove(&image);
    }

    /// Drops the least recently used photographs that are not needed, until there are so many bytes at
    /// most; whether that is so then.
    fn shrink(&mut self, bytes: usize, needed: &[usize]) -> bool {
        while self.bytes() > bytes {
            let dropped = self.images.iter().map(|(image, _)| *image);
            let Some(dropped) = dropped.into_iter().find(|image| !needed.contains(image)) else {
                return false;
            };
            self.remove(dropped);
        }
        true
    }
}

/// A layer set as an engine knows it.
struct Prepared {
    positions: Arc<[usize]>,
    geometry: Geometry,
    /// Which of the sets has the same base, the first that does.
    base: usize,
}

/// What decides which keypoints sets get right.
struct Judge<'a> {
    benchmark: &'a Benchmark,
    protocol: &'static Protocol,
    alpha: Alpha,
    sets: &'a [Prepared],
}

impl Judge<'_> {
    /// For each set, which keypoints of a pair are right.
    fn pair(
        &self,
        pair: usize,
        request: &SetsRequest,
        neighbours: &HashMap<usize, Neighbours>,
        matches: &[Matches],
    ) -> Result<Vec<Vec<bool>>, ScoreError> {
        let pair = &self.benchmark.pairs[pair];
        let sets = request.sets.iter().zip(self.sets).zip(matches);
        sets.map(|((set, prepared), matches)| {
            let grids = [&set.source.grid, &set.target.grid];
            let neighbours = &neighbours[&prepared.base];
            let predicted = transfer_between(grids, request.target.ratio, neighbours, matches);
            rights(self.benchmark, pair, &predicted, self.protocol, self.alpha)
        })
        .collect()
    }
}

impl SetEvaluator<'_> {
    /// The order of matching: category by category.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let pairs: Vec<usize> = (0..self.benchmark.pairs.len()).collect();
        schedule::order(self.benchmark, &pairs)
    }

    /// Goes on with an evaluation of `sets` to the last pair; `each` is told after every block of
    /// pairs.
    ///
    /// # Errors
    /// Features that cannot be used, a photograph without hyperpixels, an engine that fails, and
    /// whatever `each` says.
    pub fn evaluate(
        &mut self,
        sets: &[LayerSet],
        mut so_far: Evaluation,
        each: &mut dyn FnMut(&Evaluation) -> Result<(), EvaluationError>,
    ) -> Result<Evaluation, EvaluationError> {
        so_far.right.resize(sets.len(), Vec::new());
        let prepared = self.prepare(sets)?;
        let order = self.order();
        let mut loaded = Loaded::default();
        while so_far.pairs < order.len() {
            let rest = &order[so_far.pairs..];
            let block = &rest[..self.load(rest, &prepared, &mut loaded)?];
            let mut requests = Vec::with_capacity(block.len());
            let mut neighbours = Vec::with_capacity(block.len());
            for &pair in block {
                let (request, of_bases) = self.request(pair, &prepared, &loaded);
                requests.push(request);
                neighbours.push(of_bases);
            }
            let matches = self.engine.match_sets(&requests, self.memory);
            let matches = matches.map_err(|error| self.of_pair(error, block, &requests))?;
            let judge = Judge {
                benchmark: self.benchmark,
                protocol: self.protocol,
                alpha: self.alpha,
                sets: &prepared,
            };
            let judged = (0..block.len())
                .into_par_iter()
                .map(|at| judge.pair(block[at], &requests[at], &neighbours[at], &matches[at]));
            for right in judged.collect::<Result<Vec<_>, _>>()? {
                for (all, right) in so_far.right.iter_mut().zip(right) {
                    all.extend(right);
                }
            }
            so_far.pairs += block.len();
            each(&so_far)?;
        }
        Ok(so_far)
    }

    /// The error of an engine, with the pair where it is about one.
    fn of_pair(
        &mut self,
        error: EngineError,
        block: &[usize],
        requests: &[SetsRequest],
    ) -> EvaluationError {
        if !error.is_too_large() {
            return error.into();
        }
        for (&pair, request) in block.iter().zip(requests) {
            if let Err(error) = self.engine.match_sets(std::slice::from_ref(request), self.memory) {
                let pair = &self.benchmark.pairs[pair];
                let photograph = |image: usize| self.benchmark.images[image].path.clone();
                let photographs = [pair.source, pair.target].map(photograph);
                return EvaluationError::Pair { photographs, engine: Box::new(error) };
            }
        }
        error.into()
    }

    fn prepare(&self, sets: &[LayerSet]) -> Result<Vec<Prepared>, EvaluationError> {
        let mut prepared: Vec<Prepared> = Vec::with_capacity(sets.len());
        for (at, set) in sets.iter().enumerate() {
            let position = |layer| self.layers.partition_point(|other| other < layer);
            let positions: Arc<[usize]> = set.layers().iter().map(position).collect();
            let same = |other: &Prepared| other.positions[0] == positions[0];
            let base = prepared.iter().position(same).unwrap_or(at);
            let geometry = self.features.geometry(set.base())?;
            prepared.push(Prepared { positions, geometry, base });
        }
        Ok(prepared)
    }

    /// Brings the photographs of the first of some pairs into memory and drops others: of as many pairs
    /// as the budget and [`Self::block`] allow, but of one in any case. How many those are.
    ///
    /// A photograph stays as long as the block needs it, so that a pair and its mirror share theirs.
    fn load(
        &self,
        pairs: &[usize],
        sets: &[Prepared],
        loaded: &mut Loaded,
    ) -> Result<usize, EvaluationError> {
        let mut needed: Vec<usize> = Vec::new();
        for (at, &pair) in pairs.iter().take(self.block.max(1)).enumerate() {
            let before = needed.len();
            let pair = &self.benchmark.pairs[pair];
            for image in [pair.source, pair.target] {
                if !needed.contains(&image) {
                    needed.push(image);
                }
            }
            for &image in &needed[before..] {
                if loaded.touch(image) {
                    continue;
                }
                // Room for one that is as large as any before.
                let room = loaded.shrink(self.memory.saturating_sub(loaded.largest), &needed);
                if at > 0 && !room {
                    return Ok(at);
                }
                self.read(image, sets, loaded)?;
            }
            if !loaded.shrink(self.memory, &needed) && at > 0 && needed.len() > before {
                // It was larger than any before. What the block does without waits on the disk.
                loaded.shrink(self.memory, &needed[..before]);
                return Ok(at);
            }
        }
        Ok(pairs.len().min(self.block.max(1)))
    }

    /// Reads a photograph's maps.
    fn read(
        &self,
        image: usize,
        sets: &[Prepared],
        loaded: &mut Loaded,
    ) -> Result<(), EvaluationError> {
        let (stack, header) = self.stack(image)?;
        let stack = Arc::new(stack);
        let asked: Vec<(&[usize], Geometry)> =
            sets.iter().map(|set| (&*set.positions, header.geometry(set.geometry))).collect();
        let views: Vec<Arc<View>> = stack.views(&asked).into_iter().map(Arc::new).collect();
        if let Some((view, set)) = views.iter().zip(sets).find(|(v, _)| v.grid.is_empty()) {
            let engine = EngineError::NoHyperpixels {
                width: stack.width,
                height: stack.height,
                receptive_field: view.grid.geometry.receptive_field,
            };
            let engine = Box::new(engine);
            let photograph = self.benchmark.images[image].path.clone();
            let base = self.layers[set.positions[0]];
            return Err(EvaluationError::TooSmall { photograph, base, engine });
        }
        loaded.views.insert(image, views);
        loaded.largest = loaded.largest.max(loaded.bytes_of(image, &stack));
        loaded.images.push((image, stack));
        Ok(())
    }

    fn stack(&self, image: usize) -> Result<(LayerStack, FeaturesHeader), EvaluationError> {
        let image = &self.benchmark.images[image];
        let (header, maps) = self.features.maps(image, &self.layers)?;
        let [width, height] = header.resized_size;
        Ok((LayerStack::new(width, height, header.ratio(), maps), header))
    }

    /// What the engine is asked for a pair, and the neighbours of its keypoints for each base.
    fn request(
        &self,
        pair: usize,
        sets: &[Prepared],
        loaded: &Loaded,
    ) -> (SetsRequest, HashMap<usize, Neighbours>) {
        let pair = &self.benchmark.pairs[pair];
        let stack = |image: usize| {
            let found = loaded.images.iter().find(|(number, _)| *number == image);
            found.map(|(_, stack)| Arc::clone(stack))
        };
        let (Some(source), Some(target)) = (stack(pair.source), stack(pair.target)) else {
            unreachable!("both photographs of the pair were loaded before");
        };
        let views = [pair.source, pair.target].map(|image| &loaded.views[&image]);
        let mut neighbours: HashMap<usize, Neighbours> = HashMap::new();
        let mut rows: HashMap<usize, Arc<[u32]>> = HashMap::new();
        let requests = sets.iter().enumerate().map(|(at, set)| {
            let of_base = neighbours.entry(set.base).or_insert_with(|| {
                Neighbours::on(&views[0][at].grid, source.ratio, &pair.source_keypoints)
            });
            let rows = rows.entry(set.base).or_insert_with(|| of_base.rows[..].into());
            SetRequest {
                positions: Arc::clone(&set.positions),
                source: Arc::clone(&views[0][at]),
                target: Arc::clone(&views[1][at]),
                rows: Arc::clone(rows),
            }
        });
        let sets = requests.collect();
        (SetsRequest { source, target, sets }, neighbours)
    }

    /// The verdicts of one set, in the order of the benchmark's pairs.
    #[must_use]
    pub fn verdicts(&self, right: &[bool]) -> Vec<Verdict> {
        let mut rest = right;
        let mut verdicts = Vec::with_capacity(self.benchmark.pairs.len());
        for pair in self.order() {
            let (right, after) =
                rest.split_at(self.benchmark.pairs[pair].answers().min(rest.len()));
            rest = after;
            if !right.is_empty() {
                // How many have no prediction counts for protocols that a search never uses.
                let (judged, unanswered) = (pair, 0);
                verdicts.push(Verdict { pair, judged, right: right.to_vec(), unanswered });
            }
        }
        verdicts.sort_by_key(|verdict| verdict.pair);
        verdicts
    }

    /// The score of one set: PCK over all pairs in percent, as `hpflow score` has it. 0 where no pair has
    /// keypoints, which a search refuses.
    #[must_use]
    pub fn pck(&self, right: &[bool]) -> f64 {
        let verdicts = self.verdicts(right);
        breakdown(self.benchmark, &verdicts, self.protocol).all.unwrap_or(0.0)
    }
}
