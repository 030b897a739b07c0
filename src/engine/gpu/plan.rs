//! The plan of a batch: the parameters of each pair, where its scratch is, and which
//! pairs one dispatch can take.

use std::ops::Range;

use super::layout::{
    CropParams, GroupLayout, GroupParams, ImageLayout, LayerParams, PairParams, PickParams, QUAD,
    SKEW,
};
use super::preset::Preset;
use super::resident::{Placed, Residency, Resident as _};
use crate::engine::hough::HoughSpace;
use crate::engine::request::PairRequest;
use crate::hyperpixel::{Grid, Group};

/// Scratch for the rows of one pick, at most; further rows follow in the next wave.
const PICK_BYTES: usize = 32 << 20;
/// Rows of one pick, at most.
const PICK_ROWS: usize = 4096;

/// Bytes of each scratch buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Scratch {
    pub partial: usize,
    pub kept: usize,
    pub correlation: usize,
    pub expanded: usize,
    pub views: usize,
    pub votes: usize,
    pub space: usize,
    pub gathered: usize,
    pub candidates: usize,
}

impl Scratch {
    /// The scratch of two.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            partial: self.partial + other.partial,
            kept: self.kept + other.kept,
            correlation: self.correlation + other.correlation,
            expanded: self.expanded + other.expanded,
            views: self.views + other.views,
            votes: self.votes + other.votes,
            space: self.space + other.space,
            gathered: self.gathered + other.gathered,
            candidates: self.candidates + other.candidates,
        }
    }

    fn buffers(self) -> [usize; 9] {
        [
            self.partial,
            self.kept,
            self.correlation,
            self.expanded,
            self.views,
            self.votes,
            self.space,
            self.gathered,
            self.candidates,
        ]
    }

    /// The largest buffer.
    pub(super) fn largest(self) -> usize {
        self.buffers().into_iter().fold(0, usize::max)
    }

    /// All buffers.
    pub(super) fn total(self) -> usize {
        self.buffers().into_iter().sum()
    }
}

/// What decides how much scratch a pair takes.
pub(super) struct Shape<'a> {
    pub preset: &'a Preset,
    /// Width and height of the photographs, in resized pixels.
    pub sizes: [[u32; 2]; 2],
    pub grids: [Grid; 2],
    /// Channels of the base group.
    pub channels: usize,
    pub groups: Vec<GroupShape<'a>>,
    pub rows: &'a [u32],
}

/// A coarse group of a pair.
pub(super) struct GroupShape<'a> {
    /// The channels of each layer.
    pub layers: Vec<usize>,
    /// A map of the source and of the target.
    pub maps: [&'a Group; 2],
}

impl GroupShape<'_> {
    pub(super) fn target_cells(&self) -> usize {
        self.maps[1].rows * self.maps[1].columns
    }
}

impl<'a> Shape<'a> {
    pub(super) fn of_pair(pair: &'a PairRequest, preset: &'a Preset) -> Self {
        let PairRequest { source, target, rows } = pair;
        let groups = source.groups[1..].iter().zip(&target.groups[1..]);
        let group = |(source, target): (&'a Group, &'a Group)| GroupShape {
            layers: source.layers.clone(),
            maps: [source, target],
        };
        Self {
            preset,
            sizes: [[source.width, source.height], [target.width, target.height]],
            grids: [source.grid, target.grid],
            channels: source.groups[0].channels,
            groups: groups.map(group).collect(),
            rows,
        }
    }

    /// Scratch of the whole pair.
    pub(super) fn scratch(&self) -> Scratch {
        let own = Scratch { partial: self.partial() * QUAD, ..self.own_scratch() };
        (0..self.groups.len()).fold(own, |all, group| all.and(self.group_scratch(group)))
    }

    /// Scratch of the pair without that of its groups.
    pub(super) fn own_scratch(&self) -> Scratch {
        let rows = self.rows.len().min(self.rows_per_pick());
        Scratch {
            votes: self.votes() * QUAD,
            space: self.space() * size_of::<f32>(),
            gathered: self.gathered(rows) * QUAD,
            candidates: self.candidates(rows) * size_of::<[u32; 2]>(),
            ..Scratch::default()
        }
    }

