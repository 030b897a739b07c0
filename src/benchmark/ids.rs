//! Pairs by their ids, also where another program or a disk has put something else for the colon in
//! these.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::open::Benchmark;
use super::pair_files::{LIKE_COLONS, is_for_a_colon};

/// The pairs of a benchmark by their ids.
pub(crate) struct Ids<'a> {
    benchmark: &'a Benchmark,
    /// Several have one id where photographs differ by what it leaves out, such as their extensions.
    exact: HashMap<&'a str, Vec<usize>>,
    /// By the letters and digits of those that have a colon; made when an id is not found.
    plain: OnceLock<HashMap<String, Vec<usize>>>,
}

impl<'a> Ids<'a> {
    pub(crate) fn of(benchmark: &'a Benchmark) -> Self {
        let mut exact: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, pair) in benchmark.pairs.iter().enumerate() {
            exact.entry(pair.id.as_str()).or_default().push(at);
        }
        Self { benchmark, exact, plain: OnceLock::new() }
    }

    /// The pairs of this id, by their places; none where no pair has exactly this id.
    pub(crate) fn exact(&self, id: &str) -> &[usize] {
        self.exact.get(id).map_or(&[], Vec::as_slice)
    }

    /// The pairs whose ids this is with something else for the colon, or with `\` for `/`.
    pub(crate) fn alike(&self, id: &str) -> Vec<usize> {
        let pairs = &self.benchmark.pairs;
        let plain = self.plain.get_or_init(|| {
            let mut plain: HashMap<String, Vec<usize>> = HashMap::new();
            for (at, pair) in pairs.iter().enumerate() {
                if pair.id.contains([':', '/']) {
                    plain.entry(letters(&pair.id)).or_default().push(at);
                }
            }
            plain
        });
        let id = id.replace('\\', "/");
        let candidates = plain.get(&letters(&id)).into_iter().flatten();
        candidates.copied().filter(|&at| stands_for(&pairs[at].id, &id)).collect()
    }
}

/// The letters and digits of an id.
fn letters(id: &str) -> String {
    let id = id.replace("%3A", "").replace("%3a", "");
    id.chars().filter(|character| character.is_alphanumeric()).collect()
}

/// Whether a text is an id with something else for its colons, or the id.
fn stands_for(id: &str, text: &str) -> bool {
    let Some((before, after)) = id.split_once(':') else { return id == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let lengths = LIKE_COLONS.iter().map(|like| like.len()).chain([0, first]);
    lengths.into_iter().any(|length| {
        let (Some(between), Some(rest)) = (rest.get(..length), rest.get(length..)) else {
            return false;
        };
        (between == ":" || is_for_a_colon(between)) && stands_for(after, rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_with_another_character_for_its_colon() {
        for text in [
            "000000-a_1-b:cat",
            "000000-a_1-b_cat",
            "000000-a_1-b-cat",
            "000000-a_1-b%3Acat",
            "000000-a_1-b\u{f03a}cat",
            "000000-a_1-bcat",
        ] {
            assert!(stands_for("000000-a_1-b:cat", text), "{text}");
            assert_eq!(letters(text), "000000a1bcat");
        }
        for text in ["000000-a_1-b__cat", "000000-a-1-b_cat", "000000-a_1-b_ca", "000000-a_1-bxcat"]
        {
            assert!(!stands_for("000000-a_1-b:cat", text), "{text}");
        }
        assert!(stands_for("x:y:z", "x_y%3az") && !stands_for("x:y:z", "x_y"));
        assert!(!stands_for("x:y", "") && stands_for("x", "x"));
    }
}
