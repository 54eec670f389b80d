//! Time of the engine that runs the code.

use std::time::Duration;

/// Wait for `duration` of the engine's time. Works in process and in a library, where a timer of the
/// author's own runtime would find no runtime to run on.
///
/// ```
/// use acequia_sdk::time::sleep;
/// use std::time::Duration;
///
/// async fn lookup(key: u64) -> u64 {
///     sleep(Duration::from_millis(5)).await;
///     key + 1
/// }
/// # let _ = lookup(1);
/// ```
pub async fn sleep(duration: Duration) {
    let slept = crate::services::current().sleep(duration);
    slept.await;
}
