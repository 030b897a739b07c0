//! The votes of many layer sets, one source row and one target row at a time: what sets have in
//! common is multiplied and upsampled once for all of them.

use std::collections::BTreeSet;

use super::super::correlate::MapCorrelation;
use super::super::expand::{Base, Expanded};
use super::super::simd::{Aligned, LANES, Simd, SimdKernel, Sixteen};
use super::super::similarity::{add, multiply_layer};
use super::super::strip::Packed;
use super::super::tile::{Panel, ROW_MARGIN, padded};
use super::super::vote::KeptSimilarities;
use super::correlations::Correlations;
use super::diagonals::{LineRanges, MARGIN, Mix, Norms, OffsetLayout, SortedValues, sort_mixed};
use super::set::{SetVotes, SetWork};
use crate::hyperpixel::geometry::Range;
use crate::hyperpixel::{Grid, Group, LayerStack, View};

/// What the votes of a block of sets are made of.
pub(super) struct SetsVote<'a> {
    stacks: [&'a LayerStack; 2],
    /// Positions of all layers at the base's resolution.
    layers: Vec<usize>,
    /// The second's maps of each.
    panels: Vec<Packed>,
    layout: OffsetLayout,
    /// Lists of several base layers that some sets have in common, as numbers in `layers`.
    lists: Vec<Vec<usize>>,
    /// Coarse groups that some sets have in common.
    terms: Vec<Term>,
    /// For each set what it is made of.
    parts: Vec<Parts>,
}

/// A coarse group.
struct Term {
    /// Positions of its layers.
    layers: Vec<usize>,
    /// Its correlation, upsampled to all columns of the base's maps.
    expanded: Expanded,
    mixes: Vec<Mix>,
}

/// What one set is made of.
struct Parts {
    base: BaseSum,
    /// Numbers in [`SetsVote::terms`].
    terms: Vec<usize>,
    lines: LineRanges,
}

impl Parts {
    /// What the set adds up.
    #[inline(always)]
    fn values<'a>(&self, all: &'a Sorted) -> SortedValues<'a> {
        let base = match self.base {
            BaseSum::Layer(number) => &all.layers[number],
            BaseSum::List(number) => &all.lists[number],
        };
        let mut terms: Vec<&[Sixteen]> = Vec::with_capacity(self.terms.len());
        for &term in &self.terms {
            terms.push(&all.terms[term]);
        }
        SortedValues { base, terms }
    }
}

/// The products of a set's base layers.
#[derive(Clone, Copy)]
enum BaseSum {
    /// Those of one layer: its number in [`SetsVote::layers`].
    Layer(usize),
    /// Those of several: their number in [`SetsVote::lists`].
    List(usize),
}

