//! JSON as other programs write it, and what is wrong with it in the words of whoever wrote it rather
//! than of the parser.
//!
//! Python writes NaN, which JSON has not: it is read as `null`. Infinity is refused by its name.

use std::fmt;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Error;
use serde_json::error::Category;

use crate::text;

/// Reads a value from text in UTF-8 or UTF-16, with or without a byte-order mark.
///
/// # Errors
/// Malformed JSON or a value of another form, with line and column.
pub fn from_slice<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    if let Ok(value) = serde_json::from_slice(json) {
        return Ok(value);
    }
    from_utf8(&text::utf8(json.to_vec()).map_err(Error::custom)?)
}

/// Reads a value from text in UTF-8 without a byte-order mark.
///
/// # Errors
/// Those of [`from_slice`].
pub(crate) fn from_utf8<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    let error = match serde_json::from_slice(json) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if !matches!(error.classify(), Category::Syntax) {
        return Err(error);
    }
    let Some(nulled) = Nulled::new(json)? else { return Err(error) };
    serde_json::from_slice(&nulled.json).map_err(|error| nulled.error(&error))
}

/// How NaN is written by Python, and by what prints numbers as C does.
const NOT_A_NUMBER: [&str; 4] = ["NaN", "nan", "NAN", "-nan"];
const INFINITE: [&str; 5] = ["Infinity", "infinity", "Inf", "inf", "INF"];

/// JSON with `null` for NaN.
struct Nulled {
    json: Vec<u8>,
    /// Line and column of each `null` that is a byte longer than what it is for.
    longer: Vec<(usize, usize)>,
}

impl Nulled {
    /// `None` where there is no NaN; an error where there is an infinite number.
    fn new(json: &[u8]) -> serde_json::Result<Option<Self>> {
        let mut nulled = Self { json: Vec::with_capacity(json.len()), longer: Vec::new() };
        let (mut line, mut start) = (1, 0); // of the line
        let mut found = false;
        let (mut in_text, mut escaped) = (false, false);
        // Where the last text is, and the last that is the name of a field.
        let (mut text, mut field) = (0..0, 0..0);
        let mut at = 0;
        while let Some(&byte) = json.get(at) {
            let length = if in_text { 0 } else { word(&json[at..]) };
            let after_word =
                at > 0 && (json[at - 1].is_ascii_alphanumeric() || json[at - 1] == b'_');
            if length > 0 && !after_word {
                let found_text = &json[at..at + length];
                let is = |names: &[&str]| names.iter().any(|name| name.as_bytes() == found_text);
                let unsigned = found_text.strip_prefix(b"-").unwrap_or(found_text);
                if INFINITE.iter().any(|name| name.as_bytes() == unsigned) {
                    let infinite = String::from_utf8_lossy(found_text);
                    let field = String::from_utf8_lossy(&json[field]);
                    let of_field =
                        if field.is_empty() { String::new() } else { format!(" in \"{field}\"") };
                    return Err(Error::custom(format!(
                        "found {infinite}{of_field}, which is not a JSON number: write a finite \
                         number, or null where there is none at line {line} column {}",
                        at + 1 - start
                    )));
                }
                if is(&NOT_A_NUMBER) {
                    found = true;
                    if length < 4 {
                        nulled.longer.push((line, nulled.json.len() + 1));
                    }
                    nulled.json.extend_from_slice(b"null");
                } else {
                    nulled.json.extend_from_slice(found_text);
                }
                at += length;
                continue;
            }
            if length > 0 && byte != b'-' {
                // The rest of what a digit began: no word, and looked at once.
                nulled.json.extend_from_slice(&json[at..at + length]);
                at += length;
                continue;
            }
            match byte {
                b'"' if !escaped => {
                    text = if in_text { text.start..at } else { at + 1..at + 1 };
                    in_text = !in_text;
                }
                b':' if !in_text => field = text.clone(),
                b'\n' => (line, start) = (line + 1, at + 1),
                _ => {}
            }
            escaped = in_text && byte == b'\\' && !escaped;
            nulled.json.push(byte);
            at += 1;
        }
        Ok(found.then_some(nulled))
    }

    /// The error with the place that it has in the file.
    fn error(&self, error: &Error) -> Error {
        let what = fault(error).replace("found null", "found null or NaN");
        let (line, column) = (error.line(), error.column());
        let before = self.json.split_inclusive(|&byte| byte == b'\n').take(line.saturating_sub(1));
        let end = before.map(<[u8]>::len).sum::<usize>() + column;
        let longer = self.longer.iter().filter(|(at, place)| *at == line && *place < end).count();
        let column = column.saturating_sub(longer);
        Error::custom(format!("{what} at line {line} column {column}"))
    }
}

