//! Arrays as NumPy stores them.

/// The most values that an array may have.
const MAX_VALUES: usize = 1 << 26;

/// An array of numbers, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The values; their number is the product of the shape.
    pub values: Vec<f64>,
}

/// Why an array cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArrayError {
    /// The data do not begin as NumPy's do.
    #[error("this is not a NumPy array (.npy, version 1 to 3)")]
    NotNumpy,
    /// The header cannot be read.
    #[error("the array's header is damaged")]
    Header,
    /// The values are not plain numbers.
    #[error("values have type `{0}`, which hpflow does not read; store float32 or float64")]
    Type(String),
    /// Shape and data do not agree.
    #[error("an array of shape {shape:?} takes {expected} bytes, but there are {found}")]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// Bytes that it takes.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// More values than hpflow reads.
    #[error("an array of shape {0:?} is larger than any that hpflow reads")]
    TooLarge(Vec<usize>),
}

impl Array {
    /// Reads an `.npy` file (NumPy's "NEP 1", versions 1 to 3).
    ///
    /// # Errors
    /// Anything but an array of numbers whose header and length agree.
    pub fn from_npy(bytes: &[u8]) -> Result<Self, ArrayError> {
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or(ArrayError::NotNumpy)?;
        let (&[major, _], rest) = rest.split_first_chunk::<2>().ok_or(ArrayError::NotNumpy)?;
        let (length, rest) = match major {
            1 => {
                let (length, rest) = rest.split_first_chunk().ok_or(ArrayError::Header)?;
                (usize::from(u16::from_le_bytes(*length)), rest)
            }
            2 | 3 => {
                let (length, rest) = rest.split_first_chunk().ok_or(ArrayError::Header)?;
                (u32::from_le_bytes(*length) as usize, rest)
            }
            _ => return Err(ArrayError::NotNumpy),
        };
        let (header, data) = rest.split_at_checked(length).ok_or(ArrayError::Header)?;
        let header = std::str::from_utf8(header).map_err(|_| ArrayError::Header)?;
        let descr = quoted(after(header, "'descr':")?)?;
        let fortran = match after(header, "'fortran_order':")? {
            text if text.starts_with("False") => false,
            text if text.starts_with("True") => true,
            _ => return Err(ArrayError::Header),
        };
        let shape = after(header, "'shape':")?.strip_prefix('(').ok_or(ArrayError::Header)?;
        let shape = shape.split_once(')').ok_or(ArrayError::Header)?.0;
        let shape = shape
            .split(',')
            .map(str::trim)
            .filter(|length| !length.is_empty())
            .map(|length| length.parse().map_err(|_| ArrayError::Header))
            .collect::<Result<Vec<usize>, _>>()?;
        Self::decode(descr, shape, fortran, data)
    }

    /// Decodes raw values of a NumPy type such as `<f4`.
    pub(crate) fn decode(
        descr: &str,
        shape: Vec<usize>,
        fortran: bool,
        data: &[u8],
    ) -> Result<Self, ArrayError> {
        let unknown = || ArrayError::Type(descr.to_owned());
        let (big, code) = match descr.split_at_checked(1) {
            Some((">", code)) => (true, code),
            Some(("<" | "|" | "=", code)) => (false, code),
            _ => (false, descr),
        };
        let size: usize = code.get(1..).and_then(|size| size.parse().ok()).ok_or_else(unknown)?;
        let number: fn([u8; 8]) -> f64 = match code {
            "f2" => |b| f64::from(half::f16::from_le_bytes(first(b))),
            "f4" => |b| f64::from(f32::from_le_bytes(first(b))),
            "f8" => f64::from_le_bytes,
            "i1" => |b| f64::from(i8::from_le_bytes(first(b))),
            "i2" => |b| f64::from(i16::from_le_bytes(first(b))),
            "i4" => |b| f64::from(i32::from_le_bytes(first(b))),
            "i8" => |b| i64::from_le_bytes(b) as f64,
            "u1" => |b| f64::from(b[0]),
            "u2" => |b| f64::from(u16::from_le_bytes(first(b))),
            "u4" => |b| f64::from(u32::from_le_bytes(first(b))),
            "u8" => |b| u64::from_le_bytes(b) as f64,
            "b1" => |b| f64::from(u8::from(b[0] != 0)),
            _ => return Err(unknown()),
        };
        let count = shape.iter().try_fold(1usize, |all, &side| all.checked_mul(side));
        let Some(count) = count.filter(|&count| count <= MAX_VALUES) else {
            return Err(ArrayError::TooLarge(shape));
        };
        if data.len() != count * size {
            let (expected, found) = (count * size, data.len());
            return Err(ArrayError::Length { shape, expected, found });
        }
        let mut values: Vec<f64> = data
            .chunks_exact(size)
            .map(|bytes| {
                let mut value = [0; 8];
                value[..size].copy_from_slice(bytes);
                if big {
                    value[..size].reverse();
                }
                number(value)
            })
            .collect();
        if fortran {
            values = row_by_row(&values, &shape);
        }
        Ok(Self { shape, values })
    }
}

fn first<const N: usize>(bytes: [u8; 8]) -> [u8; N] {
    std::array::from_fn(|at| bytes[at])
}

fn after<'a>(header: &'a str, key: &str) -> Result<&'a str, ArrayError> {
    header.split_once(key).map(|(_, rest)| rest.trim_start()).ok_or(ArrayError::Header)
}

fn quoted(text: &str) -> Result<&str, ArrayError> {
    // Anything but a plain type is a list of fields or the like.
    let text = text.strip_prefix('\'').ok_or_else(|| ArrayError::Type("record".to_owned()))?;
    text.split_once('\'').map(|(inside, _)| inside).ok_or(ArrayError::Header)
}

/// Values in Fortran's order (first axis fastest) in C's.
fn row_by_row(values: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut out = vec![0.0; values.len()];
    for (place, value) in values.iter().enumerate() {
        let (mut rest, mut target, mut stride) = (place, 0, values.len());
        for &side in shape {
            stride /= side;
            target += (rest % side) * stride;
            rest /= side;
        }
        out[target] = *value;
    }
    out
}
