//! The plan of a batch: the parameters of each couple and pair, where their scratch is, and which of
//! them one dispatch can take.
//!
//! A couple is two images. Its correlations, and the sums of its similarities over offsets, serve the
//! pair from the first image to the second and the pair back, of which one or both are asked for.

use std::ops::Range;

use super::layout::{
    CropParams, GroupLayout, GroupParams, ImageLayout, LayerParams, NOT_ASKED, PairParams,
    PickParams, QUAD, SKEW, TAP_LINES,
};
use super::pipelines::WAYS;
use super::preset::Preset;
use super::resident::{Placed, Residency, Resident as _};
use crate::engine::hough::HoughSpace;
use crate::engine::mirror::MirrorPair;
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

/// A pair of a couple that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    /// Whether it is the pair back.
    pub backward: bool,
    /// Source hyperpixels to match.
    pub rows: &'a [u32],
}

impl Way<'_> {
    /// Which of a couple's images are source and target.
    fn sides(self) -> [usize; 2] {
        if self.backward { [1, 0] } else { [0, 1] }
    }
}

/// What decides how much scratch a couple and its pairs take.
pub(super) struct Shape<'a> {
    pub preset: &'a Preset,
    /// Width and height of the photographs, in resized pixels.
    pub sizes: [[u32; 2]; 2],
    pub grids: [Grid; 2],
    /// Channels of the base group.
    pub channels: usize,
    pub groups: Vec<GroupShape<'a>>,
    /// The pairs asked for, the one back last.
    pub ways: Vec<Way<'a>>,
}

/// A coarse group of a couple.
pub(super) struct GroupShape<'a> {
    /// The channels of each layer.
    pub layers: Vec<usize>,
    /// A map of the first image and of the second.
    pub maps: [&'a Group; 2],
}

impl GroupShape<'_> {
    pub(super) fn target_cells(&self) -> usize {
        self.maps[1].rows * self.maps[1].columns
    }
}

impl<'a> Shape<'a> {
    pub(super) fn of_mirror_pair(
        pair: &MirrorPair,
        requests: &'a [PairRequest],
        preset: &'a Preset,
    ) -> Self {
        let [first, second] = pair.images(requests);
        let groups = first.groups[1..].iter().zip(&second.groups[1..]);
        let group = |(first, second): (&'a Group, &'a Group)| GroupShape {
            layers: first.layers.clone(),
            maps: [first, second],
        };
        let way = |backward: bool, asked: Option<usize>| {
            asked.map(|request| Way { backward, rows: &requests[request].rows })
        };
        Self {
            preset,
            sizes: [[first.width, first.height], [second.width, second.height]],
            grids: [first.grid, second.grid],
            channels: first.groups[0].channels,
            groups: groups.map(group).collect(),
            ways: way(false, pair.forward).into_iter().chain(way(true, pair.backward)).collect(),
        }
    }

    /// Scratch of the whole couple.
    pub(super) fn scratch(&self) -> Scratch {
        let own = Scratch { partial: self.partial() * QUAD, ..self.own_scratch() };
        (0..self.groups.len()).fold(own, |all, group| all.and(self.group_scratch(group)))
    }

    /// Scratch of the couple without that of its groups.
    pub(super) fn own_scratch(&self) -> Scratch {
        let own = Scratch { votes: self.votes() * QUAD, ..Scratch::default() };
        self.ways.iter().fold(own, |all, &way| all.and(self.scratch_of(way)))
    }

