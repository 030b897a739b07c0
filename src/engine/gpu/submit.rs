//! Submitting a plan and fetching what it computed.

use std::ops::Range;
use std::sync::mpsc;

use wgpu::{
    BindGroupEntry, BindingResource, Buffer, BufferBinding, BufferUsages, CommandEncoder,
    ComputePass, ComputePipeline, QuerySet, SubmissionIndex,
};

use super::buffers::Buffers;
use super::device::GpuDevice;
use super::layout::{LayerParams, PickParams, SLOT};
use super::pipelines::{Pipelines, SetsPipelines};
use super::plan::{Correlated, ImagePlace, Segment, SubmissionPlan, Sum};
use super::preset::{COOPERATIVE_TILE, Preset};
use super::resident::Residency;
use crate::engine::error::GpuError;

/// Stages that are timed, in order of execution.
pub(super) const STAGES: [&str; 5] = ["correlate", "expand", "vote", "hough", "pick"];
/// Bytes of the timestamps of a submission: begin and end of each stage.
const TIMESTAMP_BYTES: usize = STAGES.len() * 2 * size_of::<u64>();

/// A submission under way.
pub(super) struct Flight {
    submission: SubmissionIndex,
    readback: Buffer,
    parts: Vec<usize>,
    timed: bool,
}

/// What came back.
pub(super) struct Landed {
    /// Matches, then votes and similarities where they were asked for, as bytes.
    pub parts: Vec<Vec<u8>>,
    /// Milliseconds of each of [`STAGES`], where kernels can be timed.
    pub milliseconds: Option<[f64; STAGES.len()]>,
}

/// Everything a submission is made of.
pub(super) struct Submitter<'a> {
    pub device: &'a GpuDevice,
    pub pipelines: &'a Pipelines,
    pub preset: &'a Preset,
    pub residency: &'a Residency,
    /// Where the plan is one of layer sets, their pipelines.
    pub sets: Option<&'a SetsPipelines>,
}

