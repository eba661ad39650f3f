//! What the man page of the program says beside its options: statuses, variables, files. The pages in `docs/` say more.

use clap_mangen::roff::{Roff, roman};

use super::man::list;
use crate::environment;

const STATUSES: [(&str, &str); 10] = [
    ("0", "Done."),
    ("1", "It failed."),
    (
        "2",
        "The command line makes no sense, names a kind or verb that isn't there, or an id that several credentials have.",
    ),
    ("3", "No credential has that id."),
    ("4", "Not signed in, not allowed, or refused by the organisation's policy."),
    ("5", "Something else has that name, or it changed in the meantime."),
    ("6", "The service failed, asks for fewer requests, or can't be reached. Nothing was changed."),
    ("7", "A plugin can't be loaded, broke, or broke the contract."),
    ("8", "A change was sent, and its outcome isn't known: look before you repeat it."),
    ("130", "Interrupted. The message says what was changed."),
];

const VARIABLES: [(&str, &str); 19] = [
    (environment::SANDBOX, "Use the sandbox: anything but empty, 0, false, no, off."),
    (environment::API_TOKEN, "The OAuth access token."),
    (environment::BASE_URL, "The account's address."),
    (environment::PROFILE, "The profile of the credentials file."),
    (environment::AUTH_ISSUER, "The authority that signs bearers."),
    (environment::AUTH_CLIENT_ID, "The OAuth client of a login in a browser."),
    (environment::AUTH_PORT, "The port to which a browser comes back; 3003."),
    (environment::AUTH_ENV, "Refused: the authority is named by its address."),
    (environment::ACCOUNTS_URL, "Where a bearer's account is looked up."),
    (environment::M2M_CLIENTS[0].0, "The id of the client as which a machine signs in."),
    (environment::M2M_CLIENTS[0].1, "Its secret."),
    (environment::M2M_CLIENTS[1].0, "The same, under another name."),
    (environment::M2M_CLIENTS[1].1, "The same, under another name."),
    (environment::KINDS_PATH, "Folders of kinds, separated by colons, instead of the usual ones."),
    (
        "CARTO_KIND_<NAME>_SECRET",
        "The secret of a kind's own services; NAME is the kind's in capitals, with underscores for hyphens.",
    ),
    (environment::SANDBOX_FAULT, "Faults and the clock of the sandbox, for tests."),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "Authorities that are believed instead of the system's."),
    ("HTTPS_PROXY, ALL_PROXY, NO_PROXY", "Proxies."),
    ("NO_COLOR, TERM", "Colours."),
];

const FILES: [(&str, &str); 7] = [
    ("~/.carto_credentials.json", "Profiles with their bearers, of CARTO's own command line too."),
    ("$XDG_CONFIG_HOME/carto/config.toml", "Settings (~/.config if the variable isn't set)."),
    (
        "/etc/carto/policy.toml, PREFIX/etc/carto/policy.toml, $XDG_CONFIG_HOME/carto/policy.toml",
        "What the machine's administrator, whoever installed carto, and you allow. All of them hold.",
    ),
    ("$XDG_DATA_HOME/carto/sandbox.db", "The sandbox (~/.local/share if the variable isn't set)."),
    (
        "$XDG_DATA_HOME/carto/lock.toml",
        "Plugins that were accepted; the versions before are in the folder previous beside it.",
    ),
    (
        "PREFIX/lib/carto/kinds, /usr/lib/carto/kinds, $XDG_DATA_HOME/carto/kinds",
        "Libraries of kinds. PREFIX is the folder above the program's bin; the first folder that has a name keeps it.",
    ),
    ("PREFIX/share/doc/carto", "Documentation."),
];

/// EXIT STATUS, ENVIRONMENT, FILES.
pub(super) fn of_the_program(roff: &mut Roff) {
    for (heading, items) in [("EXIT STATUS", &STATUSES[..]), ("ENVIRONMENT", &VARIABLES), ("FILES", &FILES)] {
        roff.control("SH", [heading]);
        list(roff, items);
    }
    roff.control("SH", ["NOTES"]);
    roff.text([roman(
        "Errors go to standard error. With --json they are JSON too, and have a code that says more than the status.",
    )]);
}

#[cfg(test)]
mod tests {
    use carto_plugin_api::ErrorCode;

    use super::*;

    #[test]
    fn every_status_is_explained() {
        for code in ErrorCode::ALL {
            let status = code.exit_status().to_string();
            assert!(STATUSES.iter().any(|(known, _)| *known == status), "{status}");
        }
    }
}
