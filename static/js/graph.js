/* A graph that one can move: drag, wheel or pinch, buttons, + - 0 and arrows. What is in view stands in the address. */
(function () {
  "use strict";
  var box = document.querySelector("[data-graph]");
  if (!box) return;
  var svg = box.querySelector("svg");
  var whole = svg.viewBox.baseVal;
  var size = { w: whole.width, h: whole.height };
  var view = { x: 0, y: 0, w: size.w, h: size.h };
  var tools = document.querySelector("[data-graph-tools]");
  var fingers = new Map();
  var moved = 0;
  var saving = 0;

  box.classList.add("moves");
  if (tools) tools.hidden = false;

  /* Only as high as what is drawn asks for. */
  var room = box.clientHeight;
  function settle() {
    var scale = Math.min(1.1, box.clientWidth / size.w);
    box.style.height = Math.round(Math.min(room, Math.max(200, size.h * scale + 48))) + "px";
  }
  settle();

  function show() {
    svg.setAttribute("viewBox", [view.x, view.y, view.w, view.h].map(function (n) { return Math.round(n * 10) / 10; }).join(" "));
    clearTimeout(saving);
    saving = setTimeout(keep, 300);
  }
  function keep() {
    var address = new URL(location.href);
    var is_whole = Math.abs(view.w - fitted().w) < 1 && Math.abs(view.x - fitted().x) < 1;
    if (is_whole) address.searchParams.delete("view");
    else address.searchParams.set("view", [view.x, view.y, view.w].map(Math.round).join(","));
    history.replaceState(history.state, "", address);
  }
  function ratio() { return box.clientHeight / Math.max(1, box.clientWidth); }
  function fitted() {
    var w = Math.max(size.w, size.h / ratio(), box.clientWidth * 0.9);
    return { x: (size.w - w) / 2, y: (size.h - w * ratio()) / 2, w: w, h: w * ratio() };
  }
  function fit() { view = fitted(); show(); }
  function zoom(by, at) {
    var w = Math.min(Math.max(view.w * by, 180), Math.max(size.w, size.h) * 4);
    var f = w / view.w;
    at = at || { x: view.x + view.w / 2, y: view.y + view.h / 2 };
    view = { x: at.x - (at.x - view.x) * f, y: at.y - (at.y - view.y) * f, w: w, h: w * ratio() };
    show();
  }
  function pan(dx, dy) { view.x += dx; view.y += dy; show(); }
  function point(event) {
    var place = box.getBoundingClientRect();
    return { x: view.x + (event.clientX - place.left) / place.width * view.w, y: view.y + (event.clientY - place.top) / place.height * view.h };
  }
  function apart() {
    var two = Array.from(fingers.values());
    return Math.hypot(two[0].clientX - two[1].clientX, two[0].clientY - two[1].clientY);
  }

  box.addEventListener("wheel", function (event) {
    if (!event.ctrlKey && !event.metaKey && !box.contains(document.activeElement)) return; /* the page scrolls on */
    event.preventDefault();
    zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004), point(event));
  }, { passive: false });
  box.addEventListener("pointerdown", function (event) {
    if (event.button) return;
    fingers.set(event.pointerId, event);
    moved = 0;
  });
  addEventListener("pointermove", function (event) {
    var before = fingers.get(event.pointerId);
    if (!before) return;
    if (fingers.size === 2) {
      var was = apart();
      fingers.set(event.pointerId, event);
      zoom(was / Math.max(1, apart()), point(event));
      moved = 99;
      return;
    }
    var dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
    moved += Math.abs(dx) + Math.abs(dy);
    fingers.set(event.pointerId, event);
    if (moved > 4) pan(-dx * view.w / box.clientWidth, -dy * view.h / box.clientHeight);
  });
  ["pointerup", "pointercancel"].forEach(function (name) {
    addEventListener(name, function (event) { fingers.delete(event.pointerId); });
  });
  box.addEventListener("click", function (event) { if (moved > 4) { event.preventDefault(); event.stopPropagation(); } moved = 0; }, true);
  box.addEventListener("dragstart", function (event) { event.preventDefault(); });
  box.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    var step = view.w / 8;
    var does = {
      "+": function () { zoom(0.8); }, "=": function () { zoom(0.8); }, "-": function () { zoom(1.25); }, "0": fit,
      ArrowLeft: function () { pan(-step, 0); }, ArrowRight: function () { pan(step, 0); },
      ArrowUp: function () { pan(0, -step); }, ArrowDown: function () { pan(0, step); }
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
  /* What the keyboard reaches is brought into view, and its lines stand out. */
  box.addEventListener("focusin", function (event) {
    var node = event.target.closest(".node");
    light(node);
    if (!node || !node.matches(":focus-visible")) return;
    var frame = node.getBBox();
    if (frame.x < view.x || frame.x + frame.width > view.x + view.w || frame.y < view.y || frame.y + frame.height > view.y + view.h) {
      view.x = frame.x + frame.width / 2 - view.w / 2;
      view.y = frame.y + frame.height / 2 - view.h / 2;
      show();
    }
  });
  box.addEventListener("focusout", function () { light(null); });
  box.addEventListener("pointerover", function (event) { light(event.target.closest(".node")); });
  box.addEventListener("pointerleave", function () { light(null); });
  function light(node) {
    var ref = node && node.dataset.ref;
    svg.querySelectorAll(".edge").forEach(function (edge) {
      edge.classList.toggle("lit", Boolean(ref) && (edge.dataset.from === ref || edge.dataset.to === ref));
    });
  }
  if (tools) tools.addEventListener("click", function (event) {
    var button = event.target.closest("[data-zoom]");
    if (button) ({ "in": function () { zoom(0.8); }, out: function () { zoom(1.25); }, fit: fit })[button.dataset.zoom]();
  });
  addEventListener("resize", function () { settle(); view.h = view.w * ratio(); show(); });

  svg.removeAttribute("width");
  svg.removeAttribute("height");
  var said = (new URL(location.href).searchParams.get("view") || "").split(",").map(Number);
  if (said.length === 3 && said.every(isFinite) && said[2] > 50) view = { x: said[0], y: said[1], w: said[2], h: said[2] * ratio() };
  else view = fitted();
  if (box.clientWidth < 600 && said.length !== 3) { /* a phone begins at the thing itself, readable */
    var me = svg.querySelector(".node.me rect");
    view.w = box.clientWidth; view.h = view.w * ratio();
    view.x = me.x.baseVal.value + 84 - view.w / 2; view.y = me.y.baseVal.value + 22 - view.h / 2;
  }
  show();
})();
