//! Decoding photographs.

use std::io::Cursor;
use std::path::Path;

use ::image::{ImageFormat, ImageReader};

use super::{ImageError, Photograph};

/// Reads a photograph.
///
/// # Errors
/// A missing, empty, truncated or undecodable file.
pub fn read(path: &Path) -> Result<Photograph, ImageError> {
    let bytes =
        std::fs::read(path).map_err(|source| ImageError::Read { path: path.to_owned(), source })?;
    if bytes.is_empty() {
        return Err(ImageError::Empty { path: path.to_owned() });
    }
    let Ok(format) = ::image::guess_format(&bytes) else {
        return Err(ImageError::NotAPhotograph {
            path: path.to_owned(),
            found: "its first bytes are of no known image format",
        });
    };
    let decoded =
        ImageReader::with_format(Cursor::new(&bytes), format).decode().map_err(|error| {
            ImageError::Decode {
                path: path.to_owned(),
                format: name(format),
                reason: error.to_string(),
            }
        })?;
    let rgb = decoded.into_rgb8();
    Ok(Photograph { width: rgb.width(), height: rgb.height(), rgb: rgb.into_raw() })
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::WebP => "WebP",
        _ => "an image",
    }
}
