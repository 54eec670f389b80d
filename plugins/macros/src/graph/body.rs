//! The nodes of one firing as code: straight-line where nodes run one after another, tasks side by side
//! where `async` nodes are independent.

use super::ir::{Brings, Fill, Graph, Group, Node};
use crate::args::at;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

/// How the nodes of a firing are run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All plain: one after another.
    Plain,
    /// Some `async`, none independent of another: one after another, awaiting.
    Awaiting,
    /// Some `async` nodes are independent: side by side.
    Concurrent,
}

impl Mode {
    /// The cheapest mode that runs independent `async` nodes concurrently.
    pub(crate) fn of(graph: &Graph) -> Self {
        if !graph.is_async() {
            return Self::Plain;
        }
        let pending: Vec<usize> =
            (0..graph.nodes.len()).filter(|at| graph.nodes[*at].function.is_async).collect();
        let ordered =
            |a: usize, b: usize| graph.nodes[a].above.contains(&b) || graph.nodes[a].excluded.contains(&b);
        let chained =
            pending.iter().all(|a| pending.iter().all(|b| a == b || ordered(*a, *b) || ordered(*b, *a)));
        if chained { Self::Awaiting } else { Self::Concurrent }
    }
}

/// Code of one graph's firing.
pub(crate) struct Body<'g> {
    /// The graph.
    pub(crate) graph: &'g Graph,
    /// Path of `acequia-core`.
    pub(crate) core: &'g TokenStream,
    /// How nodes run.
    pub(crate) mode: Mode,
}

/// The local that holds source `index`.
pub(crate) fn source_local(index: usize) -> Ident {
    format_ident!("__source_{}", index)
}

