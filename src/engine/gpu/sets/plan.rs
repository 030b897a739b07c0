//! The plan of a submission of layer sets: what they share, and where.

use std::collections::HashMap;

use super::job::{Cells, Couple, SetBlock, SetJob};
use crate::engine::gpu::layout::{CropParams, GroupParams, LayerParams, QUAD};
use crate::engine::gpu::plan::{
    ImagePlace, Products, Scratch, Segment, Shape, Side, SubmissionPlan, Sum, Taps, layer, take,
};
use crate::engine::gpu::preset::Preset;
use crate::engine::gpu::resident::{Residency, Resident as _, StackMap, Upsampling};

/// A base group of an image: stack, positions of the layers, cells that count.
type BaseKey<'a> = (u64, &'a [usize], Cells);

/// What upsamples a group of an image: stack, base layer, stride of the group, cells that count.
type TapsKey = (u64, usize, usize, Cells);

/// A coarse group of a couple: couple, base layer, positions of the group's layers, cells that count.
type TermKey<'a> = (Couple, usize, &'a [usize], [Cells; 2]);

/// Makes the plan of some sets of a block.
pub(super) struct Planner<'a> {
    residency: &'a Residency,
    preset: &'a Preset,
    plan: SubmissionPlan,
    /// Where the correlations of layers are kept, by couple and position.
    kept: HashMap<(Couple, usize), u32>,
    bases: HashMap<BaseKey<'a>, u32>,
    taps: HashMap<TapsKey, Taps>,
    /// Where each coarse group is expanded to.
    terms: HashMap<TermKey<'a>, u32>,
    /// The coarse groups that are to be expanded.
    expanded: Vec<GroupParams>,
    /// Crops and the pages they are from. Where they go is counted from the first.
    crops: Vec<(usize, CropParams)>,
    /// Bytes of the base groups.
    of_bases: usize,
    jobs: Vec<&'a SetJob<'a>>,
    shapes: Vec<Shape<'a>>,
}

impl<'a> Planner<'a> {
    /// A plan without sets yet. It correlates the block's layers, unless that has been done.
    pub(super) fn new(block: &SetBlock, residency: &'a Residency, preset: &'a Preset) -> Self {
        let mut planner = Self {
            residency,
            preset,
            plan: SubmissionPlan::default(),
            kept: HashMap::new(),
            bases: HashMap::new(),
            taps: HashMap::new(),
            terms: HashMap::new(),
            expanded: Vec::new(),
            crops: Vec::new(),
            of_bases: 0,
            jobs: Vec::new(),
            shapes: Vec::new(),
        };
        for kept in &block.layers {
            let at = take(&mut planner.plan.scratch.kept, kept.quads, QUAD);
            planner.kept.insert((kept.couple, kept.position), at);
        }
        if !block.correlated {
            planner.correlate(block);
        }
        planner
    }

    /// Plans the correlations of a block's layers, each a group of its own.
    fn correlate(&mut self, block: &SetBlock) {
        let mut layers: Vec<_> = block
            .layers
            .iter()
            .map(|kept| {
                let maps = kept.stacks.map(|stack| StackMap { stack, position: kept.position });
                (maps.map(|map| *self.residency.get(map.key())), kept)
            })
            .collect();
        layers.sort_by_key(|(placed, _)| placed.map(|placed| placed.page));
        let plan = &mut self.plan;
        for (placed, kept) in layers {
            let maps = kept.stacks.map(|stack| &stack.maps[kept.position]);
            let first_layer = plan.layers.len();
            let first = placed.map(|placed| placed.first as u32);
            let layer = LayerParams {
                partial: take(&mut plan.scratch.partial, kept.partial, QUAD),
                ..layer(maps, maps[0].channels, first, self.preset)
            };
            plan.layers.push(layer);
            plan.groups.push(GroupParams {
                first_layer: first_layer as u32,
                layer_count: 1,
                source_quads: layer.source_quads,
                target_quads: layer.target_quads,
                correlation: self.kept[&(kept.couple, kept.position)],
                ..GroupParams::default()
            });
            plan.add_correlated(placed.map(|placed| placed.page), first_layer);
        }
        let (from, to) = (Products::Partial, Products::Kept);
        plan.sums.push(Sum { groups: 0..plan.groups.len(), from, to });
    }

