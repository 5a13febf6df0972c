// Draws the page Health from the monitor's readings, every few seconds. A panel whose component did not answer shows
// that; the others are drawn as usual. look.js draws with `vegaEmbed` from vega.js, which the page loads first.

import { answerTo, element, embed, failure, numbers, shares } from "./look.js";

const REFRESH_MS = 5000;
const LEDGER_REFRESH_MS = 60_000;
const OPEN =
  "Other users of this machine can reach ports that ask for no password, MongoDB's among them: " +
  "only a start by root, which may set a rule of nftables, keeps them out.";
const STAGES = ["gate", "store", "flink-job", "index"];
const board = document.getElementById("panels");
const status = document.getElementById("status");
const views = new Map(); // name of a chart -> its Vega view
let asking = false;

// The monitor's readings by metric.
function readingsOf(recent) {
  const found = new Map();
  for (const one of recent.readings) found.set(one.metric, [...(found.get(one.metric) ?? []), one]);
  return (metric) => found.get(metric) ?? [];
}

function span(seconds) {
  if (seconds < 120) return `${Math.max(0, seconds).toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

const mebibytes = (bytes) => `${numbers.format(Math.round(bytes / 2 ** 20))} MiB`;
const sum = (readings) => readings.reduce((total, one) => total + one.value, 0);

function table(columns, rows) {
  const head = element("tr", {}, ...columns.map(([title, side]) => element("th", { scope: "col", className: side, textContent: title })));
  const body = rows.map((row) =>
    element("tr", {}, ...row.map((cell, i) => {
      const made = element(i === 0 ? "th" : "td", { className: columns[i][1] });
      made.append(cell);
      return made;
    })),
  );
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function state(good, words) {
  return element("span", { className: good ? "good" : "bad", textContent: words });
}

function tile(title, value, good = true) {
  return element("div", {}, element("dt", { textContent: title }), element("dd", { className: good ? "" : "bad", textContent: value }));
}

function glance(recent, of) {
  const nowS = recent.atMs / 1000;
  const tiles = [];
  const tried = (probe, make) => {
    const away = recent.probes.find((one) => one.probe === probe)?.away;
    tiles.push(...(away ? [tile(probe, "no answer", false)] : make()));
  };
  tried("elasticsearch", () => {
    const [newest] = of("vitrine_newest_searchable_timestamp_seconds");
    return [tile("Newest searchable session", newest ? `${span(nowS - newest.value)} old` : "none yet")];
  });
  tried("kafka", () => {
    const oldest = Math.max(0, ...of("vitrine_lag_seconds").map((one) => one.value));
    return [tile("Oldest unprocessed record", oldest ? `${span(oldest)} old` : "none", oldest < 60)];
  });
  tried("reconcile", () => {
    const [ended] = of("vitrine_reconcile_timestamp_seconds");
    if (!ended) return [tile("Stores", "never compared", false)];
    const verdict = of("vitrine_reconcile_verdict").find((one) => one.value === 1)?.labels.verdict;
    const words = { holds: "agree", broken: "do NOT agree", unknown: "could not be compared" };
    return [tile("Stores", `${words[verdict]}, ${span(nowS - ended.value)} ago`, verdict === "holds")];
  });
  tried("flink", () => {
    const [running] = of("vitrine_flink_job_running");
    const [restarts] = of("vitrine_flink_job_restarts");
    const words = running?.value ? "running" : "not running";
    return [tile("Flink job", restarts?.value ? `${words}, ${restarts.value} restarts` : words, running?.value === 1)];
  });
  tried("redis", () => [tile("Distinct users", numbers.format(sum(of("vitrine_distinct_users"))))]);
  return [element("dl", { className: "tiles" }, ...tiles)];
}

function lag(recent, of) {
  const by = (metric, stage) => of(metric).filter((one) => one.labels.stage === stage);
  const rows = STAGES.filter((stage) => by("vitrine_lag_records", stage).length).map((stage) => {
    const oldest = Math.max(0, ...by("vitrine_lag_seconds", stage).map((one) => one.value));
    const plot = element("div", { className: "spark", id: `lag-${stage}` });
    return [stage, plot, numbers.format(sum(by("vitrine_lag_records", stage))), oldest ? span(oldest) : "–"];
  });
  return [table([["stage", ""], ["last half hour", ""], ["records", "number"], ["oldest", "number"]], rows)];
}

// How much each total grew per second. A total falls only when the gate restarts; that counts as no growth.
function rates(points) {
  return points.slice(1).map(([at, value], i) => {
    const [before, had] = points[i];
    return { at, value: (Math.max(0, value - had) * 1000) / Math.max(1, at - before) };
  });
}

function outcomes(recent, of) {
  const rows = of("vitrine_outcomes_total").filter((one) => one.value > 0);
  const all = sum(rows);
  rows.sort((one, other) => other.value - one.value);
  const cells = rows.map((one) => [one.labels.outcome, numbers.format(one.value), shares.format(one.value / all)]);
  return [
    element("div", { className: "chart", id: "outcome-rates" }),
    rows.length ? table([["outcome", ""], ["messages", "number"], ["share", "number"]], cells) : element("div", { className: "empty", textContent: "No message yet." }),
  ];
}

function services(recent, of) {
  const about = (metric, service) => of(metric).find((one) => one.labels.service === service)?.value;
  const rows = of("vitrine_service_up").map(({ labels: { service }, value }) => {
    const restarts = (about("vitrine_service_starts_total", service) ?? 1) - 1;
    return [
      service,
      state(value === 1, value === 1 ? "up" : "does not answer"),
      restarts ? state(restarts < 3, numbers.format(restarts)) : "–",
      mebibytes(about("vitrine_service_resident_bytes", service) ?? 0),
    ];
  });
  const [keptOut] = of("vitrine_foreign_users_kept_out");
  const gap = keptOut?.value === 0 ? [element("p", { className: "notice", textContent: OPEN })] : [];
  return [...gap, table([["service", ""], ["state", ""], ["restarts", "number"], ["memory", "number"]], rows)];
}

// Formats a share that may be far below one per cent.
function rarely(share) {
  return share === 0 ? "0" : share < 1e-12 ? "under 1e-12" : share.toPrecision(2);
}

function filters(recent, of) {
  const about = (metric, filter) => of(metric).find((one) => one.labels.filter === filter)?.value ?? 0;
  const rows = of("vitrine_filter_capacity").map(({ labels: { filter }, value: capacity }) => {
    const items = about("vitrine_filter_items", filter);
    const meter = element("meter", { min: 0, max: 1, low: 0.8, high: 0.99, optimum: 0, value: items / capacity });
    meter.setAttribute("aria-label", `${filter}: ${shares.format(items / capacity)} full`);
    return [
      filter,
      meter,
      `${numbers.format(items)} of ${numbers.format(capacity)}`,
      rarely(about("vitrine_filter_error_ratio", filter)),
      mebibytes(about("vitrine_filter_bytes", filter)),
    ];
  });
  if (rows.length === 0) return [element("div", { className: "empty", textContent: "The gate has not created any filter yet." })];
  return [table([["filter", ""], ["fill", ""], ["items", "number"], ["wrong answers", "number"], ["memory", "number"]], rows)];
}

const PANELS = [
  ["glance", null, glance],
  ["lag", "kafka", lag],
  ["outcomes", "stages", outcomes],
  ["services", "services", services],
  ["filters", "redis", filters],
];

function draw(id, probe, make, recent, of) {
  const place = document.querySelector(`#${id} .figures`);
  const looked = probe === null ? {} : recent.probes.find((one) => one.probe === probe);
  if (!looked || looked.away) {
    const why = looked ? `The monitor gets no answer here (${looked.away}). It keeps trying.` : "The monitor of this installation has no such probe.";
    place.replaceChildren(element("div", { className: "empty", textContent: why }));
    return;
  }
  place.replaceChildren(...make(recent, of));
}

