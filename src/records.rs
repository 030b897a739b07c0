//! Tables from elsewhere, a record at a time: bounded in memory, in UTF-8 or UTF-16, with commas,
//! semicolons or tabs between the cells, and with the line on which each record stands.
//!
//! The csv crate counts a line too few after CRLF and for every empty line, keeps as much of a record
//! as comes, and takes what follows a quotation mark that is not closed for the rest of the cell.

use std::fmt;
use std::io::{BufRead, BufReader, Chain, Cursor, Error, ErrorKind, Read, Result as IoResult};

use csv::StringRecord;

use crate::text::{NoText, Utf8};

/// What was looked at, and the rest.
type Input<R> = Chain<Cursor<Vec<u8>>, Utf8<R>>;

/// A reader of records.
pub(crate) struct Records<R> {
    reader: csv::Reader<Plain<Input<R>>>,
    longest: usize,
    /// Whether the first record was read.
    is_begun: bool,
}

/// Why a record cannot be read.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The line, from 1.
    pub line: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    NotUtf8,
    NoText(NoText),
    TooLong(usize),
    Open,
    Unread(Error),
}

impl Fault {
    /// What is wrong, without the line.
    pub(crate) fn what(&self) -> String {
        match &self.what {
            What::NotUtf8 => "it is not text in UTF-8".to_owned(),
            What::NoText(what) => what.to_string(),
            What::TooLong(longest) => {
                format!(
                    "it does not end within {longest} bytes (a quotation mark may not be closed)"
                )
            }
            What::Open => "a quotation mark is not closed".to_owned(),
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
    /// one is no heading to this reader, but shows what is between cells.
    pub(crate) fn new(input: R, longest: usize) -> IoResult<Self> {
        let mut input = Utf8::new(input)?;
        let mut start = Vec::new();
        // What is no text is said with its line when it is read.
        let peeked = input.by_ref().take(PEEKED).read_to_end(&mut start);
        if let Err(error) = peeked
            && NoText::of(&error).is_none()
        {
            return Err(error);
        }
        let delimiter = delimiter(&start);
        Ok(Self::of(Cursor::new(start).chain(input), longest, delimiter))
    }

    /// Reads records of at most `longest` bytes with this between their cells.
    fn of(input: Input<R>, longest: usize, delimiter: u8) -> Self {
        let input = Plain {
            input: BufReader::new(input),
            longest,
            given: 0,
            last: b'\n',
            delimiter,
            place: Place::Start,
            line: 1,
        };
        let mut builder = csv::ReaderBuilder::new();
        let builder = builder.has_headers(false).flexible(true).delimiter(delimiter);
        Self { reader: builder.from_reader(input), longest, is_begun: false }
    }

    /// The next record and its line, from 1; `None` after the last. Records may have any number of
    /// fields, empty lines are skipped.
    pub(crate) fn next_record(&mut self) -> Result<Option<(usize, StringRecord)>, Fault> {
        loop {
            let is_first = !std::mem::replace(&mut self.is_begun, true);
            match self.record()? {
                Some((_, record)) if is_first && says_delimiter(&record) => {}
                record => return Ok(record),
            }
        }
    }

    fn record(&mut self) -> Result<Option<(usize, StringRecord)>, Fault> {
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
                let (what, line) = match error.into_kind() {
                    csv::ErrorKind::Utf8 { .. } => (What::NotUtf8, Some(self.line() - 1)),
                    csv::ErrorKind::Io(error) => match Stop::of(&error) {
                        Some(Stop::TooLong) => (What::TooLong(self.longest), None),
                        Some(Stop::Open(line)) => (What::Open, Some(line)),
                        None => match NoText::of(&error) {
                            Some(what) => (What::NoText(what), None),
                            None => (What::Unread(error), None),
                        },
                    },
                    other => (What::Unread(Error::other(format!("{other:?}"))), None),
                };
                Err(Fault { line: line.unwrap_or(begun), what })
            }
        }
    }

    /// The line that is read next, from 1.
    fn line(&self) -> usize {
        usize::try_from(self.reader.position().line()).unwrap_or(usize::MAX)
    }
}

/// Reads a table in UTF-8 of which each line is a record, so that what is wrong with one does not hide
/// the others. The first line with something in it shows what is between cells. Lines are counted from
/// 1; those that are empty are left out.
pub(crate) fn lines(
    table: &[u8],
    longest: usize,
) -> impl Iterator<Item = (usize, Result<StringRecord, Fault>)> {
    let delimiter = delimiter(table);
    let mut is_begun = false;
    crate::text::byte_lines(table).enumerate().filter_map(move |(at, text)| {
        let number = at + 1;
        let is_first = !text.trim_ascii().is_empty() && !std::mem::replace(&mut is_begun, true);
        let input = Cursor::new(Vec::new()).chain(Utf8::known(text));
        match Records::of(input, longest, delimiter).record() {
            Ok(None) => None,
            Ok(Some((_, record))) if is_first && says_delimiter(&record) => None,
            Ok(Some((_, record))) => Some((number, Ok(record))),
            Err(fault) => Some((number, Err(Fault { line: number, ..fault }))),
        }
    })
}

