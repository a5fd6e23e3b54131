const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector) => [...document.querySelectorAll(selector)];
const say = (selector, text) => $$(selector).forEach((at) => at.replaceChildren(text));

const rule = { createScriptURL: () => "/service-worker.js" };
const policy = window.trustedTypes?.createPolicy("service-worker", rule) ?? rule;
navigator.serviceWorker?.register(policy.createScriptURL("")).catch(() => {}); // Sign-out ends it.

function reveal(button) {
  const input = button.previousElementSibling;
  [input.type, button.firstChild.data] = input.type === "text" ? ["password", "Show"] : ["text", "Hide"];
  button.ariaPressed = input.type === "text";
}

for (const input of $$("[data-timezone]")) input.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;

const words = new Intl.RelativeTimeFormat("en");

function ago(time) {
  const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
  if (seconds > 7 * 86400) return;
  const [unit, size] = [["day", 86400], ["hour", 3600], ["minute", 60]].find(([, s]) => seconds >= s) ?? [];
  time.title ||= time.textContent;
  time.textContent = unit ? words.format(-Math.round(seconds / size), unit) : "just now";
}

const refresh = () => $$("[data-relative]").forEach(ago);
refresh();
setInterval(refresh, 6e4);

// Answers replace what is there.

const read = (...form) => new URLSearchParams(new FormData(...form));
const make = (name, values) => Object.assign(document.createElement(name), values);
const ours = (url) => [location, url].every((at) => at.href.startsWith(`${origin}/tasks`));
const modified = (event) => event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey;
const OPEN = "dialog.page[open]";
const queue = []; // The first is under way.

function load(...asked) {
  if (queue.every((each) => `${each}` !== `${asked}`) && queue.push(asked) === 1) next();
}

function next() {
  const [url, body] = queue[0];
  const xhr = new XMLHttpRequest();
  xhr.responseType = "document";
  xhr.timeout = 3e4;
  xhr.onloadend = () => {
    const answer = xhr.response, at = new URL(xhr.responseURL || url, location);
    if (!ours(at)) location = at;
    else if (xhr.status < 429 && answer && $("main", answer)) show(answer, at.href, !body || xhr.status < 400, url, body);
    else {
      const lost = queue.splice(0).map(([, fields]) => fields?.get("title") ?? "the last step");
      const textContent = `No answer. Try again: ${lost.join(", ")}`;
      ($(OPEN) ?? $(".messages")).prepend(make("p", { className: "message", role: "alert", textContent }));
    }
    queue.shift();
    if (queue[0]) next();
  };
  xhr.open(body ? "POST" : "GET", url);
  xhr.send(body);
}

function show(answer, url, fresh, asked, sent) {
  const main = $("main", answer), add = $(".add"), empty = $(".add", answer);
  $(OPEN)?.close();
  if ("dialog" in main.dataset && !$("main[data-dialog]")) {
    const dialog = make("dialog", { className: "page", ariaLabel: answer.title, at: location.href });
    dialog.onclose = () => dialog.remove();
    dialog.oninput = () => (fresh = false); // A refused form is filled.
    dialog.oncancel = (event) => fresh || confirm("Leave without saving?") || event.preventDefault();
    onbeforeunload = () => (fresh || !$(OPEN) ? null : true);
    document.body.append(dialog);
    dialog.append(...main.childNodes);
    dialog.showModal();
    return refresh();
  }
  const focus = successor(document.activeElement), moved = fresh && url !== location.href;
  if (moved) history.pushState(null, "", url);
  document.title = answer.title;
  const typed = add && (add.action !== asked.href || (fresh && `${read(add)}` !== `${sent}`));
  if (typed && add.action === empty?.action) empty.replaceWith(add);
  $(".messages").replaceChildren(...$(".messages", answer).children);
  for (const part of ["header", "main"]) $(part).replaceWith($(part, answer));
  refresh();
  if (moved) scrollTo(0, 0);
  enter($("[autofocus]", main) ?? focus() ?? main);
}

function enter(field) {
  (field.closest("details") ?? {}).open = true;
  field.focus();
}

