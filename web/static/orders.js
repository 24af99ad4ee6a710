// The order form: parts that only some choices need. <div data-when="kind=item_outer"> is shown while the field `kind` says so.
"use strict";

const orderForm = document.getElementById("order-form");
if (orderForm) {
  const fit = () => {
    const said = new FormData(orderForm);
    for (const part of orderForm.querySelectorAll("[data-when]")) {
      const [name, value] = part.dataset.when.split("=");
      part.hidden = said.get(name) !== value;
    }
  };
  orderForm.addEventListener("input", fit);
  fit();
}
