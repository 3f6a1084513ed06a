// Package ws is the WebSocket protocol (RFC 6455) for servers: the handshake, the check of origins ([Origins]), frames,
// the closing handshake and compression (RFC 7692). The transports plain WebSocket and Socket.IO use it, as they use
// sendqueue and pooledreader. Begin reading at [Conn].
//
// One goroutine at a time reads a [Conn]: it takes messages that have come with [Conn.Next] and waits for more with
// [Conn.Read]. While nothing comes the connection has no read buffer. Any goroutine may send. Sent messages wait in the
// connection's send queue, so several replies need one write. A message for many clients is encoded as a frame once, with
// [TextFrame] or [DeflatedTextFrame].
//
// A client's violation of the protocol becomes a [CloseError]. [Conn.Finish] sends it to the client and closes the
// connection.
package ws
