/* What was fetched beside the page before stands here again at once, until the fresh answer comes. */
(function () {
  "use strict";
  var place = document.currentScript.previousElementSibling;
  var key = place.dataset.keep;
  try {
    var kept = sessionStorage.getItem(key);
    if (kept) place.innerHTML = kept;
  } catch (refused) { return; /* private window: it comes a moment later */ }
  place.addEventListener("htmx:afterSwap", function () {
    sessionStorage.setItem(key, place.innerHTML);
  });
})();
