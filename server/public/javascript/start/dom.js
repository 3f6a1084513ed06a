// The few helpers that the parts of the page share. What a server or a client sent goes into the page as text only.

/** The element of an id. @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/** Makes an element with properties and children; text children stay text. */
export function el(tag, properties = {}, ...children) {
  const { data = {}, ...others } = properties;
  const element = Object.assign(document.createElement(tag), others);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/** Shows a text, and has it read out, only if it is news. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Marks a form's button while something that it started is under way; a second click then does nothing. */
export function whileBusy(button, work) {
  return async (event) => {
    event.preventDefault();
    if (button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    try {
      await work(event);
    } finally {
      button.ariaBusy = "false";
    }
  };
}
