//! Text as outlines of Open Sans (SIL Open Font License 1.1, beside the font in `font/`).

use std::sync::OnceLock;

use ab_glyph::{Font as _, FontRef, GlyphId, OutlineCurve};
use zeno::{Command, PathBuilder as _};

use crate::Point;

/// The height of a capital in units of the font, from its table `OS/2`.
const CAPITAL: f32 = 1462.0;

fn font() -> &'static FontRef<'static> {
    static FONT: OnceLock<FontRef<'static>> = OnceLock::new();
    FONT.get_or_init(|| {
        FontRef::try_from_slice(include_bytes!("font/OpenSans-Regular.ttf"))
            .expect("the font is built in")
    })
}

/// The glyphs of a text with the place of each, in units of the font, and where the next one would be.
fn laid_out(text: &str) -> (Vec<(GlyphId, f32)>, f32) {
    let font = font();
    let mut placed = Vec::new();
    let (mut right, mut last) = (0.0, None);
    for character in text.chars() {
        let glyph = font.glyph_id(character);
        right += last.map_or(0.0, |last| font.kern_unscaled(last, glyph));
        placed.push((glyph, right));
        right += font.h_advance_unscaled(glyph);
        last = Some(glyph);
    }
    (placed, right)
}

/// How wide a text is whose capitals are that high.
pub(super) fn text_width(text: &str, height: f32) -> f32 {
    laid_out(text).1 * height / CAPITAL
}

/// The outline of a text whose capitals are that high, with the top left corner of a capital at a
/// point.
pub(super) fn outline(text: &str, at: Point, height: f32) -> Vec<Command> {
    let scale = height / CAPITAL;
    let mut path: Vec<Command> = Vec::new();
    for (glyph, left) in laid_out(text).0 {
        let Some(outline) = font().outline(glyph) else { continue };
        // The font's rows go up from the foot of a capital.
        let place = |point: ab_glyph::Point| {
            [at[0] + (left + point.x) * scale, at[1] + height - point.y * scale]
        };
        let mut end = None;
        for curve in outline.curves {
            let (start, stop) = match &curve {
                OutlineCurve::Line(a, b) => (*a, *b),
                OutlineCurve::Quad(a, _, b) => (*a, *b),
                OutlineCurve::Cubic(a, _, _, b) => (*a, *b),
            };
            if end != Some(start) {
                path.move_to(place(start));
            }
            end = Some(stop);
            match curve {
                OutlineCurve::Line(..) => path.line_to(place(stop)),
                OutlineCurve::Quad(_, b, _) => path.quad_to(place(b), place(stop)),
                OutlineCurve::Cubic(_, b, c, _) => path.curve_to(place(b), place(c), place(stop)),
            };
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeno::Fill;

    #[test]
    fn a_capital_is_as_high_as_it_is_asked_to_be() {
        let bounds =
            |text: &str| zeno::bounds(&outline(text, [10.0, 20.0], 100.0), Fill::NonZero, None);
        let capital = bounds("H");
        assert!((capital.min.y - 20.0).abs() < 0.1 && (capital.max.y - 120.0).abs() < 0.1);
        assert!(bounds("x").min.y > 40.0, "small letters are small");
    }

    #[test]
    fn what_captions_need_is_in_the_font() {
        let missing = font().glyph_id('\u{10ffff}');
        for character in (' '..='~').chain("αéüñ·–−²≤°".chars()) {
            assert_ne!(font().glyph_id(character), missing, "{character}");
        }
    }

    #[test]
    fn a_text_is_as_wide_as_its_parts_but_for_kerning() {
        let [a, b] = ["12", "34"].map(|text| text_width(text, 10.0));
        assert!((text_width("1234", 10.0) - a - b).abs() < 1.0);
        assert!(text_width("", 10.0) == 0.0 && outline(" ", [0.0, 0.0], 9.0).is_empty());
    }
}
