"use strict";
// The findings: all is there before a script runs; the buttons put on the clipboard what is to be shared.

(() => {
  for (const button of document.querySelectorAll("[data-link]"))
    button.addEventListener("click", () => Site.copy(new URL(button.dataset.link, document.baseURI).href, button));
  for (const button of document.querySelectorAll("[data-table]"))
    button.addEventListener("click", () => Site.copy(Site.data.findings.tables[button.dataset.table], button));
  document.body.dataset.ready = "yes";
})();
