//! A device and its faults: what the driver reports in callbacks becomes an error of the call.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wgpu::{Buffer, BufferUsages};

use super::adapter::{self, AdapterReport};
use super::preset::Preset;
use crate::engine::error::GpuError;
use crate::hyperpixel::Precision;

/// How long a submission may take on hardware. Work is cut so that one takes a tenth of a second, so
/// what takes this long has stopped.
const LONGEST: Duration = Duration::from_secs(60);
/// The same of a software driver, which shares the processor with whatever else there is.
const LONGEST_IN_SOFTWARE: Duration = Duration::from_secs(1800);

thread_local! {
    static WAITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread waits for a GPU: the library below panics where a device is lost meanwhile,
/// which becomes an error, so that a panic hook need not report it.
#[must_use]
pub fn is_waiting() -> bool {
    WAITING.get()
}

/// A device with its queue, limits and name.
pub(super) struct GpuDevice {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub limits: wgpu::Limits,
    pub info: wgpu::AdapterInfo,
    pub report: AdapterReport,
    /// Nanoseconds a tick, where kernels can be timed.
    pub timestamp_period: Option<f32>,
    /// Invocations of the largest subgroup where subgroups may multiply matrices of halves; else 0.
    pub cooperative: u32,
    fault: Arc<Mutex<Option<Fault>>>,
    /// Whether the library below gave the device up: it must not be asked again.
    gone: AtomicBool,
}

/// The first thing that went wrong since it was last looked at.
enum Fault {
    Lost(String),
    OutOfMemory(String),
    Failed(String),
}

impl GpuDevice {
    pub(super) fn new(name: Option<&str>, precision: Precision) -> Result<Self, GpuError> {
        let adapter = adapter::choose(name)?;
        let info = adapter.get_info();
        let flags = adapter.get_downlevel_capabilities().flags;
        if precision == Precision::F16 && !flags.contains(wgpu::DownlevelFlags::SHADER_F16_IN_F32) {
            let reason = "it cannot read numbers in half precision".to_owned();
            return Err(GpuError::Unsuitable { adapter: info.name, reason });
        }
        let limits = adapter::wanted_limits(&adapter);
        let features = adapter::wanted_features(&adapter, precision);
        let cooperative = match precision {
            Precision::F32 => 0,
            Precision::F16 => adapter::cooperative(&adapter),
        };
        let request = adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("hpflow"),
            required_features: features,
            required_limits: limits.clone(),
            experimental_features: experimental(cooperative > 0),
            ..Default::default()
        });
        let (device, queue) = pollster::block_on(request)
            .map_err(|source| GpuError::NoDevice { adapter: info.name.clone(), source })?;
        let fault = Arc::new(Mutex::new(None));
        let on_error = Arc::clone(&fault);
        device.on_uncaptured_error(Arc::new(move |error| {
            let text = one_line(&error.to_string());
            note(
                &on_error,
                match error {
                    wgpu::Error::OutOfMemory { .. } => Fault::OutOfMemory(text),
                    _ => Fault::Failed(text),
                },
            );
        }));
        let on_loss = Arc::clone(&fault);
        device.set_device_lost_callback(move |_, reason| {
            note(&on_loss, Fault::Lost(one_line(&reason)));
        });
        let timestamp_period = features
            .contains(wgpu::Features::TIMESTAMP_QUERY)
            .then(|| queue.get_timestamp_period());
        let report = adapter::report(&adapter);
        let gone = AtomicBool::new(false);
        Ok(Self { device, queue, limits, info, report, timestamp_period, cooperative, fault, gone })
    }

    /// The preset asked for, or that for this type of device.
    pub(super) fn preset(&self, asked: Option<Preset>) -> Result<Preset, GpuError> {
        let features = self.device.features();
        let Some(preset) = asked else { return Ok(Preset::of(&self.info, features)) };
        match preset.unfit(&self.info, features, &self.limits) {
            None => Ok(preset),
            Some(reason) => {
                let adapter = self.info.name.clone();
                Err(GpuError::Preset { adapter, preset: preset.to_string(), reason })
            }
        }
    }

    /// What has gone wrong since the last call, as an error. A lost device stays lost.
    pub(super) fn check(&self) -> Result<(), GpuError> {
        if self.fault().is_some() {
            // A loss is reported at the next poll, after the errors that it causes. An error of the
            // poll itself would add nothing to the fault that was found.
            let _ = self.poll(wgpu::PollType::Poll);
        }
        let mut fault = self.fault();
        let adapter = self.info.name.clone();
        match fault.take() {
            None => Ok(()),
            Some(Fault::OutOfMemory(reason)) => {
                Err(GpuError::OutOfMemory { adapter, reason, needed: None })
            }
            Some(Fault::Failed(reason)) => Err(GpuError::Failed { adapter, reason }),
            Some(Fault::Lost(reason)) => {
                *fault = Some(Fault::Lost(reason.clone()));
                Err(GpuError::Lost { adapter, reason })
            }
        }
    }

    fn fault(&self) -> MutexGuard<'_, Option<Fault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer of at least one byte, filled with zeros.
    pub(super) fn buffer(
        &self,
        label: &str,
        bytes: u64,
        usage: BufferUsages,
    ) -> Result<Buffer, GpuError> {
        let size = bytes.max(SMALLEST_BUFFER).next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        });
        self.check()?;
        Ok(buffer)
    }

    /// The error for something beyond a limit, if it is; what it is, and in what it is counted.
    pub(super) fn check_size(
        &self,
        [what, unit]: [&'static str; 2],
        needed: u64,
        limit: u64,
    ) -> Result<(), GpuError> {
        if needed <= limit {
            return Ok(());
        }
        Err(GpuError::TooLarge { adapter: self.info.name.clone(), what, unit, needed, limit })
    }

    /// Waits until a submission has run, and not for ever.
    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<(), GpuError> {
        let longest = match self.info.device_type {
            wgpu::DeviceType::Cpu => LONGEST_IN_SOFTWARE,
            _ => LONGEST,
        };
        let wait =
            wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(longest) };
        let waited = self.poll(wait);
        if let Err(wgpu::PollError::Timeout) = waited {
            self.give_up();
            let (adapter, seconds) = (self.info.name.clone(), longest.as_secs());
            return Err(GpuError::Stuck { adapter, seconds });
        }
        self.check()?;
        waited.map_err(|error| self.failed(&error))
    }

    /// Polls. Where the device is lost meanwhile the library below panics: that is a loss like any
    /// other, and the device is not asked again.
    fn poll(&self, how: wgpu::PollType) -> Result<(), wgpu::PollError> {
        if self.gone.load(Ordering::Relaxed) {
            return Ok(());
        }
        WAITING.set(true);
        let polled = catch_unwind(AssertUnwindSafe(|| self.device.poll(how)));
        WAITING.set(false);
        match polled {
            Ok(polled) => polled.map(drop),
            Err(panic) => {
                self.gone.store(true, Ordering::Relaxed);
                tracing::debug!("while waiting: {:?}", panic.downcast_ref::<String>());
                let what = "its driver gave it up while its results were waited for";
                note(&self.fault, Fault::Lost(what.to_owned()));
                Ok(())
            }
        }
    }

    /// Gives up a device that does not answer. It stays open: closing it would wait for it.
    fn give_up(&self) {
        self.gone.store(true, Ordering::Relaxed);
        note(&self.fault, Fault::Lost("it does not answer".to_owned()));
        std::mem::forget((self.device.clone(), self.queue.clone()));
    }

    /// An error of this device from one of the library's.
    pub(super) fn failed(&self, error: &dyn std::error::Error) -> GpuError {
        GpuError::Failed { adapter: self.info.name.clone(), reason: one_line(&error.to_string()) }
    }
}

/// Permits what the library calls experimental, where that is wanted.
fn experimental(wanted: bool) -> wgpu::ExperimentalFeatures {
    if !wanted {
        return wgpu::ExperimentalFeatures::disabled();
    }
    // SAFETY: the caller has to expect faults of the library. One kernel uses the one feature, in the
    // library's own language and checked by it, with the shapes that the adapter reports, and is
    // compared with an ordinary kernel before it is used.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

/// Bytes of the smallest buffer: one slot, so that a list without entries can still be bound.
const SMALLEST_BUFFER: u64 = super::layout::SLOT as u64;

fn note(slot: &Mutex<Option<Fault>>, fault: Fault) {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if slot.is_none() || matches!(fault, Fault::Lost(_)) {
        *slot = Some(fault);
    }
}

/// Drivers report in paragraphs; an error is one sentence.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
