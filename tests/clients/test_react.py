"""The React hooks of examples/, with React itself in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Route

from tests.clients.conftest import BLANK, Person, Tab
from tests.openapi.node import PACKAGES, installed
from tests.servers import ROOT

FILES = {
    "react": "react/cjs/react.development.js",
    "scheduler": "scheduler/cjs/scheduler.development.js",
    "react-dom": "react-dom/cjs/react-dom.development.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.development.js",
}
NAMES = {
    "react": (
        "createContext",
        "createElement",
        "StrictMode",
        "useCallback",
        "useContext",
        "useState",
        "useSyncExternalStore",
    ),
    "react-dom/client": ("createRoot",),
}
LOADER = """const process = { env: { NODE_ENV: 'development' } };
const loaded = new Map();
export const load = (name) => {
  if (!loaded.has(name)) {
    const module = { exports: {} };
    loaded.set(name, module);
    sources[name](module, module.exports, load);
  }
  return loaded.get(name).exports;
};
const sources = {
%s
};
"""
APPLICATION = """async ([id, account]) => {
  const { createElement, StrictMode, useState } = await import('/app/react.js');
  const { createRoot } = await import('/app/react-dom-client.js');
  const { ChatContext, useConnection, useConversation, useInbox } = await import('/app/hooks.js');
  const { Confab } = await import('/confab.js');
  document.body.innerHTML = '<div id="root"></div>';
  const chat = (window.chat = new Confab());
  window.watched = 0;
  window.torn = [];
  window.renders = 0;
  const room = chat.conversation(id);
  for (const value of [chat.state, chat.inbox, room.info, room.messages, room.members, room.typing, room.readers, room.outbox]) {
    const subscribe = value.subscribe.bind(value);
    value.subscribe = (listener) => {
      window.watched += 1;
      const end = subscribe(listener);
      return () => {
        window.watched -= 1;
        end();
      };
    };
  }
  const Messages = ({ name }) => {
    window.renders += 1;
    const { messages } = useConversation(id);
    const items = messages.map((message) => createElement('li', { key: message.id }, message.content));
    return createElement('ol', { id: name }, items);
  };
  const Inbox = () => {
    const row = useInbox().find((each) => each.id === id);
    return createElement('p', { id: 'unread' }, String(row?.unread_count ?? ''));
  };
  const Composer = () => {
    const { conversation, outbox } = useConversation(id);
    const send = () => conversation.send({ content: 'from React' });
    return createElement('button', { onClick: send }, `Send (${outbox.length})`);
  };
  const Application = () => {
    const [isShown, show] = useState(true);
    window.show = show;
    const status = createElement('p', { id: 'status' }, useConnection().status);
    if (!isShown) return status;
    const lists = ['one', 'two'].map((name) => createElement(Messages, { key: name, name }));
    return createElement('div', null, status, createElement(Inbox), createElement(Composer), lists);
  };
  const root = (window.root = createRoot(document.getElementById('root')));
  const element = createElement(ChatContext.Provider, { value: chat }, createElement(Application));
  root.render(createElement(StrictMode, null, element));
  new MutationObserver(() => {
    const [one, two] = ['one', 'two'].map((name) => document.getElementById(name)?.textContent);
    if (one !== two) window.torn.push([one, two]);
  }).observe(document.getElementById('root'), { childList: true, subtree: true, characterData: true });
  void chat.start();
  await chat.auth.login(account);
}"""


def module(name: str) -> str:
    """React comes as CommonJS alone: one module with its files, which exports what `name` does."""
    if name == "loader":
        files = ",\n".join(
            f"{json.dumps(name)}: (module, exports, require) => {{\n{(PACKAGES / path).read_text()}\n}}"
            for name, path in FILES.items()
        )
        return LOADER % files
    return f"import {{ load }} from '/app/loader.js';\nexport const {{ {', '.join(NAMES[name])} }} = load('{name}');\n"


@pytest.fixture
def application(open_tab: Callable[[], Tab]) -> Tab:
    """A page of the server with React and the hooks at /app/. The page itself has to come from the server: a browser does not let
    one that it got otherwise connect to this machine.
    """
    installed("react")
    tab = open_tab()
    hooks = (ROOT / "examples" / "react.js").read_text()
    served = {
        "/app/loader.js": module("loader"),
        "/app/hooks.js": hooks.replace("from 'react'", "from '/app/react.js'"),
        **{f"/app/{name.replace('/', '-')}.js": module(name) for name in NAMES},
    }

    def serve(route: Route) -> None:
        route.fulfill(
            content_type="text/javascript; charset=utf-8", body=served[route.request.url.removeprefix(tab.url)]
        )

    tab.page.route(f"{tab.url}/app/**", serve)
    tab.page.goto(tab.url + BLANK)
    return tab


def test_the_hooks_render_what_changes(application: Tab, person: Callable[[], Person]) -> None:
    tab, ann, bob = application, person(), person()
    room = ann.api.room(bob.api)["conversation_id"]
    faults: list[str] = []
    tab.page.on(
        "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
    )
    tab.page.on("pageerror", lambda error: faults.append(str(error)))
    tab.run(APPLICATION, [room, ann.account])
    tab.until("document.getElementById('status').textContent === 'live'")
    for number in range(10):
        bob.api.send(f"{number};", conversation_id=room)
    texts = "".join(f"{number};" for number in range(10))
    tab.until("text => document.getElementById('one').textContent === text", texts)
    tab.until("document.getElementById('unread').textContent === '10'")
    tab.page.get_by_role("button").click()
    tab.until("text => document.getElementById('two').textContent === text", f"{texts}from React")
    tab.until("document.querySelector('button').textContent === 'Send (0)'")
    assert tab.run("torn") == []
    assert tab.run("watched") == 2 + 3 * 6  # the state, the inbox, and three components with the conversation
    tab.run("show(false)")
    tab.until("watched === 1")
    renders = tab.run("renders")
    bob.api.send("not shown", conversation_id=room)
    tab.until("id => chat.conversation(id).messages.value.at(-1).content === 'not shown'", room)
    assert tab.run("renders") == renders
    tab.run("show(true)")
    tab.until("document.querySelectorAll('#one li').length === 12")
    tab.run("root.unmount()")
    assert tab.run("watched") == 0
    assert tab.run("torn") == []
    assert faults == []
