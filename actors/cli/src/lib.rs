//! The command line of Acequia, as a library: the program `acequia` only hands over its arguments.
//!
//! Every command can answer as a table for people or, with `--json`, as one object for machines. How it
//! went is in the exit code ([`Exit`]). Files are judged by `acequia-host`; nothing is decided twice.

mod answer;
mod args;
mod console;
mod error;
mod exit;
pub mod package;
mod progress;
mod replay;
pub mod store;
mod why;

pub use console::Console;
pub use error::CommandError;
pub use exit::Exit;
pub use package::Look;
pub use package::declared::{self, Declared, Loader};

use args::Command;
use clap::Parser as _;
use serde_json::json;
use std::ffi::OsString;

/// Run one command line, the program's name first. Libraries are looked into: their declarations are read.
pub fn run(args: impl IntoIterator<Item = OsString>, console: &mut Console<'_>) -> Exit {
    match Look::new() {
        Ok(look) => run_with(args, console, Some(&look)),
        Err(error) => {
            console.complain(&format!(
                "error: no folder to map libraries from: {}; set TMPDIR",
                error::whole(&*error)
            ));
            Exit::Failed
        }
    }
}

/// The same, with something else that reads the declarations of libraries, or nothing.
pub fn run_with(
    args: impl IntoIterator<Item = OsString>,
    console: &mut Console<'_>,
    loader: Option<&dyn Loader>,
) -> Exit {
    let args = match args::Args::try_parse_from(args) {
        Ok(args) => args,
        Err(refusal) if refusal.use_stderr() => {
            console.complain(&refusal.render().to_string());
            return Exit::Usage;
        }
        Err(help) => {
            console.say(help.render().to_string().trim_end());
            return Exit::Done;
        }
    };
    let is_json = args.json;
    let answered = match args.command {
        Command::Package(command) => package::run(command, console, loader),
        Command::Store(command) => store::run(&command, console),
        Command::Replay(command) => replay::run(command),
        Command::Why(command) => why::run(&command),
    };
    match answered {
        Ok(answer) => {
            match is_json {
                true if !answer.json.is_null() => console.say(&answer.json.to_string()),
                false if !answer.text.is_empty() => console.say(answer.text.trim_end()),
                _ => {}
            }
            answer.exit
        }
        Err(error) => {
            let exit = error.exit();
            match is_json {
                true => console.say(
                    &json!({ "ok": false, "exit": exit.code(), "error": error::whole(&error) }).to_string(),
                ),
                false => console.complain(&format!("error: {}", error::whole(&error))),
            }
            exit
        }
    }
}
