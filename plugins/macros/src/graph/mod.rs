//! Computation graphs: a module's functions become the nodes of one declaration.

mod bind;
mod body;
mod build;
mod expand;
mod ir;
mod node;
mod parse;
mod part;
mod shape;

use crate::args::{Millis, parse_count, parse_keys, parse_name, parse_overflow};
use crate::krate::Paths;
use crate::suggest::did_you_mean;
use expand::Expansion;
use node::Contents;
use parse::Syntax;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use shape::Shape;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, Ident, ItemMod, LitStr, Type, parenthesized};

const KEYS: [&str; 7] = ["trigger", "graph", "name", "deadline", "overflow", "attempts", "detached"];
const FLAGS: [&str; 1] = ["detached"];

/// What fires a graph.
#[derive(Default)]
enum Trigger {
    /// A workflow task or the embedder.
    #[default]
    None,
    /// The reactor of this name.
    Name(LitStr),
    /// The reactor that `#[reactor]` made of this type.
    Type(Box<Type>),
}

impl Parse for Trigger {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let function: Ident = input.parse()?;
        if function != "reactor" {
            let near = did_you_mean(&function.to_string(), ["reactor"]);
            let message = format!(
                "unknown trigger `{function}`{near}; write `reactor(\"PriceReactor\")` or `reactor(PriceReactor)`"
            );
            return Err(Error::new(function.span(), message));
        }
        let inside;
        parenthesized!(inside in input);
        let trigger = if inside.peek(LitStr) {
            Self::Name(parse_name(&inside)?)
        } else {
            Self::Type(Box::new(inside.parse()?))
        };
        if inside.is_empty() { Ok(trigger) } else { Err(inside.error("a graph is bound to one reactor")) }
    }
}

/// The attribute's arguments.
#[derive(Default)]
struct Args {
    trigger: Trigger,
    syntax: Option<Syntax>,
    name: Option<LitStr>,
    deadline: Option<Millis>,
    overflow: Option<Ident>,
    attempts: Option<Expr>,
    detached: bool,
}

impl Args {
    fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut args = Self::default();
        let parser = |input: ParseStream<'_>| {
            parse_keys(input, &KEYS, &FLAGS, |key, input| {
                match key.to_string().as_str() {
                    "trigger" => args.trigger = input.parse()?,
                    "graph" => args.syntax = Some(input.parse()?),
                    "name" => args.name = Some(parse_name(input)?),
                    "deadline" => args.deadline = Some(Millis::parse_positive(input)?),
                    "overflow" => args.overflow = Some(parse_overflow(input)?),
                    "attempts" => args.attempts = Some(parse_count(input, 1)?),
                    _ => args.detached = true,
                }
                Ok(())
            })
        };
        parser.parse2(tokens)?;
        Ok(args)
    }
}

/// Expand `#[computation_graph]`.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut module = match syn::parse2::<ItemMod>(item.clone()) {
        Ok(module) if module.content.is_some() => module,
        _ => {
            let message = "`#[computation_graph]` belongs on an inline module: `mod pricing { … }`";
            let error = Error::new(item.span(), message).into_compile_error();
            return quote!(#error #item);
        }
    };
    let paths = match Paths::find() {
        Ok(paths) => paths,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    // The attribute `#[node]` is taken off in any case: it is no attribute of its own.
    let contents = Contents::take(&mut module);
    let parsed = Args::parse(args);
    let (expansion, error) = match (parsed, refuse_name(&module)) {
        (_, Err(error)) => (Expansion::default(), Some(error)),
        (Err(error), _) => (expand::placeholder(None, &module, &paths), Some(error)),
        (Ok(args), _) => match declare(&args, &module, contents, &paths) {
            Ok(expansion) => (expansion, None),
            Err(error) => (expand::placeholder(Some(&args), &module, &paths), Some(error)),
        },
    };
    let Expansion { inside, beside } = expansion;
    let error = error.map(Error::into_compile_error);
    if let Some((_, items)) = &mut module.content {
        items.push(syn::Item::Verbatim(inside));
    }
    quote!(#error #module #beside)
}

fn declare(args: &Args, module: &ItemMod, contents: Contents, paths: &Paths) -> syn::Result<Expansion> {
    let Some(syntax) = &args.syntax else {
        return Err(Error::new(
            Span::call_site(),
            "the attribute lacks `graph = { score(raw_prices) -> publish }`",
        ));
    };
    let shape = Shape::new(syntax)?;
    let graph = build::build(shape, contents)?;
    expand::expand(args, module, &graph, paths)
}

/// `Graph` is the macro's own name in the module.
fn refuse_name(module: &ItemMod) -> syn::Result<()> {
    for item in module.content.iter().flat_map(|(_, items)| items) {
        let name = match item {
            syn::Item::Struct(item) => &item.ident,
            syn::Item::Enum(item) => &item.ident,
            syn::Item::Type(item) => &item.ident,
            _ => continue,
        };
        if name == "Graph" {
            return Err(Error::new(
                name.span(),
                "`Graph` is what the macro calls the graph itself; choose another name",
            ));
        }
    }
    Ok(())
}
