//! The stack machine: what each instruction of a pickle does to the stack.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::value::{Known, Storage, Tensor, Value, Values, kind_of};
use super::{damaged, refused};
use crate::Result;
use crate::error::Program;
use crate::torch::{Elements, elements_of_dtype};

/// Maximum number of instructions, which limits the values and the stack. Arbitrary: a state dict of ten
/// thousand tensors takes 4 · 10^5.
const MAX_STEPS: usize = 1 << 21;
/// Maximum length of a name of a function with its module. Arbitrary.
const MAX_NAME: usize = 1000;

/// Names of instructions that are refused.
fn name_of(code: u8) -> Option<&'static str> {
    Some(match code {
        b'F' => "FLOAT",
        b'I' => "INT",
        b'L' => "LONG",
        b'P' => "PERSID",
        b'S' => "STRING",
        b'V' => "UNICODE",
        b'd' => "DICT",
        b'g' => "GET",
        b'i' => "INST",
        b'l' => "LIST",
        b'o' => "OBJ",
        b'p' => "PUT",
        0x82 => "EXT1",
        0x83 => "EXT2",
        0x84 => "EXT4",
        0x97 => "NEXT_BUFFER",
        0x98 => "READONLY_BUFFER",
        _ => return None,
    })
}

#[derive(Default)]
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    /// How many bytes were read.
    pub(super) at: usize,
    stack: Vec<Value>,
    /// Where the marks are in the stack.
    marks: Vec<usize>,
    memo: BTreeMap<u64, Value>,
    pub(super) values: Values,
    /// The first name that is not known, whatever became of it.
    unknown: Option<Rc<str>>,
    steps: usize,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..count).ok_or_else(|| damaged("its pickle is cut off"))?;
        self.at += count;
        Ok(taken)
    }

    /// A little-endian number of at most eight bytes.
    fn number(&mut self, size: usize) -> Result<u64> {
        let mut eight = [0; 8];
        eight[..size].copy_from_slice(self.take(size)?);
        Ok(u64::from_le_bytes(eight))
    }

    /// As many bytes as a number of this size says.
    fn counted(&mut self, size: usize) -> Result<&'a [u8]> {
        let count = self.number(size)?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn text(&mut self, size: usize) -> Result<Value> {
        let bytes = self.counted(size)?;
        Ok(Value::Text(String::from_utf8_lossy(bytes).into()))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end =
            rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("its pickle is cut off"))?;
        let line = self.take(end + 1)?;
        std::str::from_utf8(&line[..end]).map_err(|_| damaged("a name in its pickle is not text"))
    }

    fn pop(&mut self) -> Result<Value> {
        // Values below a mark belong to what is still being built.
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err(damaged("its pickle takes a value that is not there"));
        }
        self.stack.pop().ok_or_else(|| damaged("its pickle takes a value that is not there"))
    }

    /// The last `count` values.
    fn pop_some(&mut self, count: usize) -> Result<Vec<Value>> {
        let mut row = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        row.reverse();
        Ok(row)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>> {
        let mark = self.marks.pop().ok_or_else(|| damaged("its pickle takes a mark that is not there"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn top(&self) -> Result<&Value> {
        self.stack.last().ok_or_else(|| damaged("its pickle takes a value that is not there"))
    }

    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// The value that is left at the end.
    pub(super) fn run(&mut self) -> Result<Value> {
        loop {
            self.spend(1)?;
            let code = self.number(1)? as u8;
            if code == b'.' {
                let value = self.pop()?;
                if !self.marks.is_empty() {
                    return Err(damaged("its pickle stops within a container"));
                }
                return match &self.unknown {
                    Some(name) => Err(refused(Program::Call, format!("`{name}`"))),
                    None => Ok(value),
                };
            }
            self.step(code)?;
        }
    }

    /// Counts instructions, and what they copy.
    fn spend(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.saturating_add(steps);
        match self.steps > MAX_STEPS {
            true => Err(damaged(format!("a pickle of more than {MAX_STEPS} instructions"))),
            false => Ok(()),
        }
    }

    fn step(&mut self, code: u8) -> Result<()> {
        let value = match code {
            // PROTO, and FRAME, which says how many bytes belong together.
            0x80 => return self.protocol(),
            0x95 => return self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            b'0' => return self.pop().map(drop),
            b'1' => return self.pop_to_mark().map(drop),
            b'2' => self.top()?.clone(),
            b'N' => Value::None,
            0x88 => Value::Boolean(true),
            0x89 => Value::Boolean(false),
            b'J' => Value::Whole(i64::from(self.number(4)? as u32 as i32)),
            b'K' => Value::Whole(self.number(1)? as i64),
            b'M' => Value::Whole(self.number(2)? as i64),
            b'G' => {
                let bytes = self.take(8)?;
                Value::Real(f64::from_be_bytes(bytes.try_into().expect("eight bytes")))
            }
            0x8a => whole(self.counted(1)?),
            0x8b => whole(self.counted(4)?),
            b'U' | 0x8c => self.text(1)?,
            b'T' | b'X' => self.text(4)?,
            0x8d => self.text(8)?,
            b'C' => self.counted(1).map(|bytes| Value::Bytes(bytes.into()))?,
            b'B' => self.counted(4).map(|bytes| Value::Bytes(bytes.into()))?,
            0x8e | 0x96 => self.counted(8).map(|bytes| Value::Bytes(bytes.into()))?,
            b')' => return self.of_row(Vec::new(), Value::Tuple),
            0x85..=0x87 => {
                let row = self.pop_some(usize::from(code - 0x84))?;
                return self.of_row(row, Value::Tuple);
            }
            b't' => {
                let row = self.pop_to_mark()?;
                return self.of_row(row, Value::Tuple);
            }
            b']' => return self.of_row(Vec::new(), Value::List),
            0x8f => return self.of_row(Vec::new(), Value::Set),
            0x91 => {
                let row = self.pop_to_mark()?;
                return self.of_row(row, Value::Set);
            }
            b'}' => self.values.add_dict(Vec::new()),
            b'a' => {
                let row = self.pop_some(1)?;
                return self.add_items(row);
            }
            b'e' | 0x90 => {
                let row = self.pop_to_mark()?;
                return self.add_items(row);
            }
            b's' => {
                let row = self.pop_some(2)?;
                return self.add_entries(row);
            }
            b'u' => {
                let row = self.pop_to_mark()?;
                return self.add_entries(row);
            }
            b'q' | b'r' => {
                let name = self.number(if code == b'q' { 1 } else { 4 })?;
                let value = self.top()?.clone();
                self.memo.insert(name, value);
                return Ok(());
            }
            0x94 => {
                let (name, value) = (self.memo.len() as u64, self.top()?.clone());
                self.memo.insert(name, value);
                return Ok(());
            }
            b'h' | b'j' => {
                let name = self.number(if code == b'h' { 1 } else { 4 })?;
                let known = self.memo.get(&name).cloned();
                known
                    .ok_or_else(|| damaged(format!("its pickle takes value {name}, which it did not keep")))?
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name)?
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => self.global(&module, &name)?,
                _ => return Err(damaged("a name in its pickle is not text")),
            },
            b'Q' => self.persistent()?,
            b'R' => self.reduce()?,
            b'b' => return self.build(),
            0x81 | 0x92 => self.object(code)?,
            other => {
                return Err(match name_of(other) {
                    Some(name) => refused(Program::Instruction, format!("the instruction {name}")),
                    None => damaged(format!("its pickle has an unknown instruction {other:#04x}")),
                });
            }
        };
        self.stack.push(value);
        Ok(())
    }

    fn protocol(&mut self) -> Result<()> {
        match self.number(1)? {
            0..=5 => Ok(()),
            other => Err(damaged(format!("a pickle of protocol {other}, only 0 to 5 are known"))),
        }
    }

    fn of_row(&mut self, row: Vec<Value>, kind: fn(usize) -> Value) -> Result<()> {
        let place = self.values.add_row(row);
        self.stack.push(kind(place));
        Ok(())
    }

    fn add_items(&mut self, mut row: Vec<Value>) -> Result<()> {
        match *self.top()? {
            Value::List(place) | Value::Set(place) => self.values.rows[place].append(&mut row),
            ref other => return Err(damaged(format!("its pickle appends to {}", kind_of(other)))),
        }
        Ok(())
    }

    fn add_entries(&mut self, row: Vec<Value>) -> Result<()> {
        let Value::Dict(place) = *self.top()? else {
            let found = kind_of(self.top()?);
            return Err(damaged(format!("its pickle sets entries of {found}")));
        };
        let mut row = row.into_iter();
        while let Some(key) = row.next() {
            let value = row.next().ok_or_else(|| damaged("its pickle has a key without a value"))?;
            self.values.dicts[place].push((key, value));
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<Value> {
        if module.len().saturating_add(name.len()) > MAX_NAME {
            return Err(damaged(format!("a name in its pickle has more than {MAX_NAME} bytes")));
        }
        if let Some(known) = Known::of(module, name) {
            return Ok(Value::Known(known));
        }
        if module == "torch" && elements_of_dtype(name).is_some() {
            return Ok(Value::Dtype(name.into()));
        }
        let name: Rc<str> = format!("{module}.{name}").into();
        self.unknown.get_or_insert_with(|| name.clone());
        Ok(Value::Unknown(name))
    }

    /// An object of a class, which is an error unless it is a namespace.
    fn object(&mut self, code: u8) -> Result<Value> {
        for _ in 0..if code == 0x92 { 2 } else { 1 } {
            self.pop()?;
        }
        Err(match self.pop()? {
            Value::Known(Known::Namespace) => return Ok(self.values.namespace()),
            Value::Unknown(name) => {
                let kind = if name.starts_with("__torch__.") { Program::Script } else { Program::Object };
                refused(kind, format!("an object of the class `{name}`"))
            }
            other => damaged(format!("its pickle makes an object of {}", kind_of(&other))),
        })
    }

    /// A storage, whose bytes are elsewhere in the file: ('storage', its type, its key, where it was, how
    /// many elements it has), and in old files the part of another storage.
    fn persistent(&mut self) -> Result<Value> {
        let wrong = || damaged("its pickle refers to something that is not a storage");
        let Value::Tuple(place) = self.pop()? else { return Err(wrong()) };
        let row = self.values.arguments(place);
        match row.as_slice() {
            [
                Value::Text(kind),
                Value::Known(Known::Storage(elements)),
                Value::Text(key),
                _,
                Value::Whole(count),
                rest @ ..,
            ] if &**kind == "storage" && key.len() <= MAX_NAME => {
                let part = match rest {
                    [Value::Tuple(view), ..] => match self.values.rows[*view].as_slice() {
                        [_, Value::Whole(start), Value::Whole(count)] => Some((*start, *count)),
                        _ => return Err(wrong()),
                    },
                    _ => None,
                };
                let storage = Storage { key: key.clone(), elements: *elements, count: *count, part };
                self.values.storages.push(storage);
                Ok(Value::Storage(self.values.storages.len() - 1))
            }
            [Value::Text(kind), Value::Unknown(name), ..] if &**kind == "module" => {
                Err(refused(Program::Object, format!("an object of the class `{name}`")))
            }
            [_, Value::Unknown(name), ..] => Err(refused(Program::Call, format!("`{name}`"))),
            _ => Err(wrong()),
        }
    }

    /// What a function makes of its arguments. No function is called: each known one is written here.
    fn reduce(&mut self) -> Result<Value> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let known = match function {
            Value::Known(known) => known,
            Value::Unknown(name) => return Err(refused(Program::Call, format!("a call of `{name}`"))),
            other => return Err(damaged(format!("its pickle calls {}", kind_of(&other)))),
        };
        let Value::Tuple(place) = arguments else {
            return Err(damaged("its pickle calls without arguments"));
        };
        let row = self.values.arguments(place);
        let made = match (known, row.as_slice()) {
            (Known::Dict, []) => Some(self.values.add_dict(Vec::new())),
            (Known::Dict, [Value::List(place)]) => {
                self.spend(self.values.rows[*place].len())?;
                self.pairs(*place)
            }
            (Known::Set, []) => Some(Value::Set(self.values.add_row(Vec::new()))),
            (Known::Set, [Value::List(place) | Value::Tuple(place) | Value::Set(place)]) => {
                Some(Value::Set(*place))
            }
            (Known::Size, [Value::Tuple(place) | Value::List(place)]) => Some(Value::Tuple(*place)),
            (Known::Encode, [Value::Text(text), Value::Text(_)]) => {
                self.spend(text.len())?;
                // Protocol 2 writes bytes as text in Latin-1, in which characters have the numbers of bytes.
                let bytes: Option<Vec<u8>> = text.chars().map(|one| u8::try_from(one).ok()).collect();
                bytes.map(|bytes| Value::Bytes(bytes.into()))
            }
            (Known::NumberType, arguments) => self.values.number_type(arguments),
            (Known::Scalar, arguments) => self.values.scalar(arguments),
            (Known::Namespace, []) => Some(self.values.namespace()),
            (Known::Tensor, [Value::Storage(storage), Value::Whole(offset), shape, strides, ..]) => {
                self.tensor(*storage, *offset, shape, strides, None)
            }
            (
                Known::TypedTensor,
                [
                    Value::Storage(storage),
                    Value::Whole(offset),
                    shape,
                    strides,
                    _,
                    _,
                    Value::Dtype(dtype),
                    ..,
                ],
            ) => self.tensor(*storage, *offset, shape, strides, elements_of_dtype(dtype)),
            (Known::Parameter, [tensor @ Value::Tensor(_), ..]) => Some(tensor.clone()),
            _ => None,
        };
        made.ok_or_else(|| {
            damaged(format!("its pickle has wrong arguments for {}", kind_of(&Value::Known(known))))
        })
    }

    /// A dict of a list of pairs.
    fn pairs(&mut self, place: usize) -> Option<Value> {
        let pair = |value: &Value| match value {
            Value::Tuple(place) | Value::List(place) => match self.values.rows[*place].as_slice() {
                [key, value] => Some((key.clone(), value.clone())),
                _ => None,
            },
            _ => None,
        };
        let entries = self.values.rows[place].iter().map(pair).collect::<Option<Vec<_>>>()?;
        Some(self.values.add_dict(entries))
    }

    fn tensor(
        &mut self,
        storage: usize,
        offset: i64,
        shape: &Value,
        strides: &Value,
        elements: Option<Elements>,
    ) -> Option<Value> {
        let mut storage = self.values.storages[storage].clone();
        if let Some(elements) = elements {
            // Its count is that of its bytes, or of elements of another type of the same bytes.
            let bytes = storage.count.checked_mul(i64::try_from(storage.elements.size()).ok()?)?;
            (storage.count, storage.elements) = (bytes / i64::try_from(elements.size()).ok()?, elements);
        }
        self.values.tensors.push(Tensor { storage, offset, shape: shape.clone(), strides: strides.clone() });
        Some(Value::Tensor(self.values.tensors.len() - 1))
    }

    /// Sets the attributes of an object.
    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let object = self.top()?.clone();
        if let Some(copied) = self.values.set_attributes(&object, &state)? {
            return self.spend(copied);
        }
        match &object {
            Value::Unknown(name) => Err(refused(Program::Object, format!("an object of the class `{name}`"))),
            other => Err(refused(Program::Instruction, format!("attributes of {}", kind_of(other)))),
        }
    }
}

/// A whole number in two's complement, little-endian.
fn whole(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Large;
    }
    let fill = if bytes.last().is_some_and(|byte| byte >> 7 == 1) { 0xff } else { 0 };
    let mut eight = [fill; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    Value::Whole(i64::from_le_bytes(eight))
}
