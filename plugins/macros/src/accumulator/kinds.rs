//! What each kind makes of its function.

use super::function::{Function, Param};
use super::options::Options;
use super::{KindOf, Made};
use crate::args::Millis;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, Type, parse_quote};

/// Largest batch where the author does not say.
const MAX_BUFFER_SIZE: usize = 1_000;

/// Make the declaration of `kind`.
///
/// # Errors
/// If the function or the options do not fit the kind.
pub(super) fn make(
    kind: KindOf,
    core: &TokenStream,
    options: &Options,
    function: &Function,
) -> syn::Result<Made> {
    match kind {
        KindOf::Passthrough => one_by_one("Passthrough", core, function),
        KindOf::Stream => match (&options.state, &options.migrate) {
            (Some(state), _) => with_state(state, core, function),
            (None, Some(migrate)) => {
                Err(syn::Error::new(migrate.span(), "`migrate` needs `state`, the type that it leads to"))
            }
            (None, None) => one_by_one("Stream", core, function),
        },
        KindOf::Polling => polling(core, options, function),
        KindOf::Batch => batch(core, options, function),
        KindOf::State => state(core, options, function),
        KindOf::Window => window(core, options, function),
    }
}

fn declared(core: &TokenStream, kind: &str, make: TokenStream) -> TokenStream {
    let kind = Ident::new(kind, Span::call_site());
    quote! {
        #core::accumulator::AccumulatorDecl::new(
            __name,
            #core::accumulator::Kind::#kind,
            #make,
        )
    }
}

/// How the function takes the event behind `&E`. The event stays in its queue until the function has
/// ended: a panic must not consume it.
fn taken(param: &Param) -> TokenStream {
    if param.by_reference { quote!(event) } else { quote!(::std::clone::Clone::clone(event)) }
}

