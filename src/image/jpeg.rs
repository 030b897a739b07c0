//! Telling a complete JPEG file from a truncated one: the decoder fills what is missing with grey,
//! where Pillow refuses the file.

/// Whether a JPEG file reaches its end-of-image marker (ITU-T T.81, annex B). Bytes after it do not
/// matter.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    const END_OF_IMAGE: u8 = 0xD9;
    let mut at = 0;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = match marker {
            END_OF_IMAGE => return true,
            // Start of image and TEM stand alone; every other marker leads a segment.
            0xD8 | 0x01 => after,
            _ => match bytes.get(after..after + 2) {
                Some(length) => after + usize::from(u16::from_be_bytes([length[0], length[1]])),
                None => return false,
            },
        };
    }
    false
}

/// The next marker from `at` on and where it ends. Entropy-coded data, with its stuffed zeros and
/// restart markers, is passed over.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xFF)? + 1;
        match *bytes.get(at)? {
            0x00 | 0xD0..=0xD7 => at += 1,
            0xFF => {}
            marker => return Some((marker, at + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_complete;

    /// Start of image, a segment whose payload holds an end marker, a scan with a stuffed zero and a
    /// restart marker, end of image.
    const WHOLE: &[u8] = &[
        0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xD9, 1, 2, 0xFF, 0xDA, 0, 3, 0, 7, 0xFF, 0, 8, 0xFF,
        0xD3, 9, 0xFF, 0xFF, 0xD9,
    ];

    #[test]
    fn only_the_whole_file_is_complete() {
        assert!(is_complete(WHOLE), "the whole file");
        for length in 0..WHOLE.len() {
            assert!(!is_complete(&WHOLE[..length]), "{length} of {} bytes", WHOLE.len());
        }
    }

    #[test]
    fn bytes_after_the_end_do_not_matter() {
        assert!(is_complete(&[WHOLE, b"\xFF\xD8 more"].concat()), "bytes after the end");
    }
}
