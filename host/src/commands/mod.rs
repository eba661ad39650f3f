//! What each command does. Words are `cli`'s, effects belong to the modules that own them; here they are put in order.

pub(crate) mod completion;
mod confirm;
pub(crate) mod credentials;
pub(crate) mod plugin;
pub(crate) mod reference;
pub(crate) mod sandbox;

use crate::cli::Globals;
use crate::kinds::Catalog;

/// What every command has at hand.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) catalog: Catalog,
}
