//! ABI version 1: one entry into the library, one way back to the host, both plain `extern "C"` over byte slices. **Frozen as 1.0.**
//!
//! `abi_stable` checks the layout of these types when a library is opened. Plain functions are used instead of its trait objects,
//! because a panic in one of those ends the process with status 1.

// The derive macro generates the unsafe code that the layout check needs, and names that clippy doesn't like.
#![allow(unsafe_code, non_camel_case_types)]

use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RResult, RSlice, RStr, RVec};

use crate::{Caller, CredentialKind, Error};

/// JSON: an answer, or an error.
pub type Answer = RResult<RVec<u8>, RVec<u8>>;

/// What a library exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = KindModule_Ref, prefix_fields = KindModule_Prefix)))]
#[sabi(missing_field(panic))]
pub struct KindModule {
    /// `invoke(verb, input, host)`: runs one verb. Blocks until it is done; never unwinds.
    #[sabi(last_prefix_field)]
    pub invoke: extern "C" fn(verb: RStr<'_>, input: RSlice<'_, u8>, host: &HostHandle<'_>) -> Answer,
}

impl RootModule for KindModule_Ref {
    abi_stable::declare_root_module_statics! {KindModule_Ref}

    const BASE_NAME: &'static str = "carto_kind";
    const NAME: &'static str = "carto_kind";
    /// The version of the ABI, not of this crate: a release of the crate must not make older plugins unloadable.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

/// The way back to the host, valid while `invoke` runs.
#[repr(C)]
#[derive(StableAbi)]
pub struct HostHandle<'a> {
    context: *const (),
    call: extern "C" fn(context: *const (), service: RStr<'_>, request: RSlice<'_, u8>) -> Answer,
    lifetime: PhantomData<&'a ()>,
}

impl<'a> HostHandle<'a> {
    /// A handle that leads to `caller`. The two references are one behind the other because a `dyn` reference has two words and the
    /// handle has room for one.
    pub fn new(caller: &'a &'a dyn Caller) -> HostHandle<'a> {
        HostHandle { context: std::ptr::from_ref(caller).cast(), call: call_back, lifetime: PhantomData }
    }
}

impl Caller for HostHandle<'_> {
    fn call(&self, service: &str, request: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        (self.call)(self.context, service.into(), request.into()).into_result().map(Into::into).map_err(Into::into)
    }
}

/// The host's side of `call`.
extern "C" fn call_back(context: *const (), service: RStr<'_>, request: RSlice<'_, u8>) -> Answer {
    // SAFETY: `context` comes from `HostHandle::new`, whose lifetime keeps both references alive while the handle exists.
    let caller = unsafe { *context.cast::<&dyn Caller>() };
    // A panic of the host must not unwind through the plugin's frames.
    match panic::catch_unwind(AssertUnwindSafe(|| caller.call(service.as_str(), request.as_slice()))) {
        Ok(answer) => answer.map(Into::into).map_err(Into::into).into(),
        Err(_) => {
            RResult::RErr(serde_json::to_vec(&Error::fault("the host failed in a call")).unwrap_or_default().into())
        }
    }
}

/// The library's side of `invoke`, for the kind `K`.
pub extern "C" fn invoke<K: CredentialKind>(verb: RStr<'_>, input: RSlice<'_, u8>, host: &HostHandle<'_>) -> Answer {
    crate::invoke::<K>(verb.as_str(), input.as_slice(), host).map(Into::into).map_err(Into::into).into()
}

/// The other direction: how a host runs a verb of a loaded module.
pub fn run(module: KindModule_Ref, verb: &str, input: &[u8], caller: &dyn Caller) -> Result<Vec<u8>, Vec<u8>> {
    let handle = HostHandle::new(&caller);
    (module.invoke())(verb.into(), input.into(), &handle).into_result().map(Into::into).map_err(Into::into)
}

#[cfg(test)]
mod tests;
