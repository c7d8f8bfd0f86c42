/* One box that ticks all the others of its form. */
document.addEventListener("change", function (event) {
  "use strict";
  var form = event.target.closest("form[data-checks]");
  if (!form || !event.target.hasAttribute("data-check-all")) return;
  form.querySelectorAll("table input[type=checkbox]:not([disabled])").forEach(function (box) { box.checked = event.target.checked; });
});
