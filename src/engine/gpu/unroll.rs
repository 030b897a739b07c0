//! What is done to a kernel's text before a driver sees it: constants set, blocks chosen, and loops over
//! a tile unrolled. Drivers keep a tile in registers only where every index into it is a constant;
//! whether their own unrolling gets there depends on the driver, on the size of the tile, and on the
//! checks around each index.
//!
//! The texts are read as plain text, so they follow rules, and one that does not is an error: a
//! constant that the host sets is declared once; a choice has both blocks; no comment has a brace or
//! the beginning of a loop; and a loop that is unrolled has no `break` or `continue`.

/// Why a kernel's text cannot be prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TextError {
    #[error("'{declaration}' stands in the kernel {found} times; declare the constant once")]
    Declared { declaration: String, found: usize },
    #[error("'if {flag} {{' is not followed by a block, 'else' and another block; give it both")]
    NoChoice { flag: String },
    #[error("the comment '{0}' has a brace, a '/*' or the beginning of a loop; word it without")]
    Comment(String),
    #[error("the loop '{0}' has no end; close its brace")]
    NoEnd(String),
    #[error("the loop '{0}' is unrolled, and has a break or continue; take these out")]
    Leaves(String),
}

/// Puts another value behind a declaration that stands in the text once.
pub(super) fn with_constant(
    source: &str,
    declaration: &str,
    value: &str,
) -> Result<String, TextError> {
    let error = |found| TextError::Declared { declaration: declaration.to_owned(), found };
    let (before, after) = source.split_once(declaration).ok_or_else(|| error(0))?;
    if after.contains(declaration) {
        return Err(error(source.matches(declaration).count()));
    }
    let end = after.find(';').ok_or_else(|| error(0))?;
    Ok([before, declaration, value, &after[end..]].concat())
}

/// Replaces every `if FLAG { … } else { … }` by the block that applies, so that a driver never sees an
/// operation that it lacks in the other one.
pub(super) fn choose(source: &str, flag: &str, value: bool) -> Result<String, TextError> {
    check_comments(source)?;
    let error = || TextError::NoChoice { flag: flag.to_owned() };
    let mut chosen = String::new();
    let mut rest = source;
    while let Some((before, from)) = rest.split_once(&format!("if {flag} {{")) {
        let end = closing_brace(from).ok_or_else(error)?;
        let (first, after) = (&from[..end], &from[end + 1..]);
        let after = after.strip_prefix(" else {").ok_or_else(error)?;
        let end = closing_brace(after).ok_or_else(error)?;
        let second = &after[..end];
        rest = &after[end + 1..];
        let block = if value { first } else { second };
        chosen.push_str(&format!("{before}{{{block}}}"));
    }
    chosen.push_str(rest);
    Ok(chosen)
}

/// Repeats the body of every `for (var i = 0u; i < BOUND; i++) {` whose bound is one of `constants`
/// or a number, with `i` as a constant.
pub(super) fn unroll(source: &str, constants: &[(&str, u32)]) -> Result<String, TextError> {
    check_comments(source)?;
    unroll_checked(source, constants)
}

/// [`unroll`] of a text whose comments have been checked.
fn unroll_checked(source: &str, constants: &[(&str, u32)]) -> Result<String, TextError> {
    let mut unrolled = String::new();
    let mut rest = source;
    while let Some(start) = rest.find("for (var ") {
        let (before, from) = rest.split_at(start);
        unrolled.push_str(before);
        let no_end = |header: &str| TextError::NoEnd(header.trim_end().to_owned());
        let (header, after) = from.split_once('{').ok_or_else(|| no_end(from))?;
        let Some((name, count)) = counter(header, constants) else {
            unrolled.push_str(header);
            rest = &from[header.len()..];
            continue;
        };
        let end = closing_brace(after).ok_or_else(|| no_end(header))?;
        let body = &after[..end];
        if leaves(body) {
            return Err(TextError::Leaves(header.trim_end().to_owned()));
        }
        let body = unroll_checked(body, constants)?;
        for index in 0..count {
            unrolled.push_str(&format!("{{ const {name} = {index}u;{body}}}\n"));
        }
        rest = &after[end + 1..];
    }
    unrolled.push_str(rest);
    Ok(unrolled)
}

/// Name and number of turns of a loop that can be unrolled.
fn counter<'a>(header: &'a str, constants: &[(&str, u32)]) -> Option<(&'a str, u32)> {
    let inside = header.strip_prefix("for (var ")?.trim_end().strip_suffix(')')?;
    let (name, rest) = inside.split_once(" = 0u; ")?;
    let (condition, step) = rest.split_once("; ")?;
    let bound = condition.strip_prefix(name)?.strip_prefix(" < ")?;
    let count = match constants.iter().find(|(constant, _)| *constant == bound) {
        Some(&(_, value)) => value,
        None => bound.strip_suffix('u')?.parse().ok()?,
    };
    (step.strip_prefix(name)? == "++").then_some((name, count))
}

