//! What a graph's turn yields: terminal outputs, and how far it came.

use super::origins::Origins;
use crate::codec::CodecError;
use crate::column::{AnyColumn, Column};
use crate::fault::Failure;
use crate::payload::{Payload, PayloadError, PayloadType};
use crate::wire::Values;
use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

/// How a turn of a graph ended.
pub enum TurnEnd {
    /// Every firing completed.
    Done,
    /// The firing in hand failed; those before it completed.
    Failed {
        /// How.
        failure: Failure,
        /// Outputs of the branches that completed, delivered if the firing is not tried again.
        rest: Option<Commit>,
    },
    /// The firing in hand awaits something; those before it completed.
    Pending(PendingFiring),
}

/// Puts the outputs of one firing where they belong.
pub type Commit = Box<dyn FnOnce(&mut Outcomes) + Send>;

/// The rest of a firing whose nodes did not end at their first poll.
pub type PendingFiring = Pin<Box<dyn Future<Output = (Commit, Option<Failure>)> + Send>>;

/// Terminal outputs of one turn, and the cursor that names the firing in hand if a node panics.
pub struct Outcomes {
    outputs: Vec<Box<dyn AnyOutput>>,
    cursor: Cursor,
    /// Whether anybody takes from any of them.
    wanted: bool,
    /// Which firings the turn's outputs come from, where somebody asks.
    origins: Option<Box<Origins>>,
}

/// Which firing is in hand.
#[derive(Debug, Default)]
pub struct Cursor {
    at: usize,
}

impl Cursor {
    /// `firing` is now in hand.
    #[inline]
    pub fn begin(&mut self, firing: usize) {
        self.at = firing;
    }
}

impl Outcomes {
    /// Empty outcomes, one output per terminal in declared order.
    pub fn new(outputs: Vec<Box<dyn AnyOutput>>) -> Self {
        Self { outputs, cursor: Cursor::default(), wanted: true, origins: None }
    }

    /// Put the cursor on `firing`, before a part runs.
    pub fn begin(&mut self, firing: usize) {
        self.cursor.begin(firing);
    }

    /// The firing in hand.
    pub fn at(&self) -> usize {
        self.cursor.at
    }

    /// Say whether anybody takes the outputs of `terminal`.
    pub(crate) fn want(&mut self, terminal: usize) {
        self.outputs[terminal].want(true);
        self.wanted = true;
    }

    /// Nobody takes any.
    pub(crate) fn want_none(&mut self) {
        for output in &mut self.outputs {
            output.want(false);
        }
        self.wanted = false;
    }

    /// Whether anybody takes from any of them. If not, a part need not put anything there.
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The outputs alone.
    pub fn into_outputs(self) -> Vec<Box<dyn AnyOutput>> {
        self.outputs
    }

    /// Cursor and outputs, to be held at the same time; no outputs where nobody takes from any.
    pub fn split(&mut self) -> (&mut Cursor, &mut [Box<dyn AnyOutput>]) {
        let outputs = if self.wanted { &mut self.outputs[..] } else { &mut [] };
        (&mut self.cursor, outputs)
    }

    /// All of it, to be held at the same time; no outputs where nobody takes from any.
    #[inline]
    pub(crate) fn open(&mut self) -> (&mut Cursor, &mut [Box<dyn AnyOutput>], Option<&mut Origins>) {
        let outputs = if self.wanted { &mut self.outputs[..] } else { &mut [] };
        (&mut self.cursor, outputs, self.origins.as_deref_mut())
    }

    /// Which firings the outputs of the turn come from; none where nobody asks.
    pub fn origins(&mut self) -> Option<&mut Origins> {
        self.origins.as_deref_mut()
    }

    /// Take the origins out; from here on nobody asks.
    pub(crate) fn take_origins(&mut self) -> Option<Box<Origins>> {
        self.origins.take()
    }

    /// Put origins in, and so ask for them.
    pub(crate) fn put_origins(&mut self, origins: Option<Box<Origins>>) {
        self.origins = origins;
    }

    /// The outputs, one per terminal.
    pub fn outputs(&mut self) -> &mut [Box<dyn AnyOutput>] {
        &mut self.outputs
    }
}

/// Values of one terminal, oldest first.
pub struct Output<T> {
    /// The values.
    pub values: VecDeque<T>,
    /// Whether anybody takes them; what nobody takes is dropped as it comes.
    wanted: bool,
    ty: PayloadType,
}

impl<T: Payload> Default for Output<T> {
    fn default() -> Self {
        Self::of_type(T::declared_type())
    }
}

impl<T> Output<T> {
    /// An empty output for values of `ty`, which says more than `T` where `T` is encoded bytes.
    pub fn of_type(ty: PayloadType) -> Self {
        Self { values: VecDeque::new(), wanted: true, ty }
    }
}

impl<T> Output<T> {
    /// One more value, if anybody takes it.
    pub fn put(&mut self, value: T) {
        if self.wanted {
            self.values.push_back(value);
        }
    }
}

