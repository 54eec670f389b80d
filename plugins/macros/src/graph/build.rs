//! From shape and functions to the checked form.

use super::bind::{Condition, Supply, fit, merged};
use super::ir::{Graph, Group, Node, Source};
use super::node::{Contents, NodeFn, Param, combine};
use super::shape::{Edge, Shape};
use crate::suggest::{did_you_mean, listed, nearest};
use crate::types::{strip, type_span};
use proc_macro2::Span;
use std::collections::BTreeSet;
use syn::{Error, Fields, Path, PathArguments, Type};

/// The most terminals that a graph can have.
const MAX_TERMINALS: usize = 12;

/// Check `shape` against the module's `contents`.
///
/// # Errors
/// Missing and orphan functions, branches that lead nowhere, parameters that nothing fills.
pub(crate) fn build(shape: Shape, mut contents: Contents) -> syn::Result<Graph> {
    let functions = assign(&shape, &mut contents)?;
    let mut builder =
        Builder { conditions: Vec::new(), nodes: Vec::new(), shape: &shape, contents: &contents };
    builder.conditions.resize_with(shape.spots.len(), Condition::default);
    for (spot, function) in shape.spots.iter().zip(functions) {
        builder.nodes.push(Node {
            name: spot.name.clone(),
            sources: spot.sources.iter().map(|(source, _)| *source).collect(),
            groups: Vec::new(),
            terminal: spot.outbound.is_empty(),
            fallible_above: BTreeSet::new(),
            above: BTreeSet::new(),
            excluded: BTreeSet::new(),
            routing: None,
            function,
        });
    }
    let mut errors = None;
    for node in &shape.order {
        if let Err(error) = builder.route(*node).and_then(|()| builder.bind(*node)) {
            combine(&mut errors, error);
        }
    }
    if let Some(extra) = builder.nodes.iter().filter(|node| node.terminal).nth(MAX_TERMINALS) {
        let message = format!("a graph has at most {MAX_TERMINALS} terminals; join some, or split the graph");
        combine(&mut errors, Error::new(extra.name.span(), message));
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    let nodes = builder.nodes;
    let sources = sources(&shape, &nodes)?;
    Ok(Graph { sources, nodes, edges: shape.edges, order: shape.order })
}

/// One function per node, and one node per function.
fn assign(shape: &Shape, contents: &mut Contents) -> syn::Result<Vec<NodeFn>> {
    let mut errors = None;
    let mut suspected: Vec<String> = Vec::new();
    let mut assigned = Vec::new();
    for spot in &shape.spots {
        match contents.functions.iter().position(|(name, _)| *name == spot.name) {
            Some(at) => match contents.functions.remove(at).1 {
                Ok(function) => assigned.push(function),
                Err(error) => combine(&mut errors, error),
            },
            None => {
                let name = spot.name.to_string();
                let free: Vec<String> = contents.functions.iter().map(|(name, _)| name.to_string()).collect();
                let near = nearest(&name, free.iter().map(String::as_str));
                suspected.extend(near.map(str::to_owned));
                let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
                let message =
                    format!("node `{name}` has no function in this module{near}; nodes are its functions");
                combine(&mut errors, Error::new(spot.name.span(), message));
            }
        }
    }
    for (orphan, _) in &contents.functions {
        let name = orphan.to_string();
        // It has been named already as what the author may have meant.
        if !suspected.contains(&name) {
            let message = format!(
                "`{name}` is no node of the graph; add it to `graph = {{ … }}`, or move it out of the module (a nested `mod` will do)"
            );
            combine(&mut errors, Error::new(orphan.span(), message));
        }
    }
    errors.map_or(Ok(assigned), Err)
}

struct Builder<'s> {
    shape: &'s Shape,
    contents: &'s Contents,
    nodes: Vec<Node>,
    conditions: Vec<Condition>,
}

