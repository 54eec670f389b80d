//! The same program on a counting allocator; the main program asks it for allocations per event.

use std::alloc::System;
use std::process::ExitCode;

use acequia_benches::{COUNTED, Form, run};
use stats_alloc::StatsAlloc;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = COUNTED;

fn main() -> ExitCode {
    run(Form::Asked)
}
