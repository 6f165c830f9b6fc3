"use strict";
// The page of claims: all is in the page already, this shows the machine that is asked for.

(() => {
  const all = Site.data.claims;
  if (!all.runs.length) return;
  const DEFAULTS = { machine: all.runs[0].machine };
  const state = { ...DEFAULTS, ...Site.state() };

  function show() {
    const names = all.runs.map((run) => run.machine);
    state.machine = Site.choose("machine", names.map((name) => [name, name]), state.machine);
    for (const section of document.querySelectorAll("[data-machine]")) section.hidden = section.dataset.machine !== state.machine;
    Site.remember(state);
    document.body.dataset.ready = "yes";
  }

  Site.listen(["machine"], DEFAULTS, state, show);
  show();
})();
