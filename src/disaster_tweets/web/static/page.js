// Sends the forms in the background and puts the answers into the page. Without this script, the
// same forms work, and each answer is a new page or a file.

import { counted, enliven } from "./results.js";

const $ = (id) => document.getElementById(id);
const textForm = $("text-form");
const fileForm = $("file-form");
const fields = [$("text"), $("file")];
const title = document.title.replace(/^Error: /, "");
const initialOptions = $("file-options").cloneNode(true);
const LINE_FEED = 10;

const working = new Map(); // for each busy form, the controller that aborts its work
let scores = ""; // the object URL of the scored file
let scoredText = $("text").value; // the text of the current result

document.documentElement.classList.add("scripted-page");
enlivenResult();

textForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const { submitter } = event;
  if (submitter?.id === "save") return work(textForm, $("text"), (signal) => saveTable(submitter, signal));
  work(textForm, $("text"), (signal) => scoreText(submitter, signal));
});

textForm.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) textForm.requestSubmit();
});

$("result").addEventListener("keydown", (event) => {
  // Enter in a filter must not submit the form.
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});

fileForm.addEventListener("submit", (event) => {
  event.preventDefault();
  work(fileForm, $("file"), (signal) => scoreFile($("file").files[0], signal));
});

$("file").addEventListener("change", () => {
  forgetScores();
  // Lists of columns or sheets belong to the previous file.
  if (fileForm.querySelector("select")) takeOver(initialOptions.cloneNode(true));
});

$("cancel").addEventListener("click", () => working.get(fileForm)?.abort(new Error("Cancelled.")));

$("clear").addEventListener("click", (event) => {
  event.preventDefault();
  for (const work of working.values()) work.abort(new Error(""));
  $("text").value = "";
  $("result").replaceChildren();
  tell($("text"));
  fileForm.reset();
  forgetScores();
  takeOver(initialOptions.cloneNode(true));
  $("text").focus();
  say("Cleared");
});

/** Run one task at a time for a form; show an error beside its field. */
async function work(form, field, task) {
  if (working.has(form)) return;
  const controller = new AbortController();
  working.set(form, controller);
  form.setAttribute("aria-busy", "true");
  try {
    await task(controller.signal);
  } catch (error) {
    const { message } = controller.signal.aborted ? controller.signal.reason : error;
    if (message) say("");
    tell(field, message, false);
    field.scrollIntoView({ block: "nearest" });
  } finally {
    working.delete(form);
    form.setAttribute("aria-busy", "false");
  }
}

/** Show an error beside a field; an empty message clears it. */
function tell(field, message = "", invalid = message !== "") {
  field.setAttribute("aria-invalid", String(invalid));
  $(`${field.id}-message`).replaceChildren(...(message ? [message] : []));
  const wrong = fields.some((each) => $(`${each.id}-message`).textContent);
  document.title = wrong ? `Error: ${title}` : title;
}

/** Announce a text to screen readers. */
function say(text) {
  $("status").textContent = text;
}

async function scoreText(submitter, signal) {
  tell($("text"));
  const body = new URLSearchParams({ text: $("text").value });
  if (submitter?.name === "example") body.set("example", submitter.value);
  if ($("threshold")?.value) body.set("threshold", $("threshold").value);
  $("result").replaceChildren(); // the old result belongs to another text
  const page = await pageOf(await send(textForm.action, body, signal));
  takeOver(page.getElementById("result"));
  if (body.has("example")) $("text").value = page.getElementById("text").value;
  scoredText = $("text").value;
  const problem = page.getElementById("text-message").textContent;
  if (problem) {
    say("");
    tell($("text"), problem);
    return $("text").focus();
  }
  enlivenResult();
  say($("verdict").textContent);
  const tall = $("result").offsetHeight > window.innerHeight;
  $("result").scrollIntoView({ block: tall ? "start" : "nearest" });
}

function enlivenResult() {
  enliven({
    say,
    explain: async (text) => {
      let section = null;
      await work(textForm, $("text"), async (signal) => {
        const response = await send(textForm.action, new URLSearchParams({ text }), signal);
        section = (await pageOf(response)).querySelector(".result");
      });
      return section;
    },
  });
}

