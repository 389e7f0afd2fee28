"""Signing in with Sallyport: Authlib 1.9."""

import json
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet


class Sallyport:
    """One product's view of the provider; made once, when the product starts."""

    def __init__(self, issuer, client_id, client_secret, redirect_uri, alg="ES256"):
        self.issuer, self.client_id, self.client_secret = issuer, client_id, client_secret
        self.redirect_uri, self.alg = redirect_uri, alg
        self.metadata = self._get(issuer + "/.well-known/openid-configuration")
        if self.metadata["issuer"] != issuer:
            raise ValueError("this is another provider's discovery document")

    def begin(self, **more):
        """Where to send the browser, and what to keep in the visitor's session until finish."""
        kept = {"verifier": generate_token(64), "nonce": generate_token(), "state": generate_token()}
        url, _ = self._session().create_authorization_url(
            self.metadata["authorization_endpoint"],
            state=kept["state"], nonce=kept["nonce"], code_verifier=kept["verifier"], **more,
        )
        return url, kept

    def finish(self, current_url, kept):
        """For the redirect URI; current_url is the address the browser came back to."""
        answer = {name: values[0] for name, values in parse_qs(urlsplit(current_url).query).items()}
        if answer.get("state") != kept["state"] or answer.get("iss") != self.issuer:
            raise ValueError("an answer to another question")
        if "error" in answer:
            raise PermissionError(answer["error"])  # access_denied: the person cancelled
        tokens = self._session().fetch_token(
            self.metadata["token_endpoint"], grant_type="authorization_code",
            code=answer["code"], code_verifier=kept["verifier"], redirect_uri=self.redirect_uri,
        )
        return tokens, self.verify(tokens, kept["nonce"])

    def verify(self, tokens, nonce):
        """The claims of the ID token, after all that must hold was checked."""
        keys = KeySet.import_key_set(self._get(self.metadata["jwks_uri"]))  # cache these for five minutes
        token = jwt.decode(tokens["id_token"], keys, algorithms=[self.alg])
        claims = CodeIDToken(
            token.claims, token.header,
            {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}},
            {"client_id": self.client_id, "nonce": nonce, "access_token": tokens["access_token"]},
        )
        claims.validate(leeway=30)
        return claims

    def refresh(self, refresh_token, nonce):
        tokens = self._session().refresh_token(self.metadata["token_endpoint"], refresh_token=refresh_token)
        return tokens, self.verify(tokens, nonce)

    def userinfo(self, tokens):
        return self._session(token=tokens).get(self.metadata["userinfo_endpoint"]).json()

    def sign_out(self, id_token, post_logout_redirect_uri):
        """Where to send the browser to end the session at the provider."""
        query = {"id_token_hint": id_token, "post_logout_redirect_uri": post_logout_redirect_uri}
        return self.metadata["end_session_endpoint"] + "?" + urlencode(query)

    def _session(self, **more):
        return OAuth2Session(
            self.client_id, self.client_secret, scope="openid profile email roles", redirect_uri=self.redirect_uri,
            code_challenge_method="S256", default_timeout=10, **more,
        )

    def _get(self, url):
        response = requests.get(url, timeout=10)
        response.raise_for_status()
        return response.json()


def two_factors(claims, max_age=float("inf")):
    """Whether a sign-in proved two factors, the second at most max_age seconds ago."""
    enough = claims["acr"] in ("urn:sallyport:acr:2fa", "phr", "phrh")
    return enough and time.time() - claims["mfa_time"] <= max_age


def demand_two_factors(max_age=None):
    """Goes into begin when two_factors says no: begin(**demand_two_factors())."""
    id_token = {"acr": {"essential": True, "value": "urn:sallyport:acr:2fa"}}
    if max_age is not None:
        id_token["mfa_time"] = {"essential": True, "max_age": max_age}
    return {"claims": json.dumps({"id_token": id_token})}
