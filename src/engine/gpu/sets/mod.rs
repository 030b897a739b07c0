//! One pair under many layer sets on the device (docs/method.md, "Many layer sets"): each map is
//! uploaded once and correlated once a pair, and a set adds up the correlations of its layers.
//!
//! Sets are taken in blocks. The coarse layers of a block's pairs are correlated at their native
//! resolution in its first submission, and their correlations stay for the others; a submission takes
//! as many sets as the memory allows. Sets that have a coarse group in common share its sum, expanded.
//! Sets that have their base group in common share its product, which `vote` and `pick` compute once
//! for all that a submission has of them; the next submission multiplies it again, because kept it would
//! take the square of the number of hyperpixels. Base groups are lined up on the device, for sets of
//! another base layer count other cells. Each sum has the order that it has where a set is matched
//! alone, so the bits are the same.

mod plan;

use std::collections::HashSet;
use std::time::Instant;

use super::layout::QUAD;
use super::pipelines::SetsPipelines;
use super::plan::{GroupShape, Plan, Shape};
use super::preset::Preset;
use super::resident::{Key, Resident as _, StackMap};
use super::{GpuEngine, GpuError, Kernels, Submitted, check_rows};
use crate::engine::{EngineError, Matches, SetRequest, SetsRequest};
use crate::hyperpixel::{Grid, LayerStack, View};

use plan::Planner;

/// Matches every pair under each of its sets; the buffers that this takes have about `memory` bytes.
pub(super) fn match_sets(
    engine: &mut GpuEngine,
    requests: &[SetsRequest],
    memory: usize,
) -> Result<Vec<Vec<Matches>>, EngineError> {
    for request in requests {
        request.check(engine.precision)?;
        for set in &request.sets {
            check_rows(&set.rows, set.source.grid.len())?;
        }
    }
    if engine.sets.is_none() {
        engine.sets = Some(SetsPipelines::new(&engine.device, &engine.preset)?);
    }
    let works = works(requests);
    let mut found = vec![Matches::default(); works.len()];
    let mut progress = Progress::default();
    engine.run(&mut found, |engine| {
        let Some(Planned { plan, pairs }) = engine.plan_sets(&works, &mut progress, memory)? else {
            return Ok(None);
        };
        let (start, flight) = (Instant::now(), engine.send(&plan, Kernels::Sets)?);
        Ok(Some(Submitted { flight, pairs, start }))
    })?;
    let mut all: Vec<Vec<Matches>> =
        requests.iter().map(|request| vec![Matches::default(); request.sets.len()]).collect();
    for (work, matches) in works.iter().zip(found) {
        all[work.pair][work.set] = matches;
    }
    Ok(all)
}

/// One set of one pair.
struct Work<'a> {
    /// Number of the pair among the requests.
    pair: usize,
    /// Number of the set among the pair's.
    set: usize,
    stacks: [&'a LayerStack; 2],
    views: [&'a View; 2],
    rows: &'a [u32],
    /// Positions of its layers at the base's resolution.
    base: Vec<usize>,
    /// Positions of its layers at each coarser resolution.
    coarse: Vec<Vec<usize>>,
}

/// All sets of all pairs: those of a pair that have their base group in common beside each other.
fn works(requests: &[SetsRequest]) -> Vec<Work<'_>> {
    let mut all = Vec::new();
    for (pair, request) in requests.iter().enumerate() {
        let work = |(number, set)| Work::new(pair, request, number, set);
        let mut of_pair: Vec<Work> = request.sets.iter().enumerate().map(work).collect();
        of_pair.sort_by(|one, other| one.base.cmp(&other.base));
        all.extend(of_pair);
    }
    all
}

impl<'a> Work<'a> {
    fn new(pair: usize, request: &'a SetsRequest, number: usize, set: &'a SetRequest) -> Self {
        let mut groups = request.source.by_group(&set.positions).into_iter();
        Self {
            pair,
            set: number,
            stacks: [&request.source, &request.target],
            views: [&set.source, &set.target],
            rows: &set.rows,
            base: groups.next().unwrap_or_default(),
            coarse: groups.collect(),
        }
    }

