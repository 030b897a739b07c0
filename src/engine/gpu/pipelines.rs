//! The kernels of `shaders/` as pipelines, with the tile shapes of a preset.

use wgpu::ComputePipeline;

use super::device::GpuDevice;
use super::kernels::{KERNELS, KernelFile, Variant};
use super::preset::Preset;
use crate::engine::error::GpuError;
use crate::hyperpixel::Precision;

/// Whether pairs are those back, in the order in which pipelines of either way stand.
pub(super) const WAYS: [bool; 2] = [false, true];

/// The pipelines of layer sets alone.
pub(super) struct SetsPipelines {
    pub crop: ComputePipeline,
    pub vote: ComputePipeline,
    /// Of pairs from the first image of a couple to the second, and back.
    pub pick: [ComputePipeline; 2],
}

impl SetsPipelines {
    pub(super) fn new(device: &GpuDevice, preset: &Preset) -> Result<Self, GpuError> {
        let ordinary = Variant::default();
        let of_sets = Variant { sets: true, ..ordinary };
        let load = |kernel, variant| Loaded::new(device, kernel, preset, variant);
        let pipelines = Self {
            crop: load(&KERNELS.crop, ordinary).pipeline("crop"),
            vote: load(&KERNELS.vote, of_sets).pipeline("vote"),
            pick: WAYS.map(|backward| {
                load(&KERNELS.pick, Variant { backward, ..of_sets }).pipeline("pick")
            }),
        };
        device.check()?;
        Ok(pipelines)
    }
}

/// A pipeline for each entry point.
pub(super) struct Pipelines {
    pub correlate: ComputePipeline,
    /// `correlate` on tensor cores, where it is taken.
    pub cooperative: Option<ComputePipeline>,
    pub sum: ComputePipeline,
    pub expand: ComputePipeline,
    pub vote: ComputePipeline,
    pub reduce: ComputePipeline,
    pub bin: ComputePipeline,
    pub blur: ComputePipeline,
    pub look_back: ComputePipeline,
    /// Of pairs from the first image of a couple to the second, and back.
    pub gather: [ComputePipeline; 2],
    /// The same.
    pub pick: [ComputePipeline; 2],
    pub best: ComputePipeline,
}

impl Pipelines {
    pub(super) fn new(
        device: &GpuDevice,
        preset: &Preset,
        precision: Precision,
    ) -> Result<Self, GpuError> {
        let load = |kernel| Loaded::new(device, kernel, preset, Variant::of(precision));
        let (correlate, hough) = (load(&KERNELS.correlate), load(&KERNELS.hough));
        let picks = WAYS.map(|backward| {
            let variant = Variant { backward, ..Variant::of(precision) };
            Loaded::new(device, &KERNELS.pick, preset, variant)
        });
        let pipelines = Self {
            correlate: correlate.pipeline("correlate"),
            cooperative: None,
            sum: correlate.pipeline("sum"),
            expand: load(&KERNELS.expand).pipeline("expand"),
            vote: load(&KERNELS.vote).pipeline("vote"),
            reduce: hough.pipeline("reduce"),
            bin: hough.pipeline("bin"),
            blur: hough.pipeline("blur"),
            look_back: hough.pipeline("look_back"),
            gather: picks.each_ref().map(|pick| pick.pipeline("gather")),
            pick: picks.each_ref().map(|pick| pick.pipeline("pick")),
            best: picks[0].pipeline("best"),
        };
        device.check()?;
        Ok(pipelines)
    }

    /// What keeps similarities, of either way.
    pub(super) fn keeping_pick(
        device: &GpuDevice,
        preset: &Preset,
        precision: Precision,
    ) -> Result<[ComputePipeline; 2], GpuError> {
        let pipelines = WAYS.map(|backward| {
            let keeping = Variant { keep_similarities: true, backward, ..Variant::of(precision) };
            Loaded::new(device, &KERNELS.pick, preset, keeping).pipeline("pick")
        });
        device.check()?;
        Ok(pipelines)
    }

    /// `correlate` by a text of `correlate_cooperative`.
    pub(super) fn cooperative(
        device: &GpuDevice,
        source: String,
    ) -> Result<ComputePipeline, GpuError> {
        let kernel = &KERNELS.correlate_cooperative;
        let pipeline = Loaded::of_text(device, kernel, source).pipeline("correlate");
        device.check()?;
        Ok(pipeline)
    }
}

/// A kernel file on a device.
pub(super) struct Loaded<'a> {
    device: &'a GpuDevice,
    kernel: &'static KernelFile,
    module: wgpu::ShaderModule,
}

impl<'a> Loaded<'a> {
    pub(super) fn new(
        device: &'a GpuDevice,
        kernel: &'static KernelFile,
        preset: &Preset,
        variant: Variant,
    ) -> Self {
        Self::of_text(device, kernel, kernel.source(preset, variant))
    }

    /// By another text than the file's.
    fn of_text(device: &'a GpuDevice, kernel: &'static KernelFile, source: String) -> Self {
        let module = device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(kernel.file),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        Self { device, kernel, module }
    }

    /// The pipeline of an entry point.
    pub(super) fn pipeline(&self, entry: &str) -> ComputePipeline {
        let Self { device, kernel: KernelFile { file, entries, .. }, module } = self;
        assert!(entries.contains(&entry), "{file} has no kernel {entry}");
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
}
