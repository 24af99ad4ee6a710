// Reporting a fake: photos are made smaller on the phone where it can, so that they go through a weak network; without it they go as they are.
"use strict";

const SIDE_PX_MAX = 2048;
const PREVIEW_SIDE_PX = 160;
const QUALITY = 0.85;
const form = document.querySelector("[data-report]");
const input = document.getElementById("photos");
const previews = document.querySelector("[data-previews]");

async function drawn(file, sidePxMax) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, sidePxMax / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas;
}

async function smaller(file) {
  const canvas = await drawn(file, SIDE_PX_MAX);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!blob || blob.size >= file.size) return file;
  return new File([blob], "photo.jpg", { type: "image/jpeg" });
}

// A picture as an address of its own, which the page's policy allows; a file that cannot be drawn is named.
async function preview(file) {
  const item = document.createElement("li");
  try {
    const picture = document.createElement("img");
    picture.src = (await drawn(file, PREVIEW_SIDE_PX)).toDataURL("image/jpeg", QUALITY);
    picture.alt = "";
    item.append(picture);
  } catch { item.append(file.name, document.createElement("br")); }
  item.append(`${Math.max(1, Math.round(file.size / 1024))} KB`);
  return item;
}

async function shrink() {
  // What was wrong with other photos is not said of these.
  input.removeAttribute("aria-invalid");
  document.getElementById("photos-error")?.remove();
  const chosen = [...input.files].slice(0, Number(input.dataset.photosMax));
  const made = new DataTransfer();
  for (const file of chosen) {
    let kept = file;
    try { kept = await smaller(file); } catch { /* the server says what it cannot read */ }
    made.items.add(kept);
  }
  input.files = made.files;
  previews.replaceChildren(...await Promise.all([...made.files].map(preview)));
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
