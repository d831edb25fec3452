"use strict";

// The `type` of a problem document links here, for example /docs#insufficient_funds. Swagger UI
// renders the table of errors after the browser has looked for that anchor, so scroll to it here.
function showError() {
  document.querySelector("tr.asked-for")?.classList.remove("asked-for");
  const row = document.getElementById(location.hash.slice(1))?.closest("tr");
  if (!row) return;
  row.closest("details").open = true;
  row.classList.add("asked-for");
  row.scrollIntoView({ block: "center" });
}

// Swagger UI's own deep links begin with "#/". Keep it from handling any other anchor.
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
