/* Forms: sent once, warned about when left half done; composer and chart switches. */
(function () {
  "use strict";
  var dirty = new Set();

  document.addEventListener("input", function (event) {
    var form = event.target.form;
    if (form && form.hasAttribute("data-warn")) dirty.add(form);
  });
  document.addEventListener("submit", function (event) {
    var form = event.target;
    dirty.delete(form);
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () {
      form.querySelectorAll("button:not([type=button])").forEach(function (button) { button.setAttribute("aria-disabled", "true"); });
    });
  });
  /* back and forward: the page comes from memory and may be sent again */
  addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.querySelectorAll("button[aria-disabled]").forEach(function (button) { button.removeAttribute("aria-disabled"); });
    });
  });
  addEventListener("beforeunload", function (event) {
    var left = Array.from(dirty).some(function (form) { return form.isConnected; });
    if (left) event.preventDefault();
  });
  document.addEventListener("sw:saved", function () { dirty.clear(); });

  document.addEventListener("change", function (event) {
    var field = event.target;
    if (field.matches("[data-autosubmit], [data-autosubmit] *")) field.form.requestSubmit();
    if (field.name === "vis" || field.name === "visibility") compose(field);
  });
  /* who reads it, said in the field and on the button: data-text-<value> */
  function compose(field) {
    var box = field.closest(".compose");
    if (!box) return;
    box.querySelectorAll("[data-when]").forEach(function (part) { part.hidden = part.dataset.when !== field.value; });
    box.querySelectorAll("[data-said]").forEach(function (part) {
      var text = part.getAttribute("data-text-" + field.value);
      if (text === null) return;
      if (part.tagName === "TEXTAREA") part.placeholder = text; else part.textContent = text;
    });
  }

  document.addEventListener("click", function (event) {
    var shut = event.target.closest("[aria-disabled=true]");
    if (shut && shut.type === "submit") event.preventDefault();
    var button = event.target.closest("[data-show]");
    if (!button) return;
    var box = button.closest("[data-switch]");
    box.querySelectorAll("[data-part]").forEach(function (part) { part.hidden = part.dataset.part !== button.dataset.show; });
    box.querySelectorAll("[data-show]").forEach(function (other) { other.setAttribute("aria-pressed", String(other === button)); });
  });
})();
