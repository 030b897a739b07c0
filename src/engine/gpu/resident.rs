//! Images that stay on the device: pages of a fixed size, first-fit placement, and eviction of the
//! least recently used under a memory budget.

use std::collections::HashMap;

use wgpu::{Buffer, BufferUsages};

use super::device::Device;
use super::error::GpuError;
use super::layout::{ImageLayout, QUAD};
use super::preset::Preset;
use crate::hyperpixel::Hyperimage;
use crate::hyperpixel::upsample::{Tap, taps};

/// Pages are this large where budget and device allow: few pages, few dispatches.
const PAGE_BYTES: u64 = 512 << 20;

/// A page and what is in it.
struct Page {
    buffer: Buffer,
    quads: usize,
    /// First quad and quads of each image, ascending.
    used: Vec<(usize, usize)>,
}

/// An image on the device.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub page: usize,
    pub first: usize,
    pub layout: ImageLayout,
    last_use: u64,
}

impl Placed {
    /// Where maps are that begin `at` quads into the image, in quads of features.
    pub fn maps(&self, at: usize) -> u32 {
        ((self.first + at) * QUAD / self.layout.map_quad) as u32
    }
}

/// The images on the device.
pub(super) struct Residency {
    pages: Vec<Page>,
    images: HashMap<u64, Placed>,
    budget: u64,
    clock: u64,
}

impl Residency {
    /// No image yet; `budget` is the memory for images in bytes.
    pub fn new(budget: u64) -> Self {
        Self { pages: Vec::new(), images: HashMap::new(), budget, clock: 0 }
    }

    /// The buffer of a page.
    pub fn page(&self, index: usize) -> &Buffer {
        &self.pages[index].buffer
    }

    /// An image that was placed before.
    pub fn get(&self, image: &Hyperimage) -> &Placed {
        &self.images[&image.id]
    }

    /// Places an image unless it is there, evicting others but none of `pinned`. Whether it is
    /// there now: without `must`, an image that does not fit into the budget is left out.
    pub fn place(
        &mut self,
        device: &Device,
        preset: &Preset,
        image: &Hyperimage,
        pinned: &[u64],
        must: bool,
    ) -> Result<bool, GpuError> {
        self.clock += 1;
        if let Some(placed) = self.images.get_mut(&image.id) {
            placed.last_use = self.clock;
            return Ok(true);
        }
        let layout = ImageLayout::new(image, preset);
        let bytes = (layout.quads * QUAD) as u64;
        let largest = largest_page(device);
        device.check_size("one photograph's feature maps, in bytes,", bytes, largest)?;
        let Some((page, at)) = self.make_room(device, layout.quads, pinned, must)? else {
            return Ok(false);
        };
        let first = self.pages[page].used.get(at.wrapping_sub(1)).map_or(0, |(f, n)| f + n);
        upload(device, preset, &self.pages[page].buffer, first, image, &layout)?;
        self.pages[page].used.insert(at, (first, layout.quads));
        let placed = Placed { page, first, layout, last_use: self.clock };
        self.images.insert(image.id, placed);
        Ok(true)
    }

    /// A gap of `quads`: the page and where it stands among the page's images.
    fn make_room(
        &mut self,
        device: &Device,
        quads: usize,
        pinned: &[u64],
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

    fn evict(&mut self, id: u64) {
        if let Some(placed) = self.images.remove(&id) {
            self.pages[placed.page].used.retain(|&(first, _)| first != placed.first);
        }
    }
}

impl Page {
    fn new(device: &Device, bytes: u64) -> Result<Self, GpuError> {
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

fn largest_page(device: &Device) -> u64 {
    let limits = &device.limits;
    let bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    bytes / QUAD as u64 * QUAD as u64
}

/// Writes an image in the layout of the kernels, straight into the driver's staging memory. The
/// copy to the device runs before the next submission, beside those that are under way.
fn upload(
    device: &Device,
    preset: &Preset,
    buffer: &Buffer,
    first: usize,
    image: &Hyperimage,
    layout: &ImageLayout,
) -> Result<(), GpuError> {
    let Some(size) = wgpu::BufferSize::new((layout.quads * QUAD) as u64) else { return Ok(()) };
    let view = device.queue.write_buffer_with(buffer, (first * QUAD) as u64, size);
    device.check()?;
    let Some(mut view) = view else {
        let reason = "no staging memory for a photograph's feature maps".to_owned();
        return Err(GpuError::OutOfMemory { adapter: device.info.name.clone(), reason });
    };
    let mut staging = view.slice(..);
    staging.fill(0);
    write(image, preset, layout, |start, bytes| {
        staging.slice(start..start + bytes.len()).copy_from_slice(bytes);
    });
    Ok(())
}

/// Writes the parts of an image: byte where a part begins, and its bytes.
fn write(
    image: &Hyperimage,
    preset: &Preset,
    layout: &ImageLayout,
    mut put: impl FnMut(usize, &[u8]),
) {
    let base = &image.groups[0];
    let (rows, columns) = (image.grid.rows, image.grid.columns);
    let row_bytes = layout.row_quads * layout.map_quad;
    for row in 0..rows.len {
        for channel in 0..base.channels {
            let from = (channel * base.rows + rows.start + row) * base.columns + columns.start;
            let line = row * preset.padded_channels(base.channels) + channel;
            let features = base.data.view().part(from..from + columns.len);
            put(layout.base * QUAD + line * row_bytes, features.bytes());
        }
        let norms = &image.inverse_norms[row * columns.len..][..columns.len];
        let at = layout.norms + row * layout.row_quads;
        put(at * QUAD, bytemuck::cast_slice(norms));
    }
    let mut put_quads =
        |quad: usize, values: &[f32]| put(quad * QUAD, bytemuck::cast_slice(values));
    for (group, at) in image.groups[1..].iter().zip(&layout.groups) {
        let row_taps = taps(group.rows, base.rows, rows.start, rows.len);
        let column_taps = taps(group.columns, base.columns, columns.start, columns.len);
        let quad = |tap: &Tap| [tap.first as f32, tap.second as f32, tap.weight, 0.0];
        put_quads(at.row_taps, &row_taps.iter().flat_map(quad).collect::<Vec<_>>());
        put_quads(at.column_taps, &column_taps.iter().flat_map(quad).collect::<Vec<_>>());
        for column in 0..group.columns {
            let weight = |tap: &Tap| {
                let first = if tap.first as usize == column { 1.0 - tap.weight } else { 0.0 };
                let second = if tap.second as usize == column { tap.weight } else { 0.0 };
                first + second
            };
            let weights: Vec<f32> = column_taps.iter().map(weight).collect();
            put_quads(at.weights + column * layout.row_quads, &weights);
        }
    }
    for (group, at) in image.groups[1..].iter().zip(&layout.groups) {
        let cells = group.rows * group.columns;
        for channel in 0..group.channels {
            let features = group.data.view().part(channel * cells..(channel + 1) * cells);
            let line = channel * at.cell_quads * layout.map_quad;
            put(at.maps * QUAD + line, features.bytes());
        }
    }
}
