//! Layer sets: which maps make a hyperpixel.

use std::fmt;
use std::str::FromStr;

/// Layers whose maps are concatenated to hyperpixels, ascending. The first is the base.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LayerSet(Vec<usize>);

/// Why a layer set is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerSetError {
    /// No layer at all.
    #[error("a layer set needs at least one layer, for example 0,9,10,11,12,13")]
    Empty,
    /// Something that is not a layer number.
    #[error("'{found}' is not a layer number; a layer set is written like 0,9,10,11,12,13")]
    NotANumber {
        /// The text found.
        found: String,
    },
    /// Layers out of order or repeated.
    #[error("layer {next} follows layer {previous}: write the layers ascending, each once")]
    NotAscending {
        /// The layer before.
        previous: usize,
        /// The layer after, not greater.
        next: usize,
    },
    /// A layer that the backbone does not have.
    #[error(
        "{backbone} has {}; there is no layer {layer}",
        if *last == 0 { "one layer, 0".to_owned() } else { format!("layers 0 to {last}") }
    )]
    NoSuchLayer {
        /// The backbone.
        backbone: String,
        /// Its last layer.
        last: usize,
        /// The layer asked for.
        layer: usize,
    },
}

impl LayerSet {
    /// A set of ascending layers.
    ///
    /// # Errors
    /// No layer, or layers that are not ascending.
    pub fn new(layers: Vec<usize>) -> Result<Self, LayerSetError> {
        if layers.is_empty() {
            return Err(LayerSetError::Empty);
        }
        for pair in layers.windows(2) {
            if pair[0] >= pair[1] {
                return Err(LayerSetError::NotAscending { previous: pair[0], next: pair[1] });
            }
        }
        Ok(Self(layers))
    }

    /// A set of one layer.
    #[must_use]
    pub fn of(layer: usize) -> Self {
        Self(vec![layer])
    }

    /// The set with one more layer; `None` where the layer is in it or not above its base.
    #[must_use]
    pub fn extended(&self, layer: usize) -> Option<Self> {
        let at = self.0.binary_search(&layer).err().filter(|&at| at > 0)?;
        let mut layers = self.0.clone();
        layers.insert(at, layer);
        Some(Self(layers))
    }

    /// The layers, ascending.
    #[must_use]
    pub fn layers(&self) -> &[usize] {
        &self.0
    }

    /// The base layer: its grid is the hyperimage's.
    #[must_use]
    pub fn base(&self) -> usize {
        self.0[0]
    }

    /// Checks that a backbone of `count` layers has every layer of the set.
    ///
    /// # Errors
    /// The first layer that it does not have.
    pub fn check(&self, backbone: &str, count: usize) -> Result<(), LayerSetError> {
        match self.0.iter().find(|&&layer| layer >= count) {
            None => Ok(()),
            Some(&layer) => Err(LayerSetError::NoSuchLayer {
                backbone: backbone.to_owned(),
                last: count - 1,
                layer,
            }),
        }
    }
}

impl FromStr for LayerSet {
    type Err = LayerSetError;

    fn from_str(text: &str) -> Result<Self, LayerSetError> {
        let number = |part: &str| {
            let part = part.trim();
            part.parse().map_err(|_| LayerSetError::NotANumber { found: part.to_owned() })
        };
        if text.trim().is_empty() {
            return Err(LayerSetError::Empty);
        }
        Self::new(text.split(',').map(number).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for LayerSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, layer) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{layer}")?;
        }
        Ok(())
    }
}
