//! One pair under many layer sets (DESIGN, section 5): each map is correlated once a couple of
//! photographs, and a set adds up the correlations of its layers.
//!
//! Coarse maps are correlated at their native resolution before anything else. Maps at the base's
//! resolution are multiplied one source row and target row at a time, for all sets together, because
//! their products are too many to be kept. Each sum has the order that it has where a set is matched
//! alone, so the bits are the same.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use super::correlate::{Correlate, Correlation};
use super::expand::{Base, Expand, Expanded};
use super::hough::{hough, mirrored};
use super::pick::{KeptRow, Pick};
use super::simd::{Kernel, LANES, Simd};
use super::similarity::{Side, Similarities, add, multiply_layer, similarities};
use super::tile::{Panel, ROW_MARGIN, padded};
use super::vote::{Kept, sum_diagonals, transpose};
use super::{InstructionSet, backward_rows, columns_by_row, forward_rows, matches};
use crate::engine::couple::is_backward_set;
use crate::engine::hough::HoughSpace;
use crate::engine::{Matches, SetRequest, SetsRequest};
use crate::hyperpixel::{Grid, Group, LayerStack, View};

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
    /// Sums over offsets.
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
                let vote = Vote::new(self.instructions, stacks, &correlations, backward, &block);
                self.instructions.run(VoteAll { vote, sets: &mut block });
                for work in block {
                    let sizes = stacks.map(|stack| [stack.width, stack.height]);
                    let number = work.number;
                    let matches = work.pick(self.instructions, sizes);
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
    fn pick(self, instructions: InstructionSet, sizes: [[u32; 2]; 2]) -> [Option<Matches>; 2] {
        let (grids, [width, source_width]) = (self.grids(), self.widths());
        let Votes { sums, kept } = &self.found;
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
}

/// A coarse group that some sets have in common: base layer, and positions of the group's layers.
type TermKey = (usize, Vec<usize>);

/// What the vote of a block of sets is made of.
struct Vote<'a> {
    stacks: [&'a LayerStack; 2],
    /// Positions of all layers at the base's resolution.
    layers: Vec<usize>,
    /// The second's maps of each: rows × channels × width of the map.
    panels: Vec<Vec<f32>>,
    /// Lists of layers that some sets have in common, as numbers in `layers`.
    bases: Vec<Vec<usize>>,
    /// Coarse groups, and the view whose grid each is expanded to.
    terms: Vec<(Expanded, [&'a View; 2])>,
    /// For each set the numbers of its base and of its terms.
    parts: Vec<(usize, Vec<usize>)>,
}

impl<'a> Vote<'a> {
    fn new(
        instructions: InstructionSet,
        stacks: [&'a LayerStack; 2],
        correlations: &Correlations,
        backward: bool,
        sets: &[Work<'a>],
    ) -> Self {
        let layers: BTreeSet<usize> = sets.iter().flat_map(|set| set.base.clone()).collect();
        let layers: Vec<usize> = layers.into_iter().collect();
        let panels = layers.iter().map(|&at| rows_of_channels(&stacks[1].maps[at])).collect();
        let (mut bases, mut terms): (Vec<Vec<usize>>, Vec<(TermKey, _)>) = Default::default();
        let mut parts = Vec::with_capacity(sets.len());
        for set in sets {
            let numbers: Vec<usize> =
                set.base.iter().map(|at| layers.partition_point(|other| other < at)).collect();
            let base = bases.iter().position(|other| *other == numbers).unwrap_or_else(|| {
                bases.push(numbers);
                bases.len() - 1
            });
            let mut own = Vec::with_capacity(set.coarse.len());
            for group in &set.coarse {
                let key: TermKey = (set.base[0], group.clone());
                own.push(terms.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
                    let expanded = expand(instructions, stacks, correlations, backward, set, group);
                    terms.push((key, (expanded, set.views)));
                    terms.len() - 1
                }));
            }
            parts.push((base, own));
        }
        let terms = terms.into_iter().map(|(_, term)| term).collect();
        Self { stacks, layers, panels, bases, terms, parts }
    }
}

/// The sum of a coarse group's correlations, one layer after the other, upsampled to a set's grid.
fn expand(
    instructions: InstructionSet,
    stacks: [&LayerStack; 2],
    correlations: &Correlations,
    backward: bool,
    set: &Work,
    group: &[usize],
) -> Expanded {
    let mut all = group.iter().map(|&at| &correlations.0[&(at, backward)]);
    let mut sum = Correlation { stride: LANES, data: Vec::new() };
    if let Some(first) = all.next() {
        sum = Correlation { stride: first.stride, data: first.data.clone() };
    }
    all.for_each(|other| sum.add(other));
    let side = |side: usize| {
        let (group, base) = (&stacks[side].maps[group[0]], &stacks[side].maps[set.base[0]]);
        (group, Base { grid: &set.views[side].grid, group: base })
    };
    instructions.run(Expand { correlation: &sum, source: side(0), target: side(1) })
}

/// A map as rows × channels × padded columns.
fn rows_of_channels(map: &Group) -> Vec<f32> {
    let width = padded(map.columns, LANES);
    let mut rows = vec![0.0; map.rows * map.channels * width];
    let data = map.data.view().single();
    for (channel, from) in data.chunks_exact(map.rows * map.columns).enumerate() {
        for (row, line) in from.chunks_exact(map.columns).enumerate() {
            rows[(row * map.channels + channel) * width..][..map.columns].copy_from_slice(line);
        }
    }
    rows
}

/// Votes of all sets of a block, row by row.
struct VoteAll<'a, 'b> {
    vote: Vote<'a>,
    sets: &'b mut [Work<'a>],
}

/// Room that every source row uses anew.
struct Room {
    /// The first's maps of each base layer, one row: channels × (columns + margin).
    panels: Vec<Vec<f32>>,
    /// For each term the mixed rows of its expanded correlation.
    rows: Vec<Vec<f32>>,
    /// Products of each base layer for one source and one target row.
    products: Vec<Vec<f32>>,
    /// Sums of the products for each list of base layers that has several.
    sums: Vec<Vec<f32>>,
    /// For each term the mixed columns for the target row.
    mixed: Vec<Vec<f32>>,
    /// Inverse norms of the target row, from its first counted column on.
    norms: Vec<f32>,
    /// One line of offsets.
    line: Vec<f32>,
}

impl Kernel for VoteAll<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { vote, sets } = self;
        let [source, target] = vote.stacks.map(|stack| &stack.maps[vote.layers[0]]);
        let width = padded(target.columns, LANES);
        // A line is read from a set's first column on, so the last is followed by some more.
        let values = (source.columns + ROW_MARGIN) * width + 2 * LANES;
        let terms = vote.terms.len();
        let mut room = Room {
            panels: vec![Vec::new(); vote.layers.len()],
            rows: vec![Vec::new(); terms],
            products: vec![vec![0.0; values]; vote.layers.len()],
            sums: vec![vec![0.0; values]; vote.bases.len()],
            mixed: vec![Vec::new(); terms],
            norms: Vec::new(),
            line: Vec::new(),
        };
        let mut similarities = Vec::with_capacity(sets.len());
        for set in &mut *sets {
            let [first, second] = set.views.map(|view| view.grid);
            let lines = first.rows.len + second.rows.len - 1;
            set.found.sums = vec![0.0; lines * set.offset_stride()];
            let [width, source_width] = set.widths();
            let targets: usize = set.columns[1].iter().map(Vec::len).sum();
            for columns in &set.columns[0] {
                set.found.kept.push(Kept {
                    of_sources: Vec::with_capacity(second.rows.len * columns.len() * width),
                    of_targets: Vec::with_capacity(targets * source_width),
                });
            }
            similarities.push(Similarities::new(first.columns.len, set.widths()[0]));
        }
        for row in 0..source.rows {
            let mut used = false;
            for set in &*sets {
                used |= counted(set.views[0].grid.rows, row).is_some();
            }
            if !used {
                continue;
            }
            vote.source_row(simd, row, &mut room);
            for target_row in 0..target.rows {
                vote.target_row(simd, row, target_row, &mut room, sets, &mut similarities);
            }
        }
    }
}

