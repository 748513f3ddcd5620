// Swagger UI's own style sheet has a dark half, behind a class.
const night = matchMedia('(prefers-color-scheme: dark)');
const dress = () => document.documentElement.classList.toggle('dark-mode', night.matches);
night.addEventListener('change', dress);
dress();

// The password flow sends no id or secret of a client, because this server has no clients. docs.css hides their fields.
const withoutClient = () => ({
  statePlugins: {
    auth: { wrapActions: { authorizePassword: (authorize) => (auth) => authorize({ ...auth, passwordType: 'request-body' }) } },
  },
});

// The dialog of Authorize begins with the username. By itself Swagger UI focuses the last field, and scrolls down to it.
const startWithUsername = () => ({
  wrapComponents: {
    authorizationPopup:
      (Popup, { React }) =>
      (props) => {
        React.useEffect(() => document.getElementById('oauth_username')?.focus(), []);
        return React.createElement(Popup, props);
      },
  },
});

// Swagger UI over this server's own document. Nothing is asked of another host: the validator's badge is off.
window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'list',
  displayOperationId: false,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  filter: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [withoutClient, startWithUsername],
  layout: 'BaseLayout',
});
