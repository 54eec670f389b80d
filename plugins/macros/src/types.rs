//! Looking at types as they are written: macros see tokens, not types.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypePath};

/// The type inside `Option<…>`, if that is what `ty` looks like.
pub(crate) fn inside_option(ty: &Type) -> Option<&Type> {
    match arguments(ty, "Option")?.as_slice() {
        [inner] => Some(*inner),
        _ => None,
    }
}

/// The success type of `Result<…>`; `None` stands for a bare `Result` alias, whose success is `()`.
pub(crate) fn inside_result(ty: &Type) -> Option<Option<&Type>> {
    Some(arguments(ty, "Result")?.first().copied())
}

/// The error type of `Result<…, E>`.
pub(crate) fn error_type(ty: &Type) -> Option<&Type> {
    arguments(ty, "Result")?.get(1).copied()
}

/// The element type of `Vec<…>`.
pub(crate) fn inside_vec(ty: &Type) -> Option<&Type> {
    arguments(ty, "Vec")?.first().copied()
}

/// Generic type arguments of a path whose last segment is `name`.
fn arguments<'t>(ty: &'t Type, name: &str) -> Option<Vec<&'t Type>> {
    let Type::Path(TypePath { path, .. }) = strip(ty) else { return None };
    let last = path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Some(Vec::new()) };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// Without parentheses and invisible groups.
pub(crate) fn strip(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => strip(&inner.elem),
        Type::Group(inner) => strip(&inner.elem),
        _ => ty,
    }
}

/// The most telling token of a type: the name at its end.
pub(crate) fn type_span(ty: &Type) -> Span {
    match strip(ty) {
        Type::Path(TypePath { path, .. }) => {
            path.segments.last().map_or_else(|| path.span(), |segment| segment.ident.span())
        }
        Type::Reference(reference) => type_span(&reference.elem),
        other => other.span(),
    }
}

/// What a function returns, as the macros see it: `B`, `Option<B>`, `Result<B, E>` or
/// `Result<Option<B>, E>`.
pub(crate) struct Returned {
    /// `B`.
    pub(crate) value: Type,
    /// Whether `None` is possible.
    pub(crate) optional: bool,
    /// Whether an error is possible.
    pub(crate) fallible: bool,
}

impl Returned {
    /// Look at a return type, the `Option` too if `options`.
    pub(crate) fn of(output: &ReturnType, options: bool) -> Self {
        let unit = || syn::parse_quote!(());
        let whole: Type = match output {
            ReturnType::Default => unit(),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let (inner, fallible) = match inside_result(&whole) {
            Some(inner) => (inner.cloned().unwrap_or_else(unit), true),
            None => (whole, false),
        };
        match inside_option(&inner).filter(|_| options) {
            Some(value) => Self { value: value.clone(), optional: true, fallible },
            None => Self { value: inner, optional: false, fallible },
        }
    }
}