impl Submitter<'_> {
    /// Submits a plan. With `keeping`, what keeps similarities, votes and similarities come back as
    /// well.
    pub(super) fn submit(
        &self,
        plan: &SubmissionPlan,
        buffers: &mut Buffers,
        keeping: Option<&[ComputePipeline; 2]>,
    ) -> Result<Flight, GpuError> {
        let similarities = if keeping.is_some() { plan.similarities } else { 0 };
        buffers.fill(self.device, plan, similarities)?;
        let queries = buffers.queries(self.device, STAGES.len() as u32 * 2);
        let mut encoder = self
            .device
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("hpflow") });
        for stage in 0..STAGES.len() {
            let mut pass = Pass {
                pass: begin(&mut encoder, stage, queries.as_ref()),
                device: self.device,
                workgroup: self.preset.workgroup,
            };
            match stage {
                0 => self.correlate(&mut pass, plan, buffers)?,
                1 => self.expand(&mut pass, plan, buffers)?,
                2 => self.vote(&mut pass, plan, buffers)?,
                3 => self.hough(&mut pass, plan, buffers)?,
                _ => self.pick(&mut pass, plan, buffers, keeping)?,
            }
        }
        let mut parts = vec![(&buffers.matches, plan.rows.len() * size_of::<[u32; 2]>())];
        if keeping.is_some() {
            parts.push((&buffers.space, plan.scratch.space));
            parts.push((&buffers.similarities, similarities));
        }
        fetch(self.device, encoder, &parts, queries.as_ref())
    }

    fn correlate(
        &self,
        pass: &mut Pass,
        plan: &SubmissionPlan,
        buffers: &Buffers,
    ) -> Result<(), GpuError> {
        let cooperative = self.pipelines.cooperative.as_ref();
        let tile = match cooperative {
            Some(_) => [COOPERATIVE_TILE; 2],
            None => self.preset.correlate_tile,
        };
        let [source_tile, target_tile] = tile.map(|cells| cells / 4);
        for Correlated { pages, layers: range } in &plan.correlated {
            let layers = &plan.layers[range.clone()];
            let [source_page, target_page] = pages.map(|page| whole(self.residency.page(page)));
            let source_tiles = |layer: &LayerParams| layer.source_quads / source_tile;
            let target_tiles = |layer: &LayerParams| layer.target_quads / target_tile;
            let tiles = |layer: &LayerParams| source_tiles(layer) * target_tiles(layer);
            let parts = largest(layers, |layer| layer.splits);
            let (across, down) = match (cooperative, self.preset.shared) {
                (Some(_), _) => (largest(layers, tiles), parts),
                (None, false) => (pass.groups(largest(layers, tiles)), parts),
                (None, true) => {
                    let down = largest(layers, |layer| layer.splits * target_tiles(layer));
                    (pass.groups(largest(layers, source_tiles)), down)
                }
            };
            pass.run(
                cooperative.unwrap_or(&self.pipelines.correlate),
                &[
                    (0, part(&buffers.layers, range)),
                    (1, source_page),
                    (2, target_page),
                    (3, whole(&buffers.partial)),
                ],
                [across, down, layers.len() as u32],
            )?;
        }
        for Sum { groups: range, from, to } in &plan.sums {
            let groups = &plan.groups[range.clone()];
            let quads = largest(groups, |group| group.source_quads);
            let cells = largest(groups, |group| group.target_quads * 4);
            pass.run(
                &self.pipelines.sum,
                &[
                    (0, whole(&buffers.layers)),
                    (4, part(&buffers.groups, range)),
                    (5, whole(buffers.products(*from))),
                    (6, whole(buffers.products(*to))),
                ],
                [pass.groups(quads), cells, groups.len() as u32],
            )?;
        }
        Ok(())
    }

    fn expand(
        &self,
        pass: &mut Pass,
        plan: &SubmissionPlan,
        buffers: &Buffers,
    ) -> Result<(), GpuError> {
        for segment in &plan.segments {
            let couples = &plan.couples[segment.couples.clone()];
            let quads = largest(couples, |p| p.source_quads);
            let rows = largest(couples, |p| p.source_rows);
            let groups = &plan.groups[segment.groups.clone()];
            let cells = largest(groups, |group| group.target_rows * group.target_columns);
            let parts = cells.div_ceil(self.preset.expand_cells);
            pass.run(
                &self.pipelines.expand,
                &[
                    (0, part(&buffers.groups, &segment.groups)),
                    (1, whole(&buffers.couples)),
                    (2, self.place(segment.places[0], buffers)),
                    (3, whole(&buffers.correlation)),
                    (4, whole(&buffers.expanded)),
                ],
                [pass.groups(quads * parts), rows, segment.groups.len() as u32],
            )?;
        }
        Ok(())
    }

    /// Lines the base groups of layer sets up.
    fn crop(
        &self,
        pass: &mut Pass,
        crop: &ComputePipeline,
        plan: &SubmissionPlan,
        buffers: &Buffers,
    ) -> Result<(), GpuError> {
        for (page, range) in &plan.cropped {
            let crops = &plan.crops[range.clone()];
            pass.run(
                crop,
                &[
                    (0, part(&buffers.crops, range)),
                    (1, whole(self.residency.page(*page))),
                    (2, whole(&buffers.views)),
                ],
                [
                    pass.groups(largest(crops, |crop| crop.channels * crop.quads)),
                    largest(crops, |crop| crop.rows),
                    crops.len() as u32,
                ],
            )?;
        }
        Ok(())
    }

    fn vote(
        &self,
        pass: &mut Pass,
        plan: &SubmissionPlan,
        buffers: &Buffers,
    ) -> Result<(), GpuError> {
        let [source_tile, target_tile] = self.preset.vote_tile;
        let one =
            |pass: &mut Pass, kernel, places: [ImagePlace; 2], range: &Range<usize>, count| {
                let couples = &plan.couples[range.clone()];
                let workgroups = largest(couples, |p| {
                    let source_tiles = p.source_quads * 4 / source_tile;
                    let target_tiles = p.target_quads * 4 / target_tile;
                    let distances = target_tiles + (source_tiles - 1) * (source_tile / target_tile);
                    let target_rows = self.preset.workgroup / self.preset.vote_rows;
                    p.target_rows.div_ceil(target_rows) * distances
                });
                let rows = largest(couples, |p| p.source_rows.div_ceil(self.preset.vote_rows));
                let [source_page, target_page] = places.map(|place| self.place(place, buffers));
                pass.run(
                    kernel,
                    &[
                        (0, part(&buffers.couples, range)),
                        (1, whole(&buffers.groups)),
                        (2, source_page),
                        (3, target_page),
                        (4, whole(&buffers.expanded)),
                        (5, whole(&buffers.votes)),
                    ],
                    [workgroups, rows, count],
                )
            };
        let Some(sets) = self.sets else {
            return plan.segments.iter().try_for_each(|segment| {
                let count = segment.couples.len() as u32;
                one(pass, &self.pipelines.vote, segment.places, &segment.couples, count)
            });
        };
        self.crop(pass, &sets.crop, plan, buffers)?;
        let places = [ImagePlace::Views; 2];
        plan.sharing.iter().try_for_each(|range| one(pass, &sets.vote, places, range, 1))
    }

    fn hough(
        &self,
        pass: &mut Pass,
        plan: &SubmissionPlan,
        buffers: &Buffers,
    ) -> Result<(), GpuError> {
        let pairs = &plan.pairs;
        let [couples, count] = [&plan.couples, pairs].map(|list| list.len() as u32);
        let columns = largest(pairs, |p| p.source_columns + p.target_columns - 1);
        let columns = pass.groups(columns);
        let rows = largest(pairs, |p| p.source_rows + p.target_rows - 1);
        let bins = [pass.groups(largest(pairs, |p| p.bins_x)), largest(pairs, |p| p.bins_y), count];
        let listed = (0, whole(&buffers.pairs));
        let votes = (1, whole(&buffers.votes));
        let tables = (2, whole(&buffers.tables));
        let gaussian = (3, whole(&buffers.gaussian));
        let space = (4, whole(&buffers.space));
        let reduced = [(0, whole(&buffers.couples)), votes, space.clone()];
        pass.run(&self.pipelines.reduce, &reduced, [columns, rows, couples])?;
        let binned = [listed.clone(), tables.clone(), space.clone()];
        pass.run(&self.pipelines.bin, &binned, bins)?;
        pass.run(&self.pipelines.blur, &[listed, gaussian, space], bins)?;
        pass.run(&self.pipelines.look_back, &binned, [columns, rows, count])
    }

    fn pick(
        &self,
        pass: &mut Pass,
        plan: &SubmissionPlan,
        buffers: &Buffers,
        keeping: Option<&[ComputePipeline; 2]>,
    ) -> Result<(), GpuError> {
        let waves = plan.segments.iter().map(|segment| segment.waves.len()).max().unwrap_or(0);
        let work = (0..waves).flat_map(|wave| plan.segments.iter().map(move |s| (s, wave)));
        for (segment, wave) in work {
            for (way, range) in segment.waves[wave].iter().enumerate() {
                let keeping = keeping.map(|keeping| &keeping[way]);
                self.pick_one_way(pass, plan, buffers, (segment, way, range), keeping)?;
            }
        }
        Ok(())
    }

    /// The picks of a wave of a segment that go one way: 0 from first images to second, 1 back.
    fn pick_one_way(
        &self,
        pass: &mut Pass,
        plan: &SubmissionPlan,
        buffers: &Buffers,
        (segment, way, range): (&Segment, usize, &Range<usize>),
        keeping: Option<&ComputePipeline>,
    ) -> Result<(), GpuError> {
        let [row_tile, target_tile] = self.preset.pick_tile.map(|cells| cells / 4);
        let picks = &plan.picks[range.clone()];
        let count = picks.len() as u32;
        let places = segment.places.map(|place| self.place(place, buffers));
        let [source_page, target_page] = [&places[way], &places[1 - way]];
        let [pairs, groups, listed] = [
            (0, whole(&buffers.pairs)),
            (1, whole(&buffers.groups)),
            (2, part(&buffers.picks, range)),
        ];
        let mut gathered = vec![
            pairs.clone(),
            groups.clone(),
            listed.clone(),
            (3, source_page.clone()),
            (5, whole(&buffers.rows)),
            (6, whole(&buffers.gathered)),
        ];
        if way == 0 {
            gathered.push((4, whole(&buffers.expanded)));
        }
        let lines = largest(picks, |p| p.lines + 3);
        let across = pass.groups(largest(picks, |p| p.row_quads * 4));
        pass.run(&self.pipelines.gather[way], &gathered, [across, lines, count])?;
        let row_tiles = |p: &PickParams| p.row_quads / row_tile;
        let tiles = largest(picks, |p| {
            let pair = &plan.pairs[p.pair as usize];
            pair.target_rows * (pair.target_quads / target_tile)
        });
        let (parts, kernel) = match self.sets {
            Some(sets) => (plan.sharing_picks(range), &sets.pick[way]),
            None => (vec![range.clone()], &self.pipelines.pick[way]),
        };
        let bound = |picks: &Range<usize>| {
            let mut bound = vec![
                pairs.clone(),
                groups.clone(),
                (2, part(&buffers.picks, picks)),
                (7, whole(&buffers.gathered)),
                (8, target_page.clone()),
            ];
            if way == 1 {
                bound.push((14, whole(&buffers.expanded)));
            }
            bound
        };
        for picks in &parts {
            let count = if self.sets.is_some() { 1 } else { count };
            let mut bound = bound(picks);
            bound.extend([(9, whole(&buffers.space)), (10, whole(&buffers.candidates))]);
            let down = largest(&plan.picks[picks.clone()], row_tiles);
            pass.run(kernel, &bound, [pass.groups(tiles), down, count])?;
        }
        if let Some(keeping) = keeping {
            let mut bound = bound(range);
            bound.push((11, whole(&buffers.similarities)));
            let down = largest(picks, row_tiles);
            pass.run(keeping, &bound, [pass.groups(tiles), down, count])?;
        }
        pass.run(
            &self.pipelines.best,
            &[pairs, listed, (12, whole(&buffers.candidates)), (13, whole(&buffers.matches))],
            [pass.groups(largest(picks, |p| p.row_count)), 1, count],
        )
    }

    fn place<'b>(&'b self, place: ImagePlace, buffers: &'b Buffers) -> BindingResource<'b> {
        whole(match place {
            ImagePlace::Page(page) => self.residency.page(page),
            ImagePlace::Views => &buffers.views,
        })
    }
}

