"use strict";
// Steps, grouped by where they lie in the history: see incidents.py for the shape of the data.

(() => {
  const all = Site.data.incidents;
  if (!document.getElementById("incidents")) {
    document.body.dataset.ready = "yes";
    return;
  }
  const DEFAULTS = { threshold: "5", direction: "both", kernel: "", quantity: "", commit: "" };
  const state = { ...DEFAULTS, ...Site.state() };

  const VERBS = {
    time: ["slowed", "sped up"], error: ["raised the error of", "lowered the error of"],
    memory: ["raised the memory of", "lowered the memory of"], other: ["raised", "lowered"],
  };
  const { THREADS, unique } = Site;
  const short = (commit) => commit.slice(0, 8);
  const bench = (step) => all.benchmarks[step.benchmark];
  const rises = (step) => step.new > step.old;
  // Of levels of zero or below a ratio says nothing.
  const told = (step, value) => step.old > 0 && value > 0;
  const ratio = (step) => (told(step, step.new) ? step.new / step.old : Infinity);
  const times = (step, value) => (told(step, value) ? Site.times(value / step.old) : step.old === 0 ? "from 0" : "–");
  const several = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  // 20 % slower and 20 % less time are judged alike: by the change, relative to the level before.
  const least = (step) => (state.threshold / 100) * Math.abs(step.old);
  const large = (step) => Math.abs(step.new - step.old) >= least(step);
  const back = (step) => (rises(step) ? step.latest <= step.old + least(step) : step.latest >= step.old - least(step));

  const suits = (benchmark) => (!state.kernel || benchmark.kernel === state.kernel)
    && (!state.quantity || benchmark.quantity === state.quantity);
  const shown = (step) => suits(bench(step)) && large(step)
    && (state.direction === "both" || rises(step) === (state.direction === "slower"));

  function level(step, value) {
    const { quantity } = bench(step);
    if (quantity === "time") return Site.seconds(value);
    if (quantity === "error") return `${Site.digits(value)} ulp`;
    return quantity === "memory" ? Site.rate(value).replace("/s", "") : Site.digits(value);
  }

  function environment(number) {
    const found = all.environments[number];
    const threads = THREADS[found.threads] || found.threads;
    return [found.machine, threads, `Python ${found.python}`, ...found.differ].filter(Boolean).join(", ");
  }

  // "slowed 14 and sped up 2 of 60 series; raised the error of 1 of 28"
  function sentence(group, steps) {
    const parts = unique(steps.map((s) => bench(s).quantity)).map((quantity) => {
      const members = steps.filter((s) => bench(s).quantity === quantity);
      const of = Object.entries(group.measured).filter(([name]) =>
        all.benchmarks[name].quantity === quantity && suits(all.benchmarks[name]));
      const total = of.reduce((sum, [, count]) => sum + count, 0);
      const verbs = VERBS[quantity].map((verb, down) => [verb, members.filter((s) => rises(s) === !down).length]);
      const counts = verbs.filter(([, count]) => count).map(([verb, count]) => `${verb} ${count}`);
      return `${counts.join(" and ")} of ${total}`;
    });
    const count = group.commits.length + group.more_commits;
    const who = count === 1 ? "this commit" : count ? `one or more of ${count} commits` : `a change after ${short(group.before)}`;
    return `${who} ${parts.join("; ")} series that were measured on both sides`;
  }

  function undone(steps) {
    const up = steps.filter(rises), down = steps.filter((s) => !rises(s));
    const part = (list) => (list.every(back) ? "" : ` in ${list.filter(back).length} of ${list.length}`);
    return [
      up.some(back) && `repaired since${part(up)}`,
      down.some(back) && `gain lost since${part(down)}`,
    ].filter(Boolean).join(", ");
  }

  const COLUMNS = [
    { key: "backend", title: "tool", text: (s) => named(s, "backend") || bench(s).suite || "–" },
    { key: "kernel", title: "kernel", text: (s) => bench(s).title },
    { key: "what", title: "what", text: (s) => bench(s).what },
    { key: "dtype", title: "number type", text: (s) => named(s, "dtype") || "" },
    {
      key: "size", title: "size or input", text: (s) => (named(s, "size") ? Site.count(named(s, "size")) : named(s, "input") || ""),
      sort: (s) => Number((named(s, "size") || "").split("x").reduce((product, n) => product * n, 1)) || 0,
    },
    { key: "environment", title: "environment", text: (s) => environment(s.environment) },
    { key: "old", title: "before", text: (s) => level(s, s.old), sort: (s) => s.old, class: () => "number" },
    { key: "new", title: "after", text: (s) => level(s, s.new), sort: (s) => s.new, class: () => "number" },
    {
      key: "ratio", title: "after ÷ before", sort: ratio, class: (s) => `number ${rises(s) ? "bad" : "good"}`,
      text: (s) => times(s, s.new),
    },
    {
      key: "latest", title: "today ÷ before", sort: (s) => (told(s, s.latest) ? s.latest / s.old : Infinity),
      text: (s) => (told(s, s.latest) ? times(s, s.latest) : level(s, s.latest)), class: () => "number",
      tip: (s) => (back(s) ? "as before the step, or better for a rise" : "the step has lasted"),
    },
    {
      key: "held", title: "lasted", sort: (s) => s.held, text: (s) => several(s.held, "measured commit"),
      tip: (s) => (s.held === 1 ? "a single measurement: it may be chance" : undefined), class: () => "nowrap",
    },
    {
      key: "series", title: "series", text: () => "history", class: () => "nowrap",
      tip: (s) => s.range && `measured more rarely: between ${s.range.map(short).join(" and ")}`,
      cell: (s) => {
        const run = all.environments[s.environment];
        const href = Site.history(all, run, s.benchmark, s.values);
        return Site.make("span", {}, href ? Site.make("a", { href }, "history") : "", s.range ? " *" : "");
      },
    },
  ];

  // A trend has what a step has, but for what comes after it.
  const TRENDS = [
    ...COLUMNS.filter((column) => !["latest", "held", "series"].includes(column.key)),
    {
      key: "held", title: "over", sort: (t) => t.held, text: (t) => several(t.held, "measured commit"), class: () => "nowrap",
      tip: (t) => `from ${short(t.first)} to ${short(t.last)}`,
    },
    COLUMNS.find((column) => column.key === "series"),
  ];

  function named(step, name) {
    return step.values[bench(step).names.indexOf(name)];
  }

  const listed = (items, more) =>
    Site.make("ul", {}, ...items.map((item) => Site.make("li", {}, ...item)), ...(more ? [Site.make("li", {}, `and ${more} more`)] : []));

  function code(group) {
    const found = [Site.make("h3", {}, "In the code")];
    if (!group.commits.length) {
      found.push(Site.make("p", { class: "note" }, `git does not know what lies between ${short(group.before)} and ${short(group.after)}.`));
      return found;
    }
    found.push(listed(group.commits.map(([id, subject]) => [Site.make("code", {}, short(id)), ` ${subject}`]), group.more_commits));
    if (group.files.length)
      found.push(listed(group.files.map(([name, lines]) => [Site.make("code", {}, name), ` ${lines}`]), group.more_files));
    else found.push(Site.make("p", { class: "note" }, "No file of lsekernels differs: look at the versions, the benchmarks and the machine."));
    return found;
  }

  // One list for all environments in which the same has changed.
  function versions(group, steps) {
    const found = [Site.make("h3", {}, "In what was installed")];
    const here = new Set(steps.map((s) => s.environment));
    const same = new Map();
    for (const [number, changes] of group.installed) {
      const key = JSON.stringify(changes);
      if (here.has(number)) same.set(key, [...(same.get(key) || []), number]);
    }
    for (const [key, numbers] of same) {
      const changes = JSON.parse(key);
      const where = numbers.map(environment).join("; ");
      if (!changes || !changes.length) {
        const text = changes ? "nothing" : "unknown: what was installed is not stored beside both results";
        found.push(Site.make("p", { class: "note" }, `${where}: ${text}.`));
        continue;
      }
      const texts = changes.map(([name, old, now]) =>
        [Site.make("b", {}, name), old === null ? ` ${now}, not there before` : now === null ? ` ${old}, taken away` : ` ${old} → ${now}`]);
      found.push(Site.make("p", { class: "note" }, `${where}:`), listed(texts));
    }
    return found;
  }

  function incident(group, steps, number, open) {
    const causes = unique(steps.map((s) => cause(group, s)).filter(Boolean));
    const since = [causes.length && `confirmed: ${causes.join(", ")}`, undone(steps)].filter(Boolean).join("; ");
    const summary = Site.make("summary", {}, Site.make("b", {}, `${group.date} `), Site.make("code", {}, short(group.after)),
      ` ${sentence(group, steps)}. `, ...(since ? [Site.make("span", { class: "mark" }, since)] : []));
    const made = Site.make("details", { class: "incident", id: short(group.after) }, summary);
    const fill = () => {
      if (!made.open || made.children.length > 1) return;
      const link = Site.make("a", { href: `#${new URLSearchParams({ ...changed(), commit: short(group.after) })}` }, "link to this incident");
      const table = Site.make("table", { id: `steps-${number}` });
      made.append(
        Site.make("p", { class: "note" }, `Last measured before: ${short(group.before)}. First measured after: ${short(group.after)}. `, link),
        Site.make("div", { class: "pair" }, Site.make("section", {}, ...code(group)), Site.make("section", {}, ...versions(group, steps))),
        Site.make("h3", {}, `${steps.length} series`),
        Site.make("div", { class: "scroll" }, table));
      Site.table(table.id, COLUMNS, steps, "ratio", steps.some(rises));
      if (steps.some((s) => s.range))
        made.append(Site.make("p", { class: "note" }, "* measured more rarely: its step lies in a wider range, which holds this one."));
    };
    made.addEventListener("toggle", fill);
    made.open = open;
    return { made, fill };
  }

  const parameters = (row) => bench(row).names.map((name, i) => `${name} ${row.values[i]}`).join(", ");
  const CONFIRMED = [
    { key: "date", title: "confirmed on", text: (c) => c.date, class: () => "nowrap" },
    {
      key: "commit", title: "since commit", text: (c) => short(c.after),
      tip: (c) => `the commit before it: ${short(c.before)}`, cell: (c) => Site.make("code", {}, short(c.after)),
    },
    { key: "cause", title: "cause", text: (c) => c.cause },
    { key: "what", title: "series", text: (c) => `${bench(c).title}, ${bench(c).what}: ${parameters(c)}` },
    { key: "machine", title: "machine", text: (c) => c.machine, tip: (c) => c.environment },
    {
      key: "ratio", title: "after ÷ before", class: () => "number bad", sort: (c) => c.ratio ?? Infinity,
      text: (c) => (c.ratio === null ? "–" : Site.times(c.ratio)),
    },
    {
      key: "interval", title: "measured between", class: () => "number", sort: (c) => c.low ?? -1,
      text: (c) => (c.low === null ? "–" : `${Site.times(c.low)} and ${Site.times(c.high)}`),
      tip: (c) => (c.low === null ? "what was measured again shows no difference; the ratio is that of the history" : undefined),
    },
  ];
  if (document.getElementById("confirmed")) Site.table("confirmed", CONFIRMED, all.confirmed, "date", true);
  // Found again: a confirmed one of the same series whose commit lies in the range of the step.
  const cause = (group, step) => (all.confirmed.find((c) => c.benchmark === step.benchmark
    && c.machine === all.environments[step.environment].machine && c.values.join() === step.values.join()
    && [group.after, ...group.commits.map(([id]) => id)].includes(c.after)) || {}).cause;

  const changed = () => Object.fromEntries(Object.entries(state).filter(([key, value]) => value && value !== DEFAULTS[key]));

  function show() {
    state.threshold = String(Math.max(1, Number(state.threshold) || 5));
    document.getElementById("threshold").value = state.threshold;
    const steps = all.groups.flatMap((group) => group.steps);
    const every = [...steps, ...all.trends];
    const known = unique(every.map((s) => bench(s).kernel));
    const titles = known.map((k) => [k, Object.values(all.benchmarks).find((b) => b.kernel === k).title]);
    const quantities = unique(every.map((s) => bench(s).quantity)).sort();
    state.direction = Site.choose("direction", [["both", "slower and faster"], ["slower", "slower, or more"], ["faster", "faster, or less"]], state.direction);
    state.kernel = Site.choose("kernel", [["", "all"], ...titles.sort((a, b) => a[1].localeCompare(b[1]))], state.kernel);
    state.quantity = Site.choose("quantity", [["", "all"], ...quantities.map((q) => [q, q])], state.quantity);
    Site.remember(state);
    const found = all.groups.map((group) => [group, group.steps.filter(shown)]).filter(([, some]) => some.length);
    const asked = found.findIndex(([group]) => short(group.after) === state.commit);
    const made = found.map(([group, some], number) => incident(group, some, number, number === Math.max(0, asked)));
    Site.fill("incidents", ...made.map((one) => one.made));
    for (const one of made) one.fill();
    const trends = all.trends.filter(shown);
    const box = document.getElementById("trends");
    box.hidden = !trends.length;
    const up = trends.filter(rises).length;
    box.firstElementChild.textContent = `Trends: ${up} series rise, ${trends.length - up} fall, a little with every commit`;
    Site.table("trending", TRENDS, trends, "ratio", true);
    document.getElementById("about").textContent = about(found, steps);
    if (asked >= 0) made[asked].made.scrollIntoView();
    document.body.dataset.ready = "yes";
  }

  function about(found, steps) {
    if (!steps.length)
      return `No step so far. They can be told from noise in series of several commits; the longest here has ${several(all.commits, "measured commit")}.`;
    const count = found.reduce((sum, [, some]) => sum + some.length, 0);
    if (!count) return `None of the ${several(steps.length, "step")} is like this: choose a smaller size, or all.`;
    return `${several(found.length, "incident")} with ${several(count, "step")}, of ${several(steps.length, "step")} of at least 1 %.`;
  }

  Site.listen(["threshold", "direction", "kernel", "quantity"], DEFAULTS, state, show, () => { state.commit = ""; });
  show();
})();
