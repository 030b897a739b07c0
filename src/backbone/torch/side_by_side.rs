//! Several photographs at once on the CPU, each on one thread, so that a photograph's features are the
//! same bits whichever others are computed at the same time.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Each of `threads` threads takes the next item until none is left. `share` gives each thread a handle
/// of the network. Results are in the order of the items.
pub(super) fn side_by_side<N: Send, T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    share: impl Fn() -> N,
    work: impl Fn(&N, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let (next, work) = (&next, &work);
    let take = move |network: N| {
        tch::set_num_threads(1);
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(&network, item)));
        }
    };
    let mut results = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.min(items.len()))
            .map(|_| share())
            .map(|network| scope.spawn(move || take(network)))
            .collect();
        let mut results = Vec::new();
        for thread in threads {
            results.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
