// Marks the texts whose contrast is to be judged: of those that look alike, the first and the last.
// Alike are texts whose own style, and that of all they lie in, is the same in everything contrast depends on.
// Elements without text of their own are left out, as axe leaves them out.
(mark) => {
  const LOOK = [
    'color', 'backgroundColor', 'backgroundImage', 'backgroundClip', 'opacity', 'visibility', 'display', 'position', 'zIndex',
    'filter', 'mixBlendMode', 'clipPath', 'overflow', 'fontSize', 'fontWeight', 'textShadow', 'textIndent', 'webkitTextFillColor',
  ];
  const numbers = new Map(), looks = new Map(), alike = new Map();
  const number = (key) => numbers.get(key) ?? numbers.set(key, numbers.size).get(key);

  const style = (element, pseudo) => {
    const computed = getComputedStyle(element, pseudo);
    return pseudo && computed.content === 'none' ? '' : LOOK.map((name) => computed[name]).join(';');
  };
  const look = (element) => {
    if (!element) return -1;
    if (!looks.has(element)) {
      const disabled = [element, element.control ?? element].some((one) => one.matches(':disabled, [aria-disabled=true]'));
      const own = [element.tagName, disabled, style(element), style(element, '::before'), style(element, '::after')];
      looks.set(element, number([look(element.parentElement), ...own].join('|')));
    }
    return looks.get(element);
  };
  const covered = (element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    return top !== null && !element.contains(top) && !top.contains(element);
  };
  const text = (element) =>
    [...element.childNodes].map((node) => (node.nodeType === Node.TEXT_NODE ? node.data : '')).join('').trim();

  for (const element of document.querySelectorAll(`[${mark}]`)) element.removeAttribute(mark);
  for (const element of document.body.querySelectorAll('*')) {
    const said = text(element);
    if (!said && !element.matches('input, select, textarea, button')) continue;
    const key = [look(element), covered(element), said.length === 1, /[^\x20-\x7e]/.test(said)].join('|');
    const group = alike.get(key) ?? alike.set(key, []).get(key);
    group[Math.min(group.length, 1)] = element;
  }
  for (const element of [...alike.values()].flat()) element.setAttribute(mark, '');
}
