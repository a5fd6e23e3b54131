// Shows the OpenAPI document in Swagger UI.

const docs = document.getElementById("docs");
const dark = matchMedia("(prefers-color-scheme: dark)");
// Swagger UI has both schemes, but lets a class choose.
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: docs.dataset.document,
  domNode: docs,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: false,
  persistAuthorization: false, // an access token is not left behind in the browser
  validatorUrl: null, // nothing leaves for another host
});
