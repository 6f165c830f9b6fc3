"use strict";
// The list of all tools: its rows are there, this fills in what a run has measured. See rows/tools.py.

(() => {
  const all = Site.data.tools;
  if (!all || !all.runs.length) {
    Site.remember(Site.state());
    document.body.dataset.ready = "yes";
    return;
  }
  const DEFAULTS = { machine: Site.place(all.runs[0]), threads: all.runs[0].threads };
  const state = { ...DEFAULTS, ...Site.state() };

  function settle() {
    state.machine = Site.choose("machine", Site.unique(all.runs.map(Site.place)).map((place) =>
      [place, Site.placeTitle(all.runs.find((run) => Site.place(run) === place))]), state.machine, DEFAULTS.machine);
    const here = all.runs.filter((run) => Site.place(run) === state.machine);
    state.threads = Site.choose("threads", here.map((run) => [run.threads, Site.THREADS[run.threads] || run.threads]), state.threads, here[0].threads);
    return here.find((run) => run.threads === state.threads);
  }

  function about(run) {
    document.getElementById("about").textContent = `Times of one call of logsumexp of ${Site.count(all.size)} numbers (${all.dtype}), or of the most`
      + ` that was measured, on ${run.machine}, ${Site.THREADS[run.threads] || run.threads}. The data is in NumPy arrays, as it is on the front page at first:`
      + " a tool with arrays of its own takes them from there and gives its result back, and the small time is without that."
      + ` Commit ${run.newest.slice(0, 8)}, measured ${Site.day(run.measured)}. × NumPy is said only where the intervals tell the two apart.`;
  }

  // The time with data where the tool wants it: beside the other, and never compared.
  const without = (row) => `${Site.seconds(row[0])}, data where it wants it`;

  function fill(line, run) {
    const [, time, times, here] = line.children;
    const found = run.tools[line.dataset.tool];
    time.replaceChildren(); times.replaceChildren(); times.className = "number";
    const sized = (size) => (size === all.size ? [] : [Site.make("small", {}, `of ${Site.count(size)}`)]);
    if (!found) {
      here.replaceChildren(run.absent[line.dataset.tool] || "");
      const own = run.own[line.dataset.tool];
      if (own) time.append(Site.make("small", {}, without(own[1])), ...sized(own[0]));
      return;
    }
    const [size, row, ratio, own] = found;
    time.replaceChildren(Site.seconds(row[0]), ...sized(size), ...(own ? [Site.make("small", {}, without(own))] : []));
    time.title = Site.interval(row);
    here.replaceChildren("measured");
    if (!ratio) return;
    times.replaceChildren(ratio[3] ? Site.times(ratio[0]) : "not told apart");
    times.className = { 1: "number good", 0: "number same", "-1": "number bad" }[ratio[3]];
    times.title = ratio[3] ? `as fast as NumPy: ${Site.times(ratio[1])} to ${Site.times(ratio[2])}` : "the intervals overlap, or there are too few samples";
  }

  function show() {
    const run = settle();
    about(run);
    for (const line of document.querySelectorAll("[data-tool]")) fill(line, run);
    Site.remember(state);
    document.body.dataset.ready = "yes";
  }

  Site.listen(["machine", "threads"], DEFAULTS, state, show);
  show();
})();
