"use strict";
(() => {
  const main = document.querySelector("main");
  const sheet = main.dataset.sheet;
  const items = [...document.querySelectorAll(".item")];
  const reviewer = document.getElementById("reviewer");
  const status = document.getElementById("status");
  const store = "footnote-review-" + sheet;
  let current = 0;

  const chosen = (item) => item.querySelector("input[type=radio]:checked")?.value ?? "";
  const judged = () => items.filter(chosen).length;

  const show = (message) => {
    status.textContent = message ?? judged() + " of " + items.length + " judged";
    document.getElementById("bar").style.width = (100 * judged()) / items.length + "%";
  };

  const save = () => {
    const said = items.map((item) => [chosen(item), item.querySelector(".comment").value]);
    try {
      localStorage.setItem(store, JSON.stringify({ reviewer: reviewer.value, said }));
    } catch {
      // Without a store the choices live as long as the page.
    }
    show();
  };

  const restore = () => {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(store));
    } catch {
      return;
    }
    if (!kept || !Array.isArray(kept.said) || kept.said.length !== items.length) return;
    reviewer.value = kept.reviewer ?? "";
    items.forEach((item, at) => {
      const [verdict, comment] = kept.said[at];
      for (const input of item.querySelectorAll("input[type=radio]")) input.checked = input.value === verdict;
      item.querySelector(".comment").value = comment ?? "";
    });
  };

  const go = (at, scroll) => {
    current = Math.max(0, Math.min(items.length - 1, at));
    items.forEach((item, number) => item.classList.toggle("current", number === current));
    if (scroll) {
      items[current].scrollIntoView({ block: "start" });
      items[current].focus({ preventScroll: true });
    }
  };

  const nextOpen = () => {
    const later = items.findIndex((item, at) => at > current && !chosen(item));
    const any = later >= 0 ? later : items.findIndex((item) => !chosen(item));
    if (any >= 0) go(any, true);
    else show("All judged: download the file and send it back");
  };

  const cell = (text) => (/[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);

  const download = () => {
    const name = reviewer.value.trim();
    if (!name) {
      show("Enter your name first");
      reviewer.focus();
      return;
    }
    const rows = [["sheet", "item", "verdict", "comment", "reviewer"]];
    for (const item of items) {
      rows.push([sheet, item.dataset.item, chosen(item), item.querySelector(".comment").value, name]);
    }
    const text = rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = "review-" + sheet + "-" + name.replace(/[^\p{L}\p{N}]+/gu, "-") + ".csv";
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    const open = items.length - judged();
    show(open ? "Downloaded, with " + open + " still open" : "Downloaded");
  };

  main.addEventListener("change", save);
  main.addEventListener("input", save);
  main.addEventListener("click", (event) => {
    const item = event.target.closest(".item");
    if (item) go(items.indexOf(item), false);
  });
  document.getElementById("next").addEventListener("click", nextOpen);
  document.getElementById("download").addEventListener("click", download);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio])");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const verdict = items[current].querySelectorAll("input[type=radio]")["1234".indexOf(event.key)];
    if (verdict) {
      verdict.checked = true;
      save();
      nextOpen();
    } else if (event.key === "j" || event.key === "k") {
      go(current + (event.key === "j" ? 1 : -1), true);
    } else {
      return;
    }
    event.preventDefault();
  });

  restore();
  go(0, false);
  show();
})();
