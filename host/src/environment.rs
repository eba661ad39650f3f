//! The one place that knows names of environment variables and the folders that follow from them.

use std::ffi::OsString;
use std::path::PathBuf;

use carto_plugin_api::ErrorCode;

use crate::error::{Error, Result};

/// Whether to use the sandbox: anything but empty, `0` or `false`.
pub(crate) const SANDBOX: &str = "CARTO_SANDBOX";
/// The profile of the credentials file.
pub(crate) const PROFILE: &str = "CARTO_PROFILE";
/// The bearer.
pub(crate) const API_TOKEN: &str = "CARTO_API_TOKEN";
/// The account's address.
pub(crate) const BASE_URL: &str = "CARTO_BASE_URL";
/// Folders of kinds, instead of the usual ones; separated like `PATH`.
pub(crate) const KINDS_PATH: &str = "CARTO_KINDS_PATH";
/// Faults and the clock of the sandbox.
pub(crate) const SANDBOX_FAULT: &str = "CARTO_SANDBOX_FAULT";

/// The authority that signs bearers.
pub(crate) const AUTH_ISSUER: &str = "CARTO_AUTH_ISSUER";
/// The OAuth client that this program signs in as, in a browser.
pub(crate) const AUTH_CLIENT_ID: &str = "CARTO_AUTH_CLIENT_ID";
/// The port to which a browser comes back.
pub(crate) const AUTH_PORT: &str = "CARTO_AUTH_PORT";
/// CARTO's own command line chooses an authority by it; this one refuses it.
pub(crate) const AUTH_ENV: &str = "CARTO_AUTH_ENV";
/// Where a bearer is told which account it belongs to.
pub(crate) const ACCOUNTS_URL: &str = "CARTO_ACCOUNTS_URL";
/// Id and secret of an M2M client, under the two names that are documented. The first that is set wins, as a pair.
pub(crate) const M2M_CLIENTS: [(&str, &str); 2] =
    [("CARTO_M2M_CLIENT_ID", "CARTO_M2M_CLIENT_SECRET"), ("CARTO_CLI_M2M_CLIENT_ID", "CARTO_CLI_M2M_CLIENT_SECRET")];

/// The browser that a person prefers.
pub(crate) const BROWSER: &str = "BROWSER";
/// Where windows are shown.
pub(crate) const DISPLAYS: [&str; 2] = ["DISPLAY", "WAYLAND_DISPLAY"];
/// Set in a session that came over the network.
pub(crate) const SSH: [&str; 2] = ["SSH_CONNECTION", "SSH_TTY"];

/// The variables that are known to hold credentials, for programs that shouldn't get them.
pub(crate) fn credentials() -> Vec<OsString> {
    let fixed = [API_TOKEN].into_iter().chain(M2M_CLIENTS.into_iter().map(|(_, secret)| secret));
    let form = kind_secret("*");
    let (start, end) = form.split_once('*').unwrap_or_default();
    let of_kind = |name: &OsString| {
        let name = name.as_encoded_bytes();
        name.starts_with(start.as_bytes()) && name.ends_with(end.as_bytes())
    };
    let of_kinds = std::env::vars_os().map(|(name, _)| name).filter(of_kind);
    fixed.map(OsString::from).chain(of_kinds).collect()
}

/// The secret of a kind's own services: `CARTO_KIND_<NAME>_SECRET`.
pub(crate) fn kind_secret(kind: &str) -> String {
    format!("CARTO_KIND_{}_SECRET", kind.to_uppercase().replace('-', "_"))
}
/// The shell that asks what could be typed next. The script of `carto completion` sets it, nobody else.
pub(crate) const COMPLETE: &str = "COMPLETE";
/// Which of the words is being typed, where that script says it so.
pub(crate) const COMPLETE_INDEX: &str = "_CLAP_COMPLETE_INDEX";

/// Where the proxies for https stand; plain http is for this machine, and goes through none.
pub(crate) const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Where the exceptions from them stand.
pub(crate) const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The value of a variable; nothing if it isn't set or empty.
pub(crate) fn text(name: &str) -> Result<Option<String>> {
    match raw(name) {
        None => Ok(None),
        Some(value) => match value.into_string() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Error::new(ErrorCode::Usage, format!("the variable `{name}` isn't UTF-8"))),
        },
    }
}

/// The value of a variable that may be any bytes, like a path.
#[allow(clippy::disallowed_methods)] // the one place
pub(crate) fn raw(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Whether this is a machine that builds and tests, where nobody watches.
pub(crate) fn is_ci() -> bool {
    raw("CI").is_some_and(|value| value != "false" && value != "0")
}

/// Whether the terminal can go back in a line.
pub(crate) fn is_terminal_able() -> bool {
    raw("TERM").is_some_and(|terminal| terminal != "dumb")
}

/// Whether a switch is on.
pub(crate) fn is_on(name: &str) -> Result<bool> {
    Ok(text(name)?.is_some_and(|value| !matches!(value.to_lowercase().as_str(), "0" | "false" | "no" | "off")))
}

/// A variable that holds a number; nothing if it holds anything else.
pub(crate) fn number(name: &str) -> Option<usize> {
    raw(name)?.to_str()?.parse().ok()
}

/// The home folder.
pub(crate) fn home() -> Result<PathBuf> {
    raw("HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
        .ok_or_else(|| Error::new(ErrorCode::Failed, "there is no home folder").hint("set `HOME` to an absolute path"))
}

/// The folder above the `bin` that this program is in, by its own path and no link to it; nothing if it is anywhere else.
pub(crate) fn prefix() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let folder = own.parent().filter(|folder| folder.file_name().is_some_and(|name| name == "bin"))?;
    folder.parent().map(PathBuf::from)
}

/// Where a page of `docs/` is, for messages: that of this installation if it has one.
pub(crate) fn document(page: &str) -> String {
    let installed = prefix().map(|prefix| prefix.join("share/doc/carto/docs").join(page)).filter(|file| file.is_file());
    installed.map_or_else(|| format!("docs/{page}"), |file| file.display().to_string())
}

/// `$XDG_DATA_HOME/carto`, where kinds and the sandbox are kept. A relative value counts as unset, as the standard says.
pub(crate) fn data_folder() -> Result<PathBuf> {
    Ok(xdg("XDG_DATA_HOME", ".local/share")?.join("carto"))
}

/// Where the sandbox keeps everything.
pub(crate) fn sandbox_database() -> Result<PathBuf> {
    Ok(data_folder()?.join("sandbox.db"))
}

/// Where the libraries that the user accepted are written down.
pub(crate) fn lock_file() -> Result<PathBuf> {
    Ok(data_folder()?.join("lock.toml"))
}

/// `$XDG_CONFIG_HOME/carto`.
pub(crate) fn config_folder() -> Result<PathBuf> {
    Ok(xdg("XDG_CONFIG_HOME", ".config")?.join("carto"))
}

fn xdg(name: &str, default: &str) -> Result<PathBuf> {
    match raw(name).map(PathBuf::from) {
        Some(folder) if folder.is_absolute() => Ok(folder),
        _ => {
            let hint = format!("set `HOME`, or `{name}`, to an absolute path");
            Ok(home().map_err(|e| e.hint(hint))?.join(default))
        }
    }
}
