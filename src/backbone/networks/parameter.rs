//! Parameters of networks: names and shapes.

use std::collections::HashMap;

/// Shapes of a file's tensors by name.
pub type Shapes = HashMap<String, Vec<usize>>;

/// The name of a parameter in torchvision's files, and its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// For example `layer1.0.conv1.weight`.
    pub name: String,
    /// Convolutions: outputs, inputs, rows, columns. Batch normalisations: channels.
    pub shape: Vec<usize>,
}

/// A convolution without a bias.
pub(super) fn add_convolution(parameters: &mut Vec<Parameter>, name: &str, shape: [usize; 4]) {
    parameters.push(Parameter { name: format!("{name}.weight"), shape: shape.to_vec() });
}

/// A convolution or a linear layer with a bias, whose outputs are its first axis.
pub(super) fn add_biased(parameters: &mut Vec<Parameter>, name: &str, shape: &[usize]) {
    parameters.extend(biased(name, shape, shape[0]));
}

/// Weight and bias of a layer with `outputs` outputs.
pub(super) fn biased(name: &str, shape: &[usize], outputs: usize) -> [Parameter; 2] {
    [("weight", shape.to_vec()), ("bias", vec![outputs])]
        .map(|(part, shape)| Parameter { name: format!("{name}.{part}"), shape })
}

/// The parameters of a batch normalisation.
pub(super) fn add_normalisation(parameters: &mut Vec<Parameter>, name: &str, channels: usize) {
    for part in ["weight", "bias", "running_mean", "running_var"] {
        parameters.push(Parameter { name: format!("{name}.{part}"), shape: vec![channels] });
    }
}
