//! Calls into a back end whose panics stay there.

use super::{Row, Rows, StateError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// Call into a back end; a panic becomes an error. Nobody uses the back end after one.
pub(super) fn contained<T>(
    backend: &'static str,
    call: impl FnOnce() -> Result<T, StateError>,
) -> Result<T, StateError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result,
        Err(payload) => Err(StateError::Panicked { backend, reason: words(payload) }),
    }
}

/// What a panic said.
fn words(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    // Whatever else it is, dropping it might panic again.
    std::mem::forget(payload);
    text.unwrap_or_else(|| "it gave no words".to_owned())
}

/// Rows of a back end. After an error there are no more, and the store knows.
pub(super) struct ContainedRows<'a> {
    backend: &'static str,
    inner: Option<Rows<'a>>,
    failed: &'a OnceLock<String>,
}

impl<'a> ContainedRows<'a> {
    /// Begin to read.
    pub(super) fn begin(
        backend: &'static str,
        failed: &'a OnceLock<String>,
        rows: impl FnOnce() -> Rows<'a>,
    ) -> Rows<'a> {
        if let Some(reason) = failed.get() {
            return Box::new(std::iter::once(Err(StateError::Failed { reason: reason.clone() })));
        }
        match contained(backend, || Ok(rows())) {
            Ok(inner) => Box::new(Self { backend, inner: Some(inner), failed }),
            Err(error) => {
                let _ = failed.set(error.to_string());
                Box::new(std::iter::once(Err(error)))
            }
        }
    }
}

impl Iterator for ContainedRows<'_> {
    type Item = Result<Row, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut inner = self.inner.take()?;
        match contained(self.backend, || inner.next().transpose()) {
            Ok(row) => {
                self.inner = Some(inner);
                row.map(Ok)
            }
            Err(error) => {
                let _ = self.failed.set(error.to_string());
                // It may be in any condition; even dropping it may panic.
                let _ = contained(self.backend, || Ok(drop(inner)));
                Some(Err(error))
            }
        }
    }
}