/// The row relative to those that count, if it does.
#[inline(always)]
fn counted(rows: crate::hyperpixel::geometry::Range, row: usize) -> Option<usize> {
    let relative = row.wrapping_sub(rows.start);
    if relative < rows.len { Some(relative) } else { None }
}

impl Vote<'_> {
    /// What one source row has in common for all target rows.
    #[inline(always)]
    fn source_row<S: Simd>(&self, simd: S, row: usize, room: &mut Room) {
        for (&at, panel) in self.layers.iter().zip(&mut room.panels) {
            let map = &self.stacks[0].maps[at];
            let stride = map.columns + ROW_MARGIN;
            panel.resize(map.channels * stride, 0.0);
            let data = map.data.view().single();
            let channels = data.chunks_exact(map.rows * map.columns);
            for (from, to) in channels.zip(panel.chunks_exact_mut(stride)) {
                to[..map.columns].copy_from_slice(&from[row * map.columns..][..map.columns]);
            }
        }
        for ((expanded, views), rows) in self.terms.iter().zip(&mut room.rows) {
            if let Some(relative) = counted(views[0].grid.rows, row) {
                expanded.source_row(simd, relative, rows);
            }
        }
    }

    /// Votes of one source row and one target row, of all sets.
    #[inline(always)]
    fn target_row<S: Simd>(
        &self,
        simd: S,
        row: usize,
        target_row: usize,
        room: &mut Room,
        sets: &mut [Work],
        all: &mut [Similarities],
    ) {
        let mut used = false;
        for set in &*sets {
            used |= counted(set.views[0].grid.rows, row).is_some()
                && counted(set.views[1].grid.rows, target_row).is_some();
        }
        if !used {
            return;
        }
        self.multiply(simd, target_row, room);
        for (at, (expanded, views)) in self.terms.iter().enumerate() {
            let counts = counted(views[0].grid.rows, row).is_some();
            if let (true, Some(relative)) = (counts, counted(views[1].grid.rows, target_row)) {
                expanded.target_row(simd, &room.rows[at], relative, &mut room.mixed[at]);
            }
        }
        for ((set, (base, terms)), out) in sets.iter_mut().zip(&self.parts).zip(all) {
            let [first, second] = set.views.map(|view| view.grid);
            let (Some(row), Some(target_row)) =
                (counted(first.rows, row), counted(second.rows, target_row))
            else {
                continue;
            };
            let numbers = &self.bases[*base];
            let products = match numbers[..] {
                [only] => &room.products[only],
                _ => &room.sums[*base],
            };
            let lines = Lines { products, width: padded(self.width(), LANES), row, target_row };
            let mixed = (&self.terms[..], &room.mixed[..], &terms[..]);
            set.similarities(simd, &lines, mixed, &mut room.norms, out);
            set.vote(simd, (row, target_row), out, &mut room.line);
        }
    }

    /// Columns of the target's maps at the base's resolution.
    fn width(&self) -> usize {
        self.stacks[1].maps[self.layers[0]].columns
    }

    /// Products of every base layer, and their sums.
    #[inline(always)]
    fn multiply<S: Simd>(&self, simd: S, target_row: usize, room: &mut Room) {
        for (number, &at) in self.layers.iter().enumerate() {
            let [source, target] = self.stacks.map(|stack| &stack.maps[at]);
            let stride = padded(target.columns, LANES);
            let panel = target.channels * stride;
            let data = &self.panels[number][target_row * panel..][..panel];
            let of_source =
                Panel { data: &room.panels[number], stride: source.columns + ROW_MARGIN };
            let target = Panel { data, stride };
            multiply_layer(simd, (of_source, source.columns), target, &mut room.products[number]);
        }
        for (numbers, sum) in self.bases.iter().zip(&mut room.sums) {
            if let [first, rest @ ..] = &numbers[..]
                && !rest.is_empty()
            {
                sum.copy_from_slice(&room.products[*first]);
                for &number in rest {
                    add(simd, sum, &room.products[number]);
                }
            }
        }
    }
}

