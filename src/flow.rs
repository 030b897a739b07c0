//! Dense flow fields in Middlebury's `.flo` format.
//!
//! The format (Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011):
//! the four bytes `PIEH`, width and height as little-endian `i32`, then u and v of each pixel as
//! little-endian `f32`, row by row. A pixel without flow has components above 1e9; 1e10 is written.

use std::path::{Path, PathBuf};

/// The first four bytes of a file.
const MAGIC: [u8; 4] = crate::files::FLOW_MARK;

/// What is written where the flow is not known.
const UNKNOWN: f32 = 1e10;

/// From here on a component says that the flow is not known.
const UNKNOWN_FROM: f32 = 1e9;

/// Bytes before the vectors.
const HEADER: usize = 12;

/// For each pixel of the source, where it is in the target.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Width of the source in original pixels.
    pub width: u32,
    /// Height of the source in original pixels.
    pub height: u32,
    /// Target position minus source position in original pixels, to the right and down, row by row:
    /// `height * width` vectors; `None` where there is no match.
    pub vectors: Vec<Option<[f32; 2]>>,
}

/// Why a flow could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// The file could not be written.
    #[error("{path}: cannot be written: {source}; check the folder, its permissions and the disk")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file could not be read.
    #[error("{path}: cannot be read: {source}; check the path and its permissions")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a flow.
    #[error("{path}: not a flow in Middlebury's format: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        reason: String,
    },
    /// A field whose numbers contradict each other.
    #[error("a flow of {width} × {height} pixels cannot have {vectors} vectors")]
    Size {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// Its number of vectors.
        vectors: usize,
    },
}

impl Flow {
    /// The content of a file. A vector that is not finite, or so long that readers take it for
    /// unknown, is written as unknown.
    ///
    /// # Errors
    /// A number of vectors other than width times height, a side of 0, or one too long for the
    /// format.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FlowError> {
        let &Self { width, height, ref vectors } = self;
        let wrong = || FlowError::Size { width, height, vectors: vectors.len() };
        let side = |side: u32| i32::try_from(side).ok().filter(|&side| side > 0).ok_or_else(wrong);
        let (columns, rows) = (side(width)?, side(height)?);
        if u64::from(width) * u64::from(height) != vectors.len() as u64 {
            return Err(wrong());
        }
        let mut bytes = Vec::with_capacity(HEADER + 8 * vectors.len());
        bytes.extend(MAGIC);
        bytes.extend(columns.to_le_bytes());
        bytes.extend(rows.to_le_bytes());
        for vector in vectors {
            let [u, v] = vector.filter(|&vector| is_known(vector)).unwrap_or([UNKNOWN; 2]);
            bytes.extend(u.to_le_bytes());
            bytes.extend(v.to_le_bytes());
        }
        Ok(bytes)
    }

    /// Reads a file's content; `path` is for the errors.
    ///
    /// # Errors
    /// Another format, sides that are not positive, or bytes missing or left over.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, FlowError> {
        let wrong = |reason: String| FlowError::Malformed { path: path.to_owned(), reason };
        let Some((header, content)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(wrong(format!("{} bytes, expected {HEADER} or more", bytes.len())));
        };
        let [p, i, e, h, w0, w1, w2, w3, h0, h1, h2, h3] = *header;
        if [p, i, e, h] != MAGIC {
            return Err(wrong("it does not begin with PIEH".to_owned()));
        }
        let sides = [[w0, w1, w2, w3], [h0, h1, h2, h3]].map(i32::from_le_bytes);
        let [Ok(width), Ok(height)] = sides.map(u32::try_from) else {
            return Err(wrong(format!("a size of {} × {}", sides[0], sides[1])));
        };
        let expected = u64::from(width) * u64::from(height);
        // In 128 bits: the sides come from the file and may be anything.
        if expected == 0 || u128::from(expected) * 8 != content.len() as u128 {
            let found = content.len();
            return Err(wrong(format!("{found} bytes of vectors for {width} × {height} pixels")));
        }
        let (vectors, _) = content.as_chunks::<8>();
        let vector = |&[a, b, c, d, e, f, g, h]: &[u8; 8]| {
            let vector = [f32::from_le_bytes([a, b, c, d]), f32::from_le_bytes([e, f, g, h])];
            is_known(vector).then_some(vector)
        };
        Ok(Self { width, height, vectors: vectors.iter().map(vector).collect() })
    }

    /// Writes a file.
    ///
    /// # Errors
    /// Those of [`Flow::to_bytes`], or a file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FlowError> {
        let bytes = self.to_bytes()?;
        crate::files::write(path, bytes)
            .map_err(|source| FlowError::Write { path: path.to_owned(), source })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Those of [`Flow::from_bytes`], or a file that cannot be read.
    pub fn read(path: &Path) -> Result<Self, FlowError> {
        let bytes = crate::files::read_input(path)
            .map_err(|source| FlowError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, path)
    }
}

