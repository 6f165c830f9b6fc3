"use strict";
// The findings: all is there before a script runs. It shows the machine that is asked for; the buttons put on the
// clipboard what is to be shared.

(() => {
  const select = document.getElementById("machine");
  const places = select ? [...select.options].map((option) => [option.value, option.text]) : [];
  const DEFAULTS = select ? { machine: places[0][0] } : {}; // the usual one is the first
  const state = { ...DEFAULTS, ...Site.state() };

  // Of each finding what was found on one machine: where it is not there on this one, the usual one, and it says so.
  function one(finding) {
    const found = [...finding.querySelectorAll("[data-machine]")], absent = finding.querySelector("[data-absent]");
    const there = found.find((part) => part.dataset.machine === state.machine);
    for (const part of found) part.hidden = part !== (there || found[0]);
    if (!absent) return;
    absent.hidden = Boolean(there) || !found.length;
    absent.textContent = absent.hidden ? "" : `Not measured on ${state.machine}: this is ${found[0].dataset.machine}.`;
  }

  function show() {
    state.machine = Site.choose("machine", places, state.machine);
    for (const finding of document.querySelectorAll("[data-finding]")) one(finding);
    Site.remember(state);
  }

  if (select) {
    Site.listen(["machine"], DEFAULTS, state, show);
    show();
  }
  for (const button of document.querySelectorAll("[data-link]"))
    button.addEventListener("click", () => Site.copy(new URL(button.dataset.link, document.baseURI).href, button));
  for (const button of document.querySelectorAll("[data-table]"))
    button.addEventListener("click", () => Site.copy(Site.data.findings.tables[button.dataset.table][button.dataset.number], button));
  document.body.dataset.ready = "yes";
})();
