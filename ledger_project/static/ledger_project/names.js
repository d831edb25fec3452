// Give a name to the parts of Django's own fields that screen readers would find without one.
"use strict";

window.addEventListener("load", () => {
    // After the scripts of these fields, which draw them when the page has loaded.
    setTimeout(() => {
        // The help beside "Choose all …" has a name, which only an element with a role may have.
        for (const help of document.querySelectorAll(".selector .help-tooltip[aria-label]")) {
            help.setAttribute("role", "img");
        }
        for (const field of document.querySelectorAll("select.admin-autocomplete")) {
            const label = document.querySelector(`label[for="${field.id}"]`);
            const box = field.parentElement.querySelector(".select2-selection");
            if (label && box) {
                const name = label.textContent.trim().replace(/:$/, "");
                box.removeAttribute("aria-labelledby");
                box.setAttribute("aria-label", name);
                box.querySelector(".select2-selection__rendered").setAttribute("aria-label", name);
            }
        }
    }, 0);
});
