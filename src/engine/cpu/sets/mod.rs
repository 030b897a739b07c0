//! One pair under many layer sets (docs/method.md, "Many layer sets"): each map is correlated once a
//! couple of photographs, and a set adds up the correlations of its layers.
//!
//! Coarse maps are correlated at their native resolution before anything else. Maps at the base's
//! resolution are multiplied one source row and some target rows at a time, for all sets together,
//! because their products are too many to be kept; what coarse groups add to them is upsampled once
//! for all sets as well. Each sum has the order that it has where a set is matched alone, so the bits
//! are the same.

mod diagonals;
mod vote;

use std::collections::HashMap;

use rayon::prelude::*;

use super::correlate::{Correlate, Correlation};
use super::hough::{hough, mirrored};
use super::pick::{KeptRow, Pick};
use super::simd::{Aligned, LANES};
use super::tile::padded;
use super::vote::Kept;
use super::{InstructionSet, backward_rows, columns_by_row, forward_rows, matches};
use crate::engine::couple::is_backward_set;
use crate::engine::hough::HoughSpace;
use crate::engine::{Matches, SetRequest, SetsRequest};
use crate::hyperpixel::{Grid, LayerStack, View};
use vote::{Vote, VoteAll};

/// Matches every pair under each of its sets; what is kept at a time takes about `memory` bytes.
pub fn match_sets(
    instructions: InstructionSet,
    pairs: &[SetsRequest],
    memory: usize,
) -> Vec<Vec<Matches>> {
    let couples = couples(pairs);
    let memory = memory / rayon::current_num_threads().min(couples.len()).max(1);
    let one = |couple: &[Option<usize>; 2]| Run { instructions, pairs, memory }.couple(*couple);
    let found: Vec<Vec<(usize, usize, Matches)>> = couples.par_iter().map(one).collect();
    let mut all: Vec<Vec<Matches>> =
        pairs.iter().map(|pair| vec![Matches::default(); pair.sets.len()]).collect();
    for (pair, set, matches) in found.into_iter().flatten() {
        all[pair][set] = matches;
    }
    all
}

/// Puts every request into a couple, with its mirror where there is one of the same sets.
fn couples(pairs: &[SetsRequest]) -> Vec<[Option<usize>; 2]> {
    let mut couples: Vec<[Option<usize>; 2]> = Vec::new();
    for (at, pair) in pairs.iter().enumerate() {
        let positions = |pair: &SetsRequest| {
            pair.sets.iter().map(|set| set.positions.clone()).collect::<Vec<_>>()
        };
        let mirror = couples.iter_mut().find(|couple| match couple {
            [Some(other), None] => {
                let other = &pairs[*other];
                (other.source.id, other.target.id) == (pair.target.id, pair.source.id)
                    && other.source.id != other.target.id
                    && positions(other) == positions(pair)
            }
            _ => false,
        });
        match mirror {
            Some(couple) => couple[1] = Some(at),
            None => couples.push([Some(at), None]),
        }
    }
    couples
}

/// How couples are matched.
#[derive(Clone, Copy)]
struct Run<'a> {
    instructions: InstructionSet,
    pairs: &'a [SetsRequest],
    memory: usize,
}

/// One set of a couple, the way around in which it is computed.
struct Work<'a> {
    /// Its number among the sets of the requests.
    number: usize,
    /// Positions of its layers at the base's resolution.
    base: Vec<usize>,
    /// Positions of its layers at each coarser resolution.
    coarse: Vec<Vec<usize>>,
    views: [&'a View; 2],
    /// Whether the first is to be matched to the second, and the second to the first.
    asked: [bool; 2],
    /// The hyperpixels asked for, of either photograph: columns, row by row.
    columns: [Vec<Vec<usize>>; 2],
    found: Votes,
}

/// What the vote leaves of one set.
#[derive(Default)]
struct Votes {
    /// Sums over offsets of whole maps: row offsets × the stride of their layout.
    sums: Vec<f32>,
    /// Similarities for `pick`, a source row each.
    kept: Vec<Kept>,
}