    /// Scratch of a group whose layers are correlated.
    pub(super) fn group_scratch(&self, group: usize) -> Scratch {
        Scratch {
            correlation: self.product(group) * QUAD,
            expanded: self.expanded(group) * QUAD,
            ..Scratch::default()
        }
    }

    /// Quads of the base group of an image in single precision.
    pub(super) fn base(&self, side: usize) -> usize {
        let row = self.preset.padded_channels(self.channels) * self.row_quads(side);
        self.grids[side].rows.len * (row + SKEW)
    }

    /// Quads of the norms of an image.
    pub(super) fn norms(&self, side: usize) -> usize {
        self.grids[side].rows.len * self.row_quads(side)
    }

    /// Quads of what upsamples a group to the grid of an image.
    pub(super) fn taps(&self, side: usize, group: usize) -> usize {
        let grid = &self.grids[side];
        let weights = self.groups[group].maps[side].columns * self.row_quads(side);
        grid.rows.len + grid.columns.len + weights
    }

    pub(super) fn row_quads(&self, side: usize) -> usize {
        self.preset.row_quads(self.grids[side].columns.len)
    }

    /// Quads of the padded cells of a coarse group's source and target maps.
    fn cell_quads(&self, group: usize) -> [usize; 2] {
        self.groups[group].maps.map(|map| self.preset.cell_quads(map.rows * map.columns))
    }

    pub(super) fn product(&self, group: usize) -> usize {
        let [source, target] = self.cell_quads(group);
        source * target * 4
    }

    /// Products of all parts of the channels of all layers.
    fn partial(&self) -> usize {
        let groups = self.groups.iter().enumerate();
        let splits = |layers: &[usize]| -> usize {
            layers.iter().map(|&channels| self.preset.splits(channels)).sum()
        };
        groups.map(|(at, group)| splits(&group.layers) * self.product(at)).sum()
    }

    pub(super) fn expanded(&self, group: usize) -> usize {
        let row = self.groups[group].target_cells() * self.row_quads(0);
        self.grids[0].rows.len * (row + SKEW)
    }

    fn votes(&self) -> usize {
        let [source, target] = self.preset.vote_tile.map(|cells| cells as usize);
        let source_tiles = self.row_quads(0) * 4 / source;
        let target_tiles = self.row_quads(1) * 4 / target;
        let distances = target_tiles + (source_tiles - 1) * (source / target);
        let rows = self.grids[0].rows.len * self.grids[1].rows.len;
        rows * distances * (source + target) / 4
    }

    fn hough(&self) -> HoughSpace {
        HoughSpace::between(self.sizes, [&self.grids[0], &self.grids[1]])
    }

    /// Offsets, and two maps of bins.
    fn space(&self) -> usize {
        let space = self.hough();
        space.offset_rows() * space.offset_columns() + 2 * space.bins_x * space.bins_y
    }

    /// Lines of gathered rows, without the three with a row's norm and place.
    fn lines(&self) -> usize {
        let coarse: usize = self.groups.iter().map(GroupShape::target_cells).sum();
        self.preset.padded_channels(self.channels) + coarse
    }

    fn target_tiles(&self) -> usize {
        self.grids[1].rows.len * (self.row_quads(1) * 4 / self.preset.pick_tile[1] as usize)
    }

    /// Quads of the padded list of hyperpixels of a pick.
    fn pick_quads(&self, rows: usize) -> usize {
        rows.next_multiple_of(self.preset.pick_tile[0] as usize) / 4
    }

    fn gathered(&self, rows: usize) -> usize {
        (self.lines() + 3) * self.pick_quads(rows)
    }

    fn candidates(&self, rows: usize) -> usize {
        rows * self.target_tiles()
    }

    fn similarities(&self, rows: usize) -> usize {
        self.grids[1].rows.len * self.row_quads(1) * 4 * self.pick_quads(rows)
    }