/// Ends a submission with copies into a buffer that the host can read.
pub(super) fn fetch(
    device: &GpuDevice,
    mut encoder: CommandEncoder,
    parts: &[(&Buffer, usize)],
    queries: Option<&QuerySet>,
) -> Result<Flight, GpuError> {
    let bytes: usize = parts.iter().map(|(_, bytes)| bytes).sum();
    // Query results are copied to a multiple of their size.
    let times = bytes.next_multiple_of(size_of::<u64>());
    let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
    let readback = device.buffer("hpflow.readback", (times + TIMESTAMP_BYTES) as u64, usage)?;
    let mut at = 0;
    for &(buffer, bytes) in parts {
        encoder.copy_buffer_to_buffer(buffer, 0, &readback, at, bytes as u64);
        at += bytes as u64;
    }
    if let Some(queries) = queries {
        let usage = BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC;
        let resolved = device.buffer("hpflow.resolved", TIMESTAMP_BYTES as u64, usage)?;
        encoder.resolve_query_set(queries, 0..STAGES.len() as u32 * 2, &resolved, 0);
        let (times, bytes) = (times as u64, TIMESTAMP_BYTES as u64);
        encoder.copy_buffer_to_buffer(&resolved, 0, &readback, times, bytes);
    }
    let commands = encoder.finish();
    device.check()?;
    let submission = device.queue.submit([commands]);
    device.check()?;
    let parts = parts.iter().map(|&(_, bytes)| bytes).collect();
    Ok(Flight { submission, readback, parts, timed: queries.is_some() })
}

