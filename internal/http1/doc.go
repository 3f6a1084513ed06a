// Package http1 is a lean engine for plain HTTP/1.1 connections: it reads the requests that nearly all clients send,
// and leaves everything out of the ordinary to net/http.
//
// A request is ordinary if it came whole, small and in the strictest form of RFC 9112: one Host, a body whose length
// is known, none of the headers that change the protocol, no folded lines or lone line feeds. It gets a [net/http.Request]
// and a [net/http.ResponseWriter] like any other, for less than half the processor time: nothing is read in the
// background unless the handler waits for the end of the request's context, no timers are set, and head and body of an
// answer go out in one write.
//
// Any other request goes, with its connection and all that was read of it, to [Config.Fallback]: to a net/http server,
// which stays in charge of that connection. So there is no second opinion here about what is dangerous to have two
// opinions on: chunked bodies, upgrades, Expect, HTTP/1.0, malformed requests of any kind.
package http1
