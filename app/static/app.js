// Improves pages that work without it. Builds no markup: Trusted Types would refuse that.

const worker = "/service-worker.js";
const policy = window.trustedTypes?.createPolicy("service-worker", { createScriptURL: () => worker });
navigator.serviceWorker?.register(policy?.createScriptURL("") ?? worker);

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  const show = (visible) => {
    input.type = visible ? "text" : "password";
    button.firstChild.data = visible ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(visible));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  // Browsers remember what text fields held, and offer to save only what a password field holds.
  input.form.addEventListener("submit", () => show(false));
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form?.method === "post") {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

for (const input of document.querySelectorAll("input[data-timezone]")) {
  input.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });

function ago(time) {
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
  if (Math.abs(seconds) > 7 * 86400) return;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? [];
  time.title ||= time.textContent;
  time.textContent = unit ? words.format(Math.round(seconds / size), unit) : "just now";
}

const moments = document.querySelectorAll("time[data-relative]");
const refresh = () => moments.forEach(ago);
refresh();
if (moments.length) setInterval(refresh, 60_000);

// The end of the sign-in, also when another tab brings it about.

const { user, left, renewable } = document.body.dataset;
const tabs = new BroadcastChannel("session");
tabs.postMessage(user);

if (user) {
  let end, idle, shown, timer;

  const say = (selector, text) => {
    for (const place of document.querySelectorAll(selector)) place.textContent = text;
  };

  const show = (name) => {
    if (name === shown) return;
    shown = name;
    for (const dialog of document.querySelectorAll("[data-session]")) {
      dialog.close();
      if (dialog.dataset.session === name) dialog.showModal();
    }
  };

  const tick = () => {
    clearTimeout(timer);
    const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    const soon = seconds > 0 && seconds <= 120;
    if (seconds) show(soon ? (idle ? "idle" : "absolute") : undefined);
    say("[data-countdown]", `${seconds} seconds`);
    if ([60, 30, 10].includes(seconds)) say("dialog [role=status]", `${seconds} seconds left`);
    // Timers cannot wait for 25 days.
    timer = setTimeout(soon ? tick : check, Math.min(Math.max(seconds - 120, 1), 86400) * 1000);
  };

  const know = (now) => {
    clearTimeout(timer);
    if (now.user_id !== user) return show(now.user_id ? "other" : "over");
    end = Date.now() + now.seconds_left * 1000;
    idle = now.renewable;
    for (const input of document.getElementsByName("csrf_token")) input.value = now.csrf_token ?? input.value;
    tick();
  };

  const check = (options) =>
    fetch("/session", options).then((answer) => answer.json()).then(know, () => (Date.now() < end ? tick() : show("over")));

  tabs.onmessage = document.onvisibilitychange = () => document.hidden || check();
  document.getElementById("stay").addEventListener("submit", async (event) => {
    event.preventDefault();
    await check({ method: "POST", body: new FormData(event.target) });
    tabs.postMessage(user);
  });
  know({ user_id: user, seconds_left: left, renewable });
}
