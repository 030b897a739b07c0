//! The threads on the processor that an engine works on.

use std::sync::Arc;

use rayon::ThreadPool;

/// A pool of threads, or rayon's global one. Its size changes how fast an answer comes and no bit of
/// it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool(Option<Arc<ThreadPool>>);

impl Pool {
    /// The pool where there is one, or else the global one.
    pub(super) fn new(pool: Option<Arc<ThreadPool>>) -> Self {
        Self(pool)
    }

    /// Runs work whose parallel parts take these threads.
    pub(super) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_runs_on_the_threads_of_the_pool() {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(3);
        let pool = builder.thread_name(|_| "of the pool".to_owned()).build().expect("threads");
        let name = || std::thread::current().name().map(str::to_owned);
        let (threads, found) =
            Pool::new(Some(Arc::new(pool))).run(|| (rayon::current_num_threads(), name()));
        assert_eq!((threads, found.as_deref()), (3, Some("of the pool")));
        let here = std::thread::current().id();
        assert_eq!(Pool::default().run(|| std::thread::current().id()), here);
    }
}
