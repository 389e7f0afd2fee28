"""A worker fetches a token for an API, and the API believes it, but not for another one."""

import json
import sys

from worker import api_token, verify_for_api

story = json.load(sys.stdin)
token = api_token(story["issuer"], "worker", story["private_key"], story["resource"], "machines:read")
claims = verify_for_api(story["issuer"], story["resource"], token["access_token"])
try:
    verify_for_api(story["issuer"], "https://other.example/", token["access_token"])
except Exception as e:
    refused = type(e).__name__
else:
    raise AssertionError("accepted for another API")
json.dump({"claims": claims, "refused": refused}, sys.stdout)
