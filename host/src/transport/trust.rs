//! Whose certificates are believed: the system's authorities, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` instead, and the settings'
//! `ca_file` besides.

use carto_plugin_api::ErrorCode;
use reqwest::{Certificate, ClientBuilder};
use url::Url;

use crate::error::{Error, Result};
use crate::settings::Network;

/// Gives the client its trust store. A client for plain http needs none, and reading one takes milliseconds.
pub(super) fn of(builder: ClientBuilder, base_url: &Url, network: &Network) -> Result<ClientBuilder> {
    if base_url.scheme() == "http" {
        return Ok(builder.tls_certs_only([]));
    }
    let Some(file) = &network.ca_file else { return Ok(builder) };
    let bad = |why: String| {
        Error::new(ErrorCode::Usage, format!("cannot use `{}`, the `ca_file` of the settings: {why}", file.display()))
            .hint("nothing was sent; name a file of certificates in PEM form, or leave `ca_file` out")
    };
    // Not to wait for a writer if it is a pipe.
    match std::fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(bad("it isn't a file".to_owned())),
        Err(e) => return Err(bad(e.to_string())),
    }
    let pem = std::fs::read(file).map_err(|e| bad(e.to_string()))?;
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|_| bad("a certificate in it can't be read".to_owned()))?;
    if certificates.is_empty() {
        return Err(bad("it holds no certificate".to_owned()));
    }
    Ok(builder.tls_certs_merge(certificates))
}