impl<'a> Run<'a> {
    /// All sets of a couple: request, set, matches.
    fn couple(self, couple: [Option<usize>; 2]) -> Vec<(usize, usize, Matches)> {
        let [Some(request), mirror] = couple else { return Vec::new() };
        let pair = &self.pairs[request];
        let mut correlations = Correlations::default();
        let mut found = Vec::new();
        for backward in [false, true] {
            let (stacks, requests) = match backward {
                false => ([&*pair.source, &*pair.target], [Some(request), mirror]),
                true => ([&*pair.target, &*pair.source], [mirror, Some(request)]),
            };
            let all = (0..pair.sets.len()).map(|set| self.work(stacks, requests, set));
            let (mut rest, _): (Vec<Work>, Vec<Work>) = all.partition(|work| {
                let positions = work.base.iter().chain(work.coarse.iter().flatten());
                is_backward_set(&pair.source, &pair.target, positions.copied()) == backward
            });
            while !rest.is_empty() {
                let mut block = self.block(stacks, &mut rest);
                correlations.complete(self.instructions, stacks, backward, &block);
                let vote = Vote::new(stacks, &correlations, backward, &block);
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
    ) -> Work<'a> {
        let sets: [Option<&SetRequest>; 2] =
            requests.map(|request| request.map(|at| &self.pairs[at].sets[number]));
        let (views, positions): ([&View; 2], _) = match sets {
            [Some(set), _] => ([&set.source, &set.target], &set.positions),
            [None, Some(set)] => ([&set.target, &set.source], &set.positions),
            [None, None] => unreachable!("a couple has a request"),
        };
        let mut groups = first.by_group(positions).into_iter();
        let rows = sets.map(|set| set.map_or(&[][..], |set| &set.rows));
        Work {
            number,
            base: groups.next().unwrap_or_default(),
            coarse: groups.collect(),
            views,
            asked: sets.map(|set| set.is_some()),
            columns: [0, 1].map(|side| columns_by_row(&views[side].grid, rows[side])),
            found: Votes::default(),
        }
    }

    /// Takes sets off `rest` that have the base resolution of the first and fit into the memory; at
    /// least that one.
    fn block(self, stacks: [&LayerStack; 2], rest: &mut Vec<Work<'a>>) -> Vec<Work<'a>> {
        let stride = |work: &Work| stacks[0].maps[work.base[0]].stride;
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

impl Work<'_> {
    fn grids(&self) -> [&Grid; 2] {
        self.views.map(|view| &view.grid)
    }

    /// Widths of lines of similarities: of the second's columns and of the first's.
    fn widths(&self) -> [usize; 2] {
        let [first, second] = self.grids();
        [padded(second.columns.len, LANES), padded(first.columns.len, LANES)]
    }

    fn offset_stride(&self) -> usize {
        let [first, second] = self.grids();
        padded(first.columns.len + second.columns.len - 1, LANES)
    }

    /// About the bytes that the set keeps while its couple is matched.
    fn bytes(&self, [first, second]: [&LayerStack; 2]) -> usize {
        let asked = |side: usize| self.columns[side].iter().map(Vec::len).sum::<usize>();
        let [grid, target] = self.grids();
        let kept = asked(0) * target.len() + asked(1) * grid.len();
        let cells = |group: &Vec<usize>| {
            let (source, target) = (&first.maps[group[0]], &second.maps[group[0]]);
            source.rows * source.columns * target.rows * self.widths()[0]
        };
        (kept + self.coarse.iter().map(cells).sum::<usize>()) * size_of::<f32>()
    }

    /// From votes to matches, first to second and second to first.
    fn pick(
        &self,
        instructions: InstructionSet,
        sums: &[f32],
        sizes: [[u32; 2]; 2],
    ) -> [Option<Matches>; 2] {
        let (grids, [width, source_width]) = (self.grids(), self.widths());
        let kept = &self.found.kept;
        let stride = self.offset_stride();
        let pick = |space: HoughSpace, sums: &[f32], grids, width, rows: Vec<KeptRow>| {
            let votes = hough(&space, sums, stride);
            let picks = rows.iter().map(|kept| Pick { grids, width, votes: &votes, kept });
            matches(&picks.flat_map(|pick| instructions.run(pick)).collect::<Vec<_>>())
        };
        let forward = || {
            let rows = forward_rows(width, &self.columns[0], kept);
            pick(HoughSpace::between(sizes, grids), sums, grids, width, rows)
        };
        let backward = || {
            let columns = grids[0].columns.len + grids[1].columns.len - 1;
            let rows = backward_rows(source_width, &self.columns[1], kept);
            let (grids, sizes) = ([grids[1], grids[0]], [sizes[1], sizes[0]]);
            let space = HoughSpace::between(sizes, grids);
            pick(space, &mirrored(sums, columns, stride), grids, source_width, rows)
        };
        [self.asked[0].then(forward), self.asked[1].then(backward)]
    }
}

/// Correlations of maps at their native resolution, by position and by whether from the second to
/// the first.
#[derive(Default)]
struct Correlations(HashMap<(usize, bool), Correlation>);

impl Correlations {
    /// Adds those that the coarse layers of sets need.
    fn complete(
        &mut self,
        instructions: InstructionSet,
        stacks: [&LayerStack; 2],
        backward: bool,
        sets: &[Work],
    ) {
        for &at in sets.iter().flat_map(|set| set.coarse.iter().flatten()) {
            if self.0.contains_key(&(at, backward)) {
                continue;
            }
            let [source, target] = stacks.map(|stack| &stack.maps[at]);
            let correlation = match self.0.get(&(at, !backward)) {
                Some(other) => other.transposed(source.rows * source.columns),
                None => instructions.run(Correlate { source, target }),
            };
            self.0.insert((at, backward), correlation);
        }
    }

    /// The correlation of a coarse group: the sum of its layers', one after the other.
    fn sum(&self, group: &[usize], backward: bool) -> Correlation {
        let mut all = group.iter().map(|&at| &self.0[&(at, backward)]);
        let mut sum = Correlation { stride: LANES, data: Aligned::default() };
        if let Some(first) = all.next() {
            sum = Correlation { stride: first.stride, data: first.data.clone() };
        }
        all.for_each(|other| sum.add(other));
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backbone::FeatureMap;
    use crate::engine::Engine as _;
    use crate::engine::cpu::CpuEngine;
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
