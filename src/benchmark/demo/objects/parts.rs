//! Colours, materials and shapes that several categories are made of.

use super::super::random::Random;
use super::super::solid::{Material, Paint, Solid, Texture, Vector, circle};

/// A colour by hue (turns), saturation and value.
pub(crate) fn hue(hue: f64, saturation: f64, value: f64) -> Paint {
    let channel = |shift: f64| {
        let position = (hue + shift) * 6.0;
        let position = position - (position / 6.0).floor() * 6.0;
        let share = ((position - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        (value * (1.0 - saturation * (1.0 - share))) as f32
    };
    [channel(0.0), channel(2.0 / 3.0), channel(1.0 / 3.0)]
}

/// A strong colour.
pub(crate) fn paint(random: &mut Random) -> Paint {
    if random.chance(0.25) {
        return grey(random.range(0.25, 0.92));
    }
    hue(random.unit(), random.range(0.45, 0.85), random.range(0.5, 0.95))
}

pub(crate) fn grey(value: f64) -> Paint {
    [value as f32, value as f32, (value * 1.02).min(1.0) as f32]
}

pub(crate) const RUBBER: Material =
    Material { colour: [0.1, 0.1, 0.11], texture: Texture::Plain, shine: 0.1 };
pub(crate) const STEEL: Material =
    Material { colour: [0.7, 0.72, 0.75], texture: Texture::Plain, shine: 0.8 };
pub(crate) const GLASS: Material =
    Material { colour: [0.3, 0.42, 0.52], texture: Texture::Plain, shine: 0.9 };

/// A body along x: sections (x, height of the centre, half height, half width).
pub(crate) fn hull(solid: &mut Solid, sections: &[[f64; 4]], material: Material) {
    let rings: Vec<Vec<Vector>> = sections
        .iter()
        .map(|&[x, y, high, wide]| circle([x, y, 0.0], [0.0, high, 0.0], [0.0, 0.0, wide]))
        .collect();
    solid.loft(&rings, material);
}

/// A tyre with rim and hub, its axle along z.
pub(crate) fn wheel(solid: &mut Solid, at: Vector, radius: f64, width: f64, rim: Material) {
    let shift = |z: f64| [at[0], at[1], at[2] + z];
    solid.limb(shift(-width), shift(width), radius, radius, RUBBER);
    solid.limb(shift(-width * 1.08), shift(width * 1.08), radius * 0.62, radius * 0.62, rim);
    solid.limb(shift(-width * 1.2), shift(width * 1.2), radius * 0.2, radius * 0.2, STEEL);
}
