"use strict";
// The page of one tool: copies its code, and shows what a run has measured. See rows/tools.py.

// -- the code, which is there without any result ---------------------------------------------------------

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const mark = (path) => (/\.(cpp|hpp|cu)$/.test(path) ? "//" : "#");
    const texts = [...button.closest("[data-code]").querySelectorAll("[data-path]")].map((part) =>
      (part.dataset.path ? `${mark(part.dataset.path)} ${part.dataset.path}\n` : "") + part.textContent);
    Site.copy(texts.join("\n\n"), button);
  });
}

(() => {
  const all = Site.data.tool;
  if (!all.runs.length) {
    Site.remember({ ...Site.state(), tool: all.tool });
    document.body.dataset.ready = "yes";
    return;
  }
  const { make, seconds } = Site;
  const usual = all.runs[0];
  const DEFAULTS = { machine: Site.place(usual), threads: usual.threads, dtype: "float64", tool: all.tool };
  const state = { ...DEFAULTS, ...Site.state(), tool: all.tool };
  const element = (id) => document.getElementById(id);
  const own = all.backends[all.tool];

  function settle() {
    state.machine = Site.choose("machine", Site.unique(all.runs.map(Site.place)).map((place) =>
      [place, Site.placeTitle(all.runs.find((run) => Site.place(run) === place))]), state.machine, DEFAULTS.machine);
    const here = all.runs.filter((run) => Site.place(run) === state.machine);
    state.threads = Site.choose("threads", here.map((run) => [run.threads, Site.THREADS[run.threads] || run.threads]), state.threads, here[0].threads);
    const run = here.find((one) => one.threads === state.threads);
    const dtypes = Object.keys(run.facts).sort().reverse();
    state.dtype = Site.choose("dtype", dtypes.map((dtype) => [dtype, dtype]), state.dtype, "float64");
    return run;
  }

  // -- a number opens its history ----------------------------------------------------------------------

  const opener = (content, wanted) => Site.opens(content,
    { machine: state.machine, threads: state.threads, kernel: "logsumexp", tool: all.tool, dtype: state.dtype, ...wanted }, { style: "link", within: document });

  // -- small multiples ---------------------------------------------------------------------------------

  // Where the data of a tool with arrays of its own is.
  const OWN = "data where it wants it", BACK = "from NumPy arrays and back";
  const MOVED = [2, 3];

  const form = (name) => (name ? `${own.title}: ${name}` : own.title);
  const than = (ratio) => {
    if (!ratio || ratio[0] === null) return "";
    if (!ratio[3]) return "not told apart";
    return ratio[3] > 0 ? `${Site.times(ratio[0])} as fast` : `takes ${Site.times(1 / ratio[0])} as long`;
  };

  function marks(kernel, rows) {
    const elements = all.kernels[kernel].elements;
    const numpy = all.backends.numpy;
    const list = [];
    for (const [name, size, time, base, ratio, moved, movedRatio] of rows) {
      const add = (row, more) => row && list.push({
        elements: elements[size] || Number(size), size: Site.count(size), shown: Site.count(size), seconds: row[0], low: row[1] ?? row[0], high: row[2] ?? row[0],
        exact: seconds(row[0]), interval: Site.interval(row), ...more,
      });
      const mine = { base: false, colour: own.colour };
      add(base, { name: `numpy ${name}`, title: name ? `${numpy.title}: ${name}` : numpy.title, base: true, colour: "#888888", dash: [], ratio: "" });
      add(time, { ...mine, name: `own ${name}`, title: form(name) + (all.moves ? `, ${OWN}` : ""), dash: dash(rows, name), ratio: than(ratio) });
      add(moved, { ...mine, name: `moved ${name}`, title: `${form(name)}, ${BACK}`, dash: MOVED, ratio: than(movedRatio) });
    }
    return list;
  }

  // Forms are told apart by their dashes.
  const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [1, 3]];
  const dash = (rows, name) => DASHES[Site.unique(rows.map((row) => row[0])).indexOf(name) % DASHES.length];

  // What the largest size says, where there is one line.
  function sentence(kernel, rows) {
    const forms = Site.unique(rows.map((row) => row[0]));
    const timed = rows.filter((row) => row[2]);
    if (!timed.length) return "It failed.";
    if (forms.length > 1) return `${forms.length} forms; the numbers say which takes how long.`;
    const compared = (ratio) => (!ratio ? "" : !ratio[3] ? ", not told apart from NumPy" : ratio[3] > 0 ? `, ${Site.times(ratio[0])} as fast as NumPy`
      : `, ${Site.times(1 / ratio[0])} as long as NumPy`);
    const said = ([, size, time, , ratio]) => `At ${Site.count(size)}${all.moves ? `, ${OWN}` : ""}: ${seconds(time[0])}${compared(ratio)}.`;
    if (!all.moves) return said(timed.at(-1));
    const moved = timed.filter((row) => row[5]);
    const back = moved.length ? `At ${Site.count(moved.at(-1)[1])}, ${BACK}: ${seconds(moved.at(-1)[5][0])}${compared(moved.at(-1)[6])}.`
      : kernel === all.moved ? `${BACK[0].toUpperCase()}${BACK.slice(1)}: not measured here; ${all.measure} does it.` : "";
    return `${said((moved.length ? moved : timed).at(-1))} ${back}`.trim();
  }

  function numbers(kernel, rows) {
    const forms = rows.some((row) => row[0]);
    const back = rows.some((row) => row[5]);
    const heads = [...(forms ? ["form"] : []), "size", all.moves ? `time, ${OWN}` : "time", ...(all.tool === "numpy" ? [] : ["NumPy", "× NumPy"]),
      ...(back ? [`time, ${BACK}`, "× NumPy"] : [])];
    // A form that loses digits elsewhere is never marked green, however fast.
    const times = (ratio, name) => {
      const better = ratio && ratio[3] > 0 && !all.kernels[kernel].unsafe[name];
      return make("td", { class: `number${better ? " good" : ratio && ratio[3] < 0 ? " bad" : " same"}`, title: ratio && ratio[3] ? `${Site.times(ratio[1])} to ${Site.times(ratio[2])} as fast` : undefined },
        !ratio ? "–" : ratio[3] ? Site.times(ratio[0]) : "not told apart");
    };
    const lines = rows.map(([name, size, time, base, ratio, moved, movedRatio]) => {
      const row = make("tr", {});
      const tool = name ? `${all.tool}:${name}` : all.tool;
      const timed = (value, clock) => make("td", { class: "number", title: value ? Site.interval(value) : undefined },
        value ? opener(seconds(value[0]), { kernel, tool, n: size, clock }) : "failed");
      row.append(...(forms ? [make("th", { scope: "row" }, name || "–")] : []), make(forms ? "td" : "th", forms ? { class: "number" } : { scope: "row" }, Site.count(size)),
        timed(time, "warm"));
      if (all.tool !== "numpy") row.append(make("td", { class: "number" }, base ? seconds(base[0]) : "–"), times(ratio, name));
      if (back) row.append(...(moved ? [timed(moved, "transfer"), times(movedRatio, name)] : [make("td", { class: "number" }, "–"), make("td", { class: "number same" }, "–")]));
      return row;
    });
    const table = make("table", { class: "numbers", "aria-label": `times of ${all.kernels[kernel].title}` },
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))), make("tbody", {}, ...lines));
    return make("details", {}, make("summary", {}, "numbers, each with its history"), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `numbers of ${kernel}` }, table));
  }

  async function draw(kernel, rows, place) {
    const { title, shapes } = all.kernels[kernel];
    const drawn = marks(kernel, rows);
    const elements = drawn.map((row) => row.elements);
    const [least, most] = [Math.min(...elements), Math.max(...elements)];
    const room = least === most ? 10 : 1.3; // a size alone is in the middle
    await Site.draw(place, "tool", drawn, (spec) => {
      for (const { encoding } of spec.layer) if (encoding.x && encoding.x.scale) Object.assign(encoding.x.scale, { domain: [least / room, most * room], nice: false });
      // A layer without rows has no extent.
      const there = (layer) => drawn.some((row) => row.base === (layer.transform[0].filter === "datum.base"));
      spec.layer = spec.layer.filter(there);
      spec.description = `Time of one call of ${title} against size: ${own.title} in colour, NumPy in grey`;
      if (!shapes) return;
      // Shapes have no order: no line leads from one to the next.
      spec.layer = spec.layer.filter((layer) => !["line", "area"].includes(layer.mark.type));
      for (const { encoding } of spec.layer) encoding.x = { field: "size", type: "nominal", sort: null, title: "shape", axis: { labelAngle: new Set(elements).size > 2 ? -30 : 0 } };
    });
  }

  async function kernels(run) {
    const opened = new Set([...document.querySelectorAll("#kernels details[open]")].map((one) => one.closest("section").dataset.kernel));
    const names = Object.keys(run.kernels).sort((a, b) => (b === "logsumexp") - (a === "logsumexp") || (a < b ? -1 : 1));
    const places = names.map((kernel) => {
      const rows = run.kernels[kernel][state.dtype];
      const part = make("section", { "data-kernel": kernel, "aria-label": all.kernels[kernel].title }, make("h3", {}, all.kernels[kernel].title));
      if (!rows) {
        part.append(make("p", { class: "note" }, `Not measured in ${state.dtype}: make bench-full.`));
        return [part];
      }
      const chart = make("div", { class: "chart" });
      const table = numbers(kernel, rows);
      table.open = opened.has(kernel);
      part.append(make("p", { class: "note" }, sentence(kernel, rows)), chart, table);
      return [part, () => draw(kernel, rows, chart)];
    });
    element("kernels").replaceChildren(...places.map(([part]) => part));
    for (const [, paint] of places) if (paint) await paint();
  }

  // -- what else ---------------------------------------------------------------------------------------

  function value(fact, which) {
    const found = fact[which];
    if (found === null || found === undefined || (fact.kind === "seconds" && found[0] === null)) return undefined;
    if (fact.kind === "error") return [found[0] === null ? "fails" : `${Site.error(found[0])} ulp`, found[1].replaceAll("_", " "), found[1]];
    if (fact.kind === "bytes") return [found ? Site.bytes(found) : "none seen", ""];
    return [seconds(found[0]), Site.interval(found)];
  }

  function facts(run) {
    const numpy = all.tool !== "numpy";
    const lines = run.facts[state.dtype].map((fact) => {
      const row = make("tr", {});
      const mine = value(fact, "own"), other = numpy && value(fact, "numpy");
      const cell = mine ? [opener(mine[0], { n: mine[2], clock: fact.clock }), make("small", {}, mine[1])] : [make("span", { class: "same" }, fact.missing)];
      row.append(make("th", { scope: "row" }, fact.title), make("td", {}, ...cell));
      if (numpy) row.append(make("td", {}, ...(other ? [other[0], make("small", {}, other[1])] : ["–"])));
      return row;
    });
    Site.fill("facts", make("thead", {}, make("tr", {}, ...["", own.title, ...(numpy ? ["NumPy"] : [])].map((head) => (head ? make("th", { scope: "col" }, head) : make("td", {}))))),
      make("tbody", {}, ...lines));
    Site.fill("pays", ...run.pays[state.dtype].map((text) => make("p", {}, text)));
  }

  async function show() {
    const run = settle();
    Site.remember(state);
    const measured = Object.keys(run.kernels).length > 0;
    element("about").textContent = `${run.machine}, ${Site.THREADS[run.threads] || run.threads}, Python ${run.python}, commit ${run.newest.slice(0, 8)},`
      + ` measured ${Site.day(run.measured)}. In colour this tool with its 99 % interval, in grey NumPy; both axes are logarithmic.`
      + (all.moves ? ` Data is where ${own.title} wants it; the dotted line, of ${all.kernels[all.moved]?.title || all.moved}, is from NumPy arrays and back.`
        : " Data is in NumPy arrays, which it takes as they are: nothing is moved.");
    element("absent").hidden = measured;
    element("absent").textContent = run.absent;
    facts(run);
    await kernels(run);
    document.body.dataset.ready = "yes";
  }

  for (const part of document.querySelectorAll("details[data-kernel]")) if (part.dataset.kernel === state.kernel) part.open = true;
  Site.listen(["machine", "threads", "dtype"], DEFAULTS, state, show);
  show();
})();
