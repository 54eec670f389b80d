//! Reactors: a unit struct becomes a declaration, and carries its accumulators as typed keys.

use crate::args::{at, moved, parse_count, parse_keys, parse_name};
use crate::krate::Paths;
use crate::suggest::{did_you_mean, listed};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Expr, Fields, Ident, ItemStruct, LitInt, LitStr, Path, Token, bracketed, parenthesized};

/// The most sources that a reactor can have.
const MAX_SOURCES: usize = 64;

const KEYS: [&str; 5] = ["name", "accumulators", "criteria", "strategy", "log"];

/// The attribute's arguments as written.
#[derive(Default)]
struct Args {
    name: Option<LitStr>,
    accumulators: Option<(Span, Vec<Path>)>,
    criteria: Option<Criteria>,
    strategy: Option<Ident>,
    log: Option<Expr>,
}

/// `when_any(a, b)`, `when_all(a, b)` or `k_of(2, a, b, c)`.
struct Criteria {
    function: Ident,
    k: Option<LitInt>,
    sources: Vec<Path>,
}

impl Parse for Criteria {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let function: Ident = input.parse()?;
        let functions = ["when_any", "when_all", "k_of"];
        let text = function.to_string();
        if !functions.contains(&text.as_str()) {
            let near = did_you_mean(&text, functions);
            let message = format!("unknown criterion `{text}`{near}; criteria are {}", listed(functions));
            return Err(syn::Error::new(function.span(), message));
        }
        let inside;
        parenthesized!(inside in input);
        let mut k = None;
        if text == "k_of" {
            k = Some(inside.parse::<LitInt>().map_err(|error| {
                syn::Error::new(
                    error.span(),
                    "`k_of` begins with how many of its sources: `k_of(2, a, b, c)`",
                )
            })?);
            if !inside.is_empty() {
                inside.parse::<Token![,]>()?;
            }
        }
        let sources = Punctuated::<Path, Token![,]>::parse_terminated(&inside)?.into_iter().collect();
        Ok(Self { function, k, sources })
    }
}

impl Args {
    fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut args = Self::default();
        let parser = |input: ParseStream<'_>| {
            parse_keys(input, &KEYS, &[], |key, input| {
                match key.to_string().as_str() {
                    "name" => args.name = Some(parse_name(input)?),
                    "accumulators" => {
                        let inside;
                        let bracket = bracketed!(inside in input);
                        let paths = Punctuated::<Path, Token![,]>::parse_terminated(&inside)?;
                        args.accumulators = Some((bracket.span.join(), paths.into_iter().collect()));
                    }
                    "criteria" => args.criteria = Some(input.parse()?),
                    "strategy" => args.strategy = Some(input.parse()?),
                    _ => args.log = Some(parse_count(input, 1)?),
                }
                Ok(())
            })
        };
        parser.parse2(tokens)?;
        Ok(args)
    }
}

/// Expand `#[reactor]`.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let parsed = match syn::parse2::<ItemStruct>(item.clone()) {
        Ok(parsed) if matches!(parsed.fields, Fields::Unit) && parsed.generics.params.is_empty() => parsed,
        Ok(parsed) => return refused(&item, parsed.ident.span()),
        Err(_) => return refused(&item, item.span()),
    };
    match declare(args, &parsed) {
        Ok(declared) => quote!(#item #declared),
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#item #error)
        }
    }
}

fn refused(item: &TokenStream, span: Span) -> TokenStream {
    let message = "`#[reactor]` belongs on a unit struct: `pub struct PriceReactor;`";
    let error = syn::Error::new(span, message).into_compile_error();
    quote!(#error #item)
}

fn declare(args: TokenStream, declared: &ItemStruct) -> syn::Result<TokenStream> {
    let Paths { private, core } = Paths::find()?;
    let args = Args::parse(args)?;
    let accumulators = checked_accumulators(&args, &declared.ident)?;
    let criteria = criteria(&args, &declared.ident, &accumulators, &private, &core)?;
    let strategy = strategy(&args, &core)?;
    let log = args.log.as_ref().map(|firings| {
        quote! {
            let age = decl.log_age;
            let decl = decl.log(#firings, age);
        }
    });
    let (name, visibility) = (&declared.ident, &declared.vis);
    let text = args.name.as_ref().map_or_else(|| name.to_string(), LitStr::value);
    let decls = accumulators.iter().map(|path| item(path, &private, "decl"));
    let keys = accumulators.iter().map(|path| {
        let ident = last(path);
        let (boundary, name) = (item(path, &private, "Boundary"), item(path, &private, "NAME"));
        let private = moved(&private, ident.span());
        quote_spanned! {at(ident.span())=>
            #[doc(hidden)]
            #visibility const #ident: #private::SourceKey<#boundary> = #private::SourceKey::new(#name);
        }
    });
    Ok(quote! {
        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic)]
        impl #private::ReactorDef for #name {
            const NAME: &'static str = #text;

            fn decl() -> #core::reactor::ReactorDecl {
                let decl = #core::reactor::ReactorDecl::new(
                    <Self as #private::ReactorDef>::NAME,
                    ::std::vec![#(#decls()),*],
                    #criteria,
                )
                #strategy;
                #log
                decl
            }
        }

        #[automatically_derived]
        #[allow(non_upper_case_globals, dead_code, private_interfaces, unreachable_pub)]
        impl #name {
            #(#keys)*
        }
    })
}

