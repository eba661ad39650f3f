//! Completion: what is offered for a line, in the protocol of each shell's script. `shells` tries the shells themselves.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use serde_json::json;

use crate::support::output::check;
use crate::support::{Carto, Run, library};

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

/// What a shell asks: the words of a line, of which the one after the last space is being typed.
fn ask(carto: &Carto, shell: &str, line: &str) -> Run {
    let words: Vec<&str> = line.split(' ').collect();
    ask_at(carto, shell, &words, words.len() - 1)
}

fn ask_at(carto: &Carto, shell: &str, words: &[&str], at: usize) -> Run {
    let run = carto.run_words(&[&["--"], words].concat()).env("COMPLETE", shell);
    match shell {
        "bash" => run.env("_CLAP_COMPLETE_INDEX", at.to_string()).env("_CLAP_IFS", "\u{b}"),
        "zsh" => run.env("_CLAP_COMPLETE_INDEX", at.to_string()).env("_CLAP_IFS", "\n"),
        _ => run,
    }
}

/// The words of an answer, without what says about them.
fn words_of(shell: &str, answer: &str) -> Vec<String> {
    let separator = if shell == "bash" { '\u{b}' } else { '\n' };
    let answers = answer.split(separator).filter(|answer| !answer.is_empty());
    answers
        .map(|answer| match shell {
            "zsh" => answer.replace("\\:", "\0").split(':').next().unwrap().replace('\0', ":"),
            _ => answer.split('\t').next().unwrap().to_owned(),
        })
        .collect()
}

fn offered_in(carto: &Carto, shell: &str, line: &str) -> Vec<String> {
    let output = ask(carto, shell, line).ok();
    assert_eq!(output.stderr, "", "{line}");
    words_of(shell, &output.stdout)
}

fn offered(carto: &Carto, line: &str) -> String {
    offered_in(carto, "fish", line).join(" ")
}

/// The same for a table.
fn shown(carto: &Carto, line: &str) -> String {
    Some(offered(carto, line)).filter(|words| !words.is_empty()).unwrap_or_else(|| "(nothing)".to_owned())
}

/// A home with files to choose from.
fn with_files() -> Carto {
    let carto = Carto::new();
    carto.write("query.sql", "select 1");
    carto.write("folder/inner.sql", "select 2");
    carto
}

const LINES: &[&str] = &[
    "carto ",
    "carto cre",
    "carto x",
    "carto -",
    "carto --p",
    "carto --json credentials ",
    "carto credentials re",
    "carto credentials create ",
    "carto credentials create t",
    "carto credentials list tokens",
    "carto credentials revoke ",
    "carto credentials create nothing --na",
    "carto credentials nothing ",
    "carto credentials create token ",
    "carto credentials create tokens --e",
    "carto credentials create token --apis sql --name=x --connection dw --",
    "carto credentials update token demo --ex",
    "carto credentials update spa demo --ca",
    "carto credentials get token demo --field ",
    "carto credentials get token demo --field=cr",
    "carto credentials get token ",
    "carto credentials delete m2m x --y",
    "carto credentials list -o ",
    "carto credentials list -oj",
    "carto -o=js",
    "carto --profile x --base-url https://a.b.example credentials create s",
    "carto credentials create token --env-file ",
    "carto credentials create token --env-file folder/",
    "carto credentials create token --source ",
    "carto credentials create token --source @",
    "carto credentials create token --source=@q",
    "carto --kinds-path ",
    "carto help credentials cr",
    "carto plugin ",
    "carto plugin info ",
    "carto plugin why to",
    "carto plugin why m2m re",
    "carto plugin lock m2m t",
    "carto plugin install q",
    "carto plugin check --",
    "carto sandbox serve --p",
    "carto completion ",
    "carto credentials create token -- --",
];

