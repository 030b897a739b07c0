//! Where the hub's Python library keeps its cache, as its `constants.py` works it out: HF_HUB_CACHE or
//! the older HUGGINGFACE_HUB_CACHE, else `hub` in HF_HOME, else `huggingface/hub` in XDG_CACHE_HOME or in
//! `~/.cache`; each with `~` and variables in it. An empty variable counts as not set.

use std::path::{Path, PathBuf};

/// The folders of the cache and of the library's other files; `None` where no home folder is known and
/// none is needed otherwise. `read` gives an environment variable.
pub(super) fn folders(
    read: &impl Fn(&str) -> Option<String>,
    home: Option<&Path>,
) -> Option<(PathBuf, PathBuf)> {
    let set = |name: &str| read(name).filter(|value| !value.is_empty());
    let expanded = |path: &str| PathBuf::from(with_variables(&with_home(path, home), read));
    let of_library = match (set("HF_HOME"), set("XDG_CACHE_HOME")) {
        (Some(folder), _) => Some(expanded(&folder)),
        (None, Some(folder)) => Some(expanded(&folder).join("huggingface")),
        (None, None) => home.map(|home| home.join(".cache/huggingface")),
    };
    let of_cache = set("HF_HUB_CACHE").or_else(|| set("HUGGINGFACE_HUB_CACHE"));
    match (of_cache.map(|folder| expanded(&folder)), of_library) {
        (Some(cache), library) => Some((cache.clone(), library.unwrap_or(cache))),
        (None, Some(library)) => Some((library.join("hub"), library)),
        (None, None) => None,
    }
}

/// A path with the home folder for `~` at its beginning, and another user's for `~NAME`.
fn with_home(path: &str, home: Option<&Path>) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let end = rest.find(std::path::is_separator).unwrap_or(rest.len());
    let (user, rest) = rest.split_at(end);
    let folder = match user {
        "" => home.map(|home| home.to_string_lossy().into_owned()),
        user => home_of(user),
    };
    match folder {
        Some(folder) => match format!("{}{rest}", folder.trim_end_matches('/')) {
            root if root.is_empty() => "/".to_owned(),
            path => path,
        },
        None => path.to_owned(),
    }
}

/// The home folder of another user, if this system lists it in a file.
fn home_of(user: &str) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut homes =
        fields.filter(|fields| fields[0] == user).filter_map(|fields| fields.get(5).copied());
    homes.next().map(str::to_owned)
}

/// A path with the values of `$NAME` and `${NAME}`, and on Windows of `%NAME%`; what is not set stays as
/// it is, and values are not expanded again.
fn with_variables(path: &str, read: &impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = path;
    while let Some(at) = rest.find(['$', '%']) {
        expanded.push_str(&rest[..at]);
        rest = &rest[at..];
        match variable(rest).and_then(|(name, length)| Some((read(name)?, length))) {
            Some((value, length)) => {
                expanded.push_str(&value);
                rest = &rest[length..];
            }
            None => {
                expanded.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    expanded + rest
}

/// The variable that a text begins with, and how many bytes it takes.
fn variable(text: &str) -> Option<(&str, usize)> {
    if let Some(rest) = text.strip_prefix("${") {
        let end = rest.find('}')?;
        return Some((&rest[..end], end + 3));
    }
    if let Some(rest) = text.strip_prefix('%').filter(|_| cfg!(windows)) {
        let end = rest.find('%')?;
        return Some((&rest[..end], end + 2));
    }
    let rest = text.strip_prefix('$')?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then_some((&rest[..end], end + 1))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)], home: Option<&str>) -> Option<String> {
        let read = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        };
        let (cache, _) = folders(&read, home.map(Path::new))?;
        Some(cache.to_str().unwrap().to_owned())
    }

    /// What huggingface_hub.constants.HF_HUB_CACHE is under the same variables.
    #[test]
    fn the_cache_is_where_pythons_library_has_it() {
        for (variables, expected) in [
            (&[][..], "/h/.cache/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "~/x")], "/h/x/huggingface/hub"),
            (&[("HF_HOME", "/hf"), ("XDG_CACHE_HOME", "/x")], "/hf/hub"),
            (&[("HF_HOME", "~")], "/h/hub"),
            (&[("HF_HOME", "~/$USER/${GROUP}"), ("USER", "u"), ("GROUP", "g")], "/h/u/g/hub"),
            (&[("HF_HOME", "$SCRATCH/hf")], "$SCRATCH/hf/hub"),
            (&[("HF_HOME", "/a~/$$/$"), ("A", "b")], "/a~/$$/$/hub"),
            (&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/old"),
            (&[("HUGGINGFACE_HUB_CACHE", "~/$A"), ("A", "old")], "/h/old"),
            (&[("HF_HUB_CACHE", "$A/c"), ("A", "$B"), ("B", "no")], "$B/c"),
            (
                &[("HF_HUB_CACHE", "~/c"), ("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/hf")],
                "/h/c",
            ),
            (&[("HF_HUB_CACHE", ""), ("HF_HOME", "")], "/h/.cache/huggingface/hub"),
            (&[("HF_HOME", "~nobody-of-that-name/x")], "~nobody-of-that-name/x/hub"),
        ] {
            assert_eq!(cache(variables, Some("/h")).as_deref(), Some(expected), "{variables:?}");
        }
        // Wherever this system has root's home; without one the name stays as it is.
        let home = home_of("root").unwrap_or_else(|| "~root".to_owned());
        let expected = Path::new(&home).join("x/hub").display().to_string();
        assert_eq!(cache(&[("HF_HOME", "~root/x")], Some("/h")), Some(expected));
        assert_eq!(cache(&[], None), None);
        assert_eq!(cache(&[("HF_HUB_CACHE", "/c")], None).as_deref(), Some("/c"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/x")], None).as_deref(), Some("/x/huggingface/hub"));
    }

    proptest::proptest! {
        #[test]
        fn no_path_makes_it_panic(path in "[~$%{}a_/\u{e9}]{0,20}") {
            cache(&[("HF_HUB_CACHE", &path), ("a", "x")], Some("/"));
        }
    }
}