/// An [`Output`] whose type is known to the reader only.
pub trait AnyOutput: Send + Any {
    /// The type of the values.
    fn payload_type(&self) -> PayloadType;
    /// How many values wait.
    fn len(&self) -> usize;
    /// Whether none waits.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Forget all values.
    fn clear(&mut self);
    /// Say whether anybody takes them.
    fn want(&mut self, wanted: bool);
    /// Whether anybody takes them.
    fn is_wanted(&self) -> bool;
    /// The value at `index` as JSON; `None` if there is none.
    fn json(&self, index: usize) -> Option<Result<serde_json::Value, PayloadError>>;
    /// A copy of the value at `index`, as a column of one.
    fn column_of(&self, index: usize) -> Option<Box<dyn AnyColumn>>;
    /// Append the encoded form of the value at `index` to `out`.
    ///
    /// # Errors
    /// If there is no such value, or its type's own serialisation refuses it; `out` is as it was.
    fn encode(&self, index: usize, out: &mut Vec<u8>) -> Result<(), CodecError>;
    /// Take the oldest value, appending its encoded form to `out`; `None` when there is none.
    fn pop_encoded(&mut self, out: &mut Vec<u8>) -> Option<Result<(), CodecError>>;
    /// Take all values, oldest first, and append their encoded forms to `out`.
    ///
    /// # Errors
    /// At the first that its type's own serialisation refuses: it is gone, and nothing of it is in `out`. After
    /// a panic of that code, too, it is gone; [`Values::push_void`] clears away what it wrote.
    fn drain_encoded(&mut self, out: &mut Values) -> Result<(), CodecError>;
    /// Put a value behind the others from its encoded form, if anybody takes it.
    ///
    /// # Errors
    /// If the bytes are no value of the output's type.
    fn push_encoded(&mut self, bytes: &[u8]) -> Result<(), CodecError>;
    /// Move all values of `from` behind those here, if they are of the same type.
    fn append(&mut self, from: &mut dyn AnyOutput);
    /// For a checked downcast.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Payload> AnyOutput for Output<T> {
    fn payload_type(&self) -> PayloadType {
        self.ty
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn clear(&mut self) {
        self.values.clear();
    }

    fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    fn is_wanted(&self) -> bool {
        self.wanted
    }

    fn json(&self, index: usize) -> Option<Result<serde_json::Value, PayloadError>> {
        self.values.get(index).map(Payload::to_json)
    }

    fn column_of(&self, index: usize) -> Option<Box<dyn AnyColumn>> {
        let value = self.values.get(index)?.clone();
        Some(Box::new(Column::of(value)))
    }

    fn encode(&self, index: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.values.get(index).ok_or(CodecError::Absent { index })?.encode(out)
    }

    fn pop_encoded(&mut self, out: &mut Vec<u8>) -> Option<Result<(), CodecError>> {
        self.values.pop_front().map(|value| value.encode(out))
    }

    fn drain_encoded(&mut self, out: &mut Values) -> Result<(), CodecError> {
        let form = T::form();
        while let Some(value) = self.values.pop_front() {
            out.push_with(|bytes| value.encode_in(form, bytes))?;
        }
        Ok(())
    }

    fn push_encoded(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        if self.wanted {
            self.values.push_back(T::decode_as(bytes, self.ty)?);
        }
        Ok(())
    }

    fn append(&mut self, from: &mut dyn AnyOutput) {
        if let Some(from) = from.as_any_mut().downcast_mut::<Self>() {
            if self.wanted {
                self.values.append(&mut from.values);
            } else {
                from.values.clear();
            }
        }
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// The outputs of one firing: a tuple with an `Option` per terminal, in declared order. `None` for a
/// terminal that was not reached.
pub trait TerminalSet: Send + Sized + 'static {
    /// The opened outputs, one mutable queue per terminal.
    type Open<'a>;

    /// Open the outputs once a turn.
    fn open(outputs: &mut [Box<dyn AnyOutput>]) -> Self::Open<'_>;

    /// Note that the outputs which somebody takes come from the firing at `firing`.
    fn note(&self, open: &Self::Open<'_>, firing: usize, origins: &mut Origins);

    /// Put one firing's outputs there.
    fn commit(self, open: &mut Self::Open<'_>);
}

/// The queue of one terminal, if anybody takes from it; a mismatch cannot happen, since declaration and set are made together.
fn queue<T: Payload>(output: Option<&mut Box<dyn AnyOutput>>) -> Option<&mut VecDeque<T>> {
    match (**output?).as_any_mut().downcast_mut::<Output<T>>() {
        Some(output) => output.wanted.then_some(&mut output.values),
        None => unreachable!("terminals are declared with the types that the graph commits"),
    }
}

macro_rules! terminal_set {
    ($($type:ident $index:tt),+) => {
        impl<$($type: Payload),+> TerminalSet for ($(Option<$type>,)+) {
            type Open<'a> = ($(Option<&'a mut VecDeque<$type>>,)+);

            fn open(outputs: &mut [Box<dyn AnyOutput>]) -> Self::Open<'_> {
                let mut outputs = outputs.iter_mut();
                ($(queue::<$type>(outputs.next()),)+)
            }

            fn note(&self, open: &Self::Open<'_>, firing: usize, origins: &mut Origins) {
                $(if open.$index.is_some() && self.$index.is_some() {
                    origins.note($index, firing);
                })+
            }

            #[inline]
            fn commit(self, open: &mut Self::Open<'_>) {
                $(if let (Some(queue), Some(value)) = (&mut open.$index, self.$index) {
                    queue.push_back(value);
                })+
            }
        }
    };
}

terminal_set!(A 0);
terminal_set!(A 0, B 1);
terminal_set!(A 0, B 1, C 2);
terminal_set!(A 0, B 1, C 2, D 3);
terminal_set!(A 0, B 1, C 2, D 3, E 4);
terminal_set!(A 0, B 1, C 2, D 3, E 4, F 5);
terminal_set!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
terminal_set!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
terminal_set!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
terminal_set!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
terminal_set!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
terminal_set!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
