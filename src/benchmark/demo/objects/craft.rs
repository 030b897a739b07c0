//! Aeroplane and boat.

use super::super::random::Random;
use super::super::solid::{Material, Solid, Texture, Vector, add, between};
use super::parts::{GLASS, STEEL, grey, hue, hull, paint};

/// 0 nose, 1/2 wing tips, 3/4 wing roots in front, 5/6 wing roots behind, 7 fin tip, 8 fin root,
/// 9/10 tailplane tips, 11 tail, 12/13 engine intakes, 14 cockpit window.
pub(super) fn aeroplane(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let radius = random.range(0.085, 0.13);
    let paintwork = paint(random);
    let base = if random.chance(0.6) { grey(0.93) } else { paint(random) };
    let second = hue(random.unit(), 0.75, 0.7);
    let body = Material::glossy(base);
    hull(
        &mut solid,
        &[
            [1.0, -radius * 0.2, radius * 0.03, radius * 0.03],
            [0.97, -radius * 0.18, radius * 0.38, radius * 0.38],
            [0.88, -radius * 0.1, radius * 0.75, radius * 0.75],
            [0.72, 0.0, radius, radius],
            [0.0, 0.0, radius, radius],
            [-0.45, 0.0, radius, radius],
            [-0.8, radius * 0.35, radius * 0.6, radius * 0.55],
            [-1.0, radius * 0.6, radius * 0.15, radius * 0.12],
        ],
        body.with(Texture::Stripes { count: 2.0, share: random.range(0.08, 0.2) as f32, second }),
    );
    for side in [1.0, -1.0] {
        let z = side * (radius + 0.004);
        let row = Texture::Panes {
            columns: 16.0,
            rows: 1.0,
            from: 0.0,
            to: 1.0,
            second: [0.12, 0.16, 0.25],
        };
        let y = [radius * 0.12, radius * 0.38];
        let at = |x: f64, y: f64| [x, y, z * (1.0 - 0.5 * y * y / (radius * radius))];
        solid.sheet(
            [at(-0.45, y[0]), at(0.62, y[0]), at(0.62, y[1]), at(-0.45, y[1])],
            body.with(row),
        );
    }
    let window = [0.87, radius * 0.5, 0.0];
    solid.ball(window, [0.06, radius * 0.28, radius * 0.5], GLASS);
    let span = random.range(0.75, 1.0);
    let sweep = random.range(0.15, 0.5);
    let chord = random.range(0.26, 0.36);
    let lift = random.range(0.0, 0.12);
    let root = [random.range(0.15, 0.3), -radius * 0.4, radius * 0.6];
    let root_rear = add(root, [-chord, 0.0, 0.0]);
    let tip = [root[0] - sweep, root[1] + lift, span];
    let tip_rear = add(tip, [-chord * random.range(0.25, 0.4), 0.0, 0.0]);
    let wing = Material::glossy(if random.chance(0.5) { base } else { grey(0.7) });
    let mirrored = |v: Vector| [v[0], v[1], -v[2]];
    let mirrored_all =
        |outline: &[Vector]| outline.iter().map(|&v| mirrored(v)).collect::<Vec<_>>();
    let outline = [root, tip, tip_rear, root_rear];
    solid.plate(&outline, [0.0, 0.03, 0.0], wing);
    solid.plate(&mirrored_all(&outline), [0.0, 0.03, 0.0], wing);
    for outline in [outline.to_vec(), mirrored_all(&outline)] {
        let strip = [
            between(outline[0], outline[1], 0.85),
            outline[1],
            outline[2],
            between(outline[3], outline[2], 0.85),
        ];
        solid.plate(&strip, [0.0, 0.036, 0.0], Material::glossy(second));
    }
    let high = random.range(0.32, 0.45);
    let fin = [
        [-0.62, radius * 0.7, 0.0],
        [-0.9, high, 0.0],
        [-1.04, high, 0.0],
        [-0.95, radius * 0.7, 0.0],
    ];
    solid.plate(
        &fin,
        [0.0, 0.0, 0.03],
        Material::glossy(paintwork).with(Texture::Bands { count: 1.0, share: 0.0, second }),
    );
    let badge = fin.map(|v| [v[0] * 0.5 - 0.45, v[1] * 0.45 + high * 0.36, 0.0]);
    solid.plate(&badge, [0.0, 0.0, 0.036], Material::glossy(second));
    let tail_span = random.range(0.3, 0.4);
    let height = if random.chance(0.25) { high * 0.9 } else { radius * 0.6 };
    let tail = [
        [-0.78, height, 0.02],
        [-0.98, height, tail_span],
        [-1.08, height, tail_span],
        [-0.98, height, 0.02],
    ];
    solid.plate(&tail, [0.0, 0.025, 0.0], wing);
    solid.plate(&mirrored_all(&tail), [0.0, 0.025, 0.0], wing);
    let engine = add(between(root, tip, 0.35), [0.1, -0.085, 0.0]);
    let girth = random.range(0.05, 0.075);
    let engines = if random.chance(0.3) { vec![0.35, 0.65] } else { vec![0.35] };
    for share in engines {
        for sign in [1.0, -1.0] {
            let front = add(between(root, tip, share), [0.1, -0.085, 0.0]);
            let front = [front[0], front[1], front[2] * sign];
            let back = add(front, [-0.26, 0.0, 0.0]);
            solid.limb(front, back, girth, girth * 0.7, Material::glossy(second));
            solid.ring(front, [1.0, 0.0, 0.0], girth, 0.012, STEEL);
            solid.limb(
                add(front, [0.005, 0.0, 0.0]),
                front,
                girth * 0.85,
                girth * 0.85,
                Material::plain([0.08, 0.08, 0.1]),
            );
        }
    }
    solid.keypoint(0, [1.0, -radius * 0.2, 0.0]);
    solid.keypoint_both(1, 2, between(tip, tip_rear, 0.3), None);
    solid.keypoint_both(3, 4, add(root, [0.0, 0.0, radius * 0.4]), None);
    solid.keypoint_both(5, 6, add(root_rear, [0.0, 0.0, radius * 0.4]), None);
    solid.keypoint(7, between(fin[1], fin[2], 0.5));
    solid.keypoint(8, [fin[0][0], radius, 0.0]);
    solid.keypoint_both(9, 10, between(tail[1], tail[2], 0.5), None);
    solid.keypoint(11, [-1.0, radius * 0.6, 0.0]);
    solid.keypoint_both(12, 13, add(engine, [0.01, 0.0, 0.0]), None);
    solid.keypoint(14, add(window, [0.045, radius * 0.15, 0.0]));
    solid
}

