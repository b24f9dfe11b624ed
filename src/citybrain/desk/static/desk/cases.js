// The queue by keyboard: j and k move from case to case, Enter opens (the link has the focus).
"use strict";
document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (inField || event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key)) return;
  const rows = [...document.querySelectorAll("#cases a.row")];
  const here = rows.findIndex((row) => row.closest("tr").contains(document.activeElement));
  const next = rows[here + (event.key === "j" ? 1 : -1)] || rows[event.key === "j" ? 0 : rows.length - 1];
  if (next) next.focus();
});
// One tap, one step: the form's key makes a second one harmless, this keeps it from being sent.
for (const form of document.querySelectorAll("#actions form, #bulk")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
