//! The first line of a predictions file: what it is for, and what decided the numbers.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, VERSION};

/// The first line of a predictions file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    format: String,
    version: u64,
    /// The benchmark's name, such as `spair`.
    pub benchmark: String,
    /// The split, such as `test`.
    pub split: String,
    /// Everything that decides the numbers: method, backbone, layers, weights, engine, …
    #[serde(default)]
    pub method: MethodHeader,
    /// The program that wrote the file, with its version.
    #[serde(default)]
    pub created_by: String,
    /// [`ARITHMETIC`](crate::ARITHMETIC) of the hpflow that predicted; `None` in files of hpflow
    /// 0.1.0 and of other programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<u64>,
    /// Which pairs the file has, where it is one of several shards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardHeader>,
}

/// Which pairs of a benchmark a file has that is one of several shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardHeader {
    /// Which shard it is, from 1.
    pub index: usize,
    /// How many shards there are.
    pub of: usize,
    /// Positions in the whole file, from 0: the first and the last of each run, ascending.
    pub pairs: Vec<[usize; 2]>,
    /// How many pairs all shards have together.
    pub total: usize,
}

impl ShardHeader {
    /// Whether the runs are ascending, apart and within all pairs.
    pub(crate) fn is_sound(&self) -> bool {
        let mut next = 0;
        self.pairs.iter().all(|&[first, last]| {
            let sound = next <= first && first <= last && last < self.total;
            next = last.saturating_add(1);
            sound
        })
    }

    /// How many pairs the shard has.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.pairs.iter().map(|[first, last]| last.saturating_sub(*first).saturating_add(1)).sum()
    }

    /// The positions of its pairs in the whole file, ascending.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> {
        self.pairs.iter().flat_map(|&[first, last]| first..=last)
    }
}

impl Header {
    /// The header of a file that this hpflow writes.
    #[must_use]
    pub fn new(benchmark: &str, split: &str, method: impl Into<MethodHeader>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            benchmark: benchmark.to_owned(),
            split: split.to_owned(),
            method: method.into(),
            created_by: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            arithmetic: Some(crate::ARITHMETIC),
            shard: None,
        }
    }

    /// The same of a file that is a shard, or of one that is none.
    #[must_use]
    pub fn of_shard(self, shard: Option<ShardHeader>) -> Self {
        Self { shard, ..self }
    }
}

/// The header's `method`: everything that decides the numbers. Methods write it, and everything that
/// asks a file how it was made reads it. Fields keep their order, and those of other programs are kept
/// as they are, of whatever type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MethodHeader(Map<String, Value>);

/// A field of a [`MethodHeader`]: its name, and the type of what hpflow writes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderField<T>(&'static str, PhantomData<T>);

impl<T> HeaderField<T> {
    /// A field of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name, PhantomData)
    }
}

impl MethodHeader {
    /// The method's name.
    pub const NAME: HeaderField<String> = HeaderField::new("name");
    /// The network that features are from.
    pub const BACKBONE: HeaderField<String> = HeaderField::new("backbone");
    /// The engine.
    pub const ENGINE: HeaderField<String> = HeaderField::new("engine");
    /// The engine's device in words.
    pub const ADAPTER: HeaderField<String> = HeaderField::new("adapter");
    /// Where the backbone ran: `cpu` or `cuda`.
    pub const BACKBONE_DEVICE: HeaderField<String> = HeaderField::new("backbone_device");
    /// How feature maps were stored.
    pub const PRECISION: HeaderField<String> = HeaderField::new("precision");
    /// The side in pixels that photographs were resized to, or their longer side; null where kept
    /// features do not say.
    pub const IMAGE_SIDE: HeaderField<Option<u32>> = HeaderField::new("image_side");
    /// Of which weights: source, revision and SHA-256.
    pub const WEIGHTS: HeaderField<Value> = HeaderField::new("weights");
    /// The backbone's weights where they are not among the method's.
    pub const BACKBONE_WEIGHTS: HeaderField<Value> = HeaderField::new("backbone_weights");
    /// Which list of pairs of SPair-71k, where it is not the large one.
    pub const LAYOUT: HeaderField<String> = HeaderField::new("layout");
    /// The categories that were asked for, where it is not all.
    pub const CATEGORIES: HeaderField<Vec<String>> = HeaderField::new("categories");
    /// How many pairs were asked for, where it is not all.
    pub const LIMIT: HeaderField<usize> = HeaderField::new("limit");