#[test]
fn a_line_has_words_to_go_on_with() {
    let carto = with_files();
    let table: String = LINES.iter().map(|line| format!("{line}|\n    {}\n", shown(&carto, line))).collect();
    expect![[r#"
        carto |
            credentials auth plugin sandbox completion help
        carto cre|
            credentials
        carto x|
            (nothing)
        carto -|
            --json -o --field --reveal --debug --dry-run -y --no-input --timeout --kinds-path -v -h --sandbox --profile --token --base-url
        carto --p|
            --profile
        carto --json credentials |
            list create get update delete verify revoke help
        carto credentials re|
            revoke
        carto credentials create |
            m2m spa token --env-file
        carto credentials create t|
            token
        carto credentials list tokens|
            tokens
        carto credentials revoke |
            m2m
        carto credentials create nothing --na|
            (nothing)
        carto credentials nothing |
            (nothing)
        carto credentials create token |
            --connection --source --grant --apis --referer --referers --name --expiration-date --env-file
        carto credentials create tokens --e|
            --expiration-date --env-file
        carto credentials create token --apis sql --name=x --connection dw --|
            --connection --source --grant --referer --referers --expiration-date --env-file --help --sandbox --profile --token --base-url --json --field --reveal --debug --dry-run --yes --no-input --timeout --kinds-path --version
        carto credentials update token demo --ex|
            (nothing)
        carto credentials update spa demo --ca|
            --callback
        carto credentials get token demo --field |
            id token name grants allowed_apis referers expiration_date created_at updated_at
        carto credentials get token demo --field=cr|
            --field=created_at
        carto credentials get token |
            --sandbox --profile --token --base-url --json -o --field --reveal --debug --dry-run --yes --no-input --timeout --kinds-path --version
        carto credentials delete m2m x --y|
            --yes
        carto credentials list -o |
            table json jsonl csv env
        carto credentials list -oj|
            -ojson -ojsonl
        carto -o=js|
            -o=json -o=jsonl
        carto --profile x --base-url https://a.b.example credentials create s|
            spa
        carto credentials create token --env-file |
            folder/ kinds/ query.sql
        carto credentials create token --env-file folder/|
            folder/inner.sql
        carto credentials create token --source |
            (nothing)
        carto credentials create token --source @|
            @query.sql @folder/ @kinds/
        carto credentials create token --source=@q|
            --source=@query.sql
        carto --kinds-path |
            . folder/ kinds/
        carto help credentials cr|
            create
        carto plugin |
            list info doctor why install remove lock new check help
        carto plugin info |
            m2m spa token
        carto plugin why to|
            token
        carto plugin why m2m re|
            revoke
        carto plugin lock m2m t|
            token
        carto plugin install q|
            query.sql
        carto plugin check --|
            --script --junit --help --sandbox --profile --token --base-url --json --field --reveal --debug --dry-run --yes --no-input --timeout --kinds-path --version
        carto sandbox serve --p|
            --port --profile
        carto completion |
            bash zsh fish powershell
        carto credentials create token -- --|
            (nothing)
    "#]].assert_eq(&table);
}

#[test]
fn each_shell_is_offered_the_same() {
    let carto = with_files();
    for line in LINES {
        let expected = offered_in(&carto, "fish", line);
        for shell in SHELLS {
            assert_eq!(offered_in(&carto, shell, line), expected, "{shell}: {line}");
        }
    }
}

/// Bash and zsh hand over the whole line.
#[test]
fn what_comes_after_the_cursor_doesnt_count() {
    let carto = Carto::new();
    for shell in ["bash", "zsh"] {
        for (words, at, expected) in [
            (&["carto", "cred", "create", "spa"][..], 1, "credentials"),
            (&["carto", "credentials", "rev", "token"], 2, "revoke"),
            (&["carto", "credentials", "create", "to", "--apis"], 3, "token"),
            (&["carto", "--kinds-path", "/nowhere", "credentials", "create", "to"], 5, ""),
        ] {
            let answer = ask_at(&carto, shell, words, at).ok().stdout;
            assert_eq!(words_of(shell, &answer).join(" "), expected, "{shell}: {words:?}");
        }
        // Beyond the last word; and before the first, where there is nothing to say.
        let answer = ask_at(&carto, shell, &["carto", "completion"], 2).ok().stdout;
        assert_eq!(words_of(shell, &answer).first().map(String::as_str), (shell == "zsh").then_some("bash"), "{shell}");
        for at in ["9", "-1", "x"] {
            ask(&carto, shell, "carto ").env("_CLAP_COMPLETE_INDEX", at).ok();
        }
    }
}

/// The words as bash 5.2 gives them for these lines: its script replaces the last one by what bash would replace, so the answer begins there.
#[test]
fn the_words_of_bash_are_put_together() {
    let carto = with_files();
    for (words, expected) in [
        (&["carto", "-o", "=", "js"][..], "json jsonl"),
        (&["carto", "-o", ""], "table json jsonl csv env"),
        (&["carto", "credentials", "create", "token", "--env-file", "=", "qu"], "query.sql"),
        (&["carto", "credentials", "create", "token", "--source", "@", "@q"], "@query.sql"),
        (&["carto", "credentials", "create", "token", "--source", "=@", "@q"], "@query.sql"),
        (&["carto", "--base-url", "https", ":", "//a.b", "credentials", "create", "to"], "token"),
        (&["carto", "--base-url", "=", "https", ":", "//a.b", "credentials", "create", "to"], "token"),
        (&["carto", "credentials", "create", "spa", "--callback", "http", ":", "//x", "--tit"], "--title"),
        (&["carto", "credentials", "create", "token", "--source", "@", "query.sql", "--na"], "--name"),
    ] {
        let answer = ask_at(&carto, "bash", words, words.len() - 1).ok().stdout;
        assert_eq!(words_of("bash", &answer).join(" "), expected, "{words:?}");
    }
    let kinds = carto.kinds().display().to_string();
    for words in [&["carto", "--kinds-path", "=", &kinds][..], &["carto", "--kinds-path", &kinds]] {
        let line = [words, &["credentials", "create", "to"]].concat();
        let run = ask_at(&carto, "bash", &line, line.len() - 1).env("CARTO_KINDS_PATH", "/nowhere");
        assert_eq!(run.ok().stdout, "token", "{words:?}");
    }
}

#[test]
fn folders_are_those_of_the_line_and_the_variables() {
    let carto = Carto::new();
    let nowhere = carto.home().join("empty");
    std::fs::create_dir(&nowhere).unwrap();
    symlink(carto.kinds(), carto.home().join("it's here")).unwrap();
    // Shells give words as they are typed.
    for folder in [&carto.kinds().display().to_string(), "~/kinds", "'./kinds'", "\"it's here\"", "it\\'s\\ here"] {
        let words = ["carto", "--kinds-path", folder, "credentials", "list", "tok"];
        let run = ask_at(&carto, "fish", &words, 5).env("CARTO_KINDS_PATH", &nowhere);
        assert_eq!(words_of("fish", &run.ok().stdout), ["token"], "{folder}");
    }
    let data = carto.home().join("data/carto");
    std::fs::create_dir_all(&data).unwrap();
    symlink(carto.kinds(), data.join("kinds")).unwrap();
    let mut run = ask(&carto, "fish", "carto credentials create to").env("XDG_DATA_HOME", carto.home().join("data"));
    run.command.env_remove("CARTO_KINDS_PATH");
    assert_eq!(words_of("fish", &run.ok().stdout), ["token"]);
}

/// What can be removed or taken back is what is in the user's own folder.
#[test]
fn the_users_own_kinds_are_offered_where_only_they_can_be_meant() {
    let carto = with_files();
    let own = carto.data().join("kinds");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::copy(carto.kinds().join(library::file_name("spa")), own.join(library::file_name("spa"))).unwrap();
    assert_eq!(offered(&carto, "carto plugin remove "), "spa");
    assert_eq!(offered(&carto, "carto plugin install --rollback "), "spa --sha256 --rollback");
    assert_eq!(offered(&carto, "carto plugin install q"), "query.sql");
}

/// The names of profiles and nothing else of the credentials file; and of those what can be a word of a command and is no credential.
#[test]
fn profiles_are_offered_where_one_is_named() {
    let carto = Carto::new();
    let odd = ["-x", "", "a\nb", "a\u{202e}b", "eyJhbGciOiJIUzI1NiJ9.eyJhIjoiYWNfMSIsImp0aSI6ImRlYWRiZWVmIn0.c2ln"];
    let mut profiles = serde_json::Map::new();
    for name in ["acme/ACME, Inc./ada@example.com", "it's $HOME", "work"].iter().chain(&odd) {
        profiles.insert((*name).to_owned(), json!({ "token": "canary-bearer", "tenant_id": "canary" }));
    }
    let file = carto.write(".carto_credentials.json", &json!({ "profiles": profiles }).to_string());
    let three = ["acme/ACME, Inc./ada@example.com", "it's $HOME", "work"];
    for line in [
        "carto auth use ",
        "carto auth logout ",
        "carto auth status ",
        "carto --profile ",
        "carto credentials list tokens --profile ",
        "carto auth whoami --profile ",
    ] {
        assert_eq!(offered_in(&carto, "fish", line), three, "{line}");
        // As each of them has to have it on the line; PowerShell gets none that would need quotes.
        let escaped = offered_in(&carto, "bash", line);
        assert_eq!(escaped, ["acme/ACME,\\ Inc./ada@example.com", "it\\'s\\ \\$HOME", "work"], "{line}");
        assert_eq!(offered_in(&carto, "zsh", line), three, "{line}");
        assert_eq!(offered_in(&carto, "powershell", line), ["work"], "{line}");
    }
    assert_eq!(offered(&carto, "carto auth login w"), "work");
    assert_eq!(offered(&carto, "carto auth use ac"), three[0]);
    assert_eq!(offered(&carto, "carto --profile=w"), "--profile=work");
    assert_eq!(offered(&carto, "carto auth use work w"), "");
    for shell in SHELLS {
        assert!(!ask(&carto, shell, "carto auth use ").ok().to_string().contains("canary"));
    }
    // One that isn't obeyed has none, and isn't spoken of here.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!offered(&carto, "carto auth use ").contains("work"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    carto.write(".carto_credentials.json", "{ \"profiles\": {\"work\": ");
    assert!(!offered(&carto, "carto --profile ").contains("work"));
}

/// A prompt isn't the place for errors.
#[test]
fn what_is_wrong_is_silence() {
    let carto = Carto::new();
    carto.write(".config/carto/config.toml", "this is no [settings");
    carto.write(".carto_credentials.json", "{ broken");
    std::fs::remove_file(carto.kinds().join(library::file_name("spa"))).unwrap();
    carto.write(&format!("kinds/{}", library::file_name("spa")), "not a library");
    assert_eq!(offered(&carto, "carto credentials create "), "m2m token --env-file");
    assert_eq!(offered(&carto, "carto credentials create spa --ti"), "--timeout");
    // It is what somebody would ask about.
    assert_eq!(offered(&carto, "carto plugin why s"), "spa");
    for shell in SHELLS {
        for line in [
            "carto credentials create token --",
            "carto --kinds-path /nowhere credentials create t",
            "carto auth use ",
            "",
            "carto",
        ] {
            let output = ask(&carto, shell, line).env("CARTO_KINDS_PATH", "/nowhere").env("HOME", "nothing").ok();
            assert_eq!(output.stderr, "", "{shell}: {line}");
        }
    }
    let mut not_text = ask(&carto, "fish", "carto credentials");
    not_text.command.arg(OsStr::from_bytes(b"\xff"));
    assert_eq!(not_text.ok().to_string(), "status 0\n");
}

/// Only what is asked as the scripts ask is a question.
#[test]
fn the_variable_alone_is_no_question() {
    let carto = Carto::new();
    for value in ["bash", "fish", "1", "", "/usr/bin/nothing"] {
        let output = carto.run("--version").env("COMPLETE", value).ok();
        assert!(output.stdout.starts_with("carto "), "{value}: {output}");
    }
    // As other programs of this library are asked for their script.
    let script = carto.run("completion zsh").ok().stdout;
    assert_eq!(carto.run("").env("COMPLETE", "/bin/zsh").ok().stdout, script);
}

/// A tab runs nothing of a library.
#[test]
fn nothing_of_a_library_runs() {
    let carto = Carto::new();
    carto.install("marker");
    let mark = carto.home().join("mark");
    for line in LINES.iter().copied().chain(["carto credentials create marker --", "carto credentials list m"]) {
        ask(&carto, "fish", line).env("CARTO_TEST_MARK", &mark).ok();
    }
    assert_eq!(offered(&carto, "carto credentials create marker --nu"), "--number");
    assert!(!mark.exists());
    assert!(!carto.data().exists(), "the sandbox was touched");
}

#[test]
fn values_are_offered_by_their_type() {
    let carto = with_files();
    carto.install("marker");
    let table: String = [
        "--level ",
        "--level=h",
        "--from-file ",
        "--api-key ",
        "--api-key @",
        "--api-key e",
        "--text ",
        "--text @q",
        "--when ",
    ]
    .iter()
    .map(|typed| format!("{typed}|  {}\n", shown(&carto, &format!("carto credentials create marker {typed}"))))
    .collect();
    expect![[r#"
        --level |  low high
        --level=h|  --level=high
        --from-file |  folder/ kinds/ query.sql
        --api-key |  - @ env:
        --api-key @|  @query.sql @folder/ @kinds/
        --api-key e|  env:
        --text |  (nothing)
        --text @q|  @query.sql
        --when |  (nothing)
    "#]]
    .assert_eq(&table);
}

/// Where reading every manifest would take long, names are those of files, and the named kind is still known.
#[test]
fn many_kinds_are_offered_by_their_files() {
    let carto = Carto::new();
    for number in 0..100 {
        carto.write(&format!("kinds/{}", library::file_name(&format!("k{number:02}"))), "");
    }
    // Not the name of a kind, and not offered.
    carto.write("kinds/libcarto_kind_K_.so", "");
    let named = offered_in(&carto, "fish", "carto credentials create k");
    assert_eq!((named.len(), named[10].as_str()), (100, "k10"));
    let all = offered_in(&carto, "fish", "carto credentials create ");
    assert_eq!(all.iter().filter(|word| !word.starts_with('-')).count(), 103, "{all:?}");
    // Few enough to be read: those that are no libraries are left out, and so are those without the verb.
    let few = |line| offered(&carto, line);
    assert_eq!(few("carto credentials create s"), "spa");
    assert_eq!(few("carto credentials create k1"), "");
    assert_eq!(few("carto credentials create tokens"), "tokens");
    assert_eq!(few("carto credentials revoke "), "");
    assert_eq!(few("carto credentials create token --exp"), "--expiration-date");
    assert_eq!(few("carto credentials create tokens --exp"), "--expiration-date");
    assert_eq!(few("carto credentials create nothing --exp"), "");
    assert_eq!(few("carto plugin info tok"), "token");
}

#[test]
fn scripts_name_the_program_as_it_was_called() {
    let carto = Carto::new();
    let link = carto.home().join("it's carto-2");
    symlink(env!("CARGO_BIN_EXE_carto"), &link).unwrap();
    for shell in SHELLS {
        let called = |program: &Path, by_name: bool| {
            let mut command = Command::new(program);
            if by_name {
                command.arg0("carto");
            }
            command.env_clear().args(["completion", shell]);
            Run::of(command, carto.home()).ok().stdout
        };
        let by_name = called(Path::new(env!("CARGO_BIN_EXE_carto")), true);
        assert!(!by_name.contains("/carto"), "{shell}: {by_name}");
        let by_path = called(&link, false);
        assert!(by_path.contains(&*carto.home().to_string_lossy()), "{shell}: {by_path}");
    }
    let json = carto.run("completion bash --json").ok().json();
    assert!(json["script"].as_str().unwrap().contains("complete "), "{json}");
    check(
        &carto.run("completion csh").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: invalid value `csh` for `<SHELL>` [possible values: bash, zsh, fish, powershell]
        hint: a similar value exists: `zsh`
    "#]],
    );
    check(
        &carto.run("completion --help").ok(),
        expect![[r#"
        status 0
        --- stdout
        Print the script that makes a shell complete commands, kinds and options

        Usage: carto completion [OPTIONS] <SHELL>

        Arguments:
          <SHELL>  Shell that the script is for [possible values: bash, zsh, fish, powershell]

        Options:
          -h, --help  Print help

        Account:
              --sandbox         Use the sandbox: no account, no network [env: CARTO_SANDBOX]
              --profile <NAME>  Use this profile of ~/.carto_credentials.json [env: CARTO_PROFILE]
              --token <T>       Use this OAuth access token; `-` reads it from standard input [env:
                                CARTO_API_TOKEN]
              --base-url <URL>  Use the API at this address [env: CARTO_BASE_URL]

        Output:
              --json          Write JSON, errors too; the same as `-o json`
          -o <FORMAT>         Write in this format [possible values: table, json, jsonl, csv, env]
              --field <NAME>  Write this one field alone
              --reveal        Show secrets that are otherwise hidden
              --debug         Say on standard error what is asked of the service

        Behaviour:
              --dry-run           Show the first change that would be made instead of making it
          -y, --yes               Don't ask before something is destroyed
              --no-input          Never ask; fail where a question would be
              --timeout <D>       Give up after this time, like 30s or 2m
              --kinds-path <DIR>  Look for kinds here instead of the usual folders [env: CARTO_KINDS_PATH]
          -v, --version           Print the version

        Packages of carto bring the scripts along. Otherwise:
          bash        carto completion bash >
                        ~/.local/share/bash-completion/completions/carto
                      or in ~/.bashrc: source <(carto completion bash)
          zsh         carto completion zsh > _carto
                        in a folder that `fpath` names before `compinit`
                      or in ~/.zshrc, after `compinit`: source <(carto completion zsh)
          fish        carto completion fish > ~/.config/fish/completions/carto.fish
          powershell  in $PROFILE:
                        carto completion powershell | Out-String | Invoke-Expression
        The script asks carto itself, so it needn't be renewed when kinds change.
    "#]],
    );
}

/// What can be typed at the end of a line is a word that the program takes: every command and option that is offered exists.
#[test]
fn what_is_offered_exists() {
    let carto = Carto::new();
    let mut seen = BTreeSet::new();
    let mut lines = vec!["carto ".to_owned()];
    while let Some(line) = lines.pop() {
        for word in offered_in(&carto, "fish", &line) {
            // Positions that take anything are where a walk ends.
            let next = format!("{line}{word} ");
            let help = format!("{}--help", next.strip_prefix("carto ").unwrap());
            if word.starts_with('-') || word == "help" || next.contains("plugin") || !seen.insert(next.clone()) {
                continue;
            }
            let output = carto.run(&help).output();
            assert_eq!(output.status, 0, "{help}: {output}");
            if !next.starts_with("carto completion ") {
                lines.push(next);
            }
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
}
