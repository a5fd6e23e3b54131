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