    /// About the scratch of the plan with some more sets: a little less may do.
    pub(super) fn scratch_with(&self, jobs: &[SetJob]) -> Scratch {
        let mut scratch = self.plan.scratch;
        scratch.views += self.of_bases;
        jobs.iter().fold(scratch, |all, job| all.and(self.scratch_of(job)))
    }

    /// About the scratch that a set takes beyond what the plan has.
    fn scratch_of(&self, job: &SetJob) -> Scratch {
        let shape = job.shape(self.preset);
        let mut scratch = shape.own_scratch();
        for (at, group) in job.coarse.iter().enumerate() {
            let key = (job.couple(), job.base[0], &**group, job.cells());
            if !self.terms.contains_key(&key) {
                scratch = scratch.and(shape.group_scratch(at));
            }
        }
        for side in [0, 1] {
            let key = (job.stacks[side].id, &*job.base, job.cells()[side]);
            let base = if self.bases.contains_key(&key) { 0 } else { shape.base(side) };
            let taps: usize = (0..shape.groups.len()).map(|group| shape.taps(side, group)).sum();
            scratch.views += (base + shape.norms(side) + taps) * QUAD;
        }
        scratch
    }

    /// Adds a set.
    pub(super) fn add(&mut self, job: &'a SetJob<'a>) {
        let shape = job.shape(self.preset);
        let sides = [self.side(job, &shape, 0), self.side(job, &shape, 1)];
        let sides = [&sides[0], &sides[1]];
        let first_group = self.plan.groups.len();
        for at in 0..shape.groups.len() {
            let group = shape.group(at, sides);
            let expanded = self.term(job, &shape, at, group);
            self.plan.groups.push(GroupParams { expanded, ..group });
        }
        self.plan.add_couple(&shape, first_group, sides);
        let couples = self.plan.couples.len();
        match (self.jobs.last(), self.plan.sharing.last_mut()) {
            (Some(last), Some(sharing)) if last.shares_base(job) => sharing.end = couples,
            _ => self.plan.sharing.push(couples - 1..couples),
        }
        self.jobs.push(job);
        self.shapes.push(shape);
    }

    /// Where a coarse group of a set is expanded to.
    fn term(&mut self, job: &'a SetJob, shape: &Shape, at: usize, group: GroupParams) -> u32 {
        let key = (job.couple(), job.base[0], &*job.coarse[at], job.cells());
        if let Some(&expanded) = self.terms.get(&key) {
            return expanded;
        }
        let plan = &mut self.plan;
        let first_layer = plan.layers.len() as u32;
        plan.layers.extend(job.coarse[at].iter().map(|&position| LayerParams {
            splits: 1,
            partial: self.kept[&(job.couple(), position)],
            ..LayerParams::default()
        }));
        let expanded = take(&mut plan.scratch.expanded, shape.expanded(at), QUAD);
        self.expanded.push(GroupParams {
            pair: plan.couples.len() as u32,
            first_layer,
            correlation: take(&mut plan.scratch.correlation, shape.product(at), QUAD),
            expanded,
            ..group
        });
        self.terms.insert(key, expanded);
        expanded
    }

    /// A side of a set, whose base group is lined up and whose norms and taps are written.
    fn side(&mut self, job: &'a SetJob, shape: &Shape, side: usize) -> Side {
        let (view, width) = (job.views[side], shape.row_quads(side) * 4);
        let mut norms = Vec::with_capacity(view.grid.rows.len * width);
        for row in view.inverse_norms.chunks_exact(view.grid.columns.len) {
            norms.extend_from_slice(row);
            norms.resize(norms.len().next_multiple_of(width), 0.0);
        }
        Side {
            base: self.base(job, shape, side),
            norms: self.write(&norms),
            groups: (0..job.coarse.len()).map(|at| self.upsampling(job, side, at)).collect(),
        }
    }

