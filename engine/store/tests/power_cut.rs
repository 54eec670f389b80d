//! The power goes, on a real file system: ext4 on a loop device, shut down at once and without its own journal,
//! mounted again. Caches of a drive are not modelled.
//!
//! A few cuts by default; the long form is
//!
//! ```text
//! ACEQUIA_CUTS=200 cargo test -p acequia-store --test power_cut -- --nocapture
//! ```
//!
//! It takes the right to mount, `mkfs.ext4` and `perl`. Elsewhere each test says on stderr that it was skipped, and
//! why; with `ACEQUIA_CUTS_DEMANDED=1` that is a failure.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "these are tests"
)]

mod power_cut {
    mod mounted;

    mod control;
    mod journal;
    mod state;
}
