"use strict";
const looks = [...document.querySelectorAll(".look")];
const visible = () => looks.filter((look) => !look.hidden);

// The finder: search by SKU or title, filter by status.
const finder = document.querySelector(".finder");
const found = finder.querySelector(".found");
function find() {
  const words = finder.elements.words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const status = finder.elements.status.value;
  for (const look of looks) {
    const named = words.every((word) => look.dataset.words.includes(word));
    look.hidden = !named || (status !== "" && look.dataset.status !== status);
  }
  for (const rail of document.querySelectorAll(".rail")) rail.hidden = !rail.querySelector(".look:not([hidden])");
  const count = visible().length;
  found.textContent = count === looks.length ? `${count} looks` : `${count} of ${looks.length} looks`;
  document.getElementById("none-found").hidden = count > 0 || looks.length === 0;
}
finder.addEventListener("input", find);
finder.addEventListener("submit", (event) => event.preventDefault());
finder.hidden = looks.length === 0;
find();

// One Tab stop a look: its pictures are reached through the lightbox.
for (const look of looks) look.tabIndex = 0;
for (const frame of document.querySelectorAll("main a.frame")) frame.tabIndex = -1;

function columns(shown) {
  const top = shown[0].offsetTop;
  const wrap = shown.findIndex((look) => look.offsetTop !== top);
  return wrap === -1 ? shown.length : wrap;
}

function step(look, key) {
  const shown = visible();
  const at = shown.indexOf(look);
  const targets = {
    ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns(shown), ArrowDown: at + columns(shown),
    Home: 0, End: shown.length - 1,
  };
  return key in targets ? shown[targets[key]] ?? look : null;
}

// The lightbox: a look's garments and stages in order, then the next look's.
const box = document.querySelector(".lightbox");
const image = box.querySelector("img");
let current = null;
let opener = null;

// What the looks of a SKU share goes before the first of them that is shown.
const firstOf = (rail) => rail.querySelector(".look:not([hidden])");
const lookOf = (frame) => frame.closest(".look") ?? firstOf(frame.closest(".rail"));
function framesOf(look) {
  const rail = look.closest(".rail");
  const shared = rail && firstOf(rail) === look ? rail.querySelectorAll(".shared a.frame") : [];
  return [...shared, ...look.querySelectorAll(".stages a.frame")];
}

function show(frame) {
  current = frame;
  const look = lookOf(frame);
  const frames = framesOf(look);
  image.src = frame.href;
  image.alt = frame.querySelector("img").alt;
  box.querySelector("strong").textContent = look.dataset.name;
  box.querySelector("figcaption span").textContent =
    `${frame.dataset.caption} (${frames.indexOf(frame) + 1} of ${frames.length})`;
  if (!box.open) box.showModal();
}

function open(look, address) {
  const frames = framesOf(look);
  const cover = address ?? look.querySelector(".cover a.frame")?.href;
  const frame = frames.findLast((one) => one.href === cover);
  if (!frame) return;
  opener = look;
  show(frame);
}

function turn(by) {
  const frames = visible().flatMap(framesOf);
  const next = frames[frames.indexOf(current) + by];
  if (!next) return;
  opener = lookOf(next);
  show(next);
}

document.getElementById("looks").addEventListener("click", (event) => {
  const frame = event.target.closest("a.frame");
  if (!frame || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(lookOf(frame), frame.href);
});

document.getElementById("looks").addEventListener("keydown", (event) => {
  const look = event.target;
  if (!looks.includes(look) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter") {
    event.preventDefault(); // or it would press the lightbox's first button
    open(look);
    return;
  }
  const next = step(look, event.key);
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
});

box.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
});
box.addEventListener("close", () => opener?.focus());
box.addEventListener("click", (event) => {
  if (event.target.closest(".back")) turn(-1);
  else if (event.target.closest(".on")) turn(1);
  else if (event.target !== image) box.close();
});

// A lazy picture that was never scrolled to would print as an empty frame.
addEventListener("beforeprint", () => {
  for (const lazy of document.querySelectorAll("img[loading=lazy]")) lazy.loading = "eager";
});
