// Loads this page again when the app that has sent it, or a file of the page, has changed. "actionhero dev" appends it to
// the pages that an app sends while it is developed.
(() => {
  const address = new URL(document.currentScript.src);
  const [id, version] = address.search.slice(1).split("&"); // only the page of a failure has a version
  const events = new URL("events", address);
  const memory = "actionhero.dev";
  let source = null;
  let retry = 0;
  let box = null;

  const close = () => {
    clearTimeout(retry);
    source?.close();
    source = null;
  };
  // A hidden page gives its connection back: a browser has only six of them for all pages of a server.
  const follow = () => {
    close();
    if (document.visibilityState === "hidden") return;
    source = new EventSource(events);
    source.onmessage = (event) => take(JSON.parse(event.data));
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(follow, 500);
    };
  };
  const take = (state) => {
    const now = version ? state.version : state.id;
    if (now === (version ?? id)) {
      if (!version) show(state.failure);
    } else if (recall() !== now) { // a page from a cache would be loaded again and again
      remember(now);
      close();
      location.reload();
    }
  };
  const recall = () => {
    try { return sessionStorage.getItem(memory); } catch { return null; }
  };
  const remember = (now) => {
    try { sessionStorage.setItem(memory, now); } catch { /* a page without storage */ }
  };

  // The properties are set by script, because a content security policy may forbid styles in the markup.
  const show = (failure) => {
    box?.remove();
    box = null;
    if (!failure) return;
    box = document.createElement("pre");
    box.setAttribute("role", "alert");
    box.textContent = failure;
    Object.assign(box.style, {
      position: "fixed", inset: "auto 0 0 0", maxHeight: "60vh", overflow: "auto", margin: "0", padding: "1rem 3rem 1rem 1rem", zIndex: "2147483647",
      background: "#1d1f21", color: "#eee", borderTop: "4px solid #c33", font: "14px/1.5 ui-monospace, monospace", whiteSpace: "pre-wrap", textAlign: "left",
    });
    const button = document.createElement("button");
    button.textContent = "×";
    button.setAttribute("aria-label", "Hide");
    Object.assign(button.style, { position: "absolute", top: ".5rem", right: ".5rem", font: "inherit" });
    button.onclick = () => box?.remove();
    box.append(button);
    document.body.append(box);
  };

  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && follow());
  follow();
})();
