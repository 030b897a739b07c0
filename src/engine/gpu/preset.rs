//! Tile shapes: how much of a product one invocation keeps in registers, per type of device. They
//! change how fast an answer comes and, by rounding, its last digits, never what is computed.

/// Cells and channels of a matrix that a subgroup multiplies.
pub(super) const COOPERATIVE_SIDE: u32 = 16;
/// Source and target cells of a workgroup of `correlate_cooperative`.
pub(super) const COOPERATIVE_TILE: u32 = 2 * COOPERATIVE_SIDE;

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
    /// vec4 of outputs that an invocation of `transform` has.
    pub transform_quads: u32,
    /// Positions that an invocation of `convolve` has.
    pub convolve_positions: u32,
    /// Whether the invocations of a workgroup, which is one subgroup, load what they share together.
    pub shared: bool,
    /// Pairs in a submission.
    pub pairs: usize,
    /// Invocations of the largest subgroup where subgroups multiply matrices of halves together, and
    /// `correlate` lets them; 0 where it does not.
    pub cooperative: u32,
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
        transform_quads: 4,
        convolve_positions: 4,
        shared: false,
        pairs: 8,
        cooperative: 0,
    };

    /// For software devices whose subgroups are a workgroup of [`Self::SOFTWARE`] (Mesa's lavapipe on
    /// vectors of 256 bits): a load costs more than many products, and broadcasting costs little.
    pub const SOFTWARE_SUBGROUPS: Self = Self {
        name: "software with subgroups",
        correlate_tile: [8, 32],
        vote_tile: [40, 8],
        shared: true,
        ..Self::SOFTWARE
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
        transform_quads: 2,
        convolve_positions: 4,
        shared: false,
        pairs: 32,
        cooperative: 0,
    };

    /// All presets, for tests.
    pub const ALL: [Self; 3] = [Self::SOFTWARE, Self::SOFTWARE_SUBGROUPS, Self::HARDWARE];

    /// The preset for a device with these features.
    #[must_use]
    pub(crate) fn of(info: &wgpu::AdapterInfo, features: wgpu::Features) -> Self {
        let shared = Self::SOFTWARE_SUBGROUPS;
        let sizes = [info.subgroup_min_size, info.subgroup_max_size];
        let subgroups = features.contains(wgpu::Features::SUBGROUP);
        match info.device_type {
            wgpu::DeviceType::Cpu if subgroups && sizes == [shared.workgroup; 2] => shared,
            wgpu::DeviceType::Cpu => Self::SOFTWARE,
            _ => Self::HARDWARE,
        }
    }

    /// Rows of the grid are padded to a multiple of this many cells.
    #[must_use]
    pub(crate) fn row_padding(&self) -> usize {
        let tile = least_common_multiple(self.vote_tile[0], self.vote_tile[1]);
        least_common_multiple(tile, self.pick_tile[1]) as usize
    }

    /// Lists of cells of a coarse group are padded to a multiple of this many cells.
    #[must_use]
    pub(crate) fn cell_padding(&self) -> usize {
        let tile = least_common_multiple(self.correlate_tile[0], self.correlate_tile[1]);
        match self.cooperative {
            0 => tile as usize,
            _ => least_common_multiple(tile, COOPERATIVE_TILE) as usize,
        }
    }

    /// Quads of a padded row of the grid.
    #[must_use]
    pub(crate) fn row_quads(&self, columns: usize) -> usize {
        columns.next_multiple_of(self.row_padding()) / 4
    }

    /// Quads of a padded list of cells.
    #[must_use]
    pub(crate) fn cell_quads(&self, cells: usize) -> usize {
        cells.next_multiple_of(self.cell_padding()) / 4
    }

    /// Channels with the zeros that pad them to what the kernels take at a time.
    #[must_use]
    pub(crate) fn padded_channels(&self, channels: usize) -> usize {
        let step = if self.cooperative == 0 { 4 } else { COOPERATIVE_SIDE };
        channels.next_multiple_of(step as usize)
    }

    /// Number of parts in which `correlate` sums `channels` channels.
    #[must_use]
    pub(crate) fn splits(&self, channels: usize) -> usize {
        channels.div_ceil(self.split as usize)
    }
}

impl Preset {
    /// The same with `correlate` on matrices of subgroups of at most `subgroup` invocations.
    #[must_use]
    pub fn with_cooperative(self, subgroup: u32) -> Self {
        Self { cooperative: subgroup, ..self }
    }
}

fn least_common_multiple(a: u32, b: u32) -> u32 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}
