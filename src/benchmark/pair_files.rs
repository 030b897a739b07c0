//! The annotation files of pairs, `<id>-<source>-<target>:<category>.json`, on disks whose names may
//! hold no colon too.
//!
//! Windows, exFAT and many network disks allow none. Archive programs put something else there: `_`, `-`,
//! `%3A`, a character that looks like a colon, or nothing.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::error::BenchmarkError;
use super::files::entries;

/// What stands in names for a colon and for nothing else.
pub(super) const LIKE_COLONS: [&str; 6] =
    ["%3A", "%3a", "\u{f03a}", "\u{ff1a}", "\u{a789}", "\u{2236}"];

/// A split's folder of annotations.
pub(super) struct PairFiles {
    folder: PathBuf,
    /// Its names without `.json`, in order; looked up when one is not as it should be.
    names: OnceLock<Vec<String>>,
}

impl PairFiles {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, names: OnceLock::new() }
    }

    /// The file of a pair: under its id, or under the id with something else for the colon. Where
    /// there is none it is the path under the id.
    ///
    /// # Errors
    /// Two files that may be it.
    pub(super) fn file(&self, id: &str) -> Result<PathBuf, BenchmarkError> {
        let path = |name: &str| self.folder.join(format!("{name}.json"));
        let file = path(id);
        let Some((pair, category)) = id.rsplit_once(':').filter(|_| !file.exists()) else {
            return Ok(file);
        };
        let names = self.names();
        let first = names.partition_point(|name| name.as_str() < pair);
        let mut others = names[first..]
            .iter()
            .take_while(|name| name.starts_with(pair))
            .filter(|name| name[pair.len()..].strip_suffix(category).is_some_and(is_for_a_colon));
        match (others.next(), others.next()) {
            // Windows makes a file of the name up to the colon and hides the rest of it.
            (None, _) if self.folder.join(pair).is_file() => Err(BenchmarkError::Contradiction {
                file,
                what: format!(
                    "is not there, only {pair}: names were cut at the colon; unpack the benchmark \
                     again with a program that puts another character there, such as 7-Zip"
                ),
            }),
            (None, _) => Ok(file),
            (Some(name), None) => Ok(path(name)),
            (Some(one), Some(other)) => Err(BenchmarkError::Contradiction {
                file,
                what: format!(
                    "is not there, and both {one}.json and {other}.json may be it on a disk whose \
                     names hold no colon: remove one"
                ),
            }),
        }
    }

    /// The names in the folder without `.json`, in order. A folder that cannot be read has none here:
    /// what is asked for in it is missing.
    pub(super) fn names(&self) -> &[String] {
        self.names.get_or_init(|| {
            let entries = entries(&self.folder).unwrap_or_default();
            let name =
                |(name, _): &(String, PathBuf)| name.strip_suffix(".json").map(str::to_owned);
            let mut names: Vec<String> = entries.iter().filter_map(name).collect();
            names.sort_unstable();
            names
        })
    }
}

/// Whether text in a name may be there in a colon's place: a sign, or an escape, or nothing.
pub(super) fn is_for_a_colon(text: &str) -> bool {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (None, _) => true,
        (Some(one), None) => !one.is_alphanumeric() && one != ':',
        _ => LIKE_COLONS.contains(&text),
    }
}

/// The id of the pair in a file of that name without a colon. `said` is the id that the annotation gives
/// itself, and `category` its category, if it does. A name of another form is an id as it is.
pub(super) fn id_of(name: &str, said: Option<&str>, category: Option<&str>) -> String {
    if name.contains(':') {
        return name.to_owned();
    }
    if let Some(said) = said {
        let fits = said.rsplit_once(':').is_some_and(|(pair, category)| {
            let rest = name.strip_prefix(pair).and_then(|rest| rest.strip_suffix(category));
            rest.is_some_and(is_for_a_colon)
        });
        return if fits { said.to_owned() } else { name.to_owned() };
    }
    for like in LIKE_COLONS {
        if let Some((pair, category)) = name.rsplit_once(like) {
            return format!("{pair}:{category}");
        }
    }
    let pair = category.filter(|category| !category.is_empty()).and_then(|category| {
        let before = name.strip_suffix(category)?;
        let pair = before.strip_suffix(|last: char| !last.is_alphanumeric())?;
        // <id>-<source>-<target>, and no name that somebody made up.
        let mut parts = pair.splitn(3, '-');
        let id = parts.next().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))?;
        let is_pair = !id.is_empty() && parts.filter(|part| !part.is_empty()).count() == 2;
        is_pair.then(|| format!("{pair}:{category}"))
    });
    pair.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_colon_is_the_id_that_its_annotation_says() {
        for (name, said, category, id) in [
            ("000000-a-b:cat", None, None, "000000-a-b:cat"),
            ("000000-a-b_cat", Some("000000-a-b:cat"), None, "000000-a-b:cat"),
            ("000000-a-bcat", Some("000000-a-b:cat"), None, "000000-a-b:cat"),
            ("000000-a-b_cat", Some("000000-a-c:cat"), Some("cat"), "000000-a-b_cat"),
            ("000000-a-b_cat", Some("000000-a-b_cat"), Some("cat"), "000000-a-b_cat"),
            ("000000-a-b_cat", None, Some("cat"), "000000-a-b:cat"),
            ("000000-2008_1-2008_2-cat", None, Some("cat"), "000000-2008_1-2008_2:cat"),
            ("000000-a-b%3Abrown bear", None, None, "000000-a-b:brown bear"),
            ("000000-a-b\u{f03a}cat", None, None, "000000-a-b:cat"),
            // Names of another kind.
            ("pair_cat", None, Some("cat"), "pair_cat"),
            ("x-a-b_cat", None, Some("cat"), "x-a-b_cat"),
            ("000000-a-b_cat", None, None, "000000-a-b_cat"),
            ("000000-a-b_cat", None, Some(""), "000000-a-b_cat"),
        ] {
            assert_eq!(id_of(name, said, category), id, "{name} {said:?} {category:?}");
        }
    }
}
