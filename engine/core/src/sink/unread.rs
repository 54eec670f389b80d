//! Outputs that a sink could not read in its own form: they wait to become dead letters.

use super::SinkContext;
use crate::column::{AnyColumn, Column};
use crate::fault::{Failure, guarded};
use crate::graph::{AnyOutput, EncodedOutput};
use crate::id::ItemId;
use crate::ledger::{Dropped, Entry};
use crate::letter::{DeadLetter, Letter};
use crate::payload::{Payload, PayloadType};
use std::collections::VecDeque;

/// Values that are none of the sink's type, until the sink's next flush.
#[derive(Default)]
pub struct Unread {
    items: Vec<(Box<dyn AnyColumn>, Failure)>,
}

impl Unread {
    /// How many there are; they are accepted and unsettled.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Keep the value at `index` of `output`, which could not be read.
    pub fn keep(&mut self, output: &dyn AnyOutput, index: usize, failure: Failure) {
        self.items.extend(output.column_of(index).map(|column| (column, failure)));
    }

    /// Make dead letters of all.
    pub fn bury(&mut self, entry: &mut Entry, cx: &mut SinkContext<'_>) {
        for (column, failure) in self.items.drain(..) {
            let item = ItemId(entry.settled() + entry.dropped());
            entry.drop(Dropped::Undecodable, 1);
            cx.failures.push(failure.clone());
            cx.letters.push(DeadLetter {
                place: cx.place.clone(),
                item,
                why: Dropped::Undecodable,
                failure: Some(failure),
                attempts: 1,
                at: cx.now,
                letter: Letter::Output(column),
            });
        }
    }

    /// Put the values of `output` behind those in `queue`, through their encoded form; what is none of
    /// `ty` is kept here. Returns where those stood.
    pub(super) fn convert<T: Payload>(
        &mut self,
        queue: &mut VecDeque<T>,
        ty: PayloadType,
        output: &mut dyn AnyOutput,
    ) -> Vec<usize> {
        let mut lost = Vec::new();
        queue.reserve(output.len());
        let (mut scratch, mut from) = (Vec::new(), 0);
        while from < output.len() {
            // The type's own `Deserialize` may panic: that costs the value in hand, and no other.
            let mut at = from;
            let read = guarded(|| {
                converted(&mut *output, &mut at, ty, &mut scratch, |value| queue.push_back(value))
            });
            if let Err(failure) = read {
                self.keep(output, at, Failure::undecodable(failure));
                lost.push(at);
            }
            from = at + 1;
        }
        lost
    }

    /// Read the values of `output` as JSON, and hand each to `take`; what has no JSON is kept here.
    pub fn read_json(&mut self, output: &dyn AnyOutput, mut take: impl FnMut(serde_json::Value)) {
        for index in 0..output.len() {
            match output.json(index) {
                Some(Ok(value)) => take(value),
                Some(Err(error)) => self.keep(output, index, Failure::undecodable(Failure::chain(error))),
                None => {}
            }
        }
    }
}

/// Hand the values from `at` on to `take`, as `ty`; `at` is the one in hand, or the last.
fn converted<T: Payload>(
    output: &mut dyn AnyOutput,
    at: &mut usize,
    ty: PayloadType,
    scratch: &mut Vec<u8>,
    mut take: impl FnMut(T),
) -> Result<(), Failure> {
    let form = T::form();
    if let Some(encoded) = output.as_any_mut().downcast_mut::<EncodedOutput>() {
        for (index, value) in encoded.values().enumerate().skip(*at) {
            *at = index;
            take(T::decode_in(form, value, ty).map_err(Failure::error)?);
        }
        return Ok(());
    }
    for index in *at..output.len() {
        *at = index;
        scratch.clear();
        output.encode(index, scratch).map_err(Failure::error)?;
        take(T::decode_in(form, scratch, ty).map_err(Failure::error)?);
    }
    Ok(())
}

/// Put the first value of `column` behind those in `queue`, in their form; false if it is none of `ty`.
pub(super) fn copy<T: Payload>(queue: &mut VecDeque<T>, ty: PayloadType, column: &dyn AnyColumn) -> bool {
    let typed = column.as_any().downcast_ref::<Column<T>>();
    let value = match typed {
        Some(column) => column.as_slice().first().cloned(),
        None if ty.fits(column.payload_type()) => {
            let mut own: Box<dyn AnyColumn> = Box::new(Column::<T>::of_type(ty));
            let read = guarded(|| own.push_converted(column, 0).map_err(Failure::error));
            let own = own.as_any().downcast_ref::<Column<T>>().filter(|_| read.is_ok());
            own.and_then(|own| own.as_slice().first().cloned())
        }
        None => None,
    };
    let copied = value.is_some();
    queue.extend(value);
    copied
}
