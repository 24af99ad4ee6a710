// The editor of label templates: the picture follows the form as people type, and a roll needs no sheet.
"use strict";

const editor = document.querySelector("form[data-preview]");
if (editor) {
  let waiting = 0;
  let asked = 0;
  const ask = async () => {
    asked += 1;
    const mine = asked;
    const place = document.getElementById("label-preview");
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(editor.dataset.preview, { method: "POST", body: new FormData(editor), headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected || mine !== asked) return;
      const made = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
      document.getElementById("label-preview").replaceWith(made);
    } catch { /* the next change asks again */ }
  };
  const paper = editor.querySelector("[name=paper]");
  const roll = () => editor.classList.toggle("is-roll", paper.value === "roll");
  roll();
  editor.addEventListener("input", () => {
    roll();
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  });
}

// The label of the package form follows the template that is chosen.
const chooser = document.querySelector("[data-label-picture]");
if (chooser) {
  const format = document.querySelector("[name=format]");
  const show = () => {
    const picture = document.getElementById("label-picture");
    picture.src = `${chooser.dataset.labelPicture}?name=${encodeURIComponent(chooser.value)}`;
    for (const part of document.querySelectorAll("[data-format]")) {
      part.hidden = !part.dataset.format.split(" ").includes(format.value);
    }
  };
  chooser.addEventListener("input", show);
  format.addEventListener("input", show);
  show();
}

// Fields that belong to one choice of a group of radio buttons are shown with it.
for (const part of document.querySelectorAll("[data-shown-for]")) {
  const group = document.querySelectorAll(`[name=${part.dataset.shownFor}]`);
  const show = () => { part.hidden = ![...group].some((one) => one.checked && one.value === part.dataset.value); };
  group.forEach((one) => one.addEventListener("change", show));
  show();
}
