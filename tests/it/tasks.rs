//! The library as a program uses it, by its public names alone: methods of one's own, and what the
//! commands do, as functions.

use std::fs;
use std::path::{Path, PathBuf};

use hpflow::low_level::backbone::{self, BackboneOptions, Device};
use hpflow::low_level::engine::{EngineOptions, open};
use hpflow::low_level::hyperpixel::Geometry;
use hpflow::low_level::image::{Photo, Photograph, prepare, read};
use hpflow::low_level::method::hpf::{
    GivenMaps, IMAGE_SIDE, MapsError, MapsMethod, PhotographMaps,
};
use hpflow::low_level::method::{
    Matched, MethodError, Outcome, PairsMethod, Query, Sink, Stop, Unusable, Work, WorkPhotograph,
};
use hpflow::task::{
    ImportOptions, PredictOptions, ReportError, ReportOptions, SearchError, SearchEvent,
    SearchMaps, SearchOptions, ShowOptions, audit_file, import_file, predict, report_files, search,
    show_file,
};
use hpflow::{
    Benchmark, BenchmarkKind, BenchmarkOptions, EngineKind, Method, MethodHeader, Point, Progress,
    WeightsSource,
};

use crate::cli::{Tiny, hpflow as command, text};

fn benchmark(tiny: &Tiny) -> Benchmark {
    let root = Path::new(tiny.root());
    Benchmark::open(BenchmarkKind::Spair, root, &BenchmarkOptions::default()).expect("a benchmark")
}

fn hog() -> Box<dyn backbone::Backbone> {
    let options =
        BackboneOptions { device: Device::Cpu, threads: 1, progress: Progress::default() };
    backbone::open("hog", &WeightsSource::Untrained, options).expect("it is built in")
}

/// What a program of one's own does with a photograph; here HOG stands for its network.
fn maps_of(photograph: &WorkPhotograph) -> Result<PhotographMaps, Unusable> {
    let Photo::File(file) = photograph.photo else { panic!("a benchmark has files") };
    let unusable = |reason: String| Unusable { photograph: file.to_owned(), reason };
    let pixels: Photograph = read(file).map_err(|error| unusable(error.to_string()))?;
    let prepared = prepare(&pixels, IMAGE_SIDE);
    let maps = hog().extract(&[&prepared], &[0]).expect("maps").remove(0);
    let size = [prepared.width, prepared.height];
    Ok(PhotographMaps {
        ratio: [prepared.ratio; 2],
        ..PhotographMaps::new(maps, prepared.original, size)
    })
}

fn geometry() -> Geometry {
    hog().geometry(0).expect("a base")
}

fn cpu() -> Box<dyn hpflow::low_level::engine::Engine> {
    open(EngineKind::Cpu, &EngineOptions::default()).expect("an engine")
}

fn on_maps(
    batch: usize,
    maps: impl FnMut(&[WorkPhotograph]) -> Result<GivenMaps, Stop> + Send,
) -> impl Method {
    MapsMethod::new(MethodHeader::of("mine"), geometry(), cpu(), maps).with_batch(batch)
}

/// The lines behind the header.
fn predictions(file: &Path) -> String {
    let content = fs::read_to_string(file).expect("a predictions file");
    content.split_once('\n').expect("a header").1.to_owned()
}

fn run(tiny: &Tiny, method: &mut dyn Method, name: &str) -> PathBuf {
    let out = tiny.path(name);
    predict((&benchmark(tiny), &[]), method, &out, &PredictOptions::default(), &mut |_| {})
        .expect("predictions");
    out
}

