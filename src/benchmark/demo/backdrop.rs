//! What is behind, beside and in front of the object: scenery, clutter, distractors, occluders.

use super::camera::CameraView;
use super::canvas::{Canvas, Light, SAMPLES};
use super::objects::Surroundings;
use super::objects::parts::{grey, hue, paint};
use super::random::{Random, noise};
use super::solid::{Material, Paint, Solid, Texture};

/// A surface that fills a part of the picture.
#[derive(Debug, Clone, Copy)]
enum Fill {
    /// Sky with clouds.
    Sky { above: Paint, below: Paint, clouds: f32 },
    /// Rough ground: grass, sand, asphalt, water.
    Ground { colour: Paint, second: Paint, scale: f32, flat: f32 },
    /// Wallpaper or planks: stripes across and along.
    Pattern { colour: Paint, second: Paint, across: f32, along: f32, share: f32, offset: f32 },
    /// Blobs of several colours.
    Blobs { colours: [Paint; 3], scale: f32 },
}

/// Paints the scenery of an object whose lowest point is at height `foot` in pixels.
pub(super) fn paint_scenery(
    canvas: &mut Canvas,
    setting: Surroundings,
    foot: f64,
    light: &Light,
    random: &mut Random,
) {
    let height = canvas.height as f64 / SAMPLES as f64;
    let horizon = match setting {
        Surroundings::Air => height * random.range(0.75, 1.1),
        _ => (height * random.range(0.25, 0.65)).min(foot - 0.06 * height),
    }
    .max(1.0);
    let indoors = setting == Surroundings::Home && random.chance(0.75);
    let (upper, lower) = if indoors { indoor(random) } else { outdoor(setting, random) };
    let seed = random.bits();
    let line = horizon * SAMPLES as f64;
    let width = canvas.width;
    for (index, colour) in canvas.colours.iter_mut().enumerate() {
        let (x, y) = ((index % width) as f32, (index / width) as f32);
        let below = f64::from(y) >= line;
        let depth = (y - line as f32) / (canvas.height as f32 - line as f32).max(1.0);
        *colour = if below {
            fill(&lower, x, y, depth, seed)
        } else {
            fill(&upper, x, y, (y / line as f32).clamp(0.0, 1.0), seed ^ 1)
        };
    }
    let count = random.below(if indoors { 4 } else { 7 });
    for _ in 0..count {
        distractor(canvas, horizon, indoors, light, random);
    }
}

fn outdoor(setting: Surroundings, random: &mut Random) -> (Fill, Fill) {
    let sky = random.range(0.54, 0.62);
    let above = hue(sky, random.range(0.15, 0.65), random.range(0.6, 0.95));
    let below = hue(sky, random.range(0.05, 0.2), random.range(0.85, 1.0));
    let upper = match random.below(4) {
        0 => Fill::Blobs {
            colours: [hue(0.3, 0.5, 0.35), hue(0.26, 0.5, 0.55), hue(0.35, 0.4, 0.25)],
            scale: 1.0 / random.range(14.0, 40.0) as f32,
        },
        _ => Fill::Sky { above, below, clouds: random.range(0.0, 0.9) as f32 },
    };
    let (colour, second) = match setting {
        Surroundings::Water => (hue(0.57, 0.5, 0.55), hue(0.55, 0.3, 0.75)),
        _ => random.pick(&[
            (hue(0.28, 0.5, 0.5), hue(0.24, 0.5, 0.65)),
            (hue(0.1, 0.35, 0.8), hue(0.09, 0.4, 0.68)),
            (grey(0.45), grey(0.55)),
            (hue(0.07, 0.4, 0.42), hue(0.1, 0.35, 0.55)),
        ]),
    };
    let scale = 1.0 / random.range(4.0, 16.0) as f32;
    (upper, Fill::Ground { colour, second, scale, flat: random.range(2.0, 5.0) as f32 })
}

