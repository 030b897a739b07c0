//! `hpflow devices`: the adapters and what each can run, and the gpu engine's test of itself.

use anyhow::anyhow;
use serde_json::{Map, Value, json};

use super::error::is_usage;
use super::output::{self, counted};
use hpflow::low_level::build;
use hpflow::low_level::engine::{
    AdapterReport, DeviceCheck, EngineKind, InstructionSet, Preset, PresetError, TensorCores,
    adapters, auto_takes, check, why_no_adapter,
};

/// Arguments of `hpflow devices`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hpflow devices
  hpflow devices --format json
  hpflow devices --check                              tests the gpu engine; exits with 1 on a fault
  hpflow devices --check --format json > report.json  what a report of a fault should have
  hpflow predict --engine gpu --adapter llvmpipe …    takes the adapter of that name")]
pub struct Args {
    /// Test the gpu engine instead: made-up pairs against the cpu engine, the same bits alone and in
    /// batches, and what each kernel takes. It needs no files.
    #[arg(long)]
    check: bool,
    /// The adapter that --check tests: part of its name, or its place on the PCI bus. Default: the one
    /// that --engine gpu takes.
    #[arg(long, value_name = "NAME", requires = "check")]
    adapter: Option<String>,
    /// Tile shapes that --check tests: a preset's name, and settings after commas as in
    /// hardware,vote_tile=16x8. Default: those of the adapter's type.
    #[arg(long, value_name = "PRESET", requires = "check", value_parser = preset)]
    preset: Option<Preset>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// A preset by its text.
///
/// # Errors
/// A text that is none.
pub fn preset(text: &str) -> Result<Preset, PresetError> {
    text.parse()
}

/// Lists the adapters and what each engine would run on, or tests the gpu engine.
///
/// # Errors
/// Standard output cannot be written; a test that found a fault, or could not begin.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.check {
        return run_check(args);
    }
    let found = Found::look();
    output::print(&match args.format {
        Format::Text => found.text(),
        Format::Json => format!("{:#}\n", found.json()),
    })
}

/// Tests the gpu engine and prints what was found.
fn run_check(args: &Args) -> anyhow::Result<()> {
    let checked = match check(args.adapter.as_deref(), args.preset) {
        Ok(checked) => checked,
        Err(error) => {
            let error = anyhow::Error::from(error);
            if let (Format::Json, false) = (args.format, is_usage(&error)) {
                let result =
                    json!({ "passed": false, "error": error.to_string(), "build": build() });
                output::print(&format!("{result:#}\n"))?;
            }
            return Err(error);
        }
    };
    output::print(&match args.format {
        Format::Text => check_text(&checked),
        Format::Json => format!("{:#}\n", check_json(&checked)),
    })?;
    if checked.passed() {
        return Ok(());
    }
    Err(anyhow!(
        "{}: the gpu engine is wrong here, {} of {} found a fault; use --engine cpu, and report it \
         with what hpflow devices --check --format json prints",
        checked.adapter.name,
        checked.faults(),
        counted(checked.findings.len(), "check"),
    ))
}

