//! Bird, cat, cow, dog, horse, sheep and person.

use super::super::random::Random;
use super::super::solid::{Material, Paint, Solid, Texture, Vector, add, between, times};
use super::parts::{grey, hue, hull, paint};

const EYE: Material = Material { colour: [0.05, 0.04, 0.05], texture: Texture::Plain, shine: 0.9 };

fn mirrored(v: Vector) -> Vector {
    [v[0], v[1], -v[2]]
}

/// 0 beak, 1/2 eyes, 3 crown, 4 throat, 5 breast, 6 back, 7 tail, 8/9 wing tips, 10/11 shoulders,
/// 12/13 feet, 14 nape.
pub(super) fn bird(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let colour = hue(random.unit(), random.range(0.3, 0.8), random.range(0.4, 0.95));
    let belly = hue(random.range(0.05, 0.15), random.range(0.1, 0.6), 0.92);
    let feathers = Material { shine: 0.2, ..Material::plain(colour) }
        .with(Texture::Grain { scale: 18.0, strength: 0.12 });
    let stretch = random.range(0.85, 1.15);
    let high = random.range(0.5, 0.75);
    let tilt = random.range(0.1, 0.45);
    let centre = [0.0, high, 0.0];
    let axis = super::super::solid::unit([1.0, tilt, 0.0]);
    let up = [-axis[1], axis[0], 0.0];
    solid.ellipsoid(
        centre,
        [times(up, 0.3), times(axis, 0.5 * stretch), [0.0, 0.0, 0.27]],
        feathers,
    );
    let breast = add(centre, add(times(axis, 0.22 * stretch), times(up, -0.08)));
    solid.ellipsoid(
        breast,
        [times(up, 0.25), times(axis, 0.28), [0.0, 0.0, 0.23]],
        Material::plain(belly).with(Texture::Grain { scale: 20.0, strength: 0.1 }),
    );
    let head = add(centre, add(times(axis, 0.5 * stretch), times(up, random.range(0.2, 0.34))));
    let size = random.range(0.17, 0.22);
    solid.ball(head, [size * 1.08, size, size * 0.95], feathers);
    let beak = add(head, [size + random.range(0.1, 0.24), -0.03, 0.0]);
    solid.limb(
        add(head, [size * 0.8, 0.0, 0.0]),
        beak,
        0.07,
        0.005,
        Material::glossy(hue(random.range(0.05, 0.14), 0.85, 0.95)),
    );
    for side in [1.0, -1.0] {
        let eye = [size * 0.55, size * 0.25, size * 0.75 * side];
        solid.ball(add(head, eye), [0.045; 3], Material::plain(grey(0.97)));
        solid.ball(add(head, times(eye, 1.1)), [0.032; 3], EYE);
        let shoulder = add(centre, add(times(axis, 0.2), [0.0, 0.06, 0.24 * side]));
        let tip = add(centre, add(times(axis, -0.55 * stretch), [0.0, 0.03, 0.17 * side]));
        let middle = between(shoulder, tip, 0.45);
        let dark = Material::plain(colour.map(|c| c * 0.55)).with(Texture::Bands {
            count: 5.0,
            share: 0.3,
            second: belly,
        });
        let along = times(super::super::solid::subtract(tip, shoulder), 0.52);
        solid.ellipsoid(middle, [along, times(up, 0.16), [0.0, 0.0, 0.06]], dark);
        let hip = add(centre, [0.02, -0.22, 0.09 * side]);
        let foot = [0.04, 0.02, 0.12 * side];
        let leg = Material::plain(hue(0.08, 0.75, 0.75));
        solid.limb(hip, foot, 0.028, 0.02, leg);
        for x in [0.12, 0.1, -0.08] {
            let z = if x == 0.1 { 0.06 } else { -0.02 };
            solid.limb(foot, add(foot, [x, -0.01, z * side]), 0.02, 0.012, leg);
        }
        solid.keypoint(if side > 0.0 { 1 } else { 2 }, add(head, times(eye, 1.2)));
        solid.keypoint(if side > 0.0 { 8 } else { 9 }, tip);
        solid.keypoint(if side > 0.0 { 10 } else { 11 }, shoulder);
        solid.keypoint(if side > 0.0 { 12 } else { 13 }, foot);
    }
    let rump = add(centre, times(axis, -0.42 * stretch));
    let tail = add(
        rump,
        add(times(axis, -random.range(0.35, 0.55)), times(up, random.range(-0.05, 0.15))),
    );
    solid.plate(
        &[
            add(rump, [0.0, 0.0, 0.08]),
            add(tail, [0.0, 0.0, 0.14]),
            add(tail, [-0.03, 0.0, 0.0]),
            add(tail, [0.0, 0.0, -0.14]),
            add(rump, [0.0, 0.0, -0.08]),
        ],
        times(up, 0.04),
        Material::plain(colour.map(|c| c * 0.6)),
    );
    solid.keypoint(0, beak);
    solid.keypoint(3, add(head, [0.0, size, 0.0]));
    solid.keypoint(4, add(head, [size * 0.5, -size * 0.95, 0.0]));
    solid.keypoint(5, add(breast, times(axis, 0.27)));
    solid.keypoint(6, add(centre, times(up, 0.3)));
    solid.keypoint(7, tail);
    solid.keypoint(14, add(head, [-size * 0.9, -size * 0.3, 0.0]));
    solid
}