fn indoor(random: &mut Random) -> (Fill, Fill) {
    let wall = hue(random.unit(), random.range(0.05, 0.4), random.range(0.6, 0.95));
    let second = wall.map(|channel| (channel * random.range(0.75, 1.15) as f32).min(1.0));
    let samples = SAMPLES as f64;
    let upper = match random.below(3) {
        0 => Fill::Blobs {
            colours: [wall, second, wall],
            scale: 1.0 / random.range(30.0, 90.0) as f32,
        },
        _ => Fill::Pattern {
            colour: wall,
            second,
            across: (random.range(18.0, 60.0) * samples) as f32,
            along: if random.chance(0.5) {
                1e6
            } else {
                (random.range(18.0, 60.0) * samples) as f32
            },
            share: random.range(0.1, 0.5) as f32,
            offset: 0.0,
        },
    };
    let wood = hue(random.range(0.05, 0.1), random.range(0.3, 0.6), random.range(0.3, 0.7));
    let lower = Fill::Pattern {
        colour: wood,
        second: wood.map(|channel| channel * 0.7),
        across: (random.range(50.0, 140.0) * samples) as f32,
        along: (random.range(10.0, 26.0) * samples) as f32,
        share: 0.06,
        offset: 0.37,
    };
    (upper, lower)
}

fn fill(fill: &Fill, x: f32, y: f32, depth: f32, seed: u64) -> Paint {
    let blend = |a: Paint, b: Paint, share: f32| [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * share);
    let samples = SAMPLES as f32;
    match *fill {
        Fill::Sky { above, below, clouds } => {
            let sky = blend(above, below, depth);
            let cloud = noise(x / (90.0 * samples), y / (35.0 * samples), seed) * 0.6
                + noise(x / (35.0 * samples), y / (16.0 * samples), seed ^ 2) * 0.4;
            blend(sky, [0.98; 3], ((cloud - 0.5) * 3.0).clamp(0.0, 1.0) * clouds)
        }
        Fill::Ground { colour, second, scale, flat } => {
            let stretch = 1.0 + depth * flat;
            let (u, v) = (x / samples * scale / stretch, y / samples * scale * flat / stretch);
            let rough = noise(u, v, seed) * 0.6 + noise(u * 2.9, v * 2.9, seed ^ 3) * 0.4;
            blend(colour, second, rough).map(|channel| channel * (0.85 + 0.2 * depth))
        }
        Fill::Pattern { colour, second, across, along, share, offset } => {
            let row = (y / along).floor();
            let stripe = x / across + row * offset;
            let (u, v) = (stripe - stripe.floor(), y / along - row);
            let rough = noise(x / (2.5 * samples), y / (9.0 * samples), seed) * 0.08 - 0.04;
            let base = if u < share || v < share.min(0.12) { second } else { colour };
            base.map(|channel| channel * (1.0 + rough))
        }
        Fill::Blobs { colours, scale } => {
            let (u, v) = (x / samples * scale, y / samples * scale);
            let first = noise(u, v, seed) * 0.65 + noise(u * 3.1, v * 3.1, seed ^ 4) * 0.35;
            let second = noise(u + 17.0, v + 5.0, seed ^ 5);
            blend(blend(colours[0], colours[1], first), colours[2], second * 0.8)
        }
    }
}

