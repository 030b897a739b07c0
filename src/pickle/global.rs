//! The functions and classes that arrays, tensors and namespaces are stored with.

use safetensors::Dtype;

/// PyTorch's names of types: of the storage's class, of the type itself, and safetensors' name.
const TYPES: [(&str, &str, Dtype); 15] = [
    ("DoubleStorage", "float64", Dtype::F64),
    ("FloatStorage", "float32", Dtype::F32),
    ("HalfStorage", "float16", Dtype::F16),
    ("BFloat16Storage", "bfloat16", Dtype::BF16),
    ("LongStorage", "int64", Dtype::I64),
    ("IntStorage", "int32", Dtype::I32),
    ("ShortStorage", "int16", Dtype::I16),
    ("CharStorage", "int8", Dtype::I8),
    ("ByteStorage", "uint8", Dtype::U8),
    ("BoolStorage", "bool", Dtype::BOOL),
    // These have no storage of their own.
    ("", "uint64", Dtype::U64),
    ("", "uint32", Dtype::U32),
    ("", "uint16", Dtype::U16),
    ("", "float8_e4m3fn", Dtype::F8_E4M3),
    ("", "float8_e5m2", Dtype::F8_E5M2),
];

/// A function or class that values are stored with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Global {
    /// NumPy: an array whose state follows.
    Reconstruct,
    /// NumPy: an array from bytes, type, shape and order.
    FromBuffer,
    /// NumPy: one number.
    Scalar,
    /// `numpy.ndarray`.
    ArrayClass,
    /// `numpy.dtype`.
    TypeClass,
    /// Bytes as protocol 2 has them: a text to be encoded in Latin-1.
    Encode,
    OrderedDict,
    /// `argparse.Namespace`, `types.SimpleNamespace`.
    Namespace,
    /// PyTorch: a tensor from storage, offset, shape and strides.
    RebuildTensor,
    /// The same with a type, as the storage has none.
    RebuildTypedTensor,
    /// PyTorch: a tensor that is learned; what it wraps counts.
    Wrapped,
    /// `torch.Size`.
    Size,
    /// `torch.device`.
    Device,
    /// The class of a storage; `None` for bytes.
    Storage(Option<Dtype>),
    /// `torch.float32` and so on.
    Dtype(Dtype),
}

impl Global {
    pub(super) fn named(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Some(Self::Reconstruct)
            }
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Some(Self::Scalar),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Some(Self::FromBuffer),
            ("numpy", "ndarray") => Some(Self::ArrayClass),
            ("numpy", "dtype") => Some(Self::TypeClass),
            ("_codecs", "encode") => Some(Self::Encode),
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("argparse", "Namespace") | ("types", "SimpleNamespace") => Some(Self::Namespace),
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Self::RebuildTensor),
            ("torch._utils", "_rebuild_tensor_v3") => Some(Self::RebuildTypedTensor),
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state")
            | ("torch.nn.parameter", "Parameter")
            | ("torch.autograd.variable", "Variable") => Some(Self::Wrapped),
            ("torch", "Size") => Some(Self::Size),
            ("torch", "device") => Some(Self::Device),
            ("torch.storage", "UntypedStorage") => Some(Self::Storage(None)),
            ("torch" | "torch.cuda", _) => {
                let class = TYPES.iter().find(|(class, ..)| *class == name && !class.is_empty());
                let plain = TYPES.iter().find(|(_, plain, _)| *plain == name && module == "torch");
                let class = class.map(|(.., dtype)| Self::Storage(Some(*dtype)));
                class.or(plain.map(|(.., dtype)| Self::Dtype(*dtype)))
            }
            _ => None,
        }
    }
}

/// PyTorch's name of a type.
pub(crate) fn name_of(dtype: Dtype) -> &'static str {
    TYPES.iter().find(|(.., each)| *each == dtype).map_or("a type of its own", |(_, name, _)| name)
}
