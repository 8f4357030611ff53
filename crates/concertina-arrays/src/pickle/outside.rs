//! Objects of other programs that are only numbers or containers: NumPy's scalars and namespaces.
//!
//! Checkpoints have them among their settings and histories. They become plain values, so that the tensors
//! beside them can be read.

use super::damaged;
use super::value::{Value, Values, kind_of};
use crate::Result;
use crate::encoding::{Integer, Number};

impl Values {
    /// `numpy.dtype("f8", ...)`. The order of bytes is set later, as its attributes.
    pub(super) fn number_type(&mut self, arguments: &[Value]) -> Option<Value> {
        match arguments {
            [code @ Value::Text(_), ..] => {
                Some(Value::NumberType(self.add_row(vec![code.clone(), Value::None])))
            }
            _ => None,
        }
    }

    /// `numpy.core.multiarray.scalar(dtype, bytes)`: the number. What is neither a number nor a truth value,
    /// such as text or a date, is only named.
    pub(super) fn scalar(&self, arguments: &[Value]) -> Option<Value> {
        let [Value::NumberType(place), Value::Bytes(bytes)] = arguments else { return None };
        let [Value::Text(code), order] = self.row(*place) else { return None };
        let order = if let Value::Text(order) = order { order } else { "<" };
        let kind = format!("{order}{code}");
        if let Some(number) = Number::of(&kind) {
            return (bytes.len() == number.size).then(|| Value::Real(number.decode(bytes)));
        }
        if let Some(integer) = Integer::of(&kind) {
            let whole = |integer: Integer| integer.decode(bytes).map_or(Value::Large, Value::Whole);
            return (bytes.len() == integer.size).then(|| whole(integer));
        }
        match (&**code, bytes.as_ref()) {
            ("b1", [truth]) => Some(Value::Boolean(*truth != 0)),
            _ => Some(Value::Foreign("a scalar of NumPy that is not a number".into())),
        }
    }

    /// Sets the attributes of an object. Those of dicts say which version of a module wrote them.
    ///
    /// Returns the number of values that were copied; `None` for objects that have no such attributes.
    pub(super) fn set_attributes(&mut self, object: &Value, state: &Value) -> Result<Option<usize>> {
        match (object, state) {
            (Value::Dict(_), Value::Dict(_) | Value::None) => Ok(Some(0)),
            (Value::Namespace(place), Value::Dict(entries)) => {
                let entries = self.dict(*entries).to_vec();
                let count = entries.len();
                self.dicts[*place].extend(entries);
                Ok(Some(count))
            }
            // (version, order of bytes, ...)
            (Value::NumberType(place), Value::Tuple(state)) => match self.row(*state) {
                [_, order @ Value::Text(_), ..] => {
                    let order = order.clone();
                    self.rows[*place][1] = order;
                    Ok(Some(0))
                }
                _ => Err(damaged("its pickle describes a type of NumPy in an unknown way")),
            },
            (Value::Namespace(_) | Value::NumberType(_), state) => {
                Err(damaged(format!("its pickle sets attributes to {}", kind_of(state))))
            }
            _ => Ok(None),
        }
    }
}