impl<'a> SetsVote<'a> {
    /// Prepares the votes of `sets`, from the first's to the second's stack.
    pub(super) fn new(
        stacks: [&'a LayerStack; 2],
        correlations: &Correlations,
        backward: bool,
        sets: &[SetWork<'a>],
    ) -> Self {
        let layers: BTreeSet<usize> = sets.iter().flat_map(|set| set.base.clone()).collect();
        let layers: Vec<usize> = layers.into_iter().collect();
        let grid = sets[0].grids()[1];
        let panels = layers.iter().map(|&at| Packed::whole(&stacks[1].maps[at], grid)).collect();
        let [first, second] = stacks.map(|stack| &stack.maps[layers[0]]);
        let layout = OffsetLayout::new(first.columns, second.columns);
        let (lists, terms, parts) = (Vec::new(), Vec::new(), Vec::with_capacity(sets.len()));
        let mut vote = Self { stacks, layers, panels, layout, lists, terms, parts };
        for set in sets {
            let base = vote.sum(&set.base);
            let mut terms = Vec::with_capacity(set.coarse.len());
            for group in &set.coarse {
                let known = vote.terms.iter().position(|other| other.layers == *group);
                terms.push(known.unwrap_or_else(|| {
                    let expanded = vote.expand(set, group, correlations.sum(group, backward));
                    let stride = expanded.width + 2 * MARGIN;
                    let mixes = vote.layout.mixes(&expanded.source_column_taps, stride);
                    vote.terms.push(Term { layers: group.clone(), expanded, mixes });
                    vote.terms.len() - 1
                }));
            }
            let lines = vote.layout.lines(set.grids());
            vote.parts.push(Parts { base, terms, lines });
        }
        vote
    }

    /// The sum of products of a set's base layers.
    fn sum(&mut self, base: &[usize]) -> BaseSum {
        let number = |at: &usize| self.layers.partition_point(|other| other < at);
        let list: Vec<usize> = base.iter().map(number).collect();
        if let [only] = list[..] {
            return BaseSum::Layer(only);
        }
        BaseSum::List(self.lists.iter().position(|other| *other == list).unwrap_or_else(|| {
            self.lists.push(list);
            self.lists.len() - 1
        }))
    }

    /// A coarse group's correlation, to be upsampled to whole maps.
    fn expand(&self, set: &SetWork, group: &[usize], correlation: MapCorrelation) -> Expanded {
        let grids = [0, 1].map(|side| {
            let map = &self.stacks[side].maps[self.layers[0]];
            let all = |len| Range { start: 0, len };
            Grid { rows: all(map.rows), columns: all(map.columns), ..*set.grids()[side] }
        });
        let side = |side: usize| {
            let map = |at: usize| &self.stacks[side].maps[at];
            (map(group[0]), Base { grid: &grids[side], group: map(self.layers[0]) })
        };
        Expanded::new(correlation, side(0), side(1))
    }
}

/// Votes of all sets of a block, row by row.
pub(super) struct VoteAll<'a, 'b> {
    /// What they are made of.
    pub vote: &'b SetsVote<'a>,
    /// The sets.
    pub sets: &'b mut [SetWork<'a>],
}

/// Room that every source row reuses.
struct SetsRoom {
    /// The first's maps of each base layer, one row: channels × (columns + margin).
    panels: Vec<Vec<f32>>,
    /// For each term the mixed rows of its expanded correlation.
    rows: Vec<Aligned>,
    /// The strip multiplied last.
    strip: Option<usize>,
    /// Products of each base layer for one source row and a strip of target rows: source columns ×
    /// (width of a strip with margins).
    products: Vec<Aligned>,
    /// A term's mixed source row, before it is upsampled.
    cells: Aligned,
    /// A term's mixed columns for the target row, with their margins.
    mixed: Aligned,
    sorted: Sorted,
    /// For each target column that a set asks for, its values: as in `sorted`, but a vector for every
    /// [`LANES`] source columns.
    columns: Vec<(usize, Sorted)>,
    norms: Norms,
    /// Similarities of one source column, with margins.
    line: Vec<f32>,
}

/// Values of a source row and a target row.
#[derive(Clone)]
struct Sorted {
    /// Products of each base layer.
    layers: Vec<Vec<Sixteen>>,
    /// Sums of products of each list of them.
    lists: Vec<Vec<Sixteen>>,
    /// What each term adds.
    terms: Vec<Vec<Sixteen>>,
}

impl SimdKernel for VoteAll<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { vote, sets } = self;
        let [source, target] = vote.maps(0);
        let mut room = vote.room();
        for set in &mut *sets {
            set.make_room(vote.layout.offset_stride());
        }
        for row in 0..source.rows {
            if !sets.iter().any(|set| counted(set.views[0].grid.rows, row).is_some()) {
                continue;
            }
            vote.source_row(simd, row, &mut room);
            for target_row in 0..target.rows {
                if sets.iter().any(|set| set.rows([row, target_row]).is_some()) {
                    vote.target_row(simd, [row, target_row], &mut room, sets);
                }
            }
        }
    }
}

