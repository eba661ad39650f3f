//! `--dry-run`: shows the first request that would have been sent, besides those that only read.

use std::process::ExitCode;

use serde_json::json;

use crate::error::{Error, usage};
use crate::output::{Format, View, draft_text, json, stderr, stdout};
use crate::service::Draft;

pub(super) fn show(draft: &Draft, view: &View) -> anyhow::Result<ExitCode> {
    let object = || {
        let headers: serde_json::Map<_, _> =
            draft.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let mut request = json!({ "method": draft.method });
        if let Some(base_url) = &draft.base_url {
            request["base_url"] = base_url.as_str().into();
        }
        request["path"] = draft.path.as_str().into();
        request["headers"] = headers.into();
        request["body"] = draft.body.clone().into();
        json!({ "dry_run": request })
    };
    let text = match view.format {
        _ if view.field.is_some() => return Err(no_result("--field").into()),
        Format::Json => json::pretty(&object()),
        Format::Jsonl => json::line(&object()),
        Format::Csv => return Err(no_result("-o csv").into()),
        // A script would run what is shown.
        Format::Env => return Err(no_result("-o env").into()),
        Format::Table => draft_text(&draft.method, &draft.path, &draft.headers, draft.body.as_ref()),
    };
    stdout::write(&text)?;
    let to = draft.base_url.as_ref().map(|base_url| format!(" to `{base_url}`")).unwrap_or_default();
    stderr::done(&format!("Not sent{to}: this was a dry run, and nothing was changed."));
    Ok(ExitCode::SUCCESS)
}

fn no_result(option: &str) -> Error {
    usage(format!("`{option}` shows a result, and a dry run has none"))
        .hint("nothing was changed; leave it out to see the request, or use `--json`")
}