/// The length of the word, or of a minus and a word, that comes first.
fn word(json: &[u8]) -> usize {
    let sign = usize::from(json.first() == Some(&b'-'));
    let letters = json[sign..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 { 0 } else { sign + letters }
}

/// A whole number, also where it is written as `96.0`, as programs write it that have numbers of one
/// kind.
pub(crate) struct Whole<N>(pub N);

impl<'de, N: TryFrom<u64>> Deserialize<'de> for Whole<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<N>(std::marker::PhantomData<N>);

        impl<N: TryFrom<u64>> Visitor<'_> for Number<N> {
            type Value = Whole<N>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number of 0 or more")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
                let found = serde::de::Unexpected::Unsigned(number);
                N::try_from(number).map(Whole).map_err(|_| E::invalid_value(found, &self))
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
                // Beyond, not every whole number has a float of its own.
                const MOST: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
                if number.fract() == 0.0 && (0.0..MOST).contains(&number) {
                    return self.visit_u64(number as u64);
                }
                Err(E::invalid_value(serde::de::Unexpected::Float(number), &self))
            }
        }

        deserializer.deserialize_any(Number(std::marker::PhantomData))
    }
}

/// [`Whole`] for a field.
pub(crate) fn whole<'de, D: Deserializer<'de>, N: TryFrom<u64>>(
    deserializer: D,
) -> Result<N, D::Error> {
    Whole::deserialize(deserializer).map(|whole| whole.0)
}

/// [`Whole`] for a field that may be `null`.
pub(crate) fn maybe_whole<'de, D: Deserializer<'de>, N: TryFrom<u64>>(
    deserializer: D,
) -> Result<Option<N>, D::Error> {
    Ok(Option::<Whole<N>>::deserialize(deserializer)?.map(|whole| whole.0))
}

/// [`Whole`] for a field with so many of them.
pub(crate) fn wholes<'de, D: Deserializer<'de>, N: TryFrom<u64>, const COUNT: usize>(
    deserializer: D,
) -> Result<[N; COUNT], D::Error> {
    let found: Vec<Whole<N>> = Vec::deserialize(deserializer)?;
    let count = found.len();
    let found: Vec<N> = found.into_iter().map(|whole| whole.0).collect();
    let expected = format!("an array of length {COUNT}");
    found.try_into().map_err(|_| D::Error::invalid_length(count, &&*expected))
}

/// A point, or none: `[x, y]`, or `null`, or two of `null` (which NaN is read as).
pub struct MaybePoint<N>(pub Option<[N; 2]>);

impl<'de, N: Deserialize<'de>> Deserialize<'de> for MaybePoint<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Point<N>(std::marker::PhantomData<N>);

        impl<'de, N: Deserialize<'de>> Visitor<'de> for Point<N> {
            type Value = MaybePoint<N>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array of length 2")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(MaybePoint(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut next = |count| {
                    let side = list.next_element::<Option<N>>()?;
                    side.ok_or_else(|| A::Error::invalid_length(count, &"an array of length 2"))
                };
                let (x, y) = (next(0)?, next(1)?);
                let mut count = 2;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                if count > 2 {
                    return Err(A::Error::custom(format!(
                        "found a list of {count} numbers where one of 2, x and y, is expected"
                    )));
                }
                match (x, y) {
                    (Some(x), Some(y)) => Ok(MaybePoint(Some([x, y]))),
                    (None, None) => Ok(MaybePoint(None)),
                    _ => Err(A::Error::custom(
                        "one coordinate of a point is null or NaN and the other is a number: give \
                         two numbers, or null for the point",
                    )),
                }
            }
        }

        deserializer.deserialize_any(Point(std::marker::PhantomData))
    }
}

/// What a parser of JSON found and expected, without its place.
pub fn fault(error: &Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    match error.classify() {
        Category::Eof if what.contains("string") => "it ends inside a text".to_owned(),
        Category::Eof if what.contains("list") => "it ends inside a list, before its ]".to_owned(),
        Category::Eof if what.contains("object") => {
            "it ends inside an object, before its }".to_owned()
        }
        Category::Eof => "it ends where a value is expected".to_owned(),
        Category::Data => misfit(what),
        Category::Syntax => syntax(what),
        Category::Io => what.to_owned(),
    }
}

/// The same, and where: the line counts only if there can be several.
#[must_use]
pub fn fault_at(error: &Error) -> String {
    match (error.line(), error.column()) {
        (0, _) | (_, 0) => fault(error),
        (line, column) => format!("line {line}, column {column}: {}", fault(error)),
    }
}