/// The row relative to those that count, if it does.
#[inline(always)]
fn counted(rows: Range, row: usize) -> Option<usize> {
    let relative = row.wrapping_sub(rows.start);
    if relative < rows.len { Some(relative) } else { None }
}

impl SetsVote<'_> {
    fn maps(&self, number: usize) -> [&Group; 2] {
        self.stacks.map(|stack| &stack.maps[self.layers[number]])
    }

    fn room(&self) -> SetsRoom {
        let [source, target] = self.maps(0);
        let values = (source.columns + ROW_MARGIN) * self.stride();
        SetsRoom {
            panels: vec![Vec::new(); self.layers.len()],
            rows: vec![Aligned::default(); self.terms.len()],
            strip: None,
            products: vec![Aligned::zeros(values); self.layers.len()],
            cells: Aligned::default(),
            mixed: Aligned::default(),
            sorted: self.sorted(self.layout.vectors()),
            columns: Vec::new(),
            norms: Norms::default(),
            line: vec![0.0; padded(source.columns.max(target.columns), LANES) + 2 * MARGIN + LANES],
        }
    }

    /// Room for `vectors` vectors of each.
    fn sorted(&self, vectors: usize) -> Sorted {
        let room = |count: usize| vec![vec![Sixteen::ZERO; vectors]; count];
        Sorted {
            layers: room(self.layers.len()),
            lists: room(self.lists.len()),
            terms: room(self.terms.len()),
        }
    }

    /// Values of a line of products with its margins.
    fn stride(&self) -> usize {
        self.panels[0].strips.width + 2 * MARGIN
    }

    /// What one source row has in common for all target rows.
    #[inline(always)]
    fn source_row<S: Simd>(&self, simd: S, row: usize, room: &mut SetsRoom) {
        room.strip = None;
        for (number, panel) in room.panels.iter_mut().enumerate() {
            let [map, _] = self.maps(number);
            let stride = map.columns + ROW_MARGIN;
            panel.resize(map.channels * stride, 0.0);
            let data = map.data.view().single();
            let channels = data.chunks_exact(map.rows * map.columns);
            for (from, to) in channels.zip(panel.chunks_exact_mut(stride)) {
                to[..map.columns].copy_from_slice(&from[row * map.columns..][..map.columns]);
            }
        }
        for (term, rows) in self.terms.iter().zip(&mut room.rows) {
            term.expanded.source_row(simd, row, &mut room.cells, rows);
        }
    }

    /// Votes of one source row and one target row, of all sets.
    #[inline(always)]
    fn target_row<S: Simd>(
        &self,
        simd: S,
        rows: [usize; 2],
        room: &mut SetsRoom,
        sets: &mut [SetWork],
    ) {
        self.sort_products(simd, rows[1], room);
        for (list, sum) in self.lists.iter().zip(&mut room.sorted.lists) {
            let layer = |number: usize| bytemuck::cast_slice(&room.sorted.layers[number]);
            add_all(simd, list, layer, bytemuck::cast_slice_mut(sum));
        }
        let mixed = &mut room.mixed;
        for ((term, source), sorted) in
            self.terms.iter().zip(&room.rows).zip(&mut room.sorted.terms)
        {
            term.expanded.target_row(simd, source, rows[1], MARGIN, mixed);
            sort_mixed(simd, mixed, &term.mixes, sorted);
        }
        self.read_columns(rows, sets, room);
        for (set, parts) in sets.iter_mut().zip(&self.parts) {
            if let Some(rows) = set.rows(rows) {
                self.vote(simd, (set, parts), rows, room);
            }
        }
    }

    /// Products of every base layer for a target row, sorted.
    #[inline(always)]
    fn sort_products<S: Simd>(&self, simd: S, target_row: usize, room: &mut SetsRoom) {
        let (strip, column) = self.panels[0].strips.place(target_row);
        let again = room.strip.replace(strip) == Some(strip);
        for number in 0..self.layers.len() {
            let products = &mut room.products[number];
            if !again {
                let ([source, target], data) = (self.maps(number), &room.panels[number]);
                let of_source = Panel { data, stride: source.columns + ROW_MARGIN };
                let packed = &self.panels[number];
                let of_target =
                    (packed.panel(strip, 0..target.channels), packed.strips.used(strip));
                let out = (&mut products[MARGIN..], self.stride());
                multiply_layer(simd, (of_source, source.columns), of_target, out);
            }
            let sorted = &mut room.sorted.layers[number];
            self.layout.sort(simd, &products[column..], self.stride(), sorted);
        }
    }

    /// Votes of one set; rows are relative to its grids.
    #[inline(always)]
    fn vote<S: Simd>(
        &self,
        simd: S,
        (set, parts): (&mut SetWork, &Parts),
        rows: [usize; 2],
        room: &mut SetsRoom,
    ) {
        let SetsRoom { sorted, columns, norms, line, .. } = room;
        self.read_norms(set.views, rows, norms);
        let sums = set.sums_of(rows, self.layout.offset_stride());
        let values = parts.values(sorted);
        self.layout.add_votes(simd, &parts.lines, &values, norms, sums);
        set.keep_lines(simd, rows, (&self.layout, &values, norms), line);
        set.keep_columns(simd, rows, (parts, columns, norms), line);
    }

    /// Reads the values of the target columns that sets ask for.
    fn read_columns(&self, rows: [usize; 2], sets: &[SetWork], room: &mut SetsRoom) {
        let mut wanted = BTreeSet::new();
        for set in sets {
            if let Some([_, target_row]) = set.rows(rows) {
                let first = set.grids()[1].columns.start;
                wanted.extend(set.columns[1][target_row].iter().map(|column| first + column));
            }
        }
        let count = self.maps(0)[0].columns;
        while room.columns.len() < wanted.len() {
            room.columns.push((0, self.sorted(count.div_ceil(LANES))));
        }
        for (column, (number, values)) in wanted.into_iter().zip(&mut room.columns) {
            *number = column;
            let places = self.layout.of_target(column);
            let from = [&room.sorted.layers, &room.sorted.lists, &room.sorted.terms];
            let to = [&mut values.layers, &mut values.lists, &mut values.terms];
            for (from, to) in from.into_iter().flatten().zip(to.into_iter().flatten()) {
                let from: &[f32] = bytemuck::cast_slice(from);
                let to: &mut [f32] = bytemuck::cast_slice_mut(to);
                for (&place, to) in places.iter().zip(to) {
                    *to = from[place];
                }
            }
        }
    }

    /// The inverse norms of a row of either view.
    fn read_norms(&self, views: [&View; 2], rows: [usize; 2], norms: &mut Norms) {
        let [source, target] = self.maps(0).map(|map| padded(map.columns, LANES));
        norms.source.resize(source, 0.0);
        norms.target.resize(target + 2 * MARGIN, 0.0);
        let to = [&mut norms.source[..], &mut norms.target[MARGIN..]];
        for ((view, row), to) in views.into_iter().zip(rows).zip(to) {
            let columns = view.grid.columns;
            to.fill(0.0);
            to[columns.start..][..columns.len]
                .copy_from_slice(&view.inverse_norms[row * columns.len..][..columns.len]);
        }
    }

    /// A set's sums by the offsets of its own grids.
    pub(super) fn own_sums(&self, set: &SetWork, stride: usize) -> Vec<f32> {
        let grids = set.grids();
        let first = self.layout.first_offset(grids);
        let columns = grids[0].columns.len + grids[1].columns.len - 1;
        let lines = set.found.sums.chunks_exact(self.layout.offset_stride());
        let mut sums = vec![0.0; lines.len() * stride];
        for (from, to) in lines.zip(sums.chunks_exact_mut(stride)) {
            to[..columns].copy_from_slice(&from[first..][..columns]);
        }
        sums
    }
}

