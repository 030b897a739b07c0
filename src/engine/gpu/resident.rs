//! Images that stay on the device: pages of a fixed size, first-fit placement, and eviction of the
//! least recently used under a memory budget.

use std::collections::HashMap;

use wgpu::{Buffer, BufferUsages};

use super::device::GpuDevice;
use super::layout::{ImageLayout, QUAD, SKEW, map_quad};
use super::preset::Preset;
use crate::engine::error::GpuError;
use crate::hyperpixel::upsample::{Tap, taps};
use crate::hyperpixel::{Grid, Group, Hyperimage, LayerStack, Precision};

/// Pages are this large where budget and device allow: few pages, few dispatches.
const PAGE_BYTES: u64 = 512 << 20;

/// A page and what is in it.
struct Page {
    buffer: Buffer,
    quads: usize,
    /// First quad and quads of each image, ascending.
    used: Vec<(usize, usize)>,
}

/// What an image, or a map of one, is known by on the device.
pub(super) type Key = (u64, usize);

/// What is on the device as a whole: an image, or a map of one that layer sets are made of.
pub(super) trait Resident {
    /// What it is known by.
    fn key(&self) -> Key;

    /// Quads that it takes.
    fn quads(&self, preset: &Preset) -> usize;

    /// Writes its parts: byte where a part begins, and its bytes. The rest are zeros.
    fn write(&self, preset: &Preset, put: &mut dyn FnMut(usize, &[u8]));
}

/// Where an image or a map is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub page: usize,
    /// Its first quad.
    pub first: usize,
    last_use: u64,
}

/// The images on the device.
pub(super) struct Residency {
    pages: Vec<Page>,
    images: HashMap<Key, Placed>,
    budget: u64,
    clock: u64,
}

impl Residency {
    /// No image yet; `budget` is the memory for images in bytes.
    pub(super) fn new(budget: u64) -> Self {
        Self { pages: Vec::new(), images: HashMap::new(), budget, clock: 0 }
    }

    /// The memory for images in bytes.
    pub(super) fn budget(&self) -> u64 {
        self.budget
    }

    /// The buffer of a page.
    pub(super) fn page(&self, index: usize) -> &Buffer {
        &self.pages[index].buffer
    }

    /// An image that was placed before.
    pub(super) fn get(&self, key: Key) -> &Placed {
        &self.images[&key]
    }

    /// Places an image unless it is there, evicting others but none of `pinned`. Whether it is
    /// there now: without `must`, an image that does not fit into the budget is left out.
    pub(super) fn place(
        &mut self,
        device: &GpuDevice,
        preset: &Preset,
        image: &dyn Resident,
        pinned: &[Key],
        must: bool,
    ) -> Result<bool, GpuError> {
        self.clock += 1;
        if let Some(placed) = self.images.get_mut(&image.key()) {
            placed.last_use = self.clock;
            return Ok(true);
        }
        let quads = image.quads(preset);
        let bytes = (quads * QUAD) as u64;
        let largest = largest_page(device);
        let what = ["a photograph's feature maps", "bytes in one buffer"];
        device.check_size(what, bytes, largest)?;
        let Some((page, at)) = self.make_room(device, quads, pinned, must)? else {
            return Ok(false);
        };
        let first = self.pages[page].used.get(at.wrapping_sub(1)).map_or(0, |(f, n)| f + n);
        upload(device, preset, &self.pages[page].buffer, first, image)?;
        self.pages[page].used.insert(at, (first, quads));
        self.images.insert(image.key(), Placed { page, first, last_use: self.clock });
        Ok(true)
    }

