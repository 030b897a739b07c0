//! The kernels of `shaders/`: each file with its entry points and constants, and the text that a
//! driver gets.

use super::layout::TAP_LINES;
use super::preset::{COOPERATIVE_SIDE, COOPERATIVE_TILE, Preset};
use super::unroll::{TextError, choose, unroll, with_constant};
use crate::engine::hough::BLUR_SIDE;
use crate::hyperpixel::Precision;

/// The structures that stand in front of every kernel.
pub const PARAMS: &str = include_str!("../../../shaders/shared/params.wgsl");

/// How a kernel reads pages, in either precision.
const SINGLE: &str = include_str!("../../../shaders/shared/single.wgsl");
const HALF: &str = include_str!("../../../shaders/shared/half.wgsl");
/// The tile of a product.
const TILE: &str = include_str!("../../../shaders/shared/tile.wgsl");
/// Loads that invocations may share.
const LOAD: &str = include_str!("../../../shaders/shared/load.wgsl");
/// What `vote` and `pick` have in common.
const TARGET: &str = include_str!("../../../shaders/shared/target.wgsl");

/// The files of `shaders/shared/`, for tests.
pub const SHARED_FILES: [&str; 6] =
    ["half.wgsl", "load.wgsl", "params.wgsl", "single.wgsl", "target.wgsl", "tile.wgsl"];

/// A constant of a kernel and its value.
pub(crate) type Constant = (&'static str, u32);

/// A choice that the host makes for a kernel, by a constant of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    /// Whether the invocations of a workgroup load together.
    Shared,
    /// Whether pairs are those of layer sets that have their base group in common.
    Sets,
    /// Whether similarities are kept, for an examination.
    KeepSimilarities,
    /// Whether pairs are those back.
    Backward,
}

/// What a kernel is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variant {
    /// How maps are stored.
    pub precision: Precision,
    /// For pairs under layer sets that have their base group in common. Only some kernels differ.
    pub sets: bool,
    /// Keeps similarities, for an examination, and picks nothing. Only `pick` differs.
    pub keep_similarities: bool,
    /// For pairs back: from the second image of a couple to the first. Only `gather` and `pick` differ.
    pub backward: bool,
}

impl Variant {
    /// Ordinary pairs whose maps are stored in a precision.
    #[must_use]
    pub fn of(precision: Precision) -> Self {
        Self { precision, ..Self::default() }
    }
}

/// A file of `shaders/` with kernels.
#[derive(Clone, Copy)]
pub struct KernelFile {
    /// The file's name.
    pub file: &'static str,
    text: &'static str,
    /// Extensions of the language that it needs, as they stand at the beginning of a text.
    extensions: &'static str,
    /// The files of `shaders/shared/` that it takes besides those of every kernel.
    parts: &'static [&'static str],
    /// Its kernels.
    pub entries: &'static [&'static str],
    flags: &'static [Flag],
    constants: fn(&Preset) -> Vec<Constant>,
}

/// Every kernel file, in the order of docs/method.md, "The steps".
pub struct Kernels {
    /// Correlations of coarse maps, and their sums.
    pub correlate: KernelFile,
    /// `correlate` on matrices that subgroups multiply together, in half precision alone.
    pub correlate_cooperative: KernelFile,
    /// Correlations upsampled in the source dimension.
    pub expand: KernelFile,
    /// What lines base groups up, for layer sets alone.
    pub crop: KernelFile,
    /// Sums of similarities over offsets.
    pub vote: KernelFile,
    /// Sums to blurred votes.
    pub hough: KernelFile,
    /// The best target of each row asked for.
    pub pick: KernelFile,
    /// Soft mutual matching, of neighbourhood consensus.
    pub mutual: KernelFile,
    /// The network of neighbourhood consensus.
    pub consensus: KernelFile,
}

