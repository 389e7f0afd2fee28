// Passkeys and security keys. What needs this file is hidden in the HTML and
// shown here, where the browser knows WebAuthn and its JSON. A form asks its
// data-options for a challenge, has the browser answer it, and is then sent
// like any other form, with the answer in its field "credential".

const Key = window.PublicKeyCredential;
const supported = Key?.parseRequestOptionsFromJSON && Key.parseCreationOptionsFromJSON && Key.prototype.toJSON;

const ceremonies = {
  get: { parse: (json) => Key.parseRequestOptionsFromJSON(json), run: (how) => navigator.credentials.get(how) },
  create: { parse: (json) => Key.parseCreationOptionsFromJSON(json), run: (how) => navigator.credentials.create(how) },
};

/** answer has the browser answer a new challenge, and sends the form. */
async function answer(form, how) {
  const ceremony = ceremonies[form.dataset.webauthn];
  const body = new URLSearchParams({ form_token: form.elements.form_token.value });
  const response = await fetch(form.dataset.options, { method: "POST", body, signal: how.signal, redirect: "error" });
  if (!response.ok) throw new Error(`${form.dataset.options} answered ${response.status}`);
  const { publicKey } = await response.json();
  const credential = await ceremony.run({ ...how, publicKey: ceremony.parse(publicKey) });
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.submit();
}

// A challenge lives five minutes. One that waits in the background for the
// person to choose a passkey in a field is renewed before.
const renewAfter = 4 * 60 * 1000;
let waiting; // the background request: a browser runs one request at a time
let renewal;

function stopWaiting() {
  clearTimeout(renewal);
  waiting?.abort();
}

/** wait offers passkeys in the field with autocomplete="username webauthn". */
function wait(form) {
  stopWaiting();
  waiting = new AbortController();
  renewal = setTimeout(wait, renewAfter, form);
  // Nobody asked for this, so nobody is told of errors. The button is there.
  answer(form, { mediation: "conditional", signal: waiting.signal }).catch(() => {});
}

/** tell shows what went wrong, or clears it away. */
function tell(form, error) {
  const find = (attribute) => form.querySelector(`[${attribute}]`) ?? document.querySelector(`[${attribute}]`);
  const words = { any: find("data-webauthn-error"), registered: find("data-webauthn-registered") };
  for (const element of Object.values(words)) if (element) element.hidden = true;
  // InvalidStateError: the authenticator has a key of this person already.
  const shown = error?.name === "InvalidStateError" && words.registered || words.any;
  if (error && shown) shown.hidden = false;
}

/** ask opens the browser's dialog. */
async function ask(form, button, conditional) {
  stopWaiting();
  tell(form);
  button.disabled = true;
  try {
    await answer(form, {});
    return; // on the way to the next page
  } catch (error) {
    // A person who closes the dialog knows that they did.
    if (error.name !== "NotAllowedError" && error.name !== "AbortError") tell(form, error);
  }
  button.disabled = false;
  button.focus(); // which a disabled button loses
  if (conditional) wait(form);
}

async function prepare(form) {
  const button = form.querySelector("button");
  let conditional = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form, button, conditional);
  });
  // Back to a page that the browser kept as it was left.
  window.addEventListener("pageshow", (event) => { if (event.persisted) button.disabled = false; });
  if (!("conditional" in form.dataset)) return;
  conditional = await Key.isConditionalMediationAvailable?.();
  if (conditional && !button.disabled) wait(form);
}

if (supported) {
  for (const form of document.querySelectorAll("form[data-webauthn]")) prepare(form);
  for (const block of document.querySelectorAll("[data-passkey]")) block.hidden = false;
}

// Tell the passkey provider which keys are still good. Old browsers and
// providers can't be told, which changes nothing here.
for (const { dataset } of document.querySelectorAll("[data-signal]")) {
  const rpId = dataset.rpId;
  if (dataset.signal === "all") {
    const allAcceptedCredentialIds = JSON.parse(dataset.credentials);
    Key?.signalAllAcceptedCredentials?.({ rpId, userId: dataset.userId, allAcceptedCredentialIds }).catch(() => {});
  } else {
    Key?.signalUnknownCredential?.({ rpId, credentialId: dataset.credentialId }).catch(() => {});
  }
}
