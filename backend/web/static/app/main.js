import { App } from './app.js';
import { chat } from './chat.js';
import { html, render } from './preact.js';
import { registerWorker } from './worker.js';

const root = document.getElementById('root');
root.replaceChildren();
render(html`<${App} />`, root);
void chat.start();
void registerWorker();
