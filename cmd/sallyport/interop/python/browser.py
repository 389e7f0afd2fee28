"""A browser without JavaScript: cookies, redirects, forms. It stops at the product's door."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class Browser:
    def __init__(self, product):
        self.product, self.session, self.url, self.page = product, requests.Session(), "", ""

    def go(self, url, form=None):
        for _ in range(20):
            self.url = url
            if url.startswith(self.product):
                return
            response = self.session.request("POST" if form else "GET", url, data=form, allow_redirects=False, timeout=10)
            self.page = response.text
            if "Location" not in response.headers:
                return
            url, form = urljoin(url, response.headers["Location"]), None  # a form's answer is 303
        raise AssertionError(f"redirected too often, last to {url}")

    def submit(self, **fields):
        """Fills in and sends the form that has all these fields."""
        forms = Forms(self.page).all
        for form in forms:
            if fields.keys() <= form["fields"].keys():
                self.go(urljoin(self.url, form["action"]), {**form["hidden"], **fields})
                return
        raise AssertionError(f"no form with {list(fields)} at {self.url}: {forms}")


class Forms(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.all = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.all.append({"action": attributes.get("action", ""), "fields": {}, "hidden": {}})
        elif tag in ("input", "button") and "name" in attributes and self.all:
            self.all[-1]["fields"][attributes["name"]] = attributes.get("value", "")
            if attributes.get("type") == "hidden":
                self.all[-1]["hidden"][attributes["name"]] = attributes.get("value", "")
