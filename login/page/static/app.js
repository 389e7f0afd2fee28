// Small comforts; every page works without them. Buttons that need this file
// are hidden in the HTML and shown here.

/** all finds the elements that carry an attribute. */
const all = (attribute) => document.querySelectorAll(`[${attribute}]`);

// Show and hide what is typed as a password.
for (const button of all("data-show-label")) {
  const input = button.parentElement.querySelector("input");
  const set = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-label", shown ? button.dataset.hideLabel : button.dataset.showLabel);
  };
  set(false);
  button.hidden = false;
  button.addEventListener("click", () => set(input.type === "password"));
  // Browsers offer to save what is sent from a password field only.
  input.form.addEventListener("submit", () => set(false));
}

/** lines is the text of an element, a line per item of its lists. */
function lines(element) {
  const parts = element.querySelectorAll("h2, dl > div, li");
  if (parts.length === 0) return element.textContent.trim();
  return [...parts].map((part) => [...part.children].map((c) => c.textContent.trim()).join(": ") || part.textContent.trim()).join("\n");
}

// Copy the key or the codes.
if (navigator.clipboard) {
  for (const button of all("data-copy")) {
    const label = button.textContent;
    button.setAttribute("aria-live", "polite");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(lines(document.getElementById(button.dataset.copy)));
      } catch {
        return; // not permitted here: the text can still be selected
      }
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; }, 3000);
    });
  }
}

// Save the codes as a text file.
for (const button of all("data-download")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const source = document.getElementById(button.dataset.download);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines(source) + "\n"], { type: "text/plain" }));
    link.download = source.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  });
}

for (const button of all("data-print")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Codes that are hidden on the screen are on paper, whoever asks for it.
const closed = () => [...document.querySelectorAll("details:not([open])")];
let opened = [];
addEventListener("beforeprint", () => { for (const details of opened = closed()) details.open = true; });
addEventListener("afterprint", () => { for (const details of opened) details.open = false; });

// Another code can be sent from a time on. A clock that is wrong keeps nobody
// waiting for more than a minute: pressed too early, the server says when.
for (const button of all("data-resend-at")) {
  const wait = Math.min(Date.parse(button.dataset.resendAt) - Date.now(), 60000);
  const hint = document.getElementById(button.getAttribute("aria-describedby"));
  const ready = () => { button.disabled = false; hint.hidden = true; };
  if (!(wait > 0)) {
    ready();
    continue;
  }
  button.disabled = true;
  setTimeout(ready, wait);
}

/** look fetches this page anew, without following it anywhere else. */
const look = () => fetch(location.pathname + location.search, { redirect: "manual" });

/** every asks a question every 3 seconds, until the answer is yes. */
function every(ask) {
  const again = () => setTimeout(async () => {
    try {
      if (await ask()) return;
    } catch {
      // No network just now.
    }
    again();
  }, 3000);
  again();
}

// A page that waits for a message goes on once it came: once the server has
// anything else to show. It isn't loaded anew meanwhile, so nobody is torn from
// where they read.
if (all("data-reload").length > 0) {
  every(async () => {
    const page = await look();
    if (page.ok && (await page.text()).includes("data-reload")) return false;
    location.replace(location.pathname + location.search);
    return true;
  });
}

// How far a code is on its way is said as soon as it is known. What is typed
// meanwhile stays.
for (const shown of all("data-refresh")) {
  every(async () => {
    const page = await look();
    if (!page.ok) return true; // gone on in another tab
    const now = new DOMParser().parseFromString(await page.text(), "text/html").getElementById(shown.id);
    if (!now) return true;
    if ("refresh" in now.dataset) return false;
    shown.className = now.className;
    shown.replaceChildren(...now.childNodes);
    showTimes(shown);
    return true;
  });
}

// A long job says how far it is until it is done. Nothing is replaced while
// somebody is about to press what stands there.
for (const shown of all("data-progress")) {
  every(async () => {
    const page = await look();
    if (!page.ok) return true; // signed out meanwhile
    const now = new DOMParser().parseFromString(await page.text(), "text/html").getElementById(shown.id);
    if (!now) return true;
    if (shown.contains(document.activeElement)) return false;
    shown.replaceChildren(...now.childNodes);
    showTimes(shown);
    return !("progress" in now.dataset);
  });
}

// An answer to a product that wants it as a form.
for (const form of all("data-submit")) form.submit();

// A sign-out goes on once the products in its frames have answered; what doesn't
// answer, the page itself leaves behind after a few seconds.
for (const link of all("data-when-framed")) {
  addEventListener("load", () => location.replace(link.href)); // once, and after every frame
}

// A page that is nothing without passkeys says so, where webauthn.js showed none.
for (const words of all("data-no-passkeys")) {
  addEventListener("load", () => { words.hidden = document.querySelector("[data-passkey]:not([hidden])") !== null; });
}

// Times in the reader's own zone. The server writes them in UTC.
const speech = document.documentElement.lang;
const locale = speech === "en" ? "en-GB" : speech; // day before month, as the server writes
const parts = {
  clock: { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" },
  date: { day: "numeric", month: "long", year: "numeric" },
};
parts.full = { ...parts.date, ...parts.clock };
parts.second = { ...parts.clock, second: "2-digit" };

/** showTimes writes the times in an element. */
function showTimes(within) {
  for (const time of within.querySelectorAll("time[data-show]")) {
    const format = new Intl.DateTimeFormat(locale, parts[time.dataset.show]);
    time.textContent = format.format(new Date(time.dateTime));
  }
}

showTimes(document);