impl Flight {
    /// Waits for the submission and takes what it computed.
    pub(super) fn land(self, device: &GpuDevice) -> Result<Landed, GpuError> {
        let (sender, receiver) = mpsc::channel();
        self.readback.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver lives until the map has been waited for.
            let _ = sender.send(result);
        });
        device.wait(self.submission)?;
        match receiver.try_recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(device.failed(&error)),
            Err(error) => return Err(device.failed(&error)),
        }
        let range = self.readback.get_mapped_range(..).map_err(|error| device.failed(&error))?;
        let mut at = 0;
        let parts = self
            .parts
            .iter()
            .map(|bytes| {
                at += bytes;
                range[at - bytes..at].to_vec()
            })
            .collect();
        let times = &range[at.next_multiple_of(size_of::<u64>())..][..TIMESTAMP_BYTES];
        let milliseconds = device
            .timestamp_period
            .filter(|_| self.timed)
            .map(|period| milliseconds(times, period));
        Ok(Landed { parts, milliseconds })
    }
}

fn milliseconds(times: &[u8], period: f32) -> [f64; STAGES.len()] {
    let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(times);
    std::array::from_fn(|stage| {
        let elapsed = ticks[stage * 2 + 1].saturating_sub(ticks[stage * 2]);
        elapsed as f64 * f64::from(period) / 1e6
    })
}

