//! The function under an accumulator attribute: what it takes, what it returns, how it is called.

use crate::args::at;
use crate::types::{Returned, error_type, inside_vec, strip, type_span};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, FnArg, Ident, ItemFn, Pat, ReturnType, Stmt, Type};

/// One parameter.
pub(crate) struct Param {
    pattern: Pat,
    /// Its type, without the `&`.
    pub(crate) ty: Type,
    /// Whether it is taken by reference.
    pub(crate) by_reference: bool,
    /// Whether it is taken by `&mut`.
    pub(crate) mutable: bool,
    /// Where it is written.
    pub(crate) span: Span,
}

impl Param {
    /// The element type of `Vec<E>` or `&[E]`.
    ///
    /// # Errors
    /// If it is neither.
    pub(crate) fn events(&self) -> syn::Result<Type> {
        let element = match (strip(&self.ty), self.by_reference) {
            (Type::Slice(slice), true) => Some(&*slice.elem),
            (ty, false) => inside_vec(ty),
            _ => None,
        };
        element.cloned().ok_or_else(|| {
            syn::Error::new(
                type_span(&self.ty),
                "the collected events are taken as `&[E]` (no copy) or `Vec<E>`",
            )
        })
    }
}

/// The function, taken apart.
pub(crate) struct Function {
    /// As written.
    pub(crate) item: ItemFn,
    /// Its parameters.
    pub(crate) params: Vec<Param>,
    /// What it returns.
    pub(crate) returned: Returned,
}

impl Function {
    /// Take `item` apart.
    ///
    /// # Errors
    /// On `self`, generics, and a missing return type.
    pub(crate) fn new(item: ItemFn) -> syn::Result<Self> {
        let signature = &item.sig;
        if signature.generics.type_params().next().is_some()
            || signature.generics.const_params().next().is_some()
        {
            let message =
                "an accumulator's function cannot be generic: its event type is part of its declaration";
            return Err(syn::Error::new(signature.generics.span(), message));
        }
        if matches!(signature.output, ReturnType::Default) {
            let message =
                "an accumulator's function returns its boundary: `B`, `Option<B>` or `Result<_, E>` of these";
            return Err(syn::Error::new(signature.ident.span(), message));
        }
        let params = signature.inputs.iter().map(param).collect::<syn::Result<_>>()?;
        let returned = Returned::of(&signature.output, true);
        Ok(Self { params, returned, item })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &Ident {
        &self.item.sig.ident
    }

    /// Whether it is `async`.
    pub(crate) fn is_async(&self) -> bool {
        self.item.sig.asyncness.is_some()
    }

    /// Refuse `async`, for kinds whose function runs in place.
    ///
    /// # Errors
    /// At the token `async`.
    pub(crate) fn refuse_async(&self, message: &str) -> syn::Result<()> {
        match &self.item.sig.asyncness {
            Some(token) => Err(syn::Error::new(token.span, message)),
            None => Ok(()),
        }
    }

    /// Its only parameter.
    ///
    /// # Errors
    /// If there are none or several.
    pub(crate) fn only_param(&self, what: &str) -> syn::Result<&Param> {
        match self.params.as_slice() {
            [param] => Ok(param),
            [_, second, ..] => Err(syn::Error::new(second.span, format!("one parameter too many: {what}"))),
            [] => Err(syn::Error::new(self.name().span(), format!("a parameter is missing: {what}"))),
        }
    }

    /// Whether it only hands on what it is given.
    pub(crate) fn is_identity(&self) -> bool {
        let [param] = self.params.as_slice() else { return false };
        let ([Stmt::Expr(Expr::Path(body), None)], Pat::Ident(name)) =
            (self.item.block.stmts.as_slice(), &param.pattern)
        else {
            return false;
        };
        !param.by_reference
            && !self.returned.optional
            && !self.returned.fallible
            && body.path.is_ident(&name.ident)
            && same(&param.ty, &self.returned.value)
    }

    /// `call` as a `Result<Option<B>, Failure>`.
    pub(crate) fn converted(&self, core: &TokenStream, call: TokenStream) -> TokenStream {
        let failure = quote!(#core::fault::Failure);
        let some = quote!(::std::option::Option::Some);
        match (self.returned.optional, self.returned.fallible) {
            (false, false) => quote!(::std::result::Result::<_, #failure>::Ok(#some(#call))),
            (true, false) => quote!(::std::result::Result::<_, #failure>::Ok(#call)),
            (optional, true) => {
                let error = quote_spanned!(at(self.error_span())=> #failure::error(error));
                let value = if optional { quote!(value) } else { quote!(#some(value)) };
                quote! {
                    match #call {
                        ::std::result::Result::Ok(value) => ::std::result::Result::<_, #failure>::Ok(#value),
                        ::std::result::Result::Err(error) => ::std::result::Result::Err(#error),
                    }
                }
            }
        }
    }

    /// Where the error type is written, or the whole return type if an alias hides it.
    fn error_span(&self) -> Span {
        match &self.item.sig.output {
            ReturnType::Type(_, ty) => error_type(ty).map_or_else(|| type_span(ty), type_span),
            ReturnType::Default => self.name().span(),
        }
    }
}

fn param(input: &FnArg) -> syn::Result<Param> {
    match input {
        FnArg::Receiver(receiver) => {
            Err(syn::Error::new(receiver.span(), "an accumulator is a free function; it has no `self`"))
        }
        FnArg::Typed(typed) => {
            let (ty, by_reference, mutable) = match strip(&typed.ty) {
                Type::Reference(reference) => {
                    ((*reference.elem).clone(), true, reference.mutability.is_some())
                }
                other => (other.clone(), false, false),
            };
            Ok(Param { pattern: (*typed.pat).clone(), ty, by_reference, mutable, span: typed.pat.span() })
        }
    }
}

fn same(left: &Type, right: &Type) -> bool {
    quote!(#left).to_string() == quote!(#right).to_string()
}
