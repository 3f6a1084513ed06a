// JSON as text that shows what came: JavaScript cannot hold every number of a server.

/** A number that a double does not hold, kept as its text. */
class Exact {
  constructor(source) {
    this.source = source;
  }
}

/** Parses JSON and keeps the text of the numbers that JavaScript would change. @param {string} text */
export function parse(text) {
  return JSON.parse(text, (_, value, context) => {
    const changed = typeof value === "number" && context?.source !== undefined && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    return changed ? new Exact(context.source) : value;
  });
}

/** Formats a value that {@link parse} returned. */
export function format(value) {
  const exact = [];
  const text = JSON.stringify(value, (_, v) => {
    if (!(v instanceof Exact)) return v;
    exact.push(v.source);
    return `\u0000${exact.length - 1}\u0000`;
  }, 2);
  return text.replace(/"\\u0000(\d+)\\u0000"/g, (_, i) => exact[i]);
}
