//! How the code hangs together, held to ARCHITECTURE.md: no circles between files or folders, no use of
//! anything above, and one meaning for each name.
//!
//! The source is parsed, and every path in it (`use` or not) is followed through imports and re-exports
//! to the file that defines what it names. Tests inside `src/` may use anything. What only the compiler
//! knows stays unseen: methods called on a value, and what macros make of names.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemMod, UseTree, Visibility};

/// Types of one name that are meant to be several, with the reason.
const SAME_NAME: &[(&str, &str)] =
    &[("Args", "the arguments of each subcommand, which is the module that it is named with")];

/// A module by its number.
type Id = usize;

/// A module: a file, or a `mod` with braces inside one.
#[derive(Debug, Default)]
struct Module {
    parent: Option<Id>,
    file: String,
    children: HashMap<String, Id>,
    /// Names of what it defines.
    defined: BTreeSet<String>,
    /// What `use` gives a name to.
    imported: HashMap<String, Vec<String>>,
    /// Modules all of whose names are imported.
    globs: Vec<Vec<String>>,
    /// Every path in it, and whether it is one that `pub use` passes on.
    paths: Vec<(Vec<String>, bool)>,
    /// Public types.
    types: Vec<String>,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Module(Id),
    Defined(Id, String),
}

#[derive(Debug, Default)]
struct Source {
    modules: Vec<Module>,
    /// The library's root and the binary's.
    roots: Vec<Id>,
}

/// From a file to the files that it uses, with the names that it takes.
type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

impl Source {
    /// The modules of a folder with a `lib.rs`, and a `main.rs` that calls the library by `name`.
    fn read(folder: &Path) -> Self {
        let mut source = Self::default();
        for root in ["lib.rs", "main.rs"].map(|file| folder.join(file)) {
            if root.exists() {
                let id = source.file(folder, &root, folder, None);
                source.roots.push(id);
            }
        }
        source
    }

    /// Reads a file whose child modules are in `inside`.
    fn file(&mut self, base: &Path, path: &Path, inside: &Path, parent: Option<Id>) -> Id {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let relative = path.strip_prefix(base).expect("below the base").display().to_string();
        self.module(base, relative.replace('\\', "/"), inside, parent, &syntax.items)
    }

    fn module(
        &mut self,
        base: &Path,
        file: String,
        inside: &Path,
        parent: Option<Id>,
        items: &[Item],
    ) -> Id {
        let id = self.modules.len();
        let module = Module { parent, file: file.clone(), ..Module::default() };
        self.modules.push(module);
        let mut reader = Reader::default();
        for item in items {
            reader.visit_item(item);
        }
        let Reader { module, children } = reader;
        let own = &mut self.modules[id];
        (own.defined, own.imported, own.globs) = (module.defined, module.imported, module.globs);
        (own.paths, own.types) = (module.paths, module.types);
        for ItemMod { ident, content, .. } in children {
            let name = ident.to_string();
            let inside = inside.join(&name);
            let child = match content {
                Some((_, items)) => self.module(base, file.clone(), &inside, Some(id), &items),
                None => {
                    let flat = inside.with_extension("rs");
                    let path = if flat.exists() { flat } else { inside.join("mod.rs") };
                    self.file(base, &path, &inside, Some(id))
                }
            };
            self.modules[id].children.insert(name, child);
        }
        id
    }

    /// The root of a module's crate.
    fn root(&self, mut id: Id) -> Id {
        while let Some(parent) = self.modules[id].parent {
            id = parent;
        }
        id
    }

    /// Follows a path from a module; nothing for what is another crate's or a local variable.
    fn follow(&self, from: Id, path: &[String], depth: usize) -> Option<Place> {
        // Imports of each other's names.
        if depth > 32 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let mut at = match &**first {
            "crate" => Place::Module(self.root(from)),
            "hpflow" => Place::Module(self.roots[0]),
            "self" => Place::Module(from),
            "super" => Place::Module(self.modules[from].parent?),
            name => self.look_up(from, name, rest.is_empty(), depth)?,
        };
        for (place, name) in rest.iter().enumerate() {
            let Place::Module(module) = at else { return Some(at) };
            at = match &**name {
                "self" => at,
                "super" => Place::Module(self.modules[module].parent?),
                name => self.look_up(module, name, place + 1 == rest.len(), depth)?,
            };
        }
        Some(at)
    }

