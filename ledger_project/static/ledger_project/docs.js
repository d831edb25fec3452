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

// A box above the operations that finds them by tag, method, path, id and summary. Swagger UI's own
// box only knows tags.
const findOperations = ({ React }) => ({
  components: {
    FilterContainer: ({ layoutActions }) =>
      React.createElement(
        "div",
        { className: "filter wrapper" },
        React.createElement("input", {
          className: "operation-filter-input",
          type: "search",
          placeholder: "Find operations, such as “freeze” or “POST /transfers”",
          "aria-label": "Find operations",
          onChange: ({ target }) => {
            layoutActions.updateFilter(target.value);
            // The messages to webhooks aren't operations, so they are left out.
            document.body.classList.toggle("filtering", target.value.trim() !== "");
          },
        }),
      ),
  },
  fn: {
    opsFilter: (tags, phrase) => {
      const words = phrase.trim().toLowerCase().split(/\s+/);
      return tags
        .map((tag, name) =>
          tag.update("operations", (operations) =>
            operations.filter((each) => {
              const operation = each.get("operation");
              const named = [operation.get("operationId"), operation.get("summary")];
              const text = [name, each.get("method"), each.get("path"), ...named].join(" ");
              return words.every((word) => text.toLowerCase().includes(word));
            }),
          ),
        )
        .filter((tag) => tag.get("operations").size > 0);
    },
  },
});

// Show only the description of all responses but the first until they are opened. Otherwise a single
// operation would fill several screens.
const foldResponses = ({ React }) => ({
  wrapComponents: {
    response: (Response) => (props) => {
      const [isOpen, setOpen] = React.useState(false);
      const { code, isDefault, response } = props;
      if (isDefault || !response.get("content")) return React.createElement(Response, props);
      const button = React.createElement(
        "button",
        { type: "button", "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) },
        response.get("description").replaceAll("`", ""),
      );
      const line = React.createElement(
        "tr",
        { className: "folded-response" },
        React.createElement("td", { className: "response-col_status" }, code),
        React.createElement("td", { className: "response-col_description", colSpan: 2 }, button),
      );
      const whole = isOpen && React.createElement(Response, { ...props, className: "unfolded" });
      return React.createElement(React.Fragment, null, line, whole);
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
  plugins: [leaveErrorsAlone, findOperations, foldResponses],
  onComplete: showError,
});

window.addEventListener("hashchange", showError);
