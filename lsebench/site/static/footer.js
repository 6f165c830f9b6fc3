"use strict";
// Which machines have not reported for long, seen from the day on which the page is read, and which are
// not tuned.

(() => {
  const stale = (seconds) => Date.now() / 1000 - seconds > 60 * 86400;
  const known = Object.entries(Site.data.machines);
  const warn = (machine, ...text) => Site.make("p", { class: "warning" }, `${machine} `, ...text);
  const about = (machine) => Site.make("a", { href: `machines.html#${encodeURIComponent(machine)}` }, "what to do");
  const late = known.filter(([, { reported }]) => stale(reported)).map(([machine, { reported }]) =>
    warn(machine, `has not reported since ${Site.day(reported)}: what is shown of it is old.`));
  const untuned = known.filter(([, { bad }]) => !bad || bad.length).map(([machine, { bad }]) =>
    bad ? warn(machine, `is measured on while it is not tuned: ${bad.join(", ")} (`, about(machine), ").")
      : warn(machine, "was never checked: make machine tells whether it is tuned."));
  Site.fill("footer", ...late, ...untuned);
  Site.carry({ ...Site.state(), ...Site.carried }); // a page without a script has no other say
  for (const mark of document.querySelectorAll("[data-reported]")) mark.hidden = !stale(Number(mark.dataset.reported));
})();
