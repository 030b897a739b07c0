//! Adapters: which there are, what each can run, and which one is taken.

use wgpu::{Adapter, AdapterInfo, DeviceType, Features, Limits};

use super::preset::{COOPERATIVE_SIDE, Preset};
use crate::engine::error::GpuError;
use crate::engine::missing::{MissingDriver, missing};
use crate::hyperpixel::Precision;

/// Storage buffers that a kernel binds at most.
const STORAGE_BUFFERS: u32 = 8;
/// The smallest binding that holds the scratch of a pair of photographs of 300 pixels.
const SMALLEST_BINDING: u64 = 64 << 20;
/// Workgroups along a dimension that every adapter of today allows.
const WORKGROUPS: u32 = 65_535;

/// What is known of an adapter without making a device of it.
#[derive(Debug, Clone)]
pub struct AdapterReport {
    /// The name the driver gives it.
    pub name: String,
    /// `discrete GPU`, `integrated GPU`, `virtual GPU`, `software` or `other`.
    pub kind: &'static str,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Where it is on the PCI bus, as in `0000:01:00.0`; `None` where the driver does not say.
    pub bus: Option<String>,
    /// Limits that decide what it can run, in the order in which they are shown.
    pub limits: Vec<(&'static str, u64)>,
    /// Whether kernels can be timed on it.
    pub timestamps: bool,
    /// Whether `--precision f16` may use its tensor cores: matrices of halves that subgroups multiply
    /// together, with sums in f32.
    pub tensor_cores: bool,
    /// Whether it stands for a hardware GPU, which `--engine auto` takes.
    pub hardware: bool,
    /// The tile preset it would use.
    pub preset: &'static str,
    /// Why it cannot run the gpu engine, if it cannot.
    pub unsuitable: Option<String>,
}

/// Why there is no adapter, where [`adapters`] gives none.
#[must_use]
pub fn why_no_adapter() -> MissingDriver {
    missing()
}

/// Every adapter, the one that is chosen by default first.
#[must_use]
pub fn adapters() -> Vec<AdapterReport> {
    ranked().iter().map(report).collect()
}

/// The hardware GPU that is chosen by default, if there is one that can run the gpu engine.
#[must_use]
pub(crate) fn hardware_gpu() -> Option<AdapterReport> {
    adapters().into_iter().find(|report| report.hardware && report.unsuitable.is_none())
}

impl AdapterReport {
    /// Whether it is a GPU with a memory of its own.
    #[must_use]
    pub fn is_discrete(&self) -> bool {
        self.kind == kind(DeviceType::DiscreteGpu)
    }
}

/// Takes the best adapter, or the best of those that `asked` means: by a part of the name (in any
/// case), or by the whole place on the PCI bus, with or without its domain.
pub(super) fn choose(asked: Option<&str>) -> Result<Adapter, GpuError> {
    let mut adapters = ranked();
    if adapters.is_empty() {
        return Err(GpuError::NoAdapter { missing: missing() });
    }
    if let Some(asked) = asked {
        let present: Vec<String> = adapters.iter().map(|one| known_as(&one.get_info())).collect();
        let present = present.join(", ");
        adapters.retain(|adapter| is_meant(&adapter.get_info(), asked));
        if adapters.is_empty() {
            return Err(GpuError::UnknownAdapter { asked: asked.to_owned(), present });
        }
    }
    let first = adapters.iter().position(|adapter| unsuitable(adapter).is_none());
    let adapter = adapters.swap_remove(first.unwrap_or(0));
    match unsuitable(&adapter) {
        None => Ok(adapter),
        Some(reason) => Err(GpuError::Unsuitable { adapter: adapter.get_info().name, reason }),
    }
}

/// Whether an adapter is the one asked for.
fn is_meant(info: &AdapterInfo, asked: &str) -> bool {
    let asked = asked.trim().to_lowercase();
    let bus = info.device_pci_bus_id.to_lowercase();
    let without_domain = bus.split_once(':').map_or("", |(_, rest)| rest);
    let at = !bus.is_empty() && [&*bus, without_domain].contains(&&*asked);
    at || info.name.to_lowercase().contains(&asked)
}

/// What an adapter can be asked for by.
fn known_as(info: &AdapterInfo) -> String {
    match info.device_pci_bus_id.as_str() {
        "" => info.name.clone(),
        bus => format!("{} ({bus})", info.name),
    }
}

/// The limits to ask of an adapter: the usual ones, and its own for the sizes of buffers.
pub(super) fn wanted_limits(adapter: &Adapter) -> Limits {
    let offered = adapter.limits();
    Limits {
        max_buffer_size: offered.max_buffer_size,
        max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
        max_compute_workgroup_storage_size: offered.max_compute_workgroup_storage_size,
        ..Limits::default().or_worse_values_from(&offered)
    }
}

/// Features that are used where there are any, and tensor cores in half precision.
pub(super) fn wanted_features(adapter: &Adapter, precision: Precision) -> Features {
    let usual = adapter.features() & (Features::TIMESTAMP_QUERY | Features::SUBGROUP);
    match precision == Precision::F16 && cooperative(adapter) > 0 {
        true => usual | COOPERATIVE,
        false => usual,
    }
}

/// Features that matrices of halves which subgroups multiply together need.
const COOPERATIVE: Features = Features::SHADER_F16.union(Features::EXPERIMENTAL_COOPERATIVE_MATRIX);

/// Invocations of the largest subgroup where subgroups multiply matrices of
/// [`COOPERATIVE_SIDE`]² halves and sum in f32; 0 where they do not.
///
/// Where subgroups differ in size (AMD, Intel) the kernel's workgroup is the largest, and smaller ones
/// compute the same twice: right, but slow. Only such hardware can show whether the ordinary kernel is
/// faster there.
pub(super) fn cooperative(adapter: &Adapter) -> u32 {
    let half = wgpu::CooperativeScalarType::F16;
    let single = wgpu::CooperativeScalarType::F32;
    let fits = adapter.cooperative_matrix_properties().iter().any(|offered| {
        [offered.m_size, offered.n_size, offered.k_size] == [COOPERATIVE_SIDE; 3]
            && (offered.ab_type, offered.cr_type) == (half, single)
    });
    let most = adapter.limits().max_compute_invocations_per_workgroup;
    match adapter.get_info().subgroup_max_size {
        subgroup if fits && subgroup <= most && adapter.features().contains(COOPERATIVE) => {
            subgroup
        }
        _ => 0,
    }
}

/// An adapter in words: its name, and what it is.
pub(super) fn describe(info: &AdapterInfo) -> String {
    format!("{} ({}, {})", info.name, kind(info.device_type), info.backend)
}

/// All adapters, hardware first, of one kind Vulkan before DX12, in the driver's order otherwise.
fn ranked() -> Vec<Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // On Windows Vulkan stands before DX12, whose older compiler (FXC, where DXC is not installed) takes
    // minutes for kernels whose loops are written out. Only Windows can show it.
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    descriptor.flags = wgpu::InstanceFlags::empty();
    // A buffer that would not leave the system enough is refused, before the driver gives the device up.
    descriptor.memory_budget_thresholds =
        wgpu::MemoryBudgetThresholds { for_resource_creation: Some(95), for_device_loss: None };
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    adapters.sort_by_key(|adapter| {
        let info = adapter.get_info();
        let kind = match info.device_type {
            DeviceType::DiscreteGpu => 0,
            DeviceType::IntegratedGpu => 1,
            DeviceType::VirtualGpu => 2,
            DeviceType::Other => 3,
            DeviceType::Cpu => 4,
        };
        (kind, info.backend == wgpu::Backend::Dx12)
    });
    adapters
}

