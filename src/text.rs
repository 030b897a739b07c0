//! Text as other programs store it: UTF-8 with or without a byte-order mark, and UTF-16, which
//! PowerShell and Excel write. Readers get UTF-8 without the mark.

use std::fmt;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

/// What a UTF-8 file of some programs begins with.
const UTF_8: &[u8] = &[0xef, 0xbb, 0xbf];
const UTF_16_LOW_FIRST: &[u8] = &[0xff, 0xfe];
const UTF_16_HIGH_FIRST: &[u8] = &[0xfe, 0xff];
const UTF_32: [&[u8]; 2] = [&[0xff, 0xfe, 0, 0], &[0, 0, 0xfe, 0xff]];

/// Why bytes are no text that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoText {
    /// UTF-32, which hardly any program writes.
    Utf32,
    /// UTF-16 that ends within a character, or has half of one.
    Broken,
}

impl fmt::Display for NoText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Utf32 => "it is text in UTF-32: save it as UTF-8",
            Self::Broken => "it is text in UTF-16 with a broken character: save it as UTF-8",
        })
    }
}

impl std::error::Error for NoText {}

impl NoText {
    /// The reason that a reader of `Utf8` failed for, if it is one of these.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Utf8,
    Utf16 { high_first: bool },
    Utf32,
}

/// The form that the first bytes show, and how many of them are a mark.
fn form(start: &[u8]) -> (Form, usize) {
    if UTF_32.iter().any(|mark| start.starts_with(mark)) {
        return (Form::Utf32, 4);
    }
    if start.starts_with(UTF_8) {
        return (Form::Utf8, UTF_8.len());
    }
    for (mark, high_first) in [(UTF_16_LOW_FIRST, false), (UTF_16_HIGH_FIRST, true)] {
        if start.starts_with(mark) {
            return (Form::Utf16 { high_first }, mark.len());
        }
    }
    // Without a mark: two characters of ASCII. No text in UTF-8 has a zero.
    match *start {
        [a, 0, b, 0] if a != 0 && b != 0 => (Form::Utf16 { high_first: false }, 0),
        [0, a, 0, b] if a != 0 && b != 0 => (Form::Utf16 { high_first: true }, 0),
        _ => (Form::Utf8, 0),
    }
}

/// The text's bytes in UTF-8 without a mark. What is no text in UTF-16 is given as it is: whether it is
/// UTF-8 is for its reader to say.
pub fn utf8(bytes: Vec<u8>) -> Result<Vec<u8>, NoText> {
    if let (Form::Utf8, mark) = form(&bytes[..bytes.len().min(4)]) {
        return Ok(if mark == 0 { bytes } else { bytes[mark..].to_vec() });
    }
    let mut text = Vec::with_capacity(bytes.len());
    let read = Utf8::new(&bytes[..]).and_then(|mut reader| reader.read_to_end(&mut text));
    // Memory is read without other errors.
    read.map(|_| text).map_err(|error| NoText::of(&error).unwrap_or(NoText::Broken))
}

/// A word as a shell reads it: between quotation marks where it has anything but letters, digits and
/// signs without a meaning of their own.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-@:+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The lines of a text, however they are broken, without their breaks.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|piece| {
        let piece = piece.strip_suffix('\n').unwrap_or(piece);
        piece.strip_suffix('\r').unwrap_or(piece).split('\r')
    })
}

/// The lines of bytes, as [`lines`] has those of a text.
pub(crate) fn byte_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').flat_map(|piece| {
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        piece.strip_suffix(b"\r").unwrap_or(piece).split(|&byte| byte == b'\r')
    })
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With a line break of any kind.
    Break,
    /// With the text: it may have been torn.
    Text,
    /// It is longer than what is read of a line.
    TooLong,
}

/// Reads lines that end with LF, CRLF or CR.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    /// Whether the last line ended with CR, so that an LF which comes first is part of its break.
    after_cr: bool,
}

