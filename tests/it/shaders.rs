//! The kernels of `shaders/`: valid, and of the layouts that the host writes.

use std::collections::BTreeSet;
use std::mem::offset_of;
use std::path::Path;

use hpflow::testing::engine::gpu::Preset;
use hpflow::testing::hyperpixel::Precision;
use hpflow::testing::kernels::{KERNELS, KernelFile, PARAMS, SHARED_FILES, Variant};
use hpflow::testing::layout::{
    ConvolveParams, CropParams, GroupParams, LayerParams, MutualParams, NOT_ASKED, PairParams,
    PickParams, SKEW, SLOT, TransformParams,
};
use naga::valid::Capabilities;
use naga::{Expression, Literal, Module, TypeInner};

/// Every kernel file with the constants of every preset, for all that it is used for.
fn sources() -> Vec<(&'static KernelFile, Preset, String)> {
    let mut sources = Vec::new();
    for preset in Preset::ALL {
        let mut add = |kernel: &'static KernelFile, preset: Preset, variant| {
            sources.push((kernel, preset, kernel.source(&preset, variant)));
        };
        for precision in [Precision::F32, Precision::F16] {
            let ordinary = Variant::of(precision);
            let all = KERNELS.all().into_iter().filter(|kernel| !is_cooperative(kernel));
            all.for_each(|kernel| add(kernel, preset, ordinary));
            for backward in [false, true] {
                add(&KERNELS.pick, preset, Variant { backward, ..ordinary });
                let keep_similarities = true;
                add(&KERNELS.pick, preset, Variant { keep_similarities, backward, ..ordinary });
            }
        }
        let of_sets = Variant { sets: true, ..Variant::default() };
        for kernel in [&KERNELS.vote, &KERNELS.pick] {
            add(kernel, preset, of_sets);
        }
        add(&KERNELS.pick, preset, Variant { backward: true, ..of_sets });
        let half = Variant::of(Precision::F16);
        add(&KERNELS.correlate_cooperative, preset.with_cooperative(32), half);
    }
    assert!(!sources.is_empty(), "there are kernels");
    sources
}

fn is_cooperative(kernel: &KernelFile) -> bool {
    kernel.file == KERNELS.correlate_cooperative.file
}

/// What a kernel may ask of an adapter.
fn capabilities(kernel: &KernelFile, preset: &Preset) -> Capabilities {
    let mut all = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    all.set(Capabilities::SUBGROUP, preset.shared);
    let tensor_cores = Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16;
    all.set(tensor_cores, is_cooperative(kernel));
    all
}

fn parse(file: &str, source: &str) -> Module {
    naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|error| panic!("{file}: {}", error.emit_to_string(source)))
}

