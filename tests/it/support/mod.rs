//! What every test of the program stands on: a home of its own, no variable of the machine's, a fixed clock, and one text that holds
//! standard output, standard error and status.

pub(crate) mod authority;
pub(crate) mod cloud;
pub(crate) mod http;
pub(crate) mod kernel;
pub(crate) mod library;
pub(crate) mod login;
pub(crate) mod output;
pub(crate) mod prefix;
pub(crate) mod recorder;
pub(crate) mod robot;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod steps;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod wire;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub(crate) use output::Output;

/// The three kinds of the product.
pub(crate) const KINDS: [&str; 3] = ["m2m", "spa", "token"];

/// A place to run `carto` in.
pub(crate) struct Carto {
    home: TempDir,
}

impl Carto {
    /// An empty home, and a folder of kinds with the product's three.
    pub(crate) fn new() -> Carto {
        let carto = Carto::without_kinds();
        for kind in KINDS {
            carto.install(kind);
        }
        carto
    }

    /// An empty home and an empty folder of kinds.
    pub(crate) fn without_kinds() -> Carto {
        let home = TempDir::new().unwrap();
        std::fs::create_dir(home.path().join("kinds")).unwrap();
        let carto = Carto { home };
        // As often as usual, but at once.
        carto.write(".config/carto/config.toml", "[network]\nbackoff = \"1ms\"\n");
        carto
    }

    /// The same, with kinds run at this level.
    pub(crate) fn at_level(self, level: &str) -> Carto {
        let config = format!("[network]\nbackoff = \"1ms\"\n[plugins]\nlevel = \"{level}\"\n");
        self.write(".config/carto/config.toml", &config);
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn kinds(&self) -> PathBuf {
        self.home.path().join("kinds")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join(".local/share/carto")
    }

    /// Puts a built library into the folder of kinds.
    pub(crate) fn install(&self, kind: &str) {
        let file = library::file_name(kind);
        std::os::unix::fs::symlink(library::built(kind), self.kinds().join(file)).unwrap();
    }

    /// Takes it out again.
    pub(crate) fn uninstall(&self, kind: &str) {
        std::fs::remove_file(self.kinds().join(library::file_name(kind))).unwrap();
    }

    /// Writes a file into the home.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        // Whatever the umask here.
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// The program with these words, in the sandbox, at ten o'clock on 23 November 2026.
    pub(crate) fn sandbox(&self, line: &str) -> Run {
        self.run(line).env("CARTO_SANDBOX", "1")
    }

    /// The program with these words, separated by spaces; `'…'` keeps a word together.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.run_words(&words(line))
    }

    pub(crate) fn run_words<S: AsRef<str>>(&self, words: &[S]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carto"));
        command
            .args(words.iter().map(AsRef::as_ref))
            .env_clear()
            .env("HOME", self.home.path())
            .env("CARTO_KINDS_PATH", self.kinds())
            .env("CARTO_SANDBOX_FAULT", "clock=2026-11-23T10:00:00Z")
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        Run { command, stdin: None, home: self.home.path().to_owned() }
    }

    /// Runs a create and answers with one field of what came.
    pub(crate) fn created(&self, line: &str, field: &str) -> String {
        self.sandbox(&format!("{line} --field {field}")).ok().stdout.trim_end().to_owned()
    }
}

/// A command that is about to run.
#[must_use]
pub(crate) struct Run {
    pub(crate) command: Command,
    stdin: Option<String>,
    home: PathBuf,
}

impl Run {
    /// Another command, run in the same way.
    pub(crate) fn of(command: Command, home: &Path) -> Run {
        Run { command, stdin: None, home: home.to_owned() }
    }

    /// The same variables and arguments, for another command.
    pub(crate) fn command_again(&self) -> Command {
        let mut again = Command::new(self.command.get_program());
        again.args(self.command.get_args());
        again.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        again
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Run {
        self.stdin = Some(text.to_owned());
        self
    }

    /// A fault of the sandbox, with the clock still fixed.
    pub(crate) fn fault(self, fault: &str) -> Run {
        self.env("CARTO_SANDBOX_FAULT", format!("clock=2026-11-23T10:00:00Z;{fault}"))
    }

    /// Runs it to its end.
    pub(crate) fn output(mut self) -> Output {
        use std::io::Write;

        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.stdin.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.command.spawn().unwrap();
        if let (Some(text), Some(mut stdin)) = (self.stdin, child.stdin.take()) {
            // The program may end without reading it.
            let _ = stdin.write_all(text.as_bytes());
        }
        Output::new(child.wait_with_output().unwrap(), &self.home)
    }

    /// Waits for the end of what was started from this.
    pub(crate) fn ended(&self, child: std::process::Child) -> Output {
        Output::new(child.wait_with_output().unwrap(), &self.home)
    }

    /// Runs it, and it must succeed.
    pub(crate) fn ok(self) -> Output {
        let output = self.output();
        assert_eq!(output.status, 0, "{output}");
        output
    }

    /// Runs it, and it must end with this status and print nothing.
    pub(crate) fn fails(self, status: i32) -> Output {
        let output = self.output();
        assert_eq!((output.status, output.stdout.as_str()), (status, ""), "{output}");
        output
    }
}

/// Splits a line as a shell would: spaces, single and double quotes, and a backslash before a line break.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let line = line.replace("\\\n", " ");
    for c in line.chars() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
