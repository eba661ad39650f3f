//! The id and the secret of an M2M client: from options, variables, files, standard input or a person, and again from there when the next
//! bearer is due. A secret is never taken from the list of arguments.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use carto_plugin_api::Secret;
use serde_json::Value;

use super::SecretPlace;
use crate::environment;
use crate::error::{Result, shell_word, usage};
use crate::input::{Stdin, Until};
use crate::output::{stderr, variables};
use crate::toml_text;

/// A client, and where its secret is found again.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) place: SecretPlace,
    /// The account's address, where a file names it too.
    pub(crate) base_url: Option<String>,
}

/// What the command line says of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'a> {
    pub(crate) file: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) secret: Option<&'a str>,
    /// What the profile has that is signed in again: the client's id, and where its secret was.
    pub(crate) before: Option<(&'a str, &'a SecretPlace)>,
    /// Whether nobody may be asked.
    pub(crate) no_input: bool,
}

const WAYS: &str = "set `CARTO_M2M_CLIENT_ID` and `CARTO_M2M_CLIENT_SECRET`, or add `--client-file FILE`, or `--client-id ID` with \
     `--client-secret -`, `@FILE` or `env:NAME`";

/// Where comes from what a person typed.
const PROMPT: &str = "the prompt";

impl Client {
    /// Finds the client that is to sign in: what options say goes before variables, and those before the profile; what nobody says is asked
    /// for, if there is a person.
    pub(crate) fn find(options: Options<'_>, stdin: &mut Stdin) -> Result<Client> {
        if let Some(file) = options.file {
            return Client::in_file(file, stdin, options.no_input);
        }
        if let (None, None) = (options.id, options.secret) {
            if let Some(client) = in_variables()? {
                return Ok(client);
            }
            if let Some((id, place)) = options.before {
                return Client::again(id, place).map_err(|e| e.hint(WAYS));
            }
        }
        let ask = |stdin: &mut Stdin| !options.no_input && stdin.is_watched();
        let (id, id_from) = match options.id {
            Some(id) => (id.to_owned(), "`--client-id`"),
            None if options.secret.is_none() && ask(stdin) => (stdin.ask("Client id: ")?, PROMPT),
            None if options.secret.is_none() => return Err(usage("no M2M client is named").hint(WAYS)),
            None => return Err(usage("`--client-secret` needs `--client-id`").hint(WAYS)),
        };
        // Before anybody types a secret for nothing.
        check_word("id", &id, id_from)?;
        let (secret, place) = match options.secret {
            Some(text) => secret(text, stdin, options.no_input)?,
            None if ask(stdin) => {
                let secret = stdin.hidden("Client secret", Until::Line)?;
                (secret.clone(), SecretPlace::Value(secret))
            }
            None => return Err(usage("`--client-id` needs `--client-secret`, and nobody can be asked here").hint(WAYS)),
        };
        check_word("secret", secret.expose(), options.secret.map_or(PROMPT, |_| "`--client-secret`"))?;
        Ok(Client { id, secret, place, base_url: None })
    }

    /// The same client, with its secret read again.
    pub(crate) fn again(id: &str, place: &SecretPlace) -> Result<Client> {
        let client = |secret: Secret| Client { id: id.to_owned(), secret, place: place.clone(), base_url: None };
        match place {
            SecretPlace::Value(secret) => Ok(client(secret.clone())),
            SecretPlace::Variable(name) => variable(name).map(client)?.checked("the profile", &format!("`{name}`")),
            SecretPlace::File(path) => {
                let shown = format!("`{}`", path.display());
                client(Secret::new(text_of(path)?.trim().to_owned())).checked("the profile", &shown)
            }
            SecretPlace::ClientFile(path) => {
                Client::in_text(&text_of(path)?, &path.display().to_string(), place.clone())
            }
        }
    }

    fn in_file(file: &str, stdin: &mut Stdin, no_input: bool) -> Result<Client> {
        if file != "-" {
            let path = absolute(file)?;
            let text = text_of(&path)?;
            warn_of_readers(file, &path);
            return Client::in_text(&text, file, SecretPlace::ClientFile(path));
        }
        let text = stdin.secret("--client-file", "Client as JSON or variables, then Ctrl-D", Until::End, no_input)?;
        check_given(&text, "--client-file")?;
        let client = Client::in_text(text.expose(), "-", SecretPlace::Value(Secret::new(String::new())))?;
        Ok(Client { place: SecretPlace::Value(client.secret.clone()), ..client })
    }

