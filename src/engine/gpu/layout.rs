//! Buffer layouts: what the host writes and the kernels in `shaders/` read, in one place. The
//! tests parse the shaders and hold them to the structures and constants of this file.

use bytemuck::{Pod, Zeroable};

use super::preset::Preset;
use crate::hyperpixel::{Group, Hyperimage, Precision};

/// Bytes from one structure of a list to the next. Any part of a list can be bound, because no
/// adapter asks for a coarser alignment of storage buffers.
pub const SLOT: usize = 256;

/// vec4 between a row of base maps, or of an expanded correlation, and the next: `SKEW` in
/// `shaders/shared/params.wgsl`, which says why.
pub const SKEW: usize = 1;

/// Lines of a coarse group among the gathered rows of a pair back.
pub(super) const TAP_LINES: usize = 6;

/// Bytes of a vec4 of f32, the unit of most offsets.
pub(crate) const QUAD: usize = 16;

/// Bytes of four features, the unit of offsets of maps.
pub(super) fn map_quad(precision: Precision) -> usize {
    match precision {
        Precision::F32 => QUAD,
        Precision::F16 => QUAD / 2,
    }
}

/// Where a pair's Hough space is that nobody asked for: `NOT_ASKED` in `shaders/shared/params.wgsl`.
pub const NOT_ASKED: u32 = u32::MAX;

/// A pair of images of one batch; fields as in `shaders/params.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[allow(missing_docs, reason = "the fields are described where the kernels read them")]
pub struct PairParams {
    pub source_rows: u32,
    pub source_columns: u32,
    pub target_rows: u32,
    pub target_columns: u32,
    pub source_quads: u32,
    pub target_quads: u32,
    pub channels: u32,
    pub source_base: u32,
    pub target_base: u32,
    pub source_norms: u32,
    pub target_norms: u32,
    pub first_group: u32,
    pub group_count: u32,
    pub votes: u32,
    pub hough: u32,
    pub tables: u32,
    pub bins_x: u32,
    pub bins_y: u32,
    pub back: u32,
}

/// A layer of a coarse group of a pair; fields as in `shaders/params.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[allow(missing_docs, reason = "the fields are described where the kernels read them")]
pub struct LayerParams {
    pub channels: u32,
    pub splits: u32,
    pub source_maps: u32,
    pub target_maps: u32,
    pub source_quads: u32,
    pub target_quads: u32,
    pub partial: u32,
}

/// A coarse group of a pair; fields as in `shaders/params.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[allow(missing_docs, reason = "the fields are described where the kernels read them")]
pub struct GroupParams {
    pub pair: u32,
    pub first_layer: u32,
    pub layer_count: u32,
    pub source_quads: u32,
    pub target_quads: u32,
    pub source_columns: u32,
    pub target_rows: u32,
    pub target_columns: u32,
    pub source_row_taps: u32,
    pub source_column_taps: u32,
    pub target_row_taps: u32,
    pub target_column_taps: u32,
    pub target_weights: u32,
    pub correlation: u32,
    pub expanded: u32,
    pub line: u32,
}

/// A map that becomes part of a base group; fields as in `shaders/params.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[allow(missing_docs, reason = "the fields are described where the kernels read them")]
pub struct CropParams {
    pub map: u32,
    pub map_channels: u32,
    pub map_quads: u32,
    pub map_columns: u32,
    pub first_row: u32,
    pub first_column: u32,
    pub rows: u32,
    pub columns: u32,
    pub quads: u32,
    pub channels: u32,
    pub base_channels: u32,
    pub base: u32,
}

/// Rows of a pair matched in one go; fields as in `shaders/params.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[allow(missing_docs, reason = "the fields are described where the kernels read them")]
pub struct PickParams {
    pub pair: u32,
    pub first_row: u32,
    pub row_count: u32,
    pub row_quads: u32,
    pub lines: u32,
    pub gathered: u32,
    pub candidates: u32,
    pub similarities: u32,
}

