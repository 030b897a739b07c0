//! The plan of a batch: what the kernels are told about each pair, where its scratch is, and which
//! pairs one dispatch can take.

use std::ops::Range;

use super::layout::{GroupParams, PairParams, PickParams, QUAD};
use super::preset::Preset;
use super::resident::{Placed, Residency};
use crate::engine::PairRequest;
use crate::engine::hough::HoughSpace;

/// Scratch for the rows of one pick, at most; further rows follow in the next wave.
const PICK_BYTES: usize = 32 << 20;
/// Rows of one pick, at most.
const PICK_ROWS: usize = 4096;

/// Bytes of each scratch buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Scratch {
    pub partial: usize,
    pub correlation: usize,
    pub expanded: usize,
    pub votes: usize,
    pub space: usize,
    pub gathered: usize,
    pub candidates: usize,
}

impl Scratch {
    /// What a pair takes.
    pub fn of(pair: &PairRequest, preset: &Preset) -> Self {
        let shape = Shape::new(pair, preset);
        let mut scratch = Self {
            votes: shape.votes() * QUAD,
            space: shape.space() * size_of::<f32>(),
            ..Self::default()
        };
        for group in 0..pair.source.groups.len() - 1 {
            scratch.partial += shape.partial(group) * QUAD;
            scratch.correlation += shape.product(group) * QUAD;
            scratch.expanded += shape.expanded(group) * QUAD;
        }
        let rows = pair.rows.len().min(shape.rows_per_pick());
        scratch.gathered = shape.gathered(rows) * QUAD;
        scratch.candidates = shape.candidates(rows) * size_of::<[u32; 2]>();
        scratch
    }

    /// What two of it take.
    pub fn and(self, other: Self) -> Self {
        Self {
            partial: self.partial + other.partial,
            correlation: self.correlation + other.correlation,
            expanded: self.expanded + other.expanded,
            votes: self.votes + other.votes,
            space: self.space + other.space,
            gathered: self.gathered + other.gathered,
            candidates: self.candidates + other.candidates,
        }
    }

    /// The largest buffer.
    pub fn largest(self) -> usize {
        [
            self.partial,
            self.correlation,
            self.expanded,
            self.votes,
            self.space,
            self.gathered,
            self.candidates,
        ]
        .into_iter()
        .fold(0, usize::max)
    }
}

/// Sizes of a pair's scratch, in the units of the kernels.
struct Shape<'a> {
    pair: &'a PairRequest,
    preset: &'a Preset,
    source_quads: usize,
    target_quads: usize,
}

impl<'a> Shape<'a> {
    fn new(pair: &'a PairRequest, preset: &'a Preset) -> Self {
        let quads = |columns: usize| columns.next_multiple_of(preset.row_padding()) / 4;
        let source_quads = quads(pair.source.grid.columns.len);
        let target_quads = quads(pair.target.grid.columns.len);
        Self { pair, preset, source_quads, target_quads }
    }

    /// Quads of the padded cells of a coarse group's source and target maps.
    fn cell_quads(&self, group: usize) -> [usize; 2] {
        [&self.pair.source, &self.pair.target].map(|image| {
            let group = &image.groups[group + 1];
            (group.rows * group.columns).next_multiple_of(self.preset.cell_padding()) / 4
        })
    }

    fn target_cells(&self, group: usize) -> usize {
        let group = &self.pair.target.groups[group + 1];
        group.rows * group.columns
    }

    fn product(&self, group: usize) -> usize {
        let [source, target] = self.cell_quads(group);
        source * target * 4
    }

    fn splits(&self, group: usize) -> usize {
        self.pair.source.groups[group + 1].channels.div_ceil(self.preset.split as usize)
    }

    fn partial(&self, group: usize) -> usize {
        self.splits(group) * self.product(group)
    }

    fn expanded(&self, group: usize) -> usize {
        self.pair.source.grid.rows.len * self.target_cells(group) * self.source_quads
    }

    fn votes(&self) -> usize {
        let [source, target] = self.preset.vote_tile.map(|cells| cells as usize);
        let source_tiles = self.source_quads * 4 / source;
        let target_tiles = self.target_quads * 4 / target;
        let distances = target_tiles + (source_tiles - 1) * (source / target);
        let rows = self.pair.source.grid.rows.len * self.pair.target.grid.rows.len;
        rows * distances * (source + target) / 4
    }

    /// Offsets, and two maps of bins.
    fn space(&self) -> usize {
        let space = HoughSpace::new(&self.pair.source, &self.pair.target);
        space.offset_rows() * space.offset_columns() + 2 * space.bins_x * space.bins_y
    }

