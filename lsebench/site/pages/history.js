"use strict";
// Small multiples of the series of one kernel: see series.js, which draws each.

(() => {
  const all = Site.data.series;
  if (!document.getElementById("multiples")) {
    document.body.dataset.ready = "yes";
    return;
  }
  const FIELDS = ["kernel", "clock", "n", "dtype", "machine", "threads", "libraries", "x", "tools"];
  const MOST = 3; // steps in words below a small chart
  const { unique, words } = Site;
  const DEFAULTS = Object.fromEntries([...FIELDS, "tool"].map((field) => [field, ""]));
  const state = { ...DEFAULTS, ...Site.state() };
  const environment = (row) => all.environments[row.environment];
  const size = (text) => text.split("x").reduce((product, part) => product * Number(part), 1);
  let turn = 0;
  // After another choice what no longer fits is no question of the reader's; in an address it is.
  let quiet = false;
  const pick = (field, options, usual) => {
    const fits = options.some(([value]) => value === state[field]);
    state[field] = Site.choose(field, options, quiet && !fits ? "" : state[field], usual);
  };

  // Restrict each choice to what was measured under those before it; the rows of the last one.
  async function settle() {
    pick("machine", Object.keys(all.files).map((place) =>
      [place, Site.placeTitle(all.environments.find((one) => Site.place(one) === place))]), Site.place(all.environments[0]));
    const groups = Object.keys(all.files[state.machine]);
    const known = [...Object.keys(all.kernels), ...groups].filter((group) => groups.includes(group));
    pick("kernel", unique(known).map((group) => [group, all.kernels[group] || group]), groups.includes("logsumexp") ? "logsumexp" : groups[0]);
    const file = await Site.seriesOf(state.machine, state.kernel);
    let rows = file.series;
    const narrow = (field, value, text, usual, order = (list) => list) => {
      const values = order(unique(rows.map(value)));
      pick(field, values.map((one) => [one, text(one)]), usual(values));
      rows = rows.filter((row) => value(row) === state[field]);
    };
    const named = (row) => Site.named(row);
    narrow("threads", (row) => environment(row).threads, (one) => Site.THREADS[one] || one, () => "1");
    narrow("clock", (row) => all.benchmarks[row.benchmark].clock, (one) =>
      all.benchmarks[rows.find((row) => all.benchmarks[row.benchmark].clock === one).benchmark].what, (list) => (list.includes("warm") ? "warm" : list[0]));
    const before = rows;
    // The newest environment comes first.
    narrow("libraries", (row) => environment(row).name, (one) => environment(before.find((row) => environment(row).name === one)).title,
      (list) => list[0], (list) => all.environments.map((one) => one.name).filter((name) => list.includes(name)).filter((name, place, names) => names.indexOf(name) === place));
    narrow("dtype", (row) => named(row).dtype, (one) => one || "–", (list) => (list.includes("float64") ? "float64" : list[0]));
    const nearest = (list) => {
      const near = size(state.n) || 1e5;
      const away = (one) => Math.abs(Math.log(size(one) / near));
      return list.slice().sort((a, b) => away(a) - away(b))[0];
    };
    const sorted = (list) => (list.every((one) => size(one) > 0) ? list.sort((a, b) => size(a) - size(b)) : list);
    narrow("n", (row) => named(row).n, (one) => (one ? Site.count(one).replaceAll("_", " ") : "–"), nearest, sorted);
    const several = rows.some((row) => Site.generations(file, row).length > 1);
    pick("x", [["commits", "commits"], ...(several ? [["libraries", "library generations"]] : [])], "commits");
    const x = document.getElementById("x");
    if (!several) x.title = "Only one library generation was measured at a commit: make bench-libraries measures others.";
    const featured = rows.filter((row) => (all.backends[named(row).tool.split(":")[0]] || {}).featured);
    const few = featured.length > 0 && featured.length < rows.length;
    pick("tools", [...(few ? [["featured", "featured ones"]] : []), ["all", `all ${rows.length}`]], few ? "featured" : "all");
    const drawn = (row) => state.x === "commits" || Site.generations(file, row).length > 1;
    return { file, rows, shown: (state.tools === "featured" ? featured : rows).filter(drawn) };
  }

  const order = (a, b) => {
    const [x, y] = [a, b].map((row) => Site.named(row).tool);
    const star = (tool) => !(all.backends[tool.split(":")[0]] || {}).featured;
    return star(x) - star(y) || Site.titleOf(all.backends, x).localeCompare(Site.titleOf(all.backends, y));
  };

  function card(row, title, choose) {
    const name = choose ? Site.make("button", { type: "button", class: "link", "aria-expanded": String(Site.named(row).tool === state.tool) }, title) : title;
    const chart = Site.make("div", { class: "chart" });
    const happened = Site.happened(row).reverse();
    const more = happened.length > MOST ? [Site.make("li", {}, `and ${happened.length - MOST} before`)] : [];
    const made = Site.make("section", { class: "card" }, Site.make("h3", {}, name), chart,
      ...(happened.length ? [Site.make("ul", { class: "steps" }, ...happened.slice(0, MOST), ...more)] : []));
    if (choose) name.addEventListener("click", choose);
    return { made, chart };
  }

  async function show() {
    const mine = ++turn;
    const { file, rows, shown } = await settle();
    if (mine !== turn) return;
    if (state.tool && !rows.some((row) => Site.named(row).tool === state.tool)) {
      if (!quiet) Site.unknown.push(`“${state.tool}” was asked for, and was not measured in this way.`);
      state.tool = "";
    }
    quiet = false;
    Site.remember(state);
    const commits = file.commits[rows[0].environment];
    const env = environment(rows[0]);
    const many = commits.length === 1 ? "one commit" : `${commits.length} commits`;
    document.getElementById("about").textContent = `${words.environment(rows[0].environment)}: ${many}, ${rows.length} series.`
      + (commits.length < all.fewest ? ` Steps can be told from noise in ${all.fewest} commits or more: make bench-commits RANGE=v1..HEAD measures each of a range.` : "");
    const one = rows.find((row) => Site.named(row).tool === state.tool);
    const place = document.getElementById("chosen");
    place.hidden = !one;
    const raw = Site.raw(one || rows[0]);
    if (raw) document.getElementById("raw").setAttribute("href", raw);
    const cards = shown.slice().sort(order).map((row) => ({
      row, file,
      ...card(row, Site.titleOf(all.backends, Site.named(row).tool) || all.benchmarks[row.benchmark].what, () => {
        const { tool } = Site.named(row);
        state.tool = tool === state.tool ? "" : tool;
        Site.changed = true;
        return show().then(() => place.scrollIntoView({ block: "nearest" }));
      }),
    }));
    const watched = await Site.controls({ row: rows[0], file, place: state.machine }, true);
    const strips = watched.filter(({ row, file: own }) => state.x === "commits" || Site.generations(own, row).length > 1).map((control) => ({ ...control, ...card(control.row, control.name) }));
    if (mine !== turn) return;
    Site.fill("multiples", ...cards.map(({ made }) => made));
    Site.fill("controls", ...(strips.length ? strips.map(({ made }) => made)
      : [Site.make("p", { class: "note" }, all.benchmarks[rows[0].benchmark].quantity === "time" ? "None was measured beside these: make bench measures plain Python and reading once."
        : "None: the machine's speed does not move this.")]));
    if (one) await Site.series(place, { series: one, x: state.x, alone: false });
    for (const { row, file: own, chart } of [...cards, ...strips]) {
      if (mine !== turn) return;
      await Site.drawSeries(chart, { row, file: own, x: state.x, commits, small: true });
    }
    document.body.dataset.ready = "yes";
  }

  Site.listen(FIELDS, DEFAULTS, state, show, () => { quiet = true; });
  show();
})();
