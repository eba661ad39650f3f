//! The words of `carto plugin`.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List the kinds, and files that aren't used, without running any
    List,
    /// Show what one kind is and what it may do, without running it
    Info {
        /// Name or plural of the kind
        kind: String,
    },
    /// Look for what is wrong with plugins, and say how to mend it
    Doctor {
        /// Also load each kind in a process of its own, and report time and memory
        #[arg(long)]
        run: bool,
    },
    /// Say why a kind, or a verb of it, can or can't be used: the rule that decides
    Why {
        /// Name or plural of the kind
        kind: String,
        /// Verb, or another word that the kind has for it
        verb: Option<String>,
    },
    /// Install a plugin for yourself, or go back to the version before
    Install {
        /// Library to install; with `--rollback`, the name of an installed kind
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        what: String,
        /// Refuse the file unless this is its SHA-256
        #[arg(long, value_name = "HEX", conflicts_with = "rollback")]
        sha256: Option<String>,
        /// Go back to the version that was replaced last
        #[arg(long)]
        rollback: bool,
    },
    /// Remove a plugin that you installed
    Remove {
        /// Name of the kind
        kind: String,
    },
    /// Accept the plugins as they are now, and refuse them if they change
    Lock {
        /// Names of kinds; all if none is named
        #[arg(value_name = "KIND")]
        kinds: Vec<String>,
        /// Accept any version again
        #[arg(long)]
        forget: bool,
    },
    /// Make a crate for a new kind of credential
    New {
        /// Name of the kind
        name: String,
        /// Folder of the crate `carto-plugin-api`, instead of the one that came with carto
        #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath)]
        plugin_api: Option<PathBuf>,
    },
    /// Test a finished plugin against the contract
    Check {
        /// Library to test
        file: PathBuf,
        /// With what to call the verbs, and what the kind's service answers; else both are made up from the manifest
        #[arg(long, value_name = "FILE")]
        script: Option<PathBuf>,
        /// Write the results here too, in JUnit's format
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
}