/// A transform of the consensus network; fields as in `shaders/params.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[allow(missing_docs, reason = "the fields are described where the kernels read them")]
pub struct TransformParams {
    pub inputs: u32,
    pub outputs: u32,
    pub output_quads: u32,
    pub columns: u32,
    pub values: u32,
    pub values_pair: u32,
    pub values_line: u32,
    pub values_step: u32,
    pub out: u32,
    pub out_pair: u32,
    pub out_line: u32,
    pub out_step: u32,
    pub rectify: u32,
    pub plane_quads: u32,
    pub row_stride: u32,
    pub b_rows: u32,
    pub b_columns: u32,
}

/// A layer of the consensus network; fields as in `shaders/params.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[allow(missing_docs, reason = "the fields are described where the kernels read them")]
pub struct ConvolveParams {
    pub inputs: u32,
    pub outputs: u32,
    pub output_quads: u32,
    pub kernel: u32,
    pub rows: u32,
    pub columns: u32,
    pub plane: u32,
    pub row_stride: u32,
    pub positions: u32,
    pub values: u32,
    pub first_tap: u32,
    pub out: u32,
}

/// Mutual matching of some pairs; fields as in `shaders/params.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[allow(missing_docs, reason = "the fields are described where the kernels read them")]
pub struct MutualParams {
    pub cells: u32,
    pub plane: u32,
    pub row_stride: u32,
    pub b_rows: u32,
    pub b_columns: u32,
    pub epsilon: f32,
    pub floor: f32,
}

/// A list of structures as bytes, one every [`SLOT`].
pub(super) fn slots<T: Pod>(list: &[T]) -> Vec<u8> {
    let mut bytes = vec![0; list.len().max(1) * SLOT];
    for (slot, item) in bytes.chunks_exact_mut(SLOT).zip(list) {
        slot[..size_of::<T>()].copy_from_slice(bytemuck::bytes_of(item));
    }
    bytes
}

/// Where the parts of a resident image are, in quads from its first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageLayout {
    /// Quads of a padded row of the grid.
    pub row_quads: usize,
    /// Bytes of four features.
    pub map_quad: usize,
    /// Base maps: grid rows × (padded channels × row quads + [`SKEW`]) of features.
    pub base: usize,
    /// Inverse norms: grid rows × row quads.
    pub norms: usize,
    /// The coarse groups.
    pub groups: Vec<GroupLayout>,
    /// Quads altogether.
    pub quads: usize,
}

/// Where the parts of a coarse group of a resident image are, in quads from the image's first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupLayout {
    /// Quads of the padded list of cells.
    pub cell_quads: usize,
    /// Maps: padded channels of each layer × cell quads of features.
    pub maps: usize,
    /// Taps of the grid's rows, a quad each.
    pub row_taps: usize,
    /// Taps of the grid's columns, a quad each.
    pub column_taps: usize,
    /// Upsampling matrix: the group's columns × row quads.
    pub weights: usize,
}

impl ImageLayout {
    pub(super) fn new(image: &Hyperimage, preset: &Preset) -> Self {
        let mut quads = 0;
        let mut take = |count: usize| {
            quads += count;
            quads - count
        };
        let map_quad = map_quad(image.precision());
        let map = |quads: usize| (quads * map_quad).div_ceil(QUAD);
        let (rows, columns) = (image.grid.rows.len, image.grid.columns.len);
        let row_quads = preset.row_quads(columns);
        let line = preset.padded_channels(image.groups[0].channels) * row_quads + SKEW;
        let base = take(map(rows * line));
        let norms = take(rows * row_quads);
        let groups = image.groups[1..]
            .iter()
            .map(|group| {
                let cell_quads = preset.cell_quads(group.rows * group.columns);
                GroupLayout {
                    cell_quads,
                    maps: take(map(padded_layers(group, preset) * cell_quads)),
                    row_taps: take(rows),
                    column_taps: take(columns),
                    weights: take(group.columns * row_quads),
                }
            })
            .collect();
        Self { row_quads, map_quad, base, norms, groups, quads }
    }

    /// Where maps are that begin `at` quads into an image whose first quad is `first`, in quads of
    /// features.
    pub(super) fn maps(&self, first: usize, at: usize) -> u32 {
        ((first + at) * QUAD / self.map_quad) as u32
    }
}

/// Channels of a group with the zeros that pad those of each layer.
fn padded_layers(group: &Group, preset: &Preset) -> usize {
    group.layers.iter().map(|&channels| preset.padded_channels(channels)).sum()
}