    /// What a name is in a module. A module and an item may share one: the last name of a path is the
    /// item.
    fn look_up(&self, module: Id, name: &str, last: bool, depth: usize) -> Option<Place> {
        let here = &self.modules[module];
        let child = here.children.get(name).map(|&child| Place::Module(child));
        let item = here.defined.contains(name).then(|| Place::Defined(module, name.to_owned()));
        let own = if last { item.or(child) } else { child.or(item) };
        let imported = || self.follow(module, here.imported.get(name)?, depth + 1);
        let from_globs = || {
            here.globs.iter().find_map(|glob| match self.follow(module, glob, depth + 1)? {
                Place::Module(other) if other != module => {
                    self.look_up(other, name, last, depth + 1)
                }
                _ => None,
            })
        };
        own.or_else(imported).or_else(from_globs)
    }

    /// Which file uses which. A file that only passes on what modules inside it define uses nothing.
    fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (id, module) in self.modules.iter().enumerate() {
            arrows.entry(module.file.clone()).or_default();
            for (path, passed_on) in &module.paths {
                let Some(Place::Defined(target, name)) = self.follow(id, path, 0) else { continue };
                let inside = *passed_on && self.is_inside(target, id);
                let to = &self.modules[target].file;
                if inside || *to == module.file {
                    continue;
                }
                let names = arrows.entry(module.file.clone()).or_default();
                names.entry(to.clone()).or_default().insert(name);
            }
        }
        arrows
    }

    fn is_inside(&self, module: Id, outer: Id) -> bool {
        let parents = std::iter::successors(Some(module), |&id| self.modules[id].parent);
        parents.into_iter().any(|id| id == outer)
    }
}

/// Reads one module's items; those of its child modules are left for later.
#[derive(Default)]
struct Reader {
    module: Module,
    children: Vec<ItemMod>,
}

impl Reader {
    fn define(&mut self, name: &Ident, visibility: Option<&Visibility>) {
        self.module.defined.insert(name.to_string());
        if visibility.is_some_and(|visibility| !matches!(visibility, Visibility::Inherited)) {
            self.module.types.push(name.to_string());
        }
    }

    fn import(&mut self, tree: &UseTree, before: &[String], passed_on: bool) {
        let with = |name: &Ident| {
            let own = (name != "self" || before.is_empty()).then(|| name.to_string());
            before.iter().cloned().chain(own).collect::<Vec<_>>()
        };
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), passed_on),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, passed_on);
                }
            }
            UseTree::Glob(_) => self.module.globs.push(before.to_vec()),
            UseTree::Name(name) => {
                let path = with(&name.ident);
                self.named(path.last().cloned().unwrap_or_default(), path, passed_on);
            }
            UseTree::Rename(name) => {
                self.named(name.rename.to_string(), with(&name.ident), passed_on);
            }
        }
    }

    fn named(&mut self, name: String, path: Vec<String>, passed_on: bool) {
        // A name like its own first segment is another crate's.
        if path.first() != Some(&name) {
            self.module.imported.insert(name, path.clone());
        }
        self.module.paths.push((path, passed_on));
    }

    /// Paths in what a macro or an attribute is given.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && colons < 2 => colons += 1,
                other => {
                    self.token_path(std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.token_path(path);
    }

    /// A single name may be a field or a variable.
    fn token_path(&mut self, path: Vec<String>) {
        if path.len() > 1 {
            self.module.paths.push((path, false));
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name, visibility): (&[Attribute], Option<&Ident>, Option<&Visibility>) =
            match item {
                Item::Const(item) => (&item.attrs, Some(&item.ident), None),
                Item::Fn(item) => (&item.attrs, Some(&item.sig.ident), None),
                Item::Static(item) => (&item.attrs, Some(&item.ident), None),
                Item::Enum(item) => (&item.attrs, Some(&item.ident), Some(&item.vis)),
                Item::Struct(item) => (&item.attrs, Some(&item.ident), Some(&item.vis)),
                Item::Trait(item) => (&item.attrs, Some(&item.ident), Some(&item.vis)),
                Item::Type(item) => (&item.attrs, Some(&item.ident), Some(&item.vis)),
                Item::Union(item) => (&item.attrs, Some(&item.ident), Some(&item.vis)),
                Item::Impl(item) => (&item.attrs, None, None),
                Item::Macro(item) => (&item.attrs, item.ident.as_ref(), None),
                Item::Mod(item) => (&item.attrs, None, None),
                Item::Use(item) => (&item.attrs, None, None),
                _ => (&[], None, None),
            };
        if attributes.iter().any(is_for_tests) {
            return;
        }
        if let Some(name) = name {
            self.define(name, visibility);
        }
        match item {
            Item::Mod(item) => self.children.push(item.clone()),
            Item::Use(item) => {
                let passed_on = !matches!(item.vis, Visibility::Inherited);
                self.import(&item.tree, &[], passed_on);
            }
            // Its names are those of whoever uses it.
            Item::Macro(item) if item.mac.path.is_ident("macro_rules") => {}
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string());
        self.module.paths.push((names.collect(), false));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }
}