/// The kernels.
pub static KERNELS: Kernels = Kernels {
    correlate: KernelFile {
        file: "correlate.wgsl",
        text: include_str!("../../../shaders/correlate.wgsl"),
        extensions: "",
        parts: &[TILE, LOAD],
        entries: &["correlate", "sum"],
        flags: &[Flag::Shared],
        constants: |preset| {
            let [source, target] = preset.correlate_tile;
            let mut constants = vec![
                ("WORKGROUP", preset.workgroup),
                ("SPLIT", preset.split),
                ("STEP", preset.step),
            ];
            constants.extend(tile([source, target]));
            constants.extend(loads(preset, target));
            constants
        },
    },
    correlate_cooperative: KernelFile {
        file: "correlate_cooperative.wgsl",
        text: include_str!("../../../shaders/correlate_cooperative.wgsl"),
        extensions: "enable f16;\nenable wgpu_cooperative_matrix;\n",
        parts: &[],
        entries: &["correlate"],
        flags: &[],
        constants: |preset| {
            vec![
                ("WORKGROUP", preset.cooperative),
                ("SPLIT", preset.split),
                ("SIDE", COOPERATIVE_SIDE),
                ("TILE", COOPERATIVE_TILE),
            ]
        },
    },
    expand: KernelFile {
        file: "expand.wgsl",
        text: include_str!("../../../shaders/expand.wgsl"),
        extensions: "",
        parts: &[],
        entries: &["expand"],
        flags: &[],
        constants: |preset| vec![("WORKGROUP", preset.workgroup), ("CELLS", preset.expand_cells)],
    },
    crop: KernelFile {
        file: "crop.wgsl",
        text: include_str!("../../../shaders/crop.wgsl"),
        extensions: "",
        parts: &[],
        entries: &["crop"],
        flags: &[],
        constants: |preset| vec![("WORKGROUP", preset.workgroup)],
    },
    vote: KernelFile {
        file: "vote.wgsl",
        text: include_str!("../../../shaders/vote.wgsl"),
        extensions: "",
        parts: &[TILE, LOAD, TARGET],
        entries: &["vote"],
        flags: &[Flag::Shared, Flag::Sets],
        constants: |preset| {
            let [source, target] = preset.vote_tile;
            let mut constants = vec![
                ("WORKGROUP", preset.workgroup),
                ("SOURCE_ROWS", preset.vote_rows),
                ("STEP", preset.step),
            ];
            constants.extend(tile([source, target]));
            constants.extend(loads(preset, source));
            constants
        },
    },
    hough: KernelFile {
        file: "hough.wgsl",
        text: include_str!("../../../shaders/hough.wgsl"),
        extensions: "",
        parts: &[],
        entries: &["reduce", "bin", "blur", "look_back"],
        flags: &[],
        constants: |preset| {
            let mut constants =
                vec![("WORKGROUP", preset.workgroup), ("BLUR_SIDE", BLUR_SIDE as u32)];
            constants.extend(tile(preset.vote_tile));
            constants
        },
    },
    pick: KernelFile {
        file: "pick.wgsl",
        text: include_str!("../../../shaders/pick.wgsl"),
        extensions: "",
        parts: &[TILE, TARGET],
        entries: &["gather", "pick", "best"],
        flags: &[Flag::Sets, Flag::KeepSimilarities, Flag::Backward],
        constants: |preset| {
            let mut constants =
                vec![("WORKGROUP", preset.workgroup), ("TAP_LINES", TAP_LINES as u32)];
            constants.extend(tile(preset.pick_tile));
            constants
        },
    },
    mutual: KernelFile {
        file: "mutual.wgsl",
        text: include_str!("../../../shaders/mutual.wgsl"),
        extensions: "",
        parts: &[],
        entries: &["largest_over_b", "largest_over_a", "floor_of", "mutual", "add"],
        flags: &[],
        constants: |preset| vec![("WORKGROUP", preset.workgroup)],
    },
    consensus: KernelFile {
        file: "consensus.wgsl",
        text: include_str!("../../../shaders/consensus.wgsl"),
        extensions: "",
        parts: &[],
        entries: &["transform", "convolve"],
        flags: &[],
        constants: |preset| {
            vec![
                ("WORKGROUP", preset.workgroup),
                ("OUTPUT_QUADS", preset.transform_quads),
                ("POSITIONS", preset.convolve_positions),
            ]
        },
    },
};

/// The constants of a tile of `source` and `target` cells.
fn tile([source, target]: [u32; 2]) -> [Constant; 2] {
    [("SOURCE_QUADS", source / 4), ("TARGET_QUADS", target / 4)]
}