impl<R: BufRead> Lines<R> {
    /// The lines from here on.
    pub(crate) fn new(input: R) -> Self {
        Self { input, after_cr: false }
    }

    /// Reads the next line into `line`, without its break and at most so many bytes of it; `None` after
    /// the last.
    pub(crate) fn next(&mut self, line: &mut Vec<u8>, most: usize) -> io::Result<Option<End>> {
        line.clear();
        let mut begun = false;
        loop {
            let buffer = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            let Some(&first) = buffer.first() else {
                return Ok(begun.then_some(End::Text));
            };
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                self.input.consume(1);
                continue;
            }
            begun = true;
            let at = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let length = at.unwrap_or(buffer.len());
            let room = most - line.len();
            line.extend_from_slice(&buffer[..length.min(room)]);
            if length > room {
                return Ok(Some(End::TooLong));
            }
            if let Some(at) = at {
                self.after_cr = buffer[at] == b'\r';
                self.input.consume(at + 1);
                return Ok(Some(End::Break));
            }
            self.input.consume(length);
        }
    }
}

/// Reads text of any form as UTF-8 without a mark.
#[derive(Debug)]
pub(crate) struct Utf8<R> {
    input: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    form: Form,
    /// Bytes of characters that are not given out yet.
    ready: Vec<u8>,
    given: usize,
    /// Why nothing comes after them.
    failed: Option<NoText>,
}

/// Characters that are turned at a time.
const CHUNK: usize = 1 << 12;

impl<R: Read> Utf8<R> {
    /// Looks at the first bytes.
    pub(crate) fn new(mut input: R) -> io::Result<Self> {
        let mut start = Vec::new();
        input.by_ref().take(4).read_to_end(&mut start)?;
        let (form, mark) = form(&start);
        let start = start.split_off(mark);
        let input = BufReader::new(Cursor::new(start).chain(input));
        let failed = (form == Form::Utf32).then_some(NoText::Utf32);
        Ok(Self { input, form, ready: Vec::new(), given: 0, failed })
    }

    /// Text that is known to be UTF-8 without a mark.
    pub(crate) fn known(input: R) -> Self {
        let input = BufReader::new(Cursor::new(Vec::new()).chain(input));
        Self { input, form: Form::Utf8, ready: Vec::new(), given: 0, failed: None }
    }

    /// The next two bytes, if there are any.
    fn unit(&mut self, high_first: bool) -> io::Result<Option<u16>> {
        let mut bytes = [0; 2];
        for (place, byte) in bytes.iter_mut().enumerate() {
            match self.input.by_ref().bytes().next().transpose()? {
                Some(next) => *byte = next,
                None if place == 0 => return Ok(None),
                None => {
                    self.failed = Some(NoText::Broken);
                    return Ok(None);
                }
            }
        }
        Ok(Some(if high_first { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }))
    }

    fn turn(&mut self, high_first: bool) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while self.ready.len() < CHUNK && self.failed.is_none() {
            let Some(first) = self.unit(high_first)? else { break };
            let second =
                if (0xd800..0xdc00).contains(&first) { self.unit(high_first)? } else { None };
            match char::decode_utf16([first].into_iter().chain(second)).next() {
                Some(Ok(character)) => {
                    self.ready.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => self.failed = Some(NoText::Broken),
            }
        }
        Ok(())
    }
}

