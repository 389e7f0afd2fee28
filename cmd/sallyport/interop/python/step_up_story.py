"""Calls the API of the story with a password's token, steps up as it says, and calls again."""

import json
import sys

import requests
from browser import Browser
from sallyport import Sallyport
from step_up import step_up

story = json.load(sys.stdin)
sallyport = Sallyport(story["issuer"], story["client_id"], story["client_secret"], story["redirect_uri"], story["alg"])
browser = Browser(story["product"])


def sign_in(pages, **more):
    url, kept = sallyport.begin(**more)
    browser.go(url)
    browser.submit(**pages)
    tokens, _ = sallyport.finish(browser.url, kept)
    return tokens["access_token"]


def call(token):
    return requests.post(story["api"], headers={"Authorization": f"Bearer {token}"}, timeout=10)


ask = step_up(call(sign_in({"username": story["email"], "password": story["password"]})))
answer = call(sign_in({"code": story["code"]}, **ask))
assert step_up(answer) is None
assert step_up(call("invented")) is None
json.dump({"ask": ask, "status": answer.status_code}, sys.stdout)
