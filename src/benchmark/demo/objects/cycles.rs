//! Bicycle and motorbike.

use super::super::random::{Random, sine_cosine};
use super::super::solid::{Material, Solid, Texture, Vector, add, between};
use super::parts::{RUBBER, STEEL, grey, hue, paint};
use std::f64::consts::TAU;

const AXLE: Vector = [0.0, 0.0, 1.0];

/// A thin wheel with spokes.
fn spoked(solid: &mut Solid, at: Vector, radius: f64, spokes: usize, turn: f64) {
    solid.ring(at, AXLE, radius, 0.028, RUBBER);
    solid.ring(at, AXLE, radius - 0.035, 0.012, STEEL);
    for i in 0..spokes {
        let (sine, cosine) = sine_cosine(TAU * (i as f64 + turn) / spokes as f64);
        let end = add(at, [cosine * radius, sine * radius, 0.0]);
        solid.limb(at, end, 0.007, 0.006, STEEL);
    }
    solid.limb(add(at, [0.0, 0.0, -0.06]), add(at, [0.0, 0.0, 0.06]), 0.03, 0.03, STEEL);
}

/// 0 front hub, 1 rear hub, 2/3 handlebar ends, 4 head of the frame, 5 saddle in front, 6 saddle
/// behind, 7 bottom bracket, 8/9 pedals, 10/11 top of the wheels (front, rear), 12/13 where they
/// touch the ground, 14 foremost and 15 rearmost point.
pub(super) fn bicycle(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let radius = random.range(0.34, 0.42);
    let base = random.range(0.5, 0.62);
    let (front, rear) = ([base, radius, 0.0], [-base, radius, 0.0]);
    let frame = Material::glossy(paint(random));
    let tube = random.range(0.022, 0.034);
    for at in [front, rear] {
        let (spokes, turn) = (10, random.unit());
        spoked(&mut solid, at, radius, spokes, turn);
    }
    let bracket = [-random.range(0.05, 0.12), radius * 0.9, 0.0];
    let head = [base - random.range(0.16, 0.22), radius + random.range(0.4, 0.5), 0.0];
    let head_low = between(head, front, 0.3);
    let seat = [bracket[0] - random.range(0.1, 0.16), radius + random.range(0.36, 0.46), 0.0];
    let saddle = add(seat, [-0.03, random.range(0.1, 0.18), 0.0]);
    let sloping = random.range(0.05, 0.45);
    let top = between(seat, bracket, sloping);
    for (a, b) in [(head_low, bracket), (head, top), (seat, bracket)] {
        solid.limb(a, b, tube, tube, frame);
    }
    for z in [0.045, -0.045] {
        let side = [0.0, 0.0, z];
        solid.limb(bracket, add(rear, side), tube * 0.6, tube * 0.5, frame);
        solid.limb(top, add(rear, side), tube * 0.6, tube * 0.5, frame);
        solid.limb(head_low, add(front, side), tube * 0.8, tube * 0.5, frame);
    }
    solid.limb(head_low, head, tube * 1.2, tube * 1.2, frame);
    solid.limb(seat, saddle, tube * 0.7, tube * 0.7, STEEL);
    let leather = Material::plain(hue(random.range(0.03, 0.1), 0.5, random.range(0.1, 0.4)));
    let (nose, back) = (add(saddle, [0.15, 0.02, 0.0]), add(saddle, [-0.12, 0.035, 0.0]));
    super::parts::hull(
        &mut solid,
        &[
            [back[0], back[1], 0.01, 0.04],
            [back[0] + 0.04, back[1], 0.04, 0.085],
            [saddle[0] + 0.04, saddle[1] + 0.02, 0.035, 0.04],
            [nose[0], nose[1], 0.015, 0.015],
        ],
        leather,
    );
    let stem = add(head, [0.03, random.range(0.1, 0.18), 0.0]);
    let sweep = random.range(-0.12, 0.08);
    let grip = add(stem, [sweep, random.range(-0.04, 0.06), random.range(0.22, 0.3)]);
    solid.limb(head, stem, tube * 0.8, tube * 0.8, STEEL);
    for z in [1.0, -1.0] {
        let end = [grip[0], grip[1], grip[2] * z];
        let inner = between(stem, end, 0.6);
        solid.limb(stem, inner, 0.018, 0.018, STEEL);
        solid.limb(inner, end, 0.03, 0.03, leather);
    }
    solid.ring(add(bracket, [0.0, 0.0, -0.05]), AXLE, 0.085, 0.012, Material::plain(grey(0.3)));
    let (sine, cosine) = sine_cosine(random.range(0.0, TAU));
    let crank = [cosine * 0.16, sine * 0.16, 0.0];
    for (z, sign) in [(0.08, 1.0), (-0.08, -1.0)] {
        let end = add(bracket, [crank[0] * sign, crank[1] * sign, z]);
        solid.limb(add(bracket, [0.0, 0.0, z]), end, 0.016, 0.016, STEEL);
        solid.block(add(end, [0.0, 0.0, z * 0.6]), [0.06, 0.015, 0.045], [1.0, 1.0], RUBBER);
        solid.keypoint(if z > 0.0 { 8 } else { 9 }, add(end, [0.0, 0.0, z * 0.6]));
    }
    solid.keypoint(0, front);
    solid.keypoint(1, rear);
    solid.keypoint_both(2, 3, grip, None);
    solid.keypoint(4, head);
    solid.keypoint(5, nose);
    solid.keypoint(6, back);
    solid.keypoint(7, bracket);
    solid.keypoint(10, add(front, [0.0, radius, 0.0]));
    solid.keypoint(11, add(rear, [0.0, radius, 0.0]));
    solid.keypoint(12, add(front, [0.0, -radius, 0.0]));
    solid.keypoint(13, add(rear, [0.0, -radius, 0.0]));
    solid.keypoint(14, add(front, [radius, 0.0, 0.0]));
    solid.keypoint(15, add(rear, [-radius, 0.0, 0.0]));
    solid
}

