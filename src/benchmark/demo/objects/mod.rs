//! What is drawn: SPair-71k's eighteen categories, each object built anew from random proportions,
//! colours and patterns.

mod animals;
mod craft;
mod cycles;
mod household;
mod vehicles;

use super::random::Random;
use super::solid::{Material, Paint, Solid, Texture, Vector};

/// How objects of a category are made and seen.
pub struct Category {
    /// The name in SPair-71k's files.
    pub name: &'static str,
    /// Makes one object.
    pub build: fn(&mut Random) -> Solid,
    /// How often each azimuth is seen, from azimuth_id 0 (frontal) on.
    pub azimuths: [f64; 8],
    /// Where it is found.
    pub setting: Surroundings,
    /// Whether it looks the same from all sides: then its azimuth is always 0, as SPair-71k's
    /// potted plants have it.
    pub round: bool,
}

/// Surroundings of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surroundings {
    /// In the sky.
    Air,
    /// On water.
    Water,
    /// On grass, sand or a street.
    Outdoors,
    /// In a room, now and then outside.
    Home,
}

/// Vehicles and animals are photographed from the side and obliquely, seldom from behind.
const OBLIQUE: [f64; 8] = [1.0, 2.5, 2.5, 1.0, 0.4, 1.0, 2.5, 2.5];
/// Furniture and people are photographed from the front.
const FRONTAL: [f64; 8] = [4.0, 3.0, 0.8, 0.3, 0.3, 0.3, 0.8, 3.0];
const ROUND: [f64; 8] = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

const fn category(
    name: &'static str,
    build: fn(&mut Random) -> Solid,
    azimuths: [f64; 8],
    setting: Surroundings,
) -> Category {
    Category { name, build, azimuths, setting, round: false }
}

/// All categories, in alphabetical order.
pub const CATEGORIES: [Category; 18] = [
    category("aeroplane", craft::aeroplane, OBLIQUE, Surroundings::Air),
    category("bicycle", cycles::bicycle, OBLIQUE, Surroundings::Outdoors),
    category("bird", animals::bird, OBLIQUE, Surroundings::Outdoors),
    category("boat", craft::boat, OBLIQUE, Surroundings::Water),
    Category { round: true, ..category("bottle", household::bottle, ROUND, Surroundings::Home) },
    category("bus", vehicles::bus, OBLIQUE, Surroundings::Outdoors),
    category("car", vehicles::car, OBLIQUE, Surroundings::Outdoors),
    category("cat", animals::cat, OBLIQUE, Surroundings::Home),
    category("chair", household::chair, FRONTAL, Surroundings::Home),
    category("cow", animals::cow, OBLIQUE, Surroundings::Outdoors),
    category("dog", animals::dog, OBLIQUE, Surroundings::Outdoors),
    category("horse", animals::horse, OBLIQUE, Surroundings::Outdoors),
    category("motorbike", cycles::motorbike, OBLIQUE, Surroundings::Outdoors),
    category("person", animals::person, FRONTAL, Surroundings::Home),
    Category {
        round: true,
        ..category("pottedplant", household::potted_plant, ROUND, Surroundings::Home)
    },
    category("sheep", animals::sheep, OBLIQUE, Surroundings::Outdoors),
    category("train", vehicles::train, OBLIQUE, Surroundings::Outdoors),
    category("tvmonitor", household::tv_monitor, FRONTAL, Surroundings::Home),
];

/// The category of that name.
pub fn find(name: &str) -> Option<&'static Category> {
    CATEGORIES.iter().find(|category| category.name == name)
}

/// A colour by hue (turns), saturation and value.
pub fn hue(hue: f64, saturation: f64, value: f64) -> Paint {
    let channel = |shift: f64| {
        let position = (hue + shift) * 6.0;
        let position = position - (position / 6.0).floor() * 6.0;
        let share = ((position - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        (value * (1.0 - saturation * (1.0 - share))) as f32
    };
    [channel(0.0), channel(2.0 / 3.0), channel(1.0 / 3.0)]
}

/// A strong colour.
pub fn paint(random: &mut Random) -> Paint {
    if random.chance(0.25) {
        return grey(random.range(0.25, 0.92));
    }
    hue(random.unit(), random.range(0.45, 0.85), random.range(0.5, 0.95))
}

pub fn grey(value: f64) -> Paint {
    [value as f32, value as f32, (value * 1.02).min(1.0) as f32]
}

pub const RUBBER: Material =
    Material { colour: [0.1, 0.1, 0.11], texture: Texture::Plain, shine: 0.1 };
pub const STEEL: Material =
    Material { colour: [0.7, 0.72, 0.75], texture: Texture::Plain, shine: 0.8 };
pub const GLASS: Material =
    Material { colour: [0.3, 0.42, 0.52], texture: Texture::Plain, shine: 0.9 };

/// A body along x: sections (x, height of the centre, half height, half width).
pub fn hull(solid: &mut Solid, sections: &[[f64; 4]], material: Material) {
    let rings: Vec<Vec<Vector>> = sections
        .iter()
        .map(|&[x, y, high, wide]| {
            super::solid::circle([x, y, 0.0], [0.0, high, 0.0], [0.0, 0.0, wide])
        })
        .collect();
    solid.loft(&rings, material);
}

/// A tyre with rim and hub, its axle along z.
pub fn wheel(solid: &mut Solid, at: Vector, radius: f64, width: f64, rim: Material) {
    let shift = |z: f64| [at[0], at[1], at[2] + z];
    solid.limb(shift(-width), shift(width), radius, radius, RUBBER);
    solid.limb(shift(-width * 1.08), shift(width * 1.08), radius * 0.62, radius * 0.62, rim);
    solid.limb(shift(-width * 1.2), shift(width * 1.2), radius * 0.2, radius * 0.2, STEEL);
}
