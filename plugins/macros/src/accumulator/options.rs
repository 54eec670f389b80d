//! Options of the accumulator attributes: those of all kinds, and those of one.

use super::KindOf;
use crate::args::{Millis, budget, parse_count, parse_keys, parse_name, parse_overflow};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Expr, Ident, LitStr, Type};

/// Options as written.
#[derive(Default)]
pub(crate) struct Options {
    /// A name other than the function's.
    pub(crate) name: Option<LitStr>,
    ring_capacity: Option<Expr>,
    overflow: Option<Ident>,
    attempts: Option<Expr>,
    /// Expression of a source.
    pub(crate) source: Option<Expr>,
    /// Type of a stream's state.
    pub(crate) state: Option<Type>,
    /// Function from an older version's state to this one's.
    pub(crate) migrate: Option<Expr>,
    /// Time between two polls.
    pub(crate) interval: Option<Millis>,
    /// The oldest that a batch becomes.
    pub(crate) flush_interval: Option<Millis>,
    /// The largest that a batch becomes.
    pub(crate) max_buffer_size: Option<Expr>,
    /// Length of a state window.
    pub(crate) window_capacity: Option<Expr>,
    /// Length of side-by-side panes.
    pub(crate) tumbling: Option<Millis>,
    /// Length of overlapping panes.
    pub(crate) sliding: Option<Millis>,
    /// Distance of overlapping panes.
    pub(crate) slide: Option<Millis>,
    /// Silence that ends a session.
    pub(crate) session: Option<Millis>,
    /// An event's time.
    pub(crate) time: Option<Expr>,
    /// Allowed lateness.
    pub(crate) lateness: Option<Millis>,
}

impl Options {
    /// Parse the attribute's arguments.
    ///
    /// # Errors
    /// At the first token that is wrong.
    pub(crate) fn parse(kind: KindOf, tokens: TokenStream) -> syn::Result<Self> {
        let known: Vec<&str> =
            ["name", "overflow", "attempts"].into_iter().chain(own_keys(kind).iter().copied()).collect();
        let mut options = Self::default();
        let parser = |input: ParseStream<'_>| {
            parse_keys(input, &known, &[], |key, input| options.set(kind, &key.to_string(), input))
        };
        parser.parse2(tokens)?;
        Ok(options)
    }

    fn set(&mut self, kind: KindOf, key: &str, input: ParseStream<'_>) -> syn::Result<()> {
        match key {
            "name" => self.name = Some(parse_name(input)?),
            "overflow" => self.overflow = Some(parse_overflow(input)?),
            "attempts" => self.attempts = Some(parse_count(input, 1)?),
            "capacity" if matches!(kind, KindOf::State) => {
                self.window_capacity = Some(parse_count(input, -1)?)
            }
            "capacity" | "ring_capacity" => self.ring_capacity = Some(parse_count(input, 1)?),
            "source" => self.source = Some(input.parse()?),
            "state" => self.state = Some(input.parse()?),
            "migrate" => self.migrate = Some(input.parse()?),
            "interval" => self.interval = Some(Millis::parse_positive(input)?),
            "flush_interval" => self.flush_interval = Some(Millis::parse_positive(input)?),
            "max_buffer_size" => self.max_buffer_size = Some(parse_count(input, 1)?),
            "tumbling" => self.tumbling = Some(Millis::parse_positive(input)?),
            "sliding" => self.sliding = Some(Millis::parse_positive(input)?),
            "slide" => self.slide = Some(Millis::parse_positive(input)?),
            "session" => self.session = Some(Millis::parse_positive(input)?),
            "time" => self.time = Some(input.parse()?),
            "lateness" => self.lateness = Some(Millis::parse(input)?),
            other => return Err(input.error(format!("`{other}` has no meaning here"))),
        }
        Ok(())
    }

    /// Builder calls for what was said about ring, overflow, attempts, source and migration.
    pub(crate) fn calls(&self, core: &TokenStream) -> TokenStream {
        let capacity = self.ring_capacity.as_ref().map(|room| quote_spanned!(room.span()=> .capacity(#room)));
        let overflow = self.overflow.as_ref().map(|policy| quote!(.overflow(#core::Overflow::#policy)));
        let attempts = self.attempts.as_ref().map(|attempts| {
            let budget = budget(core, attempts);
            quote!(.budget(#budget))
        });
        let source = self.source.as_ref().map(|source| match source {
            // A declaration holds closures and can be no constant: a bare path is a function's.
            Expr::Path(path) => quote_spanned!(source.span()=> .source(#path())),
            other => quote_spanned!(source.span()=> .source(#other)),
        });
        let migrate =
            self.migrate.as_ref().map(|migrate| quote_spanned!(migrate.span()=> .migrate(#migrate)));
        quote!(#capacity #overflow #attempts #source #migrate)
    }
}

/// Keys of one kind, in the order in which messages list them.
fn own_keys(kind: KindOf) -> &'static [&'static str] {
    match kind {
        KindOf::Passthrough => &["capacity"],
        KindOf::Stream => &["capacity", "source", "state", "migrate"],
        KindOf::Polling => &["capacity", "interval"],
        KindOf::Batch => &["capacity", "flush_interval", "max_buffer_size"],
        KindOf::State => &["capacity", "ring_capacity"],
        KindOf::Window => &["capacity", "tumbling", "sliding", "slide", "session", "time", "lateness"],
    }
}
