// Comfort only: every page works without this file. Behaviour hangs on data- attributes; no page has code of its own.
"use strict";

const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const stored = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(name, value); } catch { /* none: nothing is kept */ } },
};
const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

// Dark or light: the other one than what is seen, kept in this browser.
$("[data-theme-toggle]")?.addEventListener("click", () => {
  const dark = (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  stored.set("tracer-theme", dark ? "light" : "dark");
});

// Copy: the button's own text, or the code of the figure it stands in.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.dataset.copy || $("pre", button.closest("figure") ?? button.parentElement)?.textContent || "";
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy by hand";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
});

// Rows: a click anywhere opens; j and k choose. The choice survives a refresh of the list.
let chosen = null;
const rows = () => all("tr[data-href]");
const choose = (row) => {
  all(".is-chosen").forEach((each) => each.classList.remove("is-chosen"));
  row?.classList.add("is-chosen");
  row?.scrollIntoView({ block: "nearest" });
  chosen = row?.dataset.key ?? row?.dataset.href ?? null;
};
const step = (by) => {
  const list = rows();
  const at = list.findIndex((row) => row.classList.contains("is-chosen"));
  if (list.length) choose(list[Math.max(0, Math.min(list.length - 1, at < 0 ? 0 : at + by))]);
};
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, summary") || String(getSelection())) return;
  if (event.metaKey || event.ctrlKey) open(row.dataset.href, "_blank", "noopener");
  else location.assign(row.dataset.href);
});

// The live list: its HTML is fetched again, unless it is paused, hidden, or being read (text is selected).
const live = $("[data-live]");
const toggle = $("[data-live-toggle]");
let paused = false;
const pause = (value) => {
  paused = value;
  toggle?.setAttribute("aria-pressed", String(paused));
  const words = $("[data-live-text]");
  if (words) words.textContent = paused ? "Paused" : "Live";
};
const refresh = async () => {
  if (paused || document.hidden || String(getSelection())) return;
  try {
    const reply = await fetch(live.dataset.live, { headers: { "X-Fragment": "1" }, redirect: "error" });
    if (!reply.ok) throw new Error(String(reply.status));
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    live.replaceChildren(...fresh.body.childNodes);
    const row = rows().find((each) => (each.dataset.key ?? each.dataset.href) === chosen);
    row?.classList.add("is-chosen");
    if (toggle) toggle.title = "";
  } catch (error) {
    if (toggle) toggle.title = `The last refresh failed (${error.message})`;
  }
};
if (live) {
  setInterval(refresh, 1000 * Number(live.dataset.every || 3));
  toggle?.addEventListener("click", () => pause(!paused));
}

// Filters: a change of a choice sends the form; fields that are empty stay out of the URL.
all("form[data-auto]").forEach((form) => {
  form.addEventListener("change", (event) => { if (event.target.matches("select")) form.requestSubmit(); });
  form.addEventListener("submit", () => {
    all("input, select", form).forEach((field) => { if (!field.value) field.disabled = true; });
  });
});
addEventListener("pageshow", () => all("form[data-auto] :disabled").forEach((field) => { field.disabled = false; }));

// Times are UTC; a hint says what the clock on this wall showed.
const minutes = -new Date().getTimezoneOffset();
const clock = $("[data-clock]");
if (clock && minutes) {
  const part = (number) => String(Math.floor(number)).padStart(2, "0");
  clock.textContent = `; here it is UTC${minutes < 0 ? "−" : "+"}${part(Math.abs(minutes) / 60)}:${part(Math.abs(minutes) % 60)}`;
}
document.addEventListener("pointerover", (event) => {
  const time = event.target.closest("time[datetime]");
  if (!time || !minutes || time.dataset.here) return;
  time.dataset.here = "1";
  time.title += `\n${new Date(time.dateTime).toLocaleString()} here`;
});

// A box of filters is folded on a phone, where it would fill the screen.
all("details[data-fold]").forEach((box) => { if (innerWidth <= Number(box.dataset.fold)) box.open = false; });

// A list that a field narrows down.
all("[data-find]").forEach((field) => field.addEventListener("input", () => {
  const words = field.value.toLowerCase();
  all(field.dataset.find).forEach((item) => { item.hidden = !item.textContent.toLowerCase().includes(words); });
}));

// The SQL editor: Ctrl-Enter runs, Tab indents, and what was asked is kept in this browser only.
const editor = $("[data-editor]");
const HISTORY = "tracer-sql-history";
const past = () => { try { return JSON.parse(stored.get(HISTORY) ?? "[]"); } catch { return []; } };
const showPast = () => {
  const box = $("[data-history-list]");
  if (!box) return;
  box.hidden = past().length === 0;
  $("ul", box).replaceChildren(...past().map((text) => {
    const item = document.createElement("li");
    const button = document.createElement("a");
    button.href = "#q";
    button.textContent = text.replace(/\s+/g, " ").slice(0, 80);
    button.addEventListener("click", () => { editor.value = text; editor.focus(); });
    item.append(button);
    return item;
  }));
};
if (editor) {
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) editor.form.requestSubmit($("button.main", editor.form));
    if (event.key === "Escape") editor.blur();
  });
  editor.form.addEventListener("submit", () => {
    const text = editor.value.trim();
    if (text) stored.set(HISTORY, JSON.stringify([text, ...past().filter((each) => each !== text)].slice(0, 20)));
  });
  $("[data-history-clear]")?.addEventListener("click", () => { stored.set(HISTORY, "[]"); showPast(); });
  showPast();
}

// Keys.
const help = $("#help");
$("[data-help]")?.addEventListener("click", () => help.showModal());
let going = 0;
const keys = {
  j: () => step(1),
  k: () => step(-1),
  Enter: () => { const row = $("tr.is-chosen"); if (row) location.assign(row.dataset.href); },
  "/": () => $("main input:not([type=hidden]), main textarea")?.focus(),
  p: () => { if (live) pause(!paused); },
  "[": () => $("a[rel=prev]")?.click(),
  "]": () => $("a[rel=next]")?.click(),
  "?": () => help.showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  if (going && Date.now() - going < 1500) {
    going = 0;
    const target = $(`[data-go="${CSS.escape(event.key)}"]`);
    if (target) { event.preventDefault(); target.click(); }
    return;
  }
  if (event.key === "g") { going = Date.now(); return; }
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
