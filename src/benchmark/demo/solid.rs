//! Solids of triangles, put together from simple parts, with keypoints fixed to them.
//!
//! Object coordinates: x forward, y up, z to the object's own left, in units of about half an
//! object.

use super::random::sine_cosine;
use std::f64::consts::TAU;

/// A point or direction in object coordinates.
pub(super) type Vector = [f64; 3];

/// Red, green and blue in [0, 1].
pub(super) type Paint = [f32; 3];

pub(super) fn add(a: Vector, b: Vector) -> Vector {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub(super) fn subtract(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(super) fn times(a: Vector, factor: f64) -> Vector {
    [a[0] * factor, a[1] * factor, a[2] * factor]
}

pub(super) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// The direction of `a` with length 1; up where `a` has no length.
pub(super) fn unit(a: Vector) -> Vector {
    let length = dot(a, a).sqrt();
    if length > 1e-12 { times(a, 1.0 / length) } else { [0.0, 1.0, 0.0] }
}

pub(super) fn between(a: Vector, b: Vector, share: f64) -> Vector {
    add(a, times(subtract(b, a), share))
}

/// What covers a part, in the part's own (u, v): u around it, v along it, both 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Texture {
    /// One colour.
    Plain,
    /// `count` bands along v, the second colour taking `share` of each.
    Bands { count: f32, share: f32, second: Paint },
    /// `count` stripes around u.
    Stripes { count: f32, share: f32, second: Paint },
    /// A grid of panes of the second colour, between `from` and `to` of v.
    Panes { columns: f32, rows: f32, from: f32, to: f32, second: Paint },
    /// Irregular patches of the second colour.
    Patches { scale: f32, share: f32, second: Paint },
    /// Fine lightness noise.
    Grain { scale: f32, strength: f32 },
    /// A band of the second colour between `from` and `to` of v, with a bar across it.
    Label { from: f32, to: f32, second: Paint },
}

/// Paint, pattern and shine of a part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Material {
    pub colour: Paint,
    pub texture: Texture,
    /// 0 dull to 1 glossy.
    pub shine: f32,
}

impl Material {
    pub(super) fn plain(colour: Paint) -> Self {
        Self { colour, texture: Texture::Plain, shine: 0.15 }
    }

    pub(super) fn glossy(colour: Paint) -> Self {
        Self { colour, texture: Texture::Plain, shine: 0.6 }
    }

    pub(super) fn with(self, texture: Texture) -> Self {
        Self { texture, ..self }
    }
}

/// A corner of a triangle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Corner {
    pub at: Vector,
    pub normal: Vector,
    pub uv: [f32; 2],
}

/// A triangle of a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Triangle {
    pub corners: [Corner; 3],
    /// Index into [`Solid::materials`].
    pub material: usize,
    /// Triangles of one part have no outline between them.
    pub part: u16,
}

/// A point of the object that is annotated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keypoint {
    /// The number in SPair-71k's files, 0 to 29.
    pub id: usize,
    pub at: Vector,
    /// The outward direction of its surface; a keypoint that faces away is hidden.
    pub facing: Option<Vector>,
}

/// An object.
#[derive(Debug, Clone, Default)]
pub(super) struct Solid {
    pub triangles: Vec<Triangle>,
    pub materials: Vec<Material>,
    pub keypoints: Vec<Keypoint>,
    parts: u16,
}

/// Number of corners of round things.
const ROUND: usize = 20;

impl Solid {
    /// Annotates a point seen from everywhere that nothing covers it.
    pub(super) fn keypoint(&mut self, id: usize, at: Vector) {
        self.keypoints.push(Keypoint { id, at, facing: None });
    }

    /// Annotates a point of a surface.
    pub(super) fn keypoint_facing(&mut self, id: usize, at: Vector, facing: Vector) {
        self.keypoints.push(Keypoint { id, at, facing: Some(unit(facing)) });
    }

    /// A left and a right keypoint, mirrored at the object's plane of symmetry.
    pub(super) fn keypoint_both(
        &mut self,
        left: usize,
        right: usize,
        at: Vector,
        facing: Option<Vector>,
    ) {
        let mirrored = |v: Vector| [v[0], v[1], -v[2]];
        self.keypoints.push(Keypoint { id: left, at, facing: facing.map(unit) });
        self.keypoints.push(Keypoint {
            id: right,
            at: mirrored(at),
            facing: facing.map(unit).map(mirrored),
        });
    }

    fn begin(&mut self, material: Material) {
        self.materials.push(material);
        self.parts += 1;
    }

