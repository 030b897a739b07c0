//! All layer sets of all pairs.

use rayon::prelude::*;

use super::super::rows::columns_by_row;
use super::super::simd::InstructionSet;
use super::correlations::Correlations;
use super::set::{SetVotes, SetWork};
use super::vote::{SetsVote, VoteAll};
use crate::engine::contract::Matches;
use crate::engine::mirror::is_backward_set;
use crate::engine::request::{SetRequest, SetsRequest};
use crate::hyperpixel::{LayerStack, View};

/// Matches every pair under each of its sets; what is kept at a time takes about `memory` bytes.
pub(crate) fn match_sets(
    instructions: InstructionSet,
    pairs: &[SetsRequest],
    memory: usize,
) -> Vec<Vec<Matches>> {
    let mirror_pairs = mirror_pairs(pairs);
    let memory = memory / rayon::current_num_threads().min(mirror_pairs.len()).max(1);
    let run = SetsRun { instructions, pairs, memory };
    let found: Vec<Vec<(usize, usize, Matches)>> =
        mirror_pairs.par_iter().map(|&pair| run.match_both(pair)).collect();
    let mut all: Vec<Vec<Matches>> =
        pairs.iter().map(|pair| vec![Matches::default(); pair.sets.len()]).collect();
    for (pair, set, matches) in found.into_iter().flatten() {
        all[pair][set] = matches;
    }
    all
}

/// Puts every request together with its mirror, where there is one of the same sets.
fn mirror_pairs(pairs: &[SetsRequest]) -> Vec<[Option<usize>; 2]> {
    let mut mirror_pairs: Vec<[Option<usize>; 2]> = Vec::new();
    for (at, pair) in pairs.iter().enumerate() {
        let positions = |pair: &SetsRequest| {
            pair.sets.iter().map(|set| set.positions.clone()).collect::<Vec<_>>()
        };
        let mirror = mirror_pairs.iter_mut().find(|both| match both {
            [Some(other), None] => {
                let other = &pairs[*other];
                (other.source.id, other.target.id) == (pair.target.id, pair.source.id)
                    && other.source.id != other.target.id
                    && positions(other) == positions(pair)
            }
            _ => false,
        });
        match mirror {
            Some(both) => both[1] = Some(at),
            None => mirror_pairs.push([Some(at), None]),
        }
    }
    mirror_pairs
}

/// How mirror pairs are matched.
#[derive(Clone, Copy)]
struct SetsRun<'a> {
    instructions: InstructionSet,
    pairs: &'a [SetsRequest],
    memory: usize,
}

impl<'a> SetsRun<'a> {
    /// All sets of a mirror pair: request, set, matches.
    fn match_both(self, pair: [Option<usize>; 2]) -> Vec<(usize, usize, Matches)> {
        let [Some(request), mirror] = pair else { unreachable!("a mirror pair has a request") };
        let pair = &self.pairs[request];
        let mut correlations = Correlations::default();
        let mut found = Vec::new();
        for backward in [false, true] {
            let (stacks, requests) = match backward {
                false => ([&*pair.source, &*pair.target], [Some(request), mirror]),
                true => ([&*pair.target, &*pair.source], [mirror, Some(request)]),
            };
            let all = (0..pair.sets.len()).map(|set| self.work(stacks, requests, set));
            let (mut rest, _): (Vec<SetWork>, Vec<SetWork>) = all.partition(|work| {
                let positions = work.base.iter().chain(work.coarse.iter().flatten());
                is_backward_set(&pair.source, &pair.target, positions.copied()) == backward
            });
            while !rest.is_empty() {
                let mut block = self.block(stacks, &mut rest);
                correlations.complete(self.instructions, stacks, backward, &block);
                let vote = SetsVote::new(stacks, &correlations, backward, &block);
                self.instructions.run(VoteAll { vote: &vote, sets: &mut block });
                for work in block {
                    let sizes = stacks.map(|stack| [stack.width, stack.height]);
                    let number = work.number;
                    let sums = vote.own_sums(&work, work.offset_stride());
                    let matches = work.pick(self.instructions, &sums, sizes);
                    for (request, matches) in requests.into_iter().zip(matches) {
                        found.extend(request.zip(matches).map(|(at, m)| (at, number, m)));
                    }
                }
            }
        }
        found
    }

