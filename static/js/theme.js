/* Runs before the first paint. The server writes a person's theme; before sign-in the browser remembers it. */
(function () {
  "use strict";
  var root = document.documentElement;
  function apply(theme) {
    if (theme === "light" || theme === "dark") root.setAttribute("data-theme", theme);
    else root.removeAttribute("data-theme");
    var marks = document.querySelectorAll("[data-theme-set]");
    for (var i = 0; i < marks.length; i++) {
      marks[i].setAttribute("aria-pressed", String(marks[i].dataset.themeSet === (theme || "system")));
    }
  }
  function remember(theme) {
    try { localStorage.setItem("sw-theme", theme); } catch (refused) { /* private window: this page only */ }
  }
  var saved = root.dataset.themeSaved;
  if (saved) remember(saved);
  else {
    try { saved = localStorage.getItem("sw-theme"); } catch (refused) { saved = null; }
  }
  apply(saved);
  document.addEventListener("DOMContentLoaded", function () { apply(root.getAttribute("data-theme")); });
  window.swTheme = function (theme) {
    apply(theme);
    remember(theme);
    var form = document.querySelector("[data-theme-form]");
    if (!form) return;
    var body = new FormData(form);
    body.set("theme", theme);
    fetch(form.action, { method: "POST", body: body, headers: { "HX-Request": "true" }, credentials: "same-origin" });
  };
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-theme-set]");
    if (!button) return;
    event.preventDefault();
    window.swTheme(button.dataset.themeSet);
  });
})();