/// A compute pass with what a dispatch needs.
pub(super) struct Pass<'a> {
    pub pass: ComputePass<'a>,
    pub device: &'a GpuDevice,
    pub workgroup: u32,
}

impl Pass<'_> {
    /// Workgroups for `invocations` invocations along x.
    pub(super) fn groups(&self, invocations: u32) -> u32 {
        invocations.div_ceil(self.workgroup)
    }

    pub(super) fn run(
        &mut self,
        pipeline: &ComputePipeline,
        bindings: &[(u32, BindingResource)],
        workgroups: [u32; 3],
    ) -> Result<(), GpuError> {
        if workgroups.contains(&0) {
            return Ok(());
        }
        let most = workgroups.into_iter().fold(0, u32::max).into();
        let limit = self.device.limits.max_compute_workgroups_per_dimension.into();
        self.device.check_size(["matching the pair", "workgroups"], most, limit)?;
        let entries: Vec<_> = bindings
            .iter()
            .map(|(binding, resource)| BindGroupEntry {
                binding: *binding,
                resource: resource.clone(),
            })
            .collect();
        let group = self.device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        self.pass.set_pipeline(pipeline);
        self.pass.set_bind_group(0, &group, &[]);
        let [x, y, z] = workgroups;
        self.pass.dispatch_workgroups(x, y, z);
        Ok(())
    }
}

fn begin<'a>(
    encoder: &'a mut CommandEncoder,
    stage: usize,
    queries: Option<&'a QuerySet>,
) -> ComputePass<'a> {
    encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
        label: Some(STAGES[stage]),
        timestamp_writes: queries.map(|query_set| wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: Some(stage as u32 * 2),
            end_of_pass_write_index: Some(stage as u32 * 2 + 1),
        }),
    })
}

pub(super) fn whole(buffer: &Buffer) -> BindingResource<'_> {
    buffer.as_entire_binding()
}

/// Part of a list of structures.
fn part<'a>(buffer: &'a Buffer, range: &Range<usize>) -> BindingResource<'a> {
    let size = wgpu::BufferSize::new((range.len().max(1) * SLOT) as u64);
    // An empty range may begin at the end of the buffer, and is never dispatched.
    let offset = if range.is_empty() { 0 } else { (range.start * SLOT) as u64 };
    BindingResource::Buffer(BufferBinding { buffer, offset, size })
}

fn largest<T>(list: &[T], size: impl Fn(&T) -> u32) -> u32 {
    list.iter().map(size).max().unwrap_or(0)
}
