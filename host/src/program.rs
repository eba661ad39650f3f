//! The program: from its arguments to an exit status. Words are `cli`'s, effects are `commands`'.

use std::ffi::OsString;
use std::process::ExitCode;

use carto_plugin_api::ErrorCode;

use crate::cli::{self, Command, Line, Parsed, ReferenceCommand, SandboxCommand, Scan, completion};
use crate::commands::{self, Context};
use crate::error::usage;
use crate::kinds::Catalog;
use crate::output::{stderr, stdout};

/// Runs the program on its own arguments: a command, or a worker that a command has started.
pub fn run() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == crate::run::WORD) {
        return crate::run::run_worker(std::env::args_os().skip(2).filter_map(|word| word.into_string().ok()));
    }
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(answer) = completion::answer(&args) {
        // A shell that doesn't listen any more needs no answer.
        let _ = stdout::write(&answer);
        return ExitCode::SUCCESS;
    }
    crate::run::keep_to_itself();
    crate::run::hear_of_children();
    let code = run_on(args).unwrap_or_else(|error| match commands::told(&error) {
        None => ExitCode::SUCCESS,
        Some(error) => {
            stderr::error(&error);
            ExitCode::from(error.code.exit_status())
        }
    });
    crate::run::end_all();
    code
}

fn run_on(words: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let words: Vec<String> = words
        .into_iter()
        .map(OsString::into_string)
        .collect::<Result<_, _>>()
        .map_err(|_| usage("an argument isn't UTF-8"))?;
    let scan = Scan::of(&words);
    stderr::speak_json(scan.json);
    stderr::hints_begin_with(scan.invocation(words.first()));
    let catalog = Catalog::new(scan.kinds_path.as_deref());
    let parsed = cli::parse(&words, &scan, &catalog).inspect_err(|error| {
        if let (ErrorCode::RefusedByPolicy, Some((verb, kind))) = (error.code, scan.credentials()) {
            commands::credentials::refused(&catalog, verb, kind, error);
        }
    })?;
    match parsed {
        Parsed::Print(text) => {
            stdout::write(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Parsed::Incomplete(help) => {
            stderr::help(&help);
            Ok(ExitCode::from(2))
        }
        Parsed::Do(line) => execute(&line, catalog),
    }
}

fn execute(line: &Line, catalog: Catalog) -> anyhow::Result<ExitCode> {
    let context = Context { globals: line.globals.clone(), catalog };
    match &line.command {
        Command::Credentials => {
            let (verb, kind, matches) = line.credentials();
            commands::credentials::run(&context, verb, kind, matches)
        }
        Command::Auth { command } => commands::auth::run(&context, command),
        Command::Plugin { command } => commands::plugin::run(&context, command),
        Command::Completion { shell } => commands::completion::run(&context, *shell),
        Command::Reference { command } => match command {
            ReferenceCommand::Markdown => commands::reference::markdown(&context),
            ReferenceCommand::Man { folder, date } => commands::reference::man(&context, folder, date.as_deref()),
        },
        Command::Sandbox { command } => match command {
            SandboxCommand::Serve { port } => commands::sandbox::serve(&context, *port),
            SandboxCommand::Exec { command } => commands::sandbox::exec(&context, command),
            SandboxCommand::Reset => commands::sandbox::reset(&context),
            SandboxCommand::Path => commands::sandbox::path(&context),
        },
    }
}