fn syntax(what: &str) -> String {
    match what {
        "expected value" | "expected ident" => "found no value where one is expected",
        "trailing characters" => "something follows after its end",
        "trailing comma" => "a comma is followed by nothing",
        "recursion limit exceeded" => "lists or objects are nested too deep",
        "key must be a string" => "the name of a field is not a text in quotation marks",
        "number out of range" => "a number is too large",
        "invalid number" => "a number is not written as JSON writes it",
        "control character (\\u0000-\\u001F) found while parsing a string" => {
            "a text holds a control character"
        }
        other => other,
    }
    .to_owned()
}

/// `invalid type: map, expected f32` and the like.
fn misfit(what: &str) -> String {
    for prefix in ["invalid type: ", "invalid value: ", "invalid length "] {
        let Some((found, expected)) =
            what.strip_prefix(prefix).and_then(|rest| rest.split_once(", expected "))
        else {
            continue;
        };
        let found = match prefix {
            "invalid length " => format!("a list of {found}"),
            _ => named(found),
        };
        return format!("found {found} where {} is expected", named(expected));
    }
    match what.split_once(" `") {
        Some(("missing field", name)) => {
            format!("the field \"{}\" is missing", name.trim_end_matches('`'))
        }
        Some(("duplicate field", name)) => {
            format!("the field \"{}\" appears twice", name.trim_end_matches('`'))
        }
        _ => what.to_owned(),
    }
}

