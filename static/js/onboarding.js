/* The form that evaluates as one types. The server draws every field again; here the ones a person is in,
   or has typed in since the question was sent, are left alone, and mistakes wait until the field is left. */
(function () {
  "use strict";
  var form = document.getElementById("f");
  var seen = document.getElementById("seen");
  var sent = 0;
  var waiting = {};
  var pressed = {};
  var swapping = false;
  var leaving = false;

  function field(element) { return element.closest && element.closest("[data-field]"); }
  function visited() { return new Set(seen.value.split(",").filter(Boolean)); }

  form.addEventListener("input", function (event) {
    var box = field(event.target);
    if (box) box.dataset.edited = String(performance.now());
  });
  form.addEventListener("focusout", function (event) {
    var box = field(event.target);
    if (!box || swapping || box.contains(event.relatedTarget)) return;
    var names = visited();
    var fresh = !names.has(box.dataset.field);
    names.add(box.dataset.field);
    seen.value = Array.from(names).join(",");
    if (waiting[box.dataset.field]) {
      say(box, waiting[box.dataset.field]);
      delete waiting[box.dataset.field];
    } else if (fresh) htmx.trigger(form, "change");
  });
  /* an entity chosen from the list becomes a token: the field may be drawn anew around the focus */
  form.addEventListener("input", function (event) {
    var input = event.target;
    if (!input.matches("[data-picker]")) return;
    var whole = Array.from(input.list.options).some(function (option) { return option.value === input.value; });
    if (whole) field(input).dataset.chosen = String(performance.now()); else event.stopPropagation();
  });
  /* A fix, a row more or less, another file: the button may be drawn anew while its question waits its turn,
     so the form asks for it. htmx would add whichever button has the focus; only pressed ones count. */
  var BUTTONS = ["_fix", "_add", "_remove", "_drop", "_add_part", "_drop_part"];
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-live]");
    if (!button) return;
    event.preventDefault();
    pressed[button.name] = button.value;
    htmx.trigger(form, "sw:evaluate");
  });
  form.addEventListener("htmx:configRequest", function (event) {
    var sending = event.detail.formData;
    BUTTONS.forEach(function (name) { sending.delete(name); });
    Object.keys(pressed).forEach(function (name) { sending.set(name, pressed[name]); });
    pressed = {};
  });
  /* once it is sent for good, questions still open about it have lost their sense */
  form.addEventListener("submit", function () { leaving = true; });
  ["htmx:beforeRequest", "htmx:beforeOnLoad"].forEach(function (name) {
    form.addEventListener(name, function (event) { if (leaving) event.preventDefault(); });
  });
  window.addEventListener("pageshow", function () { leaving = false; });
  document.addEventListener("htmx:beforeSwap", function () { swapping = true; });
  document.addEventListener("htmx:afterSettle", function () { swapping = false; });
  document.addEventListener("htmx:beforeRequest", function () { sent = performance.now(); });

  function say(box, fresh) {
    var said = box.querySelector(":scope > .said");
    var next = fresh.querySelector(":scope > .said");
    if (said && next && said.innerHTML !== next.innerHTML) { said.replaceWith(next); htmx.process(next); }
    box.querySelectorAll("[aria-invalid]").forEach(function (input) { input.removeAttribute("aria-invalid"); });
    if (fresh.querySelector("[aria-invalid]")) {
      var input = box.querySelector("input:not([type=hidden]), select, textarea");
      if (input) input.setAttribute("aria-invalid", "true");
    }
  }

  document.addEventListener("htmx:oobBeforeSwap", function (event) {
    var box = event.detail.target;
    if (!box.matches("[data-field]")) return;
    var fresh = event.detail.fragment.querySelector("[data-field]");
    var inside = box.contains(document.activeElement) && document.activeElement.tagName !== "BUTTON";
    var chosen = Number(box.dataset.chosen || Infinity);
    if (chosen <= sent) return;
    if (!inside && !(Number(box.dataset.edited || 0) > sent)) return;
    event.detail.shouldSwap = false;
    box.hidden = fresh.hidden;
    var remembered = box.querySelector('input[name^="was."]');
    var nowFilled = fresh.querySelector('input[name^="was."]');
    if (remembered && nowFilled) remembered.value = nowFilled.value;
    var hasMistake = fresh.querySelector(":scope > .said .err");
    var hadMistake = box.querySelector(":scope > .said .err");
    if (inside && hasMistake && !hadMistake) waiting[box.dataset.field] = fresh.cloneNode(true);
    else { delete waiting[box.dataset.field]; say(box, fresh.cloneNode(true)); }
  });

  /* the viewer stays where it was; another file, or a new blocked line, comes into sight */
  var shownFile = "";
  var shownHit = "";
  var scrolled = 0;
  function viewer() { return document.querySelector("#panel .code"); }
  function showHit() {
    var code = viewer();
    if (!code) return;
    var hit = code.querySelector(".hit");
    var file = code.getAttribute("aria-label");
    var line = hit ? hit.dataset.n : "";
    if (file === shownFile && line === shownHit) code.scrollTop = scrolled;
    else if (hit) code.scrollTop = hit.offsetTop - code.offsetTop - code.clientHeight / 2;
    shownFile = file;
    shownHit = line;
  }
  document.addEventListener("htmx:beforeSwap", function () { scrolled = viewer() ? viewer().scrollTop : 0; });
  document.addEventListener("htmx:afterSettle", showHit);
  showHit();

  /* after Submit was refused: to the first mistake */
  var mistake = document.querySelector(".said .err");
  if (mistake && form.dataset.refused !== undefined) {
    var input = mistake.closest("[data-field]").querySelector("input:not([type=hidden]), select, textarea");
    if (input) input.focus();
  }
})();
