/* Menus are native popovers; this puts them under their button and adds the arrow keys. Dialogs open by [data-opens]. */
(function () {
  "use strict";
  var opener = null;

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[popovertarget]");
    if (button) opener = button;
    var opens = event.target.closest("[data-opens]");
    if (opens) document.getElementById(opens.dataset.opens).showModal();
    var closes = event.target.closest("[data-closes]");
    if (closes) closes.closest("dialog").close();
    if (event.target.matches("dialog.dialog-x")) event.target.close();
  }, true);

  document.addEventListener("toggle", function (event) {
    var menu = event.target;
    if (!menu.matches || !menu.matches(".menu-x")) return;
    var button = document.querySelector('[popovertarget="' + menu.id + '"]') || opener;
    if (event.newState !== "open") { if (button) button.setAttribute("aria-expanded", "false"); return; }
    button.setAttribute("aria-expanded", "true");
    var at = button.getBoundingClientRect();
    var top = at.bottom + 6;
    if (top + menu.offsetHeight > innerHeight - 8) top = Math.max(8, at.top - menu.offsetHeight - 6);
    menu.style.top = top + "px";
    menu.style.left = Math.max(8, Math.min(at.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8)) + "px";
    var first = menu.querySelector(".item");
    if (first && button.matches(":focus-visible")) first.focus();
  }, true);

  document.addEventListener("keydown", function (event) {
    var menu = event.target.closest(".menu-x");
    var step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!menu || (!step && event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    var items = Array.from(menu.querySelectorAll(".item:not([disabled])"));
    var here = items.indexOf(event.target.closest(".item"));
    var next = step ? (here + step + items.length) % items.length : event.key === "Home" ? 0 : items.length - 1;
    items[next].focus();
  });
})();
