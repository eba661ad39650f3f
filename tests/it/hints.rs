//! Every error has a way out, and a command in a hint runs when it is pasted.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::wire::Wire;
use crate::support::{Carto, Output, Run, library, terminal};

/// The commands in backticks of an output's hints.
pub(crate) fn commands(output: &Output) -> Vec<String> {
    let hints = output.stderr.lines().filter_map(|line| line.strip_prefix("hint: "));
    let quoted = hints.flat_map(|hint| hint.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    quoted.filter(|words| words.starts_with("carto ") || words.starts_with("chmod ")).collect()
}

/// Runs a line in a shell where `carto` is the program, in the place of a command that failed. A question is answered as it asks.
pub(crate) fn paste(carto: &Carto, failed: &Command, line: &str) -> (String, i32) {
    let bin = carto.home().join("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_carto"), bin.join("carto")).unwrap();
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).env_clear().current_dir(carto.home()).stdin(Stdio::null());
    command.envs(failed.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    // Whatever was wrong with the service is over.
    command.env("CARTO_SANDBOX_FAULT", "clock=2026-11-23T10:00:00Z");
    terminal::asked(Run::of(command, carto.home()), "to go on: ", "delete")
}

struct Errors<'a> {
    carto: &'a Carto,
    provoked: usize,
    pasted: usize,
    dead_ends: Vec<String>,
}

impl Errors<'_> {
    fn provoke(&mut self, run: Run) {
        let command = run.command_again();
        let output = run.output();
        let line: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        if output.status == 0 {
            self.dead_ends.push(format!("no error: {}", line.join(" ")));
        }
        let ways_out = ["hint: ", "\"hint\":", "Usage: "];
        if !ways_out.iter().any(|way| output.stderr.contains(way)) {
            self.dead_ends.push(format!("no way out: {}: {output}", line.join(" ")));
        }
        self.provoked += 1;
        for pasted in commands(&output) {
            let (screen, status) = paste(self.carto, &command, &pasted);
            // After an unknown outcome, what is looked for may not be there.
            // Signing in needs a person or a client of one's own, and says what else.
            let leads_on = pasted.starts_with("carto auth login") && screen.contains("hint: ");
            if !(status == 0 || status == 3 && output.status == 8 || leads_on) {
                self.dead_ends.push(format!("`{pasted}` ends with {status}: {screen}\nafter {output}"));
            }
            self.pasted += 1;
        }
    }
}

