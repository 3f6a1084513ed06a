// JSON Schema as text for people, and as an example.

const maxDepth = 6; // of types within types: some contain themselves

/** Returns what a reference leads to. @returns {object} */
export function resolve(doc, value) {
  for (let i = 0; value?.$ref && i < maxDepth; i++) value = value.$ref.slice(2).split("/").reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], doc);
  return value ?? {};
}

/** Describes a type: on one line for a simple one, and with a line for each member of an object. */
export function lines(doc, schema, indent, depth = 0) {
  const s = resolve(doc, schema);
  const pad = " ".repeat(indent);
  if (depth > maxDepth) return "…";
  if (s.allOf) return s.allOf.map((part) => lines(doc, part, indent, depth + 1)).join("\n");
  if (s.anyOf) return s.anyOf.map((part) => lines(doc, part, indent, depth + 1)).join(" or ");
  if (s.type === "array") return `list of ${lines(doc, s.items, indent, depth + 1)}${rules(s)}`;
  if (!s.properties) return `${s.type ?? (s.const !== undefined ? JSON.stringify(s.const) : "any")}${s.format ? ` ${s.format}` : ""}${rules(s)}`;
  return Object.entries(s.properties).map(([name, property]) => {
    const target = resolve(doc, property);
    const inner = target.properties ? `object\n${lines(doc, property, indent + 2, depth + 1)}` : lines(doc, property, indent + 2, depth + 1);
    const doc_ = property.description ?? target.description;
    return `${pad}${name}${s.required?.includes(name) ? " (required)" : ""}: ${inner}${doc_ ? ` — ${doc_}` : ""}`;
  }).join("\n");
}

function rules(s) {
  const found = [];
  for (const key of ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"]) if (s[key] !== undefined) found.push(`${key} ${s[key]}`);
  if (s.enum) found.push(`one of ${s.enum.join(", ")}`);
  if (s.default !== undefined) found.push(`default ${JSON.stringify(s.default)}`);
  return found.length ? `, ${found.join(", ")}` : "";
}

/** Makes an example of a body: the required members, and those with an example or a default. */
export function example(doc, schema, depth = 0) {
  const s = resolve(doc, schema);
  if (s.examples?.length) return s.examples[0];
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  if (s.anyOf) return example(doc, s.anyOf[0], depth + 1);
  if (depth > maxDepth) return null;
  switch (s.type) {
    case "object":
      return Object.fromEntries(Object.entries(s.properties ?? {})
        .filter(([name, p]) => s.required?.includes(name) || p.default !== undefined || p.examples)
        .map(([name, p]) => [name, example(doc, p, depth + 1)]));
    case "array": return Array.from({ length: s.minItems ?? 0 }, () => example(doc, s.items, depth + 1));
    case "integer":
    case "number": return Math.max(s.minimum ?? 0, 0);
    case "boolean": return false;
    case "string": return s.format === "date-time" ? new Date(0).toISOString() : "".padEnd(s.minLength ?? 0, "x");
    default: return null;
  }
}
