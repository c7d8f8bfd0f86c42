/* Tickets: drafts kept in this browser, Markdown preview, the queue's preview pane, replies that do not cross. */
(function () {
  "use strict";

  /* drafts: what is typed survives a closed tab, a lost session, a refused form */
  function store(key, value) {
    try { if (value) localStorage.setItem(key, value); else localStorage.removeItem(key); } catch (error) { /* private window */ }
  }
  function stored(key) {
    try { return localStorage.getItem(key); } catch (error) { return null; }
  }
  var KEPT = ["title", "entity", "environment", "category", "body", "impact", "urgency", "private"];
  function kept(form) {
    var values = {};
    KEPT.forEach(function (name) {
      var field = form.elements[name];
      if (!field) return;
      values[name] = field.type === "checkbox" ? field.checked : field.value;
    });
    return values;
  }
  function draftKey(form) { return "sw-draft-" + form.dataset.draft; }
  function say(form, text) {
    var mark = form.querySelector("[data-draft-state]");
    if (mark) mark.textContent = text;
  }
  function restore(form) {
    var raw = stored(draftKey(form));
    if (!raw) return;
    var values = JSON.parse(raw);
    var touched = false;
    KEPT.forEach(function (name) {
      var field = form.elements[name];
      if (!field || !values[name]) return;
      if (name === "title" || name === "body" || name === "entity") {
        if (field.value) return; /* the server's words win: it sent back what was refused */
        field.value = values[name];
        touched = true;
      } else if (form.dataset.draft === "ask" && touched) {
        if (field.type === "checkbox") field.checked = values[name]; else field.value = values[name];
      }
    });
    if (touched) say(form, "Your draft is back.");
  }
  var waiting = 0;
  document.addEventListener("input", function (event) {
    var form = event.target.form;
    if (!form || !form.dataset.draft) return;
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      var values = kept(form);
      store(draftKey(form), values.body || values.title ? JSON.stringify(values) : "");
      say(form, "Draft kept in this browser.");
    }, 400);
  });
  /* a draft is dropped once its message stands on the page that comes back, not when the button is pressed */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.dataset.draft) return;
    clearTimeout(waiting);
    store(draftKey(form), JSON.stringify(kept(form)));
    try { sessionStorage.setItem("sw-sent", draftKey(form)); } catch (error) { /* private window */ }
  });
  function dropSent() {
    var key = null;
    try { key = sessionStorage.getItem("sw-sent"); sessionStorage.removeItem("sw-sent"); } catch (error) { /* private window */ }
    if (key && !document.querySelector("[data-focus]") && document.querySelector("#thread, .page")) store(key, "");
  }

  /* Markdown, drawn by the server */
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-preview-md]");
    if (!button) return;
    var box = button.closest(".compose");
    var text = box.querySelector("textarea");
    var target = box.querySelector("[data-md-target]");
    var show = target.hidden;
    button.setAttribute("aria-pressed", String(show));
    text.hidden = show;
    target.hidden = !show;
    if (!show) { text.focus(); return; }
    htmx.ajax("POST", button.dataset.previewMd, { target: target, swap: "innerHTML", values: { body: text.value } });
  });

  /* presence: others see who looks and who writes; undo: what is sent waits some seconds on the server */
  var wrote = 0;
  function tell(writes) {
    var form = document.getElementById("presence");
    if (!form) return;
    form.querySelector("[data-writes]").value = writes ? "1" : "";
    htmx.trigger(form, "writing");
  }
  document.addEventListener("input", function (event) {
    if (event.target.id !== "reply") return;
    var now = Date.now();
    if (now - wrote > 5000) { wrote = now; tell(event.target.value.trim() !== ""); }
  });
  function readyToUndo() {
    document.querySelectorAll("[data-soon]").forEach(function (field) { field.value = "1"; });
  }

  /* canned answers go to where the cursor is */
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-insert]");
    if (!link) return;
    event.preventDefault();
    var text = link.closest("form").querySelector("textarea");
    fetch(link.dataset.insert, { headers: { "X-Requested-With": "fetch" } }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.text();
    }).then(function (words) {
      link.closest("details").open = false;
      text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.focus();
    }).catch(function () { location.assign(link.href); });
  });
  document.addEventListener("keydown", function (event) {
    var menu = event.key === "Escape" && event.target.closest("details.menu-x[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  /* files: chosen, pasted or dropped, they go with the form; their names are text */
  function attached(form) { return form && form.querySelector("[data-attach] input[type=file]"); }
  function named(input) {
    var names = Array.from(input.files).map(function (file) { return file.name; });
    var box = input.closest("[data-attach]");
    box.querySelector("[data-attached]").textContent = names.join(", ");
    box.querySelector("[data-attach-none]").hidden = !names.length;
  }
  function take(input, files) {
    var all = new DataTransfer();
    Array.from(input.files).concat(Array.from(files)).forEach(function (file) { all.items.add(file); });
    input.files = all.files;
    named(input);
  }
  document.addEventListener("change", function (event) { if (event.target.matches("[data-attach] input[type=file]")) named(event.target); });
  document.addEventListener("click", function (event) {
    var none = event.target.closest("[data-attach-none]");
    if (!none) return;
    var input = attached(none.form);
    input.value = "";
    named(input);
    input.focus();
  });
  document.addEventListener("paste", function (event) {
    var input = attached(event.target.form);
    if (!input || !event.clipboardData.files.length) return;
    event.preventDefault();
    take(input, event.clipboardData.files);
  });
  ["dragover", "drop"].forEach(function (kind) {
    document.addEventListener(kind, function (event) {
      var input = attached(event.target.closest && event.target.closest("form"));
      if (!input || !Array.from(event.dataTransfer.types).includes("Files")) return;
      event.preventDefault();
      if (kind === "drop") take(input, event.dataTransfer.files);
    });
  });

  /* Ctrl + Enter sends */
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    var form = event.target.closest("[data-submit-keys]");
    if (form) { event.preventDefault(); form.requestSubmit(); }
  });

  /* new messages: an empty composer has seen them, a half-written one has not */
  document.addEventListener("htmx:afterSwap", function (event) {
    var thread = document.getElementById("thread");
    if (!thread || event.detail.target.id !== "thread") return;
    var text = document.getElementById("reply");
    if (text && text.value.trim()) return;
    document.querySelectorAll("[data-seen]").forEach(function (field) { field.value = thread.dataset.version; });
  });

  /* queue: a click shows the preview where there is room for it, Enter and the button open */
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-pane]");
    if (!link || event.detail === 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    var pane = document.getElementById("pane");
    if (!pane || !pane.getClientRects().length) return;
    event.preventDefault();
    link.focus();
  });
  document.addEventListener("focusin", function (event) {
    var link = event.target.closest("a[data-pane]");
    if (!link) return;
    document.querySelectorAll("a[data-pane][aria-current]").forEach(function (other) { other.removeAttribute("aria-current"); });
    link.setAttribute("aria-current", "true");
  });

  /* bulk */
  function count(form) {
    var ticked = form.querySelectorAll(".qrow input:checked").length;
    form.querySelector("[data-bulk-count]").textContent = ticked ? ticked + " selected" : "Select";
  }
  document.addEventListener("change", function (event) {
    var form = event.target.closest(".queueform");
    if (!form) return;
    if (event.target.hasAttribute("data-check-all")) {
      form.querySelectorAll(".qrow input[type=checkbox]").forEach(function (box) { box.checked = event.target.checked; });
    }
    count(form);
  });

  document.addEventListener("DOMContentLoaded", function () {
    dropSent();
    readyToUndo();
    document.querySelectorAll("form[data-draft]").forEach(restore);
    var first = document.querySelector("[data-focus]");
    if (first) { first.focus(); return; }
    arrive();
  });
  function arrive() {
    var field = { "#answer": "#reply", "#resolve": "#resolve input[type=radio]" }[location.hash];
    var found = field && document.querySelector(field);
    if (found) found.focus();
  }
  addEventListener("hashchange", arrive);
  /* scrolling to what the address names, the browser takes the focus away again until the page is loaded */
  addEventListener("load", function () { if (document.activeElement === document.body) arrive(); });
  document.addEventListener("change", function (event) {
    if (event.target.name === "vis") event.target.closest(".compose").querySelector("textarea").focus();
  });
})();
