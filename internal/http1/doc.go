// Package http1 is the fast path for HTTP/1.1 connections, with or without TLS. It serves the ordinary requests, which nearly
// all clients send, and leaves all other requests to net/http. Begin reading at [Server.Serve].
//
// A request is ordinary if it has up to 24 KiB and is in the strictest form of RFC 9112: one Host header, a body whose length
// is known or that is in chunks without extensions and trailers, no header that changes the protocol, no folded lines and no
// lone line feeds. A request of HTTP/1.0 is ordinary if it has no body and its connection ends after the response. The handler gets a
// [net/http.Request] and a [net/http.ResponseWriter] like the handlers of net/http. The fast path needs less than half
// the processor time of net/http, for three reasons. It reads in the background only if the handler calls Done or Err
// of the request's context. It sets no timers. It sends the head and body of a small response in one write.
//
// Invariant: if a request is not ordinary, this package passes the connection and all bytes that were read to
// [Config.Fallback]. A net/http server then also serves the later requests of the connection. This package therefore
// never interprets input that two HTTP parsers may read differently, which would be dangerous. This input includes
// upgrades, chunks together with a length, and malformed requests of any kind. The fuzz target FuzzSameAsNetHTTP checks that
// net/http gives every ordinary request the same meaning and the same end.
package http1