/// What tells one four-legged animal from another, in units of half a body's length.
struct Beast {
    coat: Material,
    muzzle: Paint,
    leg: f64,
    girth: f64,
    neck: f64,
    /// Upwards from level, as height over length.
    neck_rise: f64,
    head: f64,
    snout: f64,
    ear: f64,
    pointed: bool,
    tail: f64,
    tail_rise: f64,
    horns: bool,
    mane: Option<Paint>,
    wool: bool,
}

pub(super) fn cat(random: &mut Random) -> Solid {
    let fur = random.pick(&[hue(0.08, 0.6, 0.8), grey(0.3), grey(0.65), hue(0.09, 0.3, 0.85)]);
    let coat = Material::plain(fur).with(Texture::Bands {
        count: 7.0,
        share: 0.4,
        second: fur.map(|c| c * 0.55),
    });
    let beast = Beast {
        coat,
        muzzle: grey(0.93),
        leg: random.range(0.42, 0.52),
        girth: random.range(0.22, 0.28),
        neck: 0.2,
        neck_rise: 1.1,
        head: random.range(0.21, 0.25),
        snout: 0.1,
        ear: random.range(0.14, 0.19),
        pointed: true,
        tail: random.range(0.65, 0.85),
        tail_rise: random.range(0.3, 1.6),
        horns: false,
        mane: None,
        wool: false,
    };
    four_legged(&beast, random)
}

pub(super) fn cow(random: &mut Random) -> Solid {
    let (base, patch) = random.pick(&[
        (grey(0.93), grey(0.12)),
        (grey(0.93), hue(0.05, 0.7, 0.4)),
        (hue(0.06, 0.6, 0.5), grey(0.9)),
    ]);
    let coat =
        Material::plain(base).with(Texture::Patches { scale: 3.5, share: 0.45, second: patch });
    let beast = Beast {
        coat,
        muzzle: hue(0.02, 0.3, 0.85),
        leg: random.range(0.55, 0.65),
        girth: random.range(0.33, 0.4),
        neck: 0.32,
        neck_rise: random.range(0.3, 0.7),
        head: random.range(0.17, 0.2),
        snout: 0.24,
        ear: 0.15,
        pointed: false,
        tail: 0.65,
        tail_rise: -2.5,
        horns: true,
        mane: None,
        wool: false,
    };
    four_legged(&beast, random)
}

