//! From the checked form to tokens: the part and the declaration inside the module, the definition
//! beside it.

use super::ir::{Graph, Source};
use super::part::part;
use super::{Args, Trigger};
use crate::args::budget;
use crate::krate::Paths;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{ItemMod, LitStr};

/// What an expansion consists of.
#[derive(Default)]
pub(crate) struct Expansion {
    /// Items for the end of the module.
    pub(crate) inside: TokenStream,
    /// Items beside the module, where the paths of the attribute's arguments resolve.
    pub(crate) beside: TokenStream,
}

/// Lints that generated code has no say in.
pub(super) fn allowed() -> TokenStream {
    quote! {
        #[automatically_derived]
        #[allow(
            clippy::all, clippy::pedantic, clippy::nursery, dead_code, unused_qualifications, unused_results, private_interfaces, unreachable_pub, unused_mut,
            unused_variables, non_snake_case
        )]
    }
}

/// Expand `graph`.
///
/// # Errors
/// If a source of a reactor that is given by type is no name of Rust.
pub(crate) fn expand(args: &Args, module: &ItemMod, graph: &Graph, paths: &Paths) -> syn::Result<Expansion> {
    let (core, private) = (&paths.core, &paths.private);
    let allowed = allowed();
    let (name, text) =
        (&module.ident, args.name.as_ref().map_or_else(|| module.ident.to_string(), LitStr::value));
    let n_sources = graph.sources.len();
    let keys = (0..n_sources).map(|index| {
        let (function, ty) = (key_function(index), &graph.sources[index].ty);
        quote! {
            #[doc(hidden)]
            #allowed
            pub(super) fn #function(key: #private::SourceKey<#ty>) -> &'static str {
                key.name()
            }
        }
    });
    let keys: TokenStream =
        if matches!(args.trigger, Trigger::Type(_)) { keys.collect() } else { TokenStream::new() };
    let (part, decl) = (part(graph, core), decl(args, graph, core, &text));
    let stand_ins = stand_ins(module, paths, &text);
    let (reactor, sources) = trigger(args, name, graph, paths)?;
    Ok(Expansion {
        inside: quote! {
            #stand_ins
            #keys

            #[doc(hidden)]
            #allowed
            pub(super) fn __decl(
                reactor: ::std::option::Option<#core::ReactorName>,
                sources: [&'static str; #n_sources],
            ) -> #core::graph::GraphDecl {
                #decl
            }

            #part
        },
        beside: quote! {
            #allowed
            impl #private::GraphDef for #name::Graph {
                const NAME: &'static str = #text;

                fn decl() -> #core::graph::GraphDecl {
                    #name::__decl(#reactor, [#(#sources),*])
                }
            }
        },
    })
}

/// `Graph` and, unless the name is taken, `graph()`.
fn stand_ins(module: &ItemMod, paths: &Paths, text: &str) -> TokenStream {
    let (core, private) = (&paths.core, &paths.private);
    let doc = format!("The computation graph `{text}`.");
    let taken = module.content.iter().flat_map(|(_, items)| items).any(|item| match item {
        syn::Item::Fn(function) => function.sig.ident == "graph",
        syn::Item::Const(item) => item.ident == "graph",
        syn::Item::Static(item) => item.ident == "graph",
        _ => false,
    });
    let function = (!taken).then(|| {
        let doc = format!("The declaration of the graph `{text}`.");
        quote! {
            #[doc = #doc]
            #[allow(dead_code, unreachable_pub, unused_qualifications, clippy::must_use_candidate)]
            pub fn graph() -> #core::graph::GraphDecl {
                <Graph as #private::GraphDef>::decl()
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[allow(dead_code, unreachable_pub, missing_debug_implementations)]
        pub struct Graph;

        #function
    }
}

/// What stands in for a graph that could not be expanded, so that its users see no errors of their own.
pub(crate) fn placeholder(args: Option<&Args>, module: &ItemMod, paths: &Paths) -> Expansion {
    let private = &paths.private;
    let core = &paths.core;
    let name = &module.ident;
    let text =
        args.and_then(|args| args.name.as_ref()).map_or_else(|| module.ident.to_string(), LitStr::value);
    Expansion {
        inside: stand_ins(module, paths, &text),
        beside: quote! {
            impl #private::GraphDef for #name::Graph {
                const NAME: &'static str = #text;

                fn decl() -> #core::graph::GraphDecl {
                    ::std::unreachable!()
                }
            }
        },
    }
}