/// The constants of loads of the side that invocations may share, for the channels of a step.
fn loads(preset: &Preset, cells: u32) -> [Constant; 2] {
    let quads = preset.step * cells / 4;
    let loads = if preset.shared { quads.div_ceil(preset.workgroup) } else { quads };
    [("STEP_QUADS", quads), ("STEP_LOADS", loads)]
}

impl Kernels {
    /// All files.
    #[must_use]
    pub fn all(&self) -> [&KernelFile; 9] {
        let Self {
            correlate,
            correlate_cooperative,
            expand,
            crop,
            vote,
            hough,
            pick,
            mutual,
            consensus,
        } = self;
        [correlate, correlate_cooperative, expand, crop, vote, hough, pick, mutual, consensus]
    }
}

impl Flag {
    fn name(self) -> &'static str {
        match self {
            Self::Shared => "SHARED",
            Self::Sets => "SETS",
            Self::KeepSimilarities => "KEEP_SIMILARITIES",
            Self::Backward => "BACKWARD",
        }
    }

    fn value(self, preset: &Preset, variant: Variant) -> bool {
        match self {
            Self::Shared => preset.shared,
            Self::Sets => variant.sets,
            Self::KeepSimilarities => variant.keep_similarities,
            Self::Backward => variant.backward,
        }
    }
}

impl KernelFile {
    /// The constants that the host sets.
    #[must_use]
    pub fn constants(&self, preset: &Preset) -> Vec<Constant> {
        (self.constants)(preset)
    }

    /// The text that the driver gets: the structures, how pages are read, and the kernels with the
    /// constants of a preset in place of their own, the blocks that apply to them, and the loops up to
    /// their constants unrolled.
    ///
    /// # Panics
    /// A text that lacks a constant that the host sets, or breaks a rule of `unroll.rs`: a
    /// mistake in the file, which a test of all files finds.
    #[must_use]
    pub fn source(&self, preset: &Preset, variant: Variant) -> String {
        [self.extensions, &self.without_extensions(preset, variant)].concat()
    }

    /// [`Self::source`] without the extensions of the language.
    pub(super) fn without_extensions(&self, preset: &Preset, variant: Variant) -> String {
        self.text_for(preset, variant).unwrap_or_else(|error| panic!("{}: {error}", self.file))
    }

    fn text_for(&self, preset: &Preset, variant: Variant) -> Result<String, TextError> {
        let constants = self.constants(preset);
        let half = variant.precision == Precision::F16;
        let pages = if half { HALF } else { SINGLE };
        let mut text = [PARAMS, pages].join("\n");
        for part in self.parts.iter().chain([&self.text]) {
            text = [&text, *part].join("\n");
        }
        for (name, value) in &constants {
            text = with_constant(&text, &format!("const {name}: u32 = "), &format!("{value}u"))?;
        }
        for flag in self.flags {
            let value = flag.value(preset, variant).to_string();
            text = with_constant(&text, &format!("const {}: bool = ", flag.name()), &value)?;
        }
        text = choose(&text, "HALF", half)?;
        for flag in self.flags {
            text = choose(&text, flag.name(), flag.value(preset, variant))?;
        }
        unroll(&text, &constants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_constant_that_the_host_sets_is_refused() {
        for kernel in KERNELS.all() {
            for preset in Preset::ALL {
                assert!(kernel.text_for(&preset, Variant::default()).is_ok(), "{}", kernel.file);
                let constants = kernel.constants(&preset).into_iter().map(|(name, _)| name);
                for name in constants.chain(kernel.flags.iter().map(|flag| flag.name())) {
                    let (from, to) = (format!("const {name}: "), format!("const OTHER_{name}: "));
                    assert_eq!(kernel.text.matches(&from).count(), 1, "{}: {name}", kernel.file);
                    let text = kernel.text.replace(&from, &to).leak();
                    let error =
                        KernelFile { text, ..*kernel }.text_for(&preset, Variant::default());
                    assert!(
                        matches!(&error, Err(TextError::Declared { declaration, found: 0 })
                            if declaration.starts_with(&from)),
                        "{}: {name}: {error:?}",
                        kernel.file
                    );
                }
            }
        }
    }
}