    /// Scratch of a pair of the couple.
    fn scratch_of(&self, way: Way) -> Scratch {
        let rows = way.rows.len().min(self.rows_per_pick(way));
        Scratch {
            space: self.space(way) * size_of::<f32>(),
            gathered: self.gathered(way, rows) * QUAD,
            candidates: self.candidates(way, rows) * size_of::<[u32; 2]>(),
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

    fn hough(&self, way: Way) -> HoughSpace {
        let sides = way.sides();
        HoughSpace::between(sides.map(|side| self.sizes[side]), sides.map(|side| &self.grids[side]))
    }

    /// Offsets, and two maps of bins.
    fn space(&self, way: Way) -> usize {
        let space = self.hough(way);
        space.offset_rows() * space.offset_columns() + 2 * space.bins_x * space.bins_y
    }

    /// Lines of gathered rows, without the three with a row's norm and place.
    fn lines(&self, way: Way) -> usize {
        let coarse: usize = match way.backward {
            false => self.groups.iter().map(GroupShape::target_cells).sum(),
            true => TAP_LINES * self.groups.len(),
        };
        self.preset.padded_channels(self.channels) + coarse
    }

    fn target_tiles(&self, way: Way) -> usize {
        let [_, target] = way.sides();
        let tile = self.preset.pick_tile[1] as usize;
        self.grids[target].rows.len * (self.row_quads(target) * 4 / tile)
    }

    /// Quads of the padded list of hyperpixels of a pick.
    fn pick_quads(&self, rows: usize) -> usize {
        rows.next_multiple_of(self.preset.pick_tile[0] as usize) / 4
    }

    fn gathered(&self, way: Way, rows: usize) -> usize {
        (self.lines(way) + 3) * self.pick_quads(rows)
    }

    fn candidates(&self, way: Way, rows: usize) -> usize {
        rows * self.target_tiles(way)
    }

    fn similarities(&self, way: Way, rows: usize) -> usize {
        let [_, target] = way.sides();
        self.grids[target].rows.len * self.row_quads(target) * 4 * self.pick_quads(rows)
    }

    /// The parameters of the couple, or of one of its pairs, with these images as source and target;
    /// nothing is said of votes and Hough space.
    fn pair(
        &self,
        first_group: usize,
        sides: [&Side; 2],
        [source, target]: [usize; 2],
    ) -> PairParams {
        let rows = |side: usize| self.grids[side].rows.len as u32;
        let columns = |side: usize| self.grids[side].columns.len as u32;
        PairParams {
            source_rows: rows(source),
            source_columns: columns(source),
            target_rows: rows(target),
            target_columns: columns(target),
            source_quads: self.row_quads(source) as u32,
            target_quads: self.row_quads(target) as u32,
            channels: self.preset.padded_channels(self.channels) as u32,
            source_base: sides[source].base,
            target_base: sides[target].base,
            source_norms: sides[source].norms,
            target_norms: sides[target].norms,
            first_group: first_group as u32,
            group_count: self.groups.len() as u32,
            votes: 0,
            hough: NOT_ASKED,
            tables: 0,
            bins_x: 0,
            bins_y: 0,
            back: NOT_ASKED,
        }
    }

    /// The parameters of a coarse group, without its couple and where its layers and results are.
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

    fn rows_per_pick(&self, way: Way) -> usize {
        let tile = self.preset.pick_tile[0] as usize;
        let row = (self.lines(way) + 3) * size_of::<f32>()
            + self.target_tiles(way) * size_of::<[u32; 2]>();
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

/// Couples whose images are on the same pages: one dispatch of a kernel takes them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Place of the first images and of the second.
    pub places: [ImagePlace; 2],
    /// Couples of the plan.
    pub couples: Range<usize>,
    /// Groups of the plan that are expanded.
    pub groups: Range<usize>,
    /// Picks of the plan, those of pairs back last, one of each a wave: a wave reuses the scratch of the
    /// one before.
    pub waves: Vec<[Range<usize>; 2]>,
}

/// What is submitted in one go.
#[derive(Debug, Default)]
pub(super) struct SubmissionPlan {
    pub layers: Vec<LayerParams>,
    pub groups: Vec<GroupParams>,
    pub couples: Vec<PairParams>,
    /// The pairs asked for, couple by couple.
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
    /// Couples that have their base group in common, where they are those of layer sets; each has one
    /// pair.
    pub sharing: Vec<Range<usize>>,
    pub scratch: Scratch,
    /// Bytes that the similarities of all rows would take.
    pub similarities: usize,
}

/// Where a side of a couple is in its page, in quads.
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

impl SubmissionPlan {
    /// Plans mirror pairs whose images are resident; they stand in the order of [`order`].
    pub(super) fn new(
        mirror_pairs: &[MirrorPair],
        requests: &[PairRequest],
        residency: &Residency,
        preset: &Preset,
    ) -> Self {
        let mut plan = Self::default();
        let shape = |pair| Shape::of_mirror_pair(pair, requests, preset);
        let shapes: Vec<Shape> = mirror_pairs.iter().map(shape).collect();
        for (pair, shape) in mirror_pairs.iter().zip(&shapes) {
            let images = pair.images(requests);
            let placed = images.map(|image| residency.get(image.key()));
            let layouts = images.map(|image| ImageLayout::new(image, preset));
            let (first_layer, first_group) = (plan.layers.len(), plan.groups.len());
            plan.add_groups(shape, placed, [&layouts[0], &layouts[1]]);
            let [first, second] = [0, 1].map(|side| Side::of_image(placed[side], &layouts[side]));
            plan.add_couple(shape, first_group, [&first, &second]);
            let pages = placed.map(|placed| placed.page);
            plan.add_correlated(pages, first_layer);
            plan.add_segment(pages.map(ImagePlace::Page), first_group);
        }
        let (from, to) = (Products::Partial, Products::Correlation);
        plan.sums.push(Sum { groups: 0..plan.groups.len(), from, to });
        plan.add_picks(&shapes);
        plan
    }

    /// Adds the coarse groups of a couple of resident images, with their layers.
    fn add_groups(&mut self, shape: &Shape, placed: [&Placed; 2], layouts: [&ImageLayout; 2]) {
        let pair = self.couples.len() as u32;
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

    /// Adds a couple whose coarse groups are the last, from `first_group` on, and its pairs.
    pub(super) fn add_couple(&mut self, shape: &Shape, first_group: usize, sides: [&Side; 2]) {
        let mut couple = PairParams {
            votes: take(&mut self.scratch.votes, shape.votes(), QUAD),
            ..shape.pair(first_group, sides, [0, 1])
        };
        for &way in &shape.ways {
            let space = shape.hough(way);
            let hough = take(&mut self.scratch.space, shape.space(way), size_of::<f32>());
            *(if way.backward { &mut couple.back } else { &mut couple.hough }) = hough;
            self.pairs.push(PairParams {
                hough,
                tables: self.tables.len() as u32,
                bins_x: space.bins_x as u32,
                bins_y: space.bins_y as u32,
                ..shape.pair(first_group, sides, way.sides())
            });
            append_tables(&mut self.tables, &space);
        }
        self.couples.push(couple);
    }

    /// Layers from `first` on, whose maps are on these pages, are to be correlated.
    pub(super) fn add_correlated(&mut self, pages: [usize; 2], first: usize) {
        let end = self.layers.len();
        match self.correlated.last_mut() {
            Some(last) if last.pages == pages => last.layers.end = end,
            _ => self.correlated.push(Correlated { pages, layers: first..end }),
        }
    }

    /// The last couple, whose groups are those from `first_group` on, is in these places.
    fn add_segment(&mut self, places: [ImagePlace; 2], first_group: usize) {
        let (couples, groups) = (self.couples.len(), self.groups.len());
        match self.segments.last_mut() {
            Some(last) if last.places == places => {
                (last.couples.end, last.groups.end) = (couples, groups);
            }
            _ => self.segments.push(Segment {
                places,
                couples: couples - 1..couples,
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

    /// Cuts the rows of each pair into picks, and orders them by wave, segment and way. `shapes` are those
    /// of the couples.
    pub(super) fn add_picks(&mut self, shapes: &[Shape]) {
        // Number and first row of the first pair of each couple.
        let mut first: Vec<[usize; 2]> = Vec::new();
        let mut pairs = 0;
        for shape in shapes {
            first.push([pairs, self.rows.len()]);
            pairs += shape.ways.len();
            shape.ways.iter().for_each(|way| self.rows.extend_from_slice(way.rows));
        }
        let waves = shapes.iter().flat_map(|shape| {
            shape.ways.iter().map(|&way| way.rows.len().div_ceil(shape.rows_per_pick(way)))
        });
        for wave in 0..waves.max().unwrap_or(0) {
            let (mut gathered, mut candidates) = (0, 0);
            for segment in &mut self.segments {
                let ranges = WAYS.map(|backward| {
                    let first_pick = self.picks.len();
                    for couple in segment.couples.clone() {
                        let shape = &shapes[couple];
                        let [mut pair, mut first_row] = first[couple];
                        for &way in &shape.ways {
                            let start = wave * shape.rows_per_pick(way);
                            if way.backward == backward && start < way.rows.len() {
                                let count = (way.rows.len() - start).min(shape.rows_per_pick(way));
                                let [gathered, candidates] = [&mut gathered, &mut candidates];
                                self.picks.push(PickParams {
                                    pair: pair as u32,
                                    first_row: (first_row + start) as u32,
                                    row_count: count as u32,
                                    row_quads: shape.pick_quads(count) as u32,
                                    lines: shape.lines(way) as u32,
                                    gathered: take(gathered, shape.gathered(way, count), QUAD),
                                    candidates: take(
                                        candidates,
                                        shape.candidates(way, count),
                                        size_of::<[u32; 2]>(),
                                    ),
                                    similarities: take(
                                        &mut self.similarities,
                                        shape.similarities(way, count),
                                        QUAD,
                                    ),
                                });
                            }
                            pair += 1;
                            first_row += way.rows.len();
                        }
                    }
                    first_pick..self.picks.len()
                });
                segment.waves.push(ranges);
            }
            self.scratch.gathered = self.scratch.gathered.max(gathered);
            self.scratch.candidates = self.scratch.candidates.max(candidates);
        }
    }
}

/// Mirror pairs in the order in which they are planned: those on the same pages are neighbours.
pub(super) fn order(
    mirror_pairs: &[MirrorPair],
    requests: &[PairRequest],
    residency: &Residency,
) -> Vec<MirrorPair> {
    let mut ordered = mirror_pairs.to_vec();
    ordered.sort_by_key(|pair| pair.images(requests).map(|image| residency.get(image.key()).page));
    ordered
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