fn one_by_one(kind: &str, core: &TokenStream, function: &Function) -> syn::Result<Made> {
    let param = event_param(function.only_param("the function takes the event, as `T` or `&T`")?)?;
    let (name, event, boundary) = (function.name(), &param.ty, &function.returned.value);
    let make = if function.is_identity() {
        quote!(#core::accumulator::Identity::<#event>::default)
    } else if function.is_async() {
        let argument = if param.by_reference { quote!(&event) } else { quote!(event) };
        let reply = function.converted(core, quote!(#name(#argument).await));
        quote! {
            || #core::accumulator::Passthrough::<#event, #boundary, _>::new(
                #core::accumulator::async_function::<#event, #boundary, _, _>(|event: #event| async move { #reply }),
            )
        }
    } else {
        let argument = taken(param);
        let reply = function.converted(core, quote!(#name(#argument)));
        quote! {
            || #core::accumulator::Passthrough::<#event, #boundary, _>::new(|event: &#event| {
                ::std::result::Result::map(#reply, #core::accumulator::Reply::Ready)
            })
        }
    };
    Ok(Made { event: event.clone(), boundary: boundary.clone(), decl: declared(core, kind, make) })
}

fn event_param(param: &Param) -> syn::Result<&Param> {
    if param.mutable {
        return Err(syn::Error::new(
            param.span,
            "an event is taken as `T` or `&T`; it may have to be tried again",
        ));
    }
    Ok(param)
}

fn with_state(state: &Type, core: &TokenStream, function: &Function) -> syn::Result<Made> {
    function.refuse_async("a stream accumulator with state runs in place; make its function a plain fn")?;
    let [own, param] = function.params.as_slice() else {
        let message = "with `state`, the function takes `(state: &mut S, value: &T)`";
        return Err(syn::Error::new(function.name().span(), message));
    };
    if !own.mutable {
        return Err(syn::Error::new(own.span, "the state is taken as `&mut S`"));
    }
    let param = event_param(param)?;
    let argument = taken(param);
    let (name, event, boundary) = (function.name(), &param.ty, &function.returned.value);
    let reply = function.converted(core, quote!(#name(state, #argument)));
    let start = quote_spanned!(state.span()=> <#state as ::std::default::Default>::default());
    let make = quote! {
        || #core::accumulator::Stateful::<#state, #event, #boundary, _>::new(
            #start,
            |state: &mut #state, event: &#event| #reply,
        )
    };
    Ok(Made { event: event.clone(), boundary: boundary.clone(), decl: declared(core, "Stream", make) })
}

fn polling(core: &TokenStream, options: &Options, function: &Function) -> syn::Result<Made> {
    if let Some(param) = function.params.first() {
        return Err(syn::Error::new(param.span, "a polling accumulator's function takes no parameters"));
    }
    let Some(interval) = options.interval else {
        return Err(missing(function, "interval = \"1s\""));
    };
    if !function.is_async() {
        let message = "a polling accumulator's function is asked from a task; make it an `async fn`";
        return Err(syn::Error::new(function.item.sig.fn_token.span, message));
    }
    if !function.returned.optional {
        let message = "a polling accumulator's function returns `Option<T>` (`None`: unchanged) or `Result<Option<T>, E>`";
        return Err(syn::Error::new(crate::types::type_span(&function.returned.value), message));
    }
    let (name, event, interval) = (function.name(), &function.returned.value, interval.tokens());
    let asked = function.converted(core, quote!(#name().await));
    let decl = declared(core, "Polling", quote!(#core::accumulator::Identity::<#event>::default));
    let decl =
        quote!(#decl.source(#core::source::SourceDecl::poll::<#event, _, _>(#interval, || async { #asked })));
    Ok(Made { event: event.clone(), boundary: event.clone(), decl })
}

fn batch(core: &TokenStream, options: &Options, function: &Function) -> syn::Result<Made> {
    function.refuse_async("a batch accumulator's function runs in place; make it a plain fn")?;
    if options.flush_interval.is_none() && options.max_buffer_size.is_none() {
        return Err(missing(function, "flush_interval = \"1s\"` or `max_buffer_size = 100"));
    }
    let param = function.only_param("the function takes the batch, as `&[E]` or `Vec<E>`")?;
    let event = param.events()?;
    let argument = if param.by_reference { quote!(events) } else { quote!(<[_]>::to_vec(events)) };
    let (name, boundary) = (function.name(), &function.returned.value);
    let reply = function.converted(core, quote!(#name(#argument)));
    let interval = optional(options.flush_interval);
    let size = options.max_buffer_size.clone().unwrap_or_else(|| parse_quote!(#MAX_BUFFER_SIZE));
    let make = quote! {
        || #core::accumulator::Batch::<#event, #boundary, _>::new(#interval, #size, |events: &[#event]| #reply)
    };
    Ok(Made { boundary: boundary.clone(), decl: declared(core, "Batch", make), event })
}

fn state(core: &TokenStream, options: &Options, function: &Function) -> syn::Result<Made> {
    function.refuse_async("a state accumulator's function runs in place; make it a plain fn")?;
    let param = event_param(function.only_param("the function takes the event, as `T` or `&T`")?)?;
    let Some(capacity) = &options.window_capacity else {
        return Err(missing(function, "capacity = 10"));
    };
    let argument = taken(param);
    let (name, event, value) = (function.name(), &param.ty, &function.returned.value);
    let reply = function.converted(core, quote!(#name(#argument)));
    let make = quote! {
        || #core::accumulator::StateWindow::<#event, #value, _>::new(
            #capacity,
            ::std::vec::Vec::new(),
            |event: &#event| #reply,
        )
    };
    let boundary = parse_quote!(::std::vec::Vec<#value>);
    Ok(Made { event: event.clone(), boundary, decl: declared(core, "State", make) })
}

fn window(core: &TokenStream, options: &Options, function: &Function) -> syn::Result<Made> {
    function.refuse_async("a window accumulator's function runs in place; make it a plain fn")?;
    let (events, arguments): (&Param, fn(TokenStream) -> TokenStream) = match function.params.as_slice() {
        [events] => (events, |events| events),
        [_, events] => (events, |events| quote!(span, #events)),
        _ => {
            let message = "the function takes a pane, as `(events: &[E])` or `(span: Span, events: &[E])`";
            return Err(syn::Error::new(function.name().span(), message));
        }
    };
    let event = events.events()?;
    let Some(time) = &options.time else {
        return Err(missing(function, "time = |event: &E| …"));
    };
    let shape = shape(core, options, function)?;
    let lateness = options.lateness.map_or_else(|| quote!(::std::time::Duration::ZERO), Millis::tokens);
    let pane = if events.by_reference { quote!(events) } else { quote!(<[_]>::to_vec(events)) };
    let arguments = arguments(pane);
    let (name, boundary) = (function.name(), &function.returned.value);
    let reply = function.converted(core, quote!(#name(#arguments)));
    let make = quote! {
        || #core::accumulator::Window::<#event, #boundary, _, _>::new(
            #shape,
            #lateness,
            #time,
            |span: #core::accumulator::Span, events: &[#event]| {
                let _ = &span;
                #reply
            },
        )
    };
    Ok(Made { boundary: boundary.clone(), decl: declared(core, "Window", make), event })
}

fn shape(core: &TokenStream, options: &Options, function: &Function) -> syn::Result<TokenStream> {
    let shape = quote!(#core::accumulator::WindowShape);
    let duration = Millis::tokens;
    match (options.tumbling, options.sliding, options.session, options.slide) {
        (Some(size), None, None, None) => {
            let size = duration(size);
            Ok(quote!(#shape::Tumbling { size: #size }))
        }
        (None, Some(size), None, Some(slide)) => {
            if slide.millis > size.millis {
                let message = "panes further apart than they are long would lose what falls between; slide by at most the length";
                return Err(syn::Error::new(slide.span, message));
            }
            let (size, slide) = (duration(size), duration(slide));
            Ok(quote!(#shape::Sliding { size: #size, slide: #slide }))
        }
        (None, None, Some(gap), None) => {
            let gap = duration(gap);
            Ok(quote!(#shape::Session { gap: #gap }))
        }
        (None, Some(size), None, None) => Err(syn::Error::new(
            size.span,
            "a sliding window also needs `slide = \"10m\"`, the distance of its panes",
        )),
        (None, None, None, _) => Err(missing(
            function,
            "tumbling = \"1h\"`, `sliding = \"1h\", slide = \"10m\"` or `session = \"30s\"",
        )),
        (None, None, Some(_), Some(extra)) | (Some(_), None, None, Some(extra)) => {
            Err(syn::Error::new(extra.span, "`slide` belongs to `sliding` alone"))
        }
        (_, Some(extra), ..) | (_, _, Some(extra), _) => {
            Err(syn::Error::new(extra.span, "a window has one shape: `tumbling`, `sliding` or `session`"))
        }
    }
}

fn missing(function: &Function, what: &str) -> syn::Error {
    syn::Error::new(function.name().span(), format!("the accumulator's attribute lacks `{what}`"))
}

fn optional(duration: Option<Millis>) -> TokenStream {
    match duration {
        Some(duration) => {
            let duration = duration.tokens();
            quote!(::std::option::Option::Some(#duration))
        }
        None => quote!(::std::option::Option::None),
    }
}