/// Bytes that are looked at for what is between cells.
const PEEKED: u64 = 1 << 16;

/// Whether a record is the line `sep=;` that Excel puts before a table, to say what is between cells.
fn says_delimiter(record: &StringRecord) -> bool {
    record.len() == 2 && record[0].trim().eq_ignore_ascii_case("sep=") && record[1].is_empty()
}

/// What is between the cells of the first line that has any. Lists of pairs have semicolons inside of
/// cells, so commas go before them.
fn delimiter(start: &[u8]) -> u8 {
    let mut lines = start.split(|byte| matches!(byte, b'\n' | b'\r'));
    let line = lines.find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', said] = *line
        && !matches!(said, b'"' | b' ')
        && said.is_ascii()
        && !said.is_ascii_alphanumeric()
    {
        return said;
    }
    let mut quoted = false;
    let outside: Vec<u8> = line
        .iter()
        .copied()
        .filter(|&byte| {
            quoted ^= byte == b'"';
            !quoted
        })
        .collect();
    let has = |wanted: &[u8]| outside.windows(wanted.len()).any(|bytes| bytes == wanted);
    // A tab after a comma is there for the eye.
    match (has(b"\t") && !has(b",\t"), has(b","), has(b";")) {
        (true, ..) => b'\t',
        (false, false, true) => b';',
        _ => b',',
    }
}

/// Where in a record a byte is, as the csv crate sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a cell.
    Start,
    /// In a cell without quotation marks, or after them.
    Bare,
    /// In a cell with quotation marks, the first of which is on this line.
    Quoted(usize),
    /// After a quotation mark that ends the cell, or is half of one in it.
    Ended(usize),
}

/// Why no more bytes are given out.
#[derive(Debug, Clone, Copy)]
enum Stop {
    TooLong,
    /// A quotation mark of this line is not closed.
    Open(usize),
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self:?}")
    }
}

impl std::error::Error for Stop {}

impl Stop {
    fn of(error: &Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        Self::new(ErrorKind::InvalidData, stop)
    }
}

/// Bytes with line breaks of one byte, and one at the end; no more of them than a record may have
/// until `given` is set back, and no end within quotation marks.
struct Plain<R> {
    input: BufReader<R>,
    longest: usize,
    /// Bytes given out for the record.
    given: usize,
    /// The byte given out last; a line break before the first.
    last: u8,
    delimiter: u8,
    place: Place,
    /// The line of the next byte, from 1.
    line: usize,
}

