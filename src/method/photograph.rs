//! Reading a pair's photographs, and which of them cannot be used.

use std::path::Path;

use super::Unusable;
use crate::image::{Photograph, read};

/// A photograph that cannot be used, with why.
pub fn unusable(photograph: &Path, reason: impl ToString) -> Unusable {
    Unusable { photograph: photograph.to_owned(), reason: reason.to_string() }
}

/// Reads a photograph. It must have the width and height that its annotation gives, if any:
/// keypoints in pixels of a photograph of another size mean nothing.
///
/// # Errors
/// A photograph that cannot be read, or is of another size.
pub fn read_annotated(path: &Path, annotated: Option<[u32; 2]>) -> Result<Photograph, Unusable> {
    let decoded = read(path).map_err(|error| unusable(path, error))?;
    let found = [decoded.width, decoded.height];
    let Some(annotated) = annotated.filter(|&annotated| annotated != found) else {
        return Ok(decoded);
    };
    let reason = format!(
        "{}: has {} × {} pixels, but its annotation says {} × {}; fetch the photograph that \
         belongs to the annotation, or mend the annotation",
        path.display(),
        found[0],
        found[1],
        annotated[0],
        annotated[1]
    );
    Err(unusable(path, reason))
}

/// Refuses a photograph that shows nothing.
///
/// # Errors
/// A photograph of one colour.
pub fn check_colours(path: &Path, photograph: &Photograph) -> Result<(), Unusable> {
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
