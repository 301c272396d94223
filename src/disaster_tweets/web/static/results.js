// The result of one text or of many. Labels follow the threshold, and the table can be sorted,
// filtered and paged, all without a request to the server.

const $ = (id) => document.getElementById(id);
const grouped = (number) => number.toLocaleString("en");

/** Return a number with its noun: "1 row", "1,000 rows". */
export function counted(number, one = "row", more = "rows") {
  return number === 1 ? `1 ${one}` : `${grouped(number)} ${more}`;
}

/**
 * Make a new result interactive.
 *
 * explain: takes a text, and resolves to the section that explains this text alone.
 * say: announces a change to screen readers.
 */
export function enliven({ explain, say }) {
  const section = document.querySelector(".result");
  if (!section) return;
  const table = section.querySelector("table");
  const update = table ? enlivenTable(section, table, explain, say) : () => label(section);
  const threshold = $("threshold");
  if (threshold) enlivenThreshold(threshold, section, update, say);
  update();
}

function enlivenThreshold(field, section, update, say) {
  const slider = $("slider");
  const standard = field.closest(".threshold").dataset.default;
  let last = field.value;
  const set = (percent) => {
    last = percent;
    if (percent !== field.value) field.value = percent;
    slider.value = percent;
    slider.setAttribute("aria-valuetext", `${percent}%`);
    $("reset").hidden = Number(percent) === Number(standard);
    update();
  };
  const tell = () => say(`Threshold ${field.value}%: ${section.querySelector(".says").textContent}`);
  slider.addEventListener("input", () => set(slider.value));
  const valid = () => field.value && field.validity.valid;
  field.addEventListener("input", () => valid() && set(field.value));
  field.addEventListener("change", () => valid() || set(last));
  for (const control of [slider, field]) control.addEventListener("change", tell);
  $("recall")?.addEventListener("click", (event) => {
    set(event.target.dataset.percent);
    tell();
  });
  $("reset").addEventListener("click", () => {
    set(standard);
    slider.focus(); // the button is hidden now
    tell();
  });
  set(field.value);
}

/** Return the threshold from 0 to 1; null with more than two labels. */
function threshold() {
  const field = $("threshold");
  return field && Number(field.value) / 100;
}

/** Set the label of a row, or of the result of one text, by the threshold. */
function label(element) {
  const limit = threshold();
  if (limit === null) return;
  const over = Number(element.dataset.probability) >= limit;
  element.classList.toggle("positive", over);
  element.classList.toggle("negative", !over);
  word(element.querySelector("[data-over]"), over);
  const mark = element.querySelector(".mark");
  for (const end of ["x1", "x2"]) mark.setAttribute(end, `${100 * limit}%`);
}

function word(element, over) {
  element.textContent = over ? element.dataset.over : element.dataset.under;
}

