// Loads the page anew when the sign-in it was made for is over, or when there
// is one again: a sign-out at the provider shows within seconds.
const signedIn = document.body.dataset.signedIn === "true";

async function look() {
  try {
    const answer = await fetch("/status.json", { cache: "no-store" });
    if (answer.ok && (await answer.json()).signed_in !== signedIn) {
      location.reload();
      return;
    }
  } catch {
    // The demo may be restarting; ask again.
  }
  setTimeout(look, 2000);
}

setTimeout(look, 2000);
