//! Where generated code finds the engine: the path of the crate that the author depends on.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

/// Paths that generated code starts from.
pub(crate) struct Paths {
    /// `::acequia_sdk::__private` or the like: the traits that macros implement.
    pub(crate) private: TokenStream,
    /// The same followed by `::core`: the crate `acequia-core`.
    pub(crate) core: TokenStream,
}

/// Packages that re-export what the macros expand to, with their library names.
const ROOTS: [(&str, &str); 2] = [("acequia-sdk", "acequia_sdk"), ("acequia", "acequia")];

impl Paths {
    /// The paths for the crate being compiled.
    ///
    /// # Errors
    /// If it depends on none of the crates that re-export the macros.
    pub(crate) fn find() -> syn::Result<Self> {
        for (package, library) in ROOTS {
            let root = match crate_name(package) {
                Ok(FoundCrate::Itself) => library.to_owned(),
                Ok(FoundCrate::Name(name)) => name,
                Err(_) => continue,
            };
            let root = Ident::new(&root, Span::call_site());
            let private = quote!(::#root::__private);
            let core = quote!(#private::core);
            return Ok(Self { private, core });
        }
        Err(syn::Error::new(
            Span::call_site(),
            "neither `acequia-sdk` nor `acequia` is among this crate's dependencies; add one to Cargo.toml",
        ))
    }
}
