//! Drawing solids: a depth buffer, lit and textured surfaces, dark outlines, and who covers whom.

use super::camera::{CameraView, edge};
use super::random::noise;
use super::solid::{Corner, Material, Paint, Solid, Texture, Triangle, Vector, dot, unit};

/// Samples a pixel and direction: edges are smooth.
pub(super) const SAMPLES: usize = 2;

/// A picture in the making, `SAMPLES` times as wide and high as the photograph.
pub(super) struct Canvas {
    /// Width in samples.
    pub width: usize,
    /// Height in samples.
    pub height: usize,
    /// Colours, row by row.
    pub colours: Vec<Paint>,
}

/// Light on a scene.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    /// Towards the light, in view coordinates.
    pub direction: Vector,
    pub ambient: f32,
    pub tint: Paint,
}

/// The part of a canvas that an object was drawn on, in samples.
pub(super) struct Mask {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    drawn: Vec<bool>,
}

impl Mask {
    /// Whether the object was drawn on that sample.
    pub(super) fn has(&self, x: usize, y: usize) -> bool {
        let (x, y) = (x.wrapping_sub(self.left), y.wrapping_sub(self.top));
        x < self.width && y < self.height && self.drawn[y * self.width + x]
    }

    /// The samples the object was drawn on.
    pub(super) fn samples(&self) -> impl Iterator<Item = (usize, usize)> {
        let drawn = self.drawn.iter().enumerate().filter(|&(_, &drawn)| drawn);
        drawn.map(|(i, _)| (self.left + i % self.width, self.top + i / self.width))
    }
}

/// The nearest surfaces in a window of the canvas.
struct Window {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    surfaces: Vec<Surface>,
}

/// What the nearest surface of a sample is.
#[derive(Clone, Copy)]
struct Surface {
    inverse_depth: f64,
    normal: [f32; 3],
    part: u16,
    colour: Paint,
}

const NOTHING: Surface =
    Surface { inverse_depth: 0.0, normal: [0.0; 3], part: u16::MAX, colour: [0.0; 3] };

impl Canvas {
    /// An empty canvas for a photograph of that size in pixels.
    pub(super) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize * SAMPLES, height as usize * SAMPLES);
        Self { width, height, colours: vec![[0.0; 3]; width * height] }
    }

    /// Draws an object over what is there and says where.
    pub(super) fn draw(
        &mut self,
        solid: &Solid,
        view: &CameraView,
        light: &Light,
        seed: u64,
    ) -> Mask {
        let mut window = self.window(view.bounds(solid));
        for triangle in &solid.triangles {
            window.fill(solid, view, light, triangle, seed);
        }
        let outlined = window.outline();
        for (index, surface) in window.surfaces.iter().enumerate() {
            if surface.part != u16::MAX {
                let ink = if outlined[index] { 0.35 } else { 1.0 };
                let (x, y) = (index % window.width, index / window.width);
                self.colours[(window.top + y) * self.width + window.left + x] =
                    surface.colour.map(|channel| channel * ink);
            }
        }
        let Window { left, top, width, height, surfaces } = window;
        let drawn = surfaces.iter().map(|surface| surface.part != u16::MAX).collect();
        Mask { left, top, width, height, drawn }
    }

    /// An empty window over a box in pixels.
    fn window(&self, bounds: [f64; 4]) -> Window {
        let sample = |pixels: f64, limit: usize| {
            ((pixels + 0.5) * SAMPLES as f64).floor().clamp(0.0, limit as f64) as usize
        };
        let (left, top) =
            (sample(bounds[0] - 1.0, self.width), sample(bounds[1] - 1.0, self.height));
        let (right, bottom) =
            (sample(bounds[2] + 1.0, self.width), sample(bounds[3] + 1.0, self.height));
        let (width, height) = (right - left, bottom - top);
        Window { left, top, width, height, surfaces: vec![NOTHING; width * height] }
    }

    /// Darkens the ground in an ellipse, as an object's shadow does.
    pub(super) fn shade(&mut self, centre: [f64; 2], radii: [f64; 2], strength: f32) {
        let samples = SAMPLES as f64;
        for y in 0..self.height {
            let v = ((y as f64 + 0.5) / samples - 0.5 - centre[1]) / radii[1];
            if v.abs() >= 1.0 {
                continue;
            }
            for x in 0..self.width {
                let u = ((x as f64 + 0.5) / samples - 0.5 - centre[0]) / radii[0];
                let inside = (1.0 - u * u - v * v).max(0.0) as f32;
                let keep = 1.0 - strength * inside * (2.0 - inside);
                let colour = &mut self.colours[y * self.width + x];
                *colour = colour.map(|channel| channel * keep);
            }
        }
    }

    /// The photograph: samples averaged, with a little of a sensor's noise, 8 bits a channel.
    pub(super) fn develop(&self, grain: f32, seed: u64) -> Vec<u8> {
        let mut random = super::random::Random::new(seed, "sensor");
        let mut bytes = Vec::with_capacity(self.colours.len() * 3 / (SAMPLES * SAMPLES));
        for y in (0..self.height).step_by(SAMPLES) {
            for x in (0..self.width).step_by(SAMPLES) {
                let mut sum = [0.0_f32; 3];
                for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let colour = self.colours[(y + dy) * self.width + x + dx];
                    for (total, channel) in sum.iter_mut().zip(colour) {
                        *total += channel;
                    }
                }
                let error = (random.unit() + random.unit() - 1.0) as f32 * grain;
                bytes.extend(
                    sum.map(|channel| {
                        ((channel * 0.25 + error).clamp(0.0, 1.0) * 255.0 + 0.5) as u8
                    }),
                );
            }
        }
        bytes
    }
}

