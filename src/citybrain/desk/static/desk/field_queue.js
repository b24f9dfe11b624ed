// Forms of words that were sent without a network are kept on the phone and go in their order once it is back, also
// after the page was closed. Each carries the key it was made with, so one that arrives twice counts once.
"use strict";
const note = document.querySelector("#kept-forms");
const KEPT = `queue:${location.pathname}:${note.dataset.user}`; // another person on the same phone sends nothing of mine
const kept = () => JSON.parse(localStorage.getItem(KEPT) || "[]");
let going = false;

function show() {
  const all = kept();
  note.hidden = all.length === 0;
  note.textContent = all.length ? `没有网络，已存在手机上，联网后自动提交，只计一次：${all.map((one) => one.said).join("，")}` : "";
}

function keep(form) {
  const one = { said: form.dataset.queue, action: form.getAttribute("action"), body: new URLSearchParams(new FormData(form)).toString() };
  const all = kept();
  if (!all.some((other) => other.action === one.action && other.body === one.body)) all.push(one);
  localStorage.setItem(KEPT, JSON.stringify(all));
  show();
}

async function go() {
  if (going || !navigator.onLine || kept().length === 0) return;
  going = true;
  try {
    while (kept().length) {
      const [first, ...rest] = kept();
      const body = new URLSearchParams(first.body);
      const token = document.querySelector("[name=csrfmiddlewaretoken]");
      if (token) body.set("csrfmiddlewaretoken", token.value); // the page's own: the kept one may be of yesterday's sign-in
      const answer = await fetch(first.action, { method: "POST", body, redirect: "manual", headers: { "X-Kept-Form": "yes" }, signal: AbortSignal.timeout(20000) });
      if (answer.type === "opaqueredirect") break; // to the sign-in: kept until somebody has signed in again
      if (answer.status >= 500) throw new Error(`kept form: ${answer.status}`);
      localStorage.setItem(KEPT, JSON.stringify(rest));
    }
    location.reload(); // it says what became of them
  } catch {
    setTimeout(go, 5000);
  } finally {
    going = false;
    show();
  }
}

for (const form of document.querySelectorAll("form[data-queue]")) {
  form.addEventListener("submit", (event) => {
    if (navigator.onLine && !form.dataset.sent) {
      form.dataset.sent = "yes";
      return;
    }
    event.preventDefault();
    if (!form.dataset.sent) keep(form);
  });
}
window.addEventListener("online", go);
window.addEventListener("storage", show);
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
show();
go();
// The water goes on rising while the page is open: it looks again each minute unless somebody is writing.
setInterval(() => {
  const busy = document.querySelector("details[open]") || kept().length || document.hidden || !navigator.onLine;
  if (!busy) location.reload();
}, 60000);
