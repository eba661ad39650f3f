//! Standard input, which only one argument can have.

use std::io::Read;

use crate::error::{Error, Result, usage};
use carto_plugin_api::ErrorCode;

/// The most that is read.
const LIMIT: u64 = 1024 * 1024;

/// Who has read standard input, if anybody.
#[derive(Debug, Default)]
pub(crate) struct Stdin {
    reader: Option<String>,
}

impl Stdin {
    /// All of it, without the line break at its end.
    pub(crate) fn text(&mut self, reader: &str) -> Result<String> {
        if let Some(earlier) = &self.reader {
            return Err(usage(format!("`{earlier}` and `{reader}` both read standard input"))
                .hint("give one of them another way"));
        }
        self.reader = Some(reader.to_owned());
        let mut text = String::new();
        let failed =
            |why: String| Error::new(ErrorCode::Usage, format!("cannot read standard input for `{reader}`: {why}"));
        std::io::stdin().take(LIMIT + 1).read_to_string(&mut text).map_err(|e| failed(e.to_string()))?;
        if text.len() as u64 > LIMIT {
            return Err(failed("it is larger than 1 MiB".to_owned()));
        }
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }
}
