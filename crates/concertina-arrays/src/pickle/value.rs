//! The values that a pickle can describe.

use std::rc::Rc;

use crate::torch::{Elements, elements_of_storage};

/// As many as NumPy allows; PyTorch writes at most 25.
const MAX_AXES: usize = 64;
/// No known function has more.
const MAX_ARGUMENTS: usize = 8;

/// A value. Those with content are in the list of [`Values`], at the place that is given.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    None,
    Boolean(bool),
    Whole(i64),
    /// A whole number beyond 64 bits.
    Large,
    Real(f64),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Set(usize),
    /// An object whose attributes are the entries of a dict.
    Namespace(usize),
    Tensor(usize),
    Storage(usize),
    Known(Known),
    /// The type of elements, such as `torch.float32`.
    Dtype(Rc<str>),
    /// A type of NumPy's scalars: a row of its code and, if it is known, the order of its bytes.
    NumberType(usize),
    /// A value of another program that is not read, in words.
    Foreign(Rc<str>),
    /// A function or class that is not known, with its module: an error as soon as it is used, or at the end.
    Unknown(Rc<str>),
}

/// Functions and classes that build a value of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// `collections.OrderedDict`, `dict`.
    Dict,
    /// `set`, `frozenset`.
    Set,
    /// `torch.Size`.
    Size,
    /// `_codecs.encode`, by which protocol 2 writes bytes.
    Encode,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    Tensor,
    /// `torch._utils._rebuild_tensor_v3`, which names the type of the elements.
    TypedTensor,
    /// `torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`.
    Parameter,
    /// `numpy.dtype`.
    NumberType,
    /// `numpy.core.multiarray.scalar`.
    Scalar,
    /// `argparse.Namespace`, `types.SimpleNamespace`.
    Namespace,
    /// `torch.FloatStorage` and the others.
    Storage(Elements),
}

impl Known {
    pub(super) fn of(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") | ("__builtin__" | "builtins", "dict") => Self::Dict,
            ("__builtin__" | "builtins", "set" | "frozenset") => Self::Set,
            ("torch", "Size") => Self::Size,
            ("_codecs", "encode") => Self::Encode,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::Tensor,
            ("torch._utils", "_rebuild_tensor_v3") => Self::TypedTensor,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Self::Parameter,
            ("numpy", "dtype") => Self::NumberType,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Self::Scalar,
            ("argparse", "Namespace") | ("types", "SimpleNamespace") => Self::Namespace,
            ("torch" | "torch.cuda" | "torch.storage", storage) => {
                Self::Storage(elements_of_storage(storage)?)
            }
            _ => return None,
        })
    }
}

/// A part of a storage, seen as an array.
#[derive(Debug, Clone)]
pub(crate) struct Tensor {
    pub(crate) storage: Storage,
    /// In elements, as are the strides.
    pub(crate) offset: i64,
    pub(super) shape: Value,
    pub(super) strides: Value,
}

/// Elements in a row, somewhere in the file.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) key: Rc<str>,
    pub(crate) elements: Elements,
    /// The number of elements, or of bytes if they have no type.
    pub(crate) count: i64,
    /// For a storage that is part of another one: the first element, and the number of elements.
    pub(crate) part: Option<(i64, i64)>,
}

/// The contents of values.
#[derive(Debug, Default)]
pub(crate) struct Values {
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) dicts: Vec<Vec<(Value, Value)>>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) storages: Vec<Storage>,
}

impl Values {
    /// The values in a tuple, list or set at this place.
    pub(crate) fn row(&self, place: usize) -> &[Value] {
        &self.rows[place]
    }

    /// The entries of a dict, in the order in which they were set. Of several with one key the last counts.
    pub(crate) fn dict(&self, place: usize) -> &[(Value, Value)] {
        &self.dicts[place]
    }

    pub(crate) fn tensor(&self, place: usize) -> &Tensor {
        &self.tensors[place]
    }

    pub(crate) fn storages(&self) -> &[Storage] {
        &self.storages
    }

    pub(super) fn add_row(&mut self, row: Vec<Value>) -> usize {
        self.rows.push(row);
        self.rows.len() - 1
    }

    pub(super) fn add_dict(&mut self, entries: Vec<(Value, Value)>) -> Value {
        self.dicts.push(entries);
        Value::Dict(self.dicts.len() - 1)
    }

    /// An object without attributes.
    pub(super) fn namespace(&mut self) -> Value {
        self.dicts.push(Vec::new());
        Value::Namespace(self.dicts.len() - 1)
    }

    /// The lengths and the strides of a tensor's axes; `None` if they are not whole numbers.
    pub(crate) fn axes(&self, tensor: &Tensor) -> Option<(Vec<i64>, Vec<i64>)> {
        let wholes = |value: &Value| {
            let (Value::Tuple(place) | Value::List(place)) = value else { return None };
            let whole = |value: &Value| if let Value::Whole(number) = value { Some(*number) } else { None };
            let row = &self.rows[*place];
            if row.len() > MAX_AXES { None } else { row.iter().map(whole).collect::<Option<Vec<i64>>>() }
        };
        Some((wholes(&tensor.shape)?, wholes(&tensor.strides)?))
    }

    /// The first values in a tuple, as many as any call has.
    pub(super) fn arguments(&self, place: usize) -> Vec<Value> {
        self.rows[place].iter().take(MAX_ARGUMENTS).cloned().collect()
    }
}

/// What a value is, in words.
pub(super) fn kind_of(value: &Value) -> String {
    match value {
        Value::None => "None",
        Value::Boolean(_) => "a truth value",
        Value::Whole(_) | Value::Large | Value::Real(_) => "a number",
        Value::Text(_) => "text",
        Value::Bytes(_) => "bytes",
        Value::Tuple(_) => "a tuple",
        Value::List(_) => "a list",
        Value::Dict(_) => "a dict",
        Value::Set(_) => "a set",
        Value::Tensor(_) => "a tensor",
        Value::Storage(_) => "a storage",
        Value::Namespace(_) | Value::Known(Known::Namespace) => "a namespace",
        Value::NumberType(_) | Value::Known(Known::NumberType) => "`numpy.dtype`",
        Value::Foreign(words) => return words.to_string(),
        Value::Known(Known::Scalar) => "`numpy.core.multiarray.scalar`",
        Value::Known(Known::Dict) => "`collections.OrderedDict`",
        Value::Known(Known::Set) => "`set`",
        Value::Known(Known::Size) => "`torch.Size`",
        Value::Known(Known::Encode) => "`_codecs.encode`",
        Value::Known(Known::Tensor) => "`torch._utils._rebuild_tensor_v2`",
        Value::Known(Known::TypedTensor) => "`torch._utils._rebuild_tensor_v3`",
        Value::Known(Known::Parameter) => "`torch._utils._rebuild_parameter`",
        Value::Known(Known::Storage(_)) => "a type of storages",
        Value::Dtype(name) => return format!("`torch.{name}`"),
        Value::Unknown(name) => return format!("`{name}`"),
    }
    .to_owned()
}