fn key_function(index: usize) -> Ident {
    format_ident!("__key_{}", index)
}

/// The reactor's name, and the names of the sources, checked where the reactor's type is known.
fn trigger(
    args: &Args,
    module: &Ident,
    graph: &Graph,
    paths: &Paths,
) -> syn::Result<(TokenStream, Vec<TokenStream>)> {
    let (core, private) = (&paths.core, &paths.private);
    let some = |name: TokenStream| quote!(::std::option::Option::Some(<#core::ReactorName as ::std::convert::From<&str>>::from(#name)));
    let by_text = |source: &Source| {
        let text = &source.name.text;
        quote!(#text)
    };
    match &args.trigger {
        Trigger::None => {
            Ok((quote!(::std::option::Option::None), graph.sources.iter().map(by_text).collect()))
        }
        Trigger::Name(name) => Ok((some(quote!(#name)), graph.sources.iter().map(by_text).collect())),
        Trigger::Type(reactor) => {
            let keys = graph.sources.iter().enumerate().map(|(index, source)| {
                let (function, key) = (key_function(index), source.name.ident()?);
                let span = key.span();
                let key = quote_spanned!(span=> <#reactor>::#key);
                Ok(quote_spanned!(span=> #module::#function(#key)))
            });
            let name =
                quote_spanned!(crate::types::type_span(reactor)=> <#reactor as #private::ReactorDef>::NAME);
            Ok((some(name), keys.collect::<syn::Result<_>>()?))
        }
    }
}

/// The body of `__decl`.
fn decl(args: &Args, graph: &Graph, core: &TokenStream, text: &str) -> TokenStream {
    let inputs = graph.sources.iter().enumerate().map(|(index, source)| {
        let ty = &source.ty;
        let presence = if source.required { quote!(Required) } else { quote!(Optional) };
        quote!(#core::graph::InputDecl::new::<#ty>(sources[#index], #core::graph::Presence::#presence))
    });
    let terminals = graph.terminals().map(|node| {
        let (ty, name) = (&node.function.output, node.name.to_string());
        quote!(#core::graph::TerminalDecl::new::<#ty>(#name))
    });
    let nodes = graph.order.iter().map(|node| graph.nodes[*node].name.to_string());
    let reads = graph.nodes.iter().flat_map(|node| {
        let name = node.name.to_string();
        node.sources.iter().map(move |source| quote!((sources[#source], #name, ::std::option::Option::None)))
    });
    let edges = graph.edges.iter().map(|edge| {
        let (from, to) = (graph.nodes[edge.from].name.to_string(), graph.nodes[edge.to].name.to_string());
        let variant = edge.route.as_ref().map(|route| route.variant.to_string());
        match variant {
            Some(variant) => quote!((#from, #to, ::std::option::Option::Some(#variant))),
            None => quote!((#from, #to, ::std::option::Option::None)),
        }
    });
    let placement = if graph.nodes.iter().any(|node| node.function.blocking) {
        Some(quote!(.placement(#core::graph::GraphPlacement::Blocking)))
    } else {
        args.detached.then(|| quote!(.placement(#core::graph::GraphPlacement::Detached)))
    };
    let deadline = args.deadline.map(|deadline| {
        let deadline = deadline.tokens();
        quote!(.deadline(#deadline))
    });
    let overflow = args.overflow.as_ref().map(|policy| quote!(.overflow(#core::Overflow::#policy)));
    let attempts = args.attempts.as_ref().map(|attempts| {
        let budget = budget(core, attempts);
        quote!(.budget(#budget))
    });
    quote! {
        #core::graph::GraphDecl::new(
            #text,
            reactor,
            ::std::vec![#(#inputs),*],
            ::std::vec![#(#terminals),*],
            #core::graph::Topology::checked(&sources, &[#(#nodes),*], &[#(#reads,)* #(#edges),*]),
            ::std::sync::Arc::new(|| ::std::boxed::Box::new(__Part)),
        )
        #placement #deadline #overflow #attempts
    }
}
