//! Waiting for a condition that no probe announces.

use std::time::Duration;

/// Looks that find nothing before [`eventually`] gives up; a millisecond each, of the test's clock.
const LOOKS: usize = 20_000;

/// Look until `condition` holds.
///
/// # Panics
/// If it does not hold after twenty seconds, with `what` was waited for.
#[allow(clippy::panic, reason = "a fixture reports by panicking")]
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for look in 0..LOOKS {
        if condition().await {
            return;
        }
        if look % 8 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await; // tidy: polling helper
        } else {
            tokio::task::yield_now().await;
        }
    }
    panic!("{what}: not so after {LOOKS} looks");
}