/// 0 front hub, 1 rear hub, 2/3 handlebar ends, 4 headlamp, 5 tank, 6 seat in front, 7 end of the
/// seat, 8 tail lamp, 9 engine, 10/11 exhaust and its end, 12/13 top of the wheels, 14/15 where they
/// touch the ground.
pub(super) fn motorbike(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let radius = random.range(0.3, 0.36);
    let base = random.range(0.58, 0.7);
    let (front, rear) = ([base, radius, 0.0], [-base, radius, 0.0]);
    let body = Material::glossy(paint(random));
    for at in [front, rear] {
        solid.ring(at, AXLE, radius - 0.06, 0.065, RUBBER);
        let spokes = 5;
        for i in 0..spokes {
            let (sine, cosine) = sine_cosine(TAU * f64::from(i) / f64::from(spokes));
            let end = add(at, [cosine * (radius - 0.08), sine * (radius - 0.08), 0.0]);
            solid.limb(at, end, 0.025, 0.02, STEEL);
        }
        solid.limb(add(at, [0.0, 0.0, -0.07]), add(at, [0.0, 0.0, 0.07]), 0.06, 0.06, STEEL);
    }
    let head = [base - random.range(0.2, 0.3), radius + random.range(0.42, 0.5), 0.0];
    let tank = [head[0] - 0.25, head[1] + 0.0, 0.0];
    let seat = [tank[0] - 0.26, tank[1] - 0.06, 0.0];
    let tail = [-base - random.range(0.0, 0.12), seat[1] + random.range(-0.02, 0.12), 0.0];
    for z in [0.1, -0.1] {
        let side = [0.0, 0.0, z];
        solid.limb(add(front, side), add(head, side), 0.03, 0.035, STEEL);
        solid.limb(add(rear, side), [-0.1, radius, z], 0.03, 0.04, Material::plain(grey(0.3)));
        solid.limb(add(rear, side), add(seat, [-0.15, -0.04, z]), 0.025, 0.025, STEEL);
    }
    solid.limb(head, [0.0, radius + 0.1, 0.0], 0.05, 0.05, Material::plain(grey(0.25)));
    solid.block(
        [-0.02, radius + 0.05, 0.0],
        [0.2, 0.16, 0.13],
        [0.8, 0.8],
        Material::plain(grey(0.45)).with(Texture::Bands {
            count: 7.0,
            share: 0.4,
            second: grey(0.2),
        }),
    );
    super::parts::hull(
        &mut solid,
        &[
            [tank[0] - 0.22, tank[1] - 0.02, 0.04, 0.06],
            [tank[0] - 0.12, tank[1], 0.1, 0.12],
            [tank[0] + 0.08, tank[1] + 0.04, 0.13, 0.15],
            [tank[0] + 0.2, tank[1] + 0.02, 0.07, 0.08],
        ],
        body,
    );
    super::parts::hull(
        &mut solid,
        &[
            [tail[0], tail[1] + 0.02, 0.02, 0.05],
            [tail[0] + 0.15, tail[1], 0.06, 0.1],
            [seat[0] - 0.02, seat[1], 0.06, 0.13],
            [seat[0] + 0.1, seat[1] + 0.03, 0.05, 0.09],
        ],
        Material::plain(grey(random.range(0.08, 0.3))),
    );
    for (at, back) in [(front, 0.1), (rear, 0.25)] {
        let arc: Vec<(Vector, f64)> = (0..5)
            .map(|i| {
                let (sine, cosine) = sine_cosine(0.9 + back + 0.35 * f64::from(i));
                (add(at, [cosine * (radius + 0.05), sine * (radius + 0.05), 0.0]), 0.05)
            })
            .collect();
        solid.limbs(&arc, body);
    }
    let lamp = add(head, [0.12, 0.02, 0.0]);
    solid.ball(lamp, [0.08, 0.09, 0.09], Material::glossy([1.0, 0.98, 0.85]));
    solid.ball(tail, [0.04, 0.04, 0.06], Material::glossy([0.85, 0.08, 0.08]));
    let rise = random.range(0.08, 0.22);
    let grip = add(head, [-random.range(0.05, 0.16), rise, random.range(0.26, 0.32)]);
    for z in [1.0, -1.0] {
        let end = [grip[0], grip[1], grip[2] * z];
        let bend = [head[0], head[1] + rise, 0.12 * z];
        solid.limbs(&[(head, 0.022), (bend, 0.022), (end, 0.03)], STEEL);
        solid.limb(between(bend, end, 0.4), end, 0.035, 0.035, RUBBER);
    }
    let (pipe, end) = ([0.05, radius * 0.7, 0.14], [-base - 0.05, radius * 0.85, 0.17]);
    solid.limb(pipe, between(pipe, end, 0.5), 0.03, 0.03, STEEL);
    solid.limb(between(pipe, end, 0.5), end, 0.05, 0.06, STEEL);
    solid.keypoint(0, front);
    solid.keypoint(1, rear);
    solid.keypoint_both(2, 3, grip, None);
    solid.keypoint(4, add(lamp, [0.07, 0.0, 0.0]));
    solid.keypoint(5, add(tank, [0.08, 0.17, 0.0]));
    solid.keypoint(6, add(seat, [0.06, 0.06, 0.0]));
    solid.keypoint(7, add(tail, [0.08, 0.06, 0.0]));
    solid.keypoint(8, tail);
    solid.keypoint(9, [-0.02, radius + 0.05, 0.13]);
    solid.keypoint(10, pipe);
    solid.keypoint(11, end);
    solid.keypoint(12, add(front, [0.0, radius + 0.06, 0.0]));
    solid.keypoint(13, add(rear, [0.0, radius + 0.06, 0.0]));
    solid.keypoint(14, add(front, [0.0, -radius, 0.0]));
    solid.keypoint(15, add(rear, [0.0, -radius, 0.0]));
    solid
}
