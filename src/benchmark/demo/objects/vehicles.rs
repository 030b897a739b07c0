//! Bus, car and train.

use super::super::random::Random;
use super::super::solid::{Material, Solid, Texture, Vector};
use super::parts::{GLASS, STEEL, grey, hue, paint, wheel};

const FORWARD: Vector = [1.0, 0.0, 0.0];
const BACKWARD: Vector = [-1.0, 0.0, 0.0];
const LEFT: Vector = [0.0, 0.0, 1.0];

/// A side view extruded across, its edges rounded off by `bevel` of its size.
fn extruded(solid: &mut Solid, side: &[[f64; 2]], half: f64, bevel: f64, material: Material) {
    let count = side.len() as f64;
    let middle = side.iter().fold([0.0; 2], |m, p| [m[0] + p[0] / count, m[1] + p[1] / count]);
    let section = |z: f64, size: f64| -> Vec<Vector> {
        side.iter()
            .map(|p| {
                [middle[0] + (p[0] - middle[0]) * size, middle[1] + (p[1] - middle[1]) * size, z]
            })
            .collect()
    };
    let inner = half * (1.0 - bevel * 1.5);
    solid.loft_flat(
        &[
            section(-half, 1.0 - bevel),
            section(-inner, 1.0),
            section(inner, 1.0),
            section(half, 1.0 - bevel),
        ],
        material,
    );
}

/// 0-3 wheels (front left and right, rear left and right), 4-7 lamps likewise, 8-11 roof corners
/// likewise, 12/13 windscreen below, 14/15 rear window below, 16/17 mirrors, 18/19 number plates.
pub(super) fn car(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let body = Material::glossy(paint(random));
    let (long, wide) = (random.range(0.92, 1.08), random.range(0.36, 0.44));
    let (belt, roof) = (random.range(0.36, 0.44), random.range(0.66, 0.86));
    let radius = random.range(0.16, 0.21);
    let bonnet = random.range(0.25, 0.45);
    let boot = random.range(-0.95, -0.6);
    let (front, rear) = (long * 0.62, -long * 0.62);
    let nose = belt - random.range(0.03, 0.1);
    let side = [
        [long, radius * 0.7],
        [long * 1.02, nose * 0.8],
        [long * 0.96, nose],
        [bonnet, belt],
        [boot * long, belt * 1.02],
        [-long, belt * 0.94],
        [-long * 1.01, radius * 0.7],
    ];
    extruded(&mut solid, &side, wide, 0.06, body);
    let (roof_front, roof_rear) =
        (bonnet - random.range(0.22, 0.34), boot * long + random.range(0.1, 0.3));
    let cabin = |x: f64, y: f64, z: f64| -> Vec<Vector> { vec![[x, y, z], [x, y, -z]] };
    let ring = |front: f64, rear: f64, y: f64, z: f64| -> Vec<Vector> {
        let (f, r) = (cabin(front, y, z), cabin(rear, y, z));
        vec![f[0], f[1], r[1], r[0]]
    };
    let (low, high) = (wide * 0.92, wide * 0.72);
    solid.loft_flat(
        &[
            ring(bonnet - 0.02, boot * long + 0.04, belt, low),
            ring(roof_front, roof_rear, roof, high),
            ring(roof_front - 0.04, roof_rear + 0.04, roof + 0.03, high * 0.9),
        ],
        body,
    );
    glaze(
        &mut solid,
        [bonnet - 0.02, roof_front],
        [boot * long + 0.04, roof_rear],
        [belt, roof],
        [low, high],
    );
    let rim = if random.chance(0.5) { STEEL } else { Material::plain(grey(0.35)) };
    for (x, ids) in [(front, [0, 1]), (rear, [2, 3])] {
        for z in [wide * 0.93, -wide * 0.93] {
            wheel(&mut solid, [x, radius, z], radius, 0.05, rim);
        }
        solid.keypoint_both(ids[0], ids[1], [x, radius, wide * 0.93 + 0.06], Some(LEFT));
    }
    let lamp = nose * 0.82;
    for z in [wide * 0.75, -wide * 0.75] {
        solid.ball(
            [long * 0.99, lamp, z],
            [0.05, 0.05, 0.075],
            Material::glossy([0.98, 0.96, 0.82]),
        );
        solid.ball(
            [-long * 0.99, belt * 0.78, z],
            [0.04, 0.06, 0.06],
            Material::glossy([0.85, 0.1, 0.1]),
        );
        solid.ball([bonnet - 0.1, belt + 0.06, z * 1.38], [0.05, 0.04, 0.05], body);
    }
    solid.block(
        [long, lamp * 0.62, 0.0],
        [0.03, 0.05, wide * 0.45],
        [1.0, 1.0],
        Material::plain(grey(0.2)),
    );
    solid.block(
        [long + 0.02, lamp * 0.62, 0.0],
        [0.02, 0.03, 0.11],
        [1.0, 1.0],
        Material::plain(grey(0.95)),
    );
    solid.block(
        [-long - 0.01, belt * 0.6, 0.0],
        [0.02, 0.035, 0.11],
        [1.0, 1.0],
        Material::plain([0.95, 0.85, 0.4]),
    );
    solid.keypoint_both(4, 5, [long * 1.03, lamp, wide * 0.75], None);
    solid.keypoint_both(6, 7, [-long * 1.03, belt * 0.78, wide * 0.75], None);
    solid.keypoint_both(8, 9, [roof_front, roof, high], None);
    solid.keypoint_both(10, 11, [roof_rear, roof, high], None);
    solid.keypoint_both(12, 13, [bonnet - 0.02, belt, low], None);
    solid.keypoint_both(14, 15, [boot * long + 0.04, belt, low], None);
    solid.keypoint_both(16, 17, [bonnet - 0.1, belt + 0.07, wide * 1.04], None);
    solid.keypoint_facing(18, [long + 0.05, lamp * 0.62, 0.0], FORWARD);
    solid.keypoint_facing(19, [-long - 0.04, belt * 0.6, 0.0], BACKWARD);
    solid
}

