// What the pages need beyond htmx: the dialog of an act, live parts that say when they last heard, and a session that ends
// amid a form. Every page works without it.
(() => {
  "use strict";
  const dialog = () => document.getElementById("dialog");
  const source = (event) => event.detail && event.detail.ctx && event.detail.ctx.sourceElement;
  const isLive = (element) => element && element.hasAttribute && element.hasAttribute("data-live");

  // A live part asks only while somebody looks, and not while another request of it is on its way.
  document.addEventListener("htmx:config:request", (event) => {
    if (isLive(source(event)) && document.hidden) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.querySelectorAll("[data-live]").forEach((part) => window.htmx.trigger(part, "seen"));
  });
  const lost = (part) => {
    if (!isLive(part) || !part.isConnected) return;
    part.classList.add("lost");
    const heard = part.querySelector(".heard");
    if (heard) {
      if (!heard.dataset.last) heard.dataset.last = heard.textContent;
      heard.textContent = heard.dataset.last + " · " + document.body.dataset.lost;
    }
  };
  document.addEventListener("htmx:error", (event) => lost(source(event)));
  document.addEventListener("htmx:response:error", (event) => {
    const part = source(event);
    if (!isLive(part)) return;
    lost(part);
    // What a live part is refused with belongs in no page, except the question who asks, and that once.
    const open = dialog() && dialog().open;
    if (event.detail.ctx.response.status !== 401 || open) event.detail.ctx.hx.reswap = "none";
  });

  // The form of an act waits beside the login that its dialog shows instead, and comes back with what was typed.
  document.addEventListener("htmx:response:error", (event) => {
    const body = document.getElementById("dialog-body");
    if (event.detail.ctx.response.status !== 401 || !body || !body.contains(source(event))) return;
    const waiting = document.createElement("div");
    waiting.id = "dialog-waiting";
    waiting.hidden = true;
    waiting.append(...body.childNodes);
    body.after(waiting);
  });
  const comesBack = () => {
    const waiting = document.getElementById("dialog-waiting");
    const body = document.getElementById("dialog-body");
    if (!waiting) return false;
    body.replaceChildren(...waiting.childNodes);
    waiting.remove();
    if (!dialog().open) dialog().showModal();
    return true;
  };

  // An act opens in the dialog; when its part is there, the dialog is shown and its first field has the focus.
  document.addEventListener("htmx:after:swap", (event) => {
    const target = event.detail && event.detail.ctx && event.detail.ctx.target;
    const body = document.getElementById("dialog-body");
    const box = dialog();
    if (!box || !body) return;
    if (target === body || target === "#dialog-body") {
      const again = body.querySelector("[data-csrf]");
      if (again) return loggedInAgain(again.dataset.csrf);
      if (body.firstElementChild && !box.open) box.showModal();
      const first = body.querySelector("[autofocus], input:not([type=hidden]), textarea, select, button");
      if (first) first.focus();
    }
  });
  // The page of an act that was done replaces the one before; the dialog belongs to that one.
  document.addEventListener("htmx:before:swap", (event) => {
    const target = event.detail && event.detail.ctx && event.detail.ctx.target;
    if (target === "#page" || (target && target.id === "page")) closeDialog();
  });
  const closeDialog = () => {
    const box = dialog();
    const waiting = document.getElementById("dialog-waiting");
    if (waiting) waiting.remove();
    if (box && box.open) box.close();
    const body = document.getElementById("dialog-body");
    if (body) body.replaceChildren();
  };
  document.addEventListener("close", (event) => {
    if (event.target === dialog() && !comesBack()) document.getElementById("dialog-body").replaceChildren();
  }, true);

  // After a login in the dialog every form of the page gets the new proof; what was typed stays.
  const loggedInAgain = (token) => {
    document.querySelectorAll('input[name="csrf_token"]').forEach((field) => { field.value = token; });
    const text = document.querySelector("#dialog-body [data-again]").textContent;
    const act = comesBack();
    if (!act) closeDialog();
    const notices = act ? document.querySelector("#dialog-body .form-notice") : document.getElementById("notices");
    const said = document.createElement("p");
    said.className = "notice good";
    said.textContent = text;
    if (notices) notices.replaceChildren(said);
    const send = act && document.querySelector("#dialog-body button[type=submit]");
    if (send) send.focus();
  };

  // A page that was opened by a login leads on by itself.
  document.addEventListener("DOMContentLoaded", () => {
    const on = document.getElementById("go-on");
    if (on) window.location.replace(on.href);
  });

  // A round of calls goes on when the server says that it is due, once for each turn of the desk, while somebody looks and
  // nothing that was typed waits to be kept.
  let turn = "";
  const unkept = (field) => field.tagName === "SELECT" ? !field.options[field.selectedIndex].defaultSelected && field.value : field.value !== field.defaultValue;
  const goOn = () => {
    const form = document.querySelector("form[data-auto]");
    if (!form || document.hidden || form.dataset.auto === turn || [...document.querySelectorAll("[data-hold]")].some(unkept)) return;
    turn = form.dataset.auto;
    form.requestSubmit();
  };
  document.addEventListener("htmx:after:swap", goOn);

  // A secret that is shown once: one press copies it.
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(() => { button.textContent = button.dataset.copied; }, () => {});
  });

  // "All on this page" of a list with boxes.
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.matches || !box.matches("input[data-all]")) return;
    box.form.querySelectorAll('input[type="checkbox"][name="' + box.dataset.all + '"]').forEach((one) => { one.checked = box.checked; });
  });
})();
