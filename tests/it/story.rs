//! The story of a credential that is real: what it opens, for how long, and what is left of it when its maker is gone.

use serde_json::Value;

use crate::support::Carto;
use crate::support::http::query;
use crate::support::server::Served;

/// The clock of the machine, by which tokens end.
fn serve(carto: &Carto) -> Served {
    let run = carto.run("sandbox serve --port 0 --json");
    Served::start_with(run.env("CARTO_SANDBOX_FAULT", ""))
}

/// A machine's client signs in, makes a token, and is revoked: the client's sign-in fails from then on, the token's doesn't, and that was said.
#[test]
fn a_token_survives_the_client_that_made_it() {
    let carto = Carto::new();
    let served = serve(&carto);

    // An owner makes the client.
    let client = served.run(&carto, "credentials create m2m --title nightly --json").ok().json();
    let client_id = client["clientId"].as_str().unwrap();

    // The client signs in, with nothing but its id and its secret.
    let as_the_client = |line: &str| {
        carto
            .run(line)
            .env("CARTO_AUTH_ISSUER", format!("{}/", served.url))
            .env("CARTO_M2M_CLIENT_ID", client_id)
            .env("CARTO_M2M_CLIENT_SECRET", client["clientSecret"].as_str().unwrap())
    };
    let login = format!("auth login --m2m machine --base-url {}", served.url);
    as_the_client(&login).ok();
    let status = carto.run("auth status --json").ok().json();
    assert_eq!((&status["profile"], &status["token_kind"]), (&"machine".into(), &"oauth_m2m".into()));

    // It makes a token, and the token opens what it should.
    let made = as_the_client("credentials create token --grant dw,a.b.c --grant 'dw,SELECT 1' --apis sql,maps --json");
    let made = made.ok().json();
    let token = made["token"].as_str().unwrap();
    let reads = |connection: &str, statement: &str| query(&served.url, token, connection, statement);
    assert_eq!(reads("dw", "select 1;").status, 200);
    assert_eq!(reads("other", "select 1").status, 403);

    // The owner revokes the client, and is told what that doesn't end.
    let revoked = served.run(&carto, &format!("credentials revoke m2m {client_id} --yes")).ok();
    assert!(revoked.stderr.contains("warning: "), "{revoked}");
    assert!(revoked.stderr.contains("go on working") && revoked.stderr.contains("credentials list token"), "{revoked}");

    // Neither the sign-in it has nor a new one opens anything.
    let refused = as_the_client("credentials list tokens").fails(4);
    assert!(refused.stderr.contains("the profile `machine`"), "{refused}");
    let refused = as_the_client(&login).fails(4);
    assert!(refused.stderr.contains(client_id), "{refused}");

    // Its token still does, until it is deleted.
    assert_eq!(reads("dw", "SELECT 1").status, 200);
    let id = made["id"].as_str().unwrap();
    served.run(&carto, &format!("credentials delete token {id} --yes")).ok();
    let refused = reads("dw", "SELECT 1");
    assert_eq!(refused.status, 401, "{refused:?}");
    assert_eq!(served.run(&carto, "credentials list --json").ok().json()["tokens"], Value::Array(Vec::new()));
}
