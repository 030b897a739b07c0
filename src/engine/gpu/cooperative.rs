//! Whether tensor cores are used: `correlate_cooperative` is taken where it gives what the ordinary
//! kernel gives.

use std::sync::Arc;

use super::matcher::{GpuMatcher, Times};
use super::pipelines::Pipelines;
use super::tensor_cores::TensorCores;
use crate::engine::error::GpuError;
use crate::engine::request::PairRequest;
use crate::hyperpixel::FeatureMap;
use crate::hyperpixel::{Geometry, Hyperimage, Precision};

/// Takes the kernel of this text for `correlate`, unless the driver refuses it or it differs from
/// the ordinary one on a known pair: the log then says so, and the ordinary one is used.
///
/// # Errors
/// A device that fails with the ordinary kernels, or is lost.
pub(super) fn take_cooperative(
    matcher: &mut GpuMatcher,
    source: String,
) -> Result<TensorCores, GpuError> {
    let refused = |reason: String| {
        tracing::warn!("tensor cores are not used: {reason}");
        Ok(TensorCores::Refused(reason))
    };
    let adapter = matcher.device.info.name.clone();
    let pair = known_pair();
    let kernel = match Pipelines::cooperative(&matcher.device, source) {
        Ok(kernel) => kernel,
        Err(error @ GpuError::Lost { .. }) => return Err(error),
        Err(error) => return refused(error.to_string()),
    };
    // It runs first: what the ordinary kernel left behind could pass for its own.
    matcher.pipelines.cooperative = Some(kernel);
    let found = matcher.match_pairs(std::slice::from_ref(&pair));
    let kernel = matcher.pipelines.cooperative.take();
    if let Err(error @ GpuError::Lost { .. }) = found {
        return Err(error);
    }
    let expected = matcher.match_pairs(std::slice::from_ref(&pair))?;
    matcher.times = Times::default();
    if found.is_ok_and(|found| found == expected) {
        matcher.pipelines.cooperative = kernel;
        Ok(TensorCores::Taken)
    } else {
        refused(format!("on {adapter} their kernel does not give what the ordinary one gives"))
    }
}