/** Save the rows that match the filters, as CSV from the server. */
async function saveTable(button, signal) {
  const body = new URLSearchParams(new FormData(textForm));
  body.set("text", scoredText);
  const response = await send(button.formAction, body, signal);
  if (!response.headers.has("Content-Disposition")) {
    return tell($("text"), (await pageOf(response)).getElementById("text-message").textContent);
  }
  const link = document.createElement("a");
  link.download = nameOf(response);
  link.href = URL.createObjectURL(await response.blob());
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  say(`${link.download} is saved`);
}

async function scoreFile(file, signal) {
  forgetScores();
  if (file?.size > Number(fileForm.dataset.limit)) throw new Error(fileForm.dataset.tooLarge);
  if (file) showProgress(`Scoring ${file.name}`);
  try {
    const response = await send(fileForm.action, new FormData(fileForm), signal);
    if (response.headers.has("Row-Count")) return offer(await receive(response));
    const page = await pageOf(response);
    takeOver(page.getElementById("file-options"));
    say("");
    tell($("file"), page.getElementById("file-message").textContent);
    (fileForm.querySelector("select") ?? $("file")).focus();
  } finally {
    $("progress").hidden = true;
  }
}

function showProgress(task) {
  $("task").textContent = task;
  say(task);
  $("share").textContent = "";
  $("bar").removeAttribute("value"); // until the first row comes back
  $("progress").hidden = false;
}

/** Return the scored file; move the progress bar with each line that arrives. */
async function receive(response) {
  const whole = !response.headers.has("Line-Count"); // a binary format comes in one piece
  const lines = Number(response.headers.get("Line-Count"));
  const rows = counted(Number(response.headers.get("Row-Count")));
  const reader = response.body.getReader();
  const parts = [];
  for (let received = 0; ; ) {
    const { done, value } = await reader.read().catch(fail);
    if (done && (whole ? parts.length > 0 : received === lines)) break;
    if (done) throw new Error("Some rows did not come back. Send the file again.");
    parts.push(value);
    if (whole) continue;
    received += value.filter((byte) => byte === LINE_FEED).length;
    const share = lines ? received / lines : 1; // all lines may end with carriage returns
    $("bar").value = share;
    $("share").textContent = `${Math.floor(100 * share)}% of ${rows}`;
  }
  const notice = decodeURIComponent(response.headers.get("Notice") ?? "");
  const blob = new Blob(parts, { type: response.headers.get("Content-Type") });
  return { name: nameOf(response), rows, notice, blob };
}

/** Return the file name in a response. */
function nameOf(response) {
  const [, name] = response.headers.get("Content-Disposition").split("''");
  return decodeURIComponent(name);
}

function offer({ name, rows, notice, blob }) {
  const link = $("download").querySelector("a");
  link.download = name;
  link.href = scores = URL.createObjectURL(blob);
  link.textContent = `Download ${name}`;
  $("rows").textContent = `Done: ${rows}.${notice && ` ${notice}.`}`;
  say($("rows").textContent);
  $("download").hidden = false;
  if ([document.body, $("cancel")].includes(document.activeElement)) link.focus();
}

function forgetScores() {
  URL.revokeObjectURL(scores);
  $("download").hidden = true;
  tell($("file"));
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault(); // otherwise the browser would leave the page and open the file
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
  if (files.length !== 1 || working.has(fileForm)) {
    return tell($("file"), "One file at a time, please.", false);
  }
  $("file").files = files;
  $("file").dispatchEvent(new Event("change"));
  fileForm.requestSubmit();
});

function send(address, body, signal) {
  return fetch(address, { method: "POST", body, signal }).catch(fail);
}

/** Return the page in a response, with the results or an error message. */
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

function fail(error) {
  const broken = error instanceof TypeError; // browsers throw it when a connection fails
  throw broken ? new Error("The server cannot be reached. Try again later.") : error;
}

function takeOver(element) {
  $(element.id).replaceChildren(...element.childNodes);
}
