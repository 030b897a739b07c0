use super::*;

const SOURCE: [Point; 5] =
    [[12.0, 18.0], [90.0, 40.0], [25.0, 150.0], [100.0, 100.0], [70.0, 60.0]];
const TARGET: [Point; 5] =
    [[10.0, 20.0], [110.0, 25.0], [30.0, 140.0], [95.0, 120.0], [60.0, 70.0]];

fn pairs() -> Vec<(Point, Point)> {
    SOURCE.into_iter().zip(TARGET).collect()
}

#[test]
fn the_spline_is_that_of_the_system_solved_in_original_pixels() {
    // numpy.linalg.solve of the 8 × 8 system with U(r) = r² ln r in pixels, float64.
    let spline = ThinPlate::through(&pairs()).expect("a spline");
    for (at, expected) in [
        ([50.0, 50.0], [56.59740268, 44.23089149]),
        ([0.0, 0.0], [-1.35541954, 1.44332894]),
        ([130.0, 10.0], [101.30372725, 30.91615321]),
        ([80.0, 150.0], [80.29356842, 138.53841328]),
    ] {
        let found = spline.at(at);
        let off = [0, 1].map(|axis: usize| f64::abs(found[axis] - expected[axis]));
        assert!(off[0] < 1e-7 && off[1] < 1e-7, "{at:?}: {found:?}, expected {expected:?}");
    }
}

#[test]
fn the_spline_goes_through_every_keypoint_and_is_affine_for_three() {
    let spline = ThinPlate::through(&pairs()).expect("a spline");
    for (source, target) in pairs() {
        let found = spline.at(target.map(f64::from));
        assert!((0..2).all(|k| (found[k] - f64::from(source[k])).abs() < 1e-9), "{found:?}");
    }
    let affine = |[x, y]: Point| [2.0 * x - y + 3.0, 0.5 * y + x];
    let three: Vec<_> = TARGET[..3].iter().map(|&at| (affine(at), at)).collect();
    let spline = ThinPlate::through(&three).expect("a spline");
    let found = spline.at([200.0, -40.0]);
    let expected = affine([200.0, -40.0]).map(f64::from);
    assert!((0..2).all(|k| (found[k] - expected[k]).abs() < 1e-8), "{found:?}");
}

#[test]
fn too_few_places_or_a_line_of_them_have_no_spline() {
    let line: Vec<(Point, Point)> =
        (0..5).map(|i| ([i as f32, 3.0], [2.0 * i as f32, 4.0 * i as f32 + 1.0])).collect();
    assert!(ThinPlate::through(&line).is_none());
    assert!(ThinPlate::through(&pairs()[..2]).is_none());
    assert!(ThinPlate::through(&[pairs()[0]; 4]).is_none(), "one place");
    let mut with_nan = pairs()[..2].to_vec();
    with_nan.push(([f32::NAN, 0.0], [5.0, 90.0]));
    assert!(ThinPlate::through(&with_nan).is_none());
}

#[test]
fn keypoints_at_one_place_count_as_their_mean() {
    let mut twice = pairs();
    twice[4].0 = [60.0, 50.0];
    twice.push(([80.0, 70.0], TARGET[4]));
    let [one, two] = [pairs(), twice].map(|pairs| ThinPlate::through(&pairs).expect("a spline"));
    let [a, b] = [one.at([33.0, 44.0]), two.at([33.0, 44.0])];
    assert!((a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9, "{a:?} {b:?}");
}

fn ramp(width: u32, height: u32) -> Photograph {
    let pixel = |x: u32, y: u32| [(10 * x) as u8, (10 * y) as u8, 7];
    let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Photograph { width, height, rgb }
}

#[test]
fn a_shift_by_spline_and_by_flow_lays_the_source_where_it_goes() {
    let source = ramp(12, 9);
    let target = Photograph { width: 20, height: 15, rgb: vec![0; 20 * 15 * 3] };
    let moved: Vec<(Point, Point)> = [[0.0, 0.0], [11.0, 0.0], [0.0, 8.0], [11.0, 8.0]]
        .into_iter()
        .map(|[x, y]: Point| ([x, y], [x + 4.0, y + 3.0]))
        .collect();
    let spline = ThinPlate::through(&moved).expect("a spline");
    let flow = Flow { width: 12, height: 9, vectors: vec![Some([4.0, 3.0]); 12 * 9] };
    let [by_spline, by_flow] =
        [warp_by_spline(&source, &target, &spline), warp_by_flow(&source, &target, &flow)];
    assert_eq!(by_spline, by_flow);
    let pixel = |x: usize, y: usize| &by_flow.rgb[(y * 20 + x) * 3..][..3];
    assert_eq!(pixel(4, 3), [0, 0, 7]);
    assert_eq!(pixel(9, 8), [50, 50, 7]);
    // 0.7 of white where nothing lies on the black target.
    assert_eq!(pixel(3, 3), [179, 179, 179]);
}

#[test]
fn odd_flows_and_sizes_are_drawn_without_panic() {
    let source = ramp(3, 2);
    let odd = [Some([f32::MAX, -f32::MAX]), None, Some([f32::NAN, 0.0]), Some([1e9, 1e9])];
    let vectors = odd.into_iter().cycle().take(6).collect();
    let flow = Flow { width: 3, height: 2, vectors };
    for target in [ramp(1, 1), ramp(5, 4)] {
        assert_eq!(warp_by_flow(&source, &target, &flow).rgb.len(), target.rgb.len());
    }
    let empty = Photograph { width: 0, height: 0, rgb: vec![] };
    let spline = ThinPlate::through(&pairs()).expect("a spline");
    assert_eq!(warp_by_spline(&ramp(2, 2), &empty, &spline).rgb.len(), 0);
}