    /// A gap of `quads`: the page and where it stands among the page's images.
    fn make_room(
        &mut self,
        device: &GpuDevice,
        quads: usize,
        pinned: &[Key],
        must: bool,
    ) -> Result<Option<(usize, usize)>, GpuError> {
        loop {
            let gap =
                self.pages.iter().enumerate().find_map(|(i, page)| Some((i, page.gap(quads)?)));
            if gap.is_some() {
                return Ok(gap);
            }
            let bytes = (quads * QUAD) as u64;
            let held: u64 = self.pages.iter().map(|page| (page.quads * QUAD) as u64).sum();
            let left = self.budget.saturating_sub(held);
            let oldest = self
                .images
                .iter()
                .filter(|(id, _)| !pinned.contains(id))
                .min_by_key(|(_, placed)| placed.last_use)
                .map(|(&id, _)| id);
            match oldest {
                _ if left >= bytes => {
                    let size = left.min(PAGE_BYTES).min(largest_page(device)).max(bytes);
                    self.pages.push(Page::new(device, size)?);
                }
                Some(id) => self.evict(id),
                None if must => self.exceed(Page::new(device, bytes)?),
                None => return Ok(None),
            }
        }
    }

    /// Takes a page beyond the budget, in place of an empty one where there is one.
    fn exceed(&mut self, page: Page) {
        match self.pages.iter_mut().find(|page| page.used.is_empty()) {
            Some(empty) => *empty = page,
            None => self.pages.push(page),
        }
    }

    fn evict(&mut self, id: Key) {
        if let Some(placed) = self.images.remove(&id) {
            self.pages[placed.page].used.retain(|&(first, _)| first != placed.first);
        }
    }
}

impl Page {
    fn new(device: &GpuDevice, bytes: u64) -> Result<Self, GpuError> {
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_DST;
        let buffer = device.buffer("hpflow.page", bytes, usage)?;
        Ok(Self { buffer, quads: bytes as usize / QUAD, used: Vec::new() })
    }

    /// Where among the images the first gap of `quads` is.
    fn gap(&self, quads: usize) -> Option<usize> {
        let mut free = 0;
        for (at, &(first, taken)) in self.used.iter().enumerate() {
            if first - free >= quads {
                return Some(at);
            }
            free = first + taken;
        }
        (self.quads - free >= quads).then_some(self.used.len())
    }
}

fn largest_page(device: &GpuDevice) -> u64 {
    let limits = &device.limits;
    let bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    bytes / QUAD as u64 * QUAD as u64
}

/// Writes an image in the layout of the kernels, straight into the driver's staging memory. The
/// copy to the device runs before the next submission, beside those that are under way.
fn upload(
    device: &GpuDevice,
    preset: &Preset,
    buffer: &Buffer,
    first: usize,
    image: &dyn Resident,
) -> Result<(), GpuError> {
    let bytes = (image.quads(preset) * QUAD) as u64;
    let Some(size) = wgpu::BufferSize::new(bytes) else { return Ok(()) };
    let view = device.queue.write_buffer_with(buffer, (first * QUAD) as u64, size);
    device.check()?;
    let Some(mut view) = view else {
        let reason = "no staging memory for a photograph's feature maps".to_owned();
        let adapter = device.info.name.clone();
        return Err(GpuError::OutOfMemory { adapter, reason, needed: None });
    };
    let mut staging = view.slice(..);
    staging.fill(0);
    image.write(preset, &mut |start, bytes| {
        staging.slice(start..start + bytes.len()).copy_from_slice(bytes);
    });
    Ok(())
}

impl Resident for Hyperimage {
    fn key(&self) -> Key {
        (self.id, 0)
    }

    fn quads(&self, preset: &Preset) -> usize {
        ImageLayout::new(self, preset).quads
    }