impl<R: Read> Plain<R> {
    fn next(&mut self) -> IoResult<Option<u8>> {
        let byte = match (self.peek()?, self.place) {
            (None, Place::Quoted(line)) => return Err(Stop::Open(line).into()),
            (None, _) if self.last == b'\n' => return Ok(None),
            (None, _) => b'\n',
            (Some(byte), _) => {
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
        self.place = match (self.place, byte) {
            (Place::Quoted(line), b'"') => Place::Ended(line),
            (Place::Quoted(line), _) => Place::Quoted(line),
            (Place::Ended(line), b'"') => Place::Quoted(line),
            (Place::Start, b'"') => Place::Quoted(self.line),
            (_, b'\n') => Place::Start,
            (_, byte) if byte == self.delimiter => Place::Start,
            _ => Place::Bare,
        };
        self.line += usize::from(byte == b'\n');
        Ok(Some(byte))
    }

    fn peek(&mut self) -> IoResult<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        if self.given >= self.longest {
            return Err(Stop::TooLong.into());
        }
        let mut read = 0;
        while read < buffer.len() {
            match self.next() {
                Ok(Some(byte)) => {
                    buffer[read] = byte;
                    read += 1;
                }
                Ok(None) => break,
                // What came before it counts first.
                Err(_) if read > 0 => break,
                Err(error) => return Err(error),
            }
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
        while let Some((line, record)) = records.next_record().map_err(|fault| fault.to_string())? {
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
        assert_eq!(read(b"\xef\xbb").unwrap_err(), "line 1: it is not text in UTF-8");
        assert_eq!(read(b"a\r\n\r\nb\xff\r\n").unwrap_err(), "line 3: it is not text in UTF-8");
    }

    #[test]
    fn a_mark_before_a_quoted_heading_is_no_part_of_it() {
        let found = read("\u{feff}\"pair\",x".as_bytes()).unwrap();
        assert_eq!(found, [(1, vec!["pair".to_owned(), "x".to_owned()])]);
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_is_told_with_its_line() {
        for (text, line) in [
            ("a,b\n1,\"2\n3,4\n", 2),
            ("\"a", 1),
            ("a,b\r\n\r\n\"x\ny\",\"\"\"\r\n3,4", 4),
            ("a,b\n1,\"2\"\"\n", 2),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert_eq!(error, format!("line {line}: a quotation mark is not closed"), "{text:?}");
        }
        // Closed, or no mark of a cell.
        for text in ["a,b\"\n1,2\n", "\"a\"\"\",b\n", "\"a\"b\"\n1,2\n", " \"a\n1\n"] {
            read(text.as_bytes()).unwrap();
        }
    }

    #[test]
    fn excels_line_about_what_is_between_cells_is_no_record() {
        let row = |line, cells: [&str; 2]| (line, cells.map(str::to_owned).to_vec());
        for (text, expected) in [
            ("sep=;\na;b,c\n", vec![row(2, ["a", "b,c"])]),
            ("\u{feff}sep=,\r\na,b;c", vec![row(2, ["a", "b;c"])]),
            ("SEP=\t\na\tb,c", vec![row(2, ["a", "b,c"])]),
            ("sep=|\na|b", vec![row(2, ["a", "b"])]),
            // Elsewhere, or something else.
            ("a;b\nsep=;\n", vec![row(1, ["a", "b"]), row(2, ["sep=", ""])]),
            ("sep=x,b\n", vec![row(1, ["sep=x", "b"])]),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), expected, "{text:?}");
            let text = crate::text::utf8(text.as_bytes().to_vec()).unwrap();
            let by_line = lines(&text, 1 << 15).map(|(line, record)| {
                (line, record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
            });
            assert_eq!(by_line.collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn commas_semicolons_and_tabs_are_told_by_the_first_line() {
        let cells = |first: &[&str], second: &[&str]| {
            let owned = |line: &[&str]| line.iter().map(|&cell| cell.to_owned()).collect();
            vec![(1, owned(first)), (2, owned(second))]
        };
        for (text, expected) in [
            ("pair;x\na,b;1", cells(&["pair", "x"], &["a,b", "1"])),
            ("pair\tx\na b\t1", cells(&["pair", "x"], &["a b", "1"])),
            ("\"a,b\";x\n1;2,5", cells(&["a,b", "x"], &["1", "2,5"])),
            ("\"a;\tb\",x\n1;2,5", cells(&["a;\tb", "x"], &["1;2", "5"])),
            ("a\t1,2,3\nb,c\t5", cells(&["a", "1,2,3"], &["b,c", "5"])),
            ("a,\t1;\nb,5", cells(&["a", "\t1;"], &["b", "5"])),
            ("a,1;2;3;4\nb,5", cells(&["a", "1;2;3;4"], &["b", "5"])),
            ("pair\na;b", cells(&["pair"], &["a;b"])),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), expected, "{text:?}");
            let utf16 = |text: &str| -> Vec<u8> {
                let units = text.encode_utf16().flat_map(u16::to_le_bytes);
                [0xff, 0xfe].into_iter().chain(units).collect()
            };
            assert_eq!(read(&utf16(text)).unwrap(), expected, "{text:?} in UTF-16");
        }
        let error = read(b"\xff\xfea\0\n\0b\0\x00\xd8").unwrap_err();
        assert_eq!(error, "line 2: it is text in UTF-16 with a broken character: save it as UTF-8");
        let error = read(b"\xff\xfe\0\0a\0\0\0").unwrap_err();
        assert_eq!(error, "line 1: it is text in UTF-32: save it as UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_records_have_ascending_lines_that_are_there(text in "[a,\"\r\n\u{e9}\u{feff}]{0,60}") {
            let lines = 1 + text.replace("\r\n", "\n").matches(['\r', '\n']).count();
            match read(text.as_bytes()) {
                Ok(found) => {
                    assert!(found.iter().map(|(line, _)| *line).is_sorted(), "{found:?}");
                    assert!(found.iter().all(|(line, _)| (1..=lines).contains(line)), "{found:?}");
                }
                Err(error) => assert!(error.ends_with("a quotation mark is not closed"), "{error}"),
            }
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
            assert!(error.contains("does not end within 32768 bytes"), "{error}");
        }
        let whole = format!("\"{}\"", "a".repeat((1 << 15) - 8));
        assert_eq!(read(whole.as_bytes()).unwrap().len(), 1);
    }
}
