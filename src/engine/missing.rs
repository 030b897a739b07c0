//! Why there is no adapter: what is looked at where none was found, and what that means.

use std::path::{Path, PathBuf};

/// Why no adapter was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MissingDriver {
    /// The Vulkan loader is not installed.
    #[error(
        "the Vulkan loader libvulkan.so.1 cannot be loaded{}; install it (libvulkan1, or vulkan-loader)",
        of_gpu(*gpu)
    )]
    Loader {
        /// Whether there is a GPU.
        gpu: bool,
    },
    /// No driver has told the loader of itself.
    #[error(
        "no Vulkan driver is installed{}: there is no driver file in {looked}; install the GPU's driver \
         with its Vulkan part (mesa-vulkan-drivers, which has a software driver too, or the vendor's)",
        of_gpu(*gpu)
    )]
    Driver {
        /// Where driver files were looked for.
        looked: String,
        /// Whether there is a GPU.
        gpu: bool,
    },
    /// A driver file that leads to no driver.
    #[error("the Vulkan driver file {} is of no use: {fault}; install that driver anew", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// A container that was not given the graphics part of NVIDIA's driver.
    #[error(
        "this container has an NVIDIA GPU without the graphics part of its driver, which has Vulkan; \
         start the container with NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility"
    )]
    Container,
    /// NVIDIA's driver without its Vulkan part.
    #[error(
        "there is an NVIDIA GPU, but its driver's Vulkan part (nvidia_icd.json) is not installed; \
         install it (libnvidia-gl of the driver's version)"
    )]
    Nvidia,
    /// Drivers that gave no adapter.
    #[error(
        "the Vulkan drivers here ({files}) give no device{}; check that the GPU's device files may be \
         opened (group render or video) and that its kernel driver is loaded",
        of_gpu(*gpu)
    )]
    NoDevice {
        /// The drivers' files.
        files: String,
        /// Whether there is a GPU.
        gpu: bool,
    },
    /// Another system than Linux.
    #[error("neither Vulkan, Metal nor DX12 has a driver here; install the GPU's driver")]
    System,
}

fn of_gpu(gpu: bool) -> &'static str {
    if gpu { ", though there is a GPU" } else { "" }
}

/// What a machine has.
#[derive(Debug, Clone, Default)]
struct Machine {
    /// Whether the loader can be loaded.
    loader: bool,
    /// Where driver files are looked for.
    looked: Vec<PathBuf>,
    /// Driver files, and what is wrong with each.
    drivers: Vec<(PathBuf, Option<String>)>,
    /// Whether there is an NVIDIA GPU.
    nvidia: bool,
    /// Whether there is any GPU.
    gpu: bool,
    container: bool,
}

/// Why no adapter was found on this machine.
pub(crate) fn missing() -> MissingDriver {
    if cfg!(target_os = "linux") { Machine::look().diagnosis() } else { MissingDriver::System }
}

impl Machine {
    fn diagnosis(&self) -> MissingDriver {
        let gpu = self.gpu || self.nvidia;
        if !self.loader {
            return MissingDriver::Loader { gpu };
        }
        let broken = self.drivers.iter().find_map(|(file, fault)| Some((file, fault.as_ref()?)));
        let whole = self.drivers.iter().filter(|(_, fault)| fault.is_none());
        let names = |(file, _): &(PathBuf, Option<String>)| file.display().to_string();
        let whole: Vec<String> = whole.map(names).collect();
        let of_nvidia =
            self.drivers.iter().any(|(file, _)| names(&(file.clone(), None)).contains("nvidia"));
        if self.nvidia && !of_nvidia {
            return if self.container { MissingDriver::Container } else { MissingDriver::Nvidia };
        }
        match (broken, whole.is_empty()) {
            (Some((file, fault)), _) => {
                MissingDriver::Broken { file: file.clone(), fault: fault.clone() }
            }
            (None, true) => {
                let looked: Vec<String> =
                    self.looked.iter().map(|path| path.display().to_string()).collect();
                MissingDriver::Driver { looked: looked.join(", "), gpu }
            }
            (None, false) => MissingDriver::NoDevice { files: whole.join(", "), gpu },
        }
    }

    fn look() -> Self {
        let looked = driver_places();
        let files = looked.iter().flat_map(|place| driver_files(place));
        let nvidia = ["/dev/nvidia0", "/dev/nvidiactl"].iter().any(|at| Path::new(at).exists());
        let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
        let render =
            |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("renderD");
        Self {
            loader: loads("libvulkan.so.1"),
            drivers: files.map(|file| (file.clone(), fault(&file))).collect(),
            looked,
            nvidia,
            gpu: { nodes }.any(|entry| render(&entry)),
            container: Path::new("/.dockerenv").exists()
                || Path::new("/run/.containerenv").exists()
                || std::env::var_os("NVIDIA_VISIBLE_DEVICES").is_some(),
        }
    }
}