    fn triangle(&mut self, corners: [Corner; 3]) {
        let (material, part) = (self.materials.len() - 1, self.parts);
        self.triangles.push(Triangle { corners, material, part });
    }

    /// Four corners in order around, flat.
    fn flat(&mut self, at: [Vector; 4], uv: [[f32; 2]; 4]) {
        let normal = unit(cross(subtract(at[2], at[0]), subtract(at[3], at[1])));
        let corner = |i: usize| Corner { at: at[i], normal, uv: uv[i] };
        self.triangle([corner(0), corner(1), corner(2)]);
        self.triangle([corner(0), corner(2), corner(3)]);
    }

    /// A polygon that its first corner sees all of.
    fn fan(&mut self, outline: &[Vector]) {
        if outline.len() < 3 {
            return;
        }
        let normal =
            unit(cross(subtract(outline[1], outline[0]), subtract(outline[2], outline[0])));
        let corner = |at: Vector| Corner { at, normal, uv: [0.5, 0.5] };
        for pair in outline[1..].windows(2) {
            self.triangle([corner(outline[0]), corner(pair[0]), corner(pair[1])]);
        }
    }

    /// A skin over closed sections of equally many points, ends closed.
    pub(super) fn loft(&mut self, sections: &[Vec<Vector>], material: Material) {
        self.begin(material);
        self.skin(sections, true);
        for end in [sections.first(), sections.last()].into_iter().flatten() {
            self.fan(end);
        }
    }

    /// As [`Solid::loft`] with hard edges.
    pub(super) fn loft_flat(&mut self, sections: &[Vec<Vector>], material: Material) {
        self.begin(material);
        self.skin(sections, false);
        for end in [sections.first(), sections.last()].into_iter().flatten() {
            self.fan(end);
        }
    }