pub(super) fn dog(random: &mut Random) -> Solid {
    let fur =
        random.pick(&[hue(0.08, 0.55, 0.7), hue(0.07, 0.6, 0.4), grey(0.2), hue(0.1, 0.35, 0.9)]);
    let coat = Material::plain(fur).with(Texture::Patches {
        scale: 4.0,
        share: 0.3,
        second: fur.map(|c| (c * 1.5).min(0.95)),
    });
    let beast = Beast {
        coat,
        muzzle: grey(0.9),
        leg: random.range(0.5, 0.68),
        girth: random.range(0.22, 0.29),
        neck: 0.28,
        neck_rise: random.range(0.9, 1.5),
        head: random.range(0.18, 0.21),
        snout: random.range(0.2, 0.28),
        ear: random.range(0.16, 0.24),
        pointed: random.chance(0.5),
        tail: random.range(0.35, 0.6),
        tail_rise: random.range(0.4, 1.4),
        horns: false,
        mane: None,
        wool: false,
    };
    four_legged(&beast, random)
}

pub(super) fn horse(random: &mut Random) -> Solid {
    let fur = random.pick(&[
        hue(0.06, 0.7, 0.45),
        hue(0.05, 0.65, 0.3),
        grey(0.85),
        hue(0.09, 0.5, 0.65),
        grey(0.18),
    ]);
    let mane = random.pick(&[grey(0.08), hue(0.1, 0.5, 0.85), grey(0.95)]);
    let coat = Material { shine: 0.35, ..Material::plain(fur) }
        .with(Texture::Grain { scale: 9.0, strength: 0.08 });
    let beast = Beast {
        coat,
        muzzle: fur.map(|c| c * 0.6),
        leg: random.range(0.8, 0.92),
        girth: random.range(0.26, 0.31),
        neck: random.range(0.5, 0.6),
        neck_rise: random.range(0.9, 1.5),
        head: random.range(0.14, 0.16),
        snout: 0.34,
        ear: 0.12,
        pointed: true,
        tail: random.range(0.6, 0.75),
        tail_rise: -1.8,
        horns: false,
        mane: Some(mane),
        wool: false,
    };
    four_legged(&beast, random)
}

pub(super) fn sheep(random: &mut Random) -> Solid {
    let wool = hue(0.1, random.range(0.05, 0.2), random.range(0.8, 0.97));
    let face = if random.chance(0.5) { grey(0.15) } else { hue(0.08, 0.25, 0.8) };
    let coat = Material { shine: 0.0, ..Material::plain(wool) }
        .with(Texture::Grain { scale: 12.0, strength: 0.22 });
    let beast = Beast {
        coat,
        muzzle: face,
        leg: random.range(0.4, 0.5),
        girth: random.range(0.36, 0.44),
        neck: 0.26,
        neck_rise: random.range(0.5, 1.0),
        head: random.range(0.16, 0.19),
        snout: 0.2,
        ear: 0.16,
        pointed: false,
        tail: 0.2,
        tail_rise: -2.0,
        horns: random.chance(0.3),
        mane: None,
        wool: true,
    };
    four_legged(&beast, random)
}

