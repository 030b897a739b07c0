//! NumPy archives: a zip file with an `.npy` array for each pair, named by the pair's id.

use std::io::{BufReader, Read};
use std::path::Path;

use super::error::ImportError;
use super::found::{ImportedPairs, point};
use crate::files::{is_litter, open_input};
use crate::numpy::Array;

/// The most bytes that an array may take, decompressed: a million points.
const MAX_ARRAY: u64 = 16 << 20;

pub(super) fn read(path: &Path, found: &mut ImportedPairs<'_>) -> Result<(), ImportError> {
    let file = open_input(path).map_err(|source| found.unread(source))?;
    let archive = zip::ZipArchive::new(BufReader::new(file));
    let mut archive = archive.map_err(|error| {
        found.malformed(format!(
            "this is not a NumPy archive ({error}); write one with numpy.savez(file, **{{pair: points}})"
        ))
    })?;
    if archive.is_empty() {
        return Err(found.malformed("the archive is empty"));
    }
    let mut bytes = Vec::new();
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| found.malformed(error))?;
        let name = entry.name().map_err(|error| found.malformed(error))?.into_owned();
        if name.split('/').any(is_litter) {
            continue; // of the program that made the archive
        }
        let place = format!("array {name}");
        bytes.clear();
        let read = entry.take(MAX_ARRAY + 1).read_to_end(&mut bytes);
        read.map_err(|error| found.misfit(&place, format!("cannot be decompressed: {error}")))?;
        if bytes.len() as u64 > MAX_ARRAY {
            let what = format!("more than {MAX_ARRAY} bytes, more than the points of a pair take");
            return Err(found.misfit(&place, what));
        }
        let pair = found.pair(name.strip_suffix(".npy").unwrap_or(&name), &place)?;
        let array =
            Array::from_npy(&bytes).map_err(|error| found.misfit(&place, error.to_string()))?;
        let keypoints = found.benchmark.pairs[pair].answers();
        if array.shape != [keypoints, 2] {
            let what = format!("shape {:?}, expected [{keypoints}, 2]", array.shape);
            return Err(found.misfit(&place, what));
        }
        let points = array.values.chunks_exact(2).map(|xy| point(xy[0], xy[1]));
        let points = points.collect::<Result<_, _>>().map_err(|what| found.misfit(&place, what))?;
        found.keep(pair, points, &place)?;
    }
    Ok(())
}
