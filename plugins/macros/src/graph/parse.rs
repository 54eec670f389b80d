//! From tokens to syntax: the two notations of a graph become the same lines.

use crate::suggest::did_you_mean;
use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Token, braced, bracketed, parenthesized, token};

/// A name as written: an identifier or a string.
#[derive(Clone)]
pub(crate) struct Name {
    /// The name.
    pub(crate) text: String,
    /// Where it stands.
    pub(crate) span: Span,
}

impl Name {
    /// It as an identifier at its place.
    ///
    /// # Errors
    /// If it is no Rust name.
    pub(crate) fn ident(&self) -> syn::Result<Ident> {
        let parsed: syn::Result<Ident> = syn::parse_str(&self.text);
        match parsed {
            Ok(mut ident) => {
                ident.set_span(self.span);
                Ok(ident)
            }
            Err(_) => Err(syn::Error::new(self.span, format!("`{}` is not a name of Rust", self.text))),
        }
    }
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            return Ok(Self { text: text.value(), span: text.span() });
        }
        match input.call(Ident::parse_any) {
            Ok(ident) => Ok(Self { text: ident.to_string(), span: ident.span() }),
            Err(error) => Err(syn::Error::new(error.span(), "expected a name")),
        }
    }
}

/// One branch of a routing node.
pub(crate) struct RouteLine {
    /// The variant that opens it.
    pub(crate) variant: Ident,
    /// Fields that the author named.
    pub(crate) fields: Option<Vec<Ident>>,
    /// Where it leads; nowhere, if the author says so.
    pub(crate) targets: Vec<Name>,
}

/// What one line says about one node.
pub(crate) struct Line {
    /// The node.
    pub(crate) node: Name,
    /// Its sources, if the line names any.
    pub(crate) sources: Vec<Name>,
    /// Nodes that its output goes to.
    pub(crate) next: Vec<Name>,
    /// Whether a block of branches begins here.
    pub(crate) router: bool,
    /// Branches, of a block that began here or before.
    pub(crate) routes: Vec<RouteLine>,
}

impl Line {
    fn bare(node: Name) -> Self {
        Self { node, sources: Vec::new(), next: Vec::new(), router: false, routes: Vec::new() }
    }
}

/// A graph as written.
pub(crate) struct Syntax {
    /// Whether every node has an entry of its own, as the object form demands.
    pub(crate) closed: bool,
    /// The lines in their order.
    pub(crate) lines: Vec<Line>,
}

impl Parse for Syntax {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let inside;
        let brace = braced!(inside in input);
        if inside.is_empty() {
            return Err(syn::Error::new(brace.span.join(), "a graph needs at least one node"));
        }
        let ahead = inside.fork();
        let closed = ahead.parse::<Name>().is_ok() && ahead.peek(Token![:]);
        let mut lines = Vec::new();
        while !inside.is_empty() {
            let block = if closed {
                lines.push(object_entry(&inside)?);
                true
            } else {
                arrow_line(&inside, &mut lines)?
            };
            if inside.peek(Token![,]) {
                inside.parse::<Token![,]>()?;
            } else if inside.peek(Token![;]) {
                inside.parse::<Token![;]>()?;
            } else if !inside.is_empty() && (closed || !block) {
                return Err(inside.error("expected `,` before the next node"));
            }
        }
        Ok(Self { closed, lines })
    }
}

/// `score: { inputs: ["raw"], next: "publish", routes: { Quote: "send" } }`.
fn object_entry(input: ParseStream<'_>) -> syn::Result<Line> {
    let mut line = Line::bare(input.parse()?);
    input.parse::<Token![:]>()?;
    let inside;
    braced!(inside in input);
    let mut seen: Vec<String> = Vec::new();
    while !inside.is_empty() {
        let key: Name = inside.parse()?;
        if seen.contains(&key.text) {
            return Err(syn::Error::new(key.span, format!("`{}` is given twice; use a list", key.text)));
        }
        inside.parse::<Token![:]>()?;
        match key.text.as_str() {
            "inputs" => line.sources = one_or_list(&inside)?,
            "next" => line.next = one_or_list(&inside)?,
            "routes" => {
                line.router = true;
                line.routes = object_routes(&inside)?;
            }
            other => {
                let near = did_you_mean(other, ["inputs", "next", "routes"]);
                let message = format!("unknown key `{other}`{near}; keys are `inputs`, `next` and `routes`");
                return Err(syn::Error::new(key.span, message));
            }
        }
        seen.push(key.text);
        if !inside.is_empty() {
            inside.parse::<Token![,]>()?;
        }
    }
    Ok(line)
}

