// The reference for the fan-out of a framework: one socket.io room, in memory. Usage: node sio_node.js PORT
const http = require('http').createServer();
const { Server } = require('socket.io');

const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
let last = 0;
io.on('connection', socket => {
  socket.join('room');
  socket.on('msg', body => io.to('room').emit('msg', { id: ++last, from: socket.id, body }));
});
http.listen(+process.argv[2], '127.0.0.1', 4096);
