//! Files of learned methods: tensors by the authors' names, read and checked for each method.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::baselines::{Baseline, model_of};
use super::error::{Names, WeightsError};
use super::file::{numbers, open, read, sha256, shapes};
use super::fit::fits;
use super::hub;
use super::identity::WeightsIdentity;
use super::source::WeightsSource;
use crate::backbone::networks::{GeometricModel, Parameter, Shapes, TrunkKind};
use crate::progress::Progress;
use safetensors::SafeTensors;

/// A safetensors file of any tensors.
#[derive(Debug, Clone)]
pub struct WeightsFile {
    path: PathBuf,
    bytes: Vec<u8>,
    shapes: Shapes,
    identity: WeightsIdentity,
}

impl WeightsFile {
    /// Opens a file.
    ///
    /// # Errors
    /// A file that cannot be read or is no safetensors.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let bytes = read(path)?;
        // Old files call the extractor `vgg` whatever it is; the authors' loaders rename it.
        let shapes = shapes(&open(path, &bytes)?);
        let shapes = shapes.into_iter().map(|(name, shape)| (renamed(&name), shape)).collect();
        let name = path.file_name().unwrap_or(path.as_os_str());
        let source = name.to_string_lossy().into_owned();
        let identity = WeightsIdentity { source, revision: None, sha256: sha256(path)? };
        Ok(Self { path: path.to_owned(), bytes, shapes, identity })
    }

    /// Opens a file, or one of the hub's; nothing where the untrained recipe is asked for.
    ///
    /// # Errors
    /// Weights that cannot be had, or are no safetensors.
    pub fn from_source(
        source: &WeightsSource,
        progress: &Progress,
    ) -> Result<Option<Self>, WeightsError> {
        match source {
            WeightsSource::Untrained => Ok(None),
            WeightsSource::File(path) => Self::open(path).map(Some),
            WeightsSource::Hub(wanted) => {
                let settings = hub::Settings::from_environment()?;
                let fetched = hub::fetch(&settings, wanted, hub::Freshness::Cached, progress)?;
                let mut opened = Self::open(&fetched.path)?;
                opened.identity.source.clone_from(&wanted.repository);
                opened.identity.revision = Some(fetched.commit);
                Ok(Some(opened))
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file it is, for the header of a predictions file.
    #[must_use]
    pub fn identity(&self) -> &WeightsIdentity {
        &self.identity
    }

    /// The shape of a tensor, if it is there.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.shapes.get(name).map(Vec::as_slice)
    }

    /// Whether any tensor's name begins with this.
    #[must_use]
    pub fn has(&self, prefix: &str) -> bool {
        self.shapes.keys().any(|name| name.starts_with(prefix))
    }

    /// The trunk that it has under the authors' names, if it has one.
    #[must_use]
    pub fn trunk(&self) -> Option<TrunkKind> {
        TrunkKind::of(&self.shapes)
    }

    /// The geometric model that a head of it predicts.
    #[must_use]
    pub fn model(&self, head: &str) -> Option<GeometricModel> {
        model_of(&self.shapes, head)
    }

    /// The learned baseline whose names it has.
    #[must_use]
    pub fn baseline(&self) -> Option<Baseline> {
        Baseline::of(&self.shapes)
    }

    /// Whether it has every tensor of a baseline at its shape, and hpflow runs it.
    ///
    /// # Errors
    /// Those of [`Baseline::check`].
    pub fn check(&self, baseline: &Baseline) -> Result<(), WeightsError> {
        baseline.check(&self.path, &self.shapes)
    }

    /// The tensors asked for, row-major, by the names of `parameters`; `in_file` gives the name that
    /// each has in the file. `of` says in messages what needs them.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape, or values that are not finite.
    pub fn read(
        &self,
        of: &str,
        parameters: &[Parameter],
        in_file: impl Fn(&str) -> String,
    ) -> Result<HashMap<String, Vec<f32>>, WeightsError> {
        let named =
            |one: &Parameter| Parameter { name: in_file(&one.name), shape: one.shape.clone() };
        let wanted: Vec<Parameter> = parameters.iter().map(named).collect();
        // The tables have torchvision's names; a file that has others is of the authors'.
        let names = if wanted == parameters { Names::Torchvision } else { Names::Authors };
        fits(&self.path, &self.shapes, wanted, of, names)?;
        self.values(parameters, in_file)
    }

    /// The values of tensors that are there.
    fn values(
        &self,
        parameters: &[Parameter],
        in_file: impl Fn(&str) -> String,
    ) -> Result<HashMap<String, Vec<f32>>, WeightsError> {
        let tensors: SafeTensors = open(&self.path, &self.bytes)?;
        let wanted: HashMap<String, &str> =
            parameters.iter().map(|one| (in_file(&one.name), &*one.name)).collect();
        let mut values = HashMap::new();
        for (raw, view) in tensors.iter() {
            let name = renamed(raw);
            if let Some(&parameter) = wanted.get(&name) {
                values.insert(parameter.to_owned(), numbers(&self.path, raw, &view)?);
            }
        }
        Ok(values)
    }
}

/// The name that a tensor has in newer files.
fn renamed(name: &str) -> String {
    name.replace("vgg", "model")
}
