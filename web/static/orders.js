// Forms about codes: parts that only some choices need. <div data-when="kind=item_outer"> is shown while the field `kind` says so.
"use strict";

for (const form of document.querySelectorAll("form")) {
  const parts = form.querySelectorAll("[data-when]");
  if (!parts.length) continue;
  const fit = () => {
    const said = new FormData(form);
    for (const part of parts) {
      const [name, value] = part.dataset.when.split("=");
      part.hidden = said.get(name) !== value;
    }
  };
  form.addEventListener("input", fit);
  fit();
}
