//! The types of elements of tensors.

/// The type of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elements {
    /// NumPy's name for the type, without the byte order.
    Read(&'static str),
    /// In words, and bytes per element.
    Other(&'static str, usize),
}

impl Elements {
    /// Bytes per element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Other(_, size) => size,
            Self::Read("?") => 1,
            Self::Read("bfloat16") => 2,
            Self::Read(name) => name[1..].parse().unwrap_or(1),
        }
    }
}

/// The type of elements in a storage, from the name of its class: `FloatStorage`.
pub(crate) fn elements_of_storage(name: &str) -> Option<Elements> {
    Some(match name.strip_suffix("Storage")? {
        "Double" => Elements::Read("f8"),
        "Float" => Elements::Read("f4"),
        "Half" => Elements::Read("f2"),
        "BFloat16" => Elements::Read("bfloat16"),
        "Long" => Elements::Read("i8"),
        "Int" => Elements::Read("i4"),
        "Short" => Elements::Read("i2"),
        "Char" => Elements::Read("i1"),
        "Byte" => Elements::Read("u1"),
        "Bool" => Elements::Read("?"),
        "ComplexFloat" => Elements::Other("complex numbers", 8),
        "ComplexDouble" => Elements::Other("complex numbers", 16),
        "QInt8" | "QUInt8" | "QUInt4x2" | "QUInt2x4" => Elements::Other("quantised numbers", 1),
        "QInt32" => Elements::Other("quantised numbers", 4),
        "Untyped" => Elements::Other("bytes without a type", 1),
        _ => return None,
    })
}

/// The type of elements from PyTorch's name: `float32`.
pub(crate) fn elements_of_dtype(name: &str) -> Option<Elements> {
    Some(match name {
        "float64" | "double" => Elements::Read("f8"),
        "float32" | "float" => Elements::Read("f4"),
        "float16" | "half" => Elements::Read("f2"),
        "bfloat16" => Elements::Read("bfloat16"),
        "int64" | "long" => Elements::Read("i8"),
        "int32" | "int" => Elements::Read("i4"),
        "int16" | "short" => Elements::Read("i2"),
        "int8" => Elements::Read("i1"),
        "uint64" => Elements::Read("u8"),
        "uint32" => Elements::Read("u4"),
        "uint16" => Elements::Read("u2"),
        "uint8" => Elements::Read("u1"),
        "bool" => Elements::Read("?"),
        "complex32" | "chalf" => Elements::Other("complex numbers", 4),
        "complex64" | "cfloat" => Elements::Other("complex numbers", 8),
        "complex128" | "cdouble" => Elements::Other("complex numbers", 16),
        "float8_e4m3fn" | "float8_e5m2" | "float8_e4m3fnuz" | "float8_e5m2fnuz" | "float8_e8m0fnu" => {
            Elements::Other("numbers of 8 bits", 1)
        }
        "qint8" | "quint8" => Elements::Other("quantised numbers", 1),
        "qint32" => Elements::Other("quantised numbers", 4),
        _ => return None,
    })
}
