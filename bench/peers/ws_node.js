// The reference for fan-out: Node's `ws`. It sends every text to all clients, in memory. Usage: node ws_node.js PORT
const { WebSocketServer, WebSocket } = require('ws');

const options = { host: '127.0.0.1', port: +process.argv[2], perMessageDeflate: false, backlog: 4096 };
const server = new WebSocketServer(options);
server.on('connection', client => client.on('message', data => {
  for (const other of server.clients) {
    if (other.readyState === WebSocket.OPEN) other.send(data, { binary: false });
  }
}));
