// Marks the texts whose contrast is to be judged, and answers with their looks: of those that look alike, the first
// and the last, and none when texts of that look were judged before, on whatever page (`judged`).
// Alike are texts whose own style, that of all they lie in and that of all that lies over or under them, is the same in
// everything contrast depends on. Elements without text of their own are left out, as axe leaves them out.
({ mark, judged }) => {
  const LOOK = [
    'color', 'backgroundColor', 'backgroundImage', 'backgroundClip', 'opacity', 'visibility', 'display', 'position', 'zIndex',
    'filter', 'mixBlendMode', 'clipPath', 'overflow', 'fontSize', 'fontWeight', 'textShadow', 'textIndent', 'webkitTextFillColor',
  ];
  const looks = new Map(), alike = new Map(), known = new Set(judged);
  // The same text has the same name on every page (cyrb53).
  const named = (text) => {
    let one = 0xdeadbeef, two = 0x41c6ce57;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      one = Math.imul(one ^ code, 2654435761);
      two = Math.imul(two ^ code, 1597334677);
    }
    one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
    two = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909);
    return (4294967296 * (2097151 & two) + (one >>> 0)).toString(36);
  };

  const style = (element, pseudo) => {
    const computed = getComputedStyle(element, pseudo);
    return pseudo && computed.content === 'none' ? '' : LOOK.map((name) => computed[name]).join(';');
  };
  const look = (element) => {
    if (!element) return -1;
    if (!looks.has(element)) {
      const disabled = [element, element.control ?? element].some((one) => one.matches(':disabled, [aria-disabled=true]'));
      const own = [element.tagName, disabled, style(element), style(element, '::before'), style(element, '::after')];
      looks.set(element, named([look(element.parentElement), ...own].join('|')));
    }
    return looks.get(element);
  };
  const layers = (element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return document.elementsFromPoint(x + width / 2, y + height / 2).map(look);
  };
  const text = (element) =>
    [...element.childNodes].map((node) => (node.nodeType === Node.TEXT_NODE ? node.data : '')).join('').trim();

  for (const element of document.querySelectorAll(`[${mark}]`)) element.removeAttribute(mark);
  for (const element of document.body.querySelectorAll('*')) {
    const said = text(element);
    if (!said && !element.matches('input, select, textarea, button')) continue;
    const key = named([look(element), ...layers(element), said.length === 1, /[^\x20-\x7e]/.test(said)].join('|'));
    if (known.has(key)) continue;
    const group = alike.get(key) ?? alike.set(key, []).get(key);
    group[Math.min(group.length, 1)] = element;
  }
  for (const element of [...alike.values()].flat()) element.setAttribute(mark, '');
  return [...alike.keys()];
}
