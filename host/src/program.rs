//! The program: from its arguments to an exit status. Words are `cli`'s, effects are `commands`'.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cli::{self, Command, Line, Parsed, PluginCommand, SandboxCommand, Scan};
use crate::commands::{self, Context};
use crate::error::{Result, usage};
use crate::kinds::Catalog;
use crate::output::{stderr, stdout};

/// Runs the program on its own arguments.
pub fn run() -> ExitCode {
    let words: std::result::Result<Vec<String>, OsString> = std::env::args_os().map(OsString::into_string).collect();
    let outcome = words.map_err(|_| usage("an argument isn't UTF-8")).and_then(|words| {
        let scan = Scan::of(&words);
        stderr::speak_json(scan.json);
        let catalog = Catalog::new(scan.kinds_path.as_deref())?;
        match cli::parse(&words, &scan, &catalog)? {
            Parsed::Print(text) => stdout::settle(stdout::write(&text)).map(|()| ExitCode::SUCCESS),
            Parsed::Incomplete(help) => {
                stderr::help(&help);
                Ok(ExitCode::from(2))
            }
            Parsed::Do(line) => execute(&line, catalog),
        }
    });
    outcome.unwrap_or_else(|error| {
        stderr::error(&error);
        ExitCode::from(error.code.exit_status())
    })
}

fn execute(line: &Line, catalog: Catalog) -> Result<ExitCode> {
    let context = Context { globals: line.globals.clone(), catalog };
    match &line.command {
        Command::Credentials => {
            let (verb, kind, matches) = line.credentials();
            commands::credentials::run(&context, verb, kind, matches)
        }
        Command::Plugin { command: PluginCommand::List } => commands::plugin::list(&context),
        Command::Sandbox { command } => match command {
            SandboxCommand::Serve { port } => commands::sandbox::serve(&context, *port),
            SandboxCommand::Reset => commands::sandbox::reset(),
            SandboxCommand::Path => commands::sandbox::path(&context),
        },
    }
}
