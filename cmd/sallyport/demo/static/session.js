// Draws the simulated far end every second. The server says what to draw, and
// with 410 that the session has ended.
const session = document.getElementById("remote-session");
const elapsed = document.getElementById("elapsed");
const lines = document.getElementById("lines");

async function draw() {
  try {
    const answer = await fetch(session.dataset.screen, { cache: "no-store" });
    if (answer.status === 410) {
      location.reload();
      return;
    }
    if (answer.ok) {
      const screen = await answer.json();
      elapsed.value = screen.elapsed;
      lines.replaceChildren(...screen.lines.map(({ at, text }) => {
        const time = document.createElement("time");
        time.textContent = at;
        const line = document.createElement("li");
        line.append(time, " ", text);
        return line;
      }));
    }
  } catch {
    // The demo may be restarting; ask again.
  }
  setTimeout(draw, 1000);
}

setTimeout(draw, 1000);
