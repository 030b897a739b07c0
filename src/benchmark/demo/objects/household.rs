//! Bottle, chair, potted plant and television.

use super::super::random::{Random, sine_cosine};
use super::super::solid::{Material, Solid, Texture, Vector, add, between, times};
use super::parts::{GLASS, grey, hue, paint};
use std::f64::consts::TAU;

const FORWARD: Vector = [1.0, 0.0, 0.0];

/// A keypoint left and right on the outline of a round body seen from the front.
fn outline(solid: &mut Solid, ids: [usize; 2], height: f64, radius: f64) {
    solid.keypoint_both(ids[0], ids[1], [0.0, height, radius], None);
}

/// 0/1 top of the cap, 2/3 foot of the neck, 4/5 shoulder, 6/7 label above, 8/9 label below, 10/11
/// bottom (left, right).
pub(super) fn bottle(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let radius = random.range(0.24, 0.4);
    let neck = radius * random.range(0.26, 0.45);
    let shoulder = random.range(0.85, 1.25);
    let slope = random.range(0.12, 0.4);
    let top = shoulder + slope + random.range(0.25, 0.45);
    let glass = Material {
        shine: 0.9,
        ..Material::plain(hue(
            random.pick(&[0.33, 0.4, 0.08, 0.55, 0.0]),
            random.range(0.3, 0.75),
            random.range(0.25, 0.75),
        ))
    };
    let steps = 6;
    let mut profile =
        vec![(0.0, radius * 0.85), (0.02, radius * 0.95), (0.06, radius), (shoulder, radius)];
    for i in 1..=steps {
        let share = f64::from(i) / f64::from(steps);
        let ease = share * share * (3.0 - 2.0 * share);
        profile.push((shoulder + slope * share, radius + (neck - radius) * ease));
    }
    profile.push((top - 0.12, neck));
    solid.lathe([0.0; 3], &profile, glass);
    solid.lathe([0.0; 3], &[(top - 0.16, neck * 1.15), (top - 0.11, neck * 1.15)], glass);
    let cap = Material::glossy(paint(random)).with(Texture::Stripes {
        count: 24.0,
        share: 0.4,
        second: grey(0.3),
    });
    solid.lathe(
        [0.0; 3],
        &[(top - 0.11, neck * 1.12), (top, neck * 1.12), (top + 0.01, neck)],
        cap,
    );
    let low = random.range(0.15, 0.35);
    let high = shoulder - random.range(0.05, 0.25);
    let second = paint(random);
    let label = Material::plain(if random.chance(0.6) { grey(0.95) } else { paint(random) }).with(
        Texture::Label {
            from: random.range(0.2, 0.4) as f32,
            to: random.range(0.6, 0.85) as f32,
            second,
        },
    );
    solid.lathe([0.0; 3], &[(low, radius * 1.015), (high, radius * 1.015)], label);
    solid.lathe(
        [0.0; 3],
        &[(high - 0.015, radius * 1.02), (high + 0.015, radius * 1.02)],
        Material::plain(second),
    );
    solid.lathe(
        [0.0; 3],
        &[(low - 0.015, radius * 1.02), (low + 0.015, radius * 1.02)],
        Material::plain(second),
    );
    outline(&mut solid, [0, 1], top, neck * 1.1);
    outline(&mut solid, [2, 3], shoulder + slope, neck);
    outline(&mut solid, [4, 5], shoulder, radius);
    outline(&mut solid, [6, 7], high, radius);
    outline(&mut solid, [8, 9], low, radius);
    outline(&mut solid, [10, 11], 0.03, radius * 0.95);
    solid
}

