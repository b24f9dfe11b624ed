// Forms with photos that were sent without a network: the phone keeps them whole, photos and all, and sends them in their
// order once the network is back, also after their page was closed. Each carries the key it was made with and counts once.
"use strict";
(() => {
  const note = document.querySelector("#kept-photos");
  const me = note.dataset.user; // another person on the same phone neither sends nor sees mine
  const sent = []; // while this page was open
  let going = false;

  function opened() {
    return new Promise((resolve, reject) => {
      const asked = indexedDB.open("kept-forms", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("forms", { keyPath: "key" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  }

  async function forms(mode, question) {
    const kept = await opened();
    try {
      return await new Promise((resolve, reject) => {
        const change = kept.transaction("forms", mode);
        const asked = question(change.objectStore("forms"));
        change.oncomplete = () => resolve(asked.result);
        change.onerror = change.onabort = () => reject(change.error);
      });
    } finally {
      kept.close();
    }
  }

  const mine = async () => (await forms("readonly", (all) => all.getAll())).filter((one) => one.user === me).sort((one, other) => one.at - other.at);

  async function show() {
    const all = await mine();
    note.hidden = all.length + sent.length === 0;
    const done = Object.assign(document.createElement("p"), { textContent: sent.length ? `已提交：${sent.join("，")}` : "" });
    note.replaceChildren(done, ...all.map((one) => {
      const line = document.createElement("p");
      line.textContent = one.refused ? `没有被接受：${one.said}。${one.refused}` : `没有网络，已存在手机上，联网后自动提交，只计一次：${one.said}`;
      if (one.refused) {
        const away = Object.assign(document.createElement("button"), { type: "button", className: "second", textContent: "知道了" });
        away.addEventListener("click", () => forms("readwrite", (kept) => kept.delete(one.key)).then(show));
        line.append(away);
      }
      return line;
    }));
  }

  async function keep(form) {
    const fields = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
    const place = form.querySelector("[name=place]");
    const said = [form.dataset.said, place?.value].filter(Boolean).join(" ");
    await forms("readwrite", (all) => all.put({ key: form.elements.key.value, user: me, action: form.getAttribute("action") || location.pathname, said, fields, at: Date.now() }));
    await show();
  }

  // What the desk did not take, in its own words.
  async function complaint(answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return [...page.querySelectorAll("[role=alert]")].map((one) => one.textContent.trim()).join(" ") || "请重新填写。";
  }

  async function go() {
    if (going || !navigator.onLine) return;
    going = true;
    try {
      for (const one of (await mine()).filter((form) => !form.refused)) {
        const body = new FormData();
        for (const [name, value] of one.fields) body.append(name, value);
        body.set("csrfmiddlewaretoken", note.dataset.token);
        const answer = await fetch(one.action, { method: "POST", body, redirect: "manual", headers: { "X-Kept-Form": "yes" }, signal: AbortSignal.timeout(60000) });
        if (answer.type === "opaqueredirect") break; // to the sign-in: kept until its writer has signed in again
        if (answer.status >= 500) throw new Error(`kept form: ${answer.status}`);
        if (answer.ok) {
          await forms("readwrite", (all) => all.delete(one.key));
          sent.push(one.said);
        } else {
          const refused = await complaint(answer);
          await forms("readwrite", (all) => all.put({ ...one, refused }));
        }
      }
    } catch {
      setTimeout(go, 5000);
    } finally {
      going = false;
      await show();
    }
  }

  // Told by `phone.js` when a form is sent while there is no network, and when it goes by itself after all.
  document.addEventListener("kept", (event) => keep(event.target).catch((error) => console.error(error)));
  document.addEventListener("gone", (event) => forms("readwrite", (all) => all.delete(event.target.elements.key.value)).catch((error) => console.error(error)));
  window.addEventListener("online", () => setTimeout(go, 3000)); // the page that waits goes first
  if (window.indexedDB && me) show().then(go, (error) => console.error(error));
})();
