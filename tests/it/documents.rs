//! The documents are true: their commands run, and their tables are complete.

use std::path::{Path, PathBuf};

use carto_plugin_api::ErrorCode;

use crate::support::cloud::{CLIENT, Cloud, SECRET};
use crate::support::{Carto, Output, words};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The lines of the `sh` blocks of a page, with continued lines joined.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let lines = blocks.flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect()
}

/// Every command of the README, in order, in one new home. `cargo run --` is the program; `carto` too.
#[test]
fn the_readmes_commands_run() {
    let carto = Carto::new();
    let mut ran = 0;
    for line in commands(&read("README.md")) {
        let Some(rest) = line.strip_prefix("cargo run -- ").or_else(|| line.strip_prefix("carto ")) else {
            assert!(
                ["cargo test", "packaging/install ~/.local"].contains(&line.as_str()),
                "the README has a command that no test runs: {line}"
            );
            continue;
        };
        carto.run_words(&words(rest)).ok();
        ran += 1;
    }
    assert!(ran > 5);
}

/// The same for the page on scripts.
#[test]
fn the_commands_for_scripts_run() {
    let carto = Carto::new();
    let lines = commands(&read("docs/scripts.md"));
    assert!(lines.len() > 5);
    for line in lines {
        carto.run_words(&words(line.strip_prefix("carto ").unwrap())).ok();
    }
}

#[test]
fn every_error_code_is_documented() {
    let page = read("docs/errors.md");
    for code in ErrorCode::ALL {
        let row = format!("| `{code}` | {} |", code.exit_status());
        assert!(page.contains(&row), "docs/errors.md has no row that begins {row}");
    }
}

