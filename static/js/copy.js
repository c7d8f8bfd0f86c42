/* [data-copies="id"] puts on the clipboard what the link of that id leads to, or the text of what is no link. */
(function () {
  "use strict";
  if (!navigator.clipboard) return;
  document.querySelectorAll("[data-copies]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var link = document.getElementById(button.dataset.copies);
      var text = link.href ? fetch(link.href, { credentials: "same-origin" })
        .then(function (answer) { if (!answer.ok) throw new Error(answer.status); return answer.text(); })
        : Promise.resolve(link.textContent);
      text.then(function (text) { return navigator.clipboard.writeText(text); })
        .then(function () { button.lastChild.textContent = "Copied"; })
        .catch(function () { button.lastChild.textContent = "Not copied"; });
    });
  });
})();
