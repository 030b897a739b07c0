//! SHA-256 of files and bytes, hexadecimal: what ties files that are kept to what they were made of.

use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// SHA-256 of a file, hexadecimal. The file is not held in memory.
///
/// # Errors
/// A file that cannot be read, or something else than a regular file.
pub(crate) fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut crate::files::open_input(path)?, &mut hash)?;
    Ok(hexadecimal(&hash.finalize()))
}

/// SHA-256 of bytes, hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits, two each, in lower case.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180-4's example "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::sha256(b"abc"), abc);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(super::sha256_of_file(file.path()).unwrap(), abc);
        super::sha256_of_file(&file.path().join("beneath")).unwrap_err();
    }
}
