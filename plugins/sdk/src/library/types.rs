//! The types that cross: listed once, referred to by position, and read and written as JSON.

use super::AuthorPackage;
use crate::Package;
use acequia_abi::declaration::TypeDeclaration;
use acequia_abi::{Fault, ValueForm};
use acequia_core::column::AnyColumn;
use acequia_core::fault::Failure;
use acequia_core::payload::PayloadType;
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Types of a package, each with a column of it.
#[derive(Default)]
pub(super) struct Types(Vec<(PayloadType, Column)>);

/// A column is `Send` but not `Sync`; values are copied from a fresh one each.
type Column = Mutex<Box<dyn AnyColumn>>;

impl Types {
    /// Those that a package's declarations name.
    pub(super) fn collect(package: &Package) -> Self {
        let mut types = Self::default();
        for decl in package.reactors().iter().flat_map(|reactor| &reactor.accumulators) {
            types.add(decl.event, || decl.event_column());
            types.add(decl.boundary, || decl.boundary_column());
        }
        for graph in package.graphs() {
            for input in graph.inputs.iter() {
                types.add(input.payload, || input.column());
            }
            for terminal in graph.terminals.iter() {
                types.add(terminal.payload, || terminal.column());
            }
        }
        types
    }

    fn add(&mut self, payload: PayloadType, column: impl FnOnce() -> Box<dyn AnyColumn>) {
        if self.position(payload).is_none() {
            self.0.push((payload, Mutex::new(column())));
        }
    }

    /// Where a type stands. Types of one schema are one type to the other side.
    pub(super) fn position(&self, payload: PayloadType) -> Option<usize> {
        self.0.iter().position(|(known, _)| known.schema_hash() == payload.schema_hash())
    }

    /// The types as data.
    pub(super) fn declared(&self) -> Vec<TypeDeclaration> {
        let declared = |payload: &PayloadType| TypeDeclaration {
            name: payload.name().to_owned(),
            hash: payload.schema_hash().to_string(),
            schema: payload.schema_text().to_owned(),
        };
        self.0.iter().map(|(payload, _)| declared(payload)).collect()
    }

    /// Turn one value into another form.
    pub(super) fn value(
        &self,
        index: usize,
        form: ValueForm,
        bytes: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let (_, column) = self.0.get(index).ok_or_else(|| super::absent("type", index))?;
        let mut column = column.lock().unwrap_or_else(PoisonError::into_inner).fresh();
        match form {
            ValueForm::ToJson => {
                column.push_encoded(bytes).map_err(Fault::error)?;
                serde_json::to_writer(reply, &column.json(0)).map_err(Fault::error)
            }
            ValueForm::FromJson => {
                column.push_json(bytes).map_err(|error| Fault::error(Failure::chain(error)))?;
                column.encode(0, reply).map_err(Fault::error)
            }
        }
    }
}

/// The types of the package `P`, collected once.
pub(super) fn of<P: AuthorPackage>() -> Arc<Types> {
    type Known = Mutex<HashMap<TypeId, Arc<Types>>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let known = || KNOWN.get_or_init(Known::default).lock().unwrap_or_else(PoisonError::into_inner);
    let id = TypeId::of::<P>();
    if let Some(types) = known().get(&id) {
        return Arc::clone(types);
    }
    // Collected outside the lock: it runs the author's code.
    let types = Arc::new(Types::collect(&P::package()));
    Arc::clone(known().entry(id).or_insert(types))
}
