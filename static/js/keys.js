/* Keys of a page: every element with data-key is pressed by it ("n", or "g r" one after the other); j k x / ? everywhere.
   The sheet behind ? lists what the page has now. */
(function () {
  "use strict";
  var pending = "";
  var timer = 0;

  function typing(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio|button|submit)$/.test(target.type);
  }
  function shown(element) { return element.getClientRects().length > 0; }
  function rows() {
    return Array.from(document.querySelectorAll(".grid-t tbody tr, .rows > *, [data-row]")).filter(function (row) {
      return shown(row) && row.closest("main") && door(row);
    });
  }
  function door(row) { return row.matches("a[href]") ? row : row.querySelector("[data-door], a.name[href], a[href]"); }

  function move(step) {
    var all = rows();
    if (!all.length) return;
    var here = all.findIndex(function (row) { return row.contains(document.activeElement); });
    var next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, here + step));
    all.forEach(function (row) { row.removeAttribute("data-at"); });
    all[next].setAttribute("data-at", "");
    door(all[next]).focus();
    all[next].scrollIntoView({ block: "nearest" });
  }

  function mark() {
    var row = rows().find(function (candidate) { return candidate.contains(document.activeElement); });
    var box = row && row.querySelector("input[type=checkbox]");
    if (box) box.click();
  }

  function seek() {
    var field = Array.from(document.querySelectorAll("main input[type=search]")).find(shown);
    if (field) { field.focus(); field.select(); } else document.querySelector("[data-palette]").click();
  }

  function sheet() {
    var dialog = document.getElementById("keys");
    var list = dialog.querySelector("[data-page-keys]");
    list.textContent = "";
    var seen = {};
    Array.from(document.querySelectorAll("[data-key]")).filter(shown).forEach(function (element) {
      if (seen[element.dataset.key]) return;
      seen[element.dataset.key] = true;
      var row = document.createElement("div");
      row.textContent = element.dataset.keyLabel || element.textContent.trim();
      var keys = document.createElement("span");
      keys.className = "keys";
      element.dataset.key.split(" ").forEach(function (key) {
        var cap = document.createElement("kbd"); cap.textContent = key; keys.append(cap);
      });
      row.append(keys);
      list.append(row);
    });
    dialog.querySelectorAll("[data-needs-rows]").forEach(function (row) { row.hidden = !rows().length; });
    dialog.querySelectorAll("[data-needs]").forEach(function (row) { row.hidden = !document.querySelector(row.dataset.needs); });
    dialog.showModal();
  }

  function press(key) {
    var all = Array.from(document.querySelectorAll("[data-key]")).filter(function (candidate) {
      return candidate.dataset.key === key && shown(candidate);
    });
    /* what the page itself offers goes before the frame around it */
    var element = all.find(function (candidate) { return candidate.closest("main"); }) || all[0];
    if (!element) return false;
    if (typing(element)) element.focus(); else element.click();
    return true;
  }

  document.addEventListener("click", function (event) { if (event.target.closest("[data-keys-sheet]")) sheet(); });
  document.addEventListener("focusin", function (event) {
    document.querySelectorAll("[data-at]").forEach(function (row) { if (!row.contains(event.target)) row.removeAttribute("data-at"); });
  });
  document.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    var key = event.key;
    clearTimeout(timer);
    var both = pending ? pending + " " + key : key;
    pending = "";
    if (press(both)) { event.preventDefault(); return; }
    var built = { j: function () { move(1); }, k: function () { move(-1); }, x: mark, "/": seek, "?": sheet }[key];
    if (built) { event.preventDefault(); built(); return; }
    pending = key;
    timer = setTimeout(function () { pending = ""; }, 900);
  });
})();