/// The products of one source row and one target row.
struct Lines<'a> {
    /// Source columns × width, all columns of the maps.
    products: &'a [f32],
    width: usize,
    /// The source row, relative to a set's grid.
    row: usize,
    /// The target row, likewise.
    target_row: usize,
}

/// All coarse groups, what was mixed of them for the target row, and the numbers of a set's own.
type Mixed<'a> = (&'a [(Expanded, [&'a View; 2])], &'a [Vec<f32>], &'a [usize]);

impl Work<'_> {
    /// Similarities of one source row with one target row.
    #[inline(always)]
    fn similarities<S: Simd>(
        &self,
        simd: S,
        lines: &Lines,
        (terms, mixed, own): Mixed,
        norms: &mut Vec<f32>,
        out: &mut Similarities,
    ) {
        let [first, second] = self.views;
        let (columns, width) = (second.grid.columns, out.stride - 2 * LANES);
        norms.clear();
        let row = lines.target_row * columns.len;
        norms.extend_from_slice(&second.inverse_norms[row..][..columns.len]);
        norms.resize(width, 0.0);
        let count = first.grid.columns.len;
        let of_row = &first.inverse_norms[lines.row * count..][..count];
        let mut sides = Vec::with_capacity(own.len());
        for (index, &norm) in of_row.iter().enumerate() {
            sides.clear();
            for &term in own {
                sides.push(Side::new(simd, &mixed[term], &terms[term].0, index));
            }
            let line = (first.grid.columns.start + index) * lines.width + columns.start;
            let products = &lines.products[line..][..width];
            similarities(simd, products, &sides, norm, norms, out.line_mut(index));
        }
    }

    /// Adds the diagonal sums, and keeps what `pick` will ask for.
    #[inline(always)]
    fn vote<S: Simd>(
        &mut self,
        simd: S,
        (row, target_row): (usize, usize),
        from: &Similarities,
        line: &mut Vec<f32>,
    ) {
        let ([first, _], stride) = (self.grids(), self.offset_stride());
        let (count, offset) = (first.columns.len, first.rows.len - 1 - row + target_row);
        line.resize(stride, 0.0);
        sum_diagonals(simd, from, count, line);
        add(simd, &mut self.found.sums[offset * stride..][..stride], line);
        let width = self.widths()[1];
        let kept = &mut self.found.kept[row];
        for &column in &self.columns[0][row] {
            kept.of_sources.extend_from_slice(from.line(column));
        }
        let columns = &self.columns[1][target_row];
        let begin = kept.of_targets.len();
        kept.of_targets.resize(begin + columns.len() * width, 0.0);
        transpose(from, count, columns, width, &mut kept.of_targets[begin..]);
    }
}
