"""A service that acts for itself, with Authlib 1.9: a private key instead of a secret, and a token for one API."""

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet


def api_token(issuer, client_id, private_key_pem, resource, scope):
    """An access token for one API (RFC 6749 section 4.4, RFC 8707)."""
    metadata = requests.get(issuer + "/.well-known/openid-configuration", timeout=10).json()
    session = OAuth2Session(client_id, private_key_pem, token_endpoint_auth_method="private_key_jwt", scope=scope)
    session.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"]))  # by RS256: it takes RSA keys only
    return session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", resource=resource)


def verify_for_api(issuer, resource, access_token):
    """What the API does with it, without asking the provider (RFC 9068 section 4)."""
    metadata = requests.get(issuer + "/.well-known/openid-configuration", timeout=10).json()
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())  # cache these for five minutes
    token = jwt.decode(access_token, keys, algorithms=["ES256", "RS256", "PS256", "EdDSA"])
    if token.header.get("typ", "").lower() not in ("at+jwt", "application/at+jwt"):
        raise ValueError("this is no access token")
    jwt.JWTClaimsRegistry(
        leeway=30, iss={"essential": True, "value": issuer}, aud={"essential": True, "value": resource}, exp={"essential": True},
    ).validate(token.claims)
    return token.claims
