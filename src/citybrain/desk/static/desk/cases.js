// The queue by keyboard: j and k move from case to case, x ticks, / searches, Enter opens (the link has the focus).
"use strict";
document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (inField || event.ctrlKey || event.metaKey || event.altKey || !["j", "k", "x", "/"].includes(event.key)) return;
  if (event.key === "/") {
    const search = document.querySelector(".filters input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
    return;
  }
  const rows = [...document.querySelectorAll("#cases a.row")];
  const here = rows.findIndex((row) => row.closest("tr").contains(document.activeElement));
  if (event.key === "x") {
    const box = here < 0 ? null : rows[here].closest("tr").querySelector("input[type=checkbox]");
    if (box) box.checked = !box.checked;
    return;
  }
  const next = rows[here + (event.key === "j" ? 1 : -1)] || rows[event.key === "j" ? 0 : rows.length - 1];
  if (next) next.focus();
});
// A step that has to be explained asks for its reason before the form goes.
for (const button of document.querySelectorAll(".bulk button")) {
  button.addEventListener("click", () => {
    const reason = document.querySelector("#bulk-reason");
    if (reason) reason.required = "reason" in button.dataset;
  });
}
// One tap, one step: the form's key makes a second one harmless, this keeps it from being sent.
for (const form of document.querySelectorAll("#actions form, #form-say, #bulk")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
const print = document.querySelector("#print");
if (print) print.addEventListener("click", () => window.print());
// The figures stay true while the page stays open; when the desk does not answer, the page says so.
const figures = document.querySelector("#counts");
if (figures) {
  const old = document.querySelector("#counts-old");
  let tag = "";
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(figures.dataset.counts, { headers: { "If-None-Match": tag }, cache: "no-store", signal: AbortSignal.timeout(8000) });
      if (answer.redirected || !(answer.ok || answer.status === 304)) throw new Error(`counts: ${answer.status}`);
      old.hidden = true;
      if (answer.status === 304) return;
      tag = answer.headers.get("ETag") || "";
      for (const [name, count] of Object.entries(await answer.json())) {
        document.querySelector(`#${name}-count`).textContent = count;
        for (const place of document.querySelectorAll(`[data-count="${name}"]`)) place.textContent = count;
      }
    } catch {
      old.hidden = false;
    }
  };
  setInterval(refresh, 10000);
}
