/**
 * The card's script, for an iframe with an opaque origin: no cookies, no storage, nothing but the
 * one-time token of its address. All it shows it sets as text. Approving takes two clicks on a
 * button that is enabled only after every part of the plan was in view, and that ignores a click
 * within half a second of appearing, changing or being covered.
 */
export const CARD_SCRIPT = String.raw`
"use strict";
(() => {
  const SETTLE_MS = 500;
  const CHUNK = 400;
  const byId = (id) => document.getElementById(id);
  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className !== undefined) element.className = className;
    return element;
  };
  const here = location.href.split("#")[0];
  let session;
  let card;
  let planShown;
  /** Parts of the plan that were not in view yet. */
  const unseen = new Set();
  /** Pictures of the plan that are not there yet. */
  let missing = 0;
  let failed = false;
  let busy = false;
  let armed;

  async function ask(path, body) {
    const response = await fetch(here + "/" + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    throw Object.assign(new Error(problem.detail || "The gateway answered " + response.status + "."), {
      code: problem.code,
      hint: problem.hint,
    });
  }

  function say(text) {
    byId("note").textContent = text;
  }

  function elsewhere(url) {
    const place = byId("elsewhere");
    if (!/^https?:\/\//.test(url)) return;
    place.hidden = false;
    byId("address").value = url;
    const link = place.querySelector("a");
    link.href = url;
    // A window that a sandboxed frame opens is sandboxed as well, and the console does not work in it.
    link.hidden = self.origin === "null";
  }

  /** A frame of a chat may be kept from the clipboard; then the address stands marked, to be copied by hand. */
  async function copyAddress() {
    const field = byId("address");
    let copied = false;
    try {
      await navigator.clipboard.writeText(field.value);
      copied = true;
    } catch {
      field.focus();
      field.select();
      copied = document.execCommand("copy");
    }
    byId("copied").textContent = copied
      ? "Copied. Open it in a tab of your own, and sign in there."
      : "It is marked: copy it with Ctrl+C (⌘C), open it in a tab of your own, and sign in there.";
  }

  /** Parts small enough to be in view whole. */
  function chunks(text) {
    const parts = [];
    let rest = text;
    while (rest.length > CHUNK || (rest.match(/\n/g) || []).length > 5) {
      let end = Math.min(rest.length, CHUNK);
      const lines = rest.slice(0, end).split("\n");
      if (lines.length > 6) end = lines.slice(0, 5).join("\n").length + 1;
      const code = rest.charCodeAt(end - 1);
      if (code >= 0xd800 && code <= 0xdbff) end -= 1;
      parts.push(rest.slice(0, end));
      rest = rest.slice(end);
    }
    return parts.concat(rest);
  }

  const supportsVisibility = "isVisible" in IntersectionObserverEntry.prototype;
  const options = { threshold: [0, 0.99], ...(supportsVisibility && { trackVisibility: true, delay: 100 }) };
  const isSeen = (entry) =>
    entry.isIntersecting && entry.intersectionRatio >= 0.99 && (!supportsVisibility || entry.isVisible);

  const reader = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!isSeen(entry) || !unseen.has(entry.target)) continue;
      unseen.delete(entry.target);
      reader.unobserve(entry.target);
    }
    update();
  }, options);

  function watch(element) {
    unseen.add(element);
    reader.observe(element);
  }

  function shown(name, text) {
    const element = make(name);
    if (text === "") element.className = "empty";
    for (const part of chunks(text === "" ? "nothing" : text)) {
      const span = make("span", part);
      element.append(span);
      watch(span);
    }
    return element;
  }

  /** What is short stands in rows, what is long below its label. */
  function blocks(list, show) {
    const parts = [];
    let rows;
    for (const { label, text } of list) {
      if (text.length <= 80 && !text.includes("\n")) {
        if (rows === undefined) parts.push((rows = make("dl")));
        rows.append(make("dt", label), show("dd", text));
      } else {
        rows = undefined;
        parts.push(make("h3", label), show("pre", text));
      }
    }
    return parts;
  }

  async function picture(id, place, isPlan) {
    const image = make("img");
    image.alt = "";
    try {
      const blob = await (await ask("picture", { session, artifact_id: id })).blob();
      image.src = URL.createObjectURL(blob);
      await image.decode();
      place.append(image);
      if (isPlan) {
        missing -= 1;
        watch(image);
      }
    } catch {
      if (isPlan) failed = true;
      place.append(make("p", "The picture cannot be shown."));
    }
    update();
  }

  function renderPlan() {
    const text = JSON.stringify([card.facts.map(({ label }) => label), card.steps, card.plan_digest]);
    if (text === planShown) return;
    planShown = text;
    reader.disconnect();
    unseen.clear();
    missing = 0;
    failed = false;
    disarm();
    const parts = blocks(card.facts, shown);
    for (const step of card.steps) {
      const section = make("section");
      const title = shown("h2", step.title);
      title.append(" ", make("span", step.risk, "badge " + step.risk));
      section.append(title);
      section.append(...blocks(step.blocks, shown));
      if (step.picture !== undefined) {
        missing += 1;
        picture(step.picture, section, true);
      }
      parts.push(section);
    }
    byId("plan").replaceChildren(...parts);
  }

  let pictures = "";
  function renderOutcome() {
    const text = JSON.stringify([card.outcome, card.pictures]);
    if (text === pictures) return;
    pictures = text;
    const place = byId("outcome");
    place.replaceChildren();
    place.append(...blocks(card.outcome, make));
    for (const id of card.pictures) picture(id, place, false);
  }

  function render() {
    const risk = byId("risk");
    risk.hidden = false;
    risk.className = "badge " + card.risk;
    risk.textContent = card.risk;
    byId("headline").textContent = card.headline;
    renderPlan();
    renderOutcome();
    const progress = byId("progress");
    progress.hidden = !["queued", "running"].includes(card.status);
    progress.querySelector("progress").value = card.progress;
    progress.querySelector("p").textContent = card.message || "";
    const open = ["planned", "awaiting_confirmation"].includes(card.status);
    byId("elsewhere").hidden = !open || card.decidable;
    if (open && !card.decidable) elsewhere(card.confirmation_url);
    renderButtons(open);
    update();
  }

  const buttons = new Map();
  let settledAt = Infinity;
  let covered = true;

  const guard = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const hidden = !isSeen(entry);
      if (hidden !== covered) settle();
      covered = hidden;
      if (hidden) disarm();
    }
    update();
  }, options);

  function settle() {
    settledAt = performance.now() + SETTLE_MS;
    setTimeout(update, SETTLE_MS + 20);
  }

  function renderButtons(open) {
    const wanted = card.finished ? [] : card.decidable ? ["approve", "reject"] : ["reject"];
    const key = wanted.join() + card.status;
    if (byId("buttons").dataset.key === key) return;
    byId("buttons").dataset.key = key;
    guard.disconnect();
    buttons.clear();
    covered = true;
    disarm();
    const labels = {
      approve: ["Approve", "Yes, run exactly this"],
      reject: open ? ["Reject", "Yes, reject it"] : ["Stop", "Yes, stop it"],
    };
    for (const decision of wanted) {
      const button = make("button", labels[decision][0]);
      button.type = "button";
      button.id = decision;
      button.disabled = true;
      // A key held down clicks again and again.
      button.addEventListener("keydown", (event) => event.repeat && event.preventDefault());
      button.addEventListener("click", (event) => press(decision, event));
      buttons.set(decision, { button, labels: labels[decision] });
    }
    byId("buttons").replaceChildren(...[...buttons.values()].map(({ button }) => button));
    for (const { button } of buttons.values()) guard.observe(button);
    settle();
  }

  function disarm() {
    if (armed === undefined) return;
    armed = undefined;
    for (const { button, labels } of buttons.values()) {
      button.textContent = labels[0];
      button.className = "";
    }
    settle();
  }

  function ready(decision) {
    if (busy || covered || document.visibilityState !== "visible") return false;
    if (performance.now() < settledAt) return false;
    return decision === "reject" || (card.decidable && unseen.size === 0 && missing === 0 && !failed);
  }

  function update() {
    if (card === undefined) return;
    for (const [decision, { button }] of buttons) {
      const isReady = ready(decision);
      if (button.disabled === isReady) button.disabled = !isReady;
    }
    if (busy) return;
    const open = ["planned", "awaiting_confirmation"].includes(card.status);
    if (!open) say("");
    else if (!card.decidable) say("It cannot be approved on this card. " + (card.why_not || ""));
    else if (failed) say("It cannot be approved here: not all of it can be shown.");
    else if (unseen.size > 0 || missing > 0) say("Read all of it; then it can be approved.");
    else if (covered) say("Something covers the buttons.");
    else say("");
  }

  async function press(decision, event) {
    if (!event.isTrusted || !ready(decision)) return;
    const { button, labels } = buttons.get(decision);
    if (armed !== decision) {
      disarm();
      armed = decision;
      button.textContent = labels[1];
      button.className = "armed";
      settle();
      update();
      return;
    }
    busy = true;
    update();
    try {
      const answer = await ask("decide", { session, plan_digest: card.plan_digest, decision });
      card = (await answer.json()).card;
      busy = false;
      render();
    } catch (error) {
      busy = false;
      disarm();
      update();
      say([error.message, error.hint].filter(Boolean).join(" "));
    }
  }

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  async function follow() {
    let seen;
    let failures = 0;
    for (;;) {
      try {
        const answer = await (await ask("state", { session, seen })).json();
        failures = 0;
        if (answer.state !== seen) {
          seen = answer.state;
          card = answer.card;
          render();
        }
        if (card.finished) return;
      } catch (error) {
        failures += 1;
        if (error.code !== undefined || failures > 20) throw error;
        await pause(Math.min(1000 * failures, 5000));
      }
    }
  }

  function over(error) {
    card = undefined;
    buttons.clear();
    byId("buttons").replaceChildren();
    byId("progress").hidden = true;
    byId("headline").textContent = error.message;
    say(error.hint || "");
  }

  async function begin() {
    const token = location.hash.slice(1);
    try {
      history.replaceState(null, "", here);
    } catch {
      // An opaque origin may not; the token is used up all the same.
    }
    const opened = await (await ask("open", { token })).json();
    session = opened.session;
    if (session !== undefined) return follow();
    byId("headline").textContent = "This card was opened before";
    say("A card opens once. Ask for the task again to see what became of it.");
    elsewhere(opened.confirmation_url);
  }

  byId("copy").addEventListener("click", copyAddress);
  byId("address").addEventListener("focus", ({ target }) => target.select());
  new ResizeObserver(() => {
    // All that the page around learns of the card is how tall it is.
    if (parent !== window) {
      const height = document.documentElement.offsetHeight + 4;
      parent.postMessage({ type: "iframe:height", height }, "*");
    }
  }).observe(document.documentElement);
  document.addEventListener("visibilitychange", () => {
    disarm();
    settle();
    update();
  });
  begin().catch(over);
})();
`;