fn one_or_list(input: ParseStream<'_>) -> syn::Result<Vec<Name>> {
    if input.peek(token::Bracket) {
        let inside;
        bracketed!(inside in input);
        return Ok(Punctuated::<Name, Token![,]>::parse_terminated(&inside)?.into_iter().collect());
    }
    Ok(vec![input.parse()?])
}

fn object_routes(input: ParseStream<'_>) -> syn::Result<Vec<RouteLine>> {
    let inside;
    braced!(inside in input);
    let mut routes = Vec::new();
    while !inside.is_empty() {
        let (variant, fields) = variant(&inside)?;
        inside.parse::<Token![:]>()?;
        routes.push(RouteLine { variant, fields, targets: one_or_list(&inside)? });
        if !inside.is_empty() {
            inside.parse::<Token![,]>()?;
        }
    }
    Ok(routes)
}

/// A variant with the fields that the author names, if any.
fn variant(input: ParseStream<'_>) -> syn::Result<(Ident, Option<Vec<Ident>>)> {
    let variant = input.parse::<Name>()?.ident()?;
    if !input.peek(token::Brace) {
        return Ok((variant, None));
    }
    let inside;
    braced!(inside in input);
    let fields = Punctuated::<Ident, Token![,]>::parse_terminated(&inside)?;
    Ok((variant, Some(fields.into_iter().collect())))
}

/// `score(raw) -> publish -> out`, `a -> [b, c]`, `decide(book) => { Quote -> send }` or `single(raw)`.
/// True if the line ended with a block.
fn arrow_line(input: ParseStream<'_>, lines: &mut Vec<Line>) -> syn::Result<bool> {
    let head = head(input, lines)?;
    after_head(input, lines, head)
}

/// A node, with its sources in parentheses.
fn head(input: ParseStream<'_>, lines: &mut Vec<Line>) -> syn::Result<Name> {
    let node: Name = input.parse()?;
    let mut line = Line::bare(node.clone());
    if input.peek(token::Paren) {
        let inside;
        parenthesized!(inside in input);
        line.sources = Punctuated::<Name, Token![,]>::parse_terminated(&inside)?.into_iter().collect();
    }
    lines.push(line);
    Ok(node)
}

fn after_head(input: ParseStream<'_>, lines: &mut Vec<Line>, node: Name) -> syn::Result<bool> {
    if input.peek(Token![->]) {
        input.parse::<Token![->]>()?;
        return targets(input, lines, |next| Line { next, ..Line::bare(node) });
    }
    if input.peek(Token![=>]) {
        input.parse::<Token![=>]>()?;
        let inside;
        braced!(inside in input);
        lines.push(Line { router: true, ..Line::bare(node.clone()) });
        while !inside.is_empty() {
            let (variant, fields) = variant(&inside)?;
            inside.parse::<Token![->]>()?;
            targets(&inside, lines, |targets| Line {
                routes: vec![RouteLine { variant, fields, targets }],
                ..Line::bare(node.clone())
            })?;
            if !inside.is_empty() {
                inside.parse::<Token![,]>()?;
            }
        }
        return Ok(true);
    }
    if input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) {
        return Ok(false);
    }
    Err(input.error("expected `->`, `=> { Variant -> node, … }` or `,`"))
}

/// What stands after an arrow: a list, or one node that may go on with arrows of its own. `line` makes
/// the line that leads there; it comes before those that lead on, so that edges keep their order.
fn targets(
    input: ParseStream<'_>,
    lines: &mut Vec<Line>,
    line: impl FnOnce(Vec<Name>) -> Line,
) -> syn::Result<bool> {
    if input.peek(token::Bracket) {
        lines.push(line(one_or_list(input)?));
        return Ok(false);
    }
    let target = head(input, lines)?;
    lines.push(line(vec![target.clone()]));
    after_head(input, lines, target)
}