    fn upsampling(&mut self, job: &SetJob, side: usize, at: usize) -> Taps {
        let (stack, grid) = (job.stacks[side], &job.views[side].grid);
        let group = &stack.maps[job.coarse[at][0]];
        let key = (stack.id, job.base[0], group.stride, job.cells()[side]);
        if let Some(&taps) = self.taps.get(&key) {
            return taps;
        }
        let upsampling = Upsampling::new(group, &stack.maps[job.base[0]], grid, self.preset);
        let taps = Taps {
            rows: self.write(&upsampling.row_taps),
            columns: self.write(&upsampling.column_taps),
            weights: self.write(&upsampling.weights),
        };
        self.taps.insert(key, taps);
        taps
    }

    /// Writes whole quads into the views; the first.
    fn write(&mut self, values: &[f32]) -> u32 {
        let quads = size_of_val(values) / QUAD;
        self.plan.views.extend_from_slice(values);
        take(&mut self.plan.scratch.views, quads, QUAD)
    }

    /// Where a set's base group is lined up, counted from the first.
    fn base(&mut self, job: &'a SetJob, shape: &Shape, side: usize) -> u32 {
        let (stack, grid) = (job.stacks[side], &job.views[side].grid);
        let key = (stack.id, &*job.base, job.cells()[side]);
        if let Some(&base) = self.bases.get(&key) {
            return base;
        }
        let base = take(&mut self.of_bases, shape.base(side), QUAD);
        let (quads, base_channels) =
            (shape.row_quads(side), self.preset.padded_channels(shape.channels));
        let mut channel = 0;
        for (nth, &position) in job.base.iter().enumerate() {
            let map = &stack.maps[position];
            let last = nth + 1 == job.base.len();
            let placed = self.residency.get(StackMap { stack, position }.key());
            let crop = CropParams {
                map: placed.first as u32,
                map_channels: map.channels as u32,
                map_quads: self.preset.cell_quads(map.rows * map.columns) as u32,
                map_columns: map.columns as u32,
                first_row: grid.rows.start as u32,
                first_column: grid.columns.start as u32,
                rows: grid.rows.len as u32,
                columns: grid.columns.len as u32,
                quads: quads as u32,
                channels: if last { base_channels - channel } else { map.channels } as u32,
                base_channels: base_channels as u32,
                base: base + (channel * quads) as u32,
            };
            self.crops.push((placed.page, crop));
            channel += map.channels;
        }
        self.bases.insert(key, base);
        base
    }

    /// The plan.
    pub(super) fn finish(mut self) -> SubmissionPlan {
        self.crops.sort_by_key(|&(page, _)| page);
        let mut plan = self.plan;
        // The base groups stand behind what the host writes.
        let first = take(&mut plan.scratch.views, self.of_bases / QUAD, QUAD);
        for pair in plan.couples.iter_mut().chain(&mut plan.pairs) {
            pair.source_base += first;
            pair.target_base += first;
        }
        for (at, (page, crop)) in self.crops.into_iter().enumerate() {
            plan.crops.push(CropParams { base: crop.base + first, ..crop });
            match plan.cropped.last_mut() {
                Some((last, range)) if *last == page => range.end = at + 1,
                _ => plan.cropped.push((page, at..at + 1)),
            }
        }
        let first_group = plan.groups.len();
        plan.groups.extend(self.expanded);
        let groups = first_group..plan.groups.len();
        let (from, to) = (Products::Kept, Products::Correlation);
        plan.sums.push(Sum { groups: groups.clone(), from, to });
        let (places, couples) = ([ImagePlace::Views; 2], 0..plan.couples.len());
        plan.segments.push(Segment { places, couples, groups, waves: Vec::new() });
        plan.add_picks(&self.shapes);
        plan
    }
}
