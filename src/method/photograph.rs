//! Reading a pair's photographs, and which of them cannot be used.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::image::{Photo, Photograph, read};

/// What a photograph is called that has no file.
const PIXELS: &str = "a photograph given as pixels";

/// A photograph that could not be used, so that its pairs have no prediction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unusable {
    /// The photograph.
    pub photograph: PathBuf,
    /// Why, in one sentence that names it.
    pub reason: String,
}

/// What errors call a photograph.
pub(super) fn called<'a>(photo: &Photo<'a>) -> &'a Path {
    match photo {
        Photo::File(file) => file,
        Photo::Pixels(_) => Path::new(PIXELS),
    }
}

/// A photograph that cannot be used, with why.
pub(super) fn unusable(photograph: &Path, reason: impl ToString) -> Unusable {
    Unusable { photograph: photograph.to_owned(), reason: reason.to_string() }
}

/// Decodes a photograph. It must have the width and height that its annotation gives, if any: keypoints
/// in pixels of a photograph of another size mean nothing.
///
/// # Errors
/// A photograph that cannot be read, whose pixels are not as many as it says, or that is of another size.
pub(super) fn read_annotated<'a>(
    photo: &Photo<'a>,
    annotated: Option<[u32; 2]>,
) -> Result<Cow<'a, Photograph>, Unusable> {
    let name = called(photo);
    let decoded = match photo {
        Photo::File(file) => Cow::Owned(read(file).map_err(|error| unusable(file, error))?),
        Photo::Pixels(pixels) => {
            check_pixels(name, pixels)?;
            Cow::Borrowed(*pixels)
        }
    };
    let found = [decoded.width, decoded.height];
    let Some(annotated) = annotated.filter(|&annotated| annotated != found) else {
        return Ok(decoded);
    };
    let reason = format!(
        "{}: has {} × {} pixels, but its annotation says {} × {}; fetch the photograph that \
         belongs to the annotation, or mend the annotation",
        name.display(),
        found[0],
        found[1],
        annotated[0],
        annotated[1]
    );
    Err(unusable(name, reason))
}

/// Refuses pixels that are more or fewer than width and height say, or none.
fn check_pixels(name: &Path, pixels: &Photograph) -> Result<(), Unusable> {
    let (width, height, found) = (pixels.width, pixels.height, pixels.rgb.len());
    let expected = 3 * u128::from(width) * u128::from(height);
    if expected > 0 && found as u128 == expected {
        return Ok(());
    }
    let reason = format!(
        "{}: {width} × {height} pixels have {expected} bytes of RGB, and {found} were given; give at \
         least one pixel, and three bytes for each",
        name.display()
    );
    Err(unusable(name, reason))
}

/// Refuses a photograph that shows nothing.
///
/// # Errors
/// A photograph of one colour.
pub(super) fn check_colours(path: &Path, photograph: &Photograph) -> Result<(), Unusable> {
    if photograph.is_of_one_colour() {
        let reason = format!(
            "{}: is of one colour throughout, so there is nothing to match; give a photograph that \
             shows something",
            path.display()
        );
        return Err(unusable(path, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_as_many_as_they_say_and_as_the_annotation_says() {
        let of = |width, height, bytes| Photograph { width, height, rgb: vec![7; bytes] };
        let read = |pixels: &Photograph, size| {
            read_annotated(&Photo::Pixels(pixels), size).map(drop).map_err(|error| error.reason)
        };
        assert_eq!(read(&of(3, 2, 18), None), Ok(()));
        assert_eq!(read(&of(3, 2, 18), Some([3, 2])), Ok(()));
        assert!(read(&of(3, 2, 18), Some([2, 3])).unwrap_err().contains("says 2 × 3"));
        for (width, height, bytes) in [(3, 2, 17), (3, 2, 0), (0, 2, 0), (u32::MAX, u32::MAX, 3)] {
            let said = read(&of(width, height, bytes), None).unwrap_err();
            assert!(said.contains(PIXELS) && said.contains(&bytes.to_string()), "{said}");
        }
    }
}