/// 0 bow above, 1 bow at the water, 2/3 stern above, 4/5 stern at the water, 6 masthead, 7 foot of
/// the mast, 8 end of the boom, 9 foot of the foresail, 10/11 cabin in front, 12/13 cabin behind,
/// 14/15 middle of the sides above.
pub(super) fn boat(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let (wide, deep) = (random.range(0.24, 0.34), random.range(0.2, 0.3));
    let long = random.range(0.75, 0.95);
    let sheer = random.range(0.05, 0.16);
    let coat = paint(random);
    let section = |x: f64, z: f64, low: f64, high: f64| -> Vec<Vector> {
        vec![
            [x, high, z],
            [x, (low + high) / 2.0, z * 0.95],
            [x, low, z * 0.6],
            [x, low, -z * 0.6],
            [x, (low + high) / 2.0, -z * 0.95],
            [x, high, -z],
        ]
    };
    let stern = wide * random.range(0.6, 0.85);
    let hull_paint = Material::glossy(coat).with(Texture::Stripes {
        count: 1.0,
        share: 0.17,
        second: [0.55, 0.42, 0.28],
    });
    solid.loft(
        &[
            section(-long, stern, 0.02, deep),
            section(-long * 0.3, wide, 0.0, deep * 0.95),
            section(long * 0.3, wide * 0.9, 0.0, deep),
            section(long * 0.75, wide * 0.4, 0.04, deep + sheer * 0.6),
            section(long, 0.015, deep * 0.45, deep + sheer),
        ],
        hull_paint,
    );
    let trim = Material::plain(if random.chance(0.5) { grey(0.96) } else { hue(0.08, 0.6, 0.45) });
    for side in [1.0, -1.0] {
        let rail = [
            ([-long, deep, stern * side], 0.022),
            ([-long * 0.3, deep * 0.97, wide * side], 0.022),
            ([long * 0.3, deep + 0.01, wide * 0.9 * side], 0.022),
            ([long * 0.75, deep + sheer * 0.6, wide * 0.4 * side], 0.022),
            ([long, deep + sheer, 0.0], 0.022),
        ];
        solid.limbs(&rail, trim);
    }
    let cabin = [random.range(-0.4, -0.25), deep + 0.09, 0.0];
    let half = [random.range(0.2, 0.28), random.range(0.1, 0.14), wide * 0.55];
    solid.block(cabin, half, [0.9, 0.85], Material::plain(grey(0.94)));
    for side in [1.0, -1.0] {
        let z = side * (half[2] * 0.94 + 0.01);
        let row = Texture::Panes {
            columns: 3.0,
            rows: 1.0,
            from: 0.1,
            to: 0.9,
            second: [0.15, 0.25, 0.35],
        };
        let (x, y) = (half[0] * 0.85, [cabin[1], cabin[1] + half[1] * 0.8]);
        solid.sheet(
            [
                [cabin[0] - x, y[0], z],
                [cabin[0] + x, y[0], z],
                [cabin[0] + x, y[1], z],
                [cabin[0] - x, y[1], z],
            ],
            Material::plain(grey(0.94)).with(row),
        );
    }
    let foot = [random.range(0.02, 0.15), deep, 0.0];
    let masthead = [foot[0], random.range(1.25, 1.6), 0.0];
    solid.limb(foot, masthead, 0.026, 0.016, Material::plain(hue(0.09, 0.5, 0.5)));
    let boom_height = deep + random.range(0.24, 0.32);
    let swing = random.range(-0.18, 0.18);
    let boom = [-long * random.range(0.75, 0.95), boom_height, swing];
    solid.limb(
        [foot[0], boom_height, 0.0],
        boom,
        0.02,
        0.018,
        Material::plain(hue(0.09, 0.5, 0.5)),
    );
    let cloth = Material::plain(if random.chance(0.6) { grey(0.95) } else { paint(random) });
    let second = paint(random);
    let count = (2 + random.below(4)) as f32;
    let clew = add(boom, [0.02, 0.03, 0.0]);
    let head = add(masthead, [-0.03, -0.05, 0.0]);
    let tack = [foot[0] - 0.03, boom_height + 0.03, 0.0];
    solid
        .sheet([tack, clew, head, head], cloth.with(Texture::Bands { count, share: 0.25, second }));
    let bow = [long * 0.93, deep + sheer, 0.0];
    let jib = [foot[0] + 0.04, deep + 0.16, -swing * 0.5];
    solid.sheet(
        [jib, bow, between(foot, masthead, 0.85), between(foot, masthead, 0.85)],
        Material::plain(second),
    );
    solid.sheet(
        [
            add(masthead, [0.0, 0.0, 0.0]),
            add(masthead, [-0.2, -0.03, 0.02]),
            add(masthead, [-0.2, -0.1, 0.02]),
            add(masthead, [0.0, -0.1, 0.0]),
        ],
        Material::plain(hue(random.unit(), 0.8, 0.8)),
    );
    solid.keypoint(0, [long, deep + sheer, 0.0]);
    solid.keypoint(1, [long * 0.97, deep * 0.45, 0.0]);
    solid.keypoint_both(2, 3, [-long, deep, stern], None);
    solid.keypoint_both(4, 5, [-long, 0.03, stern * 0.6], None);
    solid.keypoint(6, masthead);
    solid.keypoint(7, foot);
    solid.keypoint(8, boom);
    solid.keypoint(9, jib);
    let roof = [cabin[1] + half[1], half[2] * 0.85];
    solid.keypoint_both(10, 11, [cabin[0] + half[0] * 0.9, roof[0], roof[1]], None);
    solid.keypoint_both(12, 13, [cabin[0] - half[0] * 0.9, roof[0], roof[1]], None);
    solid.keypoint_both(14, 15, [0.0, deep, wide * 0.97], None);
    solid
}