    fn work(
        self,
        [first, _]: [&LayerStack; 2],
        requests: [Option<usize>; 2],
        number: usize,
    ) -> SetWork<'a> {
        let sets: [Option<&SetRequest>; 2] =
            requests.map(|request| request.map(|at| &self.pairs[at].sets[number]));
        let (views, positions): ([&View; 2], _) = match sets {
            [Some(set), _] => ([&set.source, &set.target], &set.positions),
            [None, Some(set)] => ([&set.target, &set.source], &set.positions),
            [None, None] => unreachable!("a mirror pair has a request"),
        };
        let mut groups = first.by_group(positions).into_iter();
        let rows = sets.map(|set| set.map_or(&[][..], |set| &set.rows));
        SetWork {
            number,
            base: groups.next().expect("a checked set has a layer"),
            coarse: groups.collect(),
            views,
            asked: sets.map(|set| set.is_some()),
            columns: [0, 1].map(|side| columns_by_row(&views[side].grid, rows[side])),
            found: SetVotes::default(),
        }
    }

    /// Takes sets off `rest` that have the base resolution of the first and fit into the memory; at
    /// least that one.
    fn block(self, stacks: [&LayerStack; 2], rest: &mut Vec<SetWork<'a>>) -> Vec<SetWork<'a>> {
        let stride = |work: &SetWork| stacks[0].maps[work.base[0]].stride;
        let wanted = stride(&rest[0]);
        let (mut block, mut others) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        for work in rest.drain(..) {
            bytes += if stride(&work) == wanted { work.bytes(stacks) } else { 0 };
            if block.is_empty() || (stride(&work) == wanted && bytes <= self.memory) {
                block.push(work);
            } else {
                others.push(work);
            }
        }
        *rest = others;
        block
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Engine as _;
    use crate::engine::cpu::engine::CpuEngine;
    use crate::hyperpixel::FeatureMap;
    use crate::hyperpixel::{Geometry, synthetic};

    /// Layers of five resolutions, the last of them made up, with three at that of the base.
    fn stack([cells, size]: [[u32; 2]; 2], seed: u64) -> Arc<LayerStack> {
        let layers = "0,1,2,5,9,15".parse().expect("layers");
        let mut maps = synthetic::feature_maps("resnet50", &layers, cells, seed);
        for map in &mut maps {
            let cells = map.rows * map.columns;
            map.channels = map.channels.min(70);
            map.data.truncate(map.channels * cells);
        }
        let data = (0..18).map(|value| ((value * 7 + seed) % 5) as f32).collect();
        maps.push(FeatureMap { layer: 20, stride: 64, channels: 3, rows: 2, columns: 3, data });
        Arc::new(LayerStack::new(size[0], size[1], [1.0; 2], maps))
    }

    const SETS: [&[usize]; 11] = [
        &[0],
        &[1],
        &[0, 1],
        &[0, 1, 2],
        &[0, 3],
        &[1, 3, 4],
        &[0, 2, 3, 4, 5],
        &[2, 5],
        &[1, 2, 4, 5],
        &[0, 3, 4, 5, 6],
        &[0, 6],
    ];

    /// Both ways between two photographs under all sets, for a few hyperpixels. Each is given by the
    /// size that its maps are of, and its own.
    fn requests(sizes: [[[u32; 2]; 2]; 2]) -> Vec<SetsRequest> {
        let stacks = [stack(sizes[0], 1), stack(sizes[1], 2)];
        let geometries = [11, 19, 27].map(|receptive_field| Geometry::new(4, receptive_field));
        let asked: Vec<(&[usize], Geometry)> =
            SETS.iter().map(|set| (*set, geometries[set[0]])).collect();
        let views = stacks
            .clone()
            .map(|stack| stack.views(&asked).into_iter().map(Arc::new).collect::<Vec<_>>());
        let request = |from: usize, to: usize| {
            let set = |number: usize| {
                let source = Arc::clone(&views[from][number]);
                let rows = (0..source.grid.len() as u32).step_by(3 + from).collect();
                let target = Arc::clone(&views[to][number]);
                SetRequest { positions: SETS[number].into(), source, target, rows }
            };
            let [source, target] = [from, to].map(|at| Arc::clone(&stacks[at]));
            SetsRequest { source, target, sets: (0..SETS.len()).map(set).collect() }
        };
        vec![request(0, 1), request(1, 0), request(0, 0)]
    }

    #[test]
    fn every_set_has_the_bits_that_it_has_alone() {
        let ordinary = [[140, 101], [93, 140]].map(|size| [size, size]);
        // Maps whose columns do not follow the photograph's width.
        let foreign = [[[500, 100], [90, 100]], [[96, 100], [96, 100]]];
        for sizes in [ordinary, [ordinary[0]; 2], foreign] {
            let requests = requests(sizes);
            for instructions in InstructionSet::available() {
                let mut engine = CpuEngine::with(instructions);
                let all = match_sets(instructions, &requests, 1 << 30);
                assert_eq!(match_sets(instructions, &requests, 1), all, "a block a set");
                for (number, request) in requests.iter().enumerate() {
                    let alone = match_sets(instructions, &requests[number..=number], 1 << 30);
                    assert_eq!(alone[0], all[number], "without its mirror");
                    for (set, found) in request.sets.iter().zip(&all[number]) {
                        let alone = engine.match_pairs(&[request.pair(set)]).expect("matches");
                        assert_eq!(alone[0], *found, "{instructions:?} {:?}", set.positions);
                        assert!(found.confidence.iter().any(|&value| value > 0.0));
                    }
                }
            }
        }
    }
}
