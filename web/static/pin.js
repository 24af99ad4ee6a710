// The PIN of an item: asked of the edge without leaving the page. Without this script the form does the same.
"use strict";

for (const form of document.querySelectorAll("form[data-pin]")) {
  const field = form.elements.pin;
  const said = form.querySelector("[data-said]");
  const button = form.querySelector("button");

  const say = (...words) => {
    said.textContent = words.filter(Boolean).join(document.documentElement.lang.startsWith("zh") ? "" : " ");
    said.hidden = !said.textContent;
  };

  // Today with its time; a later day with its day.
  const when = (iso) => {
    const at = new Date(iso);
    const time = { hour: "2-digit", minute: "2-digit" };
    const today = at.toDateString() === new Date().toDateString();
    return at.toLocaleString(document.documentElement.lang, today ? time : { ...time, month: "long", day: "numeric" });
  };

  const until = (iso) => (iso ? form.dataset.until.replace("{time}", when(iso)) : "");

  const left = (tries) => {
    if (!tries) return "";
    return tries === 1 ? form.dataset.leftOne : form.dataset.left.replace("{left}", String(tries));
  };

  const show = (status, answer) => {
    field.toggleAttribute("aria-invalid", status === 200 || status === 422);
    if (status === 200) {
      say(form.dataset.wrong, left(answer.tries_left), until(answer.opens_at));
      field.select();
    } else if (status === 422) say(form.dataset.malformed);
    else if (status === 429) say(form.dataset[answer.limit === "address" ? "busy" : "locked"], until(answer.opens_at));
    else if (status === 410 || status === 403 || status === 400) say(form.dataset.old);
    else say(form.dataset.failed);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("");
    try {
      const reply = await fetch(form.action, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ ticket: form.elements.ticket.value, pin: field.value }),
      });
      const answer = await reply.json();
      if (reply.ok && answer.pin === "right") {
        location.replace(`/s/${answer.ticket}#pin`);
        return;
      }
      show(reply.status, answer);
    } catch {
      show(0, {});
    }
    button.disabled = false;
  });
}
