"""One WebSocket connection: frames in and out, backpressure, close."""
