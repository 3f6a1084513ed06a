// Package ws implements the WebSocket protocol (RFC 6455) for servers: the handshake, the check of origins (package browserguard),
// frames, the closing handshake and compression (RFC 7692). The transports plain WebSocket and Socket.IO share package
// ws, in the same way as they share the packages sendqueue and pooledreader. Begin reading at [Conn].
//
// Only one goroutine may read a [Conn] at the same time. This goroutine takes received messages with [Conn.Next], and
// calls [Conn.Read] to wait for more bytes. While no bytes come, the connection has no read buffer. Any goroutine may
// send. Sent messages wait in the connection's send queue, so that one write can send several replies. A message for
// many clients is encoded as a frame once, with [TextFrame] or [DeflatedTextFrame].
//
// If a client violates the protocol, Next or Read returns a [CloseError]. [Conn.Finish] sends the code and reason of
// this error to the client and closes the connection.
package ws
