//! Fixtures that the integration tests share.
//!
//! A fixture lives here once two themes of `it` need it; until then it stays beside its test.