impl Builder<'_> {
    /// Check a routing node's variants against its enum.
    fn route(&mut self, at: usize) -> syn::Result<()> {
        let spot = &self.shape.spots[at];
        if spot.variants.is_empty() {
            return Ok(());
        }
        let output = &self.nodes[at].function.output;
        let Type::Path(path) = strip(output) else {
            let message =
                format!("`{}` routes, so its function returns an enum with these variants", spot.name);
            return Err(Error::new(type_span(output), message));
        };
        let path = bare(&path.path);
        if let Some(local) = self.contents.local_enum(&path) {
            let names: Vec<String> = local.variants.iter().map(|(name, _)| name.to_string()).collect();
            for variant in &spot.variants {
                let text = variant.to_string();
                if !names.contains(&text) {
                    let near = did_you_mean(&text, names.iter().map(String::as_str));
                    let all = listed(&names);
                    let message =
                        format!("`{}` returns no variant `{text}`{near}; variants are {all}", spot.name);
                    return Err(Error::new(variant.span(), message));
                }
            }
            let missing: Vec<&String> = names
                .iter()
                .filter(|name| spot.variants.iter().all(|variant| variant != name.as_str()))
                .collect();
            if let Some(first) = missing.first() {
                let message = format!(
                    "`{}` does not route {}; give each a node, or write `{first} -> []` to end there",
                    spot.name,
                    listed(&missing)
                );
                return Err(Error::new(spot.name.span(), message));
            }
        }
        self.nodes[at].routing = Some(path);
        Ok(())
    }

    /// Fill a node's parameters.
    fn bind(&mut self, at: usize) -> syn::Result<()> {
        let spot = &self.shape.spots[at];
        let edges: Vec<&Edge> = spot.inbound.iter().map(|edge| &self.shape.edges[*edge]).collect();
        let conditions: Vec<Condition> = edges
            .iter()
            .map(|edge| {
                let condition = self.conditions[edge.from].clone();
                edge.route
                    .iter()
                    .fold(condition, |condition, route| condition.taking(edge.from, &route.variant))
            })
            .collect();
        let supplies: Vec<Supply> = edges.iter().map(|edge| self.supply(edge)).collect();
        let params = &self.nodes[at].function.params;
        let upstream = params.get(spot.sources.len()..).ok_or_else(|| self.mismatch(at, &supplies))?;
        let together = merged(&conditions);
        let apart: Vec<Vec<usize>> = (0..edges.len()).map(|edge| vec![edge]).collect();
        let (mut groups, members) = [together, apart]
            .into_iter()
            .find_map(|members| Some((fit(&members, &spot.inbound, &supplies, upstream)?, members)))
            .ok_or_else(|| self.mismatch(at, &supplies))?;
        for (group, members) in groups.iter_mut().zip(&members) {
            group.span = members.first().map_or_else(Span::call_site, |first| edges[*first].span);
        }
        self.check_markers(&groups, upstream)?;
        let condition = condition(&groups, &members, &conditions);
        if condition.is_never() {
            return Err(self.never(at, &edges));
        }
        for edge in &edges {
            let from = &self.nodes[edge.from];
            let (mut above, mut fallible) = (from.above.clone(), from.fallible_above.clone());
            above.insert(edge.from);
            if from.function.fallible {
                fallible.insert(edge.from);
            }
            self.nodes[at].above.extend(above);
            self.nodes[at].fallible_above.extend(fallible);
        }
        let excluded = (0..self.nodes.len()).filter(|other| self.conditions[*other].excludes(&condition));
        self.nodes[at].excluded = excluded.collect();
        self.conditions[at] = condition;
        self.nodes[at].groups = groups;
        Ok(())
    }

    fn supply(&self, edge: &Edge) -> Supply {
        let Some(route) = &edge.route else { return Supply::Whole };
        if let Some(fields) = &route.fields {
            return Supply::Named(fields.iter().map(ToString::to_string).collect());
        }
        let local = self.nodes[edge.from].routing.as_ref().and_then(|path| self.contents.local_enum(path));
        let variant = local.and_then(|local| local.variants.iter().find(|(name, _)| *name == route.variant));
        match variant {
            None => Supply::Open,
            Some((_, Fields::Unit)) => Supply::Unit,
            Some((_, Fields::Unnamed(fields))) => Supply::Positional(fields.unnamed.len()),
            Some((_, Fields::Named(fields))) => Supply::Named(
                fields.named.iter().filter_map(|field| Some(field.ident.as_ref()?.to_string())).collect(),
            ),
        }
    }

    /// A group in which some branch brings no value must have optional parameters.
    fn check_markers(&self, groups: &[Group], params: &[Param]) -> syn::Result<()> {
        let mut at = 0;
        for group in groups {
            let taken = &params[at..at + group.arity];
            at += group.arity;
            let marker = if group.arity == 0 { None } else { group.markers().next() };
            let (Some(marker), Some(param)) = (marker, taken.iter().find(|param| !param.optional)) else {
                continue;
            };
            let edge = &self.shape.edges[marker.edge];
            let variant = edge.route.as_ref().map_or_else(String::new, |route| route.variant.to_string());
            let message = format!(
                "branch `{variant}` leads here without a value for this parameter; take `Option<&_>`"
            );
            return Err(Error::new(param.span, message));
        }
        Ok(())
    }

    fn mismatch(&self, at: usize, supplies: &[Supply]) -> Error {
        let (spot, function) = (&self.shape.spots[at], &self.nodes[at].function);
        let mut expected: Vec<String> = spot
            .sources
            .iter()
            .map(|(source, _)| format!("source {}", self.shape.sources[*source].text))
            .collect();
        for (edge, supply) in spot.inbound.iter().zip(supplies) {
            let edge = &self.shape.edges[*edge];
            let from = &self.shape.spots[edge.from].name;
            let variant =
                edge.route.as_ref().map_or_else(String::new, |route| format!("::{}", route.variant));
            expected.push(match supply {
                Supply::Whole => format!("{from}"),
                Supply::Unit => format!("{from}{variant} (no value)"),
                Supply::Positional(n) => format!("{from}{variant} (values by position: {n})"),
                Supply::Named(fields) => format!("{from}{variant} (by name: {})", fields.join(", ")),
                Supply::Open => format!("{from}{variant} (its fields)"),
            });
        }
        let from = if expected.is_empty() { "nothing".to_owned() } else { expected.join(", ") };
        let n = function.params.len();
        let parameters = if n == 1 { "parameter, which does" } else { "parameters, which do" };
        let message = format!(
            "`{}` takes {n} {parameters} not match what leads to it, in this order: {from}",
            function.name
        );
        Error::new(function.name.span(), message)
    }

    fn never(&self, at: usize, edges: &[&Edge]) -> Error {
        let function = &self.nodes[at].function;
        let names = listed(edges.iter().map(|edge| self.shape.spots[edge.from].name.to_string()));
        let message = format!(
            "`{}` could never run: it waits for {names}, which lie on branches that exclude each other; take `Option<&_>` for each, or one parameter for all",
            function.name
        );
        Error::new(function.name.span(), message)
    }
}