async function chart(id, spec) {
  const place = document.getElementById(id);
  if (place === null) return;
  views.get(id)?.finalize();
  views.delete(id);
  try {
    views.set(id, await embed(place, spec));
  } catch (error) {
    place.replaceChildren(failure(error));
  }
}

async function charts(recent) {
  const plots = (metric) => recent.plots.filter((one) => one.metric === metric);
  for (const { of, points } of plots("vitrine_lag_records")) {
    await chart(`lag-${of}`, {
      height: 36,
      description: `Lag of ${of} over the last half hour`,
      data: { values: points.map(([at, value]) => ({ at, value })) },
      mark: { type: "area", line: true, opacity: 0.4, interpolate: "step-after" },
      encoding: {
        x: { field: "at", type: "temporal", axis: null },
        y: { field: "value", type: "quantitative", axis: null, scale: { domain: [0, Math.max(1, ...points.map(([, value]) => value))] } },
      },
    });
  }
  const kind = (outcome) => (["valid", "duplicate", "no_consent"].includes(outcome) ? outcome : "refused");
  const values = plots("vitrine_outcomes_total").flatMap(({ of, points }) =>
    rates(points).map((point) => ({ ...point, outcome: kind(of) })),
  );
  await chart("outcome-rates", {
    height: 150,
    description: "Messages a second by outcome, over the last half hour",
    data: { values },
    mark: { type: "area", interpolate: "step-after" },
    encoding: {
      x: { field: "at", type: "temporal", title: null, axis: { tickCount: 6, format: "%H:%M" }, scale: { type: "utc" } },
      y: { aggregate: "sum", field: "value", type: "quantitative", title: "messages/s", axis: { tickCount: 3 } },
      color: { field: "outcome", type: "nominal", title: null, scale: { domain: ["valid", "duplicate", "refused", "no_consent"] } },
    },
  });
}

async function refresh() {
  asking = true;
  try {
    const recent = await answerTo(board.dataset.source);
    const of = readingsOf(recent);
    for (const [id, probe, make] of PANELS) draw(id, probe, make, recent, of);
    await charts(recent);
    board.classList.remove("stale");
    board.dataset.drawn = String(recent.atMs);
    status.textContent = `As of ${new Date(recent.atMs).toISOString().slice(11, 19)} UTC, renewed every ${REFRESH_MS / 1000} s`;
    status.classList.remove("bad");
  } catch (error) {
    board.classList.add("stale");
    delete board.dataset.drawn;
    status.textContent = `${error.message} Trying again every ${REFRESH_MS / 1000} s.`;
    status.classList.add("bad");
  } finally {
    asking = false;
  }
}

// Says so if the privacy ledger is not intact. That MongoDB does not answer, the readings show.
async function ledger() {
  const notice = document.getElementById("ledger");
  const { told } = await answerTo(board.dataset.ledger).catch(() => ({ told: "" }));
  notice.textContent = told;
  notice.hidden = !told;
}

document.addEventListener("themechange", refresh);
setInterval(() => document.hidden || ledger(), LEDGER_REFRESH_MS);
ledger();
setInterval(() => document.hidden || asking || refresh(), REFRESH_MS);
refresh();
