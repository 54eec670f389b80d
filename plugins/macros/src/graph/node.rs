//! What the module says about nodes: their functions, and the enums that route.

use crate::args::dictated;
use crate::types::{Returned, error_type, inside_option, strip, type_span};
use proc_macro2::Span;
use syn::parse::Parser as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Fields, FnArg, Ident, Item, ItemFn, ItemMod, Meta, Pat, Path, ReturnType, Type};

/// One parameter of a node's function.
pub(crate) struct Param {
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    /// `T` of `&T` or `Option<&T>`.
    pub(crate) ty: Type,
    /// Whether it is `Option<&T>`.
    pub(crate) optional: bool,
    /// Where its type stands.
    pub(crate) span: Span,
}

/// A node's function.
pub(crate) struct NodeFn {
    /// Its name.
    pub(crate) name: Ident,
    /// Its parameters.
    pub(crate) params: Vec<Param>,
    /// What downstream nodes see.
    pub(crate) output: Type,
    /// Where its error type is written.
    pub(crate) error_span: Span,
    /// Whether it can return an error.
    pub(crate) fallible: bool,
    /// Whether it is `async`.
    pub(crate) is_async: bool,
    /// Whether it needs a blocking thread.
    pub(crate) blocking: bool,
}

/// An enum of the module, whose variants the macro can see.
pub(crate) struct LocalEnum {
    name: Ident,
    /// Its variants with their fields.
    pub(crate) variants: Vec<(Ident, Fields)>,
}

/// What the module holds.
pub(crate) struct Contents {
    /// Its functions by name. What is wrong with one matters only if it is a node.
    pub(crate) functions: Vec<(Ident, syn::Result<NodeFn>)>,
    /// Its enums.
    pub(crate) enums: Vec<LocalEnum>,
}

impl Contents {
    /// Read the module, and take `#[node]` off its functions.
    pub(crate) fn take(module: &mut ItemMod) -> Self {
        let mut contents = Self { functions: Vec::new(), enums: Vec::new() };
        for item in module.content.iter_mut().flat_map(|(_, items)| items) {
            match item {
                Item::Fn(function) => {
                    contents.functions.push((function.sig.ident.clone(), node_fn(function)))
                }
                Item::Enum(item) => {
                    let variants =
                        item.variants.iter().map(|variant| (variant.ident.clone(), variant.fields.clone()));
                    contents.enums.push(LocalEnum { name: item.ident.clone(), variants: variants.collect() });
                }
                _ => {}
            }
        }
        contents
    }

    /// The enum that `path` names, if it is the module's own.
    pub(crate) fn local_enum(&self, path: &Path) -> Option<&LocalEnum> {
        let mut segments = path.segments.iter().filter(|segment| segment.ident != "self");
        let (only, None) = (segments.next()?, segments.next()) else { return None };
        self.enums.iter().find(|item| item.name == only.ident)
    }
}

/// Add `error` to those found before.
pub(crate) fn combine(errors: &mut Option<Error>, error: Error) {
    match errors {
        Some(errors) => errors.combine(error),
        None => *errors = Some(error),
    }
}

fn node_fn(function: &mut ItemFn) -> syn::Result<NodeFn> {
    let blocking = take_blocking(function)?;
    function.attrs.extend(Attribute::parse_outer.parse2(dictated())?);
    let signature = &function.sig;
    if signature.generics.type_params().next().is_some() || signature.generics.const_params().next().is_some()
    {
        let message = "a node cannot be generic: the graph's edges have one type each";
        return Err(Error::new(signature.generics.span(), message));
    }
    let returned = Returned::of(&signature.output, false);
    let error_span = match &signature.output {
        ReturnType::Type(_, ty) => error_type(ty).map_or_else(|| type_span(ty), type_span),
        ReturnType::Default => signature.ident.span(),
    };
    Ok(NodeFn {
        name: signature.ident.clone(),
        params: signature.inputs.iter().map(param).collect::<syn::Result<_>>()?,
        output: returned.value,
        error_span,
        fallible: returned.fallible,
        is_async: signature.asyncness.is_some(),
        blocking,
    })
}

/// Take `#[node(blocking)]` off.
fn take_blocking(function: &mut ItemFn) -> syn::Result<bool> {
    let mut blocking = false;
    let mut error = None;
    function.attrs.retain(|attribute| {
        if !attribute.path().is_ident("node") {
            return true;
        }
        let parsed = match &attribute.meta {
            Meta::List(list) => list.parse_args::<Ident>(),
            other => Err(Error::new(other.span(), "write `#[node(blocking)]`")),
        };
        match parsed {
            Ok(word) if word == "blocking" => blocking = true,
            Ok(word) => combine(
                &mut error,
                Error::new(word.span(), "unknown property of a node; it can be `blocking`"),
            ),
            Err(found) => combine(&mut error, found),
        }
        false
    });
    error.map_or(Ok(blocking), Err)
}

fn param(input: &FnArg) -> syn::Result<Param> {
    let typed = match input {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(receiver) => {
            return Err(Error::new(receiver.span(), "a node is a free function; it has no `self`"));
        }
    };
    let name = match &*typed.pat {
        Pat::Ident(pattern) => Some(pattern.ident.to_string()),
        _ => None,
    };
    let (inner, optional) = match inside_option(&typed.ty) {
        Some(inner) => (strip(inner), true),
        None => (strip(&typed.ty), false),
    };
    match inner {
        Type::Reference(reference) if reference.mutability.is_none() => {
            let ty = (*reference.elem).clone();
            Ok(Param { name, span: type_span(&ty), ty, optional })
        }
        other => {
            let message = "a node borrows what it is given: `&T`, or `Option<&T>` for what may be absent";
            Err(Error::new(type_span(other), message))
        }
    }
}
