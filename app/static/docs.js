// Shows the OpenAPI document in Swagger UI.

const docs = document.getElementById("docs");
const dark = matchMedia("(prefers-color-scheme: dark)");
// Swagger UI has both schemes, but lets a class choose.
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// What Swagger UI draws otherwise is hard to follow for people who hear the page.
const accessible = ({ React: { createElement: draw } }) => ({
  components: {
    // Without a main part of its own, as this page has one, without a choice of the only server, and with a heading for
    // those of the operations to come under.
    Page: ({ getComponent, specSelectors }) => {
      const part = (name) => draw(getComponent(name, true));
      return draw("div", { className: "swagger-ui" }, part("SvgAssets"), part("errors"), specSelectors.specStr() &&
        draw("div", { className: "wrapper" }, part("InfoContainer"), draw("h2", { className: "unseen" }, "Operations"),
          part("AuthorizeBtnContainer"), part("operations"), part("Models")));
    },
    // It stands inside a button, where no link can be reached. Opening the operation puts its address into the
    // address bar all the same.
    DeepLink: ({ text }) => draw("span", null, text),
  },
});
// The rest is an attribute each: which elements, which attribute, its value.
const ATTRIBUTES = [
  [".responses-table", "role", "table"], // as a region it would be no table, and one without a name among others
  [".body-param__text", "aria-label", "Body"],
  [".close-modal", "aria-label", "Close"],
  [".auth-container h6", "aria-level", "5"], // what comes before is of level 4
];
new MutationObserver(() => {
  for (const [selector, name, value] of ATTRIBUTES)
    for (const element of docs.querySelectorAll(selector)) element.setAttribute(name, value);
}).observe(docs, { childList: true, subtree: true });

SwaggerUIBundle({
  url: docs.dataset.document,
  domNode: docs,
  plugins: [accessible],
  layout: "Page",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  syntaxHighlight: { theme: "tomorrow-night" }, // the usual one has too little contrast
  tryItOutEnabled: false,
  persistAuthorization: false, // an access token is not left behind in the browser
  validatorUrl: null, // nothing leaves for another host
});