    fn shape(&self, preset: &'a Preset) -> Shape<'a> {
        let [source, target] = self.stacks;
        let channels =
            |layers: &[usize]| layers.iter().map(|&at| source.maps[at].channels).collect();
        let group = |layers: &Vec<usize>| GroupShape {
            layers: channels(layers),
            maps: [&source.maps[layers[0]], &target.maps[layers[0]]],
        };
        let channels: Vec<usize> = channels(&self.base);
        Shape {
            preset,
            sizes: self.stacks.map(|stack| [stack.width, stack.height]),
            grids: self.views.map(|view| view.grid),
            channels: channels.iter().sum(),
            groups: self.coarse.iter().map(group).collect(),
            rows: self.rows,
        }
    }

    /// The cells that count on both sides.
    fn cells(&self) -> [Cells; 2] {
        self.views.map(|view| cells(&view.grid))
    }

    /// Whether another set has the same base group of the same pair.
    fn shares_base(&self, other: &Self) -> bool {
        (self.pair, &self.base, self.cells()) == (other.pair, &other.base, other.cells())
    }
}

/// First and number of the rows and columns that count.
type Cells = [usize; 4];

fn cells(grid: &Grid) -> Cells {
    [grid.rows.start, grid.rows.len, grid.columns.start, grid.columns.len]
}

/// How far sets have been planned.
#[derive(Default)]
struct Progress<'a> {
    /// Sets that are planned.
    done: usize,
    block: Block<'a>,
}

/// Sets that are submitted in one go.
struct Planned {
    plan: Plan,
    /// Number of each set, and how many matches it has.
    pairs: Vec<(usize, usize)>,
}

/// Sets whose maps are on the device and whose layers' correlations are kept together.
#[derive(Default)]
struct Block<'a> {
    /// Sets that are still to be planned.
    left: usize,
    /// Whether the layers have been correlated.
    correlated: bool,
    /// The coarse layers.
    layers: Vec<Kept<'a>>,
}

/// A coarse layer whose correlation is kept.
struct Kept<'a> {
    /// Number of the pair, and position of the layer.
    pair: usize,
    position: usize,
    stacks: [&'a LayerStack; 2],
    /// Quads of its correlation, and of the products of its parts.
    quads: usize,
    partial: usize,
}

impl Block<'_> {
    /// Bytes of the correlations, and of the products of their parts.
    fn bytes(&self) -> [usize; 2] {
        let sum = |of: fn(&Kept) -> usize| self.layers.iter().map(of).sum::<usize>() * QUAD;
        [sum(|kept| kept.quads), sum(|kept| kept.partial)]
    }
}