/// Windows of a cabin: slightly outside its four walls. Pairs are (below, above).
fn glaze(solid: &mut Solid, front: [f64; 2], rear: [f64; 2], y: [f64; 2], z: [f64; 2]) {
    let mix = |pair: [f64; 2], share: f64| pair[0] + (pair[1] - pair[0]) * share;
    let (low, high) = (0.12, 0.88);
    let out = 0.012;
    for (x, sign) in [(front, 1.0), (rear, -1.0)] {
        let at = |share: f64, side: f64| {
            [mix(x, share) + sign * out, mix(y, share) + out, side * mix(z, share) * 0.88]
        };
        solid.sheet([at(low, 1.0), at(low, -1.0), at(high, -1.0), at(high, 1.0)], GLASS);
    }
    for side in [1.0, -1.0] {
        let at = |along: f64, share: f64| {
            let x = mix(rear, share) + (mix(front, share) - mix(rear, share)) * along;
            [x, mix(y, share), side * (mix(z, share) + out)]
        };
        for (from, to) in [(0.07, 0.46), (0.53, 0.93)] {
            solid.sheet([at(from, low), at(to, low), at(to, high), at(from, high)], GLASS);
        }
    }
}

/// 0-3 wheels, 4-7 corners of the roof, 8-11 corners of the floor (front left and right, rear left
/// and right each), 12-15 windscreen (above left and right, below left and right), 16/17 headlamps,
/// 18/19 tail lamps.
pub(super) fn bus(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let (long, wide) = (random.range(0.85, 1.15), random.range(0.28, 0.34));
    let (floor, roof) = (0.12, random.range(0.72, 1.0));
    let decks = if roof > 0.9 { 2.0 } else { 1.0 };
    let coat = paint(random);
    let body = Material::glossy(coat);
    let middle = (floor + roof) / 2.0;
    solid.block([0.0, middle, 0.0], [long, (roof - floor) / 2.0, wide], [0.99, 0.95], body);
    let columns = (5.0 + random.below(4) as f64) as f32;
    let panes = |columns: f32| Texture::Panes {
        columns,
        rows: decks as f32,
        from: 0.4,
        to: 0.92,
        second: [0.2, 0.3, 0.4],
    };
    let second = paint(random);
    for side in [1.0, -1.0] {
        let z = |share: f64| side * (wide * (1.0 - 0.05 * share) + 0.008);
        let (y0, y1) = (floor + 0.02, roof - 0.03);
        solid.sheet(
            [
                [-long * 0.98, y0, z(0.0)],
                [long * 0.98, y0, z(0.0)],
                [long * 0.97, y1, z(1.0)],
                [-long * 0.97, y1, z(1.0)],
            ],
            body.with(panes(columns)),
        );
        solid.sheet(
            [
                [-long, 0.26, z(0.1) * 1.01],
                [long, 0.26, z(0.1) * 1.01],
                [long, 0.33, z(0.1) * 1.01],
                [-long, 0.33, z(0.1) * 1.01],
            ],
            Material::plain(second),
        );
    }
    let (low, high) = (floor + (roof - floor) * 0.42, roof - 0.1);
    for x in [long + 0.01, -long - 0.01] {
        let glass = wide * 0.86;
        solid
            .sheet([[x, low, glass], [x, low, -glass], [x, high, -glass], [x, high, glass]], GLASS);
    }
    solid.block(
        [long + 0.01, roof - 0.05, 0.0],
        [0.012, 0.03, wide * 0.6],
        [1.0, 1.0],
        Material::plain([0.1, 0.1, 0.1]).with(Texture::Stripes {
            count: 3.0,
            share: 0.5,
            second: [1.0, 0.7, 0.1],
        }),
    );
    let lamp = floor + 0.1;
    for z in [wide * 0.78, -wide * 0.78] {
        solid.ball([long, lamp, z], [0.03, 0.045, 0.05], Material::glossy([1.0, 0.97, 0.85]));
        solid.ball([-long, lamp, z], [0.03, 0.06, 0.035], Material::glossy([0.85, 0.1, 0.1]));
    }
    let radius = 0.14;
    for (x, ids) in [(long * 0.62, [0, 1]), (-long * 0.6, [2, 3])] {
        for z in [wide * 0.93, -wide * 0.93] {
            wheel(&mut solid, [x, radius, z], radius, 0.05, STEEL);
        }
        solid.keypoint_both(ids[0], ids[1], [x, radius, wide * 0.93 + 0.06], Some(LEFT));
    }
    solid.keypoint_both(4, 5, [long * 0.99, roof, wide * 0.95], None);
    solid.keypoint_both(6, 7, [-long * 0.99, roof, wide * 0.95], None);
    solid.keypoint_both(8, 9, [long, floor, wide], None);
    solid.keypoint_both(10, 11, [-long, floor, wide], None);
    solid.keypoint_both(12, 13, [long + 0.01, high, wide * 0.86], Some(FORWARD));
    solid.keypoint_both(14, 15, [long + 0.01, low, wide * 0.86], Some(FORWARD));
    solid.keypoint_both(16, 17, [long + 0.03, lamp, wide * 0.78], Some(FORWARD));
    solid.keypoint_both(18, 19, [-long - 0.03, lamp, wide * 0.78], Some(BACKWARD));
    solid
}

