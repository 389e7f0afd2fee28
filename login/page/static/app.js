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

// An answer to a product that wants it as a form.
for (const form of all("data-submit")) form.submit();

// Times in the reader's own zone. The server writes them in UTC.
const speech = document.documentElement.lang;
const locale = speech === "en" ? "en-GB" : speech; // day before month, as the server writes
const parts = {
  clock: { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" },
  date: { day: "numeric", month: "long", year: "numeric" },
};
parts.full = { ...parts.date, ...parts.clock };
for (const time of all("data-show")) {
  if (time.tagName !== "TIME") continue;
  const format = new Intl.DateTimeFormat(locale, parts[time.dataset.show]);
  time.textContent = format.format(new Date(time.dateTime));
}
