//! Tile shapes: how much of a product one invocation keeps in registers, per type of device. They
//! change how fast an answer comes and, by rounding, its last digits, never what is computed.

use std::fmt;
use std::str::FromStr;

use wgpu::{AdapterInfo, Backend, DeviceType, Features, Limits};

/// Cells and channels of a matrix that a subgroup multiplies.
pub(super) const COOPERATIVE_SIDE: u32 = 16;
/// Source and target cells of a workgroup of `correlate_cooperative`.
pub(super) const COOPERATIVE_TILE: u32 = 2 * COOPERATIVE_SIDE;

/// Vendors whose GPUs have 128 registers an invocation (Intel's before Xe3), or are not known to have
/// more: Intel, Apple, Qualcomm, Arm, Imagination.
const FEW_REGISTERS: [u32; 5] = [0x8086, 0x106B, 0x5143, 0x13B5, 0x1010];

/// The most cells that a tile may have: its loops are written out one by one.
const LARGEST_TILE: u32 = 1024;
/// The most invocations that a workgroup may have: what every adapter allows.
const LARGEST_WORKGROUP: u32 = 256;

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
    /// Channels that `correlate` and `vote` load at a time: 1, 2 or 4. Fewer need fewer registers.
    pub step: u32,
    /// Target cells that an invocation of `expand` walks.
    pub expand_cells: u32,
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
        step: 4,
        expand_cells: 64,
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
        name: "software-subgroups",
        correlate_tile: [8, 32],
        vote_tile: [40, 8],
        shared: true,
        ..Self::SOFTWARE
    };

    /// For GPUs with 255 registers an invocation (NVIDIA, AMD): tiles that fit in registers, many
    /// invocations. Measured on an H200.
    pub const HARDWARE: Self = Self {
        name: "hardware",
        workgroup: 64,
        correlate_tile: [8, 8],
        split: 512,
        step: 4,
        expand_cells: 16,
        vote_tile: [8, 8],
        vote_rows: 8,
        pick_tile: [8, 8],
        transform_quads: 2,
        convolve_positions: 4,
        shared: false,
        pairs: 32,
        cooperative: 0,
    };

    /// For GPUs with 128 registers an invocation (Intel, Apple, integrated ones): half the tile, and
    /// half the channels at a time. Not measured yet.
    pub const HARDWARE_128: Self = Self {
        name: "hardware-128",
        correlate_tile: [8, 4],
        step: 2,
        vote_tile: [8, 4],
        pick_tile: [4, 8],
        convolve_positions: 2,
        ..Self::HARDWARE
    };

    /// All presets.
    pub const ALL: [Self; 4] =
        [Self::SOFTWARE, Self::SOFTWARE_SUBGROUPS, Self::HARDWARE, Self::HARDWARE_128];

    /// The preset for a device with these features.
    #[must_use]
    pub(crate) fn of(info: &AdapterInfo, features: Features) -> Self {
        let few_registers = info.device_type == DeviceType::IntegratedGpu
            || info.backend == Backend::Metal
            || FEW_REGISTERS.contains(&info.vendor);
        match info.device_type {
            DeviceType::Cpu if Self::SOFTWARE_SUBGROUPS.has_subgroups(info, features) => {
                Self::SOFTWARE_SUBGROUPS
            }
            DeviceType::Cpu => Self::SOFTWARE,
            _ if few_registers => Self::HARDWARE_128,
            _ => Self::HARDWARE,
        }
    }

    /// Whether a workgroup is always exactly one subgroup.
    fn has_subgroups(&self, info: &AdapterInfo, features: Features) -> bool {
        let sizes = [info.subgroup_min_size, info.subgroup_max_size];
        features.contains(Features::SUBGROUP) && sizes == [self.workgroup; 2]
    }

    /// Why a device cannot run it, in words.
    pub(super) fn unfit(
        &self,
        info: &AdapterInfo,
        features: Features,
        limits: &Limits,
    ) -> Option<String> {
        let most = limits.max_compute_invocations_per_workgroup;
        if self.workgroup > most {
            let workgroup = self.workgroup;
            return Some(format!(
                "its workgroups have {workgroup} invocations, and {most} are allowed"
            ));
        }
        (self.shared && !self.has_subgroups(info, features)).then(|| {
            format!(
                "its workgroups are single subgroups of {} invocations, and subgroups have {} to {} \
                 here",
                self.workgroup, info.subgroup_min_size, info.subgroup_max_size
            )
        })
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

/// Why a text is no preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// A name that no preset has.
    #[error("there is no preset '{name}'; there are {}", names())]
    Unknown {
        /// The name.
        name: String,
    },
    /// Something that is no setting.
    #[error(
        "'{part}' is no setting of a preset; expected KEY=VALUE, where KEY is one of {}",
        keys()
    )]
    NoSetting {
        /// What stands there.
        part: String,
    },
    /// A value that a setting cannot have.
    #[error("{key}={value}: expected {expected}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// Settings that do not fit together.
    #[error("{found}: {rule}")]
    Together {
        /// The settings with their values.
        found: String,
        /// What they have to be.
        rule: &'static str,
    },
}