fn done(arguments: &[&str]) {
    let output = command(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn maps_of_ones_own_network_give_what_a_backbone_gives_bit_for_bit_in_any_batch() {
    let tiny = Tiny::of(5);
    let theirs = tiny.path("theirs.jsonl");
    let out = theirs.display().to_string();
    let root = tiny.root();
    let with_hog = ["--backbone", "hog", "--engine", "cpu"];
    done(&[&["predict", "--root", root, "--out", &out][..], &with_hog].concat());
    let theirs = predictions(&theirs);
    assert_eq!(theirs.lines().count(), 20);
    for batch in [1, 2, 64] {
        let mut seen = Vec::new();
        let mut method = on_maps(batch, |photographs| {
            assert!(photographs.len() <= batch);
            seen.extend(photographs.iter().map(|one| one.name.map(str::to_owned)));
            Ok(photographs.iter().map(maps_of).collect())
        });
        let name = format!("mine-{batch}.jsonl");
        assert_eq!(predictions(&run(&tiny, &mut method, &name)), theirs, "in batches of {batch}");
        drop(method);
        let photographs = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((photographs, seen.len()), (5, 5), "each photograph once");
        let head = fs::read_to_string(tiny.path(&name)).expect("a file");
        assert!(head.starts_with(r#"{"format":"hpflow-predictions""#) && head.contains("\"mine\""));
    }
}

#[test]
fn a_single_pair_of_maps_of_ones_own_gives_points_and_flow() {
    let tiny = Tiny::new();
    let benchmark = benchmark(&tiny);
    let pair = &benchmark.pairs[0];
    let mut method = on_maps(8, |photographs| Ok(photographs.iter().map(maps_of).collect()));
    let [source, target] =
        [pair.source, pair.target].map(|image| Photo::File(&benchmark.images[image].path));
    let flow = benchmark.images[pair.source].size;
    let query = Query { source, target, keypoints: &pair.source_keypoints, flow };
    let matched = method.match_pair(&query).expect("a match");
    let lines = predictions(&run(&tiny, &mut method, "mine.jsonl"));
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let first: Vec<Option<Point>> = serde_json::from_value(first["keypoints"].clone()).unwrap();
    assert_eq!(first, matched.keypoints);
    let flow = matched.flow.expect("a flow");
    let [x, y] = pair.source_keypoints[0];
    let vector = flow.vectors[(y as u32 * flow.width + x as u32) as usize].expect("known");
    let point = matched.keypoints[0].expect("found");
    for axis in 0..2 {
        assert!((pair.source_keypoints[0][axis] + vector[axis] - point[axis]).abs() < 1e-3);
    }
}

#[test]
fn what_a_function_of_ones_own_gets_wrong_is_an_error_that_names_it() {
    let tiny = Tiny::new();
    let mut runs = 0;
    let mut said = |maps: &mut (dyn FnMut(&[WorkPhotograph]) -> Result<GivenMaps, Stop> + Send)| {
        let mut method = on_maps(2, maps);
        runs += 1;
        let (out, options) = (tiny.path(&format!("wrong-{runs}.jsonl")), PredictOptions::default());
        let run = predict((&benchmark(&tiny), &[]), &mut method, &out, &options, &mut |_| {});
        run.expect_err("it is wrong").to_string()
    };
    let stopped = said(&mut |_| Err("the network fell over".into()));
    assert!(stopped.contains("the network fell over"), "{stopped}");
    let fewer = said(&mut |photographs| Ok(vec![maps_of(&photographs[0])]));
    assert!(fewer.contains("feature maps of 1 photographs were given where 2"), "{fewer}");
    let changed = |change: fn(&mut PhotographMaps)| {
        let mut maps = maps_of(&WorkPhotograph::of(&benchmark(&tiny).images[0])).expect("maps");
        change(&mut maps);
        maps
    };
    let damaged = changed(|maps| maps.maps[0].data[7] = f32::NAN);
    let named = said(&mut |photographs| Ok(vec![Ok(damaged.clone()); photographs.len()]));
    assert!(named.contains("mug_0.png: feature map 0 holds NaN"), "{named}");
    type Change = fn(&mut PhotographMaps);
    let wrong: [(Change, &str); 7] = [
        (|maps| maps.maps.clear(), "no feature map"),
        (|maps| maps.maps[0].rows += 1, "has"),
        (|maps| maps.maps[0].channels = usize::MAX, "give as many as the shape says"),
        (|maps| maps.ratio[1] = 0.0, "expected lengths above 0"),
        (|maps| maps.offset = [1e4, 0.0], "no hyperpixel of this geometry"),
        (|maps| maps.offset[0] = f32::INFINITY, "first pixel"),
        (
            |maps| {
                let mut other = maps.maps[0].clone();
                (other.rows, other.columns) = (other.columns, other.rows);
                maps.maps.push(other);
            },
            "one size",
        ),
    ];
    for (change, expected) in wrong {
        let image = changed(change).hyperimage(geometry(), hpflow::Precision::F32).map(drop);
        let error: MapsError = image.expect_err("refused");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn pairs_of_ones_own_method_are_written_in_order_and_their_number_is_checked() {
    let tiny = Tiny::of(4);
    let benchmark = benchmark(&tiny);
    let out = tiny.path("theirs.jsonl");
    done(&[
        "predict",
        "--method",
        "identity",
        "--root",
        tiny.root(),
        "--out",
        &out.display().to_string(),
    ]);
    let scaled = |[source, target]: [&WorkPhotograph; 2], points: &[Point]| {
        let [from, to] = [source, target].map(|one| one.size.expect("annotated"));
        let point =
            |point: &Point| [0, 1].map(|axis| point[axis] * to[axis] as f32 / from[axis] as f32);
        Ok(Ok(points.iter().map(|one| Some(point(one))).collect()))
    };
    let mut mine = PairsMethod::new(MethodHeader::of("mine"), scaled);
    assert_eq!(predictions(&run(&tiny, &mut mine, "mine.jsonl")), predictions(&out));
    let mut none = PairsMethod::new(MethodHeader::of("mine"), |_, _| Ok(Ok(Vec::new())));
    let (out, options) = (tiny.path("none.jsonl"), PredictOptions::default());
    let error = predict((&benchmark, &[]), &mut none, &out, &options, &mut |_| {}).unwrap_err();
    let error = hpflow::Error::from(error).to_string();
    assert!(error.contains("0 points were predicted for"), "{error}");
}

/// The content of a file that a command and a function both write.
fn same(mine: &Path, theirs: &Path) {
    let [mine, theirs] = [mine, theirs].map(|file| fs::read(file).expect("a file"));
    assert!(mine == theirs, "{} and {} bytes", mine.len(), theirs.len());
}

#[test]
fn what_commands_do_functions_do_with_the_same_bytes() {
    let tiny = Tiny::new();
    let (root, benchmark) = (tiny.root().to_owned(), benchmark(&tiny));
    let path = |name: &str| tiny.path(name).display().to_string();
    let hpf = path("hpf.jsonl");
    done(&["predict", "--root", &root, "--backbone", "hog", "--engine", "cpu", "--out", &hpf]);
    let file = PathBuf::from(&hpf);

    done(&["report", &hpf, "--root", &root, "--out", &path("theirs")]);
    let mine = tiny.path("mine");
    let report = report_files(
        std::slice::from_ref(&file),
        Path::new(&root),
        &mine,
        &ReportOptions::default(),
    )
    .unwrap();
    same(&report.page, &tiny.path("theirs/index.html"));
    let latex = report.tables[0].render(hpflow::Format::Latex);
    assert!(latex.contains(r"\toprule"), "{latex}");

    done(&["show", &hpf, "--root", &root, "--pairs", "2", "--out", &path("pictures")]);
    let mut options = ShowOptions::default();
    options.pairs = 2;
    let shown = show_file(&file, Path::new(&root), &mine, &options).unwrap();
    assert_eq!(shown.pictures.len(), 2);
    same(&shown.sheet, &tiny.path("pictures/sheet.png"));

    let pair = &benchmark.pairs[0].id;
    fs::write(tiny.path("points.csv"), format!("pair,keypoint,x,y\n{pair},0,1.5,2\n")).unwrap();
    done(&["import", &path("points.csv"), "--root", &root, "--out", &path("theirs.jsonl")]);
    let out = tiny.path("mine.jsonl");
    let imported =
        import_file(&tiny.path("points.csv"), &benchmark, &out, &ImportOptions::default()).unwrap();
    assert_eq!((imported.pairs, imported.whole), (1, true));
    same(&out, &tiny.path("theirs.jsonl"));

    let searched = path("theirs.json");
    let small = ["--beam", "1", "--depth", "1", "--engine", "cpu", "--split", "test"];
    let with_hog = ["search", "--root", &root, "--backbone", "hog", "--out", &searched];
    done(&[&with_hog[..], &small].concat());
    let mut options = SearchOptions::default();
    (options.beam, options.depth) = (1, 1);
    let open = || Ok(hog());
    let (out, maps) = (tiny.path("mine.json"), SearchMaps::Backbone(&open));
    let mut depths = Vec::new();
    let found = search(&benchmark, &maps, &mut *cpu(), &out, &options, &mut |event| {
        if let SearchEvent::Depth { depth, evaluated, .. } = event {
            depths.push((depth, evaluated));
        }
    });
    let found = found.unwrap();
    assert_eq!(found.outcome.best().map(|set| set.to_string()).as_deref(), Some("0"));
    assert_eq!(depths, [(1, 1)]);
    let kept = tiny.path("mine.json.features");
    assert!(kept.is_dir());
    found.finish().unwrap();
    assert!(!kept.exists());
    same(&out, &tiny.path("theirs.json"));
    let again = search(&benchmark, &maps, &mut *cpu(), &out, &options, &mut |_| {});
    assert!(matches!(again, Err(SearchError::Exists { .. })));
}

#[test]
fn errors_of_functions_name_no_options() {
    let tiny = Tiny::new();
    let (root, benchmark) = (PathBuf::from(tiny.root()), benchmark(&tiny));
    let out = tiny.path("search.json");
    let said = |options: &SearchOptions| {
        let open = || Ok(hog());
        let maps = SearchMaps::Backbone(&open);
        let found = search(&benchmark, &maps, &mut *cpu(), &out, options, &mut |_| {});
        hpflow::Error::from(found.expect_err("refused")).to_string()
    };
    let mut layers = SearchOptions::default();
    layers.bases = vec![9];
    assert_eq!(said(&layers), "bases: hog has no layer 9; it has 0");
    layers.bases = vec![0, 0];
    assert_eq!(said(&layers), "bases name layer 0 twice; name it once");
    let mut report = SearchOptions::default();
    report.report = Some(tiny.path("JPEGImages/mug/mug_0.png"));
    assert!(said(&report).contains("cannot make the folder"));
    let none = report_files(&[], &root, &out, &ReportOptions::default()).unwrap_err();
    assert!(matches!(none, ReportError::Files(_)), "{none}");
    let audited = audit_file(&tiny.path("none.csv"), None).unwrap_err().to_string();
    assert!(audited.contains("none.csv") && !audited.contains("--"), "{audited}");
    let unknown = import_file(&root, &benchmark, &out, &ImportOptions::default()).map(drop);
    let unknown = unknown.expect_err("a folder of no flows").to_string();
    assert!(!unknown.contains(" --"), "{unknown}");
}

/// Sentences of the library name options as its functions have them (``option `keep_going` ``), which the
/// command line writes as its flags. Whole commands in backticks, and flags of other programs, are what
/// they are.
#[test]
fn sentences_of_the_library_name_no_flags() {
    use proc_macro2::{TokenStream, TokenTree};

    /// String literals that are no documentation.
    fn literals(tokens: TokenStream, found: &mut Vec<String>) {
        let mut is_doc = false;
        for token in tokens {
            match token {
                TokenTree::Group(group) => literals(group.stream(), found),
                TokenTree::Ident(name) => is_doc = name == "doc",
                TokenTree::Literal(literal) if !is_doc => found.push(literal.to_string()),
                TokenTree::Literal(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    fn flags(sentence: &str) -> Vec<&str> {
        let outside = sentence.split('`').step_by(2);
        let words = outside.flat_map(|part| part.split([' ', '(', '"']));
        words
            .filter(|word| {
                word.strip_prefix("--")
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
            })
            .filter(|word| !word.starts_with("--thres")) // HPF's own
            .collect()
    }

    assert_eq!(flags("\"use --engine cpu (`hpflow predict --resume`)\""), ["--engine"]);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut faults, mut files) = (vec![source.clone()], Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&source).unwrap().display().to_string();
            if path.is_dir() {
                folders.extend((name != "cli").then_some(path));
            } else if name.ends_with(".rs") && name != "main.rs" && !name.contains("tests") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let mut found = Vec::new();
                literals(code.parse().unwrap(), &mut found);
                for literal in &found {
                    faults.extend(flags(literal).iter().map(|flag| format!("{name}: {flag}")));
                }
                files += 1;
            }
        }
    }
    assert!(files > 100, "{files} files were read");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A method that does not give one outcome a pair with a point a keypoint.
#[derive(Debug, Clone, Copy)]
enum Careless {
    LeavesOut,
    AnswersTwice,
    IsShort,
    AnswersAnother,
}

impl Method for Careless {
    fn header(&self) -> MethodHeader {
        MethodHeader::of("careless")
    }

    fn predict(&mut self, work: &Work, sink: &mut Sink) -> Result<(), MethodError> {
        for (at, pair) in work.pairs().iter().enumerate() {
            let mut keypoints = vec![Some([1.0, 1.0]); pair.keypoints.len()];
            let number = match self {
                Self::LeavesOut if at == 1 => continue,
                Self::AnswersTwice if at == 1 => work.pairs()[0].number,
                Self::AnswersAnother if at == 1 => 1_000_000,
                _ => pair.number,
            };
            if matches!(self, Self::IsShort) && at == 1 {
                keypoints.pop();
            }
            let outcome = Outcome { pair: number, keypoints: Ok(keypoints) };
            sink(outcome).map_err(MethodError::Stopped)?;
        }
        Ok(())
    }

    fn match_pair(&mut self, _: &Query) -> Result<Matched, MethodError> {
        unreachable!("no pair is asked for alone")
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}

#[test]
fn a_method_that_does_not_answer_each_pair_once_makes_no_file() {
    let tiny = Tiny::of(3);
    let benchmark = benchmark(&tiny);
    for (mut method, said) in [
        (Careless::LeavesOut, "left out pair"),
        (Careless::AnswersTwice, "twice"),
        (Careless::IsShort, "points for pair"),
        (Careless::AnswersAnother, "answered pair 1000000 of"),
    ] {
        let out = tiny.path(&format!("{method:?}.jsonl"));
        // When it is resumed too, where what is there already is answered again.
        for resume in [false, true] {
            let mut options = PredictOptions::default();
            options.resume = resume;
            let run = predict((&benchmark, &[]), &mut method, &out, &options, &mut |_| {});
            let error = run.expect_err("a careless method").to_string();
            assert!(error.contains(said), "{method:?}: {error}");
            assert!(!out.exists(), "{method:?} made a file");
        }
    }
}