    fn write(&self, preset: &Preset, put: &mut dyn FnMut(usize, &[u8])) {
        let layout = ImageLayout::new(self, preset);
        let base = &self.groups[0];
        let (rows, columns) = (self.grid.rows, self.grid.columns);
        let row_bytes = layout.row_quads * layout.map_quad;
        for row in 0..rows.len {
            for channel in 0..base.channels {
                let from = (channel * base.rows + rows.start + row) * base.columns + columns.start;
                let line = row * preset.padded_channels(base.channels) + channel;
                let features = base.data.view().part(from..from + columns.len);
                let skew = row * SKEW * layout.map_quad;
                put(layout.base * QUAD + line * row_bytes + skew, features.bytes());
            }
            let norms = &self.inverse_norms[row * columns.len..][..columns.len];
            let at = layout.norms + row * layout.row_quads;
            put(at * QUAD, bytemuck::cast_slice(norms));
        }
        for (group, at) in self.groups[1..].iter().zip(&layout.groups) {
            let upsampling = Upsampling::new(group, base, &self.grid, preset);
            put(at.row_taps * QUAD, bytemuck::cast_slice(&upsampling.row_taps));
            put(at.column_taps * QUAD, bytemuck::cast_slice(&upsampling.column_taps));
            put(at.weights * QUAD, bytemuck::cast_slice(&upsampling.weights));
            write_maps(group, preset, layout.map_quad, at.maps * QUAD, put);
        }
    }
}

/// A map of a stack that layer sets are made of: padded channels × cell quads.
pub(super) struct StackMap<'a> {
    pub stack: &'a LayerStack,
    pub position: usize,
}

impl StackMap<'_> {
    fn map(&self) -> &Group {
        &self.stack.maps[self.position]
    }
}

impl Resident for StackMap<'_> {
    fn key(&self) -> Key {
        (self.stack.id, self.position)
    }

    fn quads(&self, preset: &Preset) -> usize {
        let map = self.map();
        preset.padded_channels(map.channels) * preset.cell_quads(map.rows * map.columns)
    }

    fn write(&self, preset: &Preset, put: &mut dyn FnMut(usize, &[u8])) {
        write_maps(self.map(), preset, map_quad(Precision::F32), 0, put);
    }
}

/// Writes maps as lists of cells, from a byte on; the channels of each layer are padded.
fn write_maps(
    group: &Group,
    preset: &Preset,
    map_quad: usize,
    first: usize,
    put: &mut dyn FnMut(usize, &[u8]),
) {
    let cells = group.rows * group.columns;
    let line_bytes = preset.cell_quads(cells) * map_quad;
    let (mut channel, mut line) = (0, 0);
    for &channels in &group.layers {
        for nth in 0..channels {
            let from = (channel + nth) * cells;
            let features = group.data.view().part(from..from + cells);
            put(first + (line + nth) * line_bytes, features.bytes());
        }
        channel += channels;
        line += preset.padded_channels(channels);
    }
}

/// How a coarse group is upsampled to a grid, as the kernels read it.
pub(super) struct Upsampling {
    /// A quad (first, second, weight, 0) for each row of the grid.
    pub row_taps: Vec<f32>,
    /// And for each column.
    pub column_taps: Vec<f32>,
    /// The group's columns × padded columns of the grid.
    pub weights: Vec<f32>,
}

impl Upsampling {
    /// That of maps of the size of `group` to the `grid` of a base.
    pub(super) fn new(group: &Group, base: &Group, grid: &Grid, preset: &Preset) -> Self {
        let (rows, columns) = (grid.rows, grid.columns);
        let row_taps = taps(group.rows, base.rows, rows.start, rows.len);
        let column_taps = taps(group.columns, base.columns, columns.start, columns.len);
        let quad = |tap: &Tap| [tap.first as f32, tap.second as f32, tap.weight, 0.0];
        let width = preset.row_quads(columns.len) * 4;
        let mut weights = Vec::with_capacity(group.columns * width);
        for column in 0..group.columns {
            let weight = |tap: &Tap| {
                let first = if tap.first as usize == column { 1.0 - tap.weight } else { 0.0 };
                let second = if tap.second as usize == column { tap.weight } else { 0.0 };
                first + second
            };
            weights.extend(column_taps.iter().map(weight));
            weights.resize((column + 1) * width, 0.0);
        }
        Self {
            row_taps: row_taps.iter().flat_map(quad).collect(),
            column_taps: column_taps.iter().flat_map(quad).collect(),
            weights,
        }
    }
}