/// Names of the presets.
fn names() -> String {
    Preset::ALL.map(|preset| preset.name).join(", ")
}

/// Names of the settings.
fn keys() -> String {
    SETTINGS.map(|setting| setting.key).join(", ")
}

/// A setting of a preset, as text.
struct PresetSetting {
    key: &'static str,
    expected: &'static str,
    get: fn(&Preset) -> String,
    /// Sets it; `None` for a value that it cannot have.
    set: fn(&mut Preset, &str) -> Option<()>,
}

/// The settings, in the order in which they are shown.
const SETTINGS: [PresetSetting; 11] = [
    PresetSetting {
        key: "workgroup",
        expected: "a whole number of invocations from 4 to 256",
        get: |preset| preset.workgroup.to_string(),
        set: |preset, text| number(text, 4..=LARGEST_WORKGROUP).map(|n| preset.workgroup = n),
    },
    PresetSetting {
        key: "correlate_tile",
        expected: TILE_EXPECTED,
        get: |preset| tile_text(preset.correlate_tile),
        set: |preset, text| tile(text).map(|tile| preset.correlate_tile = tile),
    },
    PresetSetting {
        key: "split",
        expected: "a multiple of 16 from 16 to 65536",
        get: |preset| preset.split.to_string(),
        set: |preset, text| {
            let split = number(text, 16..=65_536).filter(|split| split % COOPERATIVE_SIDE == 0)?;
            preset.split = split;
            Some(())
        },
    },
    PresetSetting {
        key: "step",
        expected: "1, 2 or 4",
        get: |preset| preset.step.to_string(),
        set: |preset, text| {
            preset.step = number(text, 1..=4).filter(|step| step.is_power_of_two())?;
            Some(())
        },
    },
    PresetSetting {
        key: "expand_cells",
        expected: "a whole number from 1 to 65536",
        get: |preset| preset.expand_cells.to_string(),
        set: |preset, text| number(text, 1..=65_536).map(|n| preset.expand_cells = n),
    },
    PresetSetting {
        key: "vote_tile",
        expected: TILE_EXPECTED,
        get: |preset| tile_text(preset.vote_tile),
        set: |preset, text| tile(text).map(|tile| preset.vote_tile = tile),
    },
    PresetSetting {
        key: "vote_rows",
        expected: "a whole number from 1 to 256",
        get: |preset| preset.vote_rows.to_string(),
        set: |preset, text| number(text, 1..=LARGEST_WORKGROUP).map(|n| preset.vote_rows = n),
    },
    PresetSetting {
        key: "pick_tile",
        expected: TILE_EXPECTED,
        get: |preset| tile_text(preset.pick_tile),
        set: |preset, text| tile(text).map(|tile| preset.pick_tile = tile),
    },
    PresetSetting {
        key: "transform_quads",
        expected: "a whole number from 1 to 8",
        get: |preset| preset.transform_quads.to_string(),
        set: |preset, text| number(text, 1..=8).map(|n| preset.transform_quads = n),
    },
    PresetSetting {
        key: "convolve_positions",
        expected: "a whole number from 1 to 8",
        get: |preset| preset.convolve_positions.to_string(),
        set: |preset, text| number(text, 1..=8).map(|n| preset.convolve_positions = n),
    },
    PresetSetting {
        key: "pairs",
        expected: "a whole number from 1 to 1024",
        get: |preset| preset.pairs.to_string(),
        set: |preset, text| number(text, 1..=1024).map(|n| preset.pairs = n as usize),
    },
];

