//! What is drawn: SPair-71k's eighteen categories, each object built anew from random proportions,
//! colours and patterns.

mod animals;
mod craft;
mod cycles;
mod household;
pub(super) mod parts;
mod vehicles;

use super::random::Random;
use super::solid::Solid;

/// How objects of a category are made and seen.
pub(super) struct Category {
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
pub(super) enum Surroundings {
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
pub(super) const CATEGORIES: [Category; 18] = [
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
pub(super) fn find(name: &str) -> Option<&'static Category> {
    CATEGORIES.iter().find(|category| category.name == name)
}