/// Where the block whose opening brace stands before `text` ends.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 1;
    text.char_indices().find_map(|(at, character)| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

/// Whether a body may leave its loop, or a turn of it.
fn leaves(body: &str) -> bool {
    let code = body.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    let mut words = code.flat_map(|code| {
        code.split(|character: char| !(character.is_alphanumeric() || character == '_'))
    });
    words.any(|word| word == "break" || word == "continue")
}

/// Checks that comments have nothing that would be taken for code.
fn check_comments(source: &str) -> Result<(), TextError> {
    let refused = |comment: &str| comment.contains(['{', '}']) || comment.contains("for (var ");
    for line in source.lines() {
        let comment = line.split_once("//").map_or("", |(_, comment)| comment);
        if refused(comment) || line.contains("/*") {
            return Err(TextError::Comment(line.trim().to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TextError, choose, unroll, with_constant};

    #[test]
    fn the_block_that_applies_is_chosen() {
        let source = "a; if X { b { c } } else { d } e; if X { f } else { g }";
        let chosen = |value| choose(source, "X", value).expect("both blocks");
        assert_eq!(chosen(true), "a; { b { c } } e; { f }");
        assert_eq!(chosen(false), "a; { d } e; { g }");
    }

    #[test]
    fn loops_up_to_constants_are_repeated_and_others_stay() {
        let source = "a; for (var i = 0u; i < N; i++) { f(i); for (var k = 0u; k < 2u; k++) { g(i, k); } } \
                      for (var j = first; j < N; j++) { h(j); } for (var j = 0u; j < n; j++) { h(j); }";
        let expected = "a; { const i = 0u; f(i); { const k = 0u; g(i, k); }\n{ const k = 1u; g(i, k); }\n }\n\
                        { const i = 1u; f(i); { const k = 0u; g(i, k); }\n{ const k = 1u; g(i, k); }\n }\n \
                        for (var j = first; j < N; j++) { h(j); } for (var j = 0u; j < n; j++) { h(j); }";
        assert_eq!(unroll(source, &[("N", 2)]).as_deref(), Ok(expected));
    }

    #[test]
    fn a_constant_is_set_where_it_is_declared_once() {
        let set = |source| with_constant(source, "const N: u32 = ", "5u");
        assert_eq!(set("a; const N: u32 = 1u; b;").as_deref(), Ok("a; const N: u32 = 5u; b;"));
        let declared =
            |found| Err(TextError::Declared { declaration: "const N: u32 = ".to_owned(), found });
        assert_eq!(set("a; const M: u32 = 1u; b;"), declared(0));
        assert_eq!(set("const N: u32 = 1u; const N: u32 = 2u;"), declared(2));
        assert_eq!(set("const N: u32 = 1u"), declared(0), "no end");
    }

    #[test]
    fn a_choice_without_its_second_block_is_refused() {
        let no_choice = Err(TextError::NoChoice { flag: "X".to_owned() });
        for source in
            ["if X { a }", "if X { a } else if Y { b }", "if X { a", "if X { a } else { b"]
        {
            assert_eq!(choose(source, "X", true), no_choice, "{source}");
        }
    }

    #[test]
    fn a_loop_that_may_be_left_is_not_unrolled() {
        for word in ["break", "continue"] {
            let source = format!("for (var i = 0u; i < 2u; i++) {{ if (a) {{ {word}; }} }}");
            let error = Err(TextError::Leaves("for (var i = 0u; i < 2u; i++)".to_owned()));
            assert_eq!(unroll(&source, &[]), error);
            let stays = format!("for (var i = 0u; i < n; i++) {{ {word}; }}");
            assert_eq!(unroll(&stays, &[]).as_deref(), Ok(&*stays), "not unrolled");
        }
        let named = "for (var i = 0u; i < 1u; i++) { breaks(i); // no break\n}";
        assert!(unroll(named, &[]).is_ok(), "names and comments do not leave a loop");
    }

    #[test]
    fn comments_that_look_like_code_are_refused() {
        for comment in ["// a {", "// }", "/* a */", "// for (var i = 0u"] {
            let error = TextError::Comment(comment.to_owned());
            assert_eq!(unroll(&format!("a;\n{comment}\n"), &[]), Err(error.clone()));
            assert_eq!(choose(&format!("a;\n{comment}\n"), "X", true), Err(error));
        }
    }

    #[test]
    fn a_loop_without_an_end_is_refused() {
        let error = Err(TextError::NoEnd("for (var i = 0u; i < 2u; i++)".to_owned()));
        assert_eq!(unroll("for (var i = 0u; i < 2u; i++) { a; ", &[]), error);
    }
}
