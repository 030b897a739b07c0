//! All layer sets of all pairs on a device.

use std::collections::HashSet;
use std::time::Instant;

use super::job::{Couple, KeptLayer, SetBlock, SetJob, jobs};
use super::plan::Planner;
use crate::engine::contract::Matches;
use crate::engine::error::GpuError;
use crate::engine::gpu::matcher::{GpuMatcher, PlanKind, Submitted};
use crate::engine::gpu::pipelines::SetsPipelines;
use crate::engine::gpu::plan::SubmissionPlan;
use crate::engine::gpu::resident::{Key, Resident as _, StackMap};
use crate::engine::request::SetsRequest;

/// Matches every pair under each of its sets; the buffers that this takes have about `memory` bytes.
/// Where memory runs out, all is tried again with less of it.
pub(crate) fn match_sets(
    matcher: &mut GpuMatcher,
    requests: &[SetsRequest],
    mut memory: usize,
) -> Result<Vec<Vec<Matches>>, GpuError> {
    loop {
        match match_all(matcher, requests, memory) {
            Err(error @ GpuError::OutOfMemory { .. }) => {
                if !matcher.shrink()? {
                    return Err(error);
                }
                memory = memory.min(matcher.residency.budget() as usize) / 2;
                tracing::warn!("{error}; layer sets go on with {} MiB", memory >> 20);
            }
            done => return done,
        }
    }
}

fn match_all(
    matcher: &mut GpuMatcher,
    requests: &[SetsRequest],
    memory: usize,
) -> Result<Vec<Vec<Matches>>, GpuError> {
    if matcher.sets.is_none() {
        matcher.sets = Some(SetsPipelines::new(&matcher.device, &matcher.preset)?);
    }
    let jobs = jobs(requests);
    let mut found = vec![None; jobs.len()];
    let mut progress = Progress::default();
    matcher.run(&mut found, |matcher| {
        let Some(Planned { plan, pairs }) = matcher.plan_sets(&jobs, &mut progress, memory)? else {
            return Ok(None);
        };
        let (start, flight) = (Instant::now(), matcher.send(&plan, PlanKind::Sets)?);
        let count = pairs.len();
        Ok(Some(Submitted { flight, pairs, count, kind: PlanKind::Sets, start }))
    })?;
    let mut all: Vec<Vec<Matches>> =
        requests.iter().map(|request| vec![Matches::default(); request.sets.len()]).collect();
    for (job, matches) in jobs.iter().zip(found) {
        all[job.pair][job.set] = matches.expect("every set of every pair is in a submission");
    }
    Ok(all)
}

/// How far sets have been planned.
#[derive(Default)]
struct Progress<'a> {
    /// Sets that are planned.
    done: usize,
    block: SetBlock<'a>,
}

/// Sets that are submitted in one go.
struct Planned {
    plan: SubmissionPlan,
    /// Number of each set, and how many matches it has.
    pairs: Vec<(usize, usize)>,
}

