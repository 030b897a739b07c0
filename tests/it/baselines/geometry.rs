//! Resizing, warping and transformations of points, value by value.

use hpflow::testing::backbone::networks::GeometricModel;
use hpflow::testing::image::corners::{Square, grid, resize, warp};
use hpflow::testing::image::{MEAN, Photograph, STANDARD_DEVIATION};
use hpflow::testing::method::alignment::geometry::{
    Tps, Transformation, apply_all, control_points, inverse_system,
};
use hpflow::testing::method::frame::Frame;

use super::{fixture, near, points, rows};

/// Suggested for images of 0 to 255; ours samples in f64.
const IMAGE_MARGIN: f32 = 2e-2;

/// The fixture's picture of 67 rows and 91 columns.
fn photograph(planes: &[f32]) -> Photograph {
    let plane = 67 * 91;
    let rgb = (0..3 * plane).map(|at| planes[at % 3 * plane + at / 3] as u8).collect();
    Photograph { width: 91, height: 67, rgb }
}

#[test]
fn pictures_are_resized_and_warped_as_the_authors_do() {
    let golden = fixture("geometry_units");
    let photograph = photograph(&golden["image_u8"]);
    let small = resize(&photograph, [60, 60]);
    near("60 × 60", &small, &golden["resize_60x60"], IMAGE_MARGIN);
    near("120 × 80", &resize(&photograph, [120, 80]), &golden["resize_80x120"], IMAGE_MARGIN);
    let normalised = Square::of(&photograph, 60);
    near("normalised", &normalised.planes, &golden["resize_60x60_normalised"], 4e-4);
    for (geometry, theta, warped) in [
        (GeometricModel::Affine, "theta_aff", "warp_aff_60x60"),
        (GeometricModel::Tps, "theta_tps", "warp_tps_60x60"),
    ] {
        let transformation = geometry.transformation(&golden[theta]);
        let found = warp(&small, [60; 2], [60; 2], |point| transformation.apply(point));
        near(warped, &found, &golden[warped], IMAGE_MARGIN);
        // Of a normalised picture as of one of 0 to 255, but for what is outside.
        let square = normalised.warped(|point| transformation.apply(point));
        let inside =
            found.iter().zip(&square.planes).enumerate().filter(|(_, (raw, _))| **raw > 0.0);
        let right = inside.clone().filter(|(at, (raw, normal))| {
            let channel = at / 3600;
            let expected = (**raw / 255.0 - MEAN[channel]) / STANDARD_DEVIATION[channel];
            (expected - **normal).abs() < 1e-4
        });
        assert!(right.count() * 100 > inside.count() * 90, "{warped}: normalised or not");
    }
}

#[test]
fn points_are_mapped_as_the_authors_do() {
    let golden = fixture("geometry_units");
    let unit: Vec<[f64; 2]> =
        points(&golden["points"]).iter().map(|point| point.map(f64::from)).collect();
    let check = |name: &str, map: &dyn Fn([f64; 2]) -> [f64; 2]| {
        let mapped: Vec<[f32; 2]> =
            unit.iter().map(|&point| map(point).map(|side| side as f32)).collect();
        near(name, &rows(&mapped), &golden[name], 1e-5);
    };
    let theta = |name: &str, geometry: GeometricModel| geometry.transformation(&golden[name]);
    let affine = theta("theta_aff", GeometricModel::Affine);
    let spline = theta("theta_tps", GeometricModel::Tps);
    let homography = theta("theta_hom4pt", GeometricModel::Homography);
    let stiff: [f64; 18] = std::array::from_fn(|at| f64::from(golden["theta_tps"][at]));
    let stiff = Transformation::Tps(Box::new(Tps::new(stiff, 0.2)));
    check("points_aff", &|point| affine.apply(point));
    check("points_tps", &|point| spline.apply(point));
    check("points_hom", &|point| homography.apply(point));
    check("points_tps_reg0.2", &|point| stiff.apply(point));
    let both = [affine.clone(), spline.clone()];
    check("points_tps_then_aff", &|point| apply_all(&both, point));
    let frame = Frame { size: [91, 67], first: 1 };
    let pixels: Vec<[f32; 2]> =
        unit.iter().map(|&point| frame.to_pixels(point).expect("a pixel")).collect();
    near("pixels", &rows(&pixels), &golden["points_px_67x91"], 1e-4);
    let back: Vec<[f32; 2]> =
        pixels.iter().map(|&point| frame.to_unit(point).map(|side| side as f32)).collect();
    near("back", &rows(&back), &golden["points_back_norm"], 1e-5);
}

#[test]
fn splines_are_those_of_the_authors() {
    let golden = fixture("geometry_units");
    let axis = |axis: usize| control_points().map(|point| point[axis] as f32);
    assert_eq!(axis(0), golden["tps_control_x"][..]);
    assert_eq!(axis(1), golden["tps_control_y"][..]);
    for (name, regularisation) in [("tps_L_inverse", 0.0), ("tps_L_inverse_reg0.2", 0.2)] {
        let inverse: Vec<f32> =
            inverse_system(regularisation).iter().flatten().map(|&value| value as f32).collect();
        near(name, &inverse, &golden[name], 1e-5);
    }
    let spline = GeometricModel::Tps.transformation(&golden["theta_tps"]);
    let sampled: Vec<f32> = (0..3600)
        .flat_map(|at| spline.apply([grid(at % 60, 60), grid(at / 60, 60)]))
        .map(|side| side as f32)
        .collect();
    near("grid", &sampled, &golden["tps_grid_60x60"], 1e-5);
}

#[test]
fn iterated_stages_are_composed_as_the_authors_do() {
    let golden = fixture("geometry_units");
    for (geometry, first, second, composed) in [
        (GeometricModel::Affine, "theta_aff", "compose_aff_second", "compose_aff"),
        (GeometricModel::Tps, "theta_tps", "compose_tps_second", "compose_tps"),
    ] {
        let first = geometry.transformation(&golden[first]);
        let found = first.after(geometry, &golden[second]).expect("two of a kind");
        let found: Vec<f32> = found.into_iter().map(|value| value as f32).collect();
        near(composed, &found, &golden[composed], 1e-5);
    }
}
