//! Arguments of the attributes: lists of `key = value`, durations, counts.

use crate::suggest::{did_you_mean, listed};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Token};

/// Parse `key = value, flag, …`. `each` is given every key with the stream behind its `=`.
///
/// # Errors
/// On an unknown or repeated key, and on what `each` says.
pub(crate) fn parse_keys(
    input: ParseStream<'_>,
    known: &[&str],
    flags: &[&str],
    mut each: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let mut seen: Vec<Ident> = Vec::new();
    while !input.is_empty() {
        let key = input.call(Ident::parse_any)?;
        let text = key.to_string();
        if !known.contains(&text.as_str()) {
            let near = did_you_mean(&text, known.iter().copied());
            let all = listed(known);
            return Err(syn::Error::new(key.span(), format!("unknown key `{text}`{near}; keys are {all}")));
        }
        if seen.contains(&key) {
            return Err(syn::Error::new(key.span(), format!("`{text}` is given twice; keep one")));
        }
        if !flags.contains(&text.as_str()) {
            input.parse::<Token![=]>()?;
        }
        each(&key, input)?;
        seen.push(key);
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

/// A duration as it was written, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Millis {
    /// Its length.
    pub(crate) millis: u64,
    /// The literal.
    pub(crate) span: Span,
}

impl Millis {
    /// Parse `"250ms"`, `"1s"`, `"5m"`, `"1h"`, or a number of seconds.
    ///
    /// # Errors
    /// On anything else, at the literal.
    pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let literal: Lit = input.parse().map_err(|error| {
            syn::Error::new(error.span(), "expected a duration such as \"250ms\" or \"1s\"")
        })?;
        let text = match &literal {
            Lit::Str(text) => text.value(),
            Lit::Int(number) => number.base10_digits().to_owned() + number.suffix(),
            _ => String::new(),
        };
        let span = literal.span();
        match millis(text.trim()) {
            Some(millis) => Ok(Self { millis, span }),
            None => Err(syn::Error::new(
                span,
                "not a duration; write \"250ms\", \"1s\", \"5m\" or \"1h\", or a whole number of seconds",
            )),
        }
    }

    /// The same, but longer than nothing.
    ///
    /// # Errors
    /// As [`Millis::parse`], and on zero.
    pub(crate) fn parse_positive(input: ParseStream<'_>) -> syn::Result<Self> {
        let parsed = Self::parse(input)?;
        if parsed.millis == 0 {
            return Err(syn::Error::new(parsed.span, "this duration must be longer than zero"));
        }
        Ok(parsed)
    }

    /// A `Duration` expression.
    pub(crate) fn tokens(self) -> TokenStream {
        let millis = self.millis;
        quote!(::std::time::Duration::from_millis(#millis))
    }
}

fn millis(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim_start() {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// Parse a count: any expression; a literal is checked to be at least `least`.
///
/// # Errors
/// On a literal that is no number or too small.
pub(crate) fn parse_count(input: ParseStream<'_>, least: i64) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    if let Some(number) = literal_int(&expr)
        && number < least
    {
        return Err(syn::Error::new(expr.span(), format!("this number must be at least {least}")));
    }
    if let Expr::Lit(ExprLit { lit, .. }) = &expr
        && !matches!(lit, Lit::Int(_))
    {
        return Err(syn::Error::new(lit.span(), "expected a whole number"));
    }
    Ok(expr)
}

/// The value of an integer literal, negative ones included.
fn literal_int(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => literal_int(&unary.expr).map(|n| -n),
        _ => None,
    }
}

/// Parse a name that is not empty.
///
/// # Errors
/// If it is no string, or an empty one.
pub(crate) fn parse_name(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let name: LitStr = input.parse()?;
    if name.value().trim().is_empty() {
        return Err(syn::Error::new(name.span(), "a name must not be empty"));
    }
    Ok(name)
}

/// Overflow policies as written, with their variants.
const OVERFLOWS: [(&str, &str); 5] = [
    ("block", "Block"),
    ("drop_newest", "DropNewest"),
    ("drop_oldest", "DropOldest"),
    ("coalesce", "Coalesce"),
    ("dead_letter", "DeadLetter"),
];

/// Parse an overflow policy; the result is its variant's name.
///
/// # Errors
/// If there is no such policy.
pub(crate) fn parse_overflow(input: ParseStream<'_>) -> syn::Result<Ident> {
    let written: Ident = input.parse()?;
    let text = written.to_string();
    match OVERFLOWS.iter().find(|(name, _)| *name == text) {
        Some((_, variant)) => Ok(Ident::new(variant, Span::call_site())),
        None => {
            let names = OVERFLOWS.map(|(name, _)| name);
            let near = did_you_mean(&text, names);
            let all = listed(names);
            Err(syn::Error::new(
                written.span(),
                format!("unknown overflow policy `{text}`{near}; policies are {all}"),
            ))
        }
    }
}

/// A fault budget of so many attempts.
pub(crate) fn budget(core: &TokenStream, attempts: &Expr) -> TokenStream {
    quote_spanned! {attempts.span()=>
        #core::fault::FaultBudget { attempts: #attempts, ..::std::default::Default::default() }
    }
}

/// `tokens` of generated code, moved to the place of `span`.
pub(crate) fn moved(tokens: &TokenStream, span: Span) -> TokenStream {
    let moved = tokens.clone().into_iter().map(|mut token| {
        token.set_span(at(span));
        token
    });
    moved.collect()
}

/// Says that a function's signature is not its author's free choice, for lints that would have it
/// another way.
pub(crate) fn dictated() -> TokenStream {
    quote! {
        #[allow(
            clippy::ptr_arg, clippy::trivially_copy_pass_by_ref, clippy::needless_pass_by_value,
            clippy::unnecessary_wraps, clippy::unused_async
        )]
    }
}

/// The place of `span`, with the hygiene of generated code: errors point to what the author wrote,
/// lints know that a macro wrote it.
pub(crate) fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}
