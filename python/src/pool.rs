//! Where the work is done: beside the interpreter, on threads of the package's own.
//!
//! A process that forks (workers of a data loader, `multiprocessing`) has none of its parent's threads,
//! and waits for ever for those of a pool that it inherited. So the pool is kept with the number of its
//! process and made anew in another. It is looked for with the interpreter's lock held, as forks are
//! made, so no fork happens in between.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::{Failure, Outcome};

/// How soon Ctrl-C is seen.
const LOOK_EVERY: Duration = Duration::from_millis(50);

struct Pool {
    process: u32,
    threads: Arc<ThreadPool>,
}

struct State {
    /// As many as was asked for; as many as there are processors where 0.
    wanted: usize,
    pool: Option<Pool>,
}

static STATE: Mutex<State> = Mutex::new(State { wanted: 0, pool: None });

/// Whether anybody waits for the work.
#[derive(Debug, Clone, Default)]
pub struct Waited(Arc<AtomicBool>);

impl Waited {
    /// Stops work that nobody waits for.
    pub fn check(&self) -> Outcome<()> {
        if self.0.load(Ordering::Relaxed) { Err(Failure::Cancelled) } else { Ok(()) }
    }
}

/// The pool of this process.
fn pool(_: Python) -> Outcome<Arc<ThreadPool>> {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some(old) = state.pool.take_if(|pool| pool.process != process) {
        // Its threads are another process's: ending them would wait for them.
        mem::forget(old);
    }
    if let Some(pool) = &state.pool {
        return Ok(Arc::clone(&pool.threads));
    }
    let builder = ThreadPoolBuilder::new().num_threads(state.wanted);
    let threads = builder.thread_name(|at| format!("hpflow-{at}")).build();
    let threads = Arc::new(threads.map_err(|error| {
        Failure::Failed(format!("no threads can be started: {error}; give set_threads fewer"))
    })?);
    state.pool = Some(Pool { process, threads: Arc::clone(&threads) });
    Ok(threads)
}

/// Work on the processor uses so many threads from now on.
#[pyfunction]
pub fn set_threads(threads: usize) {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    state.wanted = threads;
    match state.pool.take() {
        Some(old) if old.process != std::process::id() => mem::forget(old),
        old => drop(old),
    }
}

/// Does work without the interpreter's lock, on the package's threads. Ctrl-C ends the wait at once; the
/// work ends where it next looks ([`Waited::check`]). A panic is an error.
///
/// # Errors
/// Those of the work, and `KeyboardInterrupt`.
pub fn work<T: Send + 'static>(
    py: Python,
    job: impl FnOnce(&Waited) -> Outcome<T> + Send + 'static,
) -> PyResult<T> {
    work_beside(py, |pool, waited| pool.install(|| job(waited)))
}

/// [`work`] in a thread that is none of the pool's and may wait for a lock: a thread of the pool that
/// waits for others takes up their work, and would wait for a lock that it holds itself.
///
/// # Errors
/// As [`work`].
pub fn work_beside<T: Send + 'static>(
    py: Python,
    job: impl FnOnce(&ThreadPool, &Waited) -> Outcome<T> + Send + 'static,
) -> PyResult<T> {
    let pool = pool(py)?;
    let waited = Waited::default();
    let (to, from) = channel();
    let seen = waited.clone();
    let begun = thread::Builder::new().name("hpflow".to_owned()).spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| job(&pool, &seen)));
        let _ = to.send(result.unwrap_or_else(|panic| Err(Failure::of_panic(&*panic))));
    });
    begun.map_err(|error| Failure::Failed(format!("no thread can be started: {error}")))?;
    // Channels can be read by one thread alone, and without the lock any could.
    let from = Mutex::new(from);
    loop {
        let next = py.detach(|| {
            from.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LOOK_EVERY)
        });
        match next {
            Ok(result) => return Ok(result?),
            Err(RecvTimeoutError::Timeout) => py.check_signals().inspect_err(|_| {
                waited.0.store(true, Ordering::Relaxed);
            })?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Internal("its thread is gone".to_owned()).into());
            }
        }
    }
}

/// Python's part of some work: what goes wrong in it is the caller's own exception.
type Call = Box<dyn FnOnce(Python) -> PyResult<()> + Send>;

/// What work that calls back says.
enum Message<T> {
    Call(Call),
    Done(Outcome<T>),
}

/// Has Python called in the thread that waits for the work.
pub struct Caller<T>(Sender<Message<T>>);

impl<T> Caller<T> {
    /// What a function gives that is called with the interpreter's lock.
    ///
    /// # Errors
    /// It raised, or nobody waits any more: the work is to stop.
    pub fn call<R: Send + 'static>(
        &self,
        function: impl FnOnce(Python) -> PyResult<R> + Send + 'static,
    ) -> Outcome<R> {
        let (to, from) = channel();
        let call: Call = Box::new(move |py| {
            let _ = to.send(function(py)?);
            Ok(())
        });
        self.0.send(Message::Call(call)).map_err(|_| Failure::Cancelled)?;
        from.recv().map_err(|_| Failure::Cancelled)
    }
}

/// Work that calls Python on its way, in a thread that is none of the pool's. Where a call raises, or
/// Ctrl-C is seen, no other is made and the work stops there; it is waited for, so that what it writes is
/// whole.
///
/// # Errors
/// What a call raised, those of the work, and `KeyboardInterrupt`.
pub fn work_with<T: Send + 'static>(
    py: Python,
    job: impl FnOnce(&Arc<ThreadPool>, &Caller<T>) -> Outcome<T> + Send + 'static,
) -> PyResult<T> {
    let pool = pool(py)?;
    let (to, from) = channel();
    let begun = thread::Builder::new().name("hpflow".to_owned()).spawn(move || {
        let caller = Caller(to.clone());
        let result = catch_unwind(AssertUnwindSafe(|| job(&pool, &caller)));
        let result = result.unwrap_or_else(|panic| Err(Failure::of_panic(&*panic)));
        let _ = to.send(Message::Done(result));
    });
    begun.map_err(|error| Failure::Failed(format!("no thread can be started: {error}")))?;
    let from = Mutex::new(from);
    let mut raised = None;
    loop {
        let next = py.detach(|| {
            from.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LOOK_EVERY)
        });
        match next {
            Ok(Message::Call(call)) if raised.is_none() => raised = call(py).err(),
            // A call that is not made is one that nobody answers.
            Ok(Message::Call(_)) => {}
            Ok(Message::Done(result)) => {
                return match raised {
                    Some(raised) => Err(raised),
                    None => Ok(result?),
                };
            }
            Err(RecvTimeoutError::Timeout) => raised = raised.or(py.check_signals().err()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Internal("its thread is gone".to_owned()).into());
            }
        }
    }
}

/// Stops with a panic, for the test of what becomes of one.
#[pyfunction]
pub fn panic(py: Python) -> PyResult<()> {
    work(py, |_| panic!("asked for"))
}

/// Waits for so many seconds in steps, for the test of Ctrl-C.
#[pyfunction]
pub fn wait(py: Python, seconds: f64) -> PyResult<()> {
    work(py, move |waited| {
        for _ in 0..(seconds * 100.0) as usize {
            waited.check()?;
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    })
}
