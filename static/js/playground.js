/* A mistake leads to its line in the file it is in. Tab writes two blanks where one writes YAML; Escape and then
   Tab goes on to the next field, as ever. */
(function () {
  "use strict";
  function open(text, line) {
    text.closest("details").open = true;
    var lines = text.value.split("\n");
    var start = lines.slice(0, Math.max(0, line - 1)).join("\n").length + (line > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + (line ? lines[line - 1] || "" : "").length);
    var height = text.scrollHeight / Math.max(1, lines.length);
    text.scrollTop = Math.max(0, (line - 6) * height);
  }
  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-source]");
    var text = link && document.getElementById(link.dataset.source);
    if (!text) return;
    event.preventDefault();
    open(text, Number(link.dataset.line));
  });
  var escaped = false;
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { escaped = true; return; }
    if (event.key !== "Tab" || event.shiftKey || escaped || !event.target.matches(".play-src textarea")) {
      escaped = false;
      return;
    }
    event.preventDefault();
    event.target.setRangeText("  ", event.target.selectionStart, event.target.selectionEnd, "end");
    event.target.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
