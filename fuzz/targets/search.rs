//! The file of a search: as it comes, and with the checksum that belongs to it.
#![no_main]

mod shared;

use hpflow::testing::search::State;
use libfuzzer_sys::fuzz_target;
use serde_json::Map;

fuzz_target!(|data: &[u8]| {
    let file = shared::file("search.json", data);
    let said = serde_json::from_slice::<State>(data);
    // A search is continued with its own settings.
    let settings = said.as_ref().map_or_else(|_| Map::new(), |state| state.settings.clone());
    if let Ok(state) = State::resume(&file, settings.clone()) {
        again(&state, &file);
    }
    // The checksum keeps all but a few inputs from what is read behind it.
    let Ok(state) = said else { return };
    state.write(&file).expect("the temporary folder can be written");
    if let Ok(state) = State::resume(&file, settings) {
        again(&state, &file);
        if state.fits(&[2, 3], &[0, 1, 2, 3]).is_ok() {
            let right = |bits: usize, pairs: usize| bits == [0, 2, 5][pairs];
            assert!(state.best.iter().all(|kept| right(kept.right.0.len(), 2)));
            let unfinished = state.unfinished.iter();
            let mut sets = unfinished.flat_map(|one| one.sets.iter().map(|set| (one.pairs, set)));
            assert!(sets.all(|(pairs, kept)| right(kept.right.0.len(), pairs)));
        }
        for entry in state.depths.iter().flatten() {
            assert!(entry.scored().is_some(), "layers of a state that was read are a set");
        }
    }
});

/// What was read is what is read again.
fn again(state: &State, file: &std::path::Path) {
    state.write(file).expect("the temporary folder can be written");
    let read = State::resume(file, state.settings.clone()).expect("what was written");
    assert!(read == *state);
}
