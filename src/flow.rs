//! Dense flow in Middlebury's `.flo` format (Baker et al., "A Database and Evaluation Methodology for
//! Optical Flow", IJCV 2011).

use std::io;
use std::path::Path;

use crate::Point;

/// The four bytes that a file starts with: the f32 202021.25.
const MAGIC: &[u8; 4] = b"PIEH";

/// What stands for an unknown flow: any component above 1e9 does.
const UNKNOWN: f32 = 1e10;

/// Writes a flow of `size` (width, height): `flow` holds, row by row, how far each pixel of the
/// source moves along x and y in pixels, or `None` where that is unknown.
///
/// # Errors
/// The file cannot be written, or `flow` does not have width · height entries.
pub fn write(path: &Path, size: [u32; 2], flow: &[Option<Point>]) -> io::Result<()> {
    if flow.len() as u64 != u64::from(size[0]) * u64::from(size[1]) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} flow vectors for {} × {} pixels", flow.len(), size[0], size[1]),
        ));
    }
    let mut bytes = Vec::with_capacity(12 + flow.len() * 8);
    bytes.extend(MAGIC);
    bytes.extend(size.iter().flat_map(|side| side.to_le_bytes()));
    for vector in flow {
        bytes.extend(vector.unwrap_or([UNKNOWN; 2]).iter().flat_map(|side| side.to_le_bytes()));
    }
    std::fs::write(path, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_layout_of_the_format() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.flo");
        write(&path, [2, 1], &[Some([1.5, -2.0]), None]).expect("written");
        let bytes = std::fs::read(&path).expect("read");
        let numbers: Vec<f32> = bytes[12..]
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        assert_eq!(bytes[..4], 202_021.25_f32.to_le_bytes(), "magic");
        assert_eq!(bytes[4..12], [2, 0, 0, 0, 1, 0, 0, 0], "width and height");
        assert_eq!(numbers, [1.5, -2.0, 1e10, 1e10]);
    }

    #[test]
    fn a_flow_of_another_size_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = write(&folder.path().join("a.flo"), [2, 2], &[None]).expect_err("one of four");
        assert!(error.to_string().contains("1 flow vectors for 2 × 2"), "{error}");
    }
}
