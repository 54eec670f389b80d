//! Failures as text: what a panic or an error was stays on its side.

use crate::frames::{FrameError, Reader, Writer};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How the code on the other side failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It returned an error.
    Error,
    /// It panicked.
    Panic,
    /// It did not end before its deadline.
    TimedOut,
    /// It was not called: its input is no value of the type that it takes.
    Undecodable,
}

/// A failure that crosses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if *kind == FaultKind::Panic { "panicked: " } else { "" })]
pub struct Fault {
    /// How.
    pub kind: FaultKind,
    /// The node it happened in, where known.
    pub node: Option<String>,
    /// What it said.
    pub message: String,
}

impl Fault {
    /// An error.
    pub fn error(message: impl std::fmt::Display) -> Self {
        Self { kind: FaultKind::Error, node: None, message: message.to_string() }
    }

    /// A caught panic, as text. The payload is dropped with care: its own `Drop` may panic.
    pub fn panic(payload: Box<dyn std::any::Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "a panic without text".to_owned()
        };
        drop_with_care(payload);
        Self { kind: FaultKind::Panic, node: None, message }
    }

    /// Append it to a reply.
    pub fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(match self.kind {
            FaultKind::Error => 0,
            FaultKind::Panic => 1,
            FaultKind::TimedOut => 2,
            FaultKind::Undecodable => 3,
        });
        writer.u8(u8::from(self.node.is_some()));
        writer.bytes(self.node.as_deref().unwrap_or_default().as_bytes());
        writer.bytes(self.message.as_bytes());
    }

    /// Read it from a reply.
    ///
    /// # Errors
    /// If the reply is malformed.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, FrameError> {
        let kind = match reader.u8()? {
            0 => FaultKind::Error,
            1 => FaultKind::Panic,
            2 => FaultKind::TimedOut,
            3 => FaultKind::Undecodable,
            _ => return Err(reader.error()),
        };
        let has_node = reader.u8()? != 0;
        let node = reader.text()?;
        Ok(Self { kind, node: has_node.then_some(node), message: reader.text()? })
    }
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Self::error(error)
    }
}

/// Run `code`; a panic becomes a [`Fault`].
///
/// # Errors
/// What `code` returned, or the caught panic.
pub fn contained<R>(code: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    // Whoever is called through here is dropped or told to recover after a panic.
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(result) => result,
        Err(payload) => Err(Fault::panic(payload)),
    }
}

/// Drop user code's value; a panic of its `Drop` ends here.
pub(crate) fn drop_with_care<T>(value: T) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Dropping this one could panic again.
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind, contained};
    use crate::frames::{Reader, Writer};

    struct PanicsAsItGoes;

    impl Drop for PanicsAsItGoes {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }

    #[test]
    fn panic_becomes_text_even_if_its_payload_panics_as_it_is_dropped() {
        let fault = contained::<()>(|| panic!("with {}", 7)).unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Panic, "with 7"));
        let fault = contained::<()>(|| std::panic::panic_any(PanicsAsItGoes)).unwrap_err();
        assert_eq!(fault.message, "a panic without text");
    }

    #[test]
    fn faults_cross_unchanged() {
        for kind in [FaultKind::Error, FaultKind::Panic, FaultKind::TimedOut, FaultKind::Undecodable] {
            for node in [None, Some("score".to_owned())] {
                let fault = Fault { kind, node, message: "no\nprice ☂".to_owned() };
                let mut bytes = Vec::new();
                fault.write(&mut Writer::new(&mut bytes));
                assert_eq!(Fault::read(&mut Reader::new(&bytes)).unwrap(), fault);
            }
        }
    }
}