fn is_known(vector: [f32; 2]) -> bool {
    // NaN fails the comparison.
    vector.iter().all(|component| component.abs() < UNKNOWN_FROM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Flow, FlowError> {
        Flow::from_bytes(bytes, Path::new("a.flo"))
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let flow = Flow { width: 2, height: 1, vectors: vec![Some([1.0, -2.5]), None] };
        let mut expected = b"PIEH\x02\0\0\0\x01\0\0\0".to_vec();
        // 1.0, -2.5 and twice 1e10 in IEEE 754's single precision.
        expected.extend([0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0]);
        expected.extend([0xf9, 0x02, 0x15, 0x50, 0xf9, 0x02, 0x15, 0x50]);
        assert_eq!(flow.to_bytes().unwrap(), expected);
        assert_eq!(read(&expected).unwrap(), flow);
    }

    #[test]
    fn the_format_s_own_check_value_is_its_first_four_bytes() {
        // The reference code tests for the float 202021.25.
        assert_eq!(202_021.25_f32.to_le_bytes(), MAGIC);
    }

    #[test]
    fn vectors_that_are_no_number_are_unknown() {
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2e9] {
            let flow = Flow { width: 1, height: 1, vectors: vec![Some([0.0, odd])] };
            assert_eq!(read(&flow.to_bytes().unwrap()).unwrap().vectors, [None], "{odd}");
        }
    }

    #[test]
    fn sizes_that_contradict_the_vectors_are_refused() {
        for (width, height) in [(2, 1), (0, 1), (1, 0), (u32::MAX, 1)] {
            let flow = Flow { width, height, vectors: vec![None] };
            assert!(matches!(flow.to_bytes(), Err(FlowError::Size { .. })), "{width} × {height}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            width in 1_u32..9,
            height in 1_u32..9,
            seed in prop::collection::vec(
                prop::option::of([-1e6_f32..1e6, -1e6_f32..1e6]), 64),
        ) {
            let count = (width * height) as usize;
            let flow = Flow { width, height, vectors: seed[..count].to_vec() };
            prop_assert_eq!(read(&flow.to_bytes().unwrap()).unwrap(), flow);
        }

        #[test]
        fn any_bytes_are_a_flow_or_an_error(
            magic in any::<bool>(),
            rest in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut bytes = if magic { MAGIC.to_vec() } else { Vec::new() };
            bytes.extend(rest);
            if let Ok(flow) = read(&bytes) {
                prop_assert_eq!(bytes.len(), HEADER + 8 * flow.vectors.len());
            }
        }

        #[test]
        fn a_cut_file_is_refused(cut in 0_usize..28) {
            let flow = Flow { width: 2, height: 1, vectors: vec![None; 2] };
            let bytes = flow.to_bytes().unwrap();
            prop_assert!(read(&bytes[..cut]).is_err());
        }
    }
}