impl GpuEngine {
    /// A block of the first sets, whose maps are then on the device: as many pairs as there is room
    /// for, or as many sets of the first pair.
    fn block<'a>(&mut self, works: &[Work<'a>], memory: usize) -> Result<Block<'a>, GpuError> {
        let start = Instant::now();
        let limits = [(memory / 2).min(self.largest_scratch()), self.largest_scratch()];
        let (mut block, mut count) = (Block::default(), 0);
        let (mut known, mut pinned) = (HashSet::new(), Vec::new());
        for work in works {
            let before = block.layers.len();
            self.add_layers(work, &mut known, &mut block);
            let bytes = block.bytes();
            let fits = bytes[0] <= limits[0] && bytes[1] <= limits[1];
            let must = count == 0;
            if !(must || fits) || !self.place_maps(work, &mut pinned, must)? {
                block.layers.truncate(before);
                break;
            }
            count += 1;
        }
        if let Some(next) = works.get(count)
            && next.pair != works[0].pair
        {
            count = works.partition_point(|work| work.pair < next.pair);
            block.layers.retain(|kept| kept.pair < next.pair);
        }
        self.times.upload += start.elapsed().as_secs_f64() * 1e3;
        block.left = count;
        Ok(block)
    }

    /// Adds a set's coarse layers to a block, unless it has them.
    fn add_layers<'a>(
        &self,
        work: &Work<'a>,
        known: &mut HashSet<(usize, usize)>,
        block: &mut Block<'a>,
    ) {
        let shape = work.shape(&self.preset);
        for (group, positions) in work.coarse.iter().enumerate() {
            let new = positions.iter().filter(|&&position| known.insert((work.pair, position)));
            block.layers.extend(new.map(|&position| {
                let (pair, stacks, quads) = (work.pair, work.stacks, shape.product(group));
                let partial = quads * self.preset.splits(stacks[0].maps[position].channels);
                Kept { pair, position, stacks, quads, partial }
            }));
        }
    }

    /// Brings the maps of a set onto the device. Whether they are there now: see
    /// [`super::resident::Residency::place`].
    fn place_maps(
        &mut self,
        work: &Work,
        pinned: &mut Vec<Key>,
        must: bool,
    ) -> Result<bool, GpuError> {
        for &position in work.base.iter().chain(work.coarse.iter().flatten()) {
            for stack in work.stacks {
                let map = StackMap { stack, position };
                if pinned.contains(&map.key()) {
                    continue;
                }
                if !self.residency.place(&self.device, &self.preset, &map, pinned, must)? {
                    return Ok(false);
                }
                pinned.push(map.key());
            }
        }
        Ok(true)
    }

    /// What is submitted next; nothing where all sets are planned.
    fn plan_sets<'a>(
        &mut self,
        works: &'a [Work<'a>],
        progress: &mut Progress<'a>,
        memory: usize,
    ) -> Result<Option<Planned>, GpuError> {
        let rest = &works[progress.done..];
        if rest.is_empty() {
            return Ok(None);
        }
        if progress.block.left == 0 {
            progress.block = self.block(rest, memory)?;
        }
        let largest = self.largest_scratch();
        let block = &mut progress.block;
        let mut planner = Planner::new(block, &self.residency, &self.preset);
        let mut pairs = Vec::new();
        for (number, work) in rest[..block.left].iter().enumerate() {
            // Sets that share a base group begin where all of them fit, or a submission.
            let begins = number > 0 && !rest[number - 1].shares_base(work);
            let shares = |other: &&Work| begins && work.shares_base(other);
            let more = rest[number + 1..block.left].iter().take_while(shares).count();
            let scratch = planner.scratch_with(&rest[number..=number + more]);
            if number > 0 && (scratch.largest() > largest || scratch.total() > memory) {
                break;
            }
            planner.add(work);
            pairs.push((progress.done + number, work.rows.len()));
        }
        block.left -= pairs.len();
        block.correlated = true;
        progress.done += pairs.len();
        Ok(Some(Planned { plan: planner.finish(), pairs }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::gpu::GpuOptions;
    use crate::hyperpixel::{Geometry, LayerSet, synthetic};

    /// A pair and its mirror under the base 0 of ResNet-50, alone and with every other layer.
    fn requests() -> Vec<SetsRequest> {
        let layers = LayerSet::new((0..17).collect()).expect("ascending");
        let stack = |size: [u32; 2], seed| {
            let maps = synthetic::feature_maps("resnet50", &layers, size, seed);
            Arc::new(LayerStack::new(size[0], size[1], [1.0; 2], maps))
        };
        let stacks = [stack([60, 45], 1), stack([50, 56], 2)];
        let sets = [vec![0]].into_iter().chain((1..17).map(|layer| vec![0, layer]));
        let sets: Vec<Vec<usize>> = sets.collect();
        let asked: Vec<(&[usize], Geometry)> =
            sets.iter().map(|set| (&**set, Geometry::new(4, 11))).collect();
        let request = |[source, target]: [usize; 2]| {
            let views = [source, target].map(|side| stacks[side].views(&asked));
            let set = |(set, (source, target)): (&Vec<usize>, (&View, &View))| SetRequest {
                positions: (&**set).into(),
                source: Arc::new(source.clone()),
                target: Arc::new(target.clone()),
                rows: (0..source.grid.len() as u32).step_by(9).collect(),
            };
            let [source, target] = [source, target].map(|side| Arc::clone(&stacks[side]));
            let views = views[0].iter().zip(&views[1]);
            SetsRequest { source, target, sets: sets.iter().zip(views).map(set).collect() }
        };
        vec![request([0, 1]), request([1, 0])]
    }

    fn plans(engine: &mut GpuEngine, works: &[Work], memory: usize) -> Vec<Plan> {
        let mut progress = Progress::default();
        std::iter::from_fn(|| engine.plan_sets(works, &mut progress, memory).expect("a plan"))
            .map(|planned| planned.plan)
            .collect()
    }

    /// Layers that plans correlate, and sets of each.
    fn counts(plans: &[Plan]) -> (usize, Vec<usize>) {
        let layers = plans.iter().flat_map(|plan| &plan.correlated).map(|one| one.layers.len());
        (layers.sum(), plans.iter().map(|plan| plan.pairs.len()).collect())
    }

    #[test]
    #[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
    fn each_layer_is_correlated_once_a_pair_and_sets_share_submissions() {
        let mut engine = GpuEngine::with(&GpuOptions::default()).expect("an adapter");
        let requests = requests();
        let works = works(&requests);
        let sets = works.len() / 2;
        // All but the four layers at the base's resolution.
        let coarse = 17 - 4;
        let whole = plans(&mut engine, &works, usize::MAX);
        assert_eq!(counts(&whole), (2 * coarse, vec![2 * sets]));
        let plan = &whole[0];
        // Once a layer and pair, and once for the set of it.
        assert_eq!(plan.layers.len(), 4 * coarse);
        // Bases 0, and 0 with 1, 2 or 3, on both sides.
        assert_eq!((plan.sharing.len(), plan.crops.len()), (8, 2 * (1 + 3 * 2)));
        // Some of the sets at a time, with the correlations that the first ones left.
        let some = plans(&mut engine, &works, plan.scratch.total() / 4);
        let (layers, submissions) = counts(&some);
        assert_eq!((layers, submissions.iter().sum()), (2 * coarse, 2 * sets));
        assert!((4..sets).contains(&submissions.len()), "{submissions:?}");
        // None: a set at a time, with its own layers.
        let none = plans(&mut engine, &works, 0);
        assert_eq!(counts(&none), (2 * coarse, vec![1; 2 * sets]));
    }
}