function enlivenTable(section, table, explain, say) {
  const body = table.tBodies[0];
  const pageRows = Number(section.dataset.pageRows);
  const pills = [...section.querySelectorAll(".pills input")];
  const [, positive, negative] = pills.map((pill) => pill.value);
  const written = [...body.querySelectorAll(".row")].map((element) => ({
    element,
    number: Number(element.dataset.number),
    text: element.querySelector(".text").textContent,
    probability: Number(element.dataset.probability),
    label: element.dataset.label,
    detail: element.nextElementSibling?.matches(".detail") ? element.nextElementSibling : null,
  }));
  const rest = JSON.parse(table.dataset.rest).map(([number, text, probability, percent, label]) => (
    { element: null, number, text, probability, percent, label, detail: null }
  ));
  const rows = [...written, ...rest];
  const pattern = written[0].element;
  const sorts = {
    "": (a, b) => a.number - b.number,
    down: (a, b) => b.probability - a.probability || a.number - b.number,
    up: (a, b) => a.probability - b.probability || a.number - b.number,
  };
  let page = Math.floor(Number($("range").dataset.first) / pageRows);

  function update() {
    const limit = threshold();
    const counts = Object.fromEntries(pills.map((pill) => [pill.value, 0]));
    for (const row of rows) {
      if (limit !== null) row.label = row.probability >= limit ? positive : negative;
      counts[row.label] += 1;
    }
    counts[""] = rows.length;
    for (const pill of pills) {
      pill.labels[0].querySelector("b").textContent = grouped(counts[pill.value]);
    }
    if (limit !== null) {
      const verdict = $("verdict");
      $("over").textContent = grouped(counts[positive]);
      word(verdict.querySelector("[data-over]"), counts[positive] === 1);
      const histogram = section.querySelector(".histogram");
      histogram.querySelector(".clip").setAttribute("x", limit * histogram.viewBox.baseVal.width);
    }
    show();
  }

  function show() {
    const wanted = pills.find((pill) => pill.checked).value;
    const words = $("words").value.trim().toLowerCase();
    const found = rows.filter(
      (row) => (!wanted || row.label === wanted) && row.text.toLowerCase().includes(words),
    );
    found.sort(sorts[$("order").value]);
    page = Math.max(0, Math.min(page, Math.ceil(found.length / pageRows) - 1));
    const first = page * pageRows;
    const shown = found.slice(first, first + pageRows);
    for (const row of shown) {
      row.element ??= made(row);
      row.element.hidden = false;
      label(row.element);
    }
    body.replaceChildren(...shown.flatMap((row) => [row.element, row.detail ?? []].flat()));
    $("found").textContent = counted(found.length);
    $("save").disabled = !found.length;
    $("none").hidden = found.length > 0;
    $("range").textContent =
      `${grouped(first + 1)}–${grouped(first + shown.length)} of ${grouped(found.length)}`;
    $("previous").disabled = first === 0;
    $("next").disabled = first + shown.length === found.length;
    section.querySelector(".pager").hidden = found.length <= pageRows;
    return found.length;
  }

  /** Return a new table row for a row that the server sent as data. */
  function made(row) {
    const element = pattern.cloneNode(true);
    element.dataset.probability = row.probability;
    element.querySelector(".number").textContent = grouped(row.number);
    element.querySelector(".text").textContent = row.text;
    if (threshold() === null) element.querySelector(".label span").textContent = row.label;
    element.querySelector(".fill").setAttribute("width", `${100 * row.probability}%`);
    element.querySelector(".probability strong").textContent = row.percent;
    const button = element.querySelector("button");
    button.id = `explain-${row.number}`;
    button.value = row.number;
    button.setAttribute("aria-expanded", "false");
    button.firstChild.textContent = button.firstChild.textContent.replace(/\d+$/, row.number);
    listen(row, button);
    return element;
  }

  function listen(row, button) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      toggle(row, button);
    });
  }

  function choose() {
    page = 0;
    say(counted(show(), "row shown", "rows shown"));
  }

  function turn(event, by) {
    event.preventDefault();
    page += by;
    show();
    say(`Rows ${$("range").textContent}`);
    table.scrollIntoView({ block: "start" });
    if (event.currentTarget.disabled) $(by < 0 ? "next" : "previous").focus();
  }

  async function toggle(row, button) {
    if (row.detail) {
      row.detail.remove();
      row.detail = null;
      row.element.querySelector(".text").textContent = row.text;
    } else {
      const alone = await explain(row.text);
      if (!alone || row.detail) return;
      row.detail = document.createElement("tr");
      row.detail.className = "detail";
      const cell = row.detail.insertCell();
      cell.colSpan = row.element.cells.length;
      cell.append(...alone.querySelectorAll(".labels, .explained"));
      row.element.querySelector(".text").replaceWith(alone.querySelector(".text"));
      row.element.after(row.detail);
    }
    button.setAttribute("aria-expanded", String(row.detail !== null));
  }

  for (const pill of pills) pill.addEventListener("change", choose);
  $("order").addEventListener("change", choose);
  $("words").addEventListener("input", choose);
  $("previous").addEventListener("click", (event) => turn(event, -1));
  $("next").addEventListener("click", (event) => turn(event, 1));
  for (const row of written) listen(row, row.element.querySelector("button"));
  return update;
}
