//! Where a checkpoint's storages lie in its file, and tensors read from them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};

use half::{bf16, f16};
use safetensors::Dtype;

use super::input::shown;
use crate::pickle::{Pickle, Storage, Tensor, Value};

/// Bytes that are copied at a time.
const CHUNK: usize = 1 << 20;

/// A storage's bytes in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// The first one's place.
    pub(super) start: u64,
    /// How many.
    pub(super) length: u64,
    /// Their CRC-32, where the file has one.
    pub(super) checksum: Option<u32>,
}

/// A checkpoint's file and the storages in it.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) file: BufReader<File>,
    /// Length of the file in bytes.
    pub(super) length: u64,
    pub(super) by_key: HashMap<String, Block>,
}

/// A tensor whose numbers are known to be in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlacedTensor {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// How many numbers it has.
    pub(super) count: u64,
    strides: Vec<u64>,
    /// The storage's name.
    key: String,
    /// The bytes from the first to the last number.
    span: Block,
}

impl PlacedTensor {
    /// A tensor whose numbers lie in C order from a byte of the file on.
    pub(super) fn contiguous(dtype: Dtype, shape: &[usize], start: u64, length: u64) -> Self {
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis] as u64;
        }
        Self {
            dtype,
            shape: shape.to_vec(),
            count: shape.iter().map(|&side| side as u64).product(),
            strides,
            key: String::new(),
            span: Block { start, length, checksum: None },
        }
    }

    /// How many bytes it takes, C-contiguous.
    pub(super) fn bytes(&self) -> u64 {
        self.count.saturating_mul(size_of(self.dtype))
    }

    /// Whether its numbers lie one after the other in C order.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        let axes = self.shape.iter().zip(&self.strides).rev();
        for (&length, &stride) in axes.filter(|(length, _)| **length != 1) {
            if stride != expected {
                return false;
            }
            expected *= length as u64;
        }
        true
    }
}

/// Why numbers could not be copied: they could not be read, or not be written.
#[derive(Debug)]
pub(super) enum Copying {
    Read(io::Error),
    Write(io::Error),
}

/// Bytes of a number.
pub(super) fn size_of(dtype: Dtype) -> u64 {
    (dtype.bitsize() / 8) as u64
}

/// Every storage that a pickle describes, once, by its name; or what is wrong with one.
pub(super) fn storages(values: &Pickle) -> Result<BTreeMap<&str, &Storage>, String> {
    let mut storages: BTreeMap<&str, &Storage> = BTreeMap::new();
    for value in values.all() {
        let Value::Storage(storage) = value else { continue };
        if let Some(before) = storages.insert(&storage.key, storage)
            && (before.dtype, before.count) != (storage.dtype, storage.count)
        {
            return Err(format!("storage {} is described in two ways", shown(&storage.key)));
        }
    }
    Ok(storages)
}

/// Bytes of a storage, if they can be counted.
pub(super) fn length_of(storage: &Storage) -> Option<u64> {
    storage.count.checked_mul(storage.dtype.map_or(1, size_of))
}

impl Blocks {
    /// Finds a tensor's numbers; or says what is wrong with it.
    pub(super) fn place(&self, values: &Pickle, tensor: &Tensor) -> Result<PlacedTensor, String> {
        let beyond = || "reaches beyond its storage".to_owned();
        let Value::Storage(storage) = values.get(tensor.storage) else { return Err(beyond()) };
        let block = self.by_key.get(&storage.key);
        let block = *block.ok_or_else(|| format!("has no storage {}", shown(&storage.key)))?;
        let size = size_of(tensor.dtype);
        // The part of the storage that is meant, in bytes.
        let unit = storage.dtype.map_or(1, size_of);
        let (first, count) = storage.part.unwrap_or((0, storage.count));
        let part = first.checked_add(count).filter(|&end| end <= storage.count);
        part.ok_or_else(|| "is of a part beyond its storage".to_owned())?;
        let (part_start, part_length) = (first * unit, count * unit);

        let numbers = |all: u64, &length: &usize| all.checked_mul(length as u64);
        let count = tensor.shape.iter().try_fold(1u64, numbers);
        let count = count.ok_or_else(|| format!("has the shape {:?}", tensor.shape))?;
        let axes = tensor.shape.iter().zip(&tensor.strides);
        let last = axes.into_iter().try_fold(0u64, |last, (&length, &stride)| {
            last.checked_add(stride.checked_mul((length as u64).saturating_sub(1))?)
        });
        let span = if count == 0 {
            Some((0, 0))
        } else {
            // Offsets count numbers of the tensor's own type.
            tensor
                .offset
                .checked_mul(size)
                .zip(last.and_then(|last| last.checked_add(1)?.checked_mul(size)))
        };
        let (start, length) = span.ok_or_else(beyond)?;
        if start.checked_add(length).is_none_or(|end| end > part_length) {
            return Err(beyond());
        }
        let start = block.start + part_start + start;
        Ok(PlacedTensor {
            dtype: tensor.dtype,
            shape: tensor.shape.clone(),
            count,
            strides: tensor.strides.clone(),
            key: storage.key.clone(),
            span: Block { start, length, checksum: None },
        })
    }