    /// The header of a method of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self::default().with(Self::NAME, &name.to_owned())
    }

    /// The same with a field, in its old place where it is there already.
    ///
    /// # Panics
    /// Never for numbers, texts, lists and JSON values, which all have a JSON form.
    #[must_use]
    pub fn with<T: Serialize>(mut self, field: HeaderField<T>, value: &T) -> Self {
        let value = serde_json::to_value(value).expect("numbers and texts have a JSON form");
        self.0.insert(field.0.to_owned(), value);
        self
    }

    /// The same with a field, where there is something to say.
    #[must_use]
    pub fn with_some<T: Serialize>(self, field: HeaderField<T>, value: Option<&T>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    /// The same with all fields of `others` that it does not have yet.
    #[must_use]
    pub fn with_new(mut self, others: impl Into<Self>) -> Self {
        for (name, value) in others.into().0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    /// The same with all fields of `others`, which stand for those of the same name.
    #[must_use]
    pub fn with_all(mut self, others: impl Into<Self>) -> Self {
        self.0.extend(others.into().0);
        self
    }

    /// What a field says; `None` where it is absent or of another type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, field: HeaderField<T>) -> Option<T> {
        T::deserialize(self.value(field)?).ok()
    }

    /// What a field says, whatever its type.
    #[must_use]
    pub fn value<T>(&self, field: HeaderField<T>) -> Option<&Value> {
        self.0.get(field.0)
    }

    /// The text of the field of this name, where it is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }
}

impl From<Map<String, Value>> for MethodHeader {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl From<MethodHeader> for Map<String, Value> {
    fn from(header: MethodHeader) -> Self {
        header.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_stand_in_the_order_in_which_they_were_given_and_are_read_as_what_they_are() {
        let header = MethodHeader::of("hpf")
            .with(MethodHeader::BACKBONE, &"hog".to_owned())
            .with(MethodHeader::IMAGE_SIDE, &None)
            .with(MethodHeader::BACKBONE, &"resnet50".to_owned())
            .with_some(MethodHeader::LIMIT, None)
            .with_new(MethodHeader::of("mine").with(MethodHeader::LIMIT, &3));
        let text = serde_json::to_string(&header).unwrap();
        assert_eq!(text, r#"{"name":"hpf","backbone":"resnet50","image_side":null,"limit":3}"#);
        assert_eq!(header.get(MethodHeader::LIMIT), Some(3));
        assert_eq!(header.get(MethodHeader::IMAGE_SIDE), Some(None));
        assert_eq!(header.get(MethodHeader::ENGINE), None);
    }

    /// Any JSON without numbers that have several spellings.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,6}", inner), 0..4)
                    .prop_map(|all| Value::Object(Map::from_iter(all))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_another_program_wrote_stays_as_it_is(
            fields in prop::collection::vec(("name|layers|engine|.{0,6}", value()), 0..6),
        ) {
            let text = Value::Object(Map::from_iter(fields)).to_string();
            let header: MethodHeader = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::to_string(&header).unwrap(), text);
            let _ = (header.get(MethodHeader::NAME), header.get(MethodHeader::LIMIT));
        }
    }

    #[test]
    fn a_field_of_another_type_is_not_what_hpflow_says_there() {
        let header: MethodHeader =
            serde_json::from_value(json!({ "name": 5, "limit": "all" })).unwrap();
        assert_eq!((header.get(MethodHeader::NAME), header.get(MethodHeader::LIMIT)), (None, None));
        assert_eq!(header.value(MethodHeader::NAME), Some(&json!(5)));
    }
}
