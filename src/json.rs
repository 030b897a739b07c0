//! What is wrong with JSON, in the words of whoever wrote it rather than of the parser.

use serde_json::Error;
use serde_json::error::Category;

/// What a parser of JSON found and expected, without its place.
pub(crate) fn fault(error: &Error) -> String {
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
pub(crate) fn fault_at(error: &Error) -> String {
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
}