impl<R: Read> BufRead for Utf8<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.form == Form::Utf8 {
            return self.input.fill_buf();
        }
        if let (Form::Utf16 { high_first }, true) = (self.form, self.given == self.ready.len()) {
            self.turn(high_first)?;
        }
        match (&self.ready[self.given..], self.failed) {
            ([], Some(what)) => Err(io::Error::new(io::ErrorKind::InvalidData, what)),
            (ready, _) => Ok(ready),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self.form {
            Form::Utf8 => self.input.consume(amount),
            _ => self.given += amount,
        }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// A name from a file, short enough to show and without characters that a terminal acts on.
#[must_use]
pub fn shortened(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, high_first: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|u| if high_first { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    #[test]
    fn what_is_no_whole_text_in_utf_16_is_refused() {
        assert_eq!(utf8(vec![0xff, 0xfe, b'a']), Err(NoText::Broken));
        // Half of a pair: alone, before another character, and the wrong half.
        assert_eq!(utf8(vec![0xff, 0xfe, 0x00, 0xd8]), Err(NoText::Broken));
        assert_eq!(utf8(vec![0xff, 0xfe, 0x00, 0xd8, b'a', 0]), Err(NoText::Broken));
        assert_eq!(utf8(vec![0xff, 0xfe, 0x00, 0xdc]), Err(NoText::Broken));
        assert_eq!(utf8(vec![0xff, 0xfe, 0, 0, b'a', 0, 0, 0]), Err(NoText::Utf32));
        // Too short, or no text at all: as it is.
        for bytes in [vec![], vec![0xef, 0xbb], vec![0xff], vec![0, 0, 0, 1], vec![b'a', 0]] {
            assert_eq!(utf8(bytes.clone()), Ok(bytes));
        }
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_read_something_else() {
        for (word, expected) in [
            ("a/b-1.0_c", "a/b-1.0_c"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(x)", "'$(x)'"),
            ("car(G)", "'car(G)'"),
            ("\u{e9}.jpg", "\u{e9}.jpg"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn lines_end_with_any_break() {
        let found: Vec<&str> = lines("a\r\nb\n\nc\rd\r\n").collect();
        assert_eq!(found, ["a", "b", "", "c", "d"]);
        assert_eq!(lines("").count(), 0);
        let found: Vec<&[u8]> = byte_lines(b"a\r\nb\n\nc\rd\xff\r\n").collect();
        assert_eq!(found, [&b"a"[..], b"b", b"", b"c", b"d\xff"]);
    }

    #[test]
    fn lines_are_read_piece_by_piece_as_they_are_at_once() {
        let text = "a\r\nb\n\nc\rd\r\r\ne\n\r";
        let expected: Vec<&[u8]> = byte_lines(text.as_bytes()).collect();
        for capacity in 1..text.len() {
            let mut lines = Lines::new(BufReader::with_capacity(capacity, text.as_bytes()));
            let (mut line, mut found) = (Vec::new(), Vec::new());
            while let Some(end) = lines.next(&mut line, 9).unwrap() {
                assert_eq!(end, End::Break);
                found.push(line.clone());
            }
            assert_eq!(found, expected, "{capacity} bytes at a time");
        }
        let mut line = Vec::new();
        assert_eq!(Lines::new(&b""[..]).next(&mut line, 9).unwrap(), None);
        assert_eq!(Lines::new(&b"ab"[..]).next(&mut line, 2).unwrap(), Some(End::Text));
        assert_eq!(Lines::new(&b"abc\n"[..]).next(&mut line, 2).unwrap(), Some(End::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn every_form_gives_the_same_text(text in "[a-z\\PC\r\n]{0,9000}") {
            let text = format!("{{}}{text}");
            let marked = |mark: &[u8], bytes: &[u8]| utf8([mark, bytes].concat()).unwrap();
            for bytes in [
                utf8(text.clone().into_bytes()).unwrap(),
                marked(UTF_8, text.as_bytes()),
                marked(UTF_16_LOW_FIRST, &utf16(&text, false)),
                marked(UTF_16_HIGH_FIRST, &utf16(&text, true)),
                utf8(utf16(&text, false)).unwrap(),
                utf8(utf16(&text, true)).unwrap(),
            ] {
                proptest::prop_assert_eq!(&String::from_utf8(bytes).unwrap(), &text);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = utf8(bytes);
        }
    }
}
