//! The kernels of `shaders/` as pipelines, with the tile shapes of a preset.

use wgpu::ComputePipeline;

use super::device::Device;
use super::error::GpuError;
use super::preset::Preset;
use super::unroll::{choose, unroll};
use crate::hyperpixel::Precision;

/// The structures that stand in front of every kernel.
pub const PARAMS: &str = include_str!("../../../shaders/params.wgsl");

/// What a kernel reads pages by, in either precision.
pub const PAGES: [(Precision, &str); 2] = [
    (Precision::F32, include_str!("../../../shaders/single.wgsl")),
    (Precision::F16, include_str!("../../../shaders/half.wgsl")),
];

/// A file of `shaders/` with kernels.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// The file's name.
    pub file: &'static str,
    /// Its text.
    text: &'static str,
}

/// Every kernel file, in the order of docs/method.md, "The steps".
pub const KERNELS: [Kernel; 5] = [
    Kernel { file: "correlate.wgsl", text: include_str!("../../../shaders/correlate.wgsl") },
    Kernel { file: "expand.wgsl", text: include_str!("../../../shaders/expand.wgsl") },
    Kernel { file: "vote.wgsl", text: include_str!("../../../shaders/vote.wgsl") },
    Kernel { file: "hough.wgsl", text: include_str!("../../../shaders/hough.wgsl") },
    Kernel { file: "pick.wgsl", text: include_str!("../../../shaders/pick.wgsl") },
];

/// `correlate` on matrices that subgroups multiply together, in half precision alone.
pub const COOPERATIVE: Kernel = Kernel {
    file: "correlate_cooperative.wgsl",
    text: include_str!("../../../shaders/correlate_cooperative.wgsl"),
};

/// What lines base groups up, for layer sets alone.
pub const CROP: Kernel =
    Kernel { file: "crop.wgsl", text: include_str!("../../../shaders/crop.wgsl") };

/// What stands first in the text of [`COOPERATIVE`].
const EXTENSIONS: &str = "enable f16;\nenable wgpu_cooperative_matrix;\n";
/// The kernel files of neighbourhood consensus.
pub const CONSENSUS_KERNELS: [Kernel; 2] = [
    Kernel { file: "consensus.wgsl", text: include_str!("../../../shaders/consensus.wgsl") },
    Kernel { file: "mutual.wgsl", text: include_str!("../../../shaders/mutual.wgsl") },
];

impl Kernel {
    /// The text that the driver gets: the structures, how pages are read, and the kernel with the
    /// constants of a preset in place of its own, the blocks that apply to it, and the loops up to its
    /// constants unrolled.
    #[must_use]
    pub fn source(&self, preset: &Preset, precision: Precision) -> String {
        self.source_for(preset, precision, false)
    }

    fn source_for(&self, preset: &Preset, precision: Precision, sets: bool) -> String {
        let constants = preset.constants(self.file);
        let half = precision == Precision::F16;
        let pages = PAGES[usize::from(half)].1;
        let mut source = format!("{PARAMS}\n{pages}\n{}", self.text);
        for (name, value) in &constants {
            source = with_constant(&source, &format!("const {name}: u32 = "), &format!("{value}u"));
        }
        let shared = if preset.shared { "true" } else { "false" };
        source = with_constant(&source, "const SHARED: bool = ", shared);
        let of_sets = if sets { "true" } else { "false" };
        source = with_constant(&source, "const SETS: bool = ", of_sets);
        for (flag, value) in [("SHARED", preset.shared), ("HALF", half), ("SETS", sets)] {
            source = choose(&source, flag, value);
        }
        unroll(&source, &constants)
    }

    /// [`Self::source`] of `pick.wgsl` for an examination, which keeps similarities.
    #[must_use]
    pub fn keeping_source(&self, preset: &Preset, precision: Precision) -> String {
        with_constant(&self.source(preset, precision), "const KEEP_SIMILARITIES: bool = ", "true")
    }

    /// [`Self::source`] of `vote.wgsl` and `pick.wgsl` for layer sets that have their base group in
    /// common; their maps are in single precision.
    #[must_use]
    pub fn sets_source(&self, preset: &Preset) -> String {
        self.source_for(preset, Precision::F32, true)
    }

