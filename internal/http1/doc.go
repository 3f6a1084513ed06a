// Package http1 is the fast path for HTTP/1.1 connections without TLS. It serves the ordinary requests, which nearly
// all clients send, and leaves all other requests to net/http. Begin reading at [Server.Serve].
//
// A request is ordinary if it is small and in the strictest form of RFC 9112: one Host header, a body whose length is
// known, no header that changes the protocol, no folded lines and no lone line feeds. The handler gets a
// [net/http.Request] and a [net/http.ResponseWriter] like the handlers of net/http. The fast path needs less than half
// the processor time of net/http, for three reasons: nothing is read in the background unless the handler asks for the
// end of the request's context, no timers are set, and the head and body of a response go out in one write.
//
// Invariant: any other request goes to [Config.Fallback], with its connection and all bytes that were read. A net/http
// server keeps that connection from then on. This package therefore never interprets input on which two parsers may
// disagree, because a disagreement is dangerous. This input includes chunked bodies, upgrades, Expect, HTTP/1.0 and
// malformed requests of any kind.
package http1