/// A pair whose products are the same in any order of sums, and not in sums of halves: features are
/// small whole numbers, and every sum stays below 2²⁴ and most go beyond 2¹¹. It has channels and
/// cells that are no multiple of a matrix's, and several parts of channels.
fn known_pair() -> PairRequest {
    let image = |seed: usize, [width, height]: [usize; 2]| {
        let map = |layer: usize, stride: usize, channels: usize| {
            let (rows, columns) = (height.div_ceil(stride), width.div_ceil(stride));
            let data = (0..channels * rows * columns)
                .map(|index| ((index * 7919 + index / 31 * 104_729 + seed * 31) % 17) as f32 - 2.0)
                .collect();
            FeatureMap { layer, stride, channels, rows, columns, data }
        };
        let maps = [map(0, 4, 6), map(1, 16, 1130)];
        let (width, height) = (width as u32, height as u32);
        let geometry = Geometry::new(4, 11);
        let precision = Precision::F16;
        Arc::new(Hyperimage::with_precision(geometry, width, height, [1.0; 2], &maps, precision))
    };
    let (source, target) = (image(1, [100, 75]), image(2, [90, 110]));
    let rows = (0..source.grid.len() as u32).collect();
    PairRequest { source, target, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::gpu::device::GpuDevice;
    use crate::engine::gpu::kernels::{KERNELS, Variant};
    use crate::engine::gpu::options::GpuOptions;
    use crate::engine::gpu::preset::Preset;

    /// What subgroups do together, cell by cell: a sum is a number that its cells are known by, a
    /// factor is where it begins and its stride, and an invocation has every eighth cell.
    const EMULATION: &str = "
        var<workgroup> cells: array<f32, 1024>;
        var<private> lane: u32;
        var<private> sums: u32;
        fn nothing() -> u32 {
            for (var cell = lane; cell < 256u; cell += WORKGROUP) {
                cells[sums * 256u + cell] = 0.0;
            }
            sums += 1u;
            return sums - 1u;
        }
        fn target_half(at: u32) -> f32 {
            return unpack2x16float(target_page[at / 2u])[at % 2u];
        }
        fn source_half(at: u32) -> f32 {
            return unpack2x16float(source_page[at / 2u])[at % 2u];
        }
        fn factor(at: u32, stride: u32) -> vec2<u32> {
            return vec2(at, stride);
        }
        fn multiply_add(a: vec2<u32>, b: vec2<u32>, c: u32) -> u32 {
            for (var cell = lane; cell < 256u; cell += WORKGROUP) {
                var sum = cells[c * 256u + cell];
                for (var k = 0u; k < 16u; k++) {
                    let left = target_half(a.x + k * a.y + cell / 16u);
                    let right = source_half(b.x + k * b.y + cell % 16u);
                    sum += left * right;
                }
                cells[c * 256u + cell] = sum;
            }
            return c;
        }
        fn store(c: u32, at: u32, stride: u32) {
            for (var cell = lane; cell < 256u; cell += WORKGROUP) {
                partial[at + cell / 16u * stride + cell % 16u] = cells[c * 256u + cell];
            }
        }";

    /// The text of the kernel for adapters that lack what it needs.
    fn emulated(preset: &Preset) -> String {
        let replacements = [
            ("array<f16>", "array<u32>"),
            ("workgroupBarrier();", "lane = local.x;"),
            ("coopLoadT<coop_mat16x16<f32, C>>(&zeros[0], SIDE)", "nothing()"),
            ("coopLoad<coop_mat16x16<f16, A>>(&target_page[", "factor("),
            ("coopLoadT<coop_mat16x16<f16, B>>(&source_page[", "factor("),
            ("coopMultiplyAdd(", "multiply_add("),
            ("coopStoreT(", "store("),
            ("&partial[", ""),
            ("], target_cells)", ", target_cells)"),
            ("], source_cells)", ", source_cells)"),
        ];
        let mut source =
            KERNELS.correlate_cooperative.without_extensions(preset, Variant::of(Precision::F16));
        for (from, to) in replacements {
            assert!(source.contains(from), "{from} is in the kernel");
            source = source.replace(from, to);
        }
        source + EMULATION
    }

    /// An engine laid out for the kernel, and the kernel emulated.
    fn engine() -> (GpuMatcher, String) {
        let options = GpuOptions { precision: Precision::F16, ..GpuOptions::default() };
        let device = GpuDevice::new(None, Precision::F16).expect("an adapter, or HPFLOW_NO_GPU=1");
        let preset = Preset::of(&device.info, device.device.features()).with_cooperative(8);
        let engine = GpuMatcher::on(device, preset, &options).expect("an engine");
        (engine, emulated(&preset))
    }

    #[test]
    #[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
    fn a_kernel_that_gives_the_same_is_taken() {
        let (mut engine, source) = engine();
        take_cooperative(&mut engine, source).expect("a device that goes on");
        assert!(engine.pipelines.cooperative.is_some());
    }

    #[test]
    #[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
    fn a_kernel_that_gives_anything_else_or_is_refused_is_left_out_and_the_engine_goes_on() {
        let (mut engine, source) = engine();
        let pair = known_pair();
        let expected = engine.match_pairs(std::slice::from_ref(&pair)).expect("matches");
        let wrong = [
            (
                "sums of halves",
                "sum += left",
                "sum = unpack2x16float(pack2x16float(vec2(sum))).x + left",
            ),
            ("another place", "let at11 = at10 + SIDE;", "let at11 = at10;"),
            ("too few channels", "channel < last;", "channel + SIDE < last;"),
            ("no kernel", "fn store", "fn"),
        ];
        for (what, from, to) in wrong {
            assert!(source.contains(from), "{from} is in the kernel");
            take_cooperative(&mut engine, source.replacen(from, to, 1))
                .expect("a device that goes on");
            assert!(engine.pipelines.cooperative.is_none(), "{what}");
            let found = engine.match_pairs(std::slice::from_ref(&pair)).expect("matches");
            assert_eq!(found, expected, "{what}");
        }
    }
}