/// Where the loader looks for driver files: the files or folders that its variables name, or the usual
/// folders.
fn driver_places() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let named = variable("VK_DRIVER_FILES").or_else(|| variable("VK_ICD_FILENAMES"));
    if let Some(named) = named {
        return std::env::split_paths(&named).collect();
    }
    let home = variable("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let data = variable("XDG_DATA_DIRS");
    let data = data.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let roots = [PathBuf::from("/etc")].into_iter().chain(home);
    roots.chain(std::env::split_paths(&data)).map(|root| root.join("vulkan/icd.d")).collect()
}

/// The driver files of a place.
fn driver_files(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

/// What is wrong with a driver file.
fn fault(file: &Path) -> Option<String> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return Some(error.to_string()),
    };
    let Ok(parsed) = serde_json::from_str::<serde_json::Value>(&text) else {
        return Some("it is not JSON".to_owned());
    };
    let Some(library) = parsed["ICD"]["library_path"].as_str() else {
        return Some("it names no library".to_owned());
    };
    // A name without a folder is looked for as any library is, any other beside the file.
    let at = match (library.contains('/'), file.parent()) {
        (true, Some(folder)) => folder.join(library).display().to_string(),
        _ => library.to_owned(),
    };
    (!loads(&at)).then(|| format!("its library {library} cannot be loaded"))
}

/// Whether a library can be loaded.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn loads(library: &str) -> bool {
    let Ok(name) = std::ffi::CString::new(library) else { return false };
    // SAFETY: the name ends with a zero. What a driver runs when it is loaded, the Vulkan loader has
    // made it run already.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) };
    !handle.is_null()
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn loads(_library: &str) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(drivers: &[(&str, Option<&str>)]) -> Machine {
        let driver =
            |&(file, fault): &(&str, Option<&str>)| (PathBuf::from(file), fault.map(str::to_owned));
        let drivers = drivers.iter().map(driver).collect();
        let looked = vec![PathBuf::from("/etc/vulkan/icd.d")];
        Machine { loader: true, looked, drivers, ..Machine::default() }
    }

    #[test]
    fn each_fault_has_its_own_remedy() {
        let said = |machine: Machine| machine.diagnosis().to_string();
        let none = machine(&[]);
        let nvidia = Machine { nvidia: true, gpu: true, ..machine(&[("/a/lvp_icd.json", None)]) };
        for (machine, parts) in [
            (Machine::default(), &["libvulkan.so.1", "libvulkan1"][..]),
            (
                Machine { nvidia: true, ..Machine::default() },
                &["libvulkan.so.1", "though there is a GPU"],
            ),
            (none.clone(), &["/etc/vulkan/icd.d", "mesa-vulkan-drivers"]),
            (Machine { gpu: true, ..none }, &["no Vulkan driver", "though there is a GPU"]),
            (
                machine(&[("/a/lvp_icd.json", Some("its library x.so cannot be loaded"))]),
                &["/a/lvp_icd.json", "x.so cannot be loaded", "anew"],
            ),
            (
                Machine { container: true, ..nvidia.clone() },
                &["NVIDIA_DRIVER_CAPABILITIES=graphics"],
            ),
            (nvidia, &["nvidia_icd.json", "libnvidia-gl"]),
            (
                Machine { nvidia: true, ..machine(&[("/a/nvidia_icd.json", None)]) },
                &["/a/nvidia_icd.json", "give no device", "group render"],
            ),
        ] {
            let said = said(machine);
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_driver_file_that_leads_nowhere_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let written = |text: &str| {
            let file = folder.path().join("icd.json");
            std::fs::write(&file, text).expect("a file");
            fault(&file).unwrap_or_default()
        };
        assert_eq!(written("{"), "it is not JSON");
        assert_eq!(written("{}"), "it names no library");
        let lost = written(r#"{"ICD": {"library_path": "./lost.so"}}"#);
        assert_eq!(lost, "its library ./lost.so cannot be loaded");
        assert_eq!(written(r#"{"ICD": {"library_path": "libc.so.6"}}"#), "");
        assert!(fault(&folder.path().join("none.json")).is_some());
        assert_eq!(driver_files(folder.path()).len(), 1);
    }
}