impl Window {
    fn fill(
        &mut self,
        solid: &Solid,
        view: &CameraView,
        light: &Light,
        triangle: &Triangle,
        seed: u64,
    ) {
        let samples = SAMPLES as f64;
        // Pixel centres are whole numbers, so sample i lies at pixel (i + 0.5) / n - 0.5.
        let place = |pixel: f64, first: usize| (pixel + 0.5) * samples - 0.5 - first as f64;
        let corners =
            view.corners(triangle).map(|[x, y, w]| [place(x, self.left), place(y, self.top), w]);
        let [a, b, c] = corners;
        let area = edge(a, b, [c[0], c[1]]);
        if area == 0.0 {
            return;
        }
        let span = |axis: usize, limit: usize| {
            let (low, high) = corners.iter().fold((f64::MAX, f64::MIN), |(low, high), corner| {
                (low.min(corner[axis]), high.max(corner[axis]))
            });
            (low.ceil().max(0.0) as usize, (high.floor() + 1.0).clamp(0.0, limit as f64) as usize)
        };
        let ((left, right), (top, bottom)) = (span(0, self.width), span(1, self.height));
        let normals = triangle.corners.map(|corner| view.turn(corner.normal));
        for y in top..bottom {
            for x in left..right {
                let at = [x as f64, y as f64];
                let weights = [edge(b, c, at) / area, edge(c, a, at) / area, edge(a, b, at) / area];
                if weights.iter().any(|&weight| weight < 0.0) {
                    continue;
                }
                let depth = weights[0] * a[2] + weights[1] * b[2] + weights[2] * c[2];
                let surface = &mut self.surfaces[y * self.width + x];
                if depth <= surface.inverse_depth {
                    continue;
                }
                // Perspective: what varies along the surface varies with the distance.
                let shares = [0, 1, 2].map(|i| weights[i] * corners[i][2] / depth);
                let mix = |i: usize| (0..3).map(|k| shares[k] * normals[k][i]).sum::<f64>();
                let normal = unit([mix(0), mix(1), mix(2)]);
                let normal = if normal[2] < 0.0 { normal.map(|n| -n) } else { normal };
                let material = &solid.materials[triangle.material];
                let base = cover(material, &triangle.corners, shares, seed);
                *surface = Surface {
                    inverse_depth: depth,
                    normal: normal.map(|n| n as f32),
                    part: triangle.part,
                    colour: lit(base, material.shine, normal, light),
                };
            }
        }
    }

