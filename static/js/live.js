/* Live parts: focus survives swaps, slow requests show a line, failed ones say so, relative times stay true. */
(function () {
  "use strict";
  var running = 0;
  var focused = null;

  /* toasts ------------------------------------------------------------------ */
  var tray = document.querySelector(".toasts");
  function leave(toast) {
    if (toast.matches(":hover, :focus-within")) { setTimeout(leave, 3000, toast); return; }
    toast.remove();
  }
  function watch(toast) { if (!toast.classList.contains("bad")) setTimeout(leave, 9000, toast); }
  window.swToast = function (text, tone) {
    var source = document.getElementById("toast-" + (tone || "ok")) || document.getElementById("toast-ok");
    var toast = source.content.firstElementChild.cloneNode(true);
    toast.querySelector("[data-text]").textContent = text;
    tray.append(toast);
    watch(toast);
  };
  if (tray) tray.querySelectorAll(".toast-x").forEach(watch);
  document.addEventListener("click", function (event) {
    var close = event.target.closest("[data-toast-close]");
    if (close) close.closest(".toast-x").remove();
  });
  document.addEventListener("sw:toast", function (event) { window.swToast(event.detail.text, event.detail.tone); });

  /* progress ------------------------------------------------------------------ */
  var bar = document.querySelector(".progress-x");
  var slow = 0;
  function quiet(event) { return event.detail.elt && event.detail.elt.hasAttribute("data-quiet"); }
  function polls(element) { return element && element.hasAttribute("data-polls"); }
  function typedIn(part) {
    var field = document.activeElement;
    return part.contains(field) && field.matches("textarea, select, input:not([type=hidden])");
  }
  document.addEventListener("htmx:beforeRequest", function (event) {
    var part = event.detail.elt;
    if (polls(part) && (document.hidden || typedIn(part))) { event.preventDefault(); return; }
    if (quiet(event)) return;
    running += 1;
    if (bar && running === 1) slow = setTimeout(function () { bar.classList.add("on"); }, 250);
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (quiet(event)) return;
    running = Math.max(0, running - 1);
    if (bar && !running) { clearTimeout(slow); bar.classList.remove("on"); }
  });

  /* refusals and failures ------------------------------------------------------- */
  document.addEventListener("htmx:beforeSwap", function (event) {
    var xhr = event.detail.xhr;
    if (xhr.responseURL && new URL(xhr.responseURL).pathname === document.body.dataset.signIn) {
      event.detail.shouldSwap = false;
      location.reload();
    }
    if (polls(event.detail.elt) && typedIn(event.detail.target)) event.detail.shouldSwap = false;
    if (xhr.status === 422) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  document.addEventListener("htmx:responseError", function (event) {
    var xhr = event.detail.xhr;
    if (polls(event.detail.elt) && xhr.status >= 500) { stale(event.detail.elt); return; }
    var said = xhr.getResponseHeader("X-Said");
    window.swToast(said || "That did not work (" + xhr.status + "). Nothing was changed; please try again.", "bad");
  });
  document.addEventListener("htmx:sendError", function (event) {
    if (polls(event.detail.elt)) { stale(event.detail.elt); return; }
    window.swToast("The portal does not answer. Check your connection and try again.", "bad");
  });
  function stale(element) {
    element.querySelectorAll(".asof").forEach(function (mark) {
      mark.classList.add("stale");
      mark.textContent = mark.textContent.replace(/(, updates by itself)?( · not updating)?$/, " · not updating");
    });
  }

  /* focus ------------------------------------------------------------------------- */
  function remember() {
    var element = document.activeElement;
    if (!element || element === document.body) return null;
    return { id: element.id, tag: element.tagName, name: element.getAttribute("name"), href: element.getAttribute("href"),
             text: element.textContent.trim().slice(0, 60), label: element.getAttribute("aria-label"), element: element };
  }
  function restore(target) {
    if (!focused || focused.element.isConnected && document.activeElement === focused.element) return;
    if (document.activeElement && document.activeElement !== document.body) return;
    var next = focused.id && document.getElementById(focused.id);
    if (!next) next = Array.from(target.querySelectorAll(focused.tag)).find(function (element) {
      return element.getAttribute("name") === focused.name && element.getAttribute("href") === focused.href &&
        element.getAttribute("aria-label") === focused.label && element.textContent.trim().slice(0, 60) === focused.text;
    });
    if (!next) next = target.closest("[tabindex]") || document.getElementById("main");
    next.focus({ preventScroll: true });
  }
  document.addEventListener("htmx:beforeSwap", function () { focused = remember(); });
  document.addEventListener("htmx:afterSettle", function (event) {
    restore(event.detail.elt);
    times();
    if (tray) tray.querySelectorAll(".toast-x:not([data-seen])").forEach(function (toast) { toast.dataset.seen = "1"; watch(toast); });
  });
  /* folded parts and what was typed stay as the person left them */
  var folds = {};
  var typed = {};
  document.addEventListener("htmx:beforeSwap", function (event) {
    folds = {};
    typed = {};
    event.detail.target.querySelectorAll("details[id]").forEach(function (fold) { folds[fold.id] = fold.open; });
    if (polls(event.detail.elt)) event.detail.target.querySelectorAll("textarea[id], input[type=text][id]").forEach(
      function (field) { if (field.value !== field.defaultValue) typed[field.id] = field.value; });
  });
  document.addEventListener("htmx:afterSwap", function () {
    Object.keys(folds).forEach(function (id) { var fold = document.getElementById(id); if (fold) fold.open = folds[id]; });
    Object.keys(typed).forEach(function (id) { var field = document.getElementById(id); if (field) field.value = typed[id]; });
  });

  document.addEventListener("click", function (event) {
    var all = event.target.closest("[data-unfold]");
    if (all) document.querySelectorAll("details." + all.dataset.unfold).forEach(function (fold) { fold.open = true; });
    var link = event.target.closest('a[href^="#"]');
    var fold = link && link.hash.length > 1 && document.getElementById(link.hash.slice(1));
    if (fold && fold.matches("details")) fold.open = true;
  });

  /* times --------------------------------------------------------------------------- */
  function span(seconds) {
    var minutes = Math.floor(seconds / 60);
    if (seconds < 60) return Math.max(0, Math.floor(seconds)) + " s";
    if (minutes < 60) return minutes + " min";
    var hours = Math.floor(minutes / 60);
    if (hours < 24) return hours + " h" + (minutes % 60 ? " " + minutes % 60 + " min" : "");
    return Math.floor(hours / 24) + " d" + (hours % 24 ? " " + hours % 24 + " h" : "");
  }
  function times() {
    document.querySelectorAll("time[data-ago], time[data-since]").forEach(function (time) {
      var age = (Date.now() - Date.parse(time.dateTime)) / 1000;
      if (time.hasAttribute("data-since")) { time.textContent = span(age); return; }
      if (age < 0 || age > 6 * 3600) return;
      time.textContent = age < 60 ? "just now" : age < 3600 ? Math.floor(age / 60) + " min ago" : Math.floor(age / 3600) + " h ago";
    });
  }
  setInterval(times, 20000);
})();
