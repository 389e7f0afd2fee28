"""Goes through the story that standard input describes, and writes what was learned to standard output."""

import json
import sys

from authlib.integrations.base_client import OAuthError
from browser import Browser
from joserfc import jws
from sallyport import Sallyport, demand_two_factors, two_factors

story = json.load(sys.stdin)
sallyport = Sallyport(story["issuer"], story["client_id"], story["client_secret"], story["redirect_uri"], story["alg"])
browser = Browser(story["product"])


def sign_in(pages=None, **more):
    url, kept = sallyport.begin(**more)
    browser.go(url)
    if pages:
        browser.submit(**pages)
    assert browser.url.startswith(story["redirect_uri"] + "?"), f"came back to {browser.url}: {browser.page}"
    return *sallyport.finish(browser.url, kept), kept["nonce"]


# A password is enough to sign in.
tokens, first, nonce = sign_in({"username": story["email"], "password": story["password"]})
assert not two_factors(first)
userinfo = sallyport.userinfo(tokens)

# An action wants more: the code, once.
stepped_tokens, stepped, _ = sign_in({"code": story["code"]}, **demand_two_factors(900))
assert two_factors(stepped, 900)

# The next time nothing is asked, which prompt=none proves.
_, again, _ = sign_in(prompt="none", **demand_two_factors(900))

# Refreshing gives new tokens that say what the first ones said.
new_tokens, refreshed = sallyport.refresh(tokens["refresh_token"], nonce)
assert new_tokens["refresh_token"] != tokens["refresh_token"]

# Signing out ends what the session gave.
browser.go(sallyport.sign_out(stepped_tokens["id_token"], story["post_logout_redirect_uri"]))
assert browser.url == story["post_logout_redirect_uri"], browser.url
try:
    sallyport.refresh(new_tokens["refresh_token"], nonce)
except OAuthError as e:
    assert e.error == "invalid_grant", e
else:
    raise AssertionError("a refresh token outlived its session")

alg = jws.extract_compact(tokens["id_token"].encode()).headers()["alg"]
json.dump({"alg": alg, "userinfo": userinfo, "first": first, "stepped": stepped, "again": again, "refreshed": refreshed}, sys.stdout)