    /// The number of a tensor that has one alone and is in the file.
    pub(super) fn number(&self, values: &Pickle, tensor: &Tensor) -> io::Result<Option<Value>> {
        let Some(placed) = self.place(values, tensor).ok().filter(|placed| placed.count == 1)
        else {
            return Ok(None);
        };
        let mut bytes = [0; 8];
        let mut file = self.file.get_ref();
        file.seek(SeekFrom::Start(placed.span.start))?;
        file.read_exact(&mut bytes[..placed.span.length as usize])?;
        let [a, b, c, d, ..] = bytes;
        Ok(match placed.dtype {
            Dtype::F64 => Some(Value::Float(f64::from_le_bytes(bytes))),
            Dtype::F32 => Some(Value::Float(f64::from(f32::from_le_bytes([a, b, c, d])))),
            Dtype::F16 => Some(Value::Float(f16::from_le_bytes([a, b]).to_f64())),
            Dtype::BF16 => Some(Value::Float(bf16::from_le_bytes([a, b]).to_f64())),
            Dtype::I64 => Some(Value::Int(i64::from_le_bytes(bytes))),
            Dtype::I32 => Some(Value::Int(i64::from(i32::from_le_bytes([a, b, c, d])))),
            Dtype::I16 => Some(Value::Int(i64::from(i16::from_le_bytes([a, b])))),
            Dtype::I8 => Some(Value::Int(i64::from(a as i8))),
            Dtype::U8 | Dtype::BOOL => Some(Value::Int(i64::from(a))),
            _ => None,
        })
    }

    /// Writes a tensor's numbers in C order.
    pub(super) fn copy(
        &mut self,
        tensor: &PlacedTensor,
        out: &mut impl Write,
    ) -> Result<(), Copying> {
        if tensor.count == 0 {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(tensor.span.start)).map_err(Copying::Read)?;
        if tensor.is_contiguous() {
            return pieces(&mut self.file, tensor.span.length, |piece| out.write_all(piece));
        }
        // All of it is in the file.
        let mut span = Vec::with_capacity(usize::try_from(tensor.span.length).unwrap_or_default());
        pieces(&mut self.file, tensor.span.length, |piece| {
            span.extend_from_slice(piece);
            Ok(())
        })?;
        gather(&span, size_of(tensor.dtype) as usize, &tensor.shape, &tensor.strides, out)
            .map_err(Copying::Write)
    }

    /// Whether the storages of tensors are as their checksums say; the name of one that is not.
    pub(super) fn damaged<'a>(
        &mut self,
        tensors: impl Iterator<Item = &'a PlacedTensor>,
    ) -> Result<Option<String>, Copying> {
        let mut seen = HashSet::new();
        for tensor in tensors.filter(|tensor| seen.insert(tensor.key.clone())) {
            let block = self.by_key.get(&tensor.key);
            if let Some(block) = block
                && !is_whole(&mut self.file, block)?
            {
                return Ok(Some(tensor.key.clone()));
            }
        }
        Ok(None)
    }
}

/// Whether bytes are as their checksum says, where they have one.
pub(super) fn is_whole(file: &mut BufReader<File>, block: &Block) -> Result<bool, Copying> {
    let Some(said) = block.checksum else { return Ok(true) };
    file.seek(SeekFrom::Start(block.start)).map_err(Copying::Read)?;
    let mut sum = flate2::Crc::new();
    pieces(file, block.length, |piece| {
        sum.update(piece);
        Ok(())
    })?;
    Ok(sum.sum() == said)
}

/// Reads `length` bytes, piece by piece.
fn pieces(
    file: &mut impl Read,
    length: u64,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Copying> {
    let mut buffer = vec![0; CHUNK.min(usize::try_from(length).unwrap_or(CHUNK))];
    let mut left = length;
    while left > 0 {
        let piece = buffer.len().min(usize::try_from(left).unwrap_or(CHUNK));
        file.read_exact(&mut buffer[..piece]).map_err(Copying::Read)?;
        each(&buffer[..piece]).map_err(Copying::Write)?;
        left -= piece as u64;
    }
    Ok(())
}

/// Numbers of `size` bytes in C order, from the span that they lie in by their strides.
fn gather(
    span: &[u8],
    size: usize,
    shape: &[usize],
    strides: &[u64],
    out: &mut impl Write,
) -> io::Result<()> {
    // The span was found to hold the largest sum of strides; along an axis of one, any goes.
    let axes = shape.iter().zip(strides);
    let strides =
        axes.map(|(&length, &stride)| if length > 1 { stride as usize * size } else { 0 });
    let strides: Vec<usize> = strides.collect();
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut buffer = Vec::with_capacity(CHUNK + size);
    loop {
        buffer.extend_from_slice(&span[at..at + size]);
        if buffer.len() >= CHUNK {
            out.write_all(&buffer)?;
            buffer.clear();
        }
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return out.write_all(&buffer);
            }
            axis -= 1;
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(shape: &[usize], strides: &[u64]) -> Vec<u8> {
        let span: Vec<u8> = (0..24).collect();
        let mut out = Vec::new();
        gather(&span, 2, shape, strides, &mut out).unwrap();
        out.as_chunks::<2>().0.iter().map(|pair| pair[0] / 2).collect()
    }

    #[test]
    fn numbers_come_in_c_order_whatever_their_strides() {
        assert_eq!(gathered(&[2, 3], &[3, 1]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(gathered(&[3, 2], &[1, 3]), [0, 3, 1, 4, 2, 5], "transposed");
        assert_eq!(gathered(&[2, 3], &[0, 1]), [0, 1, 2, 0, 1, 2], "expanded");
        assert_eq!(gathered(&[3, 3], &[1, 1]), [0, 1, 2, 1, 2, 3, 2, 3, 4], "overlapping");
        assert_eq!(gathered(&[2, 1, 2], &[6, u64::MAX, 4]), [0, 4, 6, 10], "every fourth");
        assert_eq!(gathered(&[], &[]), [0], "one number");
    }
}
