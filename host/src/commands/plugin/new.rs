//! `carto plugin new`: a crate for a new kind. Its texts, and writing them, are `scaffold`'s.

use std::path::Path;
use std::process::ExitCode;

use carto_plugin_api::Verb;
use carto_plugin_api::manifest::{RESERVED_WORDS, is_kind_name};
use serde_json::json;

use crate::commands::Context;
use crate::error::{Result, usage};
use crate::output::{Format, json as json_text, stderr, stdout};
use crate::scaffold::{self, Contract, folder};

/// A crate's name has 64 letters at most, and `carto-kind-` is eleven of them.
const LONGEST: usize = 53;

/// Makes it.
pub(super) fn run(context: &Context, name: &str, plugin_api: Option<&Path>) -> anyhow::Result<ExitCode> {
    let view = context.globals.view();
    if matches!(view.format, Format::Csv | Format::Env) || view.field.is_some() {
        return Err(usage("what is made is shown as a list of files, or as JSON")
            .hint("leave the format out, or use `--json`")
            .into());
    }
    check(name)?;
    let contract = Contract::find(plugin_api)?;
    let files = scaffold::files(name, &contract);
    let here = std::env::current_dir()
        .map_err(|e| usage(format!("there is no folder to make it in: {e}")).hint("go to another folder"))?;
    let place = here.join(name);
    let dry_run = context.globals.dry_run;
    if dry_run {
        folder::refuse_existing(&place)?;
    } else {
        folder::write(&place, &files)?;
    }
    let paths: Vec<&str> = files.iter().map(|file| file.path).collect();
    let object = json!({
        "folder": place.display().to_string(),
        "files": paths,
        "plugin_api": { "path": contract.path(), "from": contract.origin().as_str() },
        "written": !dry_run,
    });
    stdout::write(&match view.format {
        Format::Json => json_text::pretty(&object),
        Format::Jsonl => json_text::line(&object),
        _ => paths.iter().map(|path| format!("{name}/{path}\n")).collect(),
    })?;
    if !view.format.is_json() {
        tell(context, name, &contract, dry_run);
    }
    Ok(ExitCode::SUCCESS)
}

/// What a person should know besides, the next commands last.
fn tell(context: &Context, name: &str, contract: &Contract, dry_run: bool) {
    stderr::note(&format!("{}: `{}`", contract.explained(), contract.path()));
    // A name that is taken is a nuisance, not a fault: it may be meant for another place.
    let taken =
        context.catalog.all().ok().and_then(|found| found.kinds.iter().find(|kind| kind.manifest.answers_to(name)));
    if let Some(kind) = taken {
        let message = format!("`{name}` means an installed kind already: `{}`", kind.file.display());
        stderr::warning(&message, Some("choose another name, unless yours is to take its place"));
    }
    if dry_run {
        return stderr::done("Not written: this was a dry run.");
    }
    stderr::done(&format!(
        "Made the crate carto-kind-{name}. It works as it is; README.md says how to make it yours. Next:"
    ));
    stderr::commands(&[
        format!("cd {name}"),
        "cargo test".to_owned(),
        "cargo build --release".to_owned(),
        format!("carto plugin check target/release/{} --script check.toml", crate::kinds::file_name(name)),
    ]);
}

/// Refuses what no kind can be called, saying why.
fn check(name: &str) -> Result<()> {
    if !is_kind_name(name) {
        let error = usage(format!(
            "`{name}` can't be the name of a kind: a name is lower-case letters and digits, in words joined by `-`, and begins with a letter"
        ));
        let similar = similar(name);
        return Err(match is_kind_name(&similar) && check(&similar).is_ok() {
            true => error.hint(format!("`carto plugin new {similar}`")),
            false => error.hint("choose a name like `api-key`"),
        });
    }
    if RESERVED_WORDS.contains(&name) || name.parse::<Verb>().is_ok() {
        return Err(usage(format!("`{name}` can't be the name of a kind: it is a word of carto's own"))
            .hint(format!("choose a name like `{name}-key`")));
    }
    if name.len() > LONGEST {
        return Err(usage(format!(
            "`{name}` is too long for a kind: {} letters, and {LONGEST} is the most",
            name.len()
        ))
        .hint("choose a shorter name"));
    }
    Ok(())
}

/// The same letters as a name may have them: `API_Key` as `api-key`.
fn similar(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = name.chars().map(plain).collect();
    words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_kind_can_have_are_refused_with_the_reason() {
        let longest = "a".repeat(LONGEST);
        for name in ["a", "api-key", "fn", "self", "x1-2", &longest] {
            check(name).unwrap();
        }
        for (name, says, hint) in [
            ("", "begins with a letter", "a name like `api-key`"),
            ("API_Key", "lower-case letters", "`carto plugin new api-key`"),
            ("my kind", "lower-case letters", "`carto plugin new my-kind`"),
            ("-x-", "lower-case letters", "`carto plugin new x`"),
            ("../x", "lower-case letters", "`carto plugin new x`"),
            ("1x", "begins with a letter", "a name like `api-key`"),
            ("List", "lower-case letters", "a name like `api-key`"),
            ("schlüssel", "lower-case letters", "`carto plugin new schl-ssel`"),
            ("list", "a word of carto's own", "`list-key`"),
            ("help", "a word of carto's own", "`help-key`"),
            (&(longest.clone() + "a"), "54 letters, and 53 is the most", "shorter"),
        ] {
            let error = check(name).unwrap_err();
            assert!(error.message.contains(says), "{name}: {}", error.message);
            assert!(error.hint.as_ref().unwrap().contains(hint), "{name}: {error:?}");
        }
    }
}