/// 0/1 top of the back, 2/3 seat behind, 4/5 seat in front, 6/7 feet in front, 8/9 feet behind,
/// 10/11 arms in front.
pub(super) fn chair(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let wood = if random.chance(0.6) {
        hue(random.range(0.05, 0.1), random.range(0.4, 0.7), random.range(0.3, 0.75))
    } else {
        paint(random)
    };
    let frame = Material::plain(wood).with(Texture::Grain { scale: 14.0, strength: 0.12 });
    let cushion = Material::plain(paint(random)).with(random.pick(&[
        Texture::Plain,
        Texture::Stripes { count: 7.0, share: 0.5, second: grey(0.9) },
        Texture::Patches { scale: 7.0, share: 0.35, second: grey(0.85) },
    ]));
    let (deep, wide) = (random.range(0.36, 0.46), random.range(0.36, 0.48));
    let seat = random.range(0.62, 0.78);
    let top = seat + random.range(0.62, 0.95);
    let lean = random.range(0.04, 0.2);
    let leg = random.range(0.035, 0.055);
    solid.block([0.0, seat, 0.0], [deep, 0.045, wide], [1.0, 1.0], frame);
    solid.block([0.02, seat + 0.075, 0.0], [deep * 0.9, 0.035, wide * 0.9], [0.95, 0.95], cushion);
    let splay = random.range(0.0, 0.08);
    let foot = |x: f64| [x * (deep - leg) + x * splay, 0.0, wide - leg + splay];
    let mirrored = |v: Vector| [v[0], v[1], -v[2]];
    for x in [1.0, -1.0] {
        for sign in [1.0, -1.0] {
            let low = foot(x);
            let low = [low[0], low[1], low[2] * sign];
            let high = [x * (deep - leg), seat, (wide - leg) * sign];
            solid.limb(low, high, leg * 0.75, leg, frame);
        }
    }
    let post = [-deep + leg, seat, wide - leg];
    let post_top = [-deep + leg - lean, top, wide - leg];
    solid.limb(post, post_top, leg, leg * 0.9, frame);
    solid.limb(mirrored(post), mirrored(post_top), leg, leg * 0.9, frame);
    let rung =
        |share: f64| (between(post, post_top, share), mirrored(between(post, post_top, share)));
    let panel = |solid: &mut Solid, from: f64, to: f64, material: Material| {
        let ((a, b), (d, c)) = (rung(from), rung(to));
        solid.plate(&[a, b, c, d], [0.05, 0.0, 0.0], material);
    };
    match random.below(3) {
        0 => panel(&mut solid, 0.3, 0.97, cushion),
        1 => {
            panel(&mut solid, 0.8, 1.0, frame);
            for i in 1..6 {
                let share = f64::from(i) / 6.0;
                let (low, high) = (rung(0.0), rung(0.85));
                solid.limb(
                    between(low.0, low.1, share),
                    between(high.0, high.1, share),
                    0.022,
                    0.022,
                    frame,
                );
            }
        }
        _ => {
            for from in [0.3, 0.56, 0.82] {
                panel(&mut solid, from, from + 0.15, frame);
            }
        }
    }
    if random.chance(0.4) {
        let height = seat + random.range(0.25, 0.33);
        for sign in [1.0, -1.0] {
            let z = (wide - leg * 0.5) * sign;
            solid.limbs(
                &[
                    ([deep * 0.75, seat, z], 0.03),
                    ([deep * 0.8, height, z], 0.036),
                    ([-deep, height, z], 0.036),
                ],
                frame,
            );
        }
        solid.keypoint_both(10, 11, [deep * 0.8, height + 0.03, wide - leg * 0.5], None);
    }
    solid.keypoint_both(0, 1, post_top, None);
    solid.keypoint_both(2, 3, [-deep + leg, seat + 0.05, wide], None);
    solid.keypoint_both(4, 5, [deep, seat + 0.045, wide], None);
    solid.keypoint_both(6, 7, foot(1.0), None);
    solid.keypoint_both(8, 9, foot(-1.0), None);
    solid
}