/// `#[cfg(test)]`, or `#[cfg(all(test, …))]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let condition = list.tokens.to_string().replace(' ', "");
    list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all(test,"))
}

/// The shortest circle that there is, if any.
fn circle(arrows: &Arrows) -> Option<Vec<String>> {
    let circles = arrows.keys().filter_map(|start| {
        // Breadth first, until an arrow leads back to the start.
        let mut before: HashMap<&str, &str> = HashMap::new();
        let mut next = VecDeque::from([&**start]);
        while let Some(file) = next.pop_front() {
            for to in arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
                if to == start {
                    let back = |&file: &&str| before.get(file).copied();
                    let mut circle: Vec<String> =
                        std::iter::successors(Some(file), back).map(str::to_owned).collect();
                    circle.reverse();
                    return Some(circle);
                }
                if !before.contains_key(&**to) {
                    before.insert(to, file);
                    next.push_back(to);
                }
            }
        }
        None
    });
    circles.min_by_key(Vec::len)
}

/// A circle, an arrow a line, with the names that make it.
fn in_words(circle: &[String], arrows: &Arrows) -> String {
    let mut words = String::new();
    for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
        let names: Vec<&str> = arrows[from][to].iter().map(String::as_str).collect();
        writeln!(words, "  {from} → {to} ({})", names.join(", ")).expect("a string");
    }
    words
}

/// The arrows between what is in a folder: its files, and its folders as one each.
fn within(folder: &str, arrows: &Arrows) -> Arrows {
    let room = |file: &str| {
        let rest = file.strip_prefix(folder)?;
        let end = rest.find('/').map_or(rest.len(), |slash| slash + 1);
        Some(format!("{folder}{}", &rest[..end]))
    };
    let mut rooms = Arrows::new();
    for (from, uses) in arrows {
        let Some(from) = room(from) else { continue };
        let own = rooms.entry(from.clone()).or_default();
        for (to, names) in uses {
            if let Some(to) = room(to).filter(|to| *to != from) {
                own.entry(to).or_default().extend(names.iter().cloned());
            }
        }
    }
    rooms
}

/// Every folder that files are in, the whole as an empty name.
fn folders(arrows: &Arrows) -> BTreeSet<String> {
    let parents = arrows.keys().flat_map(|file| {
        file.match_indices('/').map(|(slash, _)| file[..=slash].to_owned()).collect::<Vec<_>>()
    });
    std::iter::once(String::new()).chain(parents).collect()
}

/// What is wrong with arrows: circles between files, circles between what is in a folder.
fn circles(arrows: &Arrows) -> Vec<String> {
    let files = circle(arrows).map(|found| ("files", in_words(&found, arrows)));
    let rooms = folders(arrows).into_iter().filter_map(|folder| {
        let rooms = within(&folder, arrows);
        circle(&rooms).map(|found| ("folders", in_words(&found, &rooms)))
    });
    let found = files.into_iter().chain(rooms);
    found.map(|(kind, words)| format!("a circle between {kind}:\n{words}")).collect()
}

/// The floors of ARCHITECTURE.md, the lowest first: folders and files of `src/` by their names.
fn floors(page: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once("```floors\n").expect("the floors in ARCHITECTURE.md");
    let (floors, _) = rest.split_once("```").expect("where they end");
    let mut floors: Vec<Vec<String>> = floors
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .filter(|floor: &Vec<_>| !floor.is_empty())
        .collect();
    floors.reverse();
    floors
}