/// 0 nose, 1/2 eyes, 3/4 ear tips, 5/6 ear roots, 7 withers, 8 root of the tail, 9 tip of the tail,
/// 10/11 front hooves, 12/13 rear hooves, 14/15 front knees, 16/17 rear knees, 18 throat, 19 breast.
fn four_legged(beast: &Beast, random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let coat = beast.coat;
    let skin = if beast.wool { Material::plain(beast.muzzle) } else { coat.with(Texture::Plain) };
    let spine = beast.leg + beast.girth * 0.75;
    let (chest, rump) = ([0.5, spine, 0.0], [-0.55, spine + random.range(-0.03, 0.04), 0.0]);
    let g = beast.girth;
    hull(
        &mut solid,
        &[
            [chest[0] + 0.26, spine + 0.05, g * 0.35, g * 0.25],
            [chest[0] + 0.17, spine, g * 0.85, g * 0.65],
            [chest[0], spine - 0.02, g * 1.02, g * 0.82],
            [0.0, spine - 0.02, g * 0.95, g * 0.85],
            [rump[0] + 0.15, rump[1], g * 0.92, g * 0.82],
            [rump[0] - 0.08, rump[1], g * 0.8, g * 0.65],
            [rump[0] - 0.22, rump[1] + 0.02, g * 0.3, g * 0.25],
        ],
        coat,
    );
    if beast.wool {
        fleece(&mut solid, spine, g, coat, random);
    }
    legs(&mut solid, beast, skin, random);
    let shoulder = add(chest, [0.12, g * 0.45, 0.0]);
    let direction = super::super::solid::unit([1.0, beast.neck_rise, 0.0]);
    let poll = add(shoulder, times(direction, beast.neck));
    let thick = if beast.wool { 0.6 } else { 0.5 };
    solid.limbs(
        &[(add(chest, [0.1, g * 0.2, 0.0]), g * thick * 1.1), (poll, beast.head * 0.85)],
        coat,
    );
    head(&mut solid, beast, poll, skin, random);
    if let Some(mane) = beast.mane {
        let hair = Material::plain(mane).with(Texture::Grain { scale: 30.0, strength: 0.2 });
        let crest = [-0.08, 0.1, 0.0];
        solid.limbs(
            &[
                (add(shoulder, [-0.12, 0.02, 0.0]), 0.05),
                (add(between(shoulder, poll, 0.5), crest), 0.07),
                (add(poll, [-0.02, beast.head * 0.9, 0.0]), 0.05),
            ],
            hair,
        );
    }
    let root = add(rump, [-0.2, g * 0.45, 0.0]);
    let fall = super::super::solid::unit([-1.0, beast.tail_rise, random.range(-0.2, 0.2)]);
    let tip = add(root, times(fall, beast.tail));
    let bend = add(between(root, tip, 0.5), [-0.08, 0.03, 0.0]);
    let brush = match beast.mane {
        Some(mane) => {
            (Material::plain(mane).with(Texture::Grain { scale: 30.0, strength: 0.2 }), 0.08)
        }
        None => (coat.with(Texture::Plain), 0.035),
    };
    solid.limbs(&[(root, 0.045), (bend, brush.1), (tip, brush.1 * 0.7)], brush.0);
    solid.keypoint(7, add(chest, [-0.02, g, 0.0]));
    solid.keypoint(8, root);
    solid.keypoint(9, tip);
    solid.keypoint(19, add(chest, [0.26, 0.0, 0.0]));
    solid
}

fn legs(solid: &mut Solid, beast: &Beast, skin: Material, random: &mut Random) {
    let g = beast.girth;
    let thin = if beast.mane.is_some() { 0.045 } else { 0.055 };
    for (x, hooves, knees, back) in
        [(0.47, [10, 11], [14, 15], 0.05), (-0.55, [12, 13], [16, 17], -0.08)]
    {
        for (index, side) in [1.0, -1.0].into_iter().enumerate() {
            let stride = random.range(-0.14, 0.14);
            let z = g * 0.55 * side;
            let hip = [x, beast.leg + g * 0.1, z];
            let knee = [x + stride * 0.6 + back, beast.leg * 0.52, z];
            let hoof = [x + stride, 0.03, z];
            solid.limbs(
                &[(hip, g * 0.32), (knee, thin * 1.15), (add(hoof, [0.0, 0.04, 0.0]), thin)],
                skin,
            );
            let dark = Material::plain(beast.muzzle.map(|c| c * 0.35));
            solid.limb(hoof, add(hoof, [0.01, 0.07, 0.0]), thin * 1.35, thin * 1.1, dark);
            solid.keypoint(hooves[index], add(hoof, [0.02, 0.0, 0.0]));
            solid.keypoint(knees[index], knee);
        }
    }
}

