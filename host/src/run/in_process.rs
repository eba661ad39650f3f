//! Runs a library in this process, for a debugger: with all the power of the user who started it, and all that this process knows.

use std::os::fd::AsRawFd;

use carto_plugin_api::abi::v1::{self, KindModule_Ref};
use carto_plugin_api::{Caller, Verb};

use super::load::Fault;
use super::{Accept, Instance, Level, Runtime, Spoken, guard, load, sealed};
use crate::error::Result;
use crate::kinds::Kind;

pub(super) struct InProcess {
    pub(super) debug: bool,
}

impl Runtime for InProcess {
    fn level(&self) -> Level {
        Level::InProcess
    }

    fn prepare(&self, _: &Kind) {}

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn start(&self, kind: &Kind, accept: &Accept<'_>) -> Result<Box<dyn Instance>> {
        let failed =
            |e| Fault { why: format!("can't be copied into memory: {e}"), remedy: "free some memory".to_owned() };
        let memory = sealed::memory().map_err(|e| failed(e).of(kind))?;
        let sealed = sealed::fill(&memory, kind)?;
        accept(&sealed.sha256)?;
        guard::let_debuggers_in();
        // By the process's number, so that a debugger finds the same file under the name that it is told.
        let path = format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd());
        super::report(kind, &sealed.sha256, self.level(), None, self.debug);
        let module = load::open(&path).map_err(|fault| fault.of(kind))?;
        // A debugger reads it whenever it wants to.
        std::mem::forget(memory);
        Ok(Box::new(Loaded { module }))
    }
}

struct Loaded {
    module: KindModule_Ref,
}

impl Instance for Loaded {
    fn invoke(&mut self, verb: Verb, input: &[u8], host: &dyn Caller) -> Result<Spoken> {
        Ok(v1::run(self.module, verb.as_str(), input, host))
    }

    fn process(&self) -> Option<u32> {
        None
    }

    /// Its streams are this process's.
    fn printed(&mut self) -> String {
        String::new()
    }
}
