//! CSV from elsewhere, a record at a time: bounded in memory, with or without a byte-order mark, and
//! with the line on which each record stands.
//!
//! The csv crate counts a line too few after CRLF and for every empty line, and keeps as much of a
//! record as comes, which is the rest of the file where a quotation mark is not closed.

use std::fmt;
use std::io::{BufRead as _, BufReader, Chain, Cursor, Error, ErrorKind, Read, Result as IoResult};

use csv::StringRecord;

/// A reader of records.
pub(crate) struct Records<R> {
    reader: csv::Reader<Plain<R>>,
    longest: usize,
}

/// Why a record cannot be read.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The line, from 1.
    pub(crate) line: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    NoText,
    TooLong(usize),
    Unread(Error),
}

impl Fault {
    /// What is wrong, without the line.
    pub(crate) fn what(&self) -> String {
        match &self.what {
            What::NoText => "it is no text in UTF-8".to_owned(),
            What::TooLong(longest) => {
                format!(
                    "there is no end of it in {longest} bytes (is a quotation mark not closed?)"
                )
            }
            What::Unread(error) => format!("it cannot be read: {error}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.what())
    }
}

impl<R: Read> Records<R> {
    /// Reads records of at most `longest` bytes, which is some ten thousand at the least; the first
    /// one is no heading to this reader.
    pub(crate) fn new(mut input: R, longest: usize) -> IoResult<Self> {
        let mut start = Vec::new();
        input.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
        if start == BYTE_ORDER_MARK {
            start.clear();
        }
        let input = BufReader::new(Cursor::new(start).chain(input));
        let input = Plain { input, longest, given: 0, last: b'\n' };
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).from_reader(input);
        Ok(Self { reader, longest })
    }

    /// The next record and its line, from 1; `None` after the last. Records may have any number of
    /// fields, empty lines are skipped.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, StringRecord)>, Fault> {
        let mut record = StringRecord::new();
        let begun = self.line();
        self.reader.get_mut().given = 0;
        match self.reader.read_record(&mut record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let inside = record.iter().flat_map(str::bytes).filter(|&byte| byte == b'\n');
                // Empty lines came before it; the last line break may be in an open quotation.
                let line = begun.max((self.line() - 1).saturating_sub(inside.count()));
                Ok(Some((line, record)))
            }
            Err(error) => {
                let what = match error.into_kind() {
                    csv::ErrorKind::Utf8 { .. } => What::NoText,
                    csv::ErrorKind::Io(error) if error.kind() == ErrorKind::InvalidData => {
                        What::TooLong(self.longest)
                    }
                    csv::ErrorKind::Io(error) => What::Unread(error),
                    other => What::Unread(Error::other(format!("{other:?}"))),
                };
                let line = if matches!(what, What::NoText) { self.line() - 1 } else { begun };
                Err(Fault { line, what })
            }
        }
    }

    /// The line that is read next, from 1.
    fn line(&self) -> usize {
        usize::try_from(self.reader.position().line()).unwrap_or(usize::MAX)
    }
}

/// What a UTF-8 file of some programs begins with.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Bytes with line breaks of one byte, and one at the end; no more of them than a record may have
/// until `given` is set back.
struct Plain<R> {
    input: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    longest: usize,
    /// Bytes given out for the record.
    given: usize,
    /// The byte given out last; a line break before the first.
    last: u8,
}

impl<R: Read> Plain<R> {
    fn next(&mut self) -> IoResult<Option<u8>> {
        let byte = match self.peek()? {
            None if self.last == b'\n' => return Ok(None),
            None => b'\n',
            Some(byte) => {
                self.input.consume(1);
                if byte == b'\r' {
                    let both = self.peek()? == Some(b'\n');
                    self.input.consume(usize::from(both));
                    b'\n'
                } else {
                    byte
                }
            }
        };
        self.last = byte;
        Ok(Some(byte))
    }

    fn peek(&mut self) -> IoResult<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        if self.given >= self.longest {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut read = 0;
        while read < buffer.len() {
            let Some(byte) = self.next()? else { break };
            buffer[read] = byte;
            read += 1;
        }
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(usize, Vec<String>)>, String> {
        let mut records = Records::new(bytes, 1 << 15).unwrap();
        let mut found = Vec::new();
        while let Some((line, record)) = records.next().map_err(|fault| fault.to_string())? {
            found.push((line, record.iter().map(str::to_owned).collect()));
        }
        Ok(found)
    }

    #[test]
    fn every_record_has_the_line_that_an_editor_shows() {
        let record =
            |line, fields: &[&str]| (line, fields.iter().map(|f| (*f).to_owned()).collect());
        let expected = vec![
            record(1, &["a", "b"]),
            record(2, &["1", "2"]),
            record(4, &["x\ny", "3"]),
            record(6, &["4"]),
        ];
        let text = "a,b\n1,2\n\n\"x\ny\",3\n4";
        assert_eq!(read(text.as_bytes()).unwrap(), expected);
        assert_eq!(read(text.replace('\n', "\r\n").as_bytes()).unwrap(), expected);
        assert_eq!(read(format!("\u{feff}{text}\n").as_bytes()).unwrap(), expected);
        assert_eq!(read(text.replace('\n', "\r").as_bytes()).unwrap(), expected);
        assert_eq!(read(b"").unwrap(), []);
        assert_eq!(read("\u{feff}".as_bytes()).unwrap(), []);
        assert_eq!(read(b"\xef\xbb").unwrap_err(), "line 1: it is no text in UTF-8");
        assert_eq!(read(b"a\r\n\r\nb\xff\r\n").unwrap_err(), "line 3: it is no text in UTF-8");
    }

    #[test]
    fn a_mark_before_a_quoted_heading_is_no_part_of_it() {
        let found = read("\u{feff}\"pair\",x".as_bytes()).unwrap();
        assert_eq!(found, [(1, vec!["pair".to_owned(), "x".to_owned()])]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_records_have_ascending_lines_that_are_there(text in "[a,\"\r\n\u{e9}\u{feff}]{0,60}") {
            let lines = 1 + text.replace("\r\n", "\n").matches(['\r', '\n']).count();
            let found = read(text.as_bytes()).unwrap();
            assert!(found.iter().map(|(line, _)| *line).is_sorted(), "{found:?}");
            assert!(found.iter().all(|(line, _)| (1..=lines).contains(line)), "{found:?}");
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn endless_records_are_refused() {
        let rows = "a,b\n1,2\n".to_owned() + &"3,4\n".repeat(1 << 14);
        assert_eq!(read(rows.as_bytes()).unwrap().len(), 2 + (1 << 14));
        for endless in ["a,b\n1,\"2\n".to_owned() + &"3,4\n".repeat(1 << 14), "a".repeat(1 << 16)] {
            let error = read(endless.as_bytes()).unwrap_err();
            assert!(error.contains("no end of it in 32768 bytes"), "{error}");
        }
        let whole = format!("\"{}\"", "a".repeat((1 << 15) - 8));
        assert_eq!(read(whole.as_bytes()).unwrap().len(), 1);
    }
}
