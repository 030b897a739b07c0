//! NumPy archives: a zip file with an `.npy` array for each pair, named by the pair's id.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::error::ImportError;
use super::found::{ImportedPairs, point};
use crate::files::{is_litter, open_input};
use crate::numpy::Array;
use crate::text::shortened;

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
    if archive.has_duplicate_names() {
        let twice = twice(path, archive.central_directory_start());
        if let Some(name) = twice.map_err(|source| found.unread(source))? {
            let what = "the archive has two arrays of this name with other points: write one for each pair";
            return Err(found.misfit(&format!("array {}", shortened(&name)), what.to_owned()));
        }
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

/// The first name that two entries have which differ in length or checksum: of such, the zip library
/// shows the last one alone. `start` is where the archive's directory begins.
fn twice(path: &Path, start: u64) -> io::Result<Option<String>> {
    let mut file = BufReader::new(open_input(path)?);
    file.seek(SeekFrom::Start(start))?;
    let mut seen: HashMap<Vec<u8>, [u8; 12]> = HashMap::new();
    let mut repeated = false;
    while let Some((name, content)) = entry(&mut file)? {
        if let Some(before) = seen.get(&name) {
            repeated = true;
            if *before != content {
                return Ok(Some(String::from_utf8_lossy(&name).into_owned()));
            }
        } else {
            seen.insert(name, content);
        }
    }
    if repeated { Ok(None) } else { Err(io::Error::other("its directory contradicts itself")) }
}

/// The next entry of an archive's directory: its name, and its checksum with its lengths.
fn entry(file: &mut BufReader<File>) -> io::Result<Option<(Vec<u8>, [u8; 12])>> {
    const HEAD: usize = 46;
    let mut head = [0; HEAD];
    file.read_exact(&mut head[..4])?;
    if head[..4] != *b"PK\x01\x02" {
        return Ok(None); // the directory's end
    }
    file.read_exact(&mut head[4..])?;
    let short = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let mut name = vec![0; usize::from(short(28))];
    file.read_exact(&mut name)?;
    file.seek_relative(i64::from(short(30)) + i64::from(short(32)))?;
    let mut content = [0; 12];
    content.copy_from_slice(&head[16..28]);
    Ok(Some((name, content)))
}
