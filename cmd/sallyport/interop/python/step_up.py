"""Calling an API that may want a second factor (RFC 9470)."""

import json
from urllib.request import parse_http_list, parse_keqv_list


def step_up(response):
    """What to ask of Sallyport so that an API takes the next token: begin(**ask). None where no sign-in would help."""
    scheme, _, parameters = response.headers.get("WWW-Authenticate", "").partition(" ")
    if response.status_code != 401 or scheme.lower() != "bearer" or not parameters:
        return None
    said = parse_keqv_list(parse_http_list(parameters))
    if said.get("error") != "insufficient_user_authentication":
        return None
    ask = {}
    if "acr_values" in said:
        ask["acr_values"] = said["acr_values"]
    # A standard API says max_age. Where it says that a fresh second factor will do, the password is spared.
    if "mfa_max_age" in said:
        ask["claims"] = json.dumps({"id_token": {"mfa_time": {"max_age": int(said["mfa_max_age"])}}})
    elif "max_age" in said:
        ask["max_age"] = said["max_age"]
    return ask
