"""PyJWT against the sandbox's keys: it verifies what the sandbox signed, and the sandbox refuses what PyJWT signed."""

import base64
import json
import urllib.error
import urllib.request

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox import BASE_URL, ISSUER, Checks, carto

AUDIENCE = "carto-cloud-native-api"
checks = Checks(f"PyJWT {jwt.__version__}")


def ask(url, body=None, bearer=None):
    """The status and the JSON of an answer."""
    headers = {"Content-Type": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


_, configuration = ask(ISSUER + ".well-known/openid-configuration")
client = carto("credentials", "create", "m2m", "--title", "PyJWT")
_, answer = ask(
    configuration["token_endpoint"],
    {
        "grant_type": "client_credentials",
        "client_id": client["clientId"],
        "client_secret": client["clientSecret"],
        "audience": AUDIENCE,
    },
)
token = answer["access_token"]
key = jwt.PyJWKClient(configuration["jwks_uri"]).get_signing_key_from_jwt(token)


def verify(text, audience=AUDIENCE, issuer=ISSUER):
    return jwt.decode(text, key.key, algorithms=["RS256"], audience=audience, issuer=issuer)


claims = verify(token)
checks.check("verifies a token with the key of the JWKS", claims["iss"] == ISSUER)
checks.check("reads the claims of a machine", claims["sub"] == client["clientId"] + "@clients" and claims["azp"] == client["clientId"])
checks.check("reads that it lasts a day", claims["exp"] - claims["iat"] == answer["expires_in"] == 86400)
checks.check("the sandbox accepts it", ask(BASE_URL + "/v3/tokens", bearer=token)[0] == 200)


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


header, payload, signature = token.split(".")
named = jwt.get_unverified_header(token)
own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
public = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
public_der = key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def hs256(secret):
    """Signed with a public key as if it were a secret, which PyJWT itself refuses to do."""
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signed = part({**named, "alg": "HS256"}) + "." + payload
    return signed + "." + base64.urlsafe_b64encode(algorithm.sign(signed.encode(), secret)).rstrip(b"=").decode()


forged = {
    "with a claim changed": f"{header}.{part({**claims, 'sub': 'somebody'})}.{signature}",
    "with its end moved": f"{header}.{part({**claims, 'exp': claims['exp'] + 1})}.{signature}",
    "with a letter of its signature changed": token[:-20] + ("A" if token[-20] != "A" else "B") + token[-19:],
    "without a signature": f"{part({**named, 'alg': 'none'})}.{payload}.",
    "of HS256 with the public key as PEM": hs256(public),
    "of HS256 with the public key as DER": hs256(public_der),
    "of another key with the same `kid`": jwt.encode(claims, own, algorithm="RS256", headers={"kid": named["kid"]}),
    "of another key without a `kid`": jwt.encode(claims, own, algorithm="RS256"),
}
for what, text in forged.items():
    checks.refused(f"by PyJWT, a token {what}", jwt.InvalidTokenError, lambda: verify(text))
    checks.check(f"refused: by the sandbox, a token {what}", ask(BASE_URL + "/v3/tokens", bearer=text)[0] == 401)
checks.refused("by PyJWT, a token for another audience", jwt.InvalidAudienceError, lambda: verify(token, audience="other"))
checks.refused("by PyJWT, a token of another issuer", jwt.InvalidIssuerError, lambda: verify(token, issuer="https://auth.carto.com/"))
checks.end()