fn kind(device_type: DeviceType) -> &'static str {
    match device_type {
        DeviceType::DiscreteGpu => "discrete GPU",
        DeviceType::IntegratedGpu => "integrated GPU",
        DeviceType::VirtualGpu => "virtual GPU",
        DeviceType::Cpu => "software",
        DeviceType::Other => "other",
    }
}

/// What is known of an adapter.
pub(super) fn report(adapter: &Adapter) -> AdapterReport {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let driver = [info.driver.as_str(), info.driver_info.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    AdapterReport {
        kind: kind(info.device_type),
        backend: info.backend.to_string(),
        driver,
        bus: Some(info.device_pci_bus_id.clone()).filter(|bus| !bus.is_empty()),
        limits: vec![
            ("buffer_bytes", limits.max_buffer_size),
            ("binding_bytes", limits.max_storage_buffer_binding_size),
            ("workgroup_bytes", limits.max_compute_workgroup_storage_size.into()),
            ("workgroup_invocations", limits.max_compute_invocations_per_workgroup.into()),
            ("workgroups_per_dimension", limits.max_compute_workgroups_per_dimension.into()),
            ("storage_buffers", limits.max_storage_buffers_per_shader_stage.into()),
        ],
        tensor_cores: cooperative(adapter) > 0,
        timestamps: adapter.features().contains(Features::TIMESTAMP_QUERY),
        hardware: matches!(
            info.device_type,
            DeviceType::DiscreteGpu | DeviceType::IntegratedGpu | DeviceType::VirtualGpu
        ),
        preset: Preset::of(&info, adapter.features()).name,
        unsuitable: unsuitable(adapter),
        name: info.name,
    }
}

/// The preset of the adapter that is asked for as in [`GpuOptions`](super::GpuOptions).
///
/// # Errors
/// No adapter, none of that name, or one that cannot run the kernels.
pub fn preset_of(asked: Option<&str>) -> Result<Preset, GpuError> {
    let adapter = choose(asked)?;
    Ok(Preset::of(&adapter.get_info(), adapter.features()))
}

/// The presets that an adapter can run, its own first.
pub(crate) fn presets(asked: Option<&str>) -> Result<Vec<Preset>, GpuError> {
    let adapter = choose(asked)?;
    let (info, features, limits) = (adapter.get_info(), adapter.features(), adapter.limits());
    let own = Preset::of(&info, features);
    let others = Preset::ALL.into_iter().filter(|preset| *preset != own);
    let fits = |preset: &Preset| preset.unfit(&info, features, &limits).is_none();
    Ok(std::iter::once(own).chain(others).filter(fits).collect())
}

/// Why the kernels cannot run on an adapter, in words.
fn unsuitable(adapter: &Adapter) -> Option<String> {
    let flags = adapter.get_downlevel_capabilities().flags;
    if !flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
        return Some("it has no compute shaders".to_owned());
    }
    let limits = adapter.limits();
    let invocations = Preset::of(&adapter.get_info(), adapter.features()).workgroup;
    let needs: [(&str, u64, u64); 4] = [
        (
            "storage buffers a kernel",
            limits.max_storage_buffers_per_shader_stage.into(),
            STORAGE_BUFFERS.into(),
        ),
        ("bytes a binding", limits.max_storage_buffer_binding_size, SMALLEST_BINDING),
        (
            "invocations a workgroup",
            limits.max_compute_invocations_per_workgroup.into(),
            invocations.into(),
        ),
        (
            "workgroups a dimension",
            limits.max_compute_workgroups_per_dimension.into(),
            WORKGROUPS.into(),
        ),
    ];
    needs
        .iter()
        .find(|(_, offered, needed)| offered < needed)
        .map(|(what, offered, needed)| format!("it allows {offered} {what}, {needed} are needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, bus: &str) -> AdapterInfo {
        let info = AdapterInfo::new(DeviceType::DiscreteGpu, wgpu::Backend::Vulkan);
        AdapterInfo { name: name.to_owned(), device_pci_bus_id: bus.to_owned(), ..info }
    }

    #[test]
    fn of_two_equal_cards_each_can_be_asked_for() {
        let cards = ["0000:01:00.0", "0000:C1:00.0"].map(|bus| info("NVIDIA H200", bus));
        let meant = |asked: &str| [0, 1].map(|card| is_meant(&cards[card], asked));
        assert_eq!(meant("h200"), [true, true]);
        assert_eq!(meant("0000:01:00.0"), [true, false]);
        assert_eq!(meant("0000:c1:00.0"), [false, true], "in any case");
        assert_eq!(meant(" c1:00.0"), [false, true], "as lspci prints it");
        assert_eq!(meant("00.0"), [false, false], "a part of a place is none");
        assert_eq!(meant(":"), [false, false]);
        assert!(!is_meant(&info("llvmpipe", ""), "0000:01:00.0"));
        assert_eq!(known_as(&cards[0]), "NVIDIA H200 (0000:01:00.0)");
        assert_eq!(known_as(&info("llvmpipe", "")), "llvmpipe");
    }
}
