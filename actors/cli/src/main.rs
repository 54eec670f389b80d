//! The program `acequia`.

use acequia_cli::Console;
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    acequia_cli::run(std::env::args_os(), &mut Console::new(&mut out, &mut err)).into()
}
