//! The buffers that the kernels pass their results through.

use wgpu::{Buffer, BufferUsages, QuerySet};

use super::device::GpuDevice;
use super::layout::slots;
use super::options::UNDER_WAY;
use super::plan::{Products, SubmissionPlan};
use crate::engine::error::GpuError;
use crate::engine::hough::gaussian;

/// Buffers that every submission uses, grown as needed. Work on the device's queue runs in order,
/// so one submission may reuse what the one before wrote.
pub(super) struct Buffers {
    pub couples: Buffer,
    pub pairs: Buffer,
    pub layers: Buffer,
    pub crops: Buffer,
    pub kept: Buffer,
    pub views: Buffer,
    pub groups: Buffer,
    pub picks: Buffer,
    pub rows: Buffer,
    pub tables: Buffer,
    pub gaussian: Buffer,
    pub partial: Buffer,
    pub correlation: Buffer,
    pub expanded: Buffer,
    pub votes: Buffer,
    pub space: Buffer,
    pub gathered: Buffer,
    pub candidates: Buffer,
    pub similarities: Buffer,
    pub matches: Buffer,
    /// Of the submissions under way, in turn: some drivers have few.
    queries: [Option<QuerySet>; UNDER_WAY],
    submissions: usize,
}

impl Buffers {
    pub(super) fn new(device: &GpuDevice) -> Result<Self, GpuError> {
        let empty = |label: &str| device.buffer(label, 0, USAGE);
        let buffers = Self {
            couples: empty("hpflow.couples")?,
            pairs: empty("hpflow.pairs")?,
            layers: empty("hpflow.layers")?,
            crops: empty("hpflow.crops")?,
            kept: empty("hpflow.kept")?,
            views: empty("hpflow.views")?,
            groups: empty("hpflow.groups")?,
            picks: empty("hpflow.picks")?,
            rows: empty("hpflow.rows")?,
            tables: empty("hpflow.tables")?,
            gaussian: empty("hpflow.gaussian")?,
            partial: empty("hpflow.partial")?,
            correlation: empty("hpflow.correlation")?,
            expanded: empty("hpflow.expanded")?,
            votes: empty("hpflow.votes")?,
            space: empty("hpflow.space")?,
            gathered: empty("hpflow.gathered")?,
            candidates: empty("hpflow.candidates")?,
            similarities: empty("hpflow.similarities")?,
            matches: empty("hpflow.matches")?,
            queries: [None, None],
            submissions: 0,
        };
        let weights = gaussian();
        device.queue.write_buffer(&buffers.gaussian, 0, bytemuck::cast_slice(&weights));
        device.check()?;
        Ok(buffers)
    }

    /// The timestamps of the next submission, where kernels can be timed. Those of the submission
    /// before the one before have been read by then.
    pub(super) fn queries(&mut self, device: &GpuDevice, count: u32) -> Option<QuerySet> {
        device.timestamp_period?;
        self.submissions += 1;
        let queries = &mut self.queries[self.submissions % UNDER_WAY];
        let make = || {
            device.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("hpflow.times"),
                ty: wgpu::QueryType::Timestamp,
                count,
            })
        };
        Some(queries.get_or_insert_with(make).clone())
    }

    /// The buffer of some products.
    pub(super) fn products(&self, which: Products) -> &Buffer {
        match which {
            Products::Partial => &self.partial,
            Products::Kept => &self.kept,
            Products::Correlation => &self.correlation,
        }
    }

    /// Makes room for a plan and for `similarities` bytes of similarities, and writes the lists that
    /// the kernels read.
    pub(super) fn fill(
        &mut self,
        device: &GpuDevice,
        plan: &SubmissionPlan,
        similarities: usize,
    ) -> Result<(), GpuError> {
        let scratch = &plan.scratch;
        let matches = plan.rows.len() * size_of::<[u32; 2]>();
        grow(device, &mut self.partial, scratch.partial)?;
        grow(device, &mut self.kept, scratch.kept)?;
        grow(device, &mut self.views, scratch.views)?;
        grow(device, &mut self.correlation, scratch.correlation)?;
        grow(device, &mut self.expanded, scratch.expanded)?;
        grow(device, &mut self.votes, scratch.votes)?;
        grow(device, &mut self.space, scratch.space)?;
        grow(device, &mut self.gathered, scratch.gathered)?;
        grow(device, &mut self.candidates, scratch.candidates)?;
        grow(device, &mut self.similarities, similarities)?;
        grow(device, &mut self.matches, matches)?;
        write(device, &mut self.couples, &slots(&plan.couples))?;
        write(device, &mut self.pairs, &slots(&plan.pairs))?;
        write(device, &mut self.layers, &slots(&plan.layers))?;
        write(device, &mut self.crops, &slots(&plan.crops))?;
        write(device, &mut self.views, bytemuck::cast_slice(&plan.views))?;
        write(device, &mut self.groups, &slots(&plan.groups))?;
        write(device, &mut self.picks, &slots(&plan.picks))?;
        write(device, &mut self.rows, bytemuck::cast_slice(&plan.rows))?;
        write(device, &mut self.tables, bytemuck::cast_slice(&plan.tables))
    }
}

const USAGE: BufferUsages =
    BufferUsages::STORAGE.union(BufferUsages::COPY_DST).union(BufferUsages::COPY_SRC);

fn grow(device: &GpuDevice, buffer: &mut Buffer, bytes: usize) -> Result<(), GpuError> {
    let bytes = bytes as u64;
    if buffer.size() < bytes {
        let limit = device.limits.max_storage_buffer_binding_size;
        device.check_size(["matching the pair", "bytes in one buffer"], bytes, limit)?;
        // A little more than asked for: sizes grow slowly from batch to batch.
        let bytes = (bytes + bytes / 8).min(limit) / 4 * 4;
        let label = "hpflow.scratch";
        *buffer = device.buffer(label, bytes, USAGE)?;
    }
    Ok(())
}

fn write(device: &GpuDevice, buffer: &mut Buffer, bytes: &[u8]) -> Result<(), GpuError> {
    grow(device, buffer, bytes.len())?;
    device.queue.write_buffer(buffer, 0, bytes);
    device.check()
}
