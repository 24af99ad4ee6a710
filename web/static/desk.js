// Console and portal: the drawer on phones, confirmation of what cannot be undone, charts, and progress that renews itself.
"use strict";

const menu = document.querySelector("[data-toggle-menu]");
if (menu) {
  menu.addEventListener("click", () => {
    const open = document.getElementById("desk-nav").classList.toggle("is-open");
    menu.setAttribute("aria-expanded", String(open));
  });
}

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// <div class="desk-chart" data-chart="id of a script of type application/json with ECharts options"></div>
for (const place of document.querySelectorAll("[data-chart]")) {
  const options = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const chart = window.echarts.init(place, null, { renderer: "canvas" });
  chart.setOption({ animation: false, ...options });
  window.addEventListener("resize", () => chart.resize());
}

// <div data-renew="/address"> is replaced by what the address answers, every second, until it no longer says data-renew.
function renew(place) {
  setTimeout(async () => {
    try {
      const answer = await fetch(place.dataset.renew, { headers: { Accept: "text/html" } });
      if (answer.ok && !answer.redirected) {
        const made = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
        place.replaceWith(made);
        place = made;
      }
    } catch { /* the next second tries again */ }
    if (place.dataset && place.dataset.renew) renew(place);
  }, 1000);
}
document.querySelectorAll("[data-renew]").forEach(renew);

// <div data-forecast="/address"> in a page with a form "order-form" is renewed by what the address says of the form's fields.
const ordering = document.getElementById("order-form");
if (ordering && document.querySelector("[data-forecast]")) {
  let waiting = 0;
  let asked = 0;
  const ask = async () => {
    const place = document.querySelector("[data-forecast]");
    const fields = new URLSearchParams(new FormData(ordering));
    fields.delete("csrf_token");
    asked += 1;
    const mine = asked;
    try {
      const answer = await fetch(`${place.dataset.forecast}?${fields}`, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected || mine !== asked) return;
      const made = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
      place.replaceWith(made);
    } catch { /* the next change asks again */ }
  };
  ordering.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  });
  // What is chosen from the start (a product, the usual mark) shows at once.
  ask();
}
