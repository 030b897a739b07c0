//! The recipes of `containers/` have what hpflow and a GPU need. They are built in no test; `make test`
//! checks the Dockerfile with hadolint.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("containers").join(name);
    fs::read_to_string(path).expect("a recipe")
}

#[track_caller]
fn is_shell(script: &str) {
    use std::io::Write as _;
    let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().expect("a shell");
    let mut input = shell.stdin.take().expect("its input");
    input.write_all(script.as_bytes()).expect("written");
    drop(input);
    assert!(shell.wait().expect("its end").success(), "{script}");
}

/// What both recipes need: one compiler, one PyTorch, the loader of Vulkan, and the driver's part.
#[track_caller]
fn has_what_it_needs(recipe: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let makefile = fs::read_to_string(root.join("Makefile")).expect("the Makefile");
    assert!(makefile.contains("torch==2.11.0") && recipe.contains("torch==2.11.0"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
    assert!(manifest.contains("rust-version = \"1.95\"") && recipe.contains("rust:1.95-"));
    assert!(recipe.contains("libvulkan1"));
    let capabilities = recipe.split_once("NVIDIA_DRIVER_CAPABILITIES=").expect("capabilities").1;
    let capabilities = capabilities.split_whitespace().next().unwrap_or_default();
    assert!(capabilities.split(',').any(|one| one == "graphics"), "{capabilities}");
}

#[test]
fn the_dockerfile_has_what_hpflow_needs() {
    has_what_it_needs(&read("Dockerfile"));
}

#[cfg(unix)]
#[test]
fn the_definition_for_apptainer_has_its_form() {
    let text = read("hpflow.def");
    has_what_it_needs(&text);
    let known = ["%files", "%files from build", "%post", "%environment", "%runscript"];
    let mut section: Option<(&str, String)> = None;
    let mut sections = Vec::new();
    let mut keys = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('%') {
            assert!(known.contains(&line), "{line}");
            sections.extend(section.replace((line, String::new())));
        } else if let Some((key, value)) = line.split_once(": ").filter(|_| !line.starts_with(' '))
        {
            sections.extend(section.take());
            keys.push(key);
            assert!(["Bootstrap", "From", "Stage"].contains(&key) && !value.is_empty(), "{line}");
        } else if let Some((_, body)) = &mut section {
            assert!(line.is_empty() || line.starts_with("    "), "{line}");
            body.push_str(line);
            body.push('\n');
        } else {
            assert!(line.is_empty(), "{line}");
        }
    }
    sections.extend(section);
    assert_eq!(keys, ["Bootstrap", "From", "Stage", "Bootstrap", "From", "Stage"]);
    for (name, body) in &sections {
        assert!(!body.trim().is_empty(), "{name}");
        if !name.starts_with("%files") {
            is_shell(body);
        }
    }
}
