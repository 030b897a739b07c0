//! Tile shapes: how much of a product one invocation keeps in registers, per type of device. They
//! change how fast an answer comes and, by rounding, its last digits, never what is computed.

use crate::engine::hough::BLUR_SIDE;

/// Tile shapes and batch size for a type of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// A name for messages.
    pub name: &'static str,
    /// Invocations in a workgroup of the register-tiled kernels.
    pub workgroup: u32,
    /// Source × target cells of a tile of `correlate`, multiples of 4.
    pub correlate_tile: [u32; 2],
    /// Channels that `correlate` sums in one go.
    pub split: u32,
    /// Source × target cells of a tile of `vote`, the first a multiple of the second, the second
    /// one of 4.
    pub vote_tile: [u32; 2],
    /// Source rows in a workgroup of `vote`, a divisor of `workgroup`; the other factor is target
    /// rows.
    pub vote_rows: u32,
    /// Rows × target cells of a tile of `pick`, multiples of 4.
    pub pick_tile: [u32; 2],
    /// Pairs in a submission.
    pub pairs: usize,
}

impl Preset {
    /// For software devices: tiles as large as the first-level cache holds, because every load of
    /// every lane is a scalar one.
    pub const SOFTWARE: Self = Self {
        name: "software",
        workgroup: 8,
        correlate_tile: [16, 16],
        split: 512,
        vote_tile: [20, 20],
        vote_rows: 1,
        pick_tile: [16, 20],
        pairs: 8,
    };

    /// For hardware GPUs: tiles that fit in registers, many invocations.
    pub const HARDWARE: Self = Self {
        name: "hardware",
        workgroup: 64,
        correlate_tile: [8, 8],
        split: 512,
        vote_tile: [8, 8],
        vote_rows: 8,
        pick_tile: [8, 8],
        pairs: 32,
    };

    /// All presets, for tests.
    pub const ALL: [Self; 2] = [Self::SOFTWARE, Self::HARDWARE];

    /// The preset for a type of device.
    #[must_use]
    pub fn of(kind: wgpu::DeviceType) -> Self {
        match kind {
            wgpu::DeviceType::Cpu => Self::SOFTWARE,
            _ => Self::HARDWARE,
        }
    }

    /// Rows of the grid are padded to a multiple of this many cells.
    #[must_use]
    pub fn row_padding(&self) -> usize {
        let tile = least_common_multiple(self.vote_tile[0], self.vote_tile[1]);
        least_common_multiple(tile, self.pick_tile[1]) as usize
    }

    /// Lists of cells of a coarse group are padded to a multiple of this many cells.
    #[must_use]
    pub fn cell_padding(&self) -> usize {
        least_common_multiple(self.correlate_tile[0], self.correlate_tile[1]) as usize
    }

    /// Constants of a kernel's file that the host sets.
    #[must_use]
    pub fn constants(&self, file: &str) -> Vec<(&'static str, u32)> {
        let workgroup = ("WORKGROUP", self.workgroup);
        let tile = |[source, target]: [u32; 2]| {
            [("SOURCE_QUADS", source / 4), ("TARGET_QUADS", target / 4)]
        };
        match file {
            "correlate.wgsl" => {
                [&[workgroup, ("SPLIT", self.split)][..], &tile(self.correlate_tile)].concat()
            }
            "vote.wgsl" => {
                let rows = ("SOURCE_ROWS", self.vote_rows);
                [&[workgroup, rows][..], &tile(self.vote_tile)].concat()
            }
            "hough.wgsl" => {
                let blur = ("BLUR_SIDE", BLUR_SIDE as u32);
                [&[workgroup, blur][..], &tile(self.vote_tile)].concat()
            }
            "pick.wgsl" => {
                let [rows, targets] = self.pick_tile;
                vec![workgroup, ("ROW_QUADS", rows / 4), ("TARGET_QUADS", targets / 4)]
            }
            _ => vec![workgroup],
        }
    }
}

fn least_common_multiple(a: u32, b: u32) -> u32 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}