#[test]
fn every_variable_is_documented() {
    let source = read("host/src/environment.rs");
    let page = read("docs/configuration.md");
    let names = regex_lite::Regex::new(r#""(CARTO_[A-Z_]+)""#).unwrap();
    let mut count = 0;
    for name in names.captures_iter(&source) {
        assert!(page.contains(&format!("`{}`", &name[1])), "docs/configuration.md doesn't mention {}", &name[1]);
        count += 1;
    }
    assert!(count >= 6);
}

/// The rows of the page on CARTO's skills whose command begins so.
fn skills(command: &str) -> Vec<[String; 3]> {
    let start = format!("| `carto {command}");
    let page = read("docs/agent-skills.md");
    let rows = page.lines().filter(|line| line.starts_with(&start));
    let cells = rows.map(|row| row.splitn(3, " | ").map(str::to_owned).collect::<Vec<_>>().try_into().unwrap());
    cells.collect()
}

/// The command of a row, as it stands there.
fn command_of(row: &[String; 3]) -> &str {
    row[0].trim_start_matches("| ").trim_matches('`')
}

/// The command runs, or is refused with the reason that the page gives.
fn does_what_is_said(row: &[String; 3], output: &Output) {
    let command = command_of(row);
    match row[1].strip_prefix("refused, ").and_then(|refused| refused.split_once(": ")) {
        Some((status, reason)) => {
            let is_so = output.status.to_string() == status && output.stderr.contains(reason);
            assert!(is_so, "{command}: {output}");
            assert!(row[2].len() > 10, "{command}: no way is shown");
        }
        None => {
            assert_eq!(output.status, 0, "{command}: {output}");
            assert_eq!(row[1].contains("warning"), output.stderr.contains("warning"), "{command}: {output}");
        }
    }
}

/// The lines of CARTO's skills, each as it stands.
#[test]
fn the_skills_commands_do_what_the_page_says() {
    let rows = skills("credentials ");
    assert!(rows.len() >= 37, "{} rows", rows.len());
    for row in rows {
        let command = command_of(&row);
        let carto = Carto::new();
        let token = carto.created("credentials create token --grant carto_dw,x.y --apis sql", "id");
        let client = carto.created("credentials create m2m --title x", "clientId");
        let mut line = command.replace("<type>", "token");
        line = line.replace("<id>", if line.contains(" m2m ") { &client } else { &token });
        for (placeholder, value) in [
            ("[type]", ""),
            ("[options]", ""),
            ("<conn>", "carto_dw"),
            ("<connectionName>", "carto_dw"),
            ("<billing>", "billing"),
            ("<wfHash>", "0a1b"),
            ("<source-table-fqn(s)>", "p.d.t"),
            ("<fully.qualified.table.A>", "p.d.a"),
            ("<fully.qualified.table.B>", "p.d.b"),
            ("<production-origin>", "https://app.example.com"),
            ("<name>", "Name"),
        ] {
            line = line.replace(placeholder, value);
        }
        does_what_is_said(&row, &carto.sandbox(line.trim_start_matches("carto ")).output());
    }
}

/// The same for signing in, where two profiles are there and no client for a browser.
#[test]
fn the_skills_sign_in_as_the_page_says() {
    let rows = skills("auth ");
    assert!(rows.len() >= 26, "{} rows", rows.len());
    for row in rows {
        let command = command_of(&row);
        let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
        cloud.login(&carto, "dev").ok();
        cloud.login(&carto, "prod").ok();
        let line = command.replace("[profile]", "").replace("<profile>", "prod");
        let words = line.trim_start_matches("carto auth ");
        let run = cloud.run(&carto, &format!("auth {words}"));
        let run = run.env("CARTO_M2M_CLIENT_ID", CLIENT).env("CARTO_M2M_CLIENT_SECRET", SECRET);
        let client = format!(r#"{{"clientId": "{CLIENT}", "clientSecret": "{SECRET}"}}"#);
        let input = if words.ends_with("--with-token") { &cloud.bearers()[0] } else { &client };
        does_what_is_said(&row, &run.stdin(input).output());
    }
}

#[test]
fn the_skills_programs_have_a_sandbox_as_the_page_says() {
    let rows = skills("sandbox ");
    assert!(!rows.is_empty());
    let program = Path::new(env!("CARGO_BIN_EXE_carto")).parent().unwrap().display().to_string();
    for row in rows {
        let run = Carto::new();
        let run = run.run(command_of(&row).trim_start_matches("carto ")).env("PATH", &program).output();
        does_what_is_said(&row, &run);
    }
}

/// Every key of the manifest has a row on the page for vendors.
#[test]
fn every_key_of_the_manifest_is_documented() {
    let source = read("plugin-api/src/manifest/mod.rs");
    let page = read("docs/plugin-abi.md");
    let fields = regex_lite::Regex::new(r"(?m)^    pub ([a-z_]+):").unwrap();
    let mut count = 0;
    for (name, heading) in [
        ("Manifest", "**the head**"),
        ("Service", "**`[services.NAME]`**"),
        ("Record", "**`[record]`**"),
        ("VerbSpec", "**`[verbs.VERB]`**"),
        ("Arg", "**`[[verbs.VERB.args]]`**"),
    ] {
        let body = source.split(&format!("pub struct {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
        let rows = page.split(heading).nth(1).unwrap().split("| | | **").next().unwrap();
        for field in fields.captures_iter(body) {
            let key = if (name, &field[1]) == ("Arg", "kind") { "type" } else { &field[1] };
            // Added by the export macro, and said so below the table.
            if key == "package" {
                continue;
            }
            assert!(rows.contains(&format!("\n| `{key}` |")), "docs/plugin-abi.md has no row for `{key}` of {name}");
            count += 1;
        }
    }
    assert!(count >= 30, "{count}");
}

/// A link of a page leads to a file that is there, and to a heading that is there. Addresses of the network are others'.
#[test]
fn every_link_leads_somewhere() {
    let links = regex_lite::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let top = ["", "docs", "plugin-api", "tests/frozen/abi-1.0"];
    let pages = top.iter().flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    let pages = pages.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md"));
    let mut count = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links.captures_iter(&text).map(|found| found[1].to_owned()) {
            if link.contains(':') {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let file = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(file.exists(), "{}: {link}", page.display());
            let has = |text: &str| text.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
            assert!(
                heading.is_empty() || has(&std::fs::read_to_string(&file).unwrap()),
                "{}: {link} is no heading",
                page.display()
            );
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

/// A heading as links name it.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// The crate that vendors get has the licence with it.
#[test]
fn the_contracts_crate_has_the_licence() {
    assert_eq!(read("plugin-api/LICENSE"), read("LICENSE"));
}
