// Package ws is the WebSocket protocol (RFC 6455) for servers: the handshake, who may connect ([Origins]), frames, the
// closing handshake and compression (RFC 7692). The transports that ride on it, plain WebSocket and Socket.IO, share
// it as they share outbox and idleread.
//
// A [Loop] is read by one goroutine at a time, which takes the messages that have come with [Conn.Next] and waits for
// more with [Conn.Read]; while nothing comes it has no buffer. Any goroutine may send. What is sent waits in the
// connection's outbox, so what several answers need is one write, and a message for many clients is made into a frame
// once, with [TextFrame] or [DeflatedTextFrame].
//
// What a client does wrong becomes a [CloseError], which [Conn.Finish] tells it before the connection is closed.
package ws
