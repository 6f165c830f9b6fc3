"use strict";
// The maths of a job. Times are [value, low, high]; low and high are null where there are too few samples.

Site.choice = {
  DECADE: 10.001,

  // The time at n elements, on the straight line between measured neighbours of the log-log chart, which
  // may lie no more than a factor of ten apart; undefined elsewhere. `points` are [elements, time].
  at: (points, n) => {
    const sorted = points.slice().sort((a, b) => a[0] - b[0]);
    const above = sorted.findIndex(([elements]) => elements >= n);
    if (above < 0) return undefined;
    const [high, y] = sorted[above];
    if (high === n) return y;
    if (!above) return undefined;
    const [low, x] = sorted[above - 1];
    if (high / low > Site.choice.DECADE) return undefined;
    const part = Math.log(n / low) / Math.log(high / low);
    const between = (a, b) => (a === null || b === null ? null : a > 0 && b > 0 ? a * (b / a) ** part : Math.min(a, b));
    return [0, 1, 2].map((i) => between(x[i], y[i]));
  },

  times: (time, calls) => time.map((value) => (value === null ? null : value * calls)),

  // The sum; it has an interval where all parts have one. A part without, of less than a hundredth of the
  // sum, is counted from nothing to three times its value.
  total: (parts) => {
    const known = parts.filter(Array.isArray), sum = (i) => known.reduce((all, part) => all + part[i], 0), value = sum(0);
    const bounds = known.map((part) => (part[1] === null && part[0] < value / 100 ? [part[0], 0, 3 * part[0]] : part));
    const whole = (i) => (bounds.some((part) => part[i] === null) ? null : bounds.reduce((all, part) => all + part[i], 0));
    return [value, whole(1), whole(2)];
  },

  // Of rows that have a `total`: the least first, those that lack a part last; `best` are those which
  // nothing is told to be faster than, and which are not apart from the least. Without an interval no
  // row is best.
  rank: (rows) => {
    const sorted = rows.slice().sort((a, b) => (a.missing.length > 0) - (b.missing.length > 0) || a.total[0] - b.total[0]);
    const first = sorted[0];
    for (const row of sorted)
      row.best = !row.missing.length && !first.missing.length && row.total[1] !== null && first.total[1] !== null
        && !Site.apart(row.total, first.total);
    return sorted;
  },

  // How much longer than the best of a column, as the place of a colour; undefined where it cannot be told.
  grade: (time, best) => {
    if (time[1] === null || best[1] === null) return undefined;
    if (!Site.apart(time, best)) return 0;
    const ratio = time[0] / best[0];
    return ratio <= 2 ? 1 : ratio <= 5 ? 2 : ratio <= 20 ? 3 : 4;
  },
};