    /// [`Self::source`] of [`COOPERATIVE`], with the extensions of the language that it needs.
    #[must_use]
    pub fn cooperative_source(&self, preset: &Preset) -> String {
        [EXTENSIONS, &self.source(preset, Precision::F16)].concat()
    }
}

/// Puts another value behind a declaration that stands in the text once.
fn with_constant(source: &str, declaration: &str, value: &str) -> String {
    let Some((before, after)) = source.split_once(declaration) else { return source.to_owned() };
    let rest = after.find(';').map_or("", |end| &after[end..]);
    [before, declaration, value, rest].concat()
}

/// The pipelines of layer sets alone.
pub(super) struct SetsPipelines {
    pub crop: ComputePipeline,
    pub vote: ComputePipeline,
    pub pick: ComputePipeline,
}

impl SetsPipelines {
    pub fn new(device: &Device, preset: &Preset) -> Result<Self, GpuError> {
        let make = |kernel: Kernel, source, entry| {
            pipeline(device, kernel.file, &module(device, kernel.file, source), entry)
        };
        let [_, _, vote, _, pick] = KERNELS;
        let pipelines = Self {
            crop: make(CROP, CROP.source(preset, Precision::F32), "crop"),
            vote: make(vote, vote.sets_source(preset), "vote"),
            pick: make(pick, pick.sets_source(preset), "pick"),
        };
        device.check()?;
        Ok(pipelines)
    }
}

/// A pipeline an entry point.
pub(super) struct Pipelines {
    pub correlate: ComputePipeline,
    /// `correlate` by [`COOPERATIVE`], where it is taken.
    pub cooperative: Option<ComputePipeline>,
    pub sum: ComputePipeline,
    pub expand: ComputePipeline,
    pub vote: ComputePipeline,
    pub reduce: ComputePipeline,
    pub bin: ComputePipeline,
    pub blur: ComputePipeline,
    pub look_back: ComputePipeline,
    pub gather: ComputePipeline,
    pub pick: ComputePipeline,
    pub best: ComputePipeline,
}

impl Pipelines {
    pub fn new(device: &Device, preset: &Preset, precision: Precision) -> Result<Self, GpuError> {
        let [correlate, expand, vote, hough, pick] = KERNELS.map(|kernel| {
            (kernel.file, module(device, kernel.file, kernel.source(preset, precision)))
        });
        let make = |(file, module): &(&str, wgpu::ShaderModule), entry| {
            pipeline(device, file, module, entry)
        };
        let pipelines = Self {
            correlate: make(&correlate, "correlate"),
            cooperative: None,
            sum: make(&correlate, "sum"),
            expand: make(&expand, "expand"),
            vote: make(&vote, "vote"),
            reduce: make(&hough, "reduce"),
            bin: make(&hough, "bin"),
            blur: make(&hough, "blur"),
            look_back: make(&hough, "look_back"),
            gather: make(&pick, "gather"),
            pick: make(&pick, "pick"),
            best: make(&pick, "best"),
        };
        device.check()?;
        Ok(pipelines)
    }

    /// `pick`, keeping similarities.
    pub fn keeping_pick(
        device: &Device,
        preset: &Preset,
        precision: Precision,
    ) -> Result<ComputePipeline, GpuError> {
        let kernel = KERNELS[4];
        let module = module(device, kernel.file, kernel.keeping_source(preset, precision));
        let pipeline = pipeline(device, kernel.file, &module, "pick");
        device.check()?;
        Ok(pipeline)
    }

    /// `correlate` by the text of [`COOPERATIVE`].
    pub fn cooperative(device: &Device, source: String) -> Result<ComputePipeline, GpuError> {
        let module = module(device, COOPERATIVE.file, source);
        let pipeline = pipeline(device, COOPERATIVE.file, &module, "correlate");
        device.check()?;
        Ok(pipeline)
    }
}

pub(super) fn module(device: &Device, file: &str, source: String) -> wgpu::ShaderModule {
    device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(file),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    })
}

pub(super) fn pipeline(
    device: &Device,
    file: &str,
    module: &wgpu::ShaderModule,
    entry: &str,
) -> ComputePipeline {
    device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(&format!("hpflow.{file}.{entry}")),
        layout: None,
        module,
        entry_point: Some(entry),
        compilation_options: wgpu::PipelineCompilationOptions {
            // The kernels write every element that a later one reads.
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    })
}
