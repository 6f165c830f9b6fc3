"use strict";
// All machines are on the page before a script runs: this leads to the one that the address asks for, or says
// that it is not there.

(() => {
  const heads = [...document.querySelectorAll("h2[id]")];

  function show() {
    // Of a place, "vm/here", it is the machine that has a description.
    const asked = (Site.state().machine || "").split("/")[0];
    const head = heads.find((one) => one.id === asked);
    if (asked && !head) Site.say("machine", asked);
    // The first one is in view, below the words that all have in common.
    if (head && head !== heads[0]) head.scrollIntoView();
    Site.carry(Site.state());
    Site.tell();
  }

  window.addEventListener("hashchange", show);
  show();
  document.body.dataset.ready = "yes";
})();
