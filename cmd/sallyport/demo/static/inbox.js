// Shows new messages without loading the page anew, which would take a reader's
// place and selection away.
const list = () => document.querySelector("main");

async function look() {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (answer.ok) {
      const now = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (now.innerHTML !== list().innerHTML) list().replaceWith(now);
    }
  } catch {
    // The demo may be restarting; ask again.
  }
  setTimeout(look, 2000);
}

setTimeout(look, 2000);