    /// The parameters of a coarse group, without its pair and where its layers and results are.
    pub(super) fn group(&self, at: usize, sides: [&Side; 2]) -> GroupParams {
        let group = &self.groups[at];
        let [source_quads, target_quads] = self.cell_quads(at).map(|quads| quads as u32);
        let [source, target] = sides.map(|side| side.groups[at]);
        let before: usize = self.groups[..at].iter().map(GroupShape::target_cells).sum();
        GroupParams {
            layer_count: group.layers.len() as u32,
            source_quads,
            target_quads,
            source_columns: group.maps[0].columns as u32,
            target_rows: group.maps[1].rows as u32,
            target_columns: group.maps[1].columns as u32,
            source_row_taps: source.rows,
            source_column_taps: source.columns,
            target_row_taps: target.rows,
            target_column_taps: target.columns,
            target_weights: target.weights,
            line: (self.preset.padded_channels(self.channels) + before) as u32,
            ..GroupParams::default()
        }
    }

    fn rows_per_pick(&self) -> usize {
        let tile = self.preset.pick_tile[0] as usize;
        let row =
            (self.lines() + 3) * size_of::<f32>() + self.target_tiles() * size_of::<[u32; 2]>();
        (PICK_BYTES / row).clamp(tile, PICK_ROWS) / tile * tile
    }
}

/// Layers whose maps are on the same pages: one dispatch correlates them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Correlated {
    /// Page of the sources and of the targets.
    pub pages: [usize; 2],
    /// Layers of the plan.
    pub layers: Range<usize>,
}

/// Groups whose layers one dispatch adds up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sum {
    /// Groups of the plan.
    pub groups: Range<usize>,
    /// Where the products of their layers are.
    pub from: Products,
    /// Where the sums go.
    pub to: Products,
}

/// A buffer of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Products {
    /// Those of parts of the channels.
    Partial,
    /// Those of layers, which stay for later submissions.
    Kept,
    /// Those of groups.
    Correlation,
}

/// Where the images of pairs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImagePlace {
    /// On a page.
    Page(usize),
    /// Among the scratch: as layer sets make them.
    Views,
}

/// Pairs whose images are on the same pages: one dispatch of a kernel takes them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Place of the sources and of the targets.
    pub places: [ImagePlace; 2],
    /// Pairs of the plan.
    pub pairs: Range<usize>,
    /// Groups of the plan that are expanded.
    pub groups: Range<usize>,
    /// Picks of the plan, one range a wave: a wave reuses the scratch of the one before.
    pub waves: Vec<Range<usize>>,
}

/// What is submitted in one go.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub layers: Vec<LayerParams>,
    pub groups: Vec<GroupParams>,
    pub pairs: Vec<PairParams>,
    pub picks: Vec<PickParams>,
    pub rows: Vec<u32>,
    pub tables: Vec<u32>,
    pub correlated: Vec<Correlated>,
    pub sums: Vec<Sum>,
    pub segments: Vec<Segment>,
    pub crops: Vec<CropParams>,
    /// Crops from one page each.
    pub cropped: Vec<(usize, Range<usize>)>,
    /// What the host writes of the views.
    pub views: Vec<f32>,
    /// Pairs that have their base group in common, where the pairs are those of layer sets.
    pub sharing: Vec<Range<usize>>,
    pub scratch: Scratch,
    /// Bytes that the similarities of all rows would take.
    pub similarities: usize,
}

/// Where a side of a pair is in its page, in quads.
pub(super) struct Side {
    /// Base maps, in quads of features.
    pub base: u32,
    pub norms: u32,
    pub groups: Vec<Taps>,
}

/// Where what upsamples a coarse group is in a page, in quads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taps {
    pub rows: u32,
    pub columns: u32,
    pub weights: u32,
}