/// Something far behind, standing on the horizon or hanging on the wall.
fn distractor(
    canvas: &mut Canvas,
    horizon: f64,
    indoors: bool,
    light: &Light,
    random: &mut Random,
) {
    let size = [canvas.width, canvas.height].map(|side| side as f64 / SAMPLES as f64);
    let x = random.range(-0.05, 1.05) * size[0];
    let mut solid = Solid::default();
    let (wide, high) = (random.range(0.05, 0.2) * size[0], random.range(0.08, 0.3) * size[1]);
    let pale = |colour: Paint| colour.map(|channel| channel * 0.6 + 0.3);
    let material = Material::plain(pale(paint(random)));
    if indoors {
        let second = pale(paint(random));
        solid.block([0.0, 1.0, 0.0], [0.03, 1.0, 1.0], [1.0, 1.0], material);
        let picture = Texture::Bands { count: 1.0, share: 0.45, second: pale(paint(random)) };
        solid.sheet(
            [[0.05, 0.2, 0.85], [0.05, 0.2, -0.85], [0.05, 1.8, -0.85], [0.05, 1.8, 0.85]],
            Material::plain(second).with(picture),
        );
    } else {
        match random.below(3) {
            0 => {
                let windows = Texture::Panes {
                    columns: (2 + random.below(4)) as f32,
                    rows: (2 + random.below(5)) as f32,
                    from: 0.05,
                    to: 0.95,
                    second: grey(random.range(0.3, 0.9)),
                };
                solid.block([0.0, 1.0, 0.0], [0.6, 1.0, 0.6], [1.0, 1.0], material.with(windows));
            }
            1 => {
                let leaves = hue(random.range(0.22, 0.4), 0.45, random.range(0.35, 0.6));
                let bark = Material::plain(hue(0.08, 0.4, 0.4));
                solid.limb([0.0; 3], [0.0, 1.0, 0.0], 0.08, 0.06, bark);
                for _ in 0..5 {
                    let at = [0.0, random.range(1.0, 1.7), random.range(-0.35, 0.35)];
                    let grain = Texture::Grain { scale: 9.0, strength: 0.3 };
                    solid.ball(at, [0.3, 0.32, 0.32], Material::plain(leaves).with(grain));
                }
            }
            _ => {
                let hill = hue(random.range(0.2, 0.4), 0.3, random.range(0.5, 0.7));
                let (high, wide) = (random.range(0.5, 1.0), random.range(1.2, 2.2));
                solid.lathe(
                    [0.0; 3],
                    &[(0.0, wide), (high * 0.6, wide * 0.6), (high, wide * 0.05)],
                    Material::plain(pale(hill)).with(Texture::Grain { scale: 6.0, strength: 0.2 }),
                );
            }
        }
    }
    let turn = random.range(-0.5, 0.5);
    let mut view = CameraView::new(turn, 0.05, 0.0, [0.0, 1.0, 0.0], 9.0);
    view.fit(&solid, [wide, high], [x, random.range(0.1, 0.7) * horizon]);
    if !indoors {
        let [_, _, _, bottom] = view.bounds(&solid);
        view.offset[1] += horizon + 2.0 - bottom;
    }
    canvas.draw(&solid, &view, light, random.bits());
}

/// Something that may stand in front of the object.
pub(super) fn occluder(random: &mut Random) -> Solid {
    let mut solid = Solid::default();
    let second = paint(random);
    match random.below(4) {
        0 => {
            let bands = Texture::Bands { count: 6.0, share: 0.5, second };
            solid.limb(
                [0.0; 3],
                [0.0, 4.0, 0.0],
                0.2,
                0.2,
                Material::plain(paint(random)).with(bands),
            );
        }
        1 => {
            let planks = Texture::Stripes { count: 3.0, share: 0.12, second: [0.3, 0.2, 0.1] };
            let wood = hue(0.09, random.range(0.3, 0.6), random.range(0.5, 0.8));
            solid.block(
                [0.0, 0.7, 0.0],
                [0.8, 0.7, 0.8],
                [1.0, 1.0],
                Material::plain(wood).with(planks),
            );
        }
        2 => {
            let leaves = hue(random.range(0.24, 0.36), 0.6, random.range(0.35, 0.6));
            let leaf = Material::plain(leaves).with(Texture::Grain { scale: 8.0, strength: 0.35 });
            for _ in 0..16 {
                let at = [random.range(-0.3, 0.3), random.range(0.2, 1.2), random.range(-0.8, 0.8)];
                let size = random.range(0.22, 0.4);
                solid.ball(at, [size; 3], leaf);
            }
        }
        _ => {
            let stripes = Texture::Stripes { count: 6.0, share: 0.5, second };
            solid.ball([0.0, 0.8, 0.0], [0.8; 3], Material::glossy(grey(0.95)).with(stripes));
        }
    }
    solid
}