fn head(solid: &mut Solid, beast: &Beast, poll: Vector, skin: Material, random: &mut Random) {
    let size = beast.head;
    let centre = add(poll, [size * 0.35, size * 0.15, 0.0]);
    solid.ball(centre, [size, size * 0.95, size * 0.88], skin);
    let droop = random.range(0.3, 0.75);
    let nose = add(centre, [size * 0.75 + beast.snout, -size * 0.2 - beast.snout * droop, 0.0]);
    solid.limbs(&[(centre, size * 0.7), (between(centre, nose, 0.9), size * 0.48)], skin);
    solid.ball(
        between(centre, nose, 0.88),
        [size * 0.5, size * 0.46, size * 0.5],
        Material::plain(beast.muzzle),
    );
    solid.ball(add(nose, [0.0, size * 0.15, 0.0]), [size * 0.14, size * 0.14, size * 0.22], EYE);
    for (index, side) in [1.0, -1.0].into_iter().enumerate() {
        let eye = add(centre, [size * 0.62, size * 0.4, size * 0.6 * side]);
        solid.ball(eye, [size * 0.2; 3], Material::plain(grey(0.96)));
        solid.ball(add(eye, [size * 0.1, 0.0, size * 0.07 * side]), [size * 0.15; 3], EYE);
        let root = add(centre, [-size * 0.15, size * 0.75, size * 0.55 * side]);
        let out = if beast.pointed { [0.0, 1.0, 0.28 * side] } else { [-0.15, -0.25, 1.0 * side] };
        let tip = add(root, times(out, beast.ear));
        solid.limbs(
            &[(root, size * 0.32), (between(root, tip, 0.5), size * 0.3), (tip, size * 0.06)],
            skin,
        );
        if beast.horns {
            let base = add(centre, [-size * 0.1, size * 0.85, size * 0.35 * side]);
            let bend = add(base, [0.03, 0.07, 0.1 * side]);
            solid.limbs(
                &[(base, 0.04), (bend, 0.035), (add(bend, [0.02, 0.12, 0.02 * side]), 0.006)],
                Material::glossy([0.93, 0.88, 0.72]),
            );
        }
        solid.keypoint(1 + index, add(eye, [size * 0.2, 0.0, size * 0.15 * side]));
        solid.keypoint(3 + index, tip);
        solid.keypoint(5 + index, root);
    }
    solid.keypoint(0, add(nose, [size * 0.1, size * 0.15, 0.0]));
    solid.keypoint(18, add(centre, [-size * 0.1, -size * 0.95, 0.0]));
}

/// Tufts over the body.
fn fleece(solid: &mut Solid, spine: f64, girth: f64, coat: Material, random: &mut Random) {
    for _ in 0..26 {
        let x = random.range(-0.65, 0.6);
        let (sine, cosine) = super::super::random::sine_cosine(random.range(-0.3, 3.45));
        let tuft = girth * random.range(0.26, 0.36);
        let at = [x, spine + sine * girth * 0.82, cosine * girth * 0.72];
        solid.ball(at, [tuft, tuft * 0.9, tuft * 0.8], coat);
    }
}

