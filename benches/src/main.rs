//! `acequia-benches [WORKLOAD…] [--json] [--quick]`: the table of bars, met or missed.

use std::process::ExitCode;

use acequia_benches::{Form, run};

fn main() -> ExitCode {
    run(Form::Asked)
}