impl GpuMatcher {
    /// A block of the first sets, whose maps are then on the device: as many pairs as there is room
    /// for, or as many sets of the first pair.
    fn block<'a>(&mut self, jobs: &[SetJob<'a>], memory: usize) -> Result<SetBlock<'a>, GpuError> {
        let start = Instant::now();
        let limits = [(memory / 2).min(self.largest_scratch()), self.largest_scratch()];
        let (mut block, mut count) = (SetBlock::default(), 0);
        let (mut known, mut pinned) = (HashSet::new(), Vec::new());
        for job in jobs {
            let before = block.layers.len();
            self.add_layers(job, &mut known, &mut block);
            let bytes = block.bytes();
            let fits = bytes[0] <= limits[0] && bytes[1] <= limits[1];
            let must = count == 0;
            if !(must || fits) || !self.place_maps(job, &mut pinned, must)? {
                block.layers.truncate(before);
                break;
            }
            count += 1;
        }
        if let Some(next) = jobs.get(count)
            && next.pair != jobs[0].pair
        {
            count = jobs.partition_point(|job| job.pair < next.pair);
            block.layers.retain(|kept| kept.couple.0 < next.pair);
        }
        self.times.upload += start.elapsed().as_secs_f64() * 1e3;
        block.left = count;
        Ok(block)
    }

    /// Adds a set's coarse layers to a block, unless it has them.
    fn add_layers<'a>(
        &self,
        job: &SetJob<'a>,
        known: &mut HashSet<(Couple, usize)>,
        block: &mut SetBlock<'a>,
    ) {
        let shape = job.shape(&self.preset);
        for (group, positions) in job.coarse.iter().enumerate() {
            let new = positions.iter().filter(|&&position| known.insert((job.couple(), position)));
            block.layers.extend(new.map(|&position| {
                let (couple, stacks, quads) = (job.couple(), job.stacks, shape.product(group));
                let partial = quads * self.preset.splits(stacks[0].maps[position].channels);
                KeptLayer { couple, position, stacks, quads, partial }
            }));
        }
    }

    /// Brings the maps of a set onto the device. Whether they are there now: see
    /// [`Residency::place`](crate::engine::gpu::resident::Residency::place).
    fn place_maps(
        &mut self,
        job: &SetJob,
        pinned: &mut Vec<Key>,
        must: bool,
    ) -> Result<bool, GpuError> {
        for &position in job.base.iter().chain(job.coarse.iter().flatten()) {
            for stack in job.stacks {
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
        jobs: &'a [SetJob<'a>],
        progress: &mut Progress<'a>,
        memory: usize,
    ) -> Result<Option<Planned>, GpuError> {
        let rest = &jobs[progress.done..];
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
        for (number, job) in rest[..block.left].iter().enumerate() {
            // Sets that share a base group begin where all of them fit, or a submission.
            let begins = number > 0 && !rest[number - 1].shares_base(job);
            let shares = |other: &&SetJob| begins && job.shares_base(other);
            let more = rest[number + 1..block.left].iter().take_while(shares).count();
            let scratch = planner.scratch_with(&rest[number..=number + more]);
            let full = scratch.largest() > largest
                || scratch.total() > memory
                || number >= self.sets_pace.at_once();
            if number > 0 && full {
                break;
            }
            planner.add(job);
            pairs.push((progress.done + number, job.rows.len()));
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
    use crate::engine::gpu::device::GpuDevice;
    use crate::engine::gpu::options::GpuOptions;
    use crate::engine::gpu::preset::Preset;
    use crate::engine::request::SetRequest;
    use crate::hyperpixel::{Geometry, LayerSet, LayerStack, View, synthetic};

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

    fn plans(matcher: &mut GpuMatcher, jobs: &[SetJob], memory: usize) -> Vec<SubmissionPlan> {
        let mut progress = Progress::default();
        std::iter::from_fn(|| matcher.plan_sets(jobs, &mut progress, memory).expect("a plan"))
            .map(|planned| planned.plan)
            .collect()
    }

    /// Layers that plans correlate, and sets of each.
    fn counts(plans: &[SubmissionPlan]) -> (usize, Vec<usize>) {
        let layers = plans.iter().flat_map(|plan| &plan.correlated).map(|one| one.layers.len());
        (layers.sum(), plans.iter().map(|plan| plan.pairs.len()).collect())
    }

    #[test]
    #[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
    fn each_layer_is_correlated_once_a_pair_and_sets_share_submissions() {
        let options = GpuOptions::default();
        let device =
            GpuDevice::new(None, options.precision).expect("an adapter, or HPFLOW_NO_GPU=1");
        let preset = Preset::of(&device.info, device.device.features());
        let mut matcher = GpuMatcher::on(device, preset, &options).expect("a matcher");
        let requests = requests();
        let jobs = jobs(&requests);
        let sets = jobs.len() / 2;
        // All but the four layers at the base's resolution.
        let coarse = 17 - 4;
        let whole = plans(&mut matcher, &jobs, usize::MAX);
        assert_eq!(counts(&whole), (2 * coarse, vec![2 * sets]));
        let plan = &whole[0];
        // Once a layer and pair, and once for the set of it.
        assert_eq!(plan.layers.len(), 4 * coarse);
        // Bases 0, and 0 with 1, 2 or 3, on both sides.
        assert_eq!((plan.sharing.len(), plan.crops.len()), (8, 2 * (1 + 3 * 2)));
        // Some of the sets at a time, with the correlations that the first ones left.
        let some = plans(&mut matcher, &jobs, plan.scratch.total() / 4);
        let (layers, submissions) = counts(&some);
        assert_eq!((layers, submissions.iter().sum()), (2 * coarse, 2 * sets));
        assert!((4..sets).contains(&submissions.len()), "{submissions:?}");
        // None: a set at a time, with its own layers.
        let none = plans(&mut matcher, &jobs, 0);
        assert_eq!(counts(&none), (2 * coarse, vec![1; 2 * sets]));
    }
}