    fn skin(&mut self, sections: &[Vec<Vector>], smooth: bool) {
        let (rows, columns) = (sections.len(), sections.first().map_or(0, Vec::len));
        let point = |i: usize, j: usize| sections[i][j % columns];
        let normal = |i: usize, j: usize| {
            let along = subtract(point((i + 1).min(rows - 1), j), point(i.saturating_sub(1), j));
            let around = subtract(point(i, j + 1), point(i, j + columns - 1));
            unit(cross(around, along))
        };
        for i in 0..rows.saturating_sub(1) {
            for j in 0..columns {
                let ends = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)];
                let uv = |(i, j): (usize, usize)| {
                    [j as f32 / columns as f32, i as f32 / (rows - 1) as f32]
                };
                if smooth {
                    let corner = |at: (usize, usize)| Corner {
                        at: point(at.0, at.1),
                        normal: normal(at.0, at.1),
                        uv: uv(at),
                    };
                    let [a, b, c, d] = ends.map(corner);
                    self.triangle([a, b, c]);
                    self.triangle([a, c, d]);
                } else {
                    self.flat(ends.map(|(i, j)| point(i, j)), ends.map(uv));
                }
            }
        }
    }

    /// An ellipsoid with the given half axes.
    pub(super) fn ellipsoid(&mut self, centre: Vector, axes: [Vector; 3], material: Material) {
        let rows = 12;
        let sections: Vec<Vec<Vector>> = (0..=rows)
            .map(|i| {
                let (sine, cosine) = sine_cosine(TAU / 2.0 * i as f64 / rows as f64);
                circle(
                    add(centre, times(axes[0], -cosine)),
                    times(axes[1], sine),
                    times(axes[2], sine),
                )
            })
            .collect();
        self.begin(material);
        self.skin_round(&sections, centre, axes);
    }

    /// As [`Solid::skin`], with the exact normals of an ellipsoid: its poles have no neighbours.
    fn skin_round(&mut self, sections: &[Vec<Vector>], centre: Vector, axes: [Vector; 3]) {
        let before = self.triangles.len();
        self.skin(sections, true);
        for triangle in &mut self.triangles[before..] {
            for corner in &mut triangle.corners {
                let from_centre = subtract(corner.at, centre);
                corner.normal = unit(axes.iter().fold([0.0; 3], |sum, &axis| {
                    let length = dot(axis, axis);
                    add(sum, times(axis, dot(from_centre, axis) / (length * length).max(1e-12)))
                }));
            }
        }
    }

    /// A ball, stretched along the coordinate axes.
    pub(super) fn ball(&mut self, centre: Vector, radii: Vector, material: Material) {
        self.ellipsoid(
            centre,
            [[0.0, radii[1], 0.0], [radii[0], 0.0, 0.0], [0.0, 0.0, radii[2]]],
            material,
        );
    }

    /// A round bar from `a` to `b` whose radius goes from `ra` to `rb`.
    pub(super) fn limb(&mut self, a: Vector, b: Vector, ra: f64, rb: f64, material: Material) {
        let (side, other) = across(subtract(b, a));
        let section = |at, radius| circle(at, times(side, radius), times(other, radius));
        self.loft(&[section(a, ra), section(b, rb)], material);
    }

    /// A bar through several points, with a ball at each joint.
    pub(super) fn limbs(&mut self, points: &[(Vector, f64)], material: Material) {
        let first = self.parts;
        for pair in points.windows(2) {
            self.parts = first;
            self.limb(pair[0].0, pair[1].0, pair[0].1, pair[1].1, material);
            self.parts = first;
            self.ball(pair[1].0, [pair[1].1; 3], material);
        }
    }

    /// A body of revolution about an upright axis through `base`: (height, radius) from below.
    pub(super) fn lathe(&mut self, base: Vector, profile: &[(f64, f64)], material: Material) {
        let sections: Vec<_> = profile
            .iter()
            .map(|&(height, radius)| {
                circle(add(base, [0.0, height, 0.0]), [radius, 0.0, 0.0], [0.0, 0.0, radius])
            })
            .collect();
        self.loft(&sections, material);
    }

    /// A ring of the given radius and thickness (half) around `axis`.
    pub(super) fn ring(
        &mut self,
        centre: Vector,
        axis: Vector,
        radius: f64,
        tube: f64,
        material: Material,
    ) {
        let (side, other) = across(axis);
        let axis = unit(axis);
        let sections: Vec<Vec<Vector>> = (0..=28)
            .map(|i| {
                let (sine, cosine) = sine_cosine(TAU * f64::from(i) / 28.0);
                let outward = add(times(side, cosine), times(other, sine));
                (0..10)
                    .map(|j| {
                        let (up, out) = sine_cosine(TAU * f64::from(j) / 10.0);
                        let shift =
                            add(times(outward, radius + tube * out), times(axis, tube * up));
                        add(centre, shift)
                    })
                    .collect()
            })
            .collect();
        self.begin(material);
        self.skin(&sections, true);
    }

    /// A box with its edges along the coordinate axes; its top is `top` times as long and wide.
    pub(super) fn block(
        &mut self,
        centre: Vector,
        half: Vector,
        top: [f64; 2],
        material: Material,
    ) {
        let level = |y: f64, scale: [f64; 2]| {
            let (x, z) = (half[0] * scale[0], half[2] * scale[1]);
            [[x, z], [x, -z], [-x, -z], [-x, z]]
                .map(|[x, z]| add(centre, [x, y * half[1], z]))
                .to_vec()
        };
        self.begin(material);
        let (low, high) = (level(-1.0, [1.0, 1.0]), level(1.0, top));
        for j in 0..4 {
            let k = (j + 1) % 4;
            self.flat(
                [low[j], low[k], high[k], high[j]],
                [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
            );
        }
        self.fan(&low);
        self.fan(&high);
    }

    /// A plate: an outline that its first corner sees all of, thickened by `thickness`.
    pub(super) fn plate(&mut self, outline: &[Vector], thickness: Vector, material: Material) {
        let shifted = |sign: f64| -> Vec<Vector> {
            outline.iter().map(|&at| add(at, times(thickness, sign))).collect()
        };
        self.loft_flat(&[shifted(-0.5), shifted(0.5)], material);
    }

    /// A flat four-cornered surface.
    pub(super) fn sheet(&mut self, corners: [Vector; 4], material: Material) {
        self.begin(material);
        self.flat(corners, [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]);
    }
}

/// A closed section: points around `centre`.
pub(super) fn circle(centre: Vector, side: Vector, other: Vector) -> Vec<Vector> {
    (0..ROUND)
        .map(|i| {
            let (sine, cosine) = sine_cosine(TAU * i as f64 / ROUND as f64);
            add(centre, add(times(side, cosine), times(other, sine)))
        })
        .collect()
}

/// Two directions at right angles to `axis` and each other.
fn across(axis: Vector) -> (Vector, Vector) {
    let axis = unit(axis);
    let helper = if axis[1].abs() < 0.9 { [0.0, 1.0, 0.0] } else { [1.0, 0.0, 0.0] };
    let side = unit(cross(axis, helper));
    (side, cross(axis, side))
}
