// Shows new messages without loading the page anew, which would take a reader's
// place and selection away, and what is being written.
const list = document.querySelector("#list");

async function look() {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (answer.ok) {
      const now = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#list");
      if (now.innerHTML !== list.innerHTML) list.replaceChildren(...now.childNodes);
    }
  } catch {
    // The demo may be restarting; ask again.
  }
  setTimeout(look, 2000);
}

setTimeout(look, 2000);