    /// Reads what `credentials create m2m` writes as JSON or as variables, and what carto-auth reads.
    pub(crate) fn in_text(text: &str, file: &str, place: SecretPlace) -> Result<Client> {
        let json: Option<Value> = serde_json::from_str(text).ok();
        let named = |keys: [&str; 2], nth: usize| match &json {
            Some(json) => keys.iter().find_map(|key| json.get(*key)?.as_str().map(str::to_owned)),
            None => environment::M2M_CLIENTS
                .iter()
                .find_map(|pair| variables::value_of(text, if nth == 0 { pair.0 } else { pair.1 })),
        };
        let (id, secret) = (named(["clientId", "client_id"], 0), named(["clientSecret", "client_secret"], 1));
        let lacks = |what: &str| {
            usage(format!("`--client-file {file}` names no {what}")).hint(
                "it holds what `carto credentials create m2m --json` or `--env-file` writes, or an object with `client_id` and `client_secret`",
            )
        };
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| lacks("client id"))?;
        let secret = secret.filter(|secret| !secret.is_empty()).ok_or_else(|| lacks("client secret"))?;
        let base_url = json.as_ref().and_then(|json| json.get("api_base_url")?.as_str()).map(str::to_owned);
        let source = format!("`--client-file {file}`");
        Client { id, secret: Secret::new(secret), place, base_url }.checked(&source, &source)
    }

    /// The same, if both can be what they are; else an error that says which isn't, and where that comes from.
    fn checked(self, id_from: &str, secret_from: &str) -> Result<Client> {
        check_word("id", &self.id, id_from)?;
        check_word("secret", self.secret.expose(), secret_from)?;
        Ok(self)
    }
}

/// Whether a login finds a client without being told of one: in variables, or where the profile says that it is.
pub(crate) fn is_at_hand(before: Option<(&str, &SecretPlace)>) -> bool {
    match in_variables() {
        Ok(None) => before.is_some_and(|(id, place)| Client::again(id, place).is_ok()),
        found => found.is_ok(),
    }
}

/// Refuses what can't be an id or a secret, without a word of it.
fn check_word(what: &str, text: &str, source: &str) -> Result<()> {
    let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    match is_word {
        true => Ok(()),
        false => Err(usage(format!("the client's {what} from {source} is empty or holds white space"))
            .hint("give it alone, without quotes and without line breaks")),
    }
}

/// The client of the first pair of variables of which one is set.
fn in_variables() -> Result<Option<Client>> {
    for (id_name, secret_name) in environment::M2M_CLIENTS {
        let client = match (environment::text(id_name)?, environment::text(secret_name)?) {
            (None, None) => continue,
            (Some(id), Some(secret)) => (id, Secret::new(secret)),
            (Some(_), None) => return Err(half(id_name, secret_name)),
            (None, Some(_)) => return Err(half(secret_name, id_name)),
        };
        let place = SecretPlace::Variable(secret_name.to_owned());
        let client = Client { id: client.0, secret: client.1, place, base_url: None };
        return client.checked(&format!("`{id_name}`"), &format!("`{secret_name}`")).map(Some);
    }
    Ok(None)
}

fn half(there: &str, missing: &str) -> crate::error::Error {
    usage(format!("`{there}` is set, and `{missing}` isn't")).hint(format!("set `{missing}` too, or unset `{there}`"))
}

/// A secret comes from anywhere but the command line, which every process of the machine can read.
fn secret(text: &str, stdin: &mut Stdin, no_input: bool) -> Result<(Secret, SecretPlace)> {
    if text == "-" {
        let secret = stdin.secret("--client-secret", "Client secret", Until::Line, no_input)?;
        check_given(&secret, "--client-secret")?;
        return Ok((secret.clone(), SecretPlace::Value(secret)));
    }
    if let Some(file) = text.strip_prefix('@') {
        let path = absolute(file)?;
        warn_of_readers(file, &path);
        return Ok((Secret::new(text_of(&path)?.trim().to_owned()), SecretPlace::File(path)));
    }
    if let Some(name) = text.strip_prefix("env:") {
        return Ok((variable(name)?, SecretPlace::Variable(name.to_owned())));
    }
    // Not even the beginning of what was typed is echoed: it may be the secret.
    Err(usage("`--client-secret` takes a place to read a secret from, not the secret: every program here can read the words of a command")
        .hint("use `--client-secret -` for standard input, `--client-secret @FILE`, or `--client-secret env:NAME`"))
}

