// The little that HTML and htmx leave open. Every page works without it.
"use strict";

// --- items -------------------------------------------------------------------------------------

// A draft's unsaved text is kept in this browser, and offered again; signing out forgets it.
const KEPT = "smr-draft/";

function keepDraft(area) {
  const key = KEPT + area.dataset.keep;
  const mine = key.slice(0, key.lastIndexOf("/") + 1);
  const older = Object.keys(localStorage).filter((name) => name.startsWith(mine));
  for (const name of older) {
    const text = localStorage.getItem(name);
    if (text === area.value) localStorage.removeItem(name);
    else offerDraft(area, name, text);
  }
  area.addEventListener("input", () => localStorage.setItem(key, area.value));
}

function offerDraft(area, name, text) {
  const box = document.createElement("div");
  box.className = "kept";
  box.setAttribute("role", "status");
  box.append(`You left text here that was not saved (version ${name.slice(name.lastIndexOf("/") + 1)}). `);
  const buttons = [["Put it back", () => { area.value = text; }], ["Forget it", () => localStorage.removeItem(name)]];
  for (const [words, act] of buttons) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words;
    button.addEventListener("click", () => { act(); box.remove(); area.focus(); });
    box.append(button);
  }
  area.before(box);
}

// Of a tree of questions only those on the path of the answers are shown.
function followPath(form) {
  const questions = [...form.querySelectorAll("fieldset.question")];
  const show = () => {
    const open = new Set();
    let here = questions[0];
    while (here && !open.has(here)) {
      open.add(here);
      const answer = here.querySelector("input:checked");
      here = answer && document.getElementById("q-" + here.dataset[answer.value]);
    }
    for (const each of questions) each.hidden = !open.has(each);
    for (const each of form.querySelectorAll(".condition")) each.hidden = true;
  };
  form.addEventListener("change", show);
  show();
}

function copyText(button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}

document.querySelectorAll("textarea[data-keep]").forEach(keepDraft);
document.querySelectorAll("form[data-questions]").forEach(followPath);
document.querySelectorAll("[data-copy]").forEach(copyText);
document.querySelectorAll('form[action$="/sign-out"]').forEach((form) => form.addEventListener("submit", () => {
  for (const name of Object.keys(localStorage)) if (name.startsWith(KEPT)) localStorage.removeItem(name);
}));

// --- a part of a page that was read again ------------------------------------------------------

// What somebody has opened or folded stays so when the part around it is read again.
const folded = new WeakSet();
document.addEventListener("click", (event) => {
  const fold = event.target.closest("summary")?.parentElement;
  if (fold) folded.add(fold);
});
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => name !== "open" || !folded.has(node);
