// Keeps the page in its place: sends the forms, and puts in what the server answers. Without
// this script the same forms work, and each answer is a page or a file of its own.

const $ = (id) => document.getElementById(id);
const textForm = $("text-form");
const fileForm = $("file-form");
const initialOptions = $("file-options").cloneNode(true);
const LINE_FEED = 10;

let cancel = new AbortController();
let scores = ""; // the address of the scored file, in this browser

for (const element of document.querySelectorAll(".scripted")) element.hidden = false;

textForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(textForm, event.submitter));
  work(textForm, $("text-message"), () => scoreText(fields));
});

textForm.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) textForm.requestSubmit();
});

fileForm.addEventListener("submit", (event) => {
  event.preventDefault();
  work(fileForm, $("file-message"), () => scoreFile($("file").files[0]));
});

$("file").addEventListener("change", () => {
  forgetScores();
  if ($("column").matches("select")) takeOver(initialOptions.cloneNode(true)); // of another file
});

$("cancel").addEventListener("click", () => cancel.abort(new Error("Cancelled.")));

/** Do one thing at a time with a form; what goes wrong is told beside its field. */
async function work(form, message, task) {
  if (isBusy(form)) return;
  form.setAttribute("aria-busy", "true");
  try {
    await task();
  } catch (error) {
    message.textContent = error.message;
  } finally {
    form.setAttribute("aria-busy", "false");
  }
}

function isBusy(form) {
  return form.getAttribute("aria-busy") === "true";
}

async function scoreText(fields) {
  const focused = document.activeElement.id;
  const page = await pageOf(await send(textForm, fields));
  for (const id of ["text-message", "result"]) takeOver(page.getElementById(id));
  if (fields.has("example")) $("text").value = page.getElementById("text").value;
  markInvalid($("text"), $("text-message"));
  const verdict = $("verdict");
  $("status").textContent = verdict?.textContent;
  if (!verdict) return $("text").focus();
  if (focused) $(focused)?.focus(); // it may be one of those that were replaced
  if (!fields.has("explain")) $("result").scrollIntoView({ block: "nearest" });
}

async function scoreFile(file) {
  forgetScores();
  if (file?.size > Number(fileForm.dataset.limit)) throw new Error(fileForm.dataset.tooLarge);
  cancel = new AbortController();
  if (file) showProgress(`Scoring ${file.name}`);
  try {
    const response = await send(fileForm, new FormData(fileForm), cancel.signal);
    if (response.headers.has("Line-Count")) return offer(file.name, await receive(response));
    const page = await pageOf(response);
    for (const id of ["file-message", "file-options"]) takeOver(page.getElementById(id));
    markInvalid($("file"), $("file-message"));
  } finally {
    $("progress").hidden = true;
  }
}

function showProgress(task) {
  $("task").textContent = $("status").textContent = task;
  $("share").textContent = "";
  $("bar").removeAttribute("value"); // until the first row comes back
  $("progress").hidden = false;
}

/** Return the scored file; each of its lines that comes in moves the bar. */
async function receive(response) {
  const lines = Number(response.headers.get("Line-Count"));
  const rows = Number(response.headers.get("Row-Count")).toLocaleString("en");
  const reader = response.body.getReader();
  const parts = [];
  for (let received = 0; ; ) {
    const { done, value } = await reader.read().catch(explain);
    if (done && received === lines) break;
    if (done) throw new Error("Some rows did not come back. Send the file again.");
    parts.push(value);
    received += value.filter((byte) => byte === LINE_FEED).length;
    const share = lines ? received / lines : 1; // lines may end with carriage returns alone
    $("bar").value = share;
    $("share").textContent = `${Math.floor(100 * share)}% of ${rows} rows`;
  }
  const notice = decodeURIComponent(response.headers.get("Notice") ?? "");
  return { rows, notice, blob: new Blob(parts, { type: response.headers.get("Content-Type") }) };
}

function offer(name, { rows, notice, blob }) {
  const link = $("download").querySelector("a");
  link.download = name.replace(/\.[^.]*$/, "-scored$&");
  link.href = scores = URL.createObjectURL(blob);
  link.textContent = `Download ${link.download}`;
  const counted = rows === "1" ? "1 row" : `${rows} rows`;
  const done = `Done: ${counted}.${notice && ` ${notice}.`}`;
  $("rows").textContent = $("status").textContent = done;
  $("download").hidden = false;
  if ([document.body, $("cancel")].includes(document.activeElement)) link.focus();
}

function forgetScores() {
  URL.revokeObjectURL(scores);
  $("download").hidden = true;
  $("file-message").textContent = "";
  markInvalid($("file"), $("file-message"));
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault(); // else the browser would open the file in place of the page
  fileForm.classList.add("dropping");
});

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) fileForm.classList.remove("dropping");
});

document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  fileForm.classList.remove("dropping");
  fileForm.scrollIntoView({ block: "nearest" });
  const { files } = event.dataTransfer;
  if (files.length !== 1 || isBusy(fileForm)) {
    $("file-message").textContent = "One file at a time, please.";
    return;
  }
  $("file").files = files;
  $("file").dispatchEvent(new Event("change"));
  fileForm.requestSubmit();
});

function send(form, body, signal) {
  return fetch(form.action, { method: "POST", body, signal }).catch(explain);
}

/** Return the page in a response; it has the results, or what was wrong. */
async function pageOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith("application/problem+json")) {
    const { title, detail } = await response.json();
    throw new Error(`${title}: ${detail}`);
  }
  if (!type.startsWith("text/html")) {
    throw new Error(`The server answered with status ${response.status}. Try again later.`);
  }
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function explain(error) {
  if (cancel.signal.aborted) throw cancel.signal.reason; // browsers word it in their own ways
  const broken = error instanceof TypeError; // what browsers throw when a connection fails
  throw broken ? new Error("The server cannot be reached. Try again later.") : error;
}

function takeOver(element) {
  $(element.id).replaceChildren(...element.childNodes);
}

function markInvalid(field, message) {
  field.setAttribute("aria-invalid", String(message.textContent !== ""));
}
