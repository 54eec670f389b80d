//! Which edge fills which parameter.
//!
//! A node's parameters are its sources, then what its in-edges bring, in declared order. Edges that lie
//! under different variants of one node exclude each other; they may share their parameters.

use super::ir::{Brings, Fill, Group};
use super::node::Param;
use std::collections::{BTreeMap, BTreeSet};
use syn::{Ident, Index, Member};

/// What must have happened for a node to run: for some routing nodes, the variants that lead there.
/// A routing node that is not named does not matter.
#[derive(Clone, Default)]
pub(crate) struct Condition(BTreeMap<usize, BTreeSet<String>>);

impl Condition {
    /// Both hold.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        for (router, variants) in &other.0 {
            match self.0.get_mut(router) {
                Some(own) => own.retain(|variant| variants.contains(variant)),
                None => {
                    self.0.insert(*router, variants.clone());
                }
            }
        }
        self
    }

    /// One of them holds.
    pub(crate) fn or(mut self, other: &Self) -> Self {
        self.0.retain(|router, _| other.0.contains_key(router));
        for (router, variants) in &mut self.0 {
            variants.extend(other.0.get(router).into_iter().flatten().cloned());
        }
        self
    }

    /// It holds, and `router` took `variant`.
    pub(crate) fn taking(self, router: usize, variant: &Ident) -> Self {
        let taken = BTreeMap::from([(router, BTreeSet::from([variant.to_string()]))]);
        self.and(&Self(taken))
    }

    /// Whether it can never hold.
    pub(crate) fn is_never(&self) -> bool {
        self.0.values().any(BTreeSet::is_empty)
    }

    /// Whether the two never hold at once.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        self.clone().and(other).is_never()
    }
}

/// What an edge has to offer, before the parameters are looked at.
pub(crate) enum Supply {
    /// The upstream node's output.
    Whole,
    /// A unit variant: nothing.
    Unit,
    /// So many fields by position.
    Positional(usize),
    /// Fields by name.
    Named(Vec<String>),
    /// A variant that the macro cannot see: as many fields as the parameters ask for.
    Open,
}

/// Groups of edges (`members` by position in `supplies`) that fill `params` exactly, if there is a way.
pub(crate) fn fit(
    groups: &[Vec<usize>],
    edges: &[usize],
    supplies: &[Supply],
    params: &[Param],
) -> Option<Vec<Group>> {
    let open =
        groups.iter().filter(|group| group.iter().all(|at| matches!(supplies[*at], Supply::Open))).count();
    let widths = match open {
        0 => 0..=0,
        1 => 0..=params.len(),
        // Who could tell which of several unseen variants has two fields?
        _ => 0..=1,
    };
    widths.into_iter().find_map(|width| fit_with(groups, edges, supplies, params, width))
}

fn fit_with(
    groups: &[Vec<usize>],
    edges: &[usize],
    supplies: &[Supply],
    params: &[Param],
    open_width: usize,
) -> Option<Vec<Group>> {
    let mut at = 0;
    let mut filled = Vec::new();
    for group in groups {
        let rest = params.get(at..)?;
        let widths: Vec<Option<usize>> = group.iter().map(|member| width(&supplies[*member], rest)).collect();
        let arity = widths.iter().flatten().max().copied().unwrap_or(open_width);
        if widths.iter().flatten().any(|width| *width != 0 && *width != arity) || rest.len() < arity {
            return None;
        }
        let taken = &rest[..arity];
        let members: Vec<Fill> = group
            .iter()
            .map(|member| Fill { edge: edges[*member], brings: brings(&supplies[*member], taken) })
            .collect();
        let span = taken.first().map_or_else(proc_macro2::Span::call_site, |param| param.span);
        let required = arity == 0 || taken.iter().any(|param| !param.optional);
        filled.push(Group { members, arity, required, span });
        at += arity;
    }
    (at == params.len()).then_some(filled)
}

/// How many of `params` an edge fills; `None` if it follows the others.
fn width(supply: &Supply, params: &[Param]) -> Option<usize> {
    match supply {
        Supply::Whole => Some(1),
        Supply::Unit => Some(0),
        Supply::Positional(fields) => Some(*fields),
        Supply::Named(fields) => Some(run(fields, params)),
        Supply::Open => None,
    }
}

/// How many of the first `params` are named after fields.
fn run(fields: &[String], params: &[Param]) -> usize {
    let mut seen: Vec<&str> = Vec::new();
    for param in params {
        match field_name(param) {
            Some(name) if fields.iter().any(|field| field == name) && !seen.contains(&name) => {
                seen.push(name)
            }
            _ => break,
        }
    }
    seen.len()
}

/// The field that a parameter is named after; an underscore says that it is not used.
fn field_name(param: &Param) -> Option<&str> {
    param.name.as_deref().map(|name| name.trim_start_matches('_'))
}

fn brings(supply: &Supply, params: &[Param]) -> Brings {
    match supply {
        Supply::Whole => Brings::Whole,
        Supply::Unit => Brings::Fields(Vec::new()),
        Supply::Positional(_) | Supply::Open => {
            Brings::Fields((0..params.len()).map(|field| Member::Unnamed(Index::from(field))).collect())
        }
        Supply::Named(fields) => {
            if run(fields, params) == 0 {
                return Brings::Fields(Vec::new());
            }
            let members = params.iter().filter_map(|param| {
                let name = field_name(param)?;
                Some(Member::Named(Ident::new(name, param.span)))
            });
            Brings::Fields(members.collect())
        }
    }
}

/// Put edges that exclude each other together, first come first served.
pub(crate) fn merged(conditions: &[Condition]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, condition) in conditions.iter().enumerate() {
        let fits = |group: &&mut Vec<usize>| group.iter().all(|other| conditions[*other].excludes(condition));
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}