#[test]
fn every_kernel_is_valid_with_every_preset() {
    let mut wrong = Vec::new();
    for (kernel, preset, source) in sources() {
        let file = kernel.file;
        let module = parse(file, &source);
        let mut validator = naga::valid::Validator::new(
            naga::valid::ValidationFlags::all(),
            capabilities(kernel, &preset),
        );
        match validator.validate(&module) {
            Err(error) => {
                wrong.push(format!("{file} ({}): {}", preset.name, error.emit_to_string(&source)));
            }
            // What Vulkan's drivers get: no adapter here has seen the one with tensor cores.
            Ok(info) => {
                let options = naga::back::spv::Options::default();
                naga::back::spv::write_vec(&module, &info, &options, None).expect("SPIR-V");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names of the WGSL files of a folder.
fn files(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder of kernels");
    let names =
        entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".wgsl")).collect()
}

#[test]
fn every_file_in_the_folders_is_known_to_the_host() {
    let kernels = KERNELS.all().map(|kernel| kernel.file.to_owned());
    assert_eq!(files("shaders"), BTreeSet::from(kernels));
    assert_eq!(files("shaders/shared"), BTreeSet::from(SHARED_FILES.map(str::to_owned)));
}

#[test]
fn entries_constants_and_workgroups_are_those_of_the_preset() {
    for (kernel, preset, source) in sources() {
        let file = kernel.file;
        let module = parse(file, &source);
        let entries = module.entry_points.iter().map(|entry| entry.name.as_str());
        let entries: BTreeSet<&str> = entries.collect();
        assert_eq!(entries, kernel.entries.iter().copied().collect(), "{file}");
        let constants = kernel.constants(&preset);
        assert!(!constants.is_empty(), "{file} has constants");
        for (name, value) in constants {
            assert_eq!(constant(&module, name), Some(value), "{file}: {name}");
        }
        let workgroup = if is_cooperative(kernel) { preset.cooperative } else { preset.workgroup };
        for entry in &module.entry_points {
            let size = entry.workgroup_size;
            assert_eq!(size, [workgroup, 1, 1], "{file}: {}", entry.name);
        }
    }
}

#[test]
fn what_stands_for_nothing_and_the_skew_of_rows_are_what_the_host_writes() {
    let module = parse("params.wgsl", PARAMS);
    assert_eq!(constant(&module, "SKEW"), Some(SKEW as u32));
    assert_eq!(constant(&module, "NOT_ASKED"), Some(NOT_ASKED));
    // Rows that are a power of two apart stay apart.
    assert_eq!(SKEW % 2, 1);
}

fn constant(module: &Module, name: &str) -> Option<u32> {
    let constant = module.constants.iter().find(|(_, c)| c.name.as_deref() == Some(name))?.1;
    match module.global_expressions[constant.init] {
        Expression::Literal(Literal::U32(value)) => Some(value),
        _ => None,
    }
}

/// Name and offset of each member of a structure, and its size.
fn structure(module: &Module, name: &str) -> (Vec<(String, u32)>, u32) {
    let found = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some(name));
    let Some(TypeInner::Struct { members, span }) = found.map(|(_, kind)| &kind.inner) else {
        panic!("no structure {name}");
    };
    let member = |m: &naga::StructMember| (m.name.clone().expect("a name"), m.offset);
    (members.iter().map(member).collect(), *span)
}

macro_rules! same_layout {
    ($module:expr, $structure:ident { $($field:ident),* $(,)? }) => {{
        let (members, span) = structure($module, stringify!($structure));
        let expected: Vec<(String, u32)> =
            vec![$((stringify!($field).to_owned(), offset_of!($structure, $field) as u32)),*];
        assert_eq!(members, expected, "{}", stringify!($structure));
        assert_eq!(span as usize, SLOT, "size of {}", stringify!($structure));
        assert!(size_of::<$structure>() <= SLOT);
        assert_eq!(size_of::<$structure>(), members.len() * 4, "every field is compared");
    }};
}

#[test]
fn structures_are_laid_out_as_the_host_writes_them() {
    let module = parse("params.wgsl", PARAMS);
    same_layout!(
        &module,
        PairParams {
            source_rows,
            source_columns,
            target_rows,
            target_columns,
            source_quads,
            target_quads,
            channels,
            source_base,
            target_base,
            source_norms,
            target_norms,
            first_group,
            group_count,
            votes,
            hough,
            tables,
            bins_x,
            bins_y,
            back,
        }
    );
    same_layout!(
        &module,
        LayerParams {
            channels,
            splits,
            source_maps,
            target_maps,
            source_quads,
            target_quads,
            partial,
        }
    );
    same_layout!(
        &module,
        GroupParams {
            pair,
            first_layer,
            layer_count,
            source_quads,
            target_quads,
            source_columns,
            target_rows,
            target_columns,
            source_row_taps,
            source_column_taps,
            target_row_taps,
            target_column_taps,
            target_weights,
            correlation,
            expanded,
            line,
        }
    );
    same_layout!(
        &module,
        CropParams {
            map,
            map_channels,
            map_quads,
            map_columns,
            first_row,
            first_column,
            rows,
            columns,
            quads,
            channels,
            base_channels,
            base,
        }
    );
    same_layout!(
        &module,
        PickParams {
            pair,
            first_row,
            row_count,
            row_quads,
            lines,
            gathered,
            candidates,
            similarities,
        }
    );
    same_layout!(
        &module,
        TransformParams {
            inputs,
            outputs,
            output_quads,
            columns,
            values,
            values_pair,
            values_line,
            values_step,
            out,
            out_pair,
            out_line,
            out_step,
            rectify,
            plane_quads,
            row_stride,
            b_rows,
            b_columns,
        }
    );
    same_layout!(
        &module,
        ConvolveParams {
            inputs,
            outputs,
            output_quads,
            kernel,
            rows,
            columns,
            plane,
            row_stride,
            positions,
            values,
            first_tap,
            out,
        }
    );
    same_layout!(
        &module,
        MutualParams { cells, plane, row_stride, b_rows, b_columns, epsilon, floor }
    );
}

#[test]
fn tiles_and_workgroups_of_every_preset_fit_together() {
    for preset in Preset::ALL {
        let tiles = [preset.correlate_tile, preset.vote_tile, preset.pick_tile];
        assert!(tiles.iter().flatten().all(|cells| cells % 4 == 0), "{}: vec4", preset.name);
        let [source, target] = preset.vote_tile;
        assert_eq!(source % target, 0, "{}: distances between tiles are whole", preset.name);
        assert_eq!(preset.workgroup % preset.vote_rows, 0, "{}: whole rows", preset.name);
        assert!(
            !preset.shared || preset.vote_rows == 1,
            "{}: one source row is shared",
            preset.name
        );
        assert_eq!(preset.split % 4, 0, "{}: parts are of whole steps", preset.name);
    }
}
