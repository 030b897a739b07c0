//! CNNGeo, WeakAlign and A2Net after the backbone: correlations, both heads with what is inside them,
//! both stages, and the points.

use std::collections::HashMap;

use hpflow::testing::backbone::FeatureMap;
use hpflow::testing::backbone::networks::GeometricModel;
use hpflow::testing::backbone::trunk::normalise_cells;
use hpflow::testing::engine::cpu::InstructionSet;
use hpflow::testing::method::Direction;
use hpflow::testing::method::alignment::AlignmentMapping;
use hpflow::testing::method::alignment::correlation::{Correlation, correlate};
use hpflow::testing::method::alignment::geometry::Transformation;
use hpflow::testing::method::alignment::regression::{
    ParameterValues, RegressionKind, a2net, cnngeo,
};
use hpflow::testing::method::frame::Frame;

use super::{fixture, near, points, rows, stream};

/// Suggested by the fixtures.
const THETA_MARGIN: f32 = 5e-6;
const POINT_MARGIN: f32 = 2e-3;
const CORRELATION_MARGIN: f32 = 1e-6;

fn map(values: &[f32], [channels, rows, columns]: [usize; 3]) -> FeatureMap {
    let mut data = values.to_vec();
    normalise_cells(&mut data, rows * columns);
    FeatureMap { layer: 0, stride: 16, channels, rows, columns, data }
}

/// The head of a stage: the file's tensors, and large weights from the recipe.
fn head(
    golden: &HashMap<String, Vec<f32>>,
    method: &str,
    network: RegressionKind,
    stage: &str,
) -> ParameterValues {
    let geometry = if stage == "affine" { GeometricModel::Affine } else { GeometricModel::Tps };
    let value = |name: &str, shape: &[usize]| {
        let name = format!("FeatureRegression.{name}");
        let kept = golden.get(&format!("head/{stage}/{name}")).cloned();
        kept.unwrap_or_else(|| {
            let exponent = match (method, shape) {
                ("geo", [_, _, 7, 7]) => -14,
                ("a2net", [_, _, 1, 1]) => -12,
                _ => -13,
            };
            stream(&format!("{method}/{stage}/{name}"), exponent, shape.iter().product())
        })
    };
    let parameters = network.parameters(geometry);
    parameters.iter().map(|one| (one.name.clone(), value(&one.name, &one.shape))).collect()
}

#[test]
fn the_recipe_gives_the_sums_that_the_fixtures_name() {
    for (name, exponent, count, sum, absolute) in [
        (
            "geo/affine/FeatureRegression.conv.0.weight",
            -14,
            128 * 225 * 49,
            -53.716_369_628_906_25,
            5_511.708_190_917_969,
        ),
        (
            "a2net/tps/FeatureRegression.preconv.0.weight",
            -12,
            128 * 841,
            -10.637_695_312_5,
            1_680.656_25,
        ),
    ] {
        let values = stream(name, exponent, count);
        let total: f64 = values.iter().map(|&value| f64::from(value)).sum();
        let sizes: f64 = values.iter().map(|&value| f64::from(value).abs()).sum();
        assert!((total - sum).abs() < 1e-9 && (sizes - absolute).abs() < 1e-9, "{name}");
    }
}

#[test]
fn correlations_are_the_authors_also_of_rectangles_and_where_they_are_negative() {
    let golden = fixture("nc_units");
    let raw = |name: &str| &golden[&format!("corr/{name}")];
    near("normalised", &map(raw("featA_raw"), [6, 4, 5]).data, raw("featA_norm"), 1e-6);
    for instructions in InstructionSet::available() {
        let [a, b] = ["featA_raw", "featB2_raw"].map(|name| map(raw(name), [6, 4, 5]));
        let found = correlate(instructions, &a, &b);
        near("corr", &found.data, raw("corr3d_relu_norm"), CORRELATION_MARGIN);
        let [a, b] = ["featA", "featB"].map(|name| {
            let data = golden[&format!("corr_signed/{name}")].clone();
            FeatureMap { data, ..a.clone() }
        });
        let found = correlate(instructions, &a, &b);
        let expected = &golden["corr_signed/corr3d_relu_norm"];
        near("signed", &found.data, expected, CORRELATION_MARGIN);
    }
}