// The focus: the same, or its like.
function successor(active) {
  const from = active.form?.elements.title ?? active, row = from.closest(".task");
  const place = $$(".task").indexOf(row);
  return () => {
    const rows = $$(".task");
    if (!row) return document.getElementById(from.id) ?? (from.closest(".tabs") && $(".tabs [aria-current]"));
    const next = $(`#${row.id}`) ?? rows[place] ?? rows.at(-1);
    return next && ($(`.${from.classList[0]}`, next) ?? $("a", next));
  };
}

onsubmit = (event) => {
  $$("[aria-pressed=true]").forEach(reveal); // Only type=password is saved.
  const form = event.target, url = new URL(form.getAttribute("action") ?? "", location);
  if (event.defaultPrevented || form.method === "dialog" || !ours(url)) return;
  event.preventDefault();
  const fields = read(form, event.submitter);
  form.method === "post" ? load(url, fields) : load(`${url.pathname}?${fields}`);
};

onclick = (event) => {
  const link = event.target.closest("a[href]");
  if (event.target.ariaPressed) reveal(event.target);
  if (!link || link.hash || modified(event) || event.shiftKey || !ours(link)) return;
  event.preventDefault();
  link.closest(OPEN)?.close();
  load(link.href);
};

onchange = () => say("[data-selected]", `${$$(".pick :checked").length} selected`);

onpopstate = () => {
  const dialog = $(OPEN);
  if (!dialog) return location.hash || load(location.href);
  history.pushState(null, "", dialog.at); // Back closes it.
  dialog.requestClose?.();
};

// Keys.

const TYPING = "input:not([type=checkbox]), select, textarea, dialog", shortcuts = $("#shortcuts-on");
let prefix = "";

onkeydown = (event) => {
  const { form } = event.target;
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (!shortcuts?.checked || modified(event) || event.target.closest(TYPING)) return;
  const key = prefix + event.key, step = { j: 1, k: -1 }[key], titles = $$(".task-title");
  prefix = key === "g" ? key : "";
  const target = step
    ? titles[titles.findIndex((at) => at.closest(".task:focus-within")) + step]
    : $($(`[data-keys~="${CSS.escape(key)}"]`)?.dataset.target || "none");
  if (!target) return;
  event.preventDefault();
  step || target.matches(TYPING) ? enter(target) : target.click();
};

if (shortcuts) {
  shortcuts.checked = !localStorage.noShortcuts;
  shortcuts.onchange = () => (localStorage.noShortcuts = shortcuts.checked ? "" : 1);
}

// Sign-in ends.

const { user, left, renewable } = document.body.dataset;
const tabs = new BroadcastChannel("session");
tabs.postMessage(user);

if (user) {
  let end, idle, timer, shown;

  const show = (name) => {
    if (name === shown) return;
    shown = name;
    $("[data-session][open]")?.close();
    if (name) $(`[data-session=${name}]`).showModal();
  };

  const tick = () => {
    const seconds = Math.ceil((end - Date.now()) / 1000), soon = seconds > 0 && seconds <= 120;
    if (seconds > 0) show(soon && (idle ? "idle" : "absolute"));
    say("[data-countdown]", `${seconds} seconds`);
    if ([60, 30, 10].includes(seconds)) say("dialog [role=status]", `${seconds} seconds left`);
    clearTimeout(timer); // Timers end at 25 days.
    timer = setTimeout(soon ? tick : check, Math.min(Math.max(seconds - 120, 1), 86400) * 1000);
  };

  const know = (now) => {
    clearTimeout(timer);
    if (now.user_id !== user) return show(now.user_id ? "other" : "over");
    end = Date.now() + now.seconds_left * 1000;
    idle = now.renewable;
    for (const input of $$("[name=csrf_token]")) input.value = now.csrf_token ?? input.value;
    tick();
  };

  const check = (options) =>
    fetch("/session", options).then((at) => at.json()).then(know, () => Date.now() < end ? tick() : show("over"));

  tabs.onmessage = document.onvisibilitychange = () => document.hidden || check();
  $("#stay").onsubmit = ({ target }) => {
    check({ method: "POST", body: new FormData(target) }).then(() => tabs.postMessage(user));
    return false;
  };
  know({ user_id: user, seconds_left: left, renewable });
}
