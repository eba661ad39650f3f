//! From JSON to a kind's typed functions and back, with panics caught inside the library that caused them.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::{Caller, Input};
use crate::{CredentialKind, Error, ErrorCode, Host, Page, Result, Verb};

/// Runs one verb of a kind: the JSON of an [`Input`] in, the JSON of the answer (a record, a listing or `null`) or of an [`Error`] out.
///
/// This is what [`crate::export_kind!`] puts behind the library's entry, and what `testing::Harness` calls. It never unwinds.
pub fn invoke<K: CredentialKind>(verb: &str, input: &[u8], caller: &dyn Caller) -> Result<Vec<u8>, Vec<u8>> {
    catch(|| dispatch::<K>(verb, input, caller)).map_err(|error| {
        // An error is three strings and a word: this can't fail, and must not panic if it does.
        serde_json::to_vec(&error).unwrap_or_default()
    })
}

fn dispatch<K: CredentialKind>(verb: &str, input: &[u8], caller: &dyn Caller) -> Result<Vec<u8>> {
    let input: Input =
        serde_json::from_slice(input).map_err(|e| Error::fault(format!("cannot read the input: {e}")))?;
    let host = Host::new(caller, &input);
    let id = || input.id.as_deref().ok_or_else(|| Error::fault(format!("the host asked to {verb} nothing: no id")));
    match verb.parse() {
        Ok(Verb::List) => write(&K::list(&host, Page { cursor: input.cursor.clone() })?),
        Ok(Verb::Create) => write(&K::create(&host, typed(&host)?)?),
        Ok(Verb::Get) => write(&K::get(&host, id()?)?),
        Ok(Verb::Update) => write(&K::update(&host, id()?, typed(&host)?)?),
        Ok(Verb::Delete) => write(&K::delete(&host, id()?)?),
        Ok(Verb::Verify) => write(&K::verify(&host, id()?)?),
        Err(()) => Err(Error::new(ErrorCode::UnknownVerb, format!("this kind has no verb `{verb}`"))),
    }
}

fn typed<T: DeserializeOwned>(host: &Host<'_>) -> Result<T> {
    host.args()
}

fn write(answer: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(answer).map_err(|e| Error::fault(format!("cannot write the answer: {e}")))
}

thread_local! {
    /// Whether a kind runs on this thread.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `f` and turns a panic into a fault that says where. A library has its own copy of the standard library, so the hook set here
/// is the library's alone.
fn catch<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| match CATCHING.get() {
            true => {
                // A second one can be the end of the process, and then nobody comes to tell of the first.
                if LAST_PANIC.replace(Some(describe(info))).is_some() {
                    previous(info);
                }
            }
            // A kind's tests run in one process with this, and their failures are theirs to tell.
            false => previous(info),
        }));
    });
    CATCHING.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(false);
    match outcome {
        Ok(result) => result,
        Err(payload) => {
            let message = LAST_PANIC.take().unwrap_or_else(|| "without a message".to_owned());
            drop_quietly(payload);
            Err(Error::fault(message))
        }
    }
}

/// Where it happened and what was said, in one line.
fn describe(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let said = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let said = said.unwrap_or("no message").split_whitespace().collect::<Vec<_>>().join(" ");
    match info.location() {
        Some(at) => format!("it panicked at {}:{}: {said}", at.file(), at.line()),
        None => format!("it panicked: {said}"),
    }
}

/// A payload's own `drop` can panic too, and would unwind out of the library.
fn drop_quietly(payload: Box<dyn Any + Send>) {
    CATCHING.set(true);
    let dropped = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)));
    CATCHING.set(false);
    if let Err(second) = dropped {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Listing, NoInput};

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }

    struct Broken;

    impl CredentialKind for Broken {
        type Record = ();
        type Create = NoInput;
        type Update = NoInput;

        fn list(_: &Host<'_>, _: Page) -> Result<Listing<()>> {
            panic!("boom {}", 7)
        }

        fn create(_: &Host<'_>, _: NoInput) -> Result<()> {
            panic::panic_any(Bomb)
        }
    }

    struct Nobody;

    impl Caller for Nobody {
        fn call(&self, _: &str, _: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
            unreachable!("no verb here calls")
        }
    }

    fn fault(verb: &str, input: &str) -> Error {
        serde_json::from_slice(&invoke::<Broken>(verb, input.as_bytes(), &Nobody).unwrap_err()).unwrap()
    }

    #[test]
    fn panics_are_faults_that_say_where() {
        let error = fault("list", "{}");
        assert_eq!(error.code, ErrorCode::PluginFault);
        assert!(error.message.contains("boom 7") && error.message.contains("adapter.rs"), "{}", error.message);
        assert_eq!(fault("create", "{}").code, ErrorCode::PluginFault);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert_eq!(fault("get", r#"{"id": "x"}"#).code, ErrorCode::UnknownVerb);
        assert_eq!(fault("verify", r#"{"id": "x"}"#).code, ErrorCode::UnknownVerb);
        assert_eq!(fault("verify", "{}").code, ErrorCode::PluginFault);
        assert_eq!(fault("explode", "{}").code, ErrorCode::UnknownVerb);
        assert_eq!(fault("get", "{}").code, ErrorCode::PluginFault);
        assert_eq!(fault("list", "not JSON").code, ErrorCode::PluginFault);
    }
}
