// Package ws implements the WebSocket protocol (RFC 6455) for servers: the handshake, the check of origins ([Origins]),
// frames, the closing handshake and compression (RFC 7692). The transports plain WebSocket and Socket.IO use package
// ws, as they use sendqueue and pooledreader. Begin reading at [Conn].
//
// One goroutine at a time reads a [Conn]. The goroutine takes received messages with [Conn.Next] and blocks in
// [Conn.Read] until more bytes come. While no bytes come, the connection has no read buffer. Any goroutine may send.
// Sent messages wait in the connection's send queue, so several replies need one write. A message for many clients is
// encoded as a frame once, with [TextFrame] or [DeflatedTextFrame].
//
// If a client violates the protocol, Next or Read returns a [CloseError]. [Conn.Finish] sends the code and reason of
// this error to the client and closes the connection.
package ws
