// OpenID Connect Session Management 1.0 section 3.2. A product posts
// "CLIENT_ID SESSION_STATE" from its own origin and is answered "unchanged",
// "changed" or "error". What it may learn it has been told already: the hash is
// of its own origin, with a salt of its own.

/** state is the browser state now, empty where there is none. */
const state = () => {
  const name = document.documentElement.dataset.cookie + "=";
  const found = document.cookie.split("; ").find((c) => c.startsWith(name));
  return found ? found.slice(name.length) : "";
};

/** hash is SHA-256 in hexadecimal. */
async function hash(text) {
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** check answers one message. */
async function check(data, origin) {
  const parts = typeof data === "string" && data.match(/^(\S+) ([0-9a-f]{64})\.(\S+)$/);
  if (!parts || !/^https?:/.test(origin)) return "error";
  const [, client, sum, salt] = parts;
  return await hash(`${client} ${origin} ${state()} ${salt}`) === sum ? "unchanged" : "changed";
}

addEventListener("message", async (event) => {
  if (!event.source || event.source === window) return;
  let answer = "error";
  try {
    answer = await check(event.data, event.origin);
  } catch {
    // No hash can be made on an insecure page.
  }
  if (event.origin !== "null") event.source.postMessage(answer, event.origin);
});
