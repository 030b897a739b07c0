//! What the authors' files hold is what hpflow asks them for.

use std::collections::BTreeMap;

use hpflow::testing::backbone::networks::{GeometricModel, TrunkKind};
use hpflow::testing::method::alignment::regression::RegressionKind;

use super::folder;

/// Names and shapes of a file of the authors'.
pub fn keys(name: &str) -> BTreeMap<String, String> {
    let path = folder().join(format!("keys/{name}.txt"));
    let text = std::fs::read_to_string(path).expect("a list of names");
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| !name.ends_with("num_batches_tracked"))
        .map(|(name, shape)| (name.to_owned(), shape.to_owned()))
        .collect()
}

/// Names and shapes that hpflow reads.
fn read(
    backbone: TrunkKind,
    network: RegressionKind,
    heads: &[(&str, GeometricModel)],
) -> BTreeMap<String, String> {
    let trunk = backbone.parameters().into_iter().map(|mut parameter| {
        parameter.name = backbone.authors_name(&parameter.name);
        parameter
    });
    let heads = heads.iter().flat_map(|&(prefix, geometry)| {
        network.parameters(geometry).into_iter().map(move |mut parameter| {
            parameter.name = format!("{prefix}.{}", parameter.name);
            parameter
        })
    });
    trunk.chain(heads).map(|one| (one.name, format!("{:?}", one.shape))).collect()
}

#[test]
fn every_tensor_of_every_file_is_read_at_its_shape_and_no_other() {
    for (method, network) in [("cnngeo", RegressionKind::CnnGeo), ("a2net", RegressionKind::A2Net)]
    {
        for (name, backbone) in [("vgg", TrunkKind::Vgg16), ("resnet101", TrunkKind::ResNet101)] {
            for geometry in [GeometricModel::Affine, GeometricModel::Tps] {
                let file = format!("{method}_{name}_{}", geometry.name());
                let found = read(backbone, network, &[("FeatureRegression", geometry)]);
                assert_eq!(found, keys(&file), "{file}");
            }
        }
    }
    let both = [
        ("FeatureRegression", GeometricModel::Affine),
        ("FeatureRegression2", GeometricModel::Tps),
    ];
    let found = read(TrunkKind::ResNet101, RegressionKind::CnnGeo, &both);
    assert_eq!(found, keys("weakalign_resnet101_affine_tps"));
}