/// 0/1 rim of the pot, 2/3 rim below, 4/5 foot of the pot (left, right), 6 top of the plant, 7/8 its
/// widest leaves, 9 where the stem leaves the soil.
pub(super) fn potted_plant(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let radius = random.range(0.3, 0.42);
    let foot = radius * random.range(0.6, 0.8);
    let high = random.range(0.45, 0.65);
    let clay = if random.chance(0.5) {
        hue(random.range(0.03, 0.07), 0.65, random.range(0.6, 0.8))
    } else {
        paint(random)
    };
    let second = paint(random);
    let glaze = Material { shine: 0.35, ..Material::plain(clay) }.with(random.pick(&[
        Texture::Plain,
        Texture::Bands { count: 3.0, share: 0.3, second },
        Texture::Stripes { count: 12.0, share: 0.4, second },
    ]));
    solid.lathe([0.0; 3], &[(0.0, foot), (high * 0.8, radius * 0.95)], glaze);
    solid.lathe(
        [0.0; 3],
        &[
            (high * 0.78, radius * 1.06),
            (high, radius * 1.1),
            (high, radius * 0.95),
            (high - 0.04, radius * 0.9),
        ],
        Material { shine: 0.35, ..Material::plain(clay) },
    );
    solid.lathe(
        [0.0; 3],
        &[(high - 0.05, radius * 0.93), (high - 0.03, radius * 0.01)],
        Material::plain([0.25, 0.17, 0.1]),
    );
    let leaf = hue(random.range(0.22, 0.38), random.range(0.5, 0.8), random.range(0.4, 0.75));
    let vein = leaf.map(|channel| channel * 0.6 + 0.25);
    let tall = random.range(0.75, 1.25);
    let spread = random.range(0.45, 0.75);
    let root = [0.0, high - 0.04, 0.0];
    let count = 9 + random.below(8);
    let broad = random.range(0.08, 0.15);
    for i in 0..count {
        // The first two leaves reach to the left and right: they are the widest.
        let (angle, rise) = match i {
            0 => (TAU / 4.0, 0.35),
            1 => (-TAU / 4.0, 0.35),
            _ => (random.range(0.0, TAU), random.range(0.15, 0.9)),
        };
        let (sine, cosine) = sine_cosine(angle);
        let reach = if i < 2 { spread } else { spread * (1.0 - rise * 0.75) * 0.85 };
        let tip = add(root, [cosine * reach, tall * rise, sine * reach]);
        if i < 2 {
            solid.keypoint(7 + i, tip);
        }
        blade(&mut solid, root, tip, broad, Material { shine: 0.3, ..Material::plain(leaf) }, vein);
    }
    let top = add(root, [0.0, tall, 0.0]);
    solid.limb(
        root,
        add(root, [0.0, tall * 0.9, 0.0]),
        0.03,
        0.012,
        Material::plain(vein.map(|c| c * 0.7)),
    );
    if random.chance(0.5) {
        let flower = Material::plain(hue(random.range(0.8, 1.12), 0.7, 0.95));
        for i in 0..6 {
            let (sine, cosine) = sine_cosine(TAU * f64::from(i) / 6.0);
            solid.ball(add(top, [0.02, cosine * 0.09, sine * 0.09]), [0.03, 0.06, 0.06], flower);
        }
        solid.ball(add(top, [0.05, 0.0, 0.0]), [0.04; 3], Material::plain([0.95, 0.8, 0.2]));
    } else {
        blade(
            &mut solid,
            between(root, top, 0.5),
            add(top, [0.04, 0.0, 0.0]),
            broad,
            Material::plain(leaf),
            vein,
        );
    }
    solid.keypoint(6, top);
    outline(&mut solid, [0, 1], high, radius * 1.1);
    outline(&mut solid, [2, 3], high * 0.78, radius * 1.06);
    outline(&mut solid, [4, 5], 0.01, foot);
    solid.keypoint(9, add(root, [radius * 0.2, 0.03, 0.0]));
    solid
}

/// A leaf from `root` to `tip` that bends upwards, with a vein along its middle.
fn blade(solid: &mut Solid, root: Vector, tip: Vector, broad: f64, leaf: Material, vein: [f32; 3]) {
    let along = [tip[0] - root[0], 0.0, tip[2] - root[2]];
    let side = super::super::solid::unit([along[2], 0.0, -along[0] + 1e-3]);
    let steps = 6;
    let point = |i: i32| {
        let share = f64::from(i) / f64::from(steps);
        let bend = share * (2.0 - share);
        [
            root[0] + along[0] * share,
            root[1] + (tip[1] - root[1]) * bend,
            root[2] + along[2] * share,
        ]
    };
    let width = |i: i32| {
        let share = f64::from(i) / f64::from(steps);
        broad
            * (0.15 + 3.4 * share * share * (1.0 - share) * 1.9).min(1.0)
            * (1.0 - 0.9 * f64::from(i32::from(i == steps)))
    };
    let sections: Vec<Vec<Vector>> = (0..=steps)
        .map(|i| {
            let shift = times(side, width(i));
            vec![
                add(point(i), shift),
                add(point(i), [0.0, 0.012, 0.0]),
                add(point(i), times(shift, -1.0)),
                add(point(i), [0.0, -0.012, 0.0]),
            ]
        })
        .collect();
    solid.loft(&sections, leaf);
    solid.limb(
        add(point(1), [0.0, 0.012, 0.0]),
        add(point(steps - 1), [0.0, 0.012, 0.0]),
        0.012,
        0.006,
        Material::plain(vein),
    );
}

