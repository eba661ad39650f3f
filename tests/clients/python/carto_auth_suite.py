"""carto-auth against the sandbox: it logs in as a machine, finds the account's address by discovery, and caches.

Its addresses are constants, so a transport adapter takes their requests to the sandbox; nothing of the library is changed.
"""

import json
import os
import pathlib
import tempfile
from urllib.parse import urlsplit, urlunsplit

import requests
from carto_auth import CartoAuth, CredentialsError, __version__
from carto_auth.utils import get_api_base_url

from sandbox import BASE_URL, Checks, carto

checks = Checks(f"carto-auth {__version__}")
requested = []


class Loopback(requests.adapters.HTTPAdapter):
    """Asks the sandbox in place of the host that a URL names, and notes what was asked."""

    def send(self, request, **options):
        requested.append(request.url)
        scheme, host = urlsplit(BASE_URL)[:2]
        request.url = urlunsplit((scheme, host) + urlsplit(request.url)[2:])
        return super().send(request, **options)


class Session(requests.Session):
    """A session as `requests` makes one for each call, with the adapter in front of CARTO and of the sandbox by https."""

    def __init__(self):
        super().__init__()
        for host in ("auth.carto.com", "accounts.app.carto.com", urlsplit(BASE_URL).netloc):
            self.mount(f"https://{host}", Loopback())


requests.sessions.Session = Session

client = carto("credentials", "create", "m2m", "--title", "carto-auth")
folder = pathlib.Path(tempfile.mkdtemp(dir=os.environ["HOME"]))
cache = folder / "token.json"


def login(secret, use_cache=True):
    file = folder / "client.json"
    file.write_text(json.dumps({"api_base_url": BASE_URL, "client_id": client["clientId"], "client_secret": secret}))
    return CartoAuth.from_m2m(str(file), cache_filepath=cache, use_cache=use_cache)


def status(token):
    return requests.get(f"{BASE_URL}/v3/tokens", headers={"Authorization": f"Bearer {token}"}).status_code


secret = client["clientSecret"]
first = login(secret).get_access_token()
checks.check("logs in with a client of `create m2m`", requested == ["https://auth.carto.com/oauth/token"])
checks.check("its token opens the API", status(first) == 200)

requested.clear()
found = get_api_base_url(first)
checks.check("finds the account's address by discovery", found == BASE_URL)
asked = ["https://accounts.app.carto.com/accounts", f"https://{urlsplit(BASE_URL).netloc}/config.yaml"]
checks.check("… with the two requests of discovery", requested == asked)

requested.clear()
again = login(secret).get_access_token()
checks.check("takes the token from its cache, without a request", again == first and requested == [])

checks.refused("a wrong secret", CredentialsError, lambda: login("wrong", use_cache=False))
checks.refused("discovery with a token that isn't one", CredentialsError, lambda: get_api_base_url("wrong"))

token = carto("credentials", "create", "token", "--grant", "dw,a.b", "--apis", "sql")
checks.refused("discovery with an API Access Token", CredentialsError, lambda: get_api_base_url(token["token"]))

carto("credentials", "revoke", "m2m", client["clientId"], "--yes")
checks.refused("a client that was revoked", CredentialsError, lambda: login(secret, use_cache=False))
checks.check("refused: the token of a client that was revoked", status(first) == 401)
checks.end()
