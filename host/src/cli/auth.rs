//! The words of `carto auth`. They name CARTO's sign-in of machines and the kinds that make clients for it; no other word of the host names a
//! kind.

use clap::{Args, Subcommand, ValueHint};

use super::completion::values;

/// The clap id of a profile that is a word of its own: with the id of `--profile`, it would take that option's place.
const PROFILE: &str = "carto:profile";

const HOW_TO_SIGN_IN: &str = "\
A person, in a browser, with a client that comes back to this machine:
  carto credentials create spa --title carto \\
    --callback http://127.0.0.1:3003/callback
  carto auth login --client-id ID
CARTO_AUTH_PORT is another port than 3003.

A machine, with id and secret from CARTO_M2M_CLIENT_ID and
CARTO_M2M_CLIENT_SECRET, or from a file, as its creation writes it:
  carto auth login --m2m
  carto credentials create m2m --title ci --env-file ci.env
  carto auth login --m2m --client-file ci.env
To try it out, without a file; if the login fails, the secret is lost:
  carto credentials create m2m --title ci --json |
    carto auth login --m2m --client-file -";

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Sign in, in a browser or as a machine, and keep the bearer in a profile
    #[command(after_help = HOW_TO_SIGN_IN)]
    Login(Box<LoginArgs>),
    /// Remove a profile, and end its bearer at the authority where that is possible
    Logout {
        /// Profile; the current one if none is named
        #[arg(id = PROFILE, value_name = "PROFILE", add = values::profiles())]
        profile: Option<String>,
    },
    /// Say which bearer would be used, whose it is, how long it lasts, and where each of that comes from
    Status {
        /// Profile; what a command would use if none is named
        #[arg(id = PROFILE, value_name = "PROFILE", add = values::profiles())]
        profile: Option<String>,
    },
    /// Make a profile the current one
    Use {
        /// Profile; asked for if none is named
        #[arg(id = PROFILE, value_name = "PROFILE", add = values::profiles())]
        profile: Option<String>,
    },
    /// Ask CARTO who the bearer belongs to
    Whoami,
}

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Name of the profile; made of tenant, organisation and user if none is given
    #[arg(id = PROFILE, value_name = "PROFILE", add = values::profiles())]
    pub(crate) profile: Option<String>,
    /// Sign in as a machine, with the id and the secret of an M2M client
    #[arg(long, conflicts_with = "with_token", help_heading = "Machines")]
    pub(crate) m2m: bool,
    /// File with the client's id and secret, as `credentials create m2m` writes them or carto-auth reads them; `-` for standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "m2m", conflicts_with_all = ["client_id", "client_secret"], help_heading = "Machines")]
    pub(crate) client_file: Option<String>,
    /// Secret of the M2M client: `-` (standard input), `@FILE` or `env:NAME`
    #[arg(long, value_name = "SECRET", requires = "m2m", help_heading = "Machines")]
    pub(crate) client_secret: Option<String>,
    /// Keep a bearer that you have: it is read from standard input
    #[arg(long, help_heading = "Machines")]
    pub(crate) with_token: bool,
    /// OAuth client to sign in as [env: CARTO_AUTH_CLIENT_ID (browser)]
    #[arg(long, value_name = "ID", help_heading = "Authority")]
    pub(crate) client_id: Option<String>,
    /// Authority that signs bearers [env: CARTO_AUTH_ISSUER]
    #[arg(long, value_name = "URL", help_heading = "Authority")]
    pub(crate) issuer: Option<String>,
    /// Organisation to sign in to, by its name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["m2m", "with_token"], help_heading = "Authority")]
    pub(crate) organization_name: Option<String>,
    /// Not taken: CARTO reserves it
    #[arg(long, value_name = "ID", hide = true)]
    pub(crate) organization_id: Option<String>,
    /// Not taken: the authority is named by its address, with --issuer
    #[arg(long, value_name = "NAME", hide = true)]
    pub(crate) env: Option<String>,
    /// Print the address to open, and end; `--callback` finishes
    #[arg(long, conflicts_with_all = ["m2m", "with_token", "callback"], help_heading = "Browser")]
    pub(crate) no_launch_browser: bool,
    /// Finish what `--no-launch-browser` began, with the address that the browser came to; it holds a code, and other users can see
    /// options: `-` reads it from standard input
    #[arg(long, value_name = "URL", conflicts_with_all = ["m2m", "with_token"], help_heading = "Browser")]
    pub(crate) callback: Option<String>,
}
