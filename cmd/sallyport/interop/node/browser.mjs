// A browser without JavaScript: cookies, redirects, forms. It goes to one provider and stops at the product's door.
export class Browser {
  cookies = new Map()

  constructor(product) {
    this.product = product
  }

  async go(url, form) {
    for (let hops = 0; hops < 20; hops++) {
      this.url = url
      if (url.startsWith(this.product)) return
      const headers = { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
      const response = await fetch(url, { method: form ? 'POST' : 'GET', headers, body: form, redirect: 'manual' })
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/)
        this.cookies.set(name, value)
      }
      this.page = await response.text()
      const to = response.headers.get('location')
      if (!to) return
      url = new URL(to, url).href
      form = undefined // a form's answer is 303: what follows is a GET
    }
    throw new Error(`redirected too often, last to ${url}`)
  }

  // submit fills in and sends the form that has all these fields.
  async submit(fields) {
    for (const [, attributes, content] of this.page.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)) {
      const inputs = [...content.matchAll(/<(?:input|button)\s[^>]*>/g)].map(([tag]) => tag)
      if (!Object.keys(fields).every((name) => inputs.some((tag) => attribute(tag, 'name') === name))) continue
      const hidden = inputs.filter((tag) => attribute(tag, 'type') === 'hidden').map((tag) => [attribute(tag, 'name'), attribute(tag, 'value')])
      return this.go(new URL(attribute(attributes, 'action') ?? this.url, this.url).href, new URLSearchParams([...hidden, ...Object.entries(fields)]))
    }
    throw new Error(`no form with ${Object.keys(fields)} at ${this.url}: ${this.page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')}`)
  }
}

function attribute(tag, name) {
  return tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1].replaceAll('&#43;', '+').replaceAll('&amp;', '&')
}
