//! Predictions files, line by line, and the scoring of what they hold.
#![no_main]

mod shared;

use std::path::Path;

use hpflow::testing::predictions::Reader;
use hpflow::testing::score::{Answers, ScoreError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(mut reader) = Reader::new(data, Path::new("input")) else { return };
    let benchmark = shared::benchmark();
    let lines = std::iter::from_fn(|| {
        let one = reader.next()?.ok()?;
        Some(Ok::<_, ScoreError>((reader.line_number(), one.pair, one.keypoints)))
    });
    if let Ok(answers) = Answers::collect(&benchmark, lines) {
        let kind = benchmark.kind;
        for protocol in hpflow::testing::score::defined(kind) {
            let scored = hpflow::testing::score::score(&benchmark, &answers, protocol, protocol.alphas, None);
            for one in scored.iter().flat_map(|score| &score.pck) {
                assert!(one.pck.all.is_none_or(|all| (0.0..=100.0).contains(&all)), "{all:?}", all = one.pck.all);
            }
        }
    }
});
