// Photos chosen for a form, shown before they are sent. Shared by the desk and the phone; forms work without.
"use strict";
// The camera gives one photo at a time: each joins those chosen before, a touch on its button takes one away.
const chosen = new WeakMap();

function choose(input, files) {
  const sent = new DataTransfer();
  for (const file of files.slice(0, Number(input.dataset.most))) sent.items.add(file);
  input.files = sent.files;
  chosen.set(input, [...input.files]);
  const shown = input.parentElement.querySelector(".previews");
  for (const old of shown.querySelectorAll("img")) URL.revokeObjectURL(old.src);
  shown.replaceChildren(...chosen.get(input).map((file, place) => {
    const photo = Object.assign(document.createElement("img"), { className: "preview", alt: `所选照片 ${place + 1}` });
    photo.src = URL.createObjectURL(file);
    const away = Object.assign(document.createElement("button"), { type: "button", className: "second", textContent: "去掉这张" });
    away.addEventListener("click", () => choose(input, chosen.get(input).filter((one) => one !== file)));
    const one = document.createElement("div");
    one.append(photo, away);
    return one;
  }));
}

for (const input of document.querySelectorAll("input[type=file]")) {
  choose(input, [...input.files]); // chosen before this script ran
  input.addEventListener("change", () => choose(input, [...chosen.get(input), ...input.files]));
}
