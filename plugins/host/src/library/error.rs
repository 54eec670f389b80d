//! Why a library cannot be used.

use acequia_abi::TableError;
use acequia_core::fault::Failure;
use std::path::PathBuf;

/// A library that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The file cannot be read.
    #[error("E0710: {} cannot be read; give the path of a package's library", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Signatures are required, and it is not part of a package that could have one.
    #[error(
        "E0721: {} is a bare library, which nobody can have signed, and packages must be signed here; open the signed package that it belongs to", path.display()
    )]
    Unsigned {
        /// The file.
        path: PathBuf,
    },
    /// The system's loader refuses it.
    #[error("E0711: {} is no library that this system loads; build it for this platform", path.display())]
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        source: libloading::Error,
    },
    /// Parts that the file says it has are not in it.
    #[error("E0719: {} is cut short; copy it anew", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// It does not export the symbol.
    #[error("E0712: {} does not export {symbol}; use `package!` and keep the feature `library` on", path.display())]
    NoSymbol {
        /// The file.
        path: PathBuf,
        /// The symbol.
        symbol: &'static str,
    },
    /// Its table is not for this engine.
    #[error("E0713: {} is refused", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TableError,
    },
    /// The file was replaced after it was mapped.
    #[error("E0714: {} was mapped with other contents; give each version a path of its own", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// It cannot say what it declares.
    #[error("E0715: {} cannot declare its package: {reason}", path.display())]
    Declare {
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// What it declares is not understood.
    #[error("E0716: {}, built with {built_with}, declares what this engine does not know; use a matching sdk", path.display())]
    Declaration {
        /// The file.
        path: PathBuf,
        /// What built it.
        built_with: String,
        /// Where.
        source: serde_json::Error,
    },
    /// What it declares contradicts itself.
    #[error("E0717: package {package} declares {reason}; rebuild it with this engine's sdk")]
    Inconsistent {
        /// The package.
        package: String,
        /// What.
        reason: String,
    },
    /// It has no runtime of its own.
    #[error(
        "E0720: package.toml of {package} says `runtime = \"own\"`, and its library, built with {built_with}, has none; build it with the sdk's feature `own-runtime`, or leave the key out"
    )]
    NoRuntime {
        /// The package.
        package: String,
        /// What built it.
        built_with: String,
    },
    /// The author's hook refused to begin.
    #[error("E0718: package {package} does not start; see what its init hook says")]
    Init {
        /// The package.
        package: String,
        /// What the hook said.
        #[source]
        failure: Failure,
    },
}
