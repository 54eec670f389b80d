//! Computation graphs at a reactor.

mod async_nodes;
mod deadline;
mod invoked;
mod services;
mod shapes;
mod siblings;
