//! The annotation files of SPair-71k, field by field in the order in which they are distributed.
//!
//! Coordinates are original pixels. The distributed files hold whole numbers; other benchmarks in
//! this schema may hold fractions, so a coordinate is a [`Number`] and is written as it was read.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
pub use serde_json::Number;

use super::python_json;
use crate::benchmark::numbers;
use crate::json::{self, MaybePoint};

/// A point or a corner: x, then y, in original pixels.
pub type Position = [Number; 2];

/// The number as floating point: what every computation uses.
#[must_use]
pub fn value(number: &Number) -> f64 {
    // It is none only under a feature of serde_json (arbitrary precision) that is not used here.
    number.as_f64().expect("a number of serde_json is a float")
}

/// `ImageAnnotation/<category>/<image>.json`: one object in one photograph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageAnnotation {
    /// The photograph's file name, with its extension.
    pub filename: String,
    /// Where the photograph came from, such as `The VOC2008 Database`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_database: Option<String>,
    /// Where the annotation came from, such as `PASCAL VOC2008`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_annotation: Option<String>,
    /// Where the photograph was found, such as `flickr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_image: Option<String>,
    /// Width in original pixels.
    #[serde(deserialize_with = "numbers::image_width")]
    pub image_width: u32,
    /// Height in original pixels.
    #[serde(deserialize_with = "numbers::image_height")]
    pub image_height: u32,
    /// Number of channels.
    #[serde(deserialize_with = "numbers::image_depth")]
    pub image_depth: u32,
    /// The object's category, which is also the folder's name.
    pub category: String,
    /// `Left`, `Right`, `Frontal`, `Rear` or `Unspecified`.
    pub pose: String,
    /// 1 if the object reaches beyond the photograph.
    #[serde(deserialize_with = "numbers::truncated")]
    pub truncated: u8,
    /// 1 if something hides part of the object.
    #[serde(deserialize_with = "numbers::occluded")]
    pub occluded: u8,
    /// 1 if the object is hard to recognise.
    #[serde(deserialize_with = "numbers::difficult")]
    pub difficult: u8,
    /// xmin, ymin, xmax, ymax in original pixels.
    #[serde(deserialize_with = "numbers::bndbox")]
    pub bndbox: [Number; 4],
    /// The category's keypoints, in file order.
    pub kps: NamedKeypoints,
    /// The object's heading in eighths of a turn, 0 to 7.
    #[serde(deserialize_with = "numbers::azimuth_id")]
    pub azimuth_id: u8,
}

impl ImageAnnotation {
    /// Reads a file's content.
    ///
    /// # Errors
    /// Malformed JSON, a missing field or one of another type, with line and column.
    pub fn parse(json: &[u8]) -> serde_json::Result<Self> {
        json::from_slice(json)
    }

    /// The file's content, spaced as in the distributed files, without a line break at the end.
    ///
    /// # Errors
    /// None that such a value can cause; the signature is `serde_json`'s.
    pub fn to_json(&self) -> serde_json::Result<String> {
        python_json::to_string(self)
    }

    /// The file name without its extension: the image's name in pair ids.
    #[must_use]
    pub fn name(&self) -> &str {
        stem(&self.filename)
    }
}

/// A file name without its last extension.
#[must_use]
pub fn stem(filename: &str) -> &str {
    match filename.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => filename,
    }
}

/// Named keypoints in file order; `None` where a keypoint is not visible.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedKeypoints(pub Vec<(String, Option<Position>)>);

impl NamedKeypoints {
    /// The visible keypoint of that name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Position> {
        self.0.iter().find(|(name, _)| name == id).and_then(|(_, position)| position.as_ref())
    }

    /// Names and positions of the visible keypoints, in file order.
    pub fn visible(&self) -> impl Iterator<Item = (&str, &Position)> {
        self.0.iter().filter_map(|(name, position)| Some((name.as_str(), position.as_ref()?)))
    }
}

/// Points or `null`, of which NaN is a spelling.
pub(in crate::benchmark) fn positions<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Option<Position>>, D::Error> {
    let points = Vec::<MaybePoint<Number>>::deserialize(deserializer)?;
    Ok(points.into_iter().map(|point| point.0).collect())
}

/// Names of keypoints, which may be numbers.
pub(in crate::benchmark) fn names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "the name of a keypoint is neither a text nor a number")]
    enum Name {
        Text(String),
        Number(Number),
    }
    let found = Vec::<Name>::deserialize(deserializer)?;
    let found = found.into_iter().map(|name| match name {
        Name::Text(name) => name,
        Name::Number(number) => number.to_string(),
    });
    let found: Vec<String> = found.collect();
    let names: Vec<String> = found.iter().cloned().map(keypoint_name).collect();
    let mut spelled = HashMap::new();
    for (name, found) in names.iter().zip(&found) {
        if let Some(other) = spelled.insert(name, found).filter(|other| *other != found) {
            let what = format!("\"{other}\" and \"{found}\" are names of one keypoint, {name}");
            return Err(D::Error::custom(what));
        }
    }
    Ok(names)
}