/// When a node runs: all that it requires, or if it requires nothing, any of its in-edges.
fn condition(groups: &[Group], members: &[Vec<usize>], edges: &[Condition]) -> Condition {
    let any = |members: &Vec<usize>| members.iter().map(|at| edges[*at].clone()).reduce(|a, b| a.or(&b));
    let of = |required: bool| {
        let chosen = groups.iter().zip(members).filter(move |(group, _)| group.required == required);
        chosen.filter_map(|(_, members)| any(members))
    };
    let required = of(true).reduce(|a, b| a.and(&b));
    required.or_else(|| of(false).reduce(|a, b| a.or(&b))).unwrap_or_default()
}

/// Types and presence of the sources, from their readers.
fn sources(shape: &Shape, nodes: &[Node]) -> syn::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for (index, name) in shape.sources.iter().enumerate() {
        let readers: Vec<&Param> = nodes
            .iter()
            .filter_map(|node| {
                node.function.params.get(node.sources.iter().position(|source| *source == index)?)
            })
            .collect();
        let Some(first) = readers.first() else {
            return Err(Error::new(name.span, format!("no node reads source `{}`", name.text)));
        };
        let required = readers.iter().any(|param| !param.optional);
        sources.push(Source { name: name.clone(), ty: first.ty.clone(), required });
    }
    Ok(sources)
}

/// A path without generic arguments, as patterns want it.
fn bare(path: &Path) -> Path {
    let mut path = path.clone();
    for segment in &mut path.segments {
        segment.arguments = PathArguments::None;
    }
    path
}