/// A type in words.
fn named(name: &str) -> String {
    if let Some(count) = name.strip_prefix("an array of length ") {
        return format!("a list of {count}");
    }
    if let Some(number) =
        ["integer `", "floating point `"].iter().find_map(|p| name.strip_prefix(p))
    {
        return format!("the number {}", number.trim_end_matches('`'));
    }
    if let Some(text) = name.strip_prefix("string ") {
        return format!("the text {text}");
    }
    if name.starts_with("struct ") {
        return "an object".to_owned();
    }
    match name {
        "map" | "a map" => "an object",
        "sequence" | "a sequence" => "a list",
        "f32" | "f64" | "a JSON number" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i32" | "i64" => "a whole number",
        "a string" => "a text",
        "a boolean" => "true or false",
        "boolean `true`" => "true",
        "boolean `false`" => "false",
        "null" => "null",
        "option" => "a value or null",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only parsed")]
    struct Pair {
        pair: String,
        keypoints: Vec<Option<[f32; 2]>>,
        level: Option<u8>,
    }

    #[track_caller]
    fn says(json: &str, expected: &str) {
        let error = serde_json::from_str::<Pair>(json).unwrap_err();
        assert_eq!(fault(&error), expected, "{error}");
    }

    #[test]
    fn faults_are_told_without_the_parsers_words() {
        says("{\"pair\":\"a", "it ends inside a text");
        says("{\"pair\":\"a\"", "it ends inside an object, before its }");
        says("{\"pair\":\"a\",\"keypoints\":[[1,2]", "it ends inside a list, before its ]");
        says("", "it ends where a value is expected");
        says("nonsense", "found no value where one is expected");
        says("[1]", "found the number 1 where a text is expected");
        says("7", "found the number 7 where an object is expected");
        says("{\"keypoints\":[]}", "the field \"pair\" is missing");
        says("{\"pair\":\"a\",\"pair\":\"b\"}", "the field \"pair\" appears twice");
        says("{\"pair\":{}}", "found an object where a text is expected");
        let keypoints = |point: &str| format!("{{\"pair\":\"a\",\"keypoints\":[{point}]}}");
        says(&keypoints("[1,{}]"), "found an object where a number is expected");
        says(&keypoints("[1,\"x\"]"), "found the text \"x\" where a number is expected");
        says(&keypoints("[1]"), "found a list of 1 where a list of 2 is expected");
        says(&keypoints("3.5"), "found the number 3.5 where a list of 2 is expected");
        says(&keypoints("[1,1e999]"), "a number is too large");
        says(
            "{\"pair\":\"a\",\"keypoints\":[],\"level\":-1}",
            "found the number -1 where a whole number that is not negative is expected",
        );
        says("{\"pair\":\"a\",}", "a comma is followed by nothing");
        says("{1:2}", "the name of a field is not a text in quotation marks");
        let deep = "[".repeat(1000);
        let error = serde_json::from_str::<serde_json::Value>(&deep).unwrap_err();
        assert_eq!(fault(&error), "lists or objects are nested too deep");
    }

    type Points = Vec<MaybePoint<f32>>;

    fn points(json: &str) -> Result<Vec<Option<[f32; 2]>>, String> {
        let points: serde_json::Result<Points> = from_slice(json.as_bytes());
        points.map(|all| all.into_iter().map(|one| one.0).collect()).map_err(|e| fault_at(&e))
    }

    #[test]
    fn nan_is_null_wherever_it_is_no_part_of_a_text() {
        let expected = Ok(vec![None, Some([1.0, 2.0])]);
        for none in ["null", "[null,null]", "NaN", "[NaN,NaN]", "[ nan , -nan ]", "[NAN,null]"] {
            assert_eq!(points(&format!("[{none},[1,2]]")), expected, "{none}");
        }
        let text: serde_json::Value = from_slice(br#"{"NaN \" Infinity":[NaN,"nan\\"]}"#).unwrap();
        assert_eq!(text, serde_json::json!({"NaN \" Infinity": [null, "nan\\"]}));
        let text: serde_json::Value = from_slice(br#"["\\",NaN]"#).unwrap();
        assert_eq!(text, serde_json::json!(["\\", null]));
    }

    #[test]
    fn what_is_no_point_is_told_with_what_was_found_and_where() {
        for (json, expected) in [
            (
                "[[1,2,1]]",
                "column 8: found a list of 3 numbers where one of 2, x and y, is expected",
            ),
            ("[[1,2,3,4],[5,6,7,8]]", "found a list of 4 numbers where one of 2, x and y"),
            ("[[1]]", "found a list of 1 where a list of 2 is expected"),
            ("[7]", "found the number 7 where a list of 2 is expected"),
            ("[[1,NaN]]", "one coordinate of a point is null or NaN"),
            ("[[NaN,NaN],\n[NaN,\"x\"]]", "line 2, column 8: found the text \"x\" where a number"),
            ("[[NaN,NaN],[1,2,3]]", "column 18: found a list of 3"),
            ("[[1,Infinity]]", "line 1, column 5: found Infinity, which is not a JSON number"),
            ("[\n [1,-inf]]", "line 2, column 5: found -inf, which is not a JSON number"),
            ("[[1e40,2]]", "a number is too large"),
            ("[[1,NaNs]]", "found no value where one is expected"),
            ("[[NaN,NaN]", "it ends inside a list, before its ]"),
        ] {
            let error = points(json).unwrap_err();
            assert!(error.contains(expected), "{json}: {error}");
        }
        let error = from_slice::<u8>(b"[NaN]").unwrap_err();
        assert!(!fault(&error).contains("NaN"), "{error}");
        let error = from_slice::<[u8; 1]>(b"[NaN]").unwrap_err();
        assert!(fault(&error).starts_with("found null or NaN where"), "{error}");
    }

    #[test]
    fn a_long_word_after_a_digit_is_looked_at_once() {
        // A step for every two letters would be 10¹² of them.
        for begin in ["{\"format\":1", "[_", "[1-"] {
            let json = begin.to_owned() + &"a".repeat(2_000_000);
            assert!(from_slice::<serde_json::Value>(json.as_bytes()).is_err(), "{begin}");
        }
        // It is no word, so that its end is none.
        let json = format!("[1{}NaN, NaN]", "a".repeat(10));
        assert!(from_slice::<serde_json::Value>(json.as_bytes()).is_err());
        assert!(points("[[1,2NaN]]").is_err());
        assert!(points("[[1,2-inf]]").unwrap_err().contains("found inf"));
    }

    #[test]
    fn marks_and_utf_16_are_no_part_of_json() {
        let utf16 = "[[1,2]]".encode_utf16().flat_map(u16::to_le_bytes);
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16).collect();
        for json in ["\u{feff}[[1,2]]".as_bytes(), &utf16] {
            let points: Points = from_slice(json).unwrap();
            assert_eq!(points[0].0, Some([1.0, 2.0]));
        }
        let error = from_slice::<u8>("\u{feff}x".as_bytes()).unwrap_err();
        assert_eq!(fault_at(&error), "line 1, column 1: found no value where one is expected");
        let error = from_slice::<u8>(b"\xff\xfe\0\0").unwrap_err();
        assert_eq!(fault_at(&error), "it is text in UTF-32: save it as UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn nan_anywhere_is_read_as_null_there(text in "[a-z\"\\\\NnaI ]{0,12}", x in proptest::num::f32::NORMAL) {
            let with = |none: &str| {
                let text = serde_json::Value::from(text.clone());
                format!("{{{text}: [{none}, {x}, {text}, {none}]}}")
            };
            let read: serde_json::Value = from_slice(with("NaN").as_bytes()).unwrap();
            let expected: serde_json::Value = serde_json::from_str(&with("null")).unwrap();
            proptest::prop_assert_eq!(read, expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "[\\[\\]NaInfity\",\n-]{0,40}") {
            let _ = from_slice::<Points>(&bytes);
            let _ = from_slice::<Points>(text.as_bytes());
        }
    }
}
