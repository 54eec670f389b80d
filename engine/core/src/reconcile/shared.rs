//! Tables that snapshots share.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A value that is cloned without copying it; it is copied by who changes it, if others have it as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}