    /// Samples at the edge of the object or of a part, or at a crease.
    fn outline(&self) -> Vec<bool> {
        let surfaces = &self.surfaces;
        let mut outlined = vec![false; surfaces.len()];
        for y in 0..self.height {
            for x in 0..self.width {
                let here = &surfaces[y * self.width + x];
                if here.part == u16::MAX {
                    continue;
                }
                let differs = |other: &Surface| {
                    let turn: f32 = (0..3).map(|i| here.normal[i] * other.normal[i]).sum();
                    // Of two surfaces the nearer draws the line.
                    (other.part != here.part || turn < 0.6)
                        && other.inverse_depth <= here.inverse_depth
                };
                let right = x + 1 < self.width && differs(&surfaces[y * self.width + x + 1]);
                let left = x > 0 && differs(&surfaces[y * self.width + x - 1]);
                let below = y + 1 < self.height && differs(&surfaces[(y + 1) * self.width + x]);
                let above = y > 0 && differs(&surfaces[(y - 1) * self.width + x]);
                outlined[y * self.width + x] = right || left || below || above;
            }
        }
        outlined
    }
}

/// The surface's own colour.
fn cover(material: &Material, corners: &[Corner; 3], shares: [f64; 3], seed: u64) -> Paint {
    let mix = |value: &dyn Fn(&Corner) -> f64| -> f32 {
        (0..3).map(|i| shares[i] * value(&corners[i])).sum::<f64>() as f32
    };
    let (u, v) = (mix(&|c| f64::from(c.uv[0])), mix(&|c| f64::from(c.uv[1])));
    let base = material.colour;
    let fraction = |value: f32| value - value.floor();
    match material.texture {
        Texture::Plain => base,
        Texture::Bands { count, share, second } => {
            choose(fraction(v * count) < share, second, base)
        }
        Texture::Stripes { count, share, second } => {
            choose(fraction(u * count) < share, second, base)
        }
        Texture::Panes { columns, rows, from, to, second } => {
            let across = fraction(u * columns);
            let up = fraction((v - from) / (to - from) * rows);
            let inside = v > from && v < to && (0.12..0.88).contains(&across);
            choose(inside && (0.15..0.85).contains(&up), second, base)
        }
        Texture::Patches { scale, share, second } => {
            let at = |axis: usize| mix(&|c| c.at[axis]) * scale;
            let field = noise(at(0) + at(2) * 0.7 + 40.0, at(1) + at(2) * 0.6 + 40.0, seed);
            choose(field < share, second, base)
        }
        Texture::Grain { scale, strength } => {
            let at = |axis: usize| mix(&|c| c.at[axis]) * scale;
            let field = noise(at(0) + at(2) * 0.7, at(1) * 1.3 + at(2) * 0.6, seed)
                + 0.5 * noise(at(0) * 2.7 + at(2), at(1) * 2.7 - at(2), seed);
            base.map(|channel| channel * (1.0 + strength * (field * 1.33 - 1.0)))
        }
        Texture::Label { from, to, second } => {
            let bar = fraction(u * 6.0) < 0.55 && fraction(v * 9.0) < 0.4;
            choose((v > from && v < to) != (bar && v > from * 0.5), second, base)
        }
    }
}

fn choose(condition: bool, yes: Paint, no: Paint) -> Paint {
    if condition { yes } else { no }
}

fn lit(base: Paint, shine: f32, normal: Vector, light: &Light) -> Paint {
    let facing = dot(normal, light.direction) as f32;
    let diffuse = facing.max(0.0) * (1.0 - light.ambient);
    let sky = light.ambient * (0.8 + 0.2 * normal[1] as f32);
    // Mirror direction of the viewer (0, 0, 1) at the surface, against the light.
    let mirrored = (2.0 * normal[2] * dot(normal, light.direction) - light.direction[2]) as f32;
    let squared = mirrored.max(0.0) * mirrored.max(0.0);
    let fourth = squared * squared;
    let gloss = shine * 0.55 * fourth * fourth * fourth;
    [0, 1, 2].map(|i| base[i] * (sky + 1.15 * diffuse) * light.tint[i] + gloss)
}
