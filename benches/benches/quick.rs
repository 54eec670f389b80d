//! `cargo bench`: the quick form of the main program.

use std::process::ExitCode;

use acequia_benches::{Form, run};

fn main() -> ExitCode {
    run(Form::Quick { counted: env!("CARGO_BIN_EXE_acequia-benches-counted") })
}