impl Body<'_> {
    /// Statements that run all nodes, and the expression that makes a `Fired` of them. They expect the
    /// source locals.
    pub(crate) fn tokens(&self) -> TokenStream {
        let core = self.core;
        let failed = self.watched().map(failed_local);
        let nodes: Vec<&Node> = self.graph.order.iter().map(|at| &self.graph.nodes[*at]).collect();
        let terminals: Vec<Ident> = self.graph.terminals().map(local).collect();
        if self.mode != Mode::Concurrent {
            let statements = nodes.iter().map(|node| {
                let (local, run) = (local(node), self.run(node));
                quote!(let #local = #run;)
            });
            return quote! {
                let mut __failure: ::std::option::Option<#core::fault::Failure> = ::std::option::Option::None;
                #(let mut #failed = false;)*
                #(#statements)*
                #core::graph::Fired { outputs: (#(#terminals,)*), failure: __failure }
            };
        }
        let cells = nodes.iter().map(|node| {
            let (local, output) = (local(node), &node.function.output);
            quote! {
                let #local: ::std::sync::OnceLock<::std::option::Option<#output>> = ::std::sync::OnceLock::new();
            }
        });
        let tasks: Vec<Ident> = nodes.iter().map(|node| format_ident!("__task_{}", node.name)).collect();
        let futures = nodes.iter().map(|node| self.task(node));
        let n = nodes.len();
        let index: Vec<usize> = (0..n).collect();
        quote! {
            let __failure: ::std::sync::OnceLock<#core::fault::Failure> = ::std::sync::OnceLock::new();
            #(let #failed = ::std::sync::atomic::AtomicBool::new(false);)*
            #(#cells)*
            {
                #(let mut #tasks = ::std::pin::pin!(#futures);)*
                let mut __done = [false; #n];
                // Tasks wait for each other without wakers: each pass polls them all, in an order in
                // which a task is polled after those that it waits for.
                ::std::future::poll_fn(|__context| {
                    let mut __pending = false;
                    #(if !__done[#index] {
                        match ::std::future::Future::poll(#tasks.as_mut(), __context) {
                            ::std::task::Poll::Ready(()) => __done[#index] = true,
                            ::std::task::Poll::Pending => __pending = true,
                        }
                    })*
                    if __pending { ::std::task::Poll::Pending } else { ::std::task::Poll::Ready(()) }
                })
                .await;
            }
            #core::graph::Fired {
                outputs: (#(::std::option::Option::flatten(#terminals.into_inner()),)*),
                failure: __failure.into_inner(),
            }
        }
    }

    /// A node as a task of its own.
    fn task(&self, node: &Node) -> TokenStream {
        let mut upstream: Vec<usize> =
            self.fills(node).map(|fill| self.graph.edges[fill.edge].from).collect();
        upstream.sort_unstable();
        upstream.dedup();
        let waits = upstream.iter().map(|from| {
            let (cell, seen) = (local(&self.graph.nodes[*from]), seen(&self.graph.nodes[*from]));
            quote! {
                let #seen = ::std::future::poll_fn(|_| match #cell.get() {
                    ::std::option::Option::Some(__value) => ::std::task::Poll::Ready(__value.as_ref()),
                    ::std::option::Option::None => ::std::task::Poll::Pending,
                })
                .await;
            }
        });
        let (local, run) = (local(node), self.run(node));
        quote! {
            async {
                #(#waits)*
                let __value = #run;
                let _ = #local.set(__value);
            }
        }
    }

    fn fills<'n>(&self, node: &'n Node) -> impl Iterator<Item = &'n Fill> {
        node.groups.iter().flat_map(|group| &group.members)
    }

    /// Nodes whose failure a node that could go on without them must know of.
    fn watched(&self) -> impl Iterator<Item = &Node> {
        self.graph.nodes.iter().enumerate().filter_map(|(at, node)| {
            let watched = |other: &Node| lenient(other) && other.fallible_above.contains(&at);
            self.graph.nodes.iter().any(watched).then_some(node)
        })
    }

    /// An expression of type `Option<U>`: what the node yields in this firing.
    fn run(&self, node: &Node) -> TokenStream {
        let none = quote!(break '__run ::std::option::Option::None);
        let mut statements = TokenStream::new();
        let mut any = Vec::new();
        for (index, group) in node.groups.iter().enumerate() {
            statements.extend(self.gather(index, group, &none));
            if !group.required {
                any.push(self.presence(index, group));
            }
        }
        let all_optional = any.len() == node.groups.len() && !any.is_empty();
        if all_optional {
            statements.extend(quote!(if !(#(#any)||*) { #none }));
        }
        if lenient(node) {
            for above in &node.fallible_above {
                let failed = self.failed(&self.graph.nodes[*above]);
                statements.extend(quote!(if #failed { #none }));
            }
        }
        let call = self.call(node);
        if statements.is_empty() { call } else { quote!('__run: { #statements #call }) }
    }

    /// Statements that put what a group brings into its local.
    fn gather(&self, index: usize, group: &Group, none: &TokenStream) -> TokenStream {
        let local = group_local(index, group);
        let values: Vec<TokenStream> = group.values().map(|fill| self.carried(fill)).collect();
        let mut statements = TokenStream::new();
        if let Some((first, others)) = values.split_first() {
            let joined = others
                .iter()
                .fold(first.clone(), |joined, other| quote!(::std::option::Option::or(#joined, #other)));
            statements.extend(quote!(let #local = #joined;));
        }
        if !group.required {
            return statements;
        }
        if group.arity == 0 {
            let presence = self.presence(index, group);
            statements.extend(quote!(if !(#presence) { #none }));
        } else {
            statements.extend(quote!(let ::std::option::Option::Some(#local) = #local else { #none };));
        }
        statements
    }

    /// Whether any edge of a group is open.
    fn presence(&self, index: usize, group: &Group) -> TokenStream {
        let local = group_local(index, group);
        let value = group.values().next().map(|_| quote!(#local.is_some()));
        let markers = group.markers().map(|fill| {
            let carried = self.carried(fill);
            quote!(::std::option::Option::is_some(&#carried))
        });
        let all = value.into_iter().chain(markers);
        quote!(#(#all)||*)
    }

    /// What an edge carries: `Option<&A>`, or `Option<(&A, &B)>` for several fields.
    fn carried(&self, fill: &Fill) -> TokenStream {
        let edge = &self.graph.edges[fill.edge];
        let from = &self.graph.nodes[edge.from];
        let output = match self.mode {
            Mode::Concurrent => {
                let seen = seen(from);
                quote!(#seen)
            }
            _ => {
                let local = local(from);
                quote!(::std::option::Option::as_ref(&#local))
            }
        };
        let (Brings::Fields(fields), Some(path), Some(route)) = (&fill.brings, &from.routing, &edge.route)
        else {
            return output;
        };
        let (variant, place) = (&route.variant, at(edge.span));
        let names: Vec<Ident> =
            (0..fields.len()).map(|field| format_ident!("__field_{}", field, span = place)).collect();
        let value = match names.as_slice() {
            [only] => quote_spanned!(place=> ::std::option::Option::Some(#only)),
            several => quote_spanned!(place=> ::std::option::Option::Some((#(#several),*))),
        };
        let pattern = quote_spanned!(at(variant.span())=> #path::#variant { #(#fields: #names,)* .. });
        quote_spanned! {place=>
            match #output {
                ::std::option::Option::Some(#pattern) => #value,
                _ => ::std::option::Option::None,
            }
        }
    }

    /// The call of a node's function, as an `Option<U>`.
    fn call(&self, node: &Node) -> TokenStream {
        let core = self.core;
        let name = &node.function.name;
        let arguments = self.arguments(node);
        let wait = node.function.is_async.then(|| quote!(.await));
        let call = quote!(self::#name(#(#arguments),*) #wait);
        if !node.function.fallible {
            return quote!(::std::option::Option::Some(#call));
        }
        let text = node.name.to_string();
        let failed = self.watched().any(|watched| watched.name == node.name).then(|| {
            let failed = failed_local(node);
            match self.mode {
                Mode::Concurrent => quote!(#failed.store(true, ::std::sync::atomic::Ordering::Release);),
                _ => quote!(#failed = true;),
            }
        });
        let error = quote_spanned!(at(node.function.error_span)=> #core::fault::Failure::error(__error));
        let note = match self.mode {
            Mode::Concurrent => quote!(let _ = __failure.set(#error.in_node(#text));),
            _ => quote!(__failure.get_or_insert_with(|| #error.in_node(#text));),
        };
        quote! {
            match #call {
                ::std::result::Result::Ok(__value) => ::std::option::Option::Some(__value),
                ::std::result::Result::Err(__error) => {
                    #failed
                    #note
                    ::std::option::Option::None
                }
            }
        }
    }

    fn failed(&self, node: &Node) -> TokenStream {
        let failed = failed_local(node);
        match self.mode {
            Mode::Concurrent => quote!(#failed.load(::std::sync::atomic::Ordering::Acquire)),
            _ => quote!(#failed),
        }
    }

    /// Arguments in the order of the parameters.
    fn arguments(&self, node: &Node) -> Vec<TokenStream> {
        let mut params = node.function.params.iter();
        let mut arguments = Vec::new();
        for (source, param) in node.sources.iter().zip(params.by_ref()) {
            let place = at(param.span);
            let mut local = source_local(*source);
            local.set_span(place);
            arguments.push(match (param.optional, self.graph.sources[*source].required) {
                (true, true) => quote_spanned!(place=> ::std::option::Option::Some(#local)),
                _ => quote!(#local),
            });
        }
        for (index, group) in node.groups.iter().enumerate() {
            let local = group_local(index, group);
            let place = at(group.span);
            for (position, param) in params.by_ref().take(group.arity).enumerate() {
                let field = syn::Index::from(position);
                let value = match (group.arity, group.required) {
                    (1, _) => quote_spanned!(place=> #local),
                    (_, true) => quote_spanned!(place=> #local.#field),
                    (_, false) => quote_spanned!(place=> #local.map(|__fields| __fields.#field)),
                };
                arguments.push(match (param.optional, group.required) {
                    (true, true) => quote_spanned!(place=> ::std::option::Option::Some(#value)),
                    _ => value,
                });
            }
        }
        arguments
    }
}

/// Whether a node could go on without some of its upstreams.
fn lenient(node: &Node) -> bool {
    let mut upstream = node.function.params.iter().skip(node.sources.len());
    upstream.any(|param| param.optional)
}

/// The local that holds a node's output.
fn local(node: &Node) -> Ident {
    format_ident!("__{}", node.name, span = proc_macro2::Span::call_site())
}

/// A borrow of an upstream's output, in a task.
fn seen(node: &Node) -> Ident {
    format_ident!("__seen_{}", node.name, span = proc_macro2::Span::call_site())
}

/// Whether a node failed in this firing.
fn failed_local(node: &Node) -> Ident {
    format_ident!("__failed_{}", node.name, span = proc_macro2::Span::call_site())
}

/// What a group brings, at the place where errors about it belong.
fn group_local(index: usize, group: &Group) -> Ident {
    format_ident!("__given_{}", index, span = at(group.span))
}