/// 0/1 casing above, 2/3 casing below, 4/5 screen above, 6/7 screen below, 8/9 foot, 10/11 casing
/// above, behind, 12 power lamp.
pub(super) fn tv_monitor(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let (wide, high) = (random.range(0.65, 1.0), random.range(0.45, 0.62));
    let tube = random.chance(0.35);
    let deep = if tube { random.range(0.3, 0.5) } else { random.range(0.05, 0.1) };
    let case = Material {
        shine: 0.3,
        ..Material::plain(if random.chance(0.65) {
            grey(random.range(0.08, 0.35))
        } else {
            hue(0.1, 0.15, random.range(0.6, 0.85))
        })
    };
    let stand = if tube { 0.08 } else { random.range(0.15, 0.35) };
    let middle = stand + high;
    solid.block([-deep * 0.3, middle, 0.0], [deep * 0.7, high, wide], [1.0, 1.0], case);
    if tube {
        let back = |x: f64, size: f64| -> Vec<Vector> {
            [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]]
                .map(|[y, z]| [x, middle + y * high * size, z * wide * size])
                .to_vec()
        };
        solid.loft_flat(&[back(-deep, 0.95), back(-deep * 1.9, 0.6)], case);
    }
    let front = deep * 0.4;
    let edge = random.range(0.05, 0.13);
    let (x, z, y) =
        (front + 0.012, wide - edge, [middle - high + edge * 1.3, middle + high - edge]);
    let sky = hue(random.range(0.5, 0.65), random.range(0.4, 0.8), 0.9);
    let second = hue(random.unit(), 0.55, random.range(0.5, 0.95));
    let share = random.range(0.3, 0.6) as f32;
    let show = random.pick(&[
        Texture::Bands { count: 1.0, share, second },
        Texture::Patches { scale: 4.0, share, second },
        Texture::Panes { columns: 4.0, rows: 3.0, from: 0.05, to: 0.95, second },
        Texture::Plain,
    ]);
    let screen = Material { shine: 0.5, ..Material::plain(sky) }.with(show);
    let screen = if random.chance(0.3) { Material { shine: 0.9, ..GLASS } } else { screen };
    solid.sheet([[x, y[0], z], [x, y[0], -z], [x, y[1], -z], [x, y[1], z]], screen);
    for (a, b) in [
        ([x, y[0], z], [x, y[0], -z]),
        ([x, y[1], z], [x, y[1], -z]),
        ([x, y[0], z], [x, y[1], z]),
        ([x, y[0], -z], [x, y[1], -z]),
    ] {
        solid.limb(a, b, 0.016, 0.016, Material::plain(case.colour.map(|c| c * 0.5 + 0.2)));
    }
    let lamp = [x, middle - high + edge * 0.55, -wide + edge * 1.2];
    solid.ball(lamp, [0.02, 0.022, 0.022], Material::glossy([0.2, 0.9, 0.3]));
    let foot = wide * random.range(0.35, 0.6);
    solid.block([-deep * 0.3, 0.03, 0.0], [0.2, 0.03, foot], [0.9, 0.95], case);
    solid.block(
        [-deep * 0.3, stand * 0.5, 0.0],
        [0.05, stand * 0.5 + 0.02, 0.12],
        [1.0, 0.8],
        case,
    );
    solid.keypoint_both(0, 1, [front, middle + high, wide], None);
    solid.keypoint_both(2, 3, [front, middle - high, wide], None);
    solid.keypoint_both(4, 5, [x, y[1], z], Some(FORWARD));
    solid.keypoint_both(6, 7, [x, y[0], z], Some(FORWARD));
    solid.keypoint_both(8, 9, [-deep * 0.3 + 0.2, 0.03, foot], None);
    solid.keypoint_both(10, 11, [-deep, middle + high, wide], None);
    solid.keypoint_facing(12, lamp, FORWARD);
    solid
}