const TILE_EXPECTED: &str =
    "SOURCExTARGET, multiples of 4, and 1024 cells at most, for example 8x8";

fn number(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
    text.parse().ok().filter(|number| range.contains(number))
}

fn tile(text: &str) -> Option<[u32; 2]> {
    let (source, target) = text.split_once('x')?;
    let side = |text| number(text, 4..=LARGEST_TILE / 4).filter(|side| side % 4 == 0);
    let tile = [side(source)?, side(target)?];
    (tile[0] * tile[1] <= LARGEST_TILE).then_some(tile)
}

fn tile_text([source, target]: [u32; 2]) -> String {
    format!("{source}x{target}")
}

impl FromStr for Preset {
    type Err = PresetError;

    /// A preset's name, and settings that differ from it: `hardware,vote_tile=16x8,vote_rows=16`.
    fn from_str(text: &str) -> Result<Self, PresetError> {
        let mut parts = text.split(',').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let Some(mut preset) = Self::ALL.into_iter().find(|preset| preset.name == name) else {
            return Err(PresetError::Unknown { name: name.to_owned() });
        };
        for part in parts {
            let no_setting = || PresetError::NoSetting { part: part.to_owned() };
            let (key, value) = part.split_once('=').ok_or_else(no_setting)?;
            let known = SETTINGS.iter().find(|setting| setting.key == key.trim());
            let setting = known.ok_or_else(no_setting)?;
            let (key, expected) = (setting.key, setting.expected);
            let wrong = || PresetError::Value { key, value: value.to_owned(), expected };
            (setting.set)(&mut preset, value.trim()).ok_or_else(wrong)?;
        }
        preset.check()?;
        Ok(preset)
    }
}

impl Preset {
    /// Checks that the settings fit together.
    fn check(&self) -> Result<(), PresetError> {
        let found = |keys: &[&str]| -> String {
            let asked = SETTINGS.iter().filter(|setting| keys.contains(&setting.key));
            let shown: Vec<String> =
                asked.map(|setting| format!("{}={}", setting.key, (setting.get)(self))).collect();
            shown.join(", ")
        };
        let refuse = |keys: &[&str], rule| Err(PresetError::Together { found: found(keys), rule });
        let [source, target] = self.vote_tile;
        if source % target != 0 {
            return refuse(
                &["vote_tile"],
                "the source cells have to be a multiple of the target cells",
            );
        }
        if !self.workgroup.is_multiple_of(self.vote_rows) {
            return refuse(
                &["workgroup", "vote_rows"],
                "vote_rows has to be a divisor of workgroup",
            );
        }
        if self.shared && self.vote_rows != 1 {
            let rule = "invocations that load together share one source row: vote_rows has to be 1";
            return refuse(&["vote_rows"], rule);
        }
        if self.shared && self.workgroup != Self::SOFTWARE_SUBGROUPS.workgroup {
            return refuse(&["workgroup"], "a workgroup has to be one subgroup of 8 invocations");
        }
        Ok(())
    }
}