impl Side {
    /// That of an image.
    fn of_image(placed: &Placed, layout: &ImageLayout) -> Self {
        let at = |quad: usize| (placed.first + quad) as u32;
        let taps = |group: &GroupLayout| Taps {
            rows: at(group.row_taps),
            columns: at(group.column_taps),
            weights: at(group.weights),
        };
        Self {
            base: layout.maps(placed.first, layout.base),
            norms: at(layout.norms),
            groups: layout.groups.iter().map(taps).collect(),
        }
    }
}

impl Plan {
    /// Plans pairs whose images are resident. `requests` stand in the order of [`order`].
    pub(super) fn new(requests: &[&PairRequest], residency: &Residency, preset: &Preset) -> Self {
        let mut plan = Self::default();
        for request in requests {
            let shape = Shape::of_pair(request, preset);
            let images = [&request.source, &request.target];
            let placed = images.map(|image| residency.get(image.key()));
            let layouts = images.map(|image| ImageLayout::new(image, preset));
            let (first_layer, first_group) = (plan.layers.len(), plan.groups.len());
            plan.add_groups(&shape, placed, [&layouts[0], &layouts[1]]);
            let [source, target] = [0, 1].map(|side| Side::of_image(placed[side], &layouts[side]));
            plan.add_pair(&shape, first_group, [&source, &target]);
            let pages = placed.map(|placed| placed.page);
            plan.add_correlated(pages, first_layer);
            plan.add_segment(pages.map(ImagePlace::Page), first_group);
        }
        let (from, to) = (Products::Partial, Products::Correlation);
        plan.sums.push(Sum { groups: 0..plan.groups.len(), from, to });
        let shapes = requests.iter().map(|request| Shape::of_pair(request, preset));
        plan.add_picks(&shapes.collect::<Vec<_>>());
        plan
    }

    /// Adds the coarse groups of a pair of resident images, with their layers.
    fn add_groups(&mut self, shape: &Shape, placed: [&Placed; 2], layouts: [&ImageLayout; 2]) {
        let pair = self.pairs.len() as u32;
        let sides = [0, 1].map(|side| Side::of_image(placed[side], layouts[side]));
        for (at, group) in shape.groups.iter().enumerate() {
            let mut maps = [0, 1]
                .map(|side| layouts[side].maps(placed[side].first, layouts[side].groups[at].maps));
            let first_layer = self.layers.len() as u32;
            for &channels in &group.layers {
                let layer = LayerParams {
                    partial: take(
                        &mut self.scratch.partial,
                        shape.preset.splits(channels) * shape.product(at),
                        QUAD,
                    ),
                    ..layer(group.maps, channels, maps, shape.preset)
                };
                maps[0] += layer.channels * layer.source_quads;
                maps[1] += layer.channels * layer.target_quads;
                self.layers.push(layer);
            }
            let group = shape.group(at, [&sides[0], &sides[1]]);
            self.groups.push(GroupParams {
                pair,
                first_layer,
                correlation: take(&mut self.scratch.correlation, shape.product(at), QUAD),
                expanded: take(&mut self.scratch.expanded, shape.expanded(at), QUAD),
                ..group
            });
        }
    }

    /// Adds a pair whose coarse groups are the last, from `first_group` on.
    pub(super) fn add_pair(
        &mut self,
        shape: &Shape,
        first_group: usize,
        [source, target]: [&Side; 2],
    ) {
        let (grids, space) = (shape.grids, shape.hough());
        self.pairs.push(PairParams {
            source_rows: grids[0].rows.len as u32,
            source_columns: grids[0].columns.len as u32,
            target_rows: grids[1].rows.len as u32,
            target_columns: grids[1].columns.len as u32,
            source_quads: shape.row_quads(0) as u32,
            target_quads: shape.row_quads(1) as u32,
            channels: shape.preset.padded_channels(shape.channels) as u32,
            source_base: source.base,
            target_base: target.base,
            source_norms: source.norms,
            target_norms: target.norms,
            first_group: first_group as u32,
            group_count: shape.groups.len() as u32,
            votes: take(&mut self.scratch.votes, shape.votes(), QUAD),
            hough: take(&mut self.scratch.space, shape.space(), size_of::<f32>()),
            tables: self.tables.len() as u32,
            bins_x: space.bins_x as u32,
            bins_y: space.bins_y as u32,
        });
        append_tables(&mut self.tables, &space);
    }

