// What the phone's pages do better with scripts: the position, one tap, a wait for the network, drafts.
// Every form works without; its key makes a form that arrives twice count once.
"use strict";
const offline = document.querySelector(".offline");
let waiting = null;
// Keeps the shell of these pages, so that a cut network shows a page of ours; over plain HTTP there is none.
const { worker } = document.currentScript.dataset;
if (navigator.serviceWorker) navigator.serviceWorker.register(worker);
// In place of a page that the network did not bring: asks until it answers, then opens the page that was meant. A phone
// says that it is online before it is.
const instead = document.querySelector("#without-network");
function openOnceThereIsOne() {
  fetch(worker, { cache: "no-store" }).then(() => location.reload(), () => setTimeout(openOnceThereIsOne, 2000));
}
if (instead && location.pathname !== instead.dataset.own) setTimeout(openOnceThereIsOne, 1000);

// What is shown goes on while nobody touches it: the page looks again by itself, so many seconds later.
const again = document.querySelector("[data-renew]");
if (again) setInterval(() => { if (!document.hidden && navigator.onLine) location.reload(); }, Number(again.dataset.renew) * 1000);

const locate = document.querySelector("#locate");
if (locate && navigator.geolocation) {
  locate.hidden = false;
  locate.addEventListener("click", () => {
    locate.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        document.querySelector("#lon").value = coords.longitude.toFixed(6);
        document.querySelector("#lat").value = coords.latitude.toFixed(6);
        locate.disabled = false;
        locate.textContent = "已定位，点这里重新定位";
      },
      () => {
        locate.disabled = false;
        locate.textContent = "没有取到位置，请写明地点";
      },
      { enableHighAccuracy: true, timeout: 15000 },
    );
  });
}

const draftOf = (form) => `draft:${form.dataset.draft}`;
const drafted = (form) => form.querySelectorAll("textarea, select, input:not([type=hidden]):not([type=file])");

for (const form of document.querySelectorAll("form[data-draft]")) {
  const kept = JSON.parse(sessionStorage.getItem(draftOf(form)) || "{}");
  for (const field of drafted(form)) if (!field.value && kept[field.name]) field.value = kept[field.name];
  form.addEventListener("input", () => {
    const now = Object.fromEntries([...drafted(form)].map((field) => [field.name, field.value]));
    sessionStorage.setItem(draftOf(form), JSON.stringify(now));
  });
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    if (!navigator.onLine) {
      event.preventDefault();
      waiting = form;
      offline.hidden = false;
      form.dispatchEvent(new Event("kept", { bubbles: true })); // should its page be closed before there is a network
      return;
    }
    if (form === waiting) form.dispatchEvent(new Event("gone", { bubbles: true }));
    form.dataset.sent = "yes";
    sessionStorage.removeItem(draftOf(form));
  });
}

window.addEventListener("online", () => {
  offline.hidden = true;
  if (waiting) waiting.requestSubmit();
});
window.addEventListener("offline", () => { offline.hidden = false; });
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