impl fmt::Display for Preset {
    /// As [`FromStr`] reads it.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.name)?;
        let named = Self::ALL.into_iter().find(|preset| preset.name == self.name);
        for setting in &SETTINGS {
            let value = (setting.get)(self);
            if named.is_some_and(|named| (setting.get)(&named) != value) {
                write!(formatter, ",{}={value}", setting.key)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(device_type: DeviceType, vendor: u32, backend: Backend) -> AdapterInfo {
        AdapterInfo { vendor, ..AdapterInfo::new(device_type, backend) }
    }

    #[test]
    fn gpus_with_few_registers_get_small_tiles() {
        let name = |device_type, vendor, backend| {
            Preset::of(&adapter(device_type, vendor, backend), Features::empty()).name
        };
        use DeviceType::{Cpu, DiscreteGpu, IntegratedGpu, VirtualGpu};
        let vulkan = Backend::Vulkan;
        assert_eq!(name(DiscreteGpu, 0x10DE, vulkan), "hardware", "NVIDIA");
        assert_eq!(name(DiscreteGpu, 0x1002, vulkan), "hardware", "AMD");
        assert_eq!(name(VirtualGpu, 0x10DE, vulkan), "hardware", "a part of one");
        assert_eq!(name(DiscreteGpu, 0x8086, vulkan), "hardware-128", "Intel Arc");
        assert_eq!(name(IntegratedGpu, 0x1002, vulkan), "hardware-128", "AMD, integrated");
        assert_eq!(name(IntegratedGpu, 0, Backend::Metal), "hardware-128", "Apple");
        assert_eq!(name(Cpu, 0x10005, vulkan), "software", "lavapipe without subgroups");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for preset in Preset::ALL {
            assert_eq!(preset.to_string(), preset.name);
            assert_eq!(preset.name.parse(), Ok(preset));
        }
        let own = "hardware,workgroup=32,vote_tile=16x8,vote_rows=16,step=2";
        let preset: Preset = own.parse().expect("a preset");
        assert_eq!((preset.workgroup, preset.vote_tile, preset.step), (32, [16, 8], 2));
        assert_eq!(preset.to_string().parse(), Ok(preset));
        assert_eq!("hardware, vote_rows = 8".parse(), Ok(Preset::HARDWARE), "spaces, the same");
    }

    #[test]
    fn what_is_no_preset_is_refused_in_words() {
        let said = |text: &str| text.parse::<Preset>().expect_err(text).to_string();
        for (text, parts) in [
            ("", &["no preset ''", "hardware-128"][..]),
            ("fast", &["no preset 'fast'", "software, "]),
            ("hardware,vote", &["'vote'", "KEY=VALUE", "vote_tile"]),
            ("hardware,tile=8x8", &["'tile=8x8'", "vote_tile"]),
            ("hardware,vote_tile=8", &["vote_tile=8", "SOURCExTARGET"]),
            ("hardware,vote_tile=6x6", &["vote_tile=6x6", "multiples of 4"]),
            ("hardware,vote_tile=64x64", &["vote_tile=64x64", "1024 cells"]),
            ("hardware,vote_tile=8x16", &["vote_tile=8x16", "multiple of the target"]),
            ("hardware,workgroup=0", &["workgroup=0", "from 4 to 256"]),
            ("hardware,vote_rows=3", &["workgroup=64, vote_rows=3", "divisor"]),
            ("hardware,step=3", &["step=3", "1, 2 or 4"]),
            ("hardware,split=100", &["split=100", "multiple of 16"]),
            ("hardware,pairs=99999999999", &["pairs=99999999999", "1 to 1024"]),
            ("software-subgroups,vote_rows=2", &["vote_rows=2", "has to be 1"]),
            ("software-subgroups,workgroup=16", &["workgroup=16", "one subgroup"]),
        ] {
            let said = said(text);
            assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }

    #[test]
    fn a_device_without_the_subgroups_that_a_preset_needs_cannot_run_it() {
        let mut info = adapter(DeviceType::Cpu, 0x10005, Backend::Vulkan);
        (info.subgroup_min_size, info.subgroup_max_size) = (8, 8);
        let unfit = |info: &AdapterInfo, features, limits: &Limits| {
            Preset::SOFTWARE_SUBGROUPS.unfit(info, features, limits)
        };
        let limits = Limits::default();
        assert_eq!(unfit(&info, Features::SUBGROUP, &limits), None);
        assert!(unfit(&info, Features::empty(), &limits).is_some());
        info.subgroup_max_size = 16;
        let why = unfit(&info, Features::SUBGROUP, &limits).expect("a reason");
        assert!(why.contains("8 to 16"), "{why}");
        let limits = Limits { max_compute_invocations_per_workgroup: 32, ..Limits::default() };
        let why = Preset::HARDWARE.unfit(&info, Features::empty(), &limits).expect("a reason");
        assert!(why.contains("64") && why.contains("32"), "{why}");
    }
}
