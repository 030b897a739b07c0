//! JSON spaced and escaped as Python's `json.dumps` does by default, so that files made here are
//! byte-compatible with the distributed ones.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// The value as one line of JSON: `, ` and `: ` between items, characters beyond ASCII escaped.
///
/// # Errors
/// What `serde_json` refuses to write, such as a map whose keys are not strings.
pub(super) fn to_string<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, PythonFormatter))?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

struct PythonFormatter;

fn separator<W: ?Sized + Write>(writer: &mut W, first: bool) -> io::Result<()> {
    if first { Ok(()) } else { writer.write_all(b", ") }
}

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        separator(w, first)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        separator(w, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python_float(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                write!(writer, "{character}")?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

/// Python's `repr` of a float: the shortest digits that round-trip, an exponent of at least two
/// digits below 1e-4 and from 1e16 on.
fn python_float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let scientific = format!("{value:e}");
        let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
        let (sign, power) = match exponent.strip_prefix('-') {
            Some(power) => ('-', power),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{power:0>2}");
    }
    let plain = value.to_string();
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected strings are what Python 3 prints for `json.dumps` of the same values.
    #[test]
    fn spaces_escapes_and_floats_are_those_of_python() {
        let value: serde_json::Value =
            serde_json::from_str(r#"{"a":[1,2.0,1e-5,1e16,0.0001,-0.0],"é😀\n\u007f\u0001":null}"#)
                .unwrap();
        assert_eq!(
            to_string(&value).unwrap(),
            r#"{"a": [1, 2.0, 1e-05, 1e+16, 0.0001, -0.0], "\u00e9\ud83d\ude00\n\u007f\u0001": null}"#
        );
    }
}
