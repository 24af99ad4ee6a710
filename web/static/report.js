// Reporting a fake: photos are made smaller on the phone where it can, so that they go through a weak network; without it they go as they are.
"use strict";

const SIDE_PX_MAX = 2048;
const QUALITY = 0.85;
const form = document.querySelector("[data-report]");
const input = document.getElementById("photos");
const previews = document.querySelector("[data-previews]");

async function smaller(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, SIDE_PX_MAX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!blob || blob.size >= file.size) return file;
  return new File([blob], "photo.jpg", { type: "image/jpeg" });
}

async function shrink() {
  const chosen = [...input.files].slice(0, Number(input.dataset.photosMax));
  const made = new DataTransfer();
  for (const file of chosen) {
    let kept = file;
    try { kept = await smaller(file); } catch { /* the server says what it cannot read */ }
    made.items.add(kept);
  }
  input.files = made.files;
  previews.replaceChildren(...[...made.files].map((file) => {
    const item = document.createElement("li");
    item.textContent = `${file.name} · ${Math.max(1, Math.round(file.size / 1024))} KB`;
    return item;
  }));
  previews.hidden = made.files.length === 0;
}

if (form && input && "createImageBitmap" in window && "DataTransfer" in window) {
  let busy = Promise.resolve();
  input.addEventListener("change", () => { busy = shrink(); });
  let sending = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    const button = form.querySelector("button");
    button.disabled = true;
    button.textContent = button.dataset.sending;
    await busy.catch(() => {});
    form.submit();
  });
  // Whoever comes back by the browser's history may send again.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}
