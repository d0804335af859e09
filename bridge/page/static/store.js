// Hold what the daemon told, and call whoever draws a part of it when that part changes.

const sections = new Map();
const watchers = new Map();

/** Return a section as the daemon last told it, undefined before. */
export const get = (name) => sections.get(name);

/** Call `draw(value, name)` whenever a section changes; a name that ends with ":" stands for all that begin with it. */
export function watch(name, draw) {
  if (!watchers.has(name)) watchers.set(name, []);
  watchers.get(name).push(draw);
}

/** Take over sections; `isWhole` forgets those from before, which another run of the daemon told. */
export function apply(changed, isWhole) {
  if (isWhole) {
    for (const name of sections.keys()) if (!(name in changed)) sections.delete(name);
    for (const draw of watchers.get("reset") ?? []) draw();
  }
  for (const [name, value] of Object.entries(changed)) sections.set(name, value);
  for (const [name, value] of Object.entries(changed)) {
    const group = name.includes(":") ? name.slice(0, name.indexOf(":") + 1) : name;
    for (const draw of watchers.get(group) ?? []) draw(value, name);
  }
  for (const draw of watchers.get("after") ?? []) draw(changed);
}
