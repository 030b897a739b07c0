//! What is done to a kernel's text before a driver sees it: blocks chosen, and loops over a tile
//! unrolled. Drivers keep a tile in registers only where every index into it is a constant; whether
//! their own unrolling gets there depends on the driver, on the size of the tile, and on the checks
//! around each index.

/// Replaces every `if FLAG { … } else { … }` by the block that applies, so that a driver never sees an
/// operation that it lacks in the other one.
pub(super) fn choose(source: &str, flag: &str, value: bool) -> String {
    let Some((before, from)) = source.split_once(&format!("if {flag} {{")) else {
        return source.to_owned();
    };
    let blocks = closing_brace(from).and_then(|end| {
        let (first, after) = (&from[..end], from[end + 1..].strip_prefix(" else {")?);
        let end = closing_brace(after)?;
        Some((first, &after[..end], &after[end + 1..]))
    });
    match blocks {
        None => source.to_owned(),
        Some((first, second, rest)) => {
            let chosen = if value { first } else { second };
            format!("{before}{{{chosen}}}{}", choose(rest, flag, value))
        }
    }
}

/// Repeats the body of every `for (var i = 0u; i < BOUND; i++) {` whose bound is one of `constants`
/// or a number, with `i` as a constant. The kernels have no `break`, `continue` or braces in
/// comments there.
pub(super) fn unroll(source: &str, constants: &[(&str, u32)]) -> String {
    let mut unrolled = String::new();
    let mut rest = source;
    while let Some(start) = rest.find("for (var ") {
        let (before, from) = rest.split_at(start);
        unrolled.push_str(before);
        let Some((header, after)) = from.split_once('{') else { break };
        match (counter(header, constants), closing_brace(after)) {
            (Some((name, count)), Some(end)) => {
                let body = unroll(&after[..end], constants);
                for index in 0..count {
                    unrolled.push_str(&format!("{{ const {name} = {index}u;{body}}}\n"));
                }
                rest = &after[end + 1..];
            }
            _ => {
                unrolled.push_str(header);
                rest = &from[header.len()..];
            }
        }
    }
    unrolled.push_str(rest);
    unrolled
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

#[cfg(test)]
mod tests {
    use super::{choose, unroll};

    #[test]
    fn the_block_that_applies_is_chosen() {
        let source = "a; if X { b { c } } else { d } e; if X { f } else { g }";
        assert_eq!(choose(source, "X", true), "a; { b { c } } e; { f }");
        assert_eq!(choose(source, "X", false), "a; { d } e; { g }");
    }

    #[test]
    fn loops_up_to_constants_are_repeated_and_others_stay() {
        let source = "a; for (var i = 0u; i < N; i++) { f(i); for (var k = 0u; k < 2u; k++) { g(i, k); } } \
                      for (var j = first; j < N; j++) { h(j); } for (var j = 0u; j < n; j++) { h(j); }";
        let expected = "a; { const i = 0u; f(i); { const k = 0u; g(i, k); }\n{ const k = 1u; g(i, k); }\n }\n\
                        { const i = 1u; f(i); { const k = 0u; g(i, k); }\n{ const k = 1u; g(i, k); }\n }\n \
                        for (var j = first; j < N; j++) { h(j); } for (var j = 0u; j < n; j++) { h(j); }";
        assert_eq!(unroll(source, &[("N", 2)]), expected);
    }
}