/// A keypoint's name, where a number that became a float on its way (`3.0`) is the whole number.
pub(crate) fn keypoint_name(name: String) -> String {
    let whole = name.split_once('.').filter(|(whole, rest)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits(whole) && digits(rest) && rest.bytes().all(|byte| byte == b'0')
    });
    whole.map(|(whole, _)| whole.to_owned()).unwrap_or(name)
}

impl Serialize for NamedKeypoints {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, position) in &self.0 {
            map.serialize_entry(name, position)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for NamedKeypoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeypointsVisitor;

        impl<'de> Visitor<'de> for KeypointsVisitor {
            type Value = NamedKeypoints;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object of keypoints, each [x, y] or null")
            }

            /// Names are the numbers of a list's places.
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NamedKeypoints, A::Error> {
                let mut keypoints = Vec::new();
                while let Some(MaybePoint(position)) = list.next_element()? {
                    keypoints.push((keypoints.len().to_string(), position));
                }
                Ok(NamedKeypoints(keypoints))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedKeypoints, A::Error> {
                let mut keypoints: Vec<(String, Option<Position>)> = Vec::new();
                let mut names = std::collections::HashSet::new();
                while let Some((name, MaybePoint(position))) = map.next_entry::<String, _>()? {
                    let name = keypoint_name(name);
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!("keypoint \"{name}\" appears twice")));
                    }
                    keypoints.push((name, position));
                }
                Ok(NamedKeypoints(keypoints))
            }
        }

        deserializer.deserialize_any(KeypointsVisitor)
    }
}

/// `PairAnnotation/<split>/<id>-<source>-<target>:<category>.json`: two images of one category and
/// the keypoints visible in both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairAnnotation {
    /// The pair's number within its split.
    #[serde(deserialize_with = "numbers::pair_id")]
    pub pair_id: u64,
    /// `<id>-<source>-<target>:<category>`, the id in six digits.
    pub filename: String,
    /// The source photograph's file name.
    pub src_imname: String,
    /// The target photograph's file name.
    pub trg_imname: String,
    /// The source's width, height and depth.
    #[serde(deserialize_with = "numbers::src_imsize")]
    pub src_imsize: [u32; 3],
    /// The target's width, height and depth.
    #[serde(deserialize_with = "numbers::trg_imsize")]
    pub trg_imsize: [u32; 3],
    /// The object in the source: xmin, ymin, xmax, ymax in original pixels.
    #[serde(deserialize_with = "numbers::src_bndbox")]
    pub src_bndbox: [Number; 4],
    /// The object in the target: xmin, ymin, xmax, ymax in original pixels.
    #[serde(deserialize_with = "numbers::trg_bndbox")]
    pub trg_bndbox: [Number; 4],
    /// The category of both objects.
    pub category: String,
    /// The pose of the source's object.
    pub src_pose: String,
    /// The pose of the target's object.
    pub trg_pose: String,
    /// Keypoints in original pixels of the source; `None` where one is not visible, which no
    /// distributed file has.
    #[serde(deserialize_with = "positions")]
    pub src_kps: Vec<Option<Position>>,
    /// The corresponding keypoints in original pixels of the target.
    #[serde(deserialize_with = "positions")]
    pub trg_kps: Vec<Option<Position>>,
    /// The keypoints' names.
    #[serde(deserialize_with = "names")]
    pub kps_ids: Vec<String>,
    /// 0 in every distributed file seen.
    #[serde(deserialize_with = "numbers::mirror")]
    pub mirror: u8,
    /// 0 easy, 1 medium, 2 hard.
    #[serde(deserialize_with = "numbers::viewpoint_variation")]
    pub viewpoint_variation: u8,
    /// 0 easy, 1 medium, 2 hard.
    #[serde(deserialize_with = "numbers::scale_variation")]
    pub scale_variation: u8,
    /// 0 none, 1 source, 2 target, 3 both.
    #[serde(deserialize_with = "numbers::truncation")]
    pub truncation: u8,
    /// 0 none, 1 source, 2 target, 3 both.
    #[serde(deserialize_with = "numbers::occlusion")]
    pub occlusion: u8,
}

impl PairAnnotation {
    /// Reads a file's content.
    ///
    /// # Errors
    /// Malformed JSON, a missing field or one of another type, with line and column.
    pub fn parse(json: &[u8]) -> serde_json::Result<Self> {
        json::from_slice(json)
    }

    /// The file's content, spaced as in the distributed files, without a line break at the end.
    ///
    /// # Errors
    /// None that such a value can cause; the signature is `serde_json`'s.
    pub fn to_json(&self) -> serde_json::Result<String> {
        python_json::to_string(self)
    }
}
