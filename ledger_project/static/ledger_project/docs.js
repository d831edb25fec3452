"use strict";

// The `type` of a problem document links here, for example /docs#insufficient_funds. Swagger UI
// renders the table of errors after the page has loaded, so find the row of that code here.
function showError() {
  document.querySelector("tr.asked-for")?.classList.remove("asked-for");
  const codes = [...document.querySelectorAll("details td:first-child code")];
  const row = codes.find(({ textContent }) => `#${textContent}` === location.hash)?.closest("tr");
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

// Show only the description of all responses until they are opened, except for the first successful
// one, which determines the Accept header. Otherwise a single operation would fill several screens.
const foldResponses = ({ React }) => ({
  wrapComponents: {
    response: (Response) => (props) => {
      const [isOpen, setOpen] = React.useState(false);
      const { code, controlsAcceptHeader, response } = props;
      const isFirst = controlsAcceptHeader && code.startsWith("2");
      if (isFirst || !response.get("content")) return React.createElement(Response, props);
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
      // Swagger UI lets `default` determine the Accept header if no success has a body.
      const unfolded = { ...props, className: "unfolded", controlsAcceptHeader: false };
      const whole = isOpen && React.createElement(Response, unfolded);
      return React.createElement(React.Fragment, null, line, whole);
    },
  },
});

// Show what the values of a parameter mean. Swagger UI ignores the description of its schema.
const explainValues = ({ React }) => ({
  wrapComponents: {
    parameterRow: (Row) => (props) => {
      const texts = [props.param.get("description"), props.param.getIn(["schema", "description"])];
      const description = texts.filter(Boolean).join("\n\n");
      return React.createElement(Row, {
        ...props,
        param: props.param.set("description", description),
      });
    },
  },
});

// An Idempotency-Key can be used only once, so replace the example by a new UUID. A key that was
// entered is sent as it is, so that a retry can be tried. The command for curl shows what was sent.
function renewKey(request) {
  const key = request.headers["Idempotency-Key"];
  if (key !== undefined) {
    const { parameters } = ui.specSelectors.specJson().toJS().components;
    const [example] = Object.values(parameters["Idempotency-Key"].examples);
    if (key === example.value) request.headers["Idempotency-Key"] = newUuid();
  }
  return request;
}

// `crypto.randomUUID` doesn't exist on a page that is served over http from another host.
function newUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // The version.
  bytes[8] = (bytes[8] & 0x3f) | 0x80; // The variant.
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

const ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: document.getElementById("swagger-ui").dataset.document,
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  plugins: [leaveErrorsAlone, findOperations, foldResponses, explainValues],
  requestInterceptor: renewKey,
  onComplete: showError,
});

window.addEventListener("hashchange", showError);