/// Refuses what a pipe brings whose left side has failed.
fn check_given(secret: &Secret, option: &str) -> Result<()> {
    if !secret.expose().is_empty() {
        return Ok(());
    }
    Err(usage(format!("nothing came on standard input for `{option} -`"))
        .hint("if another command was to write it, look what that says"))
}

fn variable(name: &str) -> Result<Secret> {
    let text = environment::text(name)?;
    text.map(Secret::new).ok_or_else(|| {
        usage(format!("the variable `{name}`, which holds the client's secret, isn't set")).hint("set and export it")
    })
}

/// Says it where others can read a secret.
fn warn_of_readers(file: &str, path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.mode() & 0o777);
    if mode & 0o044 != 0 {
        let message = format!("`{file}` holds a secret, and others can read it (mode {mode:03o})");
        stderr::warning(&message, Some(&format!("`chmod 600 {}`", shell_word(file))));
    }
}

/// The file wherever a later command runs.
fn absolute(file: &str) -> Result<PathBuf> {
    std::path::absolute(file).map_err(|e| usage(format!("`{file}` can't be a file: {e}")).hint("name a file"))
}

fn text_of(path: &Path) -> Result<String> {
    let failed = |e: std::io::Error| {
        usage(format!("cannot read the client's secret in `{}`: {e}", path.display()))
            .hint("name a text file that you can read")
    };
    toml_text::read(path, |_| Ok(()), failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, String, Option<String>)> {
        let client = Client::in_text(text, "FILE", SecretPlace::Value(Secret::new("x".to_owned())))?;
        Ok((client.id, client.secret.into_exposed(), client.base_url))
    }

    #[test]
    fn every_form_of_a_client_is_read() {
        for text in [
            r#"{"clientId": "id", "clientSecret": "s3", "title": "x", "createdAt": null}"#,
            r#"{"client_id": "id", "client_secret": "s3"}"#,
            "CARTO_M2M_CLIENT_ID='id'\nCARTO_M2M_CLIENT_SECRET='s3'\n",
            "# mine\nexport CARTO_CLI_M2M_CLIENT_ID=id\nexport CARTO_CLI_M2M_CLIENT_SECRET=\"s3\" # never shown\n",
            "CARTO_M2M_CLIENT_ID=old\nCARTO_M2M_CLIENT_SECRET=s3\r\nCARTO_M2M_CLIENT_ID=id\n",
        ] {
            assert_eq!(read(text).unwrap(), ("id".to_owned(), "s3".to_owned(), None), "{text}");
        }
        let with_url = r#"{"api_base_url": "https://a.api.carto.com", "client_id": "id", "client_secret": "s3"}"#;
        assert_eq!(read(with_url).unwrap().2.as_deref(), Some("https://a.api.carto.com"));
    }

    #[test]
    fn what_isnt_a_client_is_refused_without_its_words() {
        for text in [
            "",
            "[]",
            "s3cr3t",
            r#"{"clientId": "id", "clientSecret": null}"#,
            r#"{"clientId": "id", "clientSecret": 12345}"#,
            r#"{"clientSecret": "s3cr3t"}"#,
            "CARTO_M2M_CLIENT_SECRET=s3cr3t",
            "CARTO_M2M_CLIENT_ID=id\nCARTO_M2M_CLIENT_SECRET='s3cr3t and more'\n",
        ] {
            let error = read(text).unwrap_err();
            assert!(!error.message.contains("s3cr3t") && !error.message.contains("12345"), "{}", error.message);
        }
    }

    #[test]
    fn a_secret_isnt_taken_from_the_arguments() {
        let error = secret("s3cr3t", &mut Stdin::default(), false).unwrap_err();
        assert!(!error.message.contains("s3cr3t") && !error.hint.unwrap().contains("s3cr3t"));
    }
}