/// 0 crown, 1/2 eyes, 3 nose, 4 chin, 5/6 shoulders, 7/8 elbows, 9/10 hands, 11/12 hips, 13/14
/// knees, 15/16 feet, 17 navel.
pub(super) fn person(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let skin = Material::plain(random.pick(&[
        [0.96, 0.8, 0.68],
        [0.87, 0.66, 0.5],
        [0.65, 0.45, 0.32],
        [0.42, 0.28, 0.2],
    ]));
    let second = paint(random);
    let shirt = Material::plain(paint(random)).with(random.pick(&[
        Texture::Plain,
        Texture::Bands { count: 5.0, share: 0.45, second },
        Texture::Patches { scale: 6.0, share: 0.3, second },
    ]));
    let trousers = Material::plain(hue(
        random.range(0.5, 0.7),
        random.range(0.2, 0.7),
        random.range(0.2, 0.6),
    ));
    let hair = Material::plain(random.pick(&[
        grey(0.08),
        hue(0.08, 0.7, 0.3),
        hue(0.12, 0.6, 0.85),
        hue(0.04, 0.75, 0.55),
    ]))
    .with(Texture::Grain { scale: 25.0, strength: 0.2 });
    let hip = random.range(0.78, 0.9);
    let shoulder = hip + random.range(0.5, 0.6);
    let broad = random.range(0.22, 0.28);
    let torso = |y: f64, x: f64, z: f64| {
        super::super::solid::circle([0.0, y, 0.0], [x, 0.0, 0.0], [0.0, 0.0, z])
    };
    solid.loft(
        &[
            torso(hip - 0.06, 0.11, 0.17),
            torso(hip + 0.15, 0.12, 0.16),
            torso(shoulder - 0.12, 0.14, broad * 0.92),
            torso(shoulder, 0.1, broad * 0.8),
            torso(shoulder + 0.06, 0.05, 0.08),
        ],
        shirt,
    );
    solid.loft(&[torso(hip - 0.12, 0.12, 0.175), torso(hip + 0.02, 0.125, 0.18)], trousers);
    let head = [0.02, shoulder + 0.27, 0.0];
    solid.limb([0.0, shoulder, 0.0], head, 0.06, 0.06, skin);
    solid.ball(head, [0.145, 0.17, 0.13], skin);
    solid.ball(add(head, [-0.035, 0.05, 0.0]), [0.15, 0.155, 0.142], hair);
    solid.ball(add(head, [0.15, -0.01, 0.0]), [0.035, 0.03, 0.025], skin);
    solid.ball(
        add(head, [0.125, -0.075, 0.0]),
        [0.02, 0.014, 0.05],
        Material::plain([0.75, 0.25, 0.25]),
    );
    for (index, side) in [1.0, -1.0].into_iter().enumerate() {
        let eye = add(head, [0.12, 0.03, 0.055 * side]);
        solid.ball(eye, [0.028; 3], Material::plain(grey(0.97)));
        solid.ball(add(eye, [0.015, 0.0, 0.0]), [0.019; 3], EYE);
        let joint = [0.0, shoulder - 0.04, broad * side];
        let elbow = add(
            joint,
            [random.range(-0.08, 0.1), -random.range(0.22, 0.28), random.range(0.04, 0.14) * side],
        );
        let lift = random.range(-0.26, 0.22);
        let hand = add(elbow, [random.range(0.04, 0.2), lift, random.range(-0.06, 0.12) * side]);
        solid.limbs(&[(joint, 0.075), (elbow, 0.06)], shirt);
        solid.limbs(&[(elbow, 0.048), (hand, 0.038)], skin);
        solid.ball(hand, [0.055, 0.06, 0.045], skin);
        let top = [0.0, hip - 0.05, 0.1 * side];
        let knee = [random.range(-0.05, 0.14), hip * 0.52, 0.12 * side];
        let foot = [random.range(-0.1, 0.1), 0.06, (0.12 + random.range(0.0, 0.1)) * side];
        solid.limbs(&[(top, 0.105), (knee, 0.075), (foot, 0.055)], trousers);
        solid.ball(
            add(foot, [0.06, -0.015, 0.0]),
            [0.13, 0.055, 0.06],
            Material::plain(second.map(|c| c * 0.5)),
        );
        solid.keypoint(1 + index, add(eye, [0.03, 0.0, 0.0]));
        solid.keypoint(5 + index, add(joint, [0.0, 0.04, 0.0]));
        solid.keypoint(7 + index, elbow);
        solid.keypoint(9 + index, hand);
        solid.keypoint(11 + index, [0.0, hip, 0.17 * side]);
        solid.keypoint(13 + index, knee);
        solid.keypoint(15 + index, add(foot, [0.15, -0.02, 0.0]));
    }
    let chin = mirrored(add(head, [0.1, -0.15, 0.0]));
    solid.keypoint(0, add(head, [-0.02, 0.2, 0.0]));
    solid.keypoint(3, add(head, [0.185, -0.01, 0.0]));
    solid.keypoint(4, chin);
    solid.keypoint_facing(17, [0.12, hip + 0.15, 0.0], [1.0, 0.0, 0.0]);
    solid
}
