/* Ctrl or Cmd K: the server answers with options, this moves among them. Late answers are dropped. */
(function () {
  "use strict";
  var dialog = document.querySelector("dialog.palette");
  if (!dialog) return;
  var input = dialog.querySelector("input");
  var list = dialog.querySelector(".list");
  var before = null;
  var asking = null;
  var timer = 0;

  function options() { return Array.from(list.querySelectorAll("[role=option]")); }

  function select(option) {
    options().forEach(function (other) { other.setAttribute("aria-selected", String(other === option)); });
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function ask() {
    if (asking) asking.abort();
    asking = new AbortController();
    fetch(dialog.dataset.url + "?q=" + encodeURIComponent(input.value), {
      signal: asking.signal, headers: { "HX-Request": "true" }, credentials: "same-origin",
    }).then(function (answer) {
      if (!answer.ok || answer.redirected) throw new Error("palette: " + answer.status);
      return answer.text();
    }).then(function (html) {
      list.innerHTML = html;
      select(options()[0]);
    }).catch(function (problem) {
      if (problem.name === "AbortError") return;
      list.textContent = "Search does not answer just now. The navigation still works.";
    });
  }

  function open(text) {
    if (dialog.open) return;
    before = document.activeElement;
    input.value = text || "";
    dialog.showModal();
    input.focus();
    ask();
  }

  function run(option) {
    var url = option.getAttribute("href");
    if (url.charAt(0) !== "#") { location.assign(url); return; }
    dialog.close();
    if (url.indexOf("#theme-") === 0) window.swTheme(url.slice(7));
    else { var target = document.querySelector('[data-command="' + url.slice(1) + '"]'); if (target) target.click(); }
  }

  input.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(ask, 90); });
  dialog.addEventListener("close", function () { if (before && before.isConnected) before.focus(); });
  dialog.addEventListener("click", function (event) {
    if (event.target === dialog) { dialog.close(); return; }
    var option = event.target.closest("[role=option]");
    if (!option || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    run(option);
  });
  dialog.addEventListener("keydown", function (event) {
    var all = options();
    var here = all.findIndex(function (option) { return option.getAttribute("aria-selected") === "true"; });
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (all.length) select(all[(here + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]);
    } else if (event.key === "Enter" && all[here]) {
      event.preventDefault();
      run(all[here]);
    }
  });
  document.addEventListener("click", function (event) { if (event.target.closest("[data-palette]")) open(); });
  document.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
  });
})();
