// A recording goes to the server twice: for its tags, then for its taggram.
const FEW = 8; // tags that are shown at first
const ROWS = 16; // of the taggram
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120]; // seconds between marks of the axis

const at = (id) => document.getElementById(id);
const [audio, map, cursor, hover] = ["audio", "map", "cursor", "hover"].map(at);
let model = { thresholds: {}, most_bytes: Infinity };
let asked = 0; // which recording is looked at; answers to others come too late
let duration = 0; // seconds, as the server decoded it
let objectUrl = null;

const text = (tag, content, kind = "") => {
  const element = document.createElement(tag);
  element.textContent = content;
  if (kind) element.className = kind;
  return element;
};
const clock = (seconds) => {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  const tree = await answer.json().catch(() => ({}));
  if (answer.ok) return tree;
  const sentence = tree.error || `The server answers ${answer.status}.`;
  throw new Error(sentence[0].toUpperCase() + sentence.slice(1));
}

function fail(error) {
  at("status").textContent = "";
  at("error").textContent = error.message;
  at("error").hidden = false;
}

async function hear(name, source, request) {
  const mine = ++asked;
  at("error").hidden = true;
  at("result").hidden = true;
  at("taggram-part").hidden = true;
  at("status").textContent = `Listening to ${name} …`;
  audio.src = source;
  try {
    const heard = await ask("api/tags", request);
    if (mine !== asked) return;
    duration = heard.seconds;
    at("title").textContent = name;
    at("result").hidden = false;
    showTags(heard.tags);
    at("status").textContent = "Looking at its moments …";
    const moments = await ask("api/taggram", request);
    if (mine !== asked) return;
    showTaggram(moments);
    at("status").textContent = "";
  } catch (error) {
    if (mine === asked) fail(error);
  }
}

// --- tags

function showTags(tags) {
  const rows = tags.map((each) => {
    const row = document.createElement("li");
    if (each.decision) row.className = "yes";
    const bar = text("span", "", "bar");
    const fill = document.createElement("i");
    fill.style.width = `${100 * each.score}%`;
    bar.append(fill);
    const threshold = model.thresholds[each.tag];
    if (threshold !== null && threshold !== undefined && threshold <= 1) {
      const mark = document.createElement("b");
      mark.style.left = `${100 * threshold}%`;
      bar.append(mark);
    }
    row.append(text("span", each.tag, "name"), bar, text("span", each.score.toFixed(3), "score"));
    row.title = each.decision ? "decided for" : "not decided for";
    if (each.decision) row.setAttribute("aria-label", `${each.tag} ${each.score.toFixed(3)}, decided for`);
    return row;
  });
  at("tags").replaceChildren(...rows.slice(0, FEW));
  const rest = rows.slice(FEW);
  at("more").hidden = !rest.length;
  at("more").textContent = `Show ${rest.length} more`;
  at("more").onclick = () => {
    at("tags").append(...rest);
    at("more").hidden = true;
  };
}

// --- taggram

function showTaggram(moments) {
  const tags = moments.tags.slice(0, ROWS);
  const centres = moments.starts.map((start) => Math.min(start + moments.window_seconds / 2, duration));
  const edges = [0, ...centres.slice(1).map((centre, i) => (centre + centres[i]) / 2), duration];
  const cells = [];
  tags.forEach((tag, row) => {
    moments.scores[row].forEach((score, column) => {
      const cell = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      cell.setAttribute("x", edges[column]);
      cell.setAttribute("y", row + 0.04);
      cell.setAttribute("width", edges[column + 1] - edges[column]);
      cell.setAttribute("height", 0.92);
      cell.setAttribute("fill-opacity", score.toFixed(3));
      cells.push(cell);
    });
  });
  map.setAttribute("viewBox", `0 0 ${duration} ${tags.length}`);
  map.setAttribute("aria-label", `Scores over time. Surest moments: ${surest(tags, moments, edges)}`);
  map.replaceChildren(...cells);
  at("names").replaceChildren(...tags.map((tag) => text("div", tag)));
  map.parentElement.onpointermove = (event) => tell(event, tags, moments, edges);
  showAxis();
  at("taggram-part").hidden = false;
  follow();
}

function surest(tags, moments, edges) {
  return tags.slice(0, 5).map((tag, row) => {
    const best = moments.scores[row].indexOf(Math.max(...moments.scores[row]));
    return `${tag} ${moments.scores[row][best].toFixed(2)} at ${clock(edges[best])}`;
  }).join("; ");
}

function showAxis() {
  const step = STEPS.find((each) => duration / each <= 8) || STEPS[STEPS.length - 1];
  const times = [];
  for (let time = 0; time < duration - step / 2; time += step) times.push(time);
  times.push(duration);
  at("axis").replaceChildren(...times.map((time) => {
    const mark = text("span", clock(time));
    mark.style.left = `${(100 * time) / duration}%`;
    return mark;
  }));
}

function where(event) {
  const box = map.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

function tell(event, tags, moments, edges) {
  const { x, y } = where(event);
  const row = Math.floor(y * tags.length);
  const column = edges.findLastIndex((edge) => edge <= x * duration);
  const score = moments.scores[row]?.[Math.min(column, moments.starts.length - 1)];
  hover.hidden = score === undefined || x < 0 || x > 1;
  if (hover.hidden) return;
  hover.textContent = `${tags[row]} ${score.toFixed(2)} at ${clock(x * duration)}`;
  hover.style.left = `${100 * Math.min(Math.max(x, 0.15), 0.85)}%`;
  hover.style.top = `${(100 * row) / tags.length}%`;
}

map.parentElement.addEventListener("pointerleave", () => { hover.hidden = true; });
map.parentElement.addEventListener("click", (event) => {
  audio.currentTime = where(event).x * duration;
  audio.play().catch(() => {}); // the browser may want to be asked first
  follow();
});

function follow() {
  cursor.hidden = !duration;
  cursor.style.left = `${100 * Math.min(audio.currentTime / duration, 1)}%`;
  if (!audio.paused) requestAnimationFrame(follow);
}
for (const name of ["play", "seeked", "timeupdate"]) audio.addEventListener(name, follow);

// --- choosing

function hearFile(file) {
  if (!file) return;
  if (file.size > model.most_bytes) {
    asked++;
    fail(new Error(`${file.name} has ${(file.size / 1e6).toFixed(1)} MB; ${model.most_bytes / 1e6} MB is the most. Choose an excerpt.`));
    return;
  }
  if (objectUrl) URL.revokeObjectURL(objectUrl);
  objectUrl = URL.createObjectURL(file);
  hear(file.name, objectUrl, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
}

at("file").addEventListener("change", (event) => {
  hearFile(event.target.files[0]);
  event.target.value = "";
});
at("address").addEventListener("submit", (event) => {
  event.preventDefault();
  const url = at("url").value;
  hear(url, url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ url }) });
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") hearFile(event.dataTransfer.files[0]);
  });
}

ask("api/model").then((told) => {
  model = told;
  at("model").textContent = told.model;
  at("limits").textContent = `mp3, ogg, flac or wav; at most ${told.most_bytes / 1e6} MB and ${clock(told.longest_seconds)} minutes`;
  at("address").hidden = !told.fetch;
}).catch(fail);
