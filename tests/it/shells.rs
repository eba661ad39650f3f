//! Completion in the shells themselves, where they are installed.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect;

use crate::support::output::check;
use crate::support::{Carto, Run, terminal};

/// The file of a program on this machine; without it, a line says that a test was left out.
fn installed(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/bin", "/usr/local/bin"].map(Path::new);
    let file = folders.iter().map(|folder| folder.join(name)).find(|file| file.exists());
    if file.is_none() {
        println!("left out: {name} isn't installed");
    }
    file
}

/// A shell with these arguments, and the program on its path.
fn shell(carto: &Carto, file: &Path, args: &[&str]) -> Run {
    let folder = Path::new(env!("CARGO_BIN_EXE_carto")).parent().unwrap();
    let mut command = Command::new(file);
    command
        .args(args)
        .env_clear()
        .env("HOME", carto.home())
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("TERM", "dumb")
        .env("PS1", "$ ")
        .env("CARTO_KINDS_PATH", carto.kinds())
        .current_dir(carto.home());
    Run::of(command, carto.home())
}

/// Bash for a terminal. It doesn't end by itself if a quote stays open.
fn interactive(carto: &Carto, bash: &Path) -> Run {
    let bash = bash.to_str().unwrap();
    let args = ["--foreground", "--signal=KILL", "60", bash, "--norc", "--noprofile", "-i"];
    shell(carto, Path::new("/usr/bin/timeout"), &args)
}

/// Keys as somebody would press them: a tab completes, and what then stands on the line is printed instead of run.
#[test]
fn bash_completes() {
    let Some(bash) = installed("bash") else { return };
    let carto = Carto::new();
    carto.write("query.sql", "select 1");
    carto.write("folder/inner.sql", "select 2");
    carto.write("my file", "");
    carto.write("my folder/in it", "");
    carto.write(
        ".carto_credentials.json",
        r#"{"profiles": {"acme/ACME, Inc./ada@example.com": {"token": "x"}, "x:one": {}, "z z:a=b:c": {}}}"#,
    );
    for (keys, expected) in [
        ("carto cred\tcr\tto\t--apis sql --na\t", "carto credentials create token --apis sql --name"),
        ("carto -o=js\tl", "carto -o=jsonl"),
        ("carto --base-url https://a.b credentials li\tm2\t", "carto --base-url https://a.b credentials list m2m"),
        ("carto credentials create token --source @q\t", "carto credentials create token --source @query.sql"),
        ("carto credentials create token --source=@fo\t", "carto credentials create token --source=@folder/"),
        // Names that need quotes.
        (
            "carto credentials create token --env-file my\to\tin\t",
            r"carto credentials create token --env-file my folder/in it",
        ),
        ("carto credentials create token --env-file=\"my\ti\t", "carto credentials create token --env-file=my file"),
        ("carto credentials create token --name 'a b' --ap\t", "carto credentials create token --name a b --apis"),
        ("carto --kinds-path=ki\t credentials rev\t", "carto --kinds-path=kinds/ credentials revoke"),
        ("carto auth use ac\t", "carto auth use acme/ACME, Inc./ada@example.com"),
        ("carto --profile ac\tauth who\t", "carto --profile acme/ACME, Inc./ada@example.com auth whoami"),
        ("carto --profile=\"acme/ACME, Inc./ada@\ta\t", "carto --profile=acme/ACME, Inc./ada@example.com"),
        // Where bash splits words: at the end of what is typed, and in it.
        ("carto auth use x:\t", "carto auth use x:one"),
        ("carto auth use x:o\t", "carto auth use x:one"),
        ("carto auth use x\t", "carto auth use x:one"),
        ("carto auth use x\\:\t", "carto auth use x:one"),
        ("carto auth use 'x:\t", "carto auth use x:one"),
        ("carto auth use z\\ z:\t", "carto auth use z z:a=b:c"),
        ("carto auth use z\\ z:a=\t", "carto auth use z z:a=b:c"),
        ("carto auth use \"z z:a=b:\t", "carto auth use z z:a=b:c"),
        ("carto --profile x:\tauth who\t", "carto --profile x:one auth whoami"),
        ("carto --profile=x:\t", "carto --profile=x:one"),
        ("carto --profile=z\\ z:a=b\t", "carto --profile=z z:a=b:c"),
        ("carto auth use acme/ACME,\\ Inc./ada@\t", "carto auth use acme/ACME, Inc./ada@example.com"),
    ] {
        let typed = format!("source <(carto completion bash)\n{keys}\u{1}echo now: \nexit");
        let (screen, _) = terminal::asked(interactive(&carto, &bash), "$ ", &typed);
        assert!(screen.contains(&format!("\nnow: {expected}")), "{keys:?}: {screen}");
    }
    // A program that isn't on the path, in a folder whose name needs quotes.
    std::fs::create_dir(carto.home().join("it's here")).unwrap();
    symlink(env!("CARGO_BIN_EXE_carto"), carto.home().join("it's here/carto-2")).unwrap();
    let typed = "source <(./it\\'s\\ here/carto-2 completion bash)\ncarto-2 credentials li\tm2\t\u{1}echo now: \nexit";
    let (screen, _) = terminal::asked(interactive(&carto, &bash), "$ ", typed);
    assert!(screen.contains("\nnow: carto-2 credentials list m2m"), "{screen}");
}

/// The script as zsh loads it from a folder of `fpath`, at its first use, with what stands on the line.
#[test]
fn zsh_completes_at_the_first_try() {
    let Some(zsh) = installed("zsh") else { return };
    let carto = Carto::new();
    let program = "
        compdef() { :; }
        _describe() { print -rl -- ${(P)3}; }
        carto completion zsh > _carto
        fpath=($PWD $fpath)
        autoload -U _carto
        words=(carto credentials list t) CURRENT=4
        _carto
        words=(carto credentials create '') CURRENT=4
        _clap_dynamic_completer_carto
        source <(carto completion zsh)
    ";
    check(
        &shell(&carto, &zsh, &["-f", "-c", program]).ok(),
        expect![[r#"
        status 0
        --- stdout
        token:API Access Token: Server-side API access with specific connection and source grants
        m2m:M2M OAuth Client: Sign-in for a program that acts without a user
        spa:SPA OAuth Client: Sign-in for users of a single-page application
        token:API Access Token: Server-side API access with specific connection and source grants
        --env-file:Write the credential's variables into this file, and its secrets nowhere else
    "#]],
    );
}

#[test]
fn fish_completes() {
    let Some(fish) = installed("fish") else { return };
    let carto = Carto::new();
    let program = "
        carto completion fish | source
        complete -C 'carto credentials create t'
        complete -C 'carto credentials revoke m2m x --field ti'
    ";
    check(
        &shell(&carto, &fish, &["--no-config", "-c", program]).ok(),
        expect![[r#"
        status 0
        --- stdout
        token	API Access Token: Server-side API access with specific connection and source grants
        title
    "#]],
    );
}