/// 0/1 roof in front, 2/3 roof behind, 4/5 floor in front, 6/7 floor behind, 8/9 windscreen above,
/// 10/11 windscreen below, 12/13 lamps, 14 nose, 15/16 joint of the cars above.
pub(super) fn train(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let (wide, roof) = (random.range(0.2, 0.26), random.range(0.55, 0.66));
    let floor = 0.12;
    let (front, rear) = (random.range(0.75, 0.95), -random.range(1.1, 1.5));
    let nose = front + random.range(0.05, 0.4);
    let body = Material::glossy(paint(random));
    let second = paint(random);
    let joint = (front + rear) / 2.0 + random.range(-0.1, 0.1);
    let section = |x: f64, top: f64, z: f64| -> Vec<Vector> {
        let edge = top - 0.08;
        vec![
            [x, floor, z],
            [x, edge, z],
            [x, top, z * 0.7],
            [x, top, -z * 0.7],
            [x, edge, -z],
            [x, floor, -z],
        ]
    };
    for (from, to) in [(joint + 0.03, front), (rear, joint - 0.03)] {
        solid.loft_flat(&[section(from, roof, wide), section(to, roof, wide)], body);
        for side in [1.0, -1.0] {
            let z = side * (wide + 0.008);
            let panes = Texture::Panes {
                columns: 5.0,
                rows: 1.0,
                from: 0.5,
                to: 0.88,
                second: [0.15, 0.2, 0.28],
            };
            let y = [floor + 0.02, roof - 0.09];
            solid.sheet(
                [[from, y[0], z], [to, y[0], z], [to, y[1], z], [from, y[1], z]],
                body.with(panes),
            );
            let z = z * 1.02;
            solid.sheet(
                [[from, 0.2, z], [to, 0.2, z], [to, 0.27, z], [from, 0.27, z]],
                Material::plain(second),
            );
        }
    }
    solid.block(
        [joint, 0.34, 0.0],
        [0.05, 0.18, wide * 0.7],
        [1.0, 1.0],
        Material::plain(grey(0.15)),
    );
    let cab = roof * 0.55;
    solid.loft_flat(
        &[
            section(front, roof, wide),
            section((front + nose) / 2.0, roof * 0.93, wide * 0.95),
            section(nose, cab, wide * 0.8),
        ],
        Material::glossy(second),
    );
    let upper = [(front + nose) / 2.0 + 0.012, roof * 0.93 - 0.01, wide * 0.6];
    let lower = [nose + 0.012, cab + 0.01, wide * 0.62];
    let mirrored = |v: Vector| [v[0], v[1], -v[2]];
    solid.sheet([upper, mirrored(upper), mirrored(lower), lower], GLASS);
    for z in [wide * 0.55, -wide * 0.55] {
        solid.ball([nose, floor + 0.1, z], [0.03, 0.04, 0.05], Material::glossy([1.0, 0.97, 0.8]));
    }
    for x in [0.9, 0.65, 0.3, 0.1, -0.15, -0.4, -0.75, -1.0] {
        for z in [wide * 0.85, -wide * 0.85] {
            wheel(&mut solid, [x, 0.08, z], 0.08, 0.02, Material::plain(grey(0.4)));
        }
    }
    solid.block(
        [front - 0.5, roof + 0.06, 0.0],
        [0.12, 0.05, wide * 0.4],
        [0.6, 1.0],
        Material::plain(hue(0.0, 0.0, 0.3)),
    );
    solid.keypoint_both(0, 1, [front, roof, wide * 0.7], None);
    solid.keypoint_both(2, 3, [rear, roof, wide * 0.7], None);
    solid.keypoint_both(4, 5, [nose, floor, wide * 0.8], None);
    solid.keypoint_both(6, 7, [rear, floor, wide], None);
    solid.keypoint_both(8, 9, upper, None);
    solid.keypoint_both(10, 11, lower, None);
    solid.keypoint_both(12, 13, [nose + 0.03, floor + 0.1, wide * 0.55], Some(FORWARD));
    solid.keypoint_facing(14, [nose + 0.01, cab * 0.72, 0.0], FORWARD);
    solid.keypoint_both(15, 16, [joint, roof, wide * 0.7], None);
    solid
}
