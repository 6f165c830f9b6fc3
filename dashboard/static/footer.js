"use strict";
// Which machines have not reported for long, seen from the day on which the page is read.

(() => {
  const stale = (seconds) => Date.now() / 1000 - seconds > 60 * 86400;
  const late = Object.entries(Site.data.machines).filter(([, seconds]) => stale(seconds));
  Site.fill("footer", ...late.map(([machine, seconds]) =>
    Site.make("p", { class: "warning" }, `${machine} has not reported since ${Site.day(seconds)}: what is shown of it is old.`)));
  for (const mark of document.querySelectorAll("[data-reported]")) mark.hidden = !stale(Number(mark.dataset.reported));
})();
