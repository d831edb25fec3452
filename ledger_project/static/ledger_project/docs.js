"use strict";

// The `type` of a problem document is /docs#insufficient_funds, say. Swagger UI renders the table of
// errors long after the browser has looked for that anchor, so the page goes there itself.
function showError() {
  document.querySelector("tr.asked-for")?.classList.remove("asked-for");
  const row = document.getElementById(location.hash.slice(1))?.closest("tr");
  if (!row) return;
  row.closest("details").open = true;
  row.classList.add("asked-for");
  row.scrollIntoView({ block: "center" });
}

// Swagger UI takes every anchor for a deep link of its own, which begins with "#/".
const leaveErrorsAlone = () => ({
  statePlugins: {
    layout: {
      wrapActions: {
        parseDeepLinkHash: (follow) => (hash) => hash.startsWith("#/") && follow(hash),
      },
    },
  },
});

SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: document.getElementById("swagger-ui").dataset.document,
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  plugins: [leaveErrorsAlone],
  onComplete: showError,
});

window.addEventListener("hashchange", showError);
