//! A surface to draw on: smooth discs, rings, lines and text over photographs.

use tiny_skia::{Color, FillRule, LineCap, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

use super::typeface::outline;
use crate::Point;
use crate::image::Photograph;

/// Red, green and blue, 0 to 255.
pub type Colour = [u8; 3];

pub const WHITE: Colour = [255; 3];

/// Further than this from the picture, lines that lead there look the same.
const FAR: f32 = 20_000.0;

/// A picture in the making. Positions are pixels of the picture, whole numbers at their centres;
/// whatever is outside is cut off.
pub struct Sheet {
    /// All of it is opaque.
    pixels: Pixmap,
}

impl Sheet {
    /// A sheet of one colour, a pixel at least.
    pub fn new(width: u32, height: u32, [red, green, blue]: Colour) -> Self {
        let mut pixels = Pixmap::new(width.max(1), height.max(1)).expect("a picture's size");
        pixels.fill(Color::from_rgba8(red, green, blue, 255));
        Self { pixels }
    }

    pub fn finish(self) -> Photograph {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let rgb =
            self.pixels.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        Photograph { width, height, rgb: rgb.collect() }
    }

    /// Lays a photograph on the sheet with its top left pixel at (`left`, `top`).
    pub fn lay(&mut self, photograph: &Photograph, left: u32, top: u32) {
        let whole = self.pixels.width() as usize;
        let width = photograph.width.min(self.pixels.width().saturating_sub(left)) as usize;
        let rows = photograph.height.min(self.pixels.height().saturating_sub(top)) as usize;
        let data = self.pixels.data_mut();
        for row in 0..rows {
            let from = row * photograph.width as usize * 3;
            let to = ((top as usize + row) * whole + left as usize) * 4;
            let line = photograph.rgb[from..from + width * 3].chunks_exact(3);
            for (pixel, colour) in data[to..to + width * 4].chunks_exact_mut(4).zip(line) {
                pixel[..3].copy_from_slice(colour);
            }
        }
    }

    fn fill(&mut self, path: Option<Path>, colour: Colour, opacity: f32) {
        let Some(path) = path else { return };
        let paint = paint(colour, opacity);
        self.pixels.fill_path(&path, &paint, FillRule::Winding, centres(), None);
    }

    fn stroke(&mut self, path: Option<Path>, thickness: f32, colour: Colour, opacity: f32) {
        let Some(path) = path else { return };
        let stroke = Stroke { width: thickness, line_cap: LineCap::Round, ..Stroke::default() };
        self.pixels.stroke_path(&path, &paint(colour, opacity), &stroke, centres(), None);
    }

    pub fn disc(&mut self, [x, y]: Point, radius: f32, colour: Colour, opacity: f32) {
        self.fill(PathBuilder::from_circle(x, y, radius), colour, opacity);
    }

    /// A circle's line of the given thickness.
    pub fn ring(&mut self, [x, y]: Point, radius: f32, thickness: f32, colour: Colour) {
        self.stroke(PathBuilder::from_circle(x, y, radius), thickness, colour, 1.0);
    }

    /// The outline of a square around a point.
    pub fn square(&mut self, [x, y]: Point, half: f32, thickness: f32, colour: Colour) {
        let square = tiny_skia::Rect::from_xywh(x - half, y - half, 2.0 * half, 2.0 * half);
        self.stroke(square.map(PathBuilder::from_rect), thickness, colour, 1.0);
    }

    /// A line with round ends.
    pub fn line(&mut self, a: Point, b: Point, thickness: f32, colour: Colour, opacity: f32) {
        let [[ax, ay], [bx, by]] = [a, b].map(|at| at.map(|value| value.clamp(-FAR, FAR)));
        let mut path = PathBuilder::new();
        path.move_to(ax, ay);
        path.line_to(bx, by);
        self.stroke(path.finish(), thickness, colour, opacity);
    }

    /// Text with the top left corner of a capital at a point; `height` is that of a capital.
    pub fn text(&mut self, text: &str, at: Point, height: f32, colour: Colour) {
        self.fill(outline(text, at, height), colour, 1.0);
    }
}

fn paint([red, green, blue]: Colour, opacity: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    let alpha = (opacity.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    paint.set_color_rgba8(red, green, blue, alpha);
    paint
}

/// From positions with pixel centres at whole numbers to those of the library, half a pixel on.
fn centres() -> Transform {
    Transform::from_translate(0.5, 0.5)
}
