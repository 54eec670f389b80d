//! What takes packages in.
//!
//! [`library`] maps a package's native library and makes core declarations of it, whose parts call into it.

pub mod library;

pub use acequia_abi::HostServices;
pub use library::{Instance, Library, LibraryError, Mapped, mapped};
