"use strict";
// How far each tool is from what the machine allows: see limits.py for the shape of the data.

(() => {
  const all = Site.data.limits;
  if (!all || !all.runs.length) return;
  const { make, place, unique, digits, THREADS } = Site;
  const DEVICES = { cpu: "of the processor", gpu: "of the GPU" };
  const COMPARISONS = {
    read: "reading once", exp: "exp", copy: "copying", gpu_copy: "a copy on the GPU", ceiling: "the slower of these",
    empty: "an empty call",
  };
  const WORDS = { limit: "limit", open: "cannot be told", beaten: "comparison" };
  const DASHES = { read: [2, 3], copy: [2, 3], gpu_copy: [2, 3], exp: [7, 3], ceiling: [12, 3, 2, 3], empty: [1, 5] };
  const NARROW = 640;
  const HIGH = 480; // of the chart
  const MOST = 26; // names that have room beside it; of more there is a list below, as on a phone
  const DEFAULTS = { machine: place(all.runs[0]), threads: all.runs[0].threads, device: "cpu", kernel: "logsumexp", tools: "usual" };
  const state = { ...DEFAULTS, ...Site.state() };

  const title = (tool) => Site.titleOf(all.backends, tool);
  const elements = (size) => size.split("x").reduce((product, side) => product * Number(side), 1);
  const perCent = (share) => `${digits(100 * share)} %`;

  // Restrict each choice to what was measured under those before it.
  function settle() {
    state.machine = Site.choose("machine", unique(all.runs.map(place)).map((p) =>
      [p, Site.placeTitle(all.runs.find((r) => place(r) === p))]), state.machine, DEFAULTS.machine);
    const here = all.runs.filter((r) => place(r) === state.machine);
    state.threads = Site.choose("threads", here.map((r) => [r.threads, THREADS[r.threads] || r.threads]), state.threads, "1");
    const run = here.find((r) => r.threads === state.threads);
    state.device = Site.choose("device", Object.keys(run.tasks).map((d) => [d, DEVICES[d]]), state.device, "cpu");
    if (Object.keys(run.tasks).length < 2) document.getElementById("device").title = "The other was not measured here: make bench-gpu does it.";
    const kernels = run.tasks[state.device];
    state.kernel = Site.choose("kernel", Object.keys(kernels).map((k) => [k, all.kernels[k].title]), state.kernel, "logsumexp");
    const dtypes = kernels[state.kernel];
    state.dtype = Site.choose("dtype", Object.keys(dtypes).sort().reverse().map((d) => [d, d]), state.dtype, "float64");
    const found = dtypes[state.dtype];
    state.n = Site.choose("n", found.sizes.map((s) => [s, Site.count(s)]), Site.whole(state.n)?.toString() || state.n, nearest(found.sizes));
    return { run, found };
  }

  // The measured size that is nearest to the one asked for, or else the largest.
  function nearest(sizes) {
    const asked = Math.log(Site.whole(state.n) || elements(String(state.n || "")));
    if (!Number.isFinite(asked)) return sizes.at(-1);
    const away = (size) => Math.abs(Math.log(elements(size)) - asked);
    return sizes.reduce((best, size) => (away(size) < away(best) ? size : best));
  }

  // What the chart draws, and what the table lists: at first of each family the plainest of the best at this
  // size, in the chart only of the families that are featured.
  function chosen(found) {
    const known = Object.keys(found.tools), best = Object.values(found.best[state.n]);
    const of = { all: known, best, usual: best.filter((tool) => all.featured.includes(Site.lookOf(all.backends, tool).family)) };
    const asked = of[state.tools] || state.tools.split(",");
    // After another choice what no longer fits is no question of the address.
    if (!Site.changed) for (const tool of asked.filter((name) => name && !known.includes(name))) Site.say("tool", tool);
    const among = (names) => known.filter((tool) => names.includes(tool));
    return { drawn: among(asked), listed: among(state.tools === "usual" ? best : asked) };
  }

  const interval = (row) => Site.interval(row, Site.rate);
  const shareText = (row) => (row ? perCent(row[0]) + (row[1] === null ? "" : ` (${perCent(row[1])} to ${perCent(row[2])})`) : "not measured");

  function rowsOf(found, names) {
    const point = (size, rate, more) => ({
      elements: elements(size), size: Site.count(size), rate: rate[0], low: rate[1], high: rate[2], seconds: rate[0], label: rate[0],
      shown: Site.rate(rate[0]), interval: interval(rate), time: Site.seconds(found.bytes[size] / rate[0]), ...more,
    });
    const shapes = found.sizes.some((size) => size.includes("x"));
    const lines = [
      ...Object.entries(found.comparisons).map(([name, of]) => Object.entries(of).map(([size, { rate, kind, why }]) => point(size, rate, {
        kind: "comparison", name: `comparison ${name}`, title: COMPARISONS[name], colour: "currentColor", dash: DASHES[name], joined: true,
        filled: Number(kind === "limit"), share: "", why: `${kind === "open" ? "limit or not " : ""}${WORDS[kind]}: ${why}`,
      }))),
      ...names.map((tool) => Object.entries(found.tools[tool]).map(([size, rate]) => point(size, rate, {
        kind: "tool", name: tool, title: title(tool), colour: Site.lookOf(all.backends, tool).colour, dash: Site.lookOf(all.backends, tool).dash,
        joined: !shapes, filled: 1, share: shareText((found.shares[tool] || {})[size]), why: "",
      }))),
    ];
    for (const line of lines) {
      line.sort((a, b) => a.elements - b.elements);
      // Where the ceiling covers another line, its name would cover that one's, too.
      if (line.length && line[0].name !== "comparison ceiling") line.at(-1).end = true;
    }
    return lines.flat();
  }

  const CACHES = { Data: " data", Unified: "" };
  const bytes = (size) => (size >= 2 ** 20 ? `${digits(size / 2 ** 20)} MiB` : `${digits(size / 2 ** 10)} KiB`);

  // From the end of one cache to that of the next, in elements of what is read and written.
  function bands(run, found, [first, last], narrow) {
    if (state.device !== "cpu" || !run.caches) return [];
    const each = found.bytes[found.sizes[0]] / elements(found.sizes[0]);
    const ends = [...run.caches.map(({ level, kind, size }) => [size / each, narrow ? `L${level}` : `L${level}${CACHES[kind] ?? ""} ${bytes(size)}`]),
      [Infinity, "memory"]];
    let left = first;
    return ends.map(([end, text], i) => {
      const band = { kind: "cache", left, right: Math.min(Math.max(end, left), last), title: text, shade: [0.03, 0.11][i % 2] };
      left = band.right;
      return { ...band, middle: Math.sqrt(band.left * band.right) };
    }).filter((band) => band.right > band.left * 1.05)
      .map((band) => ({ ...band, title: band.right / band.left < (narrow ? 3 : 6) ? band.title.split(" ")[0] : band.title }));
  }

  // A piece of a line, as the chart draws it.
  function sample({ colour, dash }) {
    const drawn = (tag, attributes) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
      return made;
    };
    const image = drawn("svg", { class: "swatch", width: 34, height: 8, "aria-hidden": "true" });
    image.append(drawn("line", { x1: 0, x2: 34, y1: 4, y2: 4, stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash.join(" ") }));
    return image;
  }

  // The names of the lines, in the order of their ends, where the chart has no room for them.
  function legend(rows) {
    const ends = Object.values(Object.fromEntries(rows.map((row) => [row.name, row]))).sort((a, b) => b.rate - a.rate);
    Site.fill("lines", ...ends.map((row) => make("li", {}, sample(row), " ", row.title)));
  }

  function draw(run, found, names) {
    const element = document.getElementById("throughput");
    const narrow = element.clientWidth < NARROW;
    const rows = rowsOf(found, names);
    const x = [0, Infinity].map((end) => (end ? Math.max : Math.min)(...rows.map((row) => row.elements)));
    const wide = [x[0] / 1.5, x[1] * 1.1];
    const y = [Math.min(...rows.map((row) => row.low ?? row.rate)) / 1.2, Math.max(...rows.map((row) => row.high ?? row.rate)) * 2];
    const ends = rows.filter((row) => row.end);
    const last = ends.filter((row) => row.elements === x[1]);
    const below = narrow || last.length > MOST;
    legend(below ? rows : []);
    if (below) for (const row of ends) row.end = false;
    else for (let turn = 0; turn < 3; turn++) { // the axis grows by what the names need, and they by it
      Site.spread(last, 10 ** ((17 * Math.log10(y[1] / y[0])) / HIGH));
      y[0] = Math.min(y[0], ...last.map((row) => row.label / 1.3));
      y[1] = Math.max(y[1], ...last.map((row) => row.label * 1.3));
    }
    const drawn = [...bands(run, found, wide, narrow), ...rows];
    return Site.draw("throughput", "limits", rows.length ? drawn : [], (spec) => {
      for (const { encoding } of spec.layer) {
        if (encoding.x?.scale) encoding.x.scale.domain = wide;
        if (encoding.y?.scale) encoding.y.scale.domain = y;
        if (encoding.y?.axis) encoding.y.axis.values = encoding.y.axis.values.filter((value) => value >= y[0] && value <= y[1]);
      }
      spec.description = "throughput in gigabytes a second by number of elements; the table below has its numbers";
      if (narrow) spec.height = 380;
    });
  }

  function answer(found) {
    const [first, ...others] = found.sentences[state.n].map((text) => text.replace(/ (%|GB\/s)/g, "\u00a0$1"));
    Site.fill("answer", make("p", { class: "answer" }, first), ...others.map((text) => make("p", {}, text)));
  }

  function about(run, found) {
    const known = run.caches;
    const shared = (count) => (count > 1 ? `, shared by ${count} CPUs` : "");
    document.getElementById("bands").textContent = state.device !== "cpu" ? "" : known
      ? `Bands: where all of the data fits, by the caches that the system tells of: ${known.map((one) =>
        `L${one.level}${CACHES[one.kind] ?? ""} ${bytes(one.size)}${shared(one.shared_by)}`).join("; ")}.`
      : "There are no bands: the caches of this machine are not recorded with its results; make bench records them.";
    document.getElementById("about").textContent = `${run.machine}, newest commit ${run.newest.slice(0, 8)}, measured ${Site.day(run.measured)}, Python ${run.python}. `
      + (run.noise === null ? "How far its processes differ was never measured: 5 % is assumed (make machine measures it)."
        : `Its processes differ by ${perCent(run.noise)}: that is in each interval.`);
    document.getElementById("numbers-about").textContent =
      `Throughput over that of ${found.ceiling}, of what of it was measured.`;
  }

  function choices(found, names) {
    const known = Object.keys(found.tools).sort((a, b) => (title(a) < title(b) ? -1 : 1));
    document.getElementById("tools-count").textContent = `${names.length} of ${known.length}`;
    Site.fill("tools", ...known.map((tool) => {
      const box = make("input", { type: "checkbox", checked: names.includes(tool) });
      box.addEventListener("change", () => {
        const now = names.includes(tool) ? names.filter((name) => name !== tool) : [...names, tool];
        state.tools = now.sort().join(",");
        Site.changed = true;
        show();
      });
      return make("label", {}, box, sample(Site.lookOf(all.backends, tool)), title(tool));
    }));
  }

  function cell(found, tool, size) {
    const rate = found.tools[tool][size];
    if (!rate) return "";
    const share = (found.shares[tool] || {})[size];
    const text = share ? perCent(share[0]) : Site.rate(rate[0]);
    const ends = share ? share[1] !== null && `${digits(100 * share[1])} to ${perCent(share[2])}` : rate[1] !== null && interval(rate);
    const shown = make("span", {}, text, make("small", {}, ends || "no interval"));
    return state.device === "cpu" ? Site.opens(shown, {
      machine: state.machine, threads: state.threads, kernel: state.kernel, tool, dtype: state.dtype, n: size, clock: "warm",
    }) : shown;
  }

  function table(found, names) {
    const head = (size) => make("span", {}, Site.count(size), make("small", {}, WORDS[found.held[size]] || "nothing to compare"));
    const columns = [
      { key: "tool", title: "tool", text: title },
      ...found.sizes.map((size) => ({
        key: size, title: head(size), class: () => "number", cell: (tool) => cell(found, tool, size),
        sort: (tool) => found.tools[tool][size]?.[0], tip: (tool) => found.tools[tool][size] && `${Site.rate(found.tools[tool][size][0])}, ${interval(found.tools[tool][size])}`,
      })),
    ];
    Site.table("numbers", columns, names, state.n, true);
    Site.bring("numbers", Math.max(1, found.sizes.indexOf(state.n) + 1));
  }

  function speed() {
    Site.fill("speed", ...(all.speed.length ? all.speed : [null]).map((of) => {
      if (!of) return make("p", {}, "They were not measured here: ", make("code", {}, "make speed"), " does it in 15 minutes.");
      const lines = of.sentences.map(({ text, target, verdict }) =>
        make("li", {}, text, " ", make("small", {}, target === "none" ? "" : `Target ${target}: ${verdict}.`)));
      const without = of.without ? [make("p", { class: "note" }, `Left out: ${of.without} numbers of fewer than five processes, which have no interval. `,
        make("code", {}, "make speed"), " measures them anew.")] : [];
      return make("section", {}, make("h3", {}, `On ${of.machine}`),
        make("p", { class: "note" }, `Commit ${of.commit.slice(0, 8)}, ${of.day}, ${of.with}.`), make("ul", {}, ...lines), ...without);
    }));
  }

  async function show() {
    document.body.dataset.ready = "";
    const { run, found } = settle();
    const { drawn, listed } = chosen(found);
    answer(found);
    about(run, found);
    choices(found, drawn);
    table(found, listed);
    Site.remember(state);
    await draw(run, found, drawn);
    document.body.dataset.ready = "yes";
  }

  for (const way of ["usual", "best", "all"])
    document.getElementById(`tools-${way}`).addEventListener("click", () => {
      state.tools = way;
      Site.changed = true;
      show();
    });
  speed();
  Site.listen(["machine", "threads", "device", "kernel", "dtype", "n"], DEFAULTS, state, show);
  show();
})();