impl SetWork<'_> {
    /// A row of the first and one of the second, relative to those of the set, if it has both.
    #[inline(always)]
    fn rows(&self, rows: [usize; 2]) -> Option<[usize; 2]> {
        let [first, second] = self.views;
        let row = counted(first.grid.rows, rows[0]);
        let target_row = counted(second.grid.rows, rows[1]);
        if let (Some(row), Some(target_row)) = (row, target_row) {
            Some([row, target_row])
        } else {
            None
        }
    }

    /// Room for what the vote leaves; lines of sums have `stride` values.
    fn make_room(&mut self, stride: usize) {
        let [first, second] = self.grids();
        let [width, source_width] = self.widths();
        let targets: usize = self.columns[1].iter().map(Vec::len).sum();
        let kept = |columns: &Vec<usize>| KeptSimilarities {
            of_sources: Vec::with_capacity(second.rows.len * columns.len() * width),
            of_targets: Vec::with_capacity(targets * source_width),
            ..KeptSimilarities::default()
        };
        let kept = self.columns[0].iter().map(kept).collect();
        let sums = vec![0.0; (first.rows.len + second.rows.len - 1) * stride];
        self.found = SetVotes { sums, kept };
    }

    /// The sums of the offsets of a source row and a target row.
    #[inline(always)]
    fn sums_of(&mut self, [row, target_row]: [usize; 2], stride: usize) -> &mut [f32] {
        let offset = self.grids()[0].rows.len - 1 - row + target_row;
        &mut self.found.sums[offset * stride..][..stride]
    }

    /// Keeps what `pick` will ask for of source hyperpixels.
    #[inline(always)]
    fn keep_lines<S: Simd>(
        &mut self,
        simd: S,
        [row, _]: [usize; 2],
        (layout, values, norms): (&OffsetLayout, &SortedValues, &Norms),
        line: &mut [f32],
    ) {
        let [width, _] = self.widths();
        let [first, second] = self.views.map(|view| view.grid.columns);
        let kept = &mut self.found.kept[row].of_sources;
        for &column in &self.columns[0][row] {
            layout.of_source(simd, first.start + column, values, norms, line);
            let begin = kept.len();
            kept.extend_from_slice(&line[MARGIN + second.start..][..second.len]);
            kept.resize(begin + width, 0.0);
        }
    }

    /// Keeps what `pick` will ask for of target hyperpixels.
    #[inline(always)]
    fn keep_columns<S: Simd>(
        &mut self,
        simd: S,
        [row, target_row]: [usize; 2],
        (parts, columns, norms): (&Parts, &[(usize, Sorted)], &Norms),
        line: &mut [f32],
    ) {
        let [_, width] = self.widths();
        let [first, second] = self.views.map(|view| view.grid.columns);
        let kept = &mut self.found.kept[row].of_targets;
        for &column in &self.columns[1][target_row] {
            let column = second.start + column;
            // Those asked for were read, in ascending order.
            let at = columns
                .iter()
                .position(|(number, _)| *number == column)
                .expect("read before it is kept");
            parts.values(&columns[at].1).of_target(simd, column, norms, line);
            let begin = kept.len();
            kept.extend_from_slice(&line[first.start..][..first.len]);
            kept.resize(begin + width, 0.0);
        }
    }
}

/// `out = Σ layers`, in their order; there are at least two.
#[inline(always)]
fn add_all<'a, S: Simd>(
    simd: S,
    layers: &[usize],
    layer: impl Fn(usize) -> &'a [f32],
    out: &mut [f32],
) {
    let (first, second) = (layer(layers[0]), layer(layers[1]));
    let both = first.chunks_exact(LANES).zip(second.chunks_exact(LANES));
    for ((first, second), out) in both.zip(out.chunks_exact_mut(LANES)) {
        simd.store(out, simd.add(simd.load(first), simd.load(second)));
    }
    for &number in &layers[2..] {
        add(simd, out, layer(number));
    }
}
