/** The element with this id; the page was written with it. */
export function byId(id: string): HTMLElement {
  return typedById(id, HTMLElement);
}

/** The element with this id, of this kind: `typedById('lanes', HTMLCanvasElement)`. */
export function typedById<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the report has no ${kind.name} #${id}`);
  return found;
}

/** A new element with text in it; text is never taken for markup. */
export function element(tag: string, className: string, ...content: (string | Node)[]): HTMLElement {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...content);
  return made;
}