/// The program and where it runs.
fn build() -> Value {
    json!({
        "hpflow": &*super::version::VERSION,
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn tensor_cores(checked: &DeviceCheck) -> String {
    match &checked.tensor_cores {
        TensorCores::Taken => "used with --precision f16".to_owned(),
        TensorCores::Absent => "none that can be used".to_owned(),
        TensorCores::Refused(reason) => format!("not used: {reason}"),
    }
}

fn check_text(checked: &DeviceCheck) -> String {
    let AdapterReport { name, kind, backend, driver, bus, .. } = &checked.adapter;
    let at = bus.as_ref().map(|bus| format!(", at {bus}")).unwrap_or_default();
    let mut lines = vec![format!("{name} ({kind}, {backend}{at})")];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<11} {value}"));
    line("driver", driver.clone());
    line("tiles", checked.preset.to_string());
    line("tensors", tensor_cores(checked));
    line(
        "opening",
        format!("{:.2} s, and the first pair {:.2} s", checked.open_seconds, checked.first_seconds),
    );
    let stages: Vec<String> =
        checked.stages.iter().map(|(stage, ms)| format!("{stage} {ms:.3}")).collect();
    line(
        "a pair",
        format!(
            "{:.3} ms ({}), {:.3} ms with mirrors; the cpu engine {:.3} ms",
            checked.matching_ms,
            stages.join(", "),
            checked.mirrors_ms,
            checked.cpu_ms
        ),
    );
    for finding in &checked.findings {
        match &finding.fault {
            None => line("ok", finding.what.to_owned()),
            Some(fault) => line("FAULT", format!("{}: {fault}", finding.what)),
        }
    }
    let passed = checked.findings.len() - checked.faults();
    lines.push(format!("{passed} of {} passed", counted(checked.findings.len(), "check")));
    lines.join("\n") + "\n"
}

fn check_json(checked: &DeviceCheck) -> Value {
    let stages: Map<String, Value> =
        checked.stages.iter().map(|&(stage, ms)| (stage.to_owned(), ms.into())).collect();
    let findings = checked.findings.iter().map(|finding| {
        json!({ "check": finding.what, "passed": finding.fault.is_none(), "fault": finding.fault })
    });
    json!({
        "passed": checked.passed(),
        "build": build(),
        "adapter": adapter_json(&checked.adapter),
        "preset": checked.preset.to_string(),
        "tensor_cores": tensor_cores(checked),
        "open_s": checked.open_seconds,
        "first_pair_s": checked.first_seconds,
        "matching_ms": checked.matching_ms,
        "with_mirrors_ms": checked.mirrors_ms,
        "stages_ms": stages,
        "cpu_matching_ms": checked.cpu_ms,
        "checks": findings.collect::<Vec<_>>(),
    })
}

/// What this machine and this build have.
struct Found {
    adapters: Vec<AdapterReport>,
    /// Widest first.
    instruction_sets: Vec<&'static str>,
    threads: usize,
    libtorch: Option<Libtorch>,
}

/// The libtorch that this build runs on.
struct Libtorch {
    version: &'static str,
    cuda: bool,
}

impl Found {
    fn look() -> Self {
        Self {
            adapters: adapters(),
            instruction_sets: InstructionSet::available().into_iter().map(|s| s.name()).collect(),
            threads: rayon::current_num_threads(),
            libtorch: libtorch(),
        }
    }

    /// The engine that `--engine auto` takes, and on what.
    fn auto(&self) -> (&'static str, String) {
        let hardware = |adapter: &&AdapterReport| adapter.hardware && adapter.unsuitable.is_none();
        match self.adapters.iter().find(hardware) {
            Some(adapter) => {
                let name = &adapter.name;
                match auto_takes(adapter) {
                    Some(EngineKind::Cpu) => {
                        ("cpu", format!("faster than {name} when both were timed"))
                    }
                    Some(_) => ("gpu", name.clone()),
                    None => ("the faster", format!("{name} or cpu, which the first run times")),
                }
            }
            None => ("cpu", "no hardware GPU that can run the gpu engine".to_owned()),
        }
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        if self.adapters.is_empty() {
            lines.push(format!("no GPU adapter: {}", why_no_adapter()));
        }
        for adapter in &self.adapters {
            lines.extend(adapter_text(adapter));
        }
        lines.push(String::new());
        lines.push(format!(
            "cpu engine    yes: {} ({} threads)",
            self.instruction_sets.join(", "),
            self.threads
        ));
        lines.push(match &self.libtorch {
            Some(libtorch) => format!(
                "dense engine  yes: libtorch {}, {}",
                libtorch.version,
                if libtorch.cuda { "CUDA" } else { "no CUDA" }
            ),
            None => "dense engine  no: built without libtorch (feature torch)".to_owned(),
        });
        let (engine, on) = self.auto();
        lines.push(format!("--engine auto takes {engine}: {on}"));
        lines.join("\n") + "\n"
    }

    fn json(&self) -> Value {
        let (auto, _) = self.auto();
        json!({
            "adapters": self.adapters.iter().map(adapter_json).collect::<Vec<_>>(),
            "engines": {
                "cpu": { "runs": true, "instruction_sets": self.instruction_sets, "threads": self.threads },
                "gpu": { "runs": self.adapters.iter().any(|adapter| adapter.unsuitable.is_none()) },
                "dense": {
                    "runs": self.libtorch.is_some(),
                    "libtorch": self.libtorch.as_ref().map(|libtorch| libtorch.version),
                    "cuda": self.libtorch.as_ref().is_some_and(|libtorch| libtorch.cuda),
                },
            },
            "auto": auto,
        })
    }
}

fn adapter_text(adapter: &AdapterReport) -> Vec<String> {
    let mut lines = vec![adapter.name.clone()];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<11} {value}"));
    line("type", adapter.kind.to_owned());
    line("backend", adapter.backend.clone());
    line("driver", adapter.driver.clone());
    if let Some(bus) = &adapter.bus {
        line("PCI bus", bus.clone());
    }
    for &(name, value) in &adapter.limits {
        let text = if name.ends_with("bytes") { bytes(value) } else { value.to_string() };
        line("limit", format!("{}: {text}", name.trim_end_matches("_bytes").replace('_', " ")));
    }
    let tensor_cores =
        if adapter.tensor_cores { "yes, for --precision f16" } else { "none usable" };
    line("tensors", tensor_cores.to_owned());
    line("timing", if adapter.timestamps { "per kernel" } else { "per submission" }.to_owned());
    line(
        "gpu engine",
        match &adapter.unsuitable {
            None => format!("yes: {} tiles", adapter.preset),
            Some(reason) => format!("no: {reason}"),
        },
    );
    lines
}

fn adapter_json(adapter: &AdapterReport) -> Value {
    let limits: Map<String, Value> =
        adapter.limits.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "name": adapter.name,
        "type": adapter.kind,
        "hardware": adapter.hardware,
        "backend": adapter.backend,
        "driver": adapter.driver,
        "pci_bus": adapter.bus,
        "limits": limits,
        "timestamps": adapter.timestamps,
        "tensor_cores": adapter.tensor_cores,
        "gpu_engine": {
            "runs": adapter.unsuitable.is_none(),
            "tiles": adapter.preset,
            "reason": adapter.unsuitable,
        },
    })
}

