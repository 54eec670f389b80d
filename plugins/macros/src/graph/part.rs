//! The executable part of a graph: how it gets at its sources, around the code of its nodes.

use super::body::{Body, Mode, source_local};
use super::expand::allowed;
use super::ir::Graph;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Type;

/// The part's type and its `turn`.
pub(super) fn part(graph: &Graph, core: &TokenStream) -> TokenStream {
    let body = Body { graph, core, mode: Mode::of(graph) };
    let outputs: Vec<&Type> = graph.terminals().map(|node| &node.function.output).collect();
    let outputs = quote!((#(::std::option::Option<#outputs>,)*));
    let turn =
        if body.mode == Mode::Plain { plain_turn(&body, &outputs) } else { async_turn(&body, &outputs) };
    let allowed = allowed();
    quote! {
        #allowed
        struct __Part;

        #allowed
        impl #core::graph::GraphPart for __Part {
            fn turn(
                &mut self,
                view: &#core::graph::View<'_>,
                from: usize,
                out: &mut #core::graph::Outcomes,
            ) -> #core::graph::TurnEnd {
                #turn
            }

            fn tells_origins(&self) -> bool {
                true
            }
        }
    }
}

/// Names and types of the sources.
struct Sources<'g> {
    index: Vec<usize>,
    types: Vec<&'g Type>,
    locals: Vec<Ident>,
    columns: Vec<Ident>,
}

impl<'g> Sources<'g> {
    fn of(graph: &'g Graph) -> Self {
        let index: Vec<usize> = (0..graph.sources.len()).collect();
        Self {
            types: graph.sources.iter().map(|source| &source.ty).collect(),
            locals: index.iter().map(|index| source_local(*index)).collect(),
            columns: index.iter().map(|index| format_ident!("__column_{}", index)).collect(),
            index,
        }
    }
}

fn plain_turn(body: &Body<'_>, outputs: &TokenStream) -> TokenStream {
    let core = body.core;
    let Sources { index, types, locals, columns } = Sources::of(body.graph);
    let (required, nodes) = (required(body), body.tokens());
    quote! {
        #(let #columns = view.input::<#types>(#index);)*
        #core::graph::turn_sync(view.len(), from, out, |__firing| -> #core::graph::Fired<#outputs> {
            #(let #locals = #columns.get(__firing);)*
            #required
            #nodes
        })
    }
}

/// Futures outlive the turn, so they share the columns instead of borrowing them.
fn async_turn(body: &Body<'_>, outputs: &TokenStream) -> TokenStream {
    let core = body.core;
    let Sources { index, types, locals, columns } = Sources::of(body.graph);
    let at: Vec<Ident> = index.iter().map(|index| format_ident!("__at_{}", index)).collect();
    let (required, nodes) = (required(body), body.tokens());
    quote! {
        #(let #columns = view.shared::<#types>(#index);)*
        #core::graph::turn_async::<#outputs, _>(view.len(), from, out, |__firing| {
            #(
                let #columns = ::std::sync::Arc::clone(&#columns);
                let #at = view.index(__firing, #index);
            )*
            async move {
                #(let #locals: ::std::option::Option<&#types> = #at.and_then(|__at| #columns.get(__at));)*
                #required
                #nodes
            }
        })
    }
}

/// Statements that end a firing in which a required source is absent, as a commanded one may be.
fn required(body: &Body<'_>) -> TokenStream {
    let (core, graph) = (body.core, body.graph);
    let required =
        graph.sources.iter().enumerate().filter(|(_, source)| source.required).map(|(index, source)| {
            let local = source_local(index);
            let message = format!("source {} has no value yet", source.name.text);
            let nothing = graph.terminals().map(|_| quote!(::std::option::Option::None));
            quote! {
                let ::std::option::Option::Some(#local) = #local else {
                    return #core::graph::Fired {
                        outputs: (#(#nothing,)*),
                        failure: ::std::option::Option::Some(#core::fault::Failure::error(#message)),
                    };
                };
            }
        });
    required.collect()
}