/// Both stages and what they make of the points, for all pairs of a file.
fn both_stages(file: &str, method: &str, network: RegressionKind) {
    let golden = fixture(file);
    let heads =
        ["affine", "tps"].map(|stage| network.build(&head(&golden, method, network, stage)));
    let instructions = InstructionSet::available()[0];
    for pair in ["pair0", "pair1", "pair2"] {
        let golden = |name: &str| &golden[&format!("{pair}/{name}")];
        let features = |name: &str| map(golden(name), [256, 15, 15]);
        let target = features("raw_tgt");
        let correlation = correlate(instructions, &features("raw_src"), &target);
        let warped = correlate(instructions, &features("raw_src_warped"), &target);
        let affine = heads[0].theta(instructions, &correlation);
        let second = heads[1].theta(instructions, &warped);
        let single = heads[1].theta(instructions, &correlation);
        near("affine", &affine, golden("theta_aff"), THETA_MARGIN);
        near("second stage", &second, golden("theta_tps_stage2"), THETA_MARGIN);
        near("spline alone", &single, golden("theta_tps_single"), THETA_MARGIN);

        let size = |name: &str| [1, 0].map(|side| golden(name)[side] as u32);
        let sizes = [size("tgt_size_hwc"), size("src_size_hwc")];
        let carry = |direction, stages: &[Transformation], sizes: [[u32; 2]; 2], point| {
            let [source, target] = sizes.map(|size| Frame { size, first: 1 });
            let aligned = AlignmentMapping { stages: stages.to_vec(), direction };
            target.to_pixels(aligned.apply(source.to_unit(point))?)
        };
        let from = points(golden("tgt_points"));
        let check = |name: &str, stages: &[Transformation]| {
            let transfer = |&point: &[f32; 2]| carry(Direction::Direct, stages, sizes, point);
            let found: Vec<[f32; 2]> = from.iter().map(|p| transfer(p).expect("a point")).collect();
            near(name, &rows(&found), golden(name), POINT_MARGIN);
            // The other direction has the networks' source image for the pair's source.
            let sizes = [sizes[1], sizes[0]];
            let back = |&point: &[f32; 2]| carry(Direction::Inverse, stages, sizes, point);
            let returned: Option<Vec<[f32; 2]>> = found.iter().map(back).collect();
            // A random spline may fold the plane, and then there is none.
            match returned {
                Some(returned) => near(name, &rows(&returned), &rows(&from), 0.05),
                None => assert_ne!(name, "warp_aff_px", "every affine stage here has an inverse"),
            }
        };
        let affine = GeometricModel::Affine.transformation(&affine);
        check("warp_aff_px", std::slice::from_ref(&affine));
        check("warp_aff_tps_px", &[affine, GeometricModel::Tps.transformation(&second)]);
        check("warp_tps_single_px", &[GeometricModel::Tps.transformation(&single)]);
    }
}

#[test]
fn cnngeo_and_weakalign_are_the_authors_in_both_stages() {
    both_stages("geo_head", "geo", RegressionKind::CnnGeo);
}

#[test]
fn a2net_is_the_authors_in_both_stages() {
    both_stages("a2net_head", "a2net", RegressionKind::A2Net);
}

/// The first pair's correlation and the affine head.
fn first(
    file: &str,
    method: &str,
    network: RegressionKind,
) -> (HashMap<String, Vec<f32>>, Correlation, ParameterValues) {
    let golden = fixture(file);
    let [a, b] =
        ["raw_src", "raw_tgt"].map(|name| map(&golden[&format!("pair0/{name}")], [256, 15, 15]));
    let correlation = correlate(InstructionSet::available()[0], &a, &b);
    near("corr1", &correlation.data, &golden["pair0/corr1"], CORRELATION_MARGIN);
    let values = head(&golden, method, network, "affine");
    (golden, correlation, values)
}

#[test]
fn inside_cnngeo_every_map_is_the_authors() {
    let (golden, correlation, values) = first("geo_head", "geo", RegressionKind::CnnGeo);
    for instructions in InstructionSet::available() {
        let found = cnngeo::CnnGeo::new(&values).examine(instructions, &correlation);
        near("conv_relu2", &found.first, &golden["pair0/affine/conv_relu2"], 3e-5);
        near("conv_relu5", &found.second, &golden["pair0/affine/conv_relu5"], 1e-5);
    }
}

#[test]
fn inside_a2net_every_map_is_the_authors() {
    let (golden, correlation, values) = first("a2net_head", "a2net", RegressionKind::A2Net);
    let sums: Vec<f32> = a2net::by_offset(&correlation)
        .chunks_exact(225)
        .map(|channel| channel.iter().sum())
        .collect();
    near("align_channel_sums", &sums, &golden["pair0/affine/align_channel_sums"], 1e-5);
    let found = a2net::A2Net::new(&values).examine(InstructionSet::available()[0], &correlation);
    for (name, found) in [
        ("preconv", &found.map),
        ("att_logits", &found.logits),
        ("att_weights", &found.attention),
        ("proj", &found.projected),
        ("pooled", &found.pooled),
    ] {
        near(name, found, &golden[&format!("pair0/affine/{name}")], 1e-5);
    }
}

#[test]
fn a2net_pairs_columns_with_rows_as_its_checkpoints_need() {
    let golden = fixture("a2net_align_unit");
    let correlation = Correlation { rows: 4, columns: 4, data: golden["corr_in"].clone() };
    assert_eq!(a2net::by_offset(&correlation), golden["aligned"]);
}
