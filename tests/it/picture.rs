//! Pictures of matches.

use hpflow::testing::image::{Photograph, read};
use hpflow::testing::picture::{Drawn, TrueKeypoint, contact_sheet, matches, write_png};

fn grey(width: u32, height: u32) -> Photograph {
    let rgb = vec![128; (width * height * 3) as usize];
    Photograph { width, height, rgb }
}

fn drawn(source: [f32; 2], prediction: Option<[f32; 2]>) -> Drawn {
    Drawn { source, prediction, truth: None }
}

fn pixel(picture: &Photograph, x: u32, y: u32) -> [u8; 3] {
    let at = ((y * picture.width + x) * 3) as usize;
    [picture.rgb[at], picture.rgb[at + 1], picture.rgb[at + 2]]
}

/// Columns and rows whose pixels are neither grey nor paper within a range of columns.
fn inked(picture: &Photograph, columns: std::ops::Range<u32>) -> Vec<[u32; 2]> {
    let empty = pixel(&matches(&grey(240, 240), &grey(240, 240), &[]), 0, 0);
    let all = columns.flat_map(|x| (0..picture.height).map(move |y| [x, y]));
    all.filter(|&[x, y]| ![[128; 3], empty].contains(&pixel(picture, x, y))).collect()
}

#[test]
fn photographs_are_beside_each_other_at_the_same_height() {
    let picture = matches(&grey(480, 240), &grey(200, 480), &[]);
    // The source is enlarged to the target's 480 rows; margins are a 24th of that.
    assert_eq!((picture.width, picture.height), (20 + 960 + 20 + 200 + 20, 20 + 480 + 20));
    let paper = pixel(&picture, 0, 0);
    assert_eq!(pixel(&picture, 20, 20), [128; 3]);
    assert_eq!(pixel(&picture, 979, 499), [128; 3]);
    assert_eq!(pixel(&picture, 980, 260), paper);
    assert_eq!(pixel(&picture, 1000, 20), [128; 3]);
    assert_eq!(pixel(&picture, 1199, 499), [128; 3]);
    assert_eq!(pixel(&picture, 1200, 260), paper);
}

#[test]
fn a_circle_is_centred_on_its_keypoint() {
    let picture = matches(&grey(240, 240), &grey(240, 240), &[drawn([60.0, 180.0], None)]);
    let ink = inked(&picture, 10..250);
    let below = ink.iter().filter(|[_, y]| *y < 250).collect::<Vec<_>>();
    let span = |axis: usize| {
        let values = || below.iter().map(|at| at[axis]);
        (values().min().unwrap() + values().max().unwrap()) / 2
    };
    assert_eq!([span(0), span(1)], [10 + 60, 10 + 180]);
}

#[test]
fn a_match_has_a_line_and_a_circle_on_each_side_and_an_unanswered_one_a_note() {
    let plain =
        matches(&grey(240, 240), &grey(240, 240), &[drawn([30.0, 30.0], Some([200.0, 90.0]))]);
    assert_ne!(pixel(&plain, 10 + 30, 10 + 30 - 6), [128; 3], "source");
    assert_ne!(pixel(&plain, 260 + 200, 10 + 90 - 6), [128; 3], "target");
    // Half way along the line, which ends at the centres of the circles.
    assert_ne!(pixel(&plain, (40 + 460) / 2, (40 + 100) / 2), pixel(&plain, 255, 0), "line");
    let unanswered = matches(&grey(240, 240), &grey(240, 240), &[drawn([30.0, 30.0], None)]);
    assert!(unanswered.height > plain.height, "the note has its own place");
    assert!(inked(&unanswered, 260..500).iter().all(|[_, y]| *y > 250), "nothing on the target");
}

#[test]
fn right_is_green_and_wrong_is_red() {
    let line = |found: [f32; 2]| {
        let truth = Some(TrueKeypoint { at: [120.0, 120.0], radius: 20.0 });
        let drawn = Drawn { source: [120.0, 120.0], prediction: Some(found), truth };
        let picture = matches(&grey(240, 240), &grey(240, 240), &[drawn]);
        pixel(&picture, 255, 130)
    };
    // Both predictions are level with the source: the line crosses the gap at its height.
    let [red, green, _] = line([140.0, 120.0]);
    assert!(green > red, "exactly the radius away is right");
    let [red, green, _] = line([141.0, 120.0]);
    assert!(red > green, "further away is wrong");
}

#[test]
fn odd_points_and_sizes_are_drawn_without_panic() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30, 1e30, 0.0, f32::MAX];
    let points: Vec<Drawn> = odd
        .iter()
        .flat_map(|&x| odd.iter().map(move |&y| ([x, y], [y, x])))
        .flat_map(|(source, found)| {
            let truth = Some(TrueKeypoint { at: found, radius: source[0] });
            [
                drawn(source, Some(found)),
                drawn(source, None),
                Drawn { source, prediction: Some(source), truth },
            ]
        })
        .collect();
    for (source, target) in [(grey(1, 1), grey(300, 200)), (grey(3000, 10), grey(10, 3000))] {
        let picture = matches(&source, &target, &points);
        assert!(picture.width < 3400 && picture.height < 1200, "{}", picture.width);
        assert_eq!(picture.rgb.len(), (picture.width * picture.height * 3) as usize);
    }
}

#[test]
fn a_prediction_outside_is_drawn_at_the_nearest_border() {
    let far =
        matches(&grey(240, 240), &grey(240, 240), &[drawn([120.0, 120.0], Some([1e4, 120.0]))]);
    let inside =
        matches(&grey(240, 240), &grey(240, 240), &[drawn([120.0, 120.0], Some([239.0, 120.0]))]);
    let last = |picture: &Photograph| inked(picture, 480..510).iter().map(|at| at[0]).max();
    // The square around a moved point is larger than the circle.
    assert!(last(&far) > last(&inside), "{:?} {:?}", last(&far), last(&inside));
}

#[test]
fn large_photographs_are_shrunk() {
    let picture = matches(&grey(4000, 3000), &grey(300, 200), &[]);
    assert!(picture.height <= 1100 && picture.width <= 3400);
}

#[test]
fn a_contact_sheet_holds_every_picture_and_its_caption() {
    let one = ("car: 3 of 4 right".to_owned(), grey(400, 200));
    let sheet = contact_sheet(&[one.clone(), one.clone(), one], 2, 636);
    assert_eq!(sheet.width, 636);
    // Two rows of 150 pixels with captions.
    assert_eq!(sheet.height, 12 + 2 * (150 + 26 + 12));
    for (x, y) in [(13, 13), (325, 13), (13, 12 + 188)] {
        assert_eq!(pixel(&sheet, x, y), [128; 3], "{x} {y}");
    }
    assert_eq!(pixel(&sheet, 325, 12 + 188), pixel(&sheet, 0, 0), "there is no fourth");
    assert!(contact_sheet(&[], 3, 500).height > 0);
}

#[test]
fn a_picture_is_written_as_png_and_an_unwritable_path_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("match.png");
    let picture = matches(&grey(50, 40), &grey(40, 50), &[drawn([9.0, 9.0], Some([3.0, 4.0]))]);
    write_png(&picture, &path).unwrap();
    assert_eq!(read(&path).unwrap(), picture);
    let error = write_png(&picture, &folder.path().join("none/match.png")).unwrap_err().to_string();
    assert!(error.contains("none/match.png: cannot be written"), "{error}");
}