    /// Lines of gathered rows but for the three that tell where a row is.
    fn lines(&self) -> usize {
        let coarse: usize =
            (0..self.pair.target.groups.len() - 1).map(|group| self.target_cells(group)).sum();
        self.preset.padded_channels(self.pair.source.groups[0].channels) + coarse
    }

    fn target_tiles(&self) -> usize {
        self.pair.target.grid.rows.len * (self.target_quads * 4 / self.preset.pick_tile[1] as usize)
    }

    fn row_quads(&self, rows: usize) -> usize {
        rows.next_multiple_of(self.preset.pick_tile[0] as usize) / 4
    }

    fn gathered(&self, rows: usize) -> usize {
        (self.lines() + 3) * self.row_quads(rows)
    }

    fn candidates(&self, rows: usize) -> usize {
        rows * self.target_tiles()
    }

    fn similarities(&self, rows: usize) -> usize {
        self.pair.target.grid.rows.len * self.target_quads * 4 * self.row_quads(rows)
    }

    fn rows_per_pick(&self) -> usize {
        let tile = self.preset.pick_tile[0] as usize;
        let row =
            (self.lines() + 3) * size_of::<f32>() + self.target_tiles() * size_of::<[u32; 2]>();
        (PICK_BYTES / row).clamp(tile, PICK_ROWS) / tile * tile
    }
}

/// Pairs whose images are on the same pages: one dispatch of a kernel takes them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Page of the sources and of the targets.
    pub pages: [usize; 2],
    /// Pairs of the plan.
    pub pairs: Range<usize>,
    /// Groups of the plan.
    pub groups: Range<usize>,
    /// Picks of the plan, one range a wave: a wave reuses the scratch of the one before.
    pub waves: Vec<Range<usize>>,
}

/// What is submitted in one go.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub pairs: Vec<PairParams>,
    pub groups: Vec<GroupParams>,
    pub picks: Vec<PickParams>,
    pub rows: Vec<u32>,
    pub tables: Vec<u32>,
    pub segments: Vec<Segment>,
    pub scratch: Scratch,
    /// Bytes that the similarities of all rows would take.
    pub similarities: usize,
}

impl Plan {
    /// Plans pairs whose images are resident. `requests` stand in the order of [`order`].
    pub fn new(requests: &[&PairRequest], residency: &Residency, preset: &Preset) -> Self {
        let mut plan = Self::default();
        for request in requests {
            let (source, target) = (residency.get(&request.source), residency.get(&request.target));
            plan.add(request, source, target, preset);
            let pages = [source.page, target.page];
            let (pairs, groups) = (plan.pairs.len(), plan.groups.len());
            match plan.segments.last_mut() {
                Some(last) if last.pages == pages => {
                    (last.pairs.end, last.groups.end) = (pairs, groups);
                }
                _ => plan.segments.push(Segment {
                    pages,
                    pairs: pairs - 1..pairs,
                    groups: groups + 1 - request.source.groups.len()..groups,
                    waves: Vec::new(),
                }),
            }
        }
        plan.add_picks(requests, preset);
        plan
    }

    fn add(&mut self, request: &PairRequest, source: &Placed, target: &Placed, preset: &Preset) {
        let shape = Shape::new(request, preset);
        let (images, grids) =
            ([&request.source, &request.target], [request.source.grid, request.target.grid]);
        let space = HoughSpace::new(images[0], images[1]);
        let pair = self.pairs.len() as u32;
        let first_group = self.groups.len() as u32;
        let mut line = preset.padded_channels(images[0].groups[0].channels);
        for group in 0..images[0].groups.len() - 1 {
            let [from, to] = [&source.layout.groups[group], &target.layout.groups[group]];
            let [source_map, target_map] = images.map(|image| &image.groups[group + 1]);
            self.groups.push(GroupParams {
                pair,
                channels: preset.padded_channels(source_map.channels) as u32,
                splits: shape.splits(group) as u32,
                source_maps: source.maps(from.maps),
                target_maps: target.maps(to.maps),
                source_quads: from.cell_quads as u32,
                target_quads: to.cell_quads as u32,
                source_columns: source_map.columns as u32,
                target_rows: target_map.rows as u32,
                target_columns: target_map.columns as u32,
                source_row_taps: (source.first + from.row_taps) as u32,
                source_column_taps: (source.first + from.column_taps) as u32,
                target_row_taps: (target.first + to.row_taps) as u32,
                target_column_taps: (target.first + to.column_taps) as u32,
                target_weights: (target.first + to.weights) as u32,
                partial: take(&mut self.scratch.partial, shape.partial(group), QUAD),
                correlation: take(&mut self.scratch.correlation, shape.product(group), QUAD),
                expanded: take(&mut self.scratch.expanded, shape.expanded(group), QUAD),
                line: line as u32,
            });
            line += shape.target_cells(group);
        }
        self.pairs.push(PairParams {
            source_rows: grids[0].rows.len as u32,
            source_columns: grids[0].columns.len as u32,
            target_rows: grids[1].rows.len as u32,
            target_columns: grids[1].columns.len as u32,
            source_quads: source.layout.row_quads as u32,
            target_quads: target.layout.row_quads as u32,
            channels: preset.padded_channels(images[0].groups[0].channels) as u32,
            source_base: source.maps(source.layout.base),
            target_base: target.maps(target.layout.base),
            source_norms: (source.first + source.layout.norms) as u32,
            target_norms: (target.first + target.layout.norms) as u32,
            first_group,
            group_count: self.groups.len() as u32 - first_group,
            votes: take(&mut self.scratch.votes, shape.votes(), QUAD),
            hough: take(&mut self.scratch.space, shape.space(), size_of::<f32>()),
            tables: self.tables.len() as u32,
            bins_x: space.bins_x as u32,
            bins_y: space.bins_y as u32,
        });
        append_tables(&mut self.tables, &space);
    }