#[test]
fn sixty_errors_lead_on() {
    let carto = Carto::new();
    let token = "credentials create token --grant dw,a.b --apis sql";
    carto.sandbox(&format!("{token} --name demo")).ok();
    carto.sandbox("credentials create m2m --title Nightly").ok();
    carto.sandbox("credentials create m2m --title Nightly").ok();
    carto.sandbox("credentials create spa --title 'Store locator' --callback https://a.example.com").ok();
    let mut errors = Errors { carto: &carto, provoked: 0, pasted: 0, dead_ends: Vec::new() };
    for line in [
        "credentials list tokn",
        "credentials list robots",
        "credentials lst",
        "credential list",
        "credentials tokens list",
        "credentials token list",
        "credentials create",
        "credentials create --json",
        "credentials create token",
        "credentials create token --apis sql",
        "credentials create token --connection dw --apis sql",
        "credentials create token --connection dw --connection e --source a.b --apis sql",
        "credentials create token --grant dw --apis sql",
        "credentials create token --grant dw,*.* --apis sql",
        "credentials create token --grant dw, --apis sql",
        "credentials create token --grant dw,a.b,c.d --apis sql",
        "credentials create token --grant dw,a.b --apis sqll",
        "credentials create token --grant dw,a.b --apis sql,imports",
        "credentials create token --grant dw,a.b --apis ''",
        "credentials create token --grant dw,a.b --apis sql --name demo",
        "credentials create token --grant dw,a.b --apis sql --name ''",
        "credentials create token --grant dw,a.b --apis sql --expiration-date tomorrow",
        "credentials create token --grant dw,a.b --apis sql --expiration-date 2020-01-01",
        "credentials create token --grant dw,a.b --apis sql --colour red",
        "credentials create token --connection dw --source @missing.sql --apis sql",
        "credentials create token --grant dw,a.b --apis sql --env-file nowhere/.env",
        "credentials create token --grant dw,a.b --apis sql --env-file .env -o env",
        "credentials create token --grant dw,a.b --apis sql --field tokn",
        "credentials create spa",
        "credentials create spa --title x --callback nonsense",
        "credentials create spa --title x --callback http://app.example.com",
        "credentials create spa --title ''",
        "credentials create m2m --title x --callback https://a.example.com",
        "credentials get token",
        "credentials get token nobody",
        "credentials get token tok_0000000000000000000",
        "credentials get token ''",
        "credentials get token ..",
        "credentials get m2m Nightly",
        "credentials get spa nobody",
        "credentials get token demo --field token",
        "credentials get token demo --field colour",
        "credentials get token demo -o env",
        "credentials get m2m x --field clientSecret",
        "credentials get token demo --json --field id",
        "credentials get token demo --json -o csv",
        "credentials update token demo",
        "credentials update token demo --add-grant dw,a.b",
        "credentials update token demo --remove-grant dw,a.b",
        "credentials update token demo --remove-grant dw,x.y",
        "credentials update token demo --expiration-date 7d",
        "credentials update spa 'Store locator'",
        "credentials update m2m nobody --title x",
        "credentials delete token demo",
        "credentials delete token nobody --yes",
        "credentials revoke token demo",
        "credentials revoke m2m nobody -y",
        "credentials list -o csv",
        "credentials list tokens -o env",
        "credentials list --limit 0",
        "credentials list --timeout soon",
        "credentials list --profile x",
        "plugin list -o csv",
        "plugin lst",
        "sandbox serve --port 99999",
        "sandbox serv",
        "",
    ] {
        errors.provoke(carto.sandbox(line));
    }
    for (line, fault) in [
        ("credentials list", "status=503"),
        ("credentials list tokens", "status=500"),
        ("credentials create token --grant dw,a.b --apis sql --name new", "status=502"),
        ("credentials create m2m --title New", "status=504"),
        ("credentials create spa --title 'It is new'", "status=500"),
        ("credentials update token demo --name demo", "status=500,method=PATCH"),
        ("credentials delete token demo --yes", "status=500,method=DELETE"),
        ("credentials create token --grant dw,a.b --apis sql", "status=500"),
        ("credentials create m2m --title x", "status=429,retry-after=900"),
        ("credentials get token demo", "status=401"),
        ("credentials get token demo", "status=403"),
    ] {
        errors.provoke(carto.sandbox(line).fault(fault));
    }
    errors.provoke(carto.sandbox("credentials list").env("CARTO_SANDBOX_FAULT", "staus=500"));
    let wider =
        Wire::json("200 OK", r#"{"id": "tok_1", "token": "x", "grants": [{"connection_name": "dw", "source": "*"}]}"#);
    errors.provoke(wider.run(&carto, token));
    for (line, variables) in [
        ("credentials list", &[][..]),
        ("credentials list", &[("CARTO_API_TOKEN", "x")][..]),
        ("credentials list", &[("CARTO_API_TOKEN", "two words"), ("CARTO_BASE_URL", "http://127.0.0.1:1")][..]),
        ("credentials list", &[("CARTO_API_TOKEN", "x"), ("CARTO_BASE_URL", "http://api.example.com")][..]),
        ("credentials list", &[("CARTO_API_TOKEN", "x"), ("CARTO_BASE_URL", "127.0.0.1")][..]),
        ("credentials list", &[("CARTO_PROFILE", "nobody")][..]),
        ("credentials list tokens", &[("CARTO_API_TOKEN", "x"), ("CARTO_BASE_URL", "http://127.0.0.1:1")][..]),
    ] {
        let run = variables.iter().fold(carto.run(line), |run, (name, value)| run.env(name, value));
        errors.provoke(run);
    }
    broken_files(&carto, &mut errors);
    println!("{} errors provoked, {} commands of their hints pasted", errors.provoked, errors.pasted);
    assert!(errors.dead_ends.is_empty(), "{}", errors.dead_ends.join("\n"));
    assert!(errors.provoked >= 60 && errors.pasted >= 30, "{} {}", errors.provoked, errors.pasted);
}

fn broken_files(carto: &Carto, errors: &mut Errors<'_>) {
    let writable = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    let file = carto.kinds().join(library::file_name("robot"));
    std::fs::write(&file, "no library").unwrap();
    errors.provoke(carto.sandbox("credentials list robot"));
    errors.provoke(carto.sandbox("credentials list"));
    std::fs::copy(library::built("marker"), &file).unwrap();
    errors.provoke(carto.sandbox("credentials list robot"));
    writable(&file);
    errors.provoke(carto.sandbox("credentials list robot"));
    std::fs::remove_file(&file).unwrap();
    writable(&carto.kinds());
    errors.provoke(carto.sandbox("credentials list tokens"));
    carto.write(".config/carto/config.toml", "[netwrok]\n");
    errors.provoke(carto.sandbox("credentials list"));
    carto.write(".config/carto/config.toml", "[network]\nretries = 99\n");
    errors.provoke(carto.sandbox("credentials list"));
    std::fs::remove_file(carto.home().join(".config/carto/config.toml")).unwrap();
    carto.write(".carto_credentials.json", "{");
    errors.provoke(carto.run("credentials list"));
}