/// `<path as AccumulatorDef>::item`, pointing to the path.
fn item(path: &Path, private: &TokenStream, item: &str) -> TokenStream {
    let span = at(last(path).span());
    let (item, private) = (Ident::new(item, span), moved(private, span));
    quote_spanned!(span=> <#path as #private::AccumulatorDef>::#item)
}

/// The last segment of a path, which is the accumulator's name to a reactor.
fn last(path: &Path) -> Ident {
    path.segments.last().map_or_else(|| Ident::new("unnamed", path.span()), |segment| segment.ident.clone())
}

fn checked_accumulators(args: &Args, reactor: &Ident) -> syn::Result<Vec<Path>> {
    let Some((span, accumulators)) = &args.accumulators else {
        let message = "the reactor's attribute lacks `accumulators = [raw_prices, …]`";
        return Err(syn::Error::new(reactor.span(), message));
    };
    if accumulators.is_empty() {
        return Err(syn::Error::new(*span, "a reactor needs at least one accumulator; name it here"));
    }
    for (index, path) in accumulators.iter().enumerate() {
        let name = last(path);
        if accumulators[..index].iter().any(|other| last(other) == name) {
            let message = format!("accumulator `{name}` is listed twice; names are unique in a reactor");
            return Err(syn::Error::new(name.span(), message));
        }
        if index == MAX_SOURCES {
            let message = format!("a reactor has at most {MAX_SOURCES} accumulators; split it");
            return Err(syn::Error::new(name.span(), message));
        }
    }
    Ok(accumulators.clone())
}

fn criteria(
    args: &Args,
    reactor: &Ident,
    accumulators: &[Path],
    private: &TokenStream,
    core: &TokenStream,
) -> syn::Result<TokenStream> {
    let Some(criteria) = &args.criteria else {
        let message = "the reactor's attribute lacks `criteria = when_any()`, `when_all()` or `k_of(2, …)`";
        return Err(syn::Error::new(reactor.span(), message));
    };
    let mut named: Vec<&Path> = Vec::new();
    for source in &criteria.sources {
        let name = last(source);
        let Some(path) = accumulators.iter().find(|path| last(path) == name) else {
            let known: Vec<String> = accumulators.iter().map(|path| last(path).to_string()).collect();
            let near = did_you_mean(&name.to_string(), known.iter().map(String::as_str));
            let all = listed(&known);
            let message = format!("`{name}` is not among the reactor's accumulators{near}; they are {all}");
            return Err(syn::Error::new(name.span(), message));
        };
        if named.iter().any(|path| last(path) == name) {
            return Err(syn::Error::new(name.span(), format!("`{name}` is named twice in the criteria")));
        }
        named.push(path);
    }
    if named.is_empty() {
        named = accumulators.iter().collect();
    }
    let function = &criteria.function;
    let k = match &criteria.k {
        Some(k) => {
            let number: usize = k.base10_parse()?;
            if number == 0 || number > named.len() {
                let message =
                    format!("{number} of {} sources can never be met; choose 1 to {0}", named.len());
                return Err(syn::Error::new(k.span(), message));
            }
            Some(quote!(#number,))
        }
        None => None,
    };
    let names = named.iter().map(|path| item(path, private, "NAME"));
    Ok(quote!(#core::reactor::#function(#k [#(#names),*])))
}

fn strategy(args: &Args, core: &TokenStream) -> syn::Result<Option<TokenStream>> {
    let Some(written) = &args.strategy else { return Ok(None) };
    let text = written.to_string();
    let variant = match text.as_str() {
        "latest" => "Latest",
        "sequential" => "Sequential",
        _ => {
            let strategies = ["latest", "sequential"];
            let near = did_you_mean(&text, strategies);
            let message = format!("unknown strategy `{text}`{near}; strategies are {}", listed(strategies));
            return Err(syn::Error::new(written.span(), message));
        }
    };
    let variant = Ident::new(variant, Span::call_site());
    Ok(Some(quote!(.strategy(#core::reactor::Strategy::#variant))))
}
