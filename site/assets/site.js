// The menu of small screens, the choice of light or dark, the buttons that copy code, and the search.
const root = document.documentElement;
const up = document.body.dataset.up;
root.classList.add("scripted");

const menu = document.getElementById("menu");
const nav = document.getElementById("nav");
menu.addEventListener("click", () => menu.setAttribute("aria-expanded", String(nav.classList.toggle("shown"))));

const current = nav.querySelector("[aria-current]");
if (current && current.offsetTop > nav.clientHeight) nav.scrollTop = current.offsetTop - nav.clientHeight / 2;

const theme = document.getElementById("theme");
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
theme.hidden = false;
theme.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* the choice lasts for this page */ }
  nameTheme();
});
systemDark.addEventListener("change", nameTheme);
nameTheme();

for (const figure of document.querySelectorAll("figure.code:not([data-kind=console])")) {
  const button = document.createElement("button");
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(figure.querySelector("pre").textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  if (navigator.clipboard) figure.append(button);
}

const search = document.getElementById("search");
const found = document.getElementById("found");
search.hidden = false;
let loading;
// load fetches the index once. It is a script, because a page from a disk may not fetch files.
const load = () => loading ??= new Promise((resolve, reject) => {
  const script = document.createElement("script");
  script.src = up + "search-index.js";
  script.onload = () => resolve(window.searchIndex.map((e) => ({ ...e, title: (e.h ?? e.t).toLowerCase(), page: e.t.toLowerCase(), text: e.x.toLowerCase() })));
  script.onerror = () => { loading = undefined; reject(new Error("the index cannot be loaded")); };
  document.head.append(script);
});

// score rates a section for the words of a query: each word must be there.
const score = (entry, words) => {
  let sum = 0;
  for (const word of words) {
    const rate = (entry.title === word ? 12 : entry.title.includes(word) ? 6 : 0) + (entry.page.includes(word) ? 3 : 0) + (entry.text.includes(word) ? 1 : 0);
    if (rate === 0) return 0;
    sum += rate;
  }
  return sum / (entry.p.startsWith("decisions/") || entry.p.startsWith("changelog") ? 3 : 1);
};

// excerpt returns the text around the first word, in which the words are marked.
const excerpt = (text, words) => {
  const small = document.createElement("small");
  const at = Math.max(0, Math.min(...words.map((w) => text.toLowerCase().indexOf(w)).filter((i) => i >= 0).concat(text.length)) - 50);
  const piece = (at > 0 && at < text.length ? "…" : "") + text.slice(at < text.length ? at : 0).slice(0, 170);
  const pattern = new RegExp("(" + words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") + ")", "gi");
  piece.split(pattern).forEach((part, i) => {
    const node = document.createElement(i % 2 ? "mark" : "span");
    node.textContent = part;
    small.append(node);
  });
  return small;
};

const show = (entries, words) => {
  const best = entries.map((e) => [score(e, words), e]).filter(([s]) => s > 0).sort((a, b) => b[0] - a[0]).slice(0, 12);
  found.replaceChildren(...best.map(([, e]) => {
    const a = document.createElement("a");
    const title = document.createElement("b");
    a.href = up + e.p;
    title.textContent = e.h ? `${e.h} — ${e.t}` : e.t;
    a.append(title, excerpt(e.x, words));
    a.addEventListener("click", () => { found.hidden = true; });
    return a;
  }));
  if (best.length === 0) say("Nothing has all of these words.");
};

const say = (text) => {
  const p = document.createElement("p");
  p.textContent = text;
  found.replaceChildren(p);
};

const update = async () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.hidden = words.length === 0;
  if (found.hidden) return;
  try {
    const entries = await load();
    if (search.value.toLowerCase().split(/\s+/).filter(Boolean).join(" ") === words.join(" ")) show(entries, words);
  } catch (error) {
    say(error.message);
  }
};
search.addEventListener("input", update);
search.addEventListener("focus", update);
document.addEventListener("click", (event) => { if (!event.target.closest(".search")) found.hidden = true; });
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea");
  if (event.key === "/" && !typing) { event.preventDefault(); search.focus(); }
  if (event.key === "Escape" && !found.hidden) { found.hidden = true; search.focus(); found.hidden = true; }
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !found.hidden && event.target.closest(".search")) {
    const stops = [search, ...found.querySelectorAll("a")];
    const next = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    stops[Math.max(0, Math.min(stops.length - 1, next))].focus();
  }
  if (event.key === "Enter" && event.target === search && !found.hidden) found.querySelector("a")?.click();
});
