//! Accumulators: a function becomes a declaration under the same name.
//!
//! The function stays as it is, in the value namespace; a braced struct of its name joins it in the type
//! namespace and carries the declaration.

mod function;
mod kinds;
mod options;

use crate::args::{at, dictated};
use crate::krate::Paths;
use function::Function;
use options::Options;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, ItemFn, Type};

/// The kinds of accumulators, one per attribute.
#[derive(Clone, Copy)]
pub(crate) enum KindOf {
    /// One in, at most one out.
    Passthrough,
    /// The same, fed by a source, with state.
    Stream,
    /// Asked each interval.
    Polling,
    /// Collected until a flush.
    Batch,
    /// A window of the newest values.
    State,
    /// Panes by event time.
    Window,
}

/// What a kind makes of its function.
struct Made {
    event: Type,
    boundary: Type,
    /// An `AccumulatorDecl` that has neither limits nor a source of the options yet.
    decl: TokenStream,
}

/// Expand one accumulator attribute.
pub(crate) fn expand(kind: KindOf, args: TokenStream, item: TokenStream) -> TokenStream {
    let parsed = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(parsed) => parsed,
        Err(_) => {
            let error = syn::Error::new(item.span(), "an accumulator attribute belongs on a free function");
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    match declare(kind, args, parsed) {
        Ok(declared) => {
            let dictated = dictated();
            quote!(#dictated #item #declared)
        }
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#item #error)
        }
    }
}

fn declare(kind: KindOf, args: TokenStream, item: ItemFn) -> syn::Result<TokenStream> {
    let Paths { private, core } = Paths::find()?;
    let options = Options::parse(kind, args)?;
    let function = Function::new(item)?;
    let made = kinds::make(kind, &core, &options, &function)?;
    let Made { event, boundary, decl } = made;
    let calls = options.calls(&core);
    let name = function.name();
    let text = options.name.as_ref().map_or_else(|| name.to_string(), syn::LitStr::value);
    let visibility = &function.item.vis;
    let docs = docs(&function.item.attrs, &text);
    // Errors about what a payload must be able to do belong on the types that the author wrote.
    let event_ty = quote_spanned!(at(event.span())=> type Event = #event;);
    let boundary_ty = quote_spanned!(at(boundary.span())=> type Boundary = #boundary;);
    Ok(quote! {
        #docs
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations, clippy::all, clippy::pedantic)]
        #visibility struct #name {}

        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, unused_qualifications, unused_results)]
        impl #private::AccumulatorDef for #name {
            #event_ty
            #boundary_ty
            const NAME: &'static str = #text;

            fn decl() -> #core::accumulator::AccumulatorDecl {
                // A function that is never called, being an identity, is used all the same.
                let _ = #name;
                let __name = <Self as #private::AccumulatorDef>::NAME;
                #decl #calls
            }
        }
    })
}

/// The function's own documentation, or a sentence.
fn docs(attributes: &[Attribute], name: &str) -> TokenStream {
    let docs: Vec<&Attribute> =
        attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).collect();
    if docs.is_empty() {
        let sentence = format!("The accumulator `{name}`.");
        quote!(#[doc = #sentence])
    } else {
        quote!(#(#docs)*)
    }
}
