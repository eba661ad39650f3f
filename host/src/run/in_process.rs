//! Runs a library in this process: quick, easy to debug, and with all the power of the user who started it.

use carto_plugin_api::Caller;
use carto_plugin_api::abi::v1::{self, KindModule_Ref};

use super::{Instance, Runtime, load};
use crate::error::Result;
use crate::kinds::Kind;

pub(crate) struct InProcess;

impl Runtime for InProcess {
    fn level(&self) -> &'static str {
        "unconfined"
    }

    fn start(&self, kind: &Kind) -> Result<Box<dyn Instance>> {
        Ok(Box::new(Loaded { module: load::open(kind)? }))
    }
}

struct Loaded {
    module: KindModule_Ref,
}

impl Instance for Loaded {
    fn invoke(&self, verb: &str, input: &[u8], host: &dyn Caller) -> std::result::Result<Vec<u8>, Vec<u8>> {
        v1::run(self.module, verb, input, host)
    }
}