    /// Cuts the rows of each pair into picks, and orders them by wave and segment.
    fn add_picks(&mut self, requests: &[&PairRequest], preset: &Preset) {
        let shapes: Vec<_> = requests.iter().map(|request| Shape::new(request, preset)).collect();
        let first_rows: Vec<usize> = requests
            .iter()
            .map(|request| {
                self.rows.extend_from_slice(&request.rows);
                self.rows.len() - request.rows.len()
            })
            .collect();
        let waves = shapes.iter().map(|s| s.pair.rows.len().div_ceil(s.rows_per_pick()));
        for wave in 0..waves.max().unwrap_or(0) {
            let (mut gathered, mut candidates) = (0, 0);
            for segment in &mut self.segments {
                let first_pick = self.picks.len();
                for pair in segment.pairs.clone() {
                    let shape = &shapes[pair];
                    let start = wave * shape.rows_per_pick();
                    if start >= shape.pair.rows.len() {
                        continue;
                    }
                    let count = (shape.pair.rows.len() - start).min(shape.rows_per_pick());
                    self.picks.push(PickParams {
                        pair: pair as u32,
                        first_row: (first_rows[pair] + start) as u32,
                        row_count: count as u32,
                        row_quads: shape.row_quads(count) as u32,
                        lines: shape.lines() as u32,
                        gathered: take(&mut gathered, shape.gathered(count), QUAD),
                        candidates: take(
                            &mut candidates,
                            shape.candidates(count),
                            size_of::<[u32; 2]>(),
                        ),
                        similarities: take(&mut self.similarities, shape.similarities(count), QUAD),
                    });
                }
                segment.waves.push(first_pick..self.picks.len());
            }
            self.scratch.gathered = self.scratch.gathered.max(gathered);
            self.scratch.candidates = self.scratch.candidates.max(candidates);
        }
    }
}

/// The order in which requests are planned: those on the same pages beside each other.
pub(super) fn order(requests: &[PairRequest], residency: &Residency) -> Vec<usize> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&index| {
        let request = &requests[index];
        [residency.get(&request.source).page, residency.get(&request.target).page]
    });
    order
}

/// The next offset of a scratch buffer, in units of `unit` bytes.
fn take(bytes: &mut usize, count: usize, unit: usize) -> u32 {
    let first = *bytes / unit;
    *bytes += count * unit;
    first as u32
}

/// The tables of `shaders/hough.wgsl`: first offset of each bin and one past the last, rows and
/// columns, then the bin of each offset, rows and columns.
fn append_tables(tables: &mut Vec<u32>, space: &HoughSpace) {
    let axes = [
        (&space.bin_of_row_offset, space.bins_y as u32),
        (&space.bin_of_column_offset, space.bins_x as u32),
    ];
    for (bin_of_offset, bins) in axes {
        tables.extend((0..=bins).map(|bin| {
            // Offsets ascend, so bins do; what lies beyond the last bin belongs to the last.
            let before = |&of: &u32| of.min(bins - 1) < bin;
            bin_of_offset.partition_point(before) as u32
        }));
    }
    for (bin_of_offset, bins) in axes {
        tables.extend(bin_of_offset.iter().map(|&bin| bin.min(bins - 1)));
    }
}