/// What uses something on its own floor or above, by files.
fn upward(arrows: &Arrows, floors: &[Vec<String>]) -> Vec<String> {
    let room = |file: &str| match file.split_once('/') {
        Some((folder, _)) => folder.to_owned(),
        None => file.trim_end_matches(".rs").to_owned(),
    };
    let floor = |room: &str| {
        let found = floors.iter().position(|floor| floor.iter().any(|name| name == room));
        found.unwrap_or_else(|| panic!("ARCHITECTURE.md has no floor for src/{room}"))
    };
    let mut found = Vec::new();
    for (from, uses) in arrows {
        let here = room(from);
        for (to, names) in uses {
            let there = room(to);
            if here != there && floor(&here) <= floor(&there) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                found.push(format!("no arrow up: {from} → {to} ({})", names.join(", ")));
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page")
}

fn wrong(arrows: &Arrows) -> Vec<String> {
    let mut wrong = circles(arrows);
    wrong.extend(upward(arrows, &floors(&page())));
    wrong
}

#[test]
fn nothing_goes_in_circles_or_uses_what_is_above_it() {
    let all = Source::read(&root().join("src")).arrows();
    assert!(all.len() > 200, "only {} files were read", all.len());
    let found = wrong(&all);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_public_type_has_a_name_of_its_own() {
    let source = Source::read(&root().join("src"));
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for module in &source.modules {
        for name in &module.types {
            places.entry(name).or_default().push(&module.file);
        }
    }
    assert!(places.len() > 200, "only {} types were found", places.len());
    places.retain(|_, files| files.len() > 1);
    let allowed: BTreeSet<&str> = SAME_NAME.iter().map(|(name, _)| *name).collect();
    let new = places.iter().filter(|(name, _)| !allowed.contains(**name));
    let new = new.map(|(name, files)| format!("several types are {name}: {}", files.join(", ")));
    let gone = allowed.iter().filter(|name| !places.contains_key(**name));
    let gone =
        gone.map(|name| format!("{name} is one type: take it off the list of those that are not"));
    let found: Vec<String> = new.chain(gone).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_file_of_the_page_is_there() {
    let page = page();
    let cited = page.split('`').skip(1).step_by(2).filter(|text| {
        let known =
            ["src/", "tests/", "build/", "shaders/", "docs/", "weights/", "benches/", "python/"];
        known.iter().any(|start| text.starts_with(start)) && !text.contains(char::is_whitespace)
    });
    let mut found = 0;
    for path in cited {
        assert!(root().join(path).exists(), "ARCHITECTURE.md: {path} is not there");
        found += 1;
    }
    assert!(found > 30, "{found} paths");
}

/// A crate of a few lines with every fault, so that the tests above are known to see them.
#[test]
fn faults_are_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let read = || Source::read(folder.path()).arrows();
    write("lib.rs", "mod low; mod high; pub use high::High;");
    write("low/mod.rs", "mod a; mod b; pub use a::A; pub(crate) use b::{B, make};");
    write("low/a.rs", "pub struct A; impl A { pub fn new() -> Self { A } }");
    write("low/b.rs", "use super::A; pub struct B(A); pub fn make() -> B { B(A::new()) }");
    write("high.rs", "pub struct High(crate::low::B); #[cfg(test)] mod tests { use super::*; }");
    let floors = [vec!["low".to_owned()], vec!["high".to_owned()]];
    assert_eq!(circles(&read()), Vec::<String>::new());
    assert_eq!(upward(&read(), &floors), Vec::<String>::new());

    // Through a re-export, in a macro.
    write("low/a.rs", "pub struct A; fn f() { println!(\"{:?}\", [super::make()]); }");
    let said = circles(&read()).join("\n");
    assert!(said.contains("files:\n  low/a.rs → low/b.rs (make)"), "{said}");
    assert!(said.contains("  low/b.rs → low/a.rs (A)"), "{said}");

    // Through what a `mod.rs` does itself.
    write("low/a.rs", "pub struct A; use super::shared as f;");
    write("low/mod.rs", "mod a; mod b; pub use a::A; use b::make; pub fn shared() { make(); }");
    let said = circles(&read()).join("\n");
    assert!(said.contains("low/a.rs → low/mod.rs (shared)"), "{said}");

    // Between folders alone, and up.
    write("low/mod.rs", "mod a; mod b; pub use a::A; pub(crate) use b::B;");
    write("low/a.rs", "pub struct A; mod inner { use crate::high::f; }");
    write("lib.rs", "mod low; mod high;");
    fs::remove_file(folder.path().join("high.rs")).expect("removed");
    write("high/mod.rs", "mod c; mod d; pub use c::f; pub use d::High;");
    write("high/c.rs", "pub fn f() {}");
    write("high/d.rs", "pub struct High(crate::low::B);");
    let said = circles(&read()).join("\n");
    assert!(said.contains("folders:\n  high/ → low/ (B)\n  low/ → high/ (f)"), "{said}");
    assert!(!said.contains("between files"), "{said}");
    assert_eq!(upward(&read(), &floors), ["no arrow up: low/a.rs → high/c.rs (f)"]);
}
