"use strict";
// Steps, grouped by where they lie in the history: see incidents.py for the shape of the data, and series.js for
// the words of a step and for its series.

(() => {
  const all = Site.data.incidents;
  if (!document.getElementById("incidents")) {
    document.body.dataset.ready = "yes";
    return;
  }
  const DEFAULTS = { threshold: "5", direction: "both", kernel: "", quantity: "", commit: "" };
  const state = { ...DEFAULTS, ...Site.state() };

  const { unique, words } = Site;
  const index = Site.data.series;
  const short = (commit) => commit.slice(0, 8);
  const bench = (step) => index.benchmarks[step.benchmark];
  const several = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  // 20 % slower and 20 % less time are judged alike: by the change, relative to the level before.
  const large = (step) => Math.abs(step.new - step.old) >= (state.threshold / 100) * Math.abs(step.old);

  const suits = (benchmark) => (!state.kernel || benchmark.group === state.kernel)
    && (!state.quantity || benchmark.quantity === state.quantity);
  const shown = (step) => suits(bench(step)) && large(step)
    && (state.direction === "both" || words.rises(step) === (state.direction === "slower"));

  const VERBS = {
    time: ["slowed", "sped up"], error: ["raised the error of", "lowered the error of"],
    memory: ["raised the memory of", "lowered the memory of"], other: ["raised", "lowered"],
  };

  // "slowed 14 and sped up 2 of 60 series; raised the error of 1 of 28"
  function sentence(group, steps) {
    const parts = unique(steps.map((s) => bench(s).quantity)).map((quantity) => {
      const members = steps.filter((s) => bench(s).quantity === quantity);
      const of = Object.entries(group.measured).filter(([name]) =>
        index.benchmarks[name].quantity === quantity && suits(index.benchmarks[name]));
      const total = of.reduce((sum, [, count]) => sum + count, 0);
      const verbs = VERBS[quantity].map((verb, down) => [verb, members.filter((s) => words.rises(s) === !down).length]);
      const counts = verbs.filter(([, count]) => count).map(([verb, count]) => `${verb} ${count}`);
      return `${counts.join(" and ")} of ${total}`;
    });
    const count = group.commits.length + group.more_commits;
    const who = count === 1 ? "this commit" : count ? `one or more of ${count} commits` : `a change after ${short(group.before)}`;
    return `${who} ${parts.join("; ")} series that were measured on both sides`;
  }

  // "cause: probably the code; repaired since in 2 of 3"
  function since(steps) {
    const causes = unique(steps.map((s) => `${s.confirmed ? "" : "probably "}${s.cause}`)).map((cause) => cause.replace("probably unknown", "unknown"));
    const undone = unique(steps.filter((s) => s.became !== "there").map(words.became)).map((text) => {
      const count = steps.filter((s) => words.became(s) === text).length;
      return `${text}${count === steps.length ? "" : ` in ${count} of ${steps.length}`}`;
    });
    return [`cause: ${causes.join(", ")}`, ...undone].join("; ");
  }

  const rate = (step) => step.ratio ?? Infinity;
  const COLUMNS = [
    { key: "tool", title: "tool", text: (s) => (Site.named(s).tool ? Site.titleOf(index.backends, Site.named(s).tool) : bench(s).what) },
    {
      key: "series", title: "series", text: () => "", class: () => "nowrap",
      tip: (s) => s.range && `measured more rarely: between ${s.range.map(short).join(" and ")}`,
      cell: (s) => {
        const button = Site.opens("show", { series: { benchmark: s.benchmark, values: s.values, environment: s.environment } });
        button.setAttribute("aria-label", `show the series of ${words.title(s)}`);
        button.className = "link";
        return Site.make("span", {}, button, s.range ? " *" : "");
      },
    },
    { key: "what", title: "of what", text: (s) => `${bench(s).title}, ${bench(s).what}`, class: () => "what" },
    {
      key: "n", title: "size or input", class: () => "nowrap",
      text: (s) => [Site.count(Site.named(s).n).replaceAll("_", " "), Site.named(s).dtype].filter(Boolean).join(" "),
      sort: (s) => Site.named(s).n.split("x").reduce((product, n) => product * n, 1) || 0,
    },
    { key: "environment", title: "environment", text: (s) => words.environment(s.environment), class: () => "what" },
    { key: "old", title: "before", text: (s) => words.level(s.benchmark, s.old), sort: (s) => s.old, class: () => "number" },
    { key: "new", title: "after", text: (s) => words.level(s.benchmark, s.new), sort: (s) => s.new, class: () => "number" },
    {
      key: "ratio", title: "after ÷ before", sort: rate, class: (s) => `number ${words.rises(s) ? "bad" : "good"}`,
      text: (s) => `${words.ratio(s)} ${words.verb(s.benchmark, s)}`,
    },
    { key: "cause", title: "cause", text: words.cause, class: () => "what" },
    {
      key: "became", title: "what became of it", text: words.became, class: () => "nowrap",
      tip: (s) => `today's level: ${words.level(s.benchmark, s.latest)}`,
    },
    { key: "held", title: "lasted", sort: (s) => s.held, text: (s) => several(s.held, "measured commit"), class: () => "nowrap" },
  ];

  // A trend has what a step has, but for what comes after it.
  const TRENDS = [
    ...COLUMNS.filter((column) => !["cause", "became", "held"].includes(column.key)),
    {
      key: "held", title: "over", sort: (t) => t.held, text: (t) => several(t.held, "measured commit"), class: () => "nowrap",
      tip: (t) => `from ${words.commit(t.before).id} to ${words.commit(t.at).id}`,
    },
  ];

  const scrolled = (id, label) => Site.make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    Site.make("table", { id, "aria-label": label }));

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
      const where = numbers.map(words.environment).join("; ");
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
    const summary = Site.make("summary", {}, Site.make("b", {}, `${group.date} `), Site.make("code", {}, short(group.after)),
      ` ${sentence(group, steps)}. `, Site.make("span", { class: "tag" }, since(steps)));
    const made = Site.make("details", { class: "incident", id: short(group.after) }, summary);
    const fill = () => {
      if (!made.open || made.children.length > 1) return;
      const link = Site.make("a", { href: `#${new URLSearchParams({ ...changed(), commit: short(group.after) })}` }, "link to this incident");
      made.append(
        Site.make("p", { class: "note" }, `Last measured before: ${short(group.before)}. First measured after: ${short(group.after)}. `, link),
        Site.make("div", { class: "pair" }, Site.make("section", {}, ...code(group)), Site.make("section", {}, ...versions(group, steps))),
        Site.make("h3", {}, `${steps.length} series`), scrolled(`steps-${number}`, `series with a step at ${short(group.after)}`));
      Site.table(`steps-${number}`, COLUMNS, steps, "ratio", steps.some(words.rises));
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
  document.getElementById("trends").append(scrolled("trending", "trends"));
  if (document.getElementById("confirmed")) Site.table("confirmed", CONFIRMED, all.confirmed, "date", true);
  const changed = () => Object.fromEntries(Object.entries(state).filter(([key, value]) => value && value !== DEFAULTS[key]));

  function show() {
    const size = String(Math.max(1, Number(state.threshold) || 5));
    if (!(Number(state.threshold) >= 1) && !Site.changed)
      Site.unknown.push(`Steps of at least “${state.threshold}” % were asked for, and that is no number of 1 or more: shown are those of ${size} %.`);
    state.threshold = document.getElementById("threshold").value = size;
    const steps = all.groups.flatMap((group) => group.steps);
    const every = [...steps, ...all.trends];
    const titles = unique([...Object.keys(index.kernels), ...every.map((s) => bench(s).group)]).map((group) => [group, index.kernels[group] || group]);
    const quantities = unique(every.map((s) => bench(s).quantity)).sort();
    state.direction = Site.choose("direction", [["both", "slower and faster"], ["slower", "slower, or more"], ["faster", "faster, or less"]], state.direction);
    state.kernel = Site.choose("kernel", [["", "all"], ...titles.sort((a, b) => a[1].localeCompare(b[1]))], state.kernel);
    state.quantity = Site.choose("quantity", [["", "all"], ...quantities.map((q) => [q, q])], state.quantity);
    const found = all.groups.map((group) => [group, group.steps.filter(shown)]).filter(([, some]) => some.length);
    const asked = found.findIndex(([group]) => short(group.after) === state.commit);
    if (state.commit && asked < 0) {
      if (all.groups.some((group) => short(group.after) === state.commit))
        Site.unknown.push(`The incident at “${state.commit}” has no step like this: choose a smaller size, or all.`);
      else Site.say("incident", state.commit);
    }
    Site.remember(state);
    const made = found.map(([group, some], number) => incident(group, some, number, number === Math.max(0, asked)));
    Site.fill("incidents", ...made.map((one) => one.made));
    for (const one of made) one.fill();
    const trends = all.trends.filter(shown);
    const box = document.getElementById("trends");
    box.hidden = !trends.length;
    const up = trends.filter(words.rises).length;
    box.firstElementChild.textContent = `Trends: ${up} series rise, ${trends.length - up} fall, a little with every commit`;
    Site.table("trending", TRENDS, trends, "ratio", true);
    document.getElementById("about").textContent = about(found, steps);
    if (asked >= 0) made[asked].made.scrollIntoView();
    document.body.dataset.ready = "yes";
  }

  function about(found, steps) {
    if (!steps.length)
      return `No step so far. They can be told from noise in series of several commits; the longest here has ${several(all.longest, "measured commit")}.`;
    const count = found.reduce((sum, [, some]) => sum + some.length, 0);
    if (!count) return `None of the ${several(steps.length, "step")} is like this: choose a smaller size, or all.`;
    return `${several(found.length, "incident")} with ${several(count, "step")}, of ${several(steps.length, "step")} of at least 1 %.`;
  }

  Site.listen(["threshold", "direction", "kernel", "quantity"], DEFAULTS, state, show, () => { state.commit = ""; });
  show();
})();
