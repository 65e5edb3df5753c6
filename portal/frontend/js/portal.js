// Small helps for forms and lists. Every page works without them; each looks for its own marks and does nothing else.

// A form that came back: read out what is wrong before anything else.
document.querySelector("[data-focus]")?.focus();

// How much still fits into a text. The visible line changes with every key; a second one, which only screen
// readers meet, waits for a pause, or it would talk over the typing.
for (const line of document.querySelectorAll("[data-counter]")) {
  const control = document.getElementById(line.dataset.counter);
  const limit = Number(line.dataset.limit);
  const spoken = document.createElement("p");
  spoken.className = "ds-sr-only";
  spoken.setAttribute("aria-live", "polite");
  line.after(spoken);
  let pause;
  const show = (event) => {
    // Counted as the server counts: by character, a line break as one.
    const left = limit - [...control.value].length;
    const text = (left < 0 ? line.dataset.over : line.dataset.left).replace("{}", Math.abs(left));
    line.textContent = text;
    line.dataset.state = left < 0 ? "over" : "under";
    if (!event) return;
    clearTimeout(pause);
    pause = setTimeout(() => { spoken.textContent = text; }, 1000);
  };
  control.addEventListener("input", show);
  addEventListener("pageshow", () => show());
}

// A file that is too large is told at once, not after minutes of sending it.
for (const control of document.querySelectorAll("input[data-max-bytes]")) {
  const limit = Number(control.dataset.maxBytes);
  const message = document.createElement("p");
  message.className = "ds-validation-message";
  message.hidden = true;
  const live = document.createElement("div");
  live.setAttribute("aria-live", "polite");
  live.append(message);
  control.before(live);
  control.addEventListener("change", () => {
    const large = [...control.files].filter((file) => file.size > limit);
    message.hidden = large.length === 0;
    message.textContent = large.length ? `${control.dataset.tooLarge} ${large.map((file) => file.name).join(", ")}` : "";
    control.toggleAttribute("aria-invalid", large.length > 0);
    if (large.length) control.setAttribute("aria-invalid", "true");
  });
}

// A form without a file is sent in the plain way, which costs the server a fraction of the other.
for (const form of document.querySelectorAll("form[data-lean]")) {
  const isEmpty = (value) => value instanceof File && value.size === 0 && !value.name;
  form.addEventListener("submit", () => {
    const attached = [...form.querySelectorAll("input[type=file]")].some((control) => control.files.length);
    form.enctype = attached ? "multipart/form-data" : "application/x-www-form-urlencoded";
  });
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (isEmpty(value)) event.formData.delete(name);
  });
}

// A second click on a slow line sends nothing. (The server takes a repeated form as the same one anyway.)
const release = (form) => {
  delete form.dataset.sent;
  form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
};
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  // An answer may be a file, which leaves this page standing.
  setTimeout(release, 10_000, form);
});
// Back from the next page the form may be sent again.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));

// A page may hold several forms. Sending one must not lose what was begun in another: it waits in this tab.
const unsent = `unsent:${location.pathname}`;
if (document.body.classList.contains("workspace")) {
  addEventListener("submit", (event) => {
    if (!event.target.closest("main")) return sessionStorage.clear(); // signing out
    const begun = [...document.querySelectorAll("textarea[id]")]
      .filter((control) => control.form && control.form !== event.target && control.value !== control.defaultValue);
    const texts = Object.fromEntries(begun.map((control) => [control.id, control.value]));
    if (begun.length) sessionStorage.setItem(unsent, JSON.stringify(texts));
  });
  for (const [id, text] of Object.entries(JSON.parse(sessionStorage.getItem(unsent) ?? "{}"))) {
    const control = document.getElementById(id);
    if (!control || control.value) continue;
    control.value = text;
    control.closest("details")?.setAttribute("open", "");
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
  sessionStorage.removeItem(unsent);
}

// While somebody writes without having chosen a topic: what the text may be about. A press chooses it.
for (const place of document.querySelectorAll("[data-suggest]")) {
  const form = place.closest("form");
  const { topic, subject, message } = form.elements;
  let pause, asked = "";
  const node = (name, text, properties) => Object.assign(document.createElement(name), { textContent: text }, properties);
  const choose = (found) => {
    topic.value = found.topic;
    place.replaceChildren(node("p", place.dataset.chosen.replace("{}", found.title)));
    topic.focus();
  };
  const show = (suggestions) => {
    if (!suggestions.length) return place.replaceChildren();
    const list = node("ul", "");
    for (const found of suggestions) {
      const button = node("button", found.title, { type: "button", className: "ds-button" });
      button.dataset.variant = "secondary";
      button.addEventListener("click", () => choose(found));
      const item = node("li", "");
      item.append(button, " ", node("span", place.dataset.words.replace("{}", found.words.join(", ")), { className: "quiet" }));
      list.append(item);
    }
    place.replaceChildren(node("p", place.dataset.heading), list);
  };
  const ask = async () => {
    const text = `${subject.value}\n${message.value}`.slice(0, 2000);
    if (!["", "triage"].includes(topic.value)) return place.replaceChildren();
    if (text.length < 25 || text === asked) return;
    asked = text;
    const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, subject: subject.value, message: message.value });
    // Whatever goes wrong here, the form works without it.
    const answer = await fetch(place.dataset.suggest, { method: "POST", body }).catch(() => null);
    if (answer?.ok && text === asked) show(await answer.json());
  };
  const later = () => { clearTimeout(pause); pause = setTimeout(ask, 700); };
  for (const control of [subject, message]) control.addEventListener("input", later);
  topic.addEventListener("change", later);
}

// A moment in the organisation's time zone is told in the visitor's own, too, when that differs.
for (const place of document.querySelectorAll("[data-own-time]")) {
  const moment = new Date(place.querySelector("time").dateTime);
  const code = place.closest("[lang]").lang;
  const told = (options) => new Intl.DateTimeFormat(code === "en" ? "en-GB" : code, options).format(moment);
  const day = { weekday: "short", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" };
  if (told(day) === told({ ...day, timeZone: place.dataset.zone })) continue;
  const own = document.createElement("span");
  own.className = "own-time";
  own.textContent = place.dataset.ownTime.replace("{}", told({ ...day, timeZoneName: "short" }));
  place.append(" ", own);
}