/// Bytes in the largest binary unit that leaves at least 1.
fn bytes(value: u64) -> String {
    let units = [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(unit, _)| value >= *unit) {
        Some((unit, name)) => format!("{:.0} {name}", value as f64 / *unit as f64),
        None => format!("{value} B"),
    }
}

fn libtorch() -> Option<Libtorch> {
    let version = build::LIBTORCH_VERSION.unwrap_or("of unknown version");
    build::HAS_TORCH.then(|| Libtorch { version, cuda: build::has_cuda() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Found {
        Found { adapters: Vec::new(), instruction_sets: vec!["plain"], threads: 2, libtorch: None }
    }

    fn adapter(hardware: bool, unsuitable: Option<&str>) -> AdapterReport {
        AdapterReport {
            name: "Some GPU".to_owned(),
            kind: if hardware { "discrete GPU" } else { "software" },
            backend: "vulkan".to_owned(),
            driver: "driver 1.2".to_owned(),
            bus: Some("0000:01:00.0".to_owned()),
            limits: vec![("binding_bytes", 128 << 20), ("storage_buffers", 8)],
            timestamps: true,
            tensor_cores: false,
            hardware,
            preset: "hardware",
            unsuitable: unsuitable.map(str::to_owned),
        }
    }

    #[test]
    fn a_machine_without_adapters_is_told_so_and_takes_the_cpu() {
        let text = nothing().text();
        assert!(text.starts_with("no GPU adapter"), "{text}");
        assert!(text.contains("--engine auto takes cpu"), "{text}");
        assert_eq!(nothing().json()["engines"]["gpu"]["runs"], false);
    }

    #[test]
    fn auto_takes_hardware_that_can_run_the_kernels_and_nothing_else() {
        let auto = |adapter| Found { adapters: vec![adapter], ..nothing() }.auto().0;
        assert_eq!(auto(adapter(true, None)), "gpu");
        assert_eq!(auto(adapter(true, Some("it is old"))), "cpu");
        assert_eq!(auto(adapter(false, None)), "cpu");
    }

    #[test]
    fn an_adapter_is_shown_with_its_limits_and_why_it_cannot_run() {
        let text = Found { adapters: vec![adapter(true, Some("it is old"))], ..nothing() }.text();
        for part in
            ["Some GPU\n", "discrete GPU", "0000:01:00.0", "binding: 128 MiB", "no: it is old"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