    /// Layers from `first` on, whose maps are on these pages, are to be correlated.
    pub(super) fn add_correlated(&mut self, pages: [usize; 2], first: usize) {
        let end = self.layers.len();
        match self.correlated.last_mut() {
            Some(last) if last.pages == pages => last.layers.end = end,
            _ => self.correlated.push(Correlated { pages, layers: first..end }),
        }
    }

    /// The last pair, whose groups are those from `first_group` on, is in these places.
    fn add_segment(&mut self, places: [ImagePlace; 2], first_group: usize) {
        let (pairs, groups) = (self.pairs.len(), self.groups.len());
        match self.segments.last_mut() {
            Some(last) if last.places == places => {
                (last.pairs.end, last.groups.end) = (pairs, groups);
            }
            _ => self.segments.push(Segment {
                places,
                pairs: pairs - 1..pairs,
                groups: first_group..groups,
                waves: Vec::new(),
            }),
        }
    }

    /// Parts of some picks that have rows and base group in common.
    pub(super) fn sharing_picks(&self, picks: &Range<usize>) -> Vec<Range<usize>> {
        let sharing = |pick: &PickParams| {
            let before = |pairs: &Range<usize>| pairs.end <= pick.pair as usize;
            self.sharing.partition_point(before)
        };
        let rows =
            |pick: &PickParams| &self.rows[pick.first_row as usize..][..pick.row_count as usize];
        let mut end = picks.start;
        self.picks[picks.clone()]
            .chunk_by(|one, next| sharing(one) == sharing(next) && rows(one) == rows(next))
            .map(|part| {
                end += part.len();
                end - part.len()..end
            })
            .collect()
    }

    /// Cuts the rows of each pair into picks, and orders them by wave and segment.
    pub(super) fn add_picks(&mut self, shapes: &[Shape]) {
        let first_rows: Vec<usize> = shapes
            .iter()
            .map(|shape| {
                self.rows.extend_from_slice(shape.rows);
                self.rows.len() - shape.rows.len()
            })
            .collect();
        let waves = shapes.iter().map(|s| s.rows.len().div_ceil(s.rows_per_pick()));
        for wave in 0..waves.max().unwrap_or(0) {
            let (mut gathered, mut candidates) = (0, 0);
            for segment in &mut self.segments {
                let first_pick = self.picks.len();
                for pair in segment.pairs.clone() {
                    let shape = &shapes[pair];
                    let start = wave * shape.rows_per_pick();
                    if start >= shape.rows.len() {
                        continue;
                    }
                    let count = (shape.rows.len() - start).min(shape.rows_per_pick());
                    self.picks.push(PickParams {
                        pair: pair as u32,
                        first_row: (first_rows[pair] + start) as u32,
                        row_count: count as u32,
                        row_quads: shape.pick_quads(count) as u32,
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

/// The order in which requests are planned: those on the same pages are neighbours.
pub(super) fn order(requests: &[PairRequest], residency: &Residency) -> Vec<usize> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&index| {
        let request = &requests[index];
        [&request.source, &request.target].map(|image| residency.get(image.key()).page)
    });
    order
}

/// The parameters of a layer, without where its products go: `channels` channels of maps of these
/// sizes, which begin at `first` in their pages.
pub(super) fn layer(
    maps: [&Group; 2],
    channels: usize,
    first: [u32; 2],
    preset: &Preset,
) -> LayerParams {
    let quads = maps.map(|map| preset.cell_quads(map.rows * map.columns) as u32);
    LayerParams {
        channels: preset.padded_channels(channels) as u32,
        splits: preset.splits(channels) as u32,
        source_maps: first[0],
        target_maps: first[1],
        source_quads: quads[0],
        target_quads: quads[1],
        partial: 0,
    }
}

/// The next offset of a scratch buffer, in units of `unit` bytes.
pub(super) fn take(bytes: &mut usize, count: usize, unit: usize) -> u32 {
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
